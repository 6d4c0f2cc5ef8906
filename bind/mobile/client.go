package mobile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/rest/core"
)

// ClientOptions configure a Client. They are read once, by NewClient.
type ClientOptions struct {
	// Endpoint is the service's address, "https://host:port". Required.
	Endpoint string
	// RootCertificates are authorities in PEM form that the service's
	// certificate is verified with, for a service with an authority of its own
	// (caFile in its connection.json). Empty: the system's.
	RootCertificates string
	// AllowPlainHTTP lets an Endpoint be "http://…", where everybody in between
	// reads the tokens: for tests. False: refused with ErrorCodeInvalidArgument.
	AllowPlainHTTP bool
	// RelayOnly sends all media through the service's relay, so that nobody sees
	// this device's addresses. False: a direct path once a call is accepted.
	RelayOnly bool
	// AudioBitrate is the target of the audio encoder in bit/s. Zero: 40,000.
	AudioBitrate int32
	// MaxVideoBitrate bounds the video that a call sends, in bit/s. Zero: 2,500,000.
	MaxVideoBitrate int32
	// TimeLimit bounds every method that waits for the service or the other side
	// of a call, in milliseconds. Zero: 45,000.
	TimeLimit int64
	// UserAgent names the application in the service's log. Empty: "parley-mobile".
	UserAgent string
	// MemoryLimit is the memory that Go may use before it collects garbage at any
	// price, in bytes, and GCPercent how much it may grow between two collections.
	// Both are of the whole process. Zero: 48 MiB and 50. Negative: as they are.
	MemoryLimit int64
	GCPercent   int32
	// Log takes the library's log. Nothing: silent. It is dropped by Close.
	Log LogListener
}

// Client is the entry object: it knows the service and makes call agents and
// chat clients. Its methods may be called from any thread.
type Client struct {
	scope     *scope
	options   ClientOptions
	engine    *engine.Client
	roots     *x509.CertPool
	transport *http.Client
	audio     *Audio
	log       slot[LogListener]

	mu     sync.Mutex
	agents map[*CallAgent]struct{}
	chats  map[*ChatClient]struct{}
}

// NewClient makes a client. It opens no connection. An endpoint or certificates
// that cannot be give ErrorCodeInvalidArgument.
func NewClient(options *ClientOptions) (client *Client, err error) {
	defer guard(&err)
	if options == nil {
		options = &ClientOptions{}
	}
	c := &Client{options: *options, audio: newAudio(time.Now), agents: map[*CallAgent]struct{}{}, chats: map[*ChatClient]struct{}{}}
	// Only the slot holds the listener.
	c.options.Log = nil
	if options.Log != nil {
		c.log.set(options.Log)
	}
	c.scope = newScope(time.Duration(options.TimeLimit)*time.Millisecond, slog.New(&logHandler{log: &c.log}))
	if err := c.checkEndpoint(); err != nil {
		return nil, err
	}
	c.transport = core.NewTransport(&core.TransportOptions{RootCAs: c.roots})
	engineOptions := &engine.Options{
		Endpoint: c.options.Endpoint, RootCAs: c.roots, RelayOnly: c.options.RelayOnly,
		AudioBitrate: int(c.options.AudioBitrate), MaxVideoBitrate: int(c.options.MaxVideoBitrate),
		UserAgent: c.options.UserAgent,
	}
	if options.Log != nil {
		engineOptions.Logger = c.scope.logger
	}
	if c.engine, err = engine.New(engineOptions); err != nil {
		return nil, err
	}
	limitMemory(options.MemoryLimit, options.GCPercent)
	return c, nil
}

