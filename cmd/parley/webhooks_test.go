package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebhooks_AddListRemove(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
	}))
	defer receiver.Close()
	data := filepath.Join(t.TempDir(), "data")
	startService(t, data)
	run := func(want int, args ...string) *process {
		t.Helper()
		p := startProgram(t, nil, append(append([]string{"webhooks"}, args...), "--connection", filepath.Join(data, "connection.json"))...)
		if code := p.wait(startLimit); code != want {
			t.Fatalf("%v: exit %d: %s", args, code, p.output)
		}
		return p
	}
	if text := run(0, "add", "audit", receiver.URL, "--cloud-events", "--signed").output.String(); !strings.Contains(text, "active") || !strings.Contains(text, "whsec_") {
		t.Errorf("%s", text)
	}
	if text := run(0, "list", "--json").stdout.String(); !strings.Contains(text, receiver.URL) || strings.Contains(text, "whsec_") {
		t.Errorf("%s", text)
	}
	if text := run(0, "dead-letters").stdout.String(); !strings.Contains(text, "REASON") {
		t.Errorf("%s", text)
	}
	run(0, "remove", "audit")
	if text := run(1, "remove", "audit").output.String(); !strings.Contains(text, "no webhook of that name") {
		t.Errorf("%s", text)
	}
	run(1, "redeliver", "x")
	run(2, "add", "audit")
}
