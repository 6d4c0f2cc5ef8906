package calls

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

const (
	// How long it is remembered why a call ended, for ends that come back late:
	// longer than any end keeps trying.
	endedMemory  = 10 * time.Minute
	maxEnded     = 1 << 16
	endedRecords = 24 * time.Hour
)

// heldBack keeps what must not happen before something is durable. It belongs
// to a call's loop.
type heldBack struct {
	queue   []held
	asked   int // the newest write that was waited for
	durable int // the newest one that is durable
}

// held is something to do after the write numbered after.
type held struct {
	after int
	do    func()
}

// do runs f now, or after everything that was asked for is durable.
func (h *heldBack) do(f func()) {
	if h.asked == h.durable && len(h.queue) == 0 {
		f()
		return
	}
	h.queue = append(h.queue, held{h.asked, f})
}

// ask notes that what follows waits for a write.
func (h *heldBack) ask() int {
	h.asked++
	return h.asked
}

// written runs what waited for the writes up to n, in order.
func (h *heldBack) written(n int) {
	h.durable = n
	for len(h.queue) > 0 && h.queue[0].after <= n {
		f := h.queue[0].do
		h.queue = h.queue[1:]
		f()
	}
}

// persist writes the coordinator's state. What the call does next waits for it
// if wait is set.
func (c *call) persist(wait bool) {
	s := c.owner.service
	record := c.record()
	if !wait {
		s.options.Store.Post(record.write, nil)
		return
	}
	n := c.held.ask()
	posted := s.options.Store.Post(record.write, func(error) {
		// A failure is in the log; the call goes on rather than end for a full disk.
		c.owner.loop.Post(func() { c.held.written(n) })
	})
	if !posted {
		c.owner.loop.Post(func() { c.held.written(n) })
	}
}

// record is the row of a call.
type record struct {
	id, resource []byte
	node         string
	snapshot     []byte
	created, now int64
	ended        int64
	reason       callfsm.EndReason
}

func (c *call) record() *record {
	s := c.owner.service
	resource, err := guid.Parse(c.resource)
	if err != nil {
		resource = guid.GUID{}
	}
	r := &record{
		id: c.id[:], resource: resource[:], node: s.node, snapshot: c.coordinator.Snapshot(),
		created: c.started.UnixMilli(), now: s.options.Now().UnixMilli(),
	}
	if reason, over := c.coordinator.Reason(); over {
		r.ended, r.reason = r.now, reason
	}
	return r
}

func (r *record) write(tx *store.Tx) error {
	_, err := tx.Exec(`INSERT INTO calls (id, resource_id, node, snapshot, created_at, updated_at, ended_at, end_code, end_subcode)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET node = excluded.node, snapshot = excluded.snapshot, updated_at = excluded.updated_at,
			ended_at = excluded.ended_at, end_code = excluded.end_code, end_subcode = excluded.end_subcode`,
		r.id, r.resource, r.node, r.snapshot, r.created, r.now, r.ended, r.reason.Code, r.reason.Subcode)
	return err
}

// forgetEnded deletes the records of calls that ended long ago.
func (s *Service) forgetEnded() {
	before := s.options.Now().Add(-endedRecords).UnixMilli()
	s.options.Store.Post(func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM calls WHERE ended_at > 0 AND ended_at < $1", before)
		return err
	}, nil)
}

// restore takes up the calls of this node that the database has. Their ends have to come back and
// reconcile; until then their legs count as lost.
func (s *Service) restore(ctx context.Context) error {
	now := s.options.Now()
	return s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query("SELECT id, resource_id, snapshot, created_at, ended_at FROM calls WHERE (ended_at = 0 OR ended_at > $1) AND (node = $2 OR $2 = '') ORDER BY created_at",
			now.Add(-endedMemory).UnixMilli(), s.node)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, resource, snapshot []byte
			var created, ended int64
			if err := rows.Scan(&id, &resource, &snapshot, &created, &ended); err != nil {
				return err
			}
			if err := s.restoreCall(now, id, resource, snapshot, created); err != nil {
				// One record that cannot be read must not keep the service from starting.
				s.logger.Error("call not restored", "error", err)
			}
		}
		return rows.Err()
	})
}

func (s *Service) restoreCall(now time.Time, rawID, rawResource, snapshot []byte, created int64) error {
	key, err := guid.FromBytes(rawID)
	if err != nil {
		return fmt.Errorf("call id: %w", err)
	}
	id := callfsm.CallID(key)
	resource, err := guid.FromBytes(rawResource)
	if err != nil {
		return fmt.Errorf("call %s: resource: %w", id, err)
	}
	coordinator, err := callfsm.RestoreCoordinator(now, snapshot, s.options.Timeouts)
	if err != nil {
		return fmt.Errorf("call %s: %w", id, err)
	}
	l := s.loopOf(id)
	c := &call{id: id, owner: l, resource: resource.String(), coordinator: coordinator, started: time.UnixMilli(created)}
	_, c.accepted = coordinator.Winner()
	for at := range coordinator.Legs() {
		user := coordinator.To()
		if at == callfsm.CallerLeg {
			user = coordinator.From()
		}
		c.legs = append(c.legs, leg{device: device{user, coordinator.Device(at)}})
	}
	if reason, over := coordinator.Reason(); over {
		devices := make([]device, 0, len(c.legs))
		for i := range c.legs {
			devices = append(devices, c.legs[i].device)
		}
		s.ended.add(id, reason, devices)
		return nil
	}
	for i := range c.legs {
		s.registry.join(c.legs[i].device, id, false)
	}
	s.registry.counted(1)
	s.restored.Add(1)
	l.loop.Post(func() {
		l.calls[id] = c
		c.arm()
	})
	return nil
}

// endedCalls remembers for a while why calls ended.
type endedCalls struct {
	now func() time.Time

	mu    sync.Mutex
	calls map[callfsm.CallID]endedCall
	order []callfsm.CallID // oldest first
}

type endedCall struct {
	at      time.Time
	reason  callfsm.EndReason
	devices []device
}

func newEndedCalls(now func() time.Time) *endedCalls {
	return &endedCalls{now: now, calls: map[callfsm.CallID]endedCall{}}
}

func (e *endedCalls) add(id callfsm.CallID, reason callfsm.EndReason, devices []device) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.calls[id]; !ok {
		e.order = append(e.order, id)
	}
	e.calls[id] = endedCall{e.now(), reason, devices}
	e.dropLocked(func(endedCall) bool { return len(e.calls) > maxEnded })
}

// reason returns why a call ended, to a device that was in it.
func (e *endedCalls) reason(id callfsm.CallID, asking device) (callfsm.EndReason, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.calls[id].devices {
		if d == asking {
			return e.calls[id].reason, true
		}
	}
	return callfsm.EndReason{}, false
}

func (e *endedCalls) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.now().Add(-endedMemory)
	e.dropLocked(func(c endedCall) bool { return c.at.Before(before) })
}

// dropLocked drops the oldest ones while drop says so.
func (e *endedCalls) dropLocked(drop func(endedCall) bool) {
	n := 0
	for n < len(e.order) && drop(e.calls[e.order[n]]) {
		delete(e.calls, e.order[n])
		n++
	}
	e.order = e.order[n:] // append moves what is left when it needs room
}

// resourceOf returns the resource in the raw id of a user, "8:acs:<resource>_<user>".
func resourceOf(user string) string {
	rest, ok := strings.CutPrefix(user, "8:")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ":")
	resource, _, _ := strings.Cut(rest, "_")
	return resource
}
