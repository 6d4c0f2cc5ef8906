// Package packet holds the few values that the transport and the media layers
// hand to each other. Both stand on the same floor and may not import one
// another; what crosses between them lives here.
package packet

import "time"

// Kind tells audio from video.
type Kind uint8

// The kinds of media. The zero value is no kind.
const (
	KindAudio Kind = iota + 1
	KindVideo
)

// String returns "audio" or "video".
func (k Kind) String() string {
	switch k {
	case KindAudio:
		return "audio"
	case KindVideo:
		return "video"
	default:
		return "unknown"
	}
}

// Codec is one RTP payload format as a session description names it
// (RFC 8866 6.6 and 6.15).
type Codec struct {
	// Name is the encoding name as registered with IANA, case as registered:
	// "opus", "G722", "PCMU", "PCMA", "telephone-event", "VP8", "H264", "VP9", "AV1".
	Name string
	// PayloadType is the RTP payload type, 0 to 127. In a preference list that
	// is given to the transport, zero for a name other than PCMU means "choose one".
	PayloadType uint8
	// ClockRate is the RTP clock rate in hertz. G722 has 8000 here although it
	// samples at 16000 (RFC 3551 4.5.2).
	ClockRate uint32
	// Channels is the number of audio channels, 0 for video.
	Channels int
	// Parameters is the value of the fmtp attribute, without the payload type.
	Parameters string
}

// Packet is one RTP packet without its transport's concerns: no padding, no
// CSRC list, header extensions already read.
type Packet struct {
	PayloadType    uint8
	Marker         bool
	SequenceNumber uint16
	Timestamp      uint32
	SSRC           uint32
	// Payload belongs to whoever holds the Packet; the sender of the Packet does
	// not touch it again.
	Payload []byte
	// AudioLevel is the level of RFC 6464 in -dBov, 0 (loudest) to 127 (silence).
	// It counts only when HasAudioLevel is set.
	AudioLevel    uint8
	HasAudioLevel bool
	// Voice is the voice-activity bit of RFC 6464; it counts only with HasAudioLevel.
	Voice bool
	// Arrival is when a received packet was read from its socket. Zero on packets to send.
	Arrival time.Time
}

// Report is what the far end says about media sent to it (RFC 3550 6.4.1).
type Report struct {
	Kind Kind
	// FractionLost is the share of packets lost since the last report, 0 to 1.
	FractionLost float64
	// Jitter is the interarrival jitter as the far end sees it.
	Jitter time.Duration
	// RoundTripTime is zero while it is not known.
	RoundTripTime time.Duration
}
