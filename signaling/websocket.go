package signaling

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-rtc/parley/internal/readiness"
)

// Path is where the service takes signaling connections.
const Path = "/parley/v1/signaling"

// Subprotocol is the WebSocket subprotocol of version 1.
const Subprotocol = "parley.v1"

// closeTime limits the WebSocket's closing handshake.
const closeTime = time.Second

// ErrNotParley is returned by a WebSocket dialer when something else than the
// service answers.
var ErrNotParley = errors.New("signaling: not a Parley service")

// WebSocketOptions configure NewWebSocketDialer.
type WebSocketOptions struct {
	// TLSConfig is used for https endpoints. nil: the system's authorities.
	TLSConfig *tls.Config
	// DialContext opens the TCP connection. nil: net.Dialer, through the
	// proxy that the environment names.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets debug messages. nil is silent.
	Logger *slog.Logger
}

// NewWebSocketDialer returns a Dialer for the service at endpoint, an https
// or http URL with host and optional port; its path is ignored. An endpoint
// that cannot be used fails each Dial.
func NewWebSocketDialer(endpoint string, options *WebSocketOptions) Dialer {
	if options == nil {
		options = &WebSocketOptions{}
	}
	d := &webSocketDialer{log: options.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.url, d.err = webSocketURL(endpoint)
	// A transport of its own: a connection is used once and for long, and an
	// idle one must not stay behind.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: options.DialContext}
	if options.DialContext == nil {
		transport.Proxy = http.ProxyFromEnvironment
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if options.TLSConfig != nil {
		transport.TLSClientConfig = options.TLSConfig.Clone()
	}
	// The service may tell a relay's clients from ours by ALPN. WebSockets
	// need HTTP/1.1.
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	if transport.TLSClientConfig.ClientSessionCache == nil {
		// Reconnecting is then cheaper for both ends.
		transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	d.client = &http.Client{Transport: transport}
	return d
}

func webSocketURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("signaling: endpoint: %w", err)
	}
	switch u.Scheme {
	case "https", "wss":
		u.Scheme = "wss"
	case "http", "ws":
		u.Scheme = "ws"
	default:
		return "", fmt.Errorf("signaling: endpoint %q is neither https nor http", endpoint)
	}
	if u.Host == "" {
		return "", fmt.Errorf("signaling: endpoint %q has no host", endpoint)
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: Path}).String(), nil
}

type webSocketDialer struct {
	url    string
	err    error
	client *http.Client
	log    *slog.Logger
}

// Dial opens one WebSocket.
func (d *webSocketDialer) Dial(ctx context.Context) (Conn, error) {
	if d.err != nil {
		return nil, d.err
	}
	ws, response, err := websocket.Dial(ctx, d.url, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: d.client, Subprotocols: []string{Subprotocol},
	})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("%w: HTTP status %d: %w", ErrNotParley, response.StatusCode, err)
		}
		return nil, fmt.Errorf("signaling: dial: %w", err)
	}
	c := newWebSocketConn(ws)
	if ws.Subprotocol() != Subprotocol {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("%w: subprotocol %q", ErrNotParley, ws.Subprotocol())
	}
	d.log.Debug("websocket open", slog.String("url", d.url))
	return c, nil
}

// AcceptWebSocket upgrades a request. On an error it has answered the request.
// The connection is the caller's: it outlives the handler, whose request's
// context does not. Serving it on a goroutine of its own sets the http server's
// free, with its stack and buffers.
func AcceptWebSocket(w http.ResponseWriter, r *http.Request) (Conn, error) {
	small := &smallBuffers{ResponseWriter: w}
	ws, err := websocket.Accept(small, r, &websocket.AcceptOptions{
		Subprotocols: []string{Subprotocol},
		// Any origin: who may connect is decided by the token in the hello.
		// There is no cookie that a foreign page could misuse.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return nil, fmt.Errorf("signaling: accept: %w", err)
	}
	c := newWebSocketConn(ws)
	c.waiter, c.buffer = small.waiter, small.buffer
	return c, nil
}

// Buffers of an accepted connection. The http server's own are 4 KiB each way,
// for as long as the connection lives, which is mostly idle; what is larger
// than these passes them by.
const (
	readBuffer  = 512
	writeBuffer = 512
)

// smallBuffers replaces the buffers of a connection that is taken from the
// http server.
type smallBuffers struct {
	http.ResponseWriter

	// waiter waits for the connection that was taken, nil where that cannot be
	// done; buffer is what its reads go through.
	waiter *readiness.Waiter
	buffer *bufio.Reader
}

// Hijack implements http.Hijacker.
func (w *smallBuffers) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("signaling: accept: %w", err)
	}
	begun, err := both.Peek(both.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("signaling: accept: %w", err), conn.Close())
	}
	if w.waiter = readiness.NewWaiter(conn); w.waiter != nil {
		conn = w.waiter.Conn()
	}
	if len(begun) > 0 { // a client that did not wait for the answer
		conn = &begunConn{conn, bytes.Clone(begun)}
	}
	w.buffer = bufio.NewReaderSize(conn, readBuffer)
	return conn, bufio.NewReadWriter(w.buffer, bufio.NewWriterSize(conn, writeBuffer)), nil
}

