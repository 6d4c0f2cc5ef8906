package server_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// person is a user who chats over the signaling connection.
type person struct {
	*agent
	srv    *server.Server
	caller *chat.Caller
	token  string
	next   uint64
}

func newPerson(t testing.TB, srv *server.Server, scopes ...string) *person {
	t.Helper()
	id, token := newREST(t, srv).user(scopes...)
	p := &person{srv: srv, token: token, caller: &chat.Caller{User: id, Resource: server.DefaultResource(srv), Scopes: scopes}}
	p.agent = sign(t, srv, id, token, "phone")
	return p
}

func (p *person) subscribe(m *signalpb.ChatSubscribe) {
	p.t.Helper()
	p.sendRaw(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: m}})
}

// begin subscribes and waits until all was told; it returns the threads.
func (p *person) begin(m *signalpb.ChatSubscribe) (threads []*signalpb.ChatThread, events []*signalpb.ChatEvent) {
	p.t.Helper()
	p.subscribe(m)
	for {
		switch body := p.agent.next().GetBody().(type) {
		case *signalpb.Message_ChatThread:
			threads = append(threads, body.ChatThread)
		case *signalpb.Message_ChatEvent:
			events = append(events, body.ChatEvent)
		case *signalpb.Message_ChatSynced:
			if body.ChatSynced.GetCode() != 0 {
				p.t.Fatal(body.ChatSynced)
			}
			return threads, events
		}
	}
}

func (p *person) ask(thread string, r *signalpb.ChatRequest) uint64 {
	p.t.Helper()
	p.next++
	r.Number, r.ThreadId = p.next, thread
	p.sendRaw(&signaling.Message{Body: &signalpb.Message_ChatRequest{ChatRequest: r}})
	return p.next
}

func (p *person) say(thread, id, text string) uint64 {
	p.t.Helper()
	return p.ask(thread, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{Kind: "text", Content: text, ClientId: id, SenderName: "Alice"}}})
}

func (p *person) read(thread string, id uint64) uint64 {
	p.t.Helper()
	return p.ask(thread, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Read{Read: &signalpb.ChatMarkRead{MessageId: id}}})
}

// heard returns the next message with a body that is wanted; others are passed
// over when they are in between.
func heard[T any](p *person, want func(T) bool) T {
	p.t.Helper()
	for {
		m := p.agent.next()
		var found any
		switch body := m.GetBody().(type) {
		case *signalpb.Message_ChatThread:
			found = body.ChatThread
		case *signalpb.Message_ChatEvent:
			found = body.ChatEvent
		case *signalpb.Message_ChatResult:
			found = body.ChatResult
		case *signalpb.Message_ChatSynced:
			found = body.ChatSynced
		}
		if got, ok := found.(T); ok && (want == nil || want(got)) {
			return got
		}
	}
}

func (p *person) result(number uint64) *signalpb.ChatResult {
	p.t.Helper()
	return heard(p, func(r *signalpb.ChatResult) bool { return r.GetNumber() == number })
}

func (p *person) event(kind signalpb.ChatEvent_Kind) *signalpb.ChatEvent {
	p.t.Helper()
	return heard(p, func(e *signalpb.ChatEvent) bool { return e.GetKind() == kind })
}

// makeThread makes a thread of the persons; the first one is the creator.
func makeThread(t testing.TB, persons ...*person) chat.Thread {
	t.Helper()
	n := chat.NewThread{Topic: "lunch"}
	for _, p := range persons[1:] {
		n.Participants = append(n.Participants, chat.Participant{User: p.caller.User})
	}
	made, invalid, err := server.ChatService(persons[0].srv).CreateThread(t.Context(), persons[0].caller, n)
	if err != nil || len(invalid) > 0 {
		t.Fatal(invalid, err)
	}
	return made
}

