package callfsm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
)

type serviceInput = callfsm.CoordinatorInput

func from(l leg, m callfsm.Message) serviceInput {
	return serviceInput{Kind: callfsm.CoordinatorMessage, Leg: l, Message: m}
}

func fromKind(l leg, k callfsm.MessageKind) serviceInput { return from(l, callfsm.Message{Kind: k}) }

// serviceSituation is a coordinator of a call to three devices that has gone a
// way to one state.
type serviceSituation struct {
	name  string
	way   []serviceInput
	state callfsm.CoordinatorState
}

var (
	serviceStart = from(0, callfsm.Message{
		Kind: callfsm.KindStart, To: callee, DisplayName: "Ann", Media: callfsm.MediaAudio,
	})
	takenBy2 = from(2, callfsm.Message{Kind: callfsm.KindAccept, Media: callfsm.MediaAudio})
)

func serviceSituations() []serviceSituation {
	ringing := []serviceInput{serviceStart, fromKind(1, callfsm.KindRinging), fromKind(2, callfsm.KindRinging)}
	taken := append(ringing[:3:3], takenBy2)
	return []serviceSituation{
		{"new", nil, callfsm.CoordinatorNew},
		{"three devices called", ringing[:1], callfsm.CoordinatorRinging},
		{"two of three ring", ringing, callfsm.CoordinatorRinging},
		{"device 2 accepted", taken, callfsm.CoordinatorAccepted},
		{
			"connected",
			append(taken[:4:4], fromKind(0, callfsm.KindConnected), fromKind(2, callfsm.KindConnected)),
			callfsm.CoordinatorConnected,
		},
		{"over", append(taken[:4:4], fromKind(0, callfsm.KindHangUp)), callfsm.CoordinatorEnded},
	}
}

func (s serviceSituation) make(t testing.TB) *callfsm.Coordinator {
	t.Helper()
	c := callfsm.NewCoordinator(callfsm.CoordinatorConfig{
		From: caller, To: callee, CallerDevice: "phone", Devices: []string{"a", "b", "c"},
	})
	for _, in := range s.way {
		if _, err := c.Step(start, in); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
	if c.State() != s.state {
		t.Fatalf("%s: state %v, want %v", s.name, c.State(), s.state)
	}
	return c
}

type serviceSymbol struct {
	name string
	in   serviceInput
}

// serviceSymbols returns every input kind and every message kind, from the
// caller, from device 2 that rings and accepts, and from device 3 that does not.
func serviceSymbols() []serviceSymbol {
	var all []serviceSymbol
	who := [...]string{"caller", "device 1", "device 2", "device 3"}
	for _, l := range []leg{0, 2, 3} {
		for k := callfsm.CoordinatorInputNone; k <= callfsm.MaxCoordinatorInputKind; k++ {
			if k == callfsm.CoordinatorMessage {
				continue
			}
			all = append(all, serviceSymbol{fmt.Sprintf("%v of %s", k, who[l]), serviceInput{Kind: k, Leg: l}})
		}
		for k := callfsm.KindNone; k <= callfsm.MaxMessageKind; k++ {
			m := callfsm.Message{Kind: k, Leg: 2, Request: 7, Media: callfsm.MediaVideo, State: callfsm.StateRinging, Tones: "5", To: callee}
			if k == callfsm.KindRemove {
				m.To = "8:acs:res_nobody"
			}
			all = append(all, serviceSymbol{fmt.Sprintf("%v of %s", k, who[l]), from(l, m)})
		}
	}
	return all
}

func legalServiceArms(t testing.TB) [callfsm.CoordinatorEnded + 1][]int {
	t.Helper()
	var arms [callfsm.CoordinatorEnded + 1][]int
	for _, s := range serviceSituations() {
		c := s.make(t)
		for _, y := range serviceSymbols() {
			_, err := c.Clone().Step(start, y.in)
			if k := coordinatorSymbol(&y.in); err == nil && !slices.Contains(arms[s.state], k) {
				arms[s.state] = append(arms[s.state], k)
			}
		}
	}
	for i := range arms {
		slices.Sort(arms[i])
	}
	return arms
}

// describeService writes a Step's effects in one line: "0:RINGING" is to leg 0.
func describeService(effects []callfsm.CoordinatorEffect) string {
	var parts []string
	for _, e := range effects {
		switch e.Kind {
		case callfsm.CoordinatorPersist:
			parts = append(parts, "Persist")
		case callfsm.CoordinatorToLeg:
			parts = append(parts, fmt.Sprintf("%d:%v", e.Leg, e.Message.Kind))
		case callfsm.CoordinatorFinished:
			parts = append(parts, fmt.Sprintf("Finished %d/%d", e.Reason.Code, e.Reason.Subcode))
		case callfsm.CoordinatorEffectNone:
			parts = append(parts, "NONE?")
		}
	}
	return strings.Join(parts, ", ")
}
