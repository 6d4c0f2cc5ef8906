// Package loop is a serial executor: one goroutine that owns an object and
// runs, one at a time and in order, the functions that others hand to it.
//
// Do waits for its function, Post does not. Neither ever runs a function after
// Close has returned, and a function that was accepted by Do has run when Do
// returns nil. Functions run on the loop must not call Do of the same loop:
// they are on it already.
package loop

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned for work handed to a loop that has been closed.
var ErrClosed = errors.New("loop: closed")

// Loop is a serial executor. Make one with New.
type Loop struct {
	mu     sync.Mutex
	queue  []func()
	closed bool

	wake chan struct{} // one token: the queue has work or the loop was closed
	done chan struct{} // closed when the goroutine has ended
}

// New starts a loop. It runs until Close.
func New() *Loop {
	l := &Loop{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l
}

// Post queues fn without waiting and without blocking, for callbacks that must
// return at once. It reports false when the loop is closed; fn then never runs.
func (l *Loop) Post(fn func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.queue = append(l.queue, fn)
	l.mu.Unlock()
	l.signal()
	return true
}

// Do runs fn on the loop and waits until it has run. When ctx ends before fn
// has begun, fn never runs and the context's cause is returned; once fn has
// begun, Do waits for its end whatever becomes of ctx. It returns ErrClosed on
// a closed loop.
func (l *Loop) Do(ctx context.Context, fn func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var t task
	t.fn = fn
	t.done = make(chan struct{})
	if !l.Post(t.run) {
		return ErrClosed
	}
	select {
	case <-t.done:
		return nil
	case <-l.done:
		// The loop may have run the task as its last one.
		select {
		case <-t.done:
			return nil
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		if t.abandon() {
			return context.Cause(ctx)
		}
		<-t.done
		return nil
	}
}

// Run is Do without a context: it waits until fn has run, or returns ErrClosed.
func (l *Loop) Run(fn func()) error {
	done := make(chan struct{})
	if !l.Post(func() { fn(); close(done) }) {
		return ErrClosed
	}
	select {
	case <-done:
		return nil
	case <-l.done:
		select {
		case <-done:
			return nil
		default:
			return ErrClosed
		}
	}
}

// Close refuses further work, drops what has not begun and returns when the
// function that runs now has ended. It is idempotent. It must not be called
// from a function on the loop: those call Stop.
func (l *Loop) Close() {
	l.Stop()
	<-l.done
}

// Stop is Close without waiting; a function on the loop may call it.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.closed = true
	l.queue = nil
	l.mu.Unlock()
	l.signal()
}

// Done is closed when the loop's goroutine has ended.
func (l *Loop) Done() <-chan struct{} { return l.done }

func (l *Loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Loop) run() {
	defer close(l.done)
	for {
		fn, ok := l.next()
		if !ok {
			return
		}
		if fn != nil {
			fn()
			continue
		}
		<-l.wake
	}
}

// next takes the oldest function. It returns nil, true when there is none and
// false when the loop was closed.
func (l *Loop) next() (func(), bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, false
	}
	if len(l.queue) == 0 {
		return nil, true
	}
	fn := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return fn, true
}

// task is one Do: exactly one of run and abandon wins.
type task struct {
	mu    sync.Mutex
	begun bool
	fn    func()
	done  chan struct{}
}

func (t *task) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun {
		return false
	}
	t.begun = true
	return true
}

func (t *task) run() {
	if t.begin() {
		t.fn()
		close(t.done)
	}
}

func (t *task) abandon() bool { return t.begin() }
