package audiocheck_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/audiocheck"
)

var origin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	rate      = audiocheck.SampleRate
	saidFrame = 960
	earFrame  = 480
)

// speech makes something with the statistics of speech: syllables of a voiced
// sound with changing pitch, a little noise, pauses between.
func speech(seconds float64, seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]int16, 0, int(seconds*rate))
	phase, low := 0.0, 0.0
	for len(out) < cap(out) {
		n := int(rate * (0.08 + 0.2*r.Float64()))
		loud := 2000 + 8000*r.Float64()
		if r.Float64() < 0.25 {
			loud = 0
		}
		pitch := 90 + 120*r.Float64()
		for i := 0; i < n && len(out) < cap(out); i++ {
			envelope := math.Sin(math.Pi * float64(i) / float64(n))
			phase += (pitch + 20*math.Sin(float64(i)/3000)) / rate
			v := 0.0
			for h := 1; h <= 8; h++ {
				v += math.Sin(2*math.Pi*phase*float64(h)) / float64(h)
			}
			low = 0.9*low + 0.1*(2*r.Float64()-1)
			out = append(out, int16(loud*envelope*(0.5*v+0.8*low)))
		}
	}
	return out
}

// record adds samples in frames at an even pace from start on, each frame late
// by what late says.
func record(r *audiocheck.Recorder, start time.Time, samples []int16, frame int, late func(i int) time.Duration) {
	for i := 0; (i+1)*frame <= len(samples); i++ {
		at := start.Add(time.Duration(i*frame) * time.Second / rate)
		r.Add(at.Add(late(i)), samples[i*frame:(i+1)*frame])
	}
}

func punctual(int) time.Duration { return 0 }

// scheduler is a reader that wakes late now and then.
func scheduler(seed uint64) func(int) time.Duration {
	r := rand.New(rand.NewPCG(seed, 9))
	return func(int) time.Duration {
		late := time.Duration(r.ExpFloat64() * float64(2*time.Millisecond))
		if r.Float64() < 0.02 {
			late += 30 * time.Millisecond
		}
		return late
	}
}

// said returns the said track: a frame is read when it is complete.
func said(samples []int16, late func(int) time.Duration) audiocheck.Track {
	var r audiocheck.Recorder
	record(&r, origin.Add(20*time.Millisecond), samples, saidFrame, late)
	return r.Place(origin, -20*time.Millisecond)
}

func heard(samples []int16, delay time.Duration, late func(int) time.Duration) audiocheck.Track {
	var r audiocheck.Recorder
	record(&r, origin.Add(delay), samples, earFrame, late)
	return r.Place(origin, 0)
}

func near(got, want, within time.Duration) bool { return (got - want).Abs() <= within }

func TestCompare_ExactCopyLater(t *testing.T) {
	x := speech(4, 1)
	for _, delay := range []time.Duration{0, 37 * time.Millisecond, 120 * time.Millisecond, 800 * time.Millisecond} {
		r := audiocheck.Compare(said(x, punctual), heard(x, delay, punctual), nil)
		if !r.Same() || r.Waveform < 0.999 || r.Envelope < 0.999 {
			t.Errorf("delay %v: envelope %.4f waveform %.4f", delay, r.Envelope, r.Waveform)
		}
		if !near(r.Delay(0.5), delay, time.Millisecond) || !near(r.Delay(0.99), delay, time.Millisecond) {
			t.Errorf("delay %v: measured %v, p99 %v", delay, r.Delay(0.5), r.Delay(0.99))
		}
		if len(r.Lags) < r.Windows || r.Windows < 12 {
			t.Errorf("delay %v: %d of %d windows matched", delay, len(r.Lags), r.Windows)
		}
	}
}

