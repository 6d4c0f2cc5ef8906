package chat

import (
	"context"

	"github.com/parley-rtc/parley/server/store"
)

// roster is who takes part in a thread, as of a number of changes.
type roster struct {
	version int64
	members []rosterMember
}

type rosterMember struct {
	user  string
	added int64 // the change that added the member
	from  int64 // from when on the member sees messages
}

// audience returns whom an event concerns, bringing the roster up to date, and
// the blind: members who do not see the message that it is about.
func (r *roster) audience(s *Service, e *Event) (users, blind []string, err error) {
	if err := r.follow(s, e); err != nil {
		return nil, nil, err
	}
	users = make([]string, 0, len(r.members)+1)
	about := e.about()
	for _, m := range r.members {
		// The roster may be newer than the event: whoever came later is not
		// told what was said before.
		there := e.Change == 0 || m.added <= e.Change
		switch {
		case about == 0 && there, about != 0 && m.from <= about && (there || e.Kind != EventRead):
			users = append(users, m.user)
		case there:
			blind = append(blind, m.user)
		}
	}
	if e.Kind == EventParticipantsRemoved {
		for _, p := range e.Participants {
			users = append(users, p.User)
		}
	}
	return users, blind, nil
}

// follow applies a change of the roster, or reads it anew when one was missed.
func (r *roster) follow(s *Service, e *Event) error {
	next := r.version != 0 && e.Members == r.version+1
	switch {
	case e.Members != 0 && e.Members <= r.version:
		return nil
	case e.Kind == EventThreadCreated:
		r.version, r.members = e.Members, nil
		r.add(e)
		return nil
	case next && e.Kind == EventParticipantsAdded:
		r.version = e.Members
		r.add(e)
		return nil
	case next && e.Kind == EventParticipantsRemoved:
		r.version = e.Members
		r.remove(e)
		return nil
	default:
		return r.load(s, e.Thread)
	}
}

// add takes in who came. The roster may be newer than its number and have them.
func (r *roster) add(e *Event) {
	r.remove(e)
	for _, p := range e.Participants {
		r.members = append(r.members, rosterMember{p.User, e.Change, milliseconds(p.HistoryFrom)})
	}
}

func (r *roster) remove(e *Event) {
	gone := map[string]bool{}
	for _, p := range e.Participants {
		gone[p.User] = true
	}
	var left []rosterMember
	for _, m := range r.members {
		if !gone[m.user] {
			left = append(left, m)
		}
	}
	r.members = left
}

func (r *roster) load(s *Service, thread string) error {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	return s.options.Store.Read(ctx, func(q store.Querier) error {
		var version int64
		// The number first: a roster that is newer than its number is read again.
		if err := q.QueryRow("SELECT members FROM chat_threads WHERE id = $1", thread).Scan(&version); err != nil {
			return err
		}
		rows, err := q.Query("SELECT user_id, added_change, share_history_from FROM chat_participants WHERE thread_id = $1", thread)
		if err != nil {
			return err
		}
		defer rows.Close()
		var members []rosterMember
		for rows.Next() {
			var m rosterMember
			if err := rows.Scan(&m.user, &m.added, &m.from); err != nil {
				return err
			}
			members = append(members, m)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		r.version, r.members = version, members
		return nil
	})
}

// users returns the members.
func (r *roster) users() []string {
	list := make([]string, len(r.members))
	for i := range r.members {
		list[i] = r.members[i].user
	}
	return list
}
