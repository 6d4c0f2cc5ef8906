package callfsm_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// sent returns the messages among effects.
func sent(effects []callfsm.Effect) []callfsm.Message {
	var all []callfsm.Message
	for _, e := range effects {
		if e.Kind == callfsm.EffectSend {
			all = append(all, e.Message)
		}
	}
	return all
}

func hasEffect(effects []callfsm.Effect, want callfsm.Effect) bool {
	for _, e := range effects {
		if e == want {
			return true
		}
	}
	return false
}

func TestMachine_StartCarriesTheConfig(t *testing.T) {
	m := callfsm.NewMachine(callfsm.Config{
		Direction: callfsm.Outgoing, From: caller, To: callee, DisplayName: "Ann",
		Media: callfsm.MediaAudio | callfsm.MediaVideo, Muted: true,
	})
	got := sent(play(t, m, start, api(callfsm.InputStart)))
	want := callfsm.Message{
		Kind: callfsm.KindStart, From: caller, To: callee, DisplayName: "Ann", Media: callfsm.MediaAudio | callfsm.MediaVideo, On: true,
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("START = %+v, want %+v", got, want)
	}
	if m.Remote().ID != callee || m.Leg() != callfsm.CallerLeg || !m.Muted() {
		t.Errorf("remote %+v, leg %d, muted %v", m.Remote(), m.Leg(), m.Muted())
	}
}

// TestMachine_AcceptLetsMediaFlowAtOnce: the device sends with its ACCEPT, the
// caller with ACCEPTED; the transports of the other devices are closed.
func TestMachine_AcceptLetsMediaFlowAtOnce(t *testing.T) {
	m := situationNamed(t, "caller, placed")
	effects := play(t, m, start, rings, msg(callfsm.Message{Kind: callfsm.KindRinging, Leg: 3}),
		at(callfsm.InputTransportUp, 1), at(callfsm.InputTransportUp, 3))
	for _, l := range []leg{1, 3} {
		if !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectStartMedia, Leg: l}) {
			t.Errorf("no transport for leg %d", l)
		}
	}
	effects = play(t, m, start, msg(callfsm.Message{Kind: callfsm.KindAccepted, Leg: 3, Media: callfsm.MediaAudio, On: true}))
	if effects[0] != (callfsm.Effect{Kind: callfsm.EffectMediaAllowed, Leg: 3, On: true}) {
		t.Errorf("the first effect of ACCEPTED is %+v", effects[0])
	}
	if !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectStopMedia, Leg: 1}) || m.State() != callfsm.StateConnected {
		t.Errorf("in %v after %s", m.State(), describe(effects))
	}
	if l, ok := m.PeerLeg(); l != 3 || !ok || m.Remote().Leg != 3 || !m.Remote().Muted || m.Remote().State != callfsm.StateConnected {
		t.Errorf("peer leg %d, remote %+v", l, m.Remote())
	}

	d := situationNamed(t, "device, rings")
	effects = play(t, d, start, input{Kind: callfsm.InputAccept, Media: callfsm.MediaAudio | callfsm.MediaVideo, On: true})
	want := callfsm.Message{Kind: callfsm.KindAccept, Leg: 2, Media: callfsm.MediaAudio | callfsm.MediaVideo, On: true}
	if got := sent(effects); len(got) != 1 || got[0] != want {
		t.Errorf("ACCEPT = %+v, want %+v", got, want)
	}
	if !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectMediaAllowed, Leg: 2, On: true}) {
		t.Errorf("a device that accepts may not send: %s", describe(effects))
	}
	if d.Remote().ID != caller || d.Remote().DisplayName != "Ann" {
		t.Errorf("the caller is %+v", d.Remote())
	}
}

