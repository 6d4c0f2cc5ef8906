package media_test

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

func counting(from, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16((from + i) % 30000)
	}
	return pcm
}

func TestPCMSource_OrderBoundsAndEnd(t *testing.T) {
	s := media.NewPCMSource(&media.PCMOptions{Capacity: 40 * time.Millisecond})
	frame := make([]int16, 960)
	if err := s.Write(counting(1, 500)); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadAudio(frame); err != nil {
		t.Fatal(err)
	}
	if frame[0] != 1 || frame[499] != 500 || frame[500] != 0 {
		t.Errorf("begins with %d, then %d, %d", frame[0], frame[499], frame[500])
	}
	if st := s.Stats(); st.Missing != 460 || st.Samples != 500 {
		t.Errorf("%+v", st)
	}
	// 40 ms hold 1920 samples: the oldest go.
	for i := range 5 {
		_ = s.Write(counting(1+i*960, 960))
	}
	_ = s.ReadAudio(frame)
	if frame[0] != 1+3*960 || frame[959] != 4*960 {
		t.Errorf("frame is %d to %d", frame[0], frame[959])
	}
	if st := s.Stats(); st.Dropped != 3*960 {
		t.Errorf("%+v", st)
	}
	_ = s.Write(counting(0, 10000))
	_ = s.ReadAudio(frame)
	if frame[0] != 10000-1920 {
		t.Errorf("frame begins with %d", frame[0])
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Write(frame); !errors.Is(err, media.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
	if err := s.ReadAudio(frame); err != nil {
		t.Errorf("the rest is lost: %v", err)
	}
	if err := s.ReadAudio(frame); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestPCMSource_StaleDelay_IsDropped(t *testing.T) {
	s := media.NewPCMSource(nil)
	frame := make([]int16, 960)
	// 160 ms pile up while the call is on hold; then both sides run evenly.
	_ = s.Write(counting(0, 8*960))
	for range 150 {
		_ = s.Write(counting(0, 960))
		_ = s.ReadAudio(frame)
	}
	st := s.Stats()
	if st.Dropped < 6*960 || st.Dropped > 8*960 || st.Missing != 0 {
		t.Errorf("%+v", st)
	}
}

func TestPCMSource_ClockDrift_IsBounded(t *testing.T) {
	s := media.NewPCMSource(nil)
	frame := make([]int16, 960)
	for i := range 30000 { // ten minutes; the app's clock is fast by 500 ppm
		n := 960
		if i%2 == 0 {
			n = 961
		}
		_ = s.Write(counting(0, n))
		_ = s.ReadAudio(frame)
	}
	st := s.Stats()
	if st.Missing != 0 || st.Dropped < 13000 || st.Dropped > 15000 {
		t.Errorf("%+v", st)
	}
}

func TestPCMSink_OrderBoundsAndEnd(t *testing.T) {
	s := media.NewPCMSink(&media.PCMOptions{Capacity: time.Nanosecond})
	for i := range 3 {
		if err := s.WriteAudio(counting(1+i*480, 480)); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]int16, 700)
	if err := s.Read(out); err != nil || out[0] != 481 || out[699] != 1180 {
		t.Errorf("%v, %d to %d", err, out[0], out[699])
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.WriteAudio(out[:480]); !errors.Is(err, media.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
	if err := s.Read(out); err != nil {
		t.Errorf("the rest is lost: %v", err)
	}
	if err := s.Read(out); !errors.Is(err, media.ErrClosed) || out[0] != 0 {
		t.Errorf("at the end: %v", err)
	}
	if st := s.Stats(); st.Samples != 960 || st.Missing != 440 || st.Dropped != 480 {
		t.Errorf("%+v", st)
	}
}

func TestPCM_BothSidesAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := media.NewPCMSource(nil)
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range 2000 {
			_ = s.Write(counting(0, 1+i*37%1500))
		}
		_ = s.Close()
	})
	frame := make([]int16, 960)
	for s.ReadAudio(frame) == nil {
	}
	wait.Wait()
}
