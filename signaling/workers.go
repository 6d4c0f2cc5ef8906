package signaling

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// workerRest is how long a worker is kept without work, or up to twice that.
	workerRest = 2 * time.Second
	// spareWorkers is how many such are kept, for each processor: a message to
	// many wakes as many at once.
	spareWorkers = 256
)

// workers run short functions on goroutines that are kept for the next ones:
// their stacks have grown already, while those of the many who only wait for
// the network stay small. A nil *workers runs each on a goroutine of its own.
type workers struct {
	jobs chan func()
	most int32

	// spare counts those that wait, fewest how many did so at all times since
	// the last look: so many are too many.
	spare, fewest atomic.Int32

	mu       sync.Mutex
	watching bool
	closed   bool
}

func newWorkers() *workers {
	return &workers{jobs: make(chan func()), most: int32(spareWorkers * runtime.GOMAXPROCS(0))} //nolint:gosec // few processors
}

// run runs f soon. It never blocks. Whoever needs to know when f has returned
// sees to it.
func (w *workers) run(f func()) {
	if w == nil {
		go f()
		return
	}
	select {
	case w.jobs <- f:
	default:
		go w.work(f)
	}
}

func (w *workers) work(f func()) {
	for f != nil {
		f()
		if w.spare.Add(1) > w.most || !w.watch() {
			w.left()
			return
		}
		f = <-w.jobs // nil: one too many
		w.left()
	}
}

// left notes that one waits no more.
func (w *workers) left() {
	now := w.spare.Add(-1)
	for {
		fewest := w.fewest.Load()
		if now >= fewest || w.fewest.CompareAndSwap(fewest, now) {
			return
		}
	}
}

// watch sees to it that those who wait in vain are sent home; false when they
// shall not wait at all.
func (w *workers) watch() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.watching && !w.closed {
		w.watching = true
		w.fewest.Store(0)
		time.AfterFunc(workerRest, w.thin)
	}
	return !w.closed
}

// thin sends those home that nobody needed since the last look.
func (w *workers) thin() {
	for range w.fewest.Load() {
		select {
		case w.jobs <- nil:
		default: // they work
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.spare.Load()
	w.fewest.Store(now)
	if w.watching = now > 0 && !w.closed; w.watching {
		time.AfterFunc(workerRest, w.thin)
	}
}

// close ends those that wait; those that work end when they have done so.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	for w.spare.Load() > 0 {
		select {
		case w.jobs <- nil:
		default:
			runtime.Gosched() // one that is on its way to wait, or home
		}
	}
}
