package g722_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/g722"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func TestEncodeDecode_CommittedVectors_AreBitExactWithFFmpeg(t *testing.T) {
	for _, name := range []string{"voice", "loud"} {
		var e g722.Encoder
		want := read(t, name+".g722")
		if got := e.Encode(nil, samples(read(t, name+".pcm"))); !bytes.Equal(got, want) {
			t.Errorf("%s: encoded to %d bytes that differ from ffmpeg's %d", name, len(got), len(want))
		}
		var d g722.Decoder
		if got := d.Decode(nil, want); !slices.Equal(got, samples(read(t, name+".decoded"))) {
			t.Errorf("%s: decoded samples differ from ffmpeg's", name)
		}
	}
}

func ffmpeg(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	return out
}

func TestEncodeDecode_NoiseAndRandomBytes_AreBitExactWithFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testkit.Missing(t, "ffmpeg is not installed; the committed vectors were checked")
	}
	rng := rand.New(rand.NewPCG(1, 7))
	var pcm []byte
	for i := range 48000 {
		amplitude := 1 << (i / 3000)
		v := rng.IntN(2*amplitude) - amplitude
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(min(max(v, -32768), 32767))))
	}
	want := ffmpeg(t, pcm, "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-c:a", "g722", "-f", "g722", "-")
	var e g722.Encoder
	if got := e.Encode(nil, samples(pcm)); !bytes.Equal(got, want) {
		t.Error("encoded noise differs")
	}
	code := make([]byte, 16000)
	for i := range code {
		code[i] = byte(rng.Uint32())
	}
	decoded := ffmpeg(t, code, "-f", "g722", "-i", "-", "-f", "s16le", "-")
	var d g722.Decoder
	if got := d.Decode(nil, code); !slices.Equal(got, samples(decoded)) {
		t.Error("decoded random bytes differ")
	}
}

func TestEncode_Pieces_GiveTheSame(t *testing.T) {
	pcm := samples(read(t, "voice.pcm"))
	var whole, pieces g722.Encoder
	want := whole.Encode(nil, pcm)
	var got []byte
	for n := 1; len(pcm) > 0; n = n%7 + 1 {
		n = min(n, len(pcm))
		got = pieces.Encode(got, pcm[:n])
		pcm = pcm[n:]
	}
	if !bytes.Equal(got, want) {
		t.Error("odd pieces change the result")
	}
}

func TestRoundTrip_Tone_KeepsItsShape(t *testing.T) {
	const delay = 22 // of the two filters
	pcm := make([]int16, 16000)
	for i := range pcm {
		pcm[i] = int16(12000 * math.Sin(2*math.Pi*1000*float64(i)/16000))
	}
	var e g722.Encoder
	var d g722.Decoder
	out := d.Decode(nil, e.Encode(nil, pcm))
	var signal, noise float64
	for i := 2000; i < 15000; i++ {
		diff := float64(out[i+delay]) - float64(pcm[i])
		signal += float64(pcm[i]) * float64(pcm[i])
		noise += diff * diff
	}
	if snr := 10 * math.Log10(signal/noise); snr < 25 {
		t.Errorf("SNR %.1f dB", snr)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff, 0, 0x3f, 0xc0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var d g722.Decoder
		if pcm := d.Decode(nil, payload); len(pcm) != 2*len(payload) {
			t.Fatalf("%d samples for %d bytes", len(pcm), len(payload))
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	pcm := samples(read(b, "voice.pcm"))[:320]
	var e g722.Encoder
	out := make([]byte, 0, 160)
	for b.Loop() {
		e.Encode(out[:0], pcm)
	}
	b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
}

func BenchmarkDecode(b *testing.B) {
	code := read(b, "voice.g722")[:160]
	var d g722.Decoder
	out := make([]int16, 0, 320)
	for b.Loop() {
		d.Decode(out[:0], code)
	}
	b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
}
