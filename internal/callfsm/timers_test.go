package callfsm_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// play steps a machine through inputs at one time and returns all effects.
func play(t *testing.T, m *callfsm.Machine, now time.Time, inputs ...input) []callfsm.Effect {
	t.Helper()
	var all []callfsm.Effect
	for _, in := range inputs {
		effects, err := m.Step(now, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, effects...)
	}
	return all
}

func situationNamed(t *testing.T, name string) *callfsm.Machine {
	t.Helper()
	for _, s := range situations() {
		if s.name == name {
			return s.make(t)
		}
	}
	t.Fatalf("no situation %q", name)
	return nil
}

var timer = api(callfsm.InputTimer)

// checkFires checks that m does nothing until after, and ends with the reason
// exactly then.
func checkFires(t *testing.T, m *callfsm.Machine, after time.Duration, want callfsm.ReasonName, sends callfsm.MessageKind) {
	t.Helper()
	at, ok := m.Deadline()
	if !ok || at.Sub(start) != after {
		t.Fatalf("the deadline is after %v (%v), want %v", at.Sub(start), ok, after)
	}
	state := m.State()
	if effects := play(t, m, at.Add(-1), timer); len(effects) != 0 || m.State() != state {
		t.Fatalf("a nanosecond early: %s", describe(effects))
	}
	effects := play(t, m, at, timer)
	if m.State() != callfsm.StateDisconnected || len(effects) == 0 {
		t.Fatalf("it did not fire: %v, %s", m.State(), describe(effects))
	}
	last := effects[len(effects)-1]
	if last.Kind != callfsm.EffectEnded || !last.Reason.Is(want.Reason()) || last.Reason.Message == "" {
		t.Errorf("it ended with %v, want %v", last.Reason, want.Reason())
	}
	var sent callfsm.MessageKind
	for _, e := range effects {
		if e.Kind == callfsm.EffectSend {
			sent = e.Message.Kind
			if !e.Message.Reason.Is(want.Reason()) {
				t.Errorf("%v says %v, want %v", sent, e.Message.Reason, want.Reason())
			}
		}
	}
	if sent != sends {
		t.Errorf("it sent %v, want %v", sent, sends)
	}
	if _, ok := m.Deadline(); ok {
		t.Error("a timer runs after the end")
	}
}

func TestMachine_TimersOfCalls(t *testing.T) {
	lost, gone := api(callfsm.InputSignalingLost), at(callfsm.InputTransportLost, 1)
	epoch := api(callfsm.InputNewEpoch)
	phone := callfsm.Config{Direction: callfsm.Outgoing, From: caller, To: "4:+14255550100"}
	fromPhone := callfsm.Message{Kind: callfsm.KindIncoming, Leg: 1, From: "4:+14255550100", To: callee}
	short := callfsm.Config{Direction: callfsm.Outgoing, To: callee, Timeouts: callfsm.Timeouts{Establishment: time.Second}}
	hungUp := callfsm.KindHangUp
	for _, tt := range []struct {
		name   string
		in     string
		cfg    *callfsm.Config
		inputs []input
		after  time.Duration
		reason callfsm.ReasonName
		sends  callfsm.MessageKind
	}{
		{"no device rings", "caller, placed", nil, nil, 85 * time.Second, callfsm.ReasonNotEstablished, hungUp},
		{"nobody answers", "caller, a device rings", nil, nil, 85 * time.Second, callfsm.ReasonNoAnswer, hungUp},
		{"early media, no accept", "caller, early media", nil, nil, 85 * time.Second, callfsm.ReasonNotEstablished, hungUp},
		{"accepted, no media", "caller, accepted without a media path", nil, nil, 85 * time.Second, callfsm.ReasonNotEstablished, hungUp},
		{"the device is not answered", "device, rings", nil, nil, 85 * time.Second, callfsm.ReasonNoAnswer, callfsm.KindReject},
		{"the device finds no media path", "device, has accepted", nil, nil, 85 * time.Second, callfsm.ReasonNotEstablished, hungUp},
		{"signaling lost", "caller, connected", nil, []input{lost}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"media lost", "caller, connected", nil, []input{gone}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"a new session, but no RECONCILED", "device, connected", nil, []input{lost, epoch}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"signaling lost while holding", "device, holds", nil, []input{lost}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"signaling lost while held", "device, held", nil, []input{lost}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"media failed while both hold", "caller, both hold", nil, []input{at(callfsm.InputTransportFailed, 1)}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"signaling lost in the lobby", "caller, in the lobby", nil, []input{lost}, 120 * time.Second, callfsm.ReasonNetworkLost, hungUp},
		{"signaling lost with a caller in the lobby", "device, rings", nil, []input{api(callfsm.InputLobby), lost}, 120 * time.Second, callfsm.ReasonNetworkLost, callfsm.KindReject},
		{"hang-up not confirmed", "caller, has hung up", nil, nil, 5 * time.Second, callfsm.ReasonNone, callfsm.KindNone},
		{"rejection not confirmed", "device, has rejected", nil, nil, 5 * time.Second, callfsm.ReasonDeclined, callfsm.KindNone},
		{"to a phone, nothing rings", "", &phone, []input{api(callfsm.InputStart)}, 115 * time.Second, callfsm.ReasonNotEstablished, hungUp},
		{"to a phone, no answer", "", &phone, []input{api(callfsm.InputStart), rings}, 115 * time.Second, callfsm.ReasonNoAnswer, hungUp},
		{"from a phone", "device, new", nil, []input{msg(fromPhone)}, 115 * time.Second, callfsm.ReasonNoAnswer, callfsm.KindReject},
		{"own timeouts", "", &short, []input{api(callfsm.InputStart)}, time.Second, callfsm.ReasonNotEstablished, hungUp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m *callfsm.Machine
			if tt.cfg != nil {
				m = callfsm.NewMachine(*tt.cfg)
			} else {
				m = situationNamed(t, tt.in)
			}
			play(t, m, start, tt.inputs...)
			checkFires(t, m, tt.after, tt.reason, tt.sends)
		})
	}
}

