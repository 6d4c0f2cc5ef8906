// Package conceal covers gaps in decoded speech. It goes on with the last pitch
// period of what was heard, fades it out when the gap lasts, and cross-fades
// into what comes after. It is meant for codecs that have no concealment of
// their own, and adds no delay.
//
//	c := conceal.New(16000)
//	c.Good(frame)   // each decoded frame, in order; its start may be smoothed
//	c.Conceal(lost) // in place of each lost one
package conceal

import "math"

const (
	minPeriodMs  = 2.5
	maxPeriodMs  = 15
	matchMs      = 10
	historyMs    = 3*maxPeriodMs + 5
	holdMs       = 10
	fadeEndMs    = 60
	crossfadeMs  = 4
	maxCrossMs   = 10
	longRepeatMs = 10
)

// A Concealer covers the gaps of one stream. It is not safe for use from
// several goroutines.
type Concealer struct {
	rate    int
	history []int16 // the newest sample is the last one
	filled  int     // how many samples of history are real
	lost    int     // length of the gap so far, in samples
	period  int
	loop    []float64 // three periods; the last one is repeated first
	at      int       // next position in loop
	repeat  int       // where the repeated part of loop begins
	offset  float64   // step between the last sample heard and the first made up
	blend   int       // length of the smoothing at both ends of the loop
}

// New makes a Concealer for PCM of the given rate in hertz, 8000 or more.
func New(rate int) *Concealer {
	rate = max(rate, 8000)
	c := &Concealer{rate: rate, history: make([]int16, ms(rate, historyMs))}
	c.loop = make([]float64, 0, 3*ms(rate, maxPeriodMs))
	return c
}

func ms(rate int, n float64) int { return int(float64(rate) * n / 1000) }

// Good takes decoded PCM. After a gap its first milliseconds are cross-faded,
// in place, with the continuation of what covered the gap.
func (c *Concealer) Good(pcm []int16) {
	if c.lost > 0 {
		n := min(len(pcm), ms(c.rate, crossfadeMs)+c.lost/5, ms(c.rate, maxCrossMs))
		for i := range n {
			w := float64(i+1) / float64(n+1)
			pcm[i] = clip(c.next()*(1-w) + float64(pcm[i])*w)
		}
		c.lost = 0
	}
	c.remember(pcm)
}

// Conceal fills pcm with a continuation of what was heard.
func (c *Concealer) Conceal(pcm []int16) {
	if c.lost == 0 {
		c.begin()
	}
	for i := range pcm {
		pcm[i] = clip(c.next())
	}
	c.remember(pcm)
}

// Silent reports whether the gap has lasted so long that nothing but silence is
// made up.
func (c *Concealer) Silent() bool { return c.lost >= ms(c.rate, fadeEndMs) }

func (c *Concealer) remember(pcm []int16) {
	if len(pcm) >= len(c.history) {
		copy(c.history, pcm[len(pcm)-len(c.history):])
	} else {
		copy(c.history, c.history[len(pcm):])
		copy(c.history[len(c.history)-len(pcm):], pcm)
	}
	c.filled = min(c.filled+len(pcm), len(c.history))
}

// next gives the next made-up sample and moves on.
func (c *Concealer) next() float64 {
	hold, end := ms(c.rate, holdMs), ms(c.rate, fadeEndMs)
	if len(c.loop) == 0 || c.lost >= end {
		c.lost++
		return 0
	}
	v := c.loop[c.at]
	if c.lost < c.blend {
		v += c.offset * (1 - float64(c.lost)/float64(c.blend))
	}
	if c.lost > hold {
		v *= float64(end-c.lost) / float64(end-hold)
	}
	c.at++
	if c.at == len(c.loop) {
		// One period alone sounds like a buzzer when it lasts; three do less so.
		// The last period is part of both, so the change makes no step.
		if c.lost > ms(c.rate, longRepeatMs) {
			c.repeat = 0
		}
		c.at = c.repeat
	}
	c.lost++
	return v
}

// begin finds the pitch and prepares the loop that is repeated.
func (c *Concealer) begin() {
	c.loop = c.loop[:0]
	if c.filled < len(c.history) {
		return
	}
	c.period = c.findPeriod()
	p, h := c.period, c.history
	tail := h[len(h)-3*p:]
	for _, s := range tail {
		c.loop = append(c.loop, float64(s))
	}
	// The end of the loop leads into its beginning: it turns into what stood
	// before that beginning.
	c.blend = max(1, p/4)
	for i := range c.blend {
		w := float64(i+1) / float64(c.blend)
		k := len(c.loop) - c.blend + i
		before := float64(h[len(h)-p-c.blend+i])
		c.loop[k] = c.loop[k]*(1-w) + before*w
	}
	c.repeat = 2 * p
	c.at = c.repeat
	c.offset = float64(h[len(h)-1]) - float64(h[len(h)-p-1])
}

// findPeriod returns the lag at which the end of the history resembles itself
// most: first at about 8 kHz, then around the best at full rate.
func (c *Concealer) findPeriod() int {
	step := c.rate / 8000
	low, high := ms(c.rate, minPeriodMs), ms(c.rate, maxPeriodMs)
	best := c.bestLag(low, high, step, step)
	return c.bestLag(max(low, best-step+1), min(high, best+step-1), 1, 1)
}

func (c *Concealer) bestLag(low, high, lagStep, sampleStep int) int {
	h, n := c.history, ms(c.rate, matchMs)
	best, bestScore := low, math.Inf(-1)
	for lag := low; lag <= high; lag += lagStep {
		var cross, energy float64
		for i := len(h) - n; i < len(h); i += sampleStep {
			a, b := float64(h[i]), float64(h[i-lag])
			cross += a * b
			energy += b * b
		}
		score := cross / math.Sqrt(energy+1)
		if score > bestScore {
			best, bestScore = lag, score
		}
	}
	return best
}

func clip(v float64) int16 {
	return int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
}
