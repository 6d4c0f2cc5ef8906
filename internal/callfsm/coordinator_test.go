package callfsm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

func called(devices ...string) *callfsm.Coordinator {
	return callfsm.NewCoordinator(callfsm.CoordinatorConfig{From: caller, To: callee, CallerDevice: "phone", Devices: devices})
}

// toLeg returns what effects say to a leg.
func toLeg(effects []callfsm.CoordinatorEffect, l leg) []callfsm.Message {
	var all []callfsm.Message
	for _, e := range effects {
		if e.Kind == callfsm.CoordinatorToLeg && e.Leg == l {
			all = append(all, e.Message)
		}
	}
	return all
}

func serviceNamed(t *testing.T, name string) *callfsm.Coordinator {
	t.Helper()
	for _, s := range serviceSituations() {
		if s.name == name {
			return s.make(t)
		}
	}
	t.Fatalf("no situation %q", name)
	return nil
}

func TestCoordinator_NobodySignedIn(t *testing.T) {
	c := called()
	effects := serve(t, c, start, serviceStart)
	if got := toLeg(effects, 0); len(got) != 1 || got[0].Kind != callfsm.KindEnded || !got[0].Reason.Is(callfsm.ReasonUnreachable.Reason()) {
		t.Errorf("the caller got %+v", got)
	}
	if last := effects[len(effects)-1]; last.Kind != callfsm.CoordinatorFinished || c.State() != callfsm.CoordinatorEnded {
		t.Errorf("not over: %s", describeService(effects))
	}
}

func TestCoordinator_AtMostFourDevices(t *testing.T) {
	c := called("a", "b", "c", "d", "e", "f")
	serve(t, c, start, serviceStart)
	if c.Legs() != 5 || c.Device(0) != "phone" || c.Device(4) != "d" || c.Live(5) || c.From() != caller || c.To() != callee {
		t.Errorf("%d legs, devices %q and %q", c.Legs(), c.Device(0), c.Device(4))
	}
}

func TestCoordinator_IncomingSaysWhoCalls(t *testing.T) {
	c := called("a")
	got := toLeg(serve(t, c, start, serviceStart), 1)
	want := callfsm.Message{Kind: callfsm.KindIncoming, Leg: 1, From: caller, To: callee, DisplayName: "Ann", Media: callfsm.MediaAudio}
	if len(got) != 1 || got[0] != want {
		t.Errorf("INCOMING = %+v, want %+v", got, want)
	}
}

// TestCoordinator_FirstAcceptWins: the second device that accepts is told that
// the call was answered elsewhere, once.
func TestCoordinator_FirstAcceptWins(t *testing.T) {
	c := serviceNamed(t, "two of three ring")
	serve(t, c, start, fromKind(0, callfsm.KindMute))
	effects := serve(t, c, start, takenBy2, fromKind(1, callfsm.KindAccept))
	if got := toLeg(effects, 0); len(got) != 1 || got[0] != (callfsm.Message{Kind: callfsm.KindAccepted, Leg: 2, Media: callfsm.MediaAudio}) {
		t.Errorf("the caller got %+v", got)
	}
	confirmed := callfsm.Message{Kind: callfsm.KindConfirmed, Leg: 2, Media: callfsm.MediaAudio, On: true}
	if got := toLeg(effects, 2); len(got) != 1 || got[0] != confirmed {
		t.Errorf("the winner got %+v, want %+v", got, confirmed)
	}
	for _, l := range []leg{1, 3} {
		if got := toLeg(effects, l); len(got) != 1 || got[0].Kind != callfsm.KindEnded || !got[0].Reason.Is(callfsm.ReasonAnsweredElsewhere.Reason()) {
			t.Errorf("device %d got %+v", l, got)
		}
	}
	if l, ok := c.Winner(); l != 2 || !ok || c.Live(1) || !c.Live(2) {
		t.Errorf("the winner is %d", l)
	}
}

