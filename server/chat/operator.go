package chat

import (
	"context"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// AllThreads returns threads of a resource for whoever runs the service, in the
// order of their ids, after an id: those of which a user is a member, or of all
// when user is empty. Deleted ones are among them.
func (s *Service) AllThreads(ctx context.Context, resource guid.GUID, user, after string, limit int) (threads []Thread, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		query, args := "SELECT "+threadColumns+" FROM chat_threads t WHERE t.resource_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3", []any{resource[:], after, limit}
		if user != "" {
			query = "SELECT " + threadColumns + ` FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id
				WHERE t.resource_id = $1 AND t.id > $2 AND p.user_id = $4 ORDER BY t.id LIMIT $3`
			args = append(args, user)
		}
		rows, err := q.Query(query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		threads = nil
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

// Exporter takes a thread in parts: the thread, then its members, its messages
// from the oldest on, and how far its members have read.
type Exporter interface {
	Thread(t *Thread) error
	Participant(p *Participant) error
	Message(m *Message) error
	Receipt(r *Receipt) error
}

// Export gives a thread of a resource to an exporter, whose errors end it. What
// changes meanwhile is as it is when its turn comes. A thread that is not there
// is an *Error of KindNotFound.
func (s *Service) Export(ctx context.Context, resource guid.GUID, thread string, to Exporter) error {
	var t Thread
	var participants []Participant
	err := s.options.Store.Read(ctx, func(q store.Querier) (err error) {
		t, err = scanThread(q.QueryRow("SELECT "+threadColumns+" FROM chat_threads t WHERE t.id = $1 AND t.resource_id = $2", thread, resource[:]))
		if store.IsNotFound(err) {
			return refuse(KindNotFound, "The specified thread id was not found.")
		}
		if err == nil {
			participants, err = queryParticipants(q, thread, 0, MaxParticipants)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := to.Thread(&t); err != nil {
		return err
	}
	for i := range participants {
		if err := to.Participant(&participants[i]); err != nil {
			return err
		}
	}
	if err := s.exportMessages(ctx, thread, to); err != nil {
		return err
	}
	return s.exportReceipts(ctx, thread, to)
}

func (s *Service) exportMessages(ctx context.Context, thread string, to Exporter) error {
	for last := int64(0); ; {
		var page []Message
		err := s.options.Store.Read(ctx, func(q store.Querier) (err error) {
			page, err = queryMessages(q, "SELECT "+messageColumns+" FROM chat_messages WHERE thread_id = $1 AND id > $2 ORDER BY id LIMIT $3", thread, last, MaxPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := to.Message(&page[i]); err != nil {
				return err
			}
		}
		last = page[len(page)-1].ID
	}
}

func (s *Service) exportReceipts(ctx context.Context, thread string, to Exporter) error {
	var receipts []Receipt
	err := s.options.Store.Read(ctx, func(q store.Querier) (err error) {
		receipts, err = queryReceipts(q, "SELECT user_id, message_id, read_at, change FROM chat_receipts WHERE thread_id = $1 ORDER BY user_id", thread)
		return err
	})
	if err != nil {
		return err
	}
	for i := range receipts {
		if err := to.Receipt(&receipts[i]); err != nil {
			return err
		}
	}
	return nil
}

// Erasure says what whoever runs the service takes out of threads.
type Erasure struct {
	// User is the raw id of somebody all of whose messages go, wherever they are
	// or in Thread only.
	User string
	// Thread alone is a thread that goes with all that is in it.
	Thread string
	// Message is one message of Thread, whoever wrote it; then User is empty.
	Message int64
}

// Check refuses what names nothing, or nothing that can be.
func (e *Erasure) Check() error {
	switch {
	case e.Thread != "" && !ValidThreadID(e.Thread):
		return refuse(KindInvalid, "The thread id is not valid.")
	case e.Message != 0 && (e.User != "" || e.Thread == ""), e.User == "" && e.Thread == "":
		return refuse(KindInvalid, "Name a user, a thread, a user and a thread, or a thread and a message.")
	case e.User != "":
		return checkUser(e.User)
	}
	return nil
}

// Erased is how much was taken out: deleted threads, or messages and in how many
// threads they were. Names and topics are not counted.
type Erased struct {
	Threads, Messages int
}

// Erase takes content out of threads, as if those had deleted it who wrote it:
// everybody is told. Of a user's messages nothing stays but that there was one;
// topics that the user gave, the user's display name and metadata as a member go
// too, also out of what tells of them. Of whom is not noted, and so stays, the
// metadata of a thread and what the user called others. It may be called again
// when only a part was done.
func (s *Service) Erase(ctx context.Context, resource guid.GUID, e Erasure) (Erased, error) {
	if err := e.Check(); err != nil {
		return Erased{}, err
	}
	switch {
	case e.User != "":
		return s.eraseUser(ctx, resource, e)
	case e.Message != 0:
		n, err := s.eraseMessages(ctx, resource, e.Thread, []int64{e.Message})
		if err == nil && n == 0 {
			err = s.known(ctx, resource, e.Thread, e.Message)
		}
		return Erased{Messages: n}, err
	}
	return s.dropThread(ctx, resource, e.Thread)
}

// known refuses a message that is not there.
func (s *Service) known(ctx context.Context, resource guid.GUID, thread string, message int64) error {
	return s.options.Store.Read(ctx, func(q store.Querier) error {
		var one int
		err := q.QueryRow(`SELECT 1 FROM chat_messages m JOIN chat_threads t ON t.id = m.thread_id
			WHERE m.thread_id = $1 AND m.id = $2 AND t.resource_id = $3`, thread, message, resource[:]).Scan(&one)
		if store.IsNotFound(err) {
			return refuse(KindNotFound, "The specified message id was not found.")
		}
		return err
	})
}

// moveOn counts a change of a thread that no member makes.
func moveOn(tx *store.Tx, resource guid.GUID, thread string) (m moved, err error) {
	err = tx.QueryRow(`UPDATE chat_threads SET change = change + 1 WHERE id = $1 AND resource_id = $2 AND deleted_at = 0
		RETURNING change, members, sequence, last_id`, thread, resource[:]).Scan(&m.change, &m.members, &m.sequence, &m.id)
	if store.IsNotFound(err) {
		return m, refuse(KindNotFound, "The specified thread id was not found.")
	}
	return m, err
}

// dropThread deletes a thread for its members.
func (s *Service) dropThread(ctx context.Context, resource guid.GUID, thread string) (Erased, error) {
	now := s.stamp()
	var event Event
	var n int64
	err := s.write(ctx, func(tx *store.Tx) error {
		m, err := moveOn(tx, resource, thread)
		if err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT count(*) FROM chat_messages WHERE thread_id = $1", thread).Scan(&n); err != nil {
			return err
		}
		event = Event{Kind: EventThreadDeleted, Thread: thread, Change: m.change, Members: m.members, At: fromMilliseconds(now)}
		if err := eraseThread(tx, thread, now); err != nil {
			return err
		}
		return s.notify(tx, resource, &event)
	})
	if err != nil {
		return Erased{}, err
	}
	s.hub.publish(&event)
	return Erased{Threads: 1, Messages: int(n)}, nil
}

// eraseUser takes out what a user wrote.
func (s *Service) eraseUser(ctx context.Context, resource guid.GUID, e Erasure) (done Erased, err error) {
	err = s.write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE chat_images SET state = $1 WHERE owner_id = $2 AND (thread_id = $3 OR $3 = '')
			AND thread_id IN (SELECT id FROM chat_threads WHERE resource_id = $4)`, imageGone, e.User, e.Thread, resource[:])
		if err != nil {
			return err
		}
		// Of a deleted thread nobody knows any more who gave it its topic last.
		_, err = tx.Exec(`UPDATE chat_threads SET topic = '' WHERE created_by = $1 AND deleted_at > 0 AND (id = $2 OR $2 = '') AND resource_id = $3`,
			e.User, e.Thread, resource[:])
		return err
	})
	if err != nil {
		return done, err
	}
	threads, err := s.concerned(ctx, resource, e.User, e.Thread)
	if err != nil {
		return done, err
	}
	for _, thread := range threads {
		n, err := s.eraseUserIn(ctx, resource, thread, e.User)
		if done.Messages += n; n > 0 {
			done.Threads++
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (s *Service) eraseUserIn(ctx context.Context, resource guid.GUID, thread, user string) (done int, err error) {
	for {
		var ids []int64
		err := s.options.Store.Read(ctx, func(q store.Querier) error {
			messages, err := queryMessages(q, "SELECT "+messageColumns+` FROM chat_messages
				WHERE thread_id = $1 AND sender = $2 AND deleted_at = 0 ORDER BY id LIMIT $3`, thread, user, erased)
			for i := range messages {
				ids = append(ids, messages[i].ID)
			}
			return err
		})
		if err != nil {
			return done, err
		}
		if len(ids) == 0 {
			return done, s.forget(ctx, resource, thread, user)
		}
		n, err := s.eraseMessages(ctx, resource, thread, ids)
		if done += n; err != nil {
			return done, err
		}
	}
}

// eraseMessages deletes messages that somebody wrote, and are not deleted yet.
func (s *Service) eraseMessages(ctx context.Context, resource guid.GUID, thread string, ids []int64) (int, error) {
	var events []*Event
	err := s.write(ctx, func(tx *store.Tx) error {
		events = nil
		for _, id := range ids {
			e, err := s.eraseMessage(tx, resource, thread, id)
			if err != nil {
				return err
			}
			if e != nil {
				events = append(events, e)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		s.hub.publish(e)
	}
	return len(events), nil
}

func (s *Service) eraseMessage(tx *store.Tx, resource guid.GUID, thread string, id int64) (*Event, error) {
	now := s.stamp()
	message, err := scanMessage(tx.QueryRow("SELECT "+messageColumns+" FROM chat_messages WHERE thread_id = $1 AND id = $2 AND deleted_at = 0", thread, id))
	if store.IsNotFound(err) || (err == nil && !message.Kind.Written()) {
		return nil, nil //nolint:nilnil // nothing to erase, nobody hears of it
	}
	if err != nil {
		return nil, err
	}
	m, err := moveOn(tx, resource, thread)
	if err != nil {
		return nil, err
	}
	if err := detach(tx, thread, "", message.Attachments); err != nil {
		return nil, err
	}
	message.Content, message.SenderName, message.Metadata, message.Attachments = "", "", nil, nil
	message.Deleted, message.Version, message.Change = fromMilliseconds(now), max(now, message.Version+1), m.change
	_, err = tx.Exec(`UPDATE chat_messages SET content = '', sender_name = '', metadata = '', attachments = '', deleted_at = $1, version = $2, change = $3
		WHERE thread_id = $4 AND id = $5`, now, message.Version, message.Change, thread, id)
	if err != nil {
		return nil, err
	}
	e := &Event{
		Kind: EventMessageDeleted, Thread: thread, Change: m.change, Members: m.members, At: message.Deleted, Actor: message.Sender, Message: &message,
	}
	return e, s.notify(tx, resource, e)
}
