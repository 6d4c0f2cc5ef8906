package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// TestRealTime_Cluster: behind a balancer each step may meet another node. What
// is written at one node is told at the other, a client instance has one
// connection in all, and a revocation ends it wherever it is.
func TestRealTime_Cluster(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	nodes := cluster(t, 2)
	one, two := newREST(t, nodes[0]), newREST(t, nodes[1])
	alice, token := listening(t, nodes[0], one)
	thread, _, err := server.ChatService(nodes[0]).CreateThread(t.Context(), alice, chat.NewThread{Topic: "x"})
	if err != nil {
		t.Fatal(err)
	}
	write := func(node int, text string) {
		t.Helper()
		if _, _, err := server.ChatService(nodes[node]).Send(t.Context(), alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: text}); err != nil {
			t.Fatal(err)
		}
	}
	// Allocated and shaken hands with at the first, connected to the second.
	l := allocate(t, one, token, "tab").connect(two)
	for i, text := range []string{"from the first", "from the second"} {
		write(i, text)
		if got := l.expect(200, alice.User); got.MessageBody != text {
			t.Errorf("%+v, want %q", got, text)
		}
	}
	newer := allocate(t, two, token, "tab").connect(one)
	l.over()
	write(1, "to the newer one")
	if got := newer.expect(200, alice.User); got.MessageBody != "to the newer one" {
		t.Errorf("%+v", got)
	}
	polls := allocate(t, one, token, "polls")
	polls.ready()
	if a := two.post("/identities/"+url.PathEscape(alice.User)+"/:revokeAccessTokens", ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	newer.over()
	polls.over()
}

// TestRealTime_PollsAnywhere: behind a balancer that sends each poll to another
// node nothing is missed and nothing comes twice, what the client says is
// heard, and the connection ends for its reasons; when its node is gone the
// client is told to connect again.
func TestRealTime_PollsAnywhere(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	nodes := cluster(t, 3)
	rests := make([]*rest, len(nodes))
	for i := range nodes {
		rests[i] = newREST(t, nodes[i])
	}
	alice, token := listening(t, nodes[0], rests[0])
	thread, _, err := server.ChatService(nodes[0]).CreateThread(t.Context(), alice, chat.NewThread{Topic: "x"})
	if err != nil {
		t.Fatal(err)
	}
	l := allocate(t, rests[0], token, "tab")
	l.nodes = []*rest{rests[1], rests[2], rests[0]}
	l.ready()
	for i := range 12 {
		text, wrote := fmt.Sprint(i), make(chan error, 1)
		go func() { // perhaps while a poll waits
			_, _, err := server.ChatService(nodes[i%3]).Send(t.Context(), alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: text})
			wrote <- err
		}()
		if got := l.expect(200, alice.User); got.MessageBody != text {
			t.Fatalf("%+v, want %q", got, text)
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
	}
	if l.say(`5:1+::{"name":"ping"}`); l.hear() != `6:::1+["pong"]` {
		t.Error("no pong")
	}
	// Another connection of the same client instance takes its place.
	newer := allocate(t, rests[2], token, "tab")
	newer.nodes = []*rest{rests[0], rests[1]}
	newer.ready()
	l.over()
	// The node that has the connection stops: the others say so.
	stopped := nodes[2]
	if err := stopped.Close(); err != nil {
		t.Fatal(err)
	}
	newer.over()
	// What was told last is told to who is late, too; after that there is nothing.
	if a := rests[0].realtimeRequest(http.MethodPost, newer.address("socket.io/1/xhr-polling/"+newer.id, rests[0]), token, "2::"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a word to a node that is gone: %d", a.StatusCode)
	}
	last := allocate(t, rests[1], token, "tab")
	last.nodes = []*rest{rests[0], rests[1]}
	last.ready()
	if a := rests[0].post("/identities/"+url.PathEscape(alice.User)+"/:revokeAccessTokens", ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	last.over()
	for _, r := range rests[:2] {
		if a := r.realtimeRequest(http.MethodGet, last.address("socket.io/1/xhr-polling/"+last.id, r), "", ""); a.StatusCode == http.StatusOK && string(a.body) != "0::" {
			t.Errorf("after the end: %d %s", a.StatusCode, a.body)
		}
	}
}

// TestRealTime_BusWasAway: a node that has not heard of a revocation ends the
// connection when the bus is back. Another user's ends as well, since messages may
// be lost for it, and can be opened again.
func TestRealTime_BusWasAway(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	database, one, other := testkit.PostgreSQL(t), testkit.NATSCluster(t, 1), testkit.NATSCluster(t, 1)
	a := start(t, server.Options{Database: database, NATS: one.URL})
	// On a bus of its own: what the first node says never arrives.
	b := start(t, server.Options{Database: database, NATS: other.URL})
	at, there := newREST(t, a), newREST(t, b)
	alice, token := listening(t, a, at)
	_, kept := listening(t, a, at)
	void, good := allocate(t, there, token, "e").connect(there), allocate(t, there, kept, "e").connect(there)
	if a := at.post("/identities/"+url.PathEscape(alice.User)+"/:revokeAccessTokens", ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	other.Kill(t, 0)
	other.Start(t, 0)
	void.over()
	good.over()
	again := allocate(t, there, kept, "e").connect(there)
	if again.say(`5:2+::{"name":"ping"}`); again.hear() != `6:::2+["pong"]` {
		t.Error("no pong")
	}
}
