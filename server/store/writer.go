package store

import (
	"context"
	"errors"
	"fmt"
)

// write is one piece of work for the writer.
type write struct {
	ctx  context.Context //nolint:containedctx // a queued call, not an object: the context belongs to the caller who waits
	do   func(tx *Tx) error
	err  error
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
		if w.ctx != nil && w.ctx.Err() != nil {
			w.err = w.ctx.Err()
			close(w.done)
			continue
		}
		live = append(live, w)
	}
	if len(live) == 0 {
		return
	}
	err := s.transact(live)
	for _, w := range live {
		if w.err == nil {
			w.err = err
		}
		if w.done != nil {
			close(w.done)
			continue
		}
		if w.err != nil {
			s.logger.Error("posted write failed", "error", w.err)
		}
		if w.then != nil {
			w.then(w.err)
		}
	}
}

func (s *Store) transact(group []*write) error {
	tx := &Tx{store: s}
	if _, err := tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	alone := len(group) == 1
	for _, w := range group {
		if err := s.apply(tx, w, alone); err != nil {
			return errors.Join(err, s.rollback(tx))
		}
	}
	if alone && group[0].err != nil {
		return s.rollback(tx)
	}
	if _, err := tx.Exec("COMMIT"); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), s.rollback(tx))
	}
	return nil
}

// apply runs one piece of work. Work that shares its transaction runs under a
// savepoint, so that its failure is its own. The error it returns is that of
// the transaction.
func (s *Store) apply(tx *Tx, w *write, alone bool) error {
	if alone {
		w.err = w.do(tx)
		return nil
	}
	if _, err := tx.Exec("SAVEPOINT work"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	if w.err = w.do(tx); w.err != nil {
		if _, err := tx.Exec("ROLLBACK TO work"); err != nil {
			return fmt.Errorf("undo: %w", err)
		}
	}
	if _, err := tx.Exec("RELEASE work"); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// rollback ends the transaction unless the database already did.
func (s *Store) rollback(tx *Tx) error {
	if _, err := tx.Exec("ROLLBACK"); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}
