package audiocheck

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// What has to be reached for heard to count as said.
const (
	// MinEnvelope is the least correlation of the two energy envelopes in steps of 20 ms.
	MinEnvelope = 0.95
	// MinWaveform is the least correlation of the two waveforms in the loudest second.
	MinWaveform = 0.85
)

const (
	maxLag       = time.Second
	lagWindow    = 400 * time.Millisecond
	lagStep      = 100 * time.Millisecond
	minMatch     = 0.6 // correlation from which on a window's lag is believed
	envelopeStep = 20 * time.Millisecond
	loudest      = time.Second
	loudestStep  = 100 * time.Millisecond
	// The loudest second is compared in pieces, each moved by up to pieceShift:
	// a jitter buffer may stretch time a little, and that is no distortion.
	piece       = 100 * time.Millisecond
	pieceShift  = 15 * time.Millisecond
	coarse      = 24 // decimation of the first search: 2 kHz
	candidates  = 4
	sparse      = 5    // every fifth sample tells a lag well enough
	quietest    = 20.0 // RMS below which a window holds no speech
	quietShare  = 0.3  // of the track's own RMS
	minCompared = 25   // envelope steps
)

// Lag is the delay of one window.
type Lag struct {
	// At is where the window begins in the said track.
	At time.Duration `json:"at"`
	// Delay is how much later it was heard.
	Delay time.Duration `json:"delay"`
	// Match is the correlation at that delay, at most 1.
	Match float64 `json:"match"`
}

// Result is the outcome of a comparison.
type Result struct {
	// Lags holds the windows whose delay could be told, in order.
	Lags []Lag `json:"lags"`
	// Windows is the number of windows with speech; those without a match are
	// not in Lags.
	Windows int `json:"windows"`
	// Envelope is the correlation of the energy envelopes, -1 to 1.
	Envelope float64 `json:"envelope"`
	// Waveform is the correlation of the waveforms in the loudest second.
	Waveform float64 `json:"waveform"`
	// LoudestAt is where that second begins in the said track.
	LoudestAt time.Duration `json:"loudestAt"`
	// Compared is how much of the said track was compared.
	Compared time.Duration `json:"compared"`
}

// Same tells whether what was heard is what was said.
func (r *Result) Same() bool { return r.Envelope >= MinEnvelope && r.Waveform >= MinWaveform }

// Delay returns the given quantile, 0 to 1, of the windows' delays; zero when
// there are none.
func (r *Result) Delay(quantile float64) time.Duration {
	if len(r.Lags) == 0 {
		return 0
	}
	delays := make([]time.Duration, len(r.Lags))
	for i, l := range r.Lags {
		delays[i] = l.Delay
	}
	slices.Sort(delays)
	return delays[min(len(delays)-1, int(quantile*float64(len(delays))))]
}

// Compare compares two tracks with a common origin. Parts of the said track
// that overlap one of the excluded spans are left out: what was said while
// muted, on hold or after the end.
func Compare(said, heard Track, exclude []Span) Result {
	c := &comparison{said: said, heard: heard, exclude: exclude}
	for _, s := range said.Recorded {
		c.total += energy(said.window(toSamples(s.From), toSamples(s.To-s.From)))
		c.length += toSamples(s.To - s.From)
	}
	c.findLags()
	c.align()
	c.compareEnvelopes()
	c.compareLoudest()
	return c.result
}

type comparison struct {
	said, heard Track
	exclude     []Span
	total       float64
	length      int
	delays      []time.Duration // of each envelope step
	result      Result
}

// usable tells whether a span of the said track takes part.
func (c *comparison) usable(s Span) bool {
	return c.said.within(s) && !slices.ContainsFunc(c.exclude, s.overlaps)
}

