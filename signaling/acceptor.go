package signaling

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// ErrUnauthorized is what Authenticate returns (or wraps) for a token that is
// not good; ErrTokenExpired for one that was.
var (
	ErrUnauthorized = errors.New("signaling: unauthorized")
	ErrTokenExpired = errors.New("signaling: token expired")
)

// Principal is who a token stands for.
type Principal struct {
	UserID     string
	ResourceID string
	// Expires is when the token ends; zero for never.
	Expires time.Time
}

// Limits bound what one session may cost. Zero fields take the default.
type Limits struct {
	// QueuedBytes of messages may wait for an agent, connected or not; more
	// ends the session with CodeTooSlow. Zero: 1 MiB.
	QueuedBytes int
	// FramesPerSecond and Burst bound the frames from an agent; a frame
	// counts one more for each 4 KiB. More ends the session with
	// CodeFlooding. Zero: 100 and 400.
	FramesPerSecond, Burst float64
	// HelloTimeout is the time for the first frame. Zero: 10 s.
	HelloTimeout time.Duration
	// WriteTimeout is the time a write may take before the connection counts
	// as lost. Zero: 10 s.
	WriteTimeout time.Duration
}

// AcceptorOptions configure an Acceptor. They are read once, by NewAcceptor.
//
// Opened, Handler, Suspended, Resumed and Closed of one session are called in
// this order of events, one at a time; those of different sessions at the
// same time. They may call any method of any session.
type AcceptorOptions struct {
	// Authenticate checks a token. It returns ErrUnauthorized or
	// ErrTokenExpired; any other error turns the agent away for now. Required.
	Authenticate func(ctx context.Context, token string) (Principal, error)
	// Welcome returns the relay servers for a session, for each of its
	// connections. It must not block for long. nil: none.
	Welcome func(*Session) *RelayServers
	// Opened tells of a new session.
	Opened func(*Session)
	// Handler applies messages in order; a message is acknowledged when it
	// has returned. An error means that the message could not be applied and
	// ends the session with CodeProtocolError.
	Handler func(*Session, *Message) error
	// Suspended and Resumed tell that a session lost its connection and got
	// another one. A resume that replaces a connection that was not yet known
	// as lost reports neither.
	Suspended, Resumed func(*Session)
	// Closed tells that a session is over; nothing follows. The error is nil
	// when the agent closed it, ErrSessionExpired after the retention, a
	// *GoodbyeError when this end closed it.
	Closed func(*Session, error)
	// Retention is how long a session is kept without a connection. Zero: 150 s.
	Retention time.Duration
	// Heartbeat is how often an idle agent must show that it is there. Zero: 10 s.
	Heartbeat time.Duration
	// NoCompression keeps frames uncompressed.
	NoCompression bool
	// Limits bound what one session may cost.
	Limits Limits
	// Logger gets debug and warning messages. nil is silent.
	Logger *slog.Logger
	// Now is the clock for token expiry. nil: time.Now.
	Now func() time.Time
}

// ErrSessionExpired says that a session was without a connection for longer
// than the retention.
var ErrSessionExpired = errors.New("signaling: session expired")

// Acceptor is the service's end: it turns connections into sessions.
type Acceptor struct {
	options AcceptorOptions
}

// NewAcceptor returns an acceptor with a new epoch.
func NewAcceptor(options *AcceptorOptions) (*Acceptor, error) {
	if options == nil || options.Authenticate == nil {
		return nil, errors.New("signaling: NewAcceptor needs Authenticate")
	}
	return &Acceptor{options: *options}, nil
}

// Serve runs one connection until it ends and closes it. The error says why
// it ended: nil after an orderly goodbye. The context's end closes the
// connection; the session is kept for its retention.
func (a *Acceptor) Serve(ctx context.Context, conn Conn) error { return ErrClosed }

// Shutdown says CodeDraining to all agents, ends all sessions and waits for
// the goroutines of the acceptor, handlers included, or for the context.
func (a *Acceptor) Shutdown(ctx context.Context) error { return nil }

// Epoch identifies this acceptor's memory of sessions.
func (a *Acceptor) Epoch() uint64 { return 0 }

// Sessions counts the sessions, suspended ones included.
func (a *Acceptor) Sessions() int { return 0 }
