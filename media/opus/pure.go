//go:build !cgo || nolibopus

package opus

import (
	"fmt"

	pion "github.com/pion/opus"

	"github.com/parley-rtc/parley/media/conceal"
)

// Available reports whether this build has libopus, and so an encoder.
func Available() bool { return false }

// Version names the library in use.
func Version() string { return "pion/opus (decoder only)" }

// Encoder turns PCM into Opus packets. This build cannot make one.
type Encoder struct{}

// NewEncoder fails with ErrUnavailable, or with ErrOption, in this build.
func NewEncoder(options *EncoderOptions) (*Encoder, error) {
	if _, err := options.withDefaults(); err != nil {
		return nil, err
	}
	return nil, ErrUnavailable
}

// Encode fails with ErrUnavailable in this build.
func (e *Encoder) Encode([]int16) ([]byte, error) { return nil, ErrUnavailable }

// SetBitrate fails with ErrUnavailable in this build.
func (e *Encoder) SetBitrate(int) error { return ErrUnavailable }

// SetComplexity fails with ErrUnavailable in this build.
func (e *Encoder) SetComplexity(int) error { return ErrUnavailable }

// SetFEC fails with ErrUnavailable in this build.
func (e *Encoder) SetFEC(bool) error { return ErrUnavailable }

// SetExpectedLoss fails with ErrUnavailable in this build.
func (e *Encoder) SetExpectedLoss(float64) error { return ErrUnavailable }

// SetDTX fails with ErrUnavailable in this build.
func (e *Encoder) SetDTX(bool) error { return ErrUnavailable }

// SetMaxBandwidth fails with ErrUnavailable in this build.
func (e *Encoder) SetMaxBandwidth(Bandwidth) error { return ErrUnavailable }

// Lookahead fails with ErrUnavailable in this build.
func (e *Encoder) Lookahead() (int, error) { return 0, ErrUnavailable }

// Close does nothing in this build.
func (e *Encoder) Close() {}

// Decoder turns Opus packets into PCM.
type Decoder struct {
	decoder  pion.Decoder
	channels int
	closed   bool
	cover    []*conceal.Concealer // one for each channel
	mono     []int16
}

// NewDecoder makes a decoder that gives 48 kHz PCM. Nil options mean the zero
// value. It fails with ErrOption.
func NewDecoder(options *DecoderOptions) (*Decoder, error) {
	channels, err := decoderChannels(options)
	if err != nil {
		return nil, err
	}
	decoder, err := pion.NewDecoderWithOutput(SampleRate, channels)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCodec, err)
	}
	d := &Decoder{decoder: decoder, channels: channels, mono: make([]int16, MaxFrameSamples)}
	for range channels {
		d.cover = append(d.cover, conceal.New(SampleRate))
	}
	return d, nil
}

// Decode decodes a packet into pcm and returns the number of samples per
// channel. It fails with ErrMalformed, and with ErrFrameSize if pcm is too short.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	info, err := Parse(packet)
	if err != nil {
		return 0, err
	}
	n := info.Samples()
	if len(pcm) < n*d.channels {
		return 0, fmt.Errorf("%w: room for %d, packet has %d", ErrFrameSize, len(pcm)/d.channels, n)
	}
	pcm = pcm[:n*d.channels]
	if err := d.decode(packet, pcm); err != nil {
		return 0, err
	}
	d.each(pcm, (*conceal.Concealer).Good)
	return n, nil
}

// decode turns a panic of the decoder below into an error: it is not ours, and
// no packet may end the process.
func (d *Decoder) decode(packet []byte, pcm []int16) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: decode: %v", ErrCodec, r)
		}
	}()
	got, err := d.decoder.DecodeToInt16(packet, pcm)
	if err != nil {
		return fmt.Errorf("%w: decode: %w", ErrCodec, err)
	}
	clear(pcm[min(len(pcm), got*d.channels):])
	return nil
}

// DecodeFEC returns 0: this decoder cannot use the copies that packets carry.
// It fails as Decode does.
func (d *Decoder) DecodeFEC(next []byte, pcm []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	if _, err := Parse(next); err != nil {
		return 0, err
	}
	return 0, checkLost(pcm, d.channels)
}

// Conceal fills pcm, per channel a multiple of 2.5 ms and at most 120 ms, with
// a continuation of what was decoded last.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	if err := checkLost(pcm, d.channels); err != nil {
		return 0, err
	}
	d.each(pcm, (*conceal.Concealer).Conceal)
	return len(pcm) / d.channels, nil
}

// each runs f over the channels of interleaved pcm.
func (d *Decoder) each(pcm []int16, f func(*conceal.Concealer, []int16)) {
	if d.channels == 1 {
		f(d.cover[0], pcm)
		return
	}
	mono := d.mono[:len(pcm)/d.channels]
	for ch, c := range d.cover {
		for i := range mono {
			mono[i] = pcm[i*d.channels+ch]
		}
		f(c, mono)
		for i := range mono {
			pcm[i*d.channels+ch] = mono[i]
		}
	}
}

// Close makes the other methods fail. It may be called more than once.
func (d *Decoder) Close() { d.closed = true }
