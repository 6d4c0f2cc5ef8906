// Package operations runs work that takes longer than a request: it is written
// down in the transaction that accepts it, run by any node, run again when the
// node that ran it died, and its outcome can be asked for until it expires.
//
//	id := operations.NewID()
//	err := store.Write(ctx, func(tx *store.Tx) error {
//		… // what was asked for
//		return ops.Start(tx, operations.Operation{ID: id, Kind: "resource.delete", Target: name})
//	})
//	ops.Wake()
//
// The function of a kind may run more than once and at worst twice at the same
// time (when its lease ran out although it lives): it must be idempotent. Of
// those that run at the same time the one that began last writes the outcome. It
// has 30 seconds a time; what takes longer comes back with an error and goes on
// at the next attempt from what it has written down. Operations on the same
// target run in no order.
//
// Work that a node was at when it stopped is taken up by another one, or by its
// next start, at once. After a crash the others wait for the lease; the next
// start of the node itself (Options.Node, Options.Alone) does not.
//
// Work whose kind a node does not know is left to nodes that do: during an
// upgrade some are newer than others.
//
// # Answers
//
// A Dialect has the words and headers with which an area tells of operations:
//
//	h := operations.PhoneNumbers.Header(operations.Links{Status: link, ID: id})
//	… Status: operations.PhoneNumbers.Status(op.State)
package operations

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// State is where an operation stands.
type State string

// States of an operation.
const (
	StateNotStarted State = "notStarted"
	StateRunning    State = "running"
	StateSucceeded  State = "succeeded"
	StateFailed     State = "failed"
	StateCanceled   State = "canceled"
)

// Done tells whether the state is final.
func (s State) Done() bool { return s == StateSucceeded || s == StateFailed || s == StateCanceled }

// Errors of operations.
var (
	// ErrNotFound says that there is no such operation, or no more.
	ErrNotFound = errors.New("operations: not found")
	// ErrDone says that an operation came to its end before.
	ErrDone = errors.New("operations: it has ended")
)

var errTooOften = errors.New("operations: tried too often")

// FailedError is an error of a kind's function that ends the operation: it is told
// to whoever asks. Any other error is logged and the work tried again.
type FailedError struct {
	Code, Message string
}

// Error returns the code and the message.
func (f *FailedError) Error() string { return f.Code + ": " + f.Message }

// Operation is a piece of work.
type Operation struct {
	ID string
	// Kind names the function that does it, Target what it is about: an area
	// looks up the target to see whether the asker may know of the operation.
	Kind, Target string
	// Input is for the function, Result from it; both JSON, may be empty.
	Input, Result string
	State         State
	// Failure says why it failed; nil otherwise.
	Failure          *FailedError
	Created, Updated time.Time
}

// Func does the work of a kind and returns its result.
type Func func(ctx context.Context, op Operation) (result string, err error)

const (
	lease        = 30 * time.Second
	scanEvery    = 2 * time.Second
	maxAttempts  = 20
	keptFor      = 24 * time.Hour
	workers      = 2
	releaseTime  = 2 * time.Second
	failedCode   = "InternalError"
	failedReason = "The service could not complete the operation."
)

// Options configure the service. Store is required.
type Options struct {
	Store *store.Store
	// Kinds has the function of every kind.
	Kinds map[string]Func
	// Alone says that no other node uses the store: what an earlier start was at
	// is nobody's work now.
	Alone bool
	// Node names this node among those that use the store, the same at each of
	// its starts: what its own earlier start was at is nobody's work now.
	Node string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger hears of work that has to be tried again; nil is silent.
	Logger *slog.Logger
}

// Service runs operations. Its methods may be called from any goroutine.
type Service struct {
	options Options
	wake    chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
	mine    string // the condition for kinds that this node does
	kinds   []any  // its parameters, $2 and following
}

