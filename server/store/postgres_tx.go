package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jackc/pgx/v5"
)

// before is called before each statement of a write.
func (w *postgresWriter) before() error {
	if w.pg.PgConn().IsBusy() {
		w.seen.misused = true
		return errRowsOpen
	}
	switch {
	case w.careful == carefree:
		return nil
	case w.careful == unprotected:
		w.careful = protected
		return w.control("SAVEPOINT work")
	case w.seen.failed != nil:
		w.seen.failed = nil
		return w.control("ROLLBACK TO work")
	default:
		return w.control("RELEASE work; SAVEPOINT work")
	}
}

func (w *postgresWriter) exec(query string, args ...any) (sql.Result, error) {
	if err := w.before(); err != nil {
		return nil, err
	}
	return w.conn.ExecContext(w.lasting, query, args...)
}

func (w *postgresWriter) query(query string, args ...any) (*sql.Rows, error) {
	if err := w.before(); err != nil {
		return nil, err
	}
	return w.conn.QueryContext(w.lasting, query, args...)
}

func (w *postgresWriter) queryRow(query string, args ...any) *sql.Row {
	// sql.Row cannot carry a foreign error; after one the query fails as well.
	_ = w.before()
	return w.conn.QueryRowContext(w.lasting, query, args...)
}

// trace notes what the statements of a write did, whatever the write makes of
// it. It is pgx's tracer on the writer's connection.
type trace struct {
	failed  error // the first failure since the beginning or the last undo
	after   bool  // statements ran after the failure
	dirty   bool  // rows were changed
	misused bool  // a statement before the last result was closed
	looking bool  // the statement that runs is a SELECT
}

// needsUndo tells whether a write that returned an error has to be undone.
func (t *trace) needsUndo() bool { return t.failed != nil || t.dirty || t.misused }

// TraceQueryStart implements pgx.QueryTracer.
func (t *trace) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.after = t.failed != nil
	const word = "SELECT"
	text := strings.TrimSpace(data.SQL)
	t.looking = len(text) > len(word) && strings.EqualFold(text[:len(word)], word)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *trace) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	tag := data.CommandTag
	switch {
	case data.Err != nil:
		if t.failed == nil {
			t.failed = data.Err
		}
	case t.looking && tag.Select():
	case tag.Insert(), tag.Update(), tag.Delete():
		t.dirty = t.dirty || tag.RowsAffected() > 0
	default:
		t.dirty = true
	}
}
