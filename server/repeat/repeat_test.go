package repeat_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/store"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// nodes are two nodes of a service on one database.
type nodes struct {
	a, b *repeat.Store
	st   *store.Store
	*clock
}

// each runs a test on both forms of the database.
func each(t *testing.T, f func(t *testing.T, n *nodes)) {
	t.Helper()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		testkit.CheckLeaks(t, time.Minute)
		st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "a.db"), URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		c := &clock{at: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
		f(t, &nodes{a: repeat.New(st, c.now), b: repeat.New(st, c.now), st: st, clock: c})
	})
}

func begin(t *testing.T, s *repeat.Store, key repeat.Key, fingerprint string) *repeat.Claim {
	t.Helper()
	claim, err := s.Begin(t.Context(), key, []byte(fingerprint))
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

func TestBegin_TheSecondGetsTheAnswerOfTheFirst(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, b, c := n.a, n.b, n.clock
		key := repeat.Key{ResourceID: guid.New(), Scope: "Create", ID: "one"}
		claim := begin(t, a, key, "f")
		if claim.Answer() != nil {
			t.Fatalf("answer %+v", claim.Answer())
		}
		if err := claim.Finish(t.Context(), repeat.Answer{Status: 201, Header: http.Header{"Location": {"/x"}}, Body: []byte("made")}); err != nil {
			t.Fatal(err)
		}
		for _, node := range []*repeat.Store{a, b} {
			for range 2 {
				got := begin(t, node, key, "f").Answer()
				if got == nil || got.Status != 201 || string(got.Body) != "made" || got.Header.Get("Location") != "/x" {
					t.Errorf("answer %+v", got)
				}
			}
			if _, err := node.Begin(t.Context(), key, []byte("other")); !errors.Is(err, repeat.ErrOtherRequest) {
				t.Errorf("%v", err)
			}
		}
		// What differs in any part of the key is another request.
		for _, other := range []repeat.Key{
			{ResourceID: guid.New(), Scope: "Create", ID: "one"}, {ResourceID: key.ResourceID, Scope: "Other", ID: "one"}, {ResourceID: key.ResourceID, Scope: "Create", ID: "two"},
		} {
			claim := begin(t, a, other, "g")
			if claim.Answer() != nil {
				t.Errorf("%+v has an answer", other)
			}
			if err := claim.Finish(t.Context(), repeat.Answer{Status: 204}); err != nil {
				t.Error(err)
			}
		}
		if got := begin(t, b, repeat.Key{ResourceID: key.ResourceID, Scope: "Other", ID: "one"}, "g").Answer(); got == nil || got.Status != 204 || len(got.Body) != 0 || got.Header != nil {
			t.Errorf("answer %+v", got)
		}
		// It is kept for its time, and then it is a new request.
		c.pass(repeat.Keep - time.Second)
		if begin(t, a, key, "f").Answer() == nil {
			t.Error("forgotten too early")
		}
		c.pass(time.Second)
		claim = begin(t, a, key, "other now")
		if claim.Answer() != nil {
			t.Error("not forgotten")
		}
		if err := claim.Abandon(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBegin_RefusesIDs(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a := n.a
		for _, id := range []string{"", string(make([]byte, repeat.MaxID+1))} {
			if _, err := a.Begin(t.Context(), repeat.Key{ID: id}, nil); !errors.Is(err, repeat.ErrNoID) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

func TestBegin_AnAbandonedRequestIsDoneAnew(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, b := n.a, n.b
		key := repeat.Key{ID: "one"}
		claim := begin(t, a, key, "f")
		if err := claim.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := claim.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		claim.Done()
		claim = begin(t, b, key, "another")
		if claim.Answer() != nil {
			t.Error("it has an answer")
		}
		if err := claim.Finish(t.Context(), repeat.Answer{Status: 200}); err != nil {
			t.Fatal(err)
		}
		// Giving up what is finished takes nothing back.
		if err := claim.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if begin(t, a, key, "another").Answer() == nil {
			t.Error("the answer is gone")
		}
	})
}

// TestBegin_AtTheSameTime runs the same request many times at once on both
// nodes: one does it, all get its answer.
func TestBegin_AtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, b, st := n.a, n.b, n.st
		key := repeat.Key{ResourceID: guid.New(), Scope: "Create", ID: "one"}
		var ran atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			node := a
			if i%2 == 1 {
				node = b
			}
			wg.Go(func() {
				claim, err := node.Begin(t.Context(), key, []byte("f"))
				if err != nil {
					t.Error(err)
					return
				}
				defer claim.Done()
				if answer := claim.Answer(); answer != nil {
					if string(answer.Body) != "made" {
						t.Errorf("answer %+v", answer)
					}
					return
				}
				ran.Add(1)
				err = st.Write(t.Context(), func(tx *store.Tx) error {
					return claim.FinishTx(tx, repeat.Answer{Status: 201, Body: []byte("made")})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if ran.Load() != 1 {
			t.Errorf("it was done %d times", ran.Load())
		}
	})
}

func TestBegin_WaitsAsLongAsTheCallerDoes(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, b := n.a, n.b
		key := repeat.Key{ID: "one"}
		claim := begin(t, a, key, "f")
		for _, node := range []*repeat.Store{a, b} {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := node.Begin(ctx, key, []byte("f"))
				done <- err
			}()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		if err := claim.Finish(t.Context(), repeat.Answer{Status: 200}); err != nil {
			t.Fatal(err)
		}
		if begin(t, b, key, "f").Answer() == nil {
			t.Error("no answer")
		}
	})
}

// TestBegin_TakesOverFromTheDead lets a claim run out, as one does whose node
// has died, and makes sure that the dead one cannot come back.
func TestBegin_TakesOverFromTheDead(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, b, st, c := n.a, n.b, n.st, n.clock
		key := repeat.Key{ID: "one"}
		dead := begin(t, a, key, "f")
		c.pass(2 * time.Minute)
		if _, err := b.Begin(t.Context(), key, []byte("other")); !errors.Is(err, repeat.ErrOtherRequest) {
			t.Errorf("%v", err)
		}
		heir := begin(t, b, key, "f")
		if heir.Answer() != nil {
			t.Fatal("it has an answer")
		}
		err := st.Write(t.Context(), func(tx *store.Tx) error {
			return dead.FinishTx(tx, repeat.Answer{Status: 500, Body: []byte("dead")})
		})
		if !errors.Is(err, repeat.ErrLost) {
			t.Errorf("%v", err)
		}
		if err := dead.Abandon(t.Context()); err != nil {
			t.Error(err)
		}
		if err := heir.Finish(t.Context(), repeat.Answer{Status: 201, Body: []byte("heir")}); err != nil {
			t.Fatal(err)
		}
		if got := begin(t, a, key, "f").Answer(); got == nil || string(got.Body) != "heir" {
			t.Errorf("answer %+v", got)
		}
	})
}

