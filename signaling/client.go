package signaling

import (
	"context"
	"errors"
	"fmt"
)

// Client is the agent's end of a session. Its methods may be called from any
// goroutine, handlers included.
type Client struct {
	options ClientOptions
}

// NewClient returns a client that is not connected yet.
func NewClient(options *ClientOptions) (*Client, error) {
	if options == nil || options.Dialer == nil || options.Token == nil {
		return nil, fmt.Errorf("signaling: NewClient needs a Dialer and a Token function: %w", errors.ErrUnsupported)
	}
	return &Client{options: *options}, nil
}

// Start connects for the first time and returns the service's greeting. It
// tries once; after it has succeeded the client reconnects by itself until
// Close. The context counts for Start only.
func (c *Client) Start(ctx context.Context) (Welcome, error) {
	return Welcome{}, fmt.Errorf("signaling: start: %w", ErrNotStarted)
}

// Send queues a message for exactly-once, in-order delivery. It never blocks.
// Errors: ErrClosed, ErrNotStarted, ErrQueueFull, ErrTooLarge.
func (c *Client) Send(m *Message) error { return ErrNotStarted }

// NetworkChanged tells the client that the machine's addresses changed: the
// connection is replaced at once, without waiting for it to fail.
func (c *Client) NetworkChanged() {}

// Stats returns the counters.
func (c *Client) Stats() Stats { return Stats{} }

// Close ends the session at once: queued messages are written if the
// connection takes them, the service is told, nothing is retried. It does not
// wait; no handler is called after the StateChanged with ClientClosed.
func (c *Client) Close() error { return nil }

// Shutdown waits until the service has applied all queued messages, then
// closes and waits until the client's goroutines have ended. When the context
// ends first it closes without waiting. Do not call it from a handler.
func (c *Client) Shutdown(ctx context.Context) error { return nil }
