package media

import (
	"errors"
	"time"
)

// The one form in which audio moves inside the engine: mono, 48 kHz, signed 16 bit.
const (
	// AudioSampleRate is the number of samples a second.
	AudioSampleRate = 48000
	// AudioFrameSamples is one frame as sources give it and encoders take it: 20 ms.
	AudioFrameSamples = 960
	// PlayoutFrameSamples is one frame as receivers give it and sinks take it: 10 ms.
	PlayoutFrameSamples = 480
	// AudioFrameDuration is the time that AudioFrameSamples last.
	AudioFrameDuration = 20 * time.Millisecond
	// PlayoutFrameDuration is the time that PlayoutFrameSamples last.
	PlayoutFrameDuration = 10 * time.Millisecond
)

// Errors of the audio path.
var (
	// ErrClosed is returned by what was closed before.
	ErrClosed = errors.New("media: closed")
	// ErrTonesNotNegotiated says that the far end takes no telephone events (RFC 4733).
	ErrTonesNotNegotiated = errors.New("media: telephone-event was not negotiated")
	// ErrToneDigit says that a character is no DTMF digit: 0 to 9, *, #, A to D, or a comma for a pause.
	ErrToneDigit = errors.New("media: not a tone digit")
)

// AudioSource gives audio to send. An AudioSender calls it from its own
// goroutine, once for each frame, when the frame is due.
type AudioSource interface {
	// ReadAudio fills frame, which has AudioFrameSamples samples. It should not
	// wait: a source that has nothing yet gives silence. io.EOF means that the
	// source has ended; the sender then sends silence until it gets another one.
	ReadAudio(frame []int16) error
}

// AudioSink takes audio that was received. A Playout calls it from its own
// goroutine every 10 ms.
type AudioSink interface {
	// WriteAudio takes PlayoutFrameSamples samples. The frame belongs to the
	// caller again when the method returns. It should not wait.
	WriteAudio(frame []int16) error
}

// EncodedAudio is one audio frame as a codec made it: the payload of one RTP packet.
type EncodedAudio struct {
	// Codec is the encoding name, as packet.Codec.Name has it.
	Codec string
	// Data is the payload.
	Data []byte
	// Timestamp is the presentation time on the sender's clock since the first frame.
	Timestamp time.Duration
	// Duration is how much audio the frame holds.
	Duration time.Duration
}

// EncodedAudioSource is an AudioSource that has its audio encoded already. A
// sender whose codec has the same name passes its frames on as they are;
// ReadAudio is called for any other codec.
type EncodedAudioSource interface {
	AudioSource
	// EncodedCodec is the encoding name of the frames.
	EncodedCodec() string
	// ReadEncodedAudio gives the next 20 ms. No Data means silence: nothing is sent.
	ReadEncodedAudio() (EncodedAudio, error)
}

// EncodedAudioSink takes received frames before they are decoded, in the order
// and at the time of their arrival; lost ones are missing.
type EncodedAudioSink interface {
	// WriteEncodedAudio is called from the goroutine that calls
	// AudioReceiver.Push. The sink must not change Data.
	WriteEncodedAudio(frame EncodedAudio) error
}
