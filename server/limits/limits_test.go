package limits_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/limits"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)} }

func param(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestLimiter_WindowSlides(t *testing.T) {
	c := newClock()
	l := limits.New([]limits.Rule{{Name: "r", Operations: []string{"A", "B"}, Allow: []limits.Window{{Requests: 3, Per: 10 * time.Second}}}}, c.now)
	r := guid.New()
	take := func(operation string, want time.Duration) {
		t.Helper()
		got := l.Take(limits.Call{Operation: operation, ResourceID: r})
		switch {
		case want == 0 && got != nil:
			t.Errorf("refused: %+v", got)
		case want > 0 && (got == nil || got.Wait != want || got.Rule != "r"):
			t.Errorf("got %+v, want %v", got, want)
		}
	}
	take("A", 0)
	c.at = c.at.Add(4 * time.Second)
	take("B", 0) // counted together
	take("A", 0)
	take("A", 6*time.Second)
	take("other", 0)
	c.at = c.at.Add(5 * time.Second)
	take("A", time.Second)
	c.at = c.at.Add(time.Second)
	take("A", 0)
	take("A", 4*time.Second) // the two of second 4 leave at second 14
	c.at = c.at.Add(4 * time.Second)
	take("A", 0)
	take("A", 0)
	take("A", 6*time.Second)
	// Another resource has its own.
	if got := l.Take(limits.Call{Operation: "A", ResourceID: guid.New()}); got != nil {
		t.Errorf("another resource: %+v", got)
	}
	// A refused request is not counted, one that was looked at neither.
	c.at = c.at.Add(time.Hour)
	for range 10 {
		if got := l.Look(limits.Call{Operation: "A", ResourceID: r}); got != nil {
			t.Errorf("looked: %+v", got)
		}
	}
	for range 3 {
		take("A", 0)
	}
	if got := l.Look(limits.Call{Operation: "A", ResourceID: r}); got == nil || got.Wait != 10*time.Second {
		t.Errorf("looked: %+v", got)
	}
}

func TestLimiter_SeveralWindows(t *testing.T) {
	c := newClock()
	l := limits.New([]limits.Rule{{Operations: []string{"A"}, Allow: []limits.Window{{Requests: 2, Per: time.Second}, {Requests: 3, Per: time.Minute}}}}, c.now)
	call := limits.Call{Operation: "A"}
	for i, want := range []bool{true, true, false} {
		if got := l.Take(call); (got == nil) != want {
			t.Errorf("%d: %+v", i, got)
		}
	}
	c.at = c.at.Add(time.Second)
	if got := l.Take(call); got != nil {
		t.Errorf("%+v", got)
	}
	if got := l.Take(call); got == nil || got.Wait != 59*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestLimiter_Scopes(t *testing.T) {
	c := newClock()
	one := []limits.Window{{Requests: 1, Per: time.Second}}
	l := limits.New([]limits.Rule{
		{Name: "user", Operations: []string{"U"}, Scope: limits.ScopeUser, Allow: one},
		{Name: "thread", Operations: []string{"T"}, Scope: limits.ScopeValue, Parameter: "threadId", Allow: one},
		{Name: "both", Operations: []string{"UT"}, Scope: limits.ScopeUserValue, Parameter: "threadId", Allow: one},
		{Name: "with", Operations: []string{"B"}, With: "tokens", Allow: one},
		{Name: "without", Operations: []string{"B"}, Without: "tokens", Allow: one},
	}, c.now)
	thread := func(id string) func(string) string { return param(map[string]string{"threadId": id}) }
	for i, test := range []struct {
		call limits.Call
		rule string
	}{
		{limits.Call{Operation: "U", User: "alice"}, ""},
		{limits.Call{Operation: "U", User: "bob"}, ""},
		{limits.Call{Operation: "U", User: "alice"}, "user"},
		{limits.Call{Operation: "U"}, ""}, // nobody's request is nobody's limit
		{limits.Call{Operation: "U"}, ""},
		{limits.Call{Operation: "T", Param: thread("1")}, ""},
		{limits.Call{Operation: "T", Param: thread("2")}, ""},
		{limits.Call{Operation: "T", Param: thread("1")}, "thread"},
		{limits.Call{Operation: "UT", User: "alice", Param: thread("1")}, ""},
		{limits.Call{Operation: "UT", User: "bob", Param: thread("1")}, ""},
		{limits.Call{Operation: "UT", User: "alice", Param: thread("2")}, ""},
		{limits.Call{Operation: "UT", Param: thread("2")}, ""}, // nobody's
		{limits.Call{Operation: "UT", User: "alice", Param: thread("1")}, "both"},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":["chat"]}`)}, ""},
		{limits.Call{Operation: "B", Body: []byte(`{}`)}, ""},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":[]}`)}, "without"},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":null}`)}, "without"},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":["voip"]}`)}, "with"},
		{limits.Call{Operation: "B", Body: []byte(`{"Tokens":["voip"]}`)}, "with"},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":null,"TOKENS":["voip"]}`)}, "with"},
		{limits.Call{Operation: "B", Body: []byte(`{"tokens":[ ]}`)}, "without"},
		{limits.Call{Operation: "B"}, "without"},
		{limits.Call{Operation: "B", Body: []byte(`[`)}, "without"},
	} {
		got := l.Take(test.call)
		if (got == nil) != (test.rule == "") || got != nil && got.Rule != test.rule {
			t.Errorf("%d: %+v, want %q", i, got, test.rule)
		}
	}
	// Before the body is known a rule about bodies says nothing.
	if got := l.Look(limits.Call{Operation: "B"}); got != nil {
		t.Errorf("%+v", got)
	}
}

