package fake

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// MessageReceived tells about a message that somebody wrote. Only ThreadID is
// required: a message without an ID gets the next one, one without a Sender is
// the service's, an On of zero is now. It returns the message's id. Errors, of
// all that tell something: core.ErrInvalidParameter.
func (r *Realtime) MessageReceived(e chat.MessageEvent) (messageID string, err error) {
	return r.message(signalpb.ChatEvent_MESSAGE_RECEIVED, e)
}

// MessageEdited tells that a message is another one now.
func (r *Realtime) MessageEdited(e chat.MessageEvent) error {
	_, err := r.message(signalpb.ChatEvent_MESSAGE_EDITED, e)
	return err
}

// MessageDeleted tells that a message was taken back.
func (r *Realtime) MessageDeleted(e chat.MessageEvent) error {
	_, err := r.message(signalpb.ChatEvent_MESSAGE_DELETED, e)
	return err
}

// ThreadCreated tells that a thread was made with the user in it.
func (r *Realtime) ThreadCreated(e chat.ThreadEvent) error {
	return r.thread(signalpb.ChatEvent_THREAD_CREATED, e)
}

// ThreadUpdated tells what a thread is now.
func (r *Realtime) ThreadUpdated(e chat.ThreadEvent) error {
	return r.thread(signalpb.ChatEvent_THREAD_UPDATED, e)
}

// ThreadDeleted tells that a thread is gone.
func (r *Realtime) ThreadDeleted(e chat.ThreadEvent) error {
	return r.thread(signalpb.ChatEvent_THREAD_DELETED, e)
}

// ParticipantsAdded tells who came into a thread.
func (r *Realtime) ParticipantsAdded(e chat.ParticipantsEvent) error {
	return r.participants(signalpb.ChatEvent_PARTICIPANTS_ADDED, e)
}

// ParticipantsRemoved tells who left a thread; when that is the user, nothing
// more of it is told.
func (r *Realtime) ParticipantsRemoved(e chat.ParticipantsEvent) error {
	return r.participants(signalpb.ChatEvent_PARTICIPANTS_REMOVED, e)
}

// TypingReceived tells that somebody writes, to who is connected now.
func (r *Realtime) TypingReceived(e chat.TypingEvent) error {
	w := event(signalpb.ChatEvent_TYPING, e.ThreadID, e.Sender, e.On)
	w.ActorName = e.SenderDisplayName
	return r.tell(w)
}

// ReadReceiptReceived tells up to where somebody has read.
func (r *Realtime) ReadReceiptReceived(e chat.ReadReceiptEvent) error {
	id, err := messageNumber(text(e.Receipt.MessageID))
	if err != nil || id == 0 {
		return fmt.Errorf("%w: message %q", core.ErrInvalidParameter, text(e.Receipt.MessageID))
	}
	w := event(signalpb.ChatEvent_READ, e.ThreadID, e.Receipt.Sender, timeOf(e.Receipt.ReadOn))
	w.Receipt = &signalpb.ChatReceipt{User: w.GetActor(), MessageId: id, ReadMs: w.GetTimeMs()}
	return r.tell(w)
}

