package media

import "time"

// PCMOptions configures a PCMSource or a PCMSink.
type PCMOptions struct {
	// Capacity bounds what is kept. Zero means 200 ms.
	Capacity time.Duration
}

// PCMStats counts what went through a PCMSource or a PCMSink.
type PCMStats struct {
	// Samples is what was taken out.
	Samples uint64
	// Dropped counts samples thrown away, the oldest first, because nobody took them in time.
	Dropped uint64
	// Missing counts samples of silence that filled up for audio that was not there yet.
	Missing uint64
}

// PCMSource is an AudioSource that the app pushes raw audio into, for instance
// from a microphone callback. It never blocks either side.
type PCMSource struct{}

// NewPCMSource makes a source; nil options are the defaults.
func NewPCMSource(options *PCMOptions) *PCMSource { return &PCMSource{} }

// Write appends mono 48 kHz samples, any number. Over the capacity the oldest
// are dropped and counted. It returns ErrClosed after Close.
func (s *PCMSource) Write(samples []int16) error { return nil }

// ReadAudio implements AudioSource.
func (s *PCMSource) ReadAudio(frame []int16) error { return nil }

// Stats returns a snapshot.
func (s *PCMSource) Stats() PCMStats { return PCMStats{} }

// Close ends the source: when all is read, ReadAudio returns io.EOF.
func (s *PCMSource) Close() error { return nil }

// PCMSink is an AudioSink that the app pulls raw audio out of, for instance
// from a loudspeaker callback. It never blocks either side.
type PCMSink struct{}

// NewPCMSink makes a sink; nil options are the defaults.
func NewPCMSink(options *PCMOptions) *PCMSink { return &PCMSink{} }

// WriteAudio implements AudioSink.
func (s *PCMSink) WriteAudio(frame []int16) error { return nil }

// Read fills samples with mono 48 kHz audio, any number; what is missing is
// silence and counted. It returns ErrClosed when closed and empty.
func (s *PCMSink) Read(samples []int16) error { return nil }

// Stats returns a snapshot.
func (s *PCMSink) Stats() PCMStats { return PCMStats{} }

// Close makes WriteAudio return ErrClosed.
func (s *PCMSink) Close() error { return nil }
