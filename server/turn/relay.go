package turn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/pion/turn/v5"
)

// The range of RFC 8656 7.2 for relayed addresses.
const (
	minRelayPort  = 49152
	maxRelayPort  = 65535
	relayAttempts = 32
)

var (
	errNoTCP         = errors.New("turn: relaying of TCP is not offered")
	errPeer          = errors.New("turn: peer not allowed")
	errFamily        = errors.New("turn: no relay address of this family")
	errNoPort        = errors.New("turn: no free relay port")
	errServerClosing = errors.New("turn: closing")
)

// generator makes the sockets of relayed addresses.
type generator struct {
	server *Server
}

func (g *generator) Validate() error { return nil }

func (g *generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

func (g *generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errNoTCP
}

func (g *generator) AllocatePacketConn(conf turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	s := g.server
	public, ok := s.publicAddr(conf.Network)
	if !ok {
		return nil, nil, errFamily
	}
	local, err := addrPort(s.conn.LocalAddr())
	if err != nil {
		return nil, nil, err
	}
	host := local.Addr()
	if host.IsUnspecified() && conf.Network == "udp4" {
		host = netip.IPv4Unspecified()
	}
	for range relayAttempts {
		port := conf.RequestedPort
		if port == 0 {
			port = minRelayPort + rand.IntN(maxRelayPort-minRelayPort+1)
		}
		conn, err := s.options.ListenPacket(conf.Network, net.JoinHostPort(host.String(), strconv.Itoa(port)))
		if err == nil {
			return s.register(conn, public, conf.UserID)
		}
		if conf.RequestedPort != 0 {
			return nil, nil, fmt.Errorf("turn: relay socket: %w", err)
		}
	}
	return nil, nil, errNoPort
}

func (s *Server) publicAddr(network string) (netip.Addr, bool) {
	for _, ip := range s.policy.own {
		if ip.Is4() == (network == "udp4") {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// register makes a socket known as a relayed address.
func (s *Server) register(conn net.PacketConn, public netip.Addr, user string) (net.PacketConn, net.Addr, error) {
	local, err := addrPort(conn.LocalAddr())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	r := &relayConn{
		PacketConn: &patientConn{PacketConn: conn},
		server:     s,
		public:     netip.AddrPortFrom(public, local.Port()),
		local:      local,
		user:       user,
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.relays[r.public] = r
		if user != "" {
			s.users[user]++
		}
	}
	s.mu.Unlock()
	if closed {
		return nil, nil, errors.Join(errServerClosing, conn.Close())
	}
	s.allocated.Add(1)
	return r, net.UDPAddrFromAddrPort(r.public), nil
}

func (s *Server) unregister(r *relayConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.relays, r.public)
	if r.user != "" {
		if s.users[r.user]--; s.users[r.user] <= 0 {
			delete(s.users, r.user)
		}
	}
	if s.closed && len(s.relays) == 0 {
		close(s.empty)
	}
}

// relay returns the relayed address of this server at which a peer is, if it
// is one.
func (s *Server) relay(peer netip.AddrPort) (*relayConn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.relays[peer]
	return r, ok
}

// patientConn outlives errors of single reads: some systems report a peer's
// ICMP answer so, and the TURN library stops reading at the first error.
type patientConn struct {
	net.PacketConn
	failed int // in a row; only the reader uses it
}

const maxReadErrors = 64

// ReadFrom reads the next packet.
func (c *patientConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.PacketConn.ReadFrom(p)
		if err == nil {
			c.failed = 0
			return n, addr, nil
		}
		c.failed++
		if errors.Is(err, net.ErrClosed) || c.failed >= maxReadErrors {
			return n, addr, err
		}
	}
}

// relayConn is the socket of one relayed address. It filters by port what the
// TURN permissions, which know no ports, let through.
type relayConn struct {
	net.PacketConn
	server *Server
	public netip.AddrPort // as peers see it
	local  netip.AddrPort // as the socket is bound
	user   string
	once   sync.Once
}

// WriteTo sends to a peer. A peer that is another relayed address of this
// server is reached at the socket itself, so that it works behind a NAT that
// does not let packets turn around.
func (r *relayConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	peer, err := addrPort(addr)
	if err != nil {
		return 0, err
	}
	s := r.server
	if s.policy.isOwn(peer.Addr()) {
		if other, ok := s.relay(peer); ok {
			to := other.local
			if to.Addr().IsUnspecified() {
				to = netip.AddrPortFrom(r.loopbackFor(peer.Addr()), to.Port())
			}
			addr = net.UDPAddrFromAddrPort(to)
		} else if !s.policy.open {
			s.refused.Add(1)
			return 0, errPeer
		}
	} else if !s.policy.permits(peer.Addr()) {
		s.refused.Add(1)
		return 0, errPeer
	}
	n, err := r.PacketConn.WriteTo(p, addr)
	s.sent.Add(uint64(n)) //nolint:gosec // n is never negative
	return n, err
}

// loopbackFor is where a wildcard socket of this machine is reached.
func (r *relayConn) loopbackFor(ip netip.Addr) netip.Addr {
	if ip.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// ReadFrom reads from a peer that may talk to this address.
func (r *relayConn) ReadFrom(p []byte) (int, net.Addr, error) {
	s := r.server
	for {
		n, addr, err := r.PacketConn.ReadFrom(p)
		if err != nil {
			return n, addr, err
		}
		peer, err := addrPort(addr)
		if err != nil {
			continue
		}
		if other, ok := s.relayAtSocket(peer); ok {
			peer = other.public
		} else if !s.policy.open && (s.policy.isOwn(peer.Addr()) || !s.policy.permits(peer.Addr())) {
			s.refused.Add(1)
			continue
		}
		s.received.Add(uint64(n)) //nolint:gosec // n is never negative
		return n, net.UDPAddrFromAddrPort(peer), nil
	}
}

// relayAtSocket finds the relayed address whose packets come from this socket
// address.
func (s *Server) relayAtSocket(from netip.AddrPort) (*relayConn, bool) {
	if r, ok := s.relay(from); ok {
		return r, true
	}
	// Behind a public address that is not the machine's, or bound to a
	// wildcard, the source is not the public one.
	for _, own := range s.policy.own {
		r, ok := s.relay(netip.AddrPortFrom(own, from.Port()))
		if !ok {
			continue
		}
		if r.local.Addr() == from.Addr() || (r.local.Addr().IsUnspecified() && from.Addr().IsLoopback()) {
			return r, true
		}
	}
	return nil, false
}

// Close closes the socket once.
func (r *relayConn) Close() error {
	var err error
	r.once.Do(func() {
		err = r.PacketConn.Close()
		r.server.unregister(r)
	})
	return err
}
