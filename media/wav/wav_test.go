package wav_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/wav"
)

// file builds a WAV file.
type file struct {
	encoding, channels, bits int
	rate                     int
	data                     []byte
	extensible               bool
	before                   []byte // chunks before fmt
	size                     uint32 // of the data chunk; 0 for the true one
}

func (f file) bytes() []byte {
	le := binary.LittleEndian
	var format []byte
	tag := f.encoding
	if f.extensible {
		tag = 0xfffe
	}
	align := f.channels * f.bits / 8
	format = le.AppendUint16(format, uint16(tag))
	format = le.AppendUint16(format, uint16(f.channels))
	format = le.AppendUint32(format, uint32(f.rate))
	format = le.AppendUint32(format, uint32(f.rate*align))
	format = le.AppendUint16(format, uint16(align))
	format = le.AppendUint16(format, uint16(f.bits))
	if f.extensible {
		format = le.AppendUint16(format, 22)
		format = append(format, make([]byte, 6)...)
		format = le.AppendUint16(format, uint16(f.encoding))
		format = append(format, make([]byte, 14)...)
	}
	b := append([]byte("RIFF\x00\x00\x00\x00WAVE"), f.before...)
	b = append(b, "fmt "...)
	b = le.AppendUint32(b, uint32(len(format)))
	b = append(b, format...)
	b = append(b, "data"...)
	size := f.size
	if size == 0 {
		size = uint32(len(f.data))
	}
	b = le.AppendUint32(b, size)
	return append(b, f.data...)
}

func readAll(t *testing.T, r *wav.Reader) ([]int16, error) {
	t.Helper()
	var pcm []int16
	buffer := make([]int16, 7)
	for {
		n, err := r.Read(buffer)
		pcm = append(pcm, buffer[:n]...)
		if errors.Is(err, io.EOF) {
			return pcm, nil
		}
		if err != nil {
			return pcm, err
		}
	}
}

