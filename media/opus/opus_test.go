package opus_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/media/ogg"
	"github.com/parley-rtc/parley/media/opus"
	"github.com/parley-rtc/parley/media/samples"
)

const frame = 960

// packets are those of a sample: 20 ms each, 32 kbit/s.
func packets(t testing.TB) [][]byte {
	t.Helper()
	r, err := ogg.NewReader(bytes.NewReader(samples.SpeechCaller()))
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for {
		p, err := r.ReadPacket()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func newDecoder(t testing.TB, channels int) *opus.Decoder {
	t.Helper()
	d, err := opus.NewDecoder(&opus.DecoderOptions{Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func newEncoder(t testing.TB, options *opus.EncoderOptions) *opus.Encoder {
	t.Helper()
	if !opus.Available() {
		t.Skip("this build has no libopus, and so no encoder")
	}
	e, err := opus.NewEncoder(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func speech(t testing.TB) []int16 {
	t.Helper()
	d := newDecoder(t, 1)
	var pcm []int16
	buffer := make([]int16, opus.MaxFrameSamples)
	for _, p := range packets(t) {
		n, err := d.Decode(p, buffer)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buffer[:n]...)
	}
	return pcm
}

func encode(t testing.TB, e *opus.Encoder, pcm []int16) (list [][]byte, size int) {
	t.Helper()
	for ; len(pcm) >= frame; pcm = pcm[frame:] {
		p, err := e.Encode(pcm[:frame])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
		size += len(p)
	}
	return list, size
}

func rms(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func snr(want, got []int16) float64 {
	var signal, noise float64
	for i := range want {
		d := float64(want[i]) - float64(got[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	return 10 * math.Log10(signal/(noise+1))
}

func TestDecoder_Sample_IsSpeech(t *testing.T) {
	pcm := speech(t)
	if len(pcm) < 11*opus.SampleRate || rms(pcm) < 1000 {
		t.Errorf("%d samples, %.0f rms", len(pcm), rms(pcm))
	}
}

func TestDecoder_TwoChannels_AreTheSameForMono(t *testing.T) {
	mono, stereo := newDecoder(t, 1), newDecoder(t, 2)
	a, b := make([]int16, frame), make([]int16, 2*frame)
	for _, p := range packets(t)[:100] {
		n, err := mono.Decode(p, a)
		m, err2 := stereo.Decode(p, b)
		if err != nil || err2 != nil || n != frame || m != frame {
			t.Fatal(n, m, err, err2)
		}
		for i := range a {
			if b[2*i] != b[2*i+1] || math.Abs(float64(a[i])-float64(b[2*i])) > 2 {
				t.Fatalf("sample %d: %d, %d, %d", i, a[i], b[2*i], b[2*i+1])
			}
		}
	}
	if n, err := stereo.Conceal(b); n != frame || err != nil {
		t.Error(n, err)
	}
}

func TestEncoder_Unavailable_SaysSo(t *testing.T) {
	e, err := opus.NewEncoder(nil)
	if opus.Available() {
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		return
	}
	if !errors.Is(err, opus.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestEncoder_RoundTrip_KeepsSpeech(t *testing.T) {
	pcm := speech(t)[:4*opus.SampleRate]
	e := newEncoder(t, &opus.EncoderOptions{Bitrate: 64000, Complexity: 10})
	lookahead, err := e.Lookahead()
	if err != nil || lookahead != ogg.DefaultPreSkip {
		t.Fatalf("look-ahead %d, %v", lookahead, err)
	}
	d := newDecoder(t, 1)
	list, _ := encode(t, e, pcm)
	out := make([]int16, 0, len(pcm))
	for _, p := range list {
		buffer := make([]int16, frame)
		if _, err := d.Decode(p, buffer); err != nil {
			t.Fatal(err)
		}
		out = append(out, buffer...)
	}
	// The delay says where the sound is found again.
	best, at := math.Inf(-1), 0
	for lag := 200; lag < 450; lag++ {
		if s := snr(pcm[50000:100000], out[50000+lag:100000+lag]); s > best {
			best, at = s, lag
		}
	}
	if best < 8 || at < lookahead-5 || at > lookahead+5 {
		t.Errorf("%.1f dB at a delay of %d, want %d", best, at, lookahead)
	}
}

// recover decodes with every fourth packet lost and compares the lost frames
// with the loss-free decode.
func recoverLost(t *testing.T, list [][]byte, fec bool) float64 {
	t.Helper()
	clean, lossy := newDecoder(t, 1), newDecoder(t, 1)
	var want, got []int16
	for i, p := range list {
		a, b := make([]int16, frame), make([]int16, frame)
		if _, err := clean.Decode(p, a); err != nil {
			t.Fatal(err)
		}
		if i%4 != 3 || i+1 == len(list) {
			if _, err := lossy.Decode(p, b); err != nil {
				t.Fatal(err)
			}
			continue
		}
		n, err := 0, error(nil)
		if fec {
			n, err = lossy.DecodeFEC(list[i+1], b)
		}
		if n == 0 && err == nil {
			n, err = lossy.Conceal(b)
		}
		if n != frame || err != nil {
			t.Fatal(n, err)
		}
		want, got = append(want, a...), append(got, b...)
	}
	return snr(want, got)
}

func TestDecoder_FEC_RecoversBetterThanConcealment(t *testing.T) {
	pcm := speech(t)
	e := newEncoder(t, &opus.EncoderOptions{Bitrate: 32000, FEC: true, ExpectedLoss: 0.2})
	list, _ := encode(t, e, pcm)
	carrying := 0
	for _, p := range list {
		info, err := opus.Parse(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.FEC {
			carrying++
		}
	}
	with, without := recoverLost(t, list, true), recoverLost(t, list, false)
	t.Logf("%d of %d packets carry a copy; lost frames: %.1f dB with FEC, %.1f dB without", carrying, len(list), with, without)
	if carrying < len(list)/3 {
		t.Errorf("only %d of %d packets carry a copy", carrying, len(list))
	}
	if with < without+3 {
		t.Errorf("FEC %.1f dB, concealment %.1f dB", with, without)
	}
	// Without loss to prepare for there is none, and the flag says so.
	plain, _ := encode(t, newEncoder(t, &opus.EncoderOptions{Bitrate: 32000}), pcm)
	d := newDecoder(t, 1)
	for _, p := range plain {
		if info, _ := opus.Parse(p); info.FEC {
			t.Fatal("a copy without FEC")
		}
	}
	if n, err := d.DecodeFEC(plain[10], make([]int16, frame)); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestEncoder_DTX_ShrinksSilence(t *testing.T) {
	silence := make([]int16, 10*opus.SampleRate)
	e := newEncoder(t, &opus.EncoderOptions{DTX: true})
	list, _ := encode(t, e, silence)
	small := 0
	for _, p := range list {
		if len(p) <= 2 {
			small++
		}
	}
	if small < len(list)*8/10 {
		t.Errorf("%d of %d packets are small", small, len(list))
	}
	if err := e.SetDTX(false); err != nil {
		t.Fatal(err)
	}
	list, _ = encode(t, e, silence)
	for _, p := range list[50:] {
		if len(p) <= 2 {
			t.Fatal("small packets with DTX off")
		}
	}
}

func TestEncoder_Bitrate_TakesEffect(t *testing.T) {
	pcm := speech(t)[:8*opus.SampleRate]
	e := newEncoder(t, nil)
	for _, bps := range []int{12000, 24000, 48000, 96000} {
		if err := e.SetBitrate(bps); err != nil {
			t.Fatal(err)
		}
		_, size := encode(t, e, pcm)
		if got := float64(size) * 8 / 8; got < 0.7*float64(bps) || got > 1.3*float64(bps) {
			t.Errorf("asked %d, made %.0f", bps, got)
		}
	}
}

func TestEncoder_ComplexityAndBandwidth_TakeEffect(t *testing.T) {
	pcm := speech(t)[:8*opus.SampleRate]
	// High band energy, above 6 kHz, by a simple difference filter.
	high := func(list [][]byte) float64 {
		d, sum := newDecoder(t, 1), 0.0
		buffer := make([]int16, frame)
		for _, p := range list {
			if _, err := d.Decode(p, buffer); err != nil {
				t.Fatal(err)
			}
			for i := 4; i < frame; i++ {
				v := float64(buffer[i]) - 4*float64(buffer[i-1]) + 6*float64(buffer[i-2]) - 4*float64(buffer[i-3]) + float64(buffer[i-4])
				sum += v * v
			}
		}
		return sum
	}
	fast, _ := encode(t, newEncoder(t, &opus.EncoderOptions{Complexity: 1}), pcm)
	good, _ := encode(t, newEncoder(t, &opus.EncoderOptions{Complexity: 10}), pcm)
	same := 0
	for i := range fast {
		if bytes.Equal(fast[i], good[i]) {
			same++
		}
	}
	if same > len(fast)/2 {
		t.Errorf("%d of %d packets do not depend on the complexity", same, len(fast))
	}
	narrow, _ := encode(t, newEncoder(t, &opus.EncoderOptions{MaxBandwidth: opus.Narrowband}), pcm)
	if n, g := high(narrow), high(good); n > g/10 {
		t.Errorf("high band %.3g with narrow band, %.3g without a limit", n, g)
	}
}

func TestEncoder_Options_AreChecked(t *testing.T) {
	for _, o := range []opus.EncoderOptions{
		{Channels: 3},
		{Bitrate: 1},
		{Bitrate: 1 << 20},
		{Complexity: 11},
		{Complexity: -1},
		{Application: 9},
		{ExpectedLoss: -0.1},
		{ExpectedLoss: 1.1},
		{ExpectedLoss: math.NaN()},
		{MaxBandwidth: 9},
	} {
		if _, err := opus.NewEncoder(&o); !errors.Is(err, opus.ErrOption) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := opus.NewDecoder(&opus.DecoderOptions{Channels: 3}); !errors.Is(err, opus.ErrOption) {
		t.Error(err)
	}
	e := newEncoder(t, nil)
	for _, err := range []error{e.SetBitrate(0), e.SetComplexity(11), e.SetExpectedLoss(2), e.SetMaxBandwidth(17)} {
		if !errors.Is(err, opus.ErrOption) {
			t.Error(err)
		}
	}
	if _, err := e.Encode(make([]int16, 100)); !errors.Is(err, opus.ErrFrameSize) {
		t.Error(err)
	}
}

func TestDecoder_BadCalls_FailAndLeaveItUsable(t *testing.T) {
	d := newDecoder(t, 1)
	good := packets(t)[20]
	pcm := make([]int16, frame)
	for name, call := range map[string]struct {
		f    func() (int, error)
		want error
	}{
		"empty packet":     {func() (int, error) { return d.Decode(nil, pcm) }, opus.ErrMalformed},
		"odd equal frames": {func() (int, error) { return d.Decode([]byte{1, 2}, pcm) }, opus.ErrMalformed},
		"no frames":        {func() (int, error) { return d.Decode([]byte{3, 0}, pcm) }, opus.ErrMalformed},
		"too long":         {func() (int, error) { return d.Decode([]byte{0x1b, 63}, pcm) }, opus.ErrMalformed},
		"no room":          {func() (int, error) { return d.Decode(good, pcm[:100]) }, opus.ErrFrameSize},
		"odd gap":          {func() (int, error) { return d.Conceal(pcm[:100]) }, opus.ErrFrameSize},
		"empty gap":        {func() (int, error) { return d.Conceal(nil) }, opus.ErrFrameSize},
		"bad copy":         {func() (int, error) { return d.DecodeFEC(nil, pcm) }, opus.ErrMalformed},
		"odd copy":         {func() (int, error) { return d.DecodeFEC(good, pcm[:1]) }, opus.ErrFrameSize},
	} {
		if n, err := call.f(); n != 0 || !errors.Is(err, call.want) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if n, err := d.Decode(good, pcm); n != frame || err != nil {
			t.Errorf("after %s: %d, %v", name, n, err)
		}
	}
}

func TestClosed_EveryMethod_Fails(t *testing.T) {
	d := newDecoder(t, 1)
	d.Close()
	d.Close()
	pcm := make([]int16, frame)
	p := packets(t)[0]
	_, err1 := d.Decode(p, pcm)
	_, err2 := d.DecodeFEC(p, pcm)
	_, err3 := d.Conceal(pcm)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, opus.ErrClosed) {
			t.Error(err)
		}
	}
	e := newEncoder(t, nil)
	e.Close()
	e.Close()
	_, err1 = e.Encode(pcm)
	_, err2 = e.Lookahead()
	for _, err := range []error{err1, err2, e.SetBitrate(32000), e.SetDTX(true)} {
		if !errors.Is(err, opus.ErrClosed) {
			t.Error(err)
		}
	}
}

func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("the system does not tell the resident size")
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func TestClose_GivesTheMemoryBack(t *testing.T) {
	if !opus.Available() {
		t.Skip("this build keeps nothing outside the Go heap")
	}
	p := packets(t)[30]
	round := func(n int) {
		pcm := make([]int16, frame)
		for range n {
			e, err := opus.NewEncoder(nil)
			if err != nil {
				t.Fatal(err)
			}
			d, err := opus.NewDecoder(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Encode(pcm); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Decode(p, pcm); err != nil {
				t.Fatal(err)
			}
			e.Close()
			d.Close()
		}
		runtime.GC()
	}
	round(200)
	before := resident(t)
	// 3000 pairs would be more than 150 MB.
	round(3000)
	if grown := resident(t) - before; grown > 16<<20 {
		t.Errorf("grew by %d bytes", grown)
	}
}

func BenchmarkEncode(b *testing.B) {
	pcm := speech(b)[opus.SampleRate : 3*opus.SampleRate]
	for _, complexity := range []int{1, 5, 10} {
		b.Run("complexity-"+strconv.Itoa(complexity), func(b *testing.B) {
			e := newEncoder(b, &opus.EncoderOptions{Complexity: complexity, FEC: true, ExpectedLoss: 0.05})
			at := 0
			for b.Loop() {
				if _, err := e.Encode(pcm[at : at+frame]); err != nil {
					b.Fatal(err)
				}
				at = (at + frame) % len(pcm)
			}
			b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	list := packets(b)
	d := newDecoder(b, 1)
	pcm := make([]int16, frame)
	i := 0
	for b.Loop() {
		if _, err := d.Decode(list[i%len(list)], pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
}
