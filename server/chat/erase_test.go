package chat_test

import (
	"testing"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
)

func TestEraseResource(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	thread := w.thread(alice, bob)
	for range 120 {
		w.send(alice, thread.ID, "hello")
	}
	if err := w.chat.EraseResource(w.ctx, guid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.chat.Thread(w.ctx, bob, thread.ID); err != nil {
		t.Errorf("another resource was erased: %v", err)
	}
	for range 2 {
		if err := w.chat.EraseResource(w.ctx, resource); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := w.chat.Threads(w.ctx, bob, chat.Position{}.Last, chat.Position{}, 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
