package yardstick

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// Network is an emulated host as pion sees it.
type Network interface {
	Addrs() ([]netip.Prefix, error)
	ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// hostNet is a transport.Net over such a host; what the stack does not need is
// left to the standard one.
type hostNet struct {
	*stdnet.Net
	host Network
}

// OverHost makes pion use an emulated host.
func OverHost(host Network) (transport.Net, error) {
	base, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return &hostNet{Net: base, host: host}, nil
}

// Interfaces implements transport.Net.
func (n *hostNet) Interfaces() ([]*transport.Interface, error) {
	prefixes, err := n.host.Addrs()
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	i := transport.NewInterface(net.Interface{
		Index: 1, MTU: 1500, Name: "emulated0", Flags: net.FlagUp | net.FlagMulticast | net.FlagRunning,
	})
	for _, p := range prefixes {
		i.AddAddress(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return []*transport.Interface{i}, nil
}

// ListenPacket implements transport.Net.
func (n *hostNet) ListenPacket(network, address string) (net.PacketConn, error) {
	addr, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	return n.ListenUDP(network, addr)
}

// ListenUDP implements transport.Net.
func (n *hostNet) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.host.ListenPacket(network, addr.AddrPort())
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &udpConn{PacketConn: c}, nil
}

// udpConn gives a packet connection the shape that pion wants.
type udpConn struct{ net.PacketConn }

// RemoteAddr implements transport.UDPConn.
func (c *udpConn) RemoteAddr() net.Addr { return nil }

// SetReadBuffer implements transport.UDPConn.
func (c *udpConn) SetReadBuffer(int) error { return nil }

// SetWriteBuffer implements transport.UDPConn.
func (c *udpConn) SetWriteBuffer(int) error { return nil }

// Read implements transport.UDPConn.
func (c *udpConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

// ReadFromUDP implements transport.UDPConn.
func (c *udpConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := c.ReadFrom(b)
	addr, _ := from.(*net.UDPAddr)
	return n, addr, err
}

// ReadMsgUDP implements transport.UDPConn.
func (c *udpConn) ReadMsgUDP(b, _ []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, addr, err = c.ReadFromUDP(b)
	return n, 0, 0, addr, err
}

// Write implements transport.UDPConn.
func (c *udpConn) Write([]byte) (int, error) { return 0, transport.ErrNotSupported }

// WriteToUDP implements transport.UDPConn.
func (c *udpConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) { return c.WriteTo(b, addr) }

// WriteMsgUDP implements transport.UDPConn.
func (c *udpConn) WriteMsgUDP(b, _ []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	n, err = c.WriteTo(b, addr)
	return n, 0, err
}
