package transport

import (
	"context"

	"github.com/parley-rtc/parley/internal/packet"
)

// State is where a session stands.
type State uint8

// The states of a session.
const (
	// StateNew is a session that has not begun to look for a path.
	StateNew State = iota
	// StateConnecting looks for a path or shakes hands.
	StateConnecting
	// StateConnected carries media and data.
	StateConnected
	// StateLost hears nothing from the other side but goes on trying.
	StateLost
	// StateFailed has given up; only Restart or Close make sense.
	StateFailed
	// StateClosed is final.
	StateClosed
)

// String returns the name of the state in lower case.
func (s State) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateConnecting:
		return "connecting"
	case StateConnected:
		return "connected"
	case StateLost:
		return "lost"
	case StateFailed:
		return "failed"
	case StateClosed:
		return "closed"
	default:
		return "unknown"
	}
}

// Reliability tells the two data channels apart.
type Reliability uint8

const (
	// Reliable messages arrive once and in order.
	Reliable Reliability = iota
	// Lossy messages are sent once and may be lost or overtaken.
	Lossy
)

// String returns "reliable" or "lossy".
func (r Reliability) String() string {
	switch r {
	case Reliable:
		return "reliable"
	case Lossy:
		return "lossy"
	default:
		return "unknown"
	}
}

// DescriptionKind tells an offer from an answer.
type DescriptionKind uint8

// The kinds of session descriptions. The zero value is no kind.
const (
	KindOffer DescriptionKind = iota + 1
	KindAnswer
)

// String returns "offer" or "answer".
func (k DescriptionKind) String() string {
	switch k {
	case KindOffer:
		return "offer"
	case KindAnswer:
		return "answer"
	default:
		return "unknown"
	}
}

// Description is one session description for the other side.
type Description struct {
	// Kind is offer or answer.
	Kind DescriptionKind
	// SDP is the description itself (RFC 8866), without candidates.
	SDP string
	// Generation counts the offers of a session from 1; an answer has that of
	// its offer. Candidates belong to a generation.
	Generation uint32
}

// CandidateBatch is some candidates for the other side.
type CandidateBatch struct {
	// Generation is that of the description they belong to.
	Generation uint32
	// Candidates are candidate-attribute values (RFC 8839 5.1), "candidate:…".
	Candidates []string
	// End tells that no more will follow in this generation. With hidden
	// addresses it comes only after RevealAddresses.
	End bool
}

// Session is one connection to one other end. Make it with New.
type Session struct{}

// New makes a session. Nothing is sent or gathered before Offer or Answer.
func New(options *Options) (*Session, error) {
	return nil, ErrInvalidOptions
}

// Offer makes the first offer of the session and begins to gather candidates.
// It can be called once; later offers come from Restart.
func (s *Session) Offer(ctx context.Context) (Description, error) {
	return Description{}, ErrClosed
}

// Answer takes the offer of the other side and makes the answer. A later offer
// (a higher generation) restarts path finding. ErrNoCommonCodec means that the
// ends share no audio codec.
func (s *Session) Answer(ctx context.Context, offer Description) (Description, error) {
	return Description{}, ErrClosed
}

// SetAnswer takes the answer to the latest offer. An answer to an older offer
// is ignored.
func (s *Session) SetAnswer(answer Description) error {
	return ErrClosed
}

// Restart makes an offer that finds a new path (RFC 8445 9), after the network
// changed or the session was Lost. Only the side that made the first offer may
// call it; packets go on over the old path as long as that works.
func (s *Session) Restart(ctx context.Context) (Description, error) {
	return Description{}, ErrClosed
}

// AddCandidates takes candidates of the other side. They may come before the
// description they belong to; those of an older generation are ignored. On
// ErrInvalidCandidate and ErrTooManyCandidates the good ones were taken.
func (s *Session) AddCandidates(batch CandidateBatch) error {
	return ErrClosed
}

// RevealAddresses gives the candidates that HideAddresses withheld to the
// other side. It does nothing when there are none or when called again.
func (s *Session) RevealAddresses() {}

// State returns the present state.
func (s *Session) State() State { return StateNew }

// Codec returns the preferred negotiated codec of that kind, and false before
// the negotiation or when there is none.
func (s *Session) Codec(kind packet.Kind) (packet.Codec, bool) {
	return packet.Codec{}, false
}

// Codecs returns the negotiated codecs of that kind by preference, the
// telephone-event ones included. Packets of any of them may be written.
func (s *Session) Codecs(kind packet.Kind) []packet.Codec { return nil }

// WritePacket sends a media packet. PayloadType must be that of a negotiated
// codec; SSRC is filled in. The payload is not kept after the call.
func (s *Session) WritePacket(kind packet.Kind, p *packet.Packet) error { return ErrClosed }

// RequestKeyFrame asks the other side for a key frame of its video. Requests
// in quick succession are sent once.
func (s *Session) RequestKeyFrame() {}

// SendData queues a message. It does not block: ErrNotConnected before the
// DataOpen event, ErrTooLarge, ErrBufferFull. The bytes are not kept.
func (s *Session) SendData(r Reliability, message []byte) error { return ErrClosed }

// BufferedAmount returns how many bytes of SendData are not yet sent.
func (s *Session) BufferedAmount(r Reliability) int { return 0 }

// Stats returns a snapshot of what was counted so far.
func (s *Session) Stats() Stats { return Stats{} }

// Close ends the session. It is idempotent, may be called from a handler and
// does not wait for handlers.
func (s *Session) Close() error { return nil }
