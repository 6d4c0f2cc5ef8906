// Package ogg reads and writes Opus in Ogg files (RFC 3533, RFC 7845).
package ogg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFormat reports a file that is no Ogg/Opus file, is damaged, or uses what
// the reader does not know. The message tells the position and the reason.
var ErrFormat = errors.New("ogg: bad file")

// ErrClosed reports a write after Close.
var ErrClosed = errors.New("ogg: closed")

const (
	pageHeaderSize = 27
	maxPageSize    = pageHeaderSize + 255 + 255*255

	flagContinued = 1
	flagFirst     = 2
	flagLast      = 4

	// noGranule is the position of a page on which no packet ends.
	noGranule = -1
)

// page is one page (RFC 3533 6).
type page struct {
	offset   int64
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	lacing   []byte
	body     []byte
}

func bad(at int64, reason string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrFormat, at, fmt.Sprintf(reason, args...))
}

// readPage reads the page at offset. It returns io.EOF if there is nothing left.
func readPage(r io.Reader, offset int64) (page, int64, error) {
	var b [maxPageSize]byte
	head := b[:pageHeaderSize]
	if n, err := io.ReadFull(r, head); err != nil {
		return page{}, offset, cut(err, n == 0, offset+int64(n), "a page header")
	}
	if string(head[:4]) != "OggS" {
		return page{}, offset, bad(offset, "no page begins here")
	}
	if head[4] != 0 {
		return page{}, offset, bad(offset+4, "page version %d", head[4])
	}
	segments := int(head[26])
	lacing := b[pageHeaderSize : pageHeaderSize+segments]
	at := offset + pageHeaderSize
	if n, err := io.ReadFull(r, lacing); err != nil {
		return page{}, offset, cut(err, false, at+int64(n), "a page header")
	}
	size := 0
	for _, l := range lacing {
		size += int(l)
	}
	at += int64(segments)
	body := b[pageHeaderSize+segments : pageHeaderSize+segments+size]
	if n, err := io.ReadFull(r, body); err != nil {
		return page{}, offset, cut(err, false, at+int64(n), "a page")
	}
	whole := b[:pageHeaderSize+segments+size]
	if want, got := binary.LittleEndian.Uint32(head[22:]), checksum(whole); want != got {
		return page{}, offset, bad(offset, "page checksum is %08x, should be %08x", want, got)
	}
	p := page{
		offset: offset, flags: head[5],
		granule:  int64(binary.LittleEndian.Uint64(head[6:])),
		serial:   binary.LittleEndian.Uint32(head[14:]),
		sequence: binary.LittleEndian.Uint32(head[18:]),
		lacing:   append([]byte(nil), lacing...), body: append([]byte(nil), body...),
	}
	return p, at + int64(size), nil
}

// cut explains a read that came short.
func cut(err error, clean bool, at int64, what string) error {
	if clean && errors.Is(err, io.EOF) {
		return io.EOF
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad(at, "the file ends within %s", what)
	}
	return fmt.Errorf("ogg: at byte %d: %w", at, err)
}

func (p *page) marshal() []byte {
	b := make([]byte, 0, pageHeaderSize+len(p.lacing)+len(p.body))
	b = append(b, "OggS\x00"...)
	b = append(b, p.flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.granule))
	b = binary.LittleEndian.AppendUint32(b, p.serial)
	b = binary.LittleEndian.AppendUint32(b, p.sequence)
	b = append(b, 0, 0, 0, 0, byte(len(p.lacing)))
	b = append(b, p.lacing...)
	b = append(b, p.body...)
	binary.LittleEndian.PutUint32(b[22:], checksum(b))
	return b
}

// checksum is the CRC of a page whose own checksum field counts as zero: the
// polynomial of Ethernet, but neither reflected nor inverted.
func checksum(b []byte) uint32 {
	var crc uint32
	for i, v := range b {
		if i >= 22 && i < 26 {
			v = 0
		}
		crc = crc<<8 ^ crcTable[byte(crc>>24)^v]
	}
	return crc
}

var crcTable = makeCRCTable()

func makeCRCTable() (t [256]uint32) {
	for i := range t {
		crc := uint32(i) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
		t[i] = crc
	}
	return t
}
