package dtmf

import (
	"fmt"
	"time"
)

// Pause is the character for a pause among the digits.
const Pause = ','

// maxQueue bounds the digits that wait.
const maxQueue = 1024

// endRepeats is how often the end of an event is sent in all (RFC 4733 2.5.1.4).
const endRepeats = 3

// SenderOptions set up a Sender.
type SenderOptions struct {
	// ClockRate is that of the event format, in hertz; zero means 48000.
	ClockRate uint32
	// ToneDuration is how long each digit lasts; zero means 100 ms.
	ToneDuration time.Duration
	// Gap is the least time between two digits; zero means 70 ms.
	Gap time.Duration
	// PauseDuration is what a comma stands for; zero means 2 s.
	PauseDuration time.Duration
	// Volume is the level in -dBm0, 1 to 63; zero means 10.
	Volume uint8
}

// Packet is what to send at one step.
type Packet struct {
	// Timestamp is that of the event's, or segment's, beginning.
	Timestamp uint32
	// Marker is set on the first packet of an event.
	Marker bool
	// Payload is the event.
	Payload []byte
	// Ended tells that this is the first packet with the end of the event.
	Ended bool
}

// Sender turns digits into events. It has no clock: whoever owns it calls Step.
// It is not safe for use from several goroutines.
type Sender struct {
	rate              uint32
	tone, gap, silent uint32 // in timestamp units
	volume            uint8
	queue             []rune

	phase   phase
	code    uint8
	began   uint32 // timestamp of the event or of the current segment
	earlier uint32 // length of earlier segments
	left    int    // end packets to send
	until   uint32 // end of the gap or pause
}

type phase uint8

const (
	idle phase = iota
	sounding
	ending
	waiting
)

// NewSender makes a sender. Nil options mean the zero value.
func NewSender(options *SenderOptions) *Sender {
	var o SenderOptions
	if options != nil {
		o = *options
	}
	s := &Sender{rate: o.ClockRate, volume: min(o.Volume, 63)}
	if s.rate == 0 {
		s.rate = 48000
	}
	if s.volume == 0 {
		s.volume = 10
	}
	s.tone = s.units(o.ToneDuration, 100*time.Millisecond)
	s.gap = s.units(o.Gap, 70*time.Millisecond)
	s.silent = s.units(o.PauseDuration, 2*time.Second)
	return s
}

func (s *Sender) units(d, otherwise time.Duration) uint32 {
	if d <= 0 {
		d = otherwise
	}
	// Ten seconds is far beyond any use and keeps the arithmetic in range.
	return uint32(min(d, 10*time.Second).Seconds() * float64(s.rate))
}

// Queue appends digits: 0 to 9, *, #, A to D and commas. It takes all of them
// or none, and fails with ErrDigit or ErrFull.
func (s *Sender) Queue(text string) error {
	list := []rune(text)
	for _, r := range list {
		if r == Pause {
			continue
		}
		if _, err := Code(r); err != nil {
			return err
		}
	}
	if len(s.queue)+len(list) > maxQueue {
		return fmt.Errorf("%w: %d", ErrFull, len(s.queue))
	}
	s.queue = append(s.queue, list...)
	return nil
}

// Busy reports whether anything is left to send.
func (s *Sender) Busy() bool { return s.phase != idle || len(s.queue) > 0 }

// Step says what to send at the RTP timestamp now, in the units of ClockRate.
// Call it once for each packet interval while Busy. While tone is true the
// packets stand in place of audio; otherwise audio goes on as usual, beside the
// repeated ends that packets may still hold.
func (s *Sender) Step(now uint32) (packets []Packet, tone bool) {
	if s.phase == ending {
		packets = s.end(packets, false)
	}
	// Differences of timestamps are signed: the clock wraps around.
	if s.phase == waiting && int32(now-s.until) >= 0 {
		s.phase = idle
	}
	if s.phase == idle {
		if len(s.queue) == 0 {
			return packets, false
		}
		s.next(now)
		if s.phase == sounding {
			return append(packets, Packet{Timestamp: now, Marker: true, Payload: s.event(0, false)}), true
		}
		return packets, false
	}
	if s.phase == sounding {
		return s.sound(now, packets), true
	}
	return packets, false
}

func (s *Sender) next(now uint32) {
	digit := s.queue[0]
	s.queue = s.queue[1:]
	if digit == Pause {
		s.phase, s.until = waiting, now+s.silent
		return
	}
	// Queue has checked the digit.
	s.code, _ = Code(digit)
	s.phase, s.began, s.earlier, s.left = sounding, now, 0, endRepeats
}

// sound sends an update, or the first end when the tone has lasted.
func (s *Sender) sound(now uint32, packets []Packet) []Packet {
	duration := now - s.began
	if s.earlier+duration >= s.tone {
		s.phase = ending
		s.until = now + s.gap
		return s.end(packets, true)
	}
	// A long tone is cut into segments (RFC 4733 2.5.1.3).
	for duration > 0xffff {
		packets = append(packets, Packet{Timestamp: s.began, Payload: s.event(0xffff, false)})
		s.began += 0xffff
		s.earlier += 0xffff
		duration -= 0xffff
	}
	return append(packets, Packet{Timestamp: s.began, Payload: s.event(uint16(duration), false)})
}

func (s *Sender) end(packets []Packet, first bool) []Packet {
	length := min(s.tone-s.earlier, 0xffff)
	packets = append(packets, Packet{Timestamp: s.began, Payload: s.event(uint16(length), true), Ended: first})
	s.left--
	if s.left == 0 {
		s.phase = waiting
	}
	return packets
}

func (s *Sender) event(duration uint16, end bool) []byte {
	return Event{Code: s.code, End: end, Volume: s.volume, Duration: duration}.Marshal()
}
