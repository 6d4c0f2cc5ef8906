package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxPrepared bounds the statements kept on a connection against texts that
// are not constants.
const maxPrepared = 512

// sqliteConn is one connection with its prepared statements. One goroutine at
// a time uses it.
type sqliteConn struct {
	conn  *sql.Conn
	cache map[string]*sql.Stmt
	// What is prepared on the connection lives as long as the store, whatever
	// becomes of the context of the call that needed it first.
	lasting context.Context //nolint:containedctx // the life of the store
}

func newSQLiteConn(ctx context.Context, db *sql.DB) (*sqliteConn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{conn: conn, cache: map[string]*sql.Stmt{}, lasting: context.WithoutCancel(ctx)}, nil
}

func (c *sqliteConn) close() error {
	var errs []error
	for _, stmt := range c.cache {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

func (c *sqliteConn) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.Exec(args...)
}

func (c *sqliteConn) query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.Query(args...)
}

func (c *sqliteConn) queryRow(query string, args ...any) *sql.Row {
	stmt, err := c.prepare(query)
	if err != nil {
		// sql.Row cannot carry a foreign error; running the text again gives it.
		return c.conn.QueryRowContext(c.lasting, query, args...)
	}
	return stmt.QueryRow(args...)
}

func (c *sqliteConn) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := c.cache[query]; ok {
		return stmt, nil
	}
	if len(c.cache) >= maxPrepared {
		for text, stmt := range c.cache {
			delete(c.cache, text)
			if err := stmt.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	stmt, err := c.conn.PrepareContext(c.lasting, query)
	if err != nil {
		return nil, err
	}
	c.cache[query] = stmt
	return stmt, nil
}

// sqlitePool are the connections that read. They open when they are needed.
type sqlitePool struct {
	db     *sql.DB
	free   chan *sqliteReader
	closed chan struct{}
	once   sync.Once
}

// sqliteReader is a Querier; conn is nil until it is needed.
type sqliteReader struct{ conn *sqliteConn }

// Query runs a statement that returns rows.
func (r *sqliteReader) Query(query string, args ...any) (*sql.Rows, error) {
	return r.conn.query(query, args...)
}

// QueryRow runs a statement that returns at most one row.
func (r *sqliteReader) QueryRow(query string, args ...any) *sql.Row {
	return r.conn.queryRow(query, args...)
}

func newSQLitePool(path string, size int) (*sqlitePool, error) {
	db, err := openSQLiteFile(path, size, "query_only(1)", "cache_size(-1024)")
	if err != nil {
		return nil, err
	}
	p := &sqlitePool{db: db, free: make(chan *sqliteReader, size), closed: make(chan struct{})}
	for range size {
		p.free <- &sqliteReader{}
	}
	return p, nil
}

// read runs f. A read is short: it is not worth the goroutine that would
// interrupt it.
func (p *sqlitePool) read(ctx context.Context, f func(q Querier) error) error {
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	select {
	case <-p.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case r := <-p.free:
		defer func() { p.free <- r }()
		if r.conn == nil {
			var err error
			if r.conn, err = newSQLiteConn(ctx, p.db); err != nil {
				return err
			}
		}
		return f(r)
	}
}

// close waits for the reads that run.
func (p *sqlitePool) close() error {
	var errs []error
	p.once.Do(func() {
		close(p.closed)
		for range cap(p.free) {
			if r := <-p.free; r.conn != nil {
				errs = append(errs, r.conn.close())
			}
		}
		errs = append(errs, p.db.Close())
	})
	return errors.Join(errs...)
}
