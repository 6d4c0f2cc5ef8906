// Package bus carries messages between the parts of the service that do not
// wait for an answer in SQL: what happens to a session may concern a call on
// another node. Today one NATS server runs inside the process and listens
// nowhere; the same client code speaks to a cluster.
//
// Delivery is at most once. Messages of one publisher arrive in order; those
// of several do not. Whatever must not be lost stands in SQL.
package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	server *server.Server
	conn   *nats.Conn
	closed chan struct{} // the client's goroutines have ended
	once   sync.Once
}

// Open starts the embedded server and connects to it.
func Open(ctx context.Context, options Options) (*Bus, error) {
	if options.URL != "" {
		return nil, errors.New("bus: open: an external cluster is not there yet")
	}
	logger := options.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
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
		return nil, fmt.Errorf("bus: start: %w", err)
	}
	go ns.Start()
	wait := startTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline))
	}
	if !ns.ReadyForConnections(wait) {
		ns.Shutdown()
		return nil, errors.New("bus: the embedded server does not start")
	}
	b := &Bus{server: ns, closed: make(chan struct{})}
	b.conn, err = nats.Connect("",
		nats.InProcessServer(ns),
		nats.Name("parley"),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			logger.Warn("bus", "subject", subject, "error", err)
		}))
	if err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("bus: connect: %w", err)
	}
	return b, nil
}

// Publish sends data to all who subscribed to the subject. It does not wait.
func (b *Bus) Publish(subject string, data []byte) error {
	if err := b.conn.Publish(subject, data); err != nil {
		return wrap("publish", err)
	}
	return nil
}

// Subscribe calls handler for each message of the subject, one at a time, in
// order, on a goroutine of its own. The handler must not keep data.
func (b *Bus) Subscribe(subject string, handler func(subject string, data []byte)) (*Subscription, error) {
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) { handler(m.Subject, m.Data) })
	if err != nil {
		return nil, wrap("subscribe", err)
	}
	// The subscriber bounds by bytes: counts would treat small ones unfairly.
	if err := sub.SetPendingLimits(math.MaxInt32, maxPending); err != nil {
		return nil, wrap("subscribe", err)
	}
	return &Subscription{sub}, nil
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

// Close ends all subscriptions and the server. It is idempotent.
func (b *Bus) Close() error {
	b.once.Do(func() {
		b.conn.Close()
		<-b.closed
		b.server.Shutdown()
		b.server.WaitForShutdown()
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
	sub *nats.Subscription
}

// Close ends the subscription; a handler that runs goes on to its end.
func (s *Subscription) Close() error {
	if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return wrap("unsubscribe", err)
	}
	return nil
}
