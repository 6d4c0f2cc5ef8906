package store

import (
	"context"
	"fmt"
	"slices"
)

// write is one piece of work for the writer.
type write struct {
	ctx  context.Context //nolint:containedctx // a queued call, not an object: the context belongs to the caller who waits
	do   func(tx *Tx) error
	err  error
	told bool            // the result was handed over
	done chan struct{}   // nil when nobody waits
	then func(err error) // nil when nobody wants to know
}

// Write runs f in a transaction and returns after its effects are durable. An
// error of f undoes f alone and comes back, wrapped. When ctx ends first, Write
// returns its error, and f may or may not take effect.
func (s *Store) Write(ctx context.Context, f func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: write: %w", err)
	}
	w := &write{ctx: ctx, do: f, done: make(chan struct{})}
	if !s.enqueue(w) {
		return ErrClosed
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		return fmt.Errorf("store: write: %w", ctx.Err())
	}
	if w.err != nil {
		return fmt.Errorf("store: write: %w", w.err)
	}
	return nil
}

// Post queues f for a transaction and returns at once; it never blocks. What
// was posted is written in order, also by Close. A failure is logged. then, if
// not nil, is called on the writer's goroutine once the effects are durable or
// have failed; it must not block. Post reports false when the store is closed;
// then neither is called. The caller bounds how much it posts.
func (s *Store) Post(f func(tx *Tx) error, then func(err error)) bool {
	return s.enqueue(&write{do: f, then: then})
}

func (s *Store) enqueue(w *write) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	s.signal()
	return true
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run is the writer's goroutine. While one group is being flushed the next one
// gathers, so the group grows with the load by itself.
func (s *Store) run() {
	defer close(s.done)
	for {
		group, closed := s.take()
		switch {
		case len(group) > 0:
			s.commit(group)
		case closed:
			return
		default:
			<-s.wake
		}
	}
}

func (s *Store) take() (group []*write, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), maxGroup)
	group = s.queue[:n:n]
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return group, s.closed
}

// commit runs the group in one transaction and tells everybody.
func (s *Store) commit(group []*write) {
	live := group[:0]
	for _, w := range group {
		if !w.over(s) {
			live = append(live, w)
		}
	}
	if len(live) == 0 {
		return
	}
	s.writer.transact(live)
	for _, w := range live {
		s.tell(w)
	}
}

// over tells whether a write needs no further attempt: it has its result, or
// nobody waits for it any more.
func (w *write) over(s *Store) bool {
	if !w.told && w.ctx != nil && w.ctx.Err() != nil {
		w.err = w.ctx.Err()
		s.tell(w)
	}
	return w.told
}

// tell hands over the result of a write, once.
func (s *Store) tell(w *write) {
	if w.told {
		return
	}
	w.told = true
	if w.done != nil {
		close(w.done)
		return
	}
	if w.err != nil {
		s.logger.Error("posted write failed", "error", w.err)
	}
	if w.then != nil {
		w.then(w.err)
	}
}

// giveUp ends with an error all the writes in the queue that somebody waits
// for. What was posted stays.
func (s *Store) giveUp(err error) {
	s.mu.Lock()
	var waiting []*write
	s.queue = slices.DeleteFunc(s.queue, func(w *write) bool {
		if w.done == nil {
			return false
		}
		waiting = append(waiting, w)
		return true
	})
	s.mu.Unlock()
	for _, w := range waiting {
		w.err = err
		s.tell(w)
	}
}
