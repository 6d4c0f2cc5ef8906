package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/store"
)

func TestSQLite_FileIsPrivate(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "with space?and#%41", "a.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	st := open(t, store.Options{Path: path})
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

func TestSQLite_SettingsAreDurable(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, sqlite(t))
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

// A process that dies leaves the files as they are at that moment; a copy of
// them taken while the store is open is the same thing.
func TestSQLite_AfterAKill_HasWhatWasAnswered(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	dir := t.TempDir()
	st := open(t, store.Options{Path: filepath.Join(dir, "a.db")})
	for i := range 50 {
		if err := st.Write(context.Background(), put(fmt.Sprint("k", i), []byte{})); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(filepath.Join(killed, "copy"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if got := len(names(t, open(t, store.Options{Path: filepath.Join(killed, "copy", "a.db")}))); got != 50 {
		t.Errorf("%d of 50 answered writes are there", got)
	}
}

// TestSQLite_TransactionEndedByItself: what follows a read that failed in such a
// way is not written while its callers are told that it failed.
func TestSQLite_TransactionEndedByItself(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, sqlite(t))
	gate := make(chan struct{}) // all share a group
	st.Post(func(*store.Tx) error { <-gate; return nil }, nil)
	ended := false
	fail := func(tx *store.Tx) error {
		if ended { // it goes well the second time
			return errors.New("refused")
		}
		ended = true
		return errors.Join(errors.New("disk I/O error"), store.EndTransaction(tx))
	}
	const n = 20
	errs := make(chan error, n)
	for i := range n {
		do := put(fmt.Sprint("w", i), []byte{})
		if i == n/2 {
			do = fail
		}
		st.Post(do, func(err error) { errs <- err })
	}
	close(gate)
	failed := 0
	for range n {
		if err := <-errs; err != nil {
			failed++
		}
	}
	if got := names(t, st); failed != 1 || len(got) != n-1 || got[fmt.Sprint("w", n/2)] {
		t.Errorf("%d failed, %d of %d stored", failed, len(got), n)
	}
}

func TestSQLite_NotADatabase_Fails(t *testing.T) {
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

func TestBackup_OfADatabaseInUse_IsWhole(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	options := sqlite(t)
	st := open(t, options)
	for i := range 50 {
		if err := st.Write(context.Background(), put(fmt.Sprint("before", i), []byte{})); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := st.Write(context.Background(), put(fmt.Sprint("during", i), []byte{})); err != nil {
				t.Error(err)
			}
		}
	}()
	copied := filepath.Join(t.TempDir(), "b.db")
	err := store.Backup(context.Background(), options.Path, copied)
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy holds keys: %v, %v", info, err)
	}
	got := names(t, open(t, store.Options{Path: copied}))
	for i := range 50 {
		if !got[fmt.Sprint("before", i)] {
			t.Errorf("what was written before, %d, is not in the copy", i)
		}
	}
	for name, from := range map[string]string{"onto a file": options.Path, "of nothing": filepath.Join(t.TempDir(), "none")} {
		if err := store.Backup(context.Background(), from, copied); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := os.Stat(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("the backup of nothing made a database")
	}
}

func TestSQLite_DiskIsFull_LosesNothingAndGoesOn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := open(t, sqlite(t))
	limit := func(pages int) {
		t.Helper()
		if err := st.Write(context.Background(), func(tx *store.Tx) error {
			var got int
			return tx.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&got)
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	kept := 0
	var full error
	for ; full == nil; kept++ {
		full = st.Write(context.Background(), put(fmt.Sprint(kept), make([]byte, 10_000)))
	}
	kept-- // the last one failed
	if got := len(names(t, st)); kept == 0 || got != kept {
		t.Errorf("%d of %d answered writes are there (%v)", got, kept, full)
	}
	limit(10_000)
	if err := st.Write(context.Background(), put("after", make([]byte, 10_000))); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
