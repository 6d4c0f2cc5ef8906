package chat

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

// NewMessage is what somebody writes.
type NewMessage struct {
	// Kind is MessageText or MessageHTML.
	Kind        MessageKind
	Content     string
	SenderName  string
	Metadata    map[string]string
	Attachments []Attachment
	// ClientID makes sending repeatable: the same id of the same sender in the
	// same thread is one message. Empty without one.
	ClientID string
}

const maxClientID = 64

func (n *NewMessage) check() error {
	if !n.Kind.Written() {
		return refuse(KindInvalid, "The message type must be text or html.")
	}
	if len(n.Content) > MaxContent {
		return refuse(KindTooLarge, "The content is larger than %d bytes.", MaxContent)
	}
	if len(n.SenderName) > MaxName {
		return refuse(KindTooLarge, "The display name is longer than %d bytes.", MaxName)
	}
	if len(n.ClientID) > maxClientID {
		return refuse(KindInvalid, "The client's message id is longer than %d bytes.", maxClientID)
	}
	if err := checkText(n.Content, n.SenderName, n.ClientID); err != nil {
		return err
	}
	return checkMetadata(n.Metadata)
}

// checkContent refuses a message that says nothing: of HTML, one of which
// sanitize has left nothing.
func (m *Message) checkContent() error {
	if m.Content == "" && len(m.Attachments) == 0 {
		return refuse(KindInvalid, "The content is empty.")
	}
	return nil
}

// Send writes a message into a thread. repeated tells that the message with
// the client's id was there already; then it is that one.
func (s *Service) Send(ctx context.Context, c *Caller, thread string, n NewMessage) (message Message, repeated bool, err error) {
	if err := c.begin(thread, rightTake); err != nil {
		return Message{}, false, err
	}
	if err := n.check(); err != nil {
		return Message{}, false, err
	}
	message = Message{
		Kind: n.Kind, Sender: c.User, SenderName: n.SenderName, Content: n.Content,
		Metadata: clean(n.Metadata), Attachments: n.Attachments, ClientID: n.ClientID,
	}
	if n.Kind == MessageHTML {
		message.Content = sanitize(n.Content)
	}
	if err := message.checkContent(); err != nil {
		return Message{}, false, err
	}
	now := s.stamp()
	var event Event
	err = s.write(ctx, func(tx *store.Tx) error {
		repeated = false
		if n.ClientID != "" {
			earlier, err := scanMessage(tx.QueryRow("SELECT "+messageColumns+
				" FROM chat_messages WHERE thread_id = $1 AND sender = $2 AND client_id = $3", thread, c.User, n.ClientID))
			if err == nil {
				message, repeated = earlier, true
				_, err = member(tx, c, thread)
				return err
			}
			if !store.IsNotFound(err) {
				return err
			}
		}
		m, err := touchMessage(tx, c, thread, now)
		if err != nil {
			return err
		}
		message.ID, message.Sequence, message.Version, message.FirstChange, message.Change = m.id, m.sequence, m.id, m.change, m.change
		if len(n.Attachments) > 0 {
			message.Attachments = slices.Clone(n.Attachments) // the transaction may be repeated
			if err := attach(tx, thread, message.Attachments); err != nil {
				return err
			}
		}
		if err := insertMessage(tx, thread, &message); err != nil {
			return err
		}
		event = Event{
			Kind: EventMessageReceived, Thread: thread, Change: m.change, Members: m.members, At: message.Created(),
			Actor: c.User, Message: &message,
		}
		return s.notify(tx, c.Resource, &event)
	})
	if err != nil || repeated {
		return message, repeated, err
	}
	s.hub.publish(&event)
	return message, false, nil
}

// seen leaves out messages $2 of a thread $1 from before a member $3 sees any.
const seen = "EXISTS (SELECT 1 FROM chat_participants WHERE thread_id = $1 AND user_id = $3 AND share_history_from <= $2)"

const messageColumns = `id, sequence, kind, sender, sender_name, content, metadata, attachments, details, edited_at, deleted_at, version, first_change, change, client_id`

