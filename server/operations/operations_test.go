package operations_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/operations"
	"github.com/parley-rtc/parley/server/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(t.Context(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func begin(t *testing.T, st *store.Store, s *operations.Service, kind string) string {
	t.Helper()
	id := operations.NewID()
	err := st.Write(t.Context(), func(tx *store.Tx) error {
		return s.Start(tx, operations.Operation{ID: id, Kind: kind, Target: "x", Input: "in"})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Wake()
	return id
}

// end waits for the end of an operation.
func end(t *testing.T, s *operations.Service, id string) operations.Operation {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		op, err := s.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if op.State.Done() {
			return op
		}
		if time.Now().After(deadline) {
			t.Fatalf("no end: %+v", op)
		}
	}
}

func TestService(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	var tries atomic.Int32
	s := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{
		"good": func(_ context.Context, op operations.Operation) (string, error) { return op.Input + " out", nil },
		"bad": func(context.Context, operations.Operation) (string, error) {
			return "", &operations.FailedError{Code: "NoNumbers", Message: "There are none."}
		},
		"late": func(context.Context, operations.Operation) (string, error) {
			if tries.Add(1) < 2 {
				return "", errors.New("not yet")
			}
			return "", nil
		},
	}})
	defer s.Close()
	if op := end(t, s, begin(t, st, s, "good")); op.State != operations.StateSucceeded || op.Result != "in out" || op.Failure != nil {
		t.Errorf("%+v", op)
	}
	if op := end(t, s, begin(t, st, s, "bad")); op.State != operations.StateFailed || op.Failure == nil || op.Failure.Code != "NoNumbers" {
		t.Errorf("%+v", op)
	}
	id := begin(t, st, s, "late")
	if op := end(t, s, id); op.State != operations.StateSucceeded || tries.Load() != 2 {
		t.Errorf("%+v after %d tries", op, tries.Load())
	}
	if err := s.Cancel(t.Context(), id); !errors.Is(err, operations.ErrDone) {
		t.Errorf("cancel after the end: %v", err)
	}
	if _, err := s.Get(t.Context(), "none"); !errors.Is(err, operations.ErrNotFound) {
		t.Error(err)
	}
	if err := s.Cancel(t.Context(), "none"); !errors.Is(err, operations.ErrNotFound) {
		t.Error(err)
	}
}

func done(context.Context, operations.Operation) (string, error) { return "done", nil }

// TestService_Died: what a process was at when it died is done by the next one:
// at once when it is alone or the same node, else when the lease has run out.
func TestService_Died(t *testing.T) {
	for name, options := range map[string]operations.Options{
		"Alone":   {Alone: true},
		"Same":    {Node: "node"},
		"Several": {Now: func() time.Time { return time.Now().Add(time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.CheckLeaks(t, time.Minute)
			st := openStore(t)
			none := operations.Open(operations.Options{Store: st})
			id := begin(t, st, none, "work")
			none.Close()
			err := st.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec("UPDATE operations SET state = 'running', attempts = 1, leased_until = $1, node = 'node' WHERE id = $2", time.Now().Add(30*time.Second).UnixMilli(), id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			options.Store, options.Kinds = st, map[string]operations.Func{"work": done}
			second := operations.Open(options)
			defer second.Close()
			if op := end(t, second, id); op.Result != "done" {
				t.Errorf("%+v", op)
			}
		})
	}
}

// TestService_Stopped: what a node was at when it stopped is free at once.
func TestService_Stopped(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	began := make(chan struct{})
	first := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{
		"work": func(ctx context.Context, _ operations.Operation) (string, error) {
			close(began)
			<-ctx.Done()
			return "", ctx.Err()
		},
	}})
	id := begin(t, st, first, "work")
	<-began
	first.Close()
	second := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{"work": done}})
	defer second.Close()
	if op := end(t, second, id); op.Result != "done" {
		t.Errorf("%+v", op)
	}
}

// TestService_LateOutcome: of two that run the same operation, the one that
// began last has the say.
func TestService_LateOutcome(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	began, late, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	first := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{
		"work": func(context.Context, operations.Operation) (string, error) {
			close(began)
			<-late
			defer close(ended)
			return "late", nil
		},
	}})
	defer first.Close()
	id := begin(t, st, first, "work")
	<-began
	release := make(chan struct{})
	ahead := func() time.Time { return time.Now().Add(time.Minute) } // to it the lease has run out
	second := operations.Open(operations.Options{Store: st, Now: ahead, Kinds: map[string]operations.Func{
		"work": func(context.Context, operations.Operation) (string, error) {
			close(late) // the first comes to its end while the second is at it
			<-ended
			<-release
			return "done", nil
		},
	}})
	defer second.Close()
	<-ended
	first.Close() // its outcome is written, if it ever is
	op, err := second.Get(t.Context(), id)
	if err != nil || op.State != operations.StateRunning {
		t.Errorf("%+v, %v", op, err)
	}
	close(release)
	if op := end(t, second, id); op.Result != "done" {
		t.Errorf("%+v", op)
	}
}

// TestService_OtherKinds: an older node leaves the work of newer ones alone.
func TestService_OtherKinds(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	older := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{"old": done}})
	defer older.Close()
	none := operations.Open(operations.Options{Store: st})
	defer none.Close()
	id := begin(t, st, older, "new")
	end(t, older, begin(t, st, older, "old"))
	if op, err := older.Get(t.Context(), id); err != nil || op.State != operations.StateNotStarted {
		t.Errorf("%+v, %v", op, err)
	}
	newer := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{"old": done, "new": done}})
	defer newer.Close()
	if op := end(t, newer, id); op.Result != "done" {
		t.Errorf("%+v", op)
	}
}

// TestService_Cancel: one that has not begun is not begun any more.
func TestService_Cancel(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	none := operations.Open(operations.Options{Store: st})
	defer none.Close()
	id := begin(t, st, none, "work")
	if err := none.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{"work": done}})
	defer s.Close()
	end(t, s, begin(t, st, s, "work"))
	if op, err := s.Get(t.Context(), id); err != nil || op.State != operations.StateCanceled || op.Result != "" {
		t.Errorf("%+v, %v", op, err)
	}
}

// TestService_Expires: a day later nobody may ask, and nothing is left.
func TestService_Expires(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	first := operations.Open(operations.Options{Store: st, Kinds: map[string]operations.Func{"work": done}})
	id := begin(t, st, first, "work")
	end(t, first, id)
	first.Close()
	s := operations.Open(operations.Options{Store: st, Now: func() time.Time { return time.Now().Add(25 * time.Hour) }})
	defer s.Close()
	if _, err := s.Get(t.Context(), id); !errors.Is(err, operations.ErrNotFound) {
		t.Error(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n := 0
		err := st.Read(t.Context(), func(q store.Querier) error { return q.QueryRow("SELECT COUNT(*) FROM operations").Scan(&n) })
		if err != nil || time.Now().After(deadline) {
			t.Fatal(n, err)
		}
		if n == 0 {
			return
		}
	}
}
