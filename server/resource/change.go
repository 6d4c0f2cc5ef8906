package resource

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Create makes a resource of a draft: its names, group, locations, state and
// what else can be changed later. Its id, keys and cloud are new. also, if not
// nil, is part of the same transaction; it may run more than once. The error is
// ErrNameTaken when another resource has the name.
func (d *Directory) Create(ctx context.Context, draft *Resource, by Actor, also func(tx *store.Tx, r *Resource) error) (*Resource, error) {
	r := draft.clone()
	r.ID, r.PrimaryKey, r.SecondaryKey, r.Cloud = guid.New(), NewKey(), NewKey(), d.options.Cloud
	r.Created = Stamp{By: by.orSystem(), At: d.options.Now()}
	r.Modified = r.Created
	err := d.options.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		var err error
		if r.Revision, err = next(tx); err != nil {
			return err
		}
		inserted, err := insert(tx, r)
		switch {
		case err != nil:
			return err
		case !inserted:
			return ErrNameTaken
		case also != nil:
			return also(tx, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("resource: create: %w", err)
	}
	d.written(r)
	return r, nil
}

// Update changes a resource: change is given a copy and sets what Create says
// can be changed; its error comes back, wrapped, and nothing is changed.
// ErrUnchanged is no error: the resource comes back as it is. Both functions
// may run more than once. The error is ErrNotFound when there is no such
// resource.
func (d *Directory) Update(ctx context.Context, id guid.GUID, by Actor, change func(r *Resource) error, also func(tx *store.Tx, r *Resource) error) (*Resource, error) {
	var r *Resource
	err := d.options.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		var err error
		if r, err = find(tx, id); err != nil {
			return err
		}
		if err := change(r); err != nil {
			return err
		}
		if r.Revision, err = next(tx); err != nil {
			return err
		}
		r.Modified = Stamp{By: by.orSystem(), At: d.options.Now()}
		if err := save(tx, r); err != nil || also == nil {
			return err
		}
		return also(tx, r)
	})
	switch {
	case errors.Is(err, ErrUnchanged):
		return r, nil
	case store.IsNotFound(err):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("resource: update: %w", err)
	}
	d.written(r)
	return r, nil
}

// Remove forgets a resource that is being deleted. It succeeds when there is
// none.
func (d *Directory) Remove(ctx context.Context, id guid.GUID) error {
	var revision int64
	err := d.options.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		var err error
		if revision, err = next(tx); err != nil {
			return err
		}
		_, err = tx.Exec("DELETE FROM resources WHERE id = $1 AND state = $2", id[:], string(StateDeleting))
		return err
	})
	if err != nil {
		return fmt.Errorf("resource: remove: %w", err)
	}
	d.drop(id, revision)
	d.publish(revision)
	return nil
}

// Find reads a resource from the database: what another node has just written
// is there. The error is ErrNotFound when there is none.
func (d *Directory) Find(ctx context.Context, name string) (*Resource, error) {
	var r *Resource
	err := d.options.Store.Read(ctx, func(q store.Querier) error {
		var err error
		r, err = scan(q.QueryRow("SELECT "+columns+" FROM resources r WHERE r.name_key = $1", Fold(name)))
		return err
	})
	switch {
	case store.IsNotFound(err):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("resource: find: %w", err)
	}
	return r, nil
}

// List reads up to limit resources from the database, by name, that come after
// a folded name. An empty group is all groups.
func (d *Directory) List(ctx context.Context, group, after string, limit int) ([]*Resource, error) {
	var all []*Resource
	err := d.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(`SELECT `+columns+` FROM resources r
			WHERE r.name_key > $1 AND ($2 = '' OR LOWER(r.resource_group) = LOWER($2)) ORDER BY r.name_key LIMIT $3`, after, group, int64(limit))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("resource: list: %w", err)
	}
	return all, nil
}

// written shows a change to this node and tells the others.
func (d *Directory) written(r *Resource) {
	d.put(r)
	d.publish(r.Revision)
}

// publish tells all nodes of a change, this one too: it reads what it has not
// seen of the changes of others.
func (d *Directory) publish(revision int64) {
	bus := d.bus.Load()
	if bus == nil {
		return // nobody follows yet
	}
	if err := (*bus).Publish(subjectChanged, strconv.AppendInt(nil, revision, 10)); err != nil {
		d.options.Logger.Warn("resources changed; the other nodes hear of it later", "error", err)
		d.Wake()
	}
}
