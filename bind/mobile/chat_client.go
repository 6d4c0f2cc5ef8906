package mobile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// ChatOptions configure a ChatClient. They are read once.
type ChatOptions struct {
	// DisplayName goes with what the user sends. Empty: none.
	DisplayName string
	// DeviceID tells this device from the user's other ones; keep it over
	// restarts of the application. Empty: a random one.
	DeviceID string
	// Position is what ChatClient.Position returned at an earlier run of the
	// application: what happened since is told by Start. Empty: only what happens
	// from now on is told.
	Position string
}

// ChatClient is a user's chat: threads, and what happens in them as it happens.
// Its methods may be called from any thread.
type ChatClient struct {
	client   *Client
	rest     *chat.Client
	realtime *chat.Realtime
	name     string
	listener slot[ChatListener]
	states   slot[ChatStateListener]

	mu       sync.Mutex
	started  bool
	closed   bool
	outboxes map[*Outbox]struct{}
}

// NewChatClient makes a chat client. It opens no connection: Start does. The
// listeners may be nothing and are dropped by Close. A Position that cannot be
// read gives ErrorCodeInvalidArgument.
func (c *Client) NewChatClient(credential *Credential, options *ChatOptions, listener ChatListener, states ChatStateListener) (client *ChatClient, err error) {
	defer guard(&err)
	if c.scope == nil || c.scope.isClosed() {
		return nil, errClosed
	}
	if credential == nil || credential.source == nil {
		return nil, fmt.Errorf("%w: no credential", errArgument)
	}
	if options == nil {
		options = &ChatOptions{}
	}
	position, err := readPosition(options.Position)
	if err != nil {
		return nil, err
	}
	made := &ChatClient{client: c, name: options.DisplayName, outboxes: map[*Outbox]struct{}{}}
	if listener != nil {
		made.listener.set(listener)
	}
	if states != nil {
		made.states.set(states)
	}
	made.rest, err = chat.NewClient(c.options.Endpoint, credential.source, &chat.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: c.transport, AllowPlainHTTP: c.options.AllowPlainHTTP,
	}})
	if err != nil {
		return nil, err
	}
	made.realtime, err = chat.NewRealtime(c.options.Endpoint, credential.source, &chat.RealtimeOptions{
		Events: made.events(), Position: position, DeviceID: options.DeviceID, TLSConfig: c.tls(),
		AllowPlainHTTP: c.options.AllowPlainHTTP, Logger: c.scope.logger,
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.chats[made] = struct{}{}
	c.mu.Unlock()
	return made, nil
}

// maxPosition is far above what a user with thousands of threads has.
const maxPosition = 16 << 20

func readPosition(text string) (chat.Position, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxPosition {
		return nil, fmt.Errorf("%w: the position is too long", errArgument)
	}
	var position chat.Position
	if err := json.Unmarshal([]byte(text), &position); err != nil {
		return nil, fmt.Errorf("%w: the position cannot be read: %w", errArgument, err)
	}
	return position, nil
}

// open tells whether Close was not called yet.
func (c *ChatClient) open() bool {
	if c == nil || c.client == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed
}

// run carries out an operation.
func (c *ChatClient) run(operation func(ctx context.Context) error) error {
	if !c.open() {
		return errClosed
	}
	return c.client.run(nil, operation)
}

// Start connects and returns when everything that was missed since the position
// was told. From then on what happens is told until Close, and messages are sent
// over the connection, each once. When it fails it may be called again; when it
// has not, that is ErrorCodeInvalidState.
func (c *ChatClient) Start() (err error) {
	defer guard(&err)
	if err := c.run(func(ctx context.Context) error { return c.realtime.Start(ctx) }); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
	return nil
}

// live tells whether the connection for events is there to send over.
func (c *ChatClient) live() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Position returns up to where events were told, as a text to keep for
// ChatOptions.Position.
func (c *ChatClient) Position() string {
	defer quiet()
	text, err := json.Marshal(c.realtime.Position())
	if err != nil {
		return ""
	}
	return string(text)
}

// NetworkChanged replaces the connection at once: the device has another network.
func (c *ChatClient) NetworkChanged() {
	defer quiet()
	if !c.live() {
		return
	}
	c.realtime.NetworkChanged()
	for _, o := range c.allOutboxes() {
		o.Retry()
	}
}

// Shutdown waits until what is being sent has been answered, then closes. It is
// not for listeners: they call Close.
func (c *ChatClient) Shutdown() (err error) {
	defer guard(&err)
	if c.live() {
		err = c.run(c.realtime.Shutdown)
	}
	if errors.Is(err, errClosed) {
		err = nil
	}
	c.Close()
	return err
}

// Close ends the connection at once and drops the listeners. It waits for
// nothing and may be called from a listener, and again.
func (c *ChatClient) Close() {
	defer quiet()
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.listener.drop()
	c.states.drop()
	c.client.forgetChat(c)
	for _, o := range c.allOutboxes() {
		o.Close()
	}
	// It does not fail.
	_ = c.realtime.Close()
}

func (c *ChatClient) allOutboxes() []*Outbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*Outbox, 0, len(c.outboxes))
	for o := range c.outboxes {
		list = append(list, o)
	}
	return list
}

