package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// wantCallError fails the test unless err is a *CallError with that code.
func wantCallError(t *testing.T, err error, code, subcode int) {
	t.Helper()
	var callError *engine.CallError
	if !errors.As(err, &callError) || callError.Code != code || callError.Subcode != subcode {
		t.Errorf("got %v, want %d/%d", err, code, subcode)
	}
}

func withDevice(id string) func(*setup) { return func(s *setup) { s.agent.DeviceID = id } }

func asUser(name string) func(*setup) {
	return func(s *setup) { s.cred = engine.NewStaticTokenCredential(user(name)) }
}

func TestCall_SeveralDevices_OneAnswers(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice := signIn(t, s.dialer(), "alice")
	var devices []*device
	for _, id := range []string{"desk", "phone", "tablet"} {
		devices = append(devices, signIn(t, s.dialer(), id, asUser("bob"), withDevice(id)))
	}
	aliceEar, bobEar := newEar(700), newEar(440)
	a := alice.call("bob", func(o *engine.StartCallOptions) {
		o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), aliceEar
	})
	var ringing []*engine.IncomingCall
	for _, d := range devices {
		ringing = append(ringing, d.ringing())
	}
	b := devices[1].accept(ringing[1], func(o *engine.AcceptCallOptions) {
		o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 700}), bobEar
	})
	aliceEar.hears(t)
	bobEar.hears(t)
	for _, n := range []int{0, 2} {
		devices[n].wait("incoming ended 487/10003")
		<-ringing[n].Done()
		if calls := devices[n].agent.IncomingCalls(); len(calls) != 0 {
			t.Errorf("%s still rings", devices[n].name)
		}
		_, err := ringing[n].Accept(context.Background(), nil)
		wantCallError(t, err, 487, 10003)
		if err := ringing[n].Reject(context.Background(), nil); err != nil {
			t.Errorf("rejecting what is over: %v", err)
		}
	}
	devices[1].hangUp(b)
	alice.wait("ended 0/0")
	if a.EndReason().Code != 0 {
		t.Errorf("end reason %v", a.EndReason())
	}
}

func TestCall_TwoDevicesAcceptAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice := signIn(t, s.dialer(), "alice")
	desk := signIn(t, s.dialer(), "desk", asUser("bob"), withDevice("desk"))
	phone := signIn(t, s.dialer(), "phone", asUser("bob"), withDevice("phone"))
	a := alice.call("bob")
	incoming := []*engine.IncomingCall{desk.ringing(), phone.ringing()}
	var wg sync.WaitGroup
	var calls [2]*engine.Call
	var errs [2]error
	for n, i := range incoming {
		wg.Go(func() { calls[n], errs[n] = i.Accept(context.Background(), nil) })
	}
	wg.Wait()
	won := 0
	for n := range incoming {
		if errs[n] == nil {
			won++
			continue
		}
		wantCallError(t, errs[n], 487, 10003)
	}
	if won != 1 {
		t.Fatalf("%d devices have the call: %v", won, errs)
	}
	alice.wait("state Connected")
	alice.hangUp(a)
}

func TestCall_Rejected(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for name, c := range map[string]struct {
		options       *engine.RejectCallOptions
		code, subcode int
	}{
		"declined": {nil, 603, 0},
		"busy":     {&engine.RejectCallOptions{Busy: true}, 486, 560486},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMiniService(t, callfsm.Timeouts{})
			alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
			a := alice.call("bob")
			i := bob.ringing()
			ctx := context.Background()
			if err := i.Reject(ctx, c.options); err != nil {
				t.Fatal(err)
			}
			<-a.Done()
			if r := a.EndReason(); r.Code != c.code || r.Subcode != c.subcode {
				t.Errorf("the caller was told %v", r)
			}
			bob.wait("incoming ended")
			if _, err := i.Accept(ctx, nil); err == nil {
				t.Error("a rejected call was accepted")
			}
			alice.wait("state Disconnected")
			alice.order("participant Disconnected", "participants +0 -1", "state Disconnected")
		})
	}
}

