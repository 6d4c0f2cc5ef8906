package transport

import (
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// How a path that went silent is treated.
const (
	// deadKeepalives is how many keepalives stay without an answer before
	// another path is taken.
	deadKeepalives = 2.5
	// firstPenalty is how long a path that went silent is not taken again,
	// doubled each time up to lastPenalty.
	firstPenalty = 10 * time.Second
	lastPenalty  = 2 * time.Minute
	// maxTriggered bounds the checks that checks of the other side set off.
	maxTriggered = 3
)

// pathKeeper decides on which candidate pair this end sends. The stack below
// nominates one pair and stays with it; here each end moves by itself, whenever
// a check that the other side authenticated arrives on a pair that is better,
// or when the pair in use is silent. Both ends receive on every pair, so nothing
// is lost while they move, and they need not move at once.
//
// It takes the first pair that works, which spares the round trip of a
// nomination and the wait for it.
type pathKeeper struct {
	keepalive time.Duration
	// moved is called when checks should be sent at once: after a pair was taken,
	// so that the other side hears of it.
	moved func()

	mu sync.Mutex
	// ours is set when the other side keeps paths in the same way. With another
	// one the nomination of the standard decides.
	ours        bool
	controlling bool
	current     *path
	penalties   map[pathKey]penalty
	changes     uint32
}

// pathKey names a pair by its addresses; the pair itself may be replaced when a
// candidate that was found by its packets is signaled.
type pathKey struct {
	local, remote         string
	localPort, remotePort int
}

type path struct {
	key  pathKey
	rank int
	pair *ice.CandidatePair // nil when it was chosen by the stack below and not yet seen here
	at   time.Time
}

type penalty struct {
	until time.Time
	next  time.Duration
}

func newPathKeeper(keepalive time.Duration, moved func()) *pathKeeper {
	return &pathKeeper{keepalive: keepalive, moved: moved, penalties: map[pathKey]penalty{}}
}

// start tells what the other side is.
func (k *pathKeeper) start(ours, controlling bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ours, k.controlling = ours, controlling
}

// reset forgets the path, after a restart dropped all pairs.
func (k *pathKeeper) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = nil
	k.penalties = map[pathKey]penalty{}
}

// onRequest is called for every authenticated check that arrives, on the loop
// of the ICE agent. It returns true to make the pair the one in use.
func (k *pathKeeper) onRequest(_ *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
	key := pathKey{local.Address(), remote.Address(), local.Port(), remote.Port()}
	rank := directness(local.Type() == ice.CandidateTypeRelay, remote.Type() == ice.CandidateTypeRelay)
	take, ask := k.decide(key, rank, pair, time.Now())
	if ask {
		k.moved()
	}
	return take
}

// decide tells whether a pair should be taken, and whether checks should be
// sent at once.
func (k *pathKeeper) decide(key pathKey, rank int, pair *ice.CandidatePair, now time.Time) (take, ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ours {
		return false, false
	}
	if k.current != nil && k.current.key == key {
		k.current.pair, k.current.rank = pair, rank
		return false, false
	}
	if pair.ResponsesReceived() == 0 {
		// Packets may not get through from here. If there is no path yet, ask at
		// once, so that the other side has its check together with our answer;
		// the controlled side does so by itself (RFC 8445 7.3.1.4).
		return false, k.current == nil && k.controlling && pair.RequestsReceived() <= maxTriggered
	}
	if !k.better(key, rank, pair, now) {
		return false, false
	}
	if k.current != nil && k.silent(k.current, now) {
		k.punish(k.current.key, now)
	}
	k.current = &path{key: key, rank: rank, pair: pair, at: now}
	k.changes++
	return true, true
}

// better tells whether a pair that works should be taken.
func (k *pathKeeper) better(key pathKey, rank int, pair *ice.CandidatePair, now time.Time) bool {
	if k.current == nil {
		return true
	}
	if now.Before(k.penalties[key].until) {
		return false
	}
	// The controlling side checks all pairs all the time, so it knows which ones
	// work now; the other side has only the checks that arrive to go by.
	if k.controlling && now.Sub(pair.LastResponseReceivedAt()) > k.deadAfter() {
		return false
	}
	return rank > k.current.rank || k.silent(k.current, now)
}

func (k *pathKeeper) deadAfter() time.Duration {
	return time.Duration(deadKeepalives * float64(k.keepalive))
}

// silent tells whether our own checks on the path stay without an answer. That
// covers both directions, which received packets would not.
func (k *pathKeeper) silent(p *path, now time.Time) bool {
	heard := p.at
	if p.pair != nil {
		if t := p.pair.LastResponseReceivedAt(); t.After(heard) {
			heard = t
		}
	}
	return now.Sub(heard) > k.deadAfter()
}

func (k *pathKeeper) punish(key pathKey, now time.Time) {
	p := k.penalties[key]
	if p.next == 0 {
		p.next = firstPenalty
	}
	p.until = now.Add(p.next)
	p.next = min(2*p.next, lastPenalty)
	k.penalties[key] = p
}

// onSelected is called after the stack below took a pair, by our decision or by
// the other side's nomination.
func (k *pathKeeper) onSelected(p *webrtc.ICECandidatePair) {
	if p == nil || p.Local == nil || p.Remote == nil {
		return
	}
	key := pathKey{p.Local.Address, p.Remote.Address, int(p.Local.Port), int(p.Remote.Port)}
	rank := directness(p.Local.Typ == webrtc.ICECandidateTypeRelay, p.Remote.Typ == webrtc.ICECandidateTypeRelay)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && k.current.key == key {
		return
	}
	k.current = &path{key: key, rank: rank, at: time.Now()}
	k.changes++
}

// chosen tells whether there is a pair in use.
func (k *pathKeeper) chosen() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current != nil
}

// selections returns how often the pair in use changed, the first one included.
func (k *pathKeeper) selections() uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changes
}

// directness ranks a pair by the number of relays on the way.
func directness(localRelay, remoteRelay bool) int {
	rank := 2
	if localRelay {
		rank--
	}
	if remoteRelay {
		rank--
	}
	return rank
}

// roundTrip returns the round trip time of the path in use, 0 when not known.
func (k *pathKeeper) roundTrip() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == nil || k.current.pair == nil {
		return 0
	}
	return time.Duration(k.current.pair.CurrentRoundTripTime() * float64(time.Second))
}