// TestLimiter_Random compares with a list of all that passed.
func TestLimiter_Random(t *testing.T) {
	testkit.Repeat(t, 20, 500, func(seed uint64) error {
		random := rand.New(rand.NewPCG(seed, 1))
		c := newClock()
		window := limits.Window{Requests: 1 + random.IntN(8), Per: time.Duration(1+random.IntN(1000)) * time.Millisecond}
		l := limits.New([]limits.Rule{{Operations: []string{"A"}, Allow: []limits.Window{window}}}, c.now)
		var passed []time.Time
		for range 500 {
			c.at = c.at.Add(time.Duration(random.IntN(200)) * time.Millisecond)
			inside := 0
			for _, p := range passed {
				if c.at.Sub(p) < window.Per {
					inside++
				}
			}
			got := l.Take(limits.Call{Operation: "A"})
			if (got == nil) != (inside < window.Requests) {
				return fmt.Errorf("%d of %d within %v: %+v", inside, window.Requests, window.Per, got)
			}
			if got == nil {
				passed = append(passed, c.at)
				continue
			}
			// It is let in exactly when it was told.
			now := c.at
			c.at = now.Add(got.Wait - 1)
			early := l.Look(limits.Call{Operation: "A"})
			c.at = now.Add(got.Wait)
			if late := l.Look(limits.Call{Operation: "A"}); early == nil || late != nil {
				return fmt.Errorf("after %v: before %+v, then %+v", got.Wait, early, late)
			}
			c.at = now
		}
		return nil
	})
}

