package signaling_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/signaling"
)

// TestSession_WaitBelow: whoever has much to send waits until the agent has
// taken it, the session is over, or the context ends.
func TestSession_WaitBelow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		p := newPair(t, func(co *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			co.Handler = func(*signaling.Message) error { <-release; return nil }
		})
		p.start()
		session := p.current()
		if err := session.WaitBelow(t.Context(), 0); err != nil {
			t.Errorf("an empty queue: %v", err)
		}
		for range 4 {
			if err := session.Send(text(strings.Repeat("x", 10<<10))); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.WaitBelow(t.Context(), 1<<20); err != nil {
			t.Errorf("below: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := session.WaitBelow(ctx, 25<<10); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("above: %v", err)
		}
		done := make(chan error, 1)
		go func() { done <- session.WaitBelow(t.Context(), 25<<10) }()
		release <- struct{}{}
		settle(time.Second)
		if len(done) != 0 {
			t.Error("did not wait for the second message")
		}
		release <- struct{}{}
		if err := <-done; err != nil {
			t.Errorf("after two: %v", err)
		}
		go func() { done <- session.WaitBelow(t.Context(), 0) }()
		settle(time.Second)
		session.Close(signaling.CodeNormal, "over")
		if err := <-done; err != nil {
			t.Errorf("a session that is over: %v", err)
		}
		close(release)
	})
}
