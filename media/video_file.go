package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pion/rtp/codecs/av1/obu"
)

// maxLate is how late a frame may be before a VideoFile gives up the schedule
// and goes on from now: the reader was away, it did not only stumble.
const maxLate = 500 * time.Millisecond

// VideoFileOptions set up a VideoFile.
type VideoFileOptions struct {
	// Once makes the file end with io.EOF instead of starting over.
	Once bool
	// FrameRate is that of an H.264 file, which may not tell its own; zero means
	// what the file tells, else 30. IVF files have timestamps and ignore it.
	FrameRate float64
}

// VideoFile is a VideoSource that plays an IVF or H.264 file in real time. The
// clock starts with the first ReadVideo; after a pause in the reading it goes
// on from where it was, with timestamps that have run on. Its methods may be
// called from any goroutine.
type VideoFile struct {
	name   string
	once   bool
	data   io.ReaderAt
	closer io.Closer
	index  videoIndex

	mu       sync.Mutex
	closed   chan struct{}
	isClosed bool
	wantKey  bool
	next     int       // frame to give
	due      time.Time // of that frame; zero before the first
	began    time.Time // of the first frame
}

// OpenVideoFile opens an IVF (VP8, VP9, AV1, H.264) or H.264 byte stream file;
// its content decides which. Nil options mean the zero value. It reads the
// whole file once and fails with a *FileError if any of it is damaged.
func OpenVideoFile(path string, options *VideoFileOptions) (*VideoFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	f, err := newVideoFile(path, file, file, options)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return f, nil
}

// NewVideoFile is like OpenVideoFile for a file that is already in memory. The
// name is used in errors.
func NewVideoFile(name string, data []byte, options *VideoFileOptions) (*VideoFile, error) {
	return newVideoFile(name, bytes.NewReader(data), nil, options)
}

func newVideoFile(name string, data io.ReaderAt, closer io.Closer, options *VideoFileOptions) (*VideoFile, error) {
	var o VideoFileOptions
	if options != nil {
		o = *options
	}
	index, err := indexVideo(data, o.FrameRate)
	if err != nil {
		return nil, fileError(name, err)
	}
	return &VideoFile{name: name, once: o.Once, data: data, closer: closer, index: index, closed: make(chan struct{})}, nil
}

// ReadVideo implements VideoSource. It fails with ErrClosed after Close.
func (f *VideoFile) ReadVideo(ctx context.Context) (EncodedFrame, error) {
	if wait := f.schedule(time.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return EncodedFrame{}, fmt.Errorf("media: wait for a frame of %s: %w", f.name, ctx.Err())
		case <-f.closed:
		case <-timer.C:
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isClosed {
		return EncodedFrame{}, ErrClosed
	}
	return f.take()
}

// schedule says how long to wait for the next frame.
func (f *VideoFile) schedule(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.due.IsZero() {
		f.due, f.began = now, now
	}
	if now.Sub(f.due) > maxLate {
		f.due = now
	}
	return f.due.Sub(now)
}

// take reads the frame that is due and schedules the one after it.
func (f *VideoFile) take() (EncodedFrame, error) {
	if f.next == len(f.index.frames) {
		if f.once {
			return EncodedFrame{}, io.EOF
		}
		f.next = 0
	}
	if f.wantKey {
		f.wantKey = false
		f.next = f.index.nearestKey(f.next)
	}
	entry := f.index.frames[f.next]
	data := make([]byte, entry.size)
	if _, err := f.data.ReadAt(data, entry.offset); err != nil && !errors.Is(err, io.EOF) {
		return EncodedFrame{}, fileError(f.name, fmt.Errorf("frame %d at byte %d: %w", f.next, entry.offset, err))
	}
	if f.index.codec == codecAV1 {
		data = withoutDelimiters(data)
	}
	frame := EncodedFrame{
		Codec: f.index.codec, Data: data, Timestamp: f.due.Sub(f.began), KeyFrame: entry.key,
		Width: f.index.width, Height: f.index.height,
	}
	f.due = f.due.Add(f.index.after(f.next))
	f.next++
	return frame, nil
}

// withoutDelimiters drops the temporal delimiters of AV1, which RTP leaves out.
func withoutDelimiters(b []byte) []byte {
	out := b[:0:0]
	whole := eachOBU(b, func(header *obu.Header, all, _ []byte) {
		if header.Type != obu.OBUTemporalDelimiter {
			out = append(out, all...)
		}
	})
	if !whole {
		return b
	}
	return out
}

// RequestKeyFrame makes the next frame the key frame that is nearest to the
// current position, before or behind it, so that pictures are repeated or left
// out. Timestamps go on without a jump.
func (f *VideoFile) RequestKeyFrame() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wantKey = true
}

// SetTargetBitrate does nothing: a file has the rate that it has.
func (f *VideoFile) SetTargetBitrate(int) {}

// Codec implements VideoSource.
func (f *VideoFile) Codec() string { return f.index.codec }

// Size returns width and height in pixels; zero when the file does not tell.
func (f *VideoFile) Size() (width, height int) { return f.index.width, f.index.height }

// Frames returns the number of frames in the file.
func (f *VideoFile) Frames() int { return len(f.index.frames) }

// Duration returns the playing time of the file.
func (f *VideoFile) Duration() time.Duration { return f.index.duration }

// Close closes the file. ReadVideo returns at once with ErrClosed, also one
// that is waiting. It may be called more than once.
func (f *VideoFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isClosed {
		return nil
	}
	f.isClosed = true
	close(f.closed)
	if f.closer == nil {
		return nil
	}
	if err := f.closer.Close(); err != nil {
		return fileError(f.name, err)
	}
	return nil
}
