package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

var errRowsOpen = errors.New("store: a statement before the result of the last one was closed")

const (
	defaultPatience = 8 * time.Second
	// mostAtClose is the longest that Close waits for a server that is gone.
	mostAtClose  = 3 * time.Second
	firstBackoff = 20 * time.Millisecond
	lastBackoff  = 500 * time.Millisecond
	// lockTimeout bounds how long a statement waits for a row that another node
	// is at. Two groups that wait for each other would stand still for a second
	// otherwise, until PostgreSQL notices.
	lockTimeout = 30 * time.Millisecond
	// growth is the share by which groups grow again after a success.
	growth = 8
	// maxLosses bounds how many connections may break under one group.
	maxLosses = 10
)

// Codes of PostgreSQL's appendix A.
const (
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeLockTimeout   = "55P03"
	codeInvalidValue  = "22023"
)

// postgresWriter is the only connection of this node that changes the database.
// Every transaction is serializable, so a function that looks and then writes
// needs no lock, also with other nodes at work: whoever loses runs again.
//
// A group shares a transaction without savepoints: one round trip for each
// statement. Only when something of it has to be undone is it taken apart.
type postgresWriter struct {
	store *Store
	db    *sql.DB
	// The connection; nil while there is none.
	conn *sql.Conn
	pg   *pgx.Conn
	// lasting has no end: a write that has begun is not interrupted.
	lasting context.Context //nolint:containedctx // the life of the store
	// downSince is zero while the server answers.
	downSince time.Time
	patience  time.Duration
	// most is how many writes a group may have: half after each conflict.
	most    int
	seen    trace
	careful carefulness
}

// carefulness says whether statements run under savepoints of their own.
type carefulness uint8

const (
	carefree    carefulness = iota
	unprotected             // careful, before the first statement
	protected               // careful, the savepoint stands
)

// verdict is how an attempt at a group ended.
type verdict uint8

const (
	settled  verdict = iota // all of the group have their result
	conflict                // another node was faster: nothing happened
	lost                    // the connection broke: nothing happened
	separate                // one of the group has to run by itself: nothing happened
)

func newPostgresWriter(ctx context.Context, s *Store, config *pgx.ConnConfig, patience time.Duration) *postgresWriter {
	if patience <= 0 {
		patience = defaultPatience
	}
	w := &postgresWriter{store: s, lasting: context.WithoutCancel(ctx), patience: patience, most: maxGroup}
	own := config.Copy()
	own.Tracer = &w.seen
	// Scans of a whole table would look to PostgreSQL as if they had read what
	// other nodes write.
	w.db = openPostgresPool(own, 1, fmt.Sprintf("SET enable_seqscan = off; SET lock_timeout = %d", lockTimeout.Milliseconds()))
	w.db.SetMaxIdleConns(0) // one that is given back is broken
	return w
}

func (w *postgresWriter) connect(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	var mode string
	if err := conn.QueryRowContext(ctx, "SELECT current_setting('synchronous_commit')").Scan(&mode); err != nil {
		return errors.Join(err, conn.Close())
	}
	if mode == "off" {
		if _, err := conn.ExecContext(ctx, "SET synchronous_commit = on"); err != nil {
			return errors.Join(err, conn.Close())
		}
	}
	if err := conn.Raw(func(c any) error {
		own, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T", c)
		}
		w.pg = own.Conn()
		return nil
	}); err != nil {
		return errors.Join(err, conn.Close())
	}
	w.conn = conn
	w.downSince = time.Time{}
	return nil
}

func (w *postgresWriter) disconnect() {
	if w.conn != nil {
		_ = w.conn.Close() // it is broken
	}
	w.conn, w.pg = nil, nil
	if w.downSince.IsZero() {
		w.downSince = time.Now()
	}
}

func (w *postgresWriter) close() error {
	if w.conn != nil {
		_ = w.conn.Close()
	}
	if w.db == nil {
		return nil
	}
	return w.db.Close()
}

func (w *postgresWriter) transact(group []*write) {
	for len(group) > 0 {
		group = group[w.advance(group):]
	}
}

