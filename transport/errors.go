package transport

import "errors"

// The errors that a caller can act on. They come wrapped; test with errors.Is.
var (
	// ErrClosed is returned by every method of a closed session.
	ErrClosed = errors.New("transport: session is closed")
	// ErrNoCommonCodec is returned by Answer and SetAnswer when the two ends
	// share no audio codec.
	ErrNoCommonCodec = errors.New("transport: no common codec")
	// ErrInvalidDescription is returned for a session description that cannot
	// be understood, lacks what a session needs or is larger than MaxDescriptionSize.
	ErrInvalidDescription = errors.New("transport: invalid session description")
	// ErrInvalidCandidate is returned for a candidate that cannot be understood.
	ErrInvalidCandidate = errors.New("transport: invalid candidate")
	// ErrTooManyCandidates is returned for candidates beyond MaxRemoteCandidates.
	ErrTooManyCandidates = errors.New("transport: too many candidates")
	// ErrWrongState is returned by a method that does not fit the moment:
	// a second Offer, an answer without an offer.
	ErrWrongState = errors.New("transport: not possible in this state")
	// ErrNotConnected is returned when something is sent before the session is connected.
	ErrNotConnected = errors.New("transport: not connected")
	// ErrNotNegotiated is returned for a packet whose kind or payload type the
	// two ends did not agree on.
	ErrNotNegotiated = errors.New("transport: payload type not negotiated")
	// ErrTooLarge is returned for a message larger than MaxMessageSize, or a
	// packet larger than MaxPayloadSize.
	ErrTooLarge = errors.New("transport: too large")
	// ErrBufferFull is returned by SendData when MaxBufferedAmount is reached.
	ErrBufferFull = errors.New("transport: send buffer is full")
	// ErrInvalidOptions is returned by New for options that contradict themselves.
	ErrInvalidOptions = errors.New("transport: invalid options")
)
