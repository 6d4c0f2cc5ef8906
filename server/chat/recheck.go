package chat

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

// Recheck compares the threads of which this node has told something, and those
// of its connections in which something has happened lately, with the database,
// and tells what the bus has lost of them after that. A node calls it when
// something may be lost that nothing followed.
func (h *Hub) Recheck(ctx context.Context) error {
	now := h.service.now()
	quiet, users, moment := h.quiet()
	for part := range slices.Chunk(quiet, maxUsers) {
		found, err := h.service.lastChanges(ctx, "SELECT id, change FROM chat_threads WHERE id IN (", ")", part)
		if err != nil {
			return err
		}
		h.compare(found)
	}
	for part := range slices.Chunk(users, maxUsers) {
		at := milliseconds(moment)
		found, err := h.service.lastChanges(ctx, `SELECT DISTINCT t.id, t.change FROM chat_participants p
			JOIN chat_threads t ON t.id = p.thread_id WHERE p.user_id IN (`,
			") AND (t.last_message_at >= $1 OR t.updated_at >= $1 OR t.deleted_at >= $1)", part, at)
		if err != nil {
			return err
		}
		h.compare(found)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checked = now
	return nil
}

// quiet returns the threads whose streams do nothing, the users, and the moment
// from which on something may have happened that was not looked for.
func (h *Hub) quiet() (threads, users []string, moment time.Time) {
	heard, _ := h.unheard()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.users) == 0 {
		return nil, nil, heard
	}
	for id, s := range h.streams {
		if !s.busy && s.timer == nil && s.next != 0 {
			threads = append(threads, id)
		}
	}
	for user := range h.users {
		users = append(users, user)
	}
	if h.checked.After(heard) {
		heard = h.checked
	}
	return threads, users, heard.Add(-settled)
}

// compare has streams go on up to changes that the database knows, and begin where
// there is none.
func (h *Hub) compare(found map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.users) == 0 {
		return
	}
	for id, change := range found {
		s := h.streams[id]
		if s != nil && (s.busy || s.timer != nil) {
			continue // it goes on at this moment
		}
		at := h.marks.look(id)
		if s != nil {
			at = s.mark
		}
		if at.next == 0 || change >= at.next {
			h.queue(&Event{Kind: EventHidden, Thread: id, Change: change})
		}
	}
}

// lastChanges returns the numbers of the last changes of threads, which a query
// finds by texts and other arguments.
func (s *Service) lastChanges(ctx context.Context, query, end string, texts []string, others ...any) (found map[string]int64, err error) {
	places, args := make([]string, len(texts)), others
	for i, text := range texts {
		args = append(args, text)
		places[i] = "$" + strconv.Itoa(len(args))
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(query+strings.Join(places, ", ")+end, args...)
		if err != nil {
			return err
		}
		found, err = changesByThread(rows)
		return err
	})
	return found, err
}

// joined returns the last changes of a user's threads: of those in which something
// happened after a moment, and of the others. A thread's last change is always there
// to be seen.
func (s *Service) joined(ctx context.Context, user string, moment time.Time) (recent, others map[string]int64, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(`SELECT t.id, t.change, CASE WHEN t.last_message_at >= $2 OR t.updated_at >= $2
			OR EXISTS (SELECT 1 FROM chat_messages m WHERE m.thread_id = t.id AND m.change = t.change AND m.version >= $2)
			OR EXISTS (SELECT 1 FROM chat_receipts r WHERE r.thread_id = t.id AND r.change = t.change AND r.read_at >= $2) THEN 1 ELSE 0 END
			FROM chat_participants p JOIN chat_threads t ON t.id = p.thread_id WHERE p.user_id = $1`, user, milliseconds(moment))
		if err != nil {
			return err
		}
		defer rows.Close()
		recent, others = map[string]int64{}, map[string]int64{}
		for rows.Next() {
			var id string
			var change int64
			var lately int
			if err := rows.Scan(&id, &change, &lately); err != nil {
				return err
			}
			if lately != 0 {
				recent[id] = change
			} else {
				others[id] = change
			}
		}
		return rows.Err()
	})
	return recent, others, err
}

func changesByThread(rows *sql.Rows) (map[string]int64, error) {
	defer rows.Close()
	var found map[string]int64
	for rows.Next() {
		var id string
		var change int64
		if err := rows.Scan(&id, &change); err != nil {
			return nil, err
		}
		if found == nil {
			found = map[string]int64{}
		}
		found[id] = change
	}
	return found, rows.Err()
}