func TestChatLink_Live(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	alice, bob := newPerson(t, srv, "chat"), newPerson(t, srv, "chat", "voip")
	for _, p := range []*person{alice, bob} {
		if threads, events := p.begin(&signalpb.ChatSubscribe{}); len(threads)+len(events) != 0 {
			t.Fatal(threads, events)
		}
	}
	made := makeThread(t, alice, bob)
	for _, p := range []*person{alice, bob} {
		first := heard[*signalpb.ChatThread](p, nil)
		if first.GetThreadId() != made.ID || first.GetChange() != 0 || first.GetTopic() != "lunch" || first.GetUnread() != 0 {
			t.Errorf("thread %v", first)
		}
		if e := p.event(signalpb.ChatEvent_THREAD_CREATED); e.GetChange() != 1 || len(e.GetParticipants()) != 2 || e.GetTopic() != "lunch" || e.GetActor() != alice.caller.User {
			t.Errorf("created %v", e)
		}
	}
	// Sent twice, written once.
	first := alice.result(alice.say(made.ID, "m1", "soup?"))
	again := alice.result(alice.say(made.ID, "m1", "soup?"))
	if first.GetCode() != 0 || first.GetRepeated() || first.GetMessageId() == 0 || !again.GetRepeated() || again.GetMessageId() != first.GetMessageId() {
		t.Errorf("%v, %v", first, again)
	}
	e := bob.event(signalpb.ChatEvent_MESSAGE_RECEIVED)
	if m := e.GetMessage(); e.GetChange() != 2 || m.GetContent() != "soup?" || m.GetSender() != alice.caller.User || m.GetSenderName() != "Alice" || m.GetClientId() != "m1" || m.GetId() != first.GetMessageId() {
		t.Errorf("message %v", e)
	}
	// Typing is not for the one who types.
	bob.result(bob.ask(made.ID, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Typing{Typing: &signalpb.ChatTyping{SenderName: "Bob"}}}))
	if e := alice.event(signalpb.ChatEvent_TYPING); e.GetActor() != bob.caller.User || e.GetActorName() != "Bob" || e.GetChange() != 0 {
		t.Errorf("typing %v", e)
	}
	// Read: alice hears it, bob has nothing unread.
	if r := bob.result(bob.read(made.ID, first.GetMessageId())); r.GetCode() != 0 {
		t.Errorf("read %v", r)
	}
	if e := alice.event(signalpb.ChatEvent_READ); e.GetReceipt().GetUser() != bob.caller.User || e.GetReceipt().GetMessageId() != first.GetMessageId() {
		t.Errorf("receipt %v", e)
	}
	if st := heard(bob, func(th *signalpb.ChatThread) bool { return th.GetRead() != 0 }); st.GetRead() != first.GetMessageId() || st.GetUnread() != 0 {
		t.Errorf("thread %v", st)
	}
	// What is refused says why.
	if r := alice.result(alice.say(made.ID, "", "no id")); r.GetCode() != 400 {
		t.Errorf("without an id: %v", r)
	}
	if r := alice.result(alice.say(made.ID, "m2", strings.Repeat("x", chat.MaxContent+1))); r.GetCode() != 413 {
		t.Errorf("too large: %v", r)
	}
	if r := alice.result(alice.say("19:acsV1_nobody@thread.v2", "m2", "x")); r.GetCode() != 404 && r.GetCode() != 400 {
		t.Errorf("no thread: %v", r)
	}
	// Whoever is removed hears of that and of nothing more.
	if err := server.ChatService(srv).RemoveParticipant(t.Context(), alice.caller, made.ID, bob.caller.User); err != nil {
		t.Fatal(err)
	}
	bob.event(signalpb.ChatEvent_PARTICIPANTS_REMOVED)
	if st := heard[*signalpb.ChatThread](bob, nil); !st.GetGone() || st.GetThreadId() != made.ID {
		t.Errorf("thread %v", st)
	}
	alice.result(alice.say(made.ID, "m3", "he is gone"))
	if r := bob.result(bob.say(made.ID, "m4", "am I?")); r.GetCode() != 403 {
		t.Errorf("after the removal: %v", r)
	}
	for len(bob.messages) > 0 {
		t.Errorf("bob still hears %v", bob.agent.next())
	}
}

