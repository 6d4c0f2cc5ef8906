package calls

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// EraseResource removes the records of a resource's calls. A call that is just
// ending writes one more, which goes with those of other calls that ended.
func (s *Service) EraseResource(ctx context.Context, id guid.GUID) error {
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM calls WHERE resource_id = $1", id[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("calls: erase resource: %w", err)
	}
	return nil
}
