package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/parley-rtc/parley/media/wav"
)

// FileError reports a media file that cannot be used. Err tells the position
// and the reason.
type FileError struct {
	// Name is the name of the file.
	Name string
	// Err is what is wrong with it.
	Err error
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("media: %s: %v", e.Name, e.Err) }

// Unwrap gives Err to errors.Is and errors.As.
func (e *FileError) Unwrap() error { return e.Err }

// ErrFormat reports a media file of a kind that is not supported.
var ErrFormat = errors.New("unknown file format")

// AudioFileOptions set up an AudioFile.
type AudioFileOptions struct {
	// Loop makes the file start over at its end instead of giving io.EOF.
	Loop bool
}

// AudioFile is an AudioSource that reads a WAV or Ogg/Opus file of any rate
// and number of channels as 48 kHz mono. Its methods may be called from any
// goroutine.
type AudioFile struct {
	name string
	loop bool

	mu       sync.Mutex
	file     io.ReadSeeker
	closer   io.Closer
	stream   audioStream // nil after Close
	rest     []int16     // decoded and not yet read
	buffer   []int16
	some     bool // this pass has given samples
	failed   error
	duration time.Duration
}

// audioStream is one pass through a file.
type audioStream interface {
	// next appends some decoded samples to pcm. It returns io.EOF after the last.
	next(pcm []int16) ([]int16, error)
	duration() time.Duration
	close()
}

// OpenAudioFile opens a WAV or Ogg/Opus file; its content decides which. Nil
// options mean the zero value. It fails with a *FileError.
func OpenAudioFile(path string, options *AudioFileOptions) (*AudioFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	a, err := newAudioFile(path, file, file, options)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return a, nil
}

// NewAudioFile is like OpenAudioFile for a file that is already in memory. The
// name is used in errors.
func NewAudioFile(name string, data []byte, options *AudioFileOptions) (*AudioFile, error) {
	return newAudioFile(name, bytes.NewReader(data), nil, options)
}

func newAudioFile(name string, file io.ReadSeeker, closer io.Closer, options *AudioFileOptions) (*AudioFile, error) {
	a := &AudioFile{name: name, file: file, closer: closer, loop: options != nil && options.Loop}
	if err := a.rewind(); err != nil {
		return nil, fileError(name, err)
	}
	a.duration = a.stream.duration()
	return a, nil
}

// fileError adds the name, once: errors of the file system carry it already.
func fileError(name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &FileError{Name: name, Err: err}
}

// rewind begins a pass.
func (a *AudioFile) rewind() error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	var magic [4]byte
	if n, err := io.ReadFull(a.file, magic[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: at byte %d: the file ends before it can be told what it is", ErrFormat, n)
		}
		return fmt.Errorf("read: %w", err)
	}
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	var err error
	switch string(magic[:]) {
	case "RIFF", "RF64":
		a.stream, err = newWAVStream(a.file)
	case "OggS":
		a.stream, err = newOggStream(a.file)
	default:
		err = fmt.Errorf("%w: at byte 0: neither a WAV nor an Ogg/Opus file", ErrFormat)
	}
	a.some = false
	return err
}

// ReadAudio fills the frame. The last frame of a file is filled up with
// silence; after it comes io.EOF. A file that is damaged gives a *FileError
// where the damage is.
func (a *AudioFile) ReadAudio(frame []int16) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stream == nil {
		clear(frame)
		return ErrClosed
	}
	n := copy(frame, a.rest)
	a.rest = a.rest[n:]
	for n < len(frame) && a.failed == nil {
		a.failed = a.more()
		got := copy(frame[n:], a.rest)
		a.rest = a.rest[got:]
		n += got
	}
	clear(frame[n:])
	if n > 0 || len(frame) == 0 {
		return nil
	}
	return a.failed
}

// more decodes the next piece into rest, which is empty.
func (a *AudioFile) more() error {
	var err error
	a.buffer, err = a.stream.next(a.buffer[:0])
	a.rest = a.buffer
	a.some = a.some || len(a.rest) > 0
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, io.EOF):
		return fileError(a.name, err)
	case !a.loop || !a.some:
		// Looping over nothing would never end.
		return io.EOF
	}
	old := a.stream
	if err := a.rewind(); err != nil {
		a.stream = old
		return fileError(a.name, err)
	}
	old.close()
	return nil
}

// Duration returns the playing time of the file; zero when its header does not tell.
func (a *AudioFile) Duration() time.Duration { return a.duration }

// Close closes the file. It may be called more than once.
func (a *AudioFile) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stream == nil {
		return nil
	}
	a.stream.close()
	a.stream = nil
	if a.closer == nil {
		return nil
	}
	if err := a.closer.Close(); err != nil {
		return fileError(a.name, err)
	}
	return nil
}

// WAVSink is an AudioSink that writes a 48 kHz mono WAV file. Its methods may
// be called from any goroutine.
type WAVSink struct {
	name   string
	mu     sync.Mutex
	file   *os.File
	writer *wav.Writer
}

// NewWAVSink creates the file, or empties it. Close completes its header; until
// then, and after a crash, the header says that the length is not known, which
// players take as "until the end". It fails with a *FileError.
func NewWAVSink(path string) (*WAVSink, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	writer, err := wav.NewWriter(file, AudioSampleRate)
	if err != nil {
		_ = file.Close()
		return nil, fileError(path, err)
	}
	return &WAVSink{name: path, file: file, writer: writer}, nil
}

// WriteAudio implements AudioSink.
func (s *WAVSink) WriteAudio(frame []int16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return ErrClosed
	}
	if err := s.writer.Write(frame); err != nil {
		return fileError(s.name, err)
	}
	return nil
}

// Close completes and closes the file. It may be called more than once.
func (s *WAVSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.writer.Close(), s.file.Close())
	s.file = nil
	if err != nil {
		return fileError(s.name, err)
	}
	return nil
}
