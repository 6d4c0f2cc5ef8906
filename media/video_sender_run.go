package media

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

const (
	// paceStep is the time between two groups of packets of one frame.
	paceStep = 5 * time.Millisecond
	// paceFactor is how much faster than the target bitrate a frame goes out.
	paceFactor = 2.5
	// paceShare is the most of a frame interval that one frame may take.
	paceShare = 0.75
	// paceUnlimited stands in for a target that is not known, in bits per second.
	paceUnlimited = 10e6
	// paceBurst is how many packets go out at once in any case.
	paceBurst = 3

	// hugeFactor makes a frame huge, against the average size (webrtc-stats).
	hugeFactor = 2.5
)

// videoOutput is the RTP state of a sender.
type videoOutput struct {
	sequence  uint16
	base      uint32 // RTP timestamp of the beginning
	began     time.Time
	payloader *payloader
	codec     packet.Codec

	epoch     int
	waitKey   bool
	mapped    bool          // offset is set for this source
	offset    time.Duration // from the source's clock to ours
	last      time.Duration // of the last frame on our clock
	sentAny   bool
	interval  time.Duration // between frames, smoothed
	meanBytes float64
}

func newVideoOutput() videoOutput {
	return videoOutput{sequence: uint16(rand.Uint32()), base: rand.Uint32(), epoch: -1, interval: 33 * time.Millisecond}
}

// run is the sender's goroutine.
func (s *VideoSender) run() {
	defer close(s.done)
	s.out.began = time.Now()
	for {
		ctx, source, codec, closed := s.begin()
		if closed {
			return
		}
		if source == nil {
			<-s.wake
			continue
		}
		s.askSource(time.Now())
		frame, err := source.ReadVideo(ctx)
		if changed := s.finish(); changed {
			continue
		}
		if err != nil {
			s.lose(source, err)
			continue
		}
		s.frame(codec, source, frame)
	}
}

// begin prepares a read. Without a source, or while stopped, source is nil.
func (s *VideoSender) begin() (ctx context.Context, source VideoSource, codec packet.Codec, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, codec, true
	}
	if s.source == nil || !s.active {
		return nil, nil, codec, false
	}
	codec, _ = s.codecOf(s.source)
	ctx, s.cancel = context.WithCancel(context.Background())
	if s.out.epoch != s.epoch {
		s.out.epoch = s.epoch
		s.out.mapped, s.out.waitKey = false, true
		// A request of the old source does not count for the new one.
		s.asked, s.pending = time.Time{}, true
	}
	return ctx, s.source, codec, false
}

// finish ends a read and reports whether the source or the activity changed
// meanwhile, so that what was read is of no use.
func (s *VideoSender) finish() (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel()
	s.cancel = nil
	return s.closed || s.epoch != s.out.epoch
}

// lose handles the end of a source.
func (s *VideoSender) lose(source VideoSource, err error) {
	s.mu.Lock()
	if s.source == source {
		s.source = nil
	}
	s.mu.Unlock()
	s.logger.Debug("video source ended", "error", err)
	if s.ended != nil {
		s.ended(source, err)
	}
}

// frame sends one frame.
func (s *VideoSender) frame(codec packet.Codec, source VideoSource, frame EncodedFrame) {
	name := videoCodecName(codec.Name)
	if videoCodecName(frame.Codec) != name && frame.Codec != "" {
		s.lose(source, errors.Join(ErrCodecMismatch, errors.New("media: the source changed its codec")))
		return
	}
	o := &s.out
	if o.payloader == nil || o.payloader.codec != name {
		o.payloader = newPayloader(name, s.mtu)
	}
	o.codec = codec
	var payloads [][]byte
	if !o.waitKey || frame.KeyFrame {
		payloads = o.payloader.payload(frame.Data)
	}
	if len(payloads) == 0 {
		s.drop()
		return
	}
	o.waitKey = false
	timestamp := o.timestamp(time.Now(), frame.Timestamp)
	s.account(frame, name, o.huge(len(frame.Data)))
	s.pace(payloads, timestamp, len(frame.Data))
}

