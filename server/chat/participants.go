package chat

import (
	"context"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// checkParticipants looks at those who are to be added. An id that cannot be
// one refuses the whole request; one of nobody only that participant.
func (s *Service) checkParticipants(ctx context.Context, c *Caller, given []Participant) ([]Participant, []Invalid, error) {
	if len(given) > MaxBatch {
		return nil, nil, refuse(KindInvalid, "At most %d participants can be added at once.", MaxBatch)
	}
	seen := map[string]bool{}
	var ours []string
	for i := range given {
		p := &given[i]
		if err := checkUser(p.User); err != nil {
			return nil, nil, err
		}
		if len(p.DisplayName) > MaxName {
			return nil, nil, refuse(KindTooLarge, "The display name is longer than %d bytes.", MaxName)
		}
		if err := checkMetadata(p.Metadata); err != nil {
			return nil, nil, err
		}
		if resource, err := resourceOf(p.User); err == nil && resource == c.Resource {
			ours = append(ours, p.User)
		}
	}
	existing, err := s.options.Users.Existing(ctx, c.Resource, ours)
	if err != nil {
		return nil, nil, err
	}
	var valid []Participant
	var invalid []Invalid
	for _, p := range given {
		switch {
		case seen[p.User]:
		case existing[p.User]:
			p.Metadata = clean(p.Metadata)
			valid = append(valid, p)
		default:
			invalid = append(invalid, Invalid{User: p.User, Code: "403", Message: "Permissions check failed"})
		}
		seen[p.User] = true
	}
	return valid, invalid, nil
}

func insertParticipant(tx *store.Tx, thread string, p *Participant, change int64) error {
	_, err := tx.Exec(`INSERT INTO chat_participants (thread_id, user_id, display_name, share_history_from, metadata, added_change)
		VALUES ($1, $2, $3, $4, $5, $6)`, thread, p.User, p.DisplayName, milliseconds(p.HistoryFrom), encode(p.Metadata), change)
	return err
}

// AddParticipants adds members. One without a time from which history is shared
// sees what is said from now on. Whoever is a member already stays as before.
func (s *Service) AddParticipants(ctx context.Context, c *Caller, thread string, given []Participant) ([]Invalid, error) {
	if err := c.begin(thread, rightRoster); err != nil {
		return nil, err
	}
	if len(given) == 0 {
		return nil, refuse(KindInvalid, "No participant is given.")
	}
	now := s.stamp()
	valid, invalid, err := s.checkParticipants(ctx, c, given)
	if err != nil {
		return nil, err
	}
	var event *Event
	err = s.write(ctx, func(tx *store.Tx) (err error) {
		event, err = s.join(tx, c, thread, valid, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.hub.publish(event)
	return invalid, nil
}

// join adds those who are not members yet; the event is nil when all are.
func (s *Service) join(tx *store.Tx, c *Caller, thread string, valid []Participant, now int64) (*Event, error) {
	if _, err := member(tx, c, thread); err != nil {
		return nil, err
	}
	var added []Participant
	count := 0
	if err := tx.QueryRow("SELECT count(*) FROM chat_participants WHERE thread_id = $1", thread).Scan(&count); err != nil {
		return nil, err
	}
	for _, p := range valid {
		var one int
		err := tx.QueryRow("SELECT 1 FROM chat_participants WHERE thread_id = $1 AND user_id = $2", thread, p.User).Scan(&one)
		if store.IsNotFound(err) {
			added = append(added, p)
		} else if err != nil {
			return nil, err
		}
	}
	if len(added) == 0 {
		return nil, nil //nolint:nilnil // nothing changed, nobody hears of it
	}
	if count+len(added) > MaxParticipants {
		return nil, refuse(KindInvalid, "A thread has at most %d participants.", MaxParticipants)
	}
	m, err := touchMessage(tx, c, thread, now)
	if err != nil {
		return nil, err
	}
	for i := range added {
		if added[i].HistoryFrom.IsZero() {
			added[i].HistoryFrom = fromMilliseconds(m.id)
		}
		if err := insertParticipant(tx, thread, &added[i], m.change); err != nil {
			return nil, err
		}
	}
	message := Message{
		ID: m.id, Sequence: m.sequence, Kind: MessageParticipantsAdded, Version: m.id, Change: m.change,
		Details: &Details{Participants: added, Initiator: c.User},
	}
	return s.rosterEvent(tx, thread, EventParticipantsAdded, c, m, &message)
}

// rosterEvent writes the message about members who came or went, and counts it.
func (s *Service) rosterEvent(tx *store.Tx, thread string, kind EventKind, c *Caller, m moved, message *Message) (*Event, error) {
	if err := insertMessage(tx, thread, message); err != nil {
		return nil, err
	}
	if _, err := tx.Exec("UPDATE chat_threads SET members = $1 WHERE id = $2", m.members+1, thread); err != nil {
		return nil, err
	}
	event := &Event{
		Kind: kind, Thread: thread, Change: m.change, Members: m.members + 1, At: message.Created(), Actor: c.User,
		Participants: message.Details.Participants, Message: message,
	}
	return event, s.notify(tx, c.Resource, event)
}

// RemoveParticipant removes a member, perhaps the caller. Nothing happens when
// the user is none.
func (s *Service) RemoveParticipant(ctx context.Context, c *Caller, thread, user string) error {
	if err := c.begin(thread, rightRoster); err != nil {
		return err
	}
	if err := checkUser(user); err != nil {
		return err
	}
	now := s.stamp()
	var event *Event
	err := s.write(ctx, func(tx *store.Tx) (err error) {
		event = nil
		if _, err := member(tx, c, thread); err != nil {
			return err
		}
		gone, err := member(tx, &Caller{User: user, Resource: c.Resource}, thread)
		if refused := (*Error)(nil); asError(err, &refused) {
			return nil // not a member
		} else if err != nil {
			return err
		}
		event, err = s.leave(tx, c, thread, gone, now)
		return err
	})
	if err != nil {
		return err
	}
	s.hub.publish(event)
	return nil
}

func (s *Service) leave(tx *store.Tx, c *Caller, thread string, gone Participant, now int64) (*Event, error) {
	m, err := touchMessage(tx, c, thread, now)
	if err != nil {
		return nil, err
	}
	for _, query := range []string{
		"DELETE FROM chat_participants WHERE thread_id = $1 AND user_id = $2",
		"DELETE FROM chat_receipts WHERE thread_id = $1 AND user_id = $2",
	} {
		if _, err := tx.Exec(query, thread, gone.User); err != nil {
			return nil, err
		}
	}
	message := Message{
		ID: m.id, Sequence: m.sequence, Kind: MessageParticipantsRemoved, Version: m.id, Change: m.change,
		Details: &Details{Participants: []Participant{gone}, Initiator: c.User},
	}
	return s.rosterEvent(tx, thread, EventParticipantsRemoved, c, m, &message)
}

// Participants returns the members of a thread in the order in which they came.
func (s *Service) Participants(ctx context.Context, c *Caller, thread string, skip, limit int) (list []Participant, err error) {
	err = s.read(ctx, c, thread, func(q store.Querier, _ Participant) error {
		list, err = queryParticipants(q, thread, skip, limit)
		return err
	})
	return list, err
}

func queryParticipants(q store.Querier, thread string, skip, limit int) (list []Participant, err error) {
	rows, err := q.Query(`SELECT user_id, display_name, share_history_from, metadata FROM chat_participants
		WHERE thread_id = $1 ORDER BY added_change, user_id LIMIT $2 OFFSET $3`, thread, limit, skip)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Participant
		var from int64
		var metadata string
		if err := rows.Scan(&p.User, &p.DisplayName, &from, &metadata); err != nil {
			return nil, err
		}
		if err := decode(metadata, &p.Metadata); err != nil {
			return nil, err
		}
		p.HistoryFrom = fromMilliseconds(from)
		list = append(list, p)
	}
	return list, rows.Err()
}

// RemoveUser takes a user out of all threads: the user was deleted.
func (s *Service) RemoveUser(ctx context.Context, resource guid.GUID, user string) error {
	for {
		var events []*Event
		now := s.stamp()
		err := s.write(ctx, func(tx *store.Tx) error {
			events = nil
			return s.removeUser(tx, resource, user, now, &events)
		})
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			s.hub.publish(e)
		}
	}
}

func (s *Service) removeUser(tx *store.Tx, resource guid.GUID, user string, now int64, events *[]*Event) error {
	rows, err := tx.Query(`SELECT p.thread_id FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id
		WHERE p.user_id = $1 AND t.resource_id = $2 AND t.deleted_at = 0 LIMIT $3`, user, resource[:], expireBatch)
	if err != nil {
		return err
	}
	defer rows.Close()
	var threads []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		threads = append(threads, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	c := &Caller{User: user, Resource: resource}
	for _, id := range threads {
		self, err := member(tx, c, id)
		if err != nil {
			return err
		}
		event, err := s.leave(tx, c, id, self, now)
		if err != nil {
			return err
		}
		*events = append(*events, event)
	}
	return nil
}
