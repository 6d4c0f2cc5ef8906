package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

// EventKind says what happened.
type EventKind uint8

// Kinds of events. The numbers travel between nodes: they never change.
const (
	// EventHidden is a change that its receiver has no part in: it has the number,
	// and nothing else. It is made for the receiver and does not travel.
	EventHidden EventKind = 0

	EventMessageReceived     EventKind = 1
	EventMessageEdited       EventKind = 2
	EventMessageDeleted      EventKind = 3
	EventTyping              EventKind = 4
	EventRead                EventKind = 5
	EventThreadCreated       EventKind = 6
	EventThreadUpdated       EventKind = 7
	EventThreadDeleted       EventKind = 8
	EventParticipantsAdded   EventKind = 9
	EventParticipantsRemoved EventKind = 10
)

// Event is something that happened in a thread.
type Event struct {
	Kind   EventKind `json:"k"`
	Thread string    `json:"t"`
	// Change is its number; 0 for typing, which has none.
	Change int64 `json:"c,omitempty"`
	// Members is the number of the roster that it is for.
	Members int64     `json:"m,omitempty"`
	At      time.Time `json:"at"`
	// Actor is who did it; empty when the retention policy did.
	Actor     string `json:"a,omitempty"`
	ActorName string `json:"an,omitempty"`
	// Message is the message as it is after the event; for changes of the topic
	// and of the roster it is the one that tells about them.
	Message *Message `json:"msg,omitempty"`
	Receipt *Receipt `json:"r,omitempty"`
	// Topic, Metadata and RetentionDays are those of a thread that was made or
	// changed.
	Topic         string            `json:"topic,omitempty"`
	Metadata      map[string]string `json:"meta,omitempty"`
	RetentionDays int               `json:"ret,omitempty"`
	// Participants are those who came or went, or all when a thread was made.
	Participants []Participant `json:"p,omitempty"`

	// Noticed is set by a Notifier that wrote something down in the transaction of
	// the event, for itself after the commit. It does not travel.
	Noticed bool `json:"-"`

	// early is set of what is read when its stream begins.
	early bool
}

// about returns the id of the message that an event is about: whoever does not
// see that one has no part in the event. It is 0 for events of the thread itself.
func (e *Event) about() int64 {
	switch e.Kind {
	case EventMessageReceived, EventMessageEdited, EventMessageDeleted:
		if e.Message != nil {
			return e.Message.ID
		}
	case EventRead:
		if e.Receipt != nil {
			return e.Receipt.MessageID
		}
	case EventHidden, EventTyping, EventThreadCreated, EventThreadUpdated, EventThreadDeleted, EventParticipantsAdded, EventParticipantsRemoved:
	}
	return 0
}

// subject carries the events of all threads: a node decides by itself which of
// them concern its connections.
const subject = "chat.events"

func (e *Event) marshal() ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("chat: event: %w", err)
	}
	return data, nil
}

func unmarshalEvent(data []byte) (*Event, error) {
	e := &Event{}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("chat: event: %w", err)
	}
	return e, nil
}

// eventOf is what a message that is there tells about, to somebody who knows
// the thread up to a change.
func eventOf(thread string, m *Message, since int64) Event {
	e := Event{Kind: EventMessageReceived, Thread: thread, Change: m.FirstChange, At: m.Created(), Actor: m.Sender, Message: m}
	if m.Details != nil {
		e.Actor, e.Participants, e.Topic = m.Details.Initiator, m.Details.Participants, m.Details.Topic
	}
	switch m.Kind {
	case MessageParticipantsAdded:
		e.Kind = EventParticipantsAdded
	case MessageParticipantsRemoved:
		e.Kind = EventParticipantsRemoved
	case MessageTopicUpdated:
		e.Kind = EventThreadUpdated
	case MessageText, MessageHTML:
		if m.FirstChange > since {
			break
		}
		e.Change, e.At, e.Kind = m.Change, m.Edited, EventMessageEdited
		if !m.Deleted.IsZero() {
			e.At, e.Kind = m.Deleted, EventMessageDeleted
		}
	}
	return e
}

// Changes returns what happened in a thread after a change, in order, as far as
// it still matters: a message that was edited meanwhile comes once, as it is
// now. upTo is the change that the caller knows the thread up to when it has
// applied them; more tells that there are further ones.
func (s *Service) Changes(ctx context.Context, c *Caller, thread string, since int64, limit int) (events []Event, upTo int64, more bool, err error) {
	if err := c.begin(thread, rightTake); err != nil {
		return nil, 0, false, err
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		self, err := member(q, c, thread)
		if err != nil {
			return err
		}
		events, upTo, more, err = changes(q, thread, since, milliseconds(self.HistoryFrom), limit)
		return err
	})
	return events, upTo, more, err
}

