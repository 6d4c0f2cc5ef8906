package callfsm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// CallID names one call. The end that starts the call draws it at random, so
// that a START that is sent again after a lost session finds the same call.
type CallID [16]byte

// ErrCallID reports text that is not a call id.
var ErrCallID = errors.New("callfsm: not a call id")

// NewCallID draws a random id in the form of a version 4 UUID (RFC 9562 5.4).
func NewCallID() CallID {
	var id CallID
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails since Go 1.24
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the id as a UUID: 8-4-4-4-12 lower-case hexadecimal digits.
func (id CallID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// IsZero tells whether the id is unset.
func (id CallID) IsZero() bool { return id == CallID{} }

// ParseCallID reads what String writes; upper-case digits are taken too. The
// error is ErrCallID.
func ParseCallID(s string) (CallID, error) {
	var id CallID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return CallID{}, ErrCallID
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return CallID{}, fmt.Errorf("%w: %w", ErrCallID, err)
	}
	return id, nil
}

// Leg numbers the ends of a call: 0 is the caller, 1 to MaxLegs are the
// callee's devices in the order in which the service rings them.
type Leg uint32

// CallerLeg is the leg of the end that started the call, and AllLegs stands
// for every leg in an Effect.
const (
	CallerLeg Leg = 0
	AllLegs   Leg = ^Leg(0)
	// MaxLegs is the largest number of devices that one call rings.
	MaxLegs = 4
)

// Media is a set of the kinds of media that one end sends.
type Media uint8

// The kinds of media. They are bits and may be combined.
const (
	MediaAudio Media = 1 << iota
	MediaVideo
	MediaShare
)

// Has tells whether all kinds of which are in m.
func (m Media) Has(which Media) bool { return m&which == which }

// With returns m with the kinds of which added or taken away.
func (m Media) With(which Media, on bool) Media {
	if on {
		return m | which
	}
	return m &^ which
}

// MessageKind says what a Message means. The numbers are the wire format: they
// are never reused.
type MessageKind uint8

// The messages of call control. Beside each: who sends it to whom, and the
// fields that count apart from Kind and Leg. "End" is a caller or a callee's
// device; what goes from end to end passes the service, which relays it.
const (
	KindNone            MessageKind = 0  // not a message
	KindStart           MessageKind = 1  // caller → service: To, DisplayName, Media, On (muted)
	KindStarted         MessageKind = 2  // service → caller: the call exists
	KindIncoming        MessageKind = 3  // service → device: Leg, From, To, DisplayName, Media
	KindRinging         MessageKind = 4  // device → service → caller: Leg rings
	KindEarlyMedia      MessageKind = 5  // device → service → caller: Leg plays something before the accept
	KindLobby           MessageKind = 6  // device → service → caller: wait for admission
	KindAccept          MessageKind = 7  // device → service: Media, On (muted)
	KindAccepted        MessageKind = 8  // service → caller: Leg won; its Media and On (muted)
	KindConfirmed       MessageKind = 9  // service → device: you won; the caller's Media and On (muted)
	KindConnected       MessageKind = 10 // end → service: my media path stands
	KindReject          MessageKind = 11 // device → service: Reason
	KindHangUp          MessageKind = 12 // end → service: Reason, On (for everyone)
	KindEnded           MessageKind = 13 // service → end: Reason; the last message of a call
	KindHold            MessageKind = 14 // end → end
	KindResume          MessageKind = 15 // end → end
	KindMute            MessageKind = 16 // end → end
	KindUnmute          MessageKind = 17 // end → end
	KindModality        MessageKind = 18 // end → end: Media, On, Request; Request 0 wants no answer
	KindModalityOK      MessageKind = 19 // end → end: Media, On, Request
	KindModalityRefused MessageKind = 20 // end → end: Media, On, Request, Reason
	KindRestart         MessageKind = 21 // caller → device: please offer again (ICE restart) for Leg; On: the last may be lost
	KindRemove          MessageKind = 22 // end → service: Request, To
	KindTransfer        MessageKind = 23 // end → service: Request, To
	KindPromote         MessageKind = 24 // end → service: Request
	KindOperationOK     MessageKind = 25 // service → end: Request
	KindOperationFailed MessageKind = 26 // service → end: Request, Reason
	KindReconcile       MessageKind = 27 // end → service in a new session: State, Media, On (muted), Reason
	KindReconciled      MessageKind = 28 // service → end: State; the other side's Media and On (muted); Reason
	KindTones           MessageKind = 29 // end → end: Tones, when the media path has no telephone-event
)

// MaxMessageKind is the largest MessageKind in use.
const MaxMessageKind = KindTones

// Message is one message of call control, as an end and the service exchange
// it over signaling. Which fields count depends on Kind; the others are zero.
type Message struct {
	Kind MessageKind
	// Leg is the end that the message comes from or speaks about.
	Leg Leg
	// From and To are raw identifiers of users or phone numbers.
	From, To string
	// DisplayName is the name that the sender goes by.
	DisplayName string
	// Media are the kinds of media that are sent or asked for.
	Media Media
	// On switches: Media of MODALITY on or off, muted or not elsewhere, for
	// everyone in HANG_UP.
	On bool
	// Request pairs an operation with its answer. Zero wants no answer.
	Request uint32
	// State is the sender's view of the call in RECONCILE, and the view that the
	// receiver shall have in RECONCILED.
	State State
	// Reason says why something ended, was refused or failed.
	Reason EndReason
	// Tones are DTMF digits: 0-9, A-D, * and #.
	Tones string
}

// String returns the name of the kind as documents write it, such as "START".
func (k MessageKind) String() string {
	names := [...]string{
		"NONE", "START", "STARTED", "INCOMING", "RINGING", "EARLY_MEDIA", "LOBBY", "ACCEPT", "ACCEPTED",
		"CONFIRMED", "CONNECTED", "REJECT", "HANG_UP", "ENDED", "HOLD", "RESUME", "MUTE", "UNMUTE", "MODALITY",
		"MODALITY_OK", "MODALITY_REFUSED", "RESTART", "REMOVE", "TRANSFER", "PROMOTE", "OPERATION_OK",
		"OPERATION_FAILED", "RECONCILE", "RECONCILED", "TONES",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("MESSAGE_%d", uint8(k))
}