func TestMachine_NoTimer(t *testing.T) {
	for _, name := range []string{
		"caller, new", "device, new", "caller, connected", "device, connected", "caller, holds", "device, held",
		"caller, both hold", "caller, in the lobby", "caller, over",
	} {
		if at, ok := situationNamed(t, name).Deadline(); ok {
			t.Errorf("%s: a timer runs until %v", name, at.Sub(start))
		}
	}
}

// TestMachine_ReconnectTimerStops: what comes back in time leaves no trace, and
// the next loss has its full time again.
func TestMachine_ReconnectTimerStops(t *testing.T) {
	m := situationNamed(t, "caller, connected")
	play(t, m, start, api(callfsm.InputSignalingLost))
	play(t, m, start.Add(10*time.Second), at(callfsm.InputTransportLost, 1))
	effects := play(t, m, start.Add(60*time.Second), api(callfsm.InputSignalingResumed))
	if at, ok := m.Deadline(); !ok || at.Sub(start) != 120*time.Second {
		t.Errorf("media is still lost, but the timer runs until %v (%v)", at.Sub(start), ok)
	}
	effects = append(effects, play(t, m, start.Add(119*time.Second), at(callfsm.InputTransportUp, 1))...)
	if _, ok := m.Deadline(); ok || len(effects) != 0 || m.State() != callfsm.StateConnected {
		t.Errorf("after the return: %v, timer %v, %s", m.State(), ok, describe(effects))
	}
	play(t, m, start.Add(200*time.Second), at(callfsm.InputTransportLost, 1))
	if at, _ := m.Deadline(); at.Sub(start) != 320*time.Second {
		t.Errorf("the second loss is given until %v", at.Sub(start))
	}
}

// TestMachine_EstablishmentIncludesRinging: the caller's timer runs from START,
// a device's anew from its accept.
func TestMachine_EstablishmentIncludesRinging(t *testing.T) {
	m := callfsm.NewMachine(callfsm.Config{Direction: callfsm.Outgoing, To: callee})
	play(t, m, start, api(callfsm.InputStart))
	play(t, m, start.Add(30*time.Second), rings)
	play(t, m, start.Add(80*time.Second), accepted)
	checkFires(t, m, 85*time.Second, callfsm.ReasonNotEstablished, callfsm.KindHangUp)

	d := callfsm.NewMachine(callfsm.Config{Direction: callfsm.Incoming})
	play(t, d, start, incoming)
	play(t, d, start.Add(80*time.Second), api(callfsm.InputAccept))
	checkFires(t, d, 165*time.Second, callfsm.ReasonNotEstablished, callfsm.KindHangUp)
}

// TestMachine_LobbyWaits: no establishment timer runs in a lobby; the admission
// starts it anew.
func TestMachine_LobbyWaits(t *testing.T) {
	m := situationNamed(t, "caller, in the lobby")
	play(t, m, start.Add(time.Hour), accepted)
	if m.State() != callfsm.StateConnecting {
		t.Fatalf("admitted into %v", m.State())
	}
	checkFires(t, m, time.Hour+85*time.Second, callfsm.ReasonNotEstablished, callfsm.KindHangUp)
}

