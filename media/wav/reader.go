// Package wav reads and writes WAV files as a stream.
//
// The reader takes PCM of 8, 16, 24 and 32 bit, floating point of 32 and 64
// bit, and the two laws of G.711, with any sample rate and number of channels,
// and gives mono 16 bit PCM at the file's own rate. The writer writes mono 16 bit.
package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/parley-rtc/parley/media/g711"
)

// ErrFormat reports a file that is no WAV file, is damaged, or has a format
// that the reader does not know. The message tells the position and the reason.
var ErrFormat = errors.New("wav: bad file")

// Encoding is how samples are stored.
type Encoding uint16

// The encodings by their registered numbers.
const (
	PCM   Encoding = 1
	Float Encoding = 3
	ALaw  Encoding = 6
	MuLaw Encoding = 7
)

const (
	extensible = 0xfffe
	// unknownSize is what programs write that cannot go back to fix the header.
	unknownSize = math.MaxUint32
	maxChannels = 64
	maxChunk    = 1 << 16 // of the chunks that are read whole
)

// Format describes the samples of a file.
type Format struct {
	SampleRate int
	Channels   int
	Bits       int
	Encoding   Encoding
	// Samples is the number of samples of each channel; -1 when the header does not tell.
	Samples int64
}

// Duration is the playing time; zero when the header does not tell.
func (f Format) Duration() time.Duration {
	if f.Samples < 0 {
		return 0
	}
	return time.Duration(float64(f.Samples) / float64(f.SampleRate) * float64(time.Second))
}

// Reader reads one file. It is not safe for use from several goroutines.
type Reader struct {
	in     *bufio.Reader
	format Format
	offset int64 // of the next byte of in
	left   int64 // bytes of the data chunk that are left; -1 for until the end
	frame  int   // bytes of one sample of all channels
	raw    []byte
	law    []int16
	failed error
}

// NewReader reads the header. It fails with an error that wraps ErrFormat, or
// with that of r.
func NewReader(r io.Reader) (*Reader, error) {
	w := &Reader{in: bufio.NewReaderSize(r, 1<<16)}
	if err := w.header(); err != nil {
		return nil, err
	}
	return w, nil
}

// Format returns what the header says.
func (r *Reader) Format() Format { return r.format }

func (r *Reader) bad(at int64, reason string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrFormat, at, fmt.Sprintf(reason, args...))
}

// take reads exactly len(b) bytes.
func (r *Reader) take(b []byte, what string) error {
	n, err := io.ReadFull(r.in, b)
	r.offset += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.bad(r.offset, "the file ends within %s", what)
	}
	if err != nil {
		return fmt.Errorf("wav: at byte %d: %w", r.offset, err)
	}
	return nil
}

func (r *Reader) header() error {
	var b [12]byte
	if err := r.take(b[:], "the RIFF header"); err != nil {
		return err
	}
	if id := string(b[:4]); id != "RIFF" && id != "RF64" || string(b[8:]) != "WAVE" {
		return r.bad(0, "not a RIFF/WAVE file")
	}
	large := int64(-1)
	for {
		at := r.offset
		if err := r.take(b[:8], "the chunks before the data"); err != nil {
			return err
		}
		id, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		if id == "data" {
			if r.frame == 0 {
				return r.bad(at, "the data chunk comes before the fmt chunk")
			}
			r.begin(size, large)
			return nil
		}
		if err := r.other(at, id, size, &large); err != nil {
			return err
		}
	}
}

// other reads or passes a chunk before the data. large is the size of the data
// where 32 bits are too few.
func (r *Reader) other(at int64, id string, size int64, large *int64) error {
	if id != "fmt " && id != "ds64" {
		return r.skip(size + size&1)
	}
	chunk, err := r.chunk(at, size, 16, id)
	if err != nil {
		return err
	}
	if id == "fmt " {
		return r.parseFormat(at, chunk)
	}
	if v := binary.LittleEndian.Uint64(chunk[8:]); v <= math.MaxInt64 {
		*large = int64(v)
	}
	return nil
}

// chunk reads a chunk, with its padding.
func (r *Reader) chunk(at, size int64, least int64, id string) ([]byte, error) {
	if size < least || size > maxChunk {
		return nil, r.bad(at, "the %q chunk has %d bytes", id, size)
	}
	b := make([]byte, size+size&1)
	if err := r.take(b, "the "+strings.TrimSpace(id)+" chunk"); err != nil {
		return nil, err
	}
	return b, nil
}

func (r *Reader) skip(n int64) error {
	got, err := io.CopyN(io.Discard, r.in, n)
	r.offset += got
	if errors.Is(err, io.EOF) {
		return r.bad(r.offset, "the file ends within a chunk of %d bytes, before the data", n)
	}
	if err != nil {
		return fmt.Errorf("wav: at byte %d: %w", r.offset, err)
	}
	return nil
}

