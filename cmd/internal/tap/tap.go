// Package tap watches the datagrams of an engine from below: it is a network
// that stamps every media packet when it is sent and when it arrives, so that
// two engines of one process tell how long a packet was under way.
package tap

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Network is what a tap stands on; it has the methods of engine.Net.
type Network interface {
	Addrs() ([]netip.Prefix, error)
	ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Key names a media packet: the header of SRTP is in clear.
type Key struct {
	SSRC     uint32
	Sequence uint16
}

// Packet is one media packet as the taps saw it.
type Packet struct {
	Key
	PayloadType   uint8
	Size          int
	Sent, Arrived time.Time
	// FromTap and ToTap are the names of the taps.
	FromTap, ToTap string
}

// Observer joins the stamps of several taps. The zero value is ready.
type Observer struct {
	mu      sync.Mutex
	packets map[Key]int
	log     []Packet
}

// sent and arrived keep the first stamp: a packet may be sent over two paths
// while one replaces the other.
func (o *Observer) sent(tap string, k Key, payloadType uint8, size int, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.packets == nil {
		o.packets = map[Key]int{}
	}
	if i, ok := o.packets[k]; ok && at.Sub(o.log[i].Sent) < time.Minute {
		return
	}
	o.packets[k] = len(o.log)
	o.log = append(o.log, Packet{Key: k, PayloadType: payloadType, Size: size, Sent: at, FromTap: tap})
}

func (o *Observer) arrived(tap string, k Key, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i, ok := o.packets[k]; ok && o.log[i].Arrived.IsZero() && o.log[i].FromTap != tap {
		o.log[i].Arrived, o.log[i].ToTap = at, tap
	}
}

// Packets returns what was seen so far, in the order of sending.
func (o *Observer) Packets() []Packet {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.log)
}

// OneWay returns how long each packet that arrived was under way.
func (o *Observer) OneWay() []time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []time.Duration
	for _, p := range o.log {
		if !p.Arrived.IsZero() {
			out = append(out, p.Arrived.Sub(p.Sent))
		}
	}
	return out
}

// Net is an engine.Net that reports to an observer. Below is what it stands
// on; nil means the operating system.
type Net struct {
	Name     string
	Observer *Observer
	Below    Network
}

// Addrs implements engine.Net.
func (n *Net) Addrs() ([]netip.Prefix, error) {
	if n.Below != nil {
		return n.Below.Addrs()
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	var out []netip.Prefix
	for _, a := range addrs {
		text, _, _ := strings.Cut(a.String(), "%")
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// ListenPacket implements engine.Net.
func (n *Net) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	var c net.PacketConn
	var err error
	if n.Below != nil {
		c, err = n.Below.ListenPacket(network, addr)
	} else {
		c, err = net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	}
	if err != nil {
		return nil, fmt.Errorf("tap: %w", err)
	}
	return &conn{PacketConn: c, net: n}, nil
}

// DialContext implements engine.Net.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if n.Below != nil {
		return n.Below.DialContext(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

type conn struct {
	net.PacketConn
	net *Net
}

// ReadFrom implements net.PacketConn.
func (c *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	if err == nil {
		if k, _, ok := Parse(b[:n]); ok {
			c.net.Observer.arrived(c.net.Name, k, time.Now())
		}
	}
	return n, from, err
}

// WriteTo implements net.PacketConn.
func (c *conn) WriteTo(b []byte, to net.Addr) (int, error) {
	if k, payloadType, ok := Parse(b); ok {
		c.net.Observer.sent(c.net.Name, k, payloadType, len(b), time.Now())
	}
	return c.PacketConn.WriteTo(b, to)
}

const (
	rtpHeader     = 12
	stunHeader    = 20
	stunCookie    = 0x2112a442
	sendIndicate  = 0x0016
	dataIndicate  = 0x0017
	attributeData = 0x0013
)

// Parse finds the RTP header (RFC 3550 5.1) in a datagram, also in one that is
// wrapped for a relay (RFC 8656 11, 12).
func Parse(b []byte) (k Key, payloadType uint8, ok bool) {
	if len(b) < rtpHeader {
		return Key{}, 0, false
	}
	switch b[0] >> 6 {
	case 0:
		if data := indication(b); data != nil {
			return Parse(data)
		}
		return Key{}, 0, false
	case 1:
		return Parse(b[4:])
	case 2:
		// RFC 5761 4: payload types 64 to 95 are RTCP.
		if payloadType = b[1] & 0x7f; payloadType >= 64 && payloadType < 96 {
			return Key{}, 0, false
		}
		return Key{Sequence: binary.BigEndian.Uint16(b[2:]), SSRC: binary.BigEndian.Uint32(b[8:])}, payloadType, true
	default:
		return Key{}, 0, false
	}
}

// indication returns the data that a relay's indication carries.
func indication(b []byte) []byte {
	if len(b) < stunHeader || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return nil
	}
	if t := binary.BigEndian.Uint16(b); t != sendIndicate && t != dataIndicate {
		return nil
	}
	for rest := b[stunHeader:]; len(rest) >= 4; {
		kind, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if rest = rest[4:]; n > len(rest) {
			return nil
		}
		if kind == attributeData {
			return rest[:n]
		}
		rest = rest[min(len(rest), (n+3)&^3):]
	}
	return nil
}
