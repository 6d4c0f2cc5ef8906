package engine_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

func randomBytes(n int, seed uint64) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed)})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func TestData_BothKinds(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for _, reliability := range []engine.DataReliability{engine.DataReliable, engine.DataLossy} {
		t.Run(reliability.String(), func(t *testing.T) {
			s := newMiniService(t, callfsm.Timeouts{})
			alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
			got := make(chan engine.DataReceived, 16)
			a, _ := connect(alice, bob, nil, func(o *engine.AcceptCallOptions) {
				o.Events.DataReceived = func(e engine.DataReceived) { got <- e }
			})
			sender, err := a.NewDataSender(&engine.DataSenderOptions{ChannelID: 65535, Reliability: reliability})
			if err != nil {
				t.Fatal(err)
			}
			sizes := []int{0, 1, 1200, 16 << 10, engine.MaxDataMessageSize}
			for i, size := range sizes {
				alice.do("send", func(ctx context.Context) error { return sender.Send(ctx, randomBytes(size, uint64(i))) })
			}
			for i, size := range sizes {
				select {
				case e := <-got:
					if !bytes.Equal(e.Data, randomBytes(size, uint64(i))) {
						t.Errorf("message %d of %d bytes came as %d bytes", i, size, len(e.Data))
					}
					if e.ChannelID != 65535 || e.Reliability != reliability || e.Sequence != uint32(i+1) || e.Participant.DisplayName() != "Alice" {
						t.Errorf("message %d: channel %d, %v, #%d from %q", i, e.ChannelID, e.Reliability, e.Sequence, e.Participant.DisplayName())
					}
				case <-time.After(patience):
					t.Fatalf("message %d of %d bytes did not come", i, size)
				}
			}
			stats := a.Stats().Data
			if stats.MessagesSent != 5 || stats.BytesSent != uint64(1+1200+16<<10+engine.MaxDataMessageSize) {
				t.Errorf("statistics %+v", stats)
			}
			alice.hangUp(a)
		})
	}
}

func TestData_Errors(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a := alice.call("bob")
	i := bob.ringing()
	early, err := a.NewDataSender(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := early.Send(ctx, []byte("too early")); !errors.Is(err, engine.ErrInvalidState) {
		t.Errorf("sending while it rings: %v", err)
	}
	bob.accept(i)
	alice.wait("state Connected")
	bob.wait("state Connected")
	if early.ChannelID() != 1 || early.Reliability() != engine.DataReliable {
		t.Errorf("channel %d, %v", early.ChannelID(), early.Reliability())
	}
	if err := early.Send(ctx, make([]byte, engine.MaxDataMessageSize+1)); !errors.Is(err, engine.ErrMessageTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
	for _, id := range []int{-1, 65536} {
		if _, err := a.NewDataSender(&engine.DataSenderOptions{ChannelID: id}); !errors.Is(err, engine.ErrInvalidChannelID) {
			t.Errorf("channel %d: %v", id, err)
		}
	}
	if _, err := a.NewDataSender(&engine.DataSenderOptions{ChannelID: 1}); !errors.Is(err, engine.ErrInvalidChannelID) {
		t.Errorf("a channel twice: %v", err)
	}
	if _, err := a.NewDataSender(&engine.DataSenderOptions{Reliability: 7}); !errors.Is(err, engine.ErrInvalidOptions) {
		t.Errorf("a kind that is none: %v", err)
	}
	second, err := a.NewDataSender(nil)
	if err != nil || second.ChannelID() != 2 {
		t.Fatalf("second channel: %v, %v", second, err)
	}
	if err := early.Close(); err != nil {
		t.Error(err)
	}
	if err := early.Close(); err != nil {
		t.Error(err)
	}
	if err := early.Send(ctx, nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("sending on a closed channel: %v", err)
	}
	if again, err := a.NewDataSender(nil); err != nil || again.ChannelID() != 1 {
		t.Errorf("the id of a closed channel is not free: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := second.Send(cancelled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	alice.hangUp(a)
	if err := second.Send(ctx, nil); !errors.Is(err, engine.ErrCallEnded) {
		t.Errorf("after the call: %v", err)
	}
	if _, err := a.NewDataSender(nil); !errors.Is(err, engine.ErrCallEnded) {
		t.Errorf("a channel after the call: %v", err)
	}
}
