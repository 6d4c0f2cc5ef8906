package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// roomyHeap is how large the heap may become before it is collected for the
	// first time. With the runtime's own pace a service whose heap is small
	// collects several times a second under load, and each time is felt by whoever
	// waits for a message. trim gives the memory back when it is quiet.
	roomyHeap = 48 << 20
	// normalPace is the runtime's own: a heap doubles before it is collected.
	normalPace = 100
	// mostPace bounds the growth of a tiny heap.
	mostPace = 2000
	// busyAfter is how long the collector must have been at work for a service to
	// count as loaded: a heap that grows for a moment, while agents sign in, leaves
	// what they keep scattered over all of it.
	busyAfter = 5 * time.Second
	// calmAfter is how long it has not been at work when the load is over; less
	// than trimEvery, whose collections are none of the load's.
	calmAfter = 4 * time.Second
	// paceStep is the smallest change of the pace that is worth stopping for.
	paceStep = 10
)

// pacer sets the pace of the garbage collector after each collection.
type pacer struct {
	floor    uint64
	patience time.Duration // busyAfter

	mu      sync.Mutex
	percent int
	// busySince is since when collections follow one another, last when the last was.
	busySince, last time.Time
	ended           bool
}

// pace lets the heap grow to floor bytes before it is collected while the
// service has been loaded for longer than patience, until end is called. It leaves the collector alone when the operator has set its pace or a
// limit of memory (GOGC, GOMEMLIMIT).
func pace(floor uint64, patience time.Duration) (end func()) {
	before := debug.SetGCPercent(normalPace)
	if before != normalPace || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		debug.SetGCPercent(before)
		return func() {}
	}
	p := &pacer{floor: floor, patience: patience, percent: normalPace}
	p.collected()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended = true
		debug.SetGCPercent(normalPace)
	}
}

// collected runs after each collection.
func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	want := normalPace
	if p.loaded(time.Now()) {
		want = paceOf(readHeap().live, p.floor)
	}
	if change := want - p.percent; change*100 >= paceStep*p.percent || -change*100 >= paceStep*p.percent {
		debug.SetGCPercent(want)
		p.percent = want
	}
	// The next collection finds that nobody holds it.
	runtime.AddCleanup(&pacer{}, (*pacer).collected, p)
}

// loaded notes a collection and tells whether there was no calm for long enough.
func (p *pacer) loaded(now time.Time) bool {
	if now.Sub(p.last) > calmAfter {
		p.busySince = now
	}
	p.last = now
	return now.Sub(p.busySince) >= p.patience
}

// paceOf is by how many percent a heap may grow.
func paceOf(live, floor uint64) int {
	if live == 0 {
		return normalPace
	}
	return int(min(max(floor*100/live, 2*normalPace)-normalPace, mostPace)) //nolint:gosec // G115: bounded
}
