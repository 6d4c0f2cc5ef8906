package calls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/loop"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/signaling"
)

const (
	maxLoops = 8
	// A relay credential is replaced long before it ends.
	relayRefreshes = 2
	housekeeping   = time.Minute
)

// Bus is what calls needs of the message bus.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler func(subject string, data []byte)) (Subscription, error)
}

// Subscription is a running subscription of a Bus.
type Subscription interface {
	Close() error
}

// Relay gives out credentials for the relay servers.
type Relay interface {
	// RelayServers returns the servers and a credential for a user.
	RelayServers(user string) *signaling.RelayServers
	// Lifetime is how long a credential is good for.
	Lifetime() time.Duration
}

// Chat takes part in the sessions, which are not of calls alone. Its methods
// are called in the order of a session's events and must not block.
type Chat interface {
	// Handle applies a message of chat that an agent sent. An error ends the
	// session.
	Handle(session *signaling.Session, m *signaling.Message) error
	// Closed tells that a session is over.
	Closed(session *signaling.Session)
}

// Options configure the service of calls.
type Options struct {
	// Authenticate checks a user access token. It returns or wraps
	// signaling.ErrUnauthorized or signaling.ErrTokenExpired.
	Authenticate func(ctx context.Context, token string) (signaling.Principal, error)
	Store        *store.Store
	Bus          Bus
	// MayCall tells whether somebody may take part in calls; nil is everybody.
	MayCall func(signaling.Principal) bool
	// Chat gets the messages of chat; nil is nobody.
	Chat Chat
	// Relay may be nil: then agents get no relay servers.
	Relay Relay
	// Node names this service, for as long as its folder lives, among those that
	// share the store: the calls of others are left alone. Empty: there is no
	// other.
	Node string
	// Timeouts of calls; zero fields take the defaults.
	Timeouts callfsm.Timeouts
	// Wake is asked when no device of a callee is signed in: it wakes those that
	// there are, and reports whether one may come. It may take its time. Nil is
	// nobody.
	Wake func(ctx context.Context, call AsleepCall) (bool, error)
	// WakeTime is how long a call waits for such a device. Zero: 30 s.
	WakeTime time.Duration
	// Retention is how long a session is kept without a connection. Zero: 150 s.
	Retention time.Duration
	Logger    *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Stats counts calls and sessions.
type Stats struct {
	// Sessions are the agents' sessions, Suspended those of them that have no
	// connection, Calls the calls, at this moment.
	Sessions, Suspended, Calls int
	// Started, Accepted and Ended count since the start of the service;
	// Restored counts the calls that were found in the database then.
	Started, Accepted, Ended, Restored uint64
	// Dropped counts descriptions and candidates over the limits.
	Dropped uint64
}

// Service runs calls. Its methods may be called from any goroutine.
type Service struct {
	options  Options
	node     string
	logger   *slog.Logger
	acceptor *signaling.Acceptor
	registry *registry
	ended    *endedCalls
	loops    []*callLoop
	bus      Subscription
	stopping atomic.Bool

	started, accepted, over, restored, dropped atomic.Uint64

	stop     context.CancelFunc
	life     context.Context //nolint:containedctx // that of what calls start beside the loops
	keeper   sync.WaitGroup
	wakes    sync.WaitGroup // added to on the loops
	closing  sync.Once
	closeErr error
}

// Open starts the service of calls and takes up the calls that the database
// has. Serve its connections, then Shutdown it.
func Open(ctx context.Context, options Options) (*Service, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.WakeTime <= 0 {
		options.WakeTime = defaultWakeTime
	}
	s := &Service{
		options: options, node: options.Node, logger: options.Logger,
		registry: newRegistry(options.Now), ended: newEndedCalls(options.Now),
	}
	s.registry.mayCall = options.MayCall
	var err error
	s.acceptor, err = signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: options.Authenticate,
		Welcome:      s.welcome,
		Opened:       s.opened,
		Handler:      s.handle,
		Suspended:    func(session *signaling.Session) { s.connectionChanged(session, false) },
		Resumed:      func(session *signaling.Session) { s.connectionChanged(session, true) },
		Closed:       s.closed,
		Retention:    options.Retention,
		Logger:       options.Logger,
		Now:          options.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("calls: open: %w", err)
	}
	for range min(runtime.GOMAXPROCS(0), maxLoops) {
		s.loops = append(s.loops, &callLoop{service: s, loop: loop.New(), calls: map[callfsm.CallID]*call{}, asleep: map[callfsm.CallID]*asleep{}})
	}
	if err = s.restore(ctx); err == nil {
		s.bus, err = options.Bus.Subscribe(subjectEndSessions+".*", s.endSessions)
	}
	if err != nil {
		s.closeLoops()
		return nil, fmt.Errorf("calls: open: %w", err)
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.life = stop, keeping
	s.keeper.Go(func() { s.keepHouse(keeping) })
	return s, nil
}

// Start runs one agent's connection until it ends; ended is told why.
func (s *Service) Start(ctx context.Context, conn signaling.Conn, ended func(error)) {
	s.acceptor.Start(ctx, conn, ended)
}

// Dialer connects an agent within the process.
func (s *Service) Dialer() signaling.Dialer { return s.acceptor.Dialer() }

// Stats returns the counters.
func (s *Service) Stats() Stats {
	return Stats{
		Sessions: s.acceptor.Sessions(), Suspended: s.registry.suspended(), Calls: s.registry.callCount(),
		Started: s.started.Load(), Accepted: s.accepted.Load(), Ended: s.over.Load(),
		Restored: s.restored.Load(), Dropped: s.dropped.Load(),
	}
}

// Shutdown tells the agents to connect elsewhere, waits for what runs or for
// the context, and closes. Connections whose own context has ended before get
// no word: to their agents it is as if the process had died. The calls stay in
// the database: media between the ends goes on, and the next service takes
// them up when the ends reconcile. It is idempotent.
func (s *Service) Shutdown(ctx context.Context) error {
	s.closing.Do(func() {
		s.stopping.Store(true)
		err := s.acceptor.Shutdown(ctx)
		s.closeErr = errors.Join(err, s.finish())
	})
	if s.closeErr != nil {
		return fmt.Errorf("calls: shutdown: %w", s.closeErr)
	}
	return nil
}

// finish ends what runs beside the sessions.
func (s *Service) finish() error {
	s.stop()
	s.keeper.Wait()
	err := s.bus.Close()
	s.closeLoops()
	s.wakes.Wait()
	return err
}

func (s *Service) closeLoops() {
	for _, l := range s.loops {
		// Everything that the sessions handed over is done before the loop ends.
		done := make(chan struct{})
		if l.loop.Post(func() { l.stopTimers(); close(done) }) {
			<-done
		}
		l.loop.Close()
	}
}

// loopOf returns the loop that a call belongs to.
func (s *Service) loopOf(id callfsm.CallID) *callLoop {
	return s.loops[int(id[15])%len(s.loops)]
}

// keepHouse renews relay credentials and forgets what is old.
func (s *Service) keepHouse(ctx context.Context) {
	ticker := time.NewTicker(housekeeping)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.ended.expire()
		s.forgetEnded()
		if s.options.Relay == nil {
			continue
		}
		due := s.options.Now().Add(-s.options.Relay.Lifetime() / relayRefreshes)
		for _, session := range s.registry.relayedBefore(due) {
			s.sendRelay(session)
		}
	}
}
