package calls

import (
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Limits of what one end of a call may send to the other through the service.
// An ordinary call has one description each way and about a dozen candidates.
const (
	// MaxDescription is the largest session description in bytes.
	MaxDescription = 32 << 10
	// MaxCandidate is the largest candidate in bytes.
	MaxCandidate = 512
	// MaxCandidates is the largest number of candidates in one message.
	MaxCandidates = 64

	descriptionBurst = 16
	descriptionRate  = 1.0 // a second
	candidateBurst   = 256
	candidateRate    = 20.0 // a second
	// An end that goes on after so much was dropped is not an engine that tries
	// hard: it is put out of the call.
	maxDropped = 2048
)

// relayLimits counts what one leg sends.
type relayLimits struct {
	descriptions, candidates bucket
	dropped                  int
}

// bucket is a token bucket. The zero value is full.
type bucket struct {
	used float64
	at   time.Time
}

// take takes n tokens if there are so many.
func (b *bucket) take(now time.Time, n, burst, rate float64) bool {
	b.used = max(0, b.used-rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.used+n > burst {
		return false
	}
	b.used += n
	return true
}

// relay passes a description or candidates to the other end.
func (c *call) relay(session *signaling.Session, m *signaling.Message) {
	from, ok := c.legOf(session)
	if !ok || c.legs[from].session != session {
		return
	}
	var named callfsm.Leg
	description, candidates := m.GetDescription(), m.GetCandidates()
	switch {
	case description != nil:
		named = callfsm.Leg(description.GetLeg())
	case candidates != nil:
		named = callfsm.Leg(candidates.GetLeg())
	}
	to, ok := c.coordinator.RouteLeg(from, named)
	if !ok {
		return // the leg has left meanwhile
	}
	if !c.allowed(from, description, candidates) {
		return
	}
	deviceLeg := uint32(max(from, to)) // one of the two is the caller, 0
	if description != nil {
		description.Leg = deviceLeg
	} else {
		candidates.Leg = deviceLeg
	}
	// Path finding decides nothing, so it does not wait for what is being made
	// durable: both ends look for the path while the accept is written.
	c.pass(to, m)
}

// allowed checks sizes and rates. What is too large or malformed ends the
// leg's part in the call; what comes too fast is dropped, until it is too much.
func (c *call) allowed(from callfsm.Leg, description *signalpb.CallDescription, candidates *signalpb.CallCandidates) bool {
	limits := &c.legs[from].limits
	now := c.owner.service.options.Now()
	if description != nil {
		if len(description.GetSdp()) > MaxDescription {
			c.expel(from, "session description too large")
			return false
		}
		return limits.descriptions.take(now, 1, descriptionBurst, descriptionRate) || c.drop(from, 1)
	}
	n := len(candidates.GetCandidates())
	if n > MaxCandidates {
		c.expel(from, "too many candidates in one message")
		return false
	}
	for _, candidate := range candidates.GetCandidates() {
		if len(candidate) > MaxCandidate {
			c.expel(from, "candidate too large")
			return false
		}
	}
	// The end of candidates counts as one.
	n = max(n, 1)
	return limits.candidates.take(now, float64(n), candidateBurst, candidateRate) || c.drop(from, n)
}

// drop counts what was dropped. It returns false.
func (c *call) drop(from callfsm.Leg, n int) bool {
	c.owner.service.dropped.Add(uint64(n)) //nolint:gosec // n is positive
	limits := &c.legs[from].limits
	limits.dropped += n
	if limits.dropped > maxDropped {
		c.expel(from, "flood of descriptions or candidates")
	}
	return false
}

// expel ends an end's part in the call: it broke the media protocol.
func (c *call) expel(from callfsm.Leg, why string) {
	c.owner.service.logger.Warn("end put out of its call", "call_id", c.id.String(), "leg", from, "why", why)
	c.legs[from].limits.dropped = 0
	c.step(callfsm.CoordinatorInput{
		Kind: callfsm.CoordinatorMessage, Leg: from,
		Message: callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonMediaProtocol.Reason()},
	})
}
