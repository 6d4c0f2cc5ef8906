package resample_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/resample"
)

func tone(rate int, hz, amplitude float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// gain measures the power of the steady part of out relative to a tone of the amplitude, in dB.
func gain(out []int16, amplitude float64) float64 {
	out = out[len(out)/4 : len(out)*3/4]
	sum := 0.0
	for _, s := range out {
		sum += float64(s) * float64(s)
	}
	return 10 * math.Log10((sum/float64(len(out))+1e-9)/(amplitude*amplitude/2))
}

// component measures the part of out at hz relative to a tone of the amplitude, in dB.
func component(out []int16, rate int, hz, amplitude float64) float64 {
	out = out[len(out)/4 : len(out)*3/4]
	var re, im, norm float64
	for i, s := range out {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(out)))
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		re += w * float64(s) * math.Cos(a)
		im += w * float64(s) * math.Sin(a)
		norm += w
	}
	return 20 * math.Log10((2*math.Hypot(re, im)/norm+1e-9)/amplitude)
}

var pairs = [][2]int{
	{48000, 8000},
	{48000, 16000},
	{48000, 24000},
	{8000, 48000},
	{16000, 48000},
	{24000, 48000},
	{8000, 16000},
	{16000, 8000},
	{44100, 48000},
	{22050, 48000},
	{48000, 44100},
	{32000, 48000},
	{96000, 48000},
}

func TestResampler_Passband_IsFlat(t *testing.T) {
	for _, p := range pairs {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			nyquist := float64(min(p[0], p[1])) / 2
			for _, f := range []float64{0.02, 0.1, 0.25, 0.5, 0.7, 0.8, 0.85} {
				r, err := resample.New(p[0], p[1])
				if err != nil {
					t.Fatal(err)
				}
				out := r.Process(nil, tone(p[0], f*nyquist, 16000, p[0]/8))
				if g := gain(out, 16000); math.Abs(g) > 0.05 {
					t.Errorf("%.0f Hz passes with %.3f dB", f*nyquist, g)
				}
			}
		})
	}
}

func TestResampler_Stopband_IsBelow60dB(t *testing.T) {
	for _, p := range pairs {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			from, to := float64(p[0]), float64(p[1])
			nyquist := min(from, to) / 2
			worst := -200.0
			if to < from {
				// Tones above the new Nyquist frequency must not come back as aliases.
				for f := 1.10 * nyquist; f < from/2; f += from / 37 {
					r, _ := resample.New(p[0], p[1])
					worst = max(worst, gain(r.Process(nil, tone(p[0], f, 16000, p[0]/8)), 16000))
				}
			} else {
				// Images of a tone must not appear above the old Nyquist frequency.
				for _, f := range []float64{0.1, 0.45, 0.8, 0.9} {
					r, _ := resample.New(p[0], p[1])
					out := r.Process(nil, tone(p[0], f*nyquist, 16000, p[0]/8))
					for k := 1.0; k*from-f*nyquist < to/2; k++ {
						worst = max(worst, component(out, p[1], k*from-f*nyquist, 16000))
						if k*from+f*nyquist < to/2 {
							worst = max(worst, component(out, p[1], k*from+f*nyquist, 16000))
						}
					}
				}
			}
			t.Logf("worst %.1f dB", worst)
			if worst > -60 {
				t.Errorf("stopband at %.1f dB, want ≤ -60 dB", worst)
			}
		})
	}
}

