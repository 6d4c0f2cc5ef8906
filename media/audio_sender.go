package media

import (
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// AudioSenderOptions configures an AudioSender.
type AudioSenderOptions struct {
	// Codec is what was negotiated for sending.
	Codec packet.Codec
	// ToneCodec is the negotiated telephone-event format. The zero value means
	// that the far end takes none: SendTones then fails.
	ToneCodec packet.Codec
	// Send takes the packets: sequence number, timestamp, payload type, marker
	// and audio level are set, the SSRC is not. It is called from the sender's
	// goroutine and should not wait. Required.
	Send func(*packet.Packet) error
	// Source is the first source. Nil sends silence.
	Source AudioSource
	// Speaking is told when the local side begins and stops to speak; never
	// while muted or inactive. Called from the sender's goroutine. Nil: not interested.
	Speaking func(speaking bool)
	// Bitrate is the first target in bits a second. Zero leaves it to the codec.
	Bitrate int
	// Manual starts no goroutine: whoever made the sender calls Step. For tests
	// and for programs with a clock of their own.
	Manual bool
	// Logger is silent when nil.
	Logger *slog.Logger
}

// AudioSenderStats is a snapshot of an AudioSender; names follow webrtc-stats.
type AudioSenderStats struct {
	// Codec is the encoding name in use.
	Codec string
	// PacketsSent counts audio packets handed to Send.
	PacketsSent uint64
	// BytesSent counts their payload bytes.
	BytesSent uint64
	// SendErrors counts packets that Send refused.
	SendErrors uint64
	// EncodeErrors counts frames that the codec refused.
	EncodeErrors uint64
	// FramesSkipped counts frames that were never read because the process stalled.
	FramesSkipped uint64
	// SourceErrors counts reads of the source that failed (io.EOF counts once).
	SourceErrors uint64
	// TonesSent counts DTMF events sent to their end.
	TonesSent uint64
	// TargetBitrate is the bitrate asked for, 0 while the codec decides.
	TargetBitrate int
	// AudioLevel is the level of the last frame, 0 to 1 linear.
	AudioLevel float64
	// TotalAudioEnergy and TotalSamplesDuration (seconds) are as in webrtc-stats media-source.
	TotalAudioEnergy     float64
	TotalSamplesDuration float64
	// Speaking tells whether the local side speaks now.
	Speaking bool
	// Muted and Active are the switches as they stand.
	Muted, Active bool
}

// AudioSender reads a source on a drift-free 20 ms schedule, encodes and sends.
// It starts inactive: the source is not read before SetActive(true). All
// methods may be called from any goroutine.
//
// Muted means: the source is read on, so that it stays live, but what goes out
// is silence: a few packets of silence first, so that the far end fades out and
// knows that this is no loss, then one every 400 ms. The RTP timestamp runs on.
// Inactive (on hold) means: the same silence, and the source is not read.
type AudioSender struct{}

// NewAudioSender makes a sender and, unless options.Manual, starts its goroutine.
func NewAudioSender(options *AudioSenderOptions) (*AudioSender, error) { return &AudioSender{}, nil }

// SetSource changes the source at the next frame. Nil sends silence. The sender never closes a source.
func (s *AudioSender) SetSource(source AudioSource) {}

// SetMuted switches between the source and silence.
func (s *AudioSender) SetMuted(muted bool) {}

// SetActive starts and stops the sending: false before the call is accepted and while on hold.
func (s *AudioSender) SetActive(active bool) {}

// SendTones queues DTMF digits: 0 to 9, *, #, A to D, comma for a pause of 2 s.
// It returns at once. ErrToneDigit, ErrTonesNotNegotiated and ErrClosed are possible.
func (s *AudioSender) SendTones(digits string) error { return nil }

// SetTargetBitrate sets the codec's bitrate in bits a second.
func (s *AudioSender) SetTargetBitrate(bps int) {}

// SetExpectedLoss tells the codec the share of packets, 0 to 1, that may get lost.
func (s *AudioSender) SetExpectedLoss(fraction float64) {}

// Step does what is due at now and returns when it wants to be called next.
// Only for a sender made with Manual.
func (s *AudioSender) Step(now time.Time) time.Time { return now }

// Stats returns a snapshot.
func (s *AudioSender) Stats() AudioSenderStats { return AudioSenderStats{} }

// Close ends the sender's goroutine and waits for it, unless it is called from
// that goroutine (from Send, Speaking or the source). It is idempotent.
func (s *AudioSender) Close() error { return nil }
