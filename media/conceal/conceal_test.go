package conceal_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/parley-rtc/parley/media/conceal"
)

func voiced(rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		t := float64(i) / float64(rate)
		// A voice-like sum: 120 Hz with overtones.
		v := 0.0
		for k := 1.0; k <= 12; k++ {
			v += math.Sin(2*math.Pi*120*k*t+k) / k
		}
		pcm[i] = int16(5000 * v)
	}
	return pcm
}

func power(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum / float64(len(pcm))
}

func snr(want, got []int16) float64 {
	noise := 0.0
	for i := range want {
		d := float64(want[i]) - float64(got[i])
		noise += d * d
	}
	return 10 * math.Log10(power(want)/(noise/float64(len(want))+1))
}

func TestConceal_VoicedFrame_GoesOnAsItWas(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		pcm := voiced(rate, rate)
		c := conceal.New(rate)
		frame := rate / 50
		at := rate / 2
		for i := 0; i < at; i += frame {
			c.Good(append([]int16(nil), pcm[i:i+frame]...))
		}
		lost := make([]int16, rate/100)
		c.Conceal(lost)
		if got := snr(pcm[at:at+len(lost)], lost); got < 10 {
			t.Errorf("%d Hz: the first 10 ms are made up with %.1f dB", rate, got)
		}
	}
}

func TestConceal_LongGap_FadesToSilence(t *testing.T) {
	const rate = 16000
	pcm := voiced(rate, rate)
	c := conceal.New(rate)
	c.Good(append([]int16(nil), pcm...))
	last := math.Inf(1)
	for i := range 10 {
		lost := make([]int16, rate/100)
		if silent := c.Silent(); silent != (i >= 6) {
			t.Errorf("after %d ms: silent %v", 10*i, silent)
		}
		c.Conceal(lost)
		p := power(lost)
		if i > 1 && p > last {
			t.Errorf("louder after %d ms", 10*i)
		}
		last = p
	}
	if last != 0 {
		t.Errorf("power %.1f after 100 ms", last)
	}
}

// steps measures the largest jump between adjacent samples.
func steps(pcm []int16) float64 {
	largest := 0.0
	for i := 1; i < len(pcm); i++ {
		largest = max(largest, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
	}
	return largest
}

func TestConceal_Borders_DoNotClick(t *testing.T) {
	const rate = 16000
	pcm := make([]int16, rate)
	for i := range pcm {
		pcm[i] = int16(12000 * math.Sin(2*math.Pi*200*float64(i)/rate))
	}
	natural := steps(pcm)
	for gap := 1; gap <= 4; gap++ {
		c := conceal.New(rate)
		var out []int16
		for n := range 50 {
			frame := append([]int16(nil), pcm[n*320:(n+1)*320]...)
			if n >= 20 && n < 20+gap {
				c.Conceal(frame)
			} else {
				c.Good(frame)
			}
			out = append(out, frame...)
		}
		if s := steps(out); s > 1.6*natural {
			t.Errorf("gap of %d ms: step of %.0f, %.0f in the original", 20*gap, s, natural)
		}
	}
}

// The waveform of noise-like sounds cannot be guessed; their loudness can.
func TestConceal_RealSpeech_KeepsTheLoudness(t *testing.T) {
	raw, err := os.ReadFile("../g722/testdata/voice.pcm")
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	const frame = 320
	off, frames := 0.0, 0.0
	for lost := 5; (lost+1)*frame <= len(pcm); lost++ {
		c := conceal.New(16000)
		c.Good(append([]int16(nil), pcm[:lost*frame]...))
		made := make([]int16, frame/2)
		c.Conceal(made)
		want := power(pcm[lost*frame : lost*frame+frame/2])
		if want < 1e4 {
			continue
		}
		off += math.Abs(10 * math.Log10(power(made)/want))
		frames++
	}
	t.Logf("first 10 ms of %.0f frames: off by %.1f dB on average", frames, off/frames)
	if frames < 5 || off/frames > 4 {
		t.Error("too far off")
	}
}

func TestConceal_NothingHeard_IsSilent(t *testing.T) {
	c := conceal.New(0)
	frame := []int16{1, 2, 3}
	c.Conceal(frame)
	if power(frame) != 0 {
		t.Error("noise out of nothing")
	}
	c.Good([]int16{5, 6})
	c.Conceal(nil)
	c.Good(nil)
}

func BenchmarkConceal(b *testing.B) {
	pcm := voiced(48000, 48000)
	c := conceal.New(48000)
	c.Good(pcm)
	frame := make([]int16, 960)
	for b.Loop() {
		c.Conceal(frame)
		c.Good(pcm[:960:960])
	}
	b.ReportMetric(0.04/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
}