// TestChatLink_CatchesUp: a session that replaces another is told what happened
// between, each thing once.
func TestChatLink_CatchesUp(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	alice, bob := newPerson(t, srv, "chat"), newPerson(t, srv, "chat")
	old := makeThread(t, alice, bob)
	threads, _ := bob.begin(&signalpb.ChatSubscribe{})
	if len(threads) != 1 || threads[0].GetChange() != 1 || threads[0].GetUnread() != 0 {
		t.Fatal(threads)
	}
	bob.client.Close()
	const count = 100
	ids := make([]uint64, count)
	for i := range count {
		ids[i] = alice.result(alice.say(old.ID, fmt.Sprint("m", i), fmt.Sprint("text ", i))).GetMessageId()
	}
	service := server.ChatService(srv)
	changed := "changed"
	if err := service.UpdateMessage(t.Context(), alice.caller, old.ID, int64(ids[3]), chat.MessagePatch{Content: &changed}); err != nil {
		t.Fatal(err)
	}
	if err := service.DeleteMessage(t.Context(), alice.caller, old.ID, int64(ids[4])); err != nil {
		t.Fatal(err)
	}
	newer := makeThread(t, alice, bob)
	alice.result(alice.say(newer.ID, "first", "here too"))

	bob.agent = sign(t, srv, bob.caller.User, bob.token, "phone")
	threads, events := bob.begin(&signalpb.ChatSubscribe{Known: []*signalpb.ChatSubscribe_Known{{ThreadId: old.ID, Change: 1}}, Resume: true})
	received, created := map[string]string{}, 0
	last := map[string]uint64{}
	for _, e := range events {
		if e.GetChange() <= last[e.GetThreadId()] {
			t.Errorf("change %d after %d", e.GetChange(), last[e.GetThreadId()])
		}
		last[e.GetThreadId()] = e.GetChange()
		switch e.GetKind() {
		case signalpb.ChatEvent_MESSAGE_RECEIVED:
			if _, twice := received[e.GetMessage().GetClientId()]; twice {
				t.Errorf("twice: %v", e)
			}
			received[e.GetMessage().GetClientId()] = e.GetMessage().GetContent()
		case signalpb.ChatEvent_MESSAGE_EDITED, signalpb.ChatEvent_MESSAGE_DELETED:
			// Told as it was made, with what it says now, and again in its turn.
		case signalpb.ChatEvent_THREAD_CREATED:
			created++
			if e.GetThreadId() != newer.ID || len(e.GetParticipants()) != 2 || e.GetActor() != alice.caller.User || e.GetTopic() != "lunch" {
				t.Errorf("created %v", e)
			}
		default:
			t.Errorf("heard %v", e)
		}
	}
	if len(received) != count+1 || created != 1 || received["m3"] != changed || received["m4"] != "" {
		t.Errorf("%d messages, %d threads", len(received), created)
	}
	at := map[string]*signalpb.ChatThread{}
	for _, th := range threads {
		at[th.GetThreadId()] = th
	}
	if st := at[old.ID]; st.GetUnread() != count-1 || st.GetChange() != count+3 {
		t.Errorf("thread %v", st)
	}
	if st := at[newer.ID]; st.GetUnread() != 1 || st.GetChange() != 2 {
		t.Errorf("thread %v", st)
	}
	// Live from here on.
	alice.say(old.ID, "after", "and now")
	if e := bob.event(signalpb.ChatEvent_MESSAGE_RECEIVED); e.GetMessage().GetContent() != "and now" || e.GetChange() != count+4 {
		t.Errorf("heard %v", e)
	}
}

// TestChatLink_Scopes: a token's scopes say what its connection is good for.
func TestChatLink_Scopes(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	talker, writer := newPerson(t, srv, "voip"), newPerson(t, srv, "chat.join")
	talker.subscribe(&signalpb.ChatSubscribe{})
	if s := heard[*signalpb.ChatSynced](talker, nil); s.GetCode() != 403 {
		t.Errorf("a token without chat: %v", s)
	}
	thread := makeThread(t, &person{srv: srv, caller: &chat.Caller{User: talker.caller.User, Resource: talker.caller.Resource, Scopes: []string{"chat"}}}, writer)
	if r := talker.result(talker.say(thread.ID, "m", "hello")); r.GetCode() != 403 {
		t.Errorf("a token without chat: %v", r)
	}
	if r := writer.result(writer.say(thread.ID, "m", "hello")); r.GetCode() != 0 {
		t.Errorf("a token for chat: %v", r)
	}
	id := callfsm.NewCallID()
	writer.send(id, callfsm.Message{Kind: callfsm.KindStart, To: talker.caller.User, Media: callfsm.MediaAudio})
	writer.expectEnd(id, 401, 10009)
	id = callfsm.NewCallID()
	talker.send(id, callfsm.Message{Kind: callfsm.KindStart, To: writer.caller.User, Media: callfsm.MediaAudio})
	talker.expectEnd(id, 480, 10037)
}

