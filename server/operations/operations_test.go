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

// TestService_Died: what a process was at when it died is done by the next one.
func TestService_Died(t *testing.T) {
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
	ahead := func() time.Time { return time.Now().Add(time.Minute) } // the lease has run out
	second := operations.Open(operations.Options{Store: st, Now: ahead, Kinds: map[string]operations.Func{
		"work": func(context.Context, operations.Operation) (string, error) { return "done", nil },
	}})
	defer second.Close()
	if op := end(t, second, id); op.Result != "done" {
		t.Errorf("%+v", op)
	}
}
