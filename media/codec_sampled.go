package media

import (
	"fmt"

	"github.com/parley-rtc/parley/media/conceal"
	"github.com/parley-rtc/parley/media/g711"
	"github.com/parley-rtc/parley/media/g722"
	"github.com/parley-rtc/parley/media/resample"
)

// samplesPerByte is how many 48 kHz samples one byte stands for, in G.722 (two
// samples at 16 kHz) as in G.711 (one at 8 kHz).
const samplesPerByte = 6

// sampledEncoder is an encoder of a fixed rate that works at 8 or 16 kHz.
type sampledEncoder struct {
	down    *resample.Resampler
	encode  func(dst []byte, pcm []int16) []byte
	samples int
	narrow  []int16
	closed  bool
}

func newSampledEncoder(rate int, o EncoderOptions, encode func([]byte, []int16) []byte) (*sampledEncoder, error) {
	down, err := resample.New(AudioSampleRate, rate)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return &sampledEncoder{down: down, encode: encode, samples: int(o.FrameDuration * AudioSampleRate / 1e9)}, nil
}

func newG722Encoder(o EncoderOptions) (*sampledEncoder, error) {
	return newSampledEncoder(16000, o, new(g722.Encoder).Encode)
}

func newG711Encoder(law g711.Law, o EncoderOptions) (*sampledEncoder, error) {
	return newSampledEncoder(8000, o, law.Encode)
}

func (e *sampledEncoder) Encode(pcm []int16) ([]byte, error) {
	if e.closed {
		return nil, ErrClosed
	}
	if len(pcm) != e.samples {
		return nil, fmt.Errorf("%w: %d, want %d", ErrFrameSize, len(pcm), e.samples)
	}
	e.narrow = e.down.Process(e.narrow[:0], pcm)
	return e.encode(make([]byte, 0, e.samples/samplesPerByte), e.narrow), nil
}

func (e *sampledEncoder) SetBitrate(int) {}

func (e *sampledEncoder) SetExpectedLoss(float64) {}

func (e *sampledEncoder) FrameSamples() int { return e.samples }

func (e *sampledEncoder) Close() { e.closed = true }

// sampledDecoder is the decoder to it, with concealment at the codec's own rate.
type sampledDecoder struct {
	up     *resample.Resampler
	cover  *conceal.Concealer
	decode func(dst []int16, payload []byte) []int16
	ratio  int // 48 kHz over the codec's rate
	narrow []int16
	closed bool
}

func newSampledDecoder(rate int, decode func([]int16, []byte) []int16) (*sampledDecoder, error) {
	up, err := resample.New(rate, AudioSampleRate)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return &sampledDecoder{up: up, cover: conceal.New(rate), decode: decode, ratio: AudioSampleRate / rate}, nil
}

func newG722Decoder() (*sampledDecoder, error) {
	return newSampledDecoder(16000, new(g722.Decoder).Decode)
}

func newG711Decoder(law g711.Law) (*sampledDecoder, error) {
	return newSampledDecoder(8000, law.Decode)
}

func (d *sampledDecoder) Decode(payload []byte, pcm []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	n := len(payload) * samplesPerByte
	if n == 0 || n > MaxFrameSamples {
		return 0, fmt.Errorf("%w: %d bytes", ErrMalformed, len(payload))
	}
	if n > len(pcm) {
		return 0, fmt.Errorf("%w: room for %d, payload has %d", ErrFrameSize, len(pcm), n)
	}
	d.narrow = d.decode(d.narrow[:0], payload)
	d.cover.Good(d.narrow)
	return len(d.up.Process(pcm[:0], d.narrow)), nil
}

// DecodeFEC finds no redundancy: these codecs have none.
func (d *sampledDecoder) DecodeFEC([]byte, []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	return 0, nil
}

func (d *sampledDecoder) Conceal(pcm []int16) (int, error) {
	if d.closed {
		return 0, ErrClosed
	}
	if len(pcm) == 0 || len(pcm)%120 != 0 || len(pcm) > MaxFrameSamples {
		return 0, fmt.Errorf("%w: %d", ErrFrameSize, len(pcm))
	}
	n := len(pcm) / d.ratio
	if cap(d.narrow) < n {
		d.narrow = make([]int16, n)
	}
	d.narrow = d.narrow[:n]
	d.cover.Conceal(d.narrow)
	return len(d.up.Process(pcm[:0], d.narrow)), nil
}

func (d *sampledDecoder) SampleRate() int { return AudioSampleRate }

func (d *sampledDecoder) Close() { d.closed = true }
