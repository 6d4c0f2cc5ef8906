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
	on statements
}

// statements run inside the writer's transaction.
type statements interface {
	exec(query string, args ...any) (sql.Result, error)
	query(query string, args ...any) (*sql.Rows, error)
	queryRow(query string, args ...any) *sql.Row
}

// Exec runs a statement. The query text should be a constant: statements are
// kept prepared by their text.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) { return t.on.exec(query, args...) }

// Query runs a statement that returns rows. The caller closes them before the
// next statement.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) { return t.on.query(query, args...) }

// QueryRow runs a statement that returns at most one row. The caller scans it
// before the next statement.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row { return t.on.queryRow(query, args...) }

// maxStale is how often a read may find a connection dead that the pool kept.
const maxStale = postgresReaders + 1

// reading is a Querier over one connection of the readers.
type reading struct {
	// Without an end: a read is short, not worth the goroutine that would
	// interrupt it.
	ctx   context.Context //nolint:containedctx // lives for one function call
	db    *sql.DB
	conn  *sql.Conn
	begun bool // a statement was answered
}

func (r *reading) connect(ctx context.Context) error {
	if r.conn != nil {
		_ = r.conn.Close() // it is broken; to hold it while waiting for another could starve all
	}
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	r.conn = conn
	return nil
}

// again tells whether a statement that failed is worth another try: nothing
// was answered yet, and the failure is that of a connection which a pool had
// kept over the server's restart.
func (r *reading) again(err error) bool {
	if r.begun || !isLost(err) {
		return false
	}
	return r.connect(r.ctx) == nil
}

func (r *reading) Query(query string, args ...any) (*sql.Rows, error) {
	rows, err := r.conn.QueryContext(r.ctx, query, args...)
	for tries := 0; err != nil && tries < maxStale && r.again(err); tries++ {
		rows, err = r.conn.QueryContext(r.ctx, query, args...) //nolint:sqlclosecheck // the caller's
	}
	r.begun = true
	return rows, err
}

func (r *reading) QueryRow(query string, args ...any) *sql.Row {
	row := r.conn.QueryRowContext(r.ctx, query, args...)
	for tries := 0; row.Err() != nil && tries < maxStale && r.again(row.Err()); tries++ {
		row = r.conn.QueryRowContext(r.ctx, query, args...)
	}
	r.begun = true
	return row
}
