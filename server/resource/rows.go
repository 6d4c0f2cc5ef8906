package resource

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

const (
	columns = `r.id, r.name, r.subscription_id, r.resource_group, r.location, r.data_location, r.cloud, r.state, r.tags,
		r.notification_hub, r.identity_type, r.network_access, r.local_auth_off, r.port, r.revision,
		r.created_at, r.created_by, r.created_by_type, r.modified_at, r.modified_by, r.modified_by_type,
		r.primary_key, r.secondary_key`
	systemActor = "parley"
)

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// scan reads the columns, then what else the row has.
func scan(row scanner, more ...any) (*Resource, error) {
	r := &Resource{}
	var id []byte
	var subscription, cloud, state, tags string
	var authOff, port, created, modified int64
	err := row.Scan(append([]any{
		&id, &r.Name, &subscription, &r.Group, &r.Location, &r.DataLocation, &cloud, &state, &tags,
		&r.NotificationHub, &r.IdentityType, &r.NetworkAccess, &authOff, &port, &r.Revision,
		&created, &r.Created.By.Name, &r.Created.By.Kind, &modified, &r.Modified.By.Name, &r.Modified.By.Kind,
		&r.PrimaryKey, &r.SecondaryKey,
	}, more...)...)
	if err != nil {
		return nil, err
	}
	if r.ID, err = guid.FromBytes(id); err != nil {
		return nil, err
	}
	if r.SubscriptionID, err = guid.Parse(subscription); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	r.Cloud, r.State, r.LocalAuthOff, r.Port = ident.Cloud(cloud), State(state), authOff != 0, int(port)
	r.Created.At, r.Modified.At = time.UnixMilli(created).UTC(), time.UnixMilli(modified).UTC()
	return r, nil
}

// find reads one resource within a transaction.
func find(tx *store.Tx, id guid.GUID) (*Resource, error) {
	return scan(tx.QueryRow("SELECT "+columns+" FROM resources r WHERE r.id = $1", id[:]))
}

// next counts a change.
func next(tx *store.Tx) (revision int64, err error) {
	err = tx.QueryRow("UPDATE resource_revision SET revision = revision + 1 WHERE id = 1 RETURNING revision").Scan(&revision)
	return revision, err
}

// values are the columns that a change can set.
func (r *Resource) values() ([]any, error) {
	tags := []byte("{}")
	if len(r.Tags) > 0 {
		var err error
		if tags, err = json.Marshal(r.Tags); err != nil {
			return nil, err
		}
	}
	var authOff int64
	if r.LocalAuthOff {
		authOff = 1
	}
	return []any{
		string(r.State), string(tags), r.NotificationHub, r.IdentityType, r.NetworkAccess, authOff, int64(r.Port), r.Revision,
		r.Modified.At.UnixMilli(), r.Modified.By.Name, r.Modified.By.Kind, r.PrimaryKey, r.SecondaryKey,
	}, nil
}

// insert adds a resource; it reports false when the name is taken.
func insert(tx *store.Tx, r *Resource) (bool, error) {
	values, err := r.values()
	if err != nil {
		return false, err
	}
	result, err := tx.Exec(`INSERT INTO resources (state, tags, notification_hub, identity_type, network_access, local_auth_off, port, revision,
			modified_at, modified_by, modified_by_type, primary_key, secondary_key,
			id, name, name_key, subscription_id, resource_group, location, data_location, cloud, created_at, created_by, created_by_type)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
		ON CONFLICT DO NOTHING`,
		append(values, r.ID[:], r.Name, Fold(r.Name), r.SubscriptionID.String(), r.Group, r.Location, r.DataLocation, string(r.Cloud),
			r.Created.At.UnixMilli(), r.Created.By.Name, r.Created.By.Kind)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// save writes what can be changed of a resource.
func save(tx *store.Tx, r *Resource) error {
	values, err := r.values()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE resources SET state = $1, tags = $2, notification_hub = $3, identity_type = $4, network_access = $5,
			local_auth_off = $6, port = $7, revision = $8, modified_at = $9, modified_by = $10, modified_by_type = $11,
			primary_key = $12, secondary_key = $13 WHERE id = $14`, append(values, r.ID[:])...)
	return err
}

func (a Actor) orSystem() Actor {
	if a.Name == "" {
		a.Name = systemActor
	}
	if a.Kind == "" {
		a.Kind = acswire.CreatedByTypeApplication
	}
	return a
}
