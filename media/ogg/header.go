package ogg

import (
	"encoding/binary"
	"fmt"
)

// Header is the identification header of an Opus stream (RFC 7845 5.1).
type Header struct {
	// Channels is 1 or 2.
	Channels int
	// PreSkip is the number of samples at 48 kHz to drop from the beginning.
	PreSkip int
	// InputRate is the sample rate of what was encoded, in hertz; it is only
	// information. 0 means not known.
	InputRate int
	// Gain is to be applied to the output, in 1/256 dB.
	Gain int
}

const headerLength = 19

func parseHeader(at int64, b []byte) (Header, error) {
	if len(b) < headerLength {
		return Header{}, bad(at, "OpusHead has %d bytes, want %d", len(b), headerLength)
	}
	// Minor versions are compatible.
	if b[8]>>4 != 0 {
		return Header{}, bad(at, "OpusHead version %d", b[8])
	}
	h := Header{
		Channels:  int(b[9]),
		PreSkip:   int(binary.LittleEndian.Uint16(b[10:])),
		InputRate: int(binary.LittleEndian.Uint32(b[12:])),
		Gain:      int(int16(binary.LittleEndian.Uint16(b[16:]))),
	}
	family := b[18]
	if h.Channels < 1 || h.Channels > 2 {
		return Header{}, bad(at, "%d channels with mapping family %d are not supported", h.Channels, family)
	}
	switch family {
	case 0:
		return h, nil
	case 1:
		// One or two channels in one stream, in their natural order.
		if len(b) < headerLength+2+h.Channels || b[19] != 1 || int(b[20]) != h.Channels-1 {
			return Header{}, bad(at, "more than one stream is not supported")
		}
		for i := range h.Channels {
			if int(b[21+i]) != i {
				return Header{}, bad(at, "channel mapping is not supported")
			}
		}
		return h, nil
	default:
		return Header{}, bad(at, "mapping family %d is not supported", family)
	}
}

func (h Header) marshal() ([]byte, error) {
	if h.Channels < 1 || h.Channels > 2 || h.PreSkip < 0 || h.PreSkip > 0xffff || h.Gain < -32768 || h.Gain > 32767 ||
		h.InputRate < 0 || int64(h.InputRate) > 0xffffffff {
		return nil, fmt.Errorf("%w: header out of range: %+v", ErrFormat, h)
	}
	b := append(make([]byte, 0, headerLength), "OpusHead\x01"...)
	b = append(b, byte(h.Channels))
	b = binary.LittleEndian.AppendUint16(b, uint16(h.PreSkip))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.InputRate))
	b = binary.LittleEndian.AppendUint16(b, uint16(int16(h.Gain)))
	return append(b, 0), nil
}