func TestCoordinator_Verdict(t *testing.T) {
	reject := func(l leg, why callfsm.ReasonName) serviceInput {
		return from(l, callfsm.Message{Kind: callfsm.KindReject, Reason: why.Reason()})
	}
	gone := func(l leg) serviceInput { return serviceInput{Kind: callfsm.CoordinatorLegGone, Leg: l} }
	for name, tt := range map[string]struct {
		inputs []serviceInput
		want   callfsm.ReasonName
	}{
		"all declined":                {[]serviceInput{reject(1, callfsm.ReasonDeclined), reject(2, callfsm.ReasonDeclined)}, callfsm.ReasonDeclined},
		"a decline counts more":       {[]serviceInput{reject(1, callfsm.ReasonDeclined), reject(2, callfsm.ReasonBusy)}, callfsm.ReasonDeclined},
		"all busy":                    {[]serviceInput{reject(1, callfsm.ReasonBusy), reject(2, callfsm.ReasonBusy)}, callfsm.ReasonBusy},
		"the devices went away":       {[]serviceInput{gone(1), gone(2)}, callfsm.ReasonDeviceUnreachable},
		"declined, then went away":    {[]serviceInput{reject(1, callfsm.ReasonDeclined), gone(2)}, callfsm.ReasonDeclined},
		"the caller went away":        {[]serviceInput{gone(0)}, callfsm.ReasonCancelled},
		"the service ends the call":   {[]serviceInput{{Kind: callfsm.CoordinatorEnd, Reason: callfsm.ReasonServiceStopping.Reason()}}, callfsm.ReasonServiceStopping},
		"the caller is there no more": {[]serviceInput{{Kind: callfsm.CoordinatorLegForgot}}, callfsm.ReasonCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			c := called("a", "b")
			serve(t, c, start, serviceStart)
			effects := serve(t, c, start, tt.inputs...)
			if reason, over := c.Reason(); !over || !reason.Is(tt.want.Reason()) || reason.Message == "" {
				t.Errorf("over %v with %v, want %v", over, reason, tt.want.Reason())
			}
			if last := effects[len(effects)-1]; last.Kind != callfsm.CoordinatorFinished || !last.Reason.Is(tt.want.Reason()) {
				t.Errorf("finished with %+v", last)
			}
		})
	}
}

// TestCoordinator_EndReachesAll: a hang-up is confirmed to who hung up, and ends
// the call at the other end; who is out hears nothing.
func TestCoordinator_EndReachesAll(t *testing.T) {
	c := serviceNamed(t, "connected")
	effects := serve(t, c, start, from(2, callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonEndedForAll.Reason()}))
	for _, l := range []leg{0, 2} {
		if got := toLeg(effects, l); len(got) != 1 || got[0].Kind != callfsm.KindEnded || !got[0].Reason.Is(callfsm.ReasonEndedForAll.Reason()) {
			t.Errorf("leg %d got %+v", l, got)
		}
	}
	if len(toLeg(effects, 1))+len(toLeg(effects, 3)) != 0 {
		t.Error("devices that are out were told")
	}
	if effects = serve(t, c, start, fromKind(0, callfsm.KindHangUp)); len(effects) != 0 {
		t.Errorf("the second hang-up: %s", describeService(effects))
	}
}

func TestCoordinator_Remove(t *testing.T) {
	for name, tt := range map[string]struct {
		by leg
		to string
		ok bool
	}{
		"the callee by the caller": {0, callee, true}, "the caller by the callee": {2, caller, true},
		"somebody else": {0, "8:acs:res_other", false}, "oneself": {0, caller, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serviceNamed(t, "connected")
			got := toLeg(serve(t, c, start, from(tt.by, callfsm.Message{Kind: callfsm.KindRemove, Request: 6, To: tt.to})), tt.by)
			want := callfsm.KindOperationFailed
			if tt.ok {
				want = callfsm.KindOperationOK
			}
			if got[0].Kind != want || got[0].Request != 6 {
				t.Errorf("answered %+v", got)
			}
			if reason, over := c.Reason(); over != tt.ok || over && !reason.Is(callfsm.ReasonRemoved.Reason()) {
				t.Errorf("over %v with %v", over, reason)
			}
		})
	}
}

