package webhook

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Callback is an event for one endpoint, without a subscription.
type Callback struct {
	Event Event
	// Endpoint is where it goes; Guard.Check tells beforehand whether it may.
	Endpoint string
	// Schema is how it is written; empty is SchemaCallback.
	Schema Schema
	// Audience is that of the token that comes with it; empty sends none.
	Audience string
	// Life is how long it is tried; zero is a day.
	Life time.Duration
}

// Publish writes an event down for every subscription of its resource that wants
// it, in the transaction that makes it true. Call Wake after the commit. The
// error wraps ErrEvent.
func (s *Service) Publish(tx *store.Tx, e Event) error {
	return s.PublishAll(tx, e.ResourceID, []Event{e})
}

// PublishAll is Publish for events of one resource.
func (s *Service) PublishAll(tx *store.Tx, resource guid.GUID, events []Event) error {
	now := s.options.Now()
	wanted, err := subscriptions(tx, "resource_id = $1 AND state = 'active' ORDER BY id", resource.String())
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		e.ResourceID = resource
		if err := e.complete(now); err != nil {
			return err
		}
		for j := range wanted {
			if err := wanted[j].enqueue(tx, e, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// enqueue writes an event down for a subscription if it wants it.
func (n *Subscription) enqueue(tx *store.Tx, e *Event, now time.Time) error {
	if !n.wants(e) {
		return nil
	}
	d := delivery{subscription: n.ID, endpoint: n.Endpoint, schema: n.Schema, audience: n.Audience, event: *e}
	if e.Queue != "" {
		d.queue = n.ID + " " + e.Queue
	}
	return d.insert(tx, now, standardLife)
}

// Send writes an event down for one endpoint, in the transaction that makes it
// true. Call Wake after the commit. The error wraps ErrEvent or ErrTarget.
func (s *Service) Send(tx *store.Tx, c Callback) error {
	now := s.options.Now()
	if err := s.options.Guard.Check(c.Endpoint); err != nil {
		return err
	}
	if err := c.Event.complete(now); err != nil {
		return err
	}
	if c.Schema == "" {
		c.Schema = SchemaCallback
	}
	if c.Life <= 0 {
		c.Life = standardLife
	}
	d := delivery{endpoint: c.Endpoint, schema: c.Schema, audience: c.Audience, event: c.Event}
	if c.Event.Queue != "" {
		d.queue = c.Event.ResourceID.String() + " " + c.Endpoint + " " + c.Event.Queue
	}
	return d.insert(tx, now, c.Life)
}

// delivery is one event for one receiver.
type delivery struct {
	id, subscription, endpoint, host, audience, queue string

	schema   Schema
	event    Event
	attempts int
	expires  int64
}

func (d *delivery) insert(tx *store.Tx, now time.Time, life time.Duration) error {
	body, err := json.Marshal(&d.event)
	if err != nil {
		return err
	}
	if _, _, err := envelope(&d.event, d.schema); err != nil {
		return err
	}
	id := guid.New().String()
	if d.queue == "" {
		d.queue = id
	}
	position := d.event.Position
	if position == 0 {
		if err := tx.QueryRow("SELECT COALESCE(MAX(position), 0) + 1 FROM webhook_deliveries WHERE queue = $1 AND state = 'waiting'", d.queue).Scan(&position); err != nil {
			return err
		}
	}
	u, err := url.Parse(d.endpoint)
	if err != nil {
		return ErrTarget
	}
	_, err = tx.Exec(`INSERT INTO webhook_deliveries (id, resource_id, subscription_id, endpoint, host, event_schema, audience, event, queue, position,
		state, attempts, next_at, leased_until, node, reason, created_at, expires_at, dead_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', 0, $11, 0, '', '', $11, $12, 0)`,
		id, d.event.ResourceID.String(), d.subscription, d.endpoint, u.Host, string(d.schema), d.audience, string(body), d.queue, position,
		now.UnixMilli(), now.Add(life).UnixMilli())
	return err
}

// due is the condition for deliveries to begin now: $1 is the time; $2 to $5
// are hosts that have enough of them. Of a queue the first goes, and only when
// no other one is under way.
const due = `state = 'waiting' AND next_at <= $1 AND leased_until < $1 AND host NOT IN ($2, $3, $4, $5) AND NOT EXISTS
	(SELECT 1 FROM webhook_deliveries o WHERE o.queue = d.queue AND o.state = 'waiting'
		AND (o.leased_until >= $1 OR (o.next_at <= $1 AND o.position < d.position)))`

// claim leases deliveries that are due and begins them. It reports whether to
// look again at once.
func (s *Service) claim(ctx context.Context) (more bool, err error) {
	free, busy, args := s.capacity()
	if free == 0 {
		return false, nil // the one that ends first wakes us
	}
	now := s.options.Now().UnixMilli()
	args[0] = now
	// Most of the time there is nothing to do: look before writing.
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		var one int
		return q.QueryRow("SELECT 1 FROM webhook_deliveries d WHERE "+due+" LIMIT 1", args...).Scan(&one)
	})
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var claimed []delivery
	err = s.options.Store.Write(ctx, func(tx *store.Tx) (err error) {
		claimed, err = lend(tx, args, now, free, maps.Clone(busy), s.options.Node)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, d := range s.admit(claimed) {
		s.running.Go(func() { s.deliver(ctx, d) })
	}
	return len(claimed) > 0, nil
}

// lend leases at most so many deliveries, and not too many for one host.
func lend(tx *store.Tx, args []any, now int64, free int, busy map[string]int, node string) ([]delivery, error) {
	rows, err := tx.Query("SELECT id, host FROM webhook_deliveries d WHERE "+due+" ORDER BY next_at, position, id LIMIT $6", append(args, int64(free))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id, host string
		if err := rows.Scan(&id, &host); err != nil {
			return nil, err
		}
		if busy[host]++; busy[host] <= perHost {
			ids = append(ids, id)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil { // before the next statement
		return nil, err
	}
	var claimed []delivery
	for _, id := range ids {
		var d delivery
		var resource, event string
		err := tx.QueryRow(`UPDATE webhook_deliveries SET attempts = attempts + 1, leased_until = $1, node = $3 WHERE id = $2
			RETURNING id, resource_id, subscription_id, endpoint, host, event_schema, audience, event, queue, attempts, expires_at`,
			now+lease.Milliseconds(), id, node).
			Scan(&d.id, &resource, &d.subscription, &d.endpoint, &d.host, &d.schema, &d.audience, &event, &d.queue, &d.attempts, &d.expires)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(event), &d.event); err != nil {
			return nil, err
		}
		if d.event.ResourceID, err = guid.Parse(resource); err != nil {
			return nil, err
		}
		claimed = append(claimed, d)
	}
	return claimed, nil
}

// capacity returns how many deliveries may begin, how many are under way for
// each host, and the arguments of due with the hosts that have enough.
func (s *Service) capacity() (free int, busy map[string]int, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	args = make([]any, 1, 2+busyHosts)
	for host, n := range s.hosts {
		if n >= perHost {
			args = append(args, host)
		}
	}
	for len(args) < 1+busyHosts {
		args = append(args, "")
	}
	return s.slots, maps.Clone(s.hosts), args
}

// admit takes the slots for deliveries.
func (s *Service) admit(claimed []delivery) []*delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	var begun []*delivery
	for i := range claimed {
		s.slots--
		s.hosts[claimed[i].host]++
		begun = append(begun, &claimed[i])
	}
	return begun
}

// leave gives the slot back.
func (s *Service) leave(d *delivery) {
	s.mu.Lock()
	s.slots++
	if s.hosts[d.host]--; s.hosts[d.host] == 0 {
		delete(s.hosts, d.host)
	}
	s.mu.Unlock()
	s.Wake()
}
