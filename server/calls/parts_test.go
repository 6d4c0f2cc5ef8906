package calls

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	var b bucket
	for i := range 16 {
		if !b.take(now, 1, 16, 1) {
			t.Fatalf("take %d of the burst was refused", i)
		}
	}
	if b.take(now, 1, 16, 1) {
		t.Error("more than the burst")
	}
	if now = now.Add(2 * time.Second); !b.take(now, 2, 16, 1) || b.take(now, 1, 16, 1) {
		t.Error("two seconds give two")
	}
	if now = now.Add(time.Hour); b.take(now, 17, 16, 1) || !b.take(now, 16, 16, 1) {
		t.Error("an hour gives the burst and no more")
	}
}

func TestHeldBack_KeepsTheOrder(t *testing.T) {
	var h heldBack
	var got []int
	note := func(n int) func() { return func() { got = append(got, n) } }
	h.do(note(1))
	first := h.ask()
	h.do(note(2))
	second := h.ask()
	h.do(note(3))
	h.do(func() {
		got = append(got, 4)
		h.do(note(5)) // while it is flushed: everything asked for is durable
	})
	if !slices.Equal(got, []int{1}) {
		t.Fatalf("before: %v", got)
	}
	h.written(first)
	if !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("after the first write: %v", got)
	}
	h.written(second)
	h.do(note(6))
	if !slices.Equal(got, []int{1, 2, 3, 4, 5, 6}) {
		t.Fatalf("after the second write: %v", got)
	}
}

func TestEndedCalls(t *testing.T) {
	now := time.Unix(1000, 0)
	e := newEndedCalls(func() time.Time { return now })
	in, out := device{"alice", "phone"}, device{"mallory", "phone"}
	first, second := callfsm.NewCallID(), callfsm.NewCallID()
	e.add(first, callfsm.ReasonBusy.Reason(), []device{in})
	now = now.Add(endedMemory / 2)
	e.add(second, callfsm.ReasonDeclined.Reason(), []device{in})
	if r, ok := e.reason(first, in); !ok || !r.Is(callfsm.ReasonBusy.Reason()) {
		t.Errorf("%v %v", r, ok)
	}
	if _, ok := e.reason(first, out); ok {
		t.Error("a stranger was told")
	}
	now = now.Add(endedMemory/2 + time.Second)
	e.expire()
	if _, ok := e.reason(first, in); ok {
		t.Error("not forgotten")
	}
	if _, ok := e.reason(second, in); !ok {
		t.Error("forgotten too early")
	}
	for range maxEnded + 10 {
		e.add(callfsm.NewCallID(), callfsm.EndReason{}, nil)
	}
	if len(e.calls) != maxEnded || len(e.order) != maxEnded {
		t.Errorf("%d calls are remembered", len(e.calls))
	}
}

func TestResourceOf(t *testing.T) {
	for user, want := range map[string]string{
		"8:acs:res_user": "res", "8:gcch-acs:res_user": "res", "8:acs:res": "res", "": "", "4:+1": "", "8:": "",
	} {
		if got := resourceOf(user); got != want {
			t.Errorf("%q: %q, want %q", user, got, want)
		}
	}
}