// TestChatLink_NeverReads: the session of an agent that does not read ends with
// a reason, and the next one is told everything.
func TestChatLink_NeverReads(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	alice := newPerson(t, srv, "chat")
	id, token := newREST(t, srv).user("chat")
	bob := &person{srv: srv, token: token, caller: &chat.Caller{User: id, Resource: alice.caller.Resource, Scopes: []string{"chat"}}}
	thread := makeThread(t, alice, bob)
	release, c := make(chan struct{}), srv.Connection()
	states := make(chan signaling.ClientState, 100)
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: signaling.NewWebSocketDialer(c.Endpoint, &signaling.WebSocketOptions{TLSConfig: &tls.Config{RootCAs: pool(t, c)}}),
		Token:  func(context.Context) (string, error) { return token, nil },
		Handler: func(m *signaling.Message) error {
			if m.GetChatEvent() != nil {
				<-release
			}
			return nil
		},
		StateChanged: func(s signaling.ClientState) { states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}}); err != nil {
		t.Fatal(err)
	}
	const count = 60 // of 28 KiB: more than the queue of a session
	for i := range count {
		if r := alice.result(alice.say(thread.ID, fmt.Sprint("m", i), strings.Repeat("x", chat.MaxContent))); r.GetCode() != 0 {
			t.Fatal(r)
		}
	}
	eventually(t, "the session of an agent that does not read goes on", func() error {
		if n := server.ChatLinks(srv); n != 1 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
	close(release)
	var lost signaling.ClientState
	for lost.Err == nil {
		lost = <-states
	}
	if !strings.Contains(lost.Err.Error(), "too much is queued") {
		t.Errorf("the connection ended with %v", lost.Err)
	}
	client.Close()
	bob.agent = sign(t, srv, id, token, "phone")
	_, events := bob.begin(&signalpb.ChatSubscribe{Known: []*signalpb.ChatSubscribe_Known{{ThreadId: thread.ID, Change: 1}}, Resume: true})
	if len(events) != count {
		t.Errorf("%d of %d messages", len(events), count)
	}
}

// TestChatLink_Malformed: what no agent would send ends the session.
func TestChatLink_Malformed(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	p := newPerson(t, srv, "chat")
	p.subscribe(&signalpb.ChatSubscribe{Known: []*signalpb.ChatSubscribe_Known{{ThreadId: "'; DROP", Change: 1}}})
	if s := p.expectState(signaling.ClientReconnecting); s.Err == nil {
		t.Error("the session goes on")
	}
	p.expectState(signaling.ClientConnected)
	if r := p.result(p.ask("x", &signalpb.ChatRequest{})); r.GetCode() != 400 {
		t.Errorf("a request of nothing: %v", r)
	}
}

// TestChatLink_Nodes: an agent at one node hears what was written at another.
func TestChatLink_Nodes(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	nodes := cluster(t, 2)
	alice, bob := newPerson(t, nodes[0], "chat"), newPerson(t, nodes[1], "chat")
	bob.begin(&signalpb.ChatSubscribe{})
	thread := makeThread(t, alice, bob)
	for i := range 50 {
		alice.say(thread.ID, fmt.Sprint("m", i), fmt.Sprint(i))
	}
	for i := range 50 {
		if e := bob.event(signalpb.ChatEvent_MESSAGE_RECEIVED); e.GetMessage().GetContent() != fmt.Sprint(i) {
			t.Fatalf("message %d is %v", i, e)
		}
	}
}

// TestChatLink_UserDeleted: the connection of a user who is deleted ends, and
// the others hear that the user is gone.
func TestChatLink_UserDeleted(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	alice, bob := newPerson(t, srv, "chat"), newPerson(t, srv, "chat")
	makeThread(t, alice, bob)
	alice.begin(&signalpb.ChatSubscribe{})
	bob.begin(&signalpb.ChatSubscribe{})
	r := newREST(t, srv)
	if a := r.do(r.request(http.MethodDelete, "/identities/"+url.PathEscape(bob.caller.User)+"?api-version="+apiVersion, "")); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	bob.expectState(signaling.ClientClosed)
	if e := alice.event(signalpb.ChatEvent_PARTICIPANTS_REMOVED); len(e.GetParticipants()) != 1 || e.GetParticipants()[0].GetUser() != bob.caller.User {
		t.Errorf("removed %v", e)
	}
}
