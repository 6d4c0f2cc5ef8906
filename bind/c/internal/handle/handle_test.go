package handle_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/c/internal/handle"
	"github.com/parley-rtc/parley/internal/testkit"
)

func mustNew(t *testing.T, table *handle.Table, object any, parent handle.Handle) handle.Handle {
	t.Helper()
	h, err := table.New(object, parent)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTable_KindsAndGenerations(t *testing.T) {
	var table handle.Table
	first := mustNew(t, &table, "alice", 0)
	if got, err := handle.Get[string](&table, first); got != "alice" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := handle.Get[int](&table, first); !errors.Is(err, handle.ErrInvalid) {
		t.Errorf("another kind: %v", err)
	}
	for _, h := range []handle.Handle{0, 1, 7, first + 1, first + 1<<32, ^handle.Handle(0)} {
		if _, err := handle.Get[string](&table, h); !errors.Is(err, handle.ErrInvalid) {
			t.Errorf("%#x, which was never given out: %v", h, err)
		}
	}
	if released, err := table.Release(first); err != nil || !slices.Equal(released, []any{"alice"}) {
		t.Errorf("release: %v, %v", released, err)
	}
	if _, err := table.Release(first); !errors.Is(err, handle.ErrReleased) {
		t.Errorf("released again: %v", err)
	}
	second := mustNew(t, &table, "bob", 0)
	if second == first {
		t.Error("a handle was used again")
	}
	if _, err := handle.Get[string](&table, first); !errors.Is(err, handle.ErrReleased) {
		t.Errorf("the old handle of a place that is used again: %v", err)
	}
	if _, err := table.New(nil, 0); !errors.Is(err, handle.ErrInvalid) {
		t.Errorf("nothing: %v", err)
	}
}

func TestTable_ReleasesDescendantsFirst(t *testing.T) {
	var table handle.Table
	root := mustNew(t, &table, "client", 0)
	child := mustNew(t, &table, "agent", root)
	leaf := mustNew(t, &table, "call", child)
	gone := mustNew(t, &table, "gone", child)
	other := mustNew(t, &table, "other", 0)
	if table.Parent(leaf) != child || table.Parent(root) != 0 || table.Parent(99) != 0 {
		t.Error("parents are wrong")
	}
	if _, err := table.Release(gone); err != nil {
		t.Fatal(err)
	}
	released, err := table.Release(root)
	if err != nil || !slices.Equal(released, []any{"call", "agent", "client"}) {
		t.Errorf("released %v, %v", released, err)
	}
	if _, err := table.New("late", child); !errors.Is(err, handle.ErrReleased) {
		t.Errorf("a child of what was released: %v", err)
	}
	if _, err := handle.Get[string](&table, other); err != nil || table.Len() != 1 {
		t.Errorf("the other: %v, %d left", err, table.Len())
	}
}

// TestTable_ThousandGoroutines lets a thousand goroutines make, find and release.
func TestTable_ThousandGoroutines(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	var table handle.Table
	root := mustNew(t, &table, "root", 0)
	var wait sync.WaitGroup
	for n := range 1000 {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for range 50 {
				h, err := table.New(n, root)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := handle.Get[int](&table, h); got != n || err != nil {
					t.Errorf("got %d instead of %d, %v", got, n, err)
				}
				// What others hold, or held: anything but a wrong kind may come.
				if _, err := handle.Get[string](&table, handle.Handle(random.Uint64())); err == nil {
					t.Error("a random number was an object")
				}
				if _, err := table.Release(h); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if table.Len() != 1 {
		t.Errorf("%d objects left", table.Len())
	}
}

// FuzzTable holds numbers that a program may give against the one it has.
func FuzzTable(f *testing.F) {
	for _, h := range []uint64{0, 1, 1 << 32, 1<<32 | 1, 2 << 32, ^uint64(0)} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, number uint64) {
		var table handle.Table
		old := mustNew(t, &table, "old", 0)
		if _, err := table.Release(old); err != nil {
			t.Fatal(err)
		}
		known := mustNew(t, &table, "known", 0)
		h := handle.Handle(number)
		got, err := handle.Get[string](&table, h)
		switch h {
		case known:
			if got != "known" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		case old:
			if !errors.Is(err, handle.ErrReleased) {
				t.Errorf("the released one: %v", err)
			}
		default:
			if !errors.Is(err, handle.ErrInvalid) {
				t.Errorf("%#x: %q, %v", h, got, err)
			}
		}
	})
}