// advance brings writes from the front of the group to their end and returns
// how many.
func (w *postgresWriter) advance(group []*write) int {
	defer func() { w.careful = carefree }()
	n, conflicts, losses := min(len(group), w.most), 0, 0
	began := time.Now()
	for {
		end, at, cause := w.attempt(group[:n])
		switch end {
		case settled:
			w.most = min(maxGroup, w.most+max(1, w.most/growth))
			return n
		case separate:
			n = w.isolate(n, at)
		case conflict:
			if time.Since(began) > w.patience {
				fail(group[:n], fmt.Errorf("%w: others are at it all the time: %w", ErrUnavailable, cause))
				return n
			}
			conflicts++
			n = (n + 1) / 2
			w.most = n
			pause(time.Duration(rand.Int64N(int64(time.Millisecond)<<min(conflicts, 6)) + 1)) //nolint:gosec // G404: no secret
		case lost:
			// A write that breaks every connection must not take the others along.
			if losses++; losses > maxLosses && n == 1 {
				fail(group[:n], unavailable(cause))
				return n
			}
			if losses > maxLosses {
				n, losses = 1, 0
			}
			if !w.reconnect(group[:n], cause) {
				return n
			}
		}
	}
}

// isolate returns how many to try next when the one at the place at, of n, has
// to run by itself.
func (w *postgresWriter) isolate(n, at int) int {
	switch {
	case at > 0:
		return at // those before it first
	case n > 1:
		return 1
	default:
		w.careful = unprotected
		return 1
	}
}

// attempt runs a group in one transaction. at is the one that has to run by
// itself; cause is why nothing happened.
func (w *postgresWriter) attempt(group []*write) (end verdict, at int, cause error) {
	if w.conn == nil {
		return lost, 0, ErrUnavailable
	}
	transaction, err := w.begin()
	if err != nil {
		return w.broken(group, err)
	}
	live := 0
	for i, one := range group {
		if one.over(w.store) {
			continue
		}
		if end, cause = w.apply(one); end != settled {
			w.rollback()
			return end, i, cause
		}
		if one.err == nil {
			live++
		}
		if one.err != nil && w.seen.needsUndo() {
			w.rollback()
			if len(group) > 1 {
				return separate, i, nil
			}
			return settled, 0, nil
		}
	}
	if live == 0 {
		w.rollback()
		return settled, 0, nil
	}
	return w.commit(group, transaction)
}

// apply runs one write and tells whether the transaction can go on.
func (w *postgresWriter) apply(one *write) (verdict, error) {
	w.seen = trace{}
	if w.careful != carefree {
		w.careful = unprotected
	}
	one.err = one.do(&Tx{w})
	cause := w.seen.failed
	if cause == nil {
		cause = one.err
	}
	switch {
	case w.seen.misused:
		// A result that was not closed hangs in the connection.
		one.err = errors.Join(errRowsOpen, one.err)
		w.disconnect()
		return settled, nil
	case w.pg.IsClosed():
		return lost, cause
	case isConflict(w.seen.failed) || isConflict(one.err):
		return conflict, cause
	case w.seen.failed == nil:
		return settled, nil
	case w.careful != carefree:
		if err := w.control("ROLLBACK TO work"); err != nil {
			return lost, err
		}
		w.seen.failed = nil
		return settled, nil
	case one.err == nil || w.seen.after:
		// It means to go on after a statement that failed, as SQLite lets it.
		return separate, cause
	default:
		return settled, nil
	}
}

