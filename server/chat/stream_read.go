package chat

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

// between reads the events after one change and before another. more tells that
// there are further ones than are read at once.
func (s *Service) between(ctx context.Context, thread string, since, before int64) (events []Event, more bool, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) (err error) {
		events, more, err = eventsBetween(q, thread, since, before)
		return err
	})
	return events, more, err
}

// before returns the last change of a thread that happened before a moment, and
// what is there to tell of those between that one and a change. A change that was
// undone by a later one does not show. more tells that there may be further ones
// than are read at once.
func (s *Service) before(ctx context.Context, thread string, change int64, moment time.Time) (known int64, events []Event, more bool, err error) {
	lowest := max(0, change-1-gapLimit)
	if lowest == change-1 {
		return lowest, nil, false, nil
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		var found sql.NullInt64
		// Of a deleted thread there is nothing else to tell than that.
		err := q.QueryRow(`SELECT MAX(change) FROM (
			SELECT change FROM chat_messages WHERE thread_id = $1 AND change > $2 AND change < $3 AND version < $4
			UNION ALL SELECT change FROM chat_receipts WHERE thread_id = $1 AND change > $2 AND change < $3 AND read_at < $4
			UNION ALL SELECT updated_change FROM chat_threads WHERE id = $1 AND updated_change > $2 AND updated_change < $3 AND updated_at < $4
			UNION ALL SELECT CASE WHEN change >= $3 OR deleted_at < $4 THEN CAST($3 AS BIGINT) - 1 ELSE change - 1 END
				FROM chat_threads WHERE id = $1 AND deleted_at > 0) AS found`,
			thread, lowest, change, milliseconds(moment)).Scan(&found)
		known, events, more = lowest, nil, lowest > 0 && !found.Valid
		if found.Valid {
			known = found.Int64
		}
		if err != nil || known == change-1 {
			return err
		}
		events, _, err = eventsBetween(q, thread, known, change)
		return err
	})
	return known, events, more, err
}

// eventsBetween reads events of a thread, each in its turn: what became of a
// message meanwhile comes after it.
func eventsBetween(q store.Querier, thread string, since, before int64) (events []Event, more bool, err error) {
	found, upTo, _, err := changes(q, thread, since, 0, gapLimit)
	for i := range found {
		e := &found[i]
		events = append(events, *e)
		if e.Kind == EventMessageReceived && e.Message.Change > e.Change {
			events = append(events, eventOf(thread, e.Message, e.Change))
		}
	}
	events = slices.DeleteFunc(events, func(e Event) bool { return e.Change >= before })
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Change, b.Change) })
	return events, upTo < before-1, err
}
