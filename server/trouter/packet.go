package trouter

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// packetKind is the type of a packet of socket.io 0.9 (its protocol 1).
type packetKind uint8

const (
	packetDisconnect packetKind = 0
	packetConnect    packetKind = 1
	packetHeartbeat  packetKind = 2
	packetMessage    packetKind = 3
	packetJSON       packetKind = 4
	packetEvent      packetKind = 5
	packetAck        packetKind = 6
	packetError      packetKind = 7
	packetNoop       packetKind = 8
)

// packet is "type:id:endpoint:data". The parts at the end may be absent.
type packet struct {
	kind packetKind
	// id is empty when the sender wants no answer; it never has the '+' that
	// asks for one with data.
	id       string
	withData bool
	endpoint string
	data     string
}

var (
	errPacket  = errors.New("trouter: malformed packet")
	errPayload = errors.New("trouter: malformed payload")
)

// maxID is the longest packet id that is echoed.
const maxID = 20

func parsePacket(s string) (packet, error) {
	var p packet
	kind, rest, ok := strings.Cut(s, ":")
	if len(kind) != 1 || kind[0] < '0' || kind[0] > '8' || !ok || !utf8.ValidString(s) {
		return p, errPacket
	}
	p.kind = packetKind(kind[0] - '0')
	id, rest, _ := strings.Cut(rest, ":")
	p.id, p.withData = strings.CutSuffix(id, "+")
	if len(p.id) > maxID || (p.withData && p.id == "") {
		return p, errPacket
	}
	for i := range len(p.id) {
		if p.id[i] < '0' || p.id[i] > '9' {
			return p, errPacket
		}
	}
	p.endpoint, p.data, _ = strings.Cut(rest, ":")
	return p, nil
}

// separator stands on both sides of a length when one answer has several packets.
const separator = "\ufffd"

// parsePayload splits the body of a poll's request.
func parsePayload(s string) ([]packet, error) {
	if !strings.HasPrefix(s, separator) {
		p, err := parsePacket(s)
		return []packet{p}, err
	}
	var list []packet
	for s != "" {
		rest, ok := strings.CutPrefix(s, separator)
		digits, rest, found := strings.Cut(rest, separator)
		length, err := strconv.ParseUint(digits, 10, 31)
		if !ok || !found || err != nil {
			return nil, errPayload
		}
		size, ok := bytesOf(rest, int(length))
		if !ok {
			return nil, errPayload
		}
		p, err := parsePacket(rest[:size])
		if err != nil {
			return nil, err
		}
		list, s = append(list, p), rest[size:]
	}
	return list, nil
}

// bytesOf returns how many bytes the first units of UTF-16 take in s.
func bytesOf(s string, units int) (size int, ok bool) {
	for size < len(s) && units > 0 {
		r, n := utf8.DecodeRuneInString(s[size:])
		units -= unitsOf(r)
		size += n
	}
	return size, units == 0
}

// unitsOf is how many units of UTF-16 a rune takes: JavaScript counts them.
func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// payloadOf returns the body of a poll's answer.
func payloadOf(packets []string) []byte {
	var to []byte
	if len(packets) == 1 {
		return append(to, packets[0]...)
	}
	for _, p := range packets {
		units := 0
		for _, r := range p {
			units += unitsOf(r)
		}
		to = append(to, separator...)
		to = strconv.AppendInt(to, int64(units), 10)
		to = append(to, separator...)
		to = append(to, p...)
	}
	return to
}