// begin returns the id of the transaction.
func (w *postgresWriter) begin() (string, error) {
	results, err := w.pg.PgConn().Exec(w.lasting, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT pg_current_xact_id()::text").ReadAll()
	if err != nil {
		return "", err
	}
	if len(results) != 2 || len(results[1].Rows) != 1 {
		return "", errors.New("begin: no id of the transaction")
	}
	return string(results[1].Rows[0][0]), nil
}

func (w *postgresWriter) commit(group []*write, transaction string) (verdict, int, error) {
	results, err := w.pg.PgConn().Exec(w.lasting, "COMMIT").ReadAll()
	switch {
	case err == nil && len(results) == 1 && results[0].CommandTag.String() == "COMMIT":
		return settled, 0, nil
	case err == nil:
		return w.broken(group, errors.New("commit: the server rolled back"))
	case w.pg.IsClosed():
		return w.settle(group, transaction, err)
	default:
		return w.broken(group, err)
	}
}

// settle finds out what became of a commit whose answer did not arrive.
func (w *postgresWriter) settle(group []*write, transaction string, cause error) (verdict, int, error) {
	limit := time.Now().Add(w.patience)
	for w.reconnect(group, cause) {
		var status sql.NullString
		err := w.conn.QueryRowContext(w.lasting, "SELECT pg_xact_status($1::text::xid8)", transaction).Scan(&status)
		switch {
		case err != nil && w.pg.IsClosed():
			cause = err
			continue
		case err != nil:
			var pg *pgconn.PgError
			if errors.As(err, &pg) && pg.Code == codeInvalidValue {
				return lost, 0, cause // a transaction of the future: this server never saw it
			}
			cause = err
		case status.String == "committed":
			return settled, 0, nil
		case status.String == "aborted":
			return lost, 0, cause
		case status.String == "in progress" && time.Now().Before(limit):
			pause(firstBackoff)
			continue
		}
		fail(group, fmt.Errorf("%w: the outcome is not known: %w", ErrUnavailable, cause))
		return settled, 0, nil
	}
	return settled, 0, nil // reconnect told them
}

// broken is the verdict on an error of the transaction itself.
func (w *postgresWriter) broken(group []*write, err error) (verdict, int, error) {
	switch {
	case w.pg.IsClosed() || isLost(err):
		return lost, 0, err
	case isConflict(err):
		w.rollback()
		return conflict, 0, err
	case len(group) > 1:
		w.rollback()
		return separate, 0, err
	default:
		w.rollback()
		fail(group, err)
		return settled, 0, nil
	}
}

// rollback ends the transaction; a connection that does not is given up.
func (w *postgresWriter) rollback() {
	if w.conn != nil && w.control("ROLLBACK") != nil {
		w.disconnect()
	}
}

// control runs statements that are none of the writes' own.
func (w *postgresWriter) control(statements string) error {
	return w.pg.PgConn().Exec(w.lasting, statements).Close()
}

// reconnect waits until there is a connection. After a while those of the
// group, and of the queue, that somebody waits for are given up; it reports
// false when nothing of the group is left.
func (w *postgresWriter) reconnect(group []*write, cause error) bool {
	if w.conn != nil && !w.pg.IsClosed() {
		return true
	}
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		w.disconnect()
		ctx, cancel := context.WithTimeout(w.lasting, connectTimeout)
		err := w.connect(ctx)
		cancel()
		if err == nil {
			return true
		}
		w.store.logger.Warn("no connection to PostgreSQL", "error", err, "before", cause)
		down := time.Since(w.downSince)
		failure := fmt.Errorf("%w: %w", ErrUnavailable, err)
		if down > min(w.patience, mostAtClose) && w.store.isClosed() {
			fail(group, failure)
			return false
		}
		if !w.dismiss(group, down > w.patience, failure) {
			return false
		}
		select {
		case <-time.After(backoff):
		case <-w.store.closing:
			pause(firstBackoff)
		}
	}
}

// dismiss gives up, if it takes too long, all that somebody waits for. It
// reports whether anything of the group is left.
func (w *postgresWriter) dismiss(group []*write, long bool, failure error) bool {
	left := false
	for _, one := range group {
		if long && one.done != nil && !one.told {
			one.err = failure
			w.store.tell(one)
		}
		left = left || !one.over(w.store)
	}
	if long {
		w.store.giveUp(failure)
	}
	return left
}

func pause(d time.Duration) { <-time.After(d) }

func fail(group []*write, err error) {
	for _, one := range group {
		if !one.told {
			one.err = err
		}
	}
}

func isConflict(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == codeSerialization || pg.Code == codeDeadlock || pg.Code == codeLockTimeout)
}
