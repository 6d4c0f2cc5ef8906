package chat_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/store"
)

// kinds waits for events and returns of which kind they are.
func (u *unsteady) kinds(n int) (list []chat.EventKind) {
	u.t.Helper()
	for _, e := range u.heard.wait(u.t, n) {
		list = append(list, e.Kind)
	}
	return list
}

// hearsKinds refuses what is not of these kinds, in this order.
func (u *unsteady) hearsKinds(want ...chat.EventKind) {
	u.t.Helper()
	if got := u.kinds(len(want)); !slices.Equal(got, want) {
		u.t.Fatalf("told %v, want %v", got, want)
	}
}

func (u *unsteady) delete() {
	u.t.Helper()
	if err := u.chat.DeleteThread(u.ctx, u.alice, u.thread); err != nil {
		u.t.Fatal(err)
	}
}

func (u *unsteady) exec(query string, args ...any) {
	u.t.Helper()
	err := u.store.Write(u.ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		u.t.Fatal(err)
	}
}

// recheck looks again until somebody was told so much.
func (u *unsteady) recheck(n int) {
	u.t.Helper()
	for u.heard.count() < n { // the stream may still be busy with what it told
		if err := u.chat.Hub().Recheck(u.ctx); err != nil {
			u.t.Fatal(err)
		}
	}
}

// TestHub_FreshStreamOfDeletedThread: that a thread is deleted, of which a node
// has heard nothing else, its members are told, and of nothing before.
func TestHub_FreshStreamOfDeletedThread(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.bus.hold()
	u.say(time.Minute, "1")
	u.clock.move(time.Minute)
	u.bus.release(t)
	u.delete()
	u.hearsKinds(chat.EventThreadDeleted)
}

// TestHub_LostDeletion: a deletion that the bus has lost is told when the node
// looks again, with who did it.
func TestHub_LostDeletion(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	u.delete()
	u.recheck(2)
	u.hearsKinds(chat.EventMessageReceived, chat.EventThreadDeleted)
	if e := u.heard.wait(t, 2)[1]; e.Actor != u.alice.User || !e.At.Equal(u.clock.now()) || e.Change != 3 {
		t.Errorf("told %+v", e)
	}
}

// TestHub_LostDeletionOfSilentThread: the same of a thread of which a node has heard
// nothing else.
func TestHub_LostDeletionOfSilentThread(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.hold()
	u.say(time.Minute, "1")
	u.clock.move(time.Minute)
	u.delete()
	u.recheck(1)
	u.hearsKinds(chat.EventThreadDeleted)
}

// TestHub_DeletedMeanwhile: a message is told before the deletion of its thread,
// also when the database knows of that already.
func TestHub_DeletedMeanwhile(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.bus.hold()
	u.say(time.Minute, "1")
	u.delete()
	u.bus.release(t, 0, 1)
	u.hearsKinds(chat.EventMessageReceived, chat.EventThreadDeleted)
}

// TestHub_FreshStreamOfOldUpdate: what was changed in a thread long before a node
// hears of it is not told again.
func TestHub_FreshStreamOfOldUpdate(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.detach()
	u.bus.hold()
	if err := u.chat.UpdateThread(u.ctx, u.alice, u.thread, chat.ThreadPatch{RetentionDays: new(30)}); err != nil {
		t.Fatal(err)
	}
	u.clock.move(time.Hour)
	u.join()
	u.bus.release(t)
	u.say(time.Second, "1")
	u.hears("1")
}

// TestHub_LostWithItsChange: a message that was lost together with its deletion,
// or with that it was edited, is told with that.
func TestHub_LostWithItsChange(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	edited, deleted := u.send(u.alice, u.thread, "2"), u.send(u.alice, u.thread, "3")
	if err := u.chat.UpdateMessage(u.ctx, u.alice, u.thread, edited.ID, chat.MessagePatch{Content: new("two")}); err != nil {
		t.Fatal(err)
	}
	if err := u.chat.DeleteMessage(u.ctx, u.alice, u.thread, deleted.ID); err != nil {
		t.Fatal(err)
	}
	u.bus.release(t)
	u.say(time.Second, "4")
	u.hearsKinds(chat.EventMessageReceived, chat.EventMessageReceived, chat.EventMessageReceived, chat.EventMessageEdited,
		chat.EventMessageDeleted, chat.EventMessageReceived)
	events := u.heard.wait(t, 6)
	for i, e := range events[:5] {
		if e.Change != int64(i+2) {
			t.Errorf("event %d has the number %d", i, e.Change)
		}
	}
	if m := events[3].Message; m.ID != edited.ID || m.Content != "two" || events[3].At != m.Edited {
		t.Errorf("edited: %+v", events[3])
	}
	if m := events[4].Message; m.ID != deleted.ID || events[4].At != m.Deleted {
		t.Errorf("deleted: %+v", events[4])
	}
}

