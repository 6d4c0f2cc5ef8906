// Package mix adds up voices.
//
// A Mixer makes one sum; a Bridge gives each of several parties the sum of all
// the others. Sums are made in 32 bits and limited softly: what fits into 16
// bits passes unchanged, so that a single voice is never touched. Both are used
// from one goroutine at a time and allocate nothing once they have seen the
// largest frame.
package mix

import "math"

const (
	// top is where a sample leaves the range.
	top = math.MaxInt16
	// attack is over how many samples the gain falls: under a millisecond at 48 kHz.
	attack = 32
	// recovery is the share of the missing gain that comes back with each frame.
	recovery = 0.05
	// knee is the part of the range above which what the gain has not caught yet bends.
	knee = 0.9
)

// Mixer adds up frames into one.
type Mixer struct {
	sum   []int32
	limit limiter
}

// Mix writes the sum of the inputs to dst. Inputs may be shorter than dst; dst
// may be one of them.
func (m *Mixer) Mix(dst []int16, inputs [][]int16) {
	m.sum = sized(m.sum, len(dst))
	clear(m.sum)
	for _, in := range inputs {
		add(m.sum, in)
	}
	m.limit.apply(dst, m.sum)
}

// Bridge gives each party what all others say.
type Bridge struct {
	total, rest []int32
	limits      []limiter
}

// Mix writes to outputs[i] the sum of all inputs but inputs[i]. All frames
// have one length; a nil input is a silent party and a nil output nobody
// listens to. Outputs beyond the inputs hear everybody.
func (b *Bridge) Mix(outputs, inputs [][]int16) {
	n := 0
	for _, f := range outputs {
		n = max(n, len(f))
	}
	for len(b.limits) < len(outputs) {
		b.limits = append(b.limits, limiter{})
	}
	b.total, b.rest = sized(b.total, n), sized(b.rest, n)
	clear(b.total)
	for _, in := range inputs {
		add(b.total, in)
	}
	for i, out := range outputs {
		if len(out) == 0 {
			continue
		}
		copy(b.rest, b.total)
		if i < len(inputs) {
			own := inputs[i]
			for k, v := range own[:min(len(own), n)] {
				b.rest[k] -= int32(v)
			}
		}
		b.limits[i].apply(out, b.rest)
	}
}

func sized(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

func add(sum []int32, in []int16) {
	for i, v := range in[:min(len(in), len(sum))] {
		sum[i] += int32(v)
	}
}

// limiter keeps a sum in range. Its zero value has full gain.
type limiter struct{ reduction float64 }

// apply writes sum to dst.
func (l *limiter) apply(dst []int16, sum []int32) {
	peak := int32(0)
	for _, v := range sum[:len(dst)] {
		peak = max(peak, v, -v-1)
	}
	if peak <= top && l.reduction == 0 {
		for i := range dst {
			dst[i] = int16(sum[i])
		}
		return
	}
	from := 1 - l.reduction
	to := min(1, from+recovery*l.reduction)
	if peak > top {
		to = min(to, top*knee/float64(peak))
	}
	steps := len(dst)
	if to < from {
		steps = min(attack, len(dst))
	}
	for i := range dst {
		gain := to
		if i < steps {
			gain = from + (to-from)*float64(i+1)/float64(steps)
		}
		dst[i] = bend(gain * float64(sum[i]))
	}
	l.reduction = 1 - to
	if l.reduction < 1e-3 {
		l.reduction = 0
	}
}

// bend rounds, and presses what is above the knee into the range.
func bend(v float64) int16 {
	const from = knee * top
	switch {
	case v > from:
		v = from + (top-from)*math.Tanh((v-from)/(top-from))
	case v < -from:
		v = -from - (top-from)*math.Tanh((-v-from)/(top-from))
	}
	return int16(math.Round(v))
}
