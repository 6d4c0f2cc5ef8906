package media

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media/dtmf"
	"github.com/parley-rtc/parley/media/jitter"
	"github.com/parley-rtc/parley/media/level"
	"github.com/parley-rtc/parley/media/opus"
)

// AudioReceiver turns packets of one far side into a gapless stream of 48 kHz
// audio: jitter buffer, decoder, concealment, time stretching. Push and Pull
// may be called from different goroutines; Pull from one at a time.
type AudioReceiver struct {
	tone     func(rune)
	speaking func(bool)
	sink     EncodedAudioSink
	now      func() time.Time
	logger   *slog.Logger

	mu      sync.Mutex
	formats [128]*format
	player  *jitter.Player
	muted   bool
	closed  bool
	stats   AudioReceiverStats

	detector *level.Detector
	talk     level.Speaking

	stream      uint32 // SSRC of the time line below
	streamKnown bool
	streamTime  int64  // unwrapped timestamp of the newest packet since the first
	streamLast  uint32 // its timestamp
}

// format is one negotiated payload type.
type format struct {
	codec   packet.Codec
	kind    formatKind
	decoder AudioDecoder
	events  *dtmf.Receiver
	failed  bool
}

type formatKind uint8

const (
	formatOpus formatKind = iota + 1
	// formatSampled has one byte for each tick of an 8 kHz clock: G.711 and G.722.
	formatSampled
	formatEvents
)

// NewAudioReceiver makes a receiver. It has no goroutine. Formats that the
// registry does not know are ignored.
func NewAudioReceiver(options *AudioReceiverOptions) (*AudioReceiver, error) {
	var o AudioReceiverOptions
	if options != nil {
		o = *options
	}
	r := &AudioReceiver{
		tone: o.Tone, speaking: o.Speaking, sink: o.Encoded, now: o.Now, logger: orSilent(o.Logger),
		detector: level.NewDetector(AudioSampleRate),
	}
	if r.now == nil {
		r.now = time.Now
	}
	for _, codec := range o.Codecs {
		f := &format{codec: codec}
		if f.codec.ClockRate == 0 {
			f.codec.ClockRate = AudioSampleRate
		}
		switch strings.ToLower(codec.Name) {
		case "opus":
			f.kind = formatOpus
		case "g722", "pcmu", "pcma":
			f.kind = formatSampled
		case "telephone-event":
			f.kind, f.events = formatEvents, dtmf.NewReceiver(f.codec.ClockRate)
		default:
			// Its packets count as unknown; the others are no worse for it.
			r.logger.Warn("audio format ignored", "codec", codec.Name)
			continue
		}
		r.formats[codec.PayloadType&0x7f] = f
	}
	r.player = jitter.NewPlayer(&jitter.PlayerOptions{
		Buffer:  jitter.Options{MinDelay: o.MinDelay, MaxDelay: o.MaxDelay, PullInterval: PlayoutFrameDuration},
		Decoder: r.decoderOf,
	})
	return r, nil
}

// decoderOf returns the decoder that Push has made. The lock is held.
func (r *AudioReceiver) decoderOf(payloadType uint8) jitter.Decoder {
	if f := r.formats[payloadType&0x7f]; f != nil && f.decoder != nil {
		return f.decoder
	}
	return nil
}

// Push takes one packet. It never blocks and keeps no more than the jitter buffer's bound.
func (r *AudioReceiver) Push(p *packet.Packet) {
	arrival := p.Arrival
	if arrival.IsZero() {
		arrival = r.now()
	}
	r.mu.Lock()
	f := r.formats[p.PayloadType&0x7f]
	switch {
	case r.closed:
		r.mu.Unlock()
		return
	case f == nil:
		r.stats.PacketsUnknown++
		r.mu.Unlock()
		return
	case f.kind == formatEvents:
		digits := r.pushEvent(f, p, arrival)
		r.mu.Unlock()
		for _, d := range digits {
			if !d.Ended && r.tone != nil {
				r.tone(d.Digit)
			}
		}
		return
	}
	frame, ok := r.pushAudio(f, p, arrival)
	r.mu.Unlock()
	if ok && r.sink != nil {
		if err := r.sink.WriteEncodedAudio(frame); err != nil {
			r.logger.Warn("encoded audio sink failed", "error", err)
		}
	}
}

// pushEvent takes a telephone event. The lock is held.
func (r *AudioReceiver) pushEvent(f *format, p *packet.Packet, arrival time.Time) []dtmf.Received {
	r.player.Push(jitter.Packet{
		Sequence: p.SequenceNumber, Timestamp: p.Timestamp, SSRC: p.SSRC, ClockRate: r.clockRate(f), Empty: true,
	}, arrival)
	digits, err := f.events.Push(p.Timestamp, p.Payload, arrival)
	if err != nil {
		r.stats.DecodeErrors++
	}
	for _, d := range digits {
		if !d.Ended {
			r.stats.TonesReceived++
		}
	}
	return digits
}

// clockRate is that of the audio among which the events of f came.
func (r *AudioReceiver) clockRate(f *format) uint32 {
	for _, other := range r.formats {
		if other != nil && other.decoder != nil && strings.EqualFold(other.codec.Name, r.stats.Codec) {
			return other.codec.ClockRate
		}
	}
	return f.codec.ClockRate
}