// TestMachine_HoldsOverlap: both ends hold; each has to resume; media flows only
// when nobody holds.
func TestMachine_HoldsOverlap(t *testing.T) {
	m := situationNamed(t, "caller, connected")
	flows := true
	for _, step := range []struct {
		in    input
		state callfsm.State
		shown callfsm.State
		flows bool
		held  bool
	}{
		{api(callfsm.InputHold), callfsm.StateLocalHold, callfsm.StateLocalHold, false, false},
		{kind(callfsm.KindHold), callfsm.StateBothHold, callfsm.StateLocalHold, false, true},
		{api(callfsm.InputResume), callfsm.StateRemoteHold, callfsm.StateRemoteHold, false, true},
		{api(callfsm.InputHold), callfsm.StateBothHold, callfsm.StateLocalHold, false, true},
		{kind(callfsm.KindResume), callfsm.StateLocalHold, callfsm.StateLocalHold, false, false},
		{api(callfsm.InputResume), callfsm.StateConnected, callfsm.StateConnected, true, false},
	} {
		for _, e := range play(t, m, start, step.in) {
			if e.Kind == callfsm.EffectMediaAllowed {
				flows = e.On
			}
		}
		if m.State() != step.state || m.Shown() != step.shown || flows != step.flows || m.Remote().Held != step.held {
			t.Errorf("%v (shown %v), media %v, held %v; want %+v", m.State(), m.Shown(), flows, m.Remote().Held, step)
		}
	}
}

// TestMachine_HeldBeforeConnected: the other end may be connected first and hold
// at once.
func TestMachine_HeldBeforeConnected(t *testing.T) {
	m := situationNamed(t, "caller, accepted without a media path")
	effects := play(t, m, start, kind(callfsm.KindHold), kind(callfsm.KindMute))
	if !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectMediaAllowed, Leg: 1}) {
		t.Errorf("a held end may still send: %s", describe(effects))
	}
	effects = play(t, m, start, at(callfsm.InputTransportUp, 1))
	var states []callfsm.State
	for _, e := range effects {
		if e.Kind == callfsm.EffectStateChanged {
			states = append(states, e.To)
		}
	}
	if len(states) != 2 || states[0] != callfsm.StateConnected || states[1] != callfsm.StateRemoteHold || !m.Remote().Muted {
		t.Errorf("states %v, remote %+v", states, m.Remote())
	}
}

func TestMachine_EndReasons(t *testing.T) {
	busy := input{Kind: callfsm.InputReject, Reason: callfsm.ReasonBusy.Reason()}
	all := input{Kind: callfsm.InputHangUp, On: true}
	for _, tt := range []struct {
		in     string
		do     input
		sends  callfsm.MessageKind
		reason callfsm.ReasonName
	}{
		{"caller, placed", api(callfsm.InputHangUp), callfsm.KindHangUp, callfsm.ReasonCancelled},
		{"caller, a device rings", api(callfsm.InputHangUp), callfsm.KindHangUp, callfsm.ReasonCancelled},
		{"caller, a device rings", all, callfsm.KindHangUp, callfsm.ReasonCancelled},
		{"caller, connected", api(callfsm.InputHangUp), callfsm.KindHangUp, callfsm.ReasonNone},
		{"device, connected", all, callfsm.KindHangUp, callfsm.ReasonEndedForAll},
		{"device, has accepted", api(callfsm.InputHangUp), callfsm.KindHangUp, callfsm.ReasonNone},
		{"device, rings", api(callfsm.InputReject), callfsm.KindReject, callfsm.ReasonDeclined},
		{"device, rings", api(callfsm.InputHangUp), callfsm.KindReject, callfsm.ReasonDeclined},
		{"device, rings", busy, callfsm.KindReject, callfsm.ReasonBusy},
		{"device, rings", at(callfsm.InputMediaFailed, 2), callfsm.KindReject, callfsm.ReasonMediaSetup},
		{"caller, connected", at(callfsm.InputMediaFailed, 1), callfsm.KindHangUp, callfsm.ReasonMediaSetup},
	} {
		t.Run(tt.in+", "+tt.do.Kind.String(), func(t *testing.T) {
			m := situationNamed(t, tt.in)
			got := sent(play(t, m, start, tt.do))
			if len(got) != 1 || got[0].Kind != tt.sends || !got[0].Reason.Is(tt.reason.Reason()) {
				t.Errorf("sent %+v, want %v with %v", got, tt.sends, tt.reason.Reason())
			}
			if got[0].Reason.Message != "" {
				t.Error("a text that the receiver knows goes over the wire")
			}
			reason, over := m.Reason()
			if !over || m.State() != callfsm.StateDisconnecting || !reason.Is(tt.reason.Reason()) || reason.Message == "" {
				t.Errorf("%v with %v", m.State(), reason)
			}
			// The service has the last word, for example when two hang up at once.
			effects := play(t, m, start, msg(callfsm.Message{Kind: callfsm.KindEnded, Reason: callfsm.EndReason{Code: 496, Subcode: 7}}))
			if last := effects[len(effects)-1]; !last.Reason.Is(callfsm.ReasonNetworkLost.Reason()) || last.Kind != callfsm.EffectEnded {
				t.Errorf("ended with %v", last.Reason)
			}
		})
	}
}

