package stretch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/parley-rtc/parley/media/stretch"
)

// harmonic is a voice-like sound of one pitch.
func harmonic(pitch float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		t := float64(i) / 48000
		var v float64
		for h := 1.0; h*pitch < 3500; h++ {
			v += math.Sin(2*math.Pi*h*pitch*t+h*h) / h
		}
		pcm[i] = int16(5000 * v)
	}
	return pcm
}

func noise(n int) []int16 {
	rng := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(rng.NormFloat64() * 3000)
	}
	return pcm
}

func power(pcm []int16) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(pcm))
}

// pitchOf measures the pitch by the best lag around the expected one.
func pitchOf(pcm []int16, expected float64) float64 {
	from, to := int(48000/expected*0.8), int(48000/expected*1.25)
	best, at := -1.0, 0
	for lag := from; lag <= to; lag++ {
		var ab, aa, bb float64
		for i := 0; i+lag < len(pcm); i++ {
			x, y := float64(pcm[i]), float64(pcm[i+lag])
			ab += x * y
			aa += x * x
			bb += y * y
		}
		if s := ab / math.Sqrt(aa*bb+1); s > best {
			best, at = s, lag
		}
	}
	return 48000 / float64(at)
}

// steepest is the largest step between two samples.
func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		most = max(most, int(math.Abs(float64(pcm[i])-float64(pcm[i-1]))))
	}
	return most
}

// faster runs pcm through Accelerate in pieces of 30 ms.
func faster(s *stretch.Stretcher, pcm []int16, threshold float64) []int16 {
	var out []int16
	for ; len(pcm) >= 1440; pcm = pcm[1440:] {
		piece := append([]int16(nil), pcm[:1440]...)
		n := s.Accelerate(piece, stretch.MaxPeriod, threshold)
		out = append(out, piece[:1440-n]...)
	}
	return out
}

// slower runs pcm through Decelerate in pieces of 20 ms.
func slower(s *stretch.Stretcher, pcm []int16, threshold float64) []int16 {
	room := make([]int16, 4*len(pcm)+stretch.MaxPeriod)
	end := copy(room, pcm[:960])
	for pcm = pcm[960:]; len(pcm) >= 960; pcm = pcm[960:] {
		at := end
		end += copy(room[end:], pcm[:960])
		end += s.Decelerate(room, at, end, threshold)
	}
	return room[:end]
}

func TestStretch_PitchAndEnergyStay(t *testing.T) {
	for _, pitch := range []float64{70, 90, 125, 180, 240, 330, 400} {
		for _, way := range []string{"faster", "slower"} {
			t.Run(fmt.Sprintf("%s %.0f Hz", way, pitch), func(t *testing.T) {
				s, in := stretch.NewStretcher(), harmonic(pitch, 48000)
				out := faster(s, in, 0.9)
				if way == "slower" {
					out = slower(s, in, 0.9)
				}
				change := float64(len(out))/float64(len(in)) - 1
				if way == "faster" && (change > -0.1 || change < -0.6) || way == "slower" && (change < 0.1 || change > 0.8) {
					t.Errorf("length changed by %.3f", change)
				}
				if p := pitchOf(out, pitch); math.Abs(p/pitch-1) > 0.01 {
					t.Errorf("pitch is %.2f Hz", p)
				}
				if db := 10 * math.Log10(power(out)/power(in)); math.Abs(db) > 0.3 {
					t.Errorf("energy changed by %.2f dB", db)
				}
				if a, b := steepest(out), steepest(in); a > b*11/10 {
					t.Errorf("steepest step %d, was %d", a, b)
				}
			})
		}
	}
}

func TestStretch_Glide_StaysSmooth(t *testing.T) {
	in := make([]int16, 96000)
	phase := 0.0
	for i := range in {
		t := float64(i) / 48000
		phase += 2 * math.Pi * (140 + 60*math.Sin(2*math.Pi*1.5*t)) / 48000
		var v float64
		for h := 1.0; h <= 12; h++ {
			v += math.Sin(h*phase) / h
		}
		in[i] = int16(4000 * v)
	}
	s := stretch.NewStretcher()
	for name, out := range map[string][]int16{"faster": faster(s, in, 0.7), "slower": slower(s, in, 0.7)} {
		if len(out) == len(in) {
			t.Errorf("%s: length did not change", name)
		}
		if db := 10 * math.Log10(power(out)/power(in)); math.Abs(db) > 0.6 {
			t.Errorf("%s: energy changed by %.2f dB", name, db)
		}
		if a, b := steepest(out), steepest(in); a > b*5/4 {
			t.Errorf("%s: steepest step %d, was %d", name, a, b)
		}
	}
}

