package chat

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// NewThread is what a thread begins with.
type NewThread struct {
	Topic        string
	Participants []Participant
	Metadata     map[string]string
	// RetentionDays is 0 for a thread that is kept.
	RetentionDays int
	// RequestID makes the creation repeatable: the same id of the same caller
	// gives the same thread. Empty without one.
	RequestID string
}

// Invalid is a participant who could not be added.
type Invalid struct {
	User, Code, Message string
}

func checkTopic(topic string) error {
	if topic == "" {
		return refuse(KindInvalid, "The topic is empty.")
	}
	if len(topic) > MaxTopic {
		return refuse(KindTooLarge, "The topic is longer than %d bytes.", MaxTopic)
	}
	return nil
}

func checkRetention(days int) error {
	if days != 0 && (days < MinRetention || days > MaxRetention) {
		return refuse(KindInvalid, "deleteThreadAfterDays must be between %d and %d.", MinRetention, MaxRetention)
	}
	return nil
}

// CreateThread makes a thread with the caller as a member.
func (s *Service) CreateThread(ctx context.Context, c *Caller, n NewThread) (Thread, []Invalid, error) {
	if err := c.may(rightOwn); err != nil {
		return Thread{}, nil, err
	}
	if err := checkNew(&n); err != nil {
		return Thread{}, nil, err
	}
	now := s.now()
	// Everybody who is there from the beginning sees everything.
	members := []Participant{{User: c.User}}
	valid, invalid, err := s.checkParticipants(ctx, c, n.Participants)
	if err != nil {
		return Thread{}, nil, err
	}
	for _, p := range valid {
		if p.User == c.User {
			members[0] = p
			continue
		}
		members = append(members, p)
	}
	if len(members) > MaxParticipants {
		return Thread{}, nil, refuse(KindInvalid, "A thread has at most %d participants.", MaxParticipants)
	}
	thread := Thread{
		ID: newThreadID(), Topic: n.Topic, Creator: c.User, Created: now.Truncate(time.Millisecond).UTC(),
		Metadata: clean(n.Metadata), RetentionDays: n.RetentionDays,
	}
	existing := ""
	var event Event
	err = s.write(ctx, func(tx *store.Tx) error {
		existing = ""
		if err := s.insertThread(tx, c, &thread, members, n.RequestID, &existing); err != nil || existing != "" {
			return err
		}
		event = Event{
			Kind: EventThreadCreated, Thread: thread.ID, Change: thread.Change, Members: thread.Members, At: thread.Created,
			Actor: c.User, Topic: thread.Topic, Metadata: thread.Metadata, RetentionDays: thread.RetentionDays, Participants: members,
		}
		return s.notify(tx, c.Resource, &event)
	})
	if err != nil {
		return Thread{}, nil, err
	}
	if existing != "" {
		thread, err = s.Thread(ctx, c, existing)
		return thread, invalid, err
	}
	s.hub.publish(&event)
	return thread, invalid, nil
}

func checkNew(n *NewThread) error {
	if err := checkTopic(n.Topic); err != nil {
		return err
	}
	if err := checkMetadata(n.Metadata); err != nil {
		return err
	}
	return checkRetention(n.RetentionDays)
}

// insertThread writes a thread with its first two messages, unless the caller
// made it before under the same request id.
func (s *Service) insertThread(tx *store.Tx, c *Caller, t *Thread, members []Participant, requestID string, existing *string) error {
	created := t.Created.UnixMilli()
	t.Change, t.Members = 1, 1
	last := created + 1
	t.LastMessage = fromMilliseconds(last)
	done, err := tx.Exec(`INSERT INTO chat_threads (id, resource_id, topic, created_by, created_at, deleted_at, retention_days, metadata,
		sequence, last_id, change, updated_change, updated_by, updated_at, members, last_message_at, request_id)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 2, $8, $9, $9, $4, $5, $10, $8, $11) ON CONFLICT (created_by, request_id) DO NOTHING`,
		t.ID, c.Resource[:], t.Topic, t.Creator, created, t.RetentionDays, encode(t.Metadata), last, t.Change, t.Members,
		sql.NullString{String: requestID, Valid: requestID != ""})
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return tx.QueryRow("SELECT id FROM chat_threads WHERE created_by = $1 AND request_id = $2", t.Creator, requestID).Scan(existing)
	}
	for _, p := range members {
		if err := insertParticipant(tx, t.ID, &p, t.Change); err != nil {
			return err
		}
	}
	added := Message{
		ID: created, Sequence: 1, Kind: MessageParticipantsAdded, Version: created, Change: t.Change,
		Details: &Details{Participants: members, Initiator: c.User},
	}
	if err := insertMessage(tx, t.ID, &added); err != nil {
		return err
	}
	topic := Message{
		ID: last, Sequence: 2, Kind: MessageTopicUpdated, Version: last, Change: t.Change,
		Details: &Details{Topic: t.Topic, Initiator: c.User},
	}
	return insertMessage(tx, t.ID, &topic)
}

