package server_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// signed is a request as the different SDKs make it; its fields are put on the
// wire as they are.
type signed struct {
	method, target, host, body string
	// What is signed when it differs from what is sent.
	signedTarget, signedHost string
	dateHeader               string // "x-ms-date" or "date"
	date                     string
	hash                     string
	key                      []byte
	authorization            string
	extra                    string
}

func (s signed) headers() string {
	if s.hash == "" {
		s.hash = acswire.ContentHash([]byte(s.body))
	}
	if s.signedTarget == "" {
		s.signedTarget = s.target
	}
	if s.signedHost == "" {
		s.signedHost = s.host
	}
	if s.authorization == "" {
		text := acswire.StringToSign(s.method, s.signedTarget, []string{s.date, s.signedHost, s.hash})
		s.authorization = "HMAC-SHA256 SignedHeaders=" + s.dateHeader + ";host;x-ms-content-sha256&Signature=" +
			base64.StdEncoding.EncodeToString(acswire.Signature(s.key, text))
	}
	return fmt.Sprintf("%s: %s\r\nx-ms-content-sha256: %s\r\nAuthorization: %s\r\n", s.dateHeader, s.date, s.hash, s.authorization)
}

// send writes the request by hand: http.Client would tidy it up.
func (s signed) send(t *testing.T, endpoint string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\nContent-Type: application/json\r\n%s%s\r\n%s",
		s.method, s.target, s.host, len(s.body), s.headers(), s.extra, s.body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestHMAC_Variants(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	id, _ := r.user()
	endpoint := srv.Connection().HTTPEndpoint
	host := strings.TrimPrefix(endpoint, "http://")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	now := func(offset time.Duration) string { return time.Now().Add(offset).UTC().Format(http.TimeFormat) }
	const create = "/identities?api-version=" + apiVersion
	good := signed{method: "POST", target: create, host: host, dateHeader: "x-ms-date", date: now(0), key: r.key()}
	alter := func(change func(*signed)) signed {
		s := good
		change(&s)
		return s
	}
	for _, test := range []struct {
		name    string
		request signed
		status  int
	}{
		{"current SDKs", good, 201},
		{"signed date header", alter(func(s *signed) { s.dateHeader = "date" }), 201},
		{"an unsigned second date has no say", alter(func(s *signed) { s.extra = "Date: " + now(-24*time.Hour) + "\r\n" }), 201},
		{"with a body", alter(func(s *signed) { s.body = `{"createTokenWithScopes":["chat"]}` }), 201},
		{"escaped path", alter(func(s *signed) {
			s.target = "/identities/" + strings.ReplaceAll(id, ":", "%3A") + "/:issueAccessToken?api-version=" + apiVersion
			s.body = `{"scopes":["chat"]}`
		}), 200},
		{"form-encoded query signed, raw one sent", alter(func(s *signed) {
			s.target = create + "&startTime=2020-10-30T10:50:50Z&locality=Seattle%20%C3%9C%20x&y"
			s.signedTarget = create + "&startTime=2020-10-30T10%3A50%3A50Z&locality=Seattle+%C3%9C+x&y="
		}), 201},
		{"doubled port sent and signed", alter(func(s *signed) { s.host += ":" + port }), 201},
		{"doubled port signed only", alter(func(s *signed) { s.signedHost = s.host + ":" + port }), 201},
		{"other host name", alter(func(s *signed) { s.host = "res.communication.azure.com" }), 201},
		{"clock 14 minutes behind", alter(func(s *signed) { s.date = now(-14 * time.Minute) }), 201},
		{"clock 14 minutes ahead", alter(func(s *signed) { s.date = now(14 * time.Minute) }), 201},

		{"clock 16 minutes behind", alter(func(s *signed) { s.date = now(-16 * time.Minute) }), 401},
		{"clock 16 minutes ahead", alter(func(s *signed) { s.date = now(16 * time.Minute) }), 401},
		{"date malformed", alter(func(s *signed) { s.date = "yesterday" }), 401},
		{"date empty", alter(func(s *signed) { s.date = "" }), 401},
		{"wrong key", alter(func(s *signed) { s.key = []byte("wrong") }), 401},
		{"other method signed", alter(func(s *signed) {
			text := acswire.StringToSign("GET", s.target, []string{s.date, s.host, acswire.ContentHash(nil)})
			s.authorization = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" + base64.StdEncoding.EncodeToString(acswire.Signature(s.key, text))
		}), 401},
		{"other path signed", alter(func(s *signed) { s.signedTarget = "/x?api-version=" + apiVersion }), 401},
		{"other query signed", alter(func(s *signed) { s.signedTarget = create + "&x=1" }), 401},
		{"other host signed", alter(func(s *signed) { s.signedHost = "example.com" }), 401},
		{"hash of another body", alter(func(s *signed) { s.hash = acswire.ContentHash([]byte("x")) }), 401},
		{"no hash", alter(func(s *signed) { s.hash = " " }), 401},
		{"path decoded before signing", alter(func(s *signed) {
			s.target = "/identities/" + strings.ReplaceAll(id, ":", "%3A") + "/:issueAccessToken?api-version=" + apiVersion
			s.signedTarget = "/identities/" + id + "/:issueAccessToken?api-version=" + apiVersion
			s.body = `{"scopes":["chat"]}`
		}), 401},
		{"signed header repeated", alter(func(s *signed) { s.extra = "x-ms-date: " + s.date + "\r\n" }), 401},
		{"authorization repeated", alter(func(s *signed) { s.extra = "Authorization: Bearer x\r\n" }), 401},
		{"bearer", alter(func(s *signed) { s.authorization = "Bearer x" }), 401},
		{"signature cut", alter(func(s *signed) {
			s.authorization = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=AAAA"
		}), 401},
		{"hash not signed", alter(func(s *signed) {
			text := acswire.StringToSign(s.method, s.target, []string{s.date, s.host})
			s.authorization = "HMAC-SHA256 SignedHeaders=x-ms-date;host&Signature=" + base64.StdEncoding.EncodeToString(acswire.Signature(s.key, text))
		}), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := test.request.send(t, endpoint)
			if status != test.status {
				t.Errorf("status %d, want %d: %s", status, test.status, body)
			}
			if status == 401 && !strings.Contains(body, `"code":"Denied"`) {
				t.Errorf("body %s", body)
			}
		})
	}
	t.Run("no signature", func(t *testing.T) {
		resp, err := http.Post(endpoint+create, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", resp.StatusCode)
		}
		http.DefaultClient.CloseIdleConnections()
	})
}

func TestHMAC_SecondaryKey(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	// Both keys of a resource are good; the service shows the second one only
	// to the resource manager, so it is read where it is kept.
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	req := r.request(http.MethodPost, "/identities?api-version="+apiVersion, "")
	if err := acswire.Sign(req, server.SecondaryKey(srv), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if a := r.do(req); a.StatusCode != http.StatusCreated {
		t.Errorf("status %d, %s", a.StatusCode, a.body)
	}
}
