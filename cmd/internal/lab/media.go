// Package lab sets up calls to look into: a service and two engines in one
// process, and sources and sinks that keep what passes through them together
// with its time.
package lab

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
)

// Mouth is an audio source that keeps what was read from the source below it.
type Mouth struct {
	Source engine.AudioSource
	// First, when set, is called once with the time of the first read.
	First func(time.Time)

	recorder audiocheck.Recorder
	once     sync.Once
	mu       sync.Mutex
	reads    []time.Time // the first ones
}

// keptReads is how many times of reading are kept.
const keptReads = 500

// ReadBefore returns when the newest frame before that moment was read; that
// moment itself if none was.
func (m *Mouth) ReadBefore(t time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.reads) - 1; i >= 0; i-- {
		if !m.reads[i].After(t) {
			return m.reads[i]
		}
	}
	return t
}

// ReadAudio implements engine.AudioSource.
func (m *Mouth) ReadAudio(frame []int16) error {
	if err := m.Source.ReadAudio(frame); err != nil {
		return err
	}
	now := time.Now()
	m.once.Do(func() {
		if m.First != nil {
			m.First(now)
		}
	})
	m.recorder.Add(now, frame)
	m.mu.Lock()
	if len(m.reads) < keptReads {
		m.reads = append(m.reads, now)
	}
	m.mu.Unlock()
	return nil
}

// Said returns what was said, on a timeline from origin on. A frame could be
// read when its last sample was spoken.
func (m *Mouth) Said(origin time.Time) audiocheck.Track {
	return m.recorder.Place(origin, -20*time.Millisecond)
}

// Ear is an audio sink that keeps what is written and passes it on.
type Ear struct {
	// Sink is optional.
	Sink engine.AudioSink
	// First, when set, is called once with the time of the first frame that is
	// not silence.
	First func(time.Time)
	// Deaf keeps nothing: for long runs that only want First.
	Deaf bool

	recorder audiocheck.Recorder
	once     sync.Once
}

// audible is the least sample that counts as sound: comfort noise and the
// codec's own noise stay below.
const audible = 200

// WriteAudio implements engine.AudioSink.
func (e *Ear) WriteAudio(frame []int16) error {
	now := time.Now()
	if e.First != nil && slices.ContainsFunc(frame, func(s int16) bool { return s > audible || s < -audible }) {
		e.once.Do(func() { e.First(now) })
	}
	if !e.Deaf {
		e.recorder.Add(now, frame)
	}
	if e.Sink == nil {
		return nil
	}
	return e.Sink.WriteAudio(frame)
}

// Heard returns what was heard, on a timeline from origin on.
func (e *Ear) Heard(origin time.Time) audiocheck.Track { return e.recorder.Place(origin, 0) }

// Frame is one video frame that passed.
type Frame struct {
	At       time.Time
	KeyFrame bool
	Size     int
	hash     uint64
}

// Screen keeps the frames of a video stream, at one end of a call.
type Screen struct {
	// Source is what a sending screen shows.
	Source engine.VideoSource
	// Sink is optional on a receiving screen.
	Sink engine.VideoSink
	// First, when set, is called once with the time of the first frame.
	First func(time.Time)

	seed   maphash.Seed
	mu     sync.Mutex
	frames []Frame
}

// NewScreens returns the two ends of one stream.
func NewScreens(source engine.VideoSource, sink engine.VideoSink) (from, to *Screen) {
	seed := maphash.MakeSeed()
	return &Screen{Source: source, seed: seed}, &Screen{Sink: sink, seed: seed}
}

// ReadVideo implements engine.VideoSource.
func (s *Screen) ReadVideo(ctx context.Context) (engine.EncodedFrame, error) {
	f, err := s.Source.ReadVideo(ctx)
	if err == nil {
		s.keep(f)
	}
	return f, err
}

// RequestKeyFrame implements engine.VideoSource.
func (s *Screen) RequestKeyFrame() { s.Source.RequestKeyFrame() }

// SetTargetBitrate implements engine.VideoSource.
func (s *Screen) SetTargetBitrate(bps int) { s.Source.SetTargetBitrate(bps) }

// Codec implements engine.VideoSource.
func (s *Screen) Codec() string { return s.Source.Codec() }

// WriteVideo implements engine.VideoSink.
func (s *Screen) WriteVideo(f engine.EncodedFrame) error {
	s.keep(f)
	if s.Sink == nil {
		return nil
	}
	return s.Sink.WriteVideo(f)
}

func (s *Screen) keep(f engine.EncodedFrame) {
	now := time.Now()
	s.mu.Lock()
	first := len(s.frames) == 0
	s.frames = append(s.frames, Frame{At: now, KeyFrame: f.KeyFrame, Size: len(f.Data), hash: maphash.Bytes(s.seed, f.Data)})
	s.mu.Unlock()
	if first && s.First != nil {
		s.First(now)
	}
}

// Frames returns what passed so far.
func (s *Screen) Frames() []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

// Seen is the outcome of comparing what one screen sent with what another got.
type Seen struct {
	// Sent counts the frames from the first key frame on, without excluded ones.
	Sent int `json:"sent"`
	// Arrived counts those of them that came out whole at the other end.
	Arrived int `json:"arrived"`
	// Missing lists when the others were sent, from origin.
	Missing []time.Duration `json:"missing,omitempty"`
	// Delays is how long each took from source to sink.
	Delays []time.Duration `json:"-"`
}

// Complete tells whether there were frames and none is missing.
func (s *Seen) Complete() bool { return s.Sent > 0 && s.Arrived == s.Sent }

// longestFlight is when a frame that did not come is given up: less than a
// short sample takes to repeat the same picture.
const longestFlight = 1500 * time.Millisecond

// CompareVideo matches the frames of both ends by content and order. Frames
// sent within an excluded span do not count.
func CompareVideo(origin time.Time, sent, got []Frame, exclude []audiocheck.Span) Seen {
	var out Seen
	next, started := 0, false
	for _, s := range sent {
		started = started || s.KeyFrame
		at := s.At.Sub(origin)
		left := slices.ContainsFunc(exclude, func(x audiocheck.Span) bool { return x.From <= at && at < x.To })
		if !started || left {
			continue
		}
		out.Sent++
		found := -1
		for i := next; i < len(got) && got[i].At.Sub(s.At) < longestFlight; i++ {
			if got[i].hash == s.hash && !got[i].At.Before(s.At) {
				found = i
				break
			}
		}
		if found < 0 {
			out.Missing = append(out.Missing, at)
			continue
		}
		next = found + 1
		out.Arrived++
		out.Delays = append(out.Delays, got[found].At.Sub(s.At))
	}
	return out
}

// Tone is an audio source: a sine that is loud from its first sample on.
type Tone struct{ at int }

// 1000 Hz at 48 kHz.
const (
	tonePeriod = 48
	toneLevel  = 8000
)

// ReadAudio implements engine.AudioSource.
func (t *Tone) ReadAudio(frame []int16) error {
	for i := range frame {
		frame[i] = int16(toneLevel * math.Sin(2*math.Pi*float64(t.at)/tonePeriod))
		t.at = (t.at + 1) % tonePeriod
	}
	return nil
}
