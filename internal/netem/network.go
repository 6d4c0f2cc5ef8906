package netem

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// ErrUnreachable is returned for a destination without a host or a link, and
// for sending from an address that the host no longer has.
var ErrUnreachable = errors.New("netem: network is unreachable")

// Network is a set of hosts and links. Make one with New.
type Network struct {
	seed uint64
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	// mu guards everything below and the state of every host, link, socket and
	// stream: one lock, so there is no order of locks to get wrong. Functions
	// named …Locked expect it held.
	mu      sync.Mutex
	hosts   map[string]*Host
	addrs   map[netip.Addr]*Host
	paths   map[[2]*Host]*Path
	trace   func(Event)
	queue   eventQueue
	queued  uint64
	packets uint64
	running bool
	closed  bool
	sockets map[interface{ shut() }]struct{}
}

// New returns an empty network whose dice follow from the seed.
func New(seed uint64) *Network {
	return &Network{
		seed: seed,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		hosts: map[string]*Host{}, addrs: map[netip.Addr]*Host{}, paths: map[[2]*Host]*Path{},
		sockets: map[interface{ shut() }]struct{}{},
	}
}

// Host adds a host with the given addresses, IPv4 or IPv6. Its name resolves to
// them in DialContext. A second call with the same name returns the first host.
func (n *Network) Host(name string, addrs ...netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, ok := n.hosts[name]; ok {
		return h
	}
	h := &Host{
		net: n, name: name, nextPort: firstFreePort,
		udp: map[netip.AddrPort]*packetConn{}, tcp: map[netip.AddrPort]*listener{},
	}
	n.hosts[name] = h
	h.setAddrsLocked(addrs)
	return h
}

// Link joins two hosts with the same quality in both directions. Linking the
// same two again changes the quality of the packets sent from then on.
func (n *Network) Link(a, b *Host, quality Link) *Path {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.paths[[2]*Host{a, b}]
	if !ok {
		p = &Path{net: n, first: a, forth: newDirection(n.seed, a, b), back: newDirection(n.seed, b, a)}
		n.paths[[2]*Host{a, b}] = p
		n.paths[[2]*Host{b, a}] = p
	}
	p.forth.quality, p.back.quality = quality, quality
	return p
}

// Trace sets the function that is called for every packet event, in order, one
// at a time; nil ends the trace. The function must not call into the network.
func (n *Network) Trace(fn func(Event)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trace = fn
}

// Close ends every connection and waits for the network's goroutine.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		<-n.done
		return nil
	}
	n.closed = true
	running := n.running
	open := make([]interface{ shut() }, 0, len(n.sockets))
	for s := range n.sockets {
		open = append(open, s)
	}
	for _, s := range open {
		s.shut()
	}
	n.queue = nil
	n.mu.Unlock()
	close(n.stop)
	if !running {
		close(n.done)
	}
	<-n.done
	return nil
}

// Path is the link between two hosts. Its methods may be called at any time.
type Path struct {
	net         *Network
	first       *Host
	forth, back *direction
	down        bool
}

// Set changes the quality of both directions from the next packet on.
func (p *Path) Set(quality Link) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.forth.quality, p.back.quality = quality, quality
}

// SetFrom changes the quality of the direction that starts at the host.
func (p *Path) SetFrom(from *Host, quality Link) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.from(from).quality = quality
}

// SetDown starts or ends an outage: while down, every packet is dropped;
// packets under way still arrive.
func (p *Path) SetDown(down bool) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.down = down
}

func (p *Path) from(h *Host) *direction {
	if h == p.first {
		return p.forth
	}
	return p.back
}

// roundTrip is what a packet and its answer take at least.
func (p *Path) roundTrip() time.Duration {
	if p == nil {
		return 0
	}
	return p.forth.quality.Delay + p.back.quality.Delay
}

// packet is one packet under way.
type packet struct {
	id       uint64
	protocol Protocol
	src      *Host
	dst      *Host // nil: no such host
	from, to netip.AddrPort
	payload  []byte
	control  string
	// deliver hands the packet over and says why it could not. lost, when
	// there is one, hears of a packet that did not arrive.
	deliver func(*packet) DropReason
	lost    func(*packet)
}

const (
	headerUDP4, headerUDP6 = 28, 48
	headerTCP4, headerTCP6 = 40, 60
	defaultMTU             = 1500
)

func (p *packet) size() int {
	v4 := p.to.Addr().Is4()
	switch {
	case p.protocol == UDP && v4:
		return len(p.payload) + headerUDP4
	case p.protocol == UDP:
		return len(p.payload) + headerUDP6
	case v4:
		return len(p.payload) + headerTCP4
	default:
		return len(p.payload) + headerTCP6
	}
}

func (n *Network) recordLocked(op Operation, p *packet, reason DropReason, now time.Time) {
	if n.trace == nil {
		return
	}
	e := Event{
		Time: now, Op: op, Packet: p.id, Protocol: p.protocol, FromHost: p.src.name,
		From: p.from, To: p.to, Payload: p.payload, Control: p.control, Reason: reason,
	}
	if p.dst != nil {
		e.ToHost = p.dst.name
	}
	n.trace(e)
}

// sendLocked puts a packet on its way.
func (n *Network) sendLocked(p *packet) {
	if n.closed {
		return
	}
	now := time.Now()
	n.packets++
	p.id = n.packets
	if p.dst = n.addrs[p.to.Addr()]; p.to.Addr().IsLoopback() {
		p.dst = p.src
	}
	n.recordLocked(Sent, p, DropNone, now)
	if p.dst == p.src {
		n.arriveLocked(p, now)
		return
	}
	path := n.paths[[2]*Host{p.src, p.dst}]
	if path == nil || p.dst == nil || n.addrs[p.from.Addr()] != p.src {
		n.dropLocked(p, DropAddress, now)
		return
	}
	d := path.from(p.src)
	f := d.pass(now, p.size(), p.protocol, path.down)
	if f.reason != DropNone {
		n.dropLocked(p, f.reason, now)
		return
	}
	n.forwardLocked(d, p, f.due, now)
	if f.twice {
		again := *p
		again.lost = nil
		n.forwardLocked(d, &again, f.due, now)
	}
}

func (n *Network) forwardLocked(d *direction, p *packet, due, now time.Time) {
	// Without delay the sender's goroutine delivers, unless a packet ahead
	// still waits for the scheduler.
	if !due.After(now) && d.underWay == 0 {
		n.arriveLocked(p, now)
		return
	}
	d.underWay++
	n.atLocked(due, func() {
		d.underWay--
		n.arriveLocked(p, time.Now())
	})
}

func (n *Network) arriveLocked(p *packet, now time.Time) {
	if !p.to.Addr().IsLoopback() && n.addrs[p.to.Addr()] != p.dst {
		n.dropLocked(p, DropAddress, now)
		return
	}
	// Recorded first: what the delivery sets off comes later in the trace.
	if p.protocol == TCP {
		n.recordLocked(Arrived, p, DropNone, now)
		p.deliver(p)
		return
	}
	if reason := p.deliver(p); reason != DropNone {
		n.dropLocked(p, reason, now)
		return
	}
	n.recordLocked(Arrived, p, DropNone, now)
}

func (n *Network) dropLocked(p *packet, reason DropReason, now time.Time) {
	n.recordLocked(Dropped, p, reason, now)
	if p.lost != nil {
		p.lost(p)
	}
}
