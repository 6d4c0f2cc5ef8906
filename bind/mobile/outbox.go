package mobile

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/rest/chat"
)

// OutboxListener hears what became of messages, one at a time and in order, on
// a thread of the library.
type OutboxListener interface {
	// OnSent is called when a message was sent; messageID is the service's id.
	OnSent(message *OutboxMessage, messageID string)
	// OnSendFailed is called when the service will never take a message. It is in
	// the outbox no more.
	OnSendFailed(message *OutboxMessage, failure *Failure)
}

// OutboxMessage is a message that waits, or waited, in an outbox.
type OutboxMessage struct {
	ClientID string
	ThreadID string
	Content  string
	// HTML tells that the content has marks of HTML.
	HTML bool
	// AddedOn is when it was added, in milliseconds since 1970.
	AddedOn int64
}

func outboxMessage(m chat.OutboxMessage) *OutboxMessage {
	return &OutboxMessage{
		ClientID: m.ClientID, ThreadID: m.ThreadID, Content: m.Content, HTML: m.Type == chat.MessageTypeHTML, AddedOn: milliseconds(&m.Added),
	}
}

// OutboxMessageList is a list of messages as it was when it was asked for.
type OutboxMessageList struct{ messages []*OutboxMessage }

// Len returns how many there are.
func (l *OutboxMessageList) Len() int32 {
	defer quiet()
	return int32(len(l.messages))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *OutboxMessageList) At(i int32) *OutboxMessage {
	defer quiet()
	return at(l.messages, i)
}

// Outbox keeps messages in a file until they are sent: those that were added
// while there was no network, or before a restart, are sent later, in each
// thread in order. Its methods may be called from any thread.
type Outbox struct {
	chat     *ChatClient
	outbox   *chat.Outbox
	listener slot[OutboxListener]
}

// OpenOutbox opens an outbox whose messages are in the file path, which is made
// when it is not there and which only one outbox may use at a time; it begins to
// send what is in it. Before Start a message whose answer was lost may be there
// twice; afterwards each is sent once. The listener, which may be nothing, is
// dropped by Close. ChatClient.Close closes its outboxes.
func (c *ChatClient) OpenOutbox(path string, listener OutboxListener) (outbox *Outbox, err error) {
	defer guard(&err)
	if !c.open() {
		return nil, errClosed
	}
	if path == "" {
		return nil, fmt.Errorf("%w: no path", errArgument)
	}
	store, err := chat.NewFileOutboxStore(path)
	if err != nil {
		return nil, err
	}
	o := &Outbox{chat: c}
	if listener != nil {
		o.listener.set(listener)
	}
	o.outbox, err = chat.NewOutbox(chat.OutboxOptions{
		Store: store, Sender: &outboxSender{chat: c}, Logger: c.client.scope.logger,
		Sent: func(s chat.OutboxSent) {
			o.tell(func(l OutboxListener) { l.OnSent(outboxMessage(s.Message), s.MessageID) })
		},
		Failed: func(f chat.OutboxFailed) {
			o.tell(func(l OutboxListener) { l.OnSendFailed(outboxMessage(f.Message), FailureOf(f.Err)) })
		},
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	closed := c.closed
	c.outboxes[o] = struct{}{}
	c.mu.Unlock()
	if closed {
		o.Close()
		return nil, errClosed
	}
	return o, nil
}

// outboxSender sends over the connection for events when it is there.
type outboxSender struct{ chat *ChatClient }

// SendOutboxMessage implements chat.OutboxSender.
func (s *outboxSender) SendOutboxMessage(ctx context.Context, m chat.OutboxMessage) (string, error) {
	if s.chat.live() {
		return s.chat.realtime.SendOutboxMessage(ctx, m)
	}
	return s.chat.rest.SendOutboxMessage(ctx, m)
}

func (o *Outbox) tell(event func(OutboxListener)) {
	if l, ok := o.listener.get(); ok {
		o.chat.client.scope.call(func() { event(l) })
	}
}

// Add puts a message into the outbox; when it has returned the message survives
// a restart. options may be nothing; attachments are not taken. A ClientID that
// waits already changes nothing.
func (o *Outbox) Add(threadID string, content string, options *ChatMessageOptions) (message *OutboxMessage, err error) {
	defer guard(&err)
	if o.outbox == nil {
		return nil, errClosed
	}
	if options == nil {
		options = &ChatMessageOptions{}
	}
	m := chat.OutboxMessage{
		ClientID: options.ClientID, ThreadID: threadID, Content: content, Type: contentType(options),
		SenderDisplayName: o.chat.senderName(options), Metadata: options.Metadata.values(),
	}
	if m.ClientID, err = o.outbox.Add(m); err != nil {
		return nil, err
	}
	return outboxMessage(m), nil
}

// Remove gives a message up. It may be on its way.
func (o *Outbox) Remove(clientID string) (err error) {
	defer guard(&err)
	if o.outbox == nil {
		return errClosed
	}
	return o.outbox.Remove(clientID)
}

// Waiting returns the messages that were not sent yet, those of a thread in order.
func (o *Outbox) Waiting() *OutboxMessageList {
	defer quiet()
	list := &OutboxMessageList{}
	for _, m := range o.outbox.Waiting() {
		list.messages = append(list.messages, outboxMessage(m))
	}
	return list
}

// Retry tries again at once what is waiting after a failure.
func (o *Outbox) Retry() {
	defer quiet()
	o.outbox.Retry()
}

// Close ends sending at once; what waits stays in the file. It drops the
// listener and may be called again.
func (o *Outbox) Close() {
	defer quiet()
	o.listener.drop()
	o.chat.mu.Lock()
	delete(o.chat.outboxes, o)
	o.chat.mu.Unlock()
	// What a store says at its end changes nothing for the application.
	_ = o.outbox.Close()
}
