package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
)

func TestChat_RunningService(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	startService(t, data)
	run := func(want int, args ...string) *process {
		t.Helper()
		p := startProgram(t, nil, append(append([]string{"chat"}, args...), "--connection", filepath.Join(data, "connection.json"))...)
		if code := p.wait(startLimit); code != want {
			t.Fatalf("%v: exit %d: %s", args, code, p.output)
		}
		return p
	}
	if text := run(0, "threads", "--user", "8:acs:nobody").stdout.String(); !strings.Contains(text, "LAST MESSAGE") {
		t.Errorf("%s", text)
	}
	if text := run(0, "threads", "--json").stdout.String(); !strings.Contains(text, `"threads":[]`) {
		t.Errorf("%s", text)
	}
	if text := run(1, "export", "19:nothing@thread.v2").output.String(); !strings.Contains(text, "not found") {
		t.Errorf("%s", text)
	}
	if text := run(2, "erase", "--thread", "19:nothing@thread.v2").output.String(); !strings.Contains(text, "--yes") {
		t.Errorf("%s", text)
	}
	if text := run(1, "erase", "--thread", "19:nothing@thread.v2", "--yes").output.String(); !strings.Contains(text, "not found") {
		t.Errorf("%s", text)
	}
	run(1, "erase", "--user", "somebody", "--yes")
	run(1, "threads", "--resource", "nothing")
}

// TestChat_Export: an export is written as it comes, and one without its end is
// an error.
func TestChat_Export(t *testing.T) {
	answer := ""
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("thread") != "19:a@thread.v2" || r.URL.Query().Get("resource") != "two" {
			t.Errorf("%s", r.URL)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer fake.Close()
	folder := t.TempDir()
	connection, err := json.Marshal(server.Connection{ARMEndpoint: fake.URL, ARMToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	file, out := filepath.Join(folder, "connection.json"), filepath.Join(folder, "thread.jsonl")
	if err := os.WriteFile(file, connection, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		`{"thread":{}}` + "\n" + `{"end":{"messages":0}}` + "\n": true,
		`{"thread":{}}` + "\n": false,
		`{"thread":{}}` + "\n" + `{"message":{"content":"{\"end\":`: false,
		"": false,
	} {
		answer = text
		cmd := newChat()
		cmd.SetArgs([]string{"export", "19:a@thread.v2", "--resource", "two", "--connection", file, "--out", out})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if err := cmd.ExecuteContext(t.Context()); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := os.ReadFile(out); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestChat_ExportAndErase: what somebody wrote over REST is exported, and gone
// after it was erased.
func TestChat_ExportAndErase(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	startService(t, data)
	file := filepath.Join(data, "connection.json")
	run := func(args ...string) string {
		t.Helper()
		p := startProgram(t, nil, append(append([]string{"chat"}, args...), "--connection", file)...)
		if code := p.wait(startLimit); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, p.output)
		}
		return p.stdout.String()
	}
	user, thread := conversation(t, file)
	if text := run("threads", "--user", user); !strings.Contains(text, thread) || !strings.Contains(text, `"lunch"`) {
		t.Errorf("%s", text)
	}
	lines := strings.Split(strings.TrimSpace(run("export", thread)), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], `{"thread":{"id":"`+thread) || !strings.Contains(lines[4], "soup") || lines[5] != `{"end":{"messages":3}}` {
		t.Errorf("%s", lines)
	}
	if text := run("erase", "--user", user, "--yes"); text != "Erased: messages 1, threads 1.\n" {
		t.Errorf("%s", text)
	}
	if text := run("export", thread); strings.Contains(text, "soup") || !strings.Contains(text, "deletedOn") {
		t.Errorf("%s", text)
	}
	if text := run("erase", "--thread", thread, "--yes", "--json"); !strings.Contains(text, `"threads":1`) {
		t.Errorf("%s", text)
	}
}

// conversation lets somebody write into a thread over REST.
func conversation(t *testing.T, file string) (user, thread string) {
	t.Helper()
	c, client, err := manager(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	options := core.ClientOptions{Transport: client}
	users, err := identity.NewClientFromConnectionString(c.ConnectionString, &identity.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	alice, err := users.CreateUserAndToken(t.Context(), []identity.TokenScope{identity.TokenScopeChat}, nil)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := common.NewStaticTokenCredential(*alice.AccessToken.Token)
	if err != nil {
		t.Fatal(err)
	}
	threads, err := chat.NewClient(c.Endpoint, credential, &chat.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	made, err := threads.CreateThread(t.Context(), "lunch", nil)
	if err != nil {
		t.Fatal(err)
	}
	one, err := threads.NewThreadClient(*made.Thread.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.SendMessage(t.Context(), "soup", nil); err != nil {
		t.Fatal(err)
	}
	return alice.User.Identifier().RawID(), *made.Thread.ID
}
