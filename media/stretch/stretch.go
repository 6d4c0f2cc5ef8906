package stretch

import "math"

const (
	// MinAccelerate is how many samples Accelerate needs to see.
	MinAccelerate = window + MinPeriod
	// MinDecelerate is how many samples from the position on Decelerate needs.
	MinDecelerate = window
	// History is how many samples before the position Decelerate needs.
	History = MaxPeriod
)

// Stretcher shortens and lengthens PCM by one pitch period at a time.
type Stretcher struct {
	find finder
	tail [window]int16
	fade fadeWindow
}

// NewStretcher makes a Stretcher.
func NewStretcher() *Stretcher {
	s := &Stretcher{}
	s.fade.fill()
	return s
}

// Accelerate takes one period, of at most so many samples, out of pcm in place
// and returns how many samples shorter it is now; the end of pcm is then
// unused. It returns 0 and changes nothing if pcm is shorter than MinAccelerate,
// if most is less than MinPeriod or if the likeness of the pieces that would
// meet is below the threshold (0 to 1); silence is always alike.
func (s *Stretcher) Accelerate(pcm []int16, most int, threshold float64) int {
	most = min(most, len(pcm)-window)
	if most < MinPeriod {
		return 0
	}
	m := s.find.find(pcm, 0, 1, most)
	if m.likeness < threshold && m.meanSquare > quiet {
		return 0
	}
	s.fade.mix(pcm[:window], pcm[:window], pcm[m.period:m.period+window], m.likeness)
	copy(pcm[window:], pcm[m.period+window:])
	return m.period
}

// Decelerate repeats one period at pcm[at], in place, and returns how many
// samples longer the content is now. The content is pcm[:end]; pcm must have
// room for MaxPeriod more. It returns 0 and changes nothing if there are fewer
// than History samples before or MinDecelerate samples after at, or if the
// likeness is below the threshold.
func (s *Stretcher) Decelerate(pcm []int16, at, end int, threshold float64) int {
	if at < History || end-at < MinDecelerate || len(pcm)-end < MaxPeriod {
		return 0
	}
	m := s.find.find(pcm[:end], at, -1, MaxPeriod)
	if m.likeness < threshold && m.meanSquare > quiet {
		return 0
	}
	s.fade.mix(s.tail[:], pcm[at:at+window], pcm[at-m.period:at-m.period+window], m.likeness)
	// What follows is one period behind: first what was played already, then
	// the old content from its beginning.
	copy(pcm[at+m.period:end+m.period], pcm[at:end])
	copy(pcm[at:at+m.period], pcm[at-m.period:at])
	copy(pcm[at:], s.tail[:])
	return m.period
}

// fadeWindow holds the rising half of a raised cosine.
type fadeWindow [window]float64

func (f *fadeWindow) fill() {
	for i := range f {
		f[i] = 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/window)
	}
}

// mix cross-fades from a to b into dst. The sum of two unlike pieces is weaker
// than either of them; likeness is what makes up for that.
func (f *fadeWindow) mix(dst, a, b []int16, likeness float64) {
	likeness = min(1, max(0, likeness))
	for i := range dst {
		up := f[i*window/len(dst)]
		down := 1 - up
		norm := math.Sqrt(up*up + down*down + 2*likeness*up*down)
		dst[i] = clip((down*float64(a[i]) + up*float64(b[i])) / norm)
	}
}

func clip(v float64) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, math.Round(v))))
}

// CrossFade fades from the old to the new samples into dst; all have one length
// of at most 480 samples.
func (s *Stretcher) CrossFade(dst, from, to []int16) {
	s.fade.mix(dst, from, to, 1)
}
