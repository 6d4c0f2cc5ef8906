package fake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// ErrOffline is what a connection to a Realtime fails with while it is offline.
var ErrOffline = errors.New("fake: offline")

// RealtimeOptions configure a Realtime; nil is the zero value.
type RealtimeOptions struct {
	// User is who connects. Nil: a user of the fake's own.
	User common.Identifier
	// SendMessage answers chat.Realtime.SendMessage and an Outbox. A
	// *chat.RefusedError refuses; after another error the client asks again, as
	// when the service is busy. Nothing is told then. Nil: the message is written,
	// once for each ClientID, and told to the client as everything is.
	SendMessage func(threadID, content string, options chat.RealtimeSendMessageOptions) (chat.RealtimeSendMessageResponse, error)
	// SendTypingNotification answers the method of that name, with the errors of
	// SendMessage. Nil: it is taken.
	SendTypingNotification func(threadID string, options chat.RealtimeSendTypingNotificationOptions) error
	// SendReadReceipt answers the method of that name, with the errors of
	// SendMessage. Nil: it is taken, and told.
	SendReadReceipt func(threadID, messageID string) error
}

// Realtime stands in for the service's end of the connection of a
// chat.Realtime, within the process: its Dialer goes into the options of
// chat.NewRealtime. What the test tells it – messages, threads, members – comes
// to the client as from the service: once, in order, and after a time offline or
// in another chat.Realtime that goes on from a Position. Credentials are not
// checked, and there is one user. Its methods may be called from any goroutine,
// those of the options included; they wait for no handler of the client.
type Realtime struct {
	options  RealtimeOptions
	user     string
	acceptor *signaling.Acceptor

	mu       sync.Mutex
	threads  map[string]*talk
	sessions map[*signaling.Session]*subscription
	conns    map[signaling.Conn]struct{}
	offline  bool
	lastID   uint64
}

// talk is a thread.
type talk struct {
	topic  string
	change uint64
	base   int // unread before the first event
	read   uint64
	events []*signalpb.ChatEvent
	sent   map[string]uint64 // by ClientID
}

type subscription struct {
	known map[string]uint64
	live  bool
}

// NewRealtime returns a fake; close it when done. options may be nil.
func NewRealtime(options *RealtimeOptions) (*Realtime, error) {
	if options == nil {
		options = &RealtimeOptions{}
	}
	r := &Realtime{
		options: *options, user: "8:acs:00000000-0000-0000-0000-000000000001_00000000-0000-0000-0000-000000000002",
		threads: map[string]*talk{}, sessions: map[*signaling.Session]*subscription{}, conns: map[signaling.Conn]struct{}{},
	}
	if options.User != nil {
		r.user = options.User.RawID()
	}
	var err error
	r.acceptor, err = signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(context.Context, string) (signaling.Principal, error) {
			return signaling.Principal{UserID: r.user}, nil
		},
		Handler: r.handle,
		Closed: func(s *signaling.Session, _ error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.sessions, s)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("fake: %w", err)
	}
	return r, nil
}

// Dialer is for chat.RealtimeOptions.
func (r *Realtime) Dialer() signaling.Dialer {
	inner := r.acceptor.Dialer()
	return signaling.DialFunc(func(ctx context.Context) (signaling.Conn, error) {
		r.mu.Lock()
		offline := r.offline
		r.mu.Unlock()
		if offline {
			return nil, ErrOffline
		}
		conn, err := inner.Dial(ctx)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.conns[conn] = struct{}{}
		return conn, nil
	})
}

// SetOffline cuts the connections, and refuses new ones until it is called with
// false. What is told meanwhile comes to the client afterwards.
func (r *Realtime) SetOffline(offline bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offline = offline
	if offline {
		for conn := range r.conns {
			_ = conn.Close(0, "")
		}
		clear(r.conns)
	}
}

// Close ends the connections and waits for what runs.
func (r *Realtime) Close() error {
	if err := r.acceptor.Shutdown(context.Background()); err != nil {
		return fmt.Errorf("fake: %w", err)
	}
	return nil
}

// User is who connects.
func (r *Realtime) User() common.Identifier {
	id, err := common.ParseRawID(r.user)
	if err != nil {
		return common.UnknownIdentifier{ID: r.user}
	}
	return id
}

