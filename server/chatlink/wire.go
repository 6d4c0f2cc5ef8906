package chatlink

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// eventCache keeps the last events in the form in which they go out, so that
// one for many receivers is made once.
type eventCache struct {
	seed  maphash.Seed
	slots [64]atomic.Pointer[cachedEvent]
}

type cachedEvent struct {
	event   *chat.Event
	message *signaling.Encoded
}

func newEventCache() *eventCache { return &eventCache{seed: maphash.MakeSeed()} }

// message returns an event as it goes out.
func (c *eventCache) message(e *chat.Event) (*signaling.Encoded, error) {
	slot := &c.slots[maphash.String(c.seed, e.Thread)%uint64(len(c.slots))]
	if cached := slot.Load(); cached != nil && cached.event == e {
		return cached.message, nil
	}
	m, err := signaling.Encode(eventMessage(e))
	if err != nil {
		return nil, err
	}
	slot.Store(&cachedEvent{e, m})
	return m, nil
}

func threadMessage(t *signalpb.ChatThread) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatThread{ChatThread: t}}
}

func resultMessage(r *signalpb.ChatResult) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatResult{ChatResult: r}}
}

func syncedMessage(s *signalpb.ChatSynced) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatSynced{ChatSynced: s}}
}

func standingOf(st *chat.Standing, change, read int64, unread int) *signalpb.ChatThread {
	return &signalpb.ChatThread{
		ThreadId: st.Thread, Topic: st.Topic, Change: number(change), Read: number(read),
		Unread: uint32(unread), //nolint:gosec // at most 1000
	}
}

// eventMessage translates an event.
func eventMessage(e *chat.Event) *signaling.Message {
	w := &signalpb.ChatEvent{
		Kind: signalpb.ChatEvent_Kind(e.Kind), ThreadId: e.Thread, Change: number(e.Change), TimeMs: milliseconds(e.At),
		Actor: e.Actor, ActorName: e.ActorName, Topic: e.Topic, Metadata: e.Metadata,
		RetentionDays: uint32(max(e.RetentionDays, 0)), //nolint:gosec // at most 90
	}
	if e.Message != nil {
		w.Message = wireMessage(e.Message)
	}
	if r := e.Receipt; r != nil {
		w.Receipt = &signalpb.ChatReceipt{User: r.User, MessageId: number(r.MessageID), ReadMs: milliseconds(r.Read)}
	}
	for _, p := range e.Participants {
		w.Participants = append(w.Participants, &signalpb.ChatParticipant{
			User: p.User, DisplayName: p.DisplayName, HistoryFromMs: milliseconds(p.HistoryFrom), Metadata: p.Metadata,
		})
	}
	m := &signaling.Message{Body: &signalpb.Message_ChatEvent{ChatEvent: w}}
	if len(w.Participants) > 0 && m.Size() > signaling.MaxMessage {
		for _, p := range w.GetParticipants() {
			p.Metadata = nil
		}
	}
	return m
}

func wireMessage(m *chat.Message) *signalpb.ChatMessage {
	w := &signalpb.ChatMessage{
		Id: number(m.ID), Sequence: number(m.Sequence), Kind: string(m.Kind), Sender: m.Sender, SenderName: m.SenderName,
		Content: m.Content, Metadata: m.Metadata, EditedMs: milliseconds(m.Edited), DeletedMs: milliseconds(m.Deleted),
		Version: number(m.Version), ClientId: m.ClientID,
	}
	for _, a := range m.Attachments {
		w.Attachments = append(w.Attachments, &signalpb.ChatAttachment{Id: a.ID, Kind: a.Kind, Name: a.Name})
	}
	return w
}

// number is a number of the database, which are never negative.
func number(n int64) uint64 { return uint64(max(n, 0)) }

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
