package stretch

import "math"

// Noise makes quiet, dull noise for pauses, so that a line does not sound dead.
type Noise struct {
	rng  uint64
	last float64
	gain float64
}

// NewNoise makes a generator.
func NewNoise() *Noise { return &Noise{rng: 0x2545f4914f6cdd1d} }

// Next fills dst with noise of the root mean square rms; the level moves there
// within some 10 ms. With rms 0 it ends in exact silence.
func (n *Noise) Next(dst []int16, rms float64) {
	// The one-pole low pass leaves (1-a)/(1+a) of the power of uniform noise, which has 1/3.
	const a = 0.7
	scale := math.Sqrt(3 * (1 + a) / (1 - a))
	for i := range dst {
		n.gain += (rms - n.gain) / 256
		if n.gain < 0.5 && rms == 0 {
			n.gain, n.last = 0, 0
			dst[i] = 0
			continue
		}
		n.rng = next(n.rng)
		n.last = a*n.last + (1-a)*toUniform(n.rng)
		dst[i] = clip(n.last * scale * n.gain)
	}
}

// next is one step of a xorshift generator.
func next(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	return x
}

func toUniform(x uint64) float64 { return float64(x>>11)/(1<<52) - 1 }
