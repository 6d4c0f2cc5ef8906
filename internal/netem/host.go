package netem

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const firstFreePort = 49152

// Host is one machine of the network. It has the shape of transport.Net.
type Host struct {
	net  *Network
	name string

	addrs    []netip.Addr
	nextPort uint16
	udp      map[netip.AddrPort]*packetConn
	tcp      map[netip.AddrPort]*listener
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Addrs returns the host's addresses, loopback not included, each in a network
// of 24 or 64 bits.
func (h *Host) Addrs() ([]netip.Prefix, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	prefixes := make([]netip.Prefix, 0, len(h.addrs))
	for _, a := range h.addrs {
		bits := 64
		if a.Is4() {
			bits = 24
		}
		prefixes = append(prefixes, netip.PrefixFrom(a, bits))
	}
	return prefixes, nil
}

// SetAddrs gives the host other addresses, as a phone that leaves Wi-Fi. Links
// stay. Sockets bound to an address that is gone can neither send nor receive;
// sockets bound to the unspecified address go on with a new one. Streams stay
// with their address: what they send from one that is gone is lost until it
// comes back.
func (h *Host) SetAddrs(addrs ...netip.Addr) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.setAddrsLocked(addrs)
}

func (h *Host) setAddrsLocked(addrs []netip.Addr) {
	for _, a := range h.addrs {
		if h.net.addrs[a] == h {
			delete(h.net.addrs, a)
		}
	}
	h.addrs = h.addrs[:0:0]
	for _, a := range addrs {
		a = a.Unmap()
		h.addrs = append(h.addrs, a)
		h.net.addrs[a] = h
	}
}

// sourceLocked picks the address that a packet to the destination leaves from.
func (h *Host) sourceLocked(bound, to netip.Addr) (netip.Addr, bool) {
	if bound.IsValid() && !bound.IsUnspecified() {
		return bound, bound.IsLoopback() == to.IsLoopback() || h.net.addrs[to] == h
	}
	if to.IsLoopback() {
		return to, true
	}
	for _, a := range h.addrs {
		if a.Is4() == to.Is4() {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// boundKeys are the addresses under which a socket is found.
func boundKeys(network string, addr netip.AddrPort) []netip.AddrPort {
	if a := addr.Addr(); a.IsValid() && !a.IsUnspecified() {
		return []netip.AddrPort{addr}
	}
	v4 := netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())
	v6 := netip.AddrPortFrom(netip.IPv6Unspecified(), addr.Port())
	switch {
	case strings.HasSuffix(network, "4"), addr.Addr().Is4():
		return []netip.AddrPort{v4}
	case strings.HasSuffix(network, "6"):
		return []netip.AddrPort{v6}
	default:
		return []netip.AddrPort{v4, v6}
	}
}

// findBound finds the socket for a packet to the address.
func findBound[T any](table map[netip.AddrPort]T, to netip.AddrPort) (T, bool) {
	if s, ok := table[to]; ok {
		return s, true
	}
	wild := netip.IPv6Unspecified()
	if to.Addr().Is4() {
		wild = netip.IPv4Unspecified()
	}
	s, ok := table[netip.AddrPortFrom(wild, to.Port())]
	return s, ok
}

// bindLocked checks the address, gives it a port and returns its keys.
func bindLocked[T any](h *Host, table map[netip.AddrPort]T, network string, addr netip.AddrPort) ([]netip.AddrPort, error) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if a := addr.Addr(); a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && !slices.Contains(h.addrs, a) {
		return nil, syscall.EADDRNOTAVAIL
	}
	if addr.Port() != 0 {
		keys := boundKeys(network, addr)
		if taken(table, keys) {
			return nil, syscall.EADDRINUSE
		}
		return keys, nil
	}
	for range 1 << 14 {
		port := h.nextPort
		if h.nextPort++; h.nextPort < firstFreePort {
			h.nextPort = firstFreePort
		}
		keys := boundKeys(network, netip.AddrPortFrom(addr.Addr(), port))
		if !taken(table, keys) {
			return keys, nil
		}
	}
	return nil, syscall.EADDRINUSE
}

// taken says whether a port is in use on an overlapping address.
func taken[T any](table map[netip.AddrPort]T, keys []netip.AddrPort) bool {
	for _, k := range keys {
		for used := range table {
			same := used.Port() == k.Port() && used.Addr().Is4() == k.Addr().Is4()
			if same && (used.Addr() == k.Addr() || used.Addr().IsUnspecified() || k.Addr().IsUnspecified()) {
				return true
			}
		}
	}
	return false
}

// boundAddr is the address that a socket shows as its own.
func boundAddr(keys []netip.AddrPort) netip.AddrPort { return keys[len(keys)-1] }

// ListenPacket opens a datagram socket; network is "udp", "udp4" or "udp6". The
// zero address or an unspecified one takes every address of the host; port 0
// takes a free one. Addresses of the connection are *net.UDPAddr.
func (h *Host) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	c, err := h.listenPacket(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.UDPAddrFromAddrPort(addr), Err: err}
	}
	return c, nil
}

// ListenUDP is ListenPacket with the address as text, as net.ListenPacket takes
// it.
func (h *Host) ListenUDP(network, address string) (net.PacketConn, error) {
	addr, err := h.resolve(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return h.ListenPacket(network, addr)
}

// Listen opens a stream listener; network is "tcp", "tcp4" or "tcp6". Addresses
// are *net.TCPAddr.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	addr, err := h.resolve(network, address)
	if err == nil {
		var l *listener
		if l, err = h.listen(network, addr); err == nil {
			return l, nil
		}
	}
	return nil, &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(addr), Err: err}
}

// DialContext opens a stream ("tcp…": returns after one round trip) or a
// connected datagram socket ("udp…": at once). The host part of the address may
// be an address, "localhost" or the name of a host of the network.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	addr, err := h.resolve(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var conn net.Conn
	switch {
	case strings.HasPrefix(network, "tcp"):
		conn, err = h.dialStream(ctx, addr)
	case strings.HasPrefix(network, "udp"):
		conn, err = h.dialPacket(network, addr)
	default:
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	return conn, nil
}

func (h *Host) resolve(network, address string) (netip.AddrPort, error) {
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("netem: address: %w", err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("netem: port: %w", err)
	}
	if name == "" {
		return netip.AddrPortFrom(netip.Addr{}, uint16(port)), nil
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(port)), nil
	}
	wants6 := strings.HasSuffix(network, "6")
	if name == "localhost" {
		if wants6 {
			return netip.AddrPortFrom(netip.IPv6Loopback(), uint16(port)), nil
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)), nil
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if other, ok := h.net.hosts[name]; ok {
		for _, a := range other.addrs {
			if a.Is4() != wants6 {
				return netip.AddrPortFrom(a, uint16(port)), nil
			}
		}
	}
	return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