func (c *comparison) findLags() {
	floor := math.Max(quietest, quietShare*math.Sqrt(c.total/float64(max(1, c.length))))
	saidCoarse, heardCoarse := decimate(c.said.Samples), decimate(c.heard.Samples)
	energies := sums(heardCoarse)
	for at := time.Duration(0); at+lagWindow <= c.said.Length(); at += lagStep {
		if !c.usable(Span{at, at + lagWindow}) {
			continue
		}
		start, n := toSamples(at), toSamples(lagWindow)
		x := c.said.window(start, n)
		if rms(x) < floor {
			continue
		}
		c.result.Windows++
		best := Lag{At: at, Match: -1}
		for _, guess := range coarseLags(saidCoarse, heardCoarse, energies, start/coarse, n/coarse) {
			lag, match := c.refine(x, start, guess*coarse, coarse)
			if match > best.Match {
				best.Delay, best.Match = toTime(lag), match
			}
		}
		if best.Match >= minMatch {
			c.result.Lags = append(c.result.Lags, best)
		}
	}
}

// refine finds the best lag within a radius around a guess, in samples.
func (c *comparison) refine(x []int16, start, guess, radius int) (lag int, match float64) {
	lag = guess
	for _, step := range []int{4, 1} {
		middle := lag
		match = -1
		for l := max(0, middle-radius); l <= middle+radius; l += step {
			if m := correlation(x, c.heard.window(start+l, len(x)), sparse); m > match {
				lag, match = l, m
			}
		}
		radius = 3
	}
	return lag, correlation(x, c.heard.window(start+lag, len(x)), 1)
}

// sums returns the energy of all samples before each one.
func sums(samples []float64) []float64 {
	out := make([]float64, len(samples)+1)
	for i, s := range samples {
		out[i+1] = out[i] + s*s
	}
	return out
}

// coarseLags returns the most promising lags in decimated samples.
func coarseLags(said, heard, energies []float64, start, n int) []int {
	if start+n > len(said) {
		return nil
	}
	x := said[start : start+n]
	most := int(maxLag.Seconds() * SampleRate / coarse)
	matches := make([]float64, most)
	for l := range matches {
		if start+l+n > len(heard) {
			break
		}
		xy := 0.0
		for i, h := range heard[start+l : start+l+n] {
			xy += x[i] * h
		}
		if yy := energies[start+l+n] - energies[start+l]; yy > 0 {
			matches[l] = xy / math.Sqrt(yy)
		}
	}
	var peaks []int
	for l := range matches {
		higher := l > 0 && matches[l-1] > matches[l] || l+1 < most && matches[l+1] > matches[l]
		if !higher && matches[l] > 0 {
			peaks = append(peaks, l)
		}
	}
	slices.SortStableFunc(peaks, func(a, b int) int { return cmp.Compare(matches[b], matches[a]) })
	return peaks[:min(len(peaks), candidates)]
}

// align fills the delay of each envelope step. Between two windows of different
// delay the jitter buffer has moved; when exactly is chosen so that the two
// envelopes differ the least.
func (c *comparison) align() {
	steps := int(c.said.Length() / envelopeStep)
	c.delays = make([]time.Duration, steps)
	lags := c.result.Lags
	if len(lags) == 0 {
		return
	}
	middle := func(l Lag) int { return min(steps, int((l.At+lagWindow/2)/envelopeStep)) }
	fill := func(from, to int, delay time.Duration) {
		for i := from; i < to; i++ {
			c.delays[i] = delay
		}
	}
	fill(0, middle(lags[0]), lags[0].Delay)
	for i := 1; i < len(lags); i++ {
		from, to := middle(lags[i-1]), middle(lags[i])
		at := c.switchPoint(from, to, lags[i-1].Delay, lags[i].Delay)
		fill(from, at, lags[i-1].Delay)
		fill(at, to, lags[i].Delay)
	}
	fill(middle(lags[len(lags)-1]), steps, lags[len(lags)-1].Delay)
}

