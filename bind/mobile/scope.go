package mobile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// defaultTimeLimit is longer than the timer of any operation that waits for
// the other side of a call.
const defaultTimeLimit = 45 * time.Second

// scope bounds the operations of a client: in time, by what may cancel them and
// by the client's end.
type scope struct {
	limit  time.Duration
	logger *slog.Logger

	mu      sync.Mutex
	closed  bool
	next    int
	running map[int]context.CancelCauseFunc
}

func newScope(limit time.Duration, logger *slog.Logger) *scope {
	if limit <= 0 {
		limit = defaultTimeLimit
	}
	return &scope{limit: limit, logger: logger, running: map[int]context.CancelCauseFunc{}}
}

// close cancels what runs and refuses what comes.
func (s *scope) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, cancel := range s.running {
		cancel(errClosed)
	}
}

// isClosed tells whether close was called.
func (s *scope) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// run carries out an operation that may block. canceler may be nil.
func (s *scope) run(canceler *Canceler, operation func(ctx context.Context) error) error {
	if s == nil {
		return errClosed
	}
	limited, stop := context.WithTimeoutCause(context.Background(), s.limit, errTimeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(limited)
	defer cancel(nil)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	id := s.next
	s.next++
	s.running[id] = cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, id)
	}()
	if canceler != nil {
		defer canceler.add(cancel)()
	}
	return early(ctx, operation(ctx))
}

// early says why an operation ended early, if it did.
func early(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// call runs a callback of the application: what it throws is logged and goes no
// further.
func (s *scope) call(callback func()) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("a listener panicked", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	callback()
}

// Canceler cancels operations that take long: it is given in the options of an
// operation and may be given to several. The zero value is ready.
type Canceler struct {
	mu       sync.Mutex
	canceled bool
	next     int
	cancels  map[int]context.CancelCauseFunc
}

// NewCanceler makes one.
func NewCanceler() *Canceler { return &Canceler{} }

// Cancel ends the operations that it was given to with ErrorCodeCanceled, and
// those that it will be given to. It does not wait.
func (c *Canceler) Cancel() {
	defer quiet()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.canceled = true
	for _, cancel := range c.cancels {
		cancel(errCanceled)
	}
}

// add makes cancel known until the returned function is called.
func (c *Canceler) add(cancel context.CancelCauseFunc) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canceled {
		cancel(errCanceled)
	}
	if c.cancels == nil {
		c.cancels = map[int]context.CancelCauseFunc{}
	}
	id := c.next
	c.next++
	c.cancels[id] = cancel
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.cancels, id)
	}
}

// slot holds a listener until it is dropped: a listener that stayed would keep
// the object that has it, across two garbage collectors, for ever.
type slot[T any] struct{ held atomic.Pointer[T] }

// set puts a listener in. An interface without a value is none.
func (s *slot[T]) set(listener T) {
	if any(listener) != nil {
		s.held.Store(&listener)
	}
}

// drop takes the listener out, for good.
func (s *slot[T]) drop() { s.held.Store(nil) }

// get returns the listener; ok is false when there is none.
func (s *slot[T]) get() (listener T, ok bool) {
	if p := s.held.Load(); p != nil {
		return *p, true
	}
	return listener, false
}

// isNetwork tells failures of the network from others.
func isNetwork(err error) bool {
	var operation *net.OpError
	var resolving *net.DNSError
	var request *url.Error
	return errors.As(err, &operation) || errors.As(err, &resolving) || errors.As(err, &request)
}
