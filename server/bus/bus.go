// Package bus carries messages between the parts of the service that do not
// wait for an answer in SQL: what happens to a session may concern a call on
// another node. A NATS server runs inside the process and listens nowhere, or
// the same client code speaks to a cluster.
//
// Delivery is at most once. Messages of one publisher arrive in order; those
// of several do not. Whatever must not be lost stands in SQL: who keeps a copy
// of it in memory reads it again when Losses says that messages may be gone,
// and from time to time, because a break between two servers of a cluster is
// seen by nobody.
package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("bus: closed")

const (
	// A message carries at most one signaling message and its envelope.
	maxPayload = 512 << 10
	// What may wait inside the server for one slow client.
	maxPending   = 16 << 20
	startTimeout = 5 * time.Second
	flushTimeout = 10 * time.Second
	// What is published while a cluster cannot be reached waits within this
	// bound: to end a session late is better than never.
	reconnectBuffer = 4 << 20
	reconnectWait   = 200 * time.Millisecond
	// A server that says nothing for two of these is given up.
	pingInterval = 10 * time.Second
	lastFlush    = time.Second
)

// Options configure the bus.
type Options struct {
	// URL names the servers of a NATS cluster, "nats://a:4222,nats://b:4222".
	// Empty: a server within the process that listens nowhere.
	URL string
	// Credentials is the file of a user's JWT and key, as `nsc` writes it.
	// Empty: what the URL says, or nothing.
	Credentials string
	// TLS is used for the connection; nil: TLS only if the servers ask for it,
	// with the system's authorities.
	TLS *tls.Config
	// Prefix goes before every subject on an external cluster, so that several
	// services can share it. Empty: none.
	Prefix string
	// Logger gets warnings; nil is silent.
	Logger *slog.Logger
}

// Bus is a running bus. Its methods may be called from any goroutine.
type Bus struct {
	server *server.Server // nil on an external cluster
	conn   *nats.Conn
	prefix string
	closed chan struct{} // the client's goroutines have ended
	once   sync.Once

	mu     sync.Mutex
	losses map[*Subscription]func()
}

// Open connects to the cluster of the options, or starts the embedded server
// and connects to that.
func Open(ctx context.Context, options Options) (*Bus, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Bus{closed: make(chan struct{}), losses: map[*Subscription]func(){}}
	if options.URL != "" {
		if options.Prefix != "" {
			b.prefix = options.Prefix + "."
		}
		if err := b.connect(options, options.URL, external(&options)...); err != nil {
			return nil, err
		}
		return b, nil
	}
	if err := b.embed(ctx); err != nil {
		return nil, err
	}
	err := b.connect(options, "", nats.InProcessServer(b.server), nats.ReconnectBufSize(-1))
	if err != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
		return nil, err
	}
	return b, nil
}

// external returns what a connection over a network needs.
func external(options *Options) []nats.Option {
	all := []nats.Option{
		nats.Timeout(startTimeout), nats.ReconnectBufSize(reconnectBuffer), nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(2),
	}
	if options.Credentials != "" {
		all = append(all, nats.UserCredentials(options.Credentials))
	}
	if options.TLS != nil {
		all = append(all, nats.Secure(options.TLS))
	}
	return all
}

func (b *Bus) connect(options Options, url string, more ...nats.Option) error {
	var err error
	logger := options.Logger
	b.conn, err = nats.Connect(url, append(more,
		nats.Name("parley"),
		nats.MaxReconnects(-1),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.Warn("bus: connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			logger.Info("bus: connected again", "server", conn.ConnectedAddr())
			b.lost()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			logger.Warn("bus", "subject", subject, "error", err)
			if errors.Is(err, nats.ErrSlowConsumer) {
				b.lost()
			}
		}))...)
	if err != nil {
		return fmt.Errorf("bus: connect: %w", err)
	}
	return nil
}

// embed starts the server within the process.
func (b *Bus) embed(ctx context.Context) error {
	ns, err := server.NewServer(&server.Options{
		ServerName:      "parley",
		DontListen:      true,
		NoLog:           true,
		NoSigs:          true,
		NoSystemAccount: true,
		MaxPayload:      maxPayload,
		MaxPending:      maxPending,
		// Nobody looks at the timings of the embedded server.
		DisableShortFirstPing: true,
	})
	if err != nil {
		return fmt.Errorf("bus: start: %w", err)
	}
	go ns.Start()
	wait := startTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline))
	}
	if !ns.ReadyForConnections(wait) {
		ns.Shutdown()
		return errors.New("bus: the embedded server does not start")
	}
	b.server = ns
	return nil
}

// Publish sends data to all who subscribed to the subject. It does not wait.
func (b *Bus) Publish(subject string, data []byte) error {
	if err := b.conn.Publish(b.prefix+subject, data); err != nil {
		return wrap("publish", err)
	}
	return nil
}

// Subscribe calls handler for each message of the subject, one at a time, in
// order, on a goroutine of its own. The handler must not keep data.
func (b *Bus) Subscribe(subject string, handler func(subject string, data []byte)) (*Subscription, error) {
	sub, err := b.conn.Subscribe(b.prefix+subject, func(m *nats.Msg) { handler(m.Subject[len(b.prefix):], m.Data) })
	if err != nil {
		return nil, wrap("subscribe", err)
	}
	// The subscriber bounds by bytes: counts would treat small ones unfairly.
	if err := sub.SetPendingLimits(math.MaxInt32, maxPending); err != nil {
		return nil, wrap("subscribe", err)
	}
	return &Subscription{sub: sub}, nil
}

// Losses calls handler each time after messages may have been lost on their
// way to this process: the connection broke, or a subscription was too slow.
// It must not block.
func (b *Bus) Losses(handler func()) *Subscription {
	s := &Subscription{bus: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.losses[s] = handler
	return s
}

func (b *Bus) lost() {
	b.mu.Lock()
	handlers := slices.Collect(maps.Values(b.losses))
	b.mu.Unlock()
	for _, h := range handlers {
		h()
	}
}

// Flush waits until the server has seen all that was published and subscribed.
func (b *Bus) Flush(ctx context.Context) error {
	// The client insists on a deadline.
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return wrap("flush", err)
	}
	return nil
}

// Healthy returns nil while the bus carries messages.
func (b *Bus) Healthy() error {
	if !b.conn.IsConnected() {
		return ErrClosed
	}
	return nil
}

// Close ends all subscriptions and the embedded server. It is idempotent.
func (b *Bus) Close() error {
	b.once.Do(func() {
		if b.server == nil {
			_ = b.conn.FlushTimeout(lastFlush) // what a broken connection kept is lost
		}
		b.conn.Close()
		<-b.closed
		if b.server != nil {
			b.server.Shutdown()
			b.server.WaitForShutdown()
		}
	})
	return nil
}

func wrap(what string, err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) {
		return ErrClosed
	}
	return fmt.Errorf("bus: %s: %w", what, err)
}

// Subscription is a running subscription.
type Subscription struct {
	sub *nats.Subscription // nil for one to losses
	bus *Bus               // set for one to losses
}

// Close ends the subscription; a handler that runs goes on to its end.
func (s *Subscription) Close() error {
	if s.sub == nil {
		s.bus.mu.Lock()
		defer s.bus.mu.Unlock()
		delete(s.bus.losses, s)
		return nil
	}
	if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return wrap("unsubscribe", err)
	}
	return nil
}
