package signaling

import (
	"context"
	"errors"
)

// Conn carries binary messages in order, each whole, in both directions.
// One goroutine reads while another writes; Close may be called from any.
type Conn interface {
	// Read returns the next message. The slice is the caller's.
	Read(ctx context.Context) ([]byte, error)
	// Write sends one message; it does not keep the slice.
	Write(ctx context.Context, message []byte) error
	// Close ends the connection, telling the far end a WebSocket close code
	// and a reason, for which it may wait up to a second; with a code below
	// 1000 it cuts the connection at once. The second
	// and later calls do nothing.
	Close(code int, reason string) error
}

// Dialer opens connections to the service.
type Dialer interface {
	// Dial opens a connection or fails within the context's time.
	Dial(ctx context.Context) (Conn, error)
}

// ErrConnClosed is returned by a Conn that was closed by either end.
var ErrConnClosed = errors.New("signaling: connection closed")