func insertMessage(tx *store.Tx, thread string, m *Message) error {
	_, err := tx.Exec(`INSERT INTO chat_messages (thread_id, `+messageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $12, $12, $13)`,
		thread, m.ID, m.Sequence, string(m.Kind), m.Sender, m.SenderName, m.Content, encode(m.Metadata), encode(m.Attachments),
		encode(m.Details), m.Version, m.Change, sql.NullString{String: m.ClientID, Valid: m.ClientID != ""})
	return err
}

func scanMessage(row scanner) (Message, error) {
	var m Message
	var kind, metadata, attachments, details string
	var edited, deleted int64
	var client sql.NullString
	err := row.Scan(&m.ID, &m.Sequence, &kind, &m.Sender, &m.SenderName, &m.Content, &metadata, &attachments, &details,
		&edited, &deleted, &m.Version, &m.FirstChange, &m.Change, &client)
	if err != nil {
		return m, err
	}
	m.Kind, m.Edited, m.Deleted, m.ClientID = MessageKind(kind), fromMilliseconds(edited), fromMilliseconds(deleted), client.String
	if err := decode(metadata, &m.Metadata); err != nil {
		return m, err
	}
	if err := decode(attachments, &m.Attachments); err != nil {
		return m, err
	}
	return m, decode(details, &m.Details)
}

// Message returns one message.
func (s *Service) Message(ctx context.Context, c *Caller, thread string, id int64) (m Message, err error) {
	err = s.read(ctx, c, thread, func(q store.Querier, self Participant) error {
		m, err = scanMessage(q.QueryRow("SELECT "+messageColumns+" FROM chat_messages WHERE thread_id = $1 AND id = $2", thread, id))
		if store.IsNotFound(err) || (err == nil && m.ID < milliseconds(self.HistoryFrom)) {
			return refuse(KindNotFound, "The specified message id was not found.")
		}
		return err
	})
	return m, err
}

// Messages returns messages of a thread, the newest first: those before the
// message with the id before (0: from the newest) and not older than since.
func (s *Service) Messages(ctx context.Context, c *Caller, thread string, since time.Time, before int64, limit int) (messages []Message, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	err = s.read(ctx, c, thread, func(q store.Querier, self Participant) error {
		from := max(milliseconds(since), milliseconds(self.HistoryFrom))
		messages, err = queryMessages(q, "SELECT "+messageColumns+` FROM chat_messages
			WHERE thread_id = $1 AND id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4`, thread, from, before, limit)
		return err
	})
	return messages, err
}

func queryMessages(q store.Querier, query string, args ...any) (messages []Message, err error) {
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, rows.Err()
}

// MessagePatch is a change of a message; nil fields stay as they are.
type MessagePatch struct {
	Content *string
	// Metadata is merged: an empty or nil value deletes a name. NoMetadata
	// deletes all first.
	Metadata    map[string]*string
	NoMetadata  bool
	Attachments *[]Attachment
}

// empty tells whether nothing is to be changed.
func (p *MessagePatch) empty() bool {
	return p.Content == nil && len(p.Metadata) == 0 && !p.NoMetadata && p.Attachments == nil
}

// UpdateMessage changes a message that the caller wrote.
func (s *Service) UpdateMessage(ctx context.Context, c *Caller, thread string, id int64, patch MessagePatch) error {
	if patch.Content != nil && len(*patch.Content) > MaxContent {
		return refuse(KindTooLarge, "The content is larger than %d bytes.", MaxContent)
	}
	return s.change(ctx, c, thread, id, EventMessageEdited, func(tx *store.Tx, m *Message, now int64) error {
		if patch.empty() {
			return errUnchanged
		}
		if patch.Content != nil {
			m.Content = *patch.Content
			if m.Kind == MessageHTML {
				m.Content = sanitize(m.Content)
			}
		}
		if patch.Attachments != nil {
			m.Attachments = slices.Clone(*patch.Attachments) // the transaction may be repeated
			if err := attach(tx, thread, m.Attachments); err != nil {
				return err
			}
		}
		err := m.checkContent()
		if err != nil {
			return err
		}
		if patch.NoMetadata {
			m.Metadata = nil
		}
		if patch.Metadata != nil {
			m.Metadata, err = patchMetadata(m.Metadata, patch.Metadata)
		}
		m.Edited = fromMilliseconds(now)
		return err
	})
}

// DeleteMessage takes back what the caller wrote. That there was a message stays.
func (s *Service) DeleteMessage(ctx context.Context, c *Caller, thread string, id int64) error {
	return s.change(ctx, c, thread, id, EventMessageDeleted, func(tx *store.Tx, m *Message, now int64) error {
		if err := detach(tx, thread, c.User, m.Attachments); err != nil {
			return err
		}
		m.Content, m.Metadata, m.Attachments = "", nil, nil
		m.Deleted = fromMilliseconds(now)
		return nil
	})
}

// change edits one message of the caller.
func (s *Service) change(ctx context.Context, c *Caller, thread string, id int64, kind EventKind, edit func(tx *store.Tx, m *Message, now int64) error) error {
	if err := c.begin(thread, rightTake); err != nil {
		return err
	}
	now := s.stamp()
	var message Message
	var event Event
	err := s.write(ctx, func(tx *store.Tx) error {
		m, err := touch(tx, c, thread)
		if err != nil {
			return err
		}
		message, err = scanMessage(tx.QueryRow("SELECT "+messageColumns+" FROM chat_messages WHERE thread_id = $1 AND id = $2 AND "+seen, thread, id, c.User))
		switch {
		case store.IsNotFound(err):
			return refuse(KindNotFound, "The specified message id was not found.")
		case err != nil:
			return err
		case !message.Kind.Written() || message.Sender != c.User:
			return refuse(KindForbidden, "The message was not written by %s.", c.User)
		case !message.Deleted.IsZero() && kind == EventMessageDeleted:
			return errUnchanged
		case !message.Deleted.IsZero():
			return refuse(KindNotFound, "The specified message id was not found.")
		}
		if err := edit(tx, &message, now); err != nil {
			return err
		}
		message.Version, message.Change = max(now, message.Version+1), m.change
		_, err = tx.Exec(`UPDATE chat_messages SET content = $1, metadata = $2, attachments = $3, edited_at = $4, deleted_at = $5,
			version = $6, change = $7 WHERE thread_id = $8 AND id = $9`,
			message.Content, encode(message.Metadata), encode(message.Attachments), milliseconds(message.Edited), milliseconds(message.Deleted),
			message.Version, message.Change, thread, id)
		if err != nil {
			return err
		}
		event = Event{
			Kind: kind, Thread: thread, Change: m.change, Members: m.members, At: fromMilliseconds(now), Actor: c.User, Message: &message,
		}
		return s.notify(tx, c.Resource, &event)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	s.hub.publish(&event)
	return nil
}
