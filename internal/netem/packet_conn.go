package netem

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// receiveBuffer is how many bytes wait in a datagram socket before more are
// dropped.
const receiveBuffer = 1 << 20

const maxDatagram = 65507

var errTooLong = errors.New("netem: message too long")

type datagram struct {
	from netip.AddrPort
	data []byte
}

// packetConn is a datagram socket.
type packetConn struct {
	host     *Host
	keys     []netip.AddrPort
	remote   netip.AddrPort // valid on a connected socket
	readable chan struct{}
	closing  chan struct{}
	read     deadline

	// Under the network's lock.
	queue  []datagram
	bytes  int
	closed bool
}

func (h *Host) listenPacket(network string, addr netip.AddrPort) (*packetConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.net.closed {
		return nil, net.ErrClosed
	}
	keys, err := bindLocked(h, h.udp, network, addr)
	if err != nil {
		return nil, err
	}
	c := &packetConn{host: h, keys: keys, readable: make(chan struct{}, 1), closing: make(chan struct{})}
	for _, k := range keys {
		h.udp[k] = c
	}
	h.net.sockets[c] = struct{}{}
	return c, nil
}

func (h *Host) dialPacket(network string, to netip.AddrPort) (net.Conn, error) {
	h.net.mu.Lock()
	from, ok := h.sourceLocked(netip.Addr{}, to.Addr())
	h.net.mu.Unlock()
	if !ok {
		return nil, ErrUnreachable
	}
	c, err := h.listenPacket(network, netip.AddrPortFrom(from, 0))
	if err != nil {
		return nil, err
	}
	c.remote = to
	return c, nil
}

func (c *packetConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: c.LocalAddr(), Err: err}
}

// ReadFrom implements net.PacketConn.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if c.read.expired() {
			return 0, nil, c.opError("read", os.ErrDeadlineExceeded)
		}
		c.host.net.mu.Lock()
		if c.closed {
			c.host.net.mu.Unlock()
			return 0, nil, c.opError("read", net.ErrClosed)
		}
		if len(c.queue) > 0 {
			d := c.queue[0]
			c.queue = c.queue[1:]
			c.bytes -= len(d.data)
			more := len(c.queue) > 0
			c.host.net.mu.Unlock()
			if more {
				notify(c.readable)
			}
			return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
		}
		c.host.net.mu.Unlock()
		select {
		case <-c.readable:
		case <-c.closing:
		case <-c.read.passed():
		}
	}
}

// Read implements net.Conn.
func (c *packetConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

// WriteTo implements net.PacketConn.
func (c *packetConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	var to netip.AddrPort
	switch a := addr.(type) {
	case *net.UDPAddr:
		to = a.AddrPort()
	default:
		var err error
		if to, err = netip.ParseAddrPort(addr.String()); err != nil {
			return 0, c.opError("write", err)
		}
	}
	return c.send(b, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
}

// Write implements net.Conn.
func (c *packetConn) Write(b []byte) (int, error) {
	if !c.remote.IsValid() {
		return 0, c.opError("write", errors.New("netem: socket is not connected"))
	}
	return c.send(b, c.remote)
}

func (c *packetConn) send(b []byte, to netip.AddrPort) (int, error) {
	if len(b) > maxDatagram {
		return 0, c.opError("write", errTooLong)
	}
	n := c.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.closed {
		return 0, c.opError("write", net.ErrClosed)
	}
	bound := boundAddr(c.keys)
	from, ok := c.host.sourceLocked(bound.Addr(), to.Addr())
	if ok && !from.IsLoopback() && n.addrs[from] != c.host {
		ok = false
	}
	if !ok {
		return 0, c.opError("write", ErrUnreachable)
	}
	n.sendLocked(&packet{
		protocol: UDP, src: c.host, from: netip.AddrPortFrom(from, bound.Port()), to: to,
		payload: append([]byte(nil), b...), deliver: deliverDatagram,
	})
	return len(b), nil
}

func deliverDatagram(p *packet) DropReason {
	c, ok := findBound(p.dst.udp, p.to)
	if !ok || (c.remote.IsValid() && c.remote != p.from) {
		return DropNoSocket
	}
	if c.bytes+len(p.payload) > receiveBuffer {
		return DropReceiver
	}
	c.queue = append(c.queue, datagram{from: p.from, data: p.payload})
	c.bytes += len(p.payload)
	notify(c.readable)
	return DropNone
}

// Close implements net.PacketConn.
func (c *packetConn) Close() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.shut()
	return nil
}

func (c *packetConn) shut() {
	c.closed = true
	c.queue = nil
	for _, k := range c.keys {
		delete(c.host.udp, k)
	}
	delete(c.host.net.sockets, c)
	close(c.closing)
}

// LocalAddr implements net.PacketConn.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(boundAddr(c.keys)) }

// RemoteAddr implements net.Conn.
func (c *packetConn) RemoteAddr() net.Addr {
	if !c.remote.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(c.remote)
}

// SetDeadline implements net.PacketConn.
func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn; writing never blocks.
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }
