package stretch

import "math"

// Concealment fades: full for a moment, then down to nothing, because a
// repeated period soon sounds like a buzzer.
const (
	concealHold = 480 * 2
	concealFade = 480 * 6
	// ConcealedSpan is the number of samples after which concealment is silent.
	ConcealedSpan = concealHold + concealFade
)

// Concealer makes up samples in place of lost ones: the last pitch period over
// and over, then the last two and three, mixed with noise as far as the
// history was no periodic sound.
type Concealer struct {
	find   finder
	fade   fadeWindow
	cycle  [History]int16
	period int
	length int
	at     int
	made   int
	voiced float64
	rms    float64
	rng    uint64
}

// NewConcealer makes a Concealer.
func NewConcealer() *Concealer {
	c := &Concealer{rng: 0x9e3779b97f4a7c15}
	c.fade.fill()
	return c
}

// Begin starts a concealment that continues history, of which the last History
// samples are used. With fewer it makes silence.
func (c *Concealer) Begin(history []int16) {
	c.made, c.at, c.length = 0, 0, 0
	if len(history) < History {
		c.made = ConcealedSpan
		return
	}
	h := history[len(history)-History:]
	m := c.find.find(h, History-window, -1, MaxPeriod)
	c.period = m.period
	c.voiced = min(1, max(0, 1.6*m.likeness-0.4))
	if m.likeness < 0.5 {
		// No period to be kept: a longer piece repeats less audibly.
		c.period = MaxPeriod
	}
	copy(c.cycle[:], h)
	var power float64
	for _, v := range h[History-window:] {
		power += float64(v) * float64(v)
	}
	c.rms = math.Sqrt(power / window)
	c.use(1)
}

// use prepares the loop of the last n periods: its end fades into what stood
// before its beginning, so that it can be repeated without a step.
func (c *Concealer) use(n int) {
	c.length = min(n*c.period, 2*MaxPeriod)
	c.length -= c.length % c.period
	c.at = 0
}

// sample returns the loop at position i, with the seam smoothed.
func (c *Concealer) sample(i int) float64 {
	start := History - c.length
	v := float64(c.cycle[start+i])
	seam := min(c.period/4, start)
	if left := c.length - i; left <= seam {
		up := float64(seam-left+1) / float64(seam+1)
		v = v*(1-up) + float64(c.cycle[start-left])*up
	}
	return v
}

// Next fills dst with the next samples.
func (c *Concealer) Next(dst []int16) {
	for i := range dst {
		gain := 1.0
		if c.made > concealHold {
			gain = 1 - float64(c.made-concealHold)/concealFade
		}
		if gain <= 0 {
			dst[i] = 0
			continue
		}
		v := c.sample(c.at)
		c.at++
		if c.at >= c.length {
			c.use(1 + (c.made+1)/window)
		}
		// The noise comes in slowly, so that the joint to the history stays smooth.
		in := min(1, float64(c.made)/window)
		noise := (1 - c.voiced) * 0.5 * in
		v = v*(1-noise) + noise*2*c.rms*c.uniform()
		dst[i] = clip(gain * v)
		c.made++
	}
}

// Silent tells whether the concealment has faded to nothing.
func (c *Concealer) Silent() bool { return c.made >= ConcealedSpan }

// uniform is noise between -1 and 1.
func (c *Concealer) uniform() float64 {
	c.rng = next(c.rng)
	return toUniform(c.rng)
}
