package calls_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/server/store"
)

func TestRing_DoesNotWaitForTheDisk(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		caller, callee := w.signIn("alice", "a"), w.signIn("bob", "b")
		for range 3 {
			// The disk takes a minute to write.
			w.store.Post(func(*store.Tx) error { time.Sleep(time.Minute); return nil }, nil)
			id := callfsm.NewCallID()
			began := time.Now()
			caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: user("bob")})
			caller.expect(id, callfsm.KindStarted)
			callee.expect(id, callfsm.KindIncoming)
			callee.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: 1})
			caller.expect(id, callfsm.KindRinging)
			if took := time.Since(began); took > time.Second {
				t.Errorf("ringing after %v", took)
			}
			// The answer stands on what is durable.
			began = time.Now()
			callee.send(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1})
			caller.expect(id, callfsm.KindAccepted)
			if took := time.Since(began); took < 50*time.Second {
				t.Errorf("accepted after %v: before it was durable", took)
			}
			callee.expect(id, callfsm.KindConfirmed)
			// Nor do messages between the ends wait.
			w.store.Post(func(*store.Tx) error { time.Sleep(time.Minute); return nil }, nil)
			began = time.Now()
			callee.send(id, callfsm.Message{Kind: callfsm.KindMute})
			caller.expect(id, callfsm.KindMute)
			if took := time.Since(began); took > time.Second {
				t.Errorf("muted after %v", took)
			}
			caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
			caller.expect(id, callfsm.KindEnded)
			callee.expect(id, callfsm.KindEnded)
		}
	})
}
