package media

import "time"

// AudioFileOptions set up an AudioFile.
type AudioFileOptions struct {
	// Loop makes the file start over at its end instead of giving io.EOF.
	Loop bool
}

// AudioFile is an AudioSource that reads a WAV or Ogg/Opus file of any rate
// and number of channels as 48 kHz mono.
type AudioFile struct{}

// OpenAudioFile opens a WAV or Ogg/Opus file. What it is is decided by its content.
func OpenAudioFile(path string, options *AudioFileOptions) (*AudioFile, error) { return nil, errNotYet }

// NewAudioFile is like OpenAudioFile for a file that is already in memory. The
// name is used in errors.
func NewAudioFile(name string, data []byte, options *AudioFileOptions) (*AudioFile, error) {
	return nil, errNotYet
}

// ReadAudio fills the frame. The last frame of a file is filled up with
// silence; after it comes io.EOF.
func (f *AudioFile) ReadAudio(frame []int16) error { return errNotYet }

// Duration returns the playing time of the file.
func (f *AudioFile) Duration() time.Duration { return 0 }

// Close closes the file.
func (f *AudioFile) Close() error { return nil }

// WAVSink is an AudioSink that writes a 48 kHz mono WAV file.
type WAVSink struct{}

// NewWAVSink creates the file. Close completes its header.
func NewWAVSink(path string) (*WAVSink, error) { return nil, errNotYet }

// WriteAudio implements AudioSink.
func (s *WAVSink) WriteAudio(frame []int16) error { return errNotYet }

// Close completes and closes the file.
func (s *WAVSink) Close() error { return nil }