func TestCall_NoAnswer(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{Establishment: 300 * time.Millisecond})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a := alice.call("bob")
	bob.ringing()
	<-a.Done()
	if r := a.EndReason(); r.Code != 487 || r.Subcode != 10004 {
		t.Errorf("the caller was told %v", r)
	}
	bob.wait("incoming ended 487/10004")
}

// The ends have timers of their own, should the service be silent.
func TestCall_NoAnswer_OwnTimers(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	short := func(s *setup) { s.options.Timeouts.Establishment = 300 * time.Millisecond }
	alice, bob := signIn(t, s.dialer(), "alice", short), signIn(t, s.dialer(), "bob")
	a := alice.call("bob")
	bob.ringing()
	<-a.Done()
	if r := a.EndReason(); r.Code != 487 || r.Subcode != 10004 {
		t.Errorf("the caller was told %v", r)
	}
	bob.wait("incoming ended")
}

func TestCall_CallerGivesUp(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a := alice.call("bob")
	i := bob.ringing()
	alice.hangUp(a)
	bob.wait("incoming ended 487/0")
	if r := a.EndReason(); r.Code != 487 || r.Subcode != 0 {
		t.Errorf("the caller was told %v", r)
	}
	_, err := i.Accept(context.Background(), nil)
	wantCallError(t, err, 487, 0)
	if len(alice.agent.Calls()) != 0 || len(bob.agent.IncomingCalls()) != 0 {
		t.Error("calls are still listed")
	}
}

func TestCall_NobodyThere(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice := signIn(t, s.dialer(), "alice")
	c, err := alice.agent.StartCall(context.Background(),
		[]engine.Identifier{engine.CommunicationUserIdentifier{ID: user("nobody")}}, nil)
	if err == nil {
		<-c.Done()
		r := c.EndReason()
		err = &engine.CallError{Code: r.Code, Subcode: r.Subcode}
	}
	wantCallError(t, err, 480, 10037)
}

