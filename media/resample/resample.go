// Package resample changes the sample rate of mono 16 bit PCM with a polyphase
// FIR filter of linear phase.
//
//	r, err := resample.New(48000, 16000)
//	if err != nil { … }
//	out = r.Process(out[:0], in) // any length, any number of times
//
// Between rates with an integer ratio the delay is at most 2.5 ms at the lower
// rate of 8 kHz and shorter above. The passband reaches 85 % of the lower of
// the two Nyquist frequencies.
package resample

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrRate reports a rate that is not between 1000 and 768000 Hz.
var ErrRate = errors.New("resample: unusable sample rate")

const (
	// The transition band, relative to the lower Nyquist frequency. What aliases
	// falls between its two edges' mirror images, above the passband.
	passEdge = 0.85
	stopEdge = 1.10
	// attenuation of the stopband, in dB.
	attenuation = 66
	// maxPhases bounds the memory for odd ratios; beyond it the nearest phase is used.
	maxPhases = 1024
)

// Resampler converts one stream. It is not safe for use from several goroutines.
type Resampler struct {
	from, to int
	up, down int // reduced ratio: to = from × up / down
	phases   int
	taps     int
	filter   []float32 // [phase][tap], newest input first
	history  []float32 // the last taps-1 inputs, then the new ones
	position int       // of the next output, in 1/up of an input sample, relative to the first new input
	delay    time.Duration
}

// New makes a resampler. Equal rates are allowed: samples pass unchanged.
func New(from, to int) (*Resampler, error) {
	for _, rate := range []int{from, to} {
		if rate < 1000 || rate > 768000 {
			return nil, fmt.Errorf("%w: %d", ErrRate, rate)
		}
	}
	g := gcd(from, to)
	r := &Resampler{from: from, to: to, up: to / g, down: from / g}
	if from == to {
		return r, nil
	}
	r.phases = min(r.up, maxPhases)
	r.design()
	r.history = make([]float32, r.taps-1)
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// design computes a Kaiser-windowed low-pass at phases times the input rate.
func (r *Resampler) design() {
	nyquist := float64(min(r.from, r.to)) / 2
	rate := float64(r.from) * float64(r.phases)
	width := (stopEdge - passEdge) * nyquist / rate
	cutoff := (stopEdge + passEdge) / 2 * nyquist / rate
	length := (attenuation - 7.95) / (14.36 * width)
	r.taps = int(math.Ceil(length/float64(r.phases))) + 1
	n := r.taps * r.phases
	// The middle lies on a whole number of fine steps, so that the delay is one.
	middle := (n - 1) / 2
	beta := 0.1102 * (attenuation - 8.7)
	h := make([]float64, n)
	for i := range h {
		x := float64(i - middle)
		h[i] = sinc(2*cutoff*x) * window(x/float64(middle), beta)
	}
	r.filter = make([]float32, n)
	for p := range r.phases {
		// Each phase passes a constant unchanged.
		sum := 0.0
		for t := range r.taps {
			sum += h[t*r.phases+p]
		}
		for t := range r.taps {
			r.filter[p*r.taps+t] = float32(h[t*r.phases+p] / sum)
		}
	}
	r.delay = time.Duration(float64(middle) / rate * float64(time.Second))
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// window is the Kaiser window over -1 to 1.
func window(x, beta float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x / 2 / k * x / 2 / k
		sum += term
	}
	return sum
}

// Process appends the converted samples to dst. Over a stream, n samples in give
// n × to / from out, rounded up; a call may give one less or more.
func (r *Resampler) Process(dst, src []int16) []int16 {
	if r.from == r.to {
		return append(dst, src...)
	}
	if len(src) == 0 {
		return dst
	}
	for _, s := range src {
		r.history = append(r.history, float32(s))
	}
	end := len(src) * r.up
	for ; r.position < end; r.position += r.down {
		newest, fraction := r.position/r.up, r.position%r.up
		phase := fraction
		if r.phases != r.up {
			phase = fraction * r.phases / r.up
		}
		dst = append(dst, r.at(newest, phase))
	}
	r.position -= end
	keep := r.taps - 1
	copy(r.history, r.history[len(r.history)-keep:])
	r.history = r.history[:keep]
	return dst
}

func (r *Resampler) at(newest, phase int) int16 {
	// Input sample i stands at history[taps-1+i].
	in := r.history[newest : newest+r.taps]
	coefficients := r.filter[phase*r.taps : (phase+1)*r.taps]
	last := len(in) - 1
	var sum float32
	for i, c := range coefficients {
		sum += c * in[last-i]
	}
	switch {
	case sum >= math.MaxInt16:
		return math.MaxInt16
	case sum <= math.MinInt16:
		return math.MinInt16
	case sum < 0:
		return int16(sum - 0.5)
	default:
		return int16(sum + 0.5)
	}
}

// Delay is the time by which the output lags behind the input.
func (r *Resampler) Delay() time.Duration { return r.delay }

// Reset forgets the stream so far.
func (r *Resampler) Reset() {
	clear(r.history)
	r.position = 0
}
