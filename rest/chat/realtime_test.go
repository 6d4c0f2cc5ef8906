package chat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/signaling"
)

// listener is a Realtime that keeps what it hears.
type listener struct {
	t *testing.T
	*chat.Realtime
	heard chan any
}

func (s *service) listen(p person, options *chat.RealtimeOptions) *listener {
	s.t.Helper()
	l := &listener{t: s.t, heard: make(chan any, 10_000)}
	if options == nil {
		options = &chat.RealtimeOptions{}
	}
	options.Events = chat.RealtimeEvents{
		MessageReceived:     func(e chat.MessageEvent) { l.heard <- received{e} },
		MessageEdited:       func(e chat.MessageEvent) { l.heard <- edited{e} },
		MessageDeleted:      func(e chat.MessageEvent) { l.heard <- deleted{e} },
		ThreadCreated:       func(e chat.ThreadEvent) { l.heard <- created{e} },
		ThreadUpdated:       func(e chat.ThreadEvent) { l.heard <- updated{e} },
		ThreadDeleted:       func(e chat.ThreadEvent) { l.heard <- ended{e} },
		ParticipantsAdded:   func(e chat.ParticipantsEvent) { l.heard <- came{e} },
		ParticipantsRemoved: func(e chat.ParticipantsEvent) { l.heard <- went{e} },
		TypingReceived:      func(e chat.TypingEvent) { l.heard <- e },
		ReadReceiptReceived: func(e chat.ReadReceiptEvent) { l.heard <- e },
		ThreadChanged:       func(e chat.ThreadState) { l.heard <- e },
		ConnectionChanged:   func(e chat.ConnectionEvent) { l.heard <- e },
	}
	l.Realtime = s.realtime(p, options)
	if err := l.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	hear(l, func(e chat.ConnectionEvent) bool { return e.State == chat.ConnectionSynced })
	return l
}

func (s *service) realtime(p person, options *chat.RealtimeOptions) *chat.Realtime {
	s.t.Helper()
	credential, err := common.NewStaticTokenCredential(p.token)
	if err != nil {
		s.t.Fatal(err)
	}
	options.TLSConfig = s.transport.Transport.(*http.Transport).TLSClientConfig
	options.Backoff = signaling.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	r, err := chat.NewRealtime(s.connection.Endpoint, credential, options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			s.t.Error(err)
		}
	})
	return r
}

type (
	received struct{ chat.MessageEvent }
	edited   struct{ chat.MessageEvent }
	deleted  struct{ chat.MessageEvent }
	created  struct{ chat.ThreadEvent }
	updated  struct{ chat.ThreadEvent }
	ended    struct{ chat.ThreadEvent }
	came     struct{ chat.ParticipantsEvent }
	went     struct{ chat.ParticipantsEvent }
)

// hear returns the next thing of a type that is wanted, passing over others.
func hear[T any](l *listener, want func(T) bool) T {
	l.t.Helper()
	for {
		select {
		case e := <-l.heard:
			if got, ok := e.(T); ok && (want == nil || want(got)) {
				return got
			}
		case <-time.After(20 * time.Second):
			var none T
			l.t.Fatalf("no %T for 20 s", none)
		}
	}
}

func raw(id common.Identifier) string {
	if id == nil {
		return ""
	}
	return id.RawID()
}

