package signaling

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

// Acceptor is the service's end: it turns connections into sessions.
type Acceptor struct {
	options AcceptorOptions
	log     *slog.Logger
	codecs  wire.Codecs
	epoch   uint64

	mu       sync.Mutex
	stopped  bool
	sessions map[string]*Session
	devices  map[deviceKey]*Session
	users    map[userKey]int
	// greetings ends connections that have no session yet.
	greetings map[uint64]context.CancelCauseFunc
	greeted   uint64
	arrived   uint64
	// serving counts the connections, dialed in process or not.
	serving sync.WaitGroup
	// ending counts sessions whose Closed has not returned.
	ending sync.WaitGroup
	// workers do what connections and sessions need now and then.
	workers *workers
}

type userKey struct{ resource, user string }

type deviceKey struct {
	userKey

	device   string
	chatOnly bool
}

// NewAcceptor returns an acceptor with a new epoch.
func NewAcceptor(options *AcceptorOptions) (*Acceptor, error) {
	if options == nil || options.Authenticate == nil {
		return nil, errors.New("signaling: NewAcceptor needs Authenticate")
	}
	a := &Acceptor{
		options:  options.withDefaults(),
		sessions: map[string]*Session{}, devices: map[deviceKey]*Session{}, users: map[userKey]int{},
		greetings: map[uint64]context.CancelCauseFunc{}, workers: newWorkers(),
	}
	a.log = a.options.Logger
	var epoch [8]byte
	_, _ = rand.Read(epoch[:]) // never fails since Go 1.24
	a.epoch = binary.BigEndian.Uint64(epoch[:])
	if !a.options.NoCompression {
		var err error
		if a.codecs, err = wire.NewCodecs(runtime.GOMAXPROCS(0)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Epoch identifies this acceptor's memory of sessions.
func (a *Acceptor) Epoch() uint64 { return a.epoch }

// Sessions counts the sessions, suspended ones included.
func (a *Acceptor) Sessions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.sessions)
}

// Shutdown says CodeDraining to all agents, ends all sessions and waits for
// the goroutines of the acceptor, handlers included, or for the context.
// Connections that come later are turned away. Do not call it from a handler.
func (a *Acceptor) Shutdown(ctx context.Context) error {
	return a.shutdown(ctx, &GoodbyeError{Code: CodeDraining, Reason: "service is stopping"})
}

func (a *Acceptor) shutdown(ctx context.Context, goodbye *GoodbyeError) error {
	a.mu.Lock()
	a.stopped = true
	all := make([]*Session, 0, len(a.sessions))
	for _, s := range a.sessions {
		all = append(all, s)
	}
	for _, cancel := range a.greetings {
		cancel(refuse(goodbye.Code, goodbye.Reason))
	}
	a.mu.Unlock()
	for _, s := range all {
		s.end(goodbye, goodbye, true)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.serving.Wait()
		a.ending.Wait()
		a.workers.close()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// enter counts a connection and returns its number; false when the acceptor has
// stopped.
func (a *Acceptor) enter() (arrival uint64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return 0, false
	}
	a.serving.Add(1)
	a.arrived++
	return a.arrived, true
}

// greeting returns a context for the time until a connection has a session.
// The function returned ends it.
func (a *Acceptor) greeting(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(a.options.Limits.HelloTimeout, func() {
		cancel(refuse(CodeHelloTimeout, "no hello in time"))
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		cancel(refuse(CodeDraining, "service is stopping"))
	}
	a.greeted++
	n := a.greeted
	a.greetings[n] = cancel
	return ctx, func() {
		timer.Stop()
		cancel(nil)
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.greetings, n)
	}
}

// candidate is what a hello asks for, checked.
type candidate struct {
	principal Principal
	device    string
	instance  []byte
	attempt   uint32
	arrival   uint64 // of its connection, from enter
	sessionID []byte
	userAgent string
	name      string
	chatOnly  bool
}

func (c *candidate) key() deviceKey {
	return deviceKey{userKey{c.principal.ResourceID, c.principal.UserID}, c.device, c.chatOnly}
}

// session finds the session that a hello resumes, or opens one. It returns
// the session that the new one replaces, if any.
func (a *Acceptor) session(c *candidate) (s, replaced *Session, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return nil, nil, refuse(CodeDraining, "service is stopping")
	}
	key := c.key()
	current := a.devices[key]
	if current != nil && bytes.Equal(current.instance, c.instance) {
		if c.attempt <= current.attempt {
			return nil, nil, refuse(CodeSuperseded, "a later connection is known")
		}
		if bytes.Equal(current.id, c.sessionID) {
			current.attempt, current.arrival = c.attempt, c.arrival
			return current, nil, nil
		}
	}
	if current != nil && !bytes.Equal(current.instance, c.instance) && c.arrival < current.arrival {
		// A program was started anew, and the last hello of the one before took
		// longer than the first of this one.
		return nil, nil, refuse(CodeReplaced, "signed in elsewhere")
	}
	if current == nil && a.users[key.userKey] >= a.options.Limits.SessionsPerUser {
		return nil, nil, refuse(CodeOverloaded, "too many sessions of this user")
	}
	if current != nil {
		a.forgetLocked(current)
	}
	s = newSession(a, c, current)
	a.sessions[string(s.id)] = s
	a.devices[key] = s
	a.users[key.userKey]++
	a.ending.Add(1)
	return s, current, nil
}

// forget takes a session out of the tables.
func (a *Acceptor) forget(s *Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetLocked(s)
}

func (a *Acceptor) forgetLocked(s *Session) {
	if a.sessions[string(s.id)] != s {
		return
	}
	delete(a.sessions, string(s.id))
	if a.devices[s.key] == s {
		delete(a.devices, s.key)
	}
	if a.users[s.key.userKey]--; a.users[s.key.userKey] <= 0 {
		delete(a.users, s.key.userKey)
	}
}

// Dialer returns a dialer that connects to this acceptor within the process.
// Shutdown waits for the end of each.
func (a *Acceptor) Dialer() Dialer {
	return DialFunc(func(ctx context.Context) (Conn, error) {
		arrival, ok := a.enter()
		if !ok {
			return nil, ErrClosed
		}
		client, server := Pipe()
		a.workers.run(func() {
			a.serve(context.WithoutCancel(ctx), server, arrival, func(err error) {
				if err != nil {
					a.log.Debug("connection ended", slog.Any("error", err))
				}
			})
		})
		return client, nil
	})
}

// tokenTimeout limits Authenticate for a token that comes later than the hello.
const tokenTimeout = 10 * time.Second
