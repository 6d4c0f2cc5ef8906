package netem

import (
	"sync"
	"time"
)

// deadline is a moment that closes a channel when it comes.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	ch    chan struct{}
}

// passed returns the channel that is closed at the deadline.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch == nil {
		d.ch = make(chan struct{})
	}
	return d.ch
}

func (d *deadline) expired() bool {
	select {
	case <-d.passed():
		return true
	default:
		return false
	}
}

// set moves the deadline; the zero time takes it away.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fired := d.timer != nil && !d.timer.Stop()
	d.timer = nil
	if d.ch == nil || fired || isClosed(d.ch) {
		// A timer that fired late closes the old channel, which nobody will
		// wait for again.
		d.ch = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	ch := d.ch
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(ch) })
		return
	}
	close(ch)
}

func isClosed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// notify wakes one waiter of a channel with room for one signal.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