// checkEndpoint checks and completes the options that say where the service is.
func (c *Client) checkEndpoint() error {
	o := &c.options
	plain := strings.HasPrefix(o.Endpoint, "http://")
	if !plain && !strings.HasPrefix(o.Endpoint, "https://") {
		return fmt.Errorf("%w: the endpoint must begin with https://", errArgument)
	}
	if plain && !o.AllowPlainHTTP {
		return fmt.Errorf("%w: %w", errArgument, core.ErrPlainHTTP)
	}
	if o.RootCertificates != "" {
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM([]byte(o.RootCertificates)) {
			return fmt.Errorf("%w: RootCertificates holds no certificate", errArgument)
		}
	}
	if o.UserAgent == "" {
		o.UserAgent = "parley-mobile"
	}
	return nil
}

// tls returns the configuration for connections to the service.
func (c *Client) tls() *tls.Config {
	if c.roots == nil {
		return nil
	}
	return &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
}

// run carries out an operation. A Client that NewClient did not make, which some
// languages allow, counts as closed, and so do all other objects.
func (c *Client) run(canceler *Canceler, operation func(ctx context.Context) error) error {
	return c.scope.run(canceler, operation)
}

// NewCallAgent signs in and returns once the service has welcomed the agent;
// from then on it receives calls. options may be nothing. The listener, which
// may be nothing too, is dropped when the agent or the client is closed. A
// refused token gives ErrorCodeUnauthorized.
func (c *Client) NewCallAgent(credential *Credential, options *CallAgentOptions, listener CallAgentListener) (agent *CallAgent, err error) {
	defer guard(&err)
	if c.scope == nil {
		return nil, errClosed
	}
	if credential == nil || credential.source == nil {
		return nil, fmt.Errorf("%w: no credential", errArgument)
	}
	if options == nil {
		options = &CallAgentOptions{}
	}
	a := newCallAgent(c)
	if listener != nil {
		a.listener.set(listener)
	}
	err = c.run(options.Canceler, func(ctx context.Context) (err error) {
		a.agent, err = c.engine.NewCallAgent(ctx, credential.forEngine(), a.engineOptions(options))
		return err
	})
	close(a.ready)
	if err != nil {
		a.drop()
		return nil, err
	}
	c.mu.Lock()
	c.agents[a] = struct{}{}
	c.mu.Unlock()
	if c.scope.isClosed() {
		a.Close()
		return nil, errClosed
	}
	return a, nil
}

// Audio returns the phone's microphone and loudspeaker, as all calls of this
// client use them.
func (c *Client) Audio() *Audio {
	defer quiet()
	return c.audio
}

// Shutdown hangs all calls up, signs out, tells listeners what is left to tell
// and closes the client. It waits for that, TimeLimit at most. It is not for
// listeners: they call Close.
func (c *Client) Shutdown() (err error) {
	defer guard(&err)
	if c.scope == nil || c.scope.isClosed() {
		return nil
	}
	for _, chat := range c.allChats() {
		if e := chat.Shutdown(); e != nil {
			err = e
		}
	}
	if e := c.run(nil, c.engine.Shutdown); e != nil && !c.scope.isClosed() {
		err = e
	}
	c.Close()
	return err
}

// Close ends everything at once and drops all listeners: nothing is told any
// more. It waits for nothing and may be called from a listener, and again.
func (c *Client) Close() {
	defer quiet()
	c.scope.close()
	for _, agent := range c.allAgents() {
		agent.Close()
	}
	for _, chat := range c.allChats() {
		chat.Close()
	}
	// It does not fail.
	_ = c.engine.Close()
	c.transport.CloseIdleConnections()
	c.log.drop()
}

func (c *Client) allAgents() []*CallAgent {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*CallAgent, 0, len(c.agents))
	for a := range c.agents {
		list = append(list, a)
	}
	return list
}

func (c *Client) allChats() []*ChatClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*ChatClient, 0, len(c.chats))
	for a := range c.chats {
		list = append(list, a)
	}
	return list
}

func (c *Client) forgetAgent(a *CallAgent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.agents, a)
}

func (c *Client) forgetChat(a *ChatClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.chats, a)
}
