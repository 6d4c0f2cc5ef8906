package calls

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
)

const (
	// maxCalls bounds the calls of one device.
	maxCalls = 32
	// A device that lost its connection a moment ago is still rung: it may be
	// changing networks. One that is away for longer counts as not reachable.
	reachableAfterLoss = 10 * time.Second
)

// device names one device of one user.
type device struct {
	user, id string
}

func keyOf(session *signaling.Session) device {
	id := session.DeviceID()
	if session.ChatOnly() {
		id = chatOnlyPrefix + id
	}
	return device{session.Principal().UserID, id}
}

// chatOnlyPrefix tells a device's session for chat from the one for calls.
const chatOnlyPrefix = "chat\x00"

// presence is one session in the registry.
type presence struct {
	session   *signaling.Session
	opened    uint64    // counts up
	lostAt    time.Time // zero while connected
	relayedAt time.Time
}

// registry knows which sessions there are and which calls each device is in.
type registry struct {
	now func() time.Time
	// mayCall may be nil: everybody may.
	mayCall func(signaling.Principal) bool

	mu    sync.Mutex
	next  uint64
	users map[string]map[string]*presence // by user, by device
	calls map[device]map[callfsm.CallID]struct{}
	count int
	// expected are sessions that will be added in a moment.
	expected map[*signaling.Session]chan struct{}
}

func newRegistry(now func() time.Time) *registry {
	return &registry{
		now: now, users: map[string]map[string]*presence{}, calls: map[device]map[callfsm.CallID]struct{}{},
		expected: map[*signaling.Session]chan struct{}{},
	}
}

// await waits until a session was added: its agent must not be told that it is
// signed in while nobody can call it yet. A session that is replaced at this
// very moment may never be added, so there is a limit.
func (r *registry) await(session *signaling.Session) {
	r.mu.Lock()
	if r.find(session) != nil {
		r.mu.Unlock()
		return
	}
	added := r.expected[session]
	if added == nil {
		added = make(chan struct{})
		r.expected[session] = added
	}
	r.mu.Unlock()
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	select {
	case <-added:
	case <-limit.C:
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.expected, session)
	}
}

func (r *registry) add(session *signaling.Session) {
	key := keyOf(session)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	devices := r.users[key.user]
	if devices == nil {
		devices = map[string]*presence{}
		r.users[key.user] = devices
	}
	devices[key.id] = &presence{session: session, opened: r.next, relayedAt: r.now()}
	if added := r.expected[session]; added != nil {
		close(added)
		delete(r.expected, session)
	}
}

func (r *registry) remove(session *signaling.Session) {
	key := keyOf(session)
	r.mu.Lock()
	defer r.mu.Unlock()
	devices := r.users[key.user]
	if p := devices[key.id]; p == nil || p.session != session {
		return // replaced already
	}
	delete(devices, key.id)
	if len(devices) == 0 {
		delete(r.users, key.user)
	}
}

func (r *registry) find(session *signaling.Session) *presence {
	key := keyOf(session)
	if p := r.users[key.user][key.id]; p != nil && p.session == session {
		return p
	}
	return nil
}

func (r *registry) connected(session *signaling.Session, yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.find(session)
	switch {
	case p == nil:
	case yes:
		p.lostAt = time.Time{}
	default:
		p.lostAt = r.now()
	}
}

// state tells whether a session is there and has a connection.
func (r *registry) state(session *signaling.Session) (present, connected bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.find(session)
	return p != nil, p != nil && p.lostAt.IsZero()
}

func (r *registry) relayed(session *signaling.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.find(session); p != nil {
		p.relayedAt = r.now()
	}
}

// relayedBefore returns the connected sessions whose relay credentials are older.
func (r *registry) relayedBefore(due time.Time) []*signaling.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var old []*signaling.Session
	for _, devices := range r.users {
		for _, p := range devices {
			if p.relayedAt.Before(due) && p.lostAt.IsZero() {
				old = append(old, p.session)
			}
		}
	}
	return old
}

// sessions returns all sessions of a user.
func (r *registry) sessions(user string) []*signaling.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*signaling.Session
	for _, p := range r.users[user] {
		all = append(all, p.session)
	}
	return all
}

// all returns all sessions.
func (r *registry) all() []*signaling.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*signaling.Session
	for _, devices := range r.users {
		for _, p := range devices {
			all = append(all, p.session)
		}
	}
	return all
}

// reachable returns the sessions of a user that a call may ring, at most max:
// those with a connection first, the newest first, without the device not.
func (r *registry) reachable(user string, not device, limit int) []*signaling.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*presence
	since := r.now().Add(-reachableAfterLoss)
	for id, p := range r.users[user] {
		key := device{user, id}
		if key == not || p.session.ChatOnly() || len(r.calls[key]) >= maxCalls || (!p.lostAt.IsZero() && p.lostAt.Before(since)) {
			continue
		}
		if r.mayCall == nil || r.mayCall(p.session.Principal()) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *presence) int {
		if a.lostAt.IsZero() != b.lostAt.IsZero() {
			if a.lostAt.IsZero() {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.opened, a.opened)
	})
	sessions := make([]*signaling.Session, 0, limit)
	for _, p := range found[:min(len(found), limit)] {
		sessions = append(sessions, p.session)
	}
	return sessions
}

// join notes that a device is in a call. It reports false when the device is
// in too many; enforce is not set for calls that exist already.
func (r *registry) join(key device, id callfsm.CallID, enforce bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls[key]
	if enforce && len(calls) >= maxCalls {
		return false
	}
	if calls == nil {
		calls = map[callfsm.CallID]struct{}{}
		r.calls[key] = calls
	}
	calls[id] = struct{}{}
	return true
}

func (r *registry) leave(key device, id callfsm.CallID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls[key], id)
	if len(r.calls[key]) == 0 {
		delete(r.calls, key)
	}
}

func (r *registry) callsOf(key device) []callfsm.CallID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]callfsm.CallID, 0, len(r.calls[key]))
	for id := range r.calls[key] {
		ids = append(ids, id)
	}
	return ids
}

// suspended counts the sessions without a connection.
func (r *registry) suspended() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, devices := range r.users {
		for _, p := range devices {
			if !p.lostAt.IsZero() {
				n++
			}
		}
	}
	return n
}

// counted adds to the number of calls.
func (r *registry) counted(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count += n
}

func (r *registry) callCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}
