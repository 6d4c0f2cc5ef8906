package signaling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// errLinkReplaced ends a connection whose session has a later one.
var errLinkReplaced = errors.New("signaling: replaced by a later connection")

// errSessionOver ends the connection of a session that is over.
var errSessionOver = errors.New("signaling: session over")

// Bounds on messages that were read and wait for the handler. A connection is
// not read further while they are exceeded.
const (
	maxInbound      = 256
	maxInboundBytes = 1 << 20
)

// stream is one end of a session: both directions' messages and what they
// need to outlive connections. At most one link works on it at a time.
type stream struct {
	limit    int
	counters *counters
	// apply hands a message to the application, on the events' goroutine.
	apply func(*Message) error
	// failed is told once, without locks, when a message could not be applied.
	failed func(error)
	events *serial

	mu      sync.Mutex
	out     wire.Outbox
	in      wire.Inbox
	refsOut wire.Refs
	refsIn  wire.Refs
	link    *link
	// over is set when nothing more is sent or applied.
	over bool
	// waiting and waitingBytes count what was read and not yet applied.
	waiting, waitingBytes int
	// watching counts those who wait for the outbox to become smaller.
	watching int
	// changed is closed and replaced when waiting falls, the outbox empties or
	// the session is over.
	changed chan struct{}
}

func newStream(limit int, events *serial, c *counters, apply func(*Message) error, failed func(error)) *stream {
	return &stream{
		limit: limit, counters: c, apply: apply, failed: failed, events: events,
		out: wire.NewOutbox(), changed: make(chan struct{}),
	}
}

// send queues a message.
func (s *stream) send(m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return ErrClosed
	}
	data, err := s.refsOut.Encode(m)
	switch {
	case err != nil:
		return err
	case len(data) > MaxMessage:
		return ErrTooLarge
	}
	if err := s.queueLocked(data); err != nil {
		return err
	}
	s.refsOut.Sent(m)
	return nil
}

// sendEncoded queues a message that is encoded and of no call.
func (s *stream) sendEncoded(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return ErrClosed
	}
	return s.queueLocked(data)
}

// queueLocked puts a message into the outbox, which does not change it.
func (s *stream) queueLocked(data []byte) error {
	if s.out.Size()+len(data) > s.limit {
		return ErrQueueFull
	}
	s.out.Add(data)
	s.counters.messagesSent.Add(1)
	s.wakeLocked()
	return nil
}

// attach makes l the link of the session. The far end has said that it has
// applied all up to theirs; it was told ours, nil for "what attach returns".
// The link before, if any, must end.
func (s *stream) attach(l *link, theirs uint64, ours *uint64) (before *link, own uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, 0, ErrClosed
	}
	if s.link != nil && l.attempt < s.link.attempt {
		return nil, 0, errLinkReplaced
	}
	if err := s.out.Ack(theirs); err != nil {
		return nil, 0, err
	}
	before = s.link
	s.link = l
	l.cursor, l.acked = s.out.First(), s.in.Applied
	if ours != nil && *ours < s.in.Applied {
		l.acked = *ours
		l.ackDueLocked(time.Now())
	}
	s.announceLocked()
	return before, s.in.Applied, nil
}

// uses tells whether l is the link of the session.
func (s *stream) uses(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link == l
}

// applied is the number of the last message whose handler has returned.
func (s *stream) applied() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.Applied
}

// detach tells whether l was the link of the session; it is not any more.
func (s *stream) detach(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return false
	}
	s.link = nil
	return true
}

// end makes the session over. Messages that wait for the handler are dropped
// when drop is set. It returns the link in use and how many messages the far
// end had not confirmed.
func (s *stream) end(drop bool) (l *link, unconfirmed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if drop {
		s.apply = nil
	}
	s.announceLocked()
	return s.link, s.out.Len()
}

// received takes in the messages of a frame that l has read.
func (s *stream) received(l *link, seq uint64, messages []*signalpb.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.link != l:
		return errLinkReplaced
	case s.over && l.goodbye != nil:
		return nil // what comes while the goodbye is on its way is not for us
	case s.over:
		return errSessionOver
	}
	repeated, err := s.in.Take(seq, len(messages))
	if err != nil {
		return err
	}
	if repeated > 0 {
		// The far end has not got the ack for these: say it again.
		l.acked = 0
		l.ackDueLocked(time.Now())
	}
	for _, m := range messages[repeated:] {
		size := m.Size()
		if err := s.refsIn.Decode(m); err != nil {
			return err
		}
		s.waiting++
		s.waitingBytes += size
		s.counters.messagesReceived.Add(1)
		s.events.push(func() { s.applyOne(m, size) })
	}
	return nil
}

// applyOne runs on the events' goroutine.
func (s *stream) applyOne(m *Message, size int) {
	s.mu.Lock()
	apply := s.apply
	s.mu.Unlock()
	if apply == nil {
		return
	}
	err := apply(m)
	s.mu.Lock()
	s.waiting--
	s.waitingBytes -= size
	if err == nil {
		s.in.Applied++
		if s.link != nil {
			s.link.ackDueLocked(time.Now())
		}
	} else {
		s.apply = nil // nothing after a message that could not be applied
	}
	s.announceLocked()
	s.mu.Unlock()
	if err != nil {
		s.failed(fmt.Errorf("signaling: apply message: %w", err))
	}
}

// room waits until the handler has caught up enough to read on.
func (s *stream) room(ctx context.Context) error {
	return s.until(ctx, func() bool {
		return s.over || s.waiting < maxInbound && s.waitingBytes < maxInboundBytes
	})
}

// drained waits until the far end has applied everything, or the session is over.
func (s *stream) drained(ctx context.Context) error {
	return s.until(ctx, func() bool { return s.over || s.out.Len() == 0 })
}

// below waits until the outbox holds at most so many bytes, or the session is
// over.
func (s *stream) below(ctx context.Context, size int) error {
	s.mu.Lock()
	if s.over || s.out.Size() <= size {
		s.mu.Unlock()
		return nil
	}
	s.watching++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watching--
	}()
	return s.until(ctx, func() bool { return s.over || s.out.Size() <= size })
}

func (s *stream) until(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// acknowledged notes an ack that l has read.
func (s *stream) acknowledged(l *link, n uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return errLinkReplaced
	}
	if err := s.out.Ack(n); err != nil {
		return err
	}
	l.cursor = max(l.cursor, s.out.First())
	if s.out.Len() == 0 || s.watching > 0 {
		s.announceLocked()
	}
	return nil
}

func (s *stream) announceLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) wakeLocked() {
	if s.link != nil {
		s.link.wakeLocked()
	}
}
