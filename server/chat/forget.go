package chat

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// named finds messages that name a user as one who came or went. The underscore
// in an id stands for any character here; who is meant is looked at again.
func named(user string) string { return `%"user":"` + user + `"%` }

// initiated finds messages about what a user changed; as above.
func initiated(user string) string { return `%"initiator":"` + user + `"%` }

// concerned returns the threads in which something of a user may be: messages,
// topics, a name. thread alone is looked at unless it is empty.
func (s *Service) concerned(ctx context.Context, resource guid.GUID, user, thread string) (threads []string, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		threads, err = texts(q, `SELECT t.id FROM chat_threads t WHERE t.resource_id = $1 AND (t.id = $2 OR $2 = '') AND (
			EXISTS (SELECT 1 FROM chat_participants p WHERE p.thread_id = t.id AND p.user_id = $3)
			OR EXISTS (SELECT 1 FROM chat_messages m WHERE m.thread_id = t.id AND (m.sender = $3 OR m.details LIKE $4 OR m.details LIKE $5)))`,
			resource[:], thread, user, named(user), initiated(user))
		return err
	})
	return threads, err
}

// forget takes out of a thread what a user is called and the topics that the
// user gave it. Members hear of it when the topic is one of those.
func (s *Service) forget(ctx context.Context, resource guid.GUID, thread, user string) error {
	var event *Event
	err := s.write(ctx, func(tx *store.Tx) error {
		event = nil
		if err := forgetName(tx, thread, user); err != nil {
			return err
		}
		current, err := forgetTopics(tx, thread, user)
		if err != nil || !current {
			return err
		}
		event, err = s.dropTopic(tx, resource, thread, user)
		return err
	})
	if err != nil {
		return fmt.Errorf("chat: erase: %w", err)
	}
	s.hub.publish(event)
	return nil
}

// forgetName takes a user's name out of the list of members, of what the user
// deleted before, and of the messages about who came and went.
func forgetName(tx *store.Tx, thread, user string) error {
	for _, query := range []string{
		"UPDATE chat_participants SET display_name = '', metadata = '' WHERE thread_id = $1 AND user_id = $2",
		"UPDATE chat_messages SET sender_name = '' WHERE thread_id = $1 AND sender = $2 AND sender_name <> ''",
	} {
		if _, err := tx.Exec(query, thread, user); err != nil {
			return err
		}
	}
	messages, err := queryMessages(tx, "SELECT "+messageColumns+" FROM chat_messages WHERE thread_id = $1 AND details LIKE $2", thread, named(user))
	if err != nil {
		return err
	}
	for i := range messages {
		details := messages[i].Details
		for j := range details.Participants {
			if p := &details.Participants[j]; p.User == user {
				p.DisplayName, p.Metadata = "", nil
			}
		}
		if err := rewrite(tx, thread, &messages[i]); err != nil {
			return err
		}
	}
	return nil
}

// forgetTopics takes topics of a user out of the messages about them. It tells
// whether the thread still has one of them.
func forgetTopics(tx *store.Tx, thread, user string) (current bool, err error) {
	messages, err := queryMessages(tx, "SELECT "+messageColumns+` FROM chat_messages
		WHERE thread_id = $1 AND kind = $2 ORDER BY id DESC`, thread, string(MessageTopicUpdated))
	if err != nil {
		return false, err
	}
	for i := range messages {
		details := messages[i].Details
		if details == nil || details.Initiator != user || details.Topic == "" {
			continue
		}
		current = current || i == 0
		details.Topic = ""
		if err := rewrite(tx, thread, &messages[i]); err != nil {
			return false, err
		}
	}
	return current, nil
}

func rewrite(tx *store.Tx, thread string, m *Message) error {
	_, err := tx.Exec("UPDATE chat_messages SET details = $1 WHERE thread_id = $2 AND id = $3", encode(m.Details), thread, m.ID)
	return err
}

// dropTopic leaves a thread without a topic.
func (s *Service) dropTopic(tx *store.Tx, resource guid.GUID, thread, user string) (*Event, error) {
	m, err := moveOn(tx, resource, thread)
	if err != nil {
		return nil, err
	}
	now := s.stamp()
	_, err = tx.Exec("UPDATE chat_threads SET topic = '', updated_change = $1, updated_by = $2, updated_at = $3 WHERE id = $4", m.change, user, now, thread)
	if err != nil {
		return nil, err
	}
	t, err := scanThread(tx.QueryRow("SELECT "+threadColumns+" FROM chat_threads t WHERE t.id = $1", thread))
	if err != nil {
		return nil, err
	}
	e := &Event{
		Kind: EventThreadUpdated, Thread: thread, Change: m.change, Members: m.members, At: fromMilliseconds(now),
		Actor: user, Metadata: t.Metadata, RetentionDays: t.RetentionDays,
	}
	return e, s.notify(tx, resource, e)
}
