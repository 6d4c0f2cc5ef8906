package chat_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
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

// TestSend_WhoAskedIsGone: a message that became durable is told although whoever
// sent it did not wait for the answer.
func TestSend_WhoAskedIsGone(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	thread := w.thread(alice, bob)
	hears := newSink()
	defer w.chat.Hub().Attach(bob.User, hears)()
	held, release := make(chan struct{}), make(chan struct{})
	go func() {
		_ = w.store.Write(w.ctx, func(*store.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	ctx, cancel := context.WithCancel(w.ctx)
	sent := make(chan error, 1)
	go func() {
		_, _, err := w.chat.Send(ctx, alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "hello"})
		sent <- err
	}()
	cancel()
	close(release)
	if err := <-sent; err != nil {
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return // it was over before it began: then there is no message
	}
	if events := hears.wait(t, 1); events[0].Message.Content != "hello" {
		t.Errorf("%+v", events[0])
	}
}
