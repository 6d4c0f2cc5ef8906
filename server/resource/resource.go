// Package resource knows the Communication Services resources that the service
// serves: their names, ids and access keys. Today there is one, "local", made
// at the first start.
package resource

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// DefaultName is the name of the resource that the first start makes.
const DefaultName = "local"

const keySize = 64

// Resource is one resource. It holds its access keys: secrets.
type Resource struct {
	// ID is the immutable id that stands in the ids of users.
	ID guid.GUID
	// Name is unique within the service.
	Name string
	// SubscriptionID is the subscription that owns the resource.
	SubscriptionID guid.GUID
	// PrimaryKey and SecondaryKey are the access keys, decoded. Both are good.
	PrimaryKey, SecondaryKey []byte
}

// Keys returns the access keys that are good at this moment.
func (r *Resource) Keys() [][]byte { return [][]byte{r.PrimaryKey, r.SecondaryKey} }

// AccessKey returns the primary key as a connection string has it.
func (r *Resource) AccessKey() string { return base64.StdEncoding.EncodeToString(r.PrimaryKey) }

// LogValue keeps the keys out of logs.
func (r *Resource) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", r.Name), slog.String("id", r.ID.String()))
}

// String keeps the keys out of formatted text.
func (r *Resource) String() string { return r.Name }

// Directory finds resources. Its methods may be called from any goroutine.
type Directory struct {
	local *Resource
}

// Open reads the resources, making the default one at the first start.
func Open(ctx context.Context, st *store.Store, now func() time.Time) (*Directory, error) {
	local, err := find(ctx, st, DefaultName)
	if store.IsNotFound(err) {
		local, err = create(ctx, st, DefaultName, now())
	}
	if err != nil {
		return nil, fmt.Errorf("resource: open: %w", err)
	}
	return &Directory{local: local}, nil
}

// Default returns the resource named "local".
func (d *Directory) Default() *Resource { return d.local }

// ForHost returns the resource that requests to a host (with or without port)
// are for; nil when there is none.
func (d *Directory) ForHost(string) *Resource { return d.local }

// ByID returns the resource with an id; nil when there is none.
func (d *Directory) ByID(id guid.GUID) *Resource {
	if d.local.ID == id {
		return d.local
	}
	return nil
}

func find(ctx context.Context, st *store.Store, name string) (*Resource, error) {
	r := &Resource{Name: name}
	var id []byte
	var subscription string
	err := st.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT id, subscription_id, primary_key, secondary_key FROM resources WHERE name = $1", name).
			Scan(&id, &subscription, &r.PrimaryKey, &r.SecondaryKey)
	})
	if err != nil {
		return nil, err
	}
	if r.ID, err = guid.FromBytes(id); err != nil {
		return nil, err
	}
	if r.SubscriptionID, err = guid.Parse(subscription); err != nil {
		return nil, err
	}
	return r, nil
}

func create(ctx context.Context, st *store.Store, name string, now time.Time) (*Resource, error) {
	r := &Resource{
		ID: guid.New(), Name: name, SubscriptionID: guid.New(),
		PrimaryKey: make([]byte, keySize), SecondaryKey: make([]byte, keySize),
	}
	_, _ = rand.Read(r.PrimaryKey) // crypto/rand.Read never fails since Go 1.24
	_, _ = rand.Read(r.SecondaryKey)
	err := st.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO resources (id, name, subscription_id, primary_key, secondary_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			r.ID[:], r.Name, r.SubscriptionID.String(), r.PrimaryKey, r.SecondaryKey, now.UnixMilli())
		return err
	})
	return r, err
}
