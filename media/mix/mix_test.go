package mix_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/parley-rtc/parley/media/mix"
)

func sine(hertz, amplitude float64, from, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(amplitude * math.Sin(2*math.Pi*hertz*float64(from+i)/48000))
	}
	return pcm
}

func TestMixer_OneVoice_IsUntouched(t *testing.T) {
	var m mix.Mixer
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		in, out := make([]int16, 480), make([]int16, 480)
		for i := range in {
			in[i] = int16(rng.Uint32())
		}
		in[0], in[1] = math.MinInt16, math.MaxInt16
		m.Mix(out, [][]int16{in})
		for i := range in {
			if in[i] != out[i] {
				t.Fatalf("sample %d: %d became %d", i, in[i], out[i])
			}
		}
	}
}

func TestMixer_SumThatFits_IsExact(t *testing.T) {
	var m mix.Mixer
	a, b, out := sine(300, 9000, 0, 480), sine(700, 9000, 0, 480), make([]int16, 480)
	m.Mix(out, [][]int16{a, b, nil, a[:100]})
	for i := range out {
		want := int(a[i]) + int(b[i])
		if i < 100 {
			want += int(a[i])
		}
		if int(out[i]) != want {
			t.Fatalf("sample %d: %d, want %d", i, out[i], want)
		}
	}
	m.Mix(out, nil)
	for i, v := range out {
		if v != 0 {
			t.Fatalf("sample %d of nothing is %d", i, v)
		}
	}
}

func TestMixer_TooLoud_IsLimitedWithoutWrapping(t *testing.T) {
	var m mix.Mixer
	var heard []int16
	for k := range 100 {
		var in [][]int16
		for range 8 {
			in = append(in, sine(440, 30000, k*480, 480))
		}
		out := make([]int16, 480)
		m.Mix(out, in)
		heard = append(heard, out...)
	}
	// In step with the input, near full scale, without steps that a sine does not have.
	var along, power float64
	for i, v := range heard[4800:] {
		s := math.Sin(2 * math.Pi * 440 * float64(i+4800) / 48000)
		along += s * float64(v)
		power += float64(v) * float64(v)
	}
	n := float64(len(heard) - 4800)
	amplitude := 2 * along / n
	if amplitude < 25000 {
		t.Errorf("amplitude %.0f", amplitude)
	}
	if rest := power/n - amplitude*amplitude/2; math.Sqrt(math.Max(0, rest)) > amplitude*0.06 {
		t.Errorf("distortion %.0f of %.0f", math.Sqrt(rest), amplitude)
	}
	// When the others fall silent the gain comes back.
	out := make([]int16, 480)
	for k := range 200 {
		m.Mix(out, [][]int16{sine(440, 10000, k*480, 480)})
	}
	for i, v := range sine(440, 10000, 199*480, 480) {
		if out[i] != v {
			t.Fatalf("sample %d is %d, want %d", i, out[i], v)
		}
	}
}

func TestBridge_EachHearsTheOthers(t *testing.T) {
	var b mix.Bridge
	in := [][]int16{sine(300, 5000, 0, 480), sine(500, 5000, 0, 480), nil, sine(900, 5000, 0, 480)}
	out := make([][]int16, 5)
	for i := range out {
		out[i] = make([]int16, 480)
	}
	out[3] = nil
	b.Mix(out, in)
	for i := range out {
		if out[i] == nil {
			continue
		}
		for k := range 480 {
			want := 0
			for j := range in {
				if j != i && in[j] != nil {
					want += int(in[j][k])
				}
			}
			if int(out[i][k]) != want {
				t.Fatalf("party %d sample %d: %d, want %d", i, k, out[i][k], want)
			}
		}
	}
}

func TestBridge_LoudOther_DoesNotLowerMe(t *testing.T) {
	var b mix.Bridge
	quiet := sine(300, 1000, 0, 480)
	in := [][]int16{sine(500, 32000, 0, 480), sine(500, 32000, 0, 480), quiet}
	out := [][]int16{make([]int16, 480), make([]int16, 480), make([]int16, 480)}
	b.Mix(out, in)
	// The third hears two that are too loud, limited; the first two hear one and the quiet one.
	for i, v := range out[2] {
		if v == math.MinInt16 || v == math.MaxInt16 {
			continue
		}
		if s := in[0][i]; s > 1000 && v < 0 || s < -1000 && v > 0 {
			t.Fatalf("sample %d wrapped: %d", i, v)
		}
	}
}

func TestMix_DoesNotAllocate(t *testing.T) {
	var m mix.Mixer
	var b mix.Bridge
	in := [][]int16{sine(300, 30000, 0, 480), sine(500, 30000, 0, 480), sine(900, 30000, 0, 480)}
	out := [][]int16{make([]int16, 480), make([]int16, 480), make([]int16, 480)}
	m.Mix(out[0], in)
	b.Mix(out, in)
	if a := testing.AllocsPerRun(100, func() {
		m.Mix(out[0], in)
		b.Mix(out, in)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkBridge10(b *testing.B) {
	var m mix.Bridge
	in, out := make([][]int16, 10), make([][]int16, 10)
	for i := range in {
		in[i], out[i] = sine(float64(200+100*i), 3000, 0, 480), make([]int16, 480)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Mix(out, in)
	}
}
