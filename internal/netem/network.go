package netem

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// ErrUnreachable is returned for a destination without a host or a link, and
// for sending from an address that the host no longer has.
var ErrUnreachable = errors.New("netem: network is unreachable")

// Network is a set of hosts and links. Make one with New.
type Network struct {
	mu   sync.Mutex
	seed uint64
}

// New returns an empty network whose dice follow from the seed.
func New(seed uint64) *Network { return &Network{seed: seed} }

// Host adds a host with the given addresses, IPv4 or IPv6. Its name resolves to
// them in DialContext. A second call with the same name returns the first host.
func (n *Network) Host(name string, addrs ...netip.Addr) *Host { return &Host{net: n, name: name} }

// Link joins two hosts with the same quality in both directions. Linking the
// same two again changes the quality of the packets sent from then on.
func (n *Network) Link(a, b *Host, quality Link) *Path { return &Path{} }

// Trace sets the function that is called for every packet event, in order, one
// at a time; nil ends the trace. The function must not call into the network.
func (n *Network) Trace(fn func(Event)) {}

// Close ends every connection and waits for the network's goroutine.
func (n *Network) Close() error { return nil }

// Path is the link between two hosts. Its methods may be called at any time.
type Path struct{}

// Set changes the quality of both directions from the next packet on.
func (p *Path) Set(quality Link) {}

// SetFrom changes the quality of the direction that starts at the host.
func (p *Path) SetFrom(from *Host, quality Link) {}

// SetDown starts or ends an outage: while down, every packet is dropped;
// packets under way still arrive.
func (p *Path) SetDown(down bool) {}

// Host is one machine of the network. It has the shape of transport.Net.
type Host struct {
	net  *Network
	name string
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Addrs returns the host's addresses, loopback not included.
func (h *Host) Addrs() ([]netip.Prefix, error) { return nil, nil }

// SetAddrs gives the host other addresses, as a phone that leaves Wi-Fi. Links
// stay. Sockets bound to an address that is gone can neither send nor receive;
// sockets bound to the unspecified address go on with a new one.
func (h *Host) SetAddrs(addrs ...netip.Addr) {}

// ListenPacket opens a datagram socket; network is "udp", "udp4" or "udp6". The
// zero address or an unspecified one takes every address of the host; port 0
// takes a free one. Addresses of the connection are *net.UDPAddr.
func (h *Host) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	return nil, errors.ErrUnsupported
}

// ListenUDP is ListenPacket with the address as text, as net.ListenPacket takes
// it.
func (h *Host) ListenUDP(network, address string) (net.PacketConn, error) {
	return nil, errors.ErrUnsupported
}

// Listen opens a stream listener; network is "tcp", "tcp4" or "tcp6". Addresses
// are *net.TCPAddr.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	return nil, errors.ErrUnsupported
}

// DialContext opens a stream ("tcp…": returns after one round trip) or a
// connected datagram socket ("udp…": at once). The host part of the address may
// be an address, "localhost" or the name of a host of the network.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}
