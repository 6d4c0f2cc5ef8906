package chat

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Sink takes the events of one user's connection. Deliver is called in the
// order of a thread's changes, from one goroutine for each thread; it must not
// block and must not change the event. One of EventHidden says that a change was
// of no concern to the user, so that whoever counts them misses none.
type Sink interface {
	Deliver(e *Event)
}

// Hub hands events to the connections of this node.
type Hub struct {
	service      *Service
	subscription Subscription

	mu      sync.Mutex
	users   map[string]map[*attached]struct{}
	streams map[string]*stream
	closed  bool
	running sync.WaitGroup // under mu until closed
}

// attached is one connection.
type attached struct{ sink Sink }

const (
	// gapWait is how long a change that was overtaken is waited for before it
	// is read from the database.
	gapWait = 100 * time.Millisecond
	// gapLimit is the largest gap that is filled; whoever misses more lists.
	gapLimit = 200
	// maxStreams is how many quiet threads are remembered.
	maxStreams  = 4096
	readTimeout = 10 * time.Second
)

func newHub(s *Service) (*Hub, error) {
	h := &Hub{service: s, users: map[string]map[*attached]struct{}{}, streams: map[string]*stream{}}
	var err error
	h.subscription, err = s.options.Bus.Subscribe(subject, func(_ string, data []byte) { h.receive(data) })
	return h, err
}

// close ends the subscription and waits for what runs.
func (h *Hub) close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	err := h.subscription.Close()
	h.running.Wait()
	return err
}

// Attach hands the events of a user to a sink until detach is called, which
// may be done more than once. An event that is on its way may still arrive
// after that.
func (h *Hub) Attach(user string, sink Sink) (detach func()) {
	a := &attached{sink}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[user] == nil {
		h.users[user] = map[*attached]struct{}{}
	}
	h.users[user][a] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.users[user], a)
		if len(h.users[user]) == 0 {
			delete(h.users, user)
		}
	}
}

// Present returns those of the users who have a connection to this node.
func (h *Hub) Present(users []string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []string
	for _, u := range users {
		if len(h.users[u]) > 0 {
			found = append(found, u)
		}
	}
	return found
}

// publish tells all nodes. A failure loses nothing: receivers see the gap. The
// event must not be changed any more.
func (h *Hub) publish(e *Event) {
	if e == nil {
		return
	}
	defer h.service.committed(e) // after those who wait for it
	if h.service.options.Alone {
		h.accept(e)
		return
	}
	data, err := e.marshal()
	if err == nil {
		err = h.service.options.Bus.Publish(subject, data)
	}
	if err != nil {
		h.service.options.Logger.Warn("chat event not published", "error", err)
	}
}

// receive takes an event from the bus.
func (h *Hub) receive(data []byte) {
	e, err := unmarshalEvent(data)
	if err != nil {
		h.service.options.Logger.Error("chat event", "error", err)
		return
	}
	h.accept(e)
}

// accept puts an event into the queue of its thread.
func (h *Hub) accept(e *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.users) == 0 {
		// Nobody listens. A stream that went on without this event would see a
		// gap that nobody needs to have filled.
		delete(h.streams, e.Thread)
		return
	}
	s := h.streams[e.Thread]
	if s == nil {
		h.forget()
		s = &stream{hub: h, thread: e.Thread}
		h.streams[e.Thread] = s
	}
	s.queue = append(s.queue, e)
	h.wake(s)
}

// wake runs a stream unless it runs. The caller holds the lock.
func (h *Hub) wake(s *stream) {
	if s.busy || h.closed {
		return
	}
	s.busy = true
	h.running.Go(s.run)
}

// forget drops a quiet stream when there are many. The caller holds the lock.
func (h *Hub) forget() {
	if len(h.streams) < maxStreams {
		return
	}
	for id, s := range h.streams {
		if !s.busy && s.timer == nil {
			delete(h.streams, id)
			return
		}
	}
}

// sinks returns the connections of users.
func (h *Hub) sinks(users []string) []Sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Sink
	for _, u := range users {
		for a := range h.users[u] {
			list = append(list, a.sink)
		}
	}
	return list
}

// stream puts the events of one thread in order and hands them out. queue,
// busy and timer belong to the hub's lock; the rest to the goroutine that runs.
type stream struct {
	hub    *Hub
	thread string
	queue  []*Event
	busy   bool
	timer  *time.Timer

	next    int64 // the change to hand out next; 0 before the first
	waiting []*Event
	since   time.Time // when waiting began
	roster  roster
}

// run hands out what is queued.
func (s *stream) run() {
	for {
		s.hub.mu.Lock()
		queue := s.queue
		s.queue = nil
		if len(queue) == 0 && !s.overdue() {
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
	if len(s.waiting) == 0 || s.hub.closed {
		return
	}
	s.timer = time.AfterFunc(gapWait-time.Since(s.since), func() {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		s.timer = nil
		s.hub.wake(s)
	})
}

func (s *stream) overdue() bool { return len(s.waiting) > 0 && time.Since(s.since) >= gapWait }

// take hands out an event when it is its turn.
func (s *stream) take(e *Event) {
	switch {
	case e.Change == 0: // typing: no turn to wait for
		s.deliver(e)
	case s.next == 0 || e.Change == s.next:
		s.deliver(e)
		s.next = e.Change + 1
		s.followers()
	case e.Change > s.next:
		if len(s.waiting) == 0 {
			s.since = time.Now()
		}
		s.insert(e)
	default: // handed out before
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
	upTo := s.waiting[0].Change
	missing, err := s.hub.service.between(ctx, s.thread, s.next-1, upTo)
	if err != nil && !errors.Is(err, ErrClosed) {
		s.hub.service.options.Logger.Warn("chat events lost", "error", err)
	}
	for i := range missing {
		s.deliver(&missing[i])
	}
	s.next = upTo
	s.followers()
}

// deliver hands an event to those whom it concerns.
func (s *stream) deliver(e *Event) {
	users, blind, err := s.roster.audience(s.hub.service, e)
	if err != nil {
		s.hub.service.options.Logger.Warn("members of a thread", "error", err)
		return
	}
	for _, sink := range s.hub.sinks(users) {
		sink.Deliver(e)
	}
	if len(blind) == 0 {
		return
	}
	hidden := &Event{Kind: EventHidden, Thread: e.Thread, Change: e.Change, Members: e.Members, At: e.At}
	for _, sink := range s.hub.sinks(blind) {
		sink.Deliver(hidden)
	}
}
