package readiness

import (
	"crypto/tls"
	"net"
	"syscall"
)

// Waiter waits for what can be read from a connection. It is for the one
// goroutine that reads.
type Waiter struct {
	conn *plain
	// records is what lies under TLS; nil without TLS.
	records *records
	socket  syscall.RawConn
}

// NewWaiter returns a Waiter for a TCP connection, or one of TLS that came
// through a Listener; nil for any other, and on systems without a way to wait.
func NewWaiter(conn net.Conn) *Waiter {
	w := &Waiter{conn: &plain{Conn: conn, more: true}}
	under := conn
	if secured, ok := conn.(*tls.Conn); ok {
		if w.records, ok = secured.NetConn().(*records); !ok {
			return nil
		}
		under = w.records
	}
	c, ok := under.(syscall.Conn)
	if !ok || !canWait {
		return nil
	}
	var err error
	if w.socket, err = c.SyscallConn(); err != nil {
		return nil
	}
	return w
}

// Conn is the connection that is to be read from: reads that pass it by are not
// seen.
func (w *Waiter) Conn() net.Conn { return w.conn }

// Pending tells whether something may have been read from the socket that
// reads of Conn have not given yet. Then the next Read may return at once, and
// Wait would wait for something else. What the caller itself keeps, in a
// bufio.Reader for example, it must look for too.
func (w *Waiter) Pending() bool {
	return w.conn.more || w.records != nil && !w.records.idle()
}

// Wait returns when the socket has something to read, or an end, or an error;
// also when the connection is closed. Over TLS, what there is may carry nothing
// for the reader.
func (w *Waiter) Wait() {
	// An error is the connection's, and the next Read has it too.
	_ = w.socket.Read(readable)
}

// plain is the connection as its reader sees it.
type plain struct {
	net.Conn

	// more is set while there may be more that was read: a read that filled all
	// of its buffer may have left something. At first nobody knows.
	more bool
}

// Read implements net.Conn.
func (p *plain) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.more = n == len(b) || err != nil
	return n, err //nolint:wrapcheck // the connection's own
}