func TestCompare_LateReadersDoNotTearTheAudio(t *testing.T) {
	x := speech(5, 2)
	r := audiocheck.Compare(said(x, scheduler(1)), heard(x, 60*time.Millisecond, scheduler(2)), nil)
	if !r.Same() || r.Waveform < 0.99 {
		t.Errorf("envelope %.4f waveform %.4f", r.Envelope, r.Waveform)
	}
	if !near(r.Delay(0.5), 60*time.Millisecond, 4*time.Millisecond) {
		t.Errorf("measured %v", r.Delay(0.5))
	}
}

func TestCompare_GainFilterAndNoiseAreTheSame(t *testing.T) {
	x := speech(5, 3)
	r := rand.New(rand.NewPCG(4, 4))
	y := make([]int16, len(x))
	v := 0.0
	for i, s := range x {
		v += 0.5 * (float64(s) - v)
		y[i] = int16(0.6*v + 30*(r.Float64()-0.5))
	}
	got := audiocheck.Compare(said(x, punctual), heard(y, 50*time.Millisecond, punctual), nil)
	if !got.Same() {
		t.Errorf("envelope %.4f waveform %.4f", got.Envelope, got.Waveform)
	}
}

// stretch makes the audio from the middle on later by n samples, as a jitter
// buffer that grows does.
func TestCompare_DelayThatGrows(t *testing.T) {
	x := speech(5, 5)
	half := len(x) / 2
	y := append(append(append([]int16{}, x[:half]...), x[half-960:half]...), x[half:]...)
	r := audiocheck.Compare(said(x, punctual), heard(y, 40*time.Millisecond, punctual), nil)
	if !r.Same() {
		t.Errorf("envelope %.4f waveform %.4f", r.Envelope, r.Waveform)
	}
	if !near(r.Delay(0.1), 40*time.Millisecond, time.Millisecond) || !near(r.Delay(0.9), 60*time.Millisecond, time.Millisecond) {
		t.Errorf("p10 %v p90 %v", r.Delay(0.1), r.Delay(0.9))
	}
}

func TestCompare_StallOfTheProcess(t *testing.T) {
	// Nothing came for 100 ms, then everything was later by as much, and the
	// buffer shrank again over two seconds.
	x := speech(7, 21)
	y := append([]int16{}, x[:4*rate]...)
	y = append(y, make([]int16, rate/10)...)
	const removed, every = 240, rate / 10
	for at := 4 * rate; at < len(x); at += every {
		cut := 0
		if at < 6*rate {
			cut = removed
		}
		y = append(y, x[at+cut:min(len(x), at+every)]...)
	}
	r := audiocheck.Compare(said(x, punctual), heard(y, 50*time.Millisecond, punctual), nil)
	if !r.Same() {
		t.Errorf("envelope %.4f waveform %.4f", r.Envelope, r.Waveform)
	}
	if got := r.Delay(0.99); got < 120*time.Millisecond {
		t.Errorf("p99 %v does not show the stall", got)
	}
}

func TestCompare_CorruptAudioIsNotTheSame(t *testing.T) {
	x := speech(5, 6)
	holes := func(share float64, length int) []int16 {
		r := rand.New(rand.NewPCG(7, 7))
		y := append([]int16{}, x...)
		for i := 0; i+length <= len(y); i += length {
			if r.Float64() < share {
				clear(y[i : i+length])
			}
		}
		return y
	}
	noise := make([]int16, len(x))
	r := rand.New(rand.NewPCG(8, 8))
	for i := range noise {
		noise[i] = int16(6000 * (r.Float64() - 0.5))
	}
	flipped := make([]int16, len(x))
	for i, s := range x {
		flipped[i] = s
		if i/480%2 == 0 {
			flipped[i] = -s
		}
	}
	cases := map[string][]int16{
		"silence":                    make([]int16, len(x)),
		"noise":                      noise,
		"somebody else":              speech(5, 99),
		"a fifth missing":            holes(0.2, 960),
		"a second missing":           append(append(append([]int16{}, x[:2*rate]...), make([]int16, rate)...), x[3*rate:]...),
		"every other 10 ms inverted": flipped,
		"nothing":                    nil,
	}
	for name, y := range cases {
		t.Run(name, func(t *testing.T) {
			r := audiocheck.Compare(said(x, punctual), heard(y, 50*time.Millisecond, punctual), nil)
			if r.Same() {
				t.Errorf("counts as the same: envelope %.4f waveform %.4f", r.Envelope, r.Waveform)
			}
		})
	}
}

