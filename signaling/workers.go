package signaling

import (
	"runtime"
	"sync"
	"time"
)

const (
	// workerRest is how long a worker without work waits for more.
	workerRest = 2 * time.Second
	// spareWorkers is how many such may wait, for each processor.
	spareWorkers = 4
)

// workers run short functions on goroutines that are kept for the next ones:
// their stacks have grown already, while those of the many who only wait for
// the network stay small. A nil *workers runs each on a goroutine of its own.
type workers struct {
	jobs chan func()
	quit chan struct{}
	once sync.Once // closes quit

	mu    sync.Mutex
	spare int
}

func newWorkers() *workers {
	return &workers{jobs: make(chan func()), quit: make(chan struct{})}
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
	var rest *time.Timer
	for {
		f()
		if !w.stay() {
			return
		}
		if rest == nil {
			rest = time.NewTimer(workerRest)
			defer rest.Stop()
		} else {
			rest.Reset(workerRest)
		}
		select {
		case f = <-w.jobs:
			w.leave()
		case <-rest.C:
			w.leave()
			return
		case <-w.quit:
			w.leave()
			return
		}
	}
}

// stay counts one more that waits, unless there are enough.
func (w *workers) stay() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spare >= spareWorkers*runtime.GOMAXPROCS(0) {
		return false
	}
	w.spare++
	return true
}

func (w *workers) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare--
}

// close ends those that wait; those that work end when they have done so.
func (w *workers) close() { w.once.Do(func() { close(w.quit) }) }
