package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/server"
)

// start runs the bot until the test ends it.
func start(t *testing.T, c config) (user string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	c.ready = func(user string) { ready <- user }
	go func() { ended <- run(ctx, c) }()
	select {
	case user = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return user, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestService: against a real service the bot is somebody to talk to, also about
// what was said while it was away.
func TestService(t *testing.T) {
	folder := t.TempDir()
	srv, err := server.New(server.Options{DataDir: folder, TURNAddr: "off"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	c := config{connection: filepath.Join(folder, "connection.json"), listen: "127.0.0.1:0", name: "echobot"}
	service, client, err := connect(c.connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	_, alice, err := signIn(t.Context(), service, client, "alice")
	if err != nil {
		t.Fatal(err)
	}
	user, stop := start(t, c)
	bot, err := ident.Parse(user)
	if err != nil {
		t.Fatal(err)
	}
	made, err := alice.CreateThread(t.Context(), "Talk", &chat.ClientCreateThreadOptions{Participants: []chat.Participant{{Identifier: bot}}})
	if err != nil {
		t.Fatal(err)
	}
	thread, err := alice.NewThreadClient(*made.Thread.ID)
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		t.Helper()
		if _, err := thread.SendMessage(t.Context(), text, nil); err != nil {
			t.Fatal(err)
		}
	}
	say("hello")
	hear(t, thread, "You said: hello")
	stop()
	say("are you there?")
	again, stop := start(t, c)
	defer stop()
	if again != user {
		t.Errorf("the bot is %s, and was %s", again, user)
	}
	hear(t, thread, "You said: are you there?")
}

// hear waits for a message of a text.
func hear(t *testing.T, thread *chat.ThreadClient, text string) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for time.Now().Before(limit) {
		pager := thread.NewListMessagesPager(nil)
		for pager.More() {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Value {
				if m.Content != nil && m.Content.Message != nil && *m.Content.Message == text {
					return
				}
			}
		}
	}
	t.Fatalf("nobody said %q", text)
}

var _ http.Handler = (*bot)(nil)
