package transport

import (
	"encoding/binary"
	"sync"
	"time"
)

// twiceAfter is when the second copy of such a packet follows the first:
// well before its retransmission timer fires, and after a short burst of losses.
const twiceAfter = 20 * time.Millisecond

// The DTLS handshake is a dozen packets in four flights, and one of them lost
// costs a retransmission time-out that doubles each time. Its packets are sent
// twice; the replay protection at the other end drops the second copy. The
// requests to a relay are as few and as dear. On a path that loses one packet in
// ten this takes the tail off the time of a set-up.

// again holds what must be known to send something a second time.
type again struct {
	mu      sync.Mutex
	stopped bool
	timers  map[*time.Timer]struct{}
}

// handshake tells whether a packet carries a DTLS handshake, by itself or inside
// the framing of a relay.
func handshake(b []byte) bool {
	switch {
	case len(b) < 13:
		return false
	case b[0] == 20 || b[0] == 22:
		// Change of cipher or handshake, DTLS 1.0 to 1.2 (RFC 6347 4.1).
		return b[1] == 0xfe
	case b[0]&0xc0 == 0x40:
		// ChannelData (RFC 8656 12.4).
		return handshake(b[4:])
	case b[0] == 0 && b[1] == 0x16:
		return handshake(indicated(b))
	default:
		return false
	}
}

// indicated returns the data of a Send indication (RFC 8656 11.1).
func indicated(b []byte) []byte {
	const headerSize, dataAttribute = 20, 0x0013
	for b = b[min(headerSize, len(b)):]; len(b) >= 4; {
		kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[4:]; size > len(b) {
			return nil
		}
		if kind == dataAttribute {
			return b[:size]
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}

// later sends a copy of b after a while.
func (a *again) later(b []byte, send func([]byte)) {
	data := append([]byte(nil), b...)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	if a.timers == nil {
		a.timers = map[*time.Timer]struct{}{}
	}
	var timer *time.Timer
	timer = time.AfterFunc(twiceAfter, func() {
		a.mu.Lock()
		delete(a.timers, timer)
		stopped := a.stopped
		a.mu.Unlock()
		if !stopped {
			send(data)
		}
	})
	a.timers[timer] = struct{}{}
}

// stop drops the copies that were not sent.
func (a *again) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for t := range a.timers {
		t.Stop()
	}
	a.timers = nil
}

// relayRequest tells whether a packet is an Allocate, Refresh, CreatePermission
// or ChannelBind request. A relay answers a second copy as it did the first
// (RFC 8656 7.2).
func relayRequest(b []byte) bool {
	return len(b) >= 20 && b[0] == 0 && (b[1] == 3 || b[1] == 4 || b[1] == 8 || b[1] == 9)
}