// AddThread puts the user into a thread that was there before; the client is
// told where it stands and nothing of its history. Gone takes the user out of
// it. Errors: core.ErrInvalidParameter.
func (r *Realtime) AddThread(state chat.ThreadState) error {
	read, err := messageNumber(state.LastRead)
	if err != nil || state.ThreadID == "" {
		return fmt.Errorf("%w: thread %q, read up to %q", core.ErrInvalidParameter, state.ThreadID, state.LastRead)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if state.Gone {
		delete(r.threads, state.ThreadID)
	} else {
		r.threads[state.ThreadID] = &talk{topic: state.Topic, base: state.Unread, read: read, change: 1, sent: map[string]uint64{}}
	}
	r.standsLocked(state.ThreadID)
	return nil
}

// standsLocked tells where a thread stands.
func (r *Realtime) standsLocked(thread string) {
	for session, sub := range r.sessions {
		if sub.live {
			_ = session.Send(r.standing(thread)) // one that is over has nobody who listens
		}
	}
}

func (r *Realtime) standing(thread string) *signaling.Message {
	t := r.threads[thread]
	w := &signalpb.ChatThread{ThreadId: thread, Gone: t == nil}
	if t != nil {
		w.Topic, w.Change, w.Read, w.Unread = t.topic, t.change, t.read, uint32(t.unread(r.user)) //nolint:gosec // small
	}
	return &signaling.Message{Body: &signalpb.Message_ChatThread{ChatThread: w}}
}

// unread counts as the service does.
func (t *talk) unread(user string) int {
	n := t.base
	for _, e := range t.events {
		if m := e.GetMessage(); m.GetSender() != user && m.GetId() > t.read {
			switch e.GetKind() { //nolint:exhaustive // others do not count
			case signalpb.ChatEvent_MESSAGE_RECEIVED:
				n++
			case signalpb.ChatEvent_MESSAGE_DELETED:
				n--
			}
		}
	}
	return max(n, 0)
}

// addLocked appends an event to its thread and tells it. A thread that is not
// there yet begins with it.
func (r *Realtime) addLocked(e *signalpb.ChatEvent) {
	id := e.GetThreadId()
	t := r.threads[id]
	if t == nil {
		t = &talk{topic: e.GetTopic(), sent: map[string]uint64{}}
		r.threads[id] = t
		r.standsLocked(id)
	}
	if e.GetKind() == signalpb.ChatEvent_THREAD_UPDATED && e.GetTopic() == "" {
		e.Topic = t.topic // the service says what the topic is now, whatever was changed
	}
	if e.GetKind() != signalpb.ChatEvent_TYPING {
		t.change++
		e.Change = t.change
		t.events = append(t.events, e)
	}
	if e.GetKind() == signalpb.ChatEvent_THREAD_UPDATED {
		t.topic = e.GetTopic()
	}
	for session, sub := range r.sessions {
		if sub.live {
			_ = session.Send(eventOf(e))
		}
	}
	mine := e.GetKind() == signalpb.ChatEvent_READ && e.GetReceipt().GetUser() == r.user
	if mine && e.GetReceipt().GetMessageId() > t.read {
		t.read, t.base = e.GetReceipt().GetMessageId(), 0
	}
	if r.ends(e) {
		delete(r.threads, id)
	}
	if mine || r.threads[id] == nil {
		r.standsLocked(id)
	}
}

// ends tells whether the user hears nothing of the thread after an event.
func (r *Realtime) ends(e *signalpb.ChatEvent) bool {
	if e.GetKind() == signalpb.ChatEvent_PARTICIPANTS_REMOVED {
		for _, p := range e.GetParticipants() {
			if p.GetUser() == r.user {
				return true
			}
		}
	}
	return e.GetKind() == signalpb.ChatEvent_THREAD_DELETED
}

func eventOf(e *signalpb.ChatEvent) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatEvent{ChatEvent: e}}
}

// handle takes what the client sends.
func (r *Realtime) handle(session *signaling.Session, m *signaling.Message) error {
	switch body := m.GetBody().(type) {
	case *signalpb.Message_ChatSubscribe:
		r.subscribe(session, body.ChatSubscribe)
	case *signalpb.Message_ChatRequest:
		result := r.do(body.ChatRequest)
		result.Number = body.ChatRequest.GetNumber()
		_ = session.Send(&signaling.Message{Body: &signalpb.Message_ChatResult{ChatResult: result}}) // over: it is asked again
	}
	return nil
}

// subscribe tells what the client does not know.
func (r *Realtime) subscribe(session *signaling.Session, m *signalpb.ChatSubscribe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub := r.sessions[session]
	if sub == nil || sub.live {
		sub = &subscription{known: map[string]uint64{}}
		r.sessions[session] = sub
	}
	for _, k := range m.GetKnown() {
		sub.known[k.GetThreadId()] = k.GetChange()
	}
	if m.GetMore() {
		return
	}
	for id := range sub.known {
		if r.threads[id] == nil {
			_ = session.Send(r.standing(id))
		}
	}
	for id, t := range r.threads {
		change, known := sub.known[id]
		if !known && !m.GetResume() {
			_ = session.Send(r.standing(id))
			continue
		}
		if !known && len(t.events) > 0 { // it stands where it began
			_ = session.Send(&signaling.Message{Body: &signalpb.Message_ChatThread{ChatThread: &signalpb.ChatThread{
				ThreadId: id, Topic: t.topic, Change: t.events[0].GetChange() - 1,
			}}})
		}
		for _, e := range t.events {
			if e.GetChange() > change {
				_ = session.Send(eventOf(e))
			}
		}
		_ = session.Send(r.standing(id))
	}
	sub.live = true
	_ = session.Send(&signaling.Message{Body: &signalpb.Message_ChatSynced{ChatSynced: &signalpb.ChatSynced{}}})
}

// messageNumber reads the id of a message; an empty one is zero.
func messageNumber(id string) (uint64, error) {
	if id == "" {
		return 0, nil
	}
	return strconv.ParseUint(id, 10, 63)
}

// nextIDLocked makes the id of a message, which is a time.
func (r *Realtime) nextIDLocked() uint64 {
	r.lastID = max(r.lastID+1, uint64(time.Now().UnixMilli())) //nolint:gosec // after 1970
	return r.lastID
}
