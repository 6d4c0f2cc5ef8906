package callfsm_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// enoughSchedules is how many reach every arm of every state with certainty:
// schedules follow from their seeds, so this does not depend on luck.
const enoughSchedules = 20_000

// TestSoakModel plays random schedules of the model. Every (state, input) pair
// that is legal must have been reached, and every timer must have fired.
func TestSoakModel(t *testing.T) {
	// The model makes garbage fast and holds almost nothing.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	stats := newCoverage()
	w := &world{stats: stats}
	began, n := time.Now(), 0
	testkit.Repeat(t, enoughSchedules, 1_000_000, func(seed uint64) error {
		n++
		if err := w.run(seed); err != nil {
			return fmt.Errorf("%w (PARLEY_MODEL_SEED=%d go test -v -run ModelSeed)", err, seed)
		}
		return nil
	})
	rate := float64(n) / time.Since(began).Seconds()
	fmt.Fprintf(os.Stdout, "model: %d schedules, %d steps, %d connections, %.0f schedules/s\n", n, stats.steps, stats.connected, rate)
	reportArms(t, stats, n >= enoughSchedules)
	reportTimers(t, stats, n >= enoughSchedules)
}

// reportArms prints how often each legal pair was reached, and fails for those
// that were not.
func reportArms(t *testing.T, stats *coverage, all bool) {
	arms, fewest := 0, uint64(1<<63)
	for state, legal := range legalArms(t) {
		var line []string
		for _, symbol := range legal {
			n := stats.machine[state][symbol]
			line = append(line, fmt.Sprintf("%s %d", symbolName(symbol, false), n))
			arms, fewest = arms+1, min(fewest, n)
			if n == 0 && all {
				t.Errorf("%v --%s--> was never reached", callfsm.State(state), symbolName(symbol, false))
			}
		}
		t.Logf("%v: %s", callfsm.State(state), strings.Join(line, ", "))
	}
	for state, legal := range legalServiceArms(t) {
		var line []string
		for _, symbol := range legal {
			n := stats.coordinator[state][symbol]
			line = append(line, fmt.Sprintf("%s %d", symbolName(symbol, true), n))
			arms, fewest = arms+1, min(fewest, n)
			if n == 0 && all {
				t.Errorf("service: %v --%s--> was never reached", callfsm.CoordinatorState(state), symbolName(symbol, true))
			}
		}
		t.Logf("service %v: %s", callfsm.CoordinatorState(state), strings.Join(line, ", "))
	}
	fmt.Fprintf(os.Stdout, "model: %d (state, input) arms, the rarest reached %d times\n", arms, fewest)
}

// reportTimers prints how often each timer fired, and at which reasons calls ended.
func reportTimers(t *testing.T, stats *coverage, all bool) {
	var names []string
	for name := range stats.timers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Logf("timer %s: %d", name, stats.timers[name])
	}
	var ends []string
	for reason, n := range stats.ends {
		ends = append(ends, fmt.Sprintf("%v: %d", reason, n))
	}
	slices.Sort(ends)
	t.Logf("ends %s", strings.Join(ends, ", "))
	fmt.Fprintf(os.Stdout, "model: %d kinds of timers fired at their values, %d end reasons\n", len(names), len(ends))
	for _, want := range []string{
		"establishment 1m25s in Connecting", "establishment 1m25s in Ringing", "establishment 1m25s in EarlyMedia",
		"establishment 1m55s in Connecting", "establishment 1m55s in Ringing", "establishment 1m55s in EarlyMedia",
		"reconnect 2m0s", "teardown 5s", "operation 40s", "operation 1m0s", "operation 1m55s", "operation 2m0s",
		"service: establishment", "service: reconnect 120 s",
	} {
		if all && stats.timers[want] == 0 {
			t.Errorf("the timer %q never fired", want)
		}
	}
}

func symbolName(symbol int, service bool) string {
	switch {
	case symbol >= 32:
		return callfsm.MessageKind(symbol - 32).String()
	case service:
		return callfsm.CoordinatorInputKind(symbol).String()
	default:
		return callfsm.InputKind(symbol).String()
	}
}

// TestModelSeed tells the story of one schedule, step by step.
func TestModelSeed(t *testing.T) {
	text := os.Getenv("PARLEY_MODEL_SEED")
	if text == "" {
		text = "1"
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{stats: newCoverage()}
	w.log = func(format string, args ...any) {
		t.Logf("%12v "+format, append([]any{time.Duration(w.now)}, args...)...)
	}
	if err := w.run(seed); err != nil {
		t.Fatal(err)
	}
}

func (w *world) logEnd(call uint8, l leg, before callfsm.State, in *callfsm.Input, out []callfsm.Effect) {
	name := in.Kind.String()
	if in.Kind == callfsm.InputMessage {
		name = fmt.Sprintf("%v %v", in.Message.Kind, in.Message)
	}
	w.log("call %d leg %d: %v --%s--> %v: %s", call, l, before, name, w.calls[call].legs[l].m.State(), describe(out))
}

func (w *world) logService(call uint8, before callfsm.CoordinatorState, in *callfsm.CoordinatorInput, out []callfsm.CoordinatorEffect) {
	name := in.Kind.String()
	if in.Kind == callfsm.CoordinatorMessage {
		name = fmt.Sprintf("%v %v", in.Message.Kind, in.Message)
	}
	w.log("call %d service: %v --%s from %d--> %v: %s", call, before, name, in.Leg, w.calls[call].coordinator.State(), describeService(out))
}
