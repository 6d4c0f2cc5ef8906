package netem

import (
	"net"
	"net/netip"
)

// listener is a stream listener.
type listener struct {
	host    *Host
	keys    []netip.AddrPort
	waiting chan struct{}
	closing chan struct{}

	// Under the network's lock.
	pending map[*stream]*stream // by the dialing end
	ready   []*stream
	closed  bool
}

func (h *Host) listen(network string, addr netip.AddrPort) (*listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.net.closed {
		return nil, net.ErrClosed
	}
	keys, err := bindLocked(h, h.tcp, network, addr)
	if err != nil {
		return nil, err
	}
	l := &listener{
		host: h, keys: keys, waiting: make(chan struct{}, 1), closing: make(chan struct{}),
		pending: map[*stream]*stream{},
	}
	for _, k := range keys {
		h.tcp[k] = l
	}
	h.net.sockets[l] = struct{}{}
	return l, nil
}

// offerLocked makes an established stream ready to be accepted.
func (l *listener) offerLocked(s *stream) {
	delete(l.pending, s.peer)
	s.listener = nil
	if l.closed {
		s.resetPeerLocked(s.peer)
		s.breakLocked(net.ErrClosed)
		return
	}
	l.ready = append(l.ready, s)
	notify(l.waiting)
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		l.host.net.mu.Lock()
		if l.closed {
			l.host.net.mu.Unlock()
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
		}
		if len(l.ready) > 0 {
			s := l.ready[0]
			if l.ready = l.ready[1:]; len(l.ready) > 0 {
				notify(l.waiting)
			}
			l.host.net.mu.Unlock()
			return s, nil
		}
		l.host.net.mu.Unlock()
		select {
		case <-l.waiting:
		case <-l.closing:
		}
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.shut()
	return nil
}

func (l *listener) shut() {
	l.closed = true
	for _, s := range l.ready {
		s.resetPeerLocked(s.peer)
		s.breakLocked(net.ErrClosed)
	}
	l.ready = nil
	for _, k := range l.keys {
		delete(l.host.tcp, k)
	}
	delete(l.host.net.sockets, l)
	close(l.closing)
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(boundAddr(l.keys)) }
