// Package tone makes 48 kHz mono PCM of sine tones: test tones, DTMF, and the
// tones of the telephone network.
//
//	ring := tone.Ringback()
//	err := ring.ReadAudio(frame) // a Generator serves as an audio source
package tone

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// SampleRate is the rate of the PCM in hertz.
const SampleRate = 48000

// ErrOption reports a tone that cannot be made.
var ErrOption = errors.New("tone: option out of range")

// Step is one part of a sequence: some frequencies at once, for some time.
type Step struct {
	// Frequencies in hertz; none means silence.
	Frequencies []float64
	// Duration of the step; zero means for ever.
	Duration time.Duration
}

// Options set up a Generator.
type Options struct {
	// Steps are played in order.
	Steps []Step
	// Repeat starts over after the last step; otherwise comes io.EOF.
	Repeat bool
	// Level is the level of each frequency in dB below full scale; zero means -16.
	Level float64
}

// ramp is the time of the fade at both ends of a step, against clicks.
const ramp = SampleRate * 3 / 1000

// Generator makes the samples. It is not safe for use from several goroutines.
type Generator struct {
	steps     []step
	repeat    bool
	amplitude float64
	current   int
	at        int // sample within the current step
}

type step struct {
	angles  []float64 // per sample
	samples int       // 0 for ever
}

// New makes a generator. It fails with ErrOption.
func New(options *Options) (*Generator, error) {
	if options == nil || len(options.Steps) == 0 {
		return nil, fmt.Errorf("%w: no steps", ErrOption)
	}
	level := options.Level
	if level == 0 {
		level = -16
	}
	if !(level <= 0) {
		return nil, fmt.Errorf("%w: level %g", ErrOption, level)
	}
	g := &Generator{repeat: options.Repeat, amplitude: math.MaxInt16 * math.Pow(10, level/20)}
	for _, s := range options.Steps {
		if s.Duration < 0 {
			return nil, fmt.Errorf("%w: duration %v", ErrOption, s.Duration)
		}
		st := step{samples: int(s.Duration.Seconds() * SampleRate)}
		if s.Duration > 0 && st.samples == 0 {
			return nil, fmt.Errorf("%w: duration %v", ErrOption, s.Duration)
		}
		for _, f := range s.Frequencies {
			if !(f > 0 && f < SampleRate/2) {
				return nil, fmt.Errorf("%w: frequency %g", ErrOption, f)
			}
			st.angles = append(st.angles, 2*math.Pi*f/SampleRate)
		}
		g.steps = append(g.steps, st)
	}
	return g, nil
}

// Sine makes an endless sine of a frequency above 0 and below 24000 Hz, -16 dB
// below full scale. It fails with ErrOption.
func Sine(hz float64) (*Generator, error) {
	return New(&Options{Steps: []Step{{Frequencies: []float64{hz}}}})
}

// Ringback makes the ringing tone of ITU-T E.180 as most of Europe has it: 425 Hz, 1 s
// on, 4 s off.
func Ringback() *Generator { return fixed(425, time.Second, 4*time.Second) }

// Busy makes the busy tone: 425 Hz, 0.5 s on, 0.5 s off.
func Busy() *Generator { return fixed(425, time.Second/2, time.Second/2) }

func fixed(hz float64, on, off time.Duration) *Generator {
	return &Generator{
		repeat: true, amplitude: math.MaxInt16 * math.Pow(10, -16.0/20),
		steps: []step{
			{angles: []float64{2 * math.Pi * hz / SampleRate}, samples: int(on.Seconds() * SampleRate)},
			{samples: int(off.Seconds() * SampleRate)},
		},
	}
}

// The frequencies of ITU-T Q.23.
var (
	rowTable    = [4]float64{697, 770, 852, 941}
	columnTable = [4]float64{1209, 1336, 1477, 1633}
)

// DTMF makes the tones of digits (0 to 9, *, #, A to D), each of the duration
// and followed by a gap of the same length. It fails with ErrOption.
func DTMF(digits string, duration time.Duration) (*Generator, error) {
	const keys = "123A456B789C*0#D"
	var steps []Step
	for _, d := range digits {
		at := -1
		for i, k := range keys {
			if k == d {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("%w: digit %q", ErrOption, d)
		}
		steps = append(steps,
			Step{Frequencies: []float64{rowTable[at/4], columnTable[at%4]}, Duration: duration},
			Step{Duration: duration})
	}
	return New(&Options{Steps: steps})
}

// ReadAudio fills frame with the next samples. When the steps are over it fills
// up with silence; the call after that returns io.EOF.
func (g *Generator) ReadAudio(frame []int16) error {
	if g.current >= len(g.steps) {
		clear(frame)
		return io.EOF
	}
	for i := range frame {
		frame[i] = g.next()
	}
	return nil
}

func (g *Generator) next() int16 {
	if g.current >= len(g.steps) {
		return 0
	}
	s := g.steps[g.current]
	sum := 0.0
	for _, a := range s.angles {
		sum += math.Sin(a * float64(g.at))
	}
	gain := g.amplitude * min(1, float64(g.at)/ramp)
	if s.samples > 0 {
		gain *= min(1, float64(s.samples-g.at)/ramp)
	}
	g.at++
	if s.samples > 0 && g.at == s.samples {
		g.at = 0
		g.current++
		if g.current == len(g.steps) && g.repeat {
			g.current = 0
		}
	}
	return int16(math.Round(min(max(sum*gain, math.MinInt16), math.MaxInt16)))
}
