package signaling

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Session is the service's end of one agent's session. Its methods may be
// called from any goroutine, handlers included.
type Session struct {
	acceptor *Acceptor
	id       []byte
	key      deviceKey
	instance []byte
	// attempt and arrival are guarded by the acceptor's lock.
	attempt   uint32
	arrival   uint64 // of the last connection
	userAgent string
	name      string
	stream    *stream
	counters  counters
	events    serial

	mu        sync.Mutex
	principal Principal
	link      *link // nil while suspended
	// expiry ends a suspended session, or the connection whose token ends.
	expiry *time.Timer
	// suspended is set while Suspended was told and Resumed was not.
	suspended bool
	ended     bool
	// goodbye is what ended the session; nil when the agent was gone.
	goodbye *GoodbyeError
	// closed is closed when Closed has returned.
	closed chan struct{}
}

// newSession makes the session of a first hello; before is the one it replaces.
func newSession(a *Acceptor, c *candidate, before *Session) *Session {
	s := &Session{
		acceptor: a, id: make([]byte, 16), key: c.key(), instance: bytes.Clone(c.instance),
		attempt: c.attempt, arrival: c.arrival, userAgent: c.userAgent, name: c.name,
		principal: c.principal, closed: make(chan struct{}),
	}
	s.events.workers = a.workers
	_, _ = crand.Read(s.id) // never fails since Go 1.24
	s.stream = newStream(a.options.Limits.QueuedBytes, &s.events, &s.counters, s.apply, s.applyFailed)
	s.events.push(func() {
		if before != nil {
			<-before.closed
		}
		s.tell(a.options.Opened)
	})
	return s
}

// ID identifies the session. It is of no use to others without a token of the
// same user.
func (s *Session) ID() string { return hex.EncodeToString(s.id) }

// Principal is who the session belongs to, as of its last token.
func (s *Session) Principal() Principal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal
}

// DeviceID is what the agent named its device.
func (s *Session) DeviceID() string { return s.key.device }

// ChatOnly tells whether the agent takes no calls at this session.
func (s *Session) ChatOnly() bool { return s.key.chatOnly }

// UserAgent is what the agent said about its software.
func (s *Session) UserAgent() string { return s.userAgent }

// DisplayName is what the agent's user wants to be called; it may be empty.
func (s *Session) DisplayName() string { return s.name }

// Connected tells whether the session has a connection now.
func (s *Session) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil
}

// Stats returns the counters of the session.
func (s *Session) Stats() Stats { return s.counters.snapshot() }

// Send queues a message for exactly-once, in-order delivery. It never blocks.
// Errors: ErrClosed, ErrTooLarge, and ErrQueueFull, with which the session ends.
func (s *Session) Send(m *Message) error {
	return s.sent(s.stream.send(m))
}

// sent ends the session when its queue is full.
func (s *Session) sent(err error) error {
	if errors.Is(err, ErrQueueFull) {
		s.Close(CodeTooSlow, "too much is queued")
	}
	return err
}

// WaitBelow waits until at most so many bytes of messages wait for the agent,
// or the session is over: whoever has much to send does not fill the queue.
func (s *Session) WaitBelow(ctx context.Context, size int) error {
	return s.stream.below(ctx, size)
}

// Close ends the session with a goodbye; the agent does what the range of the
// code says. It does not wait. Closing again does nothing.
func (s *Session) Close(code Code, reason string) {
	err := &GoodbyeError{Code: code, Reason: reason}
	s.end(err, err, code != CodeTooSlow && code != CodeProtocolError && code != CodeFlooding)
}

// tell calls a function of the options that may be nil.
func (s *Session) tell(f func(*Session)) {
	if f != nil {
		f(s)
	}
}

func (s *Session) apply(m *Message) error {
	if s.acceptor.options.Handler == nil {
		return nil
	}
	return s.acceptor.options.Handler(s, m)
}

func (s *Session) applyFailed(err error) {
	s.end(err, &GoodbyeError{Code: CodeProtocolError, Reason: "message could not be applied"}, false)
}

// end makes the session over. The agent, if connected, gets the goodbye, after
// what is queued with flush; nil when it is gone. cause is what Closed tells.
func (s *Session) end(cause error, goodbye *GoodbyeError, flush bool) {
	s.acceptor.forget(s)
	s.mu.Lock()
	first := !s.ended
	s.ended = true
	if first {
		s.goodbye = goodbye
	}
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.mu.Unlock()
	if !first {
		return
	}
	// What the agent sent before its own goodbye is applied; nothing else.
	l, _ := s.stream.end(cause != nil)
	switch {
	case l == nil:
	case goodbye != nil:
		l.finish(goodbyeFrame(goodbye), !flush)
	default:
		l.abort(errSessionOver)
	}
	s.events.push(func() {
		defer s.acceptor.ending.Done()
		defer close(s.closed)
		if s.acceptor.options.Closed != nil {
			s.acceptor.options.Closed(s, cause)
		}
	})
}

