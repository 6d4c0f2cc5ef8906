package h264file_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/media/h264file"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func units(data []byte) (list []h264file.Unit, err error) {
	r, err := h264file.NewReader(bytes.NewReader(data))
	for err == nil {
		var u h264file.Unit
		if u, err = r.ReadUnit(); err == nil {
			list = append(list, u)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return list, err
}

func TestReader_FilesOfX264_GiveOneUnitForEachPicture(t *testing.T) {
	for _, name := range []string{"h264.h264", "h264-high.h264"} {
		data := file(t, name)
		list, err := units(data)
		if err != nil || len(list) != 40 {
			t.Fatalf("%s: %d units, %v", name, len(list), err)
		}
		end := int64(0)
		for i, u := range list {
			if u.KeyFrame != (i%20 == 0) {
				t.Errorf("%s: unit %d: key frame %v", name, i, u.KeyFrame)
			}
			if i > 0 && u.Offset != end {
				t.Errorf("%s: unit %d begins at %d, the one before ends at %d", name, i, u.Offset, end)
			}
			end = u.Offset + int64(u.Size)
			// What stands in the file is the same but for the length of start codes.
			var a, b [][]byte
			h264file.Each(u.Data, func(n []byte) { a = append(a, n) })
			h264file.Each(data[u.Offset:end], func(n []byte) { b = append(b, n) })
			if len(a) == 0 || !bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) {
				t.Errorf("%s: unit %d differs from the file", name, i)
			}
		}
		if end != int64(len(data)) {
			t.Errorf("%s: the last unit ends at %d of %d", name, end, len(data))
		}
	}
}

func TestParseSequence_FilesOfX264_TellSizeAndRate(t *testing.T) {
	for name, profile := range map[string]int{"h264.h264": 66, "h264-high.h264": 100} {
		found := 0
		h264file.Each(file(t, name), func(nal []byte) {
			if nal[0]&0x1f != h264file.NALSequence {
				return
			}
			found++
			s, err := h264file.ParseSequence(nal)
			if err != nil || s.Width != 160 || s.Height != 120 || s.FrameRate != 20 || s.Profile != profile {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
			for n := range nal {
				// Cut anywhere it is an error or the same size, never a panic.
				if s, err := h264file.ParseSequence(nal[:n]); err == nil && s.Width != 160 {
					t.Errorf("%s: cut to %d bytes: %+v", name, n, s)
				}
			}
		})
		if found == 0 {
			t.Errorf("%s: no parameter set", name)
		}
	}
	if _, err := h264file.ParseSequence([]byte{0x68, 1, 2, 3}); !errors.Is(err, h264file.ErrFormat) {
		t.Error(err)
	}
}

func TestReader_BadFile_TellsPositionAndReason(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "at byte 0: no start code"},
		"zeros":          {make([]byte, 100), "at byte 100: no start code"},
		"not H.264":      {[]byte("DKIF and so on"), "at byte 0: not an H.264 byte stream"},
		"no zeros":       {[]byte{0, 1, 2}, "at byte 1: not an H.264 byte stream"},
		"nothing":        {[]byte{0, 0, 0, 1}, "at byte 4: nothing follows"},
		"forbidden bit":  {[]byte{0, 0, 1, 0x80, 1}, "at byte 3: NAL unit with the forbidden bit"},
		"empty NAL unit": {[]byte{0, 0, 1, 0, 0, 1, 0x65}, "at byte 3: empty NAL unit"},
		"no picture":     {[]byte{0, 0, 1, 0x67, 1, 2, 3}, "at byte 0: the file ends with an access unit that has no picture"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := units(test.data)
			if !errors.Is(err, h264file.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestWriter_Units_ReadBack(t *testing.T) {
	list, err := units(file(t, "h264.h264"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := h264file.NewWriter(&out)
	for _, u := range list {
		if err := w.WriteUnit(u.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteUnit([]byte{1, 2, 3}); !errors.Is(err, h264file.ErrFormat) {
		t.Error(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteUnit(list[0].Data); !errors.Is(err, h264file.ErrClosed) {
		t.Error(err)
	}
	again, err := units(out.Bytes())
	if err != nil || len(again) != len(list) {
		t.Fatalf("%d units, %v", len(again), err)
	}
	for i := range again {
		if !bytes.Equal(again[i].Data, list[i].Data) {
			t.Errorf("unit %d differs", i)
		}
	}
}

func FuzzReader(f *testing.F) {
	data, err := os.ReadFile("../testdata/h264.h264")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:1500])
	f.Add([]byte{0, 0, 1, 0x67, 0, 0, 1, 0x65, 0x88, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := units(data)
		if err != nil && !errors.Is(err, h264file.ErrFormat) {
			t.Fatalf("unexpected error %v", err)
		}
		for _, u := range list {
			if u.Offset < 0 || u.Size <= 0 || u.Offset+int64(u.Size) > int64(len(data)) {
				t.Fatalf("unit at %d of %d bytes in %d", u.Offset, u.Size, len(data))
			}
		}
	})
}

func FuzzParseSequence(f *testing.F) {
	data, err := os.ReadFile("../testdata/h264-high.h264")
	if err != nil {
		f.Fatal(err)
	}
	h264file.Each(data[:200], func(nal []byte) { f.Add(nal) })
	f.Fuzz(func(t *testing.T, nal []byte) {
		s, err := h264file.ParseSequence(nal)
		if err == nil && (s.Width <= 0 || s.Height <= 0 || s.FrameRate < 0 || s.FrameRate > 1000) {
			t.Fatalf("%+v", s)
		}
	})
}
