package media

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media/g711"
	"github.com/parley-rtc/parley/media/opus"
)

// MaxFrameSamples is the longest audio frame that a packet can carry: 120 ms
// (RFC 6716 2.1.4).
const MaxFrameSamples = AudioSampleRate / 1000 * 120

// ErrUnknownCodec reports a codec name that the registry does not have.
var ErrUnknownCodec = errors.New("media: unknown codec")

// ErrNoEncoder reports a codec that this build can decode but not encode: Opus
// without cgo or without libopus.
var ErrNoEncoder = errors.New("media: no encoder for this codec in this build")

// ErrMalformed reports a payload that its codec cannot read.
var ErrMalformed = errors.New("media: malformed payload")

// ErrFrameSize reports PCM of a length that the codec cannot take, or too short
// for what the payload holds.
var ErrFrameSize = errors.New("media: wrong number of samples")

// AudioEncoder turns 48 kHz mono PCM into payloads of one codec. It is not
// safe for use from several goroutines.
type AudioEncoder interface {
	// Encode encodes exactly FrameSamples samples. The result belongs to the
	// caller. An empty result without an error means that nothing needs to be
	// sent for this frame (discontinuous transmission); the RTP timestamp goes on.
	Encode(pcm []int16) ([]byte, error)
	// SetBitrate sets the target in bits per second. A codec with a fixed rate
	// ignores it; others clamp it to what they can do.
	SetBitrate(bps int)
	// SetExpectedLoss tells which share of the packets, 0 to 1, is thought to be
	// lost, so that the codec can spend bits on redundancy.
	SetExpectedLoss(fraction float64)
	// FrameSamples is the number of 48 kHz samples of one frame.
	FrameSamples() int
	// Close frees the encoder. It may be called more than once; Encode fails after it.
	Close()
}

// AudioDecoder turns payloads of one codec into 48 kHz mono PCM. It is not
// safe for use from several goroutines. The three kinds of decoding share one
// state: call exactly one of them for each piece of time, in order.
type AudioDecoder interface {
	// Decode decodes a payload into pcm, which needs room for the whole payload
	// (MaxFrameSamples is always enough), and returns the number of samples. A
	// malformed payload is an error and leaves the decoder usable.
	Decode(payload []byte, pcm []int16) (int, error)
	// DecodeFEC recovers the len(pcm) samples just before the payload next, which
	// is not consumed, from the redundancy that next carries. It returns 0 and no
	// error if next carries none: call Conceal then.
	DecodeFEC(next []byte, pcm []int16) (int, error)
	// Conceal makes up len(pcm) samples, a multiple of 120 (2.5 ms), in place of
	// a lost payload or for a pause of discontinuous transmission.
	Conceal(pcm []int16) (int, error)
	// SampleRate is the rate of the PCM: always 48000 from this registry.
	SampleRate() int
	// Close frees the decoder. It may be called more than once; the other
	// methods fail after it.
	Close()
}

// EncoderOptions set up an encoder. The zero value is right for speech.
type EncoderOptions struct {
	// Bitrate is the target in bits per second; zero means 32000. Codecs with a
	// fixed rate ignore it.
	Bitrate int
	// Complexity trades CPU for quality, 1 to 10; zero means 5.
	Complexity int
	// ExpectedLoss is the share of lost packets to prepare for, 0 to 1.
	ExpectedLoss float64
	// NoFEC turns in-band forward error correction off.
	NoFEC bool
	// DTX turns discontinuous transmission on: nothing is sent in silence but a
	// sign of life every 400 ms.
	DTX bool
	// FrameDuration is the length of a frame: 10, 20, 40 or 60 ms; zero means 20 ms.
	FrameDuration time.Duration
}

// AudioCodecs returns the audio codecs of this build in the order in which a
// session should prefer them, telephone events last. Opus comes first if it
// can be encoded; otherwise G722 does, and opus follows as a codec that can
// only be received.
func AudioCodecs() []packet.Codec {
	opus := packet.Codec{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "minptime=10;useinbandfec=1"}
	g722 := packet.Codec{Name: "G722", PayloadType: 9, ClockRate: 8000, Channels: 1}
	rest := []packet.Codec{
		{Name: "PCMU", PayloadType: 0, ClockRate: 8000, Channels: 1},
		{Name: "PCMA", PayloadType: 8, ClockRate: 8000, Channels: 1},
	}
	events := []packet.Codec{
		{Name: "telephone-event", ClockRate: 48000, Channels: 1, Parameters: "0-15"},
		{Name: "telephone-event", ClockRate: 8000, Channels: 1, Parameters: "0-15"},
	}
	list := []packet.Codec{g722}
	if CanEncode(opus) {
		list = append([]packet.Codec{opus}, list...)
		list = append(list, rest...)
	} else {
		list = append(list, rest...)
		list = append(list, opus)
	}
	return append(list, events...)
}

// VideoCodecs returns the video formats that VideoSender and VideoReceiver can
// carry, in the order in which a session should prefer them.
func VideoCodecs() []packet.Codec {
	return []packet.Codec{
		{Name: "VP8", ClockRate: 90000},
		{Name: "H264", ClockRate: 90000, Parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
		{Name: "VP9", ClockRate: 90000, Parameters: "profile-id=0"},
		{Name: "AV1", ClockRate: 90000},
	}
}

// CanEncode reports whether NewAudioEncoder works for the codec in this build.
func CanEncode(codec packet.Codec) bool {
	switch strings.ToLower(codec.Name) {
	case "opus":
		return opus.Available()
	case "g722", "pcmu", "pcma":
		return true
	default:
		return false
	}
}

// NewAudioEncoder makes an encoder for a codec of AudioCodecs, found by name
// without regard to case. Nil options mean the zero value. It fails with
// ErrUnknownCodec or ErrNoEncoder.
func NewAudioEncoder(codec packet.Codec, options *EncoderOptions) (AudioEncoder, error) {
	var o EncoderOptions
	if options != nil {
		o = *options
	}
	if o.FrameDuration == 0 {
		o.FrameDuration = AudioFrameDuration
	}
	if ms := o.FrameDuration.Milliseconds(); o.FrameDuration%time.Millisecond != 0 || ms != 10 && ms != 20 && ms != 40 && ms != 60 {
		return nil, fmt.Errorf("%w: frames of %v", ErrFrameSize, o.FrameDuration)
	}
	switch strings.ToLower(codec.Name) {
	case "opus":
		return newOpusEncoder(o)
	case "g722":
		return newG722Encoder(o)
	case "pcmu":
		return newG711Encoder(g711.Mu, o)
	case "pcma":
		return newG711Encoder(g711.A, o)
	default:
		return nil, fmt.Errorf("%w: %q", ErrUnknownCodec, codec.Name)
	}
}

// NewAudioDecoder makes a decoder for a codec of AudioCodecs, found by name
// without regard to case. It fails with ErrUnknownCodec.
func NewAudioDecoder(codec packet.Codec) (AudioDecoder, error) {
	switch strings.ToLower(codec.Name) {
	case "opus":
		return newOpusDecoder()
	case "g722":
		return newG722Decoder()
	case "pcmu":
		return newG711Decoder(g711.Mu)
	case "pcma":
		return newG711Decoder(g711.A)
	default:
		return nil, fmt.Errorf("%w: %q", ErrUnknownCodec, codec.Name)
	}
}
