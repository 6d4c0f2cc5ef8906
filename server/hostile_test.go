package server_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// hostile is a service that is treated badly over real sockets, with all that
// it logs.
type hostile struct {
	*rest
	t   *testing.T
	srv *server.Server
	log *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newHostile(t *testing.T, options server.Options) *hostile {
	t.Helper()
	log := &safeBuffer{}
	options.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := start(t, options)
	h := &hostile{rest: newREST(t, srv), t: t, srv: srv, log: log}
	// Whatever was done to it: it goes on, nothing broke, nothing leaked.
	t.Cleanup(func() {
		if a := h.post("/identities", ""); a.StatusCode != http.StatusCreated {
			t.Errorf("afterwards: %d %s", a.StatusCode, a.body)
		}
		text := log.String()
		for _, word := range []string{"panic", "goroutine ", "request failed"} {
			if i := strings.Index(text, word); i >= 0 {
				t.Errorf("the log has %q: %.2000s", word, text[i:])
			}
		}
		for _, secret := range []string{h.conn.AccessKey, h.conn.ARMToken, "Signature="} {
			if strings.Contains(text, secret) {
				t.Error("the log has a secret")
			}
		}
	})
	return h
}

// dial opens a connection to the plain or the encrypted port.
func (h *hostile) dial(encrypted bool) net.Conn {
	h.t.Helper()
	addr := strings.TrimPrefix(h.conn.HTTPEndpoint, "http://")
	var conn net.Conn
	var err error
	if encrypted {
		addr = strings.TrimPrefix(h.conn.Endpoint, "https://")
		conn, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool(h.t, h.conn), NextProtos: []string{"http/1.1"}})
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	// Nothing waits for ever; nothing is asserted about how long it took.
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

// raw sends bytes as they are and reads one answer; nil when the connection
// was closed without.
func (h *hostile) raw(text string) *answer {
	h.t.Helper()
	conn := h.dial(false)
	defer conn.Close()
	go io.WriteString(conn, text) // it may be cut off on purpose
	method, _, _ := strings.Cut(text, " ")
	return readAnswerTo(h.t, conn, method)
}

func readAnswer(t *testing.T, conn net.Conn) *answer { return readAnswerTo(t, conn, http.MethodPost) }

func readAnswerTo(t *testing.T, conn net.Conn, method string) *answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "reset") {
		return nil
	}
	if err != nil {
		t.Fatalf("neither an answer nor the end: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return &answer{resp, body}
}

func (h *hostile) host() string { return strings.TrimPrefix(h.conn.HTTPEndpoint, "http://") }

// head returns the head of a signed request whose body has the hash.
func (h *hostile) head(method, target string, hash []byte, more string) string {
	h.t.Helper()
	date, sum := time.Now().UTC().Format(http.TimeFormat), base64.StdEncoding.EncodeToString(hash)
	text := acswire.StringToSign(method, target, []string{date, h.host(), sum})
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nx-ms-date: %s\r\nx-ms-content-sha256: %s\r\n"+
		"Authorization: HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=%s\r\nContent-Type: application/json\r\n%s\r\n",
		method, target, h.host(), date, sum, base64.StdEncoding.EncodeToString(acswire.Signature(h.key(), text)), more)
}

// wants checks a refusal in the contract's form.
func (a *answer) wants(t *testing.T, name string, status int, code string) {
	t.Helper()
	if a == nil {
		t.Errorf("%s: no answer, want %d %s", name, status, code)
		return
	}
	if e := a.error(t); a.StatusCode != status || e.Code != code || e.Message == "" || a.Header.Get("x-ms-error-code") != code ||
		a.Header.Get("x-ms-request-id") == "" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %d %s %v, want %d %s", name, a.StatusCode, a.body, a.Header, status, code)
	}
}

const createTarget = "/identities?api-version=" + apiVersion

