package identity

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// erased is how many rows one transaction removes: others wait for it.
const erased = 1000

// EraseResource removes the users of a resource that is deleted, and who stands
// for somebody else in it. It may be called again after a part was removed.
func (s *Service) EraseResource(ctx context.Context, id guid.GUID) error {
	for _, statement := range []string{
		`DELETE FROM foreign_users WHERE resource_id = $1 AND (tenant, object) IN
			(SELECT tenant, object FROM foreign_users WHERE resource_id = $1 ORDER BY tenant, object LIMIT $2)`,
		`DELETE FROM teams_assignments WHERE resource_id = $1 AND (tenant, object) IN
			(SELECT tenant, object FROM teams_assignments WHERE resource_id = $1 ORDER BY tenant, object LIMIT $2)`,
		`DELETE FROM entra_assignments WHERE resource_id = $1 AND object IN
			(SELECT object FROM entra_assignments WHERE resource_id = $1 ORDER BY object LIMIT $2)`,
		`DELETE FROM entra_resources WHERE resource_id = $1 AND resource_id IN
			(SELECT resource_id FROM entra_resources WHERE resource_id = $1 ORDER BY resource_id LIMIT $2)`,
		`DELETE FROM users WHERE resource_id = $1 AND id IN
			(SELECT id FROM users WHERE resource_id = $1 ORDER BY id LIMIT $2)`,
	} {
		for {
			var n int64
			err := s.voiding(ctx, func(tx *store.Tx) error {
				result, err := tx.Exec(statement, id[:], int64(erased))
				if err == nil {
					n, err = result.RowsAffected()
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("identity: erase resource: %w", err)
			}
			if n < erased {
				break
			}
		}
	}
	return nil
}
