package ogg_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/ogg"
	"github.com/parley-rtc/parley/media/opus"
	"github.com/parley-rtc/parley/media/samples"
)

func readAll(t testing.TB, data []byte) ([][]byte, *ogg.Reader, error) {
	t.Helper()
	r, err := ogg.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	var list [][]byte
	for {
		p, err := r.ReadPacket()
		if errors.Is(err, io.EOF) {
			return list, r, nil
		}
		if err != nil {
			return list, r, err
		}
		list = append(list, p)
	}
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReader_FilesOfOthers_AreReadWhole(t *testing.T) {
	for name, test := range map[string]struct {
		data     []byte
		packets  int
		channels int
		length   time.Duration
	}{
		"opusenc":       {samples.SpeechCaller(), 586, 1, 11700209 * time.Microsecond},
		"ffmpeg stereo": {file(t, "voice-stereo.ogg"), 51, 2, time.Second},
		"ffmpeg 60 ms":  {file(t, "voice-60ms.ogg"), 17, 1, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			list, r, err := readAll(t, test.data)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != test.packets || r.Header().Channels != test.channels || r.Start() != 0 {
				t.Errorf("%d packets, %+v, start %d", len(list), r.Header(), r.Start())
			}
			if p := r.Header().PreSkip; p != ogg.DefaultPreSkip {
				t.Errorf("pre-skip %d", p)
			}
			length, err := r.Length(bytes.NewReader(test.data))
			if d := ogg.Duration(length); err != nil || (d-test.length).Abs() > 50*time.Microsecond {
				t.Errorf("%v, %v; want %v", d, err, test.length)
			}
			total := 0
			for _, p := range list {
				info, err := opus.Parse(p)
				if err != nil {
					t.Fatal(err)
				}
				total += info.Samples()
			}
			if int64(total) < length {
				t.Errorf("%d samples in the packets, %d to play", total, length)
			}
		})
	}
}

