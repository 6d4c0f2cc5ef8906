package level_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/level"
)

func TestLevel_KnownSignals(t *testing.T) {
	square, sine := make([]int16, 960), make([]int16, 960)
	for i := range square {
		square[i] = math.MaxInt16
		if i%2 == 1 {
			square[i] = -math.MaxInt16
		}
		sine[i] = int16(math.MaxInt16 * math.Sin(2*math.Pi*1000*float64(i)/48000))
	}
	scaled := func(in []int16, k float64) []int16 {
		out := make([]int16, len(in))
		for i, v := range in {
			out[i] = int16(float64(v) * k)
		}
		return out
	}
	for _, test := range []struct {
		name string
		pcm  []int16
		want uint8
	}{
		{"overload", square, 0},
		{"full sine", sine, 3},
		{"sine 20 dB down", scaled(sine, 0.1), 23},
		{"sine 60 dB down", scaled(sine, 0.001), 63},
		{"one bit", []int16{1, -1, 1, -1}, 90},
		{"silence", make([]int16, 960), 127},
		{"nothing", nil, 127},
	} {
		if got := level.Level(test.pcm); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestLevel_LinearAndBack(t *testing.T) {
	for l := uint8(0); l < 127; l++ {
		if got := level.FromRMS(level.ToLinear(l)); got != l {
			t.Errorf("%d became %d", l, got)
		}
	}
	if level.ToLinear(127) != 0 || level.ToLinear(255) != 0 {
		t.Error("silence is not zero")
	}
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
		if level.FromRMS(v) != level.Silence {
			t.Errorf("%v is %d", v, level.FromRMS(v))
		}
	}
	if level.FromRMS(math.Inf(1)) != 0 {
		t.Error("infinite is not loudest")
	}
}

// sentence is speech-like: a word of 0.4 s and a gap of 0.15 s, 66 periods in all.
var sentence = func() (w [26400]float64) {
	for i := range w {
		t := float64(i) / 48000
		if t > 0.4 {
			continue
		}
		var v float64
		for h := 1.0; h <= 24; h++ {
			low, mid, high := (h*120-600)/350, (h*120-1400)/400, (h*120-2600)/400
			formants := math.Exp(-low*low) + 0.5*math.Exp(-mid*mid) + 0.2*math.Exp(-high*high)
			v += formants * math.Sin(2*math.Pi*120*h*t+h)
		}
		w[i] = math.Sin(math.Pi*t/0.4) * v
	}
	return w
}()

func talk(i int) float64 { return sentence[i%len(sentence)] }

// detect runs frames of 10 ms through a Detector and returns its answers.
func detect(seconds int, sample func(i int) float64) []bool {
	d := level.NewDetector(48000)
	var answers []bool
	pcm := make([]int16, 480)
	for i := 0; i < seconds*48000; i += 480 {
		for k := range pcm {
			pcm[k] = int16(max(-32768, min(32767, sample(i+k))))
		}
		answers = append(answers, d.Process(pcm))
	}
	return answers
}

func share(answers []bool) float64 {
	n := 0
	for _, a := range answers {
		if a {
			n++
		}
	}
	return float64(n) / float64(len(answers))
}

func TestDetector_NoiseIsNotVoice(t *testing.T) {
	for _, rms := range []float64{0, 3, 30, 300, 2000} {
		t.Run(fmt.Sprintf("white %.0f", rms), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			a := detect(8, func(int) float64 { return rng.NormFloat64() * rms })
			// It may take two seconds to learn what is noise.
			if s := share(a[250:]); s > 0.02 {
				t.Errorf("%.3f of noise is voice", s)
			}
		})
	}
	t.Run("hum", func(t *testing.T) {
		a := detect(8, func(i int) float64 {
			return 1500*math.Sin(2*math.Pi*50*float64(i)/48000) + 500*math.Sin(2*math.Pi*150*float64(i)/48000)
		})
		if s := share(a[250:]); s > 0.02 {
			t.Errorf("%.3f of hum is voice", s)
		}
	})
}

func TestDetector_VoiceIsFoundOverNoise(t *testing.T) {
	for _, test := range []struct{ voice, noise float64 }{{4000, 0}, {4000, 30}, {4000, 200}, {400, 10}, {100, 3}} {
		t.Run(fmt.Sprintf("voice %.0f noise %.0f", test.voice, test.noise), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			on := func(i int) bool { return i/48000/3%2 == 1 } // three seconds each
			a := detect(18, func(i int) float64 {
				v := rng.NormFloat64() * test.noise
				if on(i) {
					v += test.voice * talk(i)
				}
				return v
			})
			var hit, all, wrong, quiet float64
			for i, answer := range a[300:] {
				if on((i + 300) * 480) {
					all++
					if answer {
						hit++
					}
				} else {
					quiet++
					if answer {
						wrong++
					}
				}
			}
			if hit/all < 0.75 || wrong/quiet > 0.08 {
				t.Errorf("found %.2f, wrong %.3f", hit/all, wrong/quiet)
			}
		})
	}
}

func TestDetector_StartsWithVoice(t *testing.T) {
	a := detect(3, func(i int) float64 { return 4000 * talk(i) })
	if s := share(a[:100]); s < 0.7 {
		t.Errorf("found %.2f in the first second", s)
	}
}

func TestDetector_OddInput(t *testing.T) {
	d := level.NewDetector(0)
	if d.Process(nil) {
		t.Error("nothing is voice")
	}
	for _, n := range []int{1, 3, 480, 5760} {
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = math.MinInt16
		}
		d.Process(pcm)
	}
}

func TestSpeaking_BeginsSoonAndEndsCalmly(t *testing.T) {
	var s level.Speaking
	step := 10 * time.Millisecond
	feed := func(voice bool, d time.Duration) (on bool, changes int) {
		for ; d > 0; d -= step {
			var changed bool
			if on, changed = s.Update(voice, step); changed {
				changes++
			}
		}
		return on, changes
	}
	if on, n := feed(true, 50*time.Millisecond); on || n != 0 {
		t.Error("a click is speaking")
	}
	if on, _ := feed(false, time.Second); on {
		t.Error("speaks in silence")
	}
	if on, n := feed(true, 60*time.Millisecond); !on || n != 1 {
		t.Error("does not begin after 60 ms")
	}
	if on, n := feed(false, 590*time.Millisecond); !on || n != 0 {
		t.Error("ends in a gap between words")
	}
	feed(true, 10*time.Millisecond)
	if on, n := feed(false, 600*time.Millisecond); on || n != 1 {
		t.Error("does not end after 600 ms")
	}
	feed(true, 100*time.Millisecond)
	if !s.Stop() || s.Stop() {
		t.Error("Stop does not tell the change once")
	}
}

func BenchmarkDetector(b *testing.B) {
	d := level.NewDetector(48000)
	pcm := make([]int16, 480)
	for i := range pcm {
		pcm[i] = int16(4000 * talk(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		for range 100 {
			d.Process(pcm)
		}
	}
}