// begunConn is a connection of which something was read already.
type begunConn struct {
	net.Conn
	begun []byte // used by the reader only
}

// Read implements net.Conn.
func (c *begunConn) Read(b []byte) (int, error) {
	if len(c.begun) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.begun)
	c.begun = c.begun[n:]
	return n, nil
}

// webSocketConn makes a Conn of a WebSocket.
type webSocketConn struct {
	ws   *websocket.Conn
	once sync.Once
	// greeted is set once the first message was read; only the reader uses it.
	greeted bool
	// waiter, if not nil, waits for messages with less than a read needs; buffer
	// is what reads go through. mu keeps the closing handshake, which reads,
	// from changing them meanwhile.
	waiter *readiness.Waiter
	buffer *bufio.Reader
	mu     sync.Mutex
	// waiting is set while the waiter waits.
	waiting atomic.Bool
}

// maxGreeting is the largest first message: until the far end has shown who it
// is, it may not make us hold much.
const maxGreeting = 32 << 10

func newWebSocketConn(ws *websocket.Conn) *webSocketConn {
	ws.SetReadLimit(maxGreeting)
	return &webSocketConn{ws: ws}
}

// Read returns the next binary message.
func (c *webSocketConn) Read(ctx context.Context) ([]byte, error) {
	kind, data, err := c.ws.Read(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConnClosed, err)
	case kind != websocket.MessageBinary:
		return nil, fmt.Errorf("%w: text message", ErrMalformed)
	}
	if !c.greeted {
		c.greeted = true
		c.ws.SetReadLimit(MaxFrame)
	}
	return data, nil
}

// await implements awaiter. Its goroutine is new, so that its stack is small.
func (c *webSocketConn) await(ctx context.Context, f func()) bool {
	if c.waiter == nil || c.pending() {
		return false
	}
	go c.wait(ctx, f)
	return true
}

// wait calls f when there is something to read.
func (c *webSocketConn) wait(ctx context.Context, f func()) {
	c.waiting.Store(true)
	// Looked at after the store: interrupt either sees it or was called before.
	if ctx.Err() == nil {
		c.waiter.Wait()
	}
	c.waiting.Store(false)
	f()
}

// interrupt implements awaiter. The end of the context closes the connection,
// as it does in the midst of a read.
func (c *webSocketConn) interrupt() {
	if c.waiting.Load() {
		_ = c.ws.CloseNow()
	}
}

func (c *webSocketConn) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buffer.Buffered() > 0 || c.waiter.Pending()
}

// Write sends one binary message.
func (c *webSocketConn) Write(ctx context.Context, message []byte) error {
	if err := c.ws.Write(ctx, websocket.MessageBinary, message); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", ErrConnClosed, err)
	}
	return nil
}

// Close makes the closing handshake, or with a code below 1000 does without.
func (c *webSocketConn) Close(code int, reason string) error {
	c.once.Do(func() {
		if code >= 1000 {
			cut := time.AfterFunc(closeTime, func() { _ = c.ws.CloseNow() })
			defer cut.Stop()
			c.mu.Lock()
			defer c.mu.Unlock()
			// A reason has room for 123 bytes (RFC 6455 5.5.1).
			_ = c.ws.Close(websocket.StatusCode(code), shorten(reason, 123))
		}
		_ = c.ws.CloseNow()
	})
	return nil
}
