// Package ivf reads and writes IVF files: one video stream of VP8, VP9, AV1 or
// H.264 (Annex B) frames, each with a timestamp.
package ivf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// ErrFormat reports a file that is no IVF file or is damaged. The message tells
// the position and the reason.
var ErrFormat = errors.New("ivf: bad file")

// ErrClosed reports a write after Close.
var ErrClosed = errors.New("ivf: closed")

// MaxFrameSize is the largest frame that is read or written, in bytes.
const MaxFrameSize = 16 << 20

const (
	fileHeaderSize  = 32
	frameHeaderSize = 12
)

// codecTable pairs the RTP encoding names with the file's codes.
var codecTable = [...]struct{ name, code string }{
	{"VP8", "VP80"}, {"VP9", "VP90"}, {"AV1", "AV01"}, {"H264", "H264"},
}

// Header describes the stream.
type Header struct {
	// Codec is the RTP encoding name: "VP8", "VP9", "AV1" or "H264".
	Codec string
	// Width and Height are the size in pixels.
	Width, Height int
	// Rate and Scale make the time base: a tick lasts Scale / Rate seconds.
	Rate, Scale uint32
	// Frames is the number of frames that the header tells; some programs write 0.
	Frames uint32
}

// Frame is one encoded picture.
type Frame struct {
	// Timestamp is in ticks of the time base.
	Timestamp uint64
	// Data belongs to the caller.
	Data []byte
	// Offset is where Data begins in the file.
	Offset int64
}

// Time turns ticks into time. It saturates for what no clock can show.
func (h Header) Time(ticks uint64) time.Duration {
	hi, lo := bits.Mul64(ticks, uint64(h.Scale)*uint64(time.Second/1000))
	if h.Rate == 0 || hi >= uint64(h.Rate) {
		return math.MaxInt64
	}
	// Microseconds first: the product of three large numbers would overflow more.
	micros, _ := bits.Div64(hi, lo, uint64(h.Rate))
	if micros > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return time.Duration(micros) * 1000
}

// Reader reads one file. It is not safe for use from several goroutines.
type Reader struct {
	in     *bufio.Reader
	header Header
	offset int64
	count  int
}

// NewReader reads the header. It fails with an error that wraps ErrFormat, or
// with that of r.
func NewReader(r io.Reader) (*Reader, error) {
	v := &Reader{in: bufio.NewReaderSize(r, 1<<16)}
	var b [fileHeaderSize]byte
	if err := v.take(b[:], "the header"); err != nil {
		return nil, err
	}
	if string(b[:4]) != "DKIF" {
		return nil, bad(0, "not an IVF file")
	}
	if version := binary.LittleEndian.Uint16(b[4:]); version != 0 {
		return nil, bad(4, "version %d", version)
	}
	size := int64(binary.LittleEndian.Uint16(b[6:]))
	if size < fileHeaderSize {
		return nil, bad(6, "header of %d bytes", size)
	}
	for _, c := range codecTable {
		if c.code == string(b[8:12]) {
			v.header.Codec = c.name
		}
	}
	if v.header.Codec == "" {
		return nil, bad(8, "codec %q is not supported", b[8:12])
	}
	v.header.Width = int(binary.LittleEndian.Uint16(b[12:]))
	v.header.Height = int(binary.LittleEndian.Uint16(b[14:]))
	v.header.Rate = binary.LittleEndian.Uint32(b[16:])
	v.header.Scale = binary.LittleEndian.Uint32(b[20:])
	v.header.Frames = binary.LittleEndian.Uint32(b[24:])
	if v.header.Rate == 0 || v.header.Scale == 0 {
		return nil, bad(16, "time base %d/%d", v.header.Scale, v.header.Rate)
	}
	if err := v.take(make([]byte, size-fileHeaderSize), "the header"); err != nil {
		return nil, err
	}
	return v, nil
}

func bad(at int64, reason string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrFormat, at, fmt.Sprintf(reason, args...))
}

func (r *Reader) take(b []byte, what string) error {
	n, err := io.ReadFull(r.in, b)
	r.offset += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad(r.offset, "the file ends within %s", what)
	}
	if err != nil {
		return fmt.Errorf("ivf: at byte %d: %w", r.offset, err)
	}
	return nil
}

// Header returns what the file says of itself.
func (r *Reader) Header() Header { return r.header }