// TestHub_FreshStreamOfSlowClock: a message from a node whose clock is behind looks
// as if it were from before anybody listened. When another one has overtaken it,
// it is told in its turn, or, if the clock is far behind, not out of it.
func TestHub_FreshStreamOfSlowClock(t *testing.T) {
	for _, behind := range []time.Duration{5 * time.Second, 30 * time.Second} {
		u := newUnsteady(t, time.Hour)
		u.bus.hold()
		u.clock.move(-behind)
		u.say(time.Millisecond, "1")
		u.clock.move(behind)
		u.say(time.Millisecond, "2")
		u.bus.release(t, 1, 0)
		if behind < 10*time.Second {
			u.hears("1", "2")
			continue
		}
		events := u.heard.wait(t, 2)
		if events[0].Message == nil || events[0].Message.Content != "2" || !missed(events[1]) {
			t.Errorf("told %+v, %+v", events[0], events[1])
		}
	}
}

// TestHub_SlowClock: what comes from a node whose clock is far behind is heard by
// whoever has just come.
func TestHub_SlowClock(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.release(t)
	u.clock.move(-40 * time.Second)
	u.say(time.Millisecond, "1", "2")
	u.hears("1", "2")
}

// TestHub_LongLostBeforeJoin: what was lost is told to those who were there, not to
// who came later.
func TestHub_LongLostBeforeJoin(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	u.say(time.Minute, "1")
	late := newSink()
	u.clock.move(time.Minute)
	detach, err := u.chat.Hub().Join(u.ctx, u.alice.User, late)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(detach)
	u.bus.release(t)
	u.say(time.Minute, "2")
	u.hears("1", "2")
	if e := late.wait(t, 1)[0]; e.Message == nil || e.Message.Content != "2" {
		t.Errorf("told %+v", e)
	}
}

// TestHub_FreshStreamOfLongLost: what was lost long before is told with what
// follows.
func TestHub_FreshStreamOfLongLost(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	u.say(time.Minute, "1", "2")
	u.clock.move(time.Hour)
	u.bus.release(t)
	u.say(time.Minute, "3")
	u.hears("1", "2", "3")
}

// TestHub_FreshStreamOfLargeLoss: who has missed more of a thread than is read at
// once is told so.
func TestHub_FreshStreamOfLargeLoss(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	for range 250 {
		u.say(time.Second, "lost")
	}
	u.bus.release(t)
	u.say(time.Second, "last")
	if e := u.heard.wait(t, 1)[0]; !missed(e) {
		t.Errorf("told %+v first", e)
	}
}

// TestHub_JoinBusyThread: who comes to a node while a thread is busier than is read
// at once has missed nothing.
func TestHub_JoinBusyThread(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.detach()
	u.bus.hold()
	for range 250 {
		u.say(time.Millisecond, "before")
	}
	u.join()
	u.bus.release(t)
	u.say(time.Millisecond, "after")
	u.hears("after")
}

// TestHub_LostFirst: what the bus has lost of a thread of which a node has heard
// nothing at all is told when the node looks again.
func TestHub_LostFirst(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.hold()
	u.say(time.Minute, "1", "2")
	u.bus.release(t)
	u.recheck(2)
	u.hears("1", "2")
	u.recheck(2)
	u.say(time.Minute, "3")
	u.hears("1", "2", "3")
}

// TestHub_LostFirstWithoutDatabase: a look that failed is made up for by the next.
func TestHub_LostFirstWithoutDatabase(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.hold()
	u.say(time.Minute, "1")
	u.clock.move(time.Minute)
	u.exec("ALTER TABLE chat_threads RENAME TO elsewhere")
	if err := u.chat.Hub().Recheck(u.ctx); err == nil {
		t.Fatal("looked without a table")
	}
	u.exec("ALTER TABLE elsewhere RENAME TO chat_threads")
	u.recheck(1)
	u.hears("1")
}