// crc fixes the checksum of the page at the offset.
func crc(b []byte, at int) {
	segments := int(b[at+26])
	size := 27 + segments
	for _, l := range b[at+27 : at+27+segments] {
		size += int(l)
	}
	page := b[at : at+size]
	copy(page[22:26], []byte{0, 0, 0, 0})
	var sum uint32
	for _, v := range page {
		sum ^= uint32(v) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	binary.LittleEndian.PutUint32(page[22:], sum)
}

func pages(b []byte) (at []int) {
	for i := 0; ; {
		k := bytes.Index(b[i:], []byte("OggS"))
		if k < 0 {
			return at
		}
		at = append(at, i+k)
		i += k + 4
	}
}

func TestReader_BadFile_TellsPositionAndReason(t *testing.T) {
	sample := file(t, "voice-60ms.ogg")
	long := samples.SpeechCallee()
	with := func(source []byte, page, at int, b ...byte) []byte {
		c := append([]byte(nil), source...)
		start := pages(c)[page]
		copy(c[start+at:], b)
		if at > 26 || at > 4 && at < 22 {
			crc(c, start)
		}
		return c
	}
	without := func(page int) []byte {
		at := pages(long)
		return append(append([]byte(nil), long[:at[page]]...), long[at[page+1]:]...)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {nil, "at byte 0: the file ends within the headers"},
		"not Ogg":           {[]byte("RIFF....WAVE and some more bytes of it"), "at byte 0: no page begins here"},
		"version":           {with(sample, 0, 4, 1), "at byte 4: page version 1"},
		"checksum":          {with(sample, 0, 22, 1, 2, 3, 4), "at byte 0: page checksum is"},
		"Vorbis":            {with(sample, 0, 28, []byte("Vorbish!")...), "no Opus stream begins"},
		"channels":          {with(sample, 0, 28+9, 6), "6 channels"},
		"OpusHead version":  {with(sample, 0, 28+8, 0x10), "OpusHead version 16"},
		"mapping":           {with(sample, 0, 28+18, 255), "mapping family 255"},
		"many streams":      {with(sample, 0, 28+18, 1), "more than one stream"},
		"no tags":           {with(sample, 1, 28, 'X'), "the second packet is not OpusTags"},
		"headers only":      {sample[:pages(sample)[1]], "the file ends within the headers"},
		"cut page":          {sample[:len(sample)-5], "the file ends within a page"},
		"cut page header":   {long[:pages(long)[3]+10], "the file ends within a page header"},
		"missing page":      {without(3), "page 4 follows page 2"},
		"begins again":      {with(long, 3, 5, 2), "the stream begins a second time"},
		"wrongly continued": {with(long, 3, 5, 1), "a packet continues on a page"},
		"garbage between":   {append(append(append([]byte(nil), long[:pages(long)[3]]...), 1, 2, 3), long[pages(long)[3]:]...), "no page begins here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readAll(t, test.data)
			if !errors.Is(err, ogg.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestReader_OtherStreamsBeside_AreSkipped(t *testing.T) {
	sample := samples.SpeechCaller()
	// A stream of another kind, on the pages with another serial number.
	other := append([]byte(nil), sample[:pages(sample)[1]]...)
	copy(other[28:], "Skeleton")
	binary.LittleEndian.PutUint32(other[14:], 0xabcd)
	crc(other, 0)
	middle := append([]byte(nil), other...)
	middle[5] = 0
	crc(middle, 0)
	at := pages(sample)
	mixed := append(append([]byte(nil), other...), sample[:at[3]]...)
	mixed = append(append(mixed, middle...), sample[at[3]:]...)
	mixed = append(mixed, middle...)
	want, _, err := readAll(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	got, r, err := readAll(t, mixed)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d packets, %v; want %d", len(got), err, len(want))
	}
	a, err := r.Length(bytes.NewReader(mixed))
	b, _ := r.Length(bytes.NewReader(sample))
	if a != b || err != nil {
		t.Errorf("length %d and %d, %v", a, b, err)
	}
}

func TestReader_CutOutOfALongerStream_BeginsAtItsStart(t *testing.T) {
	sample := append([]byte(nil), samples.SpeechCaller()...)
	for _, at := range pages(sample)[2:] {
		granule := binary.LittleEndian.Uint64(sample[at+6:])
		binary.LittleEndian.PutUint64(sample[at+6:], granule+480000)
		crc(sample, at)
	}
	_, r, err := readAll(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	length, err := r.Length(bytes.NewReader(sample))
	if r.Start() != 480000 || err != nil || ogg.Duration(length).Round(time.Second) != 12*time.Second {
		t.Errorf("start %d, length %d, %v", r.Start(), length, err)
	}
}

func TestWriter_File_ReadsBackAndOthersReadIt(t *testing.T) {
	list, _, err := readAll(t, samples.SpeechCaller())
	if err != nil {
		t.Fatal(err)
	}
	// Large packets go over several lacing values, one of exactly 255 bytes among them.
	big := append([]byte{0xfc}, make([]byte, 1000)...)
	exact := append([]byte{0xfc}, make([]byte, 254)...)
	packets := append(append([][]byte(nil), list...), big, exact, big)
	var out bytes.Buffer
	w, err := ogg.NewWriter(&out, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.WritePacket(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WritePacket(nil); !errors.Is(err, opus.ErrMalformed) {
		t.Errorf("empty packet: %v", err)
	}
	if err := errors.Join(w.Close(500), w.Close(500)); err != nil {
		t.Fatal(err)
	}
	if err := w.WritePacket(big); !errors.Is(err, ogg.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	got, r, err := readAll(t, out.Bytes())
	if err != nil || len(got) != len(packets) {
		t.Fatalf("%d packets, %v; want %d", len(got), err, len(packets))
	}
	for i := range got {
		if !bytes.Equal(got[i], packets[i]) {
			t.Fatalf("packet %d differs", i)
		}
	}
	length, err := r.Length(bytes.NewReader(out.Bytes()))
	if want := int64(len(packets)*960 - ogg.DefaultPreSkip - 500); length != want || err != nil {
		t.Errorf("length %d, want %d, %v", length, want, err)
	}

	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testkit.Missing(t, "ffmpeg is not installed")
	}
	cmd := exec.Command("ffmpeg", "-v", "warning", "-f", "ogg", "-i", "-", "-f", "s16le", "-ac", "1", "-")
	cmd.Stdin = bytes.NewReader(out.Bytes())
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	pcm, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("ffmpeg: %v %s", err, complaints.String())
	}
	if d := int64(len(pcm)/2) - length; d < -960 || d > 960 {
		t.Errorf("ffmpeg plays %d samples, want %d", len(pcm)/2, length)
	}
}

func TestWriter_BadHeader_Fails(t *testing.T) {
	for _, h := range []ogg.Header{{Channels: 3}, {PreSkip: -1}, {PreSkip: 70000}, {Gain: 40000}, {InputRate: -1}} {
		if _, err := ogg.NewWriter(io.Discard, &ogg.WriterOptions{Header: h}); !errors.Is(err, ogg.ErrFormat) {
			t.Errorf("%+v: %v", h, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	sample, err := os.ReadFile("../testdata/voice-60ms.ogg")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample, false)
	f.Add(sample[:500], true)
	f.Add([]byte("OggS"), true)
	f.Fuzz(func(t *testing.T, data []byte, fix bool) {
		if fix {
			// Without a right checksum nothing behind it would be reached.
			data = append([]byte(nil), data...)
			for _, at := range pages(data) {
				if at+27 <= len(data) && at+27+int(data[at+26]) <= len(data) {
					size := 27 + int(data[at+26])
					for _, l := range data[at+27 : at+size] {
						size += int(l)
					}
					if at+size <= len(data) {
						crc(data, at)
					}
				}
			}
		}
		list, r, err := readAll(t, data)
		if err != nil && !errors.Is(err, ogg.ErrFormat) {
			t.Fatalf("unexpected error %v", err)
		}
		total := 0
		for _, p := range list {
			total += len(p)
		}
		if total > len(data) {
			t.Fatalf("%d bytes out of %d", total, len(data))
		}
		if r != nil {
			if n, err := r.Length(bytes.NewReader(data)); err != nil || n < -1 {
				t.Fatalf("length %d, %v", n, err)
			}
		}
	})
}
