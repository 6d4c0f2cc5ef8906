package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// errMissing says that a program is not installed.
var errMissing = errors.New("not installed (scripts/setup test installs it)")

const (
	postgresAccount = "postgres"
	startLimit      = 60 * time.Second
	startPause      = 10 * time.Millisecond
)

// PostgreSQL returns the URL of an empty PostgreSQL database of the test's own.
// The first call in a test binary starts a server, which ends with the binary;
// PARLEY_TEST_POSTGRES names one that runs already. Without PostgreSQL on this
// machine the test is skipped, in CI it fails.
//
// The server runs without fsync: it outlives every kill of the service under
// test, and no test cuts the power of the machine. The database sorts as
// English does, not by bytes, to show queries that rely on the order.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	server, err := sharedPostgres()
	if errors.Is(err, errMissing) {
		Missing(t, err.Error())
	}
	if err != nil {
		t.Fatalf("testkit: PostgreSQL: %v", err)
	}
	return server.database(t)
}

// sharedPostgres is one server for the whole test binary.
var sharedPostgres = sync.OnceValues(func() (*PostgreSQLServer, error) { //nolint:gochecknoglobals // a test binary has no other owner for it
	if given := os.Getenv("PARLEY_TEST_POSTGRES"); given != "" {
		u, err := url.Parse(given)
		return &PostgreSQLServer{url: u}, err
	}
	s, err := newPostgres()
	if err != nil {
		return nil, err
	}
	return s, s.start(s.folder)
})

// PostgreSQLServer is a server of a test's own, which can be stopped and
// started.
type PostgreSQLServer struct {
	bin, folder string
	account     *account
	url         *url.URL
	process     *process
}

// StartPostgreSQL starts a server for one test that wants to stop it.
func StartPostgreSQL(t testing.TB) *PostgreSQLServer {
	t.Helper()
	s, err := newPostgres()
	if errors.Is(err, errMissing) {
		Missing(t, err.Error())
	}
	if err != nil {
		t.Fatalf("testkit: PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if s.process != nil {
			s.Kill(t)
		}
		if err := os.RemoveAll(s.folder); err != nil {
			t.Errorf("testkit: PostgreSQL: %v", err)
		}
	})
	s.Start(t)
	return s
}

// Database makes an empty database for the test and returns its URL.
func (s *PostgreSQLServer) Database(t testing.TB) string {
	t.Helper()
	return s.database(t)
}

// Kill ends all processes of the server at once, as a crash does.
func (s *PostgreSQLServer) Kill(t testing.TB) {
	t.Helper()
	if err := s.process.end("QUIT"); err != nil {
		t.Fatalf("testkit: PostgreSQL: %v", err)
	}
	s.process = nil
}

// Start starts the server again after Kill.
func (s *PostgreSQLServer) Start(t testing.TB) {
	t.Helper()
	if err := s.start(""); err != nil {
		t.Fatalf("testkit: PostgreSQL: %v", err)
	}
}

// newPostgres makes the folder of a server.
func newPostgres() (*PostgreSQLServer, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	s := &PostgreSQLServer{bin: bin}
	if s.account, err = unprivileged(postgresAccount); err != nil {
		return nil, err
	}
	// A path for the socket must be short: not the test's own folder.
	if s.folder, err = os.MkdirTemp("", "parley-pg-"); err != nil {
		return nil, err
	}
	if err := s.account.own(s.folder); err != nil {
		return nil, err
	}
	initdb := command(s.account, filepath.Join(bin, "initdb"), "-D", s.data(), "-U", postgresAccount, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	s.url = &url.URL{
		Scheme: "postgres", User: url.User(postgresAccount), Path: "/postgres",
		RawQuery: url.Values{"host": {s.folder}}.Encode(),
	}
	return s, nil
}

func (s *PostgreSQLServer) data() string { return filepath.Join(s.folder, "data") }

func (s *PostgreSQLServer) start(remove string) error {
	log := filepath.Join(s.folder, "postgres.log")
	args := []string{"-D", s.data(), "-k", s.folder}
	for _, setting := range []string{
		"listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200",
		"max_wal_size=128MB", "log_min_messages=warning",
	} {
		args = append(args, "-c", setting)
	}
	var err error
	// SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, recovery at the
	// next start, and no process stays behind to hold the folder.
	l := launch{account: s.account, log: log, signal: "QUIT", remove: remove}
	if s.process, err = run(l, filepath.Join(s.bin, "postgres"), args...); err != nil {
		return err
	}
	return within(func() error { return s.exec("SELECT 1") }, func() string { return tail(log) })
}

// database makes a database and drops it with the test.
func (s *PostgreSQLServer) database(t testing.TB) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'"); err != nil {
		t.Fatalf("testkit: PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if s.process == nil && s.folder != "" {
			return // stopped by the test
		}
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("testkit: PostgreSQL: %v", err)
		}
	})
	own := *s.url
	own.Path = "/" + name
	return own.String()
}

func (s *PostgreSQLServer) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// postgresPrograms returns the folder of initdb and postgres.
func postgresPrograms() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian keeps them off the path
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL: %w", errMissing)
	}
	return filepath.Dir(slices.Max(found)), nil
}

// tail returns the end of a log.
func tail(path string) string {
	const most = 2000
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
