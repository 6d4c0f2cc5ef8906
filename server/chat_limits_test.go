package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// over checks that something asked over the connection is over a limit.
func (p *person) over(what string, number uint64, within time.Duration) {
	p.t.Helper()
	r := p.result(number)
	if r.GetCode() != http.StatusTooManyRequests || r.GetMessage() == "" || r.GetMessageId() != 0 ||
		r.GetRetryAfterMs() == 0 || time.Duration(r.GetRetryAfterMs())*time.Millisecond > within+time.Second {
		p.t.Errorf("%s: %v", what, r)
	}
}

func (p *person) typing(thread string) uint64 {
	p.t.Helper()
	return p.ask(thread, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Typing{Typing: &signalpb.ChatTyping{}}})
}

// TestChatRates_Connection: with the limits of ACS what is sent over the
// connection counts together with what is sent over REST.
func TestChatRates_Connection(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{Limits: "acs"})
	alice, bob := newPerson(t, srv, "chat"), newPerson(t, srv, "chat")
	thread, other := makeThread(t, alice, bob), makeThread(t, alice, bob)
	rest := &chatUser{rest: newREST(t, srv), id: bob.caller.User, token: bob.token, version: chatVersion}
	done := func(r *signalpb.ChatResult) uint64 {
		t.Helper()
		if r.GetCode() != 0 {
			t.Fatal(r)
		}
		return r.GetMessageId()
	}
	var last uint64
	for i := range 5 {
		last = done(alice.result(alice.say(thread.ID, string(rune('a'+i)), "over the connection")))
		rest.say(thread.ID, "over REST")
	}
	alice.over("an eleventh message", alice.say(thread.ID, "eleven", "x"), 10*time.Second)
	if a := rest.call(http.MethodPost, acswire.ChatThreadPath(thread.ID)+"/messages", `{"content":"x"}`); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("an eleventh message over REST: %d", a.StatusCode)
	}
	done(alice.result(alice.say(other.ID, "other", "another thread")))
	for range 5 {
		done(alice.result(alice.typing(thread.ID)))
	}
	alice.over("typing for the sixth time", alice.typing(thread.ID), 10*time.Second)
	done(bob.result(bob.typing(thread.ID)))
	for range 10 {
		done(bob.result(bob.read(thread.ID, last)))
	}
	bob.over("reading for the eleventh time", bob.read(thread.ID, last), 10*time.Second)
	// Refused: nothing was written, and a later request of another kind is done.
	if r := alice.result(alice.ask(thread.ID, &signalpb.ChatRequest{})); r.GetCode() != http.StatusBadRequest {
		t.Errorf("a request of nothing: %v", r)
	}
	var list acswire.ChatMessagesCollection
	rest.want(200, &list, http.MethodGet, acswire.ChatThreadPath(thread.ID)+"/messages", "")
	if len(list.Value) != 12 { // two tell how the thread was made
		t.Errorf("%d messages", len(list.Value))
	}
}

// TestChatRates_Members: a rule about members of the body meets what is sent
// over the connection with them.
func TestChatRates_Members(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	file := filepath.Join(t.TempDir(), "limits.yaml")
	const rules = `limits:
  - {operations: [ChatThread_SendChatMessage], scope: user, with: metadata, allow: [{requests: 1, per: 1h}]}
  - {operations: [ChatThread_SendChatReadReceipt], scope: "user {chatThreadId}", without: chatMessageId, allow: [{requests: 1, per: 1h}]}
`
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := start(t, server.Options{Limits: file})
	alice, bob := newPerson(t, srv, "chat"), newPerson(t, srv, "chat")
	thread := makeThread(t, alice, bob)
	marked := func(id string) uint64 {
		return alice.ask(thread.ID, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{
			Kind: "text", Content: "x", ClientId: id, Metadata: map[string]string{"k": "v"},
		}}})
	}
	first := alice.result(marked("a"))
	if first.GetCode() != 0 {
		t.Fatal(first)
	}
	alice.over("a second one with metadata", marked("b"), time.Hour)
	for _, id := range []string{"c", "d"} {
		if r := alice.result(alice.say(thread.ID, id, "without")); r.GetCode() != 0 {
			t.Errorf("without metadata: %v", r)
		}
	}
	for range 2 {
		if r := bob.result(bob.read(thread.ID, first.GetMessageId())); r.GetCode() != 0 {
			t.Errorf("a receipt with its message: %v", r)
		}
	}
}
