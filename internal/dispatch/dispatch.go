// Package dispatch delivers events to application handlers: in order, one at
// a time, on a goroutine of its own, so that a handler may block or call back
// into whatever raised the event.
//
// The mailbox is unbounded: whoever raises an event never waits. Events that
// repeat (levels, statistics) are posted with a key; while one waits in the
// mailbox a later one with the same key takes its place, so a slow handler
// sees the newest value and the mailbox stays small.
package dispatch

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Dispatcher runs functions in order on one goroutine. Make one with New.
type Dispatcher struct {
	mu    sync.Mutex
	queue []*entry
	keyed map[any]*entry // waiting entries by their key
	state state
	wake  chan struct{}
	done  chan struct{}

	goroutine atomic.Uint64 // the number of the goroutine that runs handlers
}

type entry struct {
	key any
	fn  func()
}

type state uint8

const (
	stateOpen     state = iota
	stateDraining       // nothing more is taken; what waits is delivered
	stateClosed         // nothing more is delivered
)

// New starts a dispatcher. It runs until Close or Drain.
func New() *Dispatcher {
	d := &Dispatcher{keyed: map[any]*entry{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go d.run()
	return d
}

// Post queues one delivery. It never blocks. It reports false when the
// dispatcher takes no more.
func (d *Dispatcher) Post(fn func()) bool {
	return d.post(&entry{fn: fn})
}

// PostLatest queues one delivery that replaces a waiting one with the same
// key, in that one's place. It never blocks.
func (d *Dispatcher) PostLatest(key any, fn func()) bool {
	return d.post(&entry{key: key, fn: fn})
}

func (d *Dispatcher) post(e *entry) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != stateOpen {
		return false
	}
	if e.key != nil {
		if waiting, ok := d.keyed[e.key]; ok {
			waiting.fn = e.fn
			return true
		}
		d.keyed[e.key] = e
	}
	d.queue = append(d.queue, e)
	d.signal()
	return true
}

// Close takes no more events, drops those that wait and returns at once. The
// handler that runs now, which may be the caller, ends by itself. Idempotent.
func (d *Dispatcher) Close() {
	d.stop(stateClosed)
}

// Drain takes no more events, delivers those that wait and returns when the
// last handler has returned or ctx ends; then it closes. Called from a handler
// it returns at once, for it would wait for itself: what waits is delivered
// after that handler.
func (d *Dispatcher) Drain(ctx context.Context) error {
	d.stop(stateDraining)
	if d.InHandler() {
		return nil
	}
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		d.Close()
		return context.Cause(ctx)
	}
}

// InHandler tells whether the caller runs on the goroutine of the handlers.
func (d *Dispatcher) InHandler() bool {
	return d.goroutine.Load() == goroutineID()
}

// goroutineID reads the number of the calling goroutine off its stack trace.
// The language has no other way to it; it is asked only at shutdown.
func goroutineID() uint64 {
	var buf [64]byte
	header := string(buf[:runtime.Stack(buf[:], false)])
	number, _, _ := strings.Cut(strings.TrimPrefix(header, "goroutine "), " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// Done is closed when the last handler has returned after Close or Drain.
func (d *Dispatcher) Done() <-chan struct{} { return d.done }

func (d *Dispatcher) stop(s state) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state < s {
		d.state = s
	}
	if d.state == stateClosed {
		d.queue = nil
		clear(d.keyed)
	}
	d.signal()
}

func (d *Dispatcher) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Dispatcher) run() {
	defer close(d.done)
	d.goroutine.Store(goroutineID())
	for {
		fn, more := d.next()
		if fn != nil {
			fn()
			continue
		}
		if !more {
			return
		}
		<-d.wake
	}
}

// next takes the oldest delivery, or tells whether more may come.
func (d *Dispatcher) next() (fn func(), more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil, d.state == stateOpen
	}
	e := d.queue[0]
	d.queue[0] = nil
	d.queue = d.queue[1:]
	if e.key != nil {
		delete(d.keyed, e.key)
	}
	return e.fn, true
}
