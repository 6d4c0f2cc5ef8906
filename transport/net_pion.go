package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/stun/v4"
	pion "github.com/pion/transport/v4"
)

// maxLocalAddrs bounds the sockets and candidates of a host with very many addresses.
const maxLocalAddrs = 16

// pionNet gives a Net to the stack below. Two things happen on the way:
// sockets of host and reflexive candidates pass a gate that stays shut while
// addresses are hidden, and they are remembered so that holes can be punched
// through them.
type pionNet struct {
	net Net
	// shut makes the gate drop everything but packets to servers.
	shut     func() bool
	loopback bool
	// noReflexive refuses the sockets that only ask servers how they see this host.
	noReflexive bool
	again       again
	streams     sync.WaitGroup // writers of streams to relays

	mu      sync.Mutex
	sockets map[*socket]struct{}
	servers map[netip.AddrPort]struct{}
	relays  map[*relayLink]struct{}
	// abandoned refuses allocations from now on.
	abandoned bool
	idle      chan struct{} // closed when the last relay link is; nil when nobody waits
}

func newPionNet(n Net, shut func() bool) *pionNet {
	if n == nil {
		n = systemNet{}
	}
	return &pionNet{
		net: n, shut: shut, sockets: map[*socket]struct{}{}, servers: map[netip.AddrPort]struct{}{},
		relays: map[*relayLink]struct{}{},
	}
}

// errNothingReflexive ends the search for reflexive candidates early.
var errNothingReflexive = errors.New("transport: a server of this machine sees no address that the host does not have")

// usableAddr tells whether an address of this host may become a candidate.
// Link-local IPv6 addresses need a zone that the other side cannot know.
func usableAddr(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && (!a.IsLinkLocalUnicast() || a.Is4())
}

// onlyLoopback tells whether the host has no other address.
func (n *pionNet) onlyLoopback() bool {
	prefixes, err := n.net.Addrs()
	if err != nil {
		return false
	}
	for _, p := range prefixes {
		if usableAddr(p.Addr()) && !p.Addr().IsLoopback() {
			return false
		}
	}
	return true
}

// Interfaces gives every address an interface of its own; the stack below does
// not care how they are grouped.
func (n *pionNet) Interfaces() ([]*pion.Interface, error) {
	prefixes, err := n.net.Addrs()
	if err != nil {
		return nil, fmt.Errorf("transport: list addresses: %w", err)
	}
	var list []*pion.Interface
	seen := map[netip.Addr]bool{}
	for _, p := range prefixes {
		a := p.Addr().Unmap().WithZone("")
		if !usableAddr(a) || seen[a] || (a.IsLoopback() && !n.loopback) {
			continue
		}
		if len(list) == maxLocalAddrs {
			break
		}
		seen[a] = true
		flags := net.FlagUp | net.FlagRunning
		if a.IsLoopback() {
			flags |= net.FlagLoopback
		}
		i := pion.NewInterface(net.Interface{Index: len(list) + 1, MTU: 1500, Name: fmt.Sprintf("if%d", len(list)), Flags: flags})
		i.AddAddress(&net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())})
		list = append(list, i)
	}
	return list, nil
}

// ListenUDP opens the socket of a host or reflexive candidate.
func (n *pionNet) ListenUDP(network string, local *net.UDPAddr) (pion.UDPConn, error) {
	addr, network := listenAddr(network, local)
	if n.noReflexive && addr.Addr().IsUnspecified() {
		return nil, errNothingReflexive
	}
	conn, err := n.net.ListenPacket(network, addr)
	if err != nil {
		return nil, err
	}
	s := newSocket(n, conn, addr.Addr().Is4())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets[s] = struct{}{}
	return s, nil
}

func listenAddr(network string, local *net.UDPAddr) (netip.AddrPort, string) {
	if local == nil {
		local = &net.UDPAddr{}
	}
	ip, ok := netip.AddrFromSlice(local.IP)
	switch {
	case ok:
		ip = ip.Unmap()
	case network == "udp6":
		ip = netip.IPv6Unspecified()
	default:
		ip = netip.IPv4Unspecified()
	}
	network = "udp6"
	if ip.Is4() {
		network = "udp4"
	}
	return netip.AddrPortFrom(ip, uint16(local.Port)), network //nolint:gosec // a port
}