// TestCoordinator_RelaysOnlyWhatChanges: an end that says the same twice does not
// bother the other, and cannot speak in another's name or at length.
func TestCoordinator_RelaysOnlyWhatChanges(t *testing.T) {
	c := serviceNamed(t, "connected")
	effects := serve(t, c, start, from(0, callfsm.Message{Kind: callfsm.KindHold, From: "8:acs:x_y", DisplayName: "X", Leg: 3}), fromKind(0, callfsm.KindHold))
	if got := toLeg(effects, 2); len(got) != 1 || got[0] != (callfsm.Message{Kind: callfsm.KindHold}) {
		t.Errorf("relayed %+v", got)
	}
	long := strings.Repeat("é", 1000)
	if _, err := c.Step(start, from(0, callfsm.Message{Kind: callfsm.KindTones, Tones: long})); !errors.Is(err, callfsm.ErrIllegal) {
		t.Errorf("a thousand tones: %v", err)
	}
	got := toLeg(serve(t, c, start, from(0, callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.EndReason{Code: 1, Message: long}})), 2)
	if n := len(got[0].Reason.Message); n > 256 || n < 250 || strings.ToValidUTF8(got[0].Reason.Message, "") != got[0].Reason.Message {
		t.Errorf("a reason of %d bytes was passed on", n)
	}
}

func TestCoordinator_RouteLeg(t *testing.T) {
	rings, talks, over := serviceNamed(t, "two of three ring"), serviceNamed(t, "connected"), serviceNamed(t, "over")
	for _, tt := range []struct {
		name        string
		in          *callfsm.Coordinator
		from, named leg
		to          leg
		ok          bool
	}{
		{"caller to a device", rings, 0, 2, 2, true},
		{"device to the caller", rings, 2, 2, 0, true},
		{"device that names nobody", rings, 2, 0, 0, true},
		{"device in another's name", rings, 2, 1, 0, false},
		{"caller to itself", rings, 0, 0, 0, false},
		{"caller to no leg", rings, 0, 4, 0, false},
		{"caller to an absurd leg", rings, 0, callfsm.AllLegs, 0, false},
		{"from no leg", rings, 9, 9, 0, false},
		{"to the winner", talks, 0, 2, 2, true},
		{"to a loser", talks, 0, 1, 0, false},
		{"from a loser", talks, 3, 3, 0, false},
		{"after the end", over, 0, 2, 0, false},
	} {
		if to, ok := tt.in.RouteLeg(tt.from, tt.named); to != tt.to || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, to, ok, tt.to, tt.ok)
		}
	}
}

func TestLateReply(t *testing.T) {
	why := callfsm.ReasonNetworkLost.Reason()
	for k := callfsm.KindNone; k <= callfsm.MaxMessageKind; k++ {
		got, ok := callfsm.LateReply(callfsm.Message{Kind: k, Leg: 2}, why)
		switch k {
		case callfsm.KindReconcile:
			if !ok || got.Kind != callfsm.KindReconciled || got.State != callfsm.StateDisconnected || got.Leg != 2 || !got.Reason.Is(why) {
				t.Errorf("%v is answered by %+v", k, got)
			}
		case callfsm.KindStart, callfsm.KindAccept:
			if !ok || got.Kind != callfsm.KindEnded || !got.Reason.Is(why) {
				t.Errorf("%v is answered by %+v", k, got)
			}
		default:
			if ok {
				t.Errorf("%v is answered by %+v", k, got)
			}
		}
	}
}

// TestCoordinator_ForgottenInvitation: a device whose INCOMING was lost with its
// session is told again; one that rang and forgot is out.
func TestCoordinator_ForgottenInvitation(t *testing.T) {
	c := serviceNamed(t, "two of three ring")
	effects := serve(t, c, start, serviceInput{Kind: callfsm.CoordinatorLegForgot, Leg: 3})
	if got := toLeg(effects, 3); len(got) != 1 || got[0].Kind != callfsm.KindIncoming || got[0].DisplayName != "Ann" {
		t.Errorf("the device got %+v", got)
	}
	serve(t, c, start, serviceInput{Kind: callfsm.CoordinatorLegForgot, Leg: 2})
	if c.Live(2) || !c.Live(3) {
		t.Error("a device that crashed while it rang is still called")
	}
}

