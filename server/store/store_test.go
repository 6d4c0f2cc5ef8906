package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/store"
)

// each runs a test on both forms of the database. What it gets is empty.
func each(t *testing.T, f func(t *testing.T, options store.Options)) {
	t.Run("SQLite", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		f(t, sqlite(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		f(t, store.Options{URL: testkit.PostgreSQL(t)})
	})
}

func sqlite(t testing.TB) store.Options {
	t.Helper()
	return store.Options{Path: filepath.Join(t.TempDir(), "a.db")}
}

func open(t testing.TB, options store.Options) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), options)
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

func TestWrite_FailureInAGroupIsItsOwn(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
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
	})
}

func TestWrite_CancelledBeforeItRan_DoesNothing(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
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
	})
}

func TestPost_IsWrittenByClose(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
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
		if got := len(names(t, open(t, options))); got != 1000 {
			t.Errorf("%d of 1000 posted writes are there", got)
		}
	})
}

func TestPost_FailureIsLogged(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		var logs strings.Builder
		var failed error
		options.Logger = slog.New(slog.NewTextHandler(&logs, nil))
		st, err := store.Open(context.Background(), options)
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
		if failed == nil || !strings.Contains(logs.String(), "nowhere") {
			t.Errorf("log: %q", logs.String())
		}
	})
}

func TestOpen_SchemaOfANewerVersion_IsRefused(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
		err := st.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(context.Background(), options); !errors.Is(err, store.ErrNewer) {
			t.Errorf("error %v", err)
		}
	})
}

func TestRead_CannotWrite(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
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
	})
}

func TestTx_TextsThatVary_DoNotPileUp(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
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
	})
}

func TestWrite_IsReadBack(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
		for name, value := range map[string][]byte{"bytes": {1, 0, 2}, "none": {}, "text é世": []byte("x")} {
			if err := st.Write(context.Background(), put(name, value)); err != nil {
				t.Fatal(err)
			}
			var got []byte
			err := st.Read(context.Background(), func(q store.Querier) error {
				return q.QueryRow("SELECT value FROM secrets WHERE name = $1", name).Scan(&got)
			})
			if err != nil || !bytes.Equal(got, value) {
				t.Errorf("%s: value %v, error %v", name, got, err)
			}
		}
		if err := st.Healthy(context.Background()); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if got := names(t, open(t, options)); len(got) != 3 {
			t.Errorf("after another start: %v", got)
		}
	})
}

// Both forms compare and sort texts by their bytes.
func TestRead_SortsByBytes(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
		for _, name := range []string{"a", "B", "Z", "b", "é", "_", "1"} {
			if err := st.Write(context.Background(), put(name, []byte{})); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		err := st.Read(context.Background(), func(q store.Querier) error {
			rows, err := q.Query("SELECT name FROM secrets WHERE name > $1 ORDER BY name", "1")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var n string
				if err := rows.Scan(&n); err != nil {
					return err
				}
				got = append(got, n)
			}
			return rows.Err()
		})
		if want := "B Z _ a b é"; err != nil || strings.Join(got, " ") != want {
			t.Errorf("%v, error %v, want %v", got, err, want)
		}
	})
}

// A write that is refused keeps nothing of what it did before, whatever else
// shares its transaction; one that swallows a failure keeps the rest.
func TestWrite_InAGroup_UndoesAllOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, options store.Options) {
		st := open(t, options)
		wrong := errors.New("wrong")
		gate := make(chan struct{})
		st.Post(func(*store.Tx) error { <-gate; return nil }, nil)
		type outcome struct {
			name string
			err  error
		}
		results := make(chan outcome, 10)
		post := func(name string, f func(tx *store.Tx) error) {
			st.Post(f, func(err error) { results <- outcome{name, err} })
		}
		post("good", put("good", []byte{}))
		post("undone", func(tx *store.Tx) error {
			if err := put("undone", []byte{})(tx); err != nil {
				return err
			}
			return wrong
		})
		post("not found", func(tx *store.Tx) error {
			var name string
			return tx.QueryRow("UPDATE secrets SET value = $1 WHERE name = 'nobody' RETURNING name", []byte{}).Scan(&name)
		})
		post("swallowed", func(tx *store.Tx) error {
			if err := put("good", []byte{})(tx); err == nil {
				return errors.New("twice the same name")
			}
			if err := put("swallowed", []byte{})(tx); err != nil {
				return err
			}
			if err := put("swallowed", []byte{})(tx); err == nil {
				return errors.New("twice the same name")
			}
			return nil
		})
		post("doubled", put("good", []byte{}))
		post("last", put("last", []byte{}))
		close(gate)
		for _, want := range []struct {
			name string
			ok   bool
		}{{"good", true}, {"undone", false}, {"not found", false}, {"swallowed", true}, {"doubled", false}, {"last", true}} {
			if got := <-results; got.name != want.name || (got.err == nil) != want.ok {
				t.Errorf("%s: %v; want %s, success %v", got.name, got.err, want.name, want.ok)
			}
		}
		if got := names(t, st); len(got) != 3 || !got["good"] || !got["swallowed"] || !got["last"] {
			t.Errorf("stored: %v", got)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	body := make([]byte, 200)
	for name, options := range map[string]store.Options{"SQLite": sqlite(b), "PostgreSQL": {URL: testkit.PostgreSQL(b)}} {
		st := open(b, options)
		for _, callers := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
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
							if err := st.Write(context.Background(), put(fmt.Sprint(callers, " ", b.N, " ", i), body)); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}
