package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/internal/testkit"
)

// fakeSystem delivers in this process, whose processor time is its own.
type fakeSystem struct {
	label   string
	refuse  error // what becomes of sends
	forgets bool  // its archive holds nothing
	closed  atomic.Int64
	open    atomic.Int64 // conversations
}

func (f *fakeSystem) name() string { return f.label }

func (f *fakeSystem) server() *process {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return nil
	}
	return &process{cmd: &exec.Cmd{Process: self}}
}

func (f *fakeSystem) pair(ctx context.Context) (*conversation, error) { return f.room(ctx, 2) }

func (f *fakeSystem) room(_ context.Context, members int) (*conversation, error) {
	f.open.Add(1)
	t := newTally(members, 1)
	c := &conversation{tally: t, close: func() error { f.open.Add(-1); return nil }}
	c.say = func(_ int, text string) error {
		go func() {
			t.accepted(f.refuse)
			for range members {
				t.heard(text)
			}
		}()
		return nil
	}
	c.kept = func(context.Context) (int, error) {
		if f.forgets {
			return 0, errors.New("nothing is kept")
		}
		return c.said, nil
	}
	return c, nil
}

func (f *fakeSystem) crowd(context.Context, int, bool) (crowd, error) {
	nothing := func() error { return nil }
	return crowd{open: func(context.Context) error { return nil }, close: nothing}, nil
}

func (f *fakeSystem) close() error { f.closed.Add(1); return nil }

func newFakeRun(systems ...chatSystem) *chatRun {
	return &chatRun{
		env:    &env{settings: &settings{seconds: 0.05}, step: func() {}, steps: func(int) {}},
		result: &figures.Result{}, rounds: 2, length: 50 * time.Millisecond, sizes: []int{2, manyMembers},
		atOnce: []int{1}, systems: systems, missing: map[string]string{},
	}
}

// TestChat_Turns measures fakes: each in turn, one that refuses goes and is
// named, the others go on, and every conversation is closed.
func TestChat_Turns(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	service, good := &fakeSystem{}, &fakeSystem{label: natsCore}
	bad, forgetful := &fakeSystem{label: natsDurable, refuse: errors.New("no room")}, &fakeSystem{label: ejabberdMnesia, forgets: true}
	c := newFakeRun(service, good, bad, forgetful)
	c.missing[ejabberdSQLite] = "not run here: install it"
	if err := c.deliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"deliver: 2 members, p50", "deliver: 250 members, p99", "deliver: 250 members, per core", "NATS: deliver: 250 members, rate"} {
		if m := c.result.Find(what); m == nil || len(m.Values) != c.rounds {
			t.Errorf("%s: %+v", what, m)
		}
	}
	if m := c.result.Find("NATS: deliver: 250 members, p99"); m == nil || !m.Baseline || m.Goals != nil {
		t.Errorf("a rival's figure: %+v", m)
	}
	for _, f := range []*fakeSystem{service, good, bad, forgetful} {
		if f.open.Load() != 0 {
			t.Errorf("%q: %d conversations stay open", f.label, f.open.Load())
		}
	}
	if bad.closed.Load() != 1 || forgetful.closed.Load() != 1 || good.closed.Load() != 0 || len(c.systems) != 2 {
		t.Errorf("systems that failed are closed %d and %d times; %d are left", bad.closed.Load(), forgetful.closed.Load(), len(c.systems))
	}
	c.compare()
	words := map[string]string{}
	for _, one := range c.result.Ratios {
		words[one.Name] = one.Missing
	}
	for name, want := range map[string]string{
		"deliveries per core / NATS":             "",
		"deliveries per core / JetStream":        "failed",
		"deliveries per core / ejabberd, SQLite": "not run here: install it",
		"sends per core, 1 at once, REST / NATS": "not measured",
	} {
		if got, ok := words[name]; !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	table := (&report{Results: []*figures.Result{c.result}}).table()
	if !strings.Contains(table, "not run here: install it") || !strings.Contains(table, "no room") || !strings.Contains(table, "nothing is kept") {
		t.Errorf("the table does not say who is missing:\n%s", table)
	}
	if _, err := json.Marshal(c.result); err != nil {
		t.Error(err)
	}
	service.refuse = errors.New("broken")
	if err := c.deliveries(t.Context()); err == nil {
		t.Error("the service may fail")
	}
}

// TestRivals_NotHere has no program at all: each of the systems is named with
// what to do, and the run goes on.
func TestRivals_NotHere(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	t.Setenv("PATH", t.TempDir())
	c := newFakeRun(&fakeSystem{})
	others, err := c.rivals(t.Context())
	if err != nil || len(others) != 0 {
		t.Fatalf("%d systems, %v", len(others), err)
	}
	for _, name := range []string{ejabberdSQLite, ejabberdMnesia} {
		c.wantNote(t, name+": not run here: install ejabberd (scripts/setup bench)")
	}
	for _, name := range []string{natsDurable, natsCore} {
		c.wantNote(t, name+": not run here: build ")
	}
	if len(c.result.Notes) != 4 {
		t.Errorf("notes: %q", c.result.Notes)
	}
}

// wantNote checks that one note, of one line, tells what begins so.
func (c *chatRun) wantNote(t *testing.T, begin string) {
	t.Helper()
	for _, note := range c.result.Notes {
		if strings.HasPrefix(note, begin) && !strings.Contains(note, "\n") {
			return
		}
	}
	t.Errorf("no line says %q: %q", begin, c.result.Notes)
}

// TestBusy reads the processor time of this process and of the machine.
func TestBusy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	ours := busyOf("self", user, system)
	for begin := time.Now(); busyOf("self", user, system) <= ours; { // until a tick is counted
		if time.Since(begin) > time.Minute {
			t.Fatal("this process works and no time is counted")
		}
	}
	if all := busyOfAll(); all < busyOf("self", user, system) {
		t.Errorf("the machine has worked for %v, this process alone for more", all)
	}
	for name, got := range map[string]time.Duration{
		"no such process": busyOf("0", user), "no such place": ticks([]string{"1"}, 1), "no number": ticks([]string{"x"}, 0),
	} {
		if got >= 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := ticks([]string{"x", "7", "", "5"}, 1, 3); got != 12*tick {
		t.Errorf("sum of ticks: %v", got)
	}
}

func TestTally(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	c := newTally(3, 1)
	for range 2 {
		c.heard("1 first")
	}
	c.heard("0 not timed")
	c.heard("words")
	c.accepted(nil)
	if err := c.wait(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if n := len(c.times()); n != 2 {
		t.Errorf("%d times kept, want 2", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := c.wait(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("not over yet: %v", err)
	}
	refused := errors.New("refused")
	time.AfterFunc(10*time.Millisecond, func() { c.accepted(refused); c.accepted(nil) })
	if err := c.wait(t.Context(), 3); !errors.Is(err, refused) {
		t.Errorf("a refusal: %v", err)
	}
}

func TestPublished(t *testing.T) {
	for answer, want := range map[string]bool{
		`{"stream":"bench","seq":7}`: true, `{"error":{"code":503}}`: false, `{"error":{"code":400},"seq":0}`: false, `-ERR`: false, ``: false,
	} {
		if err := published([]byte(answer)); (err == nil) != want {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
