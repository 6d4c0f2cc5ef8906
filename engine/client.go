package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/transport"
)

// Options says how a Client reaches the service and the network. Exactly one
// of Dialer and Endpoint must be set.
type Options struct {
	// Dialer opens the agents' connections to the service, for example one in
	// this process (server.Server.Dialer). Nil: a WebSocket to Endpoint.
	Dialer Dialer
	// Endpoint is the service's address, "https://host:port" (or http). Empty:
	// Dialer is used.
	Endpoint string
	// RootCAs verifies the service's certificate and that of its relay. Nil: the
	// system's authorities.
	RootCAs *x509.CertPool
	// Net is the network that media, and the WebSocket, use. Nil: the operating
	// system's.
	Net Net
	// RelayOnly sends all media through the service's relay, for a network where
	// addresses must never be shown. False: direct paths are found once a call
	// is accepted.
	RelayOnly bool
	// Timeouts are the timers of calls; a zero field means its published value.
	Timeouts Timeouts
	// AudioBitrate is the target of the audio encoder in bit/s. Zero: 40,000.
	AudioBitrate int
	// MaxVideoBitrate bounds the video that one call sends, in bit/s. Zero: 2,500,000.
	MaxVideoBitrate int
	// UserAgent names the application in the service's log. Empty: "parley".
	UserAgent string
	// Logger takes the engine's log. Nil: silent.
	Logger *slog.Logger
}

// Client is the entry object. It holds what all agents of a process share, such
// as the certificate of its media sessions, and makes agents. Its methods are
// safe for many goroutines.
type Client struct {
	options Options
	dialer  signaling.Dialer
	logger  *slog.Logger

	mu          sync.Mutex
	closed      bool
	agents      map[*CallAgent]struct{}
	certificate *transport.Certificate
	renew       time.Time // when certificate is to be replaced
}

// certificateUse is how long new sessions get the same certificate. It is well
// below its month of validity, so that no call outlives it.
const certificateUse = 14 * 24 * time.Hour

// New makes a client. It opens no connection. It returns ErrInvalidOptions
// when neither or both of Dialer and Endpoint are set.
func New(options *Options) (*Client, error) {
	if options == nil || (options.Dialer == nil) == (options.Endpoint == "") {
		return nil, fmt.Errorf("%w: set Dialer or Endpoint, one of the two", ErrInvalidOptions)
	}
	c := &Client{options: *options, dialer: options.Dialer, agents: map[*CallAgent]struct{}{}}
	if c.options.UserAgent == "" {
		c.options.UserAgent = "parley"
	}
	if c.options.AudioBitrate <= 0 {
		c.options.AudioBitrate = defaultAudioBitrate
	}
	if c.options.MaxVideoBitrate <= 0 {
		c.options.MaxVideoBitrate = defaultMaxVideoBitrate
	}
	if c.logger = c.options.Logger; c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.dialer == nil {
		ws := &signaling.WebSocketOptions{Logger: c.options.Logger}
		if c.options.RootCAs != nil {
			ws.TLSConfig = &tls.Config{RootCAs: c.options.RootCAs, MinVersion: tls.VersionTLS12}
		}
		if c.options.Net != nil {
			ws.DialContext = c.options.Net.DialContext
		}
		c.dialer = signaling.NewWebSocketDialer(c.options.Endpoint, ws)
	}
	if _, err := c.sessionCertificate(); err != nil {
		return nil, err
	}
	return c, nil
}

// sessionCertificate returns the certificate for a new media session.
func (c *Client) sessionCertificate() (*transport.Certificate, error) {
	c.mu.Lock()
	certificate, renew := c.certificate, c.renew
	c.mu.Unlock()
	now := time.Now()
	if certificate != nil && now.Before(renew) {
		return certificate, nil
	}
	certificate, err := transport.NewCertificate()
	if err != nil {
		return nil, fmt.Errorf("engine: make a certificate: %w", err)
	}
	c.mu.Lock()
	c.certificate, c.renew = certificate, now.Add(certificateUse)
	c.mu.Unlock()
	return certificate, nil
}

// NewCallAgent signs in with cred and returns once the service has welcomed the
// agent. From then on it receives calls. It returns ErrClosed on a closed
// client, an error wrapping ErrUnauthorized when the service refuses the token,
// and the context's error when ctx ends first.
func (c *Client) NewCallAgent(ctx context.Context, cred TokenCredential, options *CallAgentOptions) (*CallAgent, error) {
	if cred == nil {
		return nil, fmt.Errorf("%w: no credential", ErrInvalidOptions)
	}
	if options == nil {
		options = &CallAgentOptions{}
	}
	a, err := newCallAgent(c, cred, options)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.agents[a] = struct{}{}
	}
	c.mu.Unlock()
	if closed {
		a.abandon()
		return nil, ErrClosed
	}
	if err := a.signIn(ctx); err != nil {
		a.abandon()
		return nil, err
	}
	return a, nil
}

// forget takes an agent that is closed off the list.
func (c *Client) forget(a *CallAgent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.agents, a)
}

// stop refuses new agents and returns those that there are.
func (c *Client) stop() []*CallAgent {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return slices.Collect(maps.Keys(c.agents))
}

// Shutdown shuts all agents down: their calls are hung up, what is queued is
// delivered to handlers, then it returns. When ctx ends first, the rest is
// closed at once and the context's error is returned. Called from a handler it
// does not wait for that handler.
func (c *Client) Shutdown(ctx context.Context) error {
	agents := c.stop()
	errs := make([]error, len(agents))
	var wg sync.WaitGroup
	// Should this be a handler of one of the agents, then that agent must see
	// the handler's goroutine, so as not to wait for it.
	for i, a := range agents {
		if a.events.InHandler() {
			errs[i] = a.Shutdown(ctx)
			continue
		}
		wg.Go(func() { errs[i] = a.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close closes all agents at once. It is idempotent, may be called from a
// handler and never waits for handlers.
func (c *Client) Close() error {
	for _, a := range c.stop() {
		// Close of an agent does not fail.
		_ = a.Close()
	}
	return nil
}
