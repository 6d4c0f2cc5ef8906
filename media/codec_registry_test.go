package media_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/opus"
	"github.com/parley-rtc/parley/media/samples"
)

// sampled are the codecs that work in every build.
var sampledCodecs = []packet.Codec{
	{Name: "G722", PayloadType: 9, ClockRate: 8000, Channels: 1},
	{Name: "PCMU", ClockRate: 8000, Channels: 1},
	{Name: "PCMA", PayloadType: 8, ClockRate: 8000, Channels: 1},
}

func encodableCodecs() []packet.Codec {
	var list []packet.Codec
	for _, c := range media.AudioCodecs() {
		if media.CanEncode(c) {
			list = append(list, c)
		}
	}
	return list
}

func TestAudioCodecs_Order_DependsOnTheBuild(t *testing.T) {
	var names []string
	for _, c := range media.AudioCodecs() {
		names = append(names, strings.ToLower(c.Name))
		decoder, err := media.NewAudioDecoder(c)
		if strings.EqualFold(c.Name, "telephone-event") {
			if !errors.Is(err, media.ErrUnknownCodec) {
				t.Errorf("%s: %v", c.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if decoder.SampleRate() != media.AudioSampleRate {
			t.Errorf("%s: %d Hz", c.Name, decoder.SampleRate())
		}
		decoder.Close()
		if encoder, err := media.NewAudioEncoder(c, nil); media.CanEncode(c) != (err == nil) {
			t.Errorf("%s: %v", c.Name, err)
		} else if err != nil && !errors.Is(err, media.ErrNoEncoder) {
			t.Errorf("%s: %v", c.Name, err)
		} else if err == nil {
			encoder.Close()
		}
	}
	want := "opus g722 pcmu pcma telephone-event telephone-event"
	if !opus.Available() {
		want = "g722 pcmu pcma opus telephone-event telephone-event"
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(media.VideoCodecs()) != 4 || media.VideoCodecs()[0].Name != "VP8" {
		t.Error(media.VideoCodecs())
	}
}

func TestNewAudio_UnknownCodec_Fails(t *testing.T) {
	for _, name := range []string{"", "AMR", "VP8"} {
		c := packet.Codec{Name: name}
		if _, err := media.NewAudioEncoder(c, nil); !errors.Is(err, media.ErrUnknownCodec) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := media.NewAudioDecoder(c); !errors.Is(err, media.ErrUnknownCodec) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := media.NewAudioEncoder(sampledCodecs[0], &media.EncoderOptions{FrameDuration: 5 * time.Millisecond}); !errors.Is(err, media.ErrFrameSize) {
		t.Error(err)
	}
}

func voice(t testing.TB) []int16 {
	t.Helper()
	return openAudio(t, samples.SpeechCallerName, samples.SpeechCaller())[:3*media.AudioSampleRate]
}

// through sends pcm through a codec. lost says which frames are concealed.
func throughCodec(t testing.TB, c packet.Codec, options *media.EncoderOptions, pcm []int16, lost func(i int) bool) (out []int16, bytes int) {
	t.Helper()
	encoder, err := media.NewAudioEncoder(c, options)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	decoder, err := media.NewAudioDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	n := encoder.FrameSamples()
	buffer := make([]int16, media.MaxFrameSamples)
	for i := 0; (i+1)*n <= len(pcm); i++ {
		payload, err := encoder.Encode(pcm[i*n : (i+1)*n])
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(payload)
		var got int
		if lost != nil && lost(i) || len(payload) == 0 {
			got, err = decoder.Conceal(buffer[:n])
		} else {
			got, err = decoder.Decode(payload, buffer)
		}
		if err != nil || got != n {
			t.Fatalf("%s frame %d: %d samples, %v", c.Name, i, got, err)
		}
		out = append(out, buffer[:n]...)
	}
	return out, bytes
}

// bestMatch is the correlation at the delay, up to 10 ms, where it is highest.
func bestMatch(in, out []int16) (best float64, delay int) {
	part := in[media.AudioSampleRate : media.AudioSampleRate*4/3]
	for d := range 480 {
		if c := waveMatch(out[media.AudioSampleRate+d:], part); c > best {
			best, delay = c, d
		}
	}
	return best, delay
}

func TestAudioCodec_RoundTrip_IsTheSameVoiceAtTheRightSpeed(t *testing.T) {
	pcm := voice(t)
	for _, c := range encodableCodecs() {
		for _, d := range []time.Duration{10, 20, 40, 60} {
			t.Run(fmt.Sprintf("%s-%dms", c.Name, d), func(t *testing.T) {
				out, bytes := throughCodec(t, c, &media.EncoderOptions{FrameDuration: d * time.Millisecond, Complexity: 10}, pcm, nil)
				match, delay := bestMatch(pcm, out)
				t.Logf("%.0f bit/s, correlation %.3f, delay %.1f ms", float64(bytes)*8/3, match, float64(delay)/48)
				if match < 0.9 || delay > 7*48 {
					t.Errorf("correlation %.3f, delay %d samples", match, delay)
				}
				if len(out) != len(pcm) {
					t.Errorf("%d samples of %d", len(out), len(pcm))
				}
			})
		}
	}
}

func TestAudioCodec_LostFrames_AreCoveredAndTheVoiceComesBack(t *testing.T) {
	pcm := voice(t)
	for _, c := range encodableCodecs() {
		clean, _ := throughCodec(t, c, nil, pcm, nil)
		lossy, _ := throughCodec(t, c, nil, pcm, func(i int) bool { return i%20 == 10 })
		empty := append([]int16(nil), clean...)
		for i := 10; (i+1)*960 <= len(empty); i += 20 {
			clear(empty[i*960 : (i+1)*960])
		}
		// A guess cannot follow the wave but must follow the loudness.
		got, silence := waveMatch(loudness(lossy), loudness(clean)), waveMatch(loudness(empty), loudness(clean))
		t.Logf("%s: loudness correlates by %.4f with concealment, by %.4f with silence", c.Name, got, silence)
		if got < 0.97 || got < silence {
			t.Errorf("%s: %.4f", c.Name, got)
		}
		// Well after a loss everything is as it was.
		for i := 19; (i+1)*960 <= len(clean); i += 20 {
			a, b := clean[i*960:(i+1)*960], lossy[i*960:(i+1)*960]
			if loud := rootMeanSquare(a); loud > 500 && waveMatch(a, b) < 0.95 {
				t.Errorf("%s: frame %d: correlation %.3f, long after the loss", c.Name, i, waveMatch(a, b))
			}
		}
	}
}

// loudness is the level of each 10 ms.
func loudness(pcm []int16) []int16 {
	var list []int16
	for ; len(pcm) >= 480; pcm = pcm[480:] {
		list = append(list, int16(rootMeanSquare(pcm[:480])))
	}
	return list
}

func rootMeanSquare(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func TestAudioCodec_BadCalls_FailAndLeaveItUsable(t *testing.T) {
	pcm := voice(t)
	for _, c := range encodableCodecs() {
		encoder, err := media.NewAudioEncoder(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		decoder, err := media.NewAudioDecoder(packet.Codec{Name: strings.ToUpper(c.Name)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encoder.Encode(pcm[:100]); !errors.Is(err, media.ErrFrameSize) {
			t.Errorf("%s: %v", c.Name, err)
		}
		encoder.SetBitrate(-5)
		encoder.SetBitrate(1 << 30)
		encoder.SetExpectedLoss(math.NaN())
		encoder.SetExpectedLoss(7)
		payload, err := encoder.Encode(pcm[:960])
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]int16, media.MaxFrameSamples)
		bad := map[string]error{}
		_, bad["empty"] = decoder.Decode(nil, buffer)
		_, bad["huge"] = decoder.Decode(make([]byte, 5000), buffer)
		for name, err := range bad {
			if !errors.Is(err, media.ErrMalformed) {
				t.Errorf("%s: %s: %v", c.Name, name, err)
			}
		}
		if _, err := decoder.Decode(payload, buffer[:50]); !errors.Is(err, media.ErrFrameSize) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if _, err := decoder.Conceal(buffer[:50]); !errors.Is(err, media.ErrFrameSize) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if n, err := decoder.Decode(payload, buffer); n != 960 || err != nil {
			t.Errorf("%s: %d, %v", c.Name, n, err)
		}
		encoder.Close()
		encoder.Close()
		decoder.Close()
		decoder.Close()
		_, bad["encode"] = encoder.Encode(pcm[:960])
		_, bad["empty"] = decoder.Decode(payload, buffer)
		_, bad["huge"] = decoder.Conceal(buffer[:960])
		_, bad["fec"] = decoder.DecodeFEC(payload, buffer[:960])
		for name, err := range bad {
			if !errors.Is(err, media.ErrClosed) {
				t.Errorf("%s: %s after Close: %v", c.Name, name, err)
			}
		}
	}
}

func TestAudioCodec_DTX_SendsAlmostNothingInSilence(t *testing.T) {
	c := media.AudioCodecs()[0]
	if !opus.Available() {
		t.Skip("this build has no codec with discontinuous transmission")
	}
	encoder, err := media.NewAudioEncoder(c, &media.EncoderOptions{DTX: true})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	sent := 0
	for range 500 {
		payload, err := encoder.Encode(make([]int16, 960))
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > 0 {
			sent++
		}
	}
	if sent < 20 || sent > 100 {
		t.Errorf("%d of 500 frames were sent", sent)
	}
}

func FuzzAudioDecoder(f *testing.F) {
	f.Add(uint8(0), []byte{0x78, 1, 2, 3, 4})
	f.Add(uint8(1), []byte{1, 2, 3})
	f.Add(uint8(3), []byte{})
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		codecs := append([]packet.Codec{{Name: "opus"}}, sampledCodecs...)
		decoder, err := media.NewAudioDecoder(codecs[int(which)%len(codecs)])
		if err != nil {
			t.Fatal(err)
		}
		defer decoder.Close()
		pcm := make([]int16, media.MaxFrameSamples)
		if n, err := decoder.Decode(payload, pcm); err == nil && (n <= 0 || n > len(pcm)) || err != nil && n != 0 {
			t.Fatalf("%d, %v", n, err)
		}
		if n, err := decoder.Conceal(pcm[:480]); n != 480 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	})
}

func BenchmarkAudioCodec(b *testing.B) {
	pcm := voice(b)
	for _, c := range encodableCodecs() {
		b.Run(c.Name+"-encode", func(b *testing.B) {
			encoder, err := media.NewAudioEncoder(c, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer encoder.Close()
			at := 0
			for b.Loop() {
				if _, err := encoder.Encode(pcm[at : at+960]); err != nil {
					b.Fatal(err)
				}
				at = (at + 960) % len(pcm)
			}
			b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
		})
		b.Run(c.Name+"-decode", func(b *testing.B) {
			encoder, err := media.NewAudioEncoder(c, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer encoder.Close()
			decoder, err := media.NewAudioDecoder(c)
			if err != nil {
				b.Fatal(err)
			}
			defer decoder.Close()
			var list [][]byte
			for at := 0; at+960 <= len(pcm); at += 960 {
				payload, err := encoder.Encode(pcm[at : at+960])
				if err != nil {
					b.Fatal(err)
				}
				list = append(list, payload)
			}
			out, i := make([]int16, media.MaxFrameSamples), 0
			for b.Loop() {
				if _, err := decoder.Decode(list[i%len(list)], out); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(0.02/(b.Elapsed().Seconds()/float64(b.N)), "x_realtime")
		})
	}
}
