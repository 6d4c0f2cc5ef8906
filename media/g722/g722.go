// Package g722 encodes and decodes ITU-T G.722 at 64 kbit/s: 16 kHz, one byte
// for two samples. Its RTP clock is 8000 all the same (RFC 3551 4.5.2).
//
//	var enc g722.Encoder
//	payload := enc.Encode(nil, pcm) // an even number of samples
package g722

// Encoder turns 16 kHz PCM into G.722. The zero value is ready. It is not safe
// for use from several goroutines.
type Encoder struct {
	low, high band
	history   [24]int32
	ready     bool
	odd       bool // a sample of the last call waits in pending
	pending   int32
}

// Decoder turns G.722 into 16 kHz PCM. The zero value is ready. It is not safe
// for use from several goroutines.
type Decoder struct {
	low, high band
	history   [24]int32
	ready     bool
}

// The scale factors that both ends start with (G.722 3.5).
const (
	lowStart  = 32
	highStart = 8
)

// Encode appends one byte for every two samples to dst. An odd sample waits for
// the next call.
func (e *Encoder) Encode(dst []byte, pcm []int16) []byte {
	if !e.ready {
		e.low.scale, e.high.scale, e.ready = lowStart, highStart, true
	}
	for _, s := range pcm {
		if !e.odd {
			e.pending, e.odd = int32(s), true
			continue
		}
		e.odd = false
		dst = append(dst, e.encode(e.pending, int32(s)))
	}
	return dst
}

// Decode appends two samples for each byte of payload to dst. Every byte is valid.
func (d *Decoder) Decode(dst []int16, payload []byte) []int16 {
	if !d.ready {
		d.low.scale, d.high.scale, d.ready = lowStart, highStart, true
	}
	for _, code := range payload {
		low, high := d.decode(code)
		even, odd := d.synthesize(low, high)
		dst = append(dst, even, odd)
	}
	return dst
}

// encode splits two samples into the two bands and codes one value of each.
func (e *Encoder) encode(first, second int32) byte {
	copy(e.history[:], e.history[2:])
	e.history[22], e.history[23] = first, second
	var sumOdd, sumEven int32
	for i, c := range filterTable {
		sumOdd += e.history[2*i] * c
		sumEven += e.history[2*i+1] * filterTable[11-i]
	}
	low := e.encodeLow(saturate((sumEven + sumOdd) >> 14))
	high := e.encodeHigh(saturate((sumEven - sumOdd) >> 14))
	return high<<6 | low
}

// encodeLow codes the lower band with 6 bits (G.722 6.2.1, blocks 1L to 4L).
func (e *Encoder) encodeLow(x int32) byte {
	b := &e.low
	diff := saturate(x - b.estimate)
	magnitude := diff
	if diff < 0 {
		magnitude = -(diff + 1)
	}
	level := 1
	for level < 30 && magnitude >= decisionTable[level]*b.scale>>12 {
		level++
	}
	code := positiveCodeTable[level]
	if diff < 0 {
		code = negativeCodeTable[level]
	}
	b.updateLow(code >> 2)
	return code
}

// encodeHigh codes the upper band with 2 bits (G.722 6.2.1, blocks 1H to 4H).
func (e *Encoder) encodeHigh(x int32) byte {
	b := &e.high
	diff := saturate(x - b.estimate)
	magnitude := diff
	if diff < 0 {
		magnitude = -(diff + 1)
	}
	outer := magnitude >= 564*b.scale>>12
	var code byte
	switch {
	case diff < 0 && outer:
		code = 0
	case diff < 0:
		code = 1
	case outer:
		code = 2
	default:
		code = 3
	}
	b.updateHigh(code)
	return code
}

// decode gives one value of each band (G.722 6.2.2).
func (d *Decoder) decode(code byte) (low, high int32) {
	lowCode, highCode := code&0x3f, code>>6
	low = d.low.estimate + d.low.scale*quantize6Table[lowCode]>>15
	low = min(max(low, -16384), 16383)
	d.low.updateLow(lowCode >> 2)

	high = d.high.estimate + d.high.scale*quantize2Table[highCode]>>15
	high = min(max(high, -16384), 16383)
	d.high.updateHigh(highCode)
	return low, high
}

// synthesize joins the two bands to two samples (G.722 6.2.2, receive QMF).
func (d *Decoder) synthesize(low, high int32) (even, odd int16) {
	copy(d.history[:], d.history[2:])
	d.history[22], d.history[23] = low+high, low-high
	var sumEven, sumOdd int32
	for i, c := range filterTable {
		sumOdd += d.history[2*i] * c
		sumEven += d.history[2*i+1] * filterTable[11-i]
	}
	return int16(saturate(sumEven >> 11)), int16(saturate(sumOdd >> 11))
}
