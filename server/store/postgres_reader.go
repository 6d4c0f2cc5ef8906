package store

import (
	"context"
	"database/sql"
)

// maxStale is how often a read may find a connection dead that the pool kept.
const maxStale = postgresReaders + 1

// postgresPool are the connections that read.
type postgresPool struct{ db *sql.DB }

func (p *postgresPool) read(ctx context.Context, f func(q Querier) error) error {
	r := &reading{ctx: context.WithoutCancel(ctx), db: p.db}
	if err := r.connect(ctx); err != nil {
		return unavailable(err)
	}
	defer func() { _ = r.conn.Close() }() // it may have changed
	return unavailable(f(r))
}

func (p *postgresPool) close() error { return p.db.Close() }

// reading is a Querier over one connection of the pool.
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
