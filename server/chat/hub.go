package chat

import (
	"context"
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
	since   time.Time // when the first of users came
	checked time.Time // when Recheck looked last, and could
	streams map[string]*stream
	marks   marks
	closed  bool
	running sync.WaitGroup // under mu until closed
}

// attached is one connection.
type attached struct {
	sink Sink
	// known are the changes that threads had before the connection, of those of which
	// something from before it may be told yet; what a stream begins with is no news
	// from before the time from. Both are empty of one that gets everything.
	from  time.Time
	known map[string]int64
}

// hears tells whether an event is news to a connection; nil is so to all.
func (a *attached) hears(e *Event) bool {
	if e == nil || e.Change == 0 {
		return true
	}
	return e.Change > a.known[e.Thread] && (!e.early || !e.At.Before(a.from))
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
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attach(user, &attached{sink: sink})
}

// Join is Attach for a sink that wants nothing that the database had before. The
// error is that of the database.
func (h *Hub) Join(ctx context.Context, user string, sink Sink) (detach func(), err error) {
	from := h.service.now().Add(-2 * settled)
	recent, others, err := h.service.joined(ctx, user, from)
	if err != nil {
		return nil, err
	}
	a := &attached{sink: sink, from: from, known: recent}
	h.mu.Lock()
	defer h.mu.Unlock()
	for thread, change := range others {
		at, s := h.marks.look(thread), h.streams[thread]
		if s != nil && !s.busy {
			at = s.mark
		}
		if s != nil && s.busy || at.next != 0 && at.next <= change {
			a.known[thread] = change // some of it was lost here, or is being told
		}
	}
	return h.attach(user, a), nil
}

// attach adds a connection. The caller holds the lock.
func (h *Hub) attach(user string, a *attached) (detach func()) {
	if len(h.users) == 0 {
		// What happened while nobody was there is not to be caught up with.
		for thread := range h.streams {
			h.drop(thread)
		}
		h.marks, h.since = marks{}, h.service.now()
	}
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
	h.queue(e)
}

// queue has the stream of a thread take an event. The caller holds the lock.
func (h *Hub) queue(e *Event) {
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
	h.marks.put(id, s.mark, h.service.now())
	delete(h.streams, id)
	return true
}

// unheard returns the time from which on whatever happened in a thread that this
// node has no stream of was not told by it, and that from which on some of it may
// look as if it were older. They are by the clock as it goes now: that of a machine
// may be set after its start.
func (h *Hub) unheard() (since, from time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.service.now()
	since = now.Add(-now.Sub(h.since))
	if h.marks.lost.After(h.since) {
		// What was told just before a stream was dropped is not told again.
		since = now.Add(-now.Sub(h.marks.lost))
		return since, since
	}
	return since, since.Add(-settled)
}

// sinks returns the connections of users to which an event of a stream is news. A
// stream that was dropped tells nobody: nobody was there when that was done, and
// for those who came after that another one begins.
func (h *Hub) sinks(s *stream, users []string, e *Event) []Sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Sink
	if s.gone {
		return nil
	}
	for _, u := range users {
		for a := range h.users[u] {
			if a.hears(e) {
				list = append(list, a.sink)
			}
		}
	}
	return list
}

// all returns the connections of everybody, as sinks does.
func (h *Hub) all(s *stream) []Sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Sink
	if s.gone {
		return nil
	}
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

// marks are where streams were that were dropped, the last of them. Those that
// are forgotten were put before the time lost.
type marks struct {
	young, old   map[string]mark
	turned, lost time.Time
}

func (m *marks) put(thread string, at mark, now time.Time) {
	if len(m.young) >= maxMarks {
		m.old, m.young = m.young, nil
		m.turned, m.lost = now, m.turned
	}
	if m.young == nil {
		m.young = map[string]mark{}
	}
	m.young[thread] = at
}

// look returns the mark of a thread.
func (m *marks) look(thread string) mark {
	if at, ok := m.young[thread]; ok {
		return at
	}
	return m.old[thread]
}

// take returns the mark of a thread and forgets it.
func (m *marks) take(thread string) mark {
	at := m.look(thread)
	delete(m.young, thread)
	delete(m.old, thread)
	return at
}
