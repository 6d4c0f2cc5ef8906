package chat

import (
	"context"
	"slices"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/store"
)

// right is what a scope allows (acs-rest 2.2).
type right uint8

const (
	// rightTake is to read and write in a thread.
	rightTake right = iota + 1
	// rightRoster is to add and remove members.
	rightRoster
	// rightOwn is to make, change and delete threads.
	rightOwn
)

// may checks the scopes of the token.
func (c *Caller) may(r right) error {
	has := func(scope string) bool { return slices.Contains(c.Scopes, scope) }
	ok := has(acswire.ScopeChat)
	switch r {
	case rightTake:
		ok = ok || has(acswire.ScopeChatJoin) || has(acswire.ScopeChatJoinLimited)
	case rightRoster:
		ok = ok || has(acswire.ScopeChatJoin)
	case rightOwn:
	}
	if !ok {
		return refuse(KindForbidden, "The token's scopes do not allow this.")
	}
	return nil
}

// moved is what a thread's row says after a change.
type moved struct {
	change, members, sequence, id int64
}

// touch counts a change of a thread of which the caller is a member. It is the
// first statement of every change: it locks the row, and it is the check.
func touch(tx *store.Tx, c *Caller, thread string) (m moved, err error) {
	err = tx.QueryRow(`UPDATE chat_threads SET change = change + 1
		WHERE id = $1 AND resource_id = $2 AND deleted_at = 0
		AND EXISTS (SELECT 1 FROM chat_participants WHERE thread_id = $1 AND user_id = $3)
		RETURNING change, members, sequence, last_id`, thread, c.Resource[:], c.User).
		Scan(&m.change, &m.members, &m.sequence, &m.id)
	if store.IsNotFound(err) {
		return m, whyNot(tx, c, thread)
	}
	return m, err
}

// touchMessage is touch for a change that is also a new message.
func touchMessage(tx *store.Tx, c *Caller, thread string, now int64) (m moved, err error) {
	err = tx.QueryRow(`UPDATE chat_threads SET change = change + 1, sequence = sequence + 1, last_message_at = $4,
		last_id = CASE WHEN last_id >= $4 THEN last_id + 1 ELSE $4 END
		WHERE id = $1 AND resource_id = $2 AND deleted_at = 0
		AND EXISTS (SELECT 1 FROM chat_participants WHERE thread_id = $1 AND user_id = $3)
		RETURNING change, members, sequence, last_id`, thread, c.Resource[:], c.User, now).
		Scan(&m.change, &m.members, &m.sequence, &m.id)
	if store.IsNotFound(err) {
		return m, whyNot(tx, c, thread)
	}
	return m, err
}

// whyNot says why a caller cannot do something in a thread.
func whyNot(q store.Querier, c *Caller, thread string) error {
	var deleted int64
	err := q.QueryRow("SELECT deleted_at FROM chat_threads WHERE id = $1 AND resource_id = $2", thread, c.Resource[:]).Scan(&deleted)
	if store.IsNotFound(err) || (err == nil && deleted != 0) {
		return refuse(KindNotFound, "The specified thread id was not found.")
	}
	if err != nil {
		return err
	}
	return refuse(KindForbidden, "User %s is not a member of the thread %s", c.User, thread)
}

// member reads the caller's row; it refuses who is not in the thread.
func member(q store.Querier, c *Caller, thread string) (Participant, error) {
	p := Participant{User: c.User}
	var from int64
	var metadata string
	err := q.QueryRow(`SELECT p.display_name, p.share_history_from, p.metadata FROM chat_participants p
		JOIN chat_threads t ON t.id = p.thread_id
		WHERE p.thread_id = $1 AND p.user_id = $2 AND t.resource_id = $3 AND t.deleted_at = 0`, thread, c.User, c.Resource[:]).
		Scan(&p.DisplayName, &from, &metadata)
	if store.IsNotFound(err) {
		return p, whyNot(q, c, thread)
	}
	if err != nil {
		return p, err
	}
	p.HistoryFrom = fromMilliseconds(from)
	return p, decode(metadata, &p.Metadata)
}

// begin checks what every operation on a thread checks first.
func (c *Caller) begin(thread string, r right) error {
	if err := c.may(r); err != nil {
		return err
	}
	if !ValidThreadID(thread) {
		return &Error{Kind: KindInvalid}
	}
	return nil
}

// read runs f for a member of a thread.
func (s *Service) read(ctx context.Context, c *Caller, thread string, f func(q store.Querier, self Participant) error) error {
	if err := c.begin(thread, rightTake); err != nil {
		return err
	}
	return s.options.Store.Read(ctx, func(q store.Querier) error {
		self, err := member(q, c, thread)
		if err != nil {
			return err
		}
		return f(q, self)
	})
}
