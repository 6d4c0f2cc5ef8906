package media

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media/dtmf"
	"github.com/parley-rtc/parley/media/level"
)

// AudioSenderOptions configures an AudioSender.
type AudioSenderOptions struct {
	// Codec is what was negotiated for sending.
	Codec packet.Codec
	// ToneCodec is the negotiated telephone-event format with the clock rate of
	// Codec. The zero value, or another clock rate, means that tones cannot be
	// sent: SendTones then fails.
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
	// SourceErrors counts reads of the source that failed; the end of a source is none.
	SourceErrors uint64
	// SourceEnded tells that the present source has given io.EOF.
	SourceEnded bool
	// TonesSent counts DTMF events sent to their end.
	TonesSent uint64
	// TargetBitrate is the bitrate asked for, 0 while the codec decides.
	TargetBitrate int
	// AudioLevel is the level of the last frame of the source, 0 to 1 linear.
	AudioLevel float64
	// TotalAudioEnergy and TotalSamplesDuration (seconds) are as in webrtc-stats media-source.
	TotalAudioEnergy     float64
	TotalSamplesDuration float64
	// Speaking tells whether the local side speaks now.
	Speaking bool
	// Muted and Active are the switches as they stand.
	Muted, Active bool
}

const (
	// Silence is announced by so many packets, so that one of them arrives.
	silenceBurst = 3
	// Then it is kept alive by one in so many frames: 400 ms.
	silenceEvery = 20
	// maxCatchUp is how many frames are sent late at most after a stall.
	maxCatchUp = 5
	// fadeSamples is how fast the sound ends and begins when muted and unmuted: 5 ms.
	fadeSamples = 240
)

// AudioSender reads a source on a drift-free 20 ms schedule, encodes and sends.
// It starts inactive: the source is not read and nothing is sent before
// SetActive(true). All methods may be called from any goroutine.
//
// Muted means: the source is read on, so that it stays live, but what goes out
// is silence: a few packets of silence first, so that the far end fades out and
// knows that this is no loss, then one every 400 ms. The RTP timestamp runs on.
// Inactive (on hold) means the same silence, and the source is not read. A
// source that failed or has ended is silent in the same way.
//
// After a stall of the process the sender catches up with at most five frames
// and skips the rest; timestamps stay true to the clock.
type AudioSender struct {
	codec     packet.Codec
	toneCodec packet.Codec
	send      func(*packet.Packet) error
	speaking  func(bool)
	logger    *slog.Logger

	wake chan struct{} // the schedule begins, or the sender was closed
	done chan struct{} // the goroutine has ended

	mu       sync.Mutex
	source   AudioSource
	turn     int  // counts the sources, which may not be comparable
	failing  bool // the present source has failed before
	muted    bool
	active   bool
	closed   bool
	calling  bool // the goroutine is in code of the app
	bitrate  int
	loss     float64
	retune   bool
	tones    *dtmf.Sender
	stats    AudioSenderStats
	schedule schedule

	// What follows belongs to whoever runs Step.
	encoder   AudioEncoder
	detector  *level.Detector
	talk      level.Speaking
	pcm       [AudioFrameSamples]int16
	sequence  uint16
	timestamp uint32 // of frame 0
	frame     uint64 // number of the frame in the making
	quiet     int    // frames of silence so far, -1 before the first sound
	heard     bool   // the last frame was sound
	gap       bool   // the last frame was not sent
	started   bool
}

// schedule is a clock of frames that does not drift.
type schedule struct {
	next  time.Time
	every time.Duration
}

// due tells how many frames are due at a time, at most so many, and how many
// beyond them are given up.
func (s *schedule) due(now time.Time, most int) (frames, skipped int) {
	if now.Before(s.next) {
		return 0, 0
	}
	frames = int(now.Sub(s.next)/s.every) + 1
	if frames > most {
		return most, frames - most
	}
	return frames, 0
}