// TestMachine_BrokenLeg: media that cannot be set up with one device does not
// end the call, until that device accepts.
func TestMachine_BrokenLeg(t *testing.T) {
	m := situationNamed(t, "caller, a device rings")
	broken := at(callfsm.InputMediaFailed, 1)
	broken.Reason = callfsm.ReasonNoCommonCodec.Reason()
	effects := play(t, m, start, broken, rings, msg(callfsm.Message{Kind: callfsm.KindRinging, Leg: 2}))
	if m.State() != callfsm.StateRinging || len(sent(effects)) != 0 {
		t.Fatalf("%v, %s", m.State(), describe(effects))
	}
	other := m.Clone()
	if play(t, other, start, msg(callfsm.Message{Kind: callfsm.KindAccepted, Leg: 2})); other.State() != callfsm.StateConnecting {
		t.Errorf("another device accepted: %v", other.State())
	}
	got := sent(play(t, m, start, accepted))
	if len(got) != 1 || got[0].Kind != callfsm.KindHangUp || !got[0].Reason.Is(callfsm.ReasonNoCommonCodec.Reason()) {
		t.Errorf("the broken device accepted: sent %+v", got)
	}
}

// TestMachine_RestartsWhatFailed: before the accept a failed path is left alone,
// since only relays are tried; then the caller asks and the device offers.
func TestMachine_RestartsWhatFailed(t *testing.T) {
	m := situationNamed(t, "caller, a device rings")
	if got := play(t, m, start, at(callfsm.InputTransportFailed, 1)); len(got) != 0 {
		t.Errorf("while it rings: %s", describe(got))
	}
	got := sent(play(t, m, start, accepted))
	if len(got) != 1 || got[0] != (callfsm.Message{Kind: callfsm.KindRestart, Leg: 1}) {
		t.Errorf("at the accept the caller sent %+v", got)
	}
	d := situationNamed(t, "device, rings")
	restart := callfsm.Effect{Kind: callfsm.EffectRestartMedia, Leg: 2}
	if got := play(t, d, start, at(callfsm.InputTransportFailed, 2)); len(got) != 0 {
		t.Errorf("while it rings: %s", describe(got))
	}
	if got := play(t, d, start, api(callfsm.InputAccept)); !hasEffect(got, restart) {
		t.Errorf("at the accept the device did %s", describe(got))
	}
	if got := play(t, d, start, msg(callfsm.Message{Kind: callfsm.KindRestart, Leg: 2})); len(got) != 1 || got[0] != restart {
		t.Errorf("asked for an offer the device did %s", describe(got))
	}
}

