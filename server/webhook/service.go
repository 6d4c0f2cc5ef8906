package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// ErrNotFound says that there is no such subscription or dead letter.
var ErrNotFound = errors.New("webhook: not found")

const (
	requestTime = 30 * time.Second // as Event Grid
	// lease is how long nobody else tries a delivery that a node is at.
	lease       = 2 * requestTime
	scanEvery   = time.Second
	tidyEvery   = time.Minute
	releaseTime = 2 * time.Second
	// Deliveries at a time, and to one host.
	workers   = 32
	perHost   = 8
	busyHosts = workers / perHost
	keptFor   = 7 * 24 * time.Hour
	// standardLife and maxAttempts end a delivery.
	standardLife = 24 * time.Hour
	maxAttempts  = 30
	maxHeader    = 16 << 10
	idlePerHost  = 2
	maxIdle      = 64
	idleTime     = 30 * time.Second
)

// Options configure the service. Store and Guard are required.
type Options struct {
	Store *store.Store
	Guard *Guard
	// Signer signs the tokens of events; nil sends none.
	Signer Signer
	// Origin is who we say we are to endpoints of CloudEvents: a host name.
	Origin string
	// ValidationURL makes the link that somebody may visit for an endpoint that
	// cannot answer for itself; nil offers none. Its visit ends in Validate.
	ValidationURL func(subscription, code string) string
	// RootCAs verify endpoints; nil is the system's authorities.
	RootCAs *x509.CertPool
	// Alone says that no other node uses the store: what an earlier start was at
	// is nobody's work now.
	Alone bool
	// Node names this node among those that use the store, the same at each of
	// its starts: what its own earlier start was at is nobody's work now.
	Node string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger hears of what an operator can mend; nil is silent. Neither events nor
	// endpoints reach it.
	Logger *slog.Logger
}

// Stats are counts since the start of this node.
type Stats struct{ Delivered, Failed, Dead int64 }

// Service delivers events. Its methods may be called from any goroutine.
type Service struct {
	options Options
	client  *http.Client
	wake    chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup

	delivered, failed, dead atomic.Int64

	wishes   atomic.Pointer[wishes] // nil: not read yet
	learning sync.Mutex

	mu    sync.Mutex
	slots int            // free ones
	hosts map[string]int // deliveries under way
}

// Open starts to deliver. Close it when done.
func Open(options Options) *Service {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{options: options, wake: make(chan struct{}, 1), cancel: cancel, slots: workers, hosts: map[string]int{}}
	s.client = &http.Client{
		Timeout: requestTime,
		Transport: &http.Transport{
			DialContext: options.Guard.dial, TLSClientConfig: &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: dialTime, ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
			MaxIdleConns: maxIdle, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTime,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.running.Go(func() { s.work(ctx) })
	return s
}

// Close stops delivering; what was under way is sent again by the next start or
// another node. It is idempotent.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
	s.client.CloseIdleConnections()
}

// Wake lets the service look for deliveries at once; call it after the commit.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Stats returns the counts.
func (s *Service) Stats() Stats {
	return Stats{Delivered: s.delivered.Load(), Failed: s.failed.Load(), Dead: s.dead.Load()}
}

// EraseResource removes the subscriptions, deliveries and dead letters of a
// resource.
func (s *Service) EraseResource(ctx context.Context, id guid.GUID) error {
	defer s.relearn(ctx)
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec("DELETE FROM webhook_subscriptions WHERE resource_id = $1", id.String()); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM webhook_deliveries WHERE resource_id = $1", id.String())
		return err
	})
}

// work delivers until the service closes.
func (s *Service) work(ctx context.Context) {
	if s.options.Alone || s.options.Node != "" {
		s.note(ctx, s.free(ctx))
	}
	s.note(ctx, s.learn(ctx))
	scan, tidy := time.NewTicker(scanEvery), time.NewTicker(tidyEvery)
	defer scan.Stop()
	defer tidy.Stop()
	for ctx.Err() == nil {
		more, err := s.claim(ctx)
		s.note(ctx, err)
		if more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-scan.C:
			if !s.options.Alone || s.wishes.Load() == nil {
				s.note(ctx, s.learn(ctx))
			}
		case <-tidy.C:
			s.note(ctx, s.tidy(ctx))
		}
	}
}

func (s *Service) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.options.Logger.Warn("webhooks", "error", err)
	}
}

// free takes away the leases of an earlier start.
func (s *Service) free(ctx context.Context) error {
	alone := ""
	if s.options.Alone {
		alone = "alone"
	}
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE webhook_deliveries SET leased_until = 0 WHERE state = 'waiting' AND leased_until > 0 AND (node = $1 OR $2 = 'alone')",
			s.options.Node, alone)
		return err
	})
}

// tidy removes what nobody asks for any more, and buries what is past its life.
func (s *Service) tidy(ctx context.Context) error {
	now := s.options.Now().UnixMilli()
	var buried int64
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(`UPDATE webhook_deliveries SET state = 'dead', dead_at = $1, leased_until = 0, reason = CASE reason WHEN '' THEN $2 ELSE reason END
			WHERE state = 'waiting' AND expires_at <= $1 AND leased_until < $1`, now, ReasonExpired)
		if err != nil {
			return err
		}
		if buried, err = done.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM webhook_deliveries WHERE state = 'dead' AND dead_at <= $1", now-keptFor.Milliseconds()); err != nil {
			return err
		}
		_, err = tx.Exec("DELETE FROM webhook_subscriptions WHERE state = 'validating' AND validate_until <= $1", now)
		return err
	})
	if err == nil {
		s.dead.Add(buried)
	}
	return err
}
