package callfsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// Groups of inputs that many situations take alike; "=" stays in the state.
const (
	// Any time: signaling, and a timer that is not due.
	below = "SignalingLost = · SignalingResumed = · NewEpoch = · Timer = · "
	paths = "TransportUp = · TransportLost = · TransportFailed = · "
	mutes = "Mute = · Unmute = · "
	// An established call, but for hold, resume and RESTART.
	talk = below + paths + mutes + "HangUp Disconnecting · MediaFailed Disconnecting · Modality = · Tones = · Remove = · " +
		"Transfer = · Promote = · ENDED Disconnected · MUTE = · UNMUTE = · MODALITY = · MODALITY_OK = · MODALITY_REFUSED = · " +
		"OPERATION_OK = · OPERATION_FAILED = · TONES = · "
	// A caller whom nobody has answered.
	waiting = below + paths + mutes + "HangUp Disconnecting · MediaFailed = · ENDED Disconnected · RECONCILED Connecting · " +
		"ACCEPTED Connecting · "
	// What crosses the end of a call.
	crossing = below + paths + "MediaFailed = · STARTED = · RINGING = · EARLY_MEDIA = · LOBBY = · ACCEPTED = · CONFIRMED = · " +
		"HOLD = · RESUME = · MUTE = · UNMUTE = · MODALITY = · MODALITY_OK = · MODALITY_REFUSED = · RESTART = · " +
		"OPERATION_OK = · OPERATION_FAILED = · TONES = · RECONCILED = · "
)

// walkTable says for every situation which inputs are legal and to which state
// they lead. What is not listed must be refused. RECONCILED here says that the
// call is connected and held by nobody.
func walkTable() map[string]string {
	return map[string]string{
		"caller, new":    below + "Start Connecting · HangUp Disconnected",
		"device, new":    below + "INCOMING Ringing",
		"caller, placed": waiting + "STARTED = · RINGING Ringing · EARLY_MEDIA EarlyMedia · LOBBY InLobby",
		"caller, accepted without a media path": below + mutes + "HangUp Disconnecting · TransportUp Connected · TransportLost = · " +
			"TransportFailed = · MediaFailed Disconnecting · STARTED = · ENDED Disconnected · HOLD = · RESUME = · MUTE = · UNMUTE = · " +
			"MODALITY = · TONES = · RECONCILED =",
		"device, has accepted": below + mutes + paths + "HangUp Disconnecting · MediaFailed Disconnecting · CONFIRMED = · " +
			"ENDED Disconnected · HOLD = · RESUME = · MUTE = · UNMUTE = · MODALITY = · TONES = · RESTART = · RECONCILED =",
		"caller, a device rings": waiting + "RINGING = · EARLY_MEDIA EarlyMedia · LOBBY InLobby",
		"caller, a device rings and its path stands": below + paths + mutes + "HangUp Disconnecting · MediaFailed = · " +
			"ENDED Disconnected · RECONCILED Connected · ACCEPTED Connected · RINGING = · EARLY_MEDIA EarlyMedia · LOBBY InLobby",
		"device, has accepted and its path stands": below + mutes + paths + "HangUp Disconnecting · MediaFailed Disconnecting · " +
			"CONFIRMED Connected · ENDED Disconnected · HOLD = · RESUME = · MUTE = · UNMUTE = · MODALITY = · TONES = · RESTART = · " +
			"RECONCILED Connected",
		"device, rings": below + paths + mutes + "Accept Connecting · Reject Disconnecting · HangUp Disconnecting · EarlyMedia = · " +
			"Lobby = · MediaFailed Disconnecting · ENDED Disconnected · RESTART =",
		"caller, early media":  waiting + "RINGING = · EARLY_MEDIA = · LOBBY InLobby",
		"caller, in the lobby": waiting + "RINGING = · EARLY_MEDIA = · LOBBY =",
		"caller, connected":    talk + "Hold LocalHold · HOLD RemoteHold · RECONCILED =",
		"device, connected":    talk + "Hold LocalHold · HOLD RemoteHold · RECONCILED = · RESTART =",
		"caller, holds":        talk + "Resume Connected · HOLD BothHold · RECONCILED =",
		"device, holds":        talk + "Resume Connected · HOLD BothHold · RECONCILED = · RESTART =",
		"caller, held":         talk + "Hold BothHold · RESUME Connected · RECONCILED Connected",
		"device, held":         talk + "Hold BothHold · RESUME Connected · RECONCILED Connected · RESTART =",
		"caller, both hold":    talk + "Resume RemoteHold · RESUME LocalHold · RECONCILED LocalHold",
		"device, both hold":    talk + "Resume RemoteHold · RESUME LocalHold · RECONCILED LocalHold · RESTART =",
		"caller, has hung up":  crossing + "HangUp = · Reject = · ENDED Disconnected",
		"device, has rejected": crossing + "HangUp = · Reject = · ENDED Disconnected",
		"caller, over":         crossing + "ENDED =",
		"device, over":         crossing + "ENDED =",
	}
}

