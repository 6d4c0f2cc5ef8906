package jitter

import "time"

const (
	binWidth = 2 * time.Millisecond
	binCount = 512

	// A packet's weight falls to 1/e in so many packets.
	fastMemory = 60
	slowMemory = 250

	// costOfLoss is how much delay the loss of all audio is worth: one percent
	// of loss is 20 ms.
	costOfLoss = 2 * time.Second

	// targetFall is how far the target may fall in a second.
	targetFall = 40 * time.Millisecond
)

// histogram counts lateness with forgetting: new entries weigh more and more
// instead of old ones less and less, which is the same after division.
type histogram struct {
	bins          [binCount]float64
	total, weight float64
	growth        float64
	highest       int
}

func newHistogram(memory float64) histogram {
	return histogram{weight: 1, growth: 1 + 1/memory}
}

func (h *histogram) add(bin int) {
	h.bins[bin] += h.weight
	h.total += h.weight
	h.weight *= h.growth
	h.highest = max(h.highest, bin)
	if h.weight > 1e9 {
		h.rescale()
	}
}

func (h *histogram) rescale() {
	h.total = 0
	highest := 0
	for i := range h.bins[:h.highest+1] {
		h.bins[i] /= h.weight
		if h.bins[i] < 1e-9 {
			h.bins[i] = 0
		}
		if h.bins[i] > 0 {
			highest = i
		}
		h.total += h.bins[i]
	}
	h.weight, h.highest = 1, highest
}

// shift moves all entries by n bins, up if n is positive. What leaves at an
// end stays in the last bin there.
func (h *histogram) shift(n int) {
	if h.total == 0 || n == 0 {
		return
	}
	old := h.bins
	oldHighest := h.highest
	clear(h.bins[:oldHighest+1])
	h.highest = 0
	for i := range old[:oldHighest+1] {
		if old[i] == 0 {
			continue
		}
		j := min(binCount-1, max(0, i+n))
		h.bins[j] += old[i]
		h.highest = max(h.highest, j)
	}
}

// cheapest returns the delay with the least cost.
func (h *histogram) cheapest() time.Duration {
	if h.total == 0 {
		return 0
	}
	var late float64
	best, bestCost := 0, -1.0
	for i := h.highest; i >= 0; i-- {
		cost := float64(i+1)*float64(binWidth) + float64(costOfLoss)*late/h.total
		if bestCost < 0 || cost < bestCost {
			best, bestCost = i, cost
		}
		late += h.bins[i]
	}
	return time.Duration(best+1) * binWidth
}

// baseline is the minimum of the transit time over the last seconds: the
// line on which the fastest packets lie. It follows the drift of the clocks.
type baseline struct {
	least  [baselineSlots]time.Duration
	number [baselineSlots]int64
	newest int64
}

const (
	baselineSlot  = 250 * time.Millisecond
	baselineSlots = 16
)

func newBaseline() baseline {
	b := baseline{newest: -1}
	for i := range b.number {
		b.number[i] = -1
	}
	return b
}

// add notes a transit time seen at a time and returns the least of the window
// that ends there.
func (b *baseline) add(at, transit time.Duration) time.Duration {
	n := max(b.newest, int64(at/baselineSlot), 0)
	i := n % baselineSlots
	if b.number[i] != n || transit < b.least[i] {
		b.number[i], b.least[i] = n, transit
	}
	b.newest = n
	least := transit
	for i, number := range b.number {
		if number >= 0 && number > n-baselineSlots {
			least = min(least, b.least[i])
		}
	}
	return least
}

// leap is the least rise of the baseline that is taken for a new, longer path.
// Smaller ones are the noise of the minimum, or the drift of the clocks.
const leap = 20 * time.Millisecond

// estimator learns the delay that the network asks for.
type estimator struct {
	fast, slow histogram
	line       baseline
	// base is the transit time of the fastest packets.
	base  time.Duration
	known bool

	least, most, extra time.Duration
	want, target       time.Duration
	dirty              bool
	updated            time.Duration
}

func newEstimator(least, most, extra time.Duration) estimator {
	return estimator{
		fast: newHistogram(fastMemory), slow: newHistogram(slowMemory), line: newBaseline(),
		least: least, most: most, extra: extra, want: least, target: least,
	}
}

// restart forgets the time line but not the jitter.
func (e *estimator) restart() {
	e.line, e.known = newBaseline(), false
}

// follow takes the transit time of a packet and returns how late it is
// against the fastest ones.
func (e *estimator) follow(at, transit time.Duration) time.Duration {
	base := e.line.add(at, transit)
	if !e.known {
		e.base, e.known = base, true
	}
	// On a longer path all packets looked late until the window had passed; that
	// was no jitter. On a shorter one the jitter stays what it was.
	if rise := base - e.base; rise > leap && rise > (e.target-e.extra)/2 {
		e.fast.shift(-int(rise / binWidth))
		e.slow.shift(-int(rise / binWidth))
		e.dirty = true
	}
	e.base = base
	return transit - base
}

// count enters a lateness into the histograms.
func (e *estimator) count(late time.Duration) {
	bin := int(min(binCount-1, max(0, late/binWidth)))
	e.fast.add(bin)
	e.slow.add(bin)
	e.dirty = true
}

// update moves the target: up at once, down slowly, so that a pause between
// two bursts of jitter does not cost stretching both ways.
func (e *estimator) update(at time.Duration) time.Duration {
	if e.dirty {
		e.dirty = false
		e.want = max(e.fast.cheapest(), e.slow.cheapest()) + e.extra
		e.want = min(e.most, max(e.least, e.want))
	}
	passed := min(time.Second, max(0, at-e.updated))
	e.updated = max(e.updated, at)
	e.target = max(e.want, e.target-time.Duration(float64(targetFall)*passed.Seconds()))
	return e.target
}
