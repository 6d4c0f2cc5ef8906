package g722

// band is the state of the adaptive predictor and quantizer of one band: the
// blocks that encoder and decoder share. Arrays hold the newest value first.
type band struct {
	scale    int32 // of the quantizer
	logScale int32
	estimate int32 // of the next value
	zeroPart int32 // the part of estimate that the zeros contribute

	difference [7]int32 // quantized; [0] is the current one
	zeros      [7]int32 // coefficients; [1] to [6]
	partial    [3]int32
	rebuilt    [3]int32
	poles      [3]int32 // coefficients; [1] and [2]
}

// updateLow adapts the lower band to a 4 bit code.
func (b *band) updateLow(code byte) {
	difference := b.scale * quantize4Table[code] >> 15
	b.logScale = min(max(b.logScale*127>>7+lowStepTable[code], 0), 18432)
	b.scale = linear(b.logScale, 8)
	b.predict(difference)
}

// updateHigh adapts the upper band to a 2 bit code.
func (b *band) updateHigh(code byte) {
	difference := b.scale * quantize2Table[code] >> 15
	b.logScale = min(max(b.logScale*127>>7+highStepTable[code], 0), 22528)
	b.scale = linear(b.logScale, 10)
	b.predict(difference)
}

// linear turns a logarithmic scale factor into a linear one (SCALEL, SCALEH).
func linear(log, top int32) int32 {
	mantissa := powerTable[log>>6&31]
	shift := top - log>>11
	if shift < 0 {
		return mantissa << -shift << 2
	}
	return mantissa >> shift << 2
}

// predict takes the quantized difference of this value, adapts the two poles
// and six zeros, and estimates the next value (G.722 6.2.1.4, block 4).
func (b *band) predict(difference int32) {
	b.difference[0] = difference
	b.rebuilt[0] = saturate(b.estimate + difference)
	b.partial[0] = saturate(b.zeroPart + difference)

	pole2 := b.adaptPole2()
	pole1 := b.adaptPole1(pole2)
	b.adaptZeros()

	for i := 6; i > 0; i-- {
		b.difference[i] = b.difference[i-1]
	}
	for i := 2; i > 0; i-- {
		b.rebuilt[i] = b.rebuilt[i-1]
		b.partial[i] = b.partial[i-1]
	}
	b.poles[1], b.poles[2] = pole1, pole2

	polePart := saturate(pole1*saturate(2*b.rebuilt[1])>>15 + pole2*saturate(2*b.rebuilt[2])>>15)
	b.zeroPart = 0
	for i := 6; i > 0; i-- {
		b.zeroPart += b.zeros[i] * saturate(2*b.difference[i]) >> 15
	}
	b.zeroPart = saturate(b.zeroPart)
	b.estimate = saturate(polePart + b.zeroPart)
}

func (b *band) adaptPole2() int32 {
	step := saturate(b.poles[1] << 2)
	if sameSign(b.partial[0], b.partial[1]) {
		step = min(-step, 32767)
	}
	step >>= 7
	if sameSign(b.partial[0], b.partial[2]) {
		step += 128
	} else {
		step -= 128
	}
	return min(max(step+b.poles[2]*32512>>15, -12288), 12288)
}

// adaptPole1 keeps the filter stable: the bound depends on the new second pole.
func (b *band) adaptPole1(pole2 int32) int32 {
	step := int32(-192)
	if sameSign(b.partial[0], b.partial[1]) {
		step = 192
	}
	bound := saturate(15360 - pole2)
	return min(max(saturate(step+b.poles[1]*32640>>15), -bound), bound)
}

func (b *band) adaptZeros() {
	step := int32(128)
	if b.difference[0] == 0 {
		step = 0
	}
	for i := 1; i <= 6; i++ {
		s := step
		if !sameSign(b.difference[i], b.difference[0]) {
			s = -s
		}
		b.zeros[i] = saturate(s + b.zeros[i]*32640>>15)
	}
}

func sameSign(a, b int32) bool { return a>>31 == b>>31 }

func saturate(v int32) int32 { return min(max(v, -32768), 32767) }
