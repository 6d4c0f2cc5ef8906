package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
)

// TestStartCall_Abandoned: canceling the context before StartCall returns
// abandons the attempt.
func TestStartCall_Abandoned(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	// The service takes the call, but the caller does not hear of it.
	s.meddle = func(device string, m *signaling.Message) []*signaling.Message {
		if device == user("alice")+"/alice" && m.GetCall() != nil && callfsm.MessageKind(m.GetCall().GetKind()) != callfsm.KindEnded {
			return nil
		}
		return []*signaling.Message{m}
	}
	alice, bob := signIn(t, s.dialer(), "alice", withDevice("alice")), signIn(t, s.dialer(), "bob")
	want := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		bob.ringing()
		cancel(want)
	}()
	c, err := alice.agent.StartCall(ctx, []engine.Identifier{bob.agent.Identifier()}, nil)
	if !errors.Is(err, want) || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
	bob.wait("incoming ended 487/0")
	alice.wait("calls +0 -1")
	if len(alice.agent.Calls()) != 0 {
		t.Error("the abandoned call is still listed")
	}
}

// TestStartCall_ContextHasNoPowerAfterwards: once it returned, the context does
// nothing to the call; the same with Accept.
func TestStartCall_ContextHasNoPowerAfterwards(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	ctx, cancel := context.WithCancel(context.Background())
	ear := newEar(440)
	a, err := alice.agent.StartCall(ctx, []engine.Identifier{bob.agent.Identifier()}, &engine.StartCallOptions{
		CallOptions: engine.CallOptions{Audio: engine.NewLocalAudioTrack(&toneSource{frequency: 440})},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bob.ringing().Accept(ctx, &engine.AcceptCallOptions{CallOptions: engine.CallOptions{AudioSink: ear}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	ear.hears(t)
	if a.State() != engine.CallStateConnected || b.State() != engine.CallStateConnected {
		t.Errorf("states %v and %v", a.State(), b.State())
	}
	// A cancelled context stops a method before it does anything.
	for what, f := range map[string]func(context.Context) error{
		"Hold": a.Hold, "Mute": a.Mute, "MuteIncoming": a.MuteIncoming,
		"HangUp":   func(ctx context.Context) error { return a.HangUp(ctx, nil) },
		"AddTrack": func(ctx context.Context) error { return a.AddTrack(ctx, engine.NewLocalAudioTrack(nil)) },
		"SendDTMF": func(ctx context.Context) error { return a.SendDTMF(ctx, "1") },
	} {
		if err := f(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", what, err)
		}
	}
	if a.State() != engine.CallStateConnected || a.IsMuted() {
		t.Error("a cancelled context did something")
	}
	alice.hangUp(a)
}

// TestAccept_Abandoned: canceling the context before Accept returns hangs up.
func TestAccept_Abandoned(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	ctx, cancel := context.WithCancel(context.Background())
	s.meddle = func(device string, m *signaling.Message) []*signaling.Message {
		if m.GetCall() != nil && callfsm.MessageKind(m.GetCall().GetKind()) == callfsm.KindConfirmed {
			cancel()
			return nil
		}
		return []*signaling.Message{m}
	}
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a := alice.call("bob")
	b, err := bob.ringing().Accept(ctx, nil)
	if !errors.Is(err, context.Canceled) || b != nil {
		t.Errorf("got %v, %v", b, err)
	}
	<-a.Done()
	bob.wait("calls +0 -1")
}

// TestAddTrack_PeerNeverAgrees: the modality timer ends the request, the call
// goes on.
func TestAddTrack_PeerNeverAgrees(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	s.meddle = func(_ string, m *signaling.Message) []*signaling.Message {
		if m.GetCall() != nil && callfsm.MessageKind(m.GetCall().GetKind()) == callfsm.KindModality {
			return nil
		}
		return []*signaling.Message{m}
	}
	short := func(s *setup) { s.options.Timeouts.Modality = 200 * time.Millisecond }
	alice, bob := signIn(t, s.dialer(), "alice", short), signIn(t, s.dialer(), "bob")
	a, _ := connect(alice, bob, nil, nil)
	track := engine.NewLocalVideoTrack(film(t, nil))
	wantCallError(t, a.AddTrack(context.Background(), track), 408, 0)
	if len(a.LocalTracks()) != 0 || a.State() != engine.CallStateConnected {
		t.Errorf("tracks %v, state %v", a.LocalTracks(), a.State())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := a.AddTrack(ctx, track); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(a.LocalTracks()) != 0 {
		t.Errorf("tracks %v after giving up", a.LocalTracks())
	}
	alice.hangUp(a)
}
