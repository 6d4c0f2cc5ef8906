package transport

import (
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// relayPatience is how long the end of a session waits for the answers of
	// relays: what they give is then given back instead of left to expire.
	relayPatience = 500 * time.Millisecond
	// relayWait is how long it waits for the stack below to notice the end.
	relayWait = 5 * time.Second
)

// relayLink is an open connection to a relay. They are remembered because the
// stack below does not wait for a request to a relay whose generation is over.
type relayLink struct {
	owner   *pionNet
	conn    io.Closer
	permits *permits
	once    sync.Once
	err     error
}

// link remembers a connection to a relay until it is closed.
func (n *pionNet) link(conn io.Closer, p *permits) *relayLink {
	l := &relayLink{owner: n, conn: conn, permits: p}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.relays[l] = struct{}{}
	p.abandoned = n.abandoned
	return l
}

// abandon gives up the requests for allocations that are under way, so that
// gathering of candidates ends.
func (n *pionNet) abandon() {
	for _, l := range n.links(true) {
		l.permits.abandon()
	}
}

// links returns the open connections; with abandoned, those made later will get
// no allocation.
func (n *pionNet) links(abandoned bool) []*relayLink {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.abandoned = n.abandoned || abandoned
	return slices.Collect(maps.Keys(n.relays))
}

// hangUp closes the connection below; the stack notices by itself.
func (l *relayLink) hangUp() { l.once.Do(func() { l.err = l.conn.Close() }) }

// Close closes the connection.
func (l *relayLink) Close() error {
	l.hangUp()
	n := l.owner
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.relays, l)
	if len(n.relays) == 0 && n.idle != nil {
		close(n.idle)
		n.idle = nil
	}
	return l.err
}

// hangUp gives up requests under way, waits for the stack below to notice, and
// closes what is still open after a while.
func (n *pionNet) hangUp() {
	n.abandon()
	idle := make(chan struct{})
	n.mu.Lock()
	if len(n.relays) > 0 {
		n.idle = idle
	} else {
		close(idle)
	}
	n.mu.Unlock()
	closing := time.AfterFunc(relayPatience, func() {
		for _, l := range n.links(true) {
			l.hangUp()
		}
	})
	defer closing.Stop()
	timer := time.NewTimer(relayWait)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
	// They ended when their connections were closed.
	n.streams.Wait()
}

// relaySocket is a UDP socket to a relay. It hides the local address: the TURN
// client asks for a relayed address of the same family, and IPv4 ones are what
// every relay has.
type relaySocket struct {
	net.PacketConn
	link    *relayLink
	permits permits
}

func newRelaySocket(n *pionNet, conn net.PacketConn) *relaySocket {
	s := &relaySocket{PacketConn: conn, permits: permits{wake: conn.SetReadDeadline}}
	s.link = n.link(conn, &s.permits)
	return s
}

// LocalAddr returns the unspecified IPv4 address with the port.
func (s *relaySocket) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4zero, Port: portOf(s.PacketConn.LocalAddr())}
}

// WriteTo sends a packet to the relay, a handshake or a request twice.
func (s *relaySocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if handshake(b) || relayRequest(b) {
		s.link.owner.again.later(b, func(b []byte) { _, _ = s.PacketConn.WriteTo(b, to) })
	}
	n, err := s.PacketConn.WriteTo(b, to)
	if err == nil {
		s.permits.request(b, to)
	}
	return n, err
}

// ReadFrom reads a packet of the relay, or an answer given in its place.
func (s *relaySocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err == nil || !woken(err) {
			return n, from, err
		}
		if answer, from := s.permits.take(); answer != nil {
			return copy(b, answer), from, nil
		}
	}
}

// Close closes the socket.
func (s *relaySocket) Close() error { return s.link.Close() }
