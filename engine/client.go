package engine

import (
	"context"
	"crypto/x509"
	"log/slog"
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
}

// New makes a client. It opens no connection. It returns ErrInvalidOptions
// when neither or both of Dialer and Endpoint are set.
func New(options *Options) (*Client, error) {
	return nil, errNotYet
}

// NewCallAgent signs in with cred and returns once the service has welcomed the
// agent. From then on it receives calls. It returns ErrClosed on a closed
// client, an error wrapping ErrUnauthorized when the service refuses the token,
// and the context's error when ctx ends first.
func (c *Client) NewCallAgent(ctx context.Context, cred TokenCredential, options *CallAgentOptions) (*CallAgent, error) {
	return nil, errNotYet
}

// Shutdown shuts all agents down: their calls are hung up, what is queued is
// delivered to handlers, then it returns. When ctx ends first, the rest is
// closed at once and the context's error is returned. A handler that calls it
// would wait for itself: it should call Close.
func (c *Client) Shutdown(ctx context.Context) error { return nil }

// Close closes all agents at once. It is idempotent, may be called from a
// handler and never waits for handlers.
func (c *Client) Close() error { return nil }
