package media

import (
	"log/slog"
	"sync"
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
	// SinkErrors counts frames that the sink refused; they count as decoded.
	SinkErrors uint64
	// FrameWidth and FrameHeight are the size of the last frame; zero when not known.
	FrameWidth  int
	FrameHeight int
	// FramesPerSecond is the number of frames given to the sink in the last second.
	FramesPerSecond float64
}

// inboxPackets bounds what Push keeps while the receiver is busy with its sink.
const inboxPackets = 4096

// VideoReceiver puts RTP packets in order, waits for repaired ones, assembles
// frames and gives them to a sink from a goroutine of its own. All methods may
// be called from any goroutine, also from the sink and the functions of the
// options.
type VideoReceiver struct {
	codecs  map[uint8]string
	request func()
	written func(EncodedFrame)
	logger  *slog.Logger
	wake    chan struct{}
	done    chan struct{}

	// The goroutine owns these.
	buffer *videoBuffer
	clock  videoClock
	freeze freezeMeter
	width  int
	height int

	mu     sync.Mutex
	inbox  []*packet.Packet
	sink   VideoSink
	fresh  bool // the sink has had no key frame yet
	demand bool // the application wants a key frame
	reset  bool
	rtt    time.Duration
	closed bool
	stats  VideoReceiverStats
}

// NewVideoReceiver makes a receiver and starts its goroutine. It fails with
// ErrUnknownCodec if none of the codecs is a video codec.
func NewVideoReceiver(options *VideoReceiverOptions) (*VideoReceiver, error) {
	r := &VideoReceiver{
		codecs: make(map[uint8]string), wake: make(chan struct{}, 1), done: make(chan struct{}),
		buffer: newVideoBuffer(), logger: slog.New(slog.DiscardHandler),
	}
	if options != nil {
		for _, c := range options.Codecs {
			if name := videoCodecName(c.Name); name != "" {
				r.codecs[c.PayloadType] = name
			}
		}
		r.request, r.written, r.sink = options.RequestKeyFrame, options.FrameWritten, options.Sink
		if options.Logger != nil {
			r.logger = options.Logger
		}
	}
	if len(r.codecs) == 0 {
		return nil, ErrUnknownCodec
	}
	go r.run()
	return r, nil
}

// Push takes a packet from the transport. It never blocks.
func (r *VideoReceiver) Push(p *packet.Packet) {
	if p == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.PacketsReceived++
	r.stats.BytesReceived += uint64(len(p.Payload))
	if _, known := r.codecs[p.PayloadType]; !known || r.closed || len(r.inbox) >= inboxPackets {
		r.stats.PacketsDiscarded++
		return
	}
	r.inbox = append(r.inbox, p)
	r.signal()
}

func (r *VideoReceiver) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// SetSink changes the sink; nil drops frames. A new sink gets a key frame first.
func (r *VideoReceiver) SetSink(sink VideoSink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sink, r.fresh = sink, true
	r.signal()
}

// RequestKeyFrame asks the far end for a key frame (RFC 4585 6.3.1), though
// nothing is missing here: the application's decoder has begun anew or has met an
// error. Frames go on until it comes. The request is repeated every 300 ms until
// a key frame is there, as long as packets come, and 2 s without any; further
// ones in that time change nothing, so that it may be called for every frame.
// Without a sink, and before a stream has begun, it does nothing: both begin with
// a key frame.
func (r *VideoReceiver) RequestKeyFrame() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.demand = true
	r.signal()
}

// SetRoundTripTime tells how long a repaired packet needs at the least, so that
// the receiver waits long enough but no longer. Until then 100 ms are assumed.
func (r *VideoReceiver) SetRoundTripTime(rtt time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rtt = max(rtt, 0)
}

// Reset tells that the far end stopped its video: what is half received is
// forgotten, and the time until it starts again is neither freeze nor pause.
func (r *VideoReceiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reset = true
	r.signal()
}

// Held tells that the call was put on hold just now, or goes on: the gap is
// neither freeze nor pause. What is under way is not lost by it.
func (r *VideoReceiver) Held() { r.pauseFreeze() }

// Stats returns what was counted so far.
func (r *VideoReceiver) Stats() VideoReceiverStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.FramesPerSecond = r.freeze.rate(time.Now())
	return s
}

// Close stops the receiver. It does not wait: a frame that is being written at
// the moment is written to its end, and Done tells when nothing more will
// come. It may be called more than once.
func (r *VideoReceiver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.inbox = nil
	r.signal()
}

// Done is closed when the receiver's goroutine has ended after Close.
func (r *VideoReceiver) Done() <-chan struct{} { return r.done }