// TestRealtime_Events: everything that can happen in a thread, with what it says.
func TestRealtime_Events(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob, carol := s.person(""), s.person(""), s.person("")
	l := s.listen(bob, nil)
	ctx := t.Context()
	id, thread, bobs := s.talk(alice, bob)
	if e := hear[created](l, nil); *e.Thread.ID != id || e.Thread.Topic == nil || raw(e.By) != alice.RawID() || len(e.Participants) != 2 {
		t.Errorf("created %+v", e)
	}
	sent, err := thread.SendMessage(ctx, "soup?", &chat.ThreadClientSendMessageOptions{SenderDisplayName: new("Alice"), Metadata: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	m := hear[received](l, nil)
	if *m.Message.ID != *sent.ID || *m.Message.Content.Message != "soup?" || raw(m.Message.Sender) != alice.RawID() || *m.Message.SenderDisplayName != "Alice" ||
		m.Message.Metadata["a"] != "b" || *m.Message.Type != chat.MessageTypeText || m.ThreadID != id || m.Message.CreatedOn.IsZero() {
		t.Errorf("received %+v", m)
	}
	if st := hear[chat.ThreadState](l, nil); st.Unread != 1 {
		t.Errorf("state %+v", st)
	}
	if _, err := thread.UpdateMessage(ctx, *sent.ID, &chat.ThreadClientUpdateMessageOptions{Content: new("stew?")}); err != nil {
		t.Fatal(err)
	}
	if e := hear[edited](l, nil); *e.Message.Content.Message != "stew?" || e.Message.EditedOn == nil {
		t.Errorf("edited %+v", e)
	}
	if _, err := thread.SendTypingNotification(ctx, &chat.ThreadClientSendTypingNotificationOptions{SenderDisplayName: new("Alice")}); err != nil {
		t.Fatal(err)
	}
	if e := hear[chat.TypingEvent](l, nil); raw(e.Sender) != alice.RawID() || e.SenderDisplayName != "Alice" || e.ThreadID != id {
		t.Errorf("typing %+v", e)
	}
	if _, err := bobs.SendReadReceipt(ctx, *sent.ID, nil); err != nil { // at another device
		t.Fatal(err)
	}
	if e := hear[chat.ReadReceiptEvent](l, nil); *e.Receipt.MessageID != *sent.ID || raw(e.Receipt.Sender) != bob.RawID() {
		t.Errorf("receipt %+v", e)
	}
	if st := hear[chat.ThreadState](l, nil); st.Unread != 0 || st.LastRead != *sent.ID {
		t.Errorf("state %+v", st)
	}
	if _, err := thread.DeleteMessage(ctx, *sent.ID, nil); err != nil {
		t.Fatal(err)
	}
	if e := hear[deleted](l, nil); e.Message.DeletedOn == nil || *e.Message.Content.Message != "" {
		t.Errorf("deleted %+v", e)
	}
	if _, err := thread.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{Topic: new("Dinner")}); err != nil {
		t.Fatal(err)
	}
	if e := hear[updated](l, nil); *e.Thread.Topic != "Dinner" || raw(e.By) != alice.RawID() {
		t.Errorf("updated %+v", e)
	}
	if _, err := thread.AddParticipants(ctx, []chat.Participant{{Identifier: carol.CommunicationUserIdentifier}}, nil); err != nil {
		t.Fatal(err)
	}
	if e := hear[came](l, nil); len(e.Participants) != 1 || raw(e.Participants[0].Identifier) != carol.RawID() {
		t.Errorf("came %+v", e)
	}
	if _, err := thread.RemoveParticipant(ctx, carol.CommunicationUserIdentifier, nil); err != nil {
		t.Fatal(err)
	}
	if e := hear[went](l, nil); len(e.Participants) != 1 || raw(e.Participants[0].Identifier) != carol.RawID() {
		t.Errorf("went %+v", e)
	}
	if st, ok := l.Thread(id); !ok || st.Topic != "Dinner" || st.Unread != 0 {
		t.Errorf("thread %+v", st)
	}
	if _, err := alice.DeleteThread(ctx, id, nil); err != nil {
		t.Fatal(err)
	}
	hear[ended](l, nil)
	if st := hear[chat.ThreadState](l, nil); !st.Gone || len(l.Threads()) != 0 {
		t.Errorf("state %+v", st)
	}
}

// TestRealtime_GoesOn: who goes on from a position hears what was missed, each
// thing once, also in threads that are new since.
func TestRealtime_GoesOn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, thread, _ := s.talk(alice, bob)
	l := s.listen(bob, nil)
	ctx := t.Context()
	say := func(thread *chat.ThreadClient, text string) {
		if _, err := thread.SendMessage(ctx, text, nil); err != nil {
			t.Fatal(err)
		}
	}
	say(thread, "heard")
	hear[received](l, nil)
	hear(l, func(st chat.ThreadState) bool { return st.Unread == 1 })
	position := l.Position()
	l.Close()
	const count = 70 // several pages
	for i := range count {
		say(thread, fmt.Sprint(i))
	}
	newer, other, _ := s.talk(alice, bob)
	say(other, "new")
	l = s.listen2(bob, position)
	for i := range count {
		if e := hear(l, func(e received) bool { return e.ThreadID == id }); *e.Message.Content.Message != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, *e.Message.Content.Message)
		}
		if i == 0 {
			continue
		}
	}
	l.Close()
	l = s.listen2(bob, position)
	if e := hear[created](l, nil); *e.Thread.ID != newer {
		t.Errorf("created %+v", e)
	}
	if e := hear(l, func(e received) bool { return e.ThreadID == newer }); *e.Message.Content.Message != "new" {
		t.Errorf("received %+v", e)
	}
	l = s.listen(bob, &chat.RealtimeOptions{Position: position, DeviceID: "other"})
	if st, _ := l.Thread(id); st.Unread != count+1 {
		t.Errorf("unread %d", st.Unread)
	}
	if st, _ := l.Thread(newer); st.Unread != 1 {
		t.Errorf("unread %d", st.Unread)
	}
}

