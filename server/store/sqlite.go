package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

const (
	sqliteReaders = 3
	// Milliseconds that a connection waits for another process's lock.
	busyTimeout = 5000
)

// sqliteWriter is the only connection that changes the file.
type sqliteWriter struct {
	*sqliteConn
	db *sql.DB
	// failed and dirty say of the write that runs that a statement failed, and
	// that one may have changed something.
	failed, dirty bool
}

func (s *Store) openSQLite(ctx context.Context, options *Options) error {
	path, err := filepath.Abs(options.Path)
	if err != nil {
		return err
	}
	// The database holds keys; the files beside it inherit its mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	w := &sqliteWriter{}
	s.writer = w
	// The writer opens first: it turns write-ahead logging on for all.
	w.db, err = openSQLiteFile(path, 1, "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-2048)")
	if err != nil {
		return err
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := migrateSQLite(ctx, w.db, conn); err != nil {
		return err
	}
	// It may have handed the only connection to goose and back.
	if w.sqliteConn, err = newSQLiteConn(ctx, w.db); err != nil {
		return err
	}
	readers := options.Readers
	if readers <= 0 {
		readers = sqliteReaders
	}
	s.reader, err = newSQLitePool(path, readers)
	return err
}

func openSQLiteFile(path string, conns int, pragmas ...string) (*sql.DB, error) {
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

// migrateSQLite brings the schema up to date. A database that is so already
// costs one small query; goose is not started for it. It closes conn.
func migrateSQLite(ctx context.Context, db *sql.DB, conn *sql.Conn) error {
	due, err := migrationsDue(ctx, conn, "SELECT name FROM sqlite_master WHERE name = 'goose_db_version'")
	if closeErr := conn.Close(); err == nil {
		err = closeErr
	}
	if err != nil || !due {
		return err
	}
	files, err := migrations()
	if err != nil {
		return err
	}
	return migrate(ctx, db, goose.DialectSQLite3, files)
}

func (w *sqliteWriter) close() error {
	var errs []error
	if w.sqliteConn != nil {
		errs = append(errs, w.sqliteConn.close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	return errors.Join(errs...)
}

func (w *sqliteWriter) transact(group []*write) {
	again, err := w.attempt(group, len(group) == 1)
	if again {
		_, err = w.attempt(group, true)
	}
	for _, one := range group {
		if one.err == nil {
			one.err = err
		}
	}
}

// attempt runs a group in one transaction. Only work that is to be undone by
// itself needs a savepoint, and hardly any is: at first there are none. again
// says that one of the group has to be undone and nothing happened: careful
// runs each piece of work under a savepoint.
func (w *sqliteWriter) attempt(group []*write, careful bool) (again bool, err error) {
	tx := &Tx{w}
	if err := w.control("BEGIN IMMEDIATE"); err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	alone, live := len(group) == 1, 0
	for _, one := range group {
		w.failed, w.dirty = false, false
		switch {
		case alone || !careful:
			one.err = one.do(tx)
		default:
			if err := w.apply(tx, one); err != nil {
				return false, errors.Join(err, w.rollback())
			}
		}
		if !careful && (w.failed || one.err != nil && (w.dirty || w.ended())) {
			// A statement that failed may have ended the transaction: there may be
			// nothing to roll back.
			_ = w.rollback()
			return true, nil
		}
		if one.err == nil {
			live++
		}
	}
	if live == 0 {
		return false, w.rollback()
	}
	if err := w.control("COMMIT"); err != nil {
		return false, errors.Join(fmt.Errorf("commit: %w", err), w.rollback())
	}
	return false, nil
}

// apply runs one piece of work under a savepoint, so that its failure is its
// own. The error it returns is that of the transaction.
func (w *sqliteWriter) apply(tx *Tx, one *write) error {
	if err := w.control("SAVEPOINT work"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	if one.err = one.do(tx); one.err != nil {
		if err := w.control("ROLLBACK TO work"); err != nil {
			return fmt.Errorf("undo: %w", err)
		}
	}
	if err := w.control("RELEASE work"); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

func (w *sqliteWriter) exec(query string, args ...any) (sql.Result, error) {
	result, err := w.sqliteConn.exec(query, args...)
	w.note(query, err)
	return result, err
}

func (w *sqliteWriter) query(query string, args ...any) (*sql.Rows, error) {
	rows, err := w.sqliteConn.query(query, args...)
	w.note(query, err)
	return rows, err
}

func (w *sqliteWriter) queryRow(query string, args ...any) *sql.Row {
	row := w.sqliteConn.queryRow(query, args...)
	w.note(query, row.Err())
	return row
}

// note notes what a statement of a write did.
func (w *sqliteWriter) note(query string, err error) {
	w.failed = w.failed || err != nil
	w.dirty = w.dirty || !strings.HasPrefix(query, "SELECT")
}

// ended tells whether the database has ended the transaction by itself, as some
// failures to read have it do: within a transaction it refuses to begin one.
func (w *sqliteWriter) ended() bool { return w.control("BEGIN") == nil }

// control runs a statement that is none of the writes' own.
func (w *sqliteWriter) control(statement string) error {
	_, err := w.sqliteConn.exec(statement)
	return err
}

// rollback ends the transaction unless the database already did.
func (w *sqliteWriter) rollback() error {
	if err := w.control("ROLLBACK"); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}
