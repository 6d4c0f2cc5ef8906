package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/store"
)

// admin runs a statement on a connection of its own.
func admin(t testing.TB, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

const cutOthers = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

func TestPostgres_WritesAreSerializableAndDurable(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	url := testkit.PostgreSQL(t)
	admin(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$")
	st := open(t, store.Options{URL: url})
	var isolation, durable string
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.QueryRow("SELECT current_setting('transaction_isolation')").Scan(&isolation); err != nil {
			return err
		}
		return tx.QueryRow("SELECT current_setting('synchronous_commit')").Scan(&durable)
	})
	if err != nil || isolation != "serializable" || durable != "on" {
		t.Errorf("isolation %s, synchronous_commit %s, error %v", isolation, durable, err)
	}
}

func TestPostgres_StartsOfSeveralNodes_MeetOneSchema(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	options := store.Options{URL: testkit.PostgreSQL(t), Readers: 1}
	const nodes = 5
	secrets := make([][]byte, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			st, err := store.Open(context.Background(), options)
			if err != nil {
				t.Error(err)
				return
			}
			defer st.Close()
			if secrets[i], err = st.Secret(context.Background(), "shared", 16); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range secrets {
		if len(s) != 16 || !bytes.Equal(s, secrets[0]) {
			t.Errorf("secrets %x", secrets)
		}
	}
}

// Two nodes count: each looks and then writes what it saw plus one. Whoever
// loses runs again, so no step is lost.
func TestPostgres_NodesThatLookAndWrite_LoseNothing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	options := store.Options{URL: testkit.PostgreSQL(t), Readers: 1}
	const callers, steps = 4, 25
	var wg sync.WaitGroup
	for node := range 2 {
		st := open(t, options)
		if node == 0 {
			if err := st.Write(context.Background(), put("count", []byte{0})); err != nil {
				t.Fatal(err)
			}
		}
		for range callers {
			wg.Go(func() {
				for range steps {
					err := st.Write(context.Background(), func(tx *store.Tx) error {
						var value []byte
						if err := tx.QueryRow("SELECT value FROM secrets WHERE name = 'count'").Scan(&value); err != nil {
							return err
						}
						_, err := tx.Exec("UPDATE secrets SET value = $1 WHERE name = 'count'", []byte{value[0] + 1})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	var value []byte
	st := open(t, options)
	err := st.Read(context.Background(), func(q store.Querier) error {
		return q.QueryRow("SELECT value FROM secrets WHERE name = 'count'").Scan(&value)
	})
	if want := byte(2 * callers * steps); err != nil || value[0] != want {
		t.Errorf("counted to %d of %d, error %v", value, want, err)
	}
}

// Nodes move one from row to row, two rows at a time in any order, so that
// their groups wait for each other crosswise: the sum stays.
func TestPostgres_NodesCrossEachOther_NoneStandsStill(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	options := store.Options{URL: testkit.PostgreSQL(t), Readers: 1}
	const rows, callers, steps, begin = 10, 8, 30, 1000
	sum := func(st *store.Store) (sum int) {
		err := st.Read(context.Background(), func(q store.Querier) error {
			return q.QueryRow("SELECT SUM(ended_at) FROM calls").Scan(&sum)
		})
		if err != nil {
			t.Error(err)
		}
		return sum
	}
	var wg sync.WaitGroup
	var nodes [2]*store.Store
	for node := range nodes {
		st := open(t, options)
		nodes[node] = st
		if node == 0 {
			for i := range rows {
				admin(t, options.URL, fmt.Sprintf("INSERT INTO calls VALUES ('%d', '', '', '', 0, 0, %d, 0, 0)", i, begin))
			}
		}
		for caller := range callers {
			r := rand.New(rand.NewPCG(uint64(node), uint64(caller))) //nolint:gosec // G115, G404: small, no secret
			wg.Go(func() {
				for range steps {
					from, to := fmt.Append(nil, r.IntN(rows)), fmt.Append(nil, r.IntN(rows))
					err := st.Write(context.Background(), func(tx *store.Tx) error {
						if _, err := tx.Exec("UPDATE calls SET ended_at = ended_at - 1 WHERE id = $1", from); err != nil {
							return err
						}
						_, err := tx.Exec("UPDATE calls SET ended_at = ended_at + 1 WHERE id = $1", to)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if got := sum(nodes[0]); got != rows*begin {
		t.Errorf("sum %d, want %d", got, rows*begin)
	}
}

// Whatever connection is cut at whatever moment: each write that is answered
// took effect exactly once.
func TestPostgres_ConnectionsAreCut_EachWriteHappensOnce(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	url := testkit.PostgreSQL(t)
	st := open(t, store.Options{URL: url})
	const callers, steps = 8, 200
	done := make(chan struct{})
	var wg, cutter sync.WaitGroup
	cutter.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				admin(t, url, cutOthers)
			}
		}
	})
	for c := range callers {
		wg.Go(func() {
			for i := range steps {
				// A second run after a first that took effect fails: the name is taken.
				if err := st.Write(context.Background(), put(fmt.Sprint(c, " ", i), []byte{})); err != nil {
					t.Errorf("write %d %d: %v", c, i, err)
				}
				var value []byte
				err := st.Read(context.Background(), func(q store.Querier) error {
					return q.QueryRow("SELECT value FROM secrets WHERE name = $1", fmt.Sprint(c, " ", i)).Scan(&value)
				})
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("read %d %d: %v", c, i, err)
				}
			}
		})
	}
	wg.Wait()
	close(done)
	cutter.Wait()
	if got := len(names(t, st)); got != callers*steps {
		t.Errorf("%d of %d writes are there", got, callers*steps)
	}
}

func TestPostgres_ServerIsGoneForAWhile(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	server := testkit.StartPostgreSQL(t)
	st := open(t, store.Options{URL: server.Database(t), Patience: 2 * time.Second})
	if err := st.Write(context.Background(), put("before", []byte{})); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	if err := st.Healthy(context.Background()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("healthy: %v", err)
	}
	during := make(chan error, 2)
	go func() { during <- st.Write(context.Background(), put("write", []byte{})) }()
	st.Post(put("post", []byte{}), func(err error) { during <- err })
	server.Start(t)
	for range 2 {
		if err := <-during; err != nil {
			t.Error(err)
		}
	}
	if got := names(t, st); len(got) != 3 {
		t.Errorf("stored: %v", got)
	}
	// It stays away: those who wait are told, and Close does not wait for ever.
	server.Kill(t)
	st.Post(put("lost", []byte{}), func(err error) { during <- err })
	if err := st.Write(context.Background(), put("late", []byte{})); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if err := <-during; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("post: %v", err)
	}
}

func TestPostgres_ResultLeftOpen_IsAnError(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, store.Options{URL: testkit.PostgreSQL(t)})
	for i := range 3 {
		if err := st.Write(context.Background(), put(fmt.Sprint(i), []byte{})); err != nil {
			t.Fatal(err)
		}
	}
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query("SELECT name FROM secrets")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := put("x", []byte{})(tx); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err == nil || !strings.Contains(err.Error(), "before the result") {
		t.Errorf("error %v", err)
	}
	if err := st.Write(context.Background(), put("after", []byte{})); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestPostgres_NoServer_FailsAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, url := range []string{"postgres://127.0.0.1:1/x?sslmode=disable", "postgres://u:secret@[/x", "mysql://x"} {
		st, err := store.Open(context.Background(), store.Options{URL: url})
		if err == nil {
			t.Error("opened", st.Close())
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
