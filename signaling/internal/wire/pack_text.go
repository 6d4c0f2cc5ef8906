package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Session descriptions are text, but most of what does not repeat in them is
// binary: fingerprints, random numbers, addresses. Compression cannot undo
// that, so it is undone before. Packed text is the text itself with parts of
// it replaced by a control byte and a binary value:
//
//	0x01 n …     n bytes as upper-case hexadecimal pairs with colons between
//	0x02 n …     n characters of the ICE alphabet (RFC 8839 5.4, and base64), 6 bits each
//	0x04 …       16 bytes as a lower-case UUID
//	0x05 …       4 bytes as an IPv4 address
//	0x06 …       16 bytes as an IPv6 address (RFC 5952)
//	0x07 …       an ICE candidate, see packCandidateAt
//	0x10–0x17 …  1 to 8 bytes, big-endian, as a decimal number
//	0x1F b       the byte b itself, for control bytes but tab, CR and LF
const (
	packHex       = 0x01
	packChars     = 0x02
	packUUID      = 0x04
	packIPv4      = 0x05
	packIPv6      = 0x06
	packCandidate = 0x07
	packNumber    = 0x10
	packNumberEnd = 0x17
	packByte      = 0x1F
)

const charsAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// packText returns the packed form, or false when it would not give back the
// same text.
func packText(text string) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if n, packed := packAt(text, i); n > 0 {
			out = append(out, packed...)
			i += n
			continue
		}
		if c := text[i]; c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			out = append(out, packByte)
		}
		out = append(out, text[i])
		i++
	}
	back, err := unpackText(out)
	return out, err == nil && back == text
}

// packAt packs what begins at text[i]. It returns how much of the text that
// is, 0 for nothing that would get shorter.
func packAt(text string, i int) (n int, packed []byte) {
	if i > 0 && wordByte(text[i-1]) {
		return 0, nil // in the middle of a word
	}
	rest := text[i:]
	for _, try := range []func(before, rest string) (int, []byte){packCandidateAt, packCharsAt, packHexAt, packUUIDAt, packAddrAt, packNumberAt} {
		if n, packed := try(text[:i], rest); n > len(packed) {
			return n, packed
		}
	}
	return 0, nil
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// run is how many bytes at the start of s are in the set.
func run(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func packCharsAt(before, rest string) (int, []byte) {
	if !strings.HasSuffix(before, "ice-ufrag:") && !strings.HasSuffix(before, "ice-pwd:") &&
		!strings.HasSuffix(before, " ufrag ") && !strings.HasSuffix(before, "sctp-init:") {
		return 0, nil
	}
	n := min(run(rest, func(c byte) bool { return strings.IndexByte(charsAlphabet, c) >= 0 }), 255)
	out := []byte{packChars, byte(n)}
	bits, have := 0, 0
	for k := range n {
		bits = bits<<6 | strings.IndexByte(charsAlphabet, rest[k])
		for have += 6; have >= 8; have -= 8 {
			out = append(out, byte(bits>>(have-8)))
		}
		bits &= 1<<have - 1
	}
	if have > 0 {
		out = append(out, byte(bits<<(8-have)))
	}
	return n, out
}

func packHexAt(_, rest string) (int, []byte) {
	n := run(rest, func(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c == ':' })
	pairs := min((n+1)/3, 255)
	if pairs < 4 {
		return 0, nil
	}
	n = 3*pairs - 1
	raw, err := hex.DecodeString(strings.ReplaceAll(rest[:n], ":", ""))
	if err != nil || len(raw) != pairs || hexPairs(raw) != rest[:n] {
		return 0, nil
	}
	return n, append([]byte{packHex, byte(pairs)}, raw...)
}

func hexPairs(raw []byte) string {
	var b strings.Builder
	for i, c := range raw {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteByte("0123456789ABCDEF"[c>>4])
		b.WriteByte("0123456789ABCDEF"[c&15])
	}
	return b.String()
}

const uuidLen = 36

func packUUIDAt(_, rest string) (int, []byte) {
	if len(rest) < uuidLen || rest[8] != '-' {
		return 0, nil
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(rest[:uuidLen], "-", ""))
	if err != nil || len(raw) != 16 || uuidText(raw) != rest[:uuidLen] {
		return 0, nil
	}
	return uuidLen, append([]byte{packUUID}, raw...)
}

func uuidText(raw []byte) string {
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func packAddrAt(_, rest string) (int, []byte) {
	n := run(rest, func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == ':' || c == '.' })
	if n < 7 {
		return 0, nil
	}
	addr, err := netip.ParseAddr(rest[:n])
	if err != nil || addr.String() != rest[:n] {
		return 0, nil
	}
	if addr.Is4() {
		raw := addr.As4()
		return n, append([]byte{packIPv4}, raw[:]...)
	}
	raw := addr.As16()
	return n, append([]byte{packIPv6}, raw[:]...)
}

func packNumberAt(_, rest string) (int, []byte) {
	n := run(rest, func(c byte) bool { return c >= '0' && c <= '9' })
	if n < 5 || rest[0] == '0' {
		return 0, nil
	}
	v, err := strconv.ParseUint(rest[:n], 10, 64)
	if err != nil {
		return 0, nil
	}
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], v)
	size := 8
	for size > 1 && raw[8-size] == 0 {
		size--
	}
	return n, append([]byte{packNumber + byte(size) - 1}, raw[8-size:]...)
}