func TestMachine_Modality(t *testing.T) {
	m := situationNamed(t, "caller, connected")
	video := input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, On: true, Request: 1}
	yes := callfsm.Message{Kind: callfsm.KindModalityOK, Media: callfsm.MediaVideo, On: true, Request: 1}
	if play(t, m, start, video); m.Media().Has(callfsm.MediaVideo) {
		t.Error("video counts before the other end agreed")
	}
	effects := play(t, m, start, msg(yes))
	if !m.Media().Has(callfsm.MediaVideo) || !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectOperationDone, Request: 1, OK: true}) {
		t.Errorf("agreed: %v, %s", m.Media(), describe(effects))
	}
	// Stopping needs nobody's consent, but is an operation all the same.
	off := input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, Request: 2}
	if effects = play(t, m, start, off); m.Media().Has(callfsm.MediaVideo) || m.Pending() != 1 {
		t.Errorf("stopped: %v, %s", m.Media(), describe(effects))
	}
	// The newest request about the same media counts.
	again := input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, On: true, Request: 3}
	effects = play(t, m, start, again)
	if effects[0].Kind != callfsm.EffectOperationDone || effects[0].Request != 2 || effects[0].OK {
		t.Errorf("the older request goes on: %s", describe(effects))
	}
	no := callfsm.Message{Kind: callfsm.KindModalityRefused, Media: callfsm.MediaVideo, On: true, Request: 3, Reason: callfsm.EndReason{Code: 488}}
	effects = play(t, m, start, msg(no))
	if m.Media().Has(callfsm.MediaVideo) || effects[0].OK || !effects[0].Reason.Is(callfsm.ReasonModalityRefused.Reason()) {
		t.Errorf("refused: %v, %s", m.Media(), describe(effects))
	}
	// What waits when the call ends fails with the reason of the end.
	play(t, m, start, input{Kind: callfsm.InputPromote, Request: 4})
	effects = play(t, m, start, msg(callfsm.Message{Kind: callfsm.KindEnded, Reason: callfsm.ReasonAbruptExit.Reason()}))
	if !hasEffect(effects, callfsm.Effect{Kind: callfsm.EffectOperationDone, Request: 4, Reason: callfsm.ReasonAbruptExit.Reason()}) {
		t.Errorf("the operation that waited: %s", describe(effects))
	}
}

func TestMachine_RefusesMediaItCannotTake(t *testing.T) {
	m := callfsm.NewMachine(callfsm.Config{Direction: callfsm.Incoming, TakesMedia: callfsm.MediaAudio})
	play(t, m, start, incoming, api(callfsm.InputAccept), at(callfsm.InputTransportUp, 2), confirmed)
	ask := callfsm.Message{Kind: callfsm.KindModality, Media: callfsm.MediaVideo, On: true, Request: 5}
	got := sent(play(t, m, start, msg(ask)))
	if len(got) != 1 || got[0].Kind != callfsm.KindModalityRefused || got[0].Request != 5 || got[0].Reason.Code != 488 {
		t.Errorf("answered %+v", got)
	}
	ask.Request = 0
	if got := play(t, m, start, msg(ask)); len(sent(got)) != 0 || m.Remote().Media.Has(callfsm.MediaVideo) {
		t.Errorf("a notice was answered: %s", describe(got))
	}
}

// TestMachine_LostStartIsSaidAgain: a START that was lost with its session, or
// that the service forgot in a crash, is sent again.
func TestMachine_LostStartIsSaidAgain(t *testing.T) {
	unknown, _ := callfsm.LateReply(callfsm.Message{Kind: callfsm.KindReconcile}, callfsm.ReasonUnknownCall.Reason())
	m := callfsm.NewMachine(callfsm.Config{Direction: callfsm.Outgoing, To: callee})
	play(t, m, start, api(callfsm.InputStart), api(callfsm.InputSignalingLost), api(callfsm.InputNewEpoch))
	got := sent(play(t, m, start, msg(unknown)))
	if len(got) != 1 || got[0].Kind != callfsm.KindStart || m.State() != callfsm.StateConnecting {
		t.Fatalf("in %v, sent %+v", m.State(), got)
	}
	if at, _ := m.Deadline(); at.Sub(start) != 85*time.Second {
		t.Error("the establishment timer began again")
	}
	// Once the service had the call, unknown means over.
	play(t, m, start, kind(callfsm.KindStarted), api(callfsm.InputNewEpoch))
	effects := play(t, m, start, msg(unknown))
	if last := effects[len(effects)-1]; m.State() != callfsm.StateDisconnected || !last.Reason.Is(callfsm.ReasonUnknownCall.Reason()) {
		t.Errorf("in %v with %v", m.State(), last.Reason)
	}
}

