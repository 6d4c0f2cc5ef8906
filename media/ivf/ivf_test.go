package ivf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/ivf"
	"github.com/parley-rtc/parley/media/samples"
)

func TestReader_Sample_HasItsFrames(t *testing.T) {
	r, err := ivf.NewReader(bytes.NewReader(samples.Video()))
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header()
	if h.Codec != "VP8" || h.Width != 320 || h.Height != 240 || h.Frames != 150 {
		t.Errorf("%+v", h)
	}
	for n := 0; ; n++ {
		f, err := r.ReadFrame()
		if errors.Is(err, io.EOF) {
			if n != 150 {
				t.Errorf("%d frames", n)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if at := h.Time(f.Timestamp); at != time.Duration(n)*40*time.Millisecond {
			t.Fatalf("frame %d at %v", n, at)
		}
		if !bytes.Equal(f.Data, samples.Video()[f.Offset:int(f.Offset)+len(f.Data)]) {
			t.Fatal("offset is wrong")
		}
	}
}

func TestReader_BadFile_TellsPositionAndReason(t *testing.T) {
	sample := samples.Video()
	with := func(at int, b ...byte) []byte {
		c := append([]byte(nil), sample...)
		copy(c[at:], b)
		return c
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                 {nil, "at byte 0: the file ends"},
		"cut header":            {sample[:20], "at byte 20: the file ends within the header"},
		"not IVF":               {with(0, 'X'), "at byte 0: not an IVF file"},
		"version":               {with(4, 9), "at byte 4: version 9"},
		"header size":           {with(6, 1, 0), "at byte 6: header of 1 bytes"},
		"long header":           {with(6, 255, 255)[:1000], "at byte 1000: the file ends within the header"},
		"codec":                 {with(8, 'X', 'V', 'I', 'D'), `at byte 8: codec "XVID"`},
		"time base":             {with(16, 0, 0, 0, 0), "at byte 16: time base 1/0"},
		"frame size":            {with(32, 0, 0, 0, 0x70), "at byte 32: frame 0 has 1879048192 bytes"},
		"cut frame":             {sample[:100], "at byte 100: the file ends within frame 0"},
		"cut header of a frame": {sample[:40], "at byte 40: the file ends within frame 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ivf.NewReader(bytes.NewReader(test.data))
			for err == nil {
				_, err = r.ReadFrame()
			}
			if !errors.Is(err, ivf.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestHeader_Time_Saturates(t *testing.T) {
	for _, test := range []struct {
		h     ivf.Header
		ticks uint64
		want  time.Duration
	}{
		{ivf.Header{Rate: 90000, Scale: 1}, 90000, time.Second},
		{ivf.Header{Rate: 30000, Scale: 1001}, 30, 1001 * time.Millisecond},
		{ivf.Header{Rate: 1, Scale: math.MaxUint32}, math.MaxUint64, math.MaxInt64},
		{ivf.Header{Rate: 1, Scale: 1}, math.MaxUint64, math.MaxInt64},
		{ivf.Header{}, 1, math.MaxInt64},
	} {
		if got := test.h.Time(test.ticks); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestWriter_File_ReadsBack(t *testing.T) {
	for _, codec := range []string{"VP8", "VP9", "AV1", "H264"} {
		path := filepath.Join(t.TempDir(), "x.ivf")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ivf.NewWriter(f, ivf.Header{Codec: codec, Width: 64, Height: 48})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if err := w.WriteFrame(w.Ticks(time.Duration(i)*33*time.Millisecond), bytes.Repeat([]byte{byte(i)}, i*1000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.WriteFrame(0, make([]byte, ivf.MaxFrameSize+1)); !errors.Is(err, ivf.ErrFormat) {
			t.Errorf("too large: %v", err)
		}
		if err := errors.Join(w.Close(), w.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteFrame(0, nil); !errors.Is(err, ivf.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		data, _ := os.ReadFile(path)
		r, err := ivf.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Header(); h.Codec != codec || h.Width != 64 || h.Frames != 5 {
			t.Errorf("%+v", h)
		}
		for i := range 5 {
			got, err := r.ReadFrame()
			if err != nil || len(got.Data) != i*1000 || r.Header().Time(got.Timestamp) != time.Duration(i)*33*time.Millisecond {
				t.Errorf("frame %d: %d bytes at %v, %v", i, len(got.Data), r.Header().Time(got.Timestamp), err)
			}
		}
	}
	for _, h := range []ivf.Header{{Codec: "H265"}, {Codec: "VP8", Width: -1}, {Codec: "VP8", Height: 70000}} {
		if _, err := ivf.NewWriter(&os.File{}, h); !errors.Is(err, ivf.ErrFormat) {
			t.Errorf("%+v: %v", h, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(samples.Video()[:2000])
	f.Add([]byte("DKIF\x00\x00\x20\x00VP80"))
	b := append([]byte(nil), samples.Video()[:60]...)
	binary.LittleEndian.PutUint32(b[32:], 4)
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ivf.NewReader(bytes.NewReader(data))
		total := 0
		for err == nil {
			var fr ivf.Frame
			fr, err = r.ReadFrame()
			total += len(fr.Data)
			_ = r.Header().Time(fr.Timestamp)
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, ivf.ErrFormat) || total > len(data) {
			t.Fatalf("%d bytes, %v", total, err)
		}
	})
}
