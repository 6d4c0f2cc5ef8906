package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/pion/transport/v4/stdnet"
)

// socketBuffer holds a burst of video while a goroutine waits for its turn.
const socketBuffer = 512 << 10

// systemNet is the operating system's network.
type systemNet struct{}

// Addrs lists the addresses of the interfaces that are up. Go's own
// net.Interfaces may not read them on Android 11 and later (golang/go#40569);
// stdnet has a way around. Where that fails too, the addresses that the system
// would send from are found by connecting sockets, which sends nothing.
func (systemNet) Addrs() ([]netip.Prefix, error) {
	prefixes, err := interfacePrefixes()
	if err == nil && len(prefixes) > 0 {
		return prefixes, nil
	}
	if guessed := routedPrefixes(); len(guessed) > 0 {
		return guessed, nil
	}
	return prefixes, err
}

func interfacePrefixes() ([]netip.Prefix, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	interfaces, err := n.Interfaces()
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, ok := prefixOf(a); ok {
				prefixes = append(prefixes, p)
			}
		}
	}
	return prefixes, nil
}

func prefixOf(a net.Addr) (netip.Prefix, bool) {
	ipNet, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(ipNet.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	ones, bits := ipNet.Mask.Size()
	if ip.Is4In6() && bits == 128 {
		ones -= 96
	}
	ip = ip.Unmap()
	if ones < 0 || ones > ip.BitLen() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip, ones), true
}

// routedPrefixes asks the routing table by way of addresses that are reserved
// for documentation (RFC 5737, RFC 3849).
func routedPrefixes() []netip.Prefix {
	var prefixes []netip.Prefix
	for network, address := range map[string]string{"udp4": "192.0.2.1:9", "udp6": "[2001:db8::1]:9"} {
		conn, err := (&net.Dialer{}).DialContext(context.Background(), network, address)
		if err != nil {
			continue
		}
		if local, ok := conn.LocalAddr().(*net.UDPAddr); ok {
			ip := local.AddrPort().Addr().Unmap().WithZone("")
			prefixes = append(prefixes, netip.PrefixFrom(ip, ip.BitLen()))
		}
		_ = conn.Close()
	}
	return prefixes
}

// ListenPacket opens a UDP socket. The network "udp" gives one that reaches
// both IPv4 and IPv6.
func (systemNet) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	// The system may grant less; that is no reason to fail.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return conn, nil
}

// DialContext opens a stream connection.
func (systemNet) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
