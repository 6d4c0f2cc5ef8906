package chat

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/signaling"
)

// Errors of a Realtime.
var (
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("chat: closed")
	// ErrNotStarted is returned before Start has succeeded.
	ErrNotStarted = errors.New("chat: not started")
	// ErrStarted is returned by Start while it runs and after it has succeeded.
	ErrStarted = errors.New("chat: already started")
)

// RefusedError says that the service did not do what it was asked for over a
// Realtime.
type RefusedError struct {
	// StatusCode is as in HTTP: 400, 403, 404, 413, 429, or from 500 on.
	StatusCode int
	// Message is a sentence for a person; it may be empty.
	Message string
	// RetryAfter is how long to wait before it is asked for again; zero when the
	// service does not say. Only a StatusCode of 429 has it: the service limits
	// how often that may be done, and has not done it.
	RetryAfter time.Duration
}

// Error returns the code and the message.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("chat: refused with %d: %s", e.StatusCode, e.Message)
}

// RealtimeOptions configure a Realtime. They are read once, by NewRealtime.
type RealtimeOptions struct {
	// Events are the handlers.
	Events RealtimeEvents
	// Position is where an earlier Realtime of the user has stopped: Start goes
	// on from there, and threads that are new since are told from their
	// beginning. Nil: only what happens from now on is told; what was before is
	// asked for with ThreadClient.
	Position Position
	// DeviceID stays the same over restarts of the application on one device; a
	// later one with the same user and device replaces the one before. Empty: a
	// random one.
	DeviceID string
	// TLSConfig is used for https endpoints. Nil: the system's authorities.
	TLSConfig *tls.Config
	// AllowPlainHTTP sends the token to an http endpoint too.
	AllowPlainHTTP bool
	// Dialer opens the connections instead, to a service within the process for
	// example. Nil: over WebSocket to the endpoint.
	Dialer signaling.Dialer
	// Logger gets debug messages and warnings, never what was written. Nil is
	// silent.
	Logger *slog.Logger
	// Backoff paces reconnecting; the zero value is 100 ms doubling to 5 s.
	Backoff signaling.Backoff
}

// RealtimeSendMessageOptions contains the optional parameters of
// Realtime.SendMessage.
type RealtimeSendMessageOptions struct {
	// Type is MessageTypeText or MessageTypeHTML. Empty: text.
	Type MessageType
	// SenderDisplayName is the name that others are shown.
	SenderDisplayName string
	// Metadata are names and values of the application.
	Metadata map[string]string
	// ClientID names the message: with the same one in the same thread it is
	// written once. Empty: a random one.
	ClientID string
}

// RealtimeSendMessageResponse contains the response of Realtime.SendMessage.
type RealtimeSendMessageResponse struct {
	// ID is the id of the message.
	ID string
	// Repeated says that the message was there already.
	Repeated bool
}

// RealtimeSendTypingNotificationOptions contains the optional parameters of
// Realtime.SendTypingNotification.
type RealtimeSendTypingNotificationOptions struct {
	// SenderDisplayName is the name that others are shown.
	SenderDisplayName string
}
