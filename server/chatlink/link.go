package chatlink

import (
	"slices"
	"strings"
	"sync"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// link is the part that one session takes in chat. Its lock may be held while
// that of the service is taken, not the other way round.
type link struct {
	service  *Service
	session  *signaling.Session
	user     string
	resource guid.GUID

	mu     sync.Mutex
	closed bool
	// detach is set once the agent has subscribed.
	detach func()
	// gathering are the places of a subscription that has more to come.
	gathering map[string]*place
	// places are the threads that the agent knows; nil before it subscribes.
	places map[string]*place
	// resume is what the subscription said.
	resume bool
	// greeting is set until ChatSynced was sent.
	greeting bool
	// compare is set when all threads are to be looked at.
	compare bool
	// behind are the threads whose changes are to be read, in the order in
	// which they fell behind.
	behind []task
	// following and asking are set while the goroutines run.
	following, asking bool
	requests          []*signalpb.ChatRequest
	requestBytes      int
}

// task is a thread to look at because of a change.
type task struct {
	thread string
	change int64
}

// place is where the agent stands in a thread.
type place struct {
	// told is the last change that was told.
	told int64
	// behind is set while the thread is in the list of those behind or is read;
	// wanted is the highest change seen meanwhile.
	behind bool
	wanted int64
	// unseen is set until the place was compared with the database.
	unseen bool
}

// maxKnown bounds the threads that an agent may name.
const maxKnown = 100_000

// caller is who asks, with the scopes of the token that is good now.
func (l *link) caller() *chat.Caller {
	return &chat.Caller{User: l.user, Resource: l.resource, Scopes: strings.Split(l.session.Principal().Scopes, ",")}
}

// subscribe begins to tell what happens.
func (l *link) subscribe(m *signalpb.ChatSubscribe) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if l.gathering == nil {
		l.gathering = map[string]*place{}
	}
	for _, k := range m.GetKnown() {
		if len(l.gathering) >= maxKnown || k.GetChange() > 1<<62 || !chat.ValidThreadID(k.GetThreadId()) {
			return errMalformed
		}
		l.gathering[k.GetThreadId()] = &place{told: int64(k.GetChange())} //nolint:gosec // below 1<<62
	}
	if m.GetMore() {
		return nil
	}
	l.places, l.gathering = l.gathering, nil
	l.behind = nil
	for _, p := range l.places {
		// Nothing is told about a thread before it was looked at.
		p.behind, p.unseen = true, true
	}
	l.resume, l.greeting, l.compare = m.GetResume(), true, true
	if l.detach == nil {
		// Before the threads are looked at: what happens from now on marks them.
		l.detach = l.service.chat.Hub().Attach(l.user, l)
	}
	l.wakeLocked()
	return nil
}

// Deliver takes an event from the hub.
func (l *link) Deliver(e *chat.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.places[e.Thread]
	switch {
	case l.closed || l.places == nil:
	case e.Kind == chat.EventTyping:
		if p != nil && e.Actor != l.user {
			l.eventLocked(e)
		}
	case p == nil:
		// A thread that the user came into, or has left.
		l.markLocked(e.Thread, nil, e.Change)
	case e.Change <= p.told:
	case p.behind || e.Change != p.told+1 || (e.Kind == chat.EventRead && e.Actor == l.user):
		l.markLocked(e.Thread, p, e.Change)
	case e.Kind == chat.EventHidden:
		p.told = e.Change
	default:
		l.eventLocked(e)
		p.told = e.Change
		if l.ends(e) {
			l.goneLocked(e.Thread)
		}
	}
}

// Missed has a thread read of which the hub has lost something.
func (l *link) Missed(thread string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch p := l.places[thread]; {
	case l.closed || l.places == nil:
	case p == nil: // a thread that the user may have come into
		l.markLocked(thread, nil, 1)
	default:
		l.markLocked(thread, p, p.told+1)
	}
}

// ends tells whether an event is the last that the user hears of a thread.
func (l *link) ends(e *chat.Event) bool {
	return e.Kind == chat.EventThreadDeleted || e.Kind == chat.EventParticipantsRemoved &&
		slices.ContainsFunc(e.Participants, func(p chat.Participant) bool { return p.User == l.user })
}

// markLocked puts a thread on the list of those that are behind. p is nil for a
// thread that the agent does not know.
func (l *link) markLocked(thread string, p *place, change int64) {
	if p == nil {
		for i := range l.behind {
			if l.behind[i].thread == thread {
				l.behind[i].change = max(l.behind[i].change, change)
				return
			}
		}
	} else {
		p.wanted = max(p.wanted, change)
		if p.behind {
			return
		}
		p.behind = true
	}
	l.behind = append(l.behind, task{thread, change})
	l.wakeLocked()
}

// follows tells whether the agent has subscribed.
func (l *link) follows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places != nil && !l.closed
}

// look has those threads read that are further in the database than the agent.
// The list may be a little older than what the agent was told meanwhile.
func (l *link) look(list []chat.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil || l.closed || l.compare || l.greeting {
		return
	}
	there := make(map[string]bool, len(list))
	for i := range list {
		there[list[i].Thread] = true
		if p := l.places[list[i].Thread]; p == nil || list[i].Change > p.told {
			l.markLocked(list[i].Thread, p, list[i].Change)
		}
	}
	for thread, p := range l.places {
		if !there[thread] {
			l.markLocked(thread, p, p.told+1) // reading it will tell that it is gone
		}
	}
}

// recheck looks at all threads again.
func (l *link) recheck() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil || l.closed {
		return
	}
	l.compare = true
	l.wakeLocked()
}

// wakeLocked starts the goroutine that follows the threads.
func (l *link) wakeLocked() {
	if l.following || l.closed {
		return
	}
	l.following = true
	l.service.run(l.follow)
}

// tellLocked sends something. A session that does not take it is over, or ends
// with that: its agent says in the next one up to where it knows the threads.
func (l *link) tellLocked(m *signaling.Message) {
	_ = l.session.Send(m)
}

// eventLocked sends an event that others get as well. One that cannot be encoded
// is lost for all of them.
func (l *link) eventLocked(e *chat.Event) {
	m, err := l.service.events.message(e)
	if err != nil {
		l.service.logger.Error("event of a thread", "error", err)
		return
	}
	_ = l.session.SendEncoded(m) // as tellLocked
}

// goneLocked tells that a thread is of no concern any more.
func (l *link) goneLocked(thread string) {
	delete(l.places, thread)
	l.tellLocked(threadMessage(&signalpb.ChatThread{ThreadId: thread, Gone: true}))
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	detach := l.detach
	l.places, l.gathering, l.requests, l.behind = nil, nil, nil, nil
	l.mu.Unlock()
	if detach != nil {
		detach()
	}
}
