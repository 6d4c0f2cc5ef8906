package testkit

import (
	"os"
	"sync"
	"testing"
)

// EachDatabase runs a test on both forms of the database, which share the time
// of a soak run: url is empty for
// SQLite, else it names an empty PostgreSQL database.
func EachDatabase(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		shareSoak(t, 2)
		f(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		shareSoak(t, 2)
		f(t, PostgreSQL(t))
	})
}

// OnPostgreSQL tells whether this run of the tests, or of a part of them, is
// the one on PostgreSQL: `make test` sets PARLEY_TEST_ON=postgres for it.
func OnPostgreSQL() bool { return os.Getenv("PARLEY_TEST_ON") == "postgres" }

// Database returns the URL of the database that stands for the SQLite file, or
// data folder, at path in a run on PostgreSQL; else it is empty. The same path
// gives the same database, as long as the test runs that asked first.
func Database(t testing.TB, path string) string {
	t.Helper()
	if !OnPostgreSQL() {
		return ""
	}
	standIns.mu.Lock()
	defer standIns.mu.Unlock()
	if url := standIns.urls[path]; url != "" {
		return url
	}
	url := PostgreSQL(t)
	standIns.urls[path] = url
	t.Cleanup(func() {
		standIns.mu.Lock()
		defer standIns.mu.Unlock()
		delete(standIns.urls, path)
	})
	return url
}

// standIns are the databases that stand for files.
var standIns = struct { //nolint:gochecknoglobals // a test binary has no other owner for it
	mu   sync.Mutex
	urls map[string]string
}{urls: map[string]string{}}
