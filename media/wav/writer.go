package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrTooLarge reports that a WAV file cannot grow beyond 4 GiB.
var ErrTooLarge = errors.New("wav: the file would exceed 4 GiB")

// ErrClosed reports a write after Close.
var ErrClosed = errors.New("wav: closed")

const headerSize = 44

// Writer writes mono 16 bit PCM. Until Close the header says that the length is
// not known, so that what a crashed program left behind can be read. It is not
// safe for use from several goroutines.
type Writer struct {
	to     io.WriteSeeker
	out    *bufio.Writer
	rate   int
	bytes  int64
	buffer []byte
	err    error
}

// NewWriter writes the header. A sample rate of zero means 48000.
func NewWriter(w io.WriteSeeker, sampleRate int) (*Writer, error) {
	if sampleRate == 0 {
		sampleRate = 48000
	}
	wr := &Writer{to: w, out: bufio.NewWriterSize(w, 1<<16), rate: sampleRate}
	if _, err := wr.out.Write(wr.header(unknownSize, unknownSize)); err != nil {
		return nil, fmt.Errorf("wav: write header: %w", err)
	}
	return wr, nil
}

func (w *Writer) header(riff, data uint32) []byte {
	b := make([]byte, 0, headerSize)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, riff)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(PCM))
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(w.rate))
	b = le.AppendUint32(b, uint32(w.rate*2))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, data)
}

// Write appends samples. It fails with ErrTooLarge, ErrClosed or the error of
// the file below, and then with the same again.
func (w *Writer) Write(pcm []int16) error {
	if w.err != nil {
		return w.err
	}
	if w.bytes+int64(2*len(pcm)) > math.MaxUint32-headerSize {
		return ErrTooLarge
	}
	w.buffer = w.buffer[:0]
	for _, s := range pcm {
		w.buffer = binary.LittleEndian.AppendUint16(w.buffer, uint16(s))
	}
	n, err := w.out.Write(w.buffer)
	w.bytes += int64(n)
	if err != nil {
		w.err = fmt.Errorf("wav: write: %w", err)
	}
	return w.err
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
		return fmt.Errorf("wav: write: %w", err)
	}
	if _, err := w.to.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("wav: complete header: %w", err)
	}
	if _, err := w.to.Write(w.header(uint32(w.bytes+headerSize-8), uint32(w.bytes))); err != nil {
		return fmt.Errorf("wav: complete header: %w", err)
	}
	if _, err := w.to.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("wav: complete header: %w", err)
	}
	return nil
}
