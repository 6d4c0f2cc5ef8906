package level

import (
	"math"
	"time"
)

// Silence is the lowest level of RFC 6464: -127 dBov or less.
const Silence = 127

// Level returns the level of pcm in -dBov, 0 (loudest) to 127 (silence), as
// RFC 6464 carries it and the appendix of RFC 6465 computes it.
func Level(pcm []int16) uint8 { return FromRMS(RMS(pcm)) }

// RMS returns the root mean square of pcm, 1 being the overload point.
func RMS(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum/float64(len(pcm))) / 32768
}

// FromRMS turns a root mean square, 0 to 1, into -dBov.
func FromRMS(rms float64) uint8 {
	if !(rms > 0) {
		return Silence
	}
	db := math.Round(-20 * math.Log10(rms))
	return uint8(min(Silence, max(0, db)))
}

// ToLinear turns -dBov into a root mean square, 0 to 1; Silence is 0.
func ToLinear(level uint8) float64 {
	if level >= Silence {
		return 0
	}
	return math.Pow(10, -float64(level)/20)
}

// Speaking smooths the answers of a Detector. The zero value does not speak.
type Speaking struct {
	on         bool
	voice, not time.Duration
}

const (
	// beginAfter is how much voice it takes to begin, and endAfter how much
	// quiet to end: words have gaps.
	beginAfter = 60 * time.Millisecond
	endAfter   = 600 * time.Millisecond
)

// Update takes the answer for a piece of audio of the length d and returns
// whether somebody speaks and whether that has just changed.
func (s *Speaking) Update(voice bool, d time.Duration) (on, changed bool) {
	if voice {
		s.voice, s.not = s.voice+d, 0
	} else {
		s.not += d
		// A short gap does not undo the beginning of a word.
		if s.not > beginAfter {
			s.voice = 0
		}
	}
	switch {
	case !s.on && s.voice >= beginAfter:
		s.on = true
		return true, true
	case s.on && s.not >= endAfter:
		s.on, s.voice = false, 0
		return false, true
	default:
		return s.on, false
	}
}

// Stop ends the speaking at once and returns whether that is a change.
func (s *Speaking) Stop() bool {
	was := s.on
	*s = Speaking{}
	return was
}
