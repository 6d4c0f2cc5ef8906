package callfsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// serviceWalkTable says for every situation of the service which inputs are
// legal, from whom, and to which state they lead. What is not listed must be
// refused.
func serviceWalkTable() map[string]string {
	const (
		always = "LegLost of * = · LegResumed of * = · Timer of * = · End of * Ended · "
		rings  = always + "LegGone of caller Ended · LegForgot of caller Ended · LegGone of device 2 = · LegGone of device 3 = · " +
			"LegForgot of device 2 = · LegForgot of device 3 = · HANG_UP of caller Ended · MUTE of caller = · UNMUTE of caller = · " +
			"RESTART of caller = · RECONCILE of * = · RINGING of devices = · EARLY_MEDIA of devices = · LOBBY of devices = · " +
			"ACCEPT of devices Accepted · REJECT of devices = · HANG_UP of devices ="
		talks = always + "LegGone of ends Ended · LegForgot of ends Ended · HANG_UP of ends Ended · HOLD of ends = · RESUME of ends = · " +
			"MUTE of * = · UNMUTE of * = · MODALITY of ends = · MODALITY_OK of ends = · MODALITY_REFUSED of ends = · RESTART of caller = · " +
			"REMOVE of ends = · TRANSFER of ends = · PROMOTE of ends = · RECONCILE of * = · TONES of ends = · " +
			// Device 3 is out: what it sent before it knew.
			"LegGone of device 3 = · LegForgot of device 3 = · RINGING of device 3 = · EARLY_MEDIA of device 3 = · LOBBY of device 3 = · " +
			"ACCEPT of device 3 = · REJECT of device 3 = · HANG_UP of device 3 = "
		any = "RINGING ACCEPT REJECT EARLY_MEDIA LOBBY CONNECTED HANG_UP HOLD RESUME MUTE UNMUTE MODALITY MODALITY_OK " +
			"MODALITY_REFUSED RESTART REMOVE TRANSFER PROMOTE RECONCILE TONES LegLost LegResumed LegGone LegForgot Timer End"
	)
	over := "START of caller = · "
	for k := range strings.FieldsSeq(any) {
		over += k + " of * = · "
	}
	return map[string]string{
		"new": always + "LegGone of caller Ended · LegForgot of caller Ended · LegGone of devices = · LegForgot of devices = · " +
			"START of caller Ringing",
		"three devices called": rings,
		"two of three ring":    rings,
		"device 2 accepted":    talks + " · CONNECTED of ends =",
		"connected":            talks,
		"over":                 over,
	}
}

func TestCoordinator_EveryStateAndInput(t *testing.T) {
	table := serviceWalkTable()
	groups := map[string][]string{
		"*": {"caller", "device 2", "device 3"}, "devices": {"device 2", "device 3"}, "ends": {"caller", "device 2"},
	}
	pairs := 0
	for _, s := range serviceSituations() {
		t.Run(s.name, func(t *testing.T) {
			want := map[string]string{}
			for entry := range strings.SplitSeq(table[s.name], "·") {
				words := strings.Fields(entry)
				if len(words) == 0 {
					continue
				}
				who := strings.Join(words[2:len(words)-1], " ")
				to := strings.Replace(words[len(words)-1], "=", s.state.String(), 1)
				if groups[who] == nil {
					groups[who] = []string{who}
				}
				for _, one := range groups[who] {
					want[words[0]+" of "+one] = to
				}
			}
			c := s.make(t)
			for _, y := range serviceSymbols() {
				pairs++
				checkServicePair(t, c, y, want[y.name])
				delete(want, y.name)
			}
			for input := range want {
				t.Errorf("the table has an unknown input %q", input)
			}
		})
	}
	t.Logf("%d pairs", pairs)
}

func checkServicePair(t *testing.T, was *callfsm.Coordinator, y serviceSymbol, want string) {
	t.Helper()
	c := was.Clone()
	effects, err := c.Step(start, y.in)
	if want == "" {
		if !errors.Is(err, callfsm.ErrIllegal) || effects != nil || !c.Same(was) {
			t.Errorf("%v --%s--> %v: %v, error %v; want it refused and nothing changed", was.State(), y.name, c.State(), effects, err)
		}
		return
	}
	if err != nil || c.State().String() != want {
		t.Errorf("%v --%s--> %v, error %v; want %s", was.State(), y.name, c.State(), err, want)
	}
	if was.State() == callfsm.CoordinatorEnded && (len(effects) != 0 || !c.Same(was)) {
		t.Errorf("Ended --%s--> does something: %v", y.name, describeService(effects))
	}
	for i, e := range effects {
		switch e.Kind {
		case callfsm.CoordinatorPersist:
			if i != 0 {
				t.Errorf("%v --%s--> persists too late", was.State(), y.name)
			}
		case callfsm.CoordinatorFinished:
			if i != len(effects)-1 || c.State() != callfsm.CoordinatorEnded {
				t.Errorf("%v --%s--> finishes in %v: %s", was.State(), y.name, c.State(), describeService(effects))
			}
		case callfsm.CoordinatorToLeg:
			if e.Leg >= c.Legs() {
				t.Errorf("%v --%s--> sends to leg %d", was.State(), y.name, e.Leg)
			}
		case callfsm.CoordinatorEffectNone:
			t.Errorf("%v --%s--> an effect of no kind", was.State(), y.name)
		}
	}
}

func TestCoordinator_NoSuchLeg(t *testing.T) {
	for _, s := range serviceSituations() {
		for _, l := range []leg{4, 5, callfsm.AllLegs} {
			c := s.make(t)
			if _, err := c.Step(start, fromKind(l, callfsm.KindRinging)); !errors.Is(err, callfsm.ErrIllegal) {
				t.Errorf("%s: a message from leg %d: error %v", s.name, l, err)
			}
			if c.Live(l) || c.Device(l) != "" {
				t.Errorf("%s: leg %d is alive", s.name, l)
			}
		}
	}
}
