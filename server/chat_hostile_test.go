package server_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// everyWay is a user who listens in all the ways there are.
type everyWay struct {
	*person
	ws, polls *listener
}

func newEveryWay(t *testing.T, srv *server.Server) *everyWay {
	t.Helper()
	p, r := newPerson(t, srv, "chat"), newREST(t, srv)
	w := &everyWay{p, allocate(t, r, p.token, "w").connect(r), allocate(t, r, p.token, "p")}
	w.polls.ready()
	p.begin(&signalpb.ChatSubscribe{})
	return w
}

// browsers calls f for the ways of the official package.
func (w *everyWay) browsers(f func(l *listener)) {
	for _, l := range []*listener{w.ws, w.polls} {
		f(l)
	}
}

// hook registers a webhook for some events.
func hook(t *testing.T, srv *server.Server, types ...string) *receiver {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r := newReceiver(t)
	operator{t, srv.Connection()}.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{Name: "bot", Endpoint: r.URL, Types: types}, http.StatusCreated)
	return r
}

type hookEvent struct {
	EventType string
	Data      struct {
		MessageBody, SenderDisplayName, ThreadID string
		Metadata                                 map[string]string
		Properties                               map[string]any
		RecipientCommunicationIdentifier         struct{ RawID string }
	}
}

