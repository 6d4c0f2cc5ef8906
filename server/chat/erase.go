package chat

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// erased is how many threads, or messages of one thread, a transaction removes:
// others wait for it.
const erased = 100

// EraseResource removes all threads of a resource that is deleted, without
// telling anybody. It may be called again after a part was removed.
func (s *Service) EraseResource(ctx context.Context, id guid.GUID) error {
	for {
		threads, err := s.threadsOf(ctx, id)
		if err != nil || len(threads) == 0 {
			return err
		}
		for _, thread := range threads {
			if err := s.removeThread(ctx, thread); err != nil {
				return fmt.Errorf("chat: erase resource: %w", err)
			}
		}
	}
}

// threadsOf returns some threads of a resource, deleted ones too.
func (s *Service) threadsOf(ctx context.Context, id guid.GUID) (threads []string, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		threads, err = texts(q, "SELECT id FROM chat_threads WHERE resource_id = $1 LIMIT $2", id[:], erased)
		return err
	})
	return threads, err
}

// texts reads a column of texts.
func texts(q store.Querier, query string, args ...any) (list []string, err error) {
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, rows.Close() // before the next statement
}

// removeThread removes all rows of a thread, its own last.
func (s *Service) removeThread(ctx context.Context, thread string) error {
	for {
		var n int64
		err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
			done, err := tx.Exec("DELETE FROM chat_messages WHERE thread_id = $1 AND id IN (SELECT id FROM chat_messages WHERE thread_id = $1 LIMIT $2)", thread, erased)
			if err == nil {
				n, err = done.RowsAffected()
			}
			return err
		})
		if err != nil {
			return err
		}
		if n < erased {
			break
		}
	}
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		if err := dropImages(tx, thread); err != nil {
			return err
		}
		for _, query := range []string{
			"DELETE FROM chat_receipts WHERE thread_id = $1",
			"DELETE FROM chat_participants WHERE thread_id = $1",
			"DELETE FROM chat_threads WHERE id = $1",
		} {
			if _, err := tx.Exec(query, thread); err != nil {
				return err
			}
		}
		return nil
	})
}