// drop counts a frame that is not sent; while a key frame is waited for, it is
// asked for again.
func (s *VideoSender) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.FramesDropped++
	s.pending = s.pending || s.out.waitKey
}

func (s *VideoSender) account(frame EncodedFrame, codec string, huge bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Codec = codec
	s.stats.FramesSent++
	if frame.KeyFrame {
		s.stats.KeyFramesSent++
	}
	if huge {
		s.stats.HugeFramesSent++
	}
	if frame.Width > 0 {
		s.stats.FrameWidth, s.stats.FrameHeight = frame.Width, frame.Height
	}
}

// timestamp maps the source's time to RTP. Sources have clocks of their own:
// each begins on ours where it is read first, and none may go back.
func (o *videoOutput) timestamp(now time.Time, at time.Duration) uint32 {
	ours := at + o.offset
	if !o.mapped || o.sentAny && (ours <= o.last || ours > o.last+time.Minute) {
		ours = now.Sub(o.began)
		if o.sentAny {
			ours = max(ours, o.last+time.Millisecond)
		}
		o.offset, o.mapped = ours-at, true
	}
	if step := ours - o.last; o.sentAny && step < time.Second {
		o.interval += (min(max(step, 5*time.Millisecond), 100*time.Millisecond) - o.interval) / 8
	}
	o.last, o.sentAny = ours, true
	// In two parts, so that days of time do not overflow.
	seconds, rest := ours/time.Second, ours%time.Second
	return o.base + uint32(int64(seconds)*videoClockRate+int64(rest)*videoClockRate/int64(time.Second))
}

// huge tells whether a frame is far above the average size.
func (o *videoOutput) huge(bytes int) bool {
	size := float64(bytes)
	huge := o.meanBytes > 0 && size >= hugeFactor*o.meanBytes
	if o.meanBytes == 0 {
		o.meanBytes = size
	}
	o.meanBytes += (size - o.meanBytes) / 16
	return huge
}

// pace sends the packets of a frame, a large one in groups.
func (s *VideoSender) pace(payloads [][]byte, timestamp uint32, bytes int) {
	s.mu.Lock()
	target := float64(s.stats.TargetBitrate)
	s.mu.Unlock()
	if target <= 0 {
		target = paceUnlimited / paceFactor
	}
	budget := time.Duration(float64(bytes*8) / (target * paceFactor) * float64(time.Second))
	budget = min(budget, time.Duration(float64(s.out.interval)*paceShare))
	steps := max(int(budget/paceStep), 1)
	group := max((len(payloads)+steps-1)/steps, paceBurst)
	var timer *time.Timer
	hurry := false
	for i, payload := range payloads {
		if i > 0 && i%group == 0 && !hurry {
			if timer == nil {
				timer = time.NewTimer(paceStep)
				defer timer.Stop()
			} else {
				timer.Reset(paceStep)
			}
			<-timer.C
		}
		var closed bool
		if closed, hurry = s.changed(); closed {
			return
		}
		s.sendOne(payload, timestamp, i == len(payloads)-1)
	}
}

// changed tells whether the sender was closed, and whether something else is to
// be sent next. A frame that was begun is finished then: half of one would look
// like a whole one to the far end.
func (s *VideoSender) changed() (closed, other bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed, s.epoch != s.out.epoch
}

func (s *VideoSender) sendOne(payload []byte, timestamp uint32, last bool) {
	p := &packet.Packet{
		PayloadType: s.out.codec.PayloadType, Marker: last, SequenceNumber: s.out.sequence,
		Timestamp: timestamp, Payload: payload,
	}
	s.out.sequence++
	err := s.send(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.stats.SendErrors++
		return
	}
	s.stats.PacketsSent++
	s.stats.BytesSent += uint64(len(payload))
}
