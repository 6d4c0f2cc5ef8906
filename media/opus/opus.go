// Package opus encodes and decodes Opus (RFC 6716) through libopus.
//
//	enc, err := opus.NewEncoder(&opus.EncoderOptions{Bitrate: 32000})
//	if err != nil { … }
//	defer enc.Close()
//	payload, err := enc.Encode(pcm) // 960 samples at 48 kHz, mono
//
// An Encoder and a Decoder own memory of the C heap: whoever makes one must
// close it. Neither is safe for use from several goroutines at once.
//
// # Builds
//
// With cgo the package links the libopus that pkg-config finds. Without cgo, or
// with the build tag nolibopus, Available is false: NewEncoder fails with
// ErrUnavailable, and NewDecoder gives a decoder in Go that decodes and conceals
// but cannot use in-band redundancy.
//
// Phones, and archives that carry libopus inside, link a static library. With
// the build tag opusstatic it is the one that scripts/opus-static has built for
// the target from the release source:
//
//	scripts/opus-static linux-arm64
//	CC=aarch64-linux-gnu-gcc CGO_ENABLED=1 GOARCH=arm64 go build -tags opusstatic …
//
// or, outside of this tree, one that the build names:
//
//	CGO_CFLAGS=-I$PREFIX/include/opus CGO_LDFLAGS=-L$PREFIX/lib \
//	    go build -tags opusstatic …
//
// The directives for both ways are in link_system.go and link_static.go; no
// other file knows of them.
package opus

import (
	"errors"
	"fmt"
	"time"
)

// SampleRate is the rate of all PCM of this package, in hertz.
const SampleRate = 48000

// MaxFrameSamples is the longest packet per channel: 120 ms (RFC 6716 2.1.4).
const MaxFrameSamples = SampleRate / 1000 * 120

// MaxPacketSize is the largest packet that the encoder makes, in bytes.
const MaxPacketSize = 1275*3 + 7

// Errors of this package. Errors that libopus itself reports wrap ErrCodec.
var (
	// ErrUnavailable reports that this build has no libopus.
	ErrUnavailable = errors.New("opus: built without libopus")
	// ErrClosed reports the use of a closed encoder or decoder.
	ErrClosed = errors.New("opus: closed")
	// ErrMalformed reports a packet that breaks the rules of RFC 6716 3.4.
	ErrMalformed = errors.New("opus: malformed packet")
	// ErrFrameSize reports PCM of a length that no Opus frame has, or room for
	// fewer samples than the packet holds.
	ErrFrameSize = errors.New("opus: wrong number of samples")
	// ErrOption reports an option out of its range.
	ErrOption = errors.New("opus: option out of range")
	// ErrCodec reports a failure inside the codec.
	ErrCodec = errors.New("opus: codec failed")
)

// Application tells the encoder what to optimize for.
type Application uint8

// The applications of libopus.
const (
	// VOIP makes speech as intelligible as possible.
	VOIP Application = iota
	// Audio keeps closest to the original, for music.
	Audio
	// LowDelay drops the speech modes to save delay.
	LowDelay
)

// Bandwidth is an audio bandwidth (RFC 6716 2).
type Bandwidth uint8

// The bandwidths; BandwidthAuto lets the encoder choose.
const (
	BandwidthAuto Bandwidth = iota
	// Narrowband passes up to 4 kHz.
	Narrowband
	// Mediumband passes up to 6 kHz.
	Mediumband
	// Wideband passes up to 8 kHz.
	Wideband
	// SuperWideband passes up to 12 kHz.
	SuperWideband
	// Fullband passes up to 20 kHz.
	Fullband
)

// EncoderOptions set up an Encoder.
type EncoderOptions struct {
	// Channels is 1 or 2; zero means 1.
	Channels int
	// Application is VOIP when zero.
	Application Application
	// Bitrate is the target in bits per second, 500 to 512000; zero means 32000.
	Bitrate int
	// Complexity is 1 (fast) to 10 (good); zero means 5.
	Complexity int
	// FEC makes packets carry a coarse copy of the speech before them once
	// ExpectedLoss is above zero.
	FEC bool
	// ExpectedLoss is the share of lost packets to prepare for, 0 to 1.
	ExpectedLoss float64
	// DTX makes silence cost next to nothing: packets of at most 2 bytes, which
	// need not be sent, with a real one every 400 ms.
	DTX bool
	// MaxBandwidth limits the bandwidth; BandwidthAuto means no limit.
	MaxBandwidth Bandwidth
}

// DecoderOptions set up a Decoder.
type DecoderOptions struct {
	// Channels is 1 or 2; zero means 1. A stereo packet is mixed down for 1, a
	// mono packet doubled for 2.
	Channels int
}

func (o *EncoderOptions) withDefaults() (EncoderOptions, error) {
	var e EncoderOptions
	if o != nil {
		e = *o
	}
	if e.Channels == 0 {
		e.Channels = 1
	}
	if e.Bitrate == 0 {
		e.Bitrate = 32000
	}
	if e.Complexity == 0 {
		e.Complexity = 5
	}
	bad := e.Channels < 1 || e.Channels > 2 || e.Complexity < 0 || e.Complexity > 10 ||
		e.Bitrate < 500 || e.Bitrate > 512000 || e.Application > LowDelay || e.MaxBandwidth > Fullband ||
		!(e.ExpectedLoss >= 0 && e.ExpectedLoss <= 1)
	if bad {
		return e, ErrOption
	}
	return e, nil
}

func decoderChannels(o *DecoderOptions) (int, error) {
	if o == nil || o.Channels == 0 {
		return 1, nil
	}
	if o.Channels < 0 || o.Channels > 2 {
		return 0, ErrOption
	}
	return o.Channels, nil
}

// FrameDuration tells how long n samples per channel last.
func FrameDuration(n int) time.Duration { return time.Duration(n) * time.Second / SampleRate }

// checkLost checks the length of what is to be recovered or concealed.
func checkLost(pcm []int16, channels int) error {
	n := len(pcm) / channels
	if n == 0 || n%120 != 0 || n > MaxFrameSamples || n*channels != len(pcm) {
		return fmt.Errorf("%w: %d", ErrFrameSize, len(pcm))
	}
	return nil
}