func TestResampler_Delay_IsShortAndAsTold(t *testing.T) {
	for _, p := range pairs {
		r, err := resample.New(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		if r.Delay() > 2500*time.Microsecond {
			t.Errorf("%v: delay %v", p, r.Delay())
		}
		// A slow half wave peaks where the delay says.
		const hz = 50.0
		out := r.Process(nil, tone(p[0], hz, 20000, p[0]/25))
		peak := 0
		for i, s := range out[:len(out)/2] {
			if s > out[peak] {
				peak = i
			}
		}
		last := peak
		for last < len(out)-1 && out[last+1] == out[peak] {
			last++
		}
		got := float64(peak+last) / 2 / float64(p[1])
		want := 1/(4*hz) + r.Delay().Seconds()
		if math.Abs(got-want) > 0.00015 {
			t.Errorf("%v: peak at %.3f ms, want %.3f ms", p, got*1000, want*1000)
		}
	}
}

func TestResampler_AnyChunks_GiveTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	in := make([]int16, 9600)
	for i := range in {
		in[i] = int16(rng.IntN(20000) - 10000)
	}
	for _, p := range pairs {
		whole, _ := resample.New(p[0], p[1])
		want := whole.Process(nil, in)
		if n := (len(in)*p[1] + p[0] - 1) / p[0]; len(want) != n {
			t.Errorf("%v: %d samples, want %d", p, len(want), n)
		}
		parts, _ := resample.New(p[0], p[1])
		var got []int16
		for rest := in; len(rest) > 0; {
			n := min(len(rest), rng.IntN(500))
			got = parts.Process(got, rest[:n])
			rest = rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: chunks change the output", p)
		}
		parts.Reset()
		if again := parts.Process(nil, in); !slices.Equal(again, want) {
			t.Errorf("%v: Reset leaves something behind", p)
		}
	}
}

func TestResampler_FrameOf20ms_GivesFrameOf20ms(t *testing.T) {
	for _, p := range pairs[:8] {
		r, _ := resample.New(p[0], p[1])
		for range 5 {
			if out := r.Process(nil, make([]int16, p[0]/50)); len(out) != p[1]/50 {
				t.Errorf("%v: %d samples", p, len(out))
			}
		}
	}
}

func TestResampler_RoundTrip_KeepsSpeechBand(t *testing.T) {
	in := tone(48000, 1000, 12000, 48000)
	down, _ := resample.New(48000, 16000)
	up, _ := resample.New(16000, 48000)
	out := up.Process(nil, down.Process(nil, in))
	lag := int((down.Delay()+up.Delay()).Seconds()*48000 + 0.5)
	worst := 0.0
	for i := 4800; i < 40000; i++ {
		worst = max(worst, math.Abs(float64(out[i+lag])-float64(in[i])))
	}
	if worst > 40 {
		t.Errorf("off by up to %.0f of 12000", worst)
	}
}

func TestResampler_FullScale_Saturates(t *testing.T) {
	square := make([]int16, 4800)
	for i := range square {
		square[i] = 32767
		if i/24%2 == 0 {
			square[i] = -32768
		}
	}
	r, _ := resample.New(48000, 16000)
	out := r.Process(nil, square)
	for i := 1000; i < len(out); i++ {
		if out[i] > 20000 != (out[i] > 0) && out[i] > 26000 {
			t.Fatal("wrapped around")
		}
	}
	if slices.Max(out) != 32767 || slices.Min(out) != -32768 {
		t.Errorf("range %d to %d", slices.Min(out), slices.Max(out))
	}
}

func TestNew_BadRate_Fails(t *testing.T) {
	for _, p := range [][2]int{{0, 48000}, {48000, 0}, {-1, 8000}, {48000, 1 << 30}} {
		if _, err := resample.New(p[0], p[1]); !errors.Is(err, resample.ErrRate) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if r, err := resample.New(44101, 48000); err != nil || len(r.Process(nil, make([]int16, 44101))) != 48000 {
		t.Errorf("odd ratio: %v", err)
	}
	if r, _ := resample.New(48000, 48000); !slices.Equal(r.Process(nil, []int16{1, 2, 3}), []int16{1, 2, 3}) {
		t.Error("equal rates change samples")
	}
}

func BenchmarkResampler(b *testing.B) {
	for _, p := range pairs[:6] {
		b.Run(fmt.Sprintf("%d-%d", p[0], p[1]), func(b *testing.B) {
			r, _ := resample.New(p[0], p[1])
			in := tone(p[0], 440, 10000, p[0]/50)
			out := make([]int16, 0, p[1]/50+1)
			for b.Loop() {
				r.Process(out[:0], in)
			}
			b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
		})
	}
}
