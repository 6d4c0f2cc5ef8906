package netem

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	// window is how many bytes of a stream may be under way or unread.
	window = 256 << 10
	// Lost segments are sent again after two round trips, then after a timeout
	// that doubles; a lost connection request after one second, doubling. Like
	// the usual kernels, without their congestion window.
	firstRetry     = 10 * time.Millisecond
	retryTimeout   = 200 * time.Millisecond
	requestTimeout = time.Second
	longestRetry   = time.Minute
)

// stream is one end of a stream connection.
type stream struct {
	host          *Host
	local, remote netip.AddrPort
	readable      chan struct{}
	writable      chan struct{}
	closing       chan struct{}
	established   chan struct{}
	read, write   deadline

	// Under the network's lock.
	peer     *stream
	listener *listener // of an accepting end, until it is accepted
	sendNext uint64
	unread   int // bytes sent that the peer has not read
	recvNext uint64
	ahead    map[uint64]*packet
	buffer   []byte
	ended    bool // the peer has closed
	closed   bool
	err      error // why the connection broke
}

func newStream(h *Host, local, remote netip.AddrPort) *stream {
	s := &stream{
		host: h, local: local, remote: remote,
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
		closing: make(chan struct{}), established: make(chan struct{}),
		ahead: map[uint64]*packet{},
	}
	h.net.sockets[s] = struct{}{}
	return s
}

func (h *Host) dialStream(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	n := h.net
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, net.ErrClosed
	}
	from, ok := h.sourceLocked(netip.Addr{}, to.Addr())
	dst := n.addrs[to.Addr()]
	if to.Addr().IsLoopback() {
		dst = h
	}
	if !ok || dst == nil || (dst != h && n.paths[[2]*Host{h, dst}] == nil) {
		n.mu.Unlock()
		return nil, ErrUnreachable
	}
	keys, err := bindLocked(h, h.tcp, "tcp", netip.AddrPortFrom(from, 0))
	if err != nil {
		n.mu.Unlock()
		return nil, err
	}
	s := newStream(h, boundAddr(keys), to)
	s.requestLocked(requestTimeout)
	n.mu.Unlock()

	select {
	case <-s.established:
	case <-s.closing:
	case <-ctx.Done():
		_ = s.Close()
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	return s, nil
}

// requestLocked sends the connection request, again and again until answered.
func (s *stream) requestLocked(timeout time.Duration) {
	s.controlLocked("syn", s.acceptLocked)
	s.host.net.atLocked(time.Now().Add(timeout), func() {
		if s.peer == nil && !s.closed {
			s.requestLocked(min(2*timeout, longestRetry))
		}
	})
}

// acceptLocked runs where the connection request arrives.
func (s *stream) acceptLocked(p *packet) DropReason {
	l, ok := findBound(p.dst.tcp, p.to)
	if !ok {
		reply := &stream{host: p.dst, local: p.to, remote: p.from}
		reply.controlLocked("rst", func(*packet) DropReason {
			s.breakLocked(syscall.ECONNREFUSED)
			return DropNone
		})
		return DropNone
	}
	other, again := l.pending[s]
	if !again {
		other = newStream(p.dst, p.to, p.from)
		other.peer, other.listener = s, l
		l.pending[s] = other
	}
	other.controlLocked("syn-ack", func(*packet) DropReason {
		if s.closed {
			s.resetPeerLocked(other)
		} else if s.peer == nil {
			s.peer = other
			close(s.established)
			// The first segment: its arrival lets the other side accept.
			s.segmentLocked("ack", nil)
		}
		return DropNone
	})
	return DropNone
}

func (s *stream) controlLocked(control string, deliver func(*packet) DropReason) {
	s.host.net.sendLocked(&packet{
		protocol: TCP, src: s.host, from: s.local, to: s.remote, control: control, deliver: deliver,
	})
}

// segmentLocked sends a numbered segment that is repeated until it arrives.
func (s *stream) segmentLocked(control string, payload []byte) {
	number, peer := s.sendNext, s.peer
	s.sendNext++
	retry := firstRetry + 2*s.host.net.paths[[2]*Host{s.host, peer.host}].roundTrip()
	p := &packet{
		protocol: TCP, src: s.host, from: s.local, to: s.remote, payload: payload, control: control,
		deliver: func(p *packet) DropReason {
			peer.receiveLocked(number, p)
			return DropNone
		},
	}
	p.lost = func(p *packet) {
		again := *p
		wait := retry
		retry = min(max(2*retry, retryTimeout), longestRetry)
		s.host.net.atLocked(time.Now().Add(wait), func() {
			if s.err == nil {
				s.host.net.sendLocked(&again)
			}
		})
	}
	s.host.net.sendLocked(p)
}