// ReadFrame returns the next frame, and io.EOF after the last.
func (r *Reader) ReadFrame() (Frame, error) {
	if _, err := r.in.Peek(1); errors.Is(err, io.EOF) {
		return Frame{}, io.EOF
	}
	at := r.offset
	var b [frameHeaderSize]byte
	what := fmt.Sprintf("frame %d", r.count)
	if err := r.take(b[:], what); err != nil {
		return Frame{}, err
	}
	size := binary.LittleEndian.Uint32(b[:])
	if size > MaxFrameSize {
		return Frame{}, bad(at, "frame %d has %d bytes, more than %d", r.count, size, MaxFrameSize)
	}
	f := Frame{Timestamp: binary.LittleEndian.Uint64(b[4:]), Offset: r.offset}
	var err error
	if f.Data, err = r.data(int(size), what); err != nil {
		return Frame{}, err
	}
	r.count++
	return f, nil
}

// data reads in pieces, so that a length that is a lie costs no memory.
func (r *Reader) data(size int, what string) ([]byte, error) {
	const piece = 1 << 16
	data := make([]byte, 0, min(size, piece))
	for len(data) < size {
		n := min(size-len(data), piece)
		data = append(data, make([]byte, n)...)
		if err := r.take(data[len(data)-n:], what); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// Writer writes one file. It is not safe for use from several goroutines.
type Writer struct {
	to     io.WriteSeeker
	out    *bufio.Writer
	header Header
	err    error
}

// NewWriter writes the header; Frames is ignored. A time base of zero means
// 1/90000 s.
func NewWriter(w io.WriteSeeker, header Header) (*Writer, error) {
	if header.Rate == 0 || header.Scale == 0 {
		header.Rate, header.Scale = 90000, 1
	}
	if header.Width < 0 || header.Width > math.MaxUint16 || header.Height < 0 || header.Height > math.MaxUint16 {
		return nil, fmt.Errorf("%w: size %d × %d", ErrFormat, header.Width, header.Height)
	}
	header.Frames = 0
	v := &Writer{to: w, out: bufio.NewWriterSize(w, 1<<16), header: header}
	b, err := v.marshal()
	if err != nil {
		return nil, err
	}
	if _, err := v.out.Write(b); err != nil {
		return nil, fmt.Errorf("ivf: write header: %w", err)
	}
	return v, nil
}

func (w *Writer) marshal() ([]byte, error) {
	code := ""
	for _, c := range codecTable {
		if c.name == w.header.Codec {
			code = c.code
		}
	}
	if code == "" {
		return nil, fmt.Errorf("%w: codec %q is not supported", ErrFormat, w.header.Codec)
	}
	le := binary.LittleEndian
	b := append(make([]byte, 0, fileHeaderSize), "DKIF\x00\x00"...)
	b = le.AppendUint16(b, fileHeaderSize)
	b = append(b, code...)
	b = le.AppendUint16(b, uint16(w.header.Width))
	b = le.AppendUint16(b, uint16(w.header.Height))
	b = le.AppendUint32(b, w.header.Rate)
	b = le.AppendUint32(b, w.header.Scale)
	b = le.AppendUint32(b, w.header.Frames)
	return le.AppendUint32(b, 0), nil
}

// Ticks turns time into ticks of the time base, rounded.
func (w *Writer) Ticks(t time.Duration) uint64 {
	return uint64(math.Round(max(0, t.Seconds()) * float64(w.header.Rate) / float64(w.header.Scale)))
}

// WriteFrame appends a frame.
func (w *Writer) WriteFrame(timestamp uint64, data []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(data) > MaxFrameSize {
		return fmt.Errorf("%w: frame of %d bytes", ErrFormat, len(data))
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, frameHeaderSize), uint32(len(data)))
	b = binary.LittleEndian.AppendUint64(b, timestamp)
	for _, part := range [][]byte{b, data} {
		if _, err := w.out.Write(part); err != nil {
			w.err = fmt.Errorf("ivf: write: %w", err)
			return w.err
		}
	}
	w.header.Frames++
	return nil
}

// Close completes the header. It does not close the file below. It may be
// called more than once.
func (w *Writer) Close() error {
	if errors.Is(w.err, ErrClosed) {
		return nil
	}
	if w.err != nil {
		return w.err
	}
	w.err = ErrClosed
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("ivf: write: %w", err)
	}
	b, err := w.marshal()
	if err != nil {
		return err
	}
	if _, err := w.to.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("ivf: complete header: %w", err)
	}
	if _, err := w.to.Write(b); err != nil {
		return fmt.Errorf("ivf: complete header: %w", err)
	}
	if _, err := w.to.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("ivf: complete header: %w", err)
	}
	return nil
}
