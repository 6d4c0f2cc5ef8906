package transport

import (
	"net"
	"net/netip"

	pion "github.com/pion/transport/v4"
)

// socket is a UDP socket of a host or reflexive candidate.
type socket struct {
	net.PacketConn
	owner *pionNet
	// udp is the same socket when it is the system's: its methods do not
	// allocate an address for each packet.
	udp *net.UDPConn
	is4 bool
}

func newSocket(owner *pionNet, conn net.PacketConn, is4 bool) *socket {
	udp, _ := conn.(*net.UDPConn)
	return &socket{PacketConn: conn, owner: owner, udp: udp, is4: is4}
}

// drops tells whether the gate holds a packet back. It only ever opens, and is
// asked for each packet, so the common answer is one load.
func (s *socket) drops(to netip.AddrPort) bool { return s.owner.shut() && !s.owner.isServer(to) }

// ReadFromAddrPort reads a packet.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	if s.udp != nil {
		return s.udp.ReadFromUDPAddrPort(b)
	}
	n, from, err := s.ReadFrom(b)
	return n, addrPortOf(from), err
}

// WriteToAddrPort sends a packet, or drops it at the gate.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if s.drops(to) {
		return len(b), nil
	}
	if handshake(b) {
		s.owner.again.later(b, func(b []byte) { _, _ = s.send(b, to) })
	}
	return s.send(b, to)
}

func (s *socket) send(b []byte, to netip.AddrPort) (int, error) {
	if s.udp != nil {
		return s.udp.WriteToUDPAddrPort(b, to)
	}
	return s.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(to))
}

// WriteTo sends a packet, or drops it at the gate.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.drops(addrPortOf(to)) {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

func addrPortOf(a net.Addr) netip.AddrPort {
	if udp, ok := a.(*net.UDPAddr); ok && udp != nil {
		return udp.AddrPort()
	}
	if a == nil {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return ap
}

// Close closes the socket.
func (s *socket) Close() error {
	s.owner.forget(s)
	return s.PacketConn.Close()
}

// The rest of the interface of the stack below, which it does not call for the
// sockets of candidates.

// RemoteAddr returns nil: the socket is not connected.
func (s *socket) RemoteAddr() net.Addr { return nil }

// Read is not offered.
func (s *socket) Read([]byte) (int, error) { return 0, pion.ErrNotSupported }

// Write is not offered.
func (s *socket) Write([]byte) (int, error) { return 0, pion.ErrNotSupported }

// SetReadBuffer does nothing: the Net chose the size.
func (s *socket) SetReadBuffer(int) error { return nil }

// SetWriteBuffer does nothing: the Net chose the size.
func (s *socket) SetWriteBuffer(int) error { return nil }

// ReadFromUDP reads a packet.
func (s *socket) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteToUDP sends a packet.
func (s *socket) WriteToUDP(b []byte, to *net.UDPAddr) (int, error) { return s.WriteTo(b, to) }

// ReadMsgUDP is not offered.
func (s *socket) ReadMsgUDP(_, _ []byte) (int, int, int, *net.UDPAddr, error) {
	return 0, 0, 0, nil, pion.ErrNotSupported
}

// WriteMsgUDP is not offered.
func (s *socket) WriteMsgUDP(_, _ []byte, _ *net.UDPAddr) (int, int, error) {
	return 0, 0, pion.ErrNotSupported
}
