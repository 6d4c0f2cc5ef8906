// Package netem is an emulated network inside one process: hosts with
// addresses, links between them with delay, jitter, loss, bursts, reordering,
// a rate limit and a queue, address changes and outages. It serves tests and
// benchmarks of everything that talks through sockets.
//
// A smallest program:
//
//	n := netem.New(1)
//	defer n.Close()
//	a := n.Host("alice", netip.MustParseAddr("10.0.0.1"))
//	b := n.Host("bob", netip.MustParseAddr("10.0.0.2"))
//	n.Link(a, b, netem.Link{Delay: 20 * time.Millisecond, Loss: 0.02})
//	conn, err := a.ListenPacket("udp4", netip.AddrPort{})
//
// Hosts that are not linked cannot reach each other. A host reaches itself, and
// 127.0.0.1 and ::1, without delay or loss.
//
// Repeatable: each direction of each link rolls its own dice, seeded from the
// network's seed and the names of the two hosts, apart for datagrams and for
// streams. The n-th datagram sent in one direction meets the same fate in every
// run, whatever the scheduler does between.
//
// Time comes only from package time, and waiting only from channels and
// timers, so that a network made inside a testing/synctest bubble runs on the
// bubble's clock. A Network is safe for many goroutines. Close ends every
// connection and the one goroutine that the network owns.
package netem

import (
	"net/netip"
	"time"
)

// Link is the quality of one direction of the path between two hosts. The zero
// value is a perfect link: no delay, no loss, no limit.
type Link struct {
	// Delay is the one-way propagation delay.
	Delay time.Duration
	// Jitter is the mean of a further random delay of each packet (exponential,
	// at most five means). Packets keep their order: one that would overtake
	// another waits for it. 0 means none.
	Jitter time.Duration
	// Loss is the probability that a packet is lost, each by itself.
	Loss float64
	// Burst adds losses that come in bursts. Nil means none.
	Burst *Burst
	// Reorder is the probability that a packet is held back so that later ones
	// overtake it. Streams stay in order: they only wait.
	Reorder float64
	// ReorderBy is how long such a packet is held back; 0 means 30 ms.
	ReorderBy time.Duration
	// Duplicate is the probability that a datagram arrives twice.
	Duplicate float64
	// RateBPS limits the direction to that many bits a second, headers
	// included. 0 means no limit.
	RateBPS int
	// QueueBytes is the length of the queue in front of the rate limit; what
	// does not fit is dropped. 0 means what the rate carries in 100 ms, at
	// least 16 KiB.
	QueueBytes int
	// MTU is the largest packet in bytes, IP header included; larger datagrams
	// are dropped, streams cut their segments to fit. 0 means 1500.
	MTU int
}

// Burst is a Gilbert–Elliott loss model: the link is in a good or a bad state
// and may change before each packet.
type Burst struct {
	// ToBad is the probability that the link turns from good to bad.
	ToBad float64
	// ToGood is the probability that it turns from bad to good: its inverse is
	// the mean length of a burst in packets.
	ToGood float64
	// LossGood is the loss probability while good.
	LossGood float64
	// LossBad is the loss probability while bad; 0 means 1.
	LossBad float64
}

// BurstLoss returns the model that loses the given fraction of all packets in
// bursts of the given mean length in packets.
func BurstLoss(fraction, meanLength float64) *Burst {
	if fraction <= 0 || fraction >= 1 || meanLength < 1 {
		return nil
	}
	toGood := 1 / meanLength
	return &Burst{ToBad: toGood * fraction / (1 - fraction), ToGood: toGood, LossBad: 1}
}

// Protocol tells datagrams from segments of a stream.
type Protocol uint8

// The protocols of the network.
const (
	UDP Protocol = iota + 1
	TCP
)

// String returns "udp" or "tcp".
func (p Protocol) String() string {
	switch p {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	default:
		return "unknown"
	}
}

// Operation is what happened to a packet.
type Operation uint8

// The operations of a trace. Each packet has one Sent event; then one Arrived
// (two when it was doubled) or one Dropped.
const (
	Sent Operation = iota + 1
	Arrived
	Dropped
)

// String returns the operation's name in lower case.
func (o Operation) String() string {
	switch o {
	case Sent:
		return "sent"
	case Arrived:
		return "arrived"
	case Dropped:
		return "dropped"
	default:
		return "unknown"
	}
}

// DropReason says why a packet did not arrive.
type DropReason uint8

// The reasons for a drop.
const (
	DropNone     DropReason = iota
	DropLoss                // lost by itself
	DropBurst               // lost in a burst
	DropQueue               // the queue in front of the rate limit was full
	DropMTU                 // larger than the link takes
	DropDown                // the link was down
	DropAddress             // no such host, no link, or the sender's address is gone
	DropNoSocket            // nobody listens there
	DropReceiver            // the receiver's buffer was full
)

// String returns the reason in words.
func (r DropReason) String() string {
	switch r {
	case DropNone:
		return "none"
	case DropLoss:
		return "loss"
	case DropBurst:
		return "burst loss"
	case DropQueue:
		return "queue full"
	case DropMTU:
		return "too large"
	case DropDown:
		return "link down"
	case DropAddress:
		return "no route"
	case DropNoSocket:
		return "no socket"
	case DropReceiver:
		return "receiver full"
	default:
		return "unknown"
	}
}

// Event is one line of the packet trace.
type Event struct {
	// Time is when it happened.
	Time time.Time
	// Op is what happened.
	Op Operation
	// Packet numbers the packets of the network from 1 in the order of their
	// sending; the events of one packet share it.
	Packet uint64
	// Protocol is UDP or TCP.
	Protocol Protocol
	// FromHost and ToHost are the hosts' names; ToHost is empty when there is
	// no such host.
	FromHost, ToHost string
	// From and To are the addresses.
	From, To netip.AddrPort
	// Payload is what the packet carries without headers. It is valid only
	// during the call and must not be changed. Empty for a stream's handshake
	// and its end.
	Payload []byte
	// Control names a stream's segments without payload: "syn", "syn-ack",
	// "fin", "rst". Empty for all else.
	Control string
	// Reason says why a packet was dropped.
	Reason DropReason
}
