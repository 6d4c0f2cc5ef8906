package chat_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/store"
)

// updates returns the changes of a thread itself that a member who was away is
// told of.
func (w *world) updates(c *chat.Caller, thread string, since int64) (list []chat.Event) {
	w.t.Helper()
	events, _, _, err := w.chat.Changes(w.ctx, c, thread, since, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == chat.EventThreadUpdated {
			list = append(list, e)
		}
	}
	return list
}

// TestChanges_ThreadUpdated: who was away is told of a changed thread as it is,
// by whom and when it was changed.
func TestChanges_ThreadUpdated(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	made, _, err := w.chat.CreateThread(w.ctx, alice, chat.NewThread{
		Topic: "lunch", Participants: people(bob), Metadata: map[string]string{"color": "red"}, RetentionDays: 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	patch := func(c *chat.Caller, p chat.ThreadPatch) time.Time {
		t.Helper()
		w.clock.move(time.Minute)
		if err := w.chat.UpdateThread(w.ctx, c, made.ID, p); err != nil {
			t.Fatal(err)
		}
		at := w.clock.now()
		w.clock.move(time.Minute)
		w.send(alice, made.ID, "meanwhile")
		return at
	}
	check := func(e chat.Event, topic, color string, days int, by *chat.Caller, at time.Time) {
		t.Helper()
		if e.Topic != topic || e.Metadata["color"] != color || len(e.Metadata) != 1 || e.RetentionDays != days || e.Actor != by.User || !e.At.Equal(at) {
			t.Errorf("told %+v, want %s, %s, %d days, by %s at %v", e, topic, color, days, by.User, at)
		}
	}
	first := patch(bob, chat.ThreadPatch{Topic: new("dinner"), Metadata: map[string]*string{"color": new("blue")}})
	list := w.updates(alice, made.ID, made.Change)
	if len(list) != 1 {
		t.Fatalf("%d updates: %+v", len(list), list)
	}
	check(list[0], "dinner", "blue", 40, bob, first)
	since := list[0].Change
	second := patch(bob, chat.ThreadPatch{Metadata: map[string]*string{"color": new("green")}})
	if list = w.updates(alice, made.ID, since); len(list) != 1 {
		t.Fatalf("%d updates: %+v", len(list), list)
	}
	check(list[0], "dinner", "green", 40, bob, second)
	third := patch(alice, chat.ThreadPatch{Topic: new("supper")})
	last := patch(bob, chat.ThreadPatch{RetentionDays: new(60)})
	// A topic comes as it was said, all else as it is now.
	if list = w.updates(bob, made.ID, since); len(list) != 2 {
		t.Fatalf("%d updates: %+v", len(list), list)
	}
	check(list[0], "supper", "green", 60, alice, third)
	check(list[1], "supper", "green", 60, bob, last)
}

// TestChanges_UpdatedBefore: of a thread that was changed before it was written
// down by whom, as much is told as is known.
func TestChanges_UpdatedBefore(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	made := w.thread(alice, bob)
	if err := w.chat.UpdateThread(w.ctx, bob, made.ID, chat.ThreadPatch{RetentionDays: new(30)}); err != nil {
		t.Fatal(err)
	}
	err := w.store.Write(w.ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE chat_threads SET updated_by = '', updated_at = 0 WHERE id = $1", made.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list := w.updates(bob, made.ID, made.Change)
	if len(list) != 1 || list[0].Actor != alice.User || !list[0].At.Equal(made.LastMessage) || list[0].RetentionDays != 30 {
		t.Errorf("told %+v", list)
	}
}

// TestHub_LostUpdate: a change of metadata that the bus lost is told as it was.
func TestHub_LostUpdate(t *testing.T) {
	u := newUnsteady(t, time.Millisecond)
	u.bus.release(t)
	u.say(time.Minute, "1")
	u.hears("1")
	u.bus.hold()
	u.clock.move(time.Minute)
	if err := u.chat.UpdateThread(u.ctx, u.alice, u.thread, chat.ThreadPatch{Metadata: map[string]*string{"k": new("v")}}); err != nil {
		t.Fatal(err)
	}
	at := u.clock.now()
	u.bus.release(t)
	u.say(time.Minute, "2")
	e := u.heard.wait(t, 3)[1]
	if e.Kind != chat.EventThreadUpdated || e.Metadata["k"] != "v" || e.Actor != u.alice.User || !e.At.Equal(at) {
		t.Errorf("told %+v", e)
	}
}

// TestChanges_Pages: pages of any size together are all that happened.
func TestChanges_Pages(t *testing.T) {
	w := newWorld(t, everybody{})
	alice := user()
	id := w.thread(alice).ID
	const count = 20
	for i := range count {
		w.clock.move(time.Second)
		w.send(alice, id, strconv.Itoa(i))
	}
	for limit := 2; limit < count+5; limit++ {
		var told []string
		for since, more := int64(0), true; more; {
			var events []chat.Event
			var err error
			if events, since, more, err = w.chat.Changes(w.ctx, alice, id, since, limit); err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Kind == chat.EventMessageReceived {
					told = append(told, e.Message.Content)
				} else if e.Kind != chat.EventThreadCreated || len(told) > 0 || e.Topic != "lunch" {
					t.Errorf("limit %d: %+v after %d", limit, e, len(told))
				}
			}
		}
		for i := range count {
			if len(told) != count || told[i] != strconv.Itoa(i) {
				t.Fatalf("limit %d: told %q", limit, told)
			}
		}
	}
}