// Open starts the workers. Close it when done.
func Open(options Options) *Service {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{options: options, wake: make(chan struct{}, workers), cancel: cancel, mine: "1 = 0"}
	if len(options.Kinds) > 0 {
		var places []string
		for i, kind := range slices.Sorted(maps.Keys(options.Kinds)) {
			s.kinds = append(s.kinds, kind)
			places = append(places, "$"+strconv.Itoa(i+2))
		}
		s.mine = "kind IN (" + strings.Join(places, ", ") + ")"
	}
	s.running.Go(func() {
		if options.Alone || options.Node != "" {
			s.free(ctx)
		}
		for range workers {
			s.running.Go(func() { s.work(ctx) })
		}
	})
	return s
}

// free takes away the leases of an earlier start.
func (s *Service) free(ctx context.Context) {
	alone := ""
	if s.options.Alone {
		alone = "alone"
	}
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE operations SET leased_until = 0 WHERE state = 'running' AND leased_until > 0 AND (node = $1 OR $2 = 'alone')",
			s.options.Node, alone)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.options.Logger.Warn("operations", "error", err) // they run out by themselves
	}
}

// Close stops the workers: the context of what runs ends, and the work is taken
// up by the next start or another node. It is idempotent.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
}

// NewID draws the id of an operation.
func NewID() string { return guid.New().String() }

