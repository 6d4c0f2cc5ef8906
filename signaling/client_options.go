package signaling

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

// Errors of Client and Session.
var (
	// ErrClosed is returned once the client or the session is closed.
	ErrClosed = errors.New("signaling: closed")
	// ErrQueueFull is returned by Send while too much waits for the far end.
	// The message was not taken.
	ErrQueueFull = errors.New("signaling: queue full")
	// ErrTooLarge is returned by Send for a message over MaxMessage.
	ErrTooLarge = wire.ErrTooLarge
	// ErrSessionLost is returned by Send between the loss of a session and the
	// opening of the next: the message was not taken, and a ClientState with
	// NewSession follows.
	ErrSessionLost = errors.New("signaling: session lost")
	// ErrNotStarted is returned by Send before Start has succeeded.
	ErrNotStarted = errors.New("signaling: not started")
)

// MaxMessage is the largest encoded Message that Send takes, in bytes.
const MaxMessage = wire.MaxMessage

// MaxFrame is the largest frame that is taken, in bytes after decompression.
const MaxFrame = wire.MaxFrame

// ClientPhase tells whether a client has a connection.
type ClientPhase uint8

// The phases of a client.
const (
	// ClientConnected: the session has a connection.
	ClientConnected ClientPhase = iota + 1
	// ClientReconnecting: the connection is lost, the client dials.
	ClientReconnecting
	// ClientClosed: Close was called or the service sent the client away. Last state.
	ClientClosed
)

// String returns the phase's name.
func (p ClientPhase) String() string {
	switch p {
	case ClientConnected:
		return "connected"
	case ClientReconnecting:
		return "reconnecting"
	case ClientClosed:
		return "closed"
	default:
		return "unknown"
	}
}

// ClientState is what StateChanged reports.
type ClientState struct {
	Phase ClientPhase
	// NewSession is set with ClientConnected when the session is not the one
	// before: messages that were sent and not yet applied are lost, Lost
	// counts them, and the app reconciles. It is not set for the session that
	// Start opens.
	NewSession bool
	// Lost counts the messages that went with the old session: those that the
	// far end has not confirmed. Some of them may have been applied there.
	Lost int
	// Welcome is what the service said last.
	Welcome Welcome
	// Err says why, with ClientReconnecting and ClientClosed: *GoodbyeError
	// where the service sent one; ErrClosed after Close.
	Err error
}

// Welcome is the service's greeting, translated.
type Welcome struct {
	SessionID  string
	Epoch      uint64
	UserID     string
	ResourceID string
	// TokenExpires is zero for a token without end.
	TokenExpires time.Time
	Heartbeat    time.Duration
	Retention    time.Duration
	// Compressed tells whether the compression dictionary is in use.
	Compressed bool
	Version    uint32
	// Relay may be nil. It must not be changed.
	Relay *RelayServers
}

// ClientOptions configure a Client. They are read once, by NewClient.
type ClientOptions struct {
	// Dialer opens connections. Required.
	Dialer Dialer
	// Token returns a user access token; it is called for each connection and
	// before the token in use expires. Required.
	Token func(ctx context.Context) (string, error)
	// DeviceID stays the same over restarts of the app on one device; a new
	// client with the same user and device replaces the one before. Empty: a
	// random one.
	DeviceID string
	// ChatOnly says that this client takes and places no calls: none rings at it.
	// It may have the same DeviceID as a client that does, and neither replaces
	// the other.
	ChatOnly bool
	// UserAgent and DisplayName are told to the service. May be empty.
	UserAgent, DisplayName string
	// Handler applies messages in order, one at a time; a message is
	// acknowledged when it has returned. An error means that the message
	// could not be applied: the session ends with CodeProtocolError and the
	// client opens a new one. It may call any method of the client. nil
	// ignores messages. The first messages may come before Start has returned.
	Handler func(*Message) error
	// StateChanged is called in order with Handler, never at the same time.
	// It may call any method of the client. It is not called for the
	// connection that Start returns. nil: not interested.
	StateChanged func(ClientState)
	// NoCompression keeps frames uncompressed.
	NoCompression bool
	// Backoff paces reconnecting; the zero value is 100 ms doubling to 5 s.
	Backoff Backoff
	// Heartbeat is how often the client asks an idle service whether it is
	// there. Zero: what the service asks for.
	Heartbeat time.Duration
	// HeartbeatTimeout is how long the service may take to answer. Zero: 5 s.
	HeartbeatTimeout time.Duration
	// DialTimeout limits one attempt: dial, hello, welcome. Zero: 10 s.
	DialTimeout time.Duration
	// QueueLimit is how many bytes of messages may wait. Zero: 1 MiB.
	QueueLimit int
	// Logger gets debug and warning messages. nil is silent.
	Logger *slog.Logger
}

// Backoff is the pause between attempts to reconnect: Min, doubling to Max,
// each shortened at random by up to half.
type Backoff struct {
	// Min is the first pause. Zero: 100 ms.
	Min time.Duration
	// Max is the longest pause. Zero: 5 s.
	Max time.Duration
}

// Stats counts what went over the connections of one client or session.
type Stats struct {
	// FramesSent and FramesReceived count frames, also those that were sent again.
	FramesSent, FramesReceived uint64
	// BytesSent and BytesReceived are the WebSocket payload.
	BytesSent, BytesReceived uint64
	// PlainBytesSent and PlainBytesReceived are the same before compression.
	PlainBytesSent, PlainBytesReceived uint64
	// MessagesSent and MessagesReceived count reliable messages once each.
	MessagesSent, MessagesReceived uint64
	// Connections counts the connections of the session so far, Resumes those
	// that went on with it.
	Connections, Resumes uint64
	// RoundTripTime is of the last heartbeat; zero while unknown.
	RoundTripTime time.Duration
}

func (o *ClientOptions) withDefaults() ClientOptions {
	d := *o
	setDefault(&d.Backoff.Min, 100*time.Millisecond)
	setDefault(&d.Backoff.Max, 5*time.Second)
	setDefault(&d.HeartbeatTimeout, 5*time.Second)
	setDefault(&d.DialTimeout, 10*time.Second)
	setDefault(&d.QueueLimit, defaultQueueLimit)
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

const defaultQueueLimit = 1 << 20

// setDefault gives a field that is zero (or less) its default.
func setDefault[T int | float64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
