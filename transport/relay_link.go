package transport

import (
	"io"
	"net"
	"sync"
	"time"
)

// relayWait is how long the end of a session waits for requests to relays.
const relayWait = 5 * time.Second

// relayLink is an open connection to a relay. They are remembered because the
// stack below does not wait for a request to a relay whose generation is over.
type relayLink struct {
	owner *pionNet
	conn  io.Closer
	once  sync.Once
	err   error
}

// link remembers a connection to a relay until it is closed.
func (n *pionNet) link(conn io.Closer) *relayLink {
	l := &relayLink{owner: n, conn: conn}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.relays[l] = struct{}{}
	return l
}

// Close closes the connection.
func (l *relayLink) Close() error {
	l.once.Do(func() { l.err = l.conn.Close() })
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

// hangUp closes what is still open, which makes requests under way fail at
// their next try, and waits for the stack below to notice.
func (n *pionNet) hangUp() {
	n.mu.Lock()
	var open []*relayLink
	for l := range n.relays {
		open = append(open, l)
	}
	idle := make(chan struct{})
	if len(open) > 0 {
		n.idle = idle
	} else {
		close(idle)
	}
	n.mu.Unlock()
	for _, l := range open {
		l.once.Do(func() { l.err = l.conn.Close() })
	}
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
	return &relaySocket{PacketConn: conn, link: n.link(conn), permits: permits{wake: conn.SetReadDeadline}}
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
