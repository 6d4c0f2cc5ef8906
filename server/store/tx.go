package store

import (
	"context"
	"database/sql"
)

// Querier reads. The queries use $1, $2, … for their arguments.
type Querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
}

// Tx is the writer's side of a transaction. It is valid only inside the
// function that was given it.
type Tx struct {
	store *Store
}

// reading is a Querier over one connection of the readers.
type reading struct {
	ctx  context.Context //nolint:containedctx // lives for one function call
	conn *sql.Conn
}

func (r *reading) Query(query string, args ...any) (*sql.Rows, error) {
	return r.conn.QueryContext(r.ctx, query, args...)
}

func (r *reading) QueryRow(query string, args ...any) *sql.Row {
	return r.conn.QueryRowContext(r.ctx, query, args...)
}

// Exec runs a statement. The query text should be a constant: statements are
// kept prepared by their text.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) {
	stmt, err := t.store.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.Exec(args...)
}

// Query runs a statement that returns rows. The caller closes them before the
// next statement.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := t.store.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.Query(args...)
}

// QueryRow runs a statement that returns at most one row.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row {
	stmt, err := t.store.prepare(query)
	if err != nil {
		// sql.Row cannot carry a foreign error; running the text again gives it.
		return t.store.plainRow(query, args...)
	}
	return stmt.QueryRow(args...)
}

// maxPrepared bounds the cache of statements against texts that are not
// constants.
const maxPrepared = 512

func (s *Store) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := s.cache[query]; ok {
		return stmt, nil
	}
	if len(s.cache) >= maxPrepared {
		for text, stmt := range s.cache {
			delete(s.cache, text)
			if err := stmt.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	stmt, err := s.prepareNew(query)
	if err != nil {
		return nil, err
	}
	s.cache[query] = stmt
	return stmt, nil
}
