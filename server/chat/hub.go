package chat

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Sink takes the events of one user's connection. Deliver is called in the
// order of a thread's changes, from one goroutine for each thread; it must not
// block and must not change the event. One of EventHidden says that a change was
// of no concern to the user, so that whoever counts them misses none.
type Sink interface {
	Deliver(e *Event)
	// Missed says that events of a thread that may concern the user are lost for
	// good: what is known of it is to be read anew. It must not block.
	Missed(thread string)
}

// Hub hands events to the connections of this node.
type Hub struct {
	service      *Service
	subscription Subscription
	gapWait      time.Duration

	mu      sync.Mutex
	users   map[string]map[*attached]struct{}
	streams map[string]*stream
	marks   marks
	closed  bool
	running sync.WaitGroup // under mu until closed
}

// attached is one connection.
type attached struct {
	sink Sink
	// known are the changes that threads had before the connection, of those that
	// may still be told by somebody; nil when there are none.
	known map[string]int64
}

const (
	// maxStreams is how many quiet threads are remembered with their members,
	// maxMarks of how many more the number is, once or twice.
	maxStreams = 4096
	maxMarks   = 1 << 15
)

func newHub(s *Service) (*Hub, error) {
	h := &Hub{service: s, gapWait: gapWait, users: map[string]map[*attached]struct{}{}, streams: map[string]*stream{}}
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
// after that. What happened up to some seconds before may be told too.
func (h *Hub) Attach(user string, sink Sink) (detach func()) {
	return h.attach(user, &attached{sink: sink})
}

// Join is Attach for a sink that wants nothing that the database had before. The
// error is that of the database.
func (h *Hub) Join(ctx context.Context, user string, sink Sink) (detach func(), err error) {
	known, err := h.service.recent(ctx, user, h.service.now().Add(-2*settled))
	if err != nil {
		return nil, err
	}
	return h.attach(user, &attached{sink: sink, known: known}), nil
}

func (h *Hub) attach(user string, a *attached) (detach func()) {
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
	if e.Kind != EventHidden { // which no node sends
		h.accept(e)
	}
}

// accept puts an event into the queue of its thread.
func (h *Hub) accept(e *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.users) == 0 {
		// Nobody listens. A stream that went on without this event would see a
		// gap that nobody needs to have filled.
		h.drop(e.Thread)
		return
	}
	s := h.streams[e.Thread]
	if s == nil {
		h.forget()
		s = &stream{hub: h, thread: e.Thread, mark: h.marks.take(e.Thread)}
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

// drop forgets all of a thread. The caller holds the lock.
func (h *Hub) drop(thread string) {
	h.marks.take(thread)
	if s := h.streams[thread]; s != nil {
		s.gone, s.queue = true, nil
		delete(h.streams, thread)
	}
}

// forget drops a quiet stream when there are many; where it was is remembered
// longer. The caller holds the lock.
func (h *Hub) forget() {
	if len(h.streams) < maxStreams {
		return
	}
	for id, s := range h.streams {
		if h.dismiss(id, s) {
			return
		}
	}
}

// dismiss drops a stream if it is quiet. The caller holds the lock.
func (h *Hub) dismiss(id string, s *stream) bool {
	if s.busy || s.timer != nil {
		return false
	}
	h.marks.put(id, s.mark)
	delete(h.streams, id)
	return true
}

// Recheck compares the threads of which this node has told something with the
// database, and tells what the bus has lost of them after that. A node calls it
// when something may be lost that nothing followed.
func (h *Hub) Recheck(ctx context.Context) error {
	h.mu.Lock()
	var quiet []string
	for id, s := range h.streams {
		if !s.busy && s.timer == nil && s.next != 0 {
			quiet = append(quiet, id)
		}
	}
	if len(h.users) == 0 {
		quiet = nil
	}
	h.mu.Unlock()
	for part := range slices.Chunk(quiet, maxUsers) {
		found, err := h.service.lastChanges(ctx, part)
		if err != nil {
			return err
		}
		h.compare(found)
	}
	return nil
}

// compare has streams go on up to changes that the database knows.
func (h *Hub) compare(found map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, change := range found {
		s := h.streams[id]
		if s == nil || s.busy || s.timer != nil || change < s.next {
			continue // it has gone on meanwhile, or there is nothing
		}
		s.queue = append(s.queue, &Event{Kind: EventHidden, Thread: id, Change: change})
		h.wake(s)
	}
}

// sinks returns the connections of users to which a change of a thread is news; 0
// is so to all.
func (h *Hub) sinks(users []string, thread string, change int64) []Sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Sink
	for _, u := range users {
		for a := range h.users[u] {
			if change == 0 || change > a.known[thread] {
				list = append(list, a.sink)
			}
		}
	}
	return list
}

// all returns the connections of everybody.
func (h *Hub) all() []Sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Sink
	for _, attached := range h.users {
		for a := range attached {
			list = append(list, a.sink)
		}
	}
	return list
}

// mark is where a stream is: it began with the change first, and hands out next
// as the next one. Both are 0 before the first.
type mark struct{ first, next int64 }

// marks are where streams were that were dropped, the last of them.
type marks struct{ young, old map[string]mark }

func (m *marks) put(thread string, at mark) {
	if len(m.young) >= maxMarks {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = map[string]mark{}
	}
	m.young[thread] = at
}

// take returns the mark of a thread and forgets it.
func (m *marks) take(thread string) mark {
	at, ok := m.young[thread]
	if !ok {
		at = m.old[thread]
	}
	delete(m.young, thread)
	delete(m.old, thread)
	return at
}
