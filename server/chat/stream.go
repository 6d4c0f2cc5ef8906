package chat

import (
	"context"
	"slices"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

const (
	// gapWait is how long a change that was overtaken is waited for before it
	// is read from the database.
	gapWait = 100 * time.Millisecond
	// gapLimit is the largest gap that is filled; whoever misses more lists.
	gapLimit = 200
	// settled is how long after a change something of it may be on its way, with what
	// the clocks of two nodes may differ by.
	settled     = 10 * time.Second
	readTimeout = 10 * time.Second
)

// stream puts the events of one thread in order and hands them out. queue,
// busy, gone and timer belong to the hub's lock; the rest to the goroutine that
// runs.
type stream struct {
	hub    *Hub
	thread string
	queue  []*Event
	busy   bool
	gone   bool // the hub has forgotten it
	timer  *time.Timer

	mark
	waiting []*Event
	known   int64     // the last change that the database was seen to have
	since   time.Time // when waiting began
	roster  roster
}

// run hands out what is queued.
func (s *stream) run() {
	for {
		s.hub.mu.Lock()
		queue := s.queue
		s.queue = nil
		if s.gone || len(queue) == 0 && !s.overdue() {
			s.busy = false
			s.await()
			s.hub.mu.Unlock()
			return
		}
		s.hub.mu.Unlock()
		for _, e := range queue {
			s.take(e)
		}
		if s.overdue() {
			s.fill()
		}
	}
}

// await sets the timer when something waits for what was overtaken. The caller
// holds the hub's lock.
func (s *stream) await() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if s.gap() == 0 || s.gone || s.hub.closed {
		return
	}
	s.timer = time.AfterFunc(s.hub.gapWait-time.Since(s.since), func() {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		s.timer = nil
		s.hub.wake(s)
	})
}

// gap returns the change before which something is missing; 0 when nothing is.
func (s *stream) gap() int64 {
	switch {
	case len(s.waiting) > 0:
		return s.waiting[0].Change
	case s.next != 0 && s.known >= s.next:
		return s.known + 1
	}
	return 0
}

func (s *stream) overdue() bool { return s.gap() != 0 && time.Since(s.since) >= s.hub.gapWait }

// take hands out an event when it is its turn.
func (s *stream) take(e *Event) {
	switch {
	case e.Kind == EventHidden: // by Recheck
		if s.next == 0 {
			s.begin(e.Change + 1)
			s.followers()
		}
		if s.gap() == 0 {
			s.since = time.Now()
		}
		s.known = e.Change
	case e.Change == 0: // typing: no turn to wait for
		s.deliver(e)
	case s.next == 0:
		s.begin(e.Change)
		s.insert(e)
		s.followers()
	case e.Change == s.next:
		s.deliver(e)
		s.next = e.Change + 1
		s.followers()
	case e.Change > s.next:
		if s.gap() == 0 {
			s.since = time.Now()
		}
		s.insert(e)
	case e.Change < s.first:
		// It looked as if it were from long before what this began with. Nobody is
		// told of it out of its turn.
		s.missed()
	default: // handed out before
	}
}

// begin has a stream begin before a change that came first: with what is still on
// its way and was overtaken by that, or is lost. The database has all of it.
func (s *stream) begin(change int64) {
	since, from := s.hub.unheard()
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	known, overtaken, more, err := s.hub.service.before(ctx, s.thread, change, from)
	switch {
	case err != nil:
		known, overtaken = change-1, nil
		if !store.IsNotFound(err) {
			s.hub.service.options.Logger.Warn("how a thread went on", "error", err)
			s.missed()
		}
	case more && len(overtaken) > 0 && overtaken[0].At.After(since):
		s.missed() // what was before it may be lost too
	}
	s.mark = mark{first: known + 1, next: known + 1}
	for i := range overtaken {
		overtaken[i].early = true
		s.insert(&overtaken[i])
	}
}

// insert keeps the waiting events in order, each once.
func (s *stream) insert(e *Event) {
	i := len(s.waiting)
	for i > 0 && s.waiting[i-1].Change > e.Change {
		i--
	}
	if i > 0 && s.waiting[i-1].Change == e.Change {
		return
	}
	s.waiting = append(s.waiting, nil)
	copy(s.waiting[i+1:], s.waiting[i:])
	s.waiting[i] = e
}

// followers hands out what waited for its turn.
func (s *stream) followers() {
	for len(s.waiting) > 0 && s.waiting[0].Change <= s.next {
		e := s.waiting[0]
		s.waiting = s.waiting[1:]
		if e.Change == s.next {
			s.deliver(e)
			s.next++
		}
	}
	s.since = time.Now()
}

// fill reads what never came from the database and goes on.
func (s *stream) fill() {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	upTo := s.gap()
	missing, more, err := s.hub.service.between(ctx, s.thread, s.next-1, upTo)
	switch {
	case err != nil && !store.IsNotFound(err):
		s.hub.service.options.Logger.Warn("chat events lost", "error", err)
		s.missed()
	case more:
		s.missed()
	default:
		for i := range missing {
			s.deliver(&missing[i])
		}
	}
	s.next = upTo
	s.followers()
}

// missed tells the members, and those who were members when something was told
// last, that events are lost.
func (s *stream) missed() {
	users := s.roster.users()
	if err := s.roster.load(s.hub.service, s.thread); err != nil {
		s.lost(err, nil)
		return
	}
	for _, user := range s.roster.users() {
		if !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	for _, sink := range s.hub.sinks(s, users, nil) {
		sink.Missed(s.thread)
	}
}

// lost is for when the database does not say whom an event concerns: those who
// were members when something was told last, and who come with the event, or else
// anybody. Of a thread that is gone from it nobody is told.
func (s *stream) lost(err error, came []Participant) {
	s.hub.service.options.Logger.Warn("members of a thread", "error", err)
	if store.IsNotFound(err) {
		return
	}
	var sinks []Sink
	if s.roster.version == 0 {
		sinks = s.hub.all(s)
	} else {
		users := s.roster.users()
		for _, p := range came {
			users = append(users, p.User)
		}
		sinks = s.hub.sinks(s, users, nil)
	}
	for _, sink := range sinks {
		sink.Missed(s.thread)
	}
}

// deliver hands an event to those whom it concerns.
func (s *stream) deliver(e *Event) {
	users, blind, err := s.roster.audience(s.hub.service, e)
	if err != nil {
		s.lost(err, e.Participants)
		return
	}
	for _, sink := range s.hub.sinks(s, users, e) {
		sink.Deliver(e)
	}
	if len(blind) == 0 {
		return
	}
	hidden := &Event{Kind: EventHidden, Thread: e.Thread, Change: e.Change, Members: e.Members, At: e.At}
	for _, sink := range s.hub.sinks(s, blind, e) {
		sink.Deliver(hidden)
	}
}
