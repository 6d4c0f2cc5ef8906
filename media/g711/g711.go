// Package g711 encodes and decodes the two laws of ITU-T G.711: 8 kHz, one byte
// a sample.
package g711

import "math/bits"

// Law is one of the two laws.
type Law uint8

// The laws: Mu in North America and Japan, A elsewhere.
const (
	Mu Law = iota
	A
)

// Encode appends one byte for each sample of pcm to dst.
func (l Law) Encode(dst []byte, pcm []int16) []byte {
	if l == A {
		for _, s := range pcm {
			dst = append(dst, encodeA(int(s)))
		}
		return dst
	}
	for _, s := range pcm {
		dst = append(dst, encodeMu(int(s)))
	}
	return dst
}

// Decode appends one sample for each byte of payload to dst. Every byte is valid.
func (l Law) Decode(dst []int16, payload []byte) []int16 {
	table := &muTable
	if l == A {
		table = &aTable
	}
	for _, b := range payload {
		dst = append(dst, table[b])
	}
	return dst
}

var (
	muTable = makeTable(decodeMu)
	aTable  = makeTable(decodeA)
)

func makeTable(decode func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = decode(byte(i))
	}
	return t
}

// bias moves the segment borders of the mu law to powers of two, in the 14 bit
// numbers that the law is defined for.
const bias = 33

func decodeMu(b byte) int16 {
	b = ^b
	magnitude := (int16(b&0x0f)<<1+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		return -magnitude << 2
	}
	return magnitude << 2
}

func encodeMu(s int) byte {
	s >>= 2
	sign := byte(0)
	if s < 0 {
		s, sign = -s, 0x80
	}
	s = min(s+bias, 0x1fff)
	segment := bits.Len(uint(s)) - 6
	return ^(sign | byte(segment<<4) | byte(s>>(segment+1)&0x0f))
}

func decodeA(b byte) int16 {
	b ^= 0x55
	magnitude := int16(b&0x0f)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		magnitude = (magnitude + 0x100) << (segment - 1)
	}
	if b&0x80 != 0 {
		return magnitude
	}
	return -magnitude
}

func encodeA(s int) byte {
	s >>= 2
	sign := byte(0x80)
	if s < 0 {
		s, sign = -s, 0
	}
	s = min(s, 0x1fff)
	segment := max(0, bits.Len(uint(s))-6)
	return (sign | byte(segment<<4) | byte(s>>max(2, segment+1)&0x0f)) ^ 0x55
}