// replacedBy ends the session because the device has another one.
func (s *Session) replacedBy(c *candidate) {
	goodbye := &GoodbyeError{Code: CodeReplaced, Reason: "signed in elsewhere"}
	if bytes.Equal(s.instance, c.instance) {
		// The agent itself gave the session up; its old connection is dead.
		goodbye.Code = CodeSuperseded
	}
	s.end(goodbye, goodbye, false)
}

// accept greets the agent and makes a link of the connection. Greeting is
// limited by its own context.
func (s *Session) accept(ctx, greeting context.Context, conn Conn, h *signalpb.Hello, c *candidate) (*link, context.Context, error) {
	used := s.acceptor.codecs.Choose(h.GetDictionaries())
	l := s.newLink(conn, used, c.attempt)
	l.expected = 1 + rand.Uint32N(math.MaxUint32) //nolint:gosec // tells connections apart, no secret
	linkCtx := l.prepare(ctx)
	resumed := bytes.Equal(h.GetSessionId(), s.id)
	var theirs uint64
	if resumed {
		theirs = h.GetApplied()
	}
	before, own, err := s.stream.attach(l, theirs, nil)
	if err != nil {
		l.abort(err)
		return nil, nil, s.attachRefused(err)
	}
	if before != nil {
		before.abort(errLinkReplaced)
	}
	s.linked(l, c.principal, resumed)
	w := &signalpb.Welcome{
		Version: protocolVersion, SessionId: s.id, Resumed: resumed, Applied: own, Epoch: s.acceptor.epoch,
		HeartbeatMs: uint32(s.acceptor.options.Heartbeat.Milliseconds()), //nolint:gosec // an option of ours
		RetentionMs: uint32(s.acceptor.options.Retention.Milliseconds()), //nolint:gosec // an option of ours
		UserId:      c.principal.UserID, ResourceId: c.principal.ResourceID,
		Nonce:          l.expected,
		TokenExpiresMs: s.acceptor.remaining(c.principal),
	}
	if used != nil {
		w.Dictionary = used.Version()
	}
	if s.acceptor.options.Welcome != nil {
		w.Relay = s.acceptor.options.Welcome(s)
	}
	if err := s.welcome(greeting, conn, w); err != nil {
		l.abort(err)
		s.linkEnded(l, err)
		return nil, nil, err
	}
	return l, linkCtx, nil
}

// attachRefused says what a hello that cannot be attached gets.
func (s *Session) attachRefused(err error) error {
	if errors.Is(err, ErrMalformed) {
		// The agent has applied what was never sent: this session is no use.
		r := refusalOf(err)
		s.end(r, nil, false)
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goodbye != nil {
		return refuse(s.goodbye.Code, s.goodbye.Reason) // the agent was not connected when it was said
	}
	return refuse(CodeSuperseded, "session just ended")
}

func (s *Session) welcome(ctx context.Context, conn Conn, w *signalpb.Welcome) error {
	var plain *wire.Codec
	data, size, err := plain.Encode(&wire.Frame{Head: &signalpb.Frame{Welcome: w}})
	if err != nil {
		return err
	}
	if err := conn.Write(ctx, data); err != nil {
		return fmt.Errorf("signaling: welcome: %w", err)
	}
	s.counters.sent(len(data), size)
	return nil
}

// linked notes the connection of a session.
func (s *Session) linked(l *link, p Principal, resumed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stream.uses(l) {
		return // a later connection was faster
	}
	s.link = l
	s.principal = p
	s.tokenTimerLocked()
	s.counters.connections.Add(1)
	if resumed {
		s.counters.resumes.Add(1)
	}
	if s.suspended && !s.ended {
		s.suspended = false
		s.events.push(func() { s.tell(s.acceptor.options.Resumed) })
	}
}

// tokenTimerLocked arms the timer that ends the connection with its token.
func (s *Session) tokenTimerLocked() {
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if s.principal.Expires.IsZero() || s.ended {
		return
	}
	l := s.link
	s.expiry = time.AfterFunc(s.principal.Expires.Sub(s.acceptor.options.Now()), func() {
		l.finish(goodbyeFrame(&GoodbyeError{Code: CodeTokenExpired, Reason: "token expired"}), true)
	})
}

// linkEnded notes the end of a connection: the session waits for another one,
// or ends, as the goodbye says.
func (s *Session) linkEnded(l *link, err error) {
	if !s.stream.detach(l) {
		return // a later connection has taken over
	}
	var goodbye *GoodbyeError
	if errors.As(err, &goodbye) && !goodbye.Code.Resumable() {
		var cause error = goodbye
		if goodbye.Code == CodeNormal {
			cause = nil
		}
		s.end(cause, nil, false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return
	}
	s.link = nil
	if s.ended {
		return
	}
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.suspended = true
	s.events.push(func() { s.tell(s.acceptor.options.Suspended) })
	s.expiry = time.AfterFunc(s.acceptor.options.Retention, s.expire)
}

// expire ends the session unless a connection came just now.
func (s *Session) expire() {
	s.mu.Lock()
	connected := s.link != nil
	s.mu.Unlock()
	if !connected {
		s.end(ErrSessionExpired, nil, false)
	}
}
