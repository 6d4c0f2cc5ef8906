package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// Names of the two sides, in reports.
const (
	Caller = "caller"
	Callee = "callee"
)

// Options set up a Pair.
type Options struct {
	// Server are the service's options; DataDir empty is a folder that is
	// removed by Close.
	Server server.Options
	// PlainHTTP lets the engines use http: for emulated networks, where no
	// certificate fits the names.
	PlainHTTP bool
	// Sides hold what differs between caller and callee, in this order.
	Sides [2]SideOptions
	// ShareAddressEarly is passed on to both.
	ShareAddressEarly bool
	// Logger of all three; nil is silent.
	Logger *slog.Logger
}

// SideOptions set up one side.
type SideOptions struct {
	// Net is the engine's network; nil the operating system's.
	Net engine.Net
	// Dial opens connections to the service; nil the operating system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Pair is a service and two engines that are signed in.
type Pair struct {
	Service *server.Server
	Sides   [2]*Side

	folder string
}

// Side is one engine.
type Side struct {
	Name   string
	User   engine.Identifier
	Client *engine.Client
	Agent  *engine.CallAgent
	// Wire counts what went through its WebSocket.
	Wire *Wire

	account  *account.Service
	incoming chan *engine.IncomingCall
	mu       sync.Mutex
	rang     time.Time
}

// Start starts the service and signs both sides in.
func Start(ctx context.Context, options Options) (*Pair, error) {
	p := &Pair{}
	if options.Server.DataDir == "" {
		folder, err := os.MkdirTemp("", "parley-lab-")
		if err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
		p.folder, options.Server.DataDir = folder, folder
	}
	options.Server.Logger = options.Logger
	var err error
	if p.Service, err = server.New(options.Server); err != nil {
		return nil, errors.Join(fmt.Errorf("service: %w", err), p.Close())
	}
	for i, name := range []string{Caller, Callee} {
		if p.Sides[i], err = p.signIn(ctx, name, &options, &options.Sides[i]); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), p.Close())
		}
	}
	return p, nil
}

func (p *Pair) signIn(ctx context.Context, name string, options *Options, own *SideOptions) (*Side, error) {
	c := p.Service.Connection()
	endpoint, ca := c.Endpoint, c.CAFile
	if options.PlainHTTP {
		endpoint, ca = c.HTTPEndpoint, ""
	}
	dial := own.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	acc, err := account.New(account.Connection{Endpoint: endpoint, AccessKey: c.AccessKey, CAFile: ca}, dial)
	if err != nil {
		return nil, err
	}
	s := &Side{Name: name, account: acc, Wire: &Wire{}, incoming: make(chan *engine.IncomingCall, 16)}
	if s.User, err = acc.User(ctx, name); err != nil {
		return nil, err
	}
	web := &signaling.WebSocketOptions{DialContext: dial, Logger: options.Logger}
	if acc.RootCAs() != nil {
		web.TLSConfig = acc.TLS()
	}
	s.Wire.below = signaling.NewWebSocketDialer(endpoint, web)
	s.Client, err = engine.New(&engine.Options{
		Dialer: s.Wire, RootCAs: acc.RootCAs(), Net: own.Net, Logger: options.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	s.Agent, err = s.Client.NewCallAgent(ctx, acc.Credential(s.User), &engine.CallAgentOptions{
		DisplayName: name, ShareAddressEarly: options.ShareAddressEarly,
		Events: engine.CallAgentEvents{IncomingCall: s.ring},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sign in: %w", err), s.Client.Close())
	}
	return s, nil
}

func (s *Side) ring(e engine.IncomingCallReceived) {
	s.mu.Lock()
	s.rang = time.Now()
	s.mu.Unlock()
	s.incoming <- e.Call
}

// Rang returns when the newest call began to ring at this side.
func (s *Side) Rang() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rang
}

// Incoming waits for the next call that rings at this side.
func (s *Side) Incoming(ctx context.Context) (*engine.IncomingCall, error) {
	select {
	case c := <-s.incoming:
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no call came: %w", s.Name, ctx.Err())
	}
}

// Close ends engines and service.
func (p *Pair) Close() error {
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	for _, s := range p.Sides {
		if s != nil {
			errs = append(errs, s.Client.Shutdown(ctx))
			s.account.Close()
		}
	}
	if p.Service != nil {
		errs = append(errs, p.Service.Close())
	}
	if p.folder != "" {
		errs = append(errs, os.RemoveAll(p.folder))
	}
	return errors.Join(errs...)
}

const closeTime = 10 * time.Second

// Wire is a signaling.Dialer that counts the payload of the WebSocket.
type Wire struct {
	below signaling.Dialer

	mu       sync.Mutex
	sent     int
	received int
	frames   int
}

// Dial implements signaling.Dialer.
func (w *Wire) Dial(ctx context.Context) (signaling.Conn, error) {
	c, err := w.below.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, wire: w}, nil
}

// Counts returns the payload bytes of both directions and the frames so far.
func (w *Wire) Counts() (sent, received, frames int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent, w.received, w.frames
}

func (w *Wire) count(sent, received int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent += sent
	w.received += received
	w.frames++
}

type wireConn struct {
	signaling.Conn
	wire *Wire
}

func (c *wireConn) Read(ctx context.Context) ([]byte, error) {
	b, err := c.Conn.Read(ctx)
	if err == nil {
		c.wire.count(0, len(b))
	}
	return b, err
}

func (c *wireConn) Write(ctx context.Context, b []byte) error {
	err := c.Conn.Write(ctx, b)
	if err == nil {
		c.wire.count(len(b), 0)
	}
	return err
}
