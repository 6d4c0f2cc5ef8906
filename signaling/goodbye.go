package signaling

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Code says why one end closed a connection. Its range decides what the agent
// does next, so that old agents treat new codes well:
//
//	1000–1999  the WebSocket's own; handled as a lost connection
//	3000–3499  reconnect and resume the session
//	3500–3999  the session is over; reconnect for a new one
//	4000–4499  fetch a fresh token, then reconnect and resume
//	4500–4999  stop, do not come back by yourself
type Code uint32

// The codes in use.
const (
	// CodeNormal is the agent's own Close: the session is over.
	CodeNormal Code = 1000

	// CodeDraining asks the agent to reconnect elsewhere: this node stops.
	CodeDraining Code = 3000
	// CodeSuperseded closes a connection whose session has a later one.
	CodeSuperseded Code = 3001
	// CodeOverloaded turns a connection away for now.
	CodeOverloaded Code = 3002
	// CodeHelloTimeout means that no Hello came in time.
	CodeHelloTimeout Code = 3003

	// CodeProtocolError means that a frame was malformed or that a message
	// could not be applied.
	CodeProtocolError Code = 3500
	// CodeTooSlow means that more was queued for the far end than allowed.
	CodeTooSlow Code = 3501
	// CodeFlooding means that frames came faster than allowed.
	CodeFlooding Code = 3502

	// CodeTokenExpired means that the token is past its time.
	CodeTokenExpired Code = 4000

	// CodeTokenInvalid means that the token is none of this service's, or was revoked.
	CodeTokenInvalid Code = 4500
	// CodeReplaced means that the same device signed in from another instance.
	CodeReplaced Code = 4501
	// CodeUnsupportedVersion means that there is no common protocol version.
	CodeUnsupportedVersion Code = 4502
	// CodeSignedOut means that the service ended the session for good.
	CodeSignedOut Code = 4503
)

// Resumable tells whether the session may go on over another connection.
func (c Code) Resumable() bool {
	return c != CodeNormal && (c < 3500 || c >= 4000 && c < 4500)
}

// Permanent tells whether the agent must not come back by itself.
func (c Code) Permanent() bool { return c >= 4500 && c < 5000 }

// NeedsToken tells whether the agent must fetch a fresh token first.
func (c Code) NeedsToken() bool { return c >= 4000 && c < 4500 }

// GoodbyeError reports that the far end closed the connection with a code.
type GoodbyeError struct {
	Code   Code
	Reason string
	// RetryAfter is how long to wait before coming back, 0 when not said.
	RetryAfter time.Duration
}

// Error describes the goodbye.
func (e *GoodbyeError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("signaling: goodbye %d", e.Code)
	}
	return fmt.Sprintf("signaling: goodbye %d: %s", e.Code, e.Reason)
}

// refusal is a goodbye of this end, because of what it read.
type refusal struct{ GoodbyeError }

func refuse(code Code, reason string) *refusal {
	return &refusal{GoodbyeError{Code: code, Reason: reason}}
}

// Unwrap shows the refusal to callers as the goodbye that it is.
func (r *refusal) Unwrap() error { return &r.GoodbyeError }

// refusalOf returns the goodbye that an error of this end asks for, or nil.
func refusalOf(err error) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, ErrMalformed):
		return refuse(CodeProtocolError, err.Error())
	default:
		return nil
	}
}

func goodbyeError(g *signalpb.Goodbye) *GoodbyeError {
	return &GoodbyeError{
		Code: Code(g.GetCode()), Reason: g.GetReason(),
		RetryAfter: time.Duration(g.GetRetryAfterMs()) * time.Millisecond,
	}
}

func goodbyeFrame(err *GoodbyeError) *signalpb.Goodbye {
	return &signalpb.Goodbye{
		Code: uint32(err.Code), Reason: shorten(err.Reason, maxText),
		RetryAfterMs: uint32(min(err.RetryAfter.Milliseconds(), 1<<31)), //nolint:gosec // bounded
	}
}

// shorten cuts text to at most n bytes of valid UTF-8.
func shorten(text string, n int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
