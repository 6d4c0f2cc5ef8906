package signaling

import (
	"context"
	"sync"
)

// pipeDepth is how many messages a Pipe holds in each direction.
const pipeDepth = 16

// Pipe returns the two ends of a connection within the process. A write waits
// while the far end has much to read, as on a network.
func Pipe() (client, server Conn) {
	one, two := make(chan []byte, pipeDepth), make(chan []byte, pipeDepth)
	a := &pipeConn{in: one, out: two, done: make(chan struct{})}
	b := &pipeConn{in: two, out: one, done: make(chan struct{})}
	a.far, b.far = b, a
	return a, b
}

// pipeConn is one end of a Pipe.
type pipeConn struct {
	in, out chan []byte
	far     *pipeConn
	once    sync.Once
	done    chan struct{} // closed by this end's Close
}

// Read returns the next message; what the far end wrote before it closed is
// still read.
func (p *pipeConn) Read(ctx context.Context) ([]byte, error) {
	select {
	case <-p.done:
		return nil, ErrConnClosed
	case m := <-p.in:
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.far.done:
	}
	select {
	case m := <-p.in:
		return m, nil
	default:
		return nil, ErrConnClosed
	}
}

// Write passes a copy of the message on.
func (p *pipeConn) Write(ctx context.Context, message []byte) error {
	select {
	case <-p.done:
		return ErrConnClosed
	case <-p.far.done:
		return ErrConnClosed
	default:
	}
	select {
	case p.out <- append([]byte(nil), message...):
		return nil
	case <-p.done:
		return ErrConnClosed
	case <-p.far.done:
		return ErrConnClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends both directions.
func (p *pipeConn) Close(int, string) error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// DialFunc is a function that is a Dialer.
type DialFunc func(ctx context.Context) (Conn, error)

// Dial calls f.
func (f DialFunc) Dial(ctx context.Context) (Conn, error) { return f(ctx) }