// TestMachine_EveryStateAndInput walks every (state, input) pair: a legal one
// leads where the table says, an illegal one is an *InputError and changes
// nothing, and after Disconnected there is no effect.
func TestMachine_EveryStateAndInput(t *testing.T) {
	table := walkTable()
	pairs := 0
	for _, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			want := map[string]string{}
			for entry := range strings.SplitSeq(table[s.name], "·") {
				if input, to, ok := strings.Cut(strings.TrimSpace(entry), " "); ok {
					want[input] = strings.Replace(to, "=", s.state.String(), 1)
				}
			}
			m := s.make(t)
			for _, y := range symbols(m) {
				pairs++
				checkPair(t, m, y, want[y.name])
				delete(want, y.name)
			}
			for input := range want {
				t.Errorf("the table has an unknown input %q", input)
			}
		})
	}
	t.Logf("%d pairs", pairs)
}

func checkPair(t *testing.T, m *callfsm.Machine, y symbol, want string) {
	t.Helper()
	before := m.State()
	c := m.Clone()
	effects, err := c.Step(start, y.in)
	if want == "" {
		var refused *callfsm.InputError
		if !errors.As(err, &refused) || !errors.Is(err, callfsm.ErrIllegal) || len(effects) != 0 || !c.Same(m) {
			t.Errorf("%v --%s--> %v: %v, error %v; want it refused and nothing changed", before, y.name, c.State(), effects, err)
			return
		}
		if refused.State != before.String() || refused.Input != y.name {
			t.Errorf("the error names %s in %s, want %s in %v", refused.Input, refused.State, y.name, before)
		}
		return
	}
	if err != nil {
		t.Errorf("%v --%s--> %v, want %s", before, y.name, err, want)
		return
	}
	if got := c.State().String(); got != want {
		t.Errorf("%v --%s--> %s, want %s", before, y.name, got, want)
	}
	if before == callfsm.StateDisconnected && (len(effects) != 0 || !c.Same(m)) {
		t.Errorf("Disconnected --%s--> does something: %v", y.name, effects)
	}
	told := before
	for i, e := range effects {
		switch e.Kind {
		case callfsm.EffectStateChanged:
			if e.From != told {
				t.Errorf("%v --%s--> tells a change from %v in %v", before, y.name, e.From, told)
			}
			told = e.To
		case callfsm.EffectEnded:
			if i != len(effects)-1 {
				t.Errorf("%v --%s--> has effects after Ended", before, y.name)
			}
		default:
		}
	}
	if told != c.State() {
		t.Errorf("%v --%s--> tells %v, but is in %v", before, y.name, told, c.State())
	}
}

