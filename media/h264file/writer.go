package h264file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrClosed reports a write after Close.
var ErrClosed = errors.New("h264: closed")

// Writer writes access units as a byte stream. It is not safe for use from
// several goroutines.
type Writer struct {
	out *bufio.Writer
	err error
}

// NewWriter makes a writer. There is no header.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(w, 1<<16)} }

// WriteUnit appends an access unit, start codes included.
func (w *Writer) WriteUnit(data []byte) error {
	if w.err != nil {
		return w.err
	}
	if !bytes.HasPrefix(data, []byte{0, 0, 1}) && !bytes.HasPrefix(data, []byte{0, 0, 0, 1}) {
		return fmt.Errorf("%w: access unit without a start code", ErrFormat)
	}
	if _, err := w.out.Write(data); err != nil {
		w.err = fmt.Errorf("h264: write: %w", err)
	}
	return w.err
}

// Close writes what is buffered. It does not close what is below and may be
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
		return fmt.Errorf("h264: write: %w", err)
	}
	return nil
}
