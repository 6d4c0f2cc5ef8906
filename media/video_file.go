package media

import (
	"context"
	"errors"
	"time"
)

var errNotYet = errors.New("media: not written yet")

// VideoFileOptions set up a VideoFile.
type VideoFileOptions struct {
	// Once makes the file end with io.EOF instead of starting over.
	Once bool
}

// VideoFile is a VideoSource that plays an IVF or H.264 file in real time.
type VideoFile struct{}

// OpenVideoFile opens an IVF (VP8, VP9, AV1) or H.264 Annex B file. What it is
// is decided by its content.
func OpenVideoFile(path string, options *VideoFileOptions) (*VideoFile, error) { return nil, errNotYet }

// NewVideoFile is like OpenVideoFile for a file that is already in memory. The
// name is used in errors.
func NewVideoFile(name string, data []byte, options *VideoFileOptions) (*VideoFile, error) {
	return nil, errNotYet
}

// ReadVideo implements VideoSource.
func (f *VideoFile) ReadVideo(ctx context.Context) (EncodedFrame, error) {
	return EncodedFrame{}, errNotYet
}

// RequestKeyFrame makes the next frame the key frame that is nearest to the
// current position, before or behind it. Timestamps go on without a jump.
func (f *VideoFile) RequestKeyFrame() {}

// SetTargetBitrate does nothing: a file has the rate that it has.
func (f *VideoFile) SetTargetBitrate(bps int) {}

// Codec implements VideoSource.
func (f *VideoFile) Codec() string { return "" }

// Size returns width and height in pixels; zero when the file does not tell.
func (f *VideoFile) Size() (width, height int) { return 0, 0 }

// Frames returns the number of frames in the file.
func (f *VideoFile) Frames() int { return 0 }

// Duration returns the playing time of the file.
func (f *VideoFile) Duration() time.Duration { return 0 }

// Close closes the file. ReadVideo fails after it.
func (f *VideoFile) Close() error { return nil }

// IVFSink is a VideoSink that writes VP8, VP9 or AV1 frames to an IVF file.
type IVFSink struct{}

// NewIVFSink creates the file. Its header is written with the first key frame
// and completed by Close.
func NewIVFSink(path string) (*IVFSink, error) { return nil, errNotYet }

// WriteVideo implements VideoSink.
func (s *IVFSink) WriteVideo(frame EncodedFrame) error { return errNotYet }

// Close completes and closes the file.
func (s *IVFSink) Close() error { return nil }
