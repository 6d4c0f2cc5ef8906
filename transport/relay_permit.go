package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// permits answers the TURN client's first request for a permission in place of
// the relay (RFC 8656 9).
//
// The client waits for the answer before it sends the first packet to a peer,
// and the stack below sends it from the loop that does everything else. So each
// new peer costs a round trip to the relay; one that the relay refuses costs it
// for every packet; and with a relay that is gone the loop stands still for
// seconds, just when another path is needed. The request goes to the relay all
// the same, ahead of the packet. When the relay refuses, what follows is dropped
// there, which is what a network does. Requests that renew a permission are left
// alone: they wait on a goroutine of their own, and their errors matter.
//
// It also answers a request for an allocation that nobody waits for any more:
// the client has no way to give one up, and asks a silent relay for 8 s.
type permits struct {
	mu        sync.Mutex
	known     map[netip.Addr]bool
	answers   [][]byte
	from      net.Addr
	allocate  *stun.Message         // the last request for an allocation
	abandoned bool                  // no allocation is wanted any more
	held      bool                  // the reader is in the middle of a message
	wake      func(time.Time) error // sets the read deadline
}

// request looks at a packet to the relay.
func (p *permits) request(b []byte, to net.Addr) {
	if len(b) < 20 || b[0] != 0 || (b[1] != 3 && b[1] != 8) {
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil {
		return
	}
	if m.Type.Method == stun.MethodAllocate {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.allocate, p.from = m, to
		p.refuse()
		return
	}
	peers := 0
	for _, a := range m.Attributes {
		if a.Type == stun.AttrXORPeerAddress {
			peers++
		}
	}
	var peer stun.XORMappedAddress
	if peers != 1 || peer.GetFromAs(m, stun.AttrXORPeerAddress) != nil {
		return
	}
	addr, ok := netip.AddrFromSlice(peer.IP)
	if !ok {
		return
	}
	answer, err := stun.Build(
		stun.NewTransactionIDSetter(m.TransactionID),
		stun.NewType(stun.MethodCreatePermission, stun.ClassSuccessResponse), stun.Fingerprint)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[addr.Unmap()] {
		return
	}
	if p.known == nil {
		p.known = map[netip.Addr]bool{}
	}
	p.known[addr.Unmap()] = true
	p.from = to
	p.answer(answer)
}

// answer gives the reader an answer; p.mu is held.
func (p *permits) answer(m *stun.Message) {
	p.answers = append(p.answers, m.Raw)
	if !p.held {
		_ = p.wake(past())
	}
}

// abandon ends a request for an allocation that is under way, and those that
// follow. One that was answered before is not concerned.
func (p *permits) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abandoned = true
	p.refuse()
	_ = p.wake(past())
}

// refuse answers the last request for an allocation if none is wanted; p.mu is
// held.
func (p *permits) refuse() {
	if !p.abandoned || p.allocate == nil {
		return
	}
	// The client takes an error that asks for no credential as the last word.
	answer, err := stun.Build(
		stun.NewTransactionIDSetter(p.allocate.TransactionID),
		stun.NewType(stun.MethodAllocate, stun.ClassErrorResponse), stun.CodeServerError, stun.Fingerprint)
	if err != nil {
		return
	}
	p.allocate = nil
	p.answer(answer)
}

// past is a deadline that wakes a reader that waits for the relay.
func past() time.Time { return time.Unix(1, 0) }

// hold lets the reader wait for the relay, whatever answers there are. It
// tells whether that is worth it: not when no allocation is wanted any more.
func (p *permits) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
	_ = p.wake(time.Time{})
	return !p.abandoned
}

// release ends hold.
func (p *permits) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	if len(p.answers) > 0 {
		_ = p.wake(past())
	}
}

// take returns an answer that waits, and lets the reader wait again after the last.
func (p *permits) take() (answer []byte, from net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) > 0 {
		answer, p.answers = p.answers[0], p.answers[1:]
	}
	if len(p.answers) == 0 {
		_ = p.wake(time.Time{})
	}
	return answer, p.from
}

// woken tells whether reading was interrupted for an answer.
func woken(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// boundaries follows the framing of a stream from a relay (RFC 8656 3.7), to
// know where something can be put in between.
type boundaries struct {
	head   [4]byte
	have   int
	rest   int
	broken bool
}

// inside tells whether the last byte seen was not the last of a message.
func (f *boundaries) inside() bool { return f.broken || f.have > 0 || f.rest > 0 }

// pass takes note of bytes that were read.
func (f *boundaries) pass(b []byte) {
	for len(b) > 0 && !f.broken {
		if f.rest > 0 {
			n := min(f.rest, len(b))
			f.rest -= n
			b = b[n:]
			continue
		}
		n := copy(f.head[f.have:], b)
		f.have += n
		b = b[n:]
		if f.have < len(f.head) {
			return
		}
		f.have = 0
		size := int(f.head[2])<<8 | int(f.head[3])
		switch f.head[0] & 0xc0 {
		case 0x00:
			// The head of a STUN message has 20 bytes, four of which were read.
			f.rest = 16 + size
		case 0x40:
			// ChannelData is padded to four bytes.
			f.rest = (size + 3) &^ 3
		default:
			f.broken = true
		}
	}
}