// unpackText undoes packText.
func unpackText(packed []byte) (string, error) {
	var b strings.Builder
	b.Grow(2 * len(packed))
	for len(packed) > 0 {
		n, err := unpackOne(&b, packed)
		if err != nil {
			return "", err
		}
		if b.Len() > MaxFrame {
			return "", fmt.Errorf("%w: packed text too long", ErrMalformed)
		}
		packed = packed[n:]
	}
	if !utf8.ValidString(b.String()) {
		return "", fmt.Errorf("%w: packed text is not UTF-8", ErrMalformed)
	}
	return b.String(), nil
}

// unpackOne writes the text of the first byte or value and returns its size.
func unpackOne(b *strings.Builder, p []byte) (int, error) {
	head, size := valueSize(p)
	if head == 0 {
		return 0, fmt.Errorf("%w: packed text with byte %#x", ErrMalformed, p[0])
	}
	if len(p) < head+size {
		return 0, fmt.Errorf("%w: packed text ends early", ErrMalformed)
	}
	raw := p[head : head+size]
	switch p[0] {
	case packHex:
		b.WriteString(hexPairs(raw))
	case packChars:
		unpackChars(b, raw, int(p[1]))
	case packUUID:
		b.WriteString(uuidText(raw))
	case packIPv4:
		b.WriteString(netip.AddrFrom4([4]byte(raw)).String())
	case packIPv6:
		b.WriteString(netip.AddrFrom16([16]byte(raw)).String())
	case packCandidate:
		b.WriteString(candidateText(raw))
	case packByte:
		b.WriteByte(raw[0])
	default:
		if size == 0 {
			b.WriteByte(p[0])
			break
		}
		var v uint64
		for _, d := range raw {
			v = v<<8 | uint64(d)
		}
		b.WriteString(strconv.FormatUint(v, 10))
	}
	return head + size, nil
}

// valueSize returns how long the head and the value at the start of p are; a
// head of zero means that no value begins so.
func valueSize(p []byte) (head, size int) {
	switch c := p[0]; c {
	case packHex, packChars, packCandidate:
		if len(p) < 2 {
			return 2, 0
		}
		return countedSize(c, p[1])
	case packUUID, packIPv6:
		return 1, 16
	case packIPv4:
		return 1, 4
	case packByte:
		return 1, 1
	case '\t', '\r', '\n':
		return 1, 0
	default:
		switch {
		case c >= packNumber && c <= packNumberEnd:
			return 1, int(c-packNumber) + 1
		case c < ' ':
			return 0, 0
		default:
			return 1, 0
		}
	}
}

// countedSize is valueSize for values whose size the second byte tells.
func countedSize(kind, n byte) (head, size int) {
	switch kind {
	case packHex:
		return 2, int(n)
	case packChars:
		return 2, (6*int(n) + 7) / 8
	default:
		if size = candidateSize(n); size == 0 {
			return 0, 0
		}
		return 1, size
	}
}

func unpackChars(b *strings.Builder, raw []byte, n int) {
	bits, have := 0, 0
	for range n {
		if have < 6 {
			next := 0
			if len(raw) > 0 {
				next, raw = int(raw[0]), raw[1:]
			}
			bits, have = bits<<8|next, have+8
		}
		have -= 6
		b.WriteByte(charsAlphabet[bits>>have&63])
		bits &= 1<<have - 1
	}
}
