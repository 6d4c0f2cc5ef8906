package transport

import (
	"time"

	"github.com/pion/rtcp"
)

// How lost packets of video are asked for again.
const (
	// nackPatience lets packets that were only overtaken arrive.
	nackPatience = 10 * time.Millisecond
	// nackTries bounds how often one packet is asked for.
	nackTries = 10
	// nackLife is after how long a packet is of no use any more.
	nackLife = time.Second
	// maxMissing bounds the list; a larger hole needs a key frame, not repair.
	maxMissing = 256
	// minRetry and maxRetry bound the wait between two requests, which is
	// otherwise one round trip and a half.
	minRetry = 20 * time.Millisecond
	maxRetry = 300 * time.Millisecond
)

// missing is a packet that did not arrive.
type missing struct {
	sequence uint16
	since    time.Time
	next     time.Time
	tries    int
}

// nackList finds out which packets of a stream are missing and when to ask for
// them. It has no clock and no lock of its own.
//
// The generator of the stack below asks every 100 ms for whatever it has not
// seen on the media's own SSRC, and does not see what a retransmission stream
// brought back.
type nackList struct {
	started bool
	highest uint16
	list    []missing // by sequence number, oldest first
}

// arrived takes a packet that was received, first or repeated. It returns true
// when packets are missing that were not missing before.
func (n *nackList) arrived(sequence uint16, now time.Time) bool {
	if !n.started {
		n.started, n.highest = true, sequence
		return false
	}
	ahead := sequence - n.highest
	switch {
	case ahead == 0:
		return false
	case ahead < 1<<15:
		gap := int(ahead) - 1
		first := n.highest + 1
		n.highest = sequence
		if gap > maxMissing {
			// Not a loss but a jump.
			n.list = n.list[:0]
			return false
		}
		for i := range gap {
			n.list = append(n.list, missing{
				sequence: first + uint16(i), since: now, next: now.Add(nackPatience), //nolint:gosec // below maxMissing
			})
		}
		if len(n.list) > maxMissing {
			n.list = append(n.list[:0], n.list[len(n.list)-maxMissing:]...)
		}
		return gap > 0
	default:
		for i := range n.list {
			if n.list[i].sequence == sequence {
				n.list = append(n.list[:i], n.list[i+1:]...)
				break
			}
		}
		return false
	}
}

// due returns the packets to ask for now, and when to look again (zero for
// not until something is missing).
func (n *nackList) due(now time.Time, rtt time.Duration) (sequences []uint16, next time.Time) {
	retry := min(max(rtt*3/2, minRetry), maxRetry)
	kept := n.list[:0]
	for _, m := range n.list {
		if m.tries >= nackTries || now.Sub(m.since) > nackLife {
			continue
		}
		if !m.next.After(now) {
			sequences = append(sequences, m.sequence)
			m.tries++
			m.next = now.Add(retry)
		}
		if next.IsZero() || m.next.Before(next) {
			next = m.next
		}
		kept = append(kept, m)
	}
	n.list = kept
	return sequences, next
}

// nackPacket asks for packets (RFC 4585 6.2.1).
func nackPacket(ssrc uint32, sequences []uint16) *rtcp.TransportLayerNack {
	return &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(sequences)}
}
