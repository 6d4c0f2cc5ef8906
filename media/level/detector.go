package level

import "math"

const (
	bands = 3
	// The noise floor is the least smoothed energy of so many blocks of so many frames.
	floorBlocks      = 8
	floorBlockMillis = 250

	// Decibels over the floor that do not count yet, and at most, per band.
	bandDeadZone = 4.0
	bandMost     = 12.0
	// The mean over the bands that begins voice, and that keeps it.
	voiceOn  = 4.0
	voiceOff = 2.0
	// Nothing below this level is voice: -60 dBov.
	voiceLeast = 0.001
	// Until a floor is known it is thought to be here: -66 dBov.
	floorStart = 0.0005 * 0.0005
	// holdMillis bridges the closures inside words.
	holdMillis = 80
)

// Detector tells whether audio holds voice. It adapts to a constant noise
// within two seconds.
type Detector struct {
	rate    float64
	filters [bands]bandPass
	tracks  [bands]track
	voice   bool
	hold    float64
}

// NewDetector makes a Detector for PCM of a rate in hertz.
func NewDetector(rate int) *Detector {
	d := &Detector{rate: float64(max(rate, 8000))}
	// Where voices have their strongest formants; hum and hiss lie outside.
	for i, band := range [bands][2]float64{{150, 700}, {700, 1800}, {1800, 3600}} {
		d.filters[i] = newBandPass(d.rate, band[0], band[1])
		d.tracks[i] = newTrack()
	}
	return d
}

// Process takes the next piece of audio, 10 or 20 ms, and tells whether there is voice in it.
func (d *Detector) Process(pcm []int16) bool {
	if len(pcm) == 0 {
		return d.voice
	}
	millis := float64(len(pcm)) * 1000 / d.rate
	var score, total float64
	for i := range d.filters {
		energy := d.filters[i].energy(pcm)
		total += energy
		over := d.tracks[i].update(energy, millis)
		score += min(bandMost, max(0, over-bandDeadZone))
	}
	score /= bands
	limit := voiceOn
	if d.voice {
		limit = voiceOff
	}
	if score > limit && total > voiceLeast*voiceLeast {
		d.voice, d.hold = true, holdMillis
		return true
	}
	d.hold -= millis
	if d.hold <= 0 {
		d.voice = false
	}
	return d.voice
}

// track follows the energy of one band and the noise below it.
type track struct {
	smooth float64
	blocks [floorBlocks]float64
	at     int
	age    float64
	floor  float64
}

func newTrack() track {
	t := track{floor: floorStart, smooth: floorStart}
	for i := range t.blocks {
		t.blocks[i] = floorStart
	}
	return t
}

// update takes the energy of the next millis and returns by how many decibels
// it is over the floor.
func (t *track) update(energy, millis float64) float64 {
	t.smooth += (energy - t.smooth) * min(1, millis/25)
	// Digital silence must not pull the floor to nothing.
	least := max(t.smooth, 1e-9)
	t.blocks[t.at] = min(t.blocks[t.at], least)
	t.age += millis
	if t.age >= floorBlockMillis {
		t.age = 0
		t.at = (t.at + 1) % floorBlocks
		t.blocks[t.at] = least
	}
	t.floor = t.blocks[0]
	for _, b := range t.blocks[1:] {
		t.floor = min(t.floor, b)
	}
	return 10 * math.Log10(max(energy, 1e-12)/max(t.floor, floorStart/100))
}

// bandPass is a pass band made of two second-order sections.
type bandPass struct{ high, low section }

func newBandPass(rate, from, to float64) bandPass {
	return bandPass{high: newSection(rate, from, true), low: newSection(rate, to, false)}
}

// energy filters pcm and returns the mean square of the result.
func (b *bandPass) energy(pcm []int16) float64 {
	var sum float64
	for _, v := range pcm {
		y := b.low.step(b.high.step(float64(v) / 32768))
		sum += y * y
	}
	return sum / float64(len(pcm))
}

// section is a Butterworth filter of the second order.
type section struct {
	b0, b1, b2, a1, a2 float64
	s1, s2             float64
}

func newSection(rate, corner float64, high bool) section {
	w := 2 * math.Pi * corner / rate
	cos, alpha := math.Cos(w), math.Sin(w)/math.Sqrt2
	a0 := 1 + alpha
	c := section{a1: -2 * cos / a0, a2: (1 - alpha) / a0}
	if high {
		c.b0, c.b1 = (1+cos)/2/a0, -(1+cos)/a0
	} else {
		c.b0, c.b1 = (1-cos)/2/a0, (1-cos)/a0
	}
	c.b2 = c.b0
	return c
}

// step filters one sample.
func (c *section) step(x float64) float64 {
	y := c.b0*x + c.s1
	c.s1 = c.b1*x - c.a1*y + c.s2
	c.s2 = c.b2*x - c.a2*y
	return y
}
