package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/server"
)

func TestKeys_ListAndRotate(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	service, c := startService(t, data)
	file := filepath.Join(data, "connection.json")
	run := func(args ...string) *process {
		t.Helper()
		p := startProgram(t, nil, append(append([]string{"keys"}, args...), "--connection", file)...)
		if code := p.wait(startLimit); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, p.output)
		}
		return p
	}
	read := func(p *process) (list server.SigningKeys) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.stdout.String()), &list); err != nil {
			t.Fatalf("%v: %s", err, p.stdout)
		}
		return list
	}
	before := read(run("list", "--json"))
	if len(before.Keys) != 1 || before.Keys[0].State != "active" {
		t.Errorf("%+v", before)
	}
	after := read(run("rotate", "--json"))
	if len(after.Keys) != 2 || after.Keys[0].State != "published" || after.Keys[1].ID != before.Keys[0].ID || after.Keys[1].Retires == nil {
		t.Errorf("%+v", after)
	}
	if text := run("rotate", "--now").stdout.String(); !strings.Contains(text, "KNOWN UNTIL") || !strings.Contains(text, "active") {
		t.Errorf("%s", text)
	}
	// Nobody but the operator.
	_, client, err := manager(file)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	for _, authorization := range []string{"", "Bearer x", "Basic x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint+server.SigningKeysPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %s", authorization, resp.Status)
		}
	}
	service.terminate()
	if p := startProgram(t, nil, "keys", "list", "--connection", file); p.wait(startLimit) == 0 {
		t.Error("keys of a service that does not run")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("connection.json is left behind")
	}
}
