package chat_test

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
)

// heldBus keeps what is published until the test lets it go.
type heldBus struct {
	busOf
	mu    sync.Mutex
	holds bool
	kept  []keptMessage
}

type keptMessage struct {
	subject string
	data    []byte
}

func (b *heldBus) Publish(subject string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holds {
		b.kept = append(b.kept, keptMessage{subject, data})
		return nil
	}
	return b.busOf.Publish(subject, data)
}

// hold begins to keep what is published; nothing is kept from before.
func (b *heldBus) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds, b.kept = true, nil
}

// release publishes some of what was kept, in an order.
func (b *heldBus) release(t *testing.T, order ...int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds = false
	for _, i := range order {
		if err := b.busOf.Publish(b.kept[i].subject, b.kept[i].data); err != nil {
			t.Fatal(err)
		}
	}
}

// unsteady is a world whose bus the test holds, with a thread of two.
type unsteady struct {
	*world
	bus        *heldBus
	alice, bob *chat.Caller
	thread     string
	heard      *sink
	detach     func()
}

// newUnsteady returns a world in which bob begins to listen to a thread of which
// the hub has heard nothing.
func newUnsteady(t *testing.T, wait time.Duration) *unsteady {
	u := &unsteady{alice: user(), bob: user(), heard: newSink()}
	u.world = newWorldOn(t, everybody{}, func(b *bus.Bus) chat.Bus {
		u.bus = &heldBus{busOf: busOf{b}}
		return u.bus
	})
	chat.WaitForGaps(u.chat.Hub(), wait)
	u.bus.hold()
	u.thread = u.world.thread(u.alice, u.bob).ID
	u.clock.move(time.Minute)
	u.join()
	return u
}

// join has bob listen from now on.
func (u *unsteady) join() {
	u.t.Helper()
	var err error
	if u.detach, err = u.chat.Hub().Join(u.ctx, u.bob.User, u.heard); err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(u.detach)
}

// say has alice send messages, with some time before each.
func (u *unsteady) say(between time.Duration, texts ...string) {
	u.t.Helper()
	for _, text := range texts {
		u.clock.move(between)
		u.send(u.alice, u.thread, text)
	}
}

// forget has the node drop the stream of the thread as it does when there are many.
func (u *unsteady) forget() {
	for !chat.Forget(u.chat.Hub(), u.thread) {
		runtime.Gosched() // it told something a moment ago
	}
}

func (u *unsteady) hears(texts ...string) {
	u.t.Helper()
	events := u.heard.wait(u.t, len(texts))
	for i, e := range events {
		if e.Message == nil || e.Message.Content != texts[i] {
			u.t.Fatalf("event %d of %d: %+v, want %v", i, len(events), e.Message, texts)
		}
	}
}

// TestHub_FreshStream: the first messages of a thread that come to a node in the
// wrong order are told in the right one, all of them.
func TestHub_FreshStream(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.bus.hold()
	u.say(time.Millisecond, "1", "2", "3", "4")
	u.bus.release(t, 2, 1, 3, 0)
	u.hears("1", "2", "3", "4")
	u.bus.hold()
	u.say(time.Millisecond, "5", "6")
	u.bus.release(t, 1, 0)
	u.hears("1", "2", "3", "4", "5", "6")
}

// TestHub_FreshStreamOfLostEvents: what overtook the first messages of a thread
// brings them along: nobody waits for them, and when they come nobody hears them
// again.
func TestHub_FreshStreamOfLostEvents(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	u.say(time.Millisecond, "1", "2", "3")
	u.bus.release(t, 2)
	u.hears("1", "2", "3")
	u.bus.release(t, 0, 1)
	u.say(time.Millisecond, "4")
	u.hears("1", "2", "3", "4")
}

// TestHub_JoinAmongEvents: whoever joins hears what happens from then on: nothing
// that the database had before, even if it is still on its way to others.
func TestHub_JoinAmongEvents(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	early := newSink()
	t.Cleanup(u.chat.Hub().Attach(u.alice.User, early))
	u.detach()
	u.say(time.Second, "1", "2")
	u.join()
	u.say(time.Second, "3", "4")
	u.bus.release(t, 3)
	u.hears("3", "4")
	u.bus.release(t, 0, 1, 2)
	u.say(time.Second, "5")
	u.hears("3", "4", "5")
	for i, e := range early.wait(t, 5) {
		if want := strconv.Itoa(i + 1); e.Message == nil || e.Message.Content != want {
			t.Errorf("event %d of alice: %+v", i, e.Message)
		}
	}
}

// TestHub_JoinLater: what somebody did before a user joined is not told because of
// what follows it at once, whatever it was.
func TestHub_JoinLater(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.detach()
	u.bus.hold()
	m := u.send(u.alice, u.thread, "before")
	for _, do := range []func() error{
		func() error {
			return u.chat.UpdateMessage(u.ctx, u.alice, u.thread, m.ID, chat.MessagePatch{Content: new("edited")})
		},
		func() error { return u.chat.MarkRead(u.ctx, u.bob, u.thread, m.ID) },
		func() error {
			return u.chat.UpdateThread(u.ctx, u.alice, u.thread, chat.ThreadPatch{Metadata: map[string]*string{"k": new("v")}})
		},
	} {
		u.clock.move(time.Minute)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		u.clock.move(time.Second)
		heard := newSink()
		detach, err := u.chat.Hub().Join(u.ctx, u.bob.User, heard)
		if err != nil {
			t.Fatal(err)
		}
		u.bus.hold()
		u.say(time.Second, "after")
		u.bus.release(t, 0)
		if e := heard.wait(t, 1)[0]; e.Message == nil || e.Message.Content != "after" {
			t.Errorf("heard %+v", e)
		}
		detach()
		u.say(0, "to nobody") // the node forgets where the thread was
	}
}

