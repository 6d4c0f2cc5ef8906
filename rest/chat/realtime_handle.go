package chat

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// handle takes one message of the service. It runs on the goroutine of the
// connection; handlers run on another one.
func (r *Realtime) handle(m *signaling.Message) error {
	switch body := m.GetBody().(type) {
	case *signalpb.Message_ChatResult:
		r.answered(body.ChatResult)
	case *signalpb.Message_ChatEvent:
		if r.fresh(body.ChatEvent) {
			r.post(func() { r.deliver(body.ChatEvent) })
		}
	case *signalpb.Message_ChatThread:
		r.stands(body.ChatThread)
	case *signalpb.Message_ChatSynced:
		r.told(body.ChatSynced)
	}
	return nil
}

// fresh tells whether an event was not heard before.
func (r *Realtime) fresh(e *signalpb.ChatEvent) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.GetChange() == 0 {
		return true
	}
	if e.GetChange() <= r.heard[e.GetThreadId()] {
		return false
	}
	r.heard[e.GetThreadId()] = e.GetChange()
	return true
}

// stands takes in where the service says that a thread stands.
func (r *Realtime) stands(t *signalpb.ChatThread) {
	id := t.GetThreadId()
	r.mu.Lock()
	if t.GetGone() {
		delete(r.heard, id)
	} else {
		r.heard[id] = max(r.heard[id], t.GetChange())
	}
	r.mu.Unlock()
	r.post(func() {
		r.mu.Lock()
		before := r.threads[id]
		if t.GetGone() {
			delete(r.threads, id)
			r.mu.Unlock()
			r.threadChanged(ThreadState{ThreadID: id, Gone: true})
			return
		}
		after := &threadState{topic: t.GetTopic(), change: t.GetChange(), read: t.GetRead(), unread: int(t.GetUnread())}
		if before != nil {
			after.change = max(before.change, after.change)
		}
		r.threads[id] = after
		state := after.public(id)
		r.mu.Unlock()
		if before == nil || before.public(id) != state {
			r.threadChanged(state)
		}
	})
}

// told takes the end of a subscription's answer.
func (r *Realtime) told(s *signalpb.ChatSynced) {
	var err error
	if s.GetCode() != 0 {
		err = &RefusedError{StatusCode: int(s.GetCode()), Message: s.GetMessage()}
	} else {
		r.mu.Lock()
		r.first = true
		r.mu.Unlock()
	}
	r.post(func() {
		if err == nil {
			r.connection(ConnectionEvent{State: ConnectionSynced})
		} else {
			r.connection(ConnectionEvent{State: ConnectionClosed, Err: err})
		}
		// Start returns when what was told before was handled.
		select {
		case r.synced <- err:
		default:
		}
		if err != nil {
			r.close(err)
		}
	})
}

func (t *threadState) public(id string) ThreadState {
	s := ThreadState{ThreadID: id, Topic: t.topic, Unread: t.unread}
	if t.read != 0 {
		s.LastRead = strconv.FormatUint(t.read, 10)
	}
	return s
}

func (r *Realtime) threadChanged(state ThreadState) {
	if f := r.options.Events.ThreadChanged; f != nil {
		f(state)
	}
}

// deliver calls the handler of an event and notes that it has returned.
func (r *Realtime) deliver(e *signalpb.ChatEvent) {
	r.call(e)
	r.mu.Lock()
	t := r.threads[e.GetThreadId()]
	if t == nil || e.GetChange() == 0 {
		r.mu.Unlock()
		return
	}
	t.change = max(t.change, e.GetChange())
	before := t.public(e.GetThreadId())
	t.count(e, r.self)
	after := t.public(e.GetThreadId())
	r.mu.Unlock()
	if after != before {
		r.threadChanged(after)
	}
}

// count keeps the number of unread messages and the topic.
func (t *threadState) count(e *signalpb.ChatEvent, self string) {
	id := e.GetMessage().GetId()
	others := e.GetMessage().GetSender() != self && id > t.read
	switch kind := e.GetKind(); {
	case kind == signalpb.ChatEvent_MESSAGE_RECEIVED && others && e.GetMessage().GetDeletedMs() != 0:
		t.gone = append(t.gone, id)
	case kind == signalpb.ChatEvent_MESSAGE_RECEIVED && others:
		t.unread++
	case kind == signalpb.ChatEvent_MESSAGE_DELETED && slices.Contains(t.gone, id):
	case kind == signalpb.ChatEvent_MESSAGE_DELETED && others && t.unread > 0:
		t.unread--
	case kind == signalpb.ChatEvent_THREAD_UPDATED: // empty when it was erased
		t.topic = e.GetTopic()
	}
}

