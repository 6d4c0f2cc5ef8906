package repeat

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// EraseResource forgets the answers to requests for a resource that is deleted.
// It may be called again after a part was forgotten.
func (s *Store) EraseResource(ctx context.Context, id guid.GUID) error {
	for {
		var n int64
		err := s.store.Write(ctx, func(tx *store.Tx) error {
			result, err := tx.Exec(`DELETE FROM repeats WHERE resource_id = $1 AND (scope, request_id) IN
				(SELECT scope, request_id FROM repeats WHERE resource_id = $1 ORDER BY scope, request_id LIMIT $2)`, id[:], int64(sweepSize))
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("repeat: erase resource: %w", err)
		}
		if n < sweepSize {
			return nil
		}
	}
}