// pushAudio takes a packet of a codec. The lock is held.
func (r *AudioReceiver) pushAudio(f *format, p *packet.Packet, arrival time.Time) (EncodedAudio, bool) {
	q := jitter.Packet{
		Sequence: p.SequenceNumber, Timestamp: p.Timestamp, SSRC: p.SSRC, ClockRate: f.codec.ClockRate,
		PayloadType: p.PayloadType & 0x7f, Payload: p.Payload,
		Silence: p.HasAudioLevel && p.AudioLevel >= level.Silence,
	}
	if len(p.Payload) == 0 {
		q.Empty = true
		r.player.Push(q, arrival)
		return EncodedAudio{}, false
	}
	if f.decoder == nil && !f.failed {
		decoder, err := NewAudioDecoder(f.codec)
		if err != nil {
			r.logger.Error("no decoder", "codec", f.codec.Name, "error", err)
			f.failed = true
		} else {
			f.decoder = decoder
		}
	}
	switch f.kind {
	case formatOpus:
		if info, err := opus.Parse(p.Payload); err == nil {
			q.Duration, q.FEC = uint32(info.Samples()), info.FEC
		}
		q.Silence = q.Silence || len(p.Payload) <= 2
	case formatSampled:
		q.Duration = uint32(len(p.Payload))
	case formatEvents:
	}
	r.player.Push(q, arrival)
	r.stats.PacketsReceived++
	r.stats.BytesReceived += uint64(len(p.Payload))
	r.stats.Codec, r.stats.SSRC, r.stats.LastPacket = f.codec.Name, p.SSRC, arrival
	return r.encodedFrame(f, p, q.Duration), true
}

// encodedFrame describes a packet for the sink of encoded frames.
func (r *AudioReceiver) encodedFrame(f *format, p *packet.Packet, ticks uint32) EncodedAudio {
	if r.sink == nil {
		return EncodedAudio{}
	}
	if !r.streamKnown || r.stream != p.SSRC {
		r.stream, r.streamKnown = p.SSRC, true
		r.streamTime, r.streamLast = 0, p.Timestamp
	}
	r.streamTime += int64(int32(p.Timestamp - r.streamLast))
	r.streamLast = p.Timestamp
	rate := time.Duration(f.codec.ClockRate)
	return EncodedAudio{
		Codec: f.codec.Name, Data: append([]byte(nil), p.Payload...),
		Timestamp: time.Duration(r.streamTime) * time.Second / rate,
		Duration:  time.Duration(ticks) * time.Second / rate,
	}
}

// Pull fills frame with the next samples; len(frame) should be PlayoutFrameSamples.
// It always fills the frame: with silence before the first packet and after Close.
func (r *AudioReceiver) Pull(frame []int16) { r.PullAt(r.now(), frame) }

// PullAt is Pull with the time given at which the frame begins to play.
func (r *AudioReceiver) PullAt(now time.Time, frame []int16) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		clear(frame)
		return
	}
	r.player.Pull(now, frame)
	on, changed := r.measure(frame)
	if r.muted {
		clear(frame)
	}
	r.mu.Unlock()
	if changed && r.speaking != nil {
		r.speaking(on)
	}
}

// measure takes the level of what is played. The lock is held.
func (r *AudioReceiver) measure(frame []int16) (on, changed bool) {
	rms := level.RMS(frame)
	length := time.Duration(len(frame)) * time.Second / AudioSampleRate
	on, changed = r.talk.Update(r.detector.Process(frame), length)
	r.stats.AudioLevel, r.stats.Speaking = rms, on
	r.stats.TotalAudioEnergy += rms * rms * length.Seconds()
	r.stats.TotalSamplesDuration += length.Seconds()
	return on, changed
}

// SetMuted makes Pull give silence while the stream runs on underneath.
func (r *AudioReceiver) SetMuted(muted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted = muted
}

// Stats returns a snapshot.
func (r *AudioReceiver) Stats() AudioReceiverStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, p := r.stats, r.player.Stats()
	s.PacketsDiscarded = p.Late + p.Dropped
	s.PacketsDuplicated = p.Duplicates
	s.DecodeErrors += p.DecodeErrors
	s.FECPacketsReceived = p.FEC
	s.JitterBufferDelay, s.JitterBufferTargetDelay = p.Delay, p.TargetTotal
	s.JitterBufferEmittedCount = p.Emitted
	s.TotalSamplesReceived = p.TotalSamples
	s.ConcealedSamples, s.SilentConcealedSamples = p.ConcealedSamples, p.SilentConcealedSamples
	s.ConcealmentEvents, s.ComfortSamples = p.ConcealmentEvents, p.ComfortSamples
	s.InsertedSamplesForDeceleration = p.InsertedSamplesForDeceleration
	s.RemovedSamplesForAcceleration = p.RemovedSamplesForAcceleration
	s.TargetDelay, s.CurrentDelay = p.Target, p.Current
	return s
}

// Close releases the decoders. It is idempotent.
func (r *AudioReceiver) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	for _, f := range r.formats {
		if f != nil && f.decoder != nil {
			f.decoder.Close()
		}
	}
	return nil
}
