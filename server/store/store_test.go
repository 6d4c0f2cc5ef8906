package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func put(name string, value []byte) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO secrets (name, value) VALUES ($1, $2)", name, value)
		return err
	}
}

func names(t *testing.T, st *store.Store) map[string]bool {
	t.Helper()
	got := map[string]bool{}
	err := st.Read(context.Background(), func(q store.Querier) error {
		rows, err := q.Query("SELECT name FROM secrets")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			got[n] = true
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWrite_IsReadBack(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "with space?and#%41", "a.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	st := open(t, path)
	if err := st.Write(context.Background(), put("a", []byte{1, 0, 2})); err != nil {
		t.Fatal(err)
	}
	var value []byte
	err := st.Read(context.Background(), func(q store.Querier) error {
		return q.QueryRow("SELECT value FROM secrets WHERE name = $1", "a").Scan(&value)
	})
	if err != nil || string(value) != "\x01\x00\x02" {
		t.Fatalf("value %v, error %v", value, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the database holds keys and has mode %v", mode)
	}
	if err := st.Healthy(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWrite_SettingsAreDurable(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, filepath.Join(t.TempDir(), "a.db"))
	var journal string
	var synchronous int
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.QueryRow("PRAGMA journal_mode").Scan(&journal); err != nil {
			return err
		}
		return tx.QueryRow("PRAGMA synchronous").Scan(&synchronous)
	})
	if err != nil {
		t.Fatal(err)
	}
	if journal != "wal" || synchronous != 2 {
		t.Errorf("journal_mode %s, synchronous %d, want wal and 2 (FULL)", journal, synchronous)
	}
}

func TestWrite_FailureInAGroupIsItsOwn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, filepath.Join(t.TempDir(), "a.db"))
	wrong := errors.New("wrong")
	// Holds the writer until all the others wait, so that they share a group.
	gate := make(chan struct{})
	st.Post(func(*store.Tx) error { <-gate; return nil }, nil)
	const n = 100
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = st.Write(context.Background(), func(tx *store.Tx) error {
				if err := put(fmt.Sprint("w", i), nil)(tx); err == nil {
					return errors.New("a NULL value was taken")
				}
				if err := put(fmt.Sprint("w", i), []byte{})(tx); err != nil {
					return err
				}
				if i%3 == 0 {
					return wrong
				}
				return nil
			})
		})
	}
	close(gate)
	wg.Wait()
	got := names(t, st)
	for i := range n {
		failed := i%3 == 0
		if errors.Is(errs[i], wrong) != failed || (!failed && errs[i] != nil) {
			t.Errorf("write %d: error %v", i, errs[i])
		}
		if got[fmt.Sprint("w", i)] == failed {
			t.Errorf("write %d: stored %v", i, !failed)
		}
	}
}

func TestWrite_CancelledBeforeItRan_DoesNothing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, filepath.Join(t.TempDir(), "a.db"))
	ctx, cancel := context.WithCancel(context.Background())
	gate, entered := make(chan struct{}), make(chan struct{})
	st.Post(func(*store.Tx) error { close(entered); <-gate; return nil }, nil)
	<-entered
	result := make(chan error)
	go func() { result <- st.Write(ctx, put("late", []byte{})) }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(gate)
	if err := st.Write(context.Background(), put("after", []byte{})); err != nil {
		t.Fatal(err)
	}
	if names(t, st)["late"] {
		t.Error("a cancelled write took effect")
	}
}

func TestPost_IsWrittenByClose(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	st := open(t, path)
	var durable atomic.Int32
	for i := range 1000 {
		if !st.Post(put(fmt.Sprint("p", i), []byte{}), func(err error) {
			if err != nil {
				t.Error(err)
			}
			durable.Add(1)
		}) {
			t.Fatal("not taken")
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if got := durable.Load(); got != 1000 {
		t.Errorf("told of %d of 1000 posted writes", got)
	}
	if st.Post(put("late", []byte{}), nil) {
		t.Error("a closed store took work")
	}
	if err := st.Write(context.Background(), put("late", []byte{})); !errors.Is(err, store.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := st.Healthy(context.Background()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if got := len(names(t, open(t, path))); got != 1000 {
		t.Errorf("%d of 1000 posted writes are there", got)
	}
}

func TestPost_FailureIsLogged(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	var logs strings.Builder
	var failed error
	st, err := store.Open(context.Background(), store.Options{
		Path: filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.NewTextHandler(&logs, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	st.Post(func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO nowhere VALUES (1)")
		return err
	}, func(err error) { failed = err })
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if failed == nil || !strings.Contains(logs.String(), "no such table") {
		t.Errorf("log: %q", logs.String())
	}
}

// A process that dies leaves the files as they are at that moment; a copy of
// them taken while the store is open is the same thing.
func TestOpen_AfterAKill_HasWhatWasAnswered(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	dir := t.TempDir()
	st := open(t, filepath.Join(dir, "a.db"))
	for i := range 50 {
		if err := st.Write(context.Background(), put(fmt.Sprint("k", i), []byte{})); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(filepath.Join(killed, "copy"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if got := len(names(t, open(t, filepath.Join(killed, "copy", "a.db")))); got != 50 {
		t.Errorf("%d of 50 answered writes are there", got)
	}
}

func TestOpen_SchemaOfANewerVersion_IsRefused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	st := open(t, path)
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(context.Background(), store.Options{Path: path}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("error %v", err)
	}
}

func TestOpen_NotADatabase_Fails(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(context.Background(), store.Options{Path: path}); err == nil {
		t.Error("opened")
	}
	if _, err := store.Open(context.Background(), store.Options{Path: filepath.Join(path, "below")}); err == nil {
		t.Error("opened below a file")
	}
}

func TestRead_CannotWrite(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, filepath.Join(t.TempDir(), "a.db"))
	err := st.Read(context.Background(), func(q store.Querier) error {
		rows, err := q.Query("INSERT INTO secrets (name, value) VALUES ('x', 'y') RETURNING name")
		if err != nil {
			return err
		}
		defer rows.Close()
		rows.Next()
		return rows.Err()
	})
	if err == nil || names(t, st)["x"] {
		t.Errorf("a reader wrote (error %v)", err)
	}
	err = st.Read(context.Background(), func(q store.Querier) error {
		var v []byte
		return q.QueryRow("SELECT value FROM secrets WHERE name = 'nobody'").Scan(&v)
	})
	if !store.IsNotFound(err) || !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("error %v", err)
	}
}

func TestTx_TextsThatVary_DoNotPileUp(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, filepath.Join(t.TempDir(), "a.db"))
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		for i := range 2000 {
			var got int
			if err := tx.QueryRow(fmt.Sprintf("SELECT %d", i)).Scan(&got); err != nil || got != i {
				return fmt.Errorf("%d: %d, %w", i, got, err)
			}
		}
		var x int
		if err := tx.QueryRow("SELECT nothing").Scan(&x); err == nil {
			return errors.New("a wrong query succeeded")
		}
		if _, err := tx.Query("SELECT nothing"); err == nil {
			return errors.New("a wrong query succeeded")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(b.TempDir(), "a.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	body := make([]byte, 200)
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.SetParallelism(callers)
			next := make(chan int, callers)
			go func() {
				defer close(next)
				for i := range b.N {
					next <- i
				}
			}()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for i := range next {
						if err := st.Write(context.Background(), put(fmt.Sprint(callers, b.N, i), body)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