// TestBegin_ForgetsWhatIsOld makes sure that the table does not grow for ever.
func TestBegin_ForgetsWhatIsOld(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, st, c := n.a, n.st, n.clock
		count := func() (n int) {
			t.Helper()
			if err := st.Read(t.Context(), func(q store.Querier) error { return q.QueryRow("SELECT count(*) FROM repeats").Scan(&n) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for range 20 {
			if err := begin(t, a, repeat.Key{ID: guid.New().String()}, "f").Finish(t.Context(), repeat.Answer{Status: 200}); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(); n != 20 {
			t.Errorf("%d rows", n)
		}
		c.pass(repeat.Keep + time.Second)
		begin(t, a, repeat.Key{ID: "new"}, "f").Done()
		if n := count(); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// TestClaim_BothOrNone undoes the caller's transaction: the answer goes with it.
func TestClaim_BothOrNone(t *testing.T) {
	each(t, func(t *testing.T, n *nodes) {
		a, st := n.a, n.st
		key := repeat.Key{ID: "one"}
		claim := begin(t, a, key, "f")
		broken := errors.New("the disk is full")
		err := st.Write(t.Context(), func(tx *store.Tx) error {
			if err := claim.FinishTx(tx, repeat.Answer{Status: 201}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatalf("%v", err)
		}
		if err := claim.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if begin(t, a, key, "f").Answer() != nil {
			t.Error("an answer to what was undone")
		}
	})
}
