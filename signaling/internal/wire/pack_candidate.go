package wire

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// The first byte of a packed candidate: two bits of type and three flags.
const (
	candidateTypeMask = 0x03
	// candidateIPv6: the address has 16 bytes, not 4.
	candidateIPv6 = 0x04
	// candidateBlank: " raddr 0.0.0.0 rport 0" follows the type.
	candidateBlank = 0x08
	// candidateUsual: the priority is that of the type with the highest local
	// preference, component 1 (RFC 8445 5.1.2.1), and left out.
	candidateUsual = 0x10
	candidateKnown = 0x1F
)

const blankRelated = " raddr 0.0.0.0 rport 0"

// candidateTypeName returns the name and the usual type preference of a type
// (RFC 8445 5.1.2.2).
func candidateTypeName(kind byte) (name string, preference uint32) {
	switch kind & candidateTypeMask {
	case 0:
		return "host", 126
	case 1:
		return "srflx", 100
	case 2:
		return "prflx", 110
	default:
		return "relay", 0
	}
}

func usualPriority(preference uint32) uint32 { return preference<<24 | 0xFFFF<<8 | 0xFF }

// packCandidateAt packs a line as this project's transport writes it:
//
//	candidate:FOUNDATION 1 udp PRIORITY ADDRESS PORT typ TYPE[ raddr 0.0.0.0 rport 0]
//
// as flags, foundation (1 byte), priority (4 bytes, or none), address (4 or
// 16), port (2). Other candidates stay text.
func packCandidateAt(_, rest string) (int, []byte) {
	line, _, _ := strings.Cut(rest, "\n")
	fields := strings.SplitN(line, " ", 9)
	if len(fields) < 8 || !strings.HasPrefix(line, "candidate:") {
		return 0, nil
	}
	foundation, err := strconv.ParseUint(strings.TrimPrefix(fields[0], "candidate:"), 10, 8)
	if err != nil {
		return 0, nil
	}
	priority, err := strconv.ParseUint(fields[3], 10, 32)
	if err != nil {
		return 0, nil
	}
	addr, err := netip.ParseAddrPort(joinHostPort(fields[4], fields[5]))
	if err != nil {
		return 0, nil
	}
	flags := byte(0)
	for flags <= candidateTypeMask {
		if name, _ := candidateTypeName(flags); name == fields[7] {
			break
		}
		flags++
	}
	if flags > candidateTypeMask {
		return 0, nil
	}
	if addr.Addr().Is6() {
		flags |= candidateIPv6
	}
	if strings.HasSuffix(line, blankRelated) {
		flags |= candidateBlank
	}
	_, preference := candidateTypeName(flags)
	if uint64(usualPriority(preference)) == priority {
		flags |= candidateUsual
	}
	raw := []byte{flags, byte(foundation)}
	if flags&candidateUsual == 0 {
		raw = binary.BigEndian.AppendUint32(raw, uint32(priority))
	}
	raw = append(raw, addr.Addr().AsSlice()...)
	raw = binary.BigEndian.AppendUint16(raw, addr.Port())
	if candidateText(raw) != line {
		return 0, nil // written in another way
	}
	return len(line), append([]byte{packCandidate}, raw...)
}

func joinHostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// candidateSize is the size of a packed candidate that begins with flags; 0
// for flags that are not known.
func candidateSize(flags byte) int {
	if flags&^candidateKnown != 0 {
		return 0
	}
	size := 1 + 1 + 4 + 4 + 2
	if flags&candidateIPv6 != 0 {
		size += 12
	}
	if flags&candidateUsual != 0 {
		size -= 4
	}
	return size
}

// candidateText undoes packCandidateAt for raw of the right size.
func candidateText(raw []byte) string {
	flags, foundation := raw[0], raw[1]
	kind, preference := candidateTypeName(flags)
	priority := usualPriority(preference)
	raw = raw[2:]
	if flags&candidateUsual == 0 {
		priority = binary.BigEndian.Uint32(raw)
		raw = raw[4:]
	}
	addr, _ := netip.AddrFromSlice(raw[:len(raw)-2])
	port := binary.BigEndian.Uint16(raw[len(raw)-2:])
	var b strings.Builder
	b.WriteString("candidate:")
	b.WriteString(strconv.Itoa(int(foundation)))
	b.WriteString(" 1 udp ")
	b.WriteString(strconv.FormatUint(uint64(priority), 10))
	b.WriteByte(' ')
	b.WriteString(addr.String())
	b.WriteByte(' ')
	b.WriteString(strconv.Itoa(int(port)))
	b.WriteString(" typ ")
	b.WriteString(kind)
	if flags&candidateBlank != 0 {
		b.WriteString(blankRelated)
	}
	return b.String()
}