// ListenPacket opens the socket to a relay. One that reaches both families is
// tried first: the stack below asks for IPv4 whatever the relay's address is.
func (n *pionNet) ListenPacket(_, _ string) (net.PacketConn, error) {
	conn, err := n.net.ListenPacket("udp", netip.AddrPortFrom(netip.IPv6Unspecified(), 0))
	if err != nil {
		conn, err = n.net.ListenPacket("udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	}
	if err != nil {
		return nil, err
	}
	return newRelaySocket(n, conn), nil
}

func portOf(a net.Addr) int {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.Port
	case *net.TCPAddr:
		return a.Port
	default:
		return 0
	}
}

// ResolveUDPAddr resolves the address of a server, and lets the gate pass
// packets to it. A server without an address of the wanted family is given
// with the one it has, because streams to a relay do not care.
func (n *pionNet) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		if a, err = net.ResolveUDPAddr("udp", address); err != nil {
			return nil, err
		}
	}
	ap := a.AddrPort()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers[netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())] = struct{}{}
	return a, nil
}

func (n *pionNet) isServer(to netip.AddrPort) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.servers[netip.AddrPortFrom(to.Addr().Unmap(), to.Port())]
	return ok
}

// ResolveTCPAddr implements the interface of the stack below.
func (n *pionNet) ResolveTCPAddr(network, address string) (*net.TCPAddr, error) {
	return net.ResolveTCPAddr(network, address)
}

// ResolveIPAddr implements the interface of the stack below.
func (n *pionNet) ResolveIPAddr(network, address string) (*net.IPAddr, error) {
	return net.ResolveIPAddr(network, address)
}

// Dial implements the interface of the stack below.
func (n *pionNet) Dial(network, address string) (net.Conn, error) {
	return n.net.DialContext(context.Background(), network, address)
}

// ListenTCP is not offered: ICE over TCP is off.
func (n *pionNet) ListenTCP(string, *net.TCPAddr) (pion.TCPListener, error) {
	return nil, pion.ErrNotSupported
}

// DialUDP is not offered: it is needed for TURN over DTLS only.
func (n *pionNet) DialUDP(string, *net.UDPAddr, *net.UDPAddr) (pion.UDPConn, error) {
	return nil, pion.ErrNotSupported
}

// DialTCP is not offered: TURN over streams is dialed by relayDialer.
func (n *pionNet) DialTCP(string, *net.TCPAddr, *net.TCPAddr) (pion.TCPConn, error) {
	return nil, pion.ErrNotSupported
}

// InterfaceByIndex implements the interface of the stack below.
func (n *pionNet) InterfaceByIndex(index int) (*pion.Interface, error) {
	return n.findInterface(func(i *pion.Interface) bool { return i.Index == index })
}

// InterfaceByName implements the interface of the stack below.
func (n *pionNet) InterfaceByName(name string) (*pion.Interface, error) {
	return n.findInterface(func(i *pion.Interface) bool { return i.Name == name })
}

func (n *pionNet) findInterface(is func(*pion.Interface) bool) (*pion.Interface, error) {
	list, err := n.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		if is(i) {
			return i, nil
		}
	}
	return nil, pion.ErrInterfaceNotFound
}

// CreateDialer implements the interface of the stack below.
func (n *pionNet) CreateDialer(*net.Dialer) pion.Dialer { return n }

// CreateListenConfig implements the interface of the stack below.
func (n *pionNet) CreateListenConfig(*net.ListenConfig) pion.ListenConfig { return listenConfig{n} }

type listenConfig struct{ net *pionNet }

// Listen is not offered.
func (listenConfig) Listen(context.Context, string, string) (net.Listener, error) {
	return nil, pion.ErrNotSupported
}

// ListenPacket opens a socket to a relay.
func (c listenConfig) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	return c.net.ListenPacket(network, address)
}

// punch sends one packet from every open socket to every address of its
// family, so that address translators on the way let the other side's checks
// in. The stack below stops to send checks of its own as soon as it has any
// path, unless it is the controlling side.
func (n *pionNet) punch(to []netip.AddrPort) error {
	// An indication asks for no answer (RFC 8489 6).
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.Fingerprint)
	if err != nil {
		return fmt.Errorf("transport: build an indication: %w", err)
	}
	n.mu.Lock()
	sockets := make([]*socket, 0, len(n.sockets))
	for s := range n.sockets {
		sockets = append(sockets, s)
	}
	n.mu.Unlock()
	var failed error
	for _, s := range sockets {
		for _, a := range to {
			if a.Addr().Is4() != s.is4 {
				continue
			}
			if _, err := s.WriteToAddrPort(m.Raw, a); err != nil && !errors.Is(err, net.ErrClosed) {
				failed = err
			}
		}
	}
	return failed
}

func (n *pionNet) forget(s *socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sockets, s)
}
