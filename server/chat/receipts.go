package chat

import (
	"context"
	"errors"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

func asError(err error, target **Error) bool { return errors.As(err, target) }

// small refuses what large threads do not have.
func small(q store.Querier, thread string) error {
	count := 0
	if err := q.QueryRow("SELECT count(*) FROM chat_participants WHERE thread_id = $1", thread).Scan(&count); err != nil {
		return err
	}
	if count > MaxSmall {
		return refuse(KindForbidden, "Threads with more than %d participants have no read receipts and no typing notifications.", MaxSmall)
	}
	return nil
}

// MarkRead says that the caller has read up to a message. An older message
// than the last one changes nothing.
func (s *Service) MarkRead(ctx context.Context, c *Caller, thread string, id int64) error {
	if err := c.begin(thread, rightTake); err != nil {
		return err
	}
	now := s.stamp()
	var event *Event
	err := s.write(ctx, func(tx *store.Tx) (err error) {
		event, err = markRead(tx, c, thread, id, now)
		return err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	s.hub.publish(event)
	return nil
}

// errUnchanged undoes a transaction that would change nothing, so that no
// number is used for it.
var errUnchanged = errors.New("chat: nothing changed")

func markRead(tx *store.Tx, c *Caller, thread string, id, now int64) (*Event, error) {
	m, err := touch(tx, c, thread)
	if err != nil {
		return nil, err
	}
	if err := small(tx, thread); err != nil {
		return nil, err
	}
	var one int
	err = tx.QueryRow("SELECT 1 FROM chat_messages WHERE thread_id = $1 AND id = $2 AND "+seen, thread, id, c.User).Scan(&one)
	if store.IsNotFound(err) {
		return nil, refuse(KindNotFound, "The specified message id was not found.")
	}
	if err != nil {
		return nil, err
	}
	done, err := tx.Exec(`INSERT INTO chat_receipts (thread_id, user_id, message_id, read_at, change) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (thread_id, user_id) DO UPDATE SET message_id = excluded.message_id, read_at = excluded.read_at, change = excluded.change
		WHERE excluded.message_id > chat_receipts.message_id`, thread, c.User, id, now, m.change)
	if err != nil {
		return nil, err
	}
	if n, err := done.RowsAffected(); err != nil {
		return nil, err
	} else if n == 0 {
		return nil, errUnchanged
	}
	return &Event{
		Kind: EventRead, Thread: thread, Change: m.change, Members: m.members, At: fromMilliseconds(now), Actor: c.User,
		Receipt: &Receipt{User: c.User, MessageID: id, Read: fromMilliseconds(now), Change: m.change},
	}, nil
}

// Receipts returns how far the members have read, as far as the caller sees the
// messages.
func (s *Service) Receipts(ctx context.Context, c *Caller, thread string, skip, limit int) (list []Receipt, err error) {
	err = s.read(ctx, c, thread, func(q store.Querier, self Participant) error {
		list, err = queryReceipts(q, `SELECT user_id, message_id, read_at, change FROM chat_receipts
			WHERE thread_id = $1 AND message_id >= $2 ORDER BY read_at DESC, user_id LIMIT $3 OFFSET $4`,
			thread, milliseconds(self.HistoryFrom), limit, skip)
		return err
	})
	return list, err
}

func queryReceipts(q store.Querier, query string, args ...any) (list []Receipt, err error) {
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Receipt
		var read int64
		if err := rows.Scan(&r.User, &r.MessageID, &read, &r.Change); err != nil {
			return nil, err
		}
		r.Read = fromMilliseconds(read)
		list = append(list, r)
	}
	return list, rows.Err()
}

// Typing tells the members that the caller writes. Nothing is stored.
func (s *Service) Typing(ctx context.Context, c *Caller, thread, name string) error {
	if len(name) > MaxName {
		return refuse(KindTooLarge, "The display name is longer than %d bytes.", MaxName)
	}
	if err := checkText(name); err != nil {
		return err
	}
	var members int64
	err := s.read(ctx, c, thread, func(q store.Querier, _ Participant) error {
		if err := small(q, thread); err != nil {
			return err
		}
		return q.QueryRow("SELECT members FROM chat_threads WHERE id = $1", thread).Scan(&members)
	})
	if err != nil {
		return err
	}
	s.hub.publish(&Event{
		Kind: EventTyping, Thread: thread, Members: members, At: s.now().Truncate(time.Millisecond).UTC(), Actor: c.User, ActorName: name,
	})
	return nil
}
