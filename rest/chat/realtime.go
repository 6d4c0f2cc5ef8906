package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"

	"github.com/parley-rtc/parley/internal/dispatch"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// maxEvents is how many events may wait for handlers before nothing more is
// read from the connection.
const maxEvents = 10_000

// Realtime hears what happens in the threads of a user as it happens, each
// thing once and in order, over a connection of its own to Parley's service.
// It reconnects by itself, and what happened meanwhile is told afterwards. It
// also writes messages and tells who types and has read; to edit, to delete and
// to change a thread is for a ThreadClient, see the package. Its methods may be called from any goroutine, handlers included; Shutdown waits
// for handlers and is not for them.
type Realtime struct {
	options RealtimeOptions
	log     *slog.Logger
	client  *signaling.Client
	events  *dispatch.Dispatcher
	room    chan struct{} // one for each event that waits
	closed  chan struct{}
	synced  chan error // what the first ChatSynced said
	pumped  chan struct{}

	mu       sync.Mutex
	phase    realtimePhase
	self     string
	threads  map[string]*threadState
	heard    map[string]uint64 // the last change that was taken in, by thread
	first    bool              // the first subscription was answered
	requests requests
}

type realtimePhase uint8

const (
	realtimeIdle realtimePhase = iota
	realtimeStarting
	realtimeRunning
	realtimeClosed
)

// threadState is where a thread stands as far as handlers have been told.
type threadState struct {
	topic        string
	change, read uint64
	unread       int
	// gone are messages that came taken back already, until the service says
	// where the thread stands: they were not counted, and are not counted off.
	gone []uint64
}

// NewRealtime returns a Realtime that is not connected yet. endpoint is the
// root URL of the resource; options may be nil. The error wraps
// core.ErrInvalidParameter, core.ErrInvalidEndpoint or core.ErrPlainHTTP. Close
// it when done.
func NewRealtime(endpoint string, credential common.TokenCredential, options *RealtimeOptions) (*Realtime, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &RealtimeOptions{}
	}
	if options.Dialer == nil {
		if err := checkRealtimeEndpoint(endpoint, options.AllowPlainHTTP); err != nil {
			return nil, err
		}
	}
	r := &Realtime{
		options: *options, log: options.Logger, room: make(chan struct{}, maxEvents),
		closed: make(chan struct{}), synced: make(chan error, 1), pumped: make(chan struct{}),
		threads: map[string]*threadState{}, heard: map[string]uint64{}, requests: newRequests(),
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for id, p := range options.Position {
		r.threads[id] = &threadState{topic: p.Topic, change: p.Change, read: p.LastRead, unread: p.Unread}
		r.heard[id] = p.Change
	}
	dialer := options.Dialer
	if dialer == nil {
		dialer = signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{TLSConfig: options.TLSConfig, Logger: options.Logger})
	}
	var err error
	r.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer: dialer,
		Token: func(ctx context.Context) (string, error) {
			token, err := credential.GetToken(ctx)
			return token.Token, err
		},
		DeviceID: options.DeviceID, ChatOnly: true, UserAgent: moduleName + "/" + moduleVersion,
		Handler: r.handle, StateChanged: r.stateChanged, Backoff: options.Backoff, Logger: options.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	r.events = dispatch.New()
	return r, nil
}

// checkRealtimeEndpoint refuses what cannot be connected to.
func checkRealtimeEndpoint(endpoint string, plain bool) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%w: %q", core.ErrInvalidEndpoint, endpoint)
	case u.Scheme == "https", u.Scheme == "http" && plain:
		return nil
	case u.Scheme == "http":
		return core.ErrPlainHTTP
	default:
		return fmt.Errorf("%w: %q", core.ErrInvalidEndpoint, endpoint)
	}
}

// Start connects and returns when everything that was missed since the
// position was handed over. Handlers may be called before it returns. After it
// has succeeded the connection is kept until Close. When the connection fails
// it may be called again. The context counts for Start only. Errors:
// *RefusedError when the token has no scope of chat; *signaling.GoodbyeError
// when the service sent the user away.
func (r *Realtime) Start(ctx context.Context) error {
	if err := r.starting(); err != nil {
		return err
	}
	welcome, err := r.client.Start(ctx)
	r.mu.Lock()
	if err != nil {
		if r.phase == realtimeStarting {
			r.phase = realtimeIdle
		}
		r.mu.Unlock()
		return fmt.Errorf("chat: start: %w", err)
	}
	if r.phase == realtimeClosed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.phase, r.self = realtimeRunning, welcome.UserID
	go r.pump()
	r.mu.Unlock()
	r.subscribe()
	select {
	case err = <-r.synced:
	case <-r.closed:
		err = ErrClosed
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		r.close(err)
		return fmt.Errorf("chat: start: %w", err)
	}
	return nil
}

