package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// Errors of the store.
var (
	// ErrClosed says that the store was closed before the work was done.
	ErrClosed = errors.New("store: closed")
	// ErrNewer says that a newer version of the program wrote the database.
	ErrNewer = errors.New("store: the database was written by a newer version")
)

const (
	defaultReaders = 3
	// A larger group would let a single caller wait longer without making the
	// flush any cheaper.
	maxGroup = 256
	// Milliseconds that a connection waits for another process's lock.
	busyTimeout = 5000
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
	// Logger hears of failed transactions that nobody waits for; nil is silent.
	Logger *slog.Logger
}

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	logger *slog.Logger
	writer *sql.DB
	reader *sql.DB
	conn   *sql.Conn // the writer goroutine's only connection
	cache  map[string]*sql.Stmt
	// What is prepared on the writer's connection lives as long as the store,
	// whatever becomes of the context of the call that needed it first.
	prepareNew func(query string) (*sql.Stmt, error)
	plainRow   func(query string, args ...any) *sql.Row

	mu     sync.Mutex
	queue  []*write
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

// Open opens or makes the database, brings its schema up to date and starts
// the writer. Close it when done.
func Open(ctx context.Context, options Options) (*Store, error) {
	if options.URL != "" {
		return nil, errors.New("store: open: PostgreSQL is not there yet")
	}
	path, err := filepath.Abs(options.Path)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	// The database holds keys; the files beside it inherit its mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if err = f.Close(); err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	readers := options.Readers
	if readers <= 0 {
		readers = defaultReaders
	}
	logger := options.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		logger: logger,
		cache:  map[string]*sql.Stmt{},
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	if err := s.open(ctx, path, readers); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open: %w", err), s.closeDatabases())
	}
	go s.run()
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, readers int) error {
	var err error
	// The writer opens first: it turns write-ahead logging on for all.
	s.writer, err = openDatabase(path, 1, "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-2048)")
	if err != nil {
		return err
	}
	if s.conn, err = s.writer.Conn(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, s.writer, s.conn); err != nil {
		return err
	}
	// migrate may have handed the only connection to goose and back.
	if s.conn, err = s.writer.Conn(ctx); err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx)
	s.prepareNew = func(query string) (*sql.Stmt, error) { return s.conn.PrepareContext(lasting, query) }
	s.plainRow = func(query string, args ...any) *sql.Row { return s.conn.QueryRowContext(lasting, query, args...) }
	s.reader, err = openDatabase(path, readers, "query_only(1)", "cache_size(-1024)")
	return err
}

func openDatabase(path string, conns int, pragmas ...string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	query := url.Values{
		"_busy_timeout": {strconv.Itoa(busyTimeout)},
		"_dqs":          {"0"},
		"_pragma":       pragmas,
		"_error_rc":     {"1"},
	}
	uri := url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Read runs f on a connection of its own. f sees one state of the database for
// each statement, not one for all.
func (s *Store) Read(ctx context.Context, f func(q Querier) error) error {
	conn, err := s.reader.Conn(ctx)
	if err != nil {
		if errors.Is(err, sql.ErrConnDone) || s.isClosed() {
			return ErrClosed
		}
		return fmt.Errorf("store: read: %w", err)
	}
	defer conn.Close()
	// A read is short: it is not worth the goroutine that would interrupt it.
	if err := f(&reading{context.WithoutCancel(ctx), conn}); err != nil {
		return fmt.Errorf("store: read: %w", err)
	}
	return nil
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
	s.signal()
	<-s.done
	if err := s.closeDatabases(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

func (s *Store) closeDatabases() error {
	var errs []error
	for _, stmt := range s.cache {
		errs = append(errs, stmt.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	// Last, so that closing it folds the write-ahead log into the database.
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	return errors.Join(errs...)
}

// IsNotFound tells whether an error of Read or Write means that a row that was
// asked for is not there.
func IsNotFound(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || errors.Is(err, fs.ErrNotExist)
}