func TestMachine_OperationTimers(t *testing.T) {
	for kind, tt := range map[callfsm.InputKind]struct {
		after  time.Duration
		reason callfsm.ReasonName
	}{
		callfsm.InputModality: {40 * time.Second, callfsm.ReasonModalityTimeout},
		callfsm.InputTransfer: {60 * time.Second, callfsm.ReasonOperationTimeout},
		callfsm.InputPromote:  {115 * time.Second, callfsm.ReasonOperationTimeout},
		callfsm.InputRemove:   {120 * time.Second, callfsm.ReasonOperationTimeout},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			m := situationNamed(t, "caller, connected")
			play(t, m, start, input{Kind: kind, Request: 3, Media: callfsm.MediaVideo, On: true, To: callee})
			at, ok := m.Deadline()
			if !ok || at.Sub(start) != tt.after || m.Pending() != 1 {
				t.Fatalf("deadline after %v (%v), want %v; %d pending", at.Sub(start), ok, tt.after, m.Pending())
			}
			if effects := play(t, m, at.Add(-1), timer); len(effects) != 0 {
				t.Fatalf("a nanosecond early: %s", describe(effects))
			}
			effects := play(t, m, at, timer)
			done := effects[0]
			if done.Kind != callfsm.EffectOperationDone || done.OK || done.Request != 3 || !done.Reason.Is(tt.reason.Reason()) {
				t.Errorf("it failed with %+v, want %v", done, tt.reason.Reason())
			}
			if m.State() != callfsm.StateConnected || m.Pending() != 0 {
				t.Errorf("then: %v, %d pending", m.State(), m.Pending())
			}
			if kind == callfsm.InputModality && (len(effects) != 2 || effects[1].Message.Kind != callfsm.KindModality ||
				effects[1].Message.On || effects[1].Message.Request != 0) {
				t.Errorf("the request was not taken back: %s", describe(effects))
			}
			// An answer that comes now counts no more.
			answer := callfsm.KindOperationOK
			if kind == callfsm.InputModality {
				answer = callfsm.KindModalityOK
			}
			late := play(t, m, at.Add(1), msg(callfsm.Message{Kind: answer, Request: 3, Media: callfsm.MediaVideo, On: true}))
			if len(late) != 0 || m.Media().Has(callfsm.MediaVideo) {
				t.Errorf("the late answer had an effect: %s", describe(late))
			}
		})
	}
}

func TestCoordinator_Timers(t *testing.T) {
	away := serviceInput{Kind: callfsm.CoordinatorLegLost}
	for _, tt := range []struct {
		name   string
		in     string
		inputs []serviceInput
		after  time.Duration
		reason callfsm.ReasonName
	}{
		{"nothing rings", "three devices called", nil, 85 * time.Second, callfsm.ReasonNotEstablished},
		{"no answer", "two of three ring", nil, 85 * time.Second, callfsm.ReasonNoAnswer},
		{"accepted, not connected", "device 2 accepted", nil, 85 * time.Second, callfsm.ReasonNotEstablished},
		{"one end connected", "device 2 accepted", []serviceInput{fromKind(0, callfsm.KindConnected)}, 85 * time.Second, callfsm.ReasonNotEstablished},
		{"the caller lost", "connected", []serviceInput{away}, 120 * time.Second, callfsm.ReasonNetworkLost},
		{"the device lost", "connected", []serviceInput{{Kind: callfsm.CoordinatorLegLost, Leg: 2}}, 120 * time.Second, callfsm.ReasonNetworkLost},
		{"lost in a lobby", "two of three ring", []serviceInput{fromKind(1, callfsm.KindLobby), away}, 120 * time.Second, callfsm.ReasonNetworkLost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c *callfsm.Coordinator
			for _, s := range serviceSituations() {
				if s.name == tt.in {
					c = s.make(t)
				}
			}
			serve(t, c, start, tt.inputs...)
			at, ok := c.Deadline()
			if !ok || at.Sub(start) != tt.after {
				t.Fatalf("deadline after %v (%v), want %v", at.Sub(start), ok, tt.after)
			}
			if effects := serve(t, c, at.Add(-1), serviceInput{Kind: callfsm.CoordinatorTimer}); len(effects) != 0 {
				t.Fatalf("a nanosecond early: %s", describeService(effects))
			}
			serve(t, c, at, serviceInput{Kind: callfsm.CoordinatorTimer})
			if reason, over := c.Reason(); !over || !reason.Is(tt.reason.Reason()) {
				t.Errorf("it ended: %v with %v, want %v", over, reason, tt.reason.Reason())
			}
			if _, ok := c.Deadline(); ok {
				t.Error("a timer runs after the end")
			}
		})
	}
}

// serve steps a coordinator through inputs at one time and returns all effects.
func serve(t *testing.T, c *callfsm.Coordinator, now time.Time, inputs ...serviceInput) []callfsm.CoordinatorEffect {
	t.Helper()
	var all []callfsm.CoordinatorEffect
	for _, in := range inputs {
		effects, err := c.Step(now, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, effects...)
	}
	return all
}
