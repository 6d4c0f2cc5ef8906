package readiness

import (
	"errors"
	"net"
	"syscall"
)

// headerSize is that of a TLS record: type, version, length (RFC 8446 5.1).
const headerSize = 5

// Listener returns l with connections that a Waiter can wait for when TLS runs
// over them. They must carry TLS from their first byte.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // whoever listens knows the listener's own errors
	}
	return &records{Conn: conn}, nil
}

// records is a connection whose Read returns no byte beyond the end of a TLS
// record. Read is called by one goroutine at a time, as crypto/tls does.
type records struct {
	net.Conn

	// header is what was passed on of the header of the current record.
	header [headerSize]byte
	filled int
	// left is how much of the body of the current record is still to be passed on.
	left int
	// more is what was read beyond the current record.
	more []byte
}

// SyscallConn implements syscall.Conn.
func (r *records) SyscallConn() (syscall.RawConn, error) {
	if c, ok := r.Conn.(syscall.Conn); ok {
		return c.SyscallConn() //nolint:wrapcheck // the connection's own
	}
	return nil, errors.ErrUnsupported
}

// idle tells whether all that was read was passed on, in whole records.
func (r *records) idle() bool { return len(r.more) == 0 && r.filled == 0 && r.left == 0 }

// Read implements net.Conn.
func (r *records) Read(p []byte) (int, error) {
	if len(r.more) > 0 {
		n := r.pass(r.more[:min(len(p), len(r.more))])
		copy(p, r.more[:n])
		if r.more = r.more[n:]; len(r.more) == 0 {
			r.more = nil
		}
		return n, nil
	}
	n, err := r.Conn.Read(p)
	passed := r.pass(p[:n])
	if passed < n {
		r.more = append(r.more, p[passed:n]...)
	}
	return passed, err //nolint:wrapcheck // crypto/tls looks at the kind of the error
}

// pass counts the bytes of b that belong to the current record, or to the next
// when none is begun.
func (r *records) pass(b []byte) int {
	n := 0
	if r.left == 0 {
		n = copy(r.header[r.filled:], b)
		if r.filled += n; r.filled < headerSize {
			return n
		}
		r.filled = 0
		r.left = int(r.header[3])<<8 | int(r.header[4])
	}
	body := min(r.left, len(b)-n)
	r.left -= body
	return n + body
}
