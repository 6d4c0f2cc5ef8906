package g711_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/g711"
)

var laws = []struct {
	law  g711.Law
	name string
}{{g711.Mu, "mulaw"}, {g711.A, "alaw"}}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode_EveryByte_IsWhatFFmpegDecodes(t *testing.T) {
	for _, l := range laws {
		want := read(t, "decoded."+l.name)
		for b := range 256 {
			got := l.law.Decode(nil, []byte{byte(b)})[0]
			if w := int16(binary.LittleEndian.Uint16(want[2*b:])); got != w {
				t.Errorf("%s: byte %d gives %d, want %d", l.name, b, got, w)
			}
		}
	}
}

// checkEncoded compares with what ffmpeg encodes. The two must agree except at
// the borders of segments: there ffmpeg takes the nearer output value, while
// the decision values of G.711 (tables 1a and 2a) lie elsewhere.
func checkEncoded(t *testing.T, law g711.Law, values []int16, want []byte) {
	t.Helper()
	differ := 0
	for i, v := range values {
		got := law.Encode(nil, []int16{v})[0]
		if got == want[i] {
			continue
		}
		differ++
		ours, theirs := law.Decode(nil, []byte{got})[0], law.Decode(nil, []byte{want[i]})[0]
		low, high := min(absolute(ours), absolute(theirs)), max(absolute(ours), absolute(theirs))
		segment := func(b byte) byte { return (b ^ 0x55) >> 4 & 7 }
		if law == g711.Mu {
			segment = func(b byte) byte { return ^b >> 4 & 7 }
		}
		if segment(got) == segment(want[i]) || absolute(int(v)) < low || absolute(int(v)) > high {
			t.Errorf("%d gives %d (%d), ffmpeg %d (%d)", v, got, ours, want[i], theirs)
		}
	}
	if differ*100 > len(values) {
		t.Errorf("%d of %d values differ", differ, len(values))
	}
}

func absolute[T int | int16](v T) int {
	if v < 0 {
		return -int(v)
	}
	return int(v)
}

func TestEncode_CommittedVectors_AgreeWithFFmpeg(t *testing.T) {
	for _, l := range laws {
		var values []int16
		for v := -32768; v < 32768; v += 13 {
			values = append(values, int16(v))
		}
		want := read(t, "encoded."+l.name)
		if len(want) != len(values) {
			t.Fatalf("%d vectors, want %d", len(want), len(values))
		}
		checkEncoded(t, l.law, values, want)
	}
}

func TestEncode_EveryValue_AgreesWithFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testkit.Missing(t, "ffmpeg is not installed; the committed vectors were checked")
	}
	var values []int16
	var pcm []byte
	for v := math.MinInt16; v <= math.MaxInt16; v++ {
		values = append(values, int16(v))
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(v)))
	}
	for _, l := range laws {
		cmd := exec.Command("ffmpeg", "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-", "-c:a", "pcm_"+l.name, "-f", l.name, "-")
		cmd.Stdin = bytes.NewReader(pcm)
		want, err := cmd.Output()
		if err != nil || len(want) != len(values) {
			t.Fatalf("ffmpeg: %v, %d bytes", err, len(want))
		}
		checkEncoded(t, l.law, values, want)
	}
}

func TestEncode_DecodedValues_ComeBack(t *testing.T) {
	for _, l := range laws {
		for b := range 256 {
			v := l.law.Decode(nil, []byte{byte(b)})
			back := l.law.Encode(nil, v)
			if again := l.law.Decode(nil, back); again[0] != v[0] {
				t.Errorf("%s: byte %d: %d becomes %d", l.name, b, v[0], again[0])
			}
		}
	}
}

func TestEncode_QuantizingError_IsWithinTheStep(t *testing.T) {
	for _, l := range laws {
		for v := math.MinInt16; v <= math.MaxInt16; v++ {
			out := int(l.law.Decode(nil, l.law.Encode(nil, []int16{int16(v)}))[0])
			// Half the largest step of a segment, and what is beyond the range.
			if limit := max(16, absolute(v)/16) + 4; absolute(out-v) > limit && absolute(v) < 32124 {
				t.Fatalf("%s: %d becomes %d", l.name, v, out)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 0x55, 0x7f, 0x80, 0xd5, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, l := range laws {
			pcm := l.law.Decode(nil, payload)
			if len(pcm) != len(payload) {
				t.Fatalf("%d samples for %d bytes", len(pcm), len(payload))
			}
			if again := l.law.Decode(nil, l.law.Encode(nil, pcm)); len(again) != len(pcm) {
				t.Fatal("round trip changes the length")
			}
		}
	})
}

func BenchmarkLaw(b *testing.B) {
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(i * 200)
	}
	for _, l := range laws {
		b.Run(l.name, func(b *testing.B) {
			var payload []byte
			out := make([]int16, 0, 160)
			for b.Loop() {
				payload = l.law.Encode(payload[:0], pcm)
				out = l.law.Decode(out[:0], payload)
			}
			b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
		})
	}
}
