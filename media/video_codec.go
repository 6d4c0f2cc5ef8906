package media

import (
	"encoding/binary"

	"github.com/pion/rtp/codecs/av1/obu"
	"github.com/pion/rtp/codecs/vp9"

	"github.com/parley-rtc/parley/media/h264file"
)

// The RTP encoding names of the video codecs.
const (
	codecVP8  = "VP8"
	codecVP9  = "VP9"
	codecAV1  = "AV1"
	codecH264 = "H264"
)

// picture is what an encoded frame tells about itself.
type picture struct {
	key           bool
	width, height int // zero when the frame does not tell
}

// inspect looks into an encoded frame. What it cannot read is no key frame.
func inspect(codec string, data []byte) picture {
	switch codec {
	case codecVP8:
		return inspectVP8(data)
	case codecVP9:
		return inspectVP9(data)
	case codecAV1:
		return inspectAV1(data)
	case codecH264:
		return inspectH264(data)
	default:
		return picture{}
	}
}

// inspectVP8 reads the frame tag (RFC 6386 9.1).
func inspectVP8(b []byte) picture {
	if len(b) < 10 || b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return picture{}
	}
	return picture{
		key:    true,
		width:  int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff),
		height: int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff),
	}
}

func inspectVP9(b []byte) picture {
	var h vp9.Header
	if err := h.Unmarshal(b); err != nil || h.NonKeyFrame || h.ShowExistingFrame {
		return picture{}
	}
	return picture{key: true, width: int(h.Width()), height: int(h.Height())}
}

// inspectAV1 takes a temporal unit with a sequence header for a key frame:
// encoders write one at each, and decoding can only start there.
func inspectAV1(b []byte) picture {
	var p picture
	eachOBU(b, func(header *obu.Header, _, payload []byte) {
		if header.Type == obu.OBUSequenceHeader && !p.key {
			p.key = true
			p.width, p.height = av1Size(payload)
		}
	})
	return p
}

// eachOBU calls f for the whole OBUs at the beginning of b, with all its bytes
// and with its payload, and reports whether that was all of b.
func eachOBU(b []byte, f func(header *obu.Header, whole, payload []byte)) bool {
	for len(b) > 0 {
		header, err := obu.ParseOBUHeader(b)
		if err != nil {
			return false
		}
		at, size := header.Size(), len(b)-header.Size()
		if header.HasSizeField {
			v, n, err := obu.ReadLeb128(b[at:])
			if err != nil {
				return false
			}
			at += int(n)
			if uint64(v) > uint64(len(b)-at) {
				return false
			}
			size = int(v)
		}
		f(header, b[:at+size], b[at:at+size])
		b = b[at+size:]
	}
	return true
}

// inspectH264 looks for an IDR slice and the size in the parameter set.
func inspectH264(b []byte) picture {
	var p picture
	h264file.Each(b, func(nal []byte) {
		switch nal[0] & 0x1f {
		case h264file.NALKeySlice:
			p.key = true
		case h264file.NALSequence:
			if s, err := h264file.ParseSequence(nal); err == nil {
				p.width, p.height = s.Width, s.Height
			}
		}
	})
	return p
}

// av1Layers reads the layer numbers of the last frame in a temporal unit.
func av1Layers(b []byte) layers {
	var l layers
	eachOBU(b, func(header *obu.Header, _, _ []byte) {
		if e := header.ExtensionHeader; e != nil {
			l = layers{spatial: int(e.SpatialID), temporal: int(e.TemporalID)}
		}
	})
	return l
}