// TestMachine_BadFields: what is legal by its kind may still be wrong by its fields.
func TestMachine_BadFields(t *testing.T) {
	by := map[string]situation{}
	for _, s := range situations() {
		by[s.name] = s
	}
	outgoing := callfsm.Config{Direction: callfsm.Outgoing, To: callee}
	message := func(k callfsm.MessageKind, l leg) input { return msg(callfsm.Message{Kind: k, Leg: l}) }
	operation := func(k callfsm.InputKind, request uint32, media callfsm.Media) input {
		return input{Kind: k, Request: request, Media: media, On: true}
	}
	busy := by["caller, connected"]
	busy.way = append(busy.way[:len(busy.way):len(busy.way)], operation(callfsm.InputPromote, 9, 0))
	for _, tt := range []struct {
		name string
		in   situation
		bad  input
	}{
		{"INCOMING without a leg", by["device, new"], message(callfsm.KindIncoming, 0)},
		{"INCOMING on too high a leg", by["device, new"], message(callfsm.KindIncoming, callfsm.MaxLegs+1)},
		{"INCOMING at a caller", situation{cfg: outgoing}, message(callfsm.KindIncoming, 1)},
		{"Start of an incoming call", by["device, new"], api(callfsm.InputStart)},
		{"RINGING of the caller's leg", by["caller, placed"], message(callfsm.KindRinging, 0)},
		{"ACCEPTED of no leg", by["caller, a device rings"], message(callfsm.KindAccepted, 77)},
		{"a second ACCEPTED", by["caller, accepted without a media path"], message(callfsm.KindAccepted, 2)},
		{"RINGING at a device", by["device, rings"], message(callfsm.KindRinging, 1)},
		{"CONFIRMED at a caller", by["caller, placed"], message(callfsm.KindConfirmed, 1)},
		{"STARTED at a device", by["device, has accepted"], message(callfsm.KindStarted, 0)},
		{"Accept by the caller", by["caller, a device rings"], api(callfsm.InputAccept)},
		{"Reject by the caller", by["caller, a device rings"], api(callfsm.InputReject)},
		{"Lobby by the caller", by["caller, a device rings"], api(callfsm.InputLobby)},
		{"RESTART at the caller", by["caller, connected"], message(callfsm.KindRestart, 1)},
		{"HOLD before the accept", by["caller, placed"], message(callfsm.KindHold, 0)},
		{"a transport of the caller's leg", by["caller, placed"], at(callfsm.InputTransportUp, 0)},
		{"a transport of no leg", by["caller, placed"], at(callfsm.InputTransportUp, callfsm.AllLegs)},
		{"Modality without a number", by["caller, connected"], operation(callfsm.InputModality, 0, callfsm.MediaVideo)},
		{"Modality of audio", by["caller, connected"], operation(callfsm.InputModality, 7, callfsm.MediaAudio)},
		{"Modality of two kinds", by["caller, connected"], operation(callfsm.InputModality, 7, callfsm.MediaVideo|callfsm.MediaShare)},
		{"an operation whose number is in use", busy, operation(callfsm.InputTransfer, 9, 0)},
		{"Tones without tones", by["caller, connected"], api(callfsm.InputTones)},
		{
			"RECONCILED as accepted at a device that rings", by["device, rings"],
			msg(callfsm.Message{Kind: callfsm.KindReconciled, Leg: 2, State: callfsm.StateConnected}),
		},
		{
			"RECONCILED as accepted by no leg", by["caller, placed"],
			msg(callfsm.Message{Kind: callfsm.KindReconciled, Leg: 0, State: callfsm.StateConnected}),
		},
		{"an unknown message", by["caller, connected"], kind(callfsm.MaxMessageKind + 1)},
		{"an unknown input", by["caller, connected"], api(callfsm.MaxInputKind + 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.in.make(t)
			c := m.Clone()
			if effects, err := c.Step(start, tt.bad); !errors.Is(err, callfsm.ErrIllegal) || effects != nil || !c.Same(m) {
				t.Errorf("Step = %v, %v; want it refused and nothing changed", effects, err)
			}
		})
	}
}
