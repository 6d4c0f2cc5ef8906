package jitter

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestHistogram_Cheapest(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		late     func(i int) time.Duration
		from, to time.Duration
	}{
		{"all at once", func(int) time.Duration { return 0 }, 2 * ms, 2 * ms},
		{"all the same", func(int) time.Duration { return 31 * ms }, 32 * ms, 32 * ms},
		// One percent is worth 20 ms: 15 ms are paid for it, 100 ms are not.
		{"one in a hundred by 15 ms", func(i int) time.Duration { return time.Duration(b2i(i%100 == 0)) * 15 * ms }, 16 * ms, 16 * ms},
		{"one in a hundred by 100 ms", func(i int) time.Duration { return time.Duration(b2i(i%100 == 0)) * 100 * ms }, 2 * ms, 2 * ms},
		{"one in ten by 100 ms", func(i int) time.Duration { return time.Duration(b2i(i%10 == 0)) * 100 * ms }, 102 * ms, 102 * ms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistogram(slowMemory)
			for i := range 5000 {
				h.add(int(test.late(i) / binWidth))
			}
			if got := h.cheapest(); got < test.from || got > test.to {
				t.Errorf("%v, want %v to %v", got, test.from, test.to)
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestHistogram_ForgetsAndKeepsItsWeight(t *testing.T) {
	h := newHistogram(fastMemory)
	rng := rand.New(rand.NewPCG(1, 2))
	check := func() {
		t.Helper()
		var sum float64
		for i, v := range h.bins {
			sum += v
			if v > 0 && i > h.highest {
				t.Fatalf("bin %d above the highest %d", i, h.highest)
			}
		}
		if d := sum/h.total - 1; d > 1e-6 || d < -1e-6 {
			t.Fatalf("sum %v, total %v", sum, h.total)
		}
	}
	for i := range 20000 {
		h.add(rng.IntN(binCount))
		if i%997 == 0 {
			h.shift(rng.IntN(60) - 30)
			check()
		}
	}
	for range 4000 {
		h.add(3)
	}
	check()
	if got := h.cheapest(); got != 4*binWidth {
		t.Errorf("%v after all else is forgotten", got)
	}
}

func TestBaseline_FollowsBothWays(t *testing.T) {
	b := newBaseline()
	const ms = time.Millisecond
	if got := b.add(0, 50*ms); got != 50*ms {
		t.Fatal(got)
	}
	if got := b.add(100*ms, 20*ms); got != 20*ms {
		t.Fatal(got)
	}
	if got := b.add(2*time.Second, 60*ms); got != 20*ms {
		t.Fatal(got)
	}
	if got := b.add(4200*ms, 70*ms); got != 60*ms {
		t.Fatalf("%v after the window has passed", got)
	}
	// Time that goes back does not resurrect what has passed.
	if got := b.add(0, 90*ms); got != 60*ms {
		t.Fatal(got)
	}
	if got := b.add(time.Hour, 90*ms); got != 90*ms {
		t.Fatal(got)
	}
}

func TestTicksToDuration(t *testing.T) {
	for _, test := range []struct {
		ticks int64
		rate  uint32
		want  time.Duration
	}{
		{960, 48000, 20 * time.Millisecond},
		{-960, 48000, -20 * time.Millisecond},
		{160, 8000, 20 * time.Millisecond},
		{1 << 40, 48000, 22906492*time.Second + 245333333},
		{441, 44100, 10 * time.Millisecond},
	} {
		if got := ticksToDuration(test.ticks, test.rate); got != test.want {
			t.Errorf("%d at %d is %v, want %v", test.ticks, test.rate, got, test.want)
		}
	}
}
