package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

func get(t *testing.T, srv *server.Server, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(srv.Connection().HTTPEndpoint + path)
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

func scrape(t *testing.T, srv *server.Server) string {
	t.Helper()
	status, body := get(t, srv, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	return body
}

func TestNew_ConnectionFile(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := filepath.Join(t.TempDir(), "made", "here")
	srv := start(t, server.Options{DataDir: dir})
	path := filepath.Join(dir, "connection.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	var got server.Connection
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	var names map[string]any
	if err := json.Unmarshal(data, &names); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"endpoint", "httpEndpoint", "accessKey", "connectionString", "caFile", "armEndpoint", "armToken", "subscriptionId", "phoneNumbers", "pid"} {
		if names[name] == nil || names[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if len(names) != 10 {
		t.Errorf("members %v", names)
	}
	if !strings.HasPrefix(got.Endpoint, "https://localhost:") || !strings.HasPrefix(got.HTTPEndpoint, "http://localhost:") ||
		got.ConnectionString != "endpoint="+got.Endpoint+"/;accesskey="+got.AccessKey || got.PID != os.Getpid() || len(got.PhoneNumbers) != 0 ||
		got.ARMEndpoint != got.Endpoint || len(strings.Split(got.ARMToken, ".")) != 3 || got.CAFile != filepath.Join(dir, "ca.pem") {
		t.Errorf("connection %+v", got)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file outlives the service (%v)", err)
	}
	if testkit.OnPostgreSQL() {
		return // no file
	}
	info, err = os.Stat(filepath.Join(dir, "parley.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("database: mode %v, error %v", info.Mode(), err)
	}
}

func TestHealth_AndMetrics(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 1)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, p.srv, path); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	id, legs := p.ring()
	p.accept(id, legs)
	text := scrape(t, p.srv)
	for _, want := range []string{
		"\nparley_sessions 2\n", "\nparley_calls 1\n", "\nparley_calls_started_total 1\n", "\nparley_calls_accepted_total 1\n",
		"\nparley_calls_ended_total 0\n", "\nparley_turn_allocations 0\n", "\ngo_goroutines ", "\nprocess_resident_memory_bytes ",
		`parley_http_requests_total{method="POST",route="/identities",status="201"} 2`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	p.caller.expectEnd(id, 0, 0)
	waitMetric(t, p.srv, "parley_calls", 0)
	waitMetric(t, p.srv, "parley_calls_ended_total", 1)
}

func TestNew_FolderInUse(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	if _, err := server.New(server.Options{DataDir: dir}); !errors.Is(err, server.ErrInUse) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "connection.json")); err != nil {
		t.Errorf("the second start took the first one's file: %v", err)
	}
	newREST(t, first).user()
}

func TestNew_BadOptions(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "parley.db"), bytes.Repeat([]byte("x"), 10000), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]server.Options{
		"no folder":       {},
		"folder a file":   {DataDir: file},
		"broken database": {DataDir: broken},
		"port taken":      {DataDir: t.TempDir(), HTTPSAddr: taken.Addr().String()},
		"https off":       {DataDir: t.TempDir(), HTTPSAddr: "off"},
		"bad address":     {DataDir: t.TempDir(), HTTPAddr: "nowhere"},
		"bad relay":       {DataDir: t.TempDir(), TURNAddr: "nowhere"},
		"bad public IP":   {DataDir: t.TempDir(), PublicIP: "nowhere"},
	} {
		if srv, err := server.New(options); err == nil {
			t.Errorf("%s: started", name)
			srv.Close()
		}
	}
}

func TestNew_WithoutHTTPAndRelay(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{HTTPAddr: "off", TURNAddr: "off", PublicIP: "203.0.113.9", HTTPSAddr: "0.0.0.0:0"})
	c := srv.Connection()
	if c.HTTPEndpoint != "" || srv.RelayAddr() != "" || !strings.HasPrefix(c.Endpoint, "https://203.0.113.9:") {
		t.Errorf("connection %+v, relay %s", c, srv.RelayAddr())
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestLogs_HoldNoSecrets(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	var logs logBuffer
	srv := start(t, server.Options{Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))})
	p := newPair(t, srv, 1)
	r := newREST(t, srv)
	_, token := r.user()
	id, legs := p.ring()
	p.accept(id, legs)
	p.caller.sendRaw(candidates(id, legs[0], strings.Repeat("a", 1000))) // warned about
	p.caller.expectEnd(id, 410, 3112)
	refused(t, srv, token+"x")
	c := srv.Connection()
	req := r.request(http.MethodPost, "/identities?api-version="+apiVersion, "")
	req.Header.Set("x-ms-date", "never")
	signature := req.Header.Get("Authorization")
	r.do(req)
	// Debug lines of the TLS server, too.
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.Endpoint, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nAuthorization: " + token + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
	conn.Close()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	text := logs.String()
	for name, secret := range map[string]string{
		"access key": c.AccessKey, "resource manager token": c.ARMToken, "token": token, "payload of a token": strings.Split(token, ".")[1],
		"signature": signature, "signature value": signature[strings.LastIndex(signature, "Signature=")+10:],
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s is in the log:\n%s", name, text)
		}
	}
	if !strings.Contains(text, "service ready") || !strings.Contains(text, "call ended") || !strings.Contains(text, id.String()) {
		t.Errorf("the log tells too little:\n%s", text)
	}
}