// TestRealtime_TakenBack: a message that was written and taken back while
// somebody was away is told as an empty one that nobody has to read.
func TestRealtime_TakenBack(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, thread, _ := s.talk(alice, bob)
	l := s.listen(bob, nil)
	ctx := t.Context()
	if _, err := thread.SendMessage(ctx, "heard", nil); err != nil {
		t.Fatal(err)
	}
	hear(l, func(st chat.ThreadState) bool { return st.Unread == 1 })
	position := l.Position()
	l.Close()
	sent, err := thread.SendMessage(ctx, "oops", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := thread.DeleteMessage(ctx, *sent.ID, nil); err != nil {
		t.Fatal(err)
	}
	var heard []chat.MessageEvent
	var states []chat.ThreadState
	r := s.realtime(bob, &chat.RealtimeOptions{Position: position, DeviceID: "later", Events: chat.RealtimeEvents{
		MessageReceived: func(e chat.MessageEvent) { heard = append(heard, e) },
		ThreadChanged:   func(st chat.ThreadState) { states = append(states, st) },
	}})
	if err := r.Start(ctx); err != nil { // returns when all of this was handled
		t.Fatal(err)
	}
	if len(heard) != 1 || *heard[0].Message.ID != *sent.ID || heard[0].Message.DeletedOn == nil || heard[0].Message.Content == nil || *heard[0].Message.Content.Message != "" {
		t.Errorf("heard %+v", heard)
	}
	if st, _ := r.Thread(id); st.Unread != 1 || len(states) != 0 {
		t.Errorf("%+v, on the way %+v", st, states)
	}
}

// listen2 listens from a position and keeps what comes before it is synced.
func (s *service) listen2(p person, position chat.Position) *listener {
	s.t.Helper()
	l := &listener{t: s.t, heard: make(chan any, 10_000)}
	l.Realtime = s.realtime(p, &chat.RealtimeOptions{Position: position, Events: chat.RealtimeEvents{
		MessageReceived: func(e chat.MessageEvent) { l.heard <- received{e} },
		ThreadCreated:   func(e chat.ThreadEvent) { l.heard <- created{e} },
	}})
	if err := l.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return l
}

// TestRealtime_Asks: messages, typing and receipts over the connection.
func TestRealtime_Asks(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, _, _ := s.talk(alice, bob)
	a, b := s.listen(alice, nil), s.listen(bob, nil)
	ctx := t.Context()
	options := &chat.RealtimeSendMessageOptions{Type: chat.MessageTypeHTML, SenderDisplayName: "Alice", Metadata: map[string]string{"k": "v"}, ClientID: "one"}
	first, err := a.SendMessage(ctx, id, "<b>soup</b>", options)
	if err != nil || first.Repeated {
		t.Fatal(first, err)
	}
	again, err := a.SendMessage(ctx, id, "<b>soup</b>", options)
	if err != nil || !again.Repeated || again.ID != first.ID {
		t.Error(again, err)
	}
	if e := hear[received](b, nil); e.ClientID != "one" || *e.Message.Type != chat.MessageTypeHTML || *e.Message.ID != first.ID || e.Message.Metadata["k"] != "v" {
		t.Errorf("received %+v", e)
	}
	if err := b.SendTypingNotification(ctx, id, &chat.RealtimeSendTypingNotificationOptions{SenderDisplayName: "Bob"}); err != nil {
		t.Error(err)
	}
	if e := hear[chat.TypingEvent](a, nil); e.SenderDisplayName != "Bob" {
		t.Errorf("typing %+v", e)
	}
	if err := b.SendReadReceipt(ctx, id, first.ID); err != nil {
		t.Error(err)
	}
	if e := hear[chat.ReadReceiptEvent](a, nil); *e.Receipt.MessageID != first.ID {
		t.Errorf("receipt %+v", e)
	}
	var refused *chat.RefusedError
	if _, err := a.SendMessage(ctx, "19:nobody@thread.v2", "x", nil); !errors.As(err, &refused) || refused.StatusCode < 400 {
		t.Errorf("a thread of nobody: %v", err)
	}
	if err := a.SendReadReceipt(ctx, id, "x"); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no message id: %v", err)
	}
	if _, err := a.SendMessage(ctx, "", "x", nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no thread: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := a.SendMessage(gone, id, "x", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
	a.Close()
	if _, err := a.SendMessage(ctx, id, "x", nil); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := a.Start(ctx); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestRealtime_NoScope: a token for calls alone is refused.
func TestRealtime_NoScope(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	r := s.realtime(s.person("", identity.TokenScopeVoIP), &chat.RealtimeOptions{})
	if _, err := r.SendMessage(t.Context(), "x", "x", nil); !errors.Is(err, chat.ErrNotStarted) {
		t.Errorf("not started: %v", err)
	}
	var refused *chat.RefusedError
	if err := r.Start(t.Context()); !errors.As(err, &refused) || refused.StatusCode != http.StatusForbidden {
		t.Errorf("start: %v", err)
	}
}

// TestRealtime_HandlersCallEverything: a handler may call any method, also
// those that wait for the service, and Close.
func TestRealtime_HandlersCallEverything(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, thread, _ := s.talk(alice, bob)
	done := make(chan error, 1)
	var r *chat.Realtime
	var once sync.Once
	r = s.realtime(bob, &chat.RealtimeOptions{Events: chat.RealtimeEvents{MessageReceived: func(e chat.MessageEvent) {
		once.Do(func() {
			ctx := context.Background()
			_, err := r.SendMessage(ctx, id, "stew!", nil)
			err = errors.Join(err, r.SendTypingNotification(ctx, id, nil), r.SendReadReceipt(ctx, id, *e.Message.ID))
			r.Threads()
			r.Thread(id)
			r.Position()
			r.NetworkChanged()
			if serr := r.Start(ctx); !errors.Is(serr, chat.ErrStarted) {
				err = errors.Join(err, fmt.Errorf("started twice: %w", serr))
			}
			_, serr := r.SendOutboxMessage(ctx, chat.OutboxMessage{ClientID: "x", ThreadID: id, Content: "after the cut"})
			done <- errors.Join(err, serr, r.Close())
		})
	}}})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := thread.SendMessage(t.Context(), "soup?", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestNewRealtime_Refuses: a token is not sent in the clear.
func TestNewRealtime_Refuses(t *testing.T) {
	credential := &common.StaticTokenCredential{}
	for endpoint, want := range map[string]error{
		"http://localhost": core.ErrPlainHTTP, "": core.ErrInvalidEndpoint, "ftp://x": core.ErrInvalidEndpoint, "https://%": core.ErrInvalidEndpoint,
	} {
		if _, err := chat.NewRealtime(endpoint, credential, nil); !errors.Is(err, want) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	if _, err := chat.NewRealtime("https://localhost", nil, nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no credential: %v", err)
	}
	r, err := chat.NewRealtime("http://localhost", credential, &chat.RealtimeOptions{AllowPlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}
