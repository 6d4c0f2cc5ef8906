package media

import (
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// VideoReceiverOptions set up a VideoReceiver.
type VideoReceiverOptions struct {
	// Codecs are the negotiated video codecs; the payload type of a packet selects one.
	Codecs []packet.Codec
	// Sink takes the frames; nil drops them until SetSink.
	Sink VideoSink
	// RequestKeyFrame asks the far end for a key frame (RFC 4585 6.3.1). It is
	// called from the receiver's goroutine, at most once in 300 ms.
	RequestKeyFrame func()
	// FrameWritten is called from the receiver's goroutine after each frame was
	// given to the sink. Nil means not interested.
	FrameWritten func(EncodedFrame)
	// Logger gets what goes wrong; nil means silence.
	Logger *slog.Logger
}

// VideoReceiverStats counts what a VideoReceiver did since it was made. Names
// and definitions follow webrtc-stats.
type VideoReceiverStats struct {
	Codec            string
	PacketsReceived  uint64
	PacketsDiscarded uint64
	// BytesReceived counts payload bytes.
	BytesReceived uint64
	// FramesReceived counts complete frames.
	FramesReceived uint64
	// FramesDecoded counts frames given to the sink.
	FramesDecoded uint64
	// KeyFramesDecoded counts key frames given to the sink.
	KeyFramesDecoded uint64
	// FramesDropped counts frames that were not given to the sink: incomplete
	// ones, and complete ones that no key frame made decodable.
	FramesDropped uint64
	// PLICount counts the key frames asked for.
	PLICount uint64
	// FreezeCount and TotalFreezesDuration count pauses between two frames of at
	// least max(3 × average, average + 150 ms) of the last 30 frame durations.
	FreezeCount          uint64
	TotalFreezesDuration time.Duration
	// PauseCount and TotalPausesDuration count gaps of more than 5 s, which are
	// pauses and no freezes.
	PauseCount          uint64
	TotalPausesDuration time.Duration
	// TotalAssemblyTime is the sum, over all frames of more than one packet, of
	// the time from the first packet to the last.
	TotalAssemblyTime time.Duration
	// FramesAssembledFromMultiplePackets counts these frames.
	FramesAssembledFromMultiplePackets uint64
	// FrameWidth and FrameHeight are the size of the last frame; zero when not known.
	FrameWidth  int
	FrameHeight int
	// FramesPerSecond is the number of frames given to the sink in the last second.
	FramesPerSecond float64
}

// VideoReceiver puts RTP packets in order, waits for repaired ones, assembles
// frames and gives them to a sink from a goroutine of its own. All methods may
// be called from any goroutine.
type VideoReceiver struct{}

// NewVideoReceiver makes a receiver and starts its goroutine.
func NewVideoReceiver(options *VideoReceiverOptions) (*VideoReceiver, error) {
	return &VideoReceiver{}, nil
}

// Push takes a packet from the transport. It never blocks.
func (r *VideoReceiver) Push(p *packet.Packet) {}

// SetSink changes the sink; nil drops frames. A new sink gets a key frame first.
func (r *VideoReceiver) SetSink(sink VideoSink) {}

// SetRoundTripTime tells how long a repaired packet needs at the least, so that
// the receiver waits long enough but no longer.
func (r *VideoReceiver) SetRoundTripTime(rtt time.Duration) {}

// Reset tells that the far end stopped its video: what is half received is
// forgotten, and the time until it starts again is neither freeze nor pause.
func (r *VideoReceiver) Reset() {}

// Stats returns what was counted so far.
func (r *VideoReceiver) Stats() VideoReceiverStats { return VideoReceiverStats{} }

// Close stops the receiver and waits for its goroutine, except when it is
// called from the sink or a function of the options. It may be called more
// than once.
func (r *VideoReceiver) Close() {}