// changes reads what happened in a thread, two changes at least. It reads the thread's row first: what
// is committed after that is not counted as known. A message that was made
// before that and changed after it is told as made: its change comes later.
func changes(q store.Querier, thread string, since, historyFrom int64, limit int) (events []Event, upTo int64, more bool, err error) {
	upTo, updated, err := updateOf(q, thread)
	if err != nil {
		return nil, 0, false, err
	}
	messages, err := queryMessages(q, "SELECT "+messageColumns+` FROM chat_messages
		WHERE thread_id = $1 AND change > $2 AND (change <= $3 OR (first_change > $2 AND first_change <= $3)) AND id >= $4
		ORDER BY CASE WHEN first_change > $2 THEN first_change ELSE change END, id LIMIT $5`, thread, since, upTo, historyFrom, limit+1)
	if err != nil {
		return nil, 0, false, err
	}
	told := int64(0)
	for i := range messages {
		e := eventOf(thread, &messages[i], since)
		if e.Kind == EventThreadUpdated {
			// An earlier one has the topic of its time, and the rest as it is now.
			told, e.Metadata, e.RetentionDays = e.Change, updated.Metadata, updated.RetentionDays
		}
		events = append(events, e)
	}
	receipts, err := queryReceipts(q, `SELECT user_id, message_id, read_at, change FROM chat_receipts
		WHERE thread_id = $1 AND change > $2 AND change <= $3 AND message_id >= $4 ORDER BY change LIMIT $5`, thread, since, upTo, historyFrom, limit+1)
	if err != nil {
		return nil, 0, false, err
	}
	for i := range receipts {
		r := &receipts[i]
		events = append(events, Event{Kind: EventRead, Thread: thread, Change: r.Change, At: r.Read, Actor: r.User, Receipt: r})
	}
	if updated.Change > since && updated.Change != told {
		events = append(events, updated)
	}
	slices.SortStableFunc(events, func(a, b Event) int { return int(a.Change - b.Change) })
	if len(events) > limit {
		events, more = events[:limit], true
		upTo = events[limit-1].Change
	}
	return made(events, &updated), upTo, more, nil
}

// made puts the event of a thread's creation in the place of the messages that
// tell about it, with the metadata and the retention that the thread has now.
func made(events []Event, now *Event) []Event {
	if len(events) == 0 || events[0].Change != 1 || events[0].Message == nil {
		return events
	}
	e := Event{
		Kind: EventThreadCreated, Thread: now.Thread, Change: 1, Members: 1, At: events[0].At, Actor: events[0].Actor,
		Metadata: now.Metadata, RetentionDays: now.RetentionDays,
	}
	for len(events) > 0 && events[0].Change == 1 {
		e.Participants = append(e.Participants, events[0].Participants...)
		e.Topic += events[0].Topic // one of them has it
		events = events[1:]
	}
	return append([]Event{e}, events...)
}

// updateOf reads a thread's row: the last change of all, and the last one of the
// thread itself, which may be that it was deleted. By whom and when that was is
// not known of threads from before this was written down: then the thread's
// creator and last message stand in.
func updateOf(q store.Querier, thread string) (change int64, e Event, err error) {
	e = Event{Kind: EventThreadUpdated, Thread: thread}
	var metadata, creator string
	var at, last, deleted int64
	err = q.QueryRow(`SELECT change, updated_change, updated_by, updated_at, topic, metadata, retention_days, created_by, last_message_at, deleted_at
		FROM chat_threads WHERE id = $1`, thread).
		Scan(&change, &e.Change, &e.Actor, &at, &e.Topic, &metadata, &e.RetentionDays, &creator, &last, &deleted)
	if err != nil {
		return 0, e, err
	}
	if deleted != 0 {
		// Nothing comes after that. Of one that no member has deleted the last
		// update is an earlier one.
		actor := e.Actor
		if e.Change != change {
			actor = ""
		}
		return change, Event{Kind: EventThreadDeleted, Thread: thread, Change: change, At: fromMilliseconds(deleted), Actor: actor}, nil
	}
	if e.Actor == "" {
		e.Actor, at = creator, last
	}
	e.At = fromMilliseconds(at)
	return change, e, decode(metadata, &e.Metadata)
}
