package netem

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

const (
	defaultReorderBy = 30 * time.Millisecond
	defaultQueueTime = 100 * time.Millisecond
	minimumQueue     = 16 << 10
	jitterMost       = 5 // means
)

// direction is one way of a path.
type direction struct {
	quality Link
	dice    map[Protocol]*dice
	// busyUntil is when the rate limit has sent everything queued.
	busyUntil time.Time
	lastDue   time.Time
	underWay  int
}

// dice are the random decisions of one protocol in one direction. Every packet
// takes the same number of throws, so that the n-th packet's luck does not hang
// on the quality that earlier ones met.
type dice struct {
	random *rand.Rand
	bad    bool
}

type throw struct{ loss, turn, burst, jitter, reorder, duplicate float64 }

func newDirection(seed uint64, from, to *Host) *direction {
	d := &direction{dice: map[Protocol]*dice{}}
	for _, p := range []Protocol{UDP, TCP} {
		h := fnv.New64a()
		_, _ = h.Write([]byte(from.name + "\x00" + to.name + "\x00" + p.String()))
		d.dice[p] = &dice{random: rand.New(rand.NewPCG(seed, h.Sum64()))} //nolint:gosec // G404: repeatable on purpose
	}
	return d
}

func (d *dice) throw() throw {
	r := d.random.Float64
	return throw{loss: r(), turn: r(), burst: r(), jitter: r(), reorder: r(), duplicate: r()}
}

// burstLoss steps the Gilbert–Elliott chain by one packet.
func (d *dice) burstLoss(b *Burst, t throw) bool {
	if b == nil {
		return false
	}
	if d.bad {
		d.bad = t.turn >= b.ToGood
	} else {
		d.bad = t.turn < b.ToBad
	}
	if !d.bad {
		return t.burst < b.LossGood
	}
	return b.LossBad == 0 || t.burst < b.LossBad
}

// fate is what becomes of one packet.
type fate struct {
	due    time.Time
	twice  bool
	reason DropReason
}

func (d *direction) pass(now time.Time, size int, protocol Protocol, down bool) fate {
	q := d.quality
	dice := d.dice[protocol]
	t := dice.throw()
	burst := dice.burstLoss(q.Burst, t)
	if down {
		return fate{reason: DropDown}
	}
	if size > q.mtu() {
		return fate{reason: DropMTU}
	}
	due := now
	if q.RateBPS > 0 {
		var full bool
		if due, full = d.enqueue(now, size); full {
			return fate{reason: DropQueue}
		}
	}
	if t.loss < q.Loss {
		return fate{reason: DropLoss}
	}
	if burst {
		return fate{reason: DropBurst}
	}
	due = due.Add(q.Delay + q.jitter(t.jitter))
	if t.reorder < q.Reorder {
		by := q.ReorderBy
		if by == 0 {
			by = defaultReorderBy
		}
		// Does not move lastDue: the ones behind overtake it.
		return fate{due: due.Add(by), twice: t.duplicate < q.Duplicate}
	}
	if due.Before(d.lastDue) {
		due = d.lastDue
	}
	d.lastDue = due
	return fate{due: due, twice: protocol == UDP && t.duplicate < q.Duplicate}
}

// enqueue passes the packet through the rate limit.
func (d *direction) enqueue(now time.Time, size int) (sent time.Time, full bool) {
	rate := float64(d.quality.RateBPS)
	if d.busyUntil.Before(now) {
		d.busyUntil = now
	}
	limit := d.quality.QueueBytes
	if limit == 0 {
		limit = max(minimumQueue, int(rate/8*defaultQueueTime.Seconds()))
	}
	waiting := d.busyUntil.Sub(now).Seconds() * rate / 8
	if waiting > 0 && int(waiting)+size > limit {
		return now, true
	}
	d.busyUntil = d.busyUntil.Add(time.Duration(float64(size) * 8 / rate * float64(time.Second)))
	return d.busyUntil, false
}

func (l *Link) mtu() int {
	if l.MTU == 0 {
		return defaultMTU
	}
	return l.MTU
}

// jitter turns a uniform number into an exponential one.
func (l *Link) jitter(uniform float64) time.Duration {
	if l.Jitter <= 0 {
		return 0
	}
	return time.Duration(float64(l.Jitter) * math.Min(-math.Log(1-uniform), jitterMost))
}
