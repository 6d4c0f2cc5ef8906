package webhook

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// DeadLetter is an event that could not be delivered.
type DeadLetter struct {
	ID    string
	Event Event
	// Subscription is the id of the subscription; empty for a callback.
	Subscription string
	Endpoint     string
	Schema       Schema
	Attempts     int
	// Reason is what came of the last attempt, in a few words.
	Reason        string
	Created, Died time.Time
}

// Cursor is a place in the list of dead letters; the zero value is its
// beginning.
type Cursor struct {
	At time.Time
	ID string
}

// Cursor is the place behind this dead letter.
func (d *DeadLetter) Cursor() Cursor { return Cursor{d.Died, d.ID} }

// DeadLetters returns dead letters of a resource behind a place, the oldest
// first.
func (s *Service) DeadLetters(ctx context.Context, resource guid.GUID, after Cursor, limit int) (list []DeadLetter, err error) {
	at := int64(-1)
	if !after.At.IsZero() {
		at = after.At.UnixMilli()
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		list = []DeadLetter{}
		rows, err := q.Query(`SELECT id, subscription_id, endpoint, event_schema, event, attempts, reason, created_at, dead_at FROM webhook_deliveries
			WHERE resource_id = $1 AND state = 'dead' AND (dead_at > $2 OR (dead_at = $2 AND id > $3)) ORDER BY dead_at, id LIMIT $4`,
			resource.String(), at, after.ID, int64(limit))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d DeadLetter
			var event string
			var created, died int64
			if err := rows.Scan(&d.ID, &d.Subscription, &d.Endpoint, &d.Schema, &event, &d.Attempts, &d.Reason, &created, &died); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(event), &d.Event); err != nil {
				return err
			}
			d.Event.ResourceID, d.Created, d.Died = resource, time.UnixMilli(created).UTC(), time.UnixMilli(died).UTC()
			list = append(list, d)
		}
		return rows.Err()
	})
	return list, err
}

// Redeliver tries a dead letter again, for another day. The error is ErrNotFound
// when there is none, or its subscription is gone.
func (s *Service) Redeliver(ctx context.Context, resource guid.GUID, id string) error {
	now := s.options.Now()
	err := s.change(ctx, `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = $1, expires_at = $2, reason = '', dead_at = 0
		WHERE id = $3 AND resource_id = $4 AND state = 'dead' AND (subscription_id = '' OR subscription_id IN (SELECT id FROM webhook_subscriptions))`,
		now.UnixMilli(), now.Add(standardLife).UnixMilli(), id, resource.String())
	if err == nil {
		s.Wake()
	}
	return err
}

// Discard removes a dead letter. The error is ErrNotFound when there is none.
func (s *Service) Discard(ctx context.Context, resource guid.GUID, id string) error {
	return s.change(ctx, "DELETE FROM webhook_deliveries WHERE id = $1 AND resource_id = $2 AND state = 'dead'", id, resource.String())
}

// change runs a statement that changes one row.
func (s *Service) change(ctx context.Context, statement string, args ...any) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(statement, args...)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNotFound
	})
}

// Forget removes what waits or died of a resource's events whose JSON holds the
// texts, in their order: what they tell was erased.
func (s *Service) Forget(ctx context.Context, resource guid.GUID, texts ...string) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM webhook_deliveries WHERE resource_id = $1 AND event LIKE $2", resource.String(), "%"+strings.Join(texts, "%")+"%")
		return err
	})
}