func (r *Reader) parseFormat(at int64, b []byte) error {
	f := Format{
		Encoding:   Encoding(binary.LittleEndian.Uint16(b)),
		Channels:   int(binary.LittleEndian.Uint16(b[2:])),
		SampleRate: int(binary.LittleEndian.Uint32(b[4:])),
		Bits:       int(binary.LittleEndian.Uint16(b[14:])),
	}
	align := int(binary.LittleEndian.Uint16(b[12:]))
	if f.Encoding == extensible {
		// The true encoding is the beginning of the sub-format's GUID.
		if len(b) < 40 {
			return r.bad(at, "the extensible fmt chunk has %d bytes, want 40", len(b))
		}
		f.Encoding = Encoding(binary.LittleEndian.Uint16(b[24:]))
	}
	switch {
	case f.Channels < 1 || f.Channels > maxChannels:
		return r.bad(at, "%d channels", f.Channels)
	case f.SampleRate < 1000 || f.SampleRate > 768000:
		return r.bad(at, "sample rate %d", f.SampleRate)
	case !f.known():
		return r.bad(at, "encoding %d with %d bits is not supported", f.Encoding, f.Bits)
	case align != f.Channels*f.Bits/8:
		return r.bad(at, "block alignment %d does not fit %d channels of %d bits", align, f.Channels, f.Bits)
	}
	r.format, r.frame = f, align
	return nil
}

func (f Format) known() bool {
	switch f.Encoding {
	case PCM:
		return f.Bits == 8 || f.Bits == 16 || f.Bits == 24 || f.Bits == 32
	case Float:
		return f.Bits == 32 || f.Bits == 64
	case ALaw, MuLaw:
		return f.Bits == 8
	default:
		return false
	}
}

func (r *Reader) begin(size, large int64) {
	r.left = size
	if size == unknownSize {
		r.left = large
	}
	r.format.Samples = -1
	if r.left >= 0 {
		r.left -= r.left % int64(r.frame)
		r.format.Samples = r.left / int64(r.frame)
	}
}

// Read fills pcm with samples, the average of the channels, and returns how
// many. It returns io.EOF after the last, and an error that wraps ErrFormat if
// the file ends before its header says.
func (r *Reader) Read(pcm []int16) (int, error) {
	if r.failed != nil {
		return 0, r.failed
	}
	n := 0
	for n < len(pcm) && r.failed == nil {
		got := r.read(pcm[n:min(len(pcm), n+4096)])
		n += got
	}
	if n > 0 {
		return n, nil
	}
	return 0, r.failed
}

// read reads one piece and remembers why it could not read all of it.
func (r *Reader) read(pcm []int16) int {
	want := int64(len(pcm) * r.frame)
	if r.left == 0 {
		r.failed = io.EOF
		return 0
	}
	if r.left > 0 {
		want = min(want, r.left)
	}
	if cap(r.raw) < int(want) {
		r.raw = make([]byte, want)
	}
	raw := r.raw[:want]
	got, err := io.ReadFull(r.in, raw)
	r.offset += int64(got)
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		r.failed = fmt.Errorf("wav: at byte %d: %w", r.offset, err)
	case r.left < 0:
		r.failed = io.EOF
	default:
		r.failed = r.bad(r.offset, "the file ends %d bytes before its data does", r.left-int64(got))
	}
	if r.left > 0 {
		r.left -= int64(got)
	}
	n := got / r.frame
	r.convert(pcm[:n], raw[:n*r.frame])
	return n
}

func (r *Reader) convert(pcm []int16, raw []byte) {
	channels, size := r.format.Channels, r.format.Bits/8
	if r.format.Encoding == ALaw || r.format.Encoding == MuLaw {
		law := g711.Mu
		if r.format.Encoding == ALaw {
			law = g711.A
		}
		r.law = law.Decode(r.law[:0], raw)
		for i := range pcm {
			sum := 0.0
			for ch := range channels {
				sum += float64(r.law[i*channels+ch])
			}
			pcm[i] = clip(sum / float64(channels))
		}
		return
	}
	for i := range pcm {
		sum := 0.0
		for ch := range channels {
			at := (i*channels + ch) * size
			sum += r.sample(raw[at : at+size])
		}
		pcm[i] = clip(sum / float64(channels))
	}
}

// sample gives one sample in the range of 16 bits.
func (r *Reader) sample(b []byte) float64 {
	if r.format.Encoding == Float {
		var v float64
		if len(b) == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		// NaN and infinities would spread to the whole sum.
		if !(v >= -65536 && v <= 65536) {
			return 0
		}
		return v * 32768
	}
	switch len(b) {
	case 1:
		return float64(int(b[0])-128) * 256
	case 2:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case 3:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / 65536
	default:
		return float64(int32(binary.LittleEndian.Uint32(b))) / 65536
	}
}

func clip(v float64) int16 {
	return int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
}