// receiveLocked puts segments in order.
func (s *stream) receiveLocked(number uint64, p *packet) {
	if s.closed {
		if len(p.payload) > 0 {
			s.resetPeerLocked(s.peer)
		}
		return
	}
	if number < s.recvNext {
		return
	}
	s.ahead[number] = p
	for {
		p, ok := s.ahead[s.recvNext]
		if !ok {
			break
		}
		delete(s.ahead, s.recvNext)
		s.recvNext++
		switch p.control {
		case "ack":
			s.listener.offerLocked(s)
		case "fin":
			s.ended = true
		default:
			s.buffer = append(s.buffer, p.payload...)
		}
	}
	notify(s.readable)
}

func (s *stream) resetPeerLocked(peer *stream) {
	s.controlLocked("rst", func(*packet) DropReason {
		peer.breakLocked(syscall.ECONNRESET)
		return DropNone
	})
}

// breakLocked ends the connection with an error.
func (s *stream) breakLocked(err error) {
	if s.closed || s.err != nil {
		return
	}
	s.err = err
	if s.listener != nil {
		delete(s.listener.pending, s.peer)
	}
	delete(s.host.net.sockets, s)
	close(s.closing)
}

func (s *stream) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	for {
		if s.read.expired() {
			return 0, s.opError("read", os.ErrDeadlineExceeded)
		}
		n, err := s.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		select {
		case <-s.readable:
		case <-s.closing:
		case <-s.read.passed():
		}
	}
}

func (s *stream) take(b []byte) (int, error) {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	switch {
	case s.closed:
		return 0, s.opError("read", net.ErrClosed)
	case s.err != nil:
		return 0, s.opError("read", s.err)
	case len(s.buffer) > 0:
		n := copy(b, s.buffer)
		if s.buffer = s.buffer[n:]; len(s.buffer) == 0 {
			s.buffer = nil
		} else {
			notify(s.readable)
		}
		s.peer.unread -= n
		notify(s.peer.writable)
		return n, nil
	case s.ended:
		notify(s.readable)
		return 0, io.EOF
	default:
		return 0, nil
	}
}

// Write implements net.Conn.
func (s *stream) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		if s.write.expired() {
			return written, s.opError("write", os.ErrDeadlineExceeded)
		}
		n, err := s.put(b[written:])
		if written += n; err != nil {
			return written, err
		}
		if n > 0 {
			continue
		}
		select {
		case <-s.writable:
		case <-s.closing:
		case <-s.write.passed():
		}
	}
	return written, nil
}

// put sends one segment; 0 bytes when the window is full.
func (s *stream) put(b []byte) (int, error) {
	n := s.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.closed {
		return 0, s.opError("write", net.ErrClosed)
	}
	if s.err != nil {
		return 0, s.opError("write", s.err)
	}
	segment := defaultMTU
	if p := n.paths[[2]*Host{s.host, s.peer.host}]; p != nil {
		segment = p.from(s.host).quality.mtu()
	}
	segment -= headerTCP6
	b = b[:min(len(b), segment, window-s.unread)]
	if len(b) == 0 {
		return 0, nil
	}
	s.unread += len(b)
	s.segmentLocked("", append([]byte(nil), b...))
	return len(b), nil
}

// Close implements net.Conn.
func (s *stream) Close() error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	if s.closed {
		return s.opError("close", net.ErrClosed)
	}
	broken := s.err != nil
	s.closed = true
	if broken {
		return nil
	}
	if s.peer != nil {
		s.segmentLocked("fin", nil)
	}
	delete(s.host.net.sockets, s)
	close(s.closing)
	return nil
}

func (s *stream) shut() { s.breakLocked(net.ErrClosed) }

// LocalAddr implements net.Conn.
func (s *stream) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.local) }

// RemoteAddr implements net.Conn.
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error {
	s.read.set(t)
	s.write.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.read.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.write.set(t)
	return nil
}
