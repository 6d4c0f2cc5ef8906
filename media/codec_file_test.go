package media_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
	"github.com/parley-rtc/parley/media/wav"
)

// readAudio reads a file to its end, in frames of 20 ms.
func readAudio(t testing.TB, f *media.AudioFile) []int16 {
	t.Helper()
	var pcm []int16
	frame := make([]int16, media.AudioFrameSamples)
	for {
		err := f.ReadAudio(frame)
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, frame...)
	}
}

func openAudio(t testing.TB, name string, data []byte) []int16 {
	t.Helper()
	f, err := media.NewAudioFile(name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return readAudio(t, f)
}

// waveMatch correlates the part that both have.
func waveMatch(a, b []int16) float64 {
	n := min(len(a), len(b))
	var ab, aa, bb float64
	for i := range n {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	return ab / math.Sqrt(aa*bb+1)
}

func TestAudioFile_EveryFormat_SoundsAlikeAndIsInPlace(t *testing.T) {
	reference := openAudio(t, "reference", testdata(t, "voice-48000-s16.wav"))
	for name, test := range map[string]struct {
		duration time.Duration
		alike    float64
	}{
		"voice-48000-s16.wav":        {time.Second, 1},
		"voice-8000-u8.wav":          {time.Second, 0.93},
		"voice-44100-s24-stereo.wav": {300 * time.Millisecond, 0.99},
		"voice-16000-s32.wav":        {500 * time.Millisecond, 0.97},
		"voice-22050-f32.wav":        {500 * time.Millisecond, 0.98},
		"voice-8000-mulaw.wav":       {time.Second, 0.93},
		"voice-8000-alaw.wav":        {time.Second, 0.93},
		"voice-stereo.ogg":           {time.Second, 0.93},
		"voice-60ms.ogg":             {time.Second, 0.85},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := media.NewAudioFile(name, testdata(t, name), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := f.Duration(); (d - test.duration).Abs() > time.Millisecond {
				t.Errorf("duration %v, want %v", d, test.duration)
			}
			pcm := readAudio(t, f)
			frames := int(math.Ceil(f.Duration().Seconds()*media.AudioSampleRate/media.AudioFrameSamples - 1e-6))
			if len(pcm) != frames*media.AudioFrameSamples {
				t.Errorf("%d samples, want %d frames", len(pcm), frames)
			}
			c := waveMatch(pcm, reference)
			t.Logf("correlation %.4f", c)
			if c < test.alike-1e-9 {
				t.Errorf("correlation %.4f, want %.2f", c, test.alike)
			}
			// A shift by 1 ms either way must sound less alike: nothing has moved.
			if test.alike < 1 && (waveMatch(pcm[48:], reference) > c || waveMatch(pcm, reference[48:]) > c) {
				t.Error("the sound has moved")
			}
		})
	}
}

func TestAudioFile_Loop_StartsOverWithoutAGap(t *testing.T) {
	data := testdata(t, "voice-16000-s32.wav")
	once := openAudio(t, "once", data)
	f, err := media.NewAudioFile("loop", data, &media.AudioFileOptions{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame := make([]int16, 24000)
	for pass := range 3 {
		if err := f.ReadAudio(frame); err != nil {
			t.Fatal(err)
		}
		if c := waveMatch(frame, once); c < 0.9999 {
			t.Errorf("pass %d: correlation %.4f", pass, c)
		}
	}
	// Nothing to play: the loop must not spin.
	empty, err := os.CreateTemp(t.TempDir(), "*.wav")
	if err != nil {
		t.Fatal(err)
	}
	w, err := wav.NewWriter(empty, 8000)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), empty.Close()); err != nil {
		t.Fatal(err)
	}
	f, err = media.OpenAudioFile(empty.Name(), &media.AudioFileOptions{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.ReadAudio(frame); !errors.Is(err, io.EOF) {
		t.Errorf("empty file: %v", err)
	}
}

func TestAudioFile_BadFile_TellsFilePositionAndReason(t *testing.T) {
	dir := t.TempDir()
	sample := testdata(t, "voice-48000-s16.wav")
	speech := samples.SpeechCaller()
	damaged := append([]byte(nil), speech...)
	damaged[len(damaged)/2] ^= 0xff
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty.wav":   {nil, "at byte 0"},
		"short.wav":   {[]byte("RI"), "at byte 2"},
		"text.wav":    {[]byte("This is no sound at all."), "at byte 0: neither a WAV nor an Ogg/Opus file"},
		"cut.wav":     {sample[:5000], "at byte 5000: the file ends"},
		"header.wav":  {sample[:20], "at byte 20: the file ends"},
		"cut.ogg":     {speech[:len(speech)/2], "the file ends within a page"},
		"damaged.ogg": {damaged, "page checksum"},
		"video.ogg":   {samples.Video(), "at byte 0: neither"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := media.OpenAudioFile(path, nil)
			frame := make([]int16, media.AudioFrameSamples)
			for err == nil {
				err = f.ReadAudio(frame)
			}
			if f != nil {
				defer f.Close()
			}
			var bad *media.FileError
			if !errors.As(err, &bad) || bad.Name != path || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	_, err := media.OpenAudioFile(filepath.Join(dir, "missing"), nil)
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), "missing") != 1 {
		t.Errorf("missing file: %v", err)
	}
	_, err = media.NewWAVSink(filepath.Join(dir, "no", "such", "folder"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func TestAudioFile_Closed_Fails(t *testing.T) {
	f, err := media.OpenAudioFile(filepath.Join("testdata", "voice-stereo.ogg"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadAudio(make([]int16, 960)); !errors.Is(err, media.ErrClosed) {
		t.Error(err)
	}
}

func TestWAVSink_WhatIsWritten_ReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	s, err := media.NewWAVSink(path)
	if err != nil {
		t.Fatal(err)
	}
	var sink media.AudioSink = s
	want := openAudio(t, "voice", testdata(t, "voice-48000-s16.wav"))
	for i := 0; i < len(want); i += media.PlayoutFrameSamples {
		if err := sink.WriteAudio(want[i : i+media.PlayoutFrameSamples]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteAudio(want[:480]); !errors.Is(err, media.ErrClosed) {
		t.Error(err)
	}
	f, err := media.OpenAudioFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var source media.AudioSource = f
	_ = source
	if got := readAudio(t, f); waveMatch(got, want) < 0.9999999 || len(got) != len(want) {
		t.Errorf("%d samples, correlation %f", len(got), waveMatch(got, want))
	}
}

func FuzzAudioFile(f *testing.F) {
	for _, name := range []string{"voice-8000-u8.wav", "voice-60ms.ogg"} {
		f.Add(testdata(f, name)[:600])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte("RIFF")) && len(data) > 4096 {
			return // a low rate makes very much out of it
		}
		file, err := media.NewAudioFile("fuzz", data, nil)
		frame := make([]int16, 9600)
		for err == nil {
			err = file.ReadAudio(frame)
		}
		var bad *media.FileError
		if !errors.Is(err, io.EOF) && !errors.As(err, &bad) {
			t.Fatalf("unexpected error %v", err)
		}
	})
}
