package signaling

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

// errNetworkChanged ends a connection because the app asked for another.
var errNetworkChanged = errors.New("signaling: network changed")

// clientPhase is where a client is in its life.
type clientPhase uint8

const (
	clientIdle clientPhase = iota
	clientStarting
	clientRunning
	clientClosed
)

// Client is the agent's end of a session. Its methods may be called from any
// goroutine, handlers included.
type Client struct {
	options  ClientOptions
	log      *slog.Logger
	codecs   wire.Codecs
	instance []byte
	counters counters
	// events runs Handler and StateChanged.
	events serial

	mu      sync.Mutex
	phase   clientPhase
	stream  *stream
	session []byte // empty when the next connection opens a new session
	link    *link  // nil while there is no connection
	welcome Welcome
	attempt uint32
	// interrupt ends the pause or the attempt to connect that is under way.
	interrupt context.CancelCauseFunc
	// ended is closed when the goroutine of run has ended; nil before Start.
	ended chan struct{}
}

// NewClient returns a client that is not connected yet.
func NewClient(options *ClientOptions) (*Client, error) {
	if options == nil || options.Dialer == nil || options.Token == nil {
		return nil, errors.New("signaling: NewClient needs a Dialer and a Token function")
	}
	c := &Client{options: options.withDefaults(), instance: make([]byte, 8)}
	_, _ = rand.Read(c.instance) // never fails since Go 1.24
	c.log = c.options.Logger
	if c.options.DeviceID == "" {
		c.options.DeviceID = hex.EncodeToString(c.instance)
	}
	if !c.options.NoCompression {
		var err error
		if c.codecs, err = wire.NewCodecs(1); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Start connects for the first time and returns the service's greeting. It
// tries once, and may be called again when it failed; after it has succeeded
// the client reconnects by itself until Close. The context counts for Start
// only. Errors: *GoodbyeError where the service sent the client away.
func (c *Client) Start(ctx context.Context) (Welcome, error) {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := c.starting(cancel); err != nil {
		return Welcome{}, err
	}
	// The connection outlives Start.
	connection, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	opened, err := c.connect(attempt, connection)
	if err != nil {
		stop(err)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.phase == clientClosed {
			return Welcome{}, ErrClosed
		}
		c.phase = clientIdle
		return Welcome{}, err
	}
	c.mu.Lock()
	if c.phase == clientStarting {
		c.phase = clientRunning
	}
	ended := make(chan struct{})
	c.ended = ended
	c.mu.Unlock()
	go func() {
		defer close(ended)
		defer stop(ErrClosed)
		c.run(connection, opened)
	}()
	return opened.welcome, nil
}

func (c *Client) starting(interrupt context.CancelCauseFunc) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase {
	case clientIdle:
		c.phase, c.interrupt = clientStarting, interrupt
		return nil
	case clientStarting, clientRunning:
		return errors.New("signaling: already started")
	case clientClosed:
		return ErrClosed
	default:
		return ErrClosed
	}
}

// Send queues a message for exactly-once, in-order delivery. It never blocks.
// Errors: ErrClosed, ErrNotStarted, ErrQueueFull, ErrTooLarge.
func (c *Client) Send(m *Message) error {
	for {
		c.mu.Lock()
		st, phase := c.stream, c.phase
		c.mu.Unlock()
		switch {
		case phase == clientClosed:
			return ErrClosed
		case st == nil:
			return ErrNotStarted
		}
		err := st.send(m)
		if !errors.Is(err, ErrClosed) {
			return err
		}
		if !c.replaced(st) {
			return ErrSessionLost
		}
	}
}

// replaced tells whether st is not the stream any more.
func (c *Client) replaced(st *stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream != st || c.phase == clientClosed
}

// NetworkChanged tells the client that the machine's addresses changed: the
// connection is replaced at once, without waiting for it to fail. While the
// client is reconnecting it tries again at once.
func (c *Client) NetworkChanged() {
	c.mu.Lock()
	interrupt, l, phase := c.interrupt, c.link, c.phase
	c.mu.Unlock()
	switch {
	case phase != clientRunning:
	case l != nil:
		l.abort(errNetworkChanged)
	case interrupt != nil:
		interrupt(errNetworkChanged)
	}
}

// Stats returns the counters.
func (c *Client) Stats() Stats { return c.counters.snapshot() }

// Close ends the session at once: queued messages are written if the
// connection takes them, the service is told, nothing is retried. It does not
// wait; no handler is called after the StateChanged with ClientClosed.
func (c *Client) Close() error {
	c.close(ErrClosed, true)
	return nil
}

// close moves to the last phase; cause is what StateChanged tells. Messages
// that wait for the handler are dropped with drop, and applied before
// StateChanged otherwise.
func (c *Client) close(cause error, drop bool) {
	c.mu.Lock()
	before := c.phase
	c.phase = clientClosed
	st, l, interrupt := c.stream, c.link, c.interrupt
	if before == clientRunning {
		c.tellLocked(ClientState{Phase: ClientClosed, Welcome: c.welcome, Err: cause})
	}
	c.mu.Unlock()
	if before == clientClosed {
		return
	}
	if interrupt != nil {
		interrupt(ErrClosed)
	}
	if st != nil {
		st.end(drop)
	}
	if l != nil {
		l.finish(goodbyeFrame(&GoodbyeError{Code: CodeNormal}), false)
	}
}

// Shutdown waits until the service has applied all queued messages, then
// closes and waits until the client's goroutines have ended, handlers
// included. When the context ends first it closes without waiting and returns
// the context's error. Do not call it from a handler.
func (c *Client) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	st, phase := c.stream, c.phase
	c.mu.Unlock()
	var err error
	if st != nil && phase == clientRunning {
		err = st.drained(ctx)
	}
	c.close(ErrClosed, true)
	if err != nil {
		return fmt.Errorf("signaling: shutdown: %w", err)
	}
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended != nil {
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("signaling: shutdown: %w", context.Cause(ctx))
		}
	}
	if err := c.events.wait(ctx); err != nil {
		return fmt.Errorf("signaling: shutdown: %w", err)
	}
	return nil
}

// changed tells the app about a state, in order with its messages. Nothing
// follows ClientClosed.
func (c *Client) changed(state ClientState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != clientClosed {
		c.tellLocked(state)
	}
}

func (c *Client) tellLocked(state ClientState) {
	if c.options.StateChanged != nil {
		c.events.push(func() { c.options.StateChanged(state) })
	}
}

// apply hands one message to the app.
func (c *Client) apply(m *Message) error {
	if c.options.Handler == nil {
		return nil
	}
	return c.options.Handler(m)
}

// applyFailed ends the session of a message that could not be applied; run
// then opens a new one.
func (c *Client) applyFailed(err error) {
	c.log.Warn("message could not be applied", slog.Any("error", err))
	c.mu.Lock()
	st, l := c.stream, c.link
	c.session = nil
	c.mu.Unlock()
	st.end(true)
	if l != nil {
		l.finish(goodbyeFrame(&refuse(CodeProtocolError, "message could not be applied").GoodbyeError), true)
	}
}

// tokenLead is how long before its end a token is refreshed: a fifth of its
// time, two minutes at most.
func tokenLead(left time.Duration) time.Duration { return min(left/5, 2*time.Minute) }