const threadColumns = `t.id, t.topic, t.created_by, t.created_at, t.deleted_at, t.retention_days, t.metadata, t.change, t.members, t.last_message_at`

type scanner interface{ Scan(dest ...any) error }

func scanThread(row scanner) (Thread, error) {
	var t Thread
	var created, deleted, last int64
	var metadata string
	err := row.Scan(&t.ID, &t.Topic, &t.Creator, &created, &deleted, &t.RetentionDays, &metadata, &t.Change, &t.Members, &last)
	if err != nil {
		return t, err
	}
	t.Created, t.Deleted, t.LastMessage = fromMilliseconds(created), fromMilliseconds(deleted), fromMilliseconds(last)
	return t, decode(metadata, &t.Metadata)
}

// Thread returns a thread of which the caller is a member.
func (s *Service) Thread(ctx context.Context, c *Caller, id string) (t Thread, err error) {
	err = s.read(ctx, c, id, func(q store.Querier, _ Participant) error {
		t, err = scanThread(q.QueryRow("SELECT "+threadColumns+" FROM chat_threads t WHERE t.id = $1", id))
		return err
	})
	return t, err
}

// Position is where a page of threads begins: after a thread, in the order of
// their last messages. The zero value is the beginning.
type Position struct {
	Last time.Time
	ID   string
}

// Threads returns threads of which the caller is a member, also deleted ones,
// those with the newest messages first. since leaves out threads without a
// message from then on; limit is at most MaxPage.
func (s *Service) Threads(ctx context.Context, c *Caller, since time.Time, after Position, limit int) (threads []Thread, err error) {
	if err := c.may(rightTake); err != nil {
		return nil, err
	}
	before := int64(math.MaxInt64)
	if !after.Last.IsZero() {
		before = after.Last.UnixMilli()
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query("SELECT "+threadColumns+` FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id
			WHERE p.user_id = $1 AND t.resource_id = $2 AND t.last_message_at >= $3
			AND (t.last_message_at < $4 OR (t.last_message_at = $4 AND t.id > $5))
			ORDER BY t.last_message_at DESC, t.id LIMIT $6`, c.User, c.Resource[:], milliseconds(since), before, after.ID, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t, err := scanThread(rows)
			if err != nil {
				return err
			}
			threads = append(threads, t)
		}
		return rows.Err()
	})
	return threads, err
}

// ThreadPatch is a change of a thread; nil fields stay as they are.
type ThreadPatch struct {
	Topic *string
	// Metadata is merged: an empty or nil value deletes a name. NoMetadata
	// deletes all first.
	Metadata      map[string]*string
	NoMetadata    bool
	RetentionDays *int
}

// empty tells whether nothing is to be changed.
func (p *ThreadPatch) empty() bool {
	return p.Topic == nil && len(p.Metadata) == 0 && !p.NoMetadata && p.RetentionDays == nil
}

// UpdateThread changes a thread.
func (s *Service) UpdateThread(ctx context.Context, c *Caller, id string, patch ThreadPatch) error {
	if err := c.begin(id, rightOwn); err != nil {
		return err
	}
	if patch.Topic != nil {
		if err := checkTopic(*patch.Topic); err != nil {
			return err
		}
	}
	if patch.RetentionDays != nil {
		if err := checkRetention(*patch.RetentionDays); err != nil {
			return err
		}
	}
	if patch.empty() {
		_, err := s.Thread(ctx, c, id)
		return err
	}
	var event Event
	err := s.write(ctx, func(tx *store.Tx) (err error) {
		if event, err = s.patchThread(tx, c, id, patch); err != nil {
			return err
		}
		return s.notify(tx, c.Resource, &event)
	})
	if err != nil {
		return err
	}
	s.hub.publish(&event)
	return nil
}

