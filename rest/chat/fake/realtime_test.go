package fake_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/chat/fake"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/signaling"
)

const talk = "19:lunch@thread.v2"

// far is a fake with what its client was told, in words.
type far struct {
	*fake.Realtime
	t    *testing.T
	told chan string
}

func newFar(t *testing.T, options *fake.RealtimeOptions) *far {
	t.Helper()
	testkit.CheckLeaks(t, time.Minute)
	r, err := fake.NewRealtime(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return &far{r, t, make(chan string, 1000)}
}

// client connects, from a position on unless it is nil.
func (f *far) client(position chat.Position) *chat.Realtime {
	f.t.Helper()
	say := func(format string, args ...any) { f.told <- fmt.Sprintf(format, args...) }
	message := func(what string) func(chat.MessageEvent) {
		return func(e chat.MessageEvent) {
			content := ""
			if e.Message.Content != nil {
				content = *e.Message.Content.Message
			}
			say("%s %s", what, content)
		}
	}
	thread := func(what string) func(chat.ThreadEvent) {
		return func(e chat.ThreadEvent) {
			if e.Thread.Topic != nil {
				what += " " + *e.Thread.Topic
			}
			say("%s", what)
		}
	}
	people := func(what string) func(chat.ParticipantsEvent) {
		return func(e chat.ParticipantsEvent) { say("%s %s", what, *e.Participants[0].DisplayName) }
	}
	r, err := chat.NewRealtime("https://fake", credential{}, &chat.RealtimeOptions{
		Dialer: f.Dialer(), Position: position, Backoff: signaling.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond},
		Events: chat.RealtimeEvents{
			MessageReceived: message("says"), MessageEdited: message("edits"), MessageDeleted: message("deletes"),
			ThreadCreated: thread("made"), ThreadUpdated: thread("topic"), ThreadDeleted: thread("deleted"),
			ParticipantsAdded: people("came"), ParticipantsRemoved: people("left"),
			TypingReceived:      func(e chat.TypingEvent) { say("%s types", e.SenderDisplayName) },
			ReadReceiptReceived: func(e chat.ReadReceiptEvent) { say("%s read", e.Receipt.Sender.RawID()) },
			ThreadChanged:       func(s chat.ThreadState) { say("%s: %d unread, gone %v", s.Topic, s.Unread, s.Gone) },
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			f.t.Error(err)
		}
	})
	if err := r.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *far) hears(want ...string) {
	f.t.Helper()
	for _, w := range want {
		if got := <-f.told; got != w {
			f.t.Fatalf("told %q, not %q", got, w)
		}
	}
}

func (f *far) check(errs ...error) {
	f.t.Helper()
	if err := errors.Join(errs...); err != nil {
		f.t.Fatal(err)
	}
}

func said(text string) chat.MessageEvent {
	return chat.MessageEvent{ThreadID: talk, Message: chat.Message{Sender: alice, Content: &chat.MessageContent{Message: &text}}}
}

// TestRealtime_Tells: what the test tells comes to the handlers, in order, with
// the numbers that a service would count.
func TestRealtime_Tells(t *testing.T) {
	f := newFar(t, nil)
	r := f.client(nil)
	made := chat.Thread{ID: new(talk), Topic: new("Lunch"), RetentionPolicy: chat.DeleteAfterDays(30)}
	f.check(f.ThreadCreated(chat.ThreadEvent{Thread: made, By: alice, Participants: members}))
	id, err := f.MessageReceived(said("soup?"))
	f.check(err)
	edit := said("stew?")
	edit.Message.ID = &id
	carol := []chat.Participant{{Identifier: common.CommunicationUserIdentifier{ID: "8:acs:r_c"}, DisplayName: new("Carol")}}
	f.check(
		f.MessageEdited(edit), f.TypingReceived(chat.TypingEvent{ThreadID: talk, Sender: alice, SenderDisplayName: "Alice"}),
		f.ThreadUpdated(chat.ThreadEvent{Thread: chat.Thread{ID: new(talk), Topic: new("Supper")}}),
		f.ParticipantsAdded(chat.ParticipantsEvent{ThreadID: talk, Participants: carol}),
		f.ParticipantsRemoved(chat.ParticipantsEvent{ThreadID: talk, Participants: carol}),
		f.ReadReceiptReceived(chat.ReadReceiptEvent{ThreadID: talk, Receipt: chat.ReadReceipt{Sender: alice, MessageID: &id}}),
		f.MessageDeleted(edit),
	)
	f.hears(
		"Lunch: 0 unread, gone false", "made Lunch", "says soup?", "Lunch: 1 unread, gone false", "edits stew?", "Alice types", "topic Supper",
		"Supper: 1 unread, gone false", "came Carol", "left Carol", alice.ID+" read", "deletes ", "Supper: 0 unread, gone false",
	)
	if st, ok := r.Thread(talk); !ok || st.Topic != "Supper" || st.Unread != 0 {
		t.Errorf("%+v", st)
	}
	me := []chat.Participant{{Identifier: f.User(), DisplayName: new("Me")}}
	f.check(f.ParticipantsRemoved(chat.ParticipantsEvent{ThreadID: talk, Participants: me}))
	f.hears("left Me", ": 0 unread, gone true")
	f.check(f.AddThread(chat.ThreadState{ThreadID: "19:old@thread.v2", Topic: "Old", Unread: 7}))
	f.hears("Old: 7 unread, gone false")
	f.check(f.ThreadDeleted(chat.ThreadEvent{Thread: chat.Thread{ID: new("19:old@thread.v2")}}))
	f.hears("deleted", ": 0 unread, gone true")
}

