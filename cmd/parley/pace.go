package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
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
	// paceStep is the smallest change of the pace that is worth stopping for.
	paceStep = 10
)

// pacer sets the pace of the garbage collector after each collection.
type pacer struct {
	mu      sync.Mutex
	floor   uint64
	percent int
	ended   bool
}

// pace lets the heap grow to floor bytes before it is collected, until end is
// called. It leaves the collector alone when the operator has set its pace or a
// limit of memory (GOGC, GOMEMLIMIT).
func pace(floor uint64) (end func()) {
	before := debug.SetGCPercent(normalPace)
	if before != normalPace || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		debug.SetGCPercent(before)
		return func() {}
	}
	p := &pacer{floor: floor, percent: normalPace}
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
	want := paceOf(readHeap().live, p.floor)
	if change := want - p.percent; change*100 >= paceStep*p.percent || -change*100 >= paceStep*p.percent {
		debug.SetGCPercent(want)
		p.percent = want
	}
	// The next collection finds that nobody holds it.
	runtime.AddCleanup(&pacer{}, (*pacer).collected, p)
}

// paceOf is by how many percent a heap may grow.
func paceOf(live, floor uint64) int {
	if live == 0 {
		return normalPace
	}
	return int(min(max(floor*100/live, 2*normalPace)-normalPace, mostPace)) //nolint:gosec // G115: bounded
}