// TestHub_FreshThread: a thread whose first message comes before its creation is
// told from its creation on.
func TestHub_FreshThread(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.bus.hold()
	id := u.world.thread(u.alice, u.bob).ID
	u.send(u.alice, id, "first")
	u.bus.release(t, 1, 0)
	u.send(u.alice, id, "second")
	events := u.heard.wait(t, 3)
	made := events[0]
	if made.Kind != chat.EventThreadCreated || made.Thread != id || made.Actor != u.alice.User || made.Topic != "lunch" || len(made.Participants) != 2 {
		t.Errorf("first event: %+v", made)
	}
	for i, want := range []string{"first", "second"} { // and the creation once
		if m := events[i+1].Message; m == nil || m.Content != want {
			t.Errorf("event %d: %+v, want %q", i+1, events[i+1], want)
		}
	}
}

// TestHub_FreshStreamWithHole: a change that the database does not show any more,
// because the next one undid it, is waited for like every other.
func TestHub_FreshStreamWithHole(t *testing.T) {
	for _, late := range []bool{true, false} {
		u := newUnsteady(t, map[bool]time.Duration{true: time.Millisecond, false: time.Hour}[late])
		u.bus.hold()
		first := u.send(u.alice, u.thread, "1")
		second := u.send(u.alice, u.thread, "2")
		for _, m := range []chat.Message{first, second} {
			if err := u.chat.MarkRead(u.ctx, u.bob, u.thread, m.ID); err != nil {
				t.Fatal(err)
			}
		}
		u.say(time.Millisecond, "3")
		want := []chat.EventKind{chat.EventMessageReceived, chat.EventMessageReceived, chat.EventRead, chat.EventMessageReceived}
		u.bus.release(t, 4)
		if !late {
			want = slices.Insert(want, 2, chat.EventRead)
			u.heard.wait(t, 2) // the third is missing
			u.bus.release(t, 2)
		}
		var kinds []chat.EventKind
		for _, e := range u.heard.wait(t, len(want)) {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("late: %v: told %v, want %v", late, kinds, want)
		}
	}
}

// TestHub_QuietThread: what follows a long silence is told at once, and nothing of
// what was said before it while nobody listened.
func TestHub_QuietThread(t *testing.T) {
	u := newUnsteady(t, time.Hour)
	u.detach()
	u.bus.hold()
	u.say(time.Minute, "1")
	u.clock.move(time.Minute)
	u.join()
	u.say(time.Minute, "2")
	u.bus.release(t, 1)
	u.hears("2")
}

// TestHub_ForgottenStream: a node that has dropped a stream because there are
// many knows where it was.
func TestHub_ForgottenStream(t *testing.T) {
	u := newUnsteady(t, time.Minute)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.forget()
	u.bus.hold()
	u.say(time.Minute, "2", "3")
	u.bus.release(t, 1, 0)
	u.hears("1", "2", "3")
}

// TestHub_LostTail: what the bus has lost and nothing has followed is told when
// the node looks again.
func TestHub_LostTail(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	u.say(time.Second, "2", "3")
	u.bus.release(t)
	hub := u.chat.Hub()
	for { // the stream may still be busy with what it told
		if err := hub.Recheck(u.ctx); err != nil {
			t.Fatal(err)
		}
		if u.heard.count() == 3 {
			break
		}
	}
	u.hears("1", "2", "3")
	if err := hub.Recheck(u.ctx); err != nil { // nothing is lost: nothing is told
		t.Fatal(err)
	}
	u.say(time.Second, "4")
	u.hears("1", "2", "3", "4")
}

// TestHub_LargeGap: who misses more than is filled is told so, and nothing comes
// that would look like the next thing.
func TestHub_LargeGap(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	for range 250 {
		u.say(time.Second, "lost")
	}
	u.bus.release(t)
	u.say(time.Second, "last")
	events := u.heard.wait(t, 3)
	if !missed(events[1]) || events[2].Message == nil || events[2].Message.Content != "last" {
		t.Fatalf("%d events: %+v, %+v", len(events), events[1], events[2])
	}
	// A gap that is not too large is filled.
	u.bus.hold()
	for range 150 {
		u.say(time.Second, "found")
	}
	u.bus.release(t)
	u.say(time.Second, "end")
	for i, e := range u.heard.wait(t, 154)[3:] {
		if want := "found"; i < 150 && e.Message.Content != want {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
}

// TestHub_NoDatabase: while nobody can say whom an event concerns everybody
// hears that something may be missing.
func TestHub_NoDatabase(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.hold()
	u.say(time.Minute, "1")
	if err := u.store.Close(); err != nil {
		t.Fatal(err)
	}
	u.bus.release(t, 0)
	if e := u.heard.wait(t, 1)[0]; !missed(e) {
		t.Errorf("told %+v", e)
	}
}

// missed tells whether an event is what a sink notes when something is lost.
func missed(e *chat.Event) bool { return e.Kind == chat.EventHidden && e.Change == 0 }