// switchPoint returns the step between from and to from which on the second
// delay fits better.
func (c *comparison) switchPoint(from, to int, first, second time.Duration) int {
	if first == second || to-from > int(time.Second/envelopeStep) {
		return (from + to) / 2
	}
	// The cost of having everything on the second delay, then one step after
	// the other on the first.
	best, bestAt, cost := 0.0, from, 0.0
	for i := from; i < to; i++ {
		x, y := c.levels(i, first)
		_, z := c.levels(i, second)
		cost += (x-y)*(x-y) - (x-z)*(x-z)
		if cost < best {
			best, bestAt = cost, i+1
		}
	}
	return bestAt
}

// levels returns the level of an envelope step as said and as heard.
func (c *comparison) levels(step int, delay time.Duration) (said, heard float64) {
	at, n := time.Duration(step)*envelopeStep, toSamples(envelopeStep)
	return rms(c.said.window(toSamples(at), n)), rms(c.heard.window(toSamples(at+delay), n))
}

// delayAt returns the delay around a moment of the said track.
func (c *comparison) delayAt(at time.Duration) time.Duration {
	if len(c.delays) == 0 {
		return 0
	}
	return c.delays[min(len(c.delays)-1, int(at/envelopeStep))]
}

func (c *comparison) compareEnvelopes() {
	var x, y []float64
	for i, delay := range c.delays {
		at := time.Duration(i) * envelopeStep
		if !c.usable(Span{at, at + envelopeStep}) {
			continue
		}
		said, heard := c.levels(i, delay)
		x, y = append(x, said), append(y, heard)
	}
	c.result.Compared = time.Duration(len(x)) * envelopeStep
	if len(x) >= minCompared {
		c.result.Envelope = pearson(x, y)
	}
}

func (c *comparison) compareLoudest() {
	most := -1.0
	n := toSamples(loudest)
	for at := time.Duration(0); at+loudest <= c.said.Length(); at += loudestStep {
		if !c.usable(Span{at, at + loudest}) {
			continue
		}
		if e := energy(c.said.window(toSamples(at), n)); e > most {
			most, c.result.LoudestAt = e, at
		}
	}
	if most <= 0 {
		return
	}
	var x, y []int16
	for at := c.result.LoudestAt; at < c.result.LoudestAt+loudest; at += piece {
		start, n := toSamples(at), toSamples(piece)
		w := c.said.window(start, n)
		guess := toSamples(c.delayAt(at + piece/2))
		lag, match := c.refine(w, start, guess, toSamples(pieceShift))
		if match <= 0 {
			lag = guess
		}
		x = append(x, w...)
		y = append(y, c.heard.window(start+lag, n)...)
	}
	c.result.Waveform = correlation(x, y, 1)
}

// decimate averages groups of samples: a crude low-pass, good enough to find
// where speech goes.
func decimate(samples []int16) []float64 {
	out := make([]float64, len(samples)/coarse)
	for i := range out {
		sum := 0
		for _, s := range samples[i*coarse : (i+1)*coarse] {
			sum += int(s)
		}
		out[i] = float64(sum)
	}
	return out
}

// correlation is the normalised product of two signals around zero, over every
// step-th sample.
func correlation(x, y []int16, step int) float64 {
	var xy, xx, yy int64
	for i := 0; i < len(x); i += step {
		a, b := int64(x[i]), int64(y[i])
		xy += a * b
		xx += a * a
		yy += b * b
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return float64(xy) / (math.Sqrt(float64(xx)) * math.Sqrt(float64(yy)))
}

func correlationFloat(x, y []float64) float64 {
	var xy, xx, yy float64
	for i, a := range x {
		b := y[i]
		xy += a * b
		xx += a * a
		yy += b * b
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// pearson is the correlation of two series around their means.
func pearson(x, y []float64) float64 {
	var mx, my float64
	for i := range x {
		mx += x[i]
		my += y[i]
	}
	n := float64(len(x))
	mx, my = mx/n, my/n
	dx, dy := make([]float64, len(x)), make([]float64, len(y))
	for i := range x {
		dx[i], dy[i] = x[i]-mx, y[i]-my
	}
	return correlationFloat(dx, dy)
}
