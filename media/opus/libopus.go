//go:build cgo && !nolibopus

package opus

/*
#include <opus.h>

// The control calls of libopus take a variable number of arguments, which cgo
// cannot call.
static int parley_encoder_set(OpusEncoder *e, int request, opus_int32 value) {
	return opus_encoder_ctl(e, request, value);
}
static int parley_encoder_get(OpusEncoder *e, int request, opus_int32 *value) {
	return opus_encoder_ctl(e, request, value);
}
*/
import "C"

import (
	"fmt"
	"math"
	"unsafe"
)

// Available reports whether this build has libopus, and so an encoder.
func Available() bool { return true }

// Version names the library in use.
func Version() string { return C.GoString(C.opus_get_version_string()) }

func codecError(what string, code int) error {
	if code == C.OPUS_INVALID_PACKET {
		return fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	return fmt.Errorf("%w: %s: %s", ErrCodec, what, C.GoString(C.opus_strerror(C.int(code))))
}

// Encoder turns PCM into Opus packets.
type Encoder struct {
	state    *C.OpusEncoder
	channels int
	buffer   [MaxPacketSize]byte
}

// NewEncoder makes an encoder for 48 kHz PCM. Nil options mean the zero value.
// It fails with ErrOption, and with ErrUnavailable in a build without libopus.
func NewEncoder(options *EncoderOptions) (*Encoder, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	applications := [...]C.int{C.OPUS_APPLICATION_VOIP, C.OPUS_APPLICATION_AUDIO, C.OPUS_APPLICATION_RESTRICTED_LOWDELAY}
	var code C.int
	state := C.opus_encoder_create(SampleRate, C.int(o.Channels), applications[o.Application], &code)
	if code != C.OPUS_OK || state == nil {
		return nil, codecError("make encoder", int(code))
	}
	e := &Encoder{state: state, channels: o.Channels}
	for _, err := range []error{
		e.SetBitrate(o.Bitrate), e.SetComplexity(o.Complexity), e.SetFEC(o.FEC),
		e.SetExpectedLoss(o.ExpectedLoss), e.SetDTX(o.DTX), e.SetMaxBandwidth(o.MaxBandwidth),
	} {
		if err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

// Encode encodes one frame of interleaved samples: 2.5, 5, 10, 20, 40, 60, 80,
// 100 or 120 ms. The result belongs to the caller. With DTX a result of at most
// 2 bytes need not be sent.
func (e *Encoder) Encode(pcm []int16) ([]byte, error) {
	if e.state == nil {
		return nil, ErrClosed
	}
	n := len(pcm) / e.channels
	if !isFrameSize(n) || n*e.channels != len(pcm) {
		return nil, fmt.Errorf("%w: %d", ErrFrameSize, len(pcm))
	}
	size := C.opus_encode(e.state, (*C.opus_int16)(unsafe.Pointer(unsafe.SliceData(pcm))), C.int(n),
		(*C.uchar)(unsafe.Pointer(&e.buffer[0])), C.opus_int32(len(e.buffer)))
	if size < 0 {
		return nil, codecError("encode", int(size))
	}
	return append([]byte(nil), e.buffer[:size]...), nil
}

// isFrameSize tells whether an Opus packet can hold n samples per channel.
func isFrameSize(n int) bool {
	switch n {
	case 120, 240, 480, 960, 1920, 2880, 3840, 4800, 5760:
		return true
	default:
		return false
	}
}

func (e *Encoder) set(what string, request, value int) error {
	if e.state == nil {
		return ErrClosed
	}
	if code := C.parley_encoder_set(e.state, C.int(request), C.opus_int32(value)); code != C.OPUS_OK {
		return codecError("set "+what, int(code))
	}
	return nil
}

// SetBitrate sets the target in bits per second, 500 to 512000.
func (e *Encoder) SetBitrate(bps int) error {
	if bps < 500 || bps > 512000 {
		return fmt.Errorf("%w: bitrate %d", ErrOption, bps)
	}
	return e.set("bitrate", C.OPUS_SET_BITRATE_REQUEST, bps)
}

// SetComplexity trades CPU for quality, 0 to 10.
func (e *Encoder) SetComplexity(complexity int) error {
	if complexity < 0 || complexity > 10 {
		return fmt.Errorf("%w: complexity %d", ErrOption, complexity)
	}
	return e.set("complexity", C.OPUS_SET_COMPLEXITY_REQUEST, complexity)
}

// SetFEC turns in-band forward error correction on or off.
func (e *Encoder) SetFEC(on bool) error {
	return e.set("FEC", C.OPUS_SET_INBAND_FEC_REQUEST, number(on))
}

// SetExpectedLoss tells which share of the packets, 0 to 1, may get lost.
func (e *Encoder) SetExpectedLoss(fraction float64) error {
	if !(fraction >= 0 && fraction <= 1) {
		return fmt.Errorf("%w: expected loss %g", ErrOption, fraction)
	}
	return e.set("expected loss", C.OPUS_SET_PACKET_LOSS_PERC_REQUEST, int(math.Ceil(fraction*100)))
}

// SetDTX turns discontinuous transmission on or off.
func (e *Encoder) SetDTX(on bool) error { return e.set("DTX", C.OPUS_SET_DTX_REQUEST, number(on)) }

// SetMaxBandwidth limits the bandwidth; BandwidthAuto lifts the limit.
func (e *Encoder) SetMaxBandwidth(b Bandwidth) error {
	if b > Fullband {
		return fmt.Errorf("%w: bandwidth %d", ErrOption, b)
	}
	if b == BandwidthAuto {
		b = Fullband
	}
	return e.set("bandwidth", C.OPUS_SET_MAX_BANDWIDTH_REQUEST, C.OPUS_BANDWIDTH_NARROWBAND+int(b-Narrowband))
}

// Lookahead is the delay that the encoder adds, in samples at 48 kHz: what an
// Ogg file states as pre-skip.
func (e *Encoder) Lookahead() (int, error) {
	if e.state == nil {
		return 0, ErrClosed
	}
	var value C.opus_int32
	if code := C.parley_encoder_get(e.state, C.OPUS_GET_LOOKAHEAD_REQUEST, &value); code != C.OPUS_OK {
		return 0, codecError("get look-ahead", int(code))
	}
	return int(value), nil
}

// Close frees the encoder. It may be called more than once.
func (e *Encoder) Close() {
	if e.state != nil {
		C.opus_encoder_destroy(e.state)
		e.state = nil
	}
}

// Decoder turns Opus packets into PCM.
type Decoder struct {
	state    *C.OpusDecoder
	channels int
}

// NewDecoder makes a decoder that gives 48 kHz PCM. Nil options mean the zero
// value. It fails with ErrOption.
func NewDecoder(options *DecoderOptions) (*Decoder, error) {
	channels, err := decoderChannels(options)
	if err != nil {
		return nil, err
	}
	var code C.int
	state := C.opus_decoder_create(SampleRate, C.int(channels), &code)
	if code != C.OPUS_OK || state == nil {
		return nil, codecError("make decoder", int(code))
	}
	return &Decoder{state: state, channels: channels}, nil
}

// Decode decodes a packet into pcm and returns the number of samples per
// channel. It fails with ErrMalformed, and with ErrFrameSize if pcm is too short.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	if d.state == nil {
		return 0, ErrClosed
	}
	info, err := Parse(packet)
	if err != nil {
		return 0, err
	}
	if len(pcm) < info.Samples()*d.channels {
		return 0, fmt.Errorf("%w: room for %d, packet has %d", ErrFrameSize, len(pcm)/d.channels, info.Samples())
	}
	return d.decode("decode", packet, pcm[:info.Samples()*d.channels], 0)
}

// DecodeFEC fills pcm with the speech just before the packet next, from the
// copy that next carries. It returns 0 if next carries none. len(pcm) per
// channel must be a multiple of 2.5 ms; what exceeds the copy is concealed.
func (d *Decoder) DecodeFEC(next []byte, pcm []int16) (int, error) {
	if d.state == nil {
		return 0, ErrClosed
	}
	info, err := Parse(next)
	if err != nil {
		return 0, err
	}
	if err := d.checkLost(pcm); err != nil {
		return 0, err
	}
	if !info.FEC {
		return 0, nil
	}
	return d.decode("decode FEC", next, pcm, 1)
}

// Conceal fills pcm, per channel a multiple of 2.5 ms and at most 120 ms, with
// a continuation of what was decoded last.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	if d.state == nil {
		return 0, ErrClosed
	}
	if err := d.checkLost(pcm); err != nil {
		return 0, err
	}
	return d.decode("conceal", nil, pcm, 0)
}

func (d *Decoder) checkLost(pcm []int16) error { return checkLost(pcm, d.channels) }

func (d *Decoder) decode(what string, packet []byte, pcm []int16, fec C.int) (int, error) {
	n := C.opus_decode(d.state, (*C.uchar)(unsafe.Pointer(unsafe.SliceData(packet))), C.opus_int32(len(packet)),
		(*C.opus_int16)(unsafe.Pointer(unsafe.SliceData(pcm))), C.int(len(pcm)/d.channels), fec)
	if n < 0 {
		return 0, codecError(what, int(n))
	}
	return int(n), nil
}

// Close frees the decoder. It may be called more than once.
func (d *Decoder) Close() {
	if d.state != nil {
		C.opus_decoder_destroy(d.state)
		d.state = nil
	}
}

func number(on bool) int {
	if on {
		return 1
	}
	return 0
}
