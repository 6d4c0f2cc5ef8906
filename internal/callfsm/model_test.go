package callfsm_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// TestSoakModel plays random schedules of the model.
func TestSoakModel(t *testing.T) {
	stats := newCoverage()
	w := &world{stats: stats}
	began, n := time.Now(), 0
	testkit.Repeat(t, modelRuns(), 1_000_000, func(seed uint64) error {
		n++
		if err := w.run(seed); err != nil {
			return fmt.Errorf("%w (PARLEY_MODEL_SEED=%d go test -v -run ModelSeed)", err, seed)
		}
		return nil
	})
	t.Logf("%d schedules, %d steps, %.0f schedules/s", n, stats.steps, float64(n)/time.Since(began).Seconds())
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
	text := ""
	for _, e := range out {
		switch e.Kind {
		case callfsm.CoordinatorToLeg:
			text += fmt.Sprintf(" %d:%v", e.Leg, e.Message.Kind)
		default:
			text += fmt.Sprintf(" %d", e.Kind)
		}
	}
	w.log("call %d service: %v --%s from %d--> %v:%s", call, before, name, in.Leg, w.calls[call].coordinator.State(), text)
}

func modelRuns() int {
	n, err := strconv.Atoi(os.Getenv("PARLEY_MODEL_RUNS"))
	if err != nil {
		return 20_000
	}
	return n
}
