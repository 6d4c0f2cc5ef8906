package server_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// TestRealTime_OlderMessages: whoever came into a thread without its history
// hears nothing of the messages before, in no way: not when they are edited,
// read or deleted, and not after a time away. Those who see them hear it.
func TestRealTime_OlderMessages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	told := hook(t, srv, "Microsoft.Communication.ChatMessageReceived", "Microsoft.Communication.ChatMessageEdited", "Microsoft.Communication.ChatMessageDeleted")
	alice, bob, carol := newPerson(t, srv, "chat"), newEveryWay(t, srv), newEveryWay(t, srv)
	threads, ctx := server.ChatService(srv), t.Context()
	thread := makeThread(t, alice, bob.person)
	old, _, err := threads.Send(ctx, alice.caller, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "before"})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := threads.Send(ctx, alice.caller, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "also before"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := threads.AddParticipants(ctx, alice.caller, thread.ID, []chat.Participant{{User: carol.caller.User}}); err != nil {
		t.Fatal(err)
	}
	about := func() {
		t.Helper()
		for _, err := range []error{
			threads.UpdateMessage(ctx, alice.caller, thread.ID, old.ID, chat.MessagePatch{Content: new("before, edited")}),
			threads.MarkRead(ctx, bob.caller, thread.ID, old.ID),
			threads.DeleteMessage(ctx, alice.caller, thread.ID, old.ID),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	about()
	last, _, err := threads.Send(ctx, alice.caller, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "after"})
	if err != nil {
		t.Fatal(err)
	}
	carol.browsers(func(l *listener) {
		l.expect(260, carol.caller.User)
		if got := l.expect(200, carol.caller.User); got.MessageBody != "after" {
			t.Errorf("told %+v", got)
		}
	})
	bob.browsers(func(l *listener) {
		for _, id := range []int{257, 200, 200, 260, 247, 246, 248, 200} {
			l.expect(id, bob.caller.User)
		}
	})
	carol.hearsOnly(thread.ID, thread.ID, signalpb.ChatEvent_PARTICIPANTS_ADDED, signalpb.ChatEvent_MESSAGE_RECEIVED)
	if list, err := threads.Receipts(ctx, carol.caller, thread.ID, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("receipts %v, %v", list, err)
	}
	if list, err := threads.Receipts(ctx, alice.caller, thread.ID, 0, 10); err != nil || len(list) != 1 {
		t.Errorf("receipts for one who sees the message: %v, %v", list, err)
	}
	events, _, _, err := threads.Changes(ctx, carol.caller, thread.ID, 1, 100)
	if err != nil || len(events) != 2 {
		t.Errorf("%d changes, %v", len(events), err)
	}
	// Webhooks have the events of users one by one: the last one of all ends.
	for done := 0; done < 2; {
		<-told.events
		for _, e := range read[[]hookEvent](t, <-told.content) {
			to := e.Data.RecipientCommunicationIdentifier.RawID
			if to == carol.caller.User && e.Data.MessageBody != "after" {
				t.Errorf("told a webhook for one who does not see it: %+v", e)
			}
			if to != alice.caller.User && e.Data.MessageBody == "after" {
				done++
			}
		}
	}
	// The one who does not hear of a change is not behind because of it: what comes
	// next needs no reading of the thread, which would say where that stands.
	carol.begin(&signalpb.ChatSubscribe{Resume: true, Known: []*signalpb.ChatSubscribe_Known{{ThreadId: thread.ID, Change: uint64(last.Change)}}})
	if err := threads.DeleteMessage(ctx, alice.caller, thread.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := threads.Send(ctx, alice.caller, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "more"}); err != nil {
		t.Fatal(err)
	}
	if m := carol.agent.next(); m.GetChatEvent().GetMessage().GetContent() != "more" {
		t.Errorf("told %v", m.GetBody())
	}
}
