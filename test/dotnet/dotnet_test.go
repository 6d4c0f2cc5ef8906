// Package dotnet_test holds the service against what the published source of
// the .NET client says it sends and reads. There is no .NET here to run that
// client: these vectors are made from its rules and count nowhere as a run of
// it.
//
// Its signer (HMACAuthenticationPolicy): method, path and query and the
// authority of System.Uri, the time in format "r"; x-ms-date and Date carry the
// same time and x-ms-date is signed, in the first previews Date alone. Its
// error parser (RequestFailedException): a body that begins with a brace, the
// member error of it or else itself, members code, message, target, details
// and innererror of exactly that spelling; no header counts.
package dotnet_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

const deadline = time.Minute

type vector struct {
	Name, Method, Target, Host, Date, DateHeader, Body, ContentHash, Authorization string
}

// TestSigner_Vectors: the signatures were made by another program from the
// signer's rules.
func TestSigner_Vectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "signatures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		AccessKey string
		Vectors   []vector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(file.AccessKey)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			if got := acswire.ContentHash([]byte(v.Body)); got != v.ContentHash {
				t.Errorf("content hash %s, want %s", got, v.ContentHash)
			}
			authorization, err := acswire.ParseAuthorization(v.Authorization)
			if err != nil {
				t.Fatal(err)
			}
			header := map[string]string{v.DateHeader: v.Date, "host": v.Host, "x-ms-content-sha256": v.ContentHash}
			var values []string
			for _, name := range authorization.SignedHeaders {
				values = append(values, header[name])
			}
			if got := acswire.Signature(key, acswire.StringToSign(v.Method, v.Target, values)); !bytes.Equal(got, authorization.Signature) {
				t.Errorf("signature %s", base64.StdEncoding.EncodeToString(got))
			}
		})
	}
}

// dotnet sends requests of the .NET client's shape.
type dotnet struct {
	t          *testing.T
	connection server.Connection
	client     *http.Client
	key        []byte
	dateHeader string
}