// TestMachine_ReconcileBringsUpToDate: what RECONCILED says about the other side
// replaces what was missed, and what waits is asked again.
func TestMachine_ReconcileBringsUpToDate(t *testing.T) {
	m := situationNamed(t, "caller, connected")
	play(t, m, start, input{Kind: callfsm.InputModality, Media: callfsm.MediaVideo, On: true, Request: 8}, api(callfsm.InputHold))
	got := sent(play(t, m, start, api(callfsm.InputNewEpoch)))
	want := callfsm.Message{Kind: callfsm.KindReconcile, State: callfsm.StateLocalHold, Media: callfsm.MediaAudio}
	if len(got) != 1 || got[0] != want {
		t.Fatalf("sent %+v, want %+v", got, want)
	}
	got = sent(play(t, m, start, msg(callfsm.Message{
		Kind: callfsm.KindReconciled, Leg: 1, State: callfsm.StateBothHold, Media: callfsm.MediaAudio | callfsm.MediaShare, On: true,
	})))
	if r := m.Remote(); m.State() != callfsm.StateBothHold || !r.Held || !r.Muted || !r.Media.Has(callfsm.MediaShare) {
		t.Errorf("%v, %+v", m.State(), m.Remote())
	}
	if len(got) != 1 || got[0].Kind != callfsm.KindModality || got[0].Request != 8 {
		t.Errorf("sent %+v, want the MODALITY that waits", got)
	}
	// A missed ACCEPTED, while the path of that device stands.
	m = situationNamed(t, "caller, a device rings")
	play(t, m, start, at(callfsm.InputTransportUp, 1), api(callfsm.InputNewEpoch))
	play(t, m, start, msg(callfsm.Message{Kind: callfsm.KindReconciled, Leg: 1, State: callfsm.StateRemoteHold}))
	if m.State() != callfsm.StateRemoteHold {
		t.Errorf("the missed ACCEPTED led to %v", m.State())
	}
	// A missed end.
	m = situationNamed(t, "device, held")
	play(t, m, start, api(callfsm.InputNewEpoch))
	over := callfsm.Message{Kind: callfsm.KindReconciled, State: callfsm.StateDisconnected, Reason: callfsm.EndReason{Code: 0, Subcode: 5300}}
	effects := play(t, m, start, msg(over))
	if last := effects[len(effects)-1]; last.Kind != callfsm.EffectEnded || !last.Reason.Is(callfsm.ReasonRemoved.Reason()) {
		t.Errorf("the missed end: %s", describe(effects))
	}
}

// TestMachine_ResumedAfterNewEpoch: a second loss before RECONCILED does not make
// the first one whole.
func TestMachine_ResumedAfterNewEpoch(t *testing.T) {
	m := situationNamed(t, "caller, connected")
	play(t, m, start, api(callfsm.InputNewEpoch), api(callfsm.InputSignalingLost), api(callfsm.InputSignalingResumed))
	if _, runs := m.Deadline(); !runs {
		t.Error("the reconnect timer stopped before RECONCILED")
	}
	play(t, m, start, msg(callfsm.Message{Kind: callfsm.KindReconciled, Leg: 1, State: callfsm.StateConnected}))
	if _, runs := m.Deadline(); runs {
		t.Error("the reconnect timer runs after RECONCILED")
	}
}

func TestMachine_MuteIsToldWhereItCounts(t *testing.T) {
	d := situationNamed(t, "device, rings")
	if got := sent(play(t, d, start, api(callfsm.InputMute))); len(got) != 0 {
		t.Errorf("before the accept it sent %+v", got)
	}
	if got := sent(play(t, d, start, api(callfsm.InputAccept))); len(got) != 1 || !got[0].On {
		t.Errorf("the ACCEPT is %+v", got)
	}
	if got := sent(play(t, d, start, api(callfsm.InputMute))); len(got) != 0 {
		t.Errorf("muted twice, it sent %+v", got)
	}
	if got := sent(play(t, d, start, api(callfsm.InputUnmute))); len(got) != 1 || got[0].Kind != callfsm.KindUnmute {
		t.Errorf("unmuted, it sent %+v", got)
	}
}
