package media

// av1Bits reads bits of an AV1 sequence header; past the end it gives zeros and
// remembers the failure.
type av1Bits struct {
	data   []byte
	at     int
	failed bool
}

func (b *av1Bits) bits(n int) int {
	v := 0
	for range n {
		if b.at >= 8*len(b.data) {
			b.failed = true
			return 0
		}
		v = v<<1 | int(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

func (b *av1Bits) flag() bool { return b.bits(1) == 1 }

// variable passes a variable-length number (AV1 4.10.3).
func (b *av1Bits) variable() {
	zeros := 0
	for !b.flag() && !b.failed && zeros < 32 {
		zeros++
	}
	if zeros < 32 {
		b.bits(zeros)
	}
}

// av1Size reads the largest frame size from a sequence header (AV1 5.5.1);
// zeros if it is damaged.
func av1Size(payload []byte) (width, height int) {
	b := &av1Bits{data: payload}
	b.bits(3)     // seq_profile
	b.bits(1)     // still_picture
	if b.flag() { // reduced_still_picture_header
		b.bits(5)
	} else {
		b.operatingPoints()
	}
	widthBits, heightBits := b.bits(4)+1, b.bits(4)+1
	width, height = b.bits(widthBits)+1, b.bits(heightBits)+1
	if b.failed {
		return 0, 0
	}
	return width, height
}

func (b *av1Bits) operatingPoints() {
	decoderModel, delayBits := false, 0
	if b.flag() { // timing_info_present_flag
		b.bits(32)
		b.bits(32)
		if b.flag() { // equal_picture_interval
			b.variable()
		}
		if decoderModel = b.flag(); decoderModel {
			delayBits = b.bits(5) + 1
			b.bits(32)
			b.bits(10)
		}
	}
	initialDelay := b.flag()
	for range b.bits(5) + 1 {
		b.bits(12)         // operating_point_idc
		if b.bits(5) > 7 { // seq_level_idx
			b.bits(1)
		}
		if decoderModel && b.flag() {
			b.bits(2*delayBits + 1)
		}
		if initialDelay && b.flag() {
			b.bits(4)
		}
	}
}
