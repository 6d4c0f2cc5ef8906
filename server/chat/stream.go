package chat

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

const (
	// gapWait is how long a change that was overtaken is waited for before it
	// is read from the database.
	gapWait = 100 * time.Millisecond
	// gapLimit is the largest gap that is filled; whoever misses more lists.
	gapLimit = 200
	// settled is how long after a change nothing of it can be on its way, with what
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
		if s.gap() == 0 {
			s.since = time.Now()
		}
		s.known = e.Change
	case e.Change == 0: // typing: no turn to wait for
		s.deliver(e)
	case s.next == 0:
		s.begin(e)
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
		// It is from long before what this began with: out of its turn rather than
		// never.
		s.deliver(e)
	default: // handed out before
	}
}

// begin has a stream begin, not with what comes first but with what may still be
// on its way and was overtaken by that. The database has all of it.
func (s *stream) begin(e *Event) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	known, overtaken, err := s.hub.service.before(ctx, s.thread, e.Change, e.At.Add(-settled))
	if err != nil {
		if !store.IsNotFound(err) {
			s.hub.service.options.Logger.Warn("how a thread went on", "error", err)
		}
		known, overtaken = e.Change-1, nil
	}
	s.mark = mark{first: known + 1, next: known + 1}
	for i := range overtaken {
		s.insert(&overtaken[i])
	}
	s.insert(e)
	s.followers()
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
		s.lost(err)
		return
	}
	for _, user := range s.roster.users() {
		if !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	for _, sink := range s.hub.sinks(users, s.thread, 0) {
		sink.Missed(s.thread)
	}
}

// lost is for when the database does not say whom an event concerns: those who
// were members when something was told last, or else anybody. Of a thread that is
// gone from it nobody is told.
func (s *stream) lost(err error) {
	s.hub.service.options.Logger.Warn("members of a thread", "error", err)
	if store.IsNotFound(err) {
		return
	}
	var sinks []Sink
	if s.roster.version == 0 {
		sinks = s.hub.all()
	} else {
		sinks = s.hub.sinks(s.roster.users(), s.thread, 0)
	}
	for _, sink := range sinks {
		sink.Missed(s.thread)
	}
}

// deliver hands an event to those whom it concerns.
func (s *stream) deliver(e *Event) {
	users, blind, err := s.roster.audience(s.hub.service, e)
	if err != nil {
		s.lost(err)
		return
	}
	for _, sink := range s.hub.sinks(users, s.thread, e.Change) {
		sink.Deliver(e)
	}
	if len(blind) == 0 {
		return
	}
	hidden := &Event{Kind: EventHidden, Thread: e.Thread, Change: e.Change, Members: e.Members, At: e.At}
	for _, sink := range s.hub.sinks(blind, s.thread, e.Change) {
		sink.Deliver(hidden)
	}
}

// before returns the last change of a thread that happened before a moment, and
// what is there to tell of those between that one and a change, which are
// gapLimit at most. A change that was undone by a later one does not show.
func (s *Service) before(ctx context.Context, thread string, change int64, moment time.Time) (known int64, events []Event, err error) {
	lowest := max(0, change-1-gapLimit)
	if lowest == change-1 {
		return lowest, nil, nil
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		events = nil
		err := q.QueryRow(`SELECT COALESCE(MAX(change), $2) FROM (
			SELECT change FROM chat_messages WHERE thread_id = $1 AND change > $2 AND change < $3 AND version < $4
			UNION ALL SELECT change FROM chat_receipts WHERE thread_id = $1 AND change > $2 AND change < $3 AND read_at < $4) AS found`,
			thread, lowest, change, milliseconds(moment)).Scan(&known)
		if err != nil || known == change-1 {
			return err
		}
		found, _, _, err := changes(q, thread, known, 0, gapLimit)
		for _, e := range found {
			if e.Change < change {
				events = append(events, e)
			}
		}
		return err
	})
	return known, events, err
}

// recent returns the last changes of those of a user's threads in which something
// happened after a moment. A thread's last change is always there to be seen.
func (s *Service) recent(ctx context.Context, user string, moment time.Time) (found map[string]int64, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(`SELECT t.id, t.change FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id WHERE p.user_id = $1 AND (
			t.last_message_at >= $2 OR t.updated_at >= $2
			OR EXISTS (SELECT 1 FROM chat_messages m WHERE m.thread_id = t.id AND m.change = t.change AND m.version >= $2)
			OR EXISTS (SELECT 1 FROM chat_receipts r WHERE r.thread_id = t.id AND r.change = t.change AND r.read_at >= $2))`,
			user, milliseconds(moment))
		if err != nil {
			return err
		}
		found, err = changesByThread(rows)
		return err
	})
	return found, err
}

func changesByThread(rows *sql.Rows) (map[string]int64, error) {
	defer rows.Close()
	var found map[string]int64
	for rows.Next() {
		var id string
		var change int64
		if err := rows.Scan(&id, &change); err != nil {
			return nil, err
		}
		if found == nil {
			found = map[string]int64{}
		}
		found[id] = change
	}
	return found, rows.Err()
}

// lastChanges returns the numbers of the last changes of threads.
func (s *Service) lastChanges(ctx context.Context, threads []string) (found map[string]int64, err error) {
	places, args := make([]string, len(threads)), make([]any, len(threads))
	for i, id := range threads {
		places[i], args[i] = "$"+strconv.Itoa(i+1), id
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query("SELECT id, change FROM chat_threads WHERE id IN ("+strings.Join(places, ", ")+")", args...)
		if err != nil {
			return err
		}
		found, err = changesByThread(rows)
		return err
	})
	return found, err
}
