package media

import (
	"errors"
	"fmt"

	"github.com/parley-rtc/parley/media/opus"
)

// The range in which the bitrate of speech makes sense.
const (
	minOpusBitrate = 6000
	maxOpusBitrate = 128000
)

type opusEncoder struct {
	encoder *opus.Encoder
	samples int
	dtx     bool
}

func newOpusEncoder(o EncoderOptions) (*opusEncoder, error) {
	encoder, err := opus.NewEncoder(&opus.EncoderOptions{
		Bitrate: o.Bitrate, Complexity: o.Complexity, FEC: !o.NoFEC, ExpectedLoss: o.ExpectedLoss, DTX: o.DTX,
	})
	if errors.Is(err, opus.ErrUnavailable) {
		return nil, fmt.Errorf("%w: %w", ErrNoEncoder, err)
	}
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	samples := int(o.FrameDuration * AudioSampleRate / 1e9)
	return &opusEncoder{encoder: encoder, samples: samples, dtx: o.DTX}, nil
}

func (e *opusEncoder) Encode(pcm []int16) ([]byte, error) {
	if len(pcm) != e.samples {
		return nil, fmt.Errorf("%w: %d, want %d", ErrFrameSize, len(pcm), e.samples)
	}
	payload, err := e.encoder.Encode(pcm)
	if err != nil {
		return nil, opusError(err)
	}
	// libopus marks a frame that need not be sent by its size.
	if e.dtx && len(payload) <= 2 {
		return nil, nil
	}
	return payload, nil
}

// The setters cannot fail: the values are in range and a closed encoder has
// nothing to set.

func (e *opusEncoder) SetBitrate(bps int) {
	_ = e.encoder.SetBitrate(min(max(bps, minOpusBitrate), maxOpusBitrate))
}

func (e *opusEncoder) SetExpectedLoss(fraction float64) {
	// NaN becomes 0.
	if !(fraction > 0) {
		fraction = 0
	}
	_ = e.encoder.SetExpectedLoss(min(fraction, 1))
}

func (e *opusEncoder) FrameSamples() int { return e.samples }

func (e *opusEncoder) Close() { e.encoder.Close() }

type opusDecoder struct{ decoder *opus.Decoder }

func newOpusDecoder() (*opusDecoder, error) {
	decoder, err := opus.NewDecoder(nil)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return &opusDecoder{decoder: decoder}, nil
}

func (d *opusDecoder) Decode(payload []byte, pcm []int16) (int, error) {
	n, err := d.decoder.Decode(payload, pcm)
	return n, opusError(err)
}

func (d *opusDecoder) DecodeFEC(next []byte, pcm []int16) (int, error) {
	n, err := d.decoder.DecodeFEC(next, pcm)
	return n, opusError(err)
}

func (d *opusDecoder) Conceal(pcm []int16) (int, error) {
	n, err := d.decoder.Conceal(pcm)
	return n, opusError(err)
}

func (d *opusDecoder) SampleRate() int { return AudioSampleRate }

func (d *opusDecoder) Close() { d.decoder.Close() }

// opusError adds this package's sentinel to an error of the codec.
func opusError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, opus.ErrMalformed):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	case errors.Is(err, opus.ErrFrameSize):
		return fmt.Errorf("%w: %w", ErrFrameSize, err)
	case errors.Is(err, opus.ErrClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	default:
		return fmt.Errorf("media: %w", err)
	}
}