func TestLimiter_ManyKeysAndGoroutines(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := limits.New([]limits.Rule{{Operations: []string{"A"}, Scope: limits.ScopeUser, Allow: []limits.Window{{Requests: 5, Per: time.Hour}}}}, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for i := range 8 {
		wg.Go(func() {
			for n := range 3000 {
				user := "shared"
				if n%2 == 0 {
					user = strings.Repeat("u", i+1) + string(rune('a'+n%26)) + string(rune('a'+n/26%26)) + string(rune('a'+n/676))
				}
				if l.Take(limits.Call{Operation: "A", User: user}) == nil && user == "shared" {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if passed != 5 {
		t.Errorf("%d passed", passed)
	}
	var none *limits.Limiter
	if none.Take(limits.Call{Operation: "A"}) != nil || none.Look(limits.Call{}) != nil || limits.New(nil, nil) != nil {
		t.Error("no limiter refuses")
	}
}

func TestLoad(t *testing.T) {
	for _, off := range []string{"", "off"} {
		if l, err := limits.Load(off, nil); err != nil || l != nil {
			t.Errorf("%q: %v, %v", off, l, err)
		}
	}
	if l, err := limits.Load("acs", nil); err != nil || l == nil {
		t.Errorf("%v, %v", l, err)
	}
	path := filepath.Join(t.TempDir(), "limits.yaml")
	if _, err := limits.Load(path, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("limits: [{operations: [X], allow: [{requests: 1, per: 1s}]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := limits.Load(path, nil); !errors.Is(err, limits.ErrRules) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	rules, err := limits.Parse([]byte(`
limits:
  - name: tokens
    operations: [CommunicationIdentity_IssueAccessToken]
    allow:
      - {requests: 10, per: 1m30s}
  - operations: [CommunicationIdentity_Create]
    scope: "{id}"
    with: createTokenWithScopes
    allow: [{requests: 1, per: 1s}, {requests: 5, per: 1h}]
  - operations: [CommunicationIdentity_Create]
    scope: user
    allow: [{requests: 1, per: 1s}]
  - operations: [ChatThread_SendChatMessage]
    scope: user {chatThreadId}
    allow: [{requests: 1, per: 1s}]
`))
	if err != nil || len(rules) != 4 || rules[3].Scope != limits.ScopeUserValue || rules[3].Parameter != "chatThreadId" || rules[0].Name != "tokens" || rules[0].Allow[0] != (limits.Window{Requests: 10, Per: 90 * time.Second}) ||
		rules[1].Name == "" || rules[1].Scope != limits.ScopeValue || rules[1].Parameter != "id" || rules[1].With != "createTokenWithScopes" ||
		len(rules[1].Allow) != 2 || rules[2].Scope != limits.ScopeUser {
		t.Errorf("%+v, %v", rules, err)
	}
	if rules, err := limits.Parse(nil); err != nil || len(rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
	const operation = "operations: [CommunicationIdentity_Create]"
	for _, bad := range []string{
		"x: 1", "limits: 1", "limits: [{}]", "limits: [{" + operation + "}]", "limits: [{" + operation + ", allow: [{requests: 0, per: 1s}]}]",
		"limits: [{" + operation + ", allow: [{requests: 1, per: 0s}]}]", "limits: [{" + operation + ", allow: [{requests: 1, per: x}]}]",
		"limits: [{" + operation + ", allow: [{requests: 9999999, per: 1s}]}]", "limits: [{" + operation + ", scope: world, allow: [{requests: 1, per: 1s}]}]",
		"limits: [{" + operation + ", scope: 'user {}', allow: [{requests: 1, per: 1s}]}]", "limits: [{" + operation + ", scope: '{}', allow: [{requests: 1, per: 1s}]}]", "limits: [{allow: [{requests: 1, per: 1s}]}]",
		"limits: [{" + operation + ", color: red, allow: [{requests: 1, per: 1s}]}]", strings.Repeat("#", 1<<21), "\t",
	} {
		if _, err := limits.Parse([]byte(bad)); !errors.Is(err, limits.ErrRules) {
			t.Errorf("%.80q: %v", bad, err)
		}
	}
}

func TestACS_NamesOperationsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, area := range acswire.Areas() {
		for _, o := range acswire.Operations(area) {
			known[o.ID] = true
		}
	}
	for _, rule := range limits.ACS() {
		if rule.Name == "" || len(rule.Allow) == 0 {
			t.Errorf("%+v", rule)
		}
		for _, o := range rule.Operations {
			if !known[o] {
				t.Errorf("%s: there is no operation %s", rule.Name, o)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := limits.Parse(data)
		if err != nil {
			if !errors.Is(err, limits.ErrRules) {
				t.Errorf("%v", err)
			}
			return
		}
		l := limits.New(rules, nil)
		for _, r := range rules {
			for _, o := range r.Operations {
				_ = l.Take(limits.Call{Operation: o, User: "a", Param: func(string) string { return "b" }, Body: data})
			}
		}
	})
}
