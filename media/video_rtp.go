package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/pion/rtp/codecs"
	"github.com/pion/rtp/codecs/vp9"
)

// errPayload reports packets that make no frame.
var errPayload = errors.New("media: damaged video payload")

// videoClockRate is the RTP clock of every video codec.
const videoClockRate = 90000

// videoCodecName gives the name in the case that this package uses; empty for
// codecs that it does not know.
func videoCodecName(name string) string {
	for _, known := range []string{codecVP8, codecH264, codecVP9, codecAV1} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return ""
}

// payloader cuts frames into payloads of at most mtu bytes.
type payloader struct {
	codec string
	mtu   uint16
	vp8   codecs.VP8Payloader
	vp9   codecs.VP9Payloader
	h264  codecs.H264Payloader
	sets  parameterSets
	av1   codecs.AV1Payloader
}

func newPayloader(codec string, mtu int) *payloader {
	return &payloader{
		codec: codec, mtu: uint16(mtu),
		vp8: codecs.VP8Payloader{EnablePictureID: true},
		vp9: codecs.VP9Payloader{InitialPictureIDFn: func() uint16 { return uint16(rand.IntN(1 << 15)) }},
	}
}

func (p *payloader) payload(frame []byte) [][]byte {
	switch p.codec {
	case codecVP8:
		return p.vp8.Payload(p.mtu, frame)
	case codecVP9:
		return p.payloadVP9(frame)
	case codecH264:
		// The payloader keeps parameter sets until a slice comes; none may be
		// left over from a frame that had no slice.
		p.h264 = codecs.H264Payloader{}
		return p.h264.Payload(p.mtu, p.sets.complete(frame))
	case codecAV1:
		return p.av1.Payload(p.mtu, frame)
	default:
		return nil
	}
}

// payloadVP9 corrects what the payloader makes of a frame that only shows an
// older one: it has no size and depends on others, but would be announced as a
// key frame with a size.
func (p *payloader) payloadVP9(frame []byte) [][]byte {
	payloads := p.vp9.Payload(p.mtu, frame)
	var h vp9.Header
	if len(payloads) == 0 || h.Unmarshal(frame) != nil || !h.ShowExistingFrame {
		return payloads
	}
	const predicted, structure, structureSize = 0x40, 0x02, 8
	for i, b := range payloads {
		if b[0]&structure != 0 && len(b) >= 3+structureSize {
			b = append(b[:3:3], b[3+structureSize:]...)
			b[0] &^= structure
		}
		b[0] |= predicted
		payloads[i] = b
	}
	return payloads
}

// head is what the first bytes of a payload tell.
type head struct {
	start bool // a frame certainly begins here
	key   bool // and it may be a key frame
}

func payloadHead(codec string, b []byte) head {
	if len(b) == 0 {
		return head{}
	}
	switch codec {
	case codecVP8:
		return headVP8(b)
	case codecVP9:
		return headVP9(b)
	case codecAV1:
		// Only the beginning of a coded video sequence is marked.
		first := b[0]&0x80 == 0 && b[0]&0x08 != 0
		return head{start: first, key: first}
	case codecH264:
		return headH264(b)
	default:
		return head{}
	}
}

func headVP8(b []byte) head {
	var p codecs.VP8Packet
	rest, err := p.Unmarshal(b)
	if err != nil || p.S == 0 || p.PID != 0 || len(rest) == 0 {
		return head{}
	}
	return head{start: true, key: rest[0]&1 == 0}
}

func headVP9(b []byte) head {
	var p codecs.VP9Packet
	if _, err := p.Unmarshal(b); err != nil || !p.B || p.L && p.SID > 0 {
		return head{}
	}
	return head{start: true, key: !p.P}
}

// headH264 looks for what can only be the beginning of an access unit: a
// delimiter or a sequence parameter set, alone or first in an aggregate.
func headH264(b []byte) head {
	const aggregate = 24
	kind := b[0] & 0x1f
	if kind == aggregate && len(b) > 3 {
		kind = b[3] & 0x1f
	}
	const sequence, delimiter = 7, 9
	return head{start: kind == sequence || kind == delimiter, key: kind == sequence || kind == delimiter}
}

// layers is the place of a frame in a scalable encoding.
type layers struct{ spatial, temporal int }

// depacketize joins the payloads of one frame, in order.
func depacketize(codec string, payloads [][]byte) ([]byte, layers, error) {
	switch codec {
	case codecVP8:
		var l layers
		data, err := join(payloads, func(i int, b []byte) ([]byte, error) {
			var p codecs.VP8Packet
			rest, err := p.Unmarshal(b)
			if i == 0 {
				l.temporal = int(p.TID)
			}
			return rest, err
		})
		return data, l, err
	case codecVP9:
		var l layers
		data, err := join(payloads, func(_ int, b []byte) ([]byte, error) {
			var p codecs.VP9Packet
			rest, err := p.Unmarshal(b)
			// The last layer counts: a picture of several is as good as its best.
			l = layers{spatial: int(p.SID), temporal: int(p.TID)}
			return rest, err
		})
		return data, l, err
	case codecH264:
		var p codecs.H264Packet
		data, err := join(payloads, func(_ int, b []byte) ([]byte, error) { return p.Unmarshal(b) })
		return data, layers{}, err
	case codecAV1:
		var p codecs.AV1Depacketizer
		data, err := join(payloads, func(_ int, b []byte) ([]byte, error) { return p.Unmarshal(b) })
		return data, av1Layers(data), err
	default:
		return nil, layers{}, fmt.Errorf("%w: codec %q", errPayload, codec)
	}
}

func join(payloads [][]byte, f func(i int, b []byte) ([]byte, error)) ([]byte, error) {
	size := 0
	for _, b := range payloads {
		size += len(b)
	}
	data := make([]byte, 0, size+16)
	for i, b := range payloads {
		rest, err := f(i, b)
		if err != nil {
			return nil, fmt.Errorf("%w: packet %d of %d: %w", errPayload, i+1, len(payloads), err)
		}
		data = append(data, rest...)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty frame", errPayload)
	}
	return data, nil
}
