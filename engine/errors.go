package engine

import (
	"errors"
	"fmt"
)

// Errors that a caller can act on. Test for them with errors.Is.
var (
	// ErrClosed is returned by methods of a closed client or agent.
	ErrClosed = errors.New("engine: closed")
	// ErrInvalidOptions is returned when options contradict each other.
	ErrInvalidOptions = errors.New("engine: invalid options")
	// ErrUnauthorized is returned when the service refuses the access token.
	ErrUnauthorized = errors.New("engine: unauthorized")
	// ErrInvalidTarget is returned for targets that cannot be called.
	ErrInvalidTarget = errors.New("engine: invalid target")
	// ErrInvalidState is returned when the call's state does not allow the
	// operation, for example Resume of a call that is not on hold.
	ErrInvalidState = errors.New("engine: not possible in this state")
	// ErrCallEnded is returned by methods of a call that has ended.
	ErrCallEnded = errors.New("engine: call ended")
	// ErrMessageTooLarge is returned for data messages over MaxDataMessageSize.
	ErrMessageTooLarge = errors.New("engine: data message too large")
	// ErrInvalidChannelID is returned for a data channel id outside 1–65535.
	ErrInvalidChannelID = errors.New("engine: invalid data channel id")
	// ErrInvalidTones is returned for tones other than 0–9, A–D, * and #.
	ErrInvalidTones = errors.New("engine: invalid tones")
	// ErrTrackInUse is returned when a track is added that a call already sends,
	// or a second track of its kind.
	ErrTrackInUse = errors.New("engine: track in use")
	// ErrNoSuchTrack is returned when a track is removed that the call does not
	// send, or when a key frame is wanted of video that was stopped.
	ErrNoSuchTrack = errors.New("engine: no such track")
	// ErrUnsupported is returned when the two ends have no way to do it, for
	// example no common video codec.
	ErrUnsupported = errors.New("engine: unsupported")
)

// CallError is a refused or failed call or operation, with the ACS code and
// subcode. Test for it with errors.As.
type CallError struct {
	Code    int
	Subcode int
	Message string
}

// newCallError makes an error of an end reason.
func newCallError(r EndReason) *CallError {
	return &CallError{Code: r.Code, Subcode: r.Subcode, Message: r.Message}
}

// Error returns the codes and the message.
func (e *CallError) Error() string {
	return fmt.Sprintf("engine: call failed: %d/%d %s", e.Code, e.Subcode, e.Message)
}