func le32(values ...uint32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func TestReader_EveryFormat_GivesMono16(t *testing.T) {
	float := func(v float32) uint32 { return math.Float32bits(v) }
	double := func(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) }
	for name, test := range map[string]struct {
		file file
		want []int16
	}{
		"u8":         {file{encoding: 1, channels: 1, bits: 8, data: []byte{0, 128, 255}}, []int16{-32768, 0, 127 * 256}},
		"s16":        {file{encoding: 1, channels: 1, bits: 16, data: []byte{1, 0, 0, 128, 255, 127}}, []int16{1, -32768, 32767}},
		"s16 stereo": {file{encoding: 1, channels: 2, bits: 16, data: []byte{100, 0, 200, 0, 0, 128, 255, 127}}, []int16{150, -1}},
		"s24":        {file{encoding: 1, channels: 1, bits: 24, data: []byte{0, 1, 0, 0, 0, 128, 255, 255, 127}}, []int16{1, -32768, 32767}},
		"s32":        {file{encoding: 1, channels: 1, bits: 32, data: le32(0x00010000, 0x80000000)}, []int16{1, -32768}},
		"f32":        {file{encoding: 3, channels: 1, bits: 32, data: le32(float(0.5), float(-1), float(2), float(float32(math.NaN())))}, []int16{16384, -32768, 32767, 0}},
		"f64":        {file{encoding: 3, channels: 1, bits: 64, data: append(double(0.25), double(math.Inf(1))...)}, []int16{8192, 0}},
		"mu law":     {file{encoding: 7, channels: 1, bits: 8, data: []byte{0xff, 0x00}}, []int16{0, -32124}},
		"a law":      {file{encoding: 6, channels: 2, bits: 8, data: []byte{0xd5, 0x55}}, []int16{0}},
		"extensible": {file{encoding: 1, channels: 1, bits: 16, extensible: true, data: []byte{7, 0}}, []int16{7}},
		"odd chunk before": {file{
			encoding: 1, channels: 1, bits: 16, data: []byte{7, 0},
			before: append([]byte("LIST"), append(le32(3), 1, 2, 3, 0)...),
		}, []int16{7}},
		"no data":            {file{encoding: 1, channels: 1, bits: 16, data: nil}, nil},
		"half a sample":      {file{encoding: 1, channels: 1, bits: 16, data: []byte{7, 0, 9}}, []int16{7}},
		"unknown length":     {file{encoding: 1, channels: 1, bits: 16, data: []byte{7, 0, 8, 0}, size: math.MaxUint32}, []int16{7, 8}},
		"unknown, cut short": {file{encoding: 1, channels: 1, bits: 16, data: []byte{7, 0, 8}, size: math.MaxUint32}, []int16{7}},
	} {
		t.Run(name, func(t *testing.T) {
			test.file.rate = 44100
			r, err := wav.NewReader(bytes.NewReader(test.file.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(t, r)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%v, %v; want %v", got, err, test.want)
			}
			f := r.Format()
			if f.SampleRate != 44100 || f.Channels != test.file.channels || test.file.size == 0 && f.Samples != int64(len(test.want)) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestReader_BadFile_TellsPositionAndReason(t *testing.T) {
	good := file{encoding: 1, channels: 1, bits: 16, rate: 8000, data: make([]byte, 100)}
	with := func(f func(*file)) []byte {
		c := good
		f(&c)
		return c.bytes()
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":           {nil, "at byte 0: the file ends"},
		"not RIFF":        {[]byte("OggS and so on and on"), "at byte 0: not a RIFF"},
		"AVI":             {[]byte("RIFF\x00\x00\x00\x00AVI and so on"), "at byte 0: not a RIFF"},
		"no fmt":          {[]byte("RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"), "at byte 12: the data chunk comes before"},
		"cut header":      {good.bytes()[:30], "at byte 30: the file ends within the fmt chunk"},
		"no data chunk":   {good.bytes()[:36], "at byte 36: the file ends"},
		"no channels":     {with(func(f *file) { f.channels = 0 }), "at byte 12: 0 channels"},
		"many channels":   {with(func(f *file) { f.channels = 1000 }), "1000 channels"},
		"no rate":         {with(func(f *file) { f.rate = 0 }), "sample rate 0"},
		"12 bits":         {with(func(f *file) { f.bits = 12 }), "encoding 1 with 12 bits"},
		"ADPCM":           {with(func(f *file) { f.encoding = 2; f.bits = 8 }), "encoding 2"},
		"huge chunk":      {with(func(f *file) { f.before = append([]byte("fmt "), le32(0x7fffffff)...) }), "chunk has 2147483647 bytes"},
		"endless skip":    {with(func(f *file) { f.before = append([]byte("JUNK"), le32(0x7fffffff)...) }), "the file ends within a chunk"},
		"data cut":        {with(func(f *file) { f.size = 1000 }), "at byte 144: the file ends 900 bytes before its data does"},
		"data cut in two": {with(func(f *file) { f.size = 1000; f.data = f.data[:51] }), "at byte 95"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := wav.NewReader(bytes.NewReader(test.data))
			if err == nil {
				_, err = readAll(t, r)
				if _, again := r.Read(make([]int16, 1)); !errors.Is(again, wav.ErrFormat) {
					t.Errorf("the second time: %v", again)
				}
			}
			if !errors.Is(err, wav.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestWriter_File_CanBeReadAtAnyTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 50000)
	for i := range pcm {
		pcm[i] = int16(i * 7)
	}
	if err := w.Write(pcm[:40000]); err != nil {
		t.Fatal(err)
	}
	// What a crash would leave behind.
	data, _ := os.ReadFile(path)
	r, err := wav.NewReader(bytes.NewReader(data))
	if err != nil || r.Format().Samples != -1 || r.Format().Duration() != 0 {
		t.Fatal(err)
	}
	if got, err := readAll(t, r); err != nil || len(got) == 0 || !slices.Equal(got, pcm[:len(got)]) {
		t.Errorf("%d samples, %v", len(got), err)
	}
	if err := w.Write(pcm[40000:]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(pcm); !errors.Is(err, wav.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	data, _ = os.ReadFile(path)
	r, err = wav.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Format(); f.SampleRate != 48000 || f.Samples != 50000 || f.Duration().Round(time.Millisecond) != 1042*time.Millisecond {
		t.Errorf("%+v", f)
	}
	if got, err := readAll(t, r); err != nil || !slices.Equal(got, pcm) {
		t.Errorf("%d samples, %v", len(got), err)
	}
	if riff := binary.LittleEndian.Uint32(data[4:]); int(riff) != len(data)-8 {
		t.Errorf("RIFF size %d of a file of %d", riff, len(data))
	}
}

// failing fails at some point.
type failing struct {
	*os.File
	left int
}

var errFull = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriter_DiskFull_IsTold(t *testing.T) {
	w, err := wav.NewWriter(&failing{left: 100000}, 8000)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		err = w.Write(make([]int16, 4000))
	}
	if !errors.Is(err, errFull) || !errors.Is(w.Close(), errFull) {
		t.Errorf("%v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(file{encoding: 1, channels: 2, bits: 16, rate: 8000, data: []byte{1, 2, 3, 4, 5}}.bytes())
	f.Add(file{encoding: 3, channels: 1, bits: 32, rate: 8000, extensible: true, data: []byte{1, 2, 3, 4}}.bytes())
	f.Add(file{encoding: 7, channels: 1, bits: 8, rate: 8000, data: []byte{1, 2}, size: math.MaxUint32}.bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := wav.NewReader(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, wav.ErrFormat) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		buffer := make([]int16, 1000)
		for total := 0; ; {
			n, err := r.Read(buffer)
			total += n
			if errors.Is(err, io.EOF) || errors.Is(err, wav.ErrFormat) {
				return
			}
			if err != nil || n == 0 || total > len(data) {
				t.Fatalf("%d samples, %v", n, err)
			}
		}
	})
}
