package tone_test

import (
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/tone"
)

// level is the amplitude of one frequency, relative to full scale, in dB.
func level(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, s := range pcm {
		a := 2 * math.Pi * hz * float64(i) / tone.SampleRate
		re += float64(s) * math.Cos(a)
		im += float64(s) * math.Sin(a)
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/float64(len(pcm))/32767+1e-9)
}

func TestSine_Frame_HasItsFrequencyAndLevel(t *testing.T) {
	g, err := tone.Sine(1000)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 48000)
	for range 3 {
		if err := g.ReadAudio(pcm); err != nil {
			t.Fatal(err)
		}
	}
	if l := level(pcm, 1000); math.Abs(l+16) > 0.01 {
		t.Errorf("%.2f dB", l)
	}
	if l := level(pcm, 1500); l > -80 {
		t.Errorf("%.2f dB beside it", l)
	}
}

func TestDTMF_EveryDigit_HasItsTwoFrequencies(t *testing.T) {
	rows, columns := []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}
	for i, d := range "123A456B789C*0#D" {
		g, err := tone.DTMF(string(d), 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, 4800)
		if err := g.ReadAudio(pcm); err != nil {
			t.Fatal(err)
		}
		for k := range 4 {
			row, column := level(pcm, rows[k]), level(pcm, columns[k])
			if (row > -20) != (k == i/4) || (column > -20) != (k == i%4) {
				t.Errorf("%q: %.0f Hz at %.1f dB, %.0f Hz at %.1f dB", d, rows[k], row, columns[k], column)
			}
		}
		if err := g.ReadAudio(pcm); err != nil || level(pcm, rows[i/4]) > -60 {
			t.Errorf("%q: no gap: %v", d, err)
		}
		if err := g.ReadAudio(pcm); !errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", d, err)
		}
	}
}

func TestRingbackAndBusy_Cadence_IsThatOfTheNetwork(t *testing.T) {
	for name, test := range map[string]struct {
		g       *tone.Generator
		on, off int // tenths of a second
	}{"ringback": {tone.Ringback(), 10, 40}, "busy": {tone.Busy(), 5, 5}} {
		pcm := make([]int16, 4800)
		for i := range 120 {
			if err := test.g.ReadAudio(pcm); err != nil {
				t.Fatal(err)
			}
			if on := level(pcm, 425) > -20; on != (i%(test.on+test.off) < test.on) {
				t.Errorf("%s: on %v after %d00 ms", name, on, i)
			}
		}
	}
}

func TestNew_BadOptions_Fail(t *testing.T) {
	for _, o := range []*tone.Options{
		nil,
		{},
		{Steps: []tone.Step{{Duration: -1}}},
		{Steps: []tone.Step{{Duration: 1}}},
		{Steps: []tone.Step{{Frequencies: []float64{0}}}},
		{Steps: []tone.Step{{Frequencies: []float64{24000}}}},
		{Steps: []tone.Step{{Frequencies: []float64{math.NaN()}}}},
		{Steps: []tone.Step{{}}, Level: 3},
	} {
		if _, err := tone.New(o); !errors.Is(err, tone.ErrOption) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := tone.DTMF("1x", time.Second); !errors.Is(err, tone.ErrOption) {
		t.Error(err)
	}
}

func TestGenerator_ManyFrequencies_DoNotWrapAround(t *testing.T) {
	g, err := tone.New(&tone.Options{Level: -0.1, Steps: []tone.Step{{Frequencies: []float64{100, 101, 102}}}})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 4800)
	if err := g.ReadAudio(pcm); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(pcm); i++ {
		if math.Abs(float64(pcm[i])-float64(pcm[i-1])) > 4000 {
			t.Fatalf("jump at %d", i)
		}
	}
}
