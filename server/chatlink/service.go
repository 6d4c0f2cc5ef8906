package chatlink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Options configure the service.
type Options struct {
	// Chat keeps the threads. Required.
	Chat *chat.Service
	// Limits counts what agents ask for together with the requests of REST that
	// do the same; nil lets everything pass.
	Limits *limits.Limiter
	// Logger hears of failures; nil is silent. Nothing that was written in a
	// thread reaches it.
	Logger *slog.Logger
}

// Service carries chat over sessions. Its methods may be called from any
// goroutine.
type Service struct {
	chat   *chat.Service
	limits *limits.Limiter
	logger *slog.Logger
	events *eventCache

	base    context.Context //nolint:containedctx // the life of the service, handed to the goroutines of its links
	stop    context.CancelFunc
	running sync.WaitGroup // under mu until closed

	mu     sync.Mutex
	links  map[*signaling.Session]*link
	closed bool
}

var errClosed = errors.New("chatlink: closed")

// retryAfter is how long a link waits after the database has failed.
const retryAfter = time.Second

// Open starts the service. Close it when done, before the chat service.
func Open(options Options) *Service {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{chat: options.Chat, limits: options.Limits, logger: options.Logger, events: newEventCache(), links: map[*signaling.Session]*link{}}
	s.base, s.stop = context.WithCancel(context.Background())
	return s
}

// Close detaches all links and waits for what runs. It is idempotent.
func (s *Service) Close() {
	s.stop()
	s.mu.Lock()
	links := s.links
	s.links, s.closed = map[*signaling.Session]*link{}, true
	s.mu.Unlock()
	for _, l := range links {
		l.close()
	}
	s.running.Wait()
}

// Handle applies a message of chat that an agent sent. An error says that it is
// malformed.
func (s *Service) Handle(session *signaling.Session, m *signaling.Message) error {
	l, err := s.link(session)
	if errors.Is(err, errClosed) {
		return nil // the node stops; the agent asks the next one
	}
	if err != nil {
		return err
	}
	switch body := m.GetBody().(type) {
	case *signalpb.Message_ChatSubscribe:
		return l.subscribe(body.ChatSubscribe)
	case *signalpb.Message_ChatRequest:
		l.request(body.ChatRequest)
	}
	return nil
}

// Closed forgets a session that is over.
func (s *Service) Closed(session *signaling.Session) {
	s.mu.Lock()
	l := s.links[session]
	delete(s.links, session)
	s.mu.Unlock()
	if l != nil {
		l.close()
	}
}

// Recheck compares what all agents of this node were told with the database,
// which it asks once for many. A node calls it when the bus may have lost
// something that nothing followed.
func (s *Service) Recheck() {
	s.mu.Lock()
	links := slices.Collect(maps.Values(s.links))
	s.mu.Unlock()
	users := map[string]struct{}{}
	for _, l := range links {
		if l.follows() {
			users[l.user] = struct{}{}
		}
	}
	found, err := s.chat.StandingsOf(s.base, slices.Collect(maps.Keys(users)))
	if err != nil && s.base.Err() == nil {
		s.logger.Warn("threads not compared", "error", err)
	}
	for _, l := range links {
		if _, asked := users[l.user]; !asked {
			continue
		}
		if err != nil {
			l.recheck() // tries again until the database answers
		} else {
			l.look(found[l.user])
		}
	}
}

// Links counts the sessions that take part in chat.
func (s *Service) Links() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.links)
}

// link returns the link of a session; the first word of chat makes it.
func (s *Service) link(session *signaling.Session) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if l := s.links[session]; l != nil {
		return l, nil
	}
	p := session.Principal()
	resource, err := guid.Parse(p.ResourceID)
	if err != nil {
		return nil, fmt.Errorf("chatlink: %w", err)
	}
	l := &link{service: s, session: session, user: p.UserID, resource: resource}
	s.links[session] = l
	return l, nil
}

// run starts a goroutine of a link unless the service is closed.
func (s *Service) run(f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Go(func() { f(s.base) })
	}
}
