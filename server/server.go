package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/server/arm"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/calls"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/server/metrics"
	"github.com/parley-rtc/parley/server/oidc"
	"github.com/parley-rtc/parley/server/operations"
	"github.com/parley-rtc/parley/server/push"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/trouter"
	"github.com/parley-rtc/parley/server/webhook"
	"github.com/parley-rtc/parley/signaling"
)

// Errors of the service.
var (
	// ErrClosed says that the service was closed.
	ErrClosed = errors.New("server: closed")
	// ErrInUse says that another service uses the data folder.
	ErrInUse = errors.New("server: the data folder is in use")
)

const (
	// shutdownLimit is the longest that Shutdown takes.
	shutdownLimit = 10 * time.Second
	// closeLimit is the longest that Close waits for goroutines that end.
	closeLimit = 5 * time.Second
)

// Server is a running service.
type Server struct {
	options Options
	logger  *slog.Logger
	folder  *folder
	// node is the name among the nodes that share a database; empty: alone.
	node    string
	metrics *metrics.Metrics

	told       sync.Mutex // over connection, which changes with the default resource's keys
	connection Connection

	store      *store.Store
	bus        *bus.Bus
	resources  *resource.Directory
	hosts      *hosts
	identity   *identity.Service
	operator   *oidc.Local
	bearers    *oidc.Verifier
	relay      *relay
	calls      *calls.Service
	arm        *arm.Service
	operations *operations.Service
	webhooks   *webhook.Service
	chat       *chat.Service
	trouter    *trouter.Service
	push       *push.Service
	presence   *push.Presence
	links      *chatlink.Service
	limiter    *limits.Limiter

	http, https net.Listener
	servers     []*http.Server
	serving     sync.WaitGroup  // the servers' and the sockets' goroutines
	base        context.Context //nolint:containedctx // the life of the service, handed to its http servers
	cancel      context.CancelFunc

	inFlight atomic.Int64
	gate     sync.Mutex
	draining bool // under gate
	closing  sync.Once
	closeErr error
}

// New starts the service and returns when it answers on all its ports and has
// written connection.json.
func New(options Options) (*Server, error) {
	began := time.Now()
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("server: options: %w", err)
	}
	s := &Server{options: options, logger: options.Logger, metrics: metrics.New()}
	s.base, s.cancel = context.WithCancel(context.Background())
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("server: start: %w", err), s.Close())
	}
	c := s.Connection()
	s.logger.Info("service ready", "endpoint", c.Endpoint, "http_endpoint", c.HTTPEndpoint,
		"relay", s.relayAddr(), "data", s.folder.path, "took_ms", time.Since(began).Milliseconds())
	return s, nil
}

// Dialer connects an engine to this service within the process: no socket, the
// same messages.
func (s *Server) Dialer() signaling.Dialer { return s.calls.Dialer() }

// Connection returns the contents of connection.json.
func (s *Server) Connection() Connection {
	s.told.Lock()
	defer s.told.Unlock()
	return s.connection
}

// RelayAddr returns the UDP address of the relay, empty when it is off.
func (s *Server) RelayAddr() string { return s.relayAddr() }

func (s *Server) relayAddr() string {
	if s.relay == nil {
		return ""
	}
	return s.relay.server.Addr().String()
}

// Shutdown drains: it takes no new work, tells the agents to connect
// elsewhere, lets REST requests finish, stores the calls and closes. It takes
// at most ten seconds, less if ctx ends sooner. The error says what was cut
// short.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, shutdownLimit)
		defer cancel()
		s.drain()
		var errs []error
		// Agents first: they hold their connections for ever.
		if err := s.calls.Shutdown(ctx); err != nil {
			errs = append(errs, err)
		}
		if err := s.trouter.Close(); err != nil {
			errs = append(errs, err)
		}
		for _, h := range s.allServers() {
			if err := h.Shutdown(ctx); err != nil {
				errs = append(errs, fmt.Errorf("requests cut short: %w", err))
			}
		}
		s.closeErr = errors.Join(append(errs, s.close(ctx))...)
	})
	if s.closeErr != nil {
		return fmt.Errorf("server: shutdown: %w", s.closeErr)
	}
	return nil
}

// Close ends the service at once. It is idempotent, and does nothing after
// Shutdown.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.drain()
		s.cancel() // cuts the agents' connections
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		defer cancel()
		s.closeErr = s.close(ctx)
	})
	if s.closeErr != nil {
		return fmt.Errorf("server: close: %w", s.closeErr)
	}
	return nil
}

// close ends all parts, the ones that use others first. After a start that
// failed some are not there.
func (s *Server) close(ctx context.Context) error {
	var errs []error
	note := func(what string, err error) {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	s.cancel()
	if s.bearers != nil {
		s.bearers.Close()
	}
	s.closeManager(note)
	if s.webhooks != nil {
		s.webhooks.Close()
	}
	for _, h := range s.allServers() {
		note("http", h.Close())
	}
	for _, l := range []net.Listener{s.http, s.https} {
		if l != nil {
			note("listener", l.Close())
		}
	}
	if s.calls != nil {
		note("calls", s.calls.Shutdown(ctx))
	}
	s.closeRealTime(note)
	s.serving.Wait()
	s.closePush(note)
	if s.chat != nil {
		note("chat", s.closeChat())
	}
	if s.relay != nil {
		note("relay", s.relay.server.Close())
	}
	if s.identity != nil {
		s.identity.Close()
	}
	if s.bus != nil {
		note("bus", s.bus.Close())
	}
	if s.store != nil {
		note("store", s.store.Close())
	}
	if s.folder != nil {
		note("folder", s.folder.removeConnection())
		note("folder", s.folder.close())
	}
	return errors.Join(errs...)
}