func TestHostile_Bodies(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	const scopes = `{"createTokenWithScopes":["chat"]`
	for _, test := range []struct {
		name, body, contentType string
		status                  int
		code                    string
	}{
		{"10,000 deep objects", strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000), "", 400, "BadRequest"},
		{"10,000 deep arrays", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), "", 400, "BadRequest"},
		{"500,000 deep without end", strings.Repeat("[", 500000), "", 400, "BadRequest"},
		{"deep in a member that nobody knows", scopes + `,"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "}", "", 400, "BadRequest"},
		{"a member twice", scopes + `,"createTokenWithScopes":["voip"]}`, "", 400, "BadRequest"},
		{"a member twice, escaped", scopes + `,"createTokenWithScope\u0073":["voip"]}`, "", 400, "BadRequest"},
		{"a member twice, in another case", scopes + `,"CreateTokenWithScopes":["voip"]}`, "", 400, "BadRequest"},
		{"an unknown member twice", `{"x":1,"x":2}`, "", 400, "BadRequest"},
		{"100,000 members, the last twice", manyMembers(), "", 400, "BadRequest"},
		{"not UTF-8", "{\"x\":\"\xff\xfe\"}", "", 400, "BadRequest"},
		{"half a surrogate pair", `{"x":"\ud800"}`, "", 400, "BadRequest"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "", 400, "BadRequest"},
		{"zero bytes", "{}\x00", "", 400, "BadRequest"},
		{"XML", "<a/>", "application/xml", 415, "UnsupportedMediaType"},
		{"a form", "a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"},
		{"plain text", "{}", "text/plain", 415, "UnsupportedMediaType"},
		{"parts", "--x--", "multipart/form-data; boundary=x", 415, "UnsupportedMediaType"},
		{"another charset", "{}", "application/json; charset=utf-16le", 415, "UnsupportedMediaType"},
		{"a type that is none", "{}", "application/json;;;=", 415, "UnsupportedMediaType"},
		{"a long type", "{}", "application/" + strings.Repeat("x", 10000), 415, "UnsupportedMediaType"},
		{"a number of 100,000 digits", `{"expiresInMinutes":` + strings.Repeat("9", 100000) + "}", "", 400, "ValidationError"},
		{"an exponent", `{"createTokenWithScopes":["chat"],"expiresInMinutes":1e400}`, "", 400, "ValidationError"},
		{"a list in place of an object", `[1]`, "", 400, "ValidationError"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := h.request(http.MethodPost, createTarget, test.body)
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			h.do(req).wants(t, test.name, test.status, test.code)
		})
	}
	t.Run("compressed", func(t *testing.T) {
		req := h.request(http.MethodPost, createTarget, "\x1f\x8b\x08")
		req.Header.Set("Content-Encoding", "gzip")
		h.do(req).wants(t, "compressed", 415, "UnsupportedMediaType")
	})
}

func manyMembers() string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 80000 {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	return b.String() + `"79999":0}`
}

// zeros writes n zero bytes without holding them.
func zeros(w io.Writer, n int) error {
	block := make([]byte, 64<<10)
	for n > 0 {
		m, err := w.Write(block[:min(n, len(block))])
		if err != nil {
			return err
		}
		n -= m
	}
	return nil
}

// TestHostile_LargeBodies sends 100 MB in every way: what is not wanted is
// neither read to its end nor held in memory.
func TestHostile_LargeBodies(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	const size = 100 << 20
	hash := sha256.New()
	if err := zeros(hash, size); err != nil {
		t.Fatal(err)
	}
	sum := hash.Sum(nil)
	unsigned := "POST " + createTarget + " HTTP/1.1\r\nHost: " + h.host() + "\r\nContent-Type: application/json\r\n"
	for _, test := range []struct {
		name, head string
		chunked    bool
		status     int
		code       string
	}{
		{"announced and signed", h.head("POST", createTarget, sum, fmt.Sprintf("Content-Length: %d\r\n", size)), false, 413, "PayloadTooLarge"},
		{"in chunks, signed", h.head("POST", createTarget, sum, "Transfer-Encoding: chunked\r\n"), true, 413, "PayloadTooLarge"},
		{"announced, nobody's", unsigned + fmt.Sprintf("Content-Length: %d\r\n\r\n", size), false, 401, "Denied"},
		{"in chunks, nobody's", unsigned + "Transfer-Encoding: chunked\r\n\r\n", true, 401, "Denied"},
		{"for no version", "POST /identities HTTP/1.1\r\nHost: " + h.host() + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", size), false, 400, "ApiVersionUnspecified"},
		{"for no path", "POST /x HTTP/1.1\r\nHost: " + h.host() + "\r\nTransfer-Encoding: chunked\r\n\r\n", true, 404, "NotFound"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 3 {
				conn := h.dial(false)
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					if _, err := io.WriteString(conn, test.head); err != nil {
						return
					}
					// It is cut off when the service has seen enough.
					if test.chunked {
						_ = chunks(conn, size)
					} else {
						_ = zeros(conn, size)
					}
				}()
				readAnswer(t, conn).wants(t, test.name, test.status, test.code)
				conn.Close()
				<-sent
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 40<<20 {
				t.Errorf("%d MB were allocated for 3 bodies", grown>>20)
			}
		})
	}
}

func chunks(w io.Writer, n int) error {
	block := append([]byte("10000\r\n"), make([]byte, 64<<10)...)
	block = append(block, "\r\n"...)
	for ; n > 0; n -= 64 << 10 {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "0\r\n\r\n")
	return err
}

// TestHostile_Paths asks for anything: the answer is a refusal in the
// contract's form, never a failure.
func TestHostile_Paths(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	parts := []string{
		"/", "//", ".", "..", "identities", ":issueAccessToken", ":revokeAccessTokens", "%2F", "%2f", "%00", "%", "%25", "%zz", "8:acs:", "_", "*", ";", "=", "+", "~",
		"%FF", "%C3%A9", "é", "teamsUser", "access", "subscriptions", "providers", "Microsoft.Communication", "openapi", ".well-known", "{id}", "\\", "?", "&", "api-version=" + apiVersion,
		"api-version=2025-06-30", "api-version=", strings.Repeat("a", 3000), "#", "<script>", "'", "\"", "|",
	}
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND"}
	testkit.Repeat(t, 300, 20000, func(seed uint64) error {
		random := rand.New(rand.NewPCG(seed, 7))
		var target strings.Builder
		target.WriteByte('/')
		for range random.IntN(9) {
			target.WriteString(parts[random.IntN(len(parts))])
			if random.IntN(2) == 0 {
				target.WriteByte('/')
			}
		}
		if random.IntN(3) > 0 {
			target.WriteString("?api-version=" + apiVersion)
		}
		method := methods[random.IntN(len(methods))]
		a := h.raw(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, target.String(), h.host()))
		switch {
		case a == nil:
			return fmt.Errorf("%s %q: no answer", method, target.String())
		case a.StatusCode < 400 && strings.Contains(target.String(), "identities/") || a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented:
			return fmt.Errorf("%s %q: %d %s", method, target.String(), a.StatusCode, a.body)
		}
		return nil
	})
}

// TestHostile_Signatures changes one thing at a time in a request that is
// good: none of them may pass.
func TestHostile_Signatures(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	body := `{"createTokenWithScopes":["chat"]}`
	hash := sha256.Sum256([]byte(body))
	testkit.Repeat(t, 300, 20000, func(seed uint64) error {
		random := rand.New(rand.NewPCG(seed, 8))
		head := h.head("POST", createTarget, hash[:], fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n", len(body)))
		begin := strings.Index(head, "x-ms-date")
		end := strings.Index(head, "Content-Type")
		text := []byte(head)
		at := begin + random.IntN(end-begin)
		old := text[at]
		switch random.IntN(3) {
		case 0:
			text[at] = byte(32 + random.IntN(95))
		case 1:
			text[at] ^= 1 << random.IntN(8)
		case 2:
			text = append(text[:at], text[at+1:]...)
		}
		if len(text) == len(head) && (text[at] == old || bytes.EqualFold([]byte{text[at]}, []byte{old})) {
			return nil // names may be written either way
		}
		a := h.raw(string(text) + body)
		// A broken header may make the request malformed; a date that lost a
		// leading space is the same date.
		if a != nil && a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusBadRequest && !equivalent(head, string(text)) {
			return fmt.Errorf("byte %d of %q: %d %s", at, text, a.StatusCode, a.body)
		}
		return nil
	})
}

// equivalent tells whether two heads say the same although they differ.
func equivalent(a, b string) bool {
	read := func(s string) http.Header {
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(s)))
		if err != nil {
			return nil
		}
		h := req.Header
		h.Set("Authorization", strings.ToLower(strings.ReplaceAll(h.Get("Authorization"), " ", ""))[:60])
		return h
	}
	x, err := json.Marshal(read(a))
	if err != nil {
		return false
	}
	y, err := json.Marshal(read(b))
	return err == nil && bytes.Equal(x, y)
}