// TestCoordinator_RestoredCall: after a crash of the service in the middle of a
// call both ends reconcile, and what changed meanwhile reaches the other.
func TestCoordinator_RestoredCall(t *testing.T) {
	c := serviceNamed(t, "connected")
	serve(t, c, start, fromKind(0, callfsm.KindHold), fromKind(2, callfsm.KindMute))
	later := start.Add(time.Minute)
	r, err := callfsm.RestoreCoordinator(later, c.Snapshot(), callfsm.Timeouts{})
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := r.Deadline(); !ok || at.Sub(later) != 120*time.Second {
		t.Fatalf("the ends have until %v (%v)", at.Sub(later), ok)
	}
	reconcile := func(s callfsm.State, media callfsm.Media) callfsm.Message {
		return callfsm.Message{Kind: callfsm.KindReconcile, State: s, Media: media}
	}
	// The caller resumed and the device unmuted and showed video while the service was away.
	effects := serve(t, r, later, from(0, reconcile(callfsm.StateConnected, callfsm.MediaAudio)))
	want := callfsm.Message{Kind: callfsm.KindReconciled, Leg: 2, State: callfsm.StateConnected, Media: callfsm.MediaAudio, On: true}
	if got := toLeg(effects, 0); len(got) != 1 || got[0] != want {
		t.Errorf("the caller got %+v, want %+v", got, want)
	}
	effects = serve(t, r, later, from(2, reconcile(callfsm.StateRemoteHold, callfsm.MediaAudio|callfsm.MediaVideo)))
	if got := toLeg(effects, 2); len(got) != 1 || got[0].State != callfsm.StateConnected || got[0].On {
		t.Errorf("the device got %+v", got)
	}
	var kinds []callfsm.MessageKind
	for _, m := range toLeg(effects, 0) {
		kinds = append(kinds, m.Kind)
	}
	if !slices.Equal(kinds, []callfsm.MessageKind{callfsm.KindUnmute, callfsm.KindModality}) {
		t.Errorf("the caller was told %v", kinds)
	}
	if _, ok := r.Deadline(); ok || r.State() != callfsm.CoordinatorConnected {
		t.Errorf("in %v, a timer runs: %v", r.State(), ok)
	}
}

// TestCoordinator_RestoredAccept: the ends that became connected while the
// service was away are not ended by an establishment timer that is long over.
func TestCoordinator_RestoredAccept(t *testing.T) {
	c := serviceNamed(t, "device 2 accepted")
	later := start.Add(10 * time.Minute)
	r, err := callfsm.RestoreCoordinator(later, c.Snapshot(), callfsm.Timeouts{})
	if err != nil {
		t.Fatal(err)
	}
	if effects := serve(t, r, later, serviceInput{Kind: callfsm.CoordinatorTimer}); len(effects) != 0 {
		t.Fatalf("ended at once: %s", describeService(effects))
	}
	for _, l := range []leg{0, 2} {
		serve(t, r, later, from(l, callfsm.Message{Kind: callfsm.KindReconcile, State: callfsm.StateConnected}))
	}
	if _, ok := r.Deadline(); ok || r.State() != callfsm.CoordinatorConnected {
		t.Errorf("in %v, a timer runs: %v", r.State(), ok)
	}
}

// TestCoordinator_LostAnnouncements: RINGING, ACCEPT and REJECT that were lost
// with a session count when the device reconciles.
func TestCoordinator_LostAnnouncements(t *testing.T) {
	for state, want := range map[callfsm.State]callfsm.MessageKind{
		callfsm.StateRinging:       callfsm.KindRinging,
		callfsm.StateConnecting:    callfsm.KindAccepted,
		callfsm.StateDisconnecting: callfsm.KindEnded,
	} {
		c := called("a")
		serve(t, c, start, serviceStart)
		m := callfsm.Message{Kind: callfsm.KindReconcile, State: state, Reason: callfsm.ReasonBusy.Reason()}
		if got := toLeg(serve(t, c, start, from(1, m)), 0); len(got) != 1 || got[0].Kind != want {
			t.Errorf("%v: the caller got %+v, want %v", state, got, want)
		}
	}
}

