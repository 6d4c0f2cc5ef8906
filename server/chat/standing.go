package chat

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/server/store"
)

// maxUnread is up to how many messages are counted as unread.
const maxUnread = 1000

// Standing is where a thread stands for one of its members.
type Standing struct {
	Thread, Topic string
	// Change is the number of the last change, Added that of the change with
	// which the member came in.
	Change, Added int64
}

// maxUsers is how many users StandingsOf asks for at a time.
const maxUsers = 200

const standings = `SELECT t.id, t.topic, t.change, p.added_change FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id
	WHERE p.user_id = $1 AND t.resource_id = $2 AND t.deleted_at = 0`

// Standings returns where all threads of the caller stand.
func (s *Service) Standings(ctx context.Context, c *Caller) (list []Standing, err error) {
	if err := c.may(rightTake); err != nil {
		return nil, err
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(standings, c.User, c.Resource[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var st Standing
			if err := rows.Scan(&st.Thread, &st.Topic, &st.Change, &st.Added); err != nil {
				return err
			}
			list = append(list, st)
		}
		return rows.Err()
	})
	return list, err
}

// StandingsOf returns where the threads of users stand, by user. It asks the
// database once for many users, and checks no token: what it returns is for
// comparing, not for telling.
func (s *Service) StandingsOf(ctx context.Context, users []string) (map[string][]Standing, error) {
	all := make(map[string][]Standing, len(users))
	for part := range slices.Chunk(users, maxUsers) {
		places, args := make([]string, len(part)), make([]any, len(part))
		for i, user := range part {
			places[i], args[i] = "$"+strconv.Itoa(i+1), user
		}
		err := s.options.Store.Read(ctx, func(q store.Querier) error {
			for _, user := range part {
				delete(all, user) // the reading may be repeated
			}
			rows, err := q.Query(`SELECT p.user_id, t.id, t.topic, t.change, p.added_change FROM chat_participants p
				JOIN chat_threads t ON t.id = p.thread_id WHERE t.deleted_at = 0 AND p.user_id IN (`+strings.Join(places, ", ")+")", args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var user string
				var st Standing
				if err := rows.Scan(&user, &st.Thread, &st.Topic, &st.Change, &st.Added); err != nil {
					return err
				}
				all[user] = append(all[user], st)
			}
			return rows.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Standing returns where a thread of the caller stands.
func (s *Service) Standing(ctx context.Context, c *Caller, thread string) (st Standing, err error) {
	err = s.read(ctx, c, thread, func(q store.Querier, _ Participant) error {
		err := q.QueryRow(standings+" AND t.id = $3", c.User, c.Resource[:], thread).Scan(&st.Thread, &st.Topic, &st.Change, &st.Added)
		if store.IsNotFound(err) {
			return whyNot(q, c, thread)
		}
		return err
	})
	return st, err
}

// Unread returns the last message that the caller has read, and how many
// messages of others come after it as of a change, up to a thousand.
func (s *Service) Unread(ctx context.Context, c *Caller, thread string, change int64) (read int64, unread int, err error) {
	err = s.read(ctx, c, thread, func(q store.Querier, self Participant) error {
		err := q.QueryRow("SELECT message_id FROM chat_receipts WHERE thread_id = $1 AND user_id = $2", thread, c.User).Scan(&read)
		if err != nil && !store.IsNotFound(err) {
			return err
		}
		return q.QueryRow(`SELECT count(*) FROM (SELECT 1 FROM chat_messages WHERE thread_id = $1 AND id > $2 AND id >= $3
			AND first_change <= $4 AND (deleted_at = 0 OR change > $4) AND sender <> $5 AND kind IN ('text', 'html') LIMIT $6) AS counted`,
			thread, read, milliseconds(self.HistoryFrom), change, c.User, maxUnread).Scan(&unread)
	})
	return read, unread, err
}