// call calls the handler of an event.
func (r *Realtime) call(e *signalpb.ChatEvent) {
	h := &r.options.Events
	switch e.GetKind() {
	case signalpb.ChatEvent_MESSAGE_RECEIVED:
		tell(h.MessageReceived, e, messageEvent)
	case signalpb.ChatEvent_MESSAGE_EDITED:
		tell(h.MessageEdited, e, messageEvent)
	case signalpb.ChatEvent_MESSAGE_DELETED:
		tell(h.MessageDeleted, e, messageEvent)
	case signalpb.ChatEvent_TYPING:
		tell(h.TypingReceived, e, typingEvent)
	case signalpb.ChatEvent_READ:
		tell(h.ReadReceiptReceived, e, receiptEvent)
	case signalpb.ChatEvent_THREAD_CREATED:
		tell(h.ThreadCreated, e, threadEvent)
	case signalpb.ChatEvent_THREAD_UPDATED:
		tell(h.ThreadUpdated, e, threadEvent)
	case signalpb.ChatEvent_THREAD_DELETED:
		tell(h.ThreadDeleted, e, threadEvent)
	case signalpb.ChatEvent_PARTICIPANTS_ADDED:
		tell(h.ParticipantsAdded, e, participantsEvent)
	case signalpb.ChatEvent_PARTICIPANTS_REMOVED:
		tell(h.ParticipantsRemoved, e, participantsEvent)
	case signalpb.ChatEvent_KIND_UNSPECIFIED:
	default: // of a later version
	}
}

func tell[T any](handler func(T), e *signalpb.ChatEvent, read func(*signalpb.ChatEvent) T) {
	if handler != nil {
		handler(read(e))
	}
}

func messageEvent(e *signalpb.ChatEvent) MessageEvent {
	m := e.GetMessage()
	event := MessageEvent{ThreadID: e.GetThreadId(), ClientID: m.GetClientId(), On: moment(e.GetTimeMs())}
	kind := MessageType(m.GetKind())
	event.Message = Message{
		ID: decimal(m.GetId()), Type: &kind, SequenceID: decimal(m.GetSequence()), Version: decimal(m.GetVersion()),
		Sender: identifier(m.GetSender()), SenderDisplayName: named(m.GetSenderName()), Metadata: m.GetMetadata(),
		EditedOn: momentOrNil(m.GetEditedMs()), DeletedOn: momentOrNil(m.GetDeletedMs()),
		CreatedOn: momentOrNil(int64(m.GetId())), //nolint:gosec // a time in milliseconds
	}
	text := m.GetContent()
	event.Message.Content = &MessageContent{Message: &text}
	for _, a := range m.GetAttachments() {
		id, kind, name := a.GetId(), AttachmentType(a.GetKind()), a.GetName()
		event.Message.Content.Attachments = append(event.Message.Content.Attachments, Attachment{ID: &id, Type: &kind, Name: &name})
	}
	return event
}

func threadEvent(e *signalpb.ChatEvent) ThreadEvent {
	id := e.GetThreadId()
	event := ThreadEvent{
		Thread: Thread{ID: &id, Topic: named(e.GetTopic()), Metadata: e.GetMetadata()}, By: identifier(e.GetActor()),
		Participants: participants(e), On: moment(e.GetTimeMs()),
	}
	if days := e.GetRetentionDays(); days > 0 {
		event.Thread.RetentionPolicy = DeleteAfterDays(int32(days)) //nolint:gosec // at most 90
	}
	if e.GetKind() == signalpb.ChatEvent_THREAD_CREATED {
		event.Thread.CreatedOn, event.Thread.CreatedBy = &event.On, event.By
	}
	if e.GetKind() == signalpb.ChatEvent_THREAD_DELETED {
		event.Thread.DeletedOn = &event.On
	}
	return event
}

func participantsEvent(e *signalpb.ChatEvent) ParticipantsEvent {
	return ParticipantsEvent{ThreadID: e.GetThreadId(), Participants: participants(e), By: identifier(e.GetActor()), On: moment(e.GetTimeMs())}
}

func typingEvent(e *signalpb.ChatEvent) TypingEvent {
	return TypingEvent{ThreadID: e.GetThreadId(), Sender: identifier(e.GetActor()), SenderDisplayName: e.GetActorName(), On: moment(e.GetTimeMs())}
}

func receiptEvent(e *signalpb.ChatEvent) ReadReceiptEvent {
	r := e.GetReceipt()
	return ReadReceiptEvent{ThreadID: e.GetThreadId(), Receipt: ReadReceipt{
		Sender: identifier(r.GetUser()), MessageID: decimal(r.GetMessageId()), ReadOn: momentOrNil(r.GetReadMs()),
	}}
}

func participants(e *signalpb.ChatEvent) []Participant {
	list := make([]Participant, 0, len(e.GetParticipants()))
	for _, p := range e.GetParticipants() {
		list = append(list, Participant{
			Identifier: identifier(p.GetUser()), DisplayName: named(p.GetDisplayName()),
			ShareHistoryTime: momentOrNil(p.GetHistoryFromMs()), Metadata: p.GetMetadata(),
		})
	}
	return list
}

// identifier is nil for nobody.
func identifier(raw string) common.Identifier {
	id, err := common.ParseRawID(raw)
	if err != nil {
		return nil
	}
	return id
}

func named(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

func decimal(n uint64) *string {
	s := strconv.FormatUint(n, 10)
	return &s
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func momentOrNil(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := moment(ms)
	return &t
}

// newClientID makes an id for a message.
func newClientID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	return fmt.Sprintf("%x", id)
}