// ChatThreadOptions describe a thread to make.
type ChatThreadOptions struct {
	participants []chat.Participant
	metadata     *Metadata
}

// NewChatThreadOptions makes options without participants.
func NewChatThreadOptions() *ChatThreadOptions { return &ChatThreadOptions{} }

// AddParticipant adds a user, a raw id "8:acs:…"; displayName is shown to the
// others and may be empty.
func (o *ChatThreadOptions) AddParticipant(userID string, displayName string) (err error) {
	defer guard(&err)
	p, err := participant(userID, displayName)
	if err == nil {
		o.participants = append(o.participants, p)
	}
	return err
}

// SetMetadata gives the thread names and values of the application's own.
func (o *ChatThreadOptions) SetMetadata(metadata *Metadata) {
	defer quiet()
	o.metadata = metadata
}

// participant makes one of what the application gave.
func participant(userID, displayName string) (chat.Participant, error) {
	id, err := common.ParseRawID(userID)
	if err != nil {
		return chat.Participant{}, err
	}
	p := chat.Participant{Identifier: id}
	if displayName != "" {
		p.DisplayName = &displayName
	}
	return p, nil
}

// CreateThread makes a thread, whose first participant is the user. options may
// be nothing. Users that could not be added are in the thread's
// InvalidParticipants.
func (c *ChatClient) CreateThread(topic string, options *ChatThreadOptions) (thread *ChatThread, err error) {
	defer guard(&err)
	if options == nil {
		options = &ChatThreadOptions{}
	}
	var made chat.ClientCreateThreadResponse
	err = c.run(func(ctx context.Context) (err error) {
		made, err = c.rest.CreateThread(ctx, topic, &chat.ClientCreateThreadOptions{
			Participants: options.participants, Metadata: options.metadata.values(),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	thread, err = c.thread(text(made.Thread.ID))
	if err != nil {
		return nil, err
	}
	thread.invalid = invalidParticipants(made.InvalidParticipants)
	return thread, nil
}

// Thread returns a thread by its id. It asks nobody: whether it is there, its
// first method tells.
func (c *ChatClient) Thread(id string) (thread *ChatThread, err error) {
	defer guard(&err)
	return c.thread(id)
}

func (c *ChatClient) thread(id string) (*ChatThread, error) {
	if c.rest == nil {
		return nil, errClosed
	}
	t, err := c.rest.NewThreadClient(id)
	if err != nil {
		return nil, err
	}
	return &ChatThread{chat: c, thread: t}, nil
}

// DeleteThread deletes a thread for all its participants.
func (c *ChatClient) DeleteThread(id string) (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context) error {
		_, err := c.rest.DeleteThread(ctx, id, nil)
		return err
	})
}

// ChatThreadItem is a thread in a list.
type ChatThreadItem struct {
	// ID is its id, Topic what it is about.
	ID    string
	Topic string
	// LastMessageReceivedOn is when the last message came, in milliseconds since
	// 1970; zero when there is none.
	LastMessageReceivedOn int64
}

// ChatThreadPager goes over the threads of the user. It belongs to one thread
// of the program at a time.
type ChatThreadPager struct {
	chat  *ChatClient
	pages pages[chat.ClientListThreadsResponse, chat.ThreadItem]
}

// Threads returns a pager over the threads that the user is in. It sends nothing.
func (c *ChatClient) Threads() *ChatThreadPager {
	defer quiet()
	return &ChatThreadPager{chat: c, pages: pages[chat.ClientListThreadsResponse, chat.ThreadItem]{
		pager: c.rest.NewListThreadsPager(nil), items: func(r chat.ClientListThreadsResponse) []chat.ThreadItem { return r.Value },
	}}
}

// Next returns the next thread, or nothing at the end.
func (p *ChatThreadPager) Next() (item *ChatThreadItem, err error) {
	defer guard(&err)
	next, err := p.pages.next(p.chat)
	if next == nil || err != nil {
		return nil, err
	}
	return &ChatThreadItem{ID: text(next.ID), Topic: text(next.Topic), LastMessageReceivedOn: milliseconds(next.LastMessageReceivedOn)}, nil
}

// pages goes over the entries of a list page by page.
type pages[R, T any] struct {
	mu    sync.Mutex
	pager *core.Pager[R]
	items func(R) []T
	page  []T
}

// next returns the next entry, nil at the end.
func (p *pages[R, T]) next(c *ChatClient) (*T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.page) == 0 {
		if p.pager == nil {
			return nil, errClosed
		}
		if !p.pager.More() {
			return nil, nil
		}
		err := c.run(func(ctx context.Context) error {
			page, err := p.pager.NextPage(ctx)
			if err == nil {
				p.page = p.items(page)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	next := p.page[0]
	p.page = p.page[1:]
	return &next, nil
}

// text returns what a pointer points to, or nothing.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// milliseconds returns a time as milliseconds since 1970; zero for none.
func milliseconds(t *time.Time) int64 {
	if t == nil || t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
