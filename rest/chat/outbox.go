package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/dispatch"
	"github.com/parley-rtc/parley/rest/core"
)

// OutboxMessage is a message that waits to be sent.
type OutboxMessage struct {
	// ClientID names the message. Add gives it one when it is empty.
	ClientID string `json:"clientId"`
	// ThreadID and Content are required.
	ThreadID string `json:"threadId"`
	Content  string `json:"content"`
	// Type is MessageTypeText or MessageTypeHTML. Empty: text.
	Type              MessageType       `json:"type,omitempty"`
	SenderDisplayName string            `json:"senderDisplayName,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	// Added is when it was added.
	Added time.Time `json:"added"`
}

// OutboxStore keeps the messages of an Outbox over restarts. Its methods are
// called one at a time. NewFileOutboxStore is one.
type OutboxStore interface {
	// Load returns the messages in the order in which they were put.
	Load() ([]OutboxMessage, error)
	// Put keeps a message; it returns when it would survive a loss of power.
	Put(m OutboxMessage) error
	// Delete forgets a message.
	Delete(clientID string) error
	// Close ends the use of the store.
	Close() error
}

// OutboxSender sends the messages of an Outbox. A Realtime is one that sends
// each exactly once. A Client is one that sends each at least once: the
// contract of ACS has no id for messages, so one whose answer was lost is sent
// again.
type OutboxSender interface {
	SendOutboxMessage(ctx context.Context, m OutboxMessage) (messageID string, err error)
}

// SendOutboxMessage sends a message of an Outbox, exactly once.
func (r *Realtime) SendOutboxMessage(ctx context.Context, m OutboxMessage) (string, error) {
	sent, err := r.SendMessage(ctx, m.ThreadID, m.Content, &RealtimeSendMessageOptions{
		Type: m.Type, SenderDisplayName: m.SenderDisplayName, Metadata: m.Metadata, ClientID: m.ClientID,
	})
	return sent.ID, err
}

// SendOutboxMessage sends a message of an Outbox over REST, at least once.
func (c *Client) SendOutboxMessage(ctx context.Context, m OutboxMessage) (string, error) {
	thread, err := c.NewThreadClient(m.ThreadID)
	if err != nil {
		return "", err
	}
	options := &ThreadClientSendMessageOptions{Metadata: m.Metadata}
	if m.Type != "" {
		options.Type = &m.Type
	}
	if m.SenderDisplayName != "" {
		options.SenderDisplayName = &m.SenderDisplayName
	}
	sent, err := thread.SendMessage(ctx, m.Content, options)
	if err != nil {
		return "", err
	}
	return *sent.ID, nil
}

// OutboxOptions configure an Outbox.
type OutboxOptions struct {
	// Store keeps the messages; required. The outbox closes it.
	Store OutboxStore
	// Sender sends them; required.
	Sender OutboxSender
	// Sent and Failed tell what became of a message; nil ones are not
	// interested. They are called in order, one at a time, and may call any
	// method, Close included.
	Sent   func(OutboxSent)
	Failed func(OutboxFailed)
	// Retry is the pause after the first failure that may pass, doubled to a
	// minute. Zero: one second. When the service says how long to wait, as for a
	// limit, that counts instead.
	Retry time.Duration
	// Logger gets debug messages, never what was written. Nil is silent.
	Logger *slog.Logger
}

// OutboxSent is a message that was sent.
type OutboxSent struct {
	Message OutboxMessage
	// MessageID is the id that the service gave it.
	MessageID string
}

// OutboxFailed is a message that the service will never take. It is in the
// outbox no more.
type OutboxFailed struct {
	Message OutboxMessage
	Err     error
}

const (
	outboxRetry    = time.Second
	outboxRetryMax = time.Minute
)

// Outbox sends messages when it can: those that were added while there was no
// network, or before a restart, are sent later, in each thread in the order in
// which they were added. How often one may arrive is the sender's matter. Its
// methods may be called from any goroutine.
type Outbox struct {
	options OutboxOptions
	events  *dispatch.Dispatcher
	stop    context.CancelFunc
	base    context.Context //nolint:containedctx // the life of the outbox, handed to the goroutines of its threads
	running sync.WaitGroup

	mu     sync.Mutex // over the store too
	lanes  map[string]*lane
	closed bool
}

// lane has the messages of one thread that wait; a goroutine sends them while
// there are any.
type lane struct {
	waiting []OutboxMessage
	hurry   chan struct{}
}

// NewOutbox opens an outbox and begins to send what is in the store. Close it
// when done. The error wraps core.ErrInvalidParameter, or is the store's.
func NewOutbox(options OutboxOptions) (*Outbox, error) {
	if options.Store == nil || options.Sender == nil {
		return nil, fmt.Errorf("%w: an outbox needs a store and a sender", core.ErrInvalidParameter)
	}
	if options.Retry <= 0 {
		options.Retry = outboxRetry
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	stored, err := options.Store.Load()
	if err != nil {
		return nil, fmt.Errorf("chat: outbox: %w", err)
	}
	o := &Outbox{options: options, events: dispatch.New(), lanes: map[string]*lane{}}
	o.base, o.stop = context.WithCancel(context.Background())
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range stored {
		o.queueLocked(m)
	}
	return o, nil
}

// Add puts a message into the outbox and returns its ClientID. When it has
// returned the message survives a restart. Adding a ClientID that waits already
// does nothing. Errors: core.ErrInvalidParameter, ErrClosed, or the store's.
func (o *Outbox) Add(m OutboxMessage) (clientID string, err error) {
	if m.ThreadID == "" || m.Content == "" {
		return "", fmt.Errorf("%w: a message needs a thread and a content", core.ErrInvalidParameter)
	}
	if m.ClientID == "" {
		m.ClientID = newClientID()
	}
	if m.Added.IsZero() {
		m.Added = time.Now().UTC()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return "", ErrClosed
	}
	if o.findLocked(m.ClientID) != nil {
		return m.ClientID, nil
	}
	if err := o.options.Store.Put(m); err != nil {
		return "", fmt.Errorf("chat: outbox: %w", err)
	}
	o.queueLocked(m)
	return m.ClientID, nil
}

func (o *Outbox) findLocked(clientID string) *lane {
	for _, l := range o.lanes {
		if slices.ContainsFunc(l.waiting, func(m OutboxMessage) bool { return m.ClientID == clientID }) {
			return l
		}
	}
	return nil
}

func (o *Outbox) queueLocked(m OutboxMessage) {
	l := o.lanes[m.ThreadID]
	if l == nil {
		l = &lane{hurry: make(chan struct{}, 1)}
		o.lanes[m.ThreadID] = l
		o.running.Go(func() { o.send(m.ThreadID, l) })
	}
	l.waiting = append(l.waiting, m)
}

// Waiting returns the messages that were not sent yet, those of a thread in order.
func (o *Outbox) Waiting() []OutboxMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []OutboxMessage
	for _, l := range o.lanes {
		all = append(all, l.waiting...)
	}
	return all
}

// Remove gives a message up. It may be on its way.
func (o *Outbox) Remove(clientID string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrClosed
	}
	l := o.findLocked(clientID)
	if l == nil {
		return nil
	}
	if err := o.options.Store.Delete(clientID); err != nil {
		return fmt.Errorf("chat: outbox: %w", err)
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(m OutboxMessage) bool { return m.ClientID == clientID })
	return nil
}

// Retry tries again at once what is waiting after a failure: there is a network
// again, for example.
func (o *Outbox) Retry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		select {
		case l.hurry <- struct{}{}:
		default:
		}
	}
}

// Close ends sending at once; what waits stays in the store. It waits for what
// runs, but for no handler, and may be called more than once.
func (o *Outbox) Close() error {
	o.mu.Lock()
	closed := o.closed
	o.closed = true
	o.mu.Unlock()
	if closed {
		return nil
	}
	o.stop()
	o.running.Wait()
	o.events.Close()
	if err := o.options.Store.Close(); err != nil {
		return fmt.Errorf("chat: outbox: %w", err)
	}
	return nil
}

// send sends the messages of a thread, one after the other.
func (o *Outbox) send(thread string, l *lane) {
	pause := o.options.Retry
	for {
		m, ok := o.next(thread, l)
		if !ok {
			return
		}
		id, err := o.options.Sender.SendOutboxMessage(o.base, m)
		switch {
		case o.base.Err() != nil:
			return // it stays in the store: whether it arrived is seen next time
		case err == nil:
			pause = o.options.Retry
			o.done(l, m, func() {
				if o.options.Sent != nil {
					o.options.Sent(OutboxSent{Message: m, MessageID: id})
				}
			})
		case final(err):
			o.done(l, m, func() {
				if o.options.Failed != nil {
					o.options.Failed(OutboxFailed{Message: m, Err: err})
				}
			})
		default:
			o.options.Logger.Debug("message not sent yet", "error", err)
			if asked := retryAfter(err); asked > 0 {
				if !o.wait(l, asked) {
					return
				}
				continue
			}
			if !o.wait(l, pause) {
				return
			}
			pause = min(pause*2, outboxRetryMax)
		}
	}
}

// next returns the first message of a thread; without one the lane is over.
func (o *Outbox) next(thread string, l *lane) (OutboxMessage, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(l.waiting) == 0 {
		delete(o.lanes, thread)
		return OutboxMessage{}, false
	}
	return l.waiting[0], true
}

// done takes a message out and tells what became of it.
func (o *Outbox) done(l *lane, m OutboxMessage, tell func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := len(l.waiting)
	l.waiting = slices.DeleteFunc(l.waiting, func(w OutboxMessage) bool { return w.ClientID == m.ClientID })
	if len(l.waiting) < before {
		if err := o.options.Store.Delete(m.ClientID); err != nil {
			// It is sent again after a restart, under the same id.
			o.options.Logger.Warn("outbox", "error", err)
		}
	}
	o.events.Post(tell)
}

func (o *Outbox) wait(l *lane, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.hurry:
	case <-o.base.Done():
		return false
	}
	return true
}

// retryAfter is the wait that the service asks for; zero for none.
func retryAfter(err error) time.Duration {
	var refused *RefusedError
	var response *core.ResponseError
	switch {
	case errors.As(err, &refused):
		return refused.RetryAfter
	case errors.As(err, &response):
		wait, _ := core.RetryAfter(response.RawResponse)
		return wait
	default:
		return 0
	}
}

// final tells whether a failure will not pass.
func final(err error) bool {
	code := 0
	var refused *RefusedError
	var response *core.ResponseError
	switch {
	case errors.As(err, &refused):
		code = refused.StatusCode
	case errors.As(err, &response):
		code = response.StatusCode
	default:
		return errors.Is(err, core.ErrInvalidParameter)
	}
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusUnauthorized:
		return false
	default:
		return code >= http.StatusBadRequest && code < http.StatusInternalServerError
	}
}