// Start writes an operation down, in the transaction that accepts it.
func (s *Service) Start(tx *store.Tx, op Operation) error {
	now := s.options.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO operations (id, kind, target, input, state, result, error_code, error_message, attempts, leased_until,
		node, created_at, updated_at, expires_at) VALUES ($1, $2, $3, $4, $5, '', '', '', 0, 0, '', $6, $6, $7)`,
		op.ID, op.Kind, op.Target, op.Input, string(StateNotStarted), now, now+keptFor.Milliseconds())
	return err
}

// Wake lets a worker look at once; call it after the commit.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Get returns an operation. The error is ErrNotFound when there is none.
func (s *Service) Get(ctx context.Context, id string) (op Operation, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		op, err = scan(q.QueryRow("SELECT "+columns+" FROM operations WHERE id = $1 AND expires_at > $2", id, s.options.Now().UnixMilli()))
		return err
	})
	if store.IsNotFound(err) {
		return op, ErrNotFound
	}
	return op, err
}

// Cancel ends an operation that has not begun. The error is ErrNotFound or
// ErrDone; one that runs comes to its own end.
func (s *Service) Cancel(ctx context.Context, id string) error {
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec("UPDATE operations SET state = $1, updated_at = $2 WHERE id = $3 AND state = $4",
			string(StateCanceled), s.options.Now().UnixMilli(), id, string(StateNotStarted))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var state string
		if err := tx.QueryRow("SELECT state FROM operations WHERE id = $1", id).Scan(&state); err != nil {
			return err
		}
		return ErrDone
	})
	if store.IsNotFound(err) {
		return ErrNotFound
	}
	return err
}

const columns = "id, kind, target, input, state, result, error_code, error_message, created_at, updated_at"

func scan(row interface{ Scan(dest ...any) error }) (Operation, error) {
	var op Operation
	var state, code, message string
	var created, updated int64
	err := row.Scan(&op.ID, &op.Kind, &op.Target, &op.Input, &state, &op.Result, &code, &message, &created, &updated)
	op.State, op.Created, op.Updated = State(state), time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	if code != "" {
		op.Failure = &FailedError{code, message}
	}
	return op, err
}

// work runs operations until the service closes.
func (s *Service) work(ctx context.Context) {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		op, attempts, err := s.claim(ctx)
		switch {
		case err == nil:
			s.run(ctx, op, attempts)
			continue
		case !store.IsNotFound(err) && ctx.Err() == nil:
			s.options.Logger.Warn("operations", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-tick.C:
			if err := s.forget(ctx); err != nil && ctx.Err() == nil {
				s.options.Logger.Warn("operations", "error", err)
			}
		}
	}
}

// claim leases the oldest operation that waits, or whose lease ran out.
func (s *Service) claim(ctx context.Context) (Operation, int, error) {
	now := s.options.Now().UnixMilli()
	due := " FROM operations WHERE state IN ('notStarted', 'running') AND leased_until < $1 AND " + s.mine
	parameters := append([]any{now}, s.kinds...)
	// Most of the time there is nothing to do: look before writing.
	err := s.options.Store.Read(ctx, func(q store.Querier) error {
		var one int
		return q.QueryRow("SELECT 1"+due+" LIMIT 1", parameters...).Scan(&one)
	})
	if err != nil {
		return Operation{}, 0, err
	}
	// No results of this function: the transaction may still run when it has
	// returned, because ctx is over.
	var op Operation
	var attempts int
	err = s.options.Store.Write(ctx, func(tx *store.Tx) error {
		var id string
		if err := tx.QueryRow("SELECT id"+due+" ORDER BY created_at, id LIMIT 1", parameters...).Scan(&id); err != nil {
			return err
		}
		// Guarded again: another node may have been faster.
		err := tx.QueryRow(`UPDATE operations SET state = 'running', attempts = attempts + 1, leased_until = $1, updated_at = $2, node = $4
			WHERE id = $3 AND state IN ('notStarted', 'running') AND leased_until < $2 RETURNING attempts`,
			now+lease.Milliseconds(), now, id, s.options.Node).Scan(&attempts)
		if err != nil {
			return err
		}
		op, err = scan(tx.QueryRow("SELECT "+columns+" FROM operations WHERE id = $1", id))
		return err
	})
	if err != nil {
		return Operation{}, 0, err
	}
	return op, attempts, nil
}

// run does the work and writes its outcome down.
func (s *Service) run(ctx context.Context, op Operation, attempts int) {
	result, err := "", errTooOften
	if attempts <= maxAttempts { // else it took the process with it each time
		result, err = s.call(ctx, op)
	}
	if ctx.Err() != nil {
		s.release(ctx, op, attempts, 0)
		return
	}
	state, code, message := StateSucceeded, "", ""
	var failure *FailedError
	switch {
	case errors.As(err, &failure):
		state, code, message = StateFailed, failure.Code, failure.Message
	case err != nil:
		s.options.Logger.Warn("operation failed", "kind", op.Kind, "operation", op.ID, "attempt", attempts, "error", err)
		if attempts < maxAttempts {
			s.release(ctx, op, attempts, min(time.Duration(attempts)*time.Second, lease))
			return
		}
		state, code, message = StateFailed, failedCode, failedReason
	}
	err = s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE operations SET state = $1, result = $2, error_code = $3, error_message = $4, updated_at = $5, leased_until = 0
			WHERE id = $6 AND state = 'running' AND attempts = $7`,
			string(state), result, code, message, s.options.Now().UnixMilli(), op.ID, attempts)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.options.Logger.Warn("operation's outcome", "kind", op.Kind, "operation", op.ID, "error", err)
	}
}

func (s *Service) call(ctx context.Context, op Operation) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	return s.options.Kinds[op.Kind](ctx, op)
}

// release lets the work be tried again after a while, also when the service
// closes.
func (s *Service) release(ctx context.Context, op Operation, attempts int, wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	until := int64(0)
	if wait > 0 {
		until = s.options.Now().Add(wait).UnixMilli()
	}
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE operations SET leased_until = $1 WHERE id = $2 AND state = 'running' AND attempts = $3", until, op.ID, attempts)
		return err
	})
	if err != nil {
		s.options.Logger.Warn("operation's lease", "operation", op.ID, "error", err) // it runs out by itself
	}
}

// forget removes operations that nobody may ask for any more.
func (s *Service) forget(ctx context.Context) error {
	now := s.options.Now().UnixMilli()
	err := s.options.Store.Read(ctx, func(q store.Querier) error {
		var one int
		return q.QueryRow("SELECT 1 FROM operations WHERE expires_at <= $1 LIMIT 1", now).Scan(&one)
	})
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		// One that nobody did in all that time is not done any more: nobody could
		// ask for its outcome.
		_, err := tx.Exec("DELETE FROM operations WHERE expires_at <= $1 AND leased_until < $1", now)
		return err
	})
}