func (r *Realtime) starting() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.phase {
	case realtimeIdle:
		r.phase = realtimeStarting
		return nil
	case realtimeClosed:
		return ErrClosed
	case realtimeStarting, realtimeRunning:
		return ErrStarted
	default:
		return ErrClosed
	}
}

// Threads returns where the user's threads stand, as far as handlers were told.
func (r *Realtime) Threads() []ThreadState {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]ThreadState, 0, len(r.threads))
	for id, t := range r.threads {
		list = append(list, t.public(id))
	}
	return list
}

// Thread returns where one thread stands; ok is false when the user is not in it.
func (r *Realtime) Thread(id string) (state ThreadState, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.threads[id]
	if t == nil {
		return ThreadState{}, false
	}
	return t.public(id), true
}

// Position returns up to where events were handled: an event whose handler has
// not returned comes again to who goes on from there.
func (r *Realtime) Position() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	position := make(Position, len(r.threads))
	for id, t := range r.threads {
		position[id] = ThreadPosition{Change: t.change, LastRead: t.read, Unread: t.unread, Topic: t.topic}
	}
	return position
}

// NetworkChanged replaces the connection at once: the machine's addresses are
// others now.
func (r *Realtime) NetworkChanged() { r.client.NetworkChanged() }

// Close ends the connection. Events that wait are dropped; Position does not
// count them. It does not wait and may be called more than once.
func (r *Realtime) Close() error {
	r.close(ErrClosed)
	return nil
}

func (r *Realtime) close(cause error) {
	r.mu.Lock()
	before := r.phase
	r.phase = realtimeClosed
	r.mu.Unlock()
	if before == realtimeClosed {
		return
	}
	close(r.closed)
	_ = r.client.Close() // it never fails
	r.requests.fail(ErrClosed)
	r.events.Close()
	if before != realtimeRunning {
		close(r.pumped)
	}
	if cause != nil && !errors.Is(cause, ErrClosed) {
		r.log.Warn("chat connection ended", "error", cause)
	}
}

// Shutdown waits until what was asked for is answered, closes, and waits until
// the handler that runs has returned. It is not for handlers.
func (r *Realtime) Shutdown(ctx context.Context) error {
	err := r.requests.idle(ctx)
	r.close(ErrClosed)
	for _, done := range []<-chan struct{}{r.events.Done(), r.pumped} {
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("chat: shutdown: %w", context.Cause(ctx))
		}
	}
	if serr := r.client.Shutdown(ctx); err == nil {
		err = serr
	}
	if err != nil {
		return fmt.Errorf("chat: shutdown: %w", err)
	}
	return nil
}

// subscribe says what is known. What was heard in a session before is not told
// again.
func (r *Realtime) subscribe() {
	const perMessage = 1000
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &signalpb.ChatSubscribe{Resume: r.first || r.options.Position != nil}
	for id, change := range r.heard {
		m.Known = append(m.Known, &signalpb.ChatSubscribe_Known{ThreadId: id, Change: change})
		if len(m.Known) == perMessage {
			m.More = true
			r.tell(m)
			m = &signalpb.ChatSubscribe{Resume: m.Resume}
		}
	}
	r.tell(m)
	r.requests.again()
}

func (r *Realtime) tell(m *signalpb.ChatSubscribe) {
	// A session that is lost is followed by another one, in which this is said again.
	_ = r.client.Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: m}})
}

func (r *Realtime) stateChanged(state signaling.ClientState) {
	switch state.Phase {
	case signaling.ClientConnected:
		if state.NewSession {
			r.subscribe()
			return
		}
		r.post(func() { r.connection(ConnectionEvent{State: ConnectionSynced}) })
	case signaling.ClientReconnecting:
		r.post(func() { r.connection(ConnectionEvent{State: ConnectionReconnecting, Err: state.Err}) })
	case signaling.ClientClosed:
		r.post(func() {
			r.connection(ConnectionEvent{State: ConnectionClosed, Err: state.Err})
			r.close(state.Err)
		})
		r.requests.fail(ErrClosed)
		select {
		case r.synced <- state.Err:
		default:
		}
	}
}

func (r *Realtime) connection(e ConnectionEvent) {
	if f := r.options.Events.ConnectionChanged; f != nil {
		f(e)
	}
}

// post hands something to the handlers. It waits while very much waits for
// them: then the connection is not read, and the service notices. What comes
// after the first that was dropped is dropped too: otherwise Position would
// pass over it.
func (r *Realtime) post(f func()) {
	select {
	case r.room <- struct{}{}:
	case <-r.closed:
		return
	}
	select {
	case <-r.closed:
		return
	default:
	}
	r.events.Post(func() {
		<-r.room
		f()
	})
}