// NewAudioSender makes a sender and, unless options.Manual, starts its goroutine.
func NewAudioSender(options *AudioSenderOptions) (*AudioSender, error) {
	if options == nil || options.Send == nil {
		return nil, errors.New("media: AudioSenderOptions.Send is required")
	}
	encoder, err := NewAudioEncoder(options.Codec, &EncoderOptions{Bitrate: options.Bitrate})
	if err != nil {
		return nil, err
	}
	s := &AudioSender{
		codec: options.Codec, toneCodec: options.ToneCodec, send: options.Send, speaking: options.Speaking,
		logger: orSilent(options.Logger),
		wake:   make(chan struct{}, 1), done: make(chan struct{}),
		source: options.Source, bitrate: options.Bitrate,
		schedule: schedule{every: AudioFrameDuration},
		encoder:  encoder, detector: level.NewDetector(AudioSampleRate),
		sequence: uint16(rand.Uint32()), timestamp: rand.Uint32(), quiet: -1,
	}
	if s.codec.ClockRate == 0 {
		s.codec.ClockRate = AudioSampleRate
	}
	if strings.EqualFold(s.toneCodec.Name, "telephone-event") && s.toneCodec.ClockRate == s.codec.ClockRate {
		s.tones = dtmf.NewSender(&dtmf.SenderOptions{ClockRate: s.toneCodec.ClockRate})
	}
	if options.Manual {
		close(s.done)
	} else {
		go s.run()
	}
	return s, nil
}

func orSilent(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// SetSource changes the source at the next frame. Nil sends silence. The sender never closes a source.
func (s *AudioSender) SetSource(source AudioSource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.source, s.failing, s.stats.SourceEnded = source, false, false
	s.turn++
}

// SetMuted switches between the source and silence.
func (s *AudioSender) SetMuted(muted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted = muted
}

// SetActive starts and stops the sending: false before the call is accepted and while on hold.
func (s *AudioSender) SetActive(active bool) {
	s.mu.Lock()
	s.active = active
	s.mu.Unlock()
	if active {
		s.signal()
	}
}

func (s *AudioSender) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SendTones queues DTMF digits: 0 to 9, *, #, A to D, comma for a pause of 2 s.
// It returns at once; the tones stand in place of the audio while they last.
// ErrToneDigit, ErrTonesNotNegotiated and ErrClosed are possible.
func (s *AudioSender) SendTones(digits string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.tones == nil:
		return ErrTonesNotNegotiated
	}
	err := s.tones.Queue(digits)
	if errors.Is(err, dtmf.ErrDigit) {
		return errors.Join(ErrToneDigit, err)
	}
	return err
}

// SetTargetBitrate sets the codec's bitrate in bits a second.
func (s *AudioSender) SetTargetBitrate(bps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bitrate, s.retune = bps, true
}

// SetExpectedLoss tells the codec the share of packets, 0 to 1, that may get lost.
func (s *AudioSender) SetExpectedLoss(fraction float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loss, s.retune = fraction, true
}

// Stats returns a snapshot.
func (s *AudioSender) Stats() AudioSenderStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Codec, st.TargetBitrate, st.Muted, st.Active = s.codec.Name, s.bitrate, s.muted, s.active
	return st
}

// Close ends the sender. When it returns, no source, Send or Speaking is called
// any more; only if one of them is running at this moment, perhaps being the
// caller, Close does not wait for its end. It is idempotent.
func (s *AudioSender) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	calling := s.calling
	s.mu.Unlock()
	s.signal()
	select {
	case <-s.done:
		if first {
			// Only a manual sender comes here without its goroutine having done it.
			s.encoder.Close()
		}
		return nil
	default:
	}
	if !calling {
		<-s.done
	}
	return nil
}

// run is the sender's goroutine.
func (s *AudioSender) run() {
	defer close(s.done)
	defer s.encoder.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-s.wake:
		case <-timer.C:
		}
		next := s.Step(time.Now())
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return
		}
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// Step does what is due at now and returns when it wants to be called next,
// the zero time while there is nothing to do before SetActive. Only for a
// sender made with Manual, from one goroutine at a time.
func (s *AudioSender) Step(now time.Time) time.Time {
	s.mu.Lock()
	if !s.started {
		if !s.active || s.closed {
			s.mu.Unlock()
			return time.Time{}
		}
		s.started = true
		s.schedule.next = now
	}
	frames, skipped := s.schedule.due(now, maxCatchUp)
	s.stats.FramesSkipped += uint64(skipped)
	s.mu.Unlock()
	// What is skipped comes first: the frames sent are the newest.
	s.advance(skipped)
	for range frames {
		if !s.oneFrame() {
			break
		}
		s.advance(1)
	}
	return s.schedule.next
}

func (s *AudioSender) advance(frames int) {
	s.frame += uint64(frames)
	s.schedule.next = s.schedule.next.Add(time.Duration(frames) * s.schedule.every)
	if frames > 1 {
		s.gap = true
	}
}

// enter notes that code of the app will run; false when the sender is closed.
func (s *AudioSender) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calling = !s.closed
	return s.calling
}

func (s *AudioSender) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calling = false
}

// eof tells whether a source has ended for good.
func eof(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, ErrClosed) }
