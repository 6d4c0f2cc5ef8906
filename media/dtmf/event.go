// Package dtmf carries telephone digits as RTP events (RFC 4733).
//
// A Sender is stepped once for every packet interval and says what to send in
// place of audio; a Receiver is given every received event payload and tells
// each digit once, whatever was lost, doubled or reordered on the way.
package dtmf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of this package.
var (
	// ErrDigit reports a character that is no digit.
	ErrDigit = errors.New("dtmf: not a digit")
	// ErrMalformed reports a payload that is no telephone event.
	ErrMalformed = errors.New("dtmf: malformed event")
	// ErrFull reports that too many digits wait to be sent.
	ErrFull = errors.New("dtmf: too many digits are waiting")
)

// digits are the events 0 to 15 (RFC 4733 3.2).
const digits = "0123456789*#ABCD"

// Code returns the event code of a digit: 0 to 9, *, #, A to D, a to d.
func Code(digit rune) (uint8, error) {
	i := strings.IndexRune(digits, digit)
	if i < 0 && digit >= 'a' && digit <= 'd' {
		i = strings.IndexRune(digits, digit-'a'+'A')
	}
	if i < 0 {
		return 0, fmt.Errorf("%w: %q", ErrDigit, digit)
	}
	return uint8(i), nil
}

// Digit returns the digit of an event code; false for events that are not DTMF.
func Digit(code uint8) (rune, bool) {
	if int(code) >= len(digits) {
		return 0, false
	}
	return rune(digits[code]), true
}

// Event is the payload of an event packet (RFC 4733 2.3).
type Event struct {
	// Code is the event: 0 to 15 for DTMF.
	Code uint8
	// End tells that the event is over.
	End bool
	// Volume is the power level in -dBm0, 0 to 63.
	Volume uint8
	// Duration is the time since the event, or its segment, began, in RTP
	// timestamp units.
	Duration uint16
}

// Marshal returns the payload.
func (e Event) Marshal() []byte {
	b := make([]byte, 4)
	b[0] = e.Code
	b[1] = min(e.Volume, 63)
	if e.End {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], e.Duration)
	return b
}

// Parse reads a payload. Bytes after the first event are ignored. It fails with
// ErrMalformed.
func Parse(payload []byte) (Event, error) {
	if len(payload) < 4 {
		return Event{}, fmt.Errorf("%w: %d bytes, want 4", ErrMalformed, len(payload))
	}
	return Event{
		Code: payload[0], End: payload[1]&0x80 != 0, Volume: payload[1] & 0x3f,
		Duration: binary.BigEndian.Uint16(payload[2:]),
	}, nil
}
