package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// ErrCodecMismatch reports a source whose codec was not negotiated.
var ErrCodecMismatch = errors.New("media: the codec of the video does not fit")

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
	Codec         string
	FramesSent    uint64
	KeyFramesSent uint64
	// FramesDropped counts frames that were read and not sent: those before the
	// first key frame, and those that no payload format can carry.
	FramesDropped uint64
	PacketsSent   uint64
	// BytesSent counts payload bytes.
	BytesSent uint64
	// SendErrors counts packets that Send refused.
	SendErrors uint64
	// PLICount counts the key frames that the far end asked for.
	PLICount uint64
	// TargetBitrate is what SetTargetBitrate told last.
	TargetBitrate int
	// FrameWidth and FrameHeight are the size of the last frame that told one.
	FrameWidth  int
	FrameHeight int
	// HugeFramesSent counts frames of at least 2.5 times the average size.
	HugeFramesSent uint64
}

// VideoSender reads frames from a source, cuts them into RTP packets and paces
// them out from a goroutine of its own. All methods may be called from any
// goroutine, also from Send and Ended.
type VideoSender struct {
	codecs []packet.Codec
	send   func(*packet.Packet) error
	ended  func(VideoSource, error)
	logger *slog.Logger
	mtu    int
	wake   chan struct{}
	done   chan struct{}
	out    videoOutput // owned by the goroutine

	mu      sync.Mutex
	source  VideoSource
	active  bool
	closed  bool
	cancel  context.CancelFunc // of the read that is going on
	epoch   int                // counts changes of source and activity
	asked   time.Time          // when the source was asked for a key frame
	pending bool               // a request waits for its turn
	stats   VideoSenderStats
}

// NewVideoSender makes a sender and starts its goroutine. It fails with
// ErrUnknownCodec if none of the codecs is a video codec, and with
// ErrCodecMismatch if the source does not fit.
func NewVideoSender(options *VideoSenderOptions) (*VideoSender, error) {
	if options == nil || options.Send == nil {
		return nil, errors.New("media: a video sender needs Send")
	}
	s := &VideoSender{
		send: options.Send, ended: options.Ended, logger: options.Logger, mtu: options.MTU,
		wake: make(chan struct{}, 1), done: make(chan struct{}), active: !options.Inactive, out: newVideoOutput(),
	}
	for _, c := range options.Codecs {
		if videoCodecName(c.Name) != "" {
			s.codecs = append(s.codecs, c)
		}
	}
	if len(s.codecs) == 0 {
		return nil, ErrUnknownCodec
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.mtu <= 0 {
		s.mtu = defaultMTU
	}
	// Payload formats need some room for their own headers.
	s.mtu = min(max(s.mtu, 200), 9000)
	if err := s.SetSource(options.Source); err != nil {
		return nil, err
	}
	go s.run()
	return s, nil
}

// defaultMTU leaves room for RTP, SRTP, UDP, IP and a relay in 1280 bytes.
const defaultMTU = 1180

// codecOf finds the negotiated codec for a source.
func (s *VideoSender) codecOf(source VideoSource) (packet.Codec, bool) {
	name := videoCodecName(source.Codec())
	for _, c := range s.codecs {
		if name != "" && videoCodecName(c.Name) == name {
			return c, true
		}
	}
	return packet.Codec{}, false
}

// SetSource changes the source; nil stops sending. The new source is asked for
// a key frame, and what it gives before one is not sent. It fails with
// ErrCodecMismatch and then leaves the old source in place, and with ErrClosed.
func (s *VideoSender) SetSource(source VideoSource) error {
	if source != nil {
		if _, ok := s.codecOf(source); !ok {
			return fmt.Errorf("%w: %q was not negotiated", ErrCodecMismatch, source.Codec())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.source = source
	s.change()
	return nil
}

// change makes the goroutine look at what is to be done; s.mu is held.
func (s *VideoSender) change() {
	s.epoch++
	if s.cancel != nil {
		s.cancel()
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SetActive starts or stops the sending. A stopped sender does not read its
// source; when it starts again it asks for a key frame first.
func (s *VideoSender) SetActive(active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != active {
		s.active = active
		s.change()
	}
}

// KeyFrameRequested passes the far end's request on to the source, at most once
// in 300 ms: a request that comes sooner is passed on later.
func (s *VideoSender) KeyFrameRequested() {
	s.mu.Lock()
	s.stats.PLICount++
	s.pending = true
	s.mu.Unlock()
	s.askSource(time.Now())
}

// askSource passes a request on when it is time. The source is called without
// the lock.
func (s *VideoSender) askSource(now time.Time) {
	s.mu.Lock()
	source := s.source
	due := s.pending && s.active && source != nil && (s.asked.IsZero() || now.Sub(s.asked) >= keyFrameInterval)
	if due {
		s.pending, s.asked = false, now
	}
	s.mu.Unlock()
	if due {
		source.RequestKeyFrame()
	}
}

// SetTargetBitrate passes the rate that the network carries on to the source
// and to the pacing.
func (s *VideoSender) SetTargetBitrate(bps int) {
	bps = max(bps, 0)
	s.mu.Lock()
	s.stats.TargetBitrate = bps
	source := s.source
	s.mu.Unlock()
	if source != nil {
		source.SetTargetBitrate(bps)
	}
}

// Stats returns what was counted so far.
func (s *VideoSender) Stats() VideoSenderStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close stops the sender. It does not wait: a packet that is being sent at the
// moment is sent, and Done tells when nothing more will come. It may be called
// more than once.
func (s *VideoSender) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed, s.source = true, nil
		s.change()
	}
}

// Done is closed when the sender's goroutine has ended after Close.
func (s *VideoSender) Done() <-chan struct{} { return s.done }
