package chat

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Notifier tells those outside of the threads what happens in them.
type Notifier interface {
	// Notify is called in the transaction that makes an event true, and again when
	// the transaction is repeated; what it writes is durable with the event. An
	// error undoes the event.
	Notify(tx *store.Tx, n *Notice) error
	// Committed is called after the transaction of an event. It must not block.
	Committed(e *Event)
}

// Notice is an event that somebody outside of its thread may want to hear of.
// It is good during Notify only. Typing and receipts are none.
type Notice struct {
	Event    *Event
	Resource guid.GUID

	tx *store.Tx
}

// NewNotice makes a notice of an event, for those who tell events that others
// made, and for tests.
func NewNotice(e *Event, resource guid.GUID, tx *store.Tx) *Notice {
	return &Notice{Event: e, Resource: resource, tx: tx}
}

// Created returns when the thread was made.
func (n *Notice) Created() (time.Time, error) {
	var created int64
	err := n.tx.QueryRow("SELECT created_at FROM chat_threads WHERE id = $1", n.Event.Thread).Scan(&created)
	return fromMilliseconds(created), err
}

// Audience returns the raw ids of those whom the event concerns: the members,
// of a message those who see it, and whoever was just removed.
func (n *Notice) Audience() ([]string, error) {
	about := n.Event.about()
	if about == 0 {
		about = math.MaxInt64
	}
	rows, err := n.tx.Query(`SELECT user_id FROM chat_participants WHERE thread_id = $1 AND share_history_from <= $2
		ORDER BY added_change, user_id`, n.Event.Thread, about)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var users []string
	for rows.Next() {
		var user string
		if err := rows.Scan(&user); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if n.Event.Kind == EventParticipantsRemoved {
		for _, p := range n.Event.Participants {
			users = append(users, p.User)
		}
	}
	return users, rows.Close() // before the next statement
}

// notify tells an event in its own transaction.
func (s *Service) notify(tx *store.Tx, resource guid.GUID, e *Event) error {
	if s.options.Notifier == nil {
		return nil
	}
	if err := s.options.Notifier.Notify(tx, NewNotice(e, resource, tx)); err != nil {
		return fmt.Errorf("chat: notify: %w", err)
	}
	return nil
}

// committed tells that what was notified is durable.
func (s *Service) committed(e *Event) {
	if s.options.Notifier != nil && e.Kind != EventTyping && e.Kind != EventRead {
		s.options.Notifier.Committed(e)
	}
}

// Told returns a message with the raw ids of the members who see it, for those
// who tell of it later. A message that is not there, or was deleted, is an *Error
// of KindNotFound.
func (s *Service) Told(ctx context.Context, resource guid.GUID, thread string, id int64) (m Message, members []string, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		m, err = scanMessage(q.QueryRow("SELECT "+messageColumns+` FROM chat_messages WHERE thread_id = $1 AND id = $2 AND deleted_at = 0
			AND EXISTS (SELECT 1 FROM chat_threads WHERE id = $1 AND resource_id = $3)`, thread, id, resource[:]))
		if store.IsNotFound(err) {
			return refuse(KindNotFound, "The specified message id was not found.")
		}
		if err == nil {
			members, err = texts(q, "SELECT user_id FROM chat_participants WHERE thread_id = $1 AND share_history_from <= $2 ORDER BY user_id", thread, id)
		}
		return err
	})
	return m, members, err
}