// TestRealTime_Scripts: what somebody writes over Parley's own connection to
// run elsewhere runs nowhere: markup is cleaned, all else is text as it was
// written, in all the ways in which it is told.
func TestRealTime_Scripts(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	told := hook(t, srv, "Microsoft.Communication.ChatMessageReceivedInThread")
	alice, bob := newPerson(t, srv, "chat"), newEveryWay(t, srv)
	const script = `</script><script>alert("1")</script>'"%3Cscript%3E`
	made, _, err := server.ChatService(srv).CreateThread(t.Context(), alice.caller, chat.NewThread{
		Topic: script, Metadata: map[string]string{script: script}, Participants: []chat.Participant{{User: bob.caller.User, DisplayName: script}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := alice.result(alice.ask(made.ID, &signalpb.ChatRequest{Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{
		Kind: "html", Content: `<b onclick="alert(1)">so</b><script>alert(1)</script><img src=x onerror=alert(1)>up<a href="javascript:alert(1)">!</a>`,
		SenderName: script, Metadata: map[string]string{script: script}, ClientId: script,
	}}}))
	if sent.GetCode() != 0 {
		t.Fatal(sent)
	}
	clean := func(content, name string, metadata map[string]string) {
		t.Helper()
		if !strings.HasPrefix(content, "<b>so</b>") || strings.Contains(content, "script") || strings.Contains(content, "onerror") {
			t.Errorf("told as %s", content)
		}
		if name != script || metadata[script] != script || len(metadata) != 1 {
			t.Errorf("%q, %q", name, metadata)
		}
	}
	created := bob.event(signalpb.ChatEvent_THREAD_CREATED)
	if created.GetTopic() != script || created.GetMetadata()[script] != script {
		t.Errorf("created %v", created)
	}
	m := bob.event(signalpb.ChatEvent_MESSAGE_RECEIVED).GetMessage()
	clean(m.GetContent(), m.GetSenderName(), m.GetMetadata())
	bob.browsers(func(l *listener) {
		var properties struct{ Topic, AcsChatThreadMetadata string }
		var metadata map[string]string
		made := l.expect(257, bob.caller.User)
		if err := json.Unmarshal(unescape(t, made.Properties), &properties); err != nil || properties.Topic != script {
			t.Errorf("%v: %+v", err, properties)
		}
		if participants(t, made.Members)[bob.caller.User] != script {
			t.Errorf("members %s", made.Members)
		}
		got := l.expect(200, bob.caller.User)
		if err := json.Unmarshal([]byte(got.AcsChatMessageMetadata), &metadata); err != nil {
			t.Error(err)
		}
		clean(got.MessageBody, got.SenderDisplayName, metadata)
	})
	<-told.events
	e := read[[]hookEvent](t, <-told.content)[0]
	clean(e.Data.MessageBody, e.Data.SenderDisplayName, e.Data.Metadata)
}

// TestRealTime_Removed: from the moment in which somebody is removed nothing of
// the thread comes, in no way; the next thing is of another thread.
func TestRealTime_Removed(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	told := hook(t, srv, "Microsoft.Communication.ChatMessageReceived", "Microsoft.Communication.ChatThreadWithUserDeleted", "Microsoft.Communication.ChatThreadPropertiesUpdatedPerUser")
	alice, bob := newPerson(t, srv, "chat"), newEveryWay(t, srv)
	threads, ctx := server.ChatService(srv), t.Context()
	thread := makeThread(t, alice, bob.person)
	bob.browsers(func(l *listener) { l.expect(257, bob.caller.User) })
	if err := threads.RemoveParticipant(ctx, alice.caller, thread.ID, bob.caller.User); err != nil {
		t.Fatal(err)
	}
	m, _, err := threads.Send(ctx, alice.caller, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "without you"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		threads.Typing(ctx, alice.caller, thread.ID, "Alice"),
		threads.MarkRead(ctx, alice.caller, thread.ID, m.ID),
		threads.UpdateMessage(ctx, alice.caller, thread.ID, m.ID, chat.MessagePatch{Content: new("still without")}),
		threads.UpdateThread(ctx, alice.caller, thread.ID, chat.ThreadPatch{Topic: new("secret")}),
		threads.DeleteMessage(ctx, alice.caller, thread.ID, m.ID),
		threads.DeleteThread(ctx, alice.caller, thread.ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	other := makeThread(t, alice, bob.person)
	alice.result(alice.say(other.ID, "x", "here you are"))
	bob.browsers(func(l *listener) {
		l.expect(261, bob.caller.User)
		if got := l.expect(257, bob.caller.User); got.ThreadID != other.ID {
			t.Errorf("told %+v", got)
		}
		if got := l.expect(200, bob.caller.User); got.MessageBody != "here you are" {
			t.Errorf("told %+v", got)
		}
	})
	bob.hearsOnly(thread.ID, other.ID, signalpb.ChatEvent_THREAD_CREATED, signalpb.ChatEvent_PARTICIPANTS_REMOVED)
	// Webhooks have the events of users one by one: none is for the one who left.
	for {
		<-told.events
		for _, e := range read[[]hookEvent](t, <-told.content) {
			if e.Data.ThreadID == thread.ID && e.Data.RecipientCommunicationIdentifier.RawID == bob.caller.User {
				t.Errorf("told a webhook for the one who left: %+v", e)
			}
			if e.Data.ThreadID == other.ID && e.Data.RecipientCommunicationIdentifier.RawID == bob.caller.User && e.Data.MessageBody == "here you are" {
				return
			}
		}
	}
}

// hearsOnly expects that of what happened in a thread up to the first message
// in another one only some kinds are told.
func (w *everyWay) hearsOnly(thread, other string, kinds ...signalpb.ChatEvent_Kind) {
	w.t.Helper()
	for {
		e := heard[*signalpb.ChatEvent](w.person, nil)
		if e.GetThreadId() == thread && !slices.Contains(kinds, e.GetKind()) {
			w.t.Errorf("told %v", e)
		}
		if e.GetThreadId() == other && e.GetKind() == signalpb.ChatEvent_MESSAGE_RECEIVED {
			return
		}
	}
}

// TestRealTime_Forged: with ids that are made up, or are those of others,
// nothing is done and nothing is learnt.
func TestRealTime_Forged(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	alice, bob, mallory := newPerson(t, srv, "chat"), newEveryWay(t, srv), newPerson(t, srv, "chat")
	thread, own := makeThread(t, alice, bob.person), makeThread(t, mallory)
	secret := alice.result(alice.say(thread.ID, "a", "between us")).GetMessageId()
	none := "19:parley_" + strings.Repeat("A", 43) + "@thread.v2"
	actions := map[string]*signalpb.ChatRequest{
		"send":   {Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{Kind: "text", Content: "x", ClientId: "a"}}},
		"typing": {Action: &signalpb.ChatRequest_Typing{Typing: &signalpb.ChatTyping{}}},
		"read":   {Action: &signalpb.ChatRequest_Read{Read: &signalpb.ChatMarkRead{MessageId: secret}}},
	}
	for id, want := range map[string]uint32{
		thread.ID: 403, none: 404, "": 400, "'; DROP TABLE chat_threads;--": 400, thread.ID + "%00": 400, "../" + thread.ID: 400,
		strings.ToUpper(thread.ID): 400, thread.ID + "\n": 400, "19:" + strings.Repeat("x", 200) + "@thread.v2": 400,
	} {
		for name, action := range actions {
			if r := mallory.result(mallory.ask(id, &signalpb.ChatRequest{Action: action.Action})); r.GetCode() != want || r.GetMessageId() != 0 {
				t.Errorf("%s into %q: %v, want %d", name, id, r, want)
			}
		}
	}
	for _, id := range []uint64{secret, 0, 1, math.MaxInt64, math.MaxUint64} {
		if r := mallory.result(mallory.read(own.ID, id)); r.GetCode() != 404 {
			t.Errorf("read %d: %v", id, r)
		}
	}
	// Whether a thread that is not one's own exists cannot be seen by saying that
	// one knows it.
	answers := map[string]string{}
	for _, id := range []string{thread.ID, none} {
		threads, events := mallory.begin(&signalpb.ChatSubscribe{Known: []*signalpb.ChatSubscribe_Known{{ThreadId: id}}, Resume: true})
		for _, th := range threads {
			if th.GetThreadId() == id {
				answers[id] += fmt.Sprint(th.GetGone(), th.GetTopic(), th.GetChange(), th.GetUnread())
			}
		}
		for _, e := range events {
			if e.GetThreadId() == id {
				t.Errorf("told %v", e)
			}
		}
	}
	if answers[thread.ID] != answers[none] {
		t.Errorf("one that exists: %q, one that does not: %q", answers[thread.ID], answers[none])
	}
	// The ids of somebody else's connection are of no use.
	r := newREST(t, srv)
	l := allocate(t, r, mallory.token, "m")
	l.id = bob.polls.id
	if a := r.realtimeRequest(http.MethodPost, l.address("socket.io/1/xhr-polling/"+l.id, r), mallory.token, "0::"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a word on another's connection: %d", a.StatusCode)
	}
	l.ready() // a connection of her own
	alice.result(alice.say(thread.ID, "b", "still between us"))
	made := makeThread(t, mallory)
	if got := l.expect(257, mallory.caller.User); got.ThreadID != made.ID {
		t.Errorf("told %+v", got)
	}
	bob.browsers(func(l *listener) {
		l.expect(257, bob.caller.User)
		for _, text := range []string{"between us", "still between us"} {
			if got := l.expect(200, bob.caller.User); got.MessageBody != text {
				t.Errorf("%+v", got)
			}
		}
	})
	rest := &chatUser{rest: r, id: alice.caller.User, token: alice.token, version: chatVersion}
	var list acswire.ChatMessagesCollection
	rest.want(200, &list, http.MethodGet, acswire.ChatThreadPath(thread.ID)+"/messages", "")
	if len(list.Value) != 4 { // two tell how it was made
		t.Errorf("%d messages", len(list.Value))
	}
}
