package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

func TestPaceOf(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 100}, {1, 2000}, {6 << 20, 700}, {12 << 20, 300}, {24 << 20, 100}, {1 << 40, 100}} {
		if got := paceOf(c.live, 48<<20); got != c.want {
			t.Errorf("%d bytes: %d %%, want %d", c.live, got, c.want)
		}
	}
}

// TestPacer_Loaded: what follows one another for long enough is load; after a
// calm it has to be long again.
func TestPacer_Loaded(t *testing.T) {
	p := &pacer{patience: busyAfter}
	began := time.Now()
	for _, c := range []struct {
		at   time.Duration
		want bool
	}{
		{0, false},
		{time.Second, false},
		{4 * time.Second, false},
		{6 * time.Second, true},
		{10 * time.Second, true},
		{10*time.Second + trimEvery, false}, // a calm, and the collection of trim
		{16 * time.Second, false},
		{19 * time.Second, false},
		{22 * time.Second, true},
	} {
		if got := p.loaded(began.Add(c.at)); got != c.want {
			t.Errorf("after %v: %v", c.at, got)
		}
	}
}

// pacePercent returns the collector's pace.
func pacePercent() int {
	now := debug.SetGCPercent(normalPace)
	debug.SetGCPercent(now)
	return now
}

// TestPace_FollowsTheHeap: the pace is that of the heap of the last collection,
// and what it was when nobody sets it any more.
func TestPace_FollowsTheHeap(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	defer debug.SetGCPercent(debug.SetGCPercent(normalPace))
	end := pace(256<<20, 0)
	until := func(what string, ok func(percent int) bool) {
		t.Helper()
		for !ok(pacePercent()) {
			runtime.GC()
			runtime.Gosched()
		}
		t.Log(what, pacePercent())
	}
	until("small heap", func(percent int) bool { return percent > 2*normalPace })
	large := make([]*[1 << 20]byte, 200)
	for i := range large {
		large[i] = new([1 << 20]byte)
	}
	until("large heap", func(percent int) bool { return percent < 2*normalPace })
	runtime.KeepAlive(large)
	end()
	runtime.GC()
	if got := pacePercent(); got != normalPace {
		t.Errorf("afterwards %d %%", got)
	}
}

func TestPace_LeavesTheOperatorsAlone(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	end := pace(256<<20, 0)
	defer end()
	runtime.GC()
	if got := pacePercent(); got != 50 {
		t.Errorf("%d %%", got)
	}
}
