package callfsm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

const (
	caller = "8:acs:res_caller"
	callee = "8:acs:res_callee"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

type input = callfsm.Input

func api(k callfsm.InputKind) input                 { return input{Kind: k} }
func at(k callfsm.InputKind, leg callfsm.Leg) input { return input{Kind: k, Leg: leg} }
func msg(m callfsm.Message) input                   { return input{Kind: callfsm.InputMessage, Message: m} }
func kind(k callfsm.MessageKind) input              { return msg(callfsm.Message{Kind: k}) }
func leg1(k callfsm.MessageKind) input              { return msg(callfsm.Message{Kind: k, Leg: 1}) }

var (
	incoming = msg(callfsm.Message{
		Kind: callfsm.KindIncoming, Leg: 2, From: caller, To: callee, DisplayName: "Ann", Media: callfsm.MediaAudio,
	})
	rings     = leg1(callfsm.KindRinging)
	accepted  = msg(callfsm.Message{Kind: callfsm.KindAccepted, Leg: 1, Media: callfsm.MediaAudio})
	confirmed = msg(callfsm.Message{Kind: callfsm.KindConfirmed, Leg: 2, Media: callfsm.MediaAudio})
)

// situation is a machine that has gone a way to one state.
type situation struct {
	name  string
	cfg   callfsm.Config
	way   []input
	state callfsm.State
}

func situations() []situation {
	out := callfsm.Config{Direction: callfsm.Outgoing, From: caller, To: callee, DisplayName: "Ann"}
	in := callfsm.Config{Direction: callfsm.Incoming}
	placed := []input{api(callfsm.InputStart), kind(callfsm.KindStarted)}
	ringing := append(placed[:2:2], rings)
	talking := append(ringing[:3:3], at(callfsm.InputTransportUp, 1), accepted)
	rung := []input{incoming}
	taken := append(rung[:1:1], api(callfsm.InputAccept))
	joined := append(taken[:2:2], at(callfsm.InputTransportUp, 2), confirmed)
	with := func(way []input, more ...input) []input { return append(way[:len(way):len(way)], more...) }
	hold, held := api(callfsm.InputHold), kind(callfsm.KindHold)
	return []situation{
		{"caller, new", out, nil, callfsm.StateNone},
		{"device, new", in, nil, callfsm.StateNone},
		{"caller, placed", out, placed, callfsm.StateConnecting},
		{"caller, accepted without a media path", out, with(ringing, accepted), callfsm.StateConnecting},
		{"device, has accepted", in, taken, callfsm.StateConnecting},
		{"caller, a device rings", out, ringing, callfsm.StateRinging},
		{"caller, a device rings and its path stands", out, with(ringing, at(callfsm.InputTransportUp, 1)), callfsm.StateRinging},
		{"device, has accepted and its path stands", in, with(taken, at(callfsm.InputTransportUp, 2)), callfsm.StateConnecting},
		{"device, rings", in, rung, callfsm.StateRinging},
		{"caller, early media", out, with(ringing, leg1(callfsm.KindEarlyMedia)), callfsm.StateEarlyMedia},
		{"caller, in the lobby", out, with(ringing, leg1(callfsm.KindLobby)), callfsm.StateInLobby},
		{"caller, connected", out, talking, callfsm.StateConnected},
		{"device, connected", in, joined, callfsm.StateConnected},
		{"caller, holds", out, with(talking, hold), callfsm.StateLocalHold},
		{"device, holds", in, with(joined, hold), callfsm.StateLocalHold},
		{"caller, held", out, with(talking, held), callfsm.StateRemoteHold},
		{"device, held", in, with(joined, held), callfsm.StateRemoteHold},
		{"caller, both hold", out, with(talking, hold, held), callfsm.StateBothHold},
		{"device, both hold", in, with(joined, held, hold), callfsm.StateBothHold},
		{"caller, has hung up", out, with(talking, api(callfsm.InputHangUp)), callfsm.StateDisconnecting},
		{"device, has rejected", in, with(rung, api(callfsm.InputReject)), callfsm.StateDisconnecting},
		{"caller, over", out, with(talking, kind(callfsm.KindEnded)), callfsm.StateDisconnected},
		{"device, over", in, with(joined, kind(callfsm.KindEnded)), callfsm.StateDisconnected},
	}
}

func (s situation) make(t testing.TB) *callfsm.Machine {
	t.Helper()
	m := callfsm.NewMachine(s.cfg)
	for _, in := range s.way {
		if _, err := m.Step(start, in); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
	if m.State() != s.state {
		t.Fatalf("%s: state %v, want %v", s.name, m.State(), s.state)
	}
	return m
}

// symbol is one column of the (state, input) table: an input kind, or a message.
type symbol struct {
	name string
	in   input
}

// symbols returns every input kind and every message kind, with the fields that
// make it legal where it can be.
func symbols(m *callfsm.Machine) []symbol {
	leg := max(m.Leg(), 1)
	var all []symbol
	for k := callfsm.InputNone; k <= callfsm.MaxInputKind; k++ {
		if k == callfsm.InputMessage {
			continue
		}
		all = append(all, symbol{k.String(), input{
			Kind: k, Leg: leg, Request: 7, Media: callfsm.MediaVideo, Tones: "5", To: callee,
		}})
	}
	for k := callfsm.KindNone; k <= callfsm.MaxMessageKind; k++ {
		all = append(all, symbol{k.String(), msg(callfsm.Message{
			Kind: k, Leg: leg, Request: 7, Media: callfsm.MediaAudio | callfsm.MediaVideo, State: callfsm.StateConnected,
			From: caller, To: callee, Tones: "5",
		})})
	}
	return all
}

// describe writes a Step's effects in one line.
func describe(effects []callfsm.Effect) string {
	var parts []string
	for _, e := range effects {
		switch e.Kind {
		case callfsm.EffectSend:
			parts = append(parts, e.Message.Kind.String())
		case callfsm.EffectStateChanged:
			// The table has the state in front.
		case callfsm.EffectStartMedia, callfsm.EffectRestartMedia:
			parts = append(parts, e.Kind.String())
		case callfsm.EffectStopMedia:
			parts = append(parts, "StopMedia")
		case callfsm.EffectMediaAllowed:
			parts = append(parts, map[bool]string{true: "media on", false: "media off"}[e.On])
		case callfsm.EffectOperationDone:
			parts = append(parts, map[bool]string{true: "operation done", false: "operation failed"}[e.OK])
		case callfsm.EffectEnded:
			parts = append(parts, fmt.Sprintf("Ended %d/%d", e.Reason.Code, e.Reason.Subcode))
		case callfsm.EffectRemoteChanged, callfsm.EffectMediaChanged, callfsm.EffectTones:
			parts = append(parts, e.Kind.String())
		case callfsm.EffectNone:
			parts = append(parts, "NONE?")
		}
	}
	return strings.Join(parts, ", ")
}

// legalArms returns the symbols that are legal in each state, in any situation.
func legalArms(t testing.TB) [callfsm.StateDisconnected + 1][]int {
	t.Helper()
	var arms [callfsm.StateDisconnected + 1][]int
	for _, s := range situations() {
		m := s.make(t)
		for _, y := range symbols(m) {
			if _, err := m.Clone().Step(start, y.in); err == nil && !slices.Contains(arms[s.state], symbolOf(&y.in)) {
				arms[s.state] = append(arms[s.state], symbolOf(&y.in))
			}
		}
	}
	for i := range arms {
		slices.Sort(arms[i])
	}
	return arms
}
