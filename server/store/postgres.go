package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	postgresReaders = 8
	oldestPostgres  = 130000 // pg_xact_status of a 64-bit id; 13.0
	connectTimeout  = 5 * time.Second
	// statementTimeout is the server's, answerTimeout the client's for a server
	// that says nothing at all: the longer one.
	statementTimeout = 20 * time.Second
	answerTimeout    = 30 * time.Second
	// A service that hangs in a transaction must not keep the others waiting.
	idleTransactionTimeout = time.Minute
	// Connections are made anew from time to time, so that they find their way
	// to another server after a failover behind one name.
	readerLifetime = 30 * time.Minute
	// migrationLock is the key of the advisory lock of those that migrate.
	migrationLock = 7_264_153_902_461
)

func (s *Store) openPostgres(ctx context.Context, options *Options) error {
	config, err := pgx.ParseConfig(options.URL)
	if err != nil {
		return err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "parley"
	}
	if err := s.preparePostgres(ctx, config); err != nil {
		return err
	}
	w := newPostgresWriter(ctx, s, config, options.Patience)
	s.writer = w
	if err := w.connect(ctx); err != nil {
		return err
	}
	readers := options.Readers
	if readers <= 0 {
		readers = postgresReaders
	}
	db := openPostgresPool(config, readers, "SET default_transaction_read_only = on")
	db.SetConnMaxLifetime(readerLifetime)
	s.reader = &postgresPool{db}
	return nil
}

// openPostgresPool returns connections that give up on a server that hangs.
func openPostgresPool(config *pgx.ConnConfig, conns int, settings string) *sql.DB {
	own := config.Copy()
	dial := own.DialFunc
	own.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn}, nil
	}
	// Set here and not as parameters of the connection, which proxies refuse.
	settings += fmt.Sprintf("; SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d",
		statementTimeout.Milliseconds(), idleTransactionTimeout.Milliseconds())
	db := stdlib.OpenDB(*own, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.PgConn().Exec(ctx, settings).Close()
	}))
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// preparePostgres looks at the server and brings the schema up to date. Those
// of several nodes that start at the same time do it one after the other.
func (s *Store) preparePostgres(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.checkPostgres(ctx, conn); err != nil {
		return err
	}
	const table = "SELECT tablename FROM pg_tables WHERE tablename = 'goose_db_version' AND schemaname = current_schema()"
	if due, err := migrationsDue(ctx, conn, table); err != nil || !due {
		return err
	}
	// The lock goes with the connection.
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	if due, err := migrationsDue(ctx, conn, table); err != nil || !due {
		return err
	}
	files, err := postgresMigrations()
	if err != nil {
		return err
	}
	return migrate(ctx, db, goose.DialectPostgres, files)
}

// checkPostgres refuses servers that cannot keep the promise, and warns of
// those that were told not to.
func (s *Store) checkPostgres(ctx context.Context, conn *sql.Conn) error {
	setting := func(name string) (value string, err error) {
		err = conn.QueryRowContext(ctx, "SELECT current_setting($1)", name).Scan(&value)
		return value, err
	}
	text, err := setting("server_version_num")
	if err != nil {
		return err
	}
	if version, err := strconv.Atoi(text); err != nil || version < oldestPostgres {
		return fmt.Errorf("PostgreSQL 13 or newer is needed; this server's version number is %s", text)
	}
	encoding, err := setting("server_encoding")
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database must be encoded in UTF8; this one is in %s", encoding)
	}
	for _, name := range []string{"fsync", "full_page_writes"} {
		value, err := setting(name)
		if err != nil {
			return err
		}
		if value == "off" {
			s.logger.Warn("PostgreSQL may lose data when the machine stops", "setting", name, "value", value)
		}
	}
	return nil
}

// isLost tells whether an error means that the connection to the server is
// gone or that the server is going.
func isLost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case len(pg.Code) < 2:
			return false
		case pg.Code[:2] == "08", pg.Code == "57P01", pg.Code == "57P02", pg.Code == "57P03", pg.Code == "57P05", pg.Code == "25P03", pg.Code == "53300":
			return true // PostgreSQL appendix A: connection exceptions, shutdown, idle too long, too many connections
		default:
			return false
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// unavailable adds ErrUnavailable to errors of a lost connection.
func unavailable(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || !isLost(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// impatientConn bounds how long the server may say nothing while its answer is
// waited for. An explicit deadline comes first.
type impatientConn struct {
	net.Conn
	explicit atomic.Bool
}

func (c *impatientConn) Read(p []byte) (int, error) {
	if !c.explicit.Load() {
		if err := c.Conn.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

func (c *impatientConn) SetDeadline(t time.Time) error {
	c.explicit.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *impatientConn) SetReadDeadline(t time.Time) error {
	c.explicit.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}
