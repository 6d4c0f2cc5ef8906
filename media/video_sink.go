package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/parley-rtc/parley/media/h264file"
	"github.com/parley-rtc/parley/media/ivf"
)

// frameWriter is one of the file formats.
type frameWriter interface {
	write(frame EncodedFrame, at time.Duration) error
	close() error
}

// fileSink is what the file sinks have in common: a file that begins with the
// first key frame.
type fileSink struct {
	name   string
	mu     sync.Mutex
	file   *os.File
	begin  func(w io.WriteSeeker, first EncodedFrame) (frameWriter, error)
	writer frameWriter
	codec  string
	start  time.Duration
}

func newFileSink(path string, begin func(io.WriteSeeker, EncodedFrame) (frameWriter, error)) (*fileSink, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	return &fileSink{name: path, file: file, begin: begin}, nil
}

func (s *fileSink) writeVideo(frame EncodedFrame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return ErrClosed
	}
	if s.writer == nil {
		if !frame.KeyFrame {
			return nil
		}
		writer, err := s.begin(s.file, frame)
		if err != nil {
			return fileError(s.name, err)
		}
		s.writer, s.codec, s.start = writer, frame.Codec, frame.Timestamp
	}
	if frame.Codec != s.codec {
		return fileError(s.name, fmt.Errorf("%w: %s after %s", ErrCodecMismatch, frame.Codec, s.codec))
	}
	if err := s.writer.write(frame, frame.Timestamp-s.start); err != nil {
		return fileError(s.name, err)
	}
	return nil
}

func (s *fileSink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	var err error
	if s.writer != nil {
		err = s.writer.close()
	}
	err = errors.Join(err, s.file.Close())
	s.file = nil
	if err != nil {
		return fileError(s.name, err)
	}
	return nil
}

// IVFSink is a VideoSink that writes frames of any of the four codecs to an IVF
// file. Its methods may be called from any goroutine.
type IVFSink struct{ sink *fileSink }

// NewIVFSink creates the file, or empties it. The file begins with the first
// key frame; without one it stays empty. It fails with a *FileError.
func NewIVFSink(path string) (*IVFSink, error) {
	sink, err := newFileSink(path, newIVFWriter)
	if err != nil {
		return nil, err
	}
	return &IVFSink{sink: sink}, nil
}

// WriteVideo implements VideoSink. Frames before the first key frame are left
// out. It fails with ErrClosed or a *FileError; one that wraps
// ErrCodecMismatch means that the codec has changed.
func (s *IVFSink) WriteVideo(frame EncodedFrame) error { return s.sink.writeVideo(frame) }

// Close completes and closes the file. It may be called more than once.
func (s *IVFSink) Close() error { return s.sink.close() }

type ivfWriter struct {
	*ivf.Writer
	av1 bool
}

func newIVFWriter(w io.WriteSeeker, first EncodedFrame) (frameWriter, error) {
	writer, err := ivf.NewWriter(w, ivf.Header{Codec: first.Codec, Width: first.Width, Height: first.Height})
	if err != nil {
		return nil, err
	}
	return &ivfWriter{Writer: writer, av1: first.Codec == codecAV1}, nil
}

func (w *ivfWriter) write(frame EncodedFrame, at time.Duration) error {
	data := frame.Data
	// In files each temporal unit of AV1 begins with a delimiter.
	if delimiter := []byte{0x12, 0}; w.av1 && !bytes.HasPrefix(data, delimiter) {
		data = append(delimiter, data...)
	}
	return w.WriteFrame(w.Ticks(at), data)
}

func (w *ivfWriter) close() error { return w.Close() }

// H264Sink is a VideoSink that writes an H.264 byte stream, which has no
// timestamps. Its methods may be called from any goroutine.
type H264Sink struct{ sink *fileSink }

// NewH264Sink creates the file, or empties it. The file begins with the first
// key frame. It fails with a *FileError.
func NewH264Sink(path string) (*H264Sink, error) {
	sink, err := newFileSink(path, newH264Writer)
	if err != nil {
		return nil, err
	}
	return &H264Sink{sink: sink}, nil
}

// WriteVideo implements VideoSink. It fails with ErrClosed or a *FileError; one
// that wraps ErrCodecMismatch means that the frame is not H.264.
func (s *H264Sink) WriteVideo(frame EncodedFrame) error { return s.sink.writeVideo(frame) }

// Close closes the file. It may be called more than once.
func (s *H264Sink) Close() error { return s.sink.close() }

type h264Writer struct{ *h264file.Writer }

func newH264Writer(w io.WriteSeeker, first EncodedFrame) (frameWriter, error) {
	if first.Codec != codecH264 {
		return nil, fmt.Errorf("%w: %s in an H.264 file", ErrCodecMismatch, first.Codec)
	}
	return &h264Writer{h264file.NewWriter(w)}, nil
}

func (w *h264Writer) write(frame EncodedFrame, _ time.Duration) error { return w.WriteUnit(frame.Data) }

func (w *h264Writer) close() error { return w.Close() }
