package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// EntraAssignment lets users of Entra exchange their tokens at a resource.
type EntraAssignment struct {
	// ObjectID is that of the user or the group, or the id of the tenant: what
	// PrincipalType says.
	ObjectID, TenantID string
	PrincipalType      string
	// ClientIDs are the applications whose tokens are taken.
	ClientIDs []string
}

const entraColumns = "object, tenant, principal_type, client_ids"

func scanEntra(scan func(...any) error) (a EntraAssignment, err error) {
	var clients string
	if err := scan(&a.ObjectID, &a.TenantID, &a.PrincipalType, &clients); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(clients), &a.ClientIDs)
}

// queryEntra reads assignments of a resource; the condition has further
// arguments from $2 on.
func queryEntra(q store.Querier, resource guid.GUID, condition string, args ...any) (found []EntraAssignment, err error) {
	rows, err := q.Query("SELECT "+entraColumns+" FROM entra_assignments WHERE resource_id = $1 AND "+condition, append([]any{resource[:]}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanEntra(rows.Scan)
		if err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	return found, rows.Err()
}

// EntraAssignments returns assignments in the order of their object ids, those
// behind one.
func (s *Service) EntraAssignments(ctx context.Context, resource guid.GUID, after string, limit int) (found []EntraAssignment, err error) {
	err = s.store.Read(ctx, func(q store.Querier) (err error) {
		found, err = queryEntra(q, resource, "object > $2 ORDER BY object LIMIT $3", after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("identity: assignments: %w", err)
	}
	return found, nil
}

// EntraAssignment returns an assignment. The error is ErrNotAssigned when there
// is none.
func (s *Service) EntraAssignment(ctx context.Context, resource guid.GUID, object string) (a EntraAssignment, err error) {
	err = s.store.Read(ctx, func(q store.Querier) (err error) {
		a, err = scanEntra(q.QueryRow("SELECT "+entraColumns+" FROM entra_assignments WHERE resource_id = $1 AND object = $2", resource[:], object).Scan)
		return err
	})
	if store.IsNotFound(err) {
		return a, ErrNotAssigned
	}
	if err != nil {
		return a, fmt.Errorf("identity: assignment: %w", err)
	}
	return a, nil
}

// UpdateEntraAssignments makes, replaces and, where there is nil, removes
// assignments by their object ids, all of them or none. The tokens of users
// whose own assignment is removed become void; those of members of a group or a
// tenant end by themselves. It returns the object ids that were new.
func (s *Service) UpdateEntraAssignments(ctx context.Context, resource guid.GUID, changes map[string]*EntraAssignment) (created []string, err error) {
	var revoked [][]byte
	err = s.voiding(ctx, func(tx *store.Tx) error {
		created, revoked = nil, nil // of an attempt before this one
		for _, object := range slices.Sorted(maps.Keys(changes)) {
			if changes[object] == nil {
				user, err := s.removeEntra(tx, resource, object)
				if err != nil {
					return err
				}
				revoked = append(revoked, user)
				continue
			}
			isNew, err := setEntra(tx, resource, changes[object])
			if err != nil {
				return err
			}
			if isNew {
				created = append(created, object)
			}
		}
		return nil
	})
	if err == nil {
		err = s.revokedForeign(resource, revoked...)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: assignments: %w", err)
	}
	return created, nil
}

func setEntra(tx *store.Tx, resource guid.GUID, a *EntraAssignment) (created bool, err error) {
	clients, err := json.Marshal(a.ClientIDs)
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec("INSERT INTO entra_resources (resource_id) VALUES ($1) ON CONFLICT (resource_id) DO NOTHING", resource[:]); err != nil {
		return false, err
	}
	var one int
	err = tx.QueryRow("SELECT 1 FROM entra_assignments WHERE resource_id = $1 AND object = $2", resource[:], a.ObjectID).Scan(&one)
	if created = store.IsNotFound(err); err != nil && !created {
		return false, err
	}
	_, err = tx.Exec(`INSERT INTO entra_assignments (resource_id, object, tenant, principal_type, client_ids) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (resource_id, object) DO UPDATE SET
			tenant = excluded.tenant, principal_type = excluded.principal_type, client_ids = excluded.client_ids`,
		resource[:], a.ObjectID, a.TenantID, a.PrincipalType, string(clients))
	return created, err
}

// removeEntra removes an assignment, makes the tokens void that were given for it,
// and returns whose.
func (s *Service) removeEntra(tx *store.Tx, resource guid.GUID, object string) (user []byte, err error) {
	var tenant, kind string
	err = tx.QueryRow("DELETE FROM entra_assignments WHERE resource_id = $1 AND object = $2 RETURNING tenant, principal_type", resource[:], object).
		Scan(&tenant, &kind)
	if store.IsNotFound(err) || err == nil && kind != acswire.PrincipalTypeUser {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.voidForeign(tx, resource, tenant, object)
}

// entraAssigned says whether a user may exchange a token. In a resource that
// never had an assignment everybody may whom the operator lets in with the
// issuer's entry; once there was one, only who has one: to remove the last does
// not open the door.
func (s *Service) entraAssigned(ctx context.Context, resource guid.GUID, f *ForeignUser) error {
	principals := append([]string{f.ObjectID, f.TenantID}, f.Groups...)
	places, args := make([]string, len(principals)), make([]any, len(principals))
	for i, id := range principals {
		places[i], args[i] = fmt.Sprintf("$%d", i+2), strings.ToLower(id)
	}
	var assigned bool
	err := s.store.Read(ctx, func(q store.Querier) error {
		var one int
		err := q.QueryRow("SELECT 1 FROM entra_resources WHERE resource_id = $1", resource[:]).Scan(&one)
		if assigned = store.IsNotFound(err); assigned || err != nil {
			return ignoreNotFound(err)
		}
		found, err := queryEntra(q, resource, "object IN ("+strings.Join(places, ", ")+")", args...)
		assigned = slices.ContainsFunc(found, func(a EntraAssignment) bool { return a.fits(f) })
		return err
	})
	if err != nil {
		return fmt.Errorf("identity: exchange: %w", err)
	}
	if !assigned {
		return ErrNotAssigned
	}
	return nil
}

func ignoreNotFound(err error) error {
	if store.IsNotFound(err) {
		return nil
	}
	return err
}

// fits tells whether an assignment is for a user and the application at hand.
func (a *EntraAssignment) fits(f *ForeignUser) bool {
	if !strings.EqualFold(a.TenantID, f.TenantID) || !names(a.ClientIDs, f.AppID) {
		return false
	}
	switch a.PrincipalType {
	case acswire.PrincipalTypeUser:
		return strings.EqualFold(a.ObjectID, f.ObjectID)
	case acswire.PrincipalTypeGroup:
		return names(f.Groups, a.ObjectID)
	case acswire.PrincipalTypeTenant:
		return strings.EqualFold(a.ObjectID, f.TenantID)
	}
	return false
}
