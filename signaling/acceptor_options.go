package signaling

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

var (
	// ErrUnauthorized is what Authenticate returns (or wraps) for a token that
	// is not good.
	ErrUnauthorized = errors.New("signaling: unauthorized")
	// ErrTokenExpired is what Authenticate returns (or wraps) for a token that
	// was good until its time came.
	ErrTokenExpired = errors.New("signaling: token expired")
	// ErrSessionExpired says that a session was without a connection for
	// longer than the retention.
	ErrSessionExpired = errors.New("signaling: session expired")
)

// Principal is who a token stands for.
type Principal struct {
	UserID     string
	ResourceID string
	// Scopes are what the token allows, with commas between.
	Scopes string
	// Issued is when the token was made; zero when nobody asks.
	Issued time.Time
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
	// SessionsPerUser bounds the devices of one user, suspended ones
	// included. Zero: 64.
	SessionsPerUser int
	// HelloTimeout is the time for the first frame. Zero: 10 s.
	HelloTimeout time.Duration
	// WriteTimeout is the time a write may take before the connection counts
	// as lost. Zero: 10 s.
	WriteTimeout time.Duration
}

// AcceptorOptions configure an Acceptor. They are read once, by NewAcceptor.
//
// Opened, Handler, Suspended, Resumed and Closed of one session are called in
// the order of events, one at a time; those of different sessions at the same
// time, except that Closed of a session comes before Opened of the one that
// replaces it. They may call any method of any session.
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
	// ends the session with CodeProtocolError. nil ignores messages.
	Handler func(*Session, *Message) error
	// Suspended and Resumed tell that a session lost its connection and got
	// another one. A resume that replaces a connection that was not yet known
	// as lost reports neither.
	Suspended, Resumed func(*Session)
	// Closed tells that a session is over; nothing follows. The error is nil
	// when the agent closed it, ErrSessionExpired after the retention, a
	// *GoodbyeError when one of the ends closed it with that code, otherwise
	// what Handler returned.
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
	// Now is the clock for the expiry of tokens. nil: time.Now.
	Now func() time.Time
}

func (o *AcceptorOptions) withDefaults() AcceptorOptions {
	d := *o
	setDefault(&d.Retention, 150*time.Second)
	setDefault(&d.Heartbeat, 10*time.Second)
	setDefault(&d.Limits.QueuedBytes, defaultQueueLimit)
	setDefault(&d.Limits.FramesPerSecond, 100)
	setDefault(&d.Limits.Burst, 400)
	setDefault(&d.Limits.SessionsPerUser, 64)
	setDefault(&d.Limits.HelloTimeout, 10*time.Second)
	setDefault(&d.Limits.WriteTimeout, 10*time.Second)
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}
