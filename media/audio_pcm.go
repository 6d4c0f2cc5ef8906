package media

import (
	"io"
	"sync"
	"time"
)

// PCMOptions configures a PCMSource or a PCMSink.
type PCMOptions struct {
	// Capacity bounds what is kept. Zero means 200 ms.
	Capacity time.Duration
}

// PCMStats counts what went through a PCMSource or a PCMSink.
type PCMStats struct {
	// Samples is what was taken out.
	Samples uint64
	// Dropped counts samples thrown away, the oldest first: because nobody took
	// them in time, or to get rid of a delay that had built up.
	Dropped uint64
	// Missing counts samples of silence that filled up for audio that was not there yet.
	Missing uint64
}

const (
	defaultPCMCapacity = 200 * time.Millisecond
	// When for so long never less than so much was left after a read, the rest is
	// only delay: the two clocks differ, or one side had stopped for a while.
	slackWindow = 2 * AudioSampleRate
	slackAllow  = AudioSampleRate / 1000 * 30
)

// pcmRing is a bounded queue of samples.
type pcmRing struct {
	mu      sync.Mutex
	samples []int16
	start   int
	length  int
	closed  bool
	stats   PCMStats

	slack  int // least that was left after a read in this window
	passed int // samples read in this window
}

func newPCMRing(options *PCMOptions) *pcmRing {
	capacity := defaultPCMCapacity
	if options != nil && options.Capacity > 0 {
		capacity = min(options.Capacity, time.Minute)
	}
	// A ring that cannot hold one frame could not be used at all.
	n := max(AudioFrameSamples, int(capacity*AudioSampleRate/time.Second))
	r := &pcmRing{samples: make([]int16, n)}
	r.slack = n
	return r
}

// write appends; over the capacity the oldest samples go.
func (r *pcmRing) write(in []int16) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if over := len(in) - len(r.samples); over > 0 {
		in = in[over:]
		r.stats.Dropped += uint64(over)
	}
	r.drop(r.length + len(in) - len(r.samples))
	end := (r.start + r.length) % len(r.samples)
	n := copy(r.samples[end:], in)
	copy(r.samples, in[n:])
	r.length += len(in)
	return nil
}

func (r *pcmRing) drop(n int) {
	if n <= 0 {
		return
	}
	r.start = (r.start + n) % len(r.samples)
	r.length -= n
	r.stats.Dropped += uint64(n)
}

// read fills out, with silence where there is nothing. It returns false when
// the ring is closed and was empty.
func (r *pcmRing) read(out []int16) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed && r.length == 0 {
		clear(out)
		return false
	}
	n := min(len(out), r.length)
	first := copy(out[:n], r.samples[r.start:])
	copy(out[first:n], r.samples)
	clear(out[n:])
	r.start = (r.start + n) % len(r.samples)
	r.length -= n
	r.stats.Samples += uint64(n)
	r.stats.Missing += uint64(len(out) - n)
	r.trim(len(out))
	return true
}

// trim drops what was left after every read of a whole window.
func (r *pcmRing) trim(read int) {
	r.slack = min(r.slack, r.length)
	r.passed += read
	if r.passed < slackWindow {
		return
	}
	if r.slack > slackAllow {
		r.drop(r.slack - slackAllow/2)
	}
	r.slack, r.passed = r.length, 0
}

// flush drops everything that is kept.
func (r *pcmRing) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(r.length)
	r.slack, r.passed = len(r.samples), 0
}

func (r *pcmRing) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

func (r *pcmRing) snapshot() PCMStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// PCMSource is an AudioSource that the app pushes raw audio into, for instance
// from a microphone callback. It never blocks either side. When the two clocks
// differ, so that audio piles up or runs out, it drops or fills in a little now and then.
type PCMSource struct{ ring *pcmRing }

// NewPCMSource makes a source; nil options are the defaults.
func NewPCMSource(options *PCMOptions) *PCMSource { return &PCMSource{ring: newPCMRing(options)} }

// Write appends mono 48 kHz samples, any number. Over the capacity the oldest
// are dropped and counted. It returns ErrClosed after Close.
func (s *PCMSource) Write(samples []int16) error { return s.ring.write(samples) }

// ReadAudio implements AudioSource.
func (s *PCMSource) ReadAudio(frame []int16) error {
	if !s.ring.read(frame) {
		return io.EOF
	}
	return nil
}

// Flush drops what was not read yet, and counts it.
func (s *PCMSource) Flush() { s.ring.flush() }

// Stats returns a snapshot.
func (s *PCMSource) Stats() PCMStats { return s.ring.snapshot() }

// Close ends the source: when all is read, ReadAudio returns io.EOF.
func (s *PCMSource) Close() error {
	s.ring.close()
	return nil
}

// PCMSink is an AudioSink that the app pulls raw audio out of, for instance
// from a loudspeaker callback. It never blocks either side. A program that has
// one clock only, that of its loudspeaker, does better with a manual Playout
// and Playout.Pull.
type PCMSink struct{ ring *pcmRing }

// NewPCMSink makes a sink; nil options are the defaults.
func NewPCMSink(options *PCMOptions) *PCMSink { return &PCMSink{ring: newPCMRing(options)} }

// WriteAudio implements AudioSink.
func (s *PCMSink) WriteAudio(frame []int16) error { return s.ring.write(frame) }

// Read fills samples with mono 48 kHz audio, any number; what is missing is
// silence and counted. It returns ErrClosed when closed and empty.
func (s *PCMSink) Read(samples []int16) error {
	if !s.ring.read(samples) {
		return ErrClosed
	}
	return nil
}

// Flush drops what was not read yet, and counts it.
func (s *PCMSink) Flush() { s.ring.flush() }

// Stats returns a snapshot.
func (s *PCMSink) Stats() PCMStats { return s.ring.snapshot() }

// Close makes WriteAudio return ErrClosed.
func (s *PCMSink) Close() error {
	s.ring.close()
	return nil
}
