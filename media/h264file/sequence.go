package h264file

// Sequence is what a sequence parameter set tells (H.264 7.3.2.1.1).
type Sequence struct {
	// Profile and Level are profile_idc and level_idc.
	Profile, Level int
	// Width and Height are the size in pixels after cropping.
	Width, Height int
	// FrameRate is the number of frames a second; 0 when not told.
	FrameRate float64
}

// ParseSequence reads a sequence parameter set NAL unit, its header byte
// included. It fails with an error that wraps ErrFormat.
func ParseSequence(nal []byte) (Sequence, error) {
	if len(nal) < 4 || nal[0]&0x1f != NALSequence {
		return Sequence{}, bad(0, "not a sequence parameter set")
	}
	b := &bitReader{data: unescape(nal[1:])}
	s := Sequence{Profile: b.bits(8)}
	b.bits(8)
	s.Level = b.bits(8)
	b.golomb() // seq_parameter_set_id
	chroma, separate := 1, false
	if hasChroma(s.Profile) {
		chroma = b.golomb()
		if chroma == 3 {
			separate = b.bits(1) == 1
		}
		b.golomb() // bit depths
		b.golomb()
		b.bits(1)
		if b.bits(1) == 1 {
			b.scalingMatrix(chroma)
		}
	}
	b.golomb() // log2_max_frame_num_minus4
	b.pictureOrder()
	b.golomb() // max_num_ref_frames
	b.bits(1)
	columns, rows := b.golomb()+1, b.golomb()+1
	fields := 1
	if b.bits(1) == 0 { // frame_mbs_only_flag
		fields = 2
		b.bits(1)
	}
	b.bits(1) // direct_8x8_inference_flag
	s.Width, s.Height = columns*16, rows*16*fields
	if b.bits(1) == 1 {
		unitX, unitY := cropUnits(chroma, separate, fields)
		s.Width -= (b.golomb() + b.golomb()) * unitX
		s.Height -= (b.golomb() + b.golomb()) * unitY
	}
	if b.failed || chroma > 3 || s.Width <= 0 || s.Height <= 0 || s.Width > 1<<14 || s.Height > 1<<14 {
		return Sequence{}, bad(0, "damaged sequence parameter set")
	}
	if b.bits(1) == 1 {
		s.FrameRate = b.frameRate()
	}
	return s, nil
}

func hasChroma(profile int) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	default:
		return false
	}
}

func cropUnits(chroma int, separate bool, fields int) (x, y int) {
	switch {
	case separate || chroma == 0 || chroma == 3:
		return 1, fields
	case chroma == 2:
		return 2, fields
	default:
		return 2, 2 * fields
	}
}

// unescape drops the bytes that keep start codes out of NAL units (7.4.1.1).
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, v := range b {
		if v == 3 && zeros >= 2 {
			zeros = 0
			continue
		}
		if v == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, v)
	}
	return out
}

// bitReader reads bits; after the end it gives zeros and remembers the failure.
type bitReader struct {
	data   []byte
	at     int
	failed bool
}

func (b *bitReader) bits(n int) int {
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

// golomb reads an unsigned Exp-Golomb code (9.1). Values that make no sense
// anywhere in a parameter set count as damage.
func (b *bitReader) golomb() int {
	zeros := 0
	for b.bits(1) == 0 {
		zeros++
		if zeros > 20 || b.failed {
			b.failed = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.bits(zeros)
}

func (b *bitReader) signed() int {
	v := b.golomb()
	if v&1 == 1 {
		return (v + 1) / 2
	}
	return -v / 2
}

func (b *bitReader) scalingMatrix(chroma int) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if b.bits(1) == 0 {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := 8, 8
		for range size {
			if next != 0 {
				next = (last + b.signed() + 256) % 256
			}
			if next != 0 {
				last = next
			}
		}
	}
}

func (b *bitReader) pictureOrder() {
	switch b.golomb() {
	case 0:
		b.golomb()
	case 1:
		b.bits(1)
		b.golomb()
		b.golomb()
		n := b.golomb()
		for range min(n, 255) {
			b.golomb()
		}
	}
}

// frameRate reads the usability information as far as the timing (E.1.1).
func (b *bitReader) frameRate() float64 {
	if b.bits(1) == 1 && b.bits(8) == 255 { // aspect ratio
		b.bits(32)
	}
	if b.bits(1) == 1 { // overscan
		b.bits(1)
	}
	if b.bits(1) == 1 { // video signal type
		b.bits(4)
		if b.bits(1) == 1 {
			b.bits(24)
		}
	}
	if b.bits(1) == 1 { // chroma location
		b.golomb()
		b.golomb()
	}
	if b.bits(1) == 0 {
		return 0
	}
	units, scale := b.bits(32), b.bits(32)
	if b.failed || units == 0 || scale == 0 {
		return 0
	}
	// A tick is a field.
	rate := float64(scale) / float64(units) / 2
	if rate < 0.1 || rate > 1000 {
		return 0
	}
	return rate
}
