package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Errors of the directory.
var (
	// ErrNotFound says that there is no such resource.
	ErrNotFound = errors.New("resource: not found")
	// ErrNameTaken says that another resource has the name.
	ErrNameTaken = errors.New("resource: the name is taken")
	// ErrUnchanged is what a change returns that has nothing to change.
	ErrUnchanged = errors.New("resource: unchanged")
)

// subjectChanged tells all nodes that resources were changed; the data is the
// new revision in decimal.
const subjectChanged = "parley.resources.changed"

// retryAfter is how long a directory that could not read waits until it tries
// again.
const retryAfter = 250 * time.Millisecond

// Subscription is a running subscription of a Bus.
type Subscription interface{ Close() error }

// Bus carries word of changes to the other nodes.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler func(subject string, data []byte)) (Subscription, error)
	// Losses calls handler when messages may have been lost.
	Losses(handler func()) Subscription
}

// Options configure a Directory. Store is required.
type Options struct {
	Store *store.Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Cloud is that of the resources made from now on; empty is public.
	Cloud ident.Cloud
	// Logger hears of failures nobody waits for; nil is silent.
	Logger *slog.Logger
}

// Directory finds and changes resources. Its methods may be called from any
// goroutine.
type Directory struct {
	options Options
	present atomic.Pointer[snapshot]
	bus     atomic.Pointer[Bus] // nil until Follow

	mu    sync.Mutex // held while present is replaced
	least int64      // what was read must be at least this new; under mu

	wake    chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
	subs    []Subscription
}

// snapshot is all resources at one revision, and newer ones that this node has
// written itself.
type snapshot struct {
	revision int64
	byID     map[guid.GUID]*Resource
	byName   map[string]*Resource // by folded name
	sorted   []*Resource          // by folded name
}

// Open reads the resources, making the default one at the first start. Close
// the directory when done.
func Open(ctx context.Context, options Options) (*Directory, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Cloud == "" {
		options.Cloud = ident.CloudPublic
	}
	d := &Directory{options: options, wake: make(chan struct{}, 1)}
	d.present.Store(newSnapshot(0, nil))
	err := d.Refresh(ctx)
	if err == nil && d.Default() == nil {
		err = d.first(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("resource: open: %w", err)
	}
	return d, nil
}

// first makes the default resource, unless another node has just done so.
func (d *Directory) first(ctx context.Context) error {
	_, err := d.Create(ctx, &Resource{
		Name: DefaultName, SubscriptionID: guid.New(), Group: DefaultGroup, Location: "global", DataLocation: "Local", State: StateActive,
	}, Actor{}, nil)
	if errors.Is(err, ErrNameTaken) {
		err = d.Refresh(ctx)
	}
	return err
}

func newSnapshot(revision int64, all []*Resource) *snapshot {
	s := &snapshot{
		revision: revision, sorted: all,
		byID: make(map[guid.GUID]*Resource, len(all)), byName: make(map[string]*Resource, len(all)),
	}
	slices.SortFunc(s.sorted, func(a, b *Resource) int { return cmp.Compare(Fold(a.Name), Fold(b.Name)) })
	for _, r := range all {
		s.byID[r.ID], s.byName[Fold(r.Name)] = r, r
	}
	return s
}

// Default returns the resource named "local".
func (d *Directory) Default() *Resource { return d.ByName(DefaultName) }

// ByName returns the resource with a name, whatever its case and state; nil
// when there is none.
func (d *Directory) ByName(name string) *Resource { return d.present.Load().byName[Fold(name)] }

// ByID returns the resource with an id, whatever its state; nil when there is
// none.
func (d *Directory) ByID(id guid.GUID) *Resource { return d.present.Load().byID[id] }

// All returns all resources by name. The caller must not change the slice.
func (d *Directory) All() []*Resource { return d.present.Load().sorted }

// Refresh reads the resources anew.
func (d *Directory) Refresh(ctx context.Context) error {
	for {
		fresh, err := d.read(ctx)
		if err != nil {
			return err
		}
		if d.replace(fresh) {
			return nil
		}
		// It is older than what this node has written meanwhile: read on.
	}
}

// replace puts a snapshot in the place of the present one; it reports false
// when the snapshot is too old.
func (d *Directory) replace(fresh *snapshot) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if fresh.revision < d.least {
		return false
	}
	d.least = fresh.revision
	d.present.Store(fresh)
	return true
}

