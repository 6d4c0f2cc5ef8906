package limits

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// Scope says what the requests are counted for.
type Scope uint8

// Scopes.
const (
	// ScopeResource counts all requests for a resource together.
	ScopeResource Scope = iota
	// ScopeUser counts those of each user of it.
	ScopeUser
	// ScopeValue counts those for each value of a parameter of the path.
	ScopeValue
	// ScopeUserValue counts those of each user for each value.
	ScopeUserValue
)

// Window allows a number of requests in a stretch of time.
type Window struct {
	Requests int
	Per      time.Duration
}

// Rule limits operations, which it counts together.
type Rule struct {
	// Name is for the message of a refusal.
	Name string
	// Operations are the IDs of acswire's operations.
	Operations []string
	Scope      Scope
	// Parameter names the value of the path for ScopeValue and ScopeUserValue.
	Parameter string
	// With and Without name a member of the body: only requests that have it,
	// or do not have it, are counted. Empty counts all. The case of the name
	// does not matter.
	With, Without string
	// Allow are the windows, which must all have room.
	Allow []Window
}

// Call is a request as the rules see it.
type Call struct {
	Operation  string
	ResourceID guid.GUID
	// User is the user's raw id; empty when no user asks.
	User string
	// Param returns a value of the path.
	Param func(name string) string
	// Body is the body; nil while it is not known.
	Body []byte
}

// Refusal says why a request has to wait; nil when it has not.
type Refusal struct {
	Rule string
	Wait time.Duration
}

// Message tells the sender about it.
func (r *Refusal) Message() string {
	return "Too many requests (" + r.Rule + "). Try again in " + strconv.Itoa(r.Seconds()) + " seconds."
}

// Seconds is the wait in whole seconds, at least one.
func (r *Refusal) Seconds() int { return max(1, int(math.Ceil(r.Wait.Seconds()))) }

// Limiter counts. Its methods may be called from any goroutine; a nil Limiter
// lets everything pass.
type Limiter struct {
	rules []Rule
	of    map[string][]int // operation to rules
	now   func() time.Time

	mu      sync.Mutex
	buckets map[bucketKey]*bucket
	sweepAt int
}

type bucketKey struct {
	rule     int
	resource guid.GUID
	value    string
}

// bucket has the times of the last requests of one key, for each window those
// that fit into it. Windows may share their times only if the longest also
// allows the most, so each has its own.
type bucket struct{ rings []ring }

// ring holds the times of the last requests, as many as the window allows.
type ring struct {
	times []int64
	next  int // the oldest, once the ring is full
}

// sweepFrom is how many buckets are worth looking through.
const sweepFrom = 1024

// New returns a limiter of rules; nil for none. now is the clock; nil is
// time.Now.
func New(rules []Rule, now func() time.Time) *Limiter {
	if len(rules) == 0 {
		return nil
	}
	if now == nil {
		now = time.Now
	}
	l := &Limiter{rules: rules, of: map[string][]int{}, now: now, buckets: map[bucketKey]*bucket{}, sweepAt: sweepFrom}
	for i, r := range rules {
		for _, o := range r.Operations {
			l.of[o] = append(l.of[o], i)
		}
	}
	return l
}

// Look tells whether a request would be refused, as far as that can be told
// before its sender and its body are known. It counts nothing.
func (l *Limiter) Look(c Call) *Refusal { return l.check(c, false) }

// Take counts a request, or refuses it: then it is not counted.
func (l *Limiter) Take(c Call) *Refusal { return l.check(c, true) }

func (l *Limiter) check(c Call, take bool) *Refusal {
	if l == nil || len(l.of[c.Operation]) == 0 {
		return nil
	}
	// The keys are made outside the lock: a body may be large.
	keys := make([]bucketKey, 0, 4)
	for _, i := range l.of[c.Operation] {
		if value, counts := l.rules[i].value(c, take); counts {
			keys = append(keys, bucketKey{rule: i, resource: c.ResourceID, value: value})
		}
	}
	now := l.now().UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		if b := l.buckets[key]; b != nil {
			if wait := b.wait(l.rules[key.rule].Allow, now); wait > 0 {
				return &Refusal{Rule: l.rules[key.rule].Name, Wait: wait}
			}
		}
	}
	if !take {
		return nil
	}
	for _, key := range keys {
		b := l.buckets[key]
		if b == nil {
			l.sweep(now)
			b = &bucket{rings: make([]ring, len(l.rules[key.rule].Allow))}
			l.buckets[key] = b
		}
		b.add(l.rules[key.rule].Allow, now)
	}
	return nil
}

// value returns what tells apart the requests that a rule counts, and whether
// it counts this one. Without the whole request only what is sure counts.
func (r *Rule) value(c Call, whole bool) (string, bool) {
	if r.With != "" || r.Without != "" {
		if !whole {
			return "", false
		}
		var members map[string]json.RawMessage
		// What is no object has no members; its handler will say so.
		_ = json.Unmarshal(c.Body, &members)
		if r.With != "" && !isSet(members, r.With) || r.Without != "" && isSet(members, r.Without) {
			return "", false
		}
	}
	switch r.Scope {
	case ScopeResource:
		return "", true
	case ScopeUser:
		return c.User, c.User != ""
	case ScopeValue:
		return c.Param(r.Parameter), true
	case ScopeUserValue:
		return c.User + " " + c.Param(r.Parameter), c.User != "" // a raw id has no space
	}
	return "", false
}

// isSet tells whether a member has a value: an empty list or null is none. Its
// name is found in any case, as handlers find it.
func isSet(members map[string]json.RawMessage, name string) bool {
	for member, value := range members {
		var plain bytes.Buffer
		if !strings.EqualFold(member, name) || json.Compact(&plain, value) != nil {
			continue
		}
		if !slices.Contains([]string{"null", "[]", `""`}, plain.String()) {
			return true
		}
	}
	return false
}

// wait returns how long until every window has room.
func (b *bucket) wait(windows []Window, now int64) time.Duration {
	var longest time.Duration
	for i, w := range windows {
		r := &b.rings[i]
		if len(r.times) < w.Requests {
			continue
		}
		longest = max(longest, time.Duration(r.times[r.next]+int64(w.Per)-now))
	}
	return longest
}

func (b *bucket) add(windows []Window, now int64) {
	for i, w := range windows {
		r := &b.rings[i]
		if len(r.times) < w.Requests {
			r.times = append(r.times, now)
			continue
		}
		r.times[r.next] = now
		r.next = (r.next + 1) % len(r.times)
	}
}

// idle tells whether all requests have left all windows.
func (b *bucket) idle(windows []Window, now int64) bool {
	for i, w := range windows {
		r := &b.rings[i]
		if n := len(r.times); n > 0 && r.times[(r.next+n-1)%n]+int64(w.Per) > now {
			return false
		}
	}
	return true
}

// sweep forgets idle buckets, each time their number has doubled.
func (l *Limiter) sweep(now int64) {
	if len(l.buckets) < l.sweepAt {
		return
	}
	for key, b := range l.buckets {
		if b.idle(l.rules[key.rule].Allow, now) {
			delete(l.buckets, key)
		}
	}
	l.sweepAt = max(sweepFrom, 2*len(l.buckets))
}
