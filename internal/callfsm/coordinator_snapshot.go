package callfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrSnapshot is wrapped by the errors of RestoreCoordinator.
var ErrSnapshot = errors.New("callfsm: unreadable snapshot")

// snapshotVersion is the first byte of a snapshot. A reader refuses others.
const snapshotVersion = 1

// Snapshot returns what RestoreCoordinator needs, in a compact binary form.
func (c *Coordinator) Snapshot() []byte {
	b := make([]byte, 0, 96+len(c.cfg.From)+len(c.cfg.To)+len(c.displayName))
	b = append(b, snapshotVersion, byte(c.state), byte(c.winner))
	b = binary.AppendVarint(b, timeToWire(c.establishAt))
	b = appendReason(b, c.reason)
	for _, s := range [...]string{c.cfg.From, c.cfg.To, c.displayName, c.cfg.CallerDevice} {
		b = appendString(b, s)
	}
	b = append(b, byte(len(c.cfg.Devices)))
	for _, s := range c.cfg.Devices {
		b = appendString(b, s)
	}
	for leg := range c.Legs() {
		l := &c.legs[leg]
		b = append(b, byte(l.phase), byte(l.media), flags(l.connected, l.muted, l.held, l.lobby))
		b = appendReason(b, l.reason)
	}
	return b
}

// RestoreCoordinator makes a coordinator from a Snapshot after the service
// started again at now. All legs count as lost since now, until they reconcile.
// The error wraps ErrSnapshot.
func RestoreCoordinator(now time.Time, snapshot []byte, timeouts Timeouts) (*Coordinator, error) {
	r := reader{b: snapshot}
	if v := r.byte(); v != snapshotVersion {
		return nil, fmt.Errorf("%w: version %d", ErrSnapshot, v)
	}
	state, winner := CoordinatorState(r.byte()), Leg(r.byte())
	establishAt, reason := r.time(), r.reason()
	cfg := CoordinatorConfig{Timeouts: timeouts}
	cfg.From, cfg.To = r.string(), r.string()
	displayName := r.string()
	cfg.CallerDevice = r.string()
	devices := int(r.byte())
	if devices > MaxLegs {
		return nil, fmt.Errorf("%w: %d devices", ErrSnapshot, devices)
	}
	for range devices {
		cfg.Devices = append(cfg.Devices, r.string())
	}
	c := NewCoordinator(cfg)
	c.state, c.winner, c.displayName = state, winner, displayName
	c.establishAt = establishAt
	if state == CoordinatorEnded {
		c.reason = explain(reason)
	}
	for leg := range c.Legs() {
		l := &c.legs[leg]
		l.phase, l.media = legPhase(r.byte()), Media(r.byte())
		l.connected, l.muted, l.held, l.lobby = fromFlags(r.byte())
		l.reason = r.reason()
		l.lostAt = now
	}
	if r.bad || len(r.b) != 0 || !c.plausible() {
		return nil, fmt.Errorf("%w: broken", ErrSnapshot)
	}
	if back := now.Add(c.cfg.Timeouts.Reconnect); state == CoordinatorAccepted && establishAt.Before(back) {
		// The ends may be connected and could not say so: let them come back first.
		c.establishAt = back
	}
	return c, nil
}

// plausible tells whether the parts of a restored coordinator fit together.
func (c *Coordinator) plausible() bool {
	if c.state > CoordinatorEnded || c.winner >= c.Legs() {
		return false
	}
	took := c.state == CoordinatorAccepted || c.state == CoordinatorConnected
	if rings := c.state == CoordinatorRinging; took && c.winner == 0 || rings && c.winner != 0 {
		return false
	}
	// A call that rings or was accepted must have a timer, or it could stay for
	// ever; the others have none.
	timed := c.state == CoordinatorRinging && c.lobbyLeg() == 0 || c.state == CoordinatorAccepted
	return c.plausibleLegs() && timed != c.establishAt.IsZero()
}

func (c *Coordinator) plausibleLegs() bool {
	for leg := range c.Legs() {
		joined := leg == CallerLeg || leg == c.winner
		if p := c.legs[leg].phase; p == legAbsent || p > legGone || (p == legJoined) != joined {
			return false
		}
	}
	return true
}

func timeToWire(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendReason(b []byte, r EndReason) []byte {
	r = wire(r)
	b = binary.AppendVarint(b, int64(r.Code))
	b = binary.AppendVarint(b, int64(r.Subcode))
	return appendString(b, r.Message)
}

func flags(a, b, c, d bool) byte {
	var f byte
	for i, on := range [...]bool{a, b, c, d} {
		if on {
			f |= 1 << i
		}
	}
	return f
}

func fromFlags(f byte) (a, b, c, d bool) { return f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0 }

// reader takes a snapshot apart; after the first fault it gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[size : uint64(size)+n])
	r.b = r.b[uint64(size)+n:]
	return s
}

func (r *reader) time() time.Time {
	v := r.varint()
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(0, v)
}

func (r *reader) reason() EndReason {
	code, sub := r.varint(), r.varint()
	return EndReason{Code: int(code), Subcode: int(sub), Message: r.string()}
}