// read returns what the database has: one statement, so one state of it.
func (d *Directory) read(ctx context.Context) (*snapshot, error) {
	var revision int64
	var all []*Resource
	err := d.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query(`SELECT ` + columns + `, v.revision FROM resources r JOIN resource_revision v ON v.id = 1 ORDER BY r.name_key`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scan(rows, &revision)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("resource: read: %w", err)
	}
	return newSnapshot(revision, all), nil
}

// put shows a resource that this node has just written, before all others are
// read again: who changed a key must not see the old one used.
func (d *Directory) put(r *Resource) {
	d.edit(r.Revision, func(all []*Resource) []*Resource {
		i := slices.IndexFunc(all, func(o *Resource) bool { return o.ID == r.ID })
		switch {
		case i < 0:
			return append(all, r)
		case all[i].Revision < r.Revision:
			all[i] = r
		}
		return all
	})
}

// drop forgets a resource that this node has just removed.
func (d *Directory) drop(id guid.GUID, revision int64) {
	d.edit(revision, func(all []*Resource) []*Resource {
		return slices.DeleteFunc(all, func(o *Resource) bool { return o.ID == id })
	})
}

func (d *Directory) edit(revision int64, f func([]*Resource) []*Resource) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.present.Load()
	d.least = max(d.least, revision)
	d.present.Store(newSnapshot(now.revision, f(slices.Clone(now.sorted))))
}

// Follow keeps the directory as new as the database: it reads when the bus
// says that another node has changed something and, if every is not zero, asks
// the database that often. After each change, of this node too, changed is
// called, one at a time; it may be nil. Call Follow once.
func (d *Directory) Follow(bus Bus, every time.Duration, changed func()) error {
	sub, err := bus.Subscribe(subjectChanged, d.told)
	if err != nil {
		return fmt.Errorf("resource: follow: %w", err)
	}
	d.subs = append(d.subs, sub, bus.Losses(d.Wake))
	d.bus.Store(&bus)
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.running.Go(func() { d.follow(ctx, every, changed) })
	return nil
}

// Wake makes the directory read soon.
func (d *Directory) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Directory) told(_ string, data []byte) {
	revision, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		d.options.Logger.Warn("bus message malformed", "subject", subjectChanged)
	} else if revision <= d.present.Load().revision {
		return
	}
	d.Wake()
}

func (d *Directory) follow(ctx context.Context, every time.Duration, changed func()) {
	var tick <-chan time.Time
	if every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		tick = t.C
	}
	var shown int64
	for {
		if now := d.present.Load().revision; now != shown {
			shown = now
			if changed != nil {
				changed()
			}
		}
		var err error
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			err = d.Refresh(ctx)
		case <-tick:
			err = d.compare(ctx)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		d.options.Logger.Warn("resources not read", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
			d.Wake()
		}
	}
}

// compare reads the resources if the database has others.
func (d *Directory) compare(ctx context.Context) error {
	var revision int64
	err := d.options.Store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT revision FROM resource_revision WHERE id = 1").Scan(&revision)
	})
	if err != nil || revision <= d.present.Load().revision {
		return err
	}
	return d.Refresh(ctx)
}

// Close ends what Follow began. It is idempotent.
func (d *Directory) Close() error {
	if d.cancel == nil {
		return nil
	}
	d.cancel()
	var errs []error
	for _, sub := range d.subs {
		errs = append(errs, sub.Close())
	}
	d.running.Wait()
	return errors.Join(errs...)
}