func TestCompare_ExcludedSpansDoNotCount(t *testing.T) {
	x := speech(9, 10)
	y := append([]int16{}, x...)
	clear(y[3*rate : 5*rate]) // muted
	exclude := []audiocheck.Span{{From: 2900 * time.Millisecond, To: 5100 * time.Millisecond}}
	r := audiocheck.Compare(said(x, punctual), heard(y, 50*time.Millisecond, punctual), exclude)
	if !r.Same() {
		t.Errorf("envelope %.4f waveform %.4f", r.Envelope, r.Waveform)
	}
	if want := 6800 * time.Millisecond; !near(r.Compared, want, 50*time.Millisecond) {
		t.Errorf("compared %v, want %v", r.Compared, want)
	}
	if r := audiocheck.Compare(said(x, punctual), heard(y, 50*time.Millisecond, punctual), nil); r.Same() {
		t.Error("the muted part should have counted")
	}
}

func TestCompare_SourcePausedOnHold(t *testing.T) {
	x := speech(5, 11)
	var mouth, ear audiocheck.Recorder
	pause := 1700 * time.Millisecond
	half := len(x) / 2 / saidFrame * saidFrame
	record(&mouth, origin.Add(20*time.Millisecond), x[:half], saidFrame, scheduler(3))
	resumed := time.Duration(half)*time.Second/rate + pause
	record(&mouth, origin.Add(20*time.Millisecond+resumed), x[half:], saidFrame, scheduler(4))
	y := append(append(append([]int16{}, x[:half]...), make([]int16, int(pause.Seconds()*rate))...), x[half:]...)
	record(&ear, origin.Add(70*time.Millisecond), y, earFrame, scheduler(5))
	track := mouth.Place(origin, -20*time.Millisecond)
	if len(track.Recorded) != 2 {
		t.Errorf("%d recorded spans, want 2: %v", len(track.Recorded), track.Recorded)
	}
	r := audiocheck.Compare(track, ear.Place(origin, 0), nil)
	if !r.Same() || !near(r.Delay(0.5), 70*time.Millisecond, 4*time.Millisecond) {
		t.Errorf("envelope %.4f waveform %.4f delay %v", r.Envelope, r.Waveform, r.Delay(0.5))
	}
}

func TestPlace_SkippedFrameShiftsTheRest(t *testing.T) {
	x := speech(6, 12)
	var r audiocheck.Recorder
	record(&r, origin.Add(20*time.Millisecond), x[:3*rate], saidFrame, scheduler(1))
	// The process stalled: 60 ms of the schedule were skipped.
	record(&r, origin.Add(3080*time.Millisecond), x[3*rate:], saidFrame, scheduler(2))
	track := r.Place(origin, -20*time.Millisecond)
	if got := track.Length(); !near(got, 6060*time.Millisecond, 3*time.Millisecond) {
		t.Errorf("length %v", got)
	}
}

func TestTrack_Levels(t *testing.T) {
	x := make([]int16, rate)
	for i := range x {
		x[i] = 3276
	}
	track := said(x, punctual)
	levels := track.Levels(20 * time.Millisecond)
	if len(levels) != 50 || math.Abs(levels[10]+20) > 0.1 {
		t.Errorf("%d levels, %v", len(levels), levels[:3])
	}
	var empty audiocheck.Result
	if empty.Delay(0.5) != 0 || empty.Same() {
		t.Error("an empty result is not the same")
	}
}