func TestStartCall_BadTargets(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice := signIn(t, s.dialer(), "alice")
	bob := engine.CommunicationUserIdentifier{ID: user("bob")}
	for name, targets := range map[string][]engine.Identifier{
		"none":    nil,
		"nil":     {nil},
		"two":     {bob, bob},
		"phone":   {engine.PhoneNumberIdentifier{}},
		"unknown": {engine.UnknownIdentifier{ID: "x"}},
		"empty":   {engine.CommunicationUserIdentifier{}},
	} {
		if _, err := alice.agent.StartCall(context.Background(), targets, nil); !errors.Is(err, engine.ErrInvalidTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := alice.agent.StartCall(context.Background(), []engine.Identifier{bob},
		&engine.StartCallOptions{CallOptions: engine.CallOptions{StatsInterval: time.Millisecond}})
	if !errors.Is(err, engine.ErrInvalidOptions) {
		t.Errorf("statistics every millisecond: %v", err)
	}
}

// TestCall_Glare: two users call each other at the same time. These are two
// calls; each rings at the other side, and either can be taken.
func TestCall_Glare(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	var wg sync.WaitGroup
	var a, b *engine.Call
	wg.Go(func() { a = alice.call("bob") })
	wg.Go(func() { b = bob.call("alice") })
	wg.Wait()
	atBob, atAlice := bob.ringing(), alice.ringing()
	if atBob.ID() != a.ID() || atAlice.ID() != b.ID() || a.ID() == b.ID() {
		t.Fatalf("ids do not fit")
	}
	ear := newEar(440)
	taken := bob.accept(atBob, func(o *engine.AcceptCallOptions) {
		o.Events, o.AudioSink = bob.events("taken "), ear
	})
	alice.do("give the microphone", func(ctx context.Context) error {
		return a.AddTrack(ctx, engine.NewLocalAudioTrack(&toneSource{frequency: 440}))
	})
	bob.wait("taken state Connected")
	ear.hears(t)
	bob.hangUp(b)
	alice.wait("incoming ended 487/0")
	if taken.State() != engine.CallStateConnected {
		t.Errorf("the other call is %v", taken.State())
	}
	alice.hangUp(a)
	bob.wait("taken ended 0/0")
}

// TestCall_OneActive: an agent has at most one call that is not on hold.
func TestCall_OneActive(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob, carol := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob"), signIn(t, s.dialer(), "carol")
	microphone := engine.NewLocalAudioTrack(&toneSource{frequency: 440})
	bobEar, carolEar := newEar(440), newEar(440)
	first, _ := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Events, o.Audio = alice.events("first "), microphone
		o.Events.StateChanged = alice.events("").StateChanged
	}, func(o *engine.AcceptCallOptions) { o.AudioSink = bobEar })
	bobEar.hears(t)

	// Starting a second one puts the first on hold; they share the microphone.
	second := alice.call("carol", func(o *engine.StartCallOptions) {
		o.Events, o.Audio = alice.events("second "), microphone
	})
	bob.wait("state RemoteHold")
	carol.accept(carol.ringing(), func(o *engine.AcceptCallOptions) { o.AudioSink = carolEar })
	alice.wait("second state Connected")
	carolEar.hears(t)
	bobEar.hearsNothing(t)
	if first.State() != engine.CallStateLocalHold || second.State() != engine.CallStateConnected {
		t.Fatalf("states %v and %v", first.State(), second.State())
	}

	// Resuming the first puts the second on hold.
	alice.do("resume", first.Resume)
	carol.wait("state RemoteHold")
	bobEar.hears(t)
	carolEar.hearsNothing(t)

	// Accepting a third puts the first on hold again.
	dave := signIn(t, s.dialer(), "dave")
	third := dave.call("alice")
	alice.accept(alice.ringing(), func(o *engine.AcceptCallOptions) { o.Events = alice.events("third ") })
	alice.wait("third state Connected")
	bob.waitCount("state RemoteHold", 2)
	if n := len(alice.agent.Calls()); n != 3 {
		t.Errorf("%d calls are listed", n)
	}
	dave.hangUp(third)
	alice.wait("third state Disconnected")
	if first.State() != engine.CallStateLocalHold {
		t.Errorf("the held call is %v by itself", first.State())
	}
	alice.hangUp(first)
	alice.hangUp(second)
}

// TestCall_BecomesActiveLater: a call that is connected only after another one
// was taken is put on hold.
func TestCall_BecomesActiveLater(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob, carol := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob"), signIn(t, s.dialer(), "carol")
	out := alice.call("bob", func(o *engine.StartCallOptions) { o.Events = alice.events("out ") })
	atBob := bob.ringing()
	in := carol.call("alice")
	alice.accept(alice.ringing(), func(o *engine.AcceptCallOptions) { o.Events = alice.events("in ") })
	alice.wait("in state Connected")
	bob.accept(atBob)
	alice.wait("out state LocalHold")
	bob.wait("state RemoteHold")
	alice.hangUp(out)
	carol.hangUp(in)
}

func TestCall_ForEveryone(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a, _ := connect(alice, bob, nil, nil)
	alice.do("hang up", func(ctx context.Context) error {
		return a.HangUp(ctx, &engine.HangUpOptions{ForEveryone: true})
	})
	bob.wait("ended 0/4097")
	alice.do("hang up again", func(ctx context.Context) error { return a.HangUp(ctx, nil) })
	for what, f := range map[string]func(context.Context) error{
		"Hold": a.Hold, "Resume": a.Resume, "Mute": a.Mute, "Unmute": a.Unmute, "MuteIncoming": a.MuteIncoming,
		"SendDTMF": func(ctx context.Context) error { return a.SendDTMF(ctx, "1") },
		"AddTrack": func(ctx context.Context) error { return a.AddTrack(ctx, engine.NewLocalVideoTrack(nil)) },
	} {
		if err := f(context.Background()); !errors.Is(err, engine.ErrCallEnded) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
}
