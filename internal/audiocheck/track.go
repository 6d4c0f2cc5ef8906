// Package audiocheck compares what was said with what was heard: how late it
// came, and whether it is the same. It is pure: recordings go in, figures come
// out.
//
// A Recorder collects frames together with the moment at which each was read
// from its source or written to its sink. Place lays them on a timeline that
// said and heard have in common, and Compare finds, in many short windows, by
// how much the heard one is late (mouth to ear), then compares the two with
// that delay taken out.
//
//	said, heard := &audiocheck.Recorder{}, &audiocheck.Recorder{}
//	// said.Add(time.Now(), frame) after each read of the source,
//	// heard.Add(time.Now(), frame) before each write to the sink, then:
//	result := audiocheck.Compare(said.Place(start, -20*time.Millisecond), heard.Place(start, 0), nil)
//
// A frame of a live source is complete when its last sample was captured, so
// its first sample was spoken one frame before it could be read: said frames
// are placed with a shift of minus their length. A frame given to a sink begins
// to sound then: no shift.
package audiocheck

import (
	"math"
	"sync"
	"time"
)

// SampleRate is the rate of all audio here.
const SampleRate = 48000

// Recorder collects frames with their times. The zero value is ready. It is
// safe for many goroutines.
type Recorder struct {
	mu      sync.Mutex
	frames  []mark
	samples []int16
}

// mark says when a frame came and where it begins.
type mark struct {
	at    time.Time
	start int
}

// Add appends a copy of the frame.
func (r *Recorder) Add(at time.Time, frame []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = append(r.frames, mark{at: at, start: len(r.samples)})
	r.samples = append(r.samples, frame...)
}

// Samples returns what was added without regard to time.
func (r *Recorder) Samples() []int16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int16(nil), r.samples...)
}

// Track is audio on a timeline.
type Track struct {
	// Origin is the moment of the first sample.
	Origin time.Time
	// Samples is the audio, silence where nothing was recorded.
	Samples []int16
	// Recorded lists where something was recorded, in time from Origin.
	Recorded []Span
}

// Span is a stretch of time from a track's origin.
type Span struct{ From, To time.Duration }

// overlaps tells whether two spans have a moment in common.
func (s Span) overlaps(o Span) bool { return s.From < o.To && o.From < s.To }

const (
	// lookAhead is how far the placing looks for the frame that came with the
	// least delay: a scheduler makes frames late, never early.
	lookAhead = time.Second
	// shiftLimit is a change of pace that is a gap or a skip, not a late frame.
	shiftLimit = 5 * time.Millisecond
)

// Place lays the frames on a timeline that begins at origin; shift moves all of
// them. Frames follow each other without a gap as long as their times allow it,
// so that a late wake-up of the reader does not tear the audio.
func (r *Recorder) Place(origin time.Time, shift time.Duration) Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := Track{Origin: origin}
	pace := r.pace()
	var base time.Duration
	for i, m := range r.frames {
		played := toTime(m.start)
		p := m.at.Add(-played).Sub(origin) + shift
		ideal := p - pace[i].late
		if i == 0 || ideal-base > shiftLimit || base-ideal > shiftLimit {
			base = ideal
		}
		t.put(base+played, r.samples[m.start:r.end(i)])
	}
	return t
}

func (r *Recorder) end(i int) int {
	if i+1 < len(r.frames) {
		return r.frames[i+1].start
	}
	return len(r.samples)
}

type lateness struct{ late time.Duration }

// pace tells for each frame how late it came compared to the most punctual one
// of those that follow within lookAhead.
func (r *Recorder) pace() []lateness {
	delay := make([]time.Duration, len(r.frames))
	for i, m := range r.frames {
		delay[i] = m.at.Sub(r.frames[0].at) - toTime(m.start)
	}
	out := make([]lateness, len(r.frames))
	// A monotonic queue of candidates for the minimum of the window.
	var queue []int
	next := 0
	for i := range r.frames {
		for next < len(r.frames) && toTime(r.frames[next].start-r.frames[i].start) <= lookAhead {
			for len(queue) > 0 && delay[queue[len(queue)-1]] >= delay[next] {
				queue = queue[:len(queue)-1]
			}
			queue = append(queue, next)
			next++
		}
		for queue[0] < i {
			queue = queue[1:]
		}
		out[i].late = delay[i] - delay[queue[0]]
	}
	return out
}

func (t *Track) put(at time.Duration, samples []int16) {
	start := toSamples(at)
	if cut := -start; cut > 0 {
		if cut >= len(samples) {
			return
		}
		samples, start = samples[cut:], 0
	}
	if need := start + len(samples) - len(t.Samples); need > 0 {
		t.Samples = append(t.Samples, make([]int16, need)...)
	}
	copy(t.Samples[start:], samples)
	span := Span{From: toTime(start), To: toTime(start + len(samples))}
	if n := len(t.Recorded); n > 0 {
		if gap := span.From - t.Recorded[n-1].To; gap < time.Millisecond && gap > -lookAhead {
			t.Recorded[n-1].To = max(t.Recorded[n-1].To, span.To)
			return
		}
	}
	t.Recorded = append(t.Recorded, span)
}

// Length returns the time from the origin to the last sample.
func (t *Track) Length() time.Duration { return toTime(len(t.Samples)) }

// within tells whether the span was recorded as a whole.
func (t *Track) within(s Span) bool {
	for _, r := range t.Recorded {
		if r.From <= s.From && s.To <= r.To {
			return true
		}
	}
	return false
}

// window returns n samples from start on, silence outside the track.
func (t *Track) window(start, n int) []int16 {
	if start >= 0 && start+n <= len(t.Samples) {
		return t.Samples[start : start+n]
	}
	w := make([]int16, n)
	from := max(start, 0)
	if to := min(start+n, len(t.Samples)); from < to {
		copy(w[from-start:], t.Samples[from:to])
	}
	return w
}

// Levels returns the level of each step of the track in dBov, from -100 (silence) to 0.
func (t *Track) Levels(step time.Duration) []float64 {
	n := max(1, toSamples(step))
	levels := make([]float64, 0, len(t.Samples)/n+1)
	for i := 0; i+n <= len(t.Samples); i += n {
		levels = append(levels, math.Max(-100, 20*math.Log10(rms(t.Samples[i:i+n])/32768+1e-9)))
	}
	return levels
}

func rms(samples []int16) float64 { return math.Sqrt(energy(samples) / float64(max(1, len(samples)))) }

func energy(samples []int16) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += float64(s) * float64(s)
	}
	return sum
}

func toSamples(d time.Duration) int {
	return int(math.Round(d.Seconds() * SampleRate))
}

func toTime(samples int) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}
