package transport

import (
	"net"
	"sync"
	"time"
)

const (
	// maxStreamQueue bounds what waits for a stream to a relay, in bytes.
	maxStreamQueue = 256 << 10
	// streamPatience is how long a packet may wait for the stream. Media that is
	// later than that only delays what comes after it.
	streamPatience = 500 * time.Millisecond
)

// relayConn is a stream to a relay. Writing to it never blocks: the stack below
// writes from the loop that does everything else, and a stream that hangs would
// keep it from finding another path. What the stream cannot carry is dropped,
// as a network drops packets.
type relayConn struct {
	net.Conn
	link    *relayLink
	permits permits
	// Those two are the reader's.
	frames boundaries // of what was read
	held   bool

	mu     sync.Mutex
	queue  []frame
	bytes  int
	ready  chan struct{} // holds one token while there is something to write
	closed chan struct{}
	once   sync.Once
}

// frame is one message to the relay.
type frame struct {
	data  []byte
	since time.Time
}

// stream takes over a connection to a relay.
func (n *pionNet) stream(conn net.Conn) *relayConn {
	c := &relayConn{Conn: conn, ready: make(chan struct{}, 1), closed: make(chan struct{})}
	c.permits.wake = conn.SetReadDeadline
	c.link = n.link(ending{c}, &c.permits)
	n.streams.Go(c.run)
	return c
}

// ending ends a stream for whoever closes its link.
type ending struct{ conn *relayConn }

// Close makes writing fail and the writer end.
func (e ending) Close() error {
	e.conn.once.Do(func() { close(e.conn.closed) })
	return e.conn.Conn.Close()
}

// LocalAddr returns the unspecified IPv4 address with the port, of the type
// that the stack below insists on; see relaySocket.
func (c *relayConn) LocalAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4zero, Port: portOf(c.Conn.LocalAddr())}
}

// Write queues a message to the relay, a handshake twice: behind the relay it
// is a packet again.
func (c *relayConn) Write(b []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if handshake(b) {
		c.link.owner.again.later(b, c.enqueue)
	}
	c.enqueue(append([]byte(nil), b...))
	c.permits.request(b, c.RemoteAddr())
	return len(b), nil
}

// Read reads from the relay, with answers given in its place between messages.
func (c *relayConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		c.frames.pass(b[:n])
		if c.held && !c.frames.inside() {
			c.held = false
			c.permits.release()
		}
		if n > 0 || err == nil || !woken(err) {
			return n, err
		}
		if c.frames.inside() {
			// Not here: the rest of a message comes first.
			if c.held = true; c.permits.hold() {
				continue
			}
			c.link.hangUp()
			return 0, net.ErrClosed
		}
		if answer, _ := c.permits.take(); answer != nil {
			return copy(b, answer), nil
		}
	}
}

func (c *relayConn) enqueue(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes+len(b) > maxStreamQueue {
		return
	}
	c.queue = append(c.queue, frame{b, time.Now()})
	c.bytes += len(b)
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

func (c *relayConn) dequeue() (frame, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil
		return frame{}, false
	}
	f := c.queue[0]
	c.queue = c.queue[1:]
	c.bytes -= len(f.data)
	return f, true
}

// run writes what is queued until the stream ends.
func (c *relayConn) run() {
	for {
		select {
		case <-c.closed:
			return
		case <-c.ready:
		}
		for {
			f, ok := c.dequeue()
			if !ok {
				break
			}
			if !relayRequest(f.data) && time.Since(f.since) > streamPatience {
				continue
			}
			if _, err := c.Conn.Write(f.data); err != nil {
				// The reader of the stack below sees the end of the stream.
				_ = ending{c}.Close()
				return
			}
		}
	}
}

// Close closes the stream.
func (c *relayConn) Close() error { return c.link.Close() }
