package lab_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
)

// film gives numbered frames, a key frame every tenth.
type film struct{ next, length int }

func (f *film) ReadVideo(context.Context) (engine.EncodedFrame, error) {
	if f.next == f.length {
		return engine.EncodedFrame{}, io.EOF
	}
	n := f.next
	f.next++
	return engine.EncodedFrame{Codec: "VP8", Data: []byte{byte(n), byte(n >> 8)}, KeyFrame: n%10 == 3}, nil
}

func (f *film) RequestKeyFrame()     {}
func (f *film) SetTargetBitrate(int) {}
func (f *film) Codec() string        { return "VP8" }

// show passes a film from one screen to the other; pass says what becomes of a frame.
func show(t *testing.T, length int, pass func(n int, f engine.EncodedFrame) []engine.EncodedFrame) (sent, got []lab.Frame) {
	t.Helper()
	from, to := lab.NewScreens(&film{length: length}, nil)
	for n := 0; ; n++ {
		f, err := from.ReadVideo(t.Context())
		if errors.Is(err, io.EOF) {
			return from.Frames(), to.Frames()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range pass(n, f) {
			if err := to.WriteVideo(out); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCompareVideo(t *testing.T) {
	origin := time.Now()
	cases := map[string]struct {
		pass          func(n int, f engine.EncodedFrame) []engine.EncodedFrame
		sent, arrived int
	}{
		"all": {func(_ int, f engine.EncodedFrame) []engine.EncodedFrame { return []engine.EncodedFrame{f} }, 47, 47},
		"none before a key frame": {func(n int, f engine.EncodedFrame) []engine.EncodedFrame {
			if n < 3 {
				return nil
			}
			return []engine.EncodedFrame{f}
		}, 47, 47},
		"two missing": {func(n int, f engine.EncodedFrame) []engine.EncodedFrame {
			if n == 20 || n == 30 {
				return nil
			}
			return []engine.EncodedFrame{f}
		}, 47, 45},
		"one damaged": {func(n int, f engine.EncodedFrame) []engine.EncodedFrame {
			if n == 20 {
				f.Data = append([]byte{9}, f.Data...)
			}
			return []engine.EncodedFrame{f}
		}, 47, 46},
		"nothing": {func(int, engine.EncodedFrame) []engine.EncodedFrame { return nil }, 47, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			sent, got := show(t, 50, tc.pass)
			seen := lab.CompareVideo(origin, sent, got, nil)
			if seen.Sent != tc.sent || seen.Arrived != tc.arrived || len(seen.Missing) != tc.sent-tc.arrived {
				t.Errorf("%+v", seen)
			}
			if seen.Complete() != (tc.sent == tc.arrived) {
				t.Errorf("complete: %v", seen.Complete())
			}
			all := []audiocheck.Span{{To: time.Hour}}
			if left := lab.CompareVideo(origin, sent, got, all); left.Sent != 0 || left.Complete() {
				t.Errorf("excluded: %+v", left)
			}
		})
	}
}

func TestEarAndMouth(t *testing.T) {
	var read, heard int
	mouth := &lab.Mouth{Source: &lab.Tone{}, First: func(time.Time) { read++ }}
	ear := &lab.Ear{First: func(time.Time) { heard++ }}
	origin := time.Now()
	silence := make([]int16, 480)
	if err := ear.WriteAudio(silence); err != nil || heard != 0 {
		t.Errorf("silence was heard: %v", err)
	}
	frame := make([]int16, 960)
	for range 3 {
		if err := mouth.ReadAudio(frame); err != nil {
			t.Fatal(err)
		}
		if err := ear.WriteAudio(frame[:480]); err != nil {
			t.Fatal(err)
		}
	}
	if read != 1 || heard != 1 {
		t.Errorf("first read %d times, first heard %d times", read, heard)
	}
	if at := mouth.ReadBefore(time.Now()); at.Before(origin) || mouth.ReadBefore(origin) != origin {
		t.Errorf("read before now: %v", at)
	}
	if said := mouth.Said(origin.Add(-time.Second)); len(said.Samples) < 3*960 {
		t.Errorf("%d samples said", len(said.Samples))
	}
	if got := ear.Heard(origin.Add(-time.Second)); len(got.Samples) < 4*480 {
		t.Errorf("%d samples heard", len(got.Samples))
	}
}