func (s *Service) patchThread(tx *store.Tx, c *Caller, id string, patch ThreadPatch) (Event, error) {
	now := s.stamp()
	var m moved
	var err error
	if patch.Topic != nil {
		m, err = touchMessage(tx, c, id, now)
	} else {
		m, err = touch(tx, c, id)
	}
	if err != nil {
		return Event{}, err
	}
	t, err := scanThread(tx.QueryRow("SELECT "+threadColumns+" FROM chat_threads t WHERE t.id = $1", id))
	if err != nil {
		return Event{}, err
	}
	if patch.NoMetadata {
		t.Metadata = nil
	}
	if t.Metadata, err = patchMetadata(t.Metadata, patch.Metadata); err != nil {
		return Event{}, err
	}
	if patch.RetentionDays != nil {
		t.RetentionDays = *patch.RetentionDays
	}
	event := Event{
		Kind: EventThreadUpdated, Thread: id, Change: m.change, Members: m.members, At: fromMilliseconds(now),
		Actor: c.User, Metadata: t.Metadata, RetentionDays: t.RetentionDays,
	}
	if patch.Topic != nil {
		t.Topic = *patch.Topic
		message := Message{
			ID: m.id, Sequence: m.sequence, Kind: MessageTopicUpdated, Version: m.id, Change: m.change,
			Details: &Details{Topic: t.Topic, Initiator: c.User},
		}
		if err := insertMessage(tx, id, &message); err != nil {
			return Event{}, err
		}
		event.Message, event.At = &message, message.Created()
	}
	event.Topic = t.Topic
	_, err = tx.Exec(`UPDATE chat_threads SET topic = $1, metadata = $2, retention_days = $3, updated_change = $4, updated_by = $5, updated_at = $6
		WHERE id = $7`, t.Topic, encode(t.Metadata), t.RetentionDays, m.change, event.Actor, milliseconds(event.At), id)
	return event, err
}

// DeleteThread deletes a thread for all its members. Its members go on seeing
// that it was there.
func (s *Service) DeleteThread(ctx context.Context, c *Caller, id string) error {
	if err := c.begin(id, rightOwn); err != nil {
		return err
	}
	now := s.stamp()
	var event Event
	err := s.write(ctx, func(tx *store.Tx) error {
		m, err := touch(tx, c, id)
		if err != nil {
			return err
		}
		event = Event{
			Kind: EventThreadDeleted, Thread: id, Change: m.change, Members: m.members, At: fromMilliseconds(now), Actor: c.User,
		}
		if err := eraseThread(tx, id, now); err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE chat_threads SET updated_change = $1, updated_by = $2, updated_at = $3 WHERE id = $4", m.change, c.User, now, id)
		if err != nil {
			return err
		}
		return s.notify(tx, c.Resource, &event)
	})
	if err != nil {
		return err
	}
	s.hub.publish(&event)
	return nil
}

// eraseThread removes what was said in a thread.
func eraseThread(tx *store.Tx, id string, now int64) error {
	for _, query := range []string{
		"UPDATE chat_threads SET deleted_at = $2, metadata = '' WHERE id = $1 AND CAST($2 AS BIGINT) > 0",
		"DELETE FROM chat_messages WHERE thread_id = $1 AND CAST($2 AS BIGINT) > 0",
		"DELETE FROM chat_receipts WHERE thread_id = $1 AND CAST($2 AS BIGINT) > 0",
	} {
		if _, err := tx.Exec(query, id, now); err != nil {
			return err
		}
	}
	return dropImages(tx, id)
}

// expireBatch is how many threads one transaction deletes.
const expireBatch = 20

// Expire deletes the threads whose retention is over.
func (s *Service) Expire(ctx context.Context) error {
	for {
		var events []Event
		now := s.stamp()
		err := s.options.Store.Write(ctx, func(tx *store.Tx) (err error) {
			events, err = s.expire(tx, now)
			return err
		})
		if err != nil || len(events) == 0 {
			return err
		}
		for i := range events {
			s.hub.publish(&events[i])
		}
	}
}

const day = int64(24 * time.Hour / time.Millisecond)

func (s *Service) expire(tx *store.Tx, now int64) (events []Event, err error) {
	rows, err := tx.Query(`SELECT id, resource_id, change, members FROM chat_threads
		WHERE retention_days > 0 AND deleted_at = 0 AND created_at + retention_days * $1 <= $2 LIMIT $3`, day, now, expireBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var resources []guid.GUID
	for rows.Next() {
		e := Event{Kind: EventThreadDeleted, At: fromMilliseconds(now)}
		var resource []byte
		if err := rows.Scan(&e.Thread, &resource, &e.Change, &e.Members); err != nil {
			return nil, err
		}
		e.Change++
		events, resources = append(events, e), append(resources, guid.GUID(resource))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for i := range events {
		if _, err := tx.Exec("UPDATE chat_threads SET change = $1 WHERE id = $2", events[i].Change, events[i].Thread); err != nil {
			return nil, err
		}
		if err := eraseThread(tx, events[i].Thread, now); err != nil {
			return nil, err
		}
		if err := s.notify(tx, resources[i], &events[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}