// TestHub_NotRepeated: who comes after a message is not told of it when the node
// looks again.
func TestHub_NotRepeated(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.detach()
	u.bus.hold()
	u.say(time.Minute, "1")
	u.clock.move(time.Second)
	u.join()
	if err := u.chat.Hub().Recheck(u.ctx); err != nil {
		t.Fatal(err)
	}
	u.bus.release(t)
	u.say(time.Minute, "2")
	u.hears("2")
}

// TestHub_LostAfterForgotten: the same of a thread whose stream was dropped.
func TestHub_LostAfterForgotten(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.forget()
	u.bus.hold()
	u.say(time.Minute, "2")
	u.recheck(2)
	u.hears("1", "2")
}

// TestHub_NotReadAtFirst: when the database does not say what a thread's first
// message has overtaken, its members hear that something may be missing.
func TestHub_NotReadAtFirst(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	u.say(time.Minute, "1", "2")
	u.exec("DROP TABLE chat_receipts")
	u.bus.release(t, 1)
	if e := u.heard.wait(t, 1)[0]; !missed(e) {
		t.Errorf("told %+v first", e)
	}
}

// TestHub_AddedMeanwhile: who was added while the node read who is a member is
// told of everything once.
func TestHub_AddedMeanwhile(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	carol, heard := user(), newSink()
	t.Cleanup(u.chat.Hub().Attach(carol.User, heard))
	u.bus.hold()
	if err := u.chat.Typing(u.ctx, u.alice, u.thread, "Alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := u.chat.AddParticipants(u.ctx, u.alice, u.thread, people(carol)); err != nil {
		t.Fatal(err)
	}
	// The number is read before the members: it may be that of before.
	u.exec("UPDATE chat_threads SET members = 1 WHERE id = $1", u.thread)
	u.bus.release(t, 0)
	u.hearsKinds(chat.EventTyping)
	u.exec("UPDATE chat_threads SET members = 2 WHERE id = $1", u.thread)
	u.bus.release(t, 1)
	u.say(time.Second, "1")
	events := heard.until(t, chat.EventMessageReceived)
	if kinds := []chat.EventKind{events[0].Kind, events[1].Kind, events[2].Kind}; len(events) != 3 ||
		!slices.Equal(kinds, []chat.EventKind{chat.EventTyping, chat.EventParticipantsAdded, chat.EventMessageReceived}) {
		t.Errorf("told %v", kinds)
	}
}

// TestHub_LostWhileNobodyListened: who comes to a node is not told what it lost
// while nobody was there.
func TestHub_LostWhileNobodyListened(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.detach()
	u.bus.hold()
	u.say(time.Minute, "2", "3")
	u.clock.move(time.Hour)
	u.join()
	u.bus.release(t)
	u.say(time.Minute, "4")
	u.hears("1", "4")
}

// TestHub_LostTailBeforeJoin: what was lost before somebody joined is told to those
// who were there only.
func TestHub_LostTailBeforeJoin(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	u.say(time.Minute, "2")
	u.clock.move(time.Minute)
	late := newSink()
	detach, err := u.chat.Hub().Join(u.ctx, u.alice.User, late)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(detach)
	u.bus.release(t)
	u.say(time.Minute, "3")
	u.hears("1", "2", "3")
	if e := late.wait(t, 1)[0]; e.Message == nil || e.Message.Content != "3" {
		t.Errorf("told %+v", e)
	}
}

// slowSink holds the goroutine of a stream up.
type slowSink struct {
	*sink
	first, goOn chan struct{}
	once        sync.Once
}

func (s *slowSink) Deliver(e *chat.Event) {
	s.sink.Deliver(e)
	s.once.Do(func() {
		close(s.first)
		<-s.goOn
	})
}

// TestHub_DroppedWhileBusy: a stream that was dropped because nobody listened any
// more tells nothing to who listens then.
func TestHub_DroppedWhileBusy(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.detach()
	slow := &slowSink{sink: newSink(), first: make(chan struct{}), goOn: make(chan struct{})}
	leave := u.chat.Hub().Attach(u.bob.User, slow)
	u.bus.hold()
	u.say(time.Millisecond, "1", "2", "3")
	u.bus.release(t, 2) // all three are told at once
	<-slow.first
	leave()
	u.say(time.Minute, "4")
	for chat.Follows(u.chat.Hub(), u.thread) {
		runtime.Gosched() // nobody listens: it is dropped
	}
	u.clock.move(time.Minute)
	u.join()
	close(slow.goOn)
	u.say(time.Second, "5")
	u.hears("5")
	if n := slow.count(); n != 1 {
		t.Errorf("%d events for who had left", n)
	}
}
