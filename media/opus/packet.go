package opus

import "fmt"

// Info is what a packet tells about itself without being decoded.
type Info struct {
	// Frames is the number of frames in the packet.
	Frames int
	// FrameSamples is the length of each frame, per channel, at 48 kHz.
	FrameSamples int
	// Stereo tells whether the packet was coded with two channels.
	Stereo bool
	// FEC tells whether the packet carries a copy of the speech before it.
	FEC bool
}

// Samples is the length of the packet, per channel, at 48 kHz.
func (i Info) Samples() int { return i.Frames * i.FrameSamples }

// silkConfigs and hybridConfigs are the first configuration numbers above those
// of the SILK-only and of the hybrid modes (RFC 6716 3.1).
const (
	silkConfigs   = 12
	hybridConfigs = 16
)

// Parse reads the framing of a packet (RFC 6716 3.2). It fails with an error
// that wraps ErrMalformed if the packet breaks one of the rules of 3.4.
func Parse(packet []byte) (Info, error) {
	if len(packet) == 0 {
		return Info{}, fmt.Errorf("%w: empty", ErrMalformed)
	}
	info := Info{FrameSamples: frameSamples(packet[0]), Stereo: packet[0]&4 != 0}
	first, frames, err := split(packet)
	if err != nil {
		return Info{}, err
	}
	info.Frames = frames
	if info.Samples() > MaxFrameSamples {
		return Info{}, fmt.Errorf("%w: longer than 120 ms", ErrMalformed)
	}
	info.FEC = hasRedundancy(packet[0], info, first)
	return info, nil
}

func frameSamples(toc byte) int {
	config := int(toc >> 3)
	switch {
	case config < silkConfigs:
		return [4]int{480, 960, 1920, 2880}[config&3]
	case config < hybridConfigs:
		return [2]int{480, 960}[config&1]
	default:
		return 120 << (config & 3)
	}
}

// split checks the framing and returns the first frame and how many there are.
func split(packet []byte) (first []byte, frames int, err error) {
	body := packet[1:]
	switch packet[0] & 3 {
	case 0:
		first, frames = body, 1
	case 1:
		if len(body)%2 != 0 {
			return nil, 0, fmt.Errorf("%w: two equal frames of odd total size", ErrMalformed)
		}
		first, frames = body[:len(body)/2], 2
	case 2:
		size, n, ok := frameLength(body)
		if !ok || size > len(body)-n {
			return nil, 0, fmt.Errorf("%w: first of two frames is cut", ErrMalformed)
		}
		rest := body[n:]
		if len(rest)-size > 1275 {
			return nil, 0, fmt.Errorf("%w: frame of more than 1275 bytes", ErrMalformed)
		}
		first, frames = rest[:size], 2
	default:
		first, frames, err = splitMany(body)
		if err != nil {
			return nil, 0, err
		}
	}
	if len(first) > 1275 {
		return nil, 0, fmt.Errorf("%w: frame of more than 1275 bytes", ErrMalformed)
	}
	return first, frames, nil
}

// splitMany reads a packet with a frame count byte (RFC 6716 3.2.5).
func splitMany(body []byte) (first []byte, frames int, err error) {
	if len(body) == 0 {
		return nil, 0, fmt.Errorf("%w: frame count is missing", ErrMalformed)
	}
	frames = int(body[0] & 0x3f)
	variable, padded := body[0]&0x80 != 0, body[0]&0x40 != 0
	body = body[1:]
	if frames == 0 {
		return nil, 0, fmt.Errorf("%w: frame count is zero", ErrMalformed)
	}
	if padded {
		if body, err = cutPadding(body); err != nil {
			return nil, 0, err
		}
	}
	if !variable {
		if len(body)%frames != 0 {
			return nil, 0, fmt.Errorf("%w: size is not a multiple of the frame count", ErrMalformed)
		}
		return body[:len(body)/frames], frames, nil
	}
	firstSize, total := -1, 0
	for range frames - 1 {
		size, n, ok := frameLength(body)
		if !ok {
			return nil, 0, fmt.Errorf("%w: frame length is cut", ErrMalformed)
		}
		body = body[n:]
		total += size
		if firstSize < 0 {
			firstSize = size
		}
	}
	if total > len(body) {
		return nil, 0, fmt.Errorf("%w: frames are cut", ErrMalformed)
	}
	if len(body)-total > 1275 {
		return nil, 0, fmt.Errorf("%w: frame of more than 1275 bytes", ErrMalformed)
	}
	if firstSize < 0 {
		firstSize = len(body)
	}
	return body[:firstSize], frames, nil
}

func cutPadding(body []byte) ([]byte, error) {
	padding := 0
	for {
		if len(body) == 0 {
			return nil, fmt.Errorf("%w: padding length is cut", ErrMalformed)
		}
		b := int(body[0])
		body = body[1:]
		if b < 255 {
			padding += b
			break
		}
		padding += 254
	}
	if padding > len(body) {
		return nil, fmt.Errorf("%w: padding is cut", ErrMalformed)
	}
	return body[:len(body)-padding], nil
}

// frameLength reads a length of one or two bytes (RFC 6716 3.2.1).
func frameLength(b []byte) (size, n int, ok bool) {
	switch {
	case len(b) == 0:
		return 0, 0, false
	case b[0] < 252:
		return int(b[0]), 1, true
	case len(b) == 1:
		return 0, 0, false
	default:
		return int(b[1])*4 + int(b[0]), 2, true
	}
}

// hasRedundancy looks at the header bits of the SILK layer: one activity bit
// for each 20 ms, then the bit that says that a low-bitrate copy follows, the
// same again for the side channel (RFC 6716 4.2.3). They are the first bits
// that the range coder reads, each with even odds, and so stand in clear.
func hasRedundancy(toc byte, info Info, first []byte) bool {
	if toc>>3 >= hybridConfigs || len(first) == 0 {
		return false
	}
	silkFrames := max(1, info.FrameSamples/960)
	bit := func(i int) bool { return first[0]>>(7-i)&1 != 0 }
	if bit(silkFrames) {
		return true
	}
	return info.Stereo && bit(2*silkFrames+1)
}