func TestStretch_Noise_OnlyWhenForced(t *testing.T) {
	s, in := stretch.NewStretcher(), noise(48000)
	if out := faster(s, in, 0.9); len(out) != len(in)/1440*1440 {
		t.Errorf("noise was shortened by %d samples", len(in)-len(out))
	}
	out := faster(s, in, -1)
	if len(out) > len(in)*9/10 {
		t.Errorf("forced: %d of %d samples left", len(out), len(in))
	}
	// Two unlike pieces would sum up to less in a plain cross-fade.
	if db := 10 * math.Log10(power(out)/power(in)); math.Abs(db) > 0.5 {
		t.Errorf("energy changed by %.2f dB", db)
	}
}

func TestStretch_Silence_AlwaysFits(t *testing.T) {
	s, in := stretch.NewStretcher(), make([]int16, 48000)
	if out := faster(s, in, 0.99); len(out) == len(in) {
		t.Error("silence was not shortened")
	}
	if out := slower(s, in, 0.99); len(out) == len(in) {
		t.Error("silence was not lengthened")
	}
}

func TestStretch_TooLittle_ChangesNothing(t *testing.T) {
	s := stretch.NewStretcher()
	in := harmonic(200, 4000)
	if n := s.Accelerate(in[:stretch.MinAccelerate-1], stretch.MaxPeriod, -1); n != 0 {
		t.Errorf("removed %d", n)
	}
	if n := s.Decelerate(in, stretch.History-1, 2000, -1); n != 0 {
		t.Errorf("inserted %d without history", n)
	}
	if n := s.Decelerate(in, 1000, 1000+stretch.MinDecelerate-1, -1); n != 0 {
		t.Errorf("inserted %d without content", n)
	}
	if n := s.Decelerate(in, 1000, 4000-stretch.MaxPeriod+1, -1); n != 0 {
		t.Errorf("inserted %d without room", n)
	}
	if n := s.Accelerate(in, stretch.MinPeriod-1, -1); n != 0 {
		t.Errorf("removed %d with no period allowed", n)
	}
	for i, v := range harmonic(200, 4000) {
		if in[i] != v {
			t.Fatalf("sample %d changed", i)
		}
	}
}

func TestStretch_Most_IsKept(t *testing.T) {
	s := stretch.NewStretcher()
	for _, most := range []int{120, 121, 200, 300, 500, 719} {
		if n := s.Accelerate(harmonic(200, 2000), most, -1); n < stretch.MinPeriod || n > most {
			t.Errorf("removed %d, most %d", n, most)
		}
	}
}

func TestStretch_LoudestInput_DoesNotWrap(t *testing.T) {
	s := stretch.NewStretcher()
	in := make([]int16, 9600)
	for i := range in {
		in[i] = math.MaxInt16
		if i/100%2 == 1 {
			in[i] = math.MinInt16
		}
	}
	for _, v := range faster(s, in, -1) {
		// A wrapped sum would be the other extreme of both.
		if v == 0 {
			t.Fatal("a wave without zeros has one")
		}
	}
	out := slower(s, in, -1)
	if db := 10 * math.Log10(power(out)/power(in)); db > 0.01 || db < -1 {
		t.Errorf("energy changed by %.2f dB", db)
	}
}

func TestCrossFade_FromOneToTheOther(t *testing.T) {
	s := stretch.NewStretcher()
	from, to, dst := make([]int16, 240), make([]int16, 240), make([]int16, 240)
	for i := range from {
		from[i], to[i] = 1000, 3000
	}
	s.CrossFade(dst, from, to)
	if dst[0] > 1010 || dst[239] < 2990 {
		t.Errorf("begins with %d, ends with %d", dst[0], dst[239])
	}
	for i := 1; i < len(dst); i++ {
		if dst[i] < dst[i-1] {
			t.Fatalf("falls at %d", i)
		}
	}
}

func TestNoise_LevelAndEnd(t *testing.T) {
	n := stretch.NewNoise()
	pcm := make([]int16, 48000)
	n.Next(pcm, 300)
	if rms := math.Sqrt(power(pcm[4800:])); rms < 270 || rms > 330 {
		t.Errorf("level %.0f", rms)
	}
	n.Next(pcm, 0)
	if p := power(pcm[24000:]); p != 0 {
		t.Errorf("power %.2f after the end", p)
	}
}

func TestStretch_DoesNotAllocate(t *testing.T) {
	s, n := stretch.NewStretcher(), stretch.NewNoise()
	in := harmonic(150, 4000)
	if a := testing.AllocsPerRun(100, func() {
		s.Accelerate(in[:1440], stretch.MaxPeriod, 0.5)
		s.Decelerate(in, 1000, 2000, 0.5)
		s.CrossFade(in[:240], in[:240], in[240:480])
		n.Next(in[3000:], 10)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkAccelerate(b *testing.B) {
	s, in := stretch.NewStretcher(), harmonic(120, 1440)
	piece := make([]int16, 1440)
	for b.Loop() {
		copy(piece, in)
		s.Accelerate(piece, stretch.MaxPeriod, 0.9)
	}
}

func BenchmarkDecelerate(b *testing.B) {
	s, in := stretch.NewStretcher(), harmonic(120, 4000)
	for b.Loop() {
		s.Decelerate(in, 1000, 2000, 0.9)
	}
}
