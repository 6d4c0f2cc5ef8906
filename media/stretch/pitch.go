package stretch

import "math"

// Lengths in samples at 48 kHz.
const (
	// MinPeriod and MaxPeriod bound the pitch period: 400 Hz to 66.7 Hz.
	MinPeriod = 120
	MaxPeriod = 720
	// window is how much is compared, and also the length of the cross-fade: 10 ms.
	window = 480
	// decimation takes the coarse search down to 8 kHz.
	decimation = 6

	coarseMax    = MaxPeriod / decimation
	coarseMin    = MinPeriod / decimation
	coarseWindow = window / decimation
)

// quiet is the mean square below which two pieces are alike whatever they
// hold: about -58 dBov.
const quiet = 40 * 40

// match is the outcome of a search for a period.
type match struct {
	period int
	// likeness is the normalized correlation, -1 to 1.
	likeness float64
	// meanSquare is the power of the piece compared.
	meanSquare float64
}

// finder searches periods; it only holds scratch space.
type finder struct {
	low    [coarseMax + coarseWindow]float64
	scores [coarseMax + 1]float64
}

// find looks for the lag p in [MinPeriod, limit] with which
// x[anchor:anchor+window] and x[anchor+sign*p:…] are most alike. All
// those samples must exist.
func (f *finder) find(x []int16, anchor, sign, limit int) match {
	limit = min(limit, MaxPeriod)
	lo, at := anchor, 0
	if sign < 0 {
		lo = anchor - limit/decimation*decimation
		at = limit / decimation
	}
	n := coarseWindow + limit/decimation
	for i := range f.low[:n] {
		sum := 0
		for _, v := range x[lo+i*decimation : lo+(i+1)*decimation] {
			sum += int(v)
		}
		f.low[i] = float64(sum)
	}
	ref := f.low[at : at+coarseWindow]
	best, bestScore := coarseMin, -2.0
	for lag := coarseMin; lag <= limit/decimation; lag++ {
		o := at + sign*lag
		s := correlate(ref, f.low[o:o+coarseWindow])
		f.scores[lag] = s
		if s > bestScore {
			best, bestScore = lag, s
		}
	}
	// A multiple of the period that is nearly as alike changes more time at once.
	for lag := limit / decimation; lag > best; lag-- {
		if f.scores[lag] > bestScore-0.02 && peak(f.scores[:limit/decimation+1], lag) {
			best = lag
			break
		}
	}
	return f.refine(x, anchor, sign, limit, best)
}

// peak tells whether the score at lag is not below its neighbors.
func peak(scores []float64, lag int) bool {
	return scores[lag] >= scores[lag-1] && (lag+1 >= len(scores) || scores[lag] >= scores[lag+1])
}

// refine looks around a coarse lag at the full rate.
func (f *finder) refine(x []int16, anchor, sign, limit, coarse int) match {
	ref := x[anchor : anchor+window]
	var own float64
	for _, v := range ref {
		own += float64(v) * float64(v)
	}
	result := match{period: coarse * decimation, likeness: -1, meanSquare: own / window}
	from := max(MinPeriod, coarse*decimation-decimation+1)
	to := min(limit, coarse*decimation+decimation-1)
	for p := from; p <= to; p++ {
		other := x[anchor+sign*p : anchor+sign*p+window]
		var cross, power float64
		for i, v := range ref {
			o := float64(other[i])
			cross += float64(v) * o
			power += o * o
		}
		s := cross / (math.Sqrt(own*power) + 1)
		if s > result.likeness {
			result.period, result.likeness = p, s
			result.meanSquare = max(own, power) / window
		}
	}
	return result
}

// correlate is the normalized correlation of two pieces of equal length.
func correlate(a, b []float64) float64 {
	var cross, pa, pb float64
	for i, v := range a {
		cross += v * b[i]
		pa += v * v
		pb += b[i] * b[i]
	}
	return cross / (math.Sqrt(pa*pb) + 1)
}
