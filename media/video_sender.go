package media

import (
	"errors"
	"log/slog"

	"github.com/parley-rtc/parley/internal/packet"
)

// ErrCodecMismatch reports a source whose codec was not negotiated.
var ErrCodecMismatch = errors.New("media: the codec of the source was not negotiated")

// VideoSenderOptions set up a VideoSender.
type VideoSenderOptions struct {
	// Codecs are the negotiated video codecs; the source's name selects one.
	Codecs []packet.Codec
	// Send takes the packets to the transport. It is called from the sender's
	// goroutine. SSRC is left zero.
	Send func(*packet.Packet) error
	// Source gives the frames; nil means none until SetSource.
	Source VideoSource
	// Inactive makes the sender start silent, until SetActive(true).
	Inactive bool
	// MTU is the largest payload of a packet in bytes; zero means 1180.
	MTU int
	// Ended is called, from the sender's goroutine, when a source ended or
	// failed; the error is io.EOF for an orderly end. Nil means not interested.
	Ended func(source VideoSource, err error)
	// Logger gets what goes wrong; nil means silence.
	Logger *slog.Logger
}

// VideoSenderStats counts what a VideoSender did since it was made. Names
// follow webrtc-stats.
type VideoSenderStats struct {
	Codec          string
	FramesSent     uint64
	KeyFramesSent  uint64
	FramesDropped  uint64
	PacketsSent    uint64
	BytesSent      uint64
	SendErrors     uint64
	PLICount       uint64
	TargetBitrate  int
	FrameWidth     int
	FrameHeight    int
	HugeFramesSent uint64
}

// VideoSender reads frames from a source, cuts them into RTP packets and paces
// them out from a goroutine of its own. All methods may be called from any
// goroutine.
type VideoSender struct{}

// NewVideoSender makes a sender and starts its goroutine. It fails with
// ErrCodecMismatch if the source does not fit.
func NewVideoSender(options *VideoSenderOptions) (*VideoSender, error) {
	return &VideoSender{}, nil
}

// SetSource changes the source; nil stops sending. The new source is asked for
// a key frame, and what it gives before one is not sent.
func (s *VideoSender) SetSource(source VideoSource) error { return nil }

// SetActive starts or stops the sending. A stopped sender does not read its
// source; when it starts again it asks for a key frame first.
func (s *VideoSender) SetActive(active bool) {}

// KeyFrameRequested passes the far end's request on to the source.
func (s *VideoSender) KeyFrameRequested() {}

// SetTargetBitrate passes the rate that the network carries on to the source
// and to the pacing.
func (s *VideoSender) SetTargetBitrate(bps int) {}

// Stats returns what was counted so far.
func (s *VideoSender) Stats() VideoSenderStats { return VideoSenderStats{} }

// Close stops the sender and waits for its goroutine, except when it is called
// from Send or Ended. It may be called more than once.
func (s *VideoSender) Close() {}