func (r *Realtime) tell(e *signalpb.ChatEvent) error {
	if e.GetThreadId() == "" {
		return fmt.Errorf("%w: no thread", core.ErrInvalidParameter)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(e)
	return nil
}

func (r *Realtime) message(kind signalpb.ChatEvent_Kind, e chat.MessageEvent) (string, error) {
	m := &e.Message
	id, err := messageNumber(text(m.ID))
	if err != nil {
		return "", fmt.Errorf("%w: message %q", core.ErrInvalidParameter, text(m.ID))
	}
	if id == 0 {
		if kind != signalpb.ChatEvent_MESSAGE_RECEIVED {
			return "", fmt.Errorf("%w: no message id", core.ErrInvalidParameter)
		}
		r.mu.Lock()
		id = r.nextIDLocked()
		r.mu.Unlock()
	}
	w := event(kind, e.ThreadID, m.Sender, e.On)
	w.Message = &signalpb.ChatMessage{
		Id: id, Version: id, Kind: string(text(m.Type)), Sender: w.GetActor(), SenderName: text(m.SenderDisplayName), Metadata: m.Metadata, ClientId: e.ClientID,
	}
	if w.GetMessage().GetKind() == "" {
		w.Message.Kind = string(chat.MessageTypeText)
	}
	if m.Content != nil && kind != signalpb.ChatEvent_MESSAGE_DELETED {
		w.Message.Content = text(m.Content.Message)
		for _, a := range m.Content.Attachments {
			w.Message.Attachments = append(w.Message.Attachments, &signalpb.ChatAttachment{Id: text(a.ID), Kind: string(text(a.Type)), Name: text(a.Name)})
		}
	}
	switch kind { //nolint:exhaustive // the others are no messages
	case signalpb.ChatEvent_MESSAGE_EDITED:
		w.Message.EditedMs = w.GetTimeMs()
	case signalpb.ChatEvent_MESSAGE_DELETED:
		w.Message.DeletedMs = w.GetTimeMs()
	}
	return strconv.FormatUint(id, 10), r.tell(w)
}

func (r *Realtime) thread(kind signalpb.ChatEvent_Kind, e chat.ThreadEvent) error {
	w := event(kind, text(e.Thread.ID), e.By, e.On)
	w.Topic, w.Metadata, w.Participants = text(e.Thread.Topic), e.Thread.Metadata, members(e.Participants)
	if p := e.Thread.RetentionPolicy; p != nil && p.DeleteThreadAfterDays != nil {
		w.RetentionDays = uint32(max(*p.DeleteThreadAfterDays, 0)) //nolint:gosec // not negative
	}
	return r.tell(w)
}

func (r *Realtime) participants(kind signalpb.ChatEvent_Kind, e chat.ParticipantsEvent) error {
	w := event(kind, e.ThreadID, e.By, e.On)
	w.Participants = members(e.Participants)
	return r.tell(w)
}

// event is the part that all have.
func event(kind signalpb.ChatEvent_Kind, thread string, by common.Identifier, on time.Time) *signalpb.ChatEvent {
	if on.IsZero() {
		on = time.Now()
	}
	w := &signalpb.ChatEvent{Kind: kind, ThreadId: thread, TimeMs: on.UnixMilli()}
	if by != nil {
		w.Actor = by.RawID()
	}
	return w
}

func members(list []chat.Participant) []*signalpb.ChatParticipant {
	wire := make([]*signalpb.ChatParticipant, 0, len(list))
	for _, p := range list {
		w := &signalpb.ChatParticipant{DisplayName: text(p.DisplayName), Metadata: p.Metadata}
		if p.Identifier != nil {
			w.User = p.Identifier.RawID()
		}
		if p.ShareHistoryTime != nil {
			w.HistoryFromMs = p.ShareHistoryTime.UnixMilli()
		}
		wire = append(wire, w)
	}
	return wire
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// do does one thing that the client asks for.
func (r *Realtime) do(ask *signalpb.ChatRequest) *signalpb.ChatResult {
	id := ask.GetThreadId()
	switch action := ask.GetAction().(type) {
	case *signalpb.ChatRequest_Send:
		return r.send(id, action.Send)
	case *signalpb.ChatRequest_Typing:
		if f := r.options.SendTypingNotification; f != nil {
			return outcome(f(id, chat.RealtimeSendTypingNotificationOptions{SenderDisplayName: action.Typing.GetSenderName()}))
		}
	case *signalpb.ChatRequest_Read:
		if f := r.options.SendReadReceipt; f != nil {
			return outcome(f(id, strconv.FormatUint(action.Read.GetMessageId(), 10)))
		}
		w := event(signalpb.ChatEvent_READ, id, r.User(), time.Time{})
		w.Receipt = &signalpb.ChatReceipt{User: r.user, MessageId: action.Read.GetMessageId(), ReadMs: w.GetTimeMs()}
		return outcome(r.tell(w))
	}
	return &signalpb.ChatResult{}
}

func (r *Realtime) send(thread string, m *signalpb.ChatSend) *signalpb.ChatResult {
	if f := r.options.SendMessage; f != nil {
		sent, err := f(thread, m.GetContent(), chat.RealtimeSendMessageOptions{
			Type: chat.MessageType(m.GetKind()), SenderDisplayName: m.GetSenderName(), Metadata: m.GetMetadata(), ClientID: m.GetClientId(),
		})
		if err != nil {
			return outcome(err)
		}
		id, err := messageNumber(sent.ID)
		if err != nil {
			return outcome(&chat.RefusedError{StatusCode: http.StatusBadRequest, Message: "The fake's message id is no number."})
		}
		return &signalpb.ChatResult{MessageId: id, Repeated: sent.Repeated}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.threads[thread]; t != nil && t.sent[m.GetClientId()] != 0 {
		return &signalpb.ChatResult{MessageId: t.sent[m.GetClientId()], Repeated: true}
	}
	w := event(signalpb.ChatEvent_MESSAGE_RECEIVED, thread, r.User(), time.Time{})
	id := r.nextIDLocked()
	w.Message = &signalpb.ChatMessage{
		Id: id, Version: id, Kind: m.GetKind(), Sender: r.user, SenderName: m.GetSenderName(), Content: m.GetContent(), Metadata: m.GetMetadata(), ClientId: m.GetClientId(),
	}
	r.addLocked(w)
	r.threads[thread].sent[m.GetClientId()] = id
	return &signalpb.ChatResult{MessageId: id}
}

// outcome is the answer for an error of a function.
func outcome(err error) *signalpb.ChatResult {
	var refused *chat.RefusedError
	switch {
	case err == nil:
		return &signalpb.ChatResult{}
	case errors.As(err, &refused):
		return &signalpb.ChatResult{
			Code: uint32(max(refused.StatusCode, 1)), Message: refused.Message, //nolint:gosec // a code of HTTP
			RetryAfterMs: uint32(max(refused.RetryAfter.Milliseconds(), 0)), //nolint:gosec // of a test
		}
	default:
		return &signalpb.ChatResult{Code: http.StatusServiceUnavailable, Message: err.Error()}
	}
}
