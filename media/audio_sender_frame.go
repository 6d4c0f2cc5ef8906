package media

import (
	"strings"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media/dtmf"
	"github.com/parley-rtc/parley/media/level"
)

// capture is what one frame of a source gave.
type capture struct {
	sound   bool   // there is something to send
	encoded []byte // the payload, if the source has one already
	rms     float64
	voice   bool
}

// oneFrame reads, encodes and sends one frame. It returns false when the sender is closed.
func (s *AudioSender) oneFrame() bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	source, turn, muted, active := s.source, s.turn, s.muted, s.active
	if s.stats.SourceEnded {
		source = nil
	}
	retune, bitrate, loss := s.retune, s.bitrate, s.loss
	s.retune = false
	tones, busy := s.toneStep()
	s.mu.Unlock()

	if retune {
		if bitrate > 0 {
			s.encoder.SetBitrate(bitrate)
		}
		s.encoder.SetExpectedLoss(loss)
	}
	c := s.capture(source, turn, active)
	s.note(c, !muted)
	if muted {
		c = s.mute(c)
	} else if s.quiet >= 0 && c.sound && !s.heard {
		fade(s.pcm[:fadeSamples], true)
	}
	s.heard = c.sound && !muted
	for _, t := range tones {
		s.transmit(&packet.Packet{
			PayloadType: s.toneCodec.PayloadType, Marker: t.Marker, Timestamp: t.Timestamp, Payload: t.Payload,
		}, false)
		if t.Ended {
			s.mu.Lock()
			s.stats.TonesSent++
			s.mu.Unlock()
		}
	}
	if busy {
		s.gap = true
		return true
	}
	s.deliver(c)
	return true
}

// toneStep asks for the events of this frame. The lock is held.
func (s *AudioSender) toneStep() (packets []dtmf.Packet, busy bool) {
	if s.tones == nil || !s.active || !s.tones.Busy() {
		return nil, false
	}
	return s.tones.Step(s.rtpTime())
}

// rtpTime is the RTP timestamp of the frame in the making.
func (s *AudioSender) rtpTime() uint32 {
	return s.timestamp + uint32(s.frame*uint64(s.codec.ClockRate)/50)
}

// capture reads the source.
func (s *AudioSender) capture(source AudioSource, turn int, active bool) capture {
	if source == nil || !active || !s.enter() {
		clear(s.pcm[:])
		return capture{}
	}
	var c capture
	var err error
	if e, ok := source.(EncodedAudioSource); ok && strings.EqualFold(e.EncodedCodec(), s.codec.Name) {
		var frame EncodedAudio
		frame, err = e.ReadEncodedAudio()
		c.encoded, c.sound = frame.Data, len(frame.Data) > 0
		clear(s.pcm[:])
	} else {
		err = source.ReadAudio(s.pcm[:])
		c.sound = true
	}
	s.leave()
	if err != nil {
		s.failed(turn, err)
		clear(s.pcm[:])
		return capture{}
	}
	if c.encoded == nil {
		c.rms = level.RMS(s.pcm[:])
		c.voice = s.detector.Process(s.pcm[:])
	}
	return c
}

// failed notes an error of a source.
func (s *AudioSender) failed(turn int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn != turn {
		return
	}
	if eof(err) {
		s.stats.SourceEnded = true
		return
	}
	if !s.failing {
		s.logger.Warn("audio source failed", "error", err)
	}
	s.failing = true
	s.stats.SourceErrors++
}

// mute takes the sound away: softly in the first frame.
func (s *AudioSender) mute(c capture) capture {
	if c.sound && s.heard && c.encoded == nil {
		fade(s.pcm[:fadeSamples], false)
		clear(s.pcm[fadeSamples:])
		return capture{sound: true}
	}
	clear(s.pcm[:])
	return capture{}
}

func fade(pcm []int16, in bool) {
	for i, v := range pcm {
		k := i
		if !in {
			k = len(pcm) - 1 - i
		}
		pcm[i] = int16(int(v) * k / len(pcm))
	}
}

// note keeps the level of the source and tells when speaking begins and ends.
func (s *AudioSender) note(c capture, open bool) {
	var on, changed bool
	if open && c.sound {
		on, changed = s.talk.Update(c.voice, AudioFrameDuration)
	} else {
		changed = s.talk.Stop()
	}
	s.mu.Lock()
	s.stats.AudioLevel = c.rms
	s.stats.TotalAudioEnergy += c.rms * c.rms * AudioFrameDuration.Seconds()
	s.stats.TotalSamplesDuration += AudioFrameDuration.Seconds()
	s.stats.Speaking = on
	s.mu.Unlock()
	if changed && s.speaking != nil && s.enter() {
		s.speaking(on)
		s.leave()
	}
}

// deliver encodes and sends the frame, or the silence that stands for it.
func (s *AudioSender) deliver(c capture) {
	p := &packet.Packet{
		PayloadType: s.codec.PayloadType, Timestamp: s.rtpTime(),
		HasAudioLevel: true, AudioLevel: level.Silence,
	}
	if c.sound {
		s.quiet = 0
		if c.encoded == nil {
			p.AudioLevel, p.Voice = level.FromRMS(c.rms), c.voice
		} else {
			// Nothing is known of it; it must not pass for silence.
			p.HasAudioLevel = false
		}
	} else {
		if s.quiet < 0 {
			s.quiet = 0
		}
		s.quiet++
		if s.quiet > silenceBurst && (s.quiet-silenceBurst)%silenceEvery != 0 {
			s.gap = true
			return
		}
	}
	p.Payload = c.encoded
	if p.Payload == nil {
		payload, err := s.encoder.Encode(s.pcm[:])
		if err != nil {
			s.mu.Lock()
			s.stats.EncodeErrors++
			s.mu.Unlock()
			s.gap = true
			return
		}
		p.Payload = payload
	}
	if len(p.Payload) == 0 {
		s.gap = true
		return
	}
	// The first packet after a pause (RFC 3551 4.1).
	p.Marker = s.gap || s.frame == 0
	s.gap = false
	s.transmit(p, true)
}

// transmit gives a packet its number and sends it.
func (s *AudioSender) transmit(p *packet.Packet, audio bool) {
	if !s.enter() {
		return
	}
	p.SequenceNumber = s.sequence
	s.sequence++
	size := len(p.Payload)
	err := s.send(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calling = false
	if err != nil {
		s.stats.SendErrors++
		return
	}
	if audio {
		s.stats.PacketsSent++
		s.stats.BytesSent += uint64(size)
	}
}