// TestCoordinator_RestartSurvivesALostSession: a device that was asked for a new
// offer while its session was lost is asked again when it reconciles.
func TestCoordinator_RestartSurvivesALostSession(t *testing.T) {
	ask := from(0, callfsm.Message{Kind: callfsm.KindRestart, Leg: 2})
	back := from(2, callfsm.Message{Kind: callfsm.KindReconcile, State: callfsm.StateConnected, Media: callfsm.MediaAudio})
	for name, tt := range map[string]struct {
		between []serviceInput
		asked   bool
	}{
		"a new session":               {[]serviceInput{{Kind: callfsm.CoordinatorLegLost, Leg: 2}, ask}, true},
		"resumed, then a new session": {[]serviceInput{{Kind: callfsm.CoordinatorLegLost, Leg: 2}, ask, {Kind: callfsm.CoordinatorLegResumed, Leg: 2}}, false},
		"asked before it was lost":    {[]serviceInput{ask, {Kind: callfsm.CoordinatorLegLost, Leg: 2}}, false},
	} {
		c := serviceNamed(t, "connected")
		serve(t, c, start, tt.between...)
		got := toLeg(serve(t, c, start, back), 2)
		if asked := len(got) == 2 && got[1] == (callfsm.Message{Kind: callfsm.KindRestart, Leg: 2, On: true}); asked != tt.asked {
			t.Errorf("%s: the device got %+v", name, got)
		}
	}
}

func TestSnapshot_RoundTrip(t *testing.T) {
	situations := serviceSituations()
	lobby := situations[2]
	lobby.way = append(lobby.way[:len(lobby.way):len(lobby.way)], fromKind(1, callfsm.KindLobby), fromKind(2, callfsm.KindReject))
	for _, s := range append(situations, lobby) {
		c := s.make(t)
		r, err := callfsm.RestoreCoordinator(start, c.Snapshot(), callfsm.Timeouts{})
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if !slices.Equal(r.Snapshot(), c.Snapshot()) && c.State() != callfsm.CoordinatorAccepted {
			t.Errorf("%s: the snapshot of the restored call differs", s.name)
		}
		a, aOver := c.Reason()
		b, bOver := r.Reason()
		if a != b || aOver != bOver || r.State() != c.State() || r.Device(2) != "b" || r.LobbyLeg() != c.LobbyLeg() {
			t.Errorf("%s: %v %v became %v %v", s.name, c.State(), a, r.State(), b)
		}
	}
}

func TestSnapshot_Broken(t *testing.T) {
	whole := serviceNamed(t, "connected").Snapshot()
	for n := range whole {
		if _, err := callfsm.RestoreCoordinator(start, whole[:n], callfsm.Timeouts{}); !errors.Is(err, callfsm.ErrSnapshot) {
			t.Errorf("cut at %d: error %v", n, err)
		}
	}
	if _, err := callfsm.RestoreCoordinator(start, append(slices.Clone(whole), 0), callfsm.Timeouts{}); !errors.Is(err, callfsm.ErrSnapshot) {
		t.Errorf("a byte too many: error %v", err)
	}
	whole[0]++
	if _, err := callfsm.RestoreCoordinator(start, whole, callfsm.Timeouts{}); !errors.Is(err, callfsm.ErrSnapshot) {
		t.Errorf("another version: error %v", err)
	}
}

// FuzzRestoreCoordinator: whatever a snapshot holds, it is refused or makes a
// call that ends.
func FuzzRestoreCoordinator(f *testing.F) {
	for _, s := range serviceSituations() {
		f.Add(s.make(f).Snapshot())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := callfsm.RestoreCoordinator(start, b, callfsm.Timeouts{})
		if err != nil {
			if !errors.Is(err, callfsm.ErrSnapshot) || c != nil {
				t.Fatalf("error %v", err)
			}
			return
		}
		if _, err := callfsm.RestoreCoordinator(start, c.Snapshot(), callfsm.Timeouts{}); err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
		// Nobody comes back: every call but one that has not begun must end by its timers.
		for range 20 {
			at, ok := c.Deadline()
			if !ok {
				break
			}
			if _, err := c.Step(at, serviceInput{Kind: callfsm.CoordinatorTimer}); err != nil {
				t.Fatal(err)
			}
		}
		if c.State() != callfsm.CoordinatorEnded && c.State() != callfsm.CoordinatorNew {
			t.Fatalf("stuck in %v", c.State())
		}
	})
}
