package transport

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
