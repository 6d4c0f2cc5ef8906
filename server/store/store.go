package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"
)

// Errors of the store.
var (
	// ErrClosed says that the store was closed before the work was done.
	ErrClosed = errors.New("store: closed")
	// ErrNewer says that a newer version of the program wrote the database.
	ErrNewer = errors.New("store: the database was written by a newer version")
	// ErrUnavailable says that the database server did not answer for a while.
	// What was asked for may or may not have taken effect.
	ErrUnavailable = errors.New("store: the database does not answer")
)

const (
	// A larger group would let a single caller wait longer without making the
	// flush any cheaper.
	maxGroup = 256
)

// Options say where the database is.
type Options struct {
	// URL names a PostgreSQL database, "postgres://user:password@host/name",
	// with the parameters that libpq knows. Empty: SQLite in the file Path.
	URL string
	// Path is the file of the SQLite database; it is made, readable by its
	// owner only, when it does not exist.
	Path string
	// Readers is how many reads may run at the same time; zero means 3 on
	// SQLite and 8 on PostgreSQL.
	Readers int
	// Patience is how long a write waits for a PostgreSQL server that does not
	// answer, before it fails with ErrUnavailable. What was posted waits on,
	// until Close. Zero means 8 s.
	Patience time.Duration
	// Logger hears of failed transactions that nobody waits for; nil is silent.
	Logger *slog.Logger
}

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	logger *slog.Logger
	reader reader
	writer writer

	mu      sync.Mutex
	queue   []*write
	closed  bool
	wake    chan struct{}
	closing chan struct{} // closed by Close
	done    chan struct{}
}

// writer is the connection that changes the database. Only the writer's
// goroutine uses it.
type writer interface {
	// transact runs a group in order, in as few durable transactions as it can,
	// and sets the error of each of its members.
	transact(group []*write)
	close() error
}

// reader are the connections that read, for any number of goroutines.
type reader interface {
	read(ctx context.Context, f func(q Querier) error) error
	close() error
}

// Open opens or makes the database, brings its schema up to date and starts
// the writer. Close it when done.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{
		logger:  options.Logger,
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	open := s.openSQLite
	if options.URL != "" {
		open = s.openPostgres
	}
	if err := open(ctx, &options); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open: %w", err), s.closeDatabases())
	}
	go s.run()
	return s, nil
}

// Read runs f on a connection of its own. f sees one state of the database for
// each statement, not one for all. f runs once; what it asks first is asked
// again when the connection turns out to be dead.
func (s *Store) Read(ctx context.Context, f func(q Querier) error) error {
	if s.isClosed() {
		return ErrClosed
	}
	err := s.reader.read(ctx, f)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrClosed), errors.Is(err, sql.ErrConnDone) && s.isClosed():
		return ErrClosed
	default:
		return fmt.Errorf("store: read: %w", err)
	}
}

// Healthy returns nil if the database can be read.
func (s *Store) Healthy(ctx context.Context) error {
	return s.Read(ctx, func(q Querier) error {
		var one int
		return q.QueryRow("SELECT 1").Scan(&one)
	})
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close writes what was posted, then closes the database. It is idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		<-s.done
		return nil
	}
	close(s.closing)
	s.signal()
	<-s.done
	if err := s.closeDatabases(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

func (s *Store) closeDatabases() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.close())
	}
	// Last, so that closing it folds SQLite's write-ahead log into the database.
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(errs...)
}

// IsNotFound tells whether an error of Read or Write means that a row that was
// asked for is not there.
func IsNotFound(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || errors.Is(err, fs.ErrNotExist)
}