// TestRealtime_Offline: what happens while there is no connection comes later,
// once, and so does what the client wrote meanwhile.
func TestRealtime_Offline(t *testing.T) {
	f := newFar(t, nil)
	f.check(f.AddThread(chat.ThreadState{ThreadID: talk, Topic: "Lunch", Unread: 2}))
	r := f.client(nil)
	f.hears("Lunch: 2 unread, gone false")
	f.SetOffline(true)
	if _, err := f.Dialer().Dial(t.Context()); !errors.Is(err, fake.ErrOffline) {
		t.Errorf("connected: %v", err)
	}
	_, err := f.MessageReceived(said("one"))
	f.check(err)
	store, err := chat.NewFileOutboxStore(filepath.Join(t.TempDir(), "outbox"))
	f.check(err)
	sent := make(chan chat.OutboxSent, 1)
	outbox, err := chat.NewOutbox(chat.OutboxOptions{Store: store, Sender: r, Sent: func(s chat.OutboxSent) { sent <- s }})
	f.check(err)
	_, err = outbox.Add(chat.OutboxMessage{ThreadID: talk, Content: "on the train", ClientID: "c"})
	f.check(err)
	f.SetOffline(false)
	first := <-sent
	f.hears("says one", "Lunch: 3 unread, gone false", "says on the train")
	again, err := r.SendMessage(t.Context(), talk, "on the train", &chat.RealtimeSendMessageOptions{ClientID: "c"})
	if err != nil || !again.Repeated || again.ID != first.MessageID {
		t.Errorf("%+v after %+v, %v", again, first, err)
	}
	f.check(r.SendTypingNotification(t.Context(), talk, nil), r.SendReadReceipt(t.Context(), talk, first.MessageID))
	f.hears(f.User().RawID()+" read", "Lunch: 0 unread, gone false")
	f.check(outbox.Close())
	// A program that was started again goes on where it stopped.
	position := r.Position()
	f.check(r.Close())
	_, err = f.MessageReceived(said("two"))
	f.check(err)
	f.check(f.ThreadCreated(chat.ThreadEvent{Thread: chat.Thread{ID: new("19:new@thread.v2"), Topic: new("New")}}))
	f.client(position)
	heard := map[string]bool{}
	for range 4 {
		heard[<-f.told] = true
	}
	for _, want := range []string{"says two", "Lunch: 1 unread, gone false", "made New", "New: 0 unread, gone false"} {
		if !heard[want] {
			t.Errorf("not told %q: %v", want, heard)
		}
	}
}

// TestRealtime_Answers: the functions of the options answer, and refuse.
func TestRealtime_Answers(t *testing.T) {
	failures := 2
	refusal := &chat.RefusedError{StatusCode: http.StatusTooManyRequests, Message: "slowly", RetryAfter: time.Second}
	f := newFar(t, &fake.RealtimeOptions{
		User: alice,
		SendMessage: func(threadID, content string, o chat.RealtimeSendMessageOptions) (chat.RealtimeSendMessageResponse, error) {
			if failures > 0 {
				failures--
				return chat.RealtimeSendMessageResponse{}, errors.New("busy")
			}
			if content == "no" {
				return chat.RealtimeSendMessageResponse{}, refusal
			}
			if threadID != talk || o.Type != chat.MessageTypeHTML || o.SenderDisplayName != "A" || o.Metadata["k"] != "v" || o.ClientID != "c" {
				t.Errorf("%s, %+v", threadID, o)
			}
			return chat.RealtimeSendMessageResponse{ID: "42", Repeated: true}, nil
		},
		SendTypingNotification: func(string, chat.RealtimeSendTypingNotificationOptions) error { return refusal },
		SendReadReceipt:        func(string, string) error { return refusal },
	})
	r, ctx := f.client(nil), t.Context()
	sent, err := r.SendMessage(ctx, talk, "<b>x</b>", &chat.RealtimeSendMessageOptions{
		Type: chat.MessageTypeHTML, SenderDisplayName: "A", Metadata: map[string]string{"k": "v"}, ClientID: "c",
	})
	if err != nil || sent.ID != "42" || !sent.Repeated {
		t.Errorf("%+v, %v", sent, err)
	}
	_, err = r.SendMessage(ctx, talk, "no", nil)
	for _, err := range []error{err, r.SendTypingNotification(ctx, talk, nil), r.SendReadReceipt(ctx, talk, "42")} {
		var refused *chat.RefusedError
		if !errors.As(err, &refused) || *refused != *refusal {
			t.Errorf("%v", err)
		}
	}
	for _, err := range []error{
		f.AddThread(chat.ThreadState{}), f.AddThread(chat.ThreadState{ThreadID: talk, LastRead: "x"}), f.ThreadCreated(chat.ThreadEvent{}),
		f.MessageEdited(said("no id")), f.ReadReceiptReceived(chat.ReadReceiptEvent{ThreadID: talk}), f.TypingReceived(chat.TypingEvent{}),
		f.MessageDeleted(chat.MessageEvent{ThreadID: talk, Message: chat.Message{ID: new(strings.Repeat("9", 30))}}),
	} {
		if !errors.Is(err, core.ErrInvalidParameter) {
			t.Errorf("%v", err)
		}
	}
}