func newDotnet(t *testing.T) *dotnet {
	t.Helper()
	testkit.CheckLeaks(t, deadline)
	var recording, log bytes.Buffer
	srv, err := server.New(server.Options{
		DataDir: t.TempDir(), TURNAddr: "off", HTTPAddr: "off", Record: &recording,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		testkit.CheckContract(t, &recording)
		if c := srv.Connection(); testkit.HasSecret(log.String(), c.AccessKey, c.ARMToken) {
			t.Error("a secret is in the log")
		}
	})
	d := &dotnet{t: t, connection: srv.Connection(), dateHeader: "x-ms-date"}
	pem, err := os.ReadFile(d.connection.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	d.client = &http.Client{Transport: transport}
	if d.key, err = base64.StdEncoding.DecodeString(d.connection.AccessKey); err != nil {
		t.Fatal(err)
	}
	return d
}

// send signs as the .NET client does and returns what it answers.
func (d *dotnet) send(method, target, body string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequest(method, d.connection.Endpoint+target, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	date := time.Now().UTC().Format(http.TimeFormat)
	hash := acswire.ContentHash([]byte(body))
	signature := acswire.Signature(d.key, acswire.StringToSign(method, target, []string{date, req.URL.Host, hash}))
	req.Header.Set("x-ms-content-sha256", hash)
	req.Header.Set("Date", date)
	if d.dateHeader == "x-ms-date" {
		req.Header.Set("x-ms-date", date)
	}
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders="+d.dateHeader+";host;x-ms-content-sha256&Signature="+
		base64.StdEncoding.EncodeToString(signature))
	req.Header.Set("Accept", "application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// must sends and checks the one status that the client takes for success.
func (d *dotnet) must(status int, method, target, body string, into any) {
	d.t.Helper()
	got, text := d.send(method, target, body)
	if got != status {
		d.t.Fatalf("%s %s: %d %s", method, target, got, text)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
}

type accessToken struct {
	Token     string
	ExpiresOn time.Time // as DateTimeOffset.Parse takes it: RFC 3339 with an offset
}

// TestIdentity_RequestsOfEachVersion sends what the client sends, at each
// api-version that its options name.
func TestIdentity_RequestsOfEachVersion(t *testing.T) {
	d := newDotnet(t)
	for _, version := range []string{"2021-03-07", "2022-06-01", "2022-10-01", "2023-08-01", "2023-10-01"} {
		t.Run(version, func(t *testing.T) {
			query := "?api-version=" + version
			var made struct {
				Identity    struct{ ID string }
				AccessToken accessToken
			}
			d.must(http.StatusCreated, http.MethodPost, "/identities"+query, "{}", &made)
			d.must(http.StatusCreated, http.MethodPost, "/identities"+query, `{"createTokenWithScopes":["chat","voip"]}`, &made)
			if made.AccessToken.Token == "" || !made.AccessToken.ExpiresOn.After(time.Now()) {
				t.Errorf("%+v", made)
			}
			path := "/identities/" + url.QueryEscape(made.Identity.ID)
			var token accessToken
			d.must(http.StatusOK, http.MethodPost, path+"/:issueAccessToken"+query, `{"scopes":["chat"]}`, &token)
			d.must(http.StatusNoContent, http.MethodPost, path+"/:revokeAccessTokens"+query, "", nil)
			d.must(http.StatusNoContent, http.MethodDelete, path+query, "", nil)
		})
	}
}

// TestIdentity_FirstPreviewSignsDate: the previews of 2020 sign the Date
// header alone.
func TestIdentity_FirstPreviewSignsDate(t *testing.T) {
	d := newDotnet(t)
	d.dateHeader = "date"
	var user struct{ ID string }
	d.must(http.StatusOK, http.MethodPost, "/identities?api-version=2020-07-20-preview2", "", &user)
	if !strings.HasPrefix(user.ID, "8:acs:") {
		t.Errorf("%+v", user)
	}
}

// responseError is Azure.ResponseError.
type responseError struct {
	Code, Message, Target string
}

// parseError does as the client's parser; false stands for an exception
// without a code.
func parseError(t *testing.T, body string) (responseError, bool) {
	t.Helper()
	if !strings.HasPrefix(body, "{") {
		return responseError{}, false
	}
	// Names count exactly, unlike in encoding/json.
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		return responseError{}, false
	}
	if inner, ok := members["error"]; ok && string(inner) != "null" {
		members = nil
		if err := json.Unmarshal(inner, &members); err != nil {
			return responseError{}, false
		}
	}
	var e responseError
	for name, into := range map[string]*string{"code": &e.Code, "message": &e.Message, "target": &e.Target} {
		if text, ok := members[name]; ok && json.Unmarshal(text, into) != nil {
			return responseError{}, false
		}
	}
	return e, true
}

// TestErrors_TheClientFindsTheirCode reads refusals as the client does.
func TestErrors_TheClientFindsTheirCode(t *testing.T) {
	d := newDotnet(t)
	const foreign = "/identities/8%3Aacs%3A0b1e60ee-7d3e-4ff1-9a2b-5c6f0f5ad1c1_6a1c3c56-2f1e-4f0e-8f5e-3d2f6a1b9c77"
	for _, tt := range []struct {
		name, method, target, body string
		status                     int
		code, field                string
	}{
		{"lifetime", http.MethodPost, "/identities?api-version=2023-10-01", `{"createTokenWithScopes":["chat"],"expiresInMinutes":59}`, 400, "ValidationError", "ExpiresInMinutes"},
		{"user of another resource", http.MethodPost, foreign + "/:issueAccessToken?api-version=2023-10-01", `{"scopes":["chat"]}`, 401, "IdentityNotOwned", ""},
		{"Teams token", http.MethodPost, "/teamsUser/:exchangeAccessToken?api-version=2022-06-01", `{"token":"x","appId":"3a4b1c9e-58a1-4f9b-8d53-2b0c7a1e9f10","userId":"3a4b1c9e-58a1-4f9b-8d53-2b0c7a1e9f10"}`, 401, "InvalidAccessToken", ""},
		{"no version", http.MethodPost, "/identities", "{}", 400, "ApiVersionUnspecified", ""},
		{"unknown version", http.MethodPost, "/identities?api-version=2019-01-01", "{}", 400, "UnsupportedApiVersion", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := d.send(tt.method, tt.target, tt.body)
			got, ok := parseError(t, body)
			if status != tt.status || !ok || got.Code != tt.code || got.Message == "" || got.Target != tt.field {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// TestErrorParser_Vectors keeps the parser above to the rules it was made from.
func TestErrorParser_Vectors(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		ok         bool
		want       responseError
	}{
		{"envelope", `{"error":{"code":"a","message":"b","target":"c","details":[],"innererror":{"code":"d"}}}`, true, responseError{"a", "b", "c"}},
		{"bare", `{"code":"a","message":"b"}`, true, responseError{Code: "a", Message: "b"}},
		{"null envelope", `{"error":null,"code":"a"}`, true, responseError{Code: "a"}},
		{"capitals are other names", `{"Error":{"Code":"a"},"Code":"b"}`, true, responseError{}},
		{"text as envelope", `{"error":"a"}`, false, responseError{}},
		{"number as code", `{"error":{"code":1}}`, false, responseError{}},
		{"byte order mark", "\ufeff{}", false, responseError{}},
		{"HTML", "<html>", false, responseError{}},
		{"nothing", "", false, responseError{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := parseError(t, tt.body); ok != tt.ok || got != tt.want {
				t.Errorf("%+v %v", got, ok)
			}
		})
	}
}
