// Package h264file reads and writes H.264 byte streams (ITU-T H.264 Annex B):
// files of NAL units with start codes and no container.
package h264file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrFormat reports a file that is no H.264 byte stream or is damaged. The
// message tells the position and the reason.
var ErrFormat = errors.New("h264: bad file")

// MaxUnitSize is the largest access unit that is read, in bytes.
const MaxUnitSize = 16 << 20

// The NAL unit types that matter here (H.264 table 7-1).
const (
	NALSlice      = 1
	NALSliceA     = 2
	NALSliceC     = 4
	NALKeySlice   = 5
	NALSEI        = 6
	NALSequence   = 7
	NALPicture    = 8
	NALDelimiter  = 9
	nalPrefix     = 14
	nalReservedHi = 18
)

// Unit is one access unit: one picture and what comes with it.
type Unit struct {
	// Data is the byte stream of the unit, start codes included. It belongs to the caller.
	Data []byte
	// KeyFrame tells that the picture is an IDR picture.
	KeyFrame bool
	// Offset is where the unit begins in the file, and Size how many bytes it has
	// there: start codes may be shorter, and zeros between units more, than in Data.
	Offset int64
	Size   int
}

// Reader cuts a byte stream into access units. It is not safe for use from
// several goroutines.
type Reader struct {
	in     *bufio.Reader
	offset int64  // of the next byte of in
	nal    []byte // read ahead: the first NAL unit of the next access unit
	nalAt  int64
	ended  bool
}

// NewReader looks for the first start code. It fails with an error that wraps
// ErrFormat, or with that of r.
func NewReader(r io.Reader) (*Reader, error) {
	h := &Reader{in: bufio.NewReaderSize(r, 1<<16)}
	if err := h.findStart(); err != nil {
		return nil, err
	}
	err := h.nextNAL()
	if errors.Is(err, io.EOF) {
		return nil, bad(h.offset, "nothing follows the first start code")
	}
	return h, err
}

func bad(at int64, reason string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrFormat, at, fmt.Sprintf(reason, args...))
}

// findStart passes the zeros and the start code at the beginning.
func (r *Reader) findStart() error {
	zeros := 0
	for {
		b, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return bad(r.offset, "no start code")
		}
		if err != nil {
			return fmt.Errorf("h264: at byte %d: %w", r.offset, err)
		}
		r.offset++
		switch {
		case b == 0:
			zeros++
		case b == 1 && zeros >= 2:
			return nil
		default:
			return bad(r.offset-1, "not an H.264 byte stream: no start code at the beginning")
		}
	}
}

// nextNAL reads up to the next start code into r.nal. It returns io.EOF when
// nothing is left.
func (r *Reader) nextNAL() error {
	r.nal, r.nalAt = nil, r.offset
	if r.ended {
		return io.EOF
	}
	zeros := 0
	for {
		b, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			return fmt.Errorf("h264: at byte %d: %w", r.offset, err)
		}
		r.offset++
		if b == 1 && zeros >= 2 {
			break
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		r.nal = append(r.nal, b)
		if len(r.nal) > MaxUnitSize {
			return bad(r.nalAt, "a NAL unit has more than %d bytes", MaxUnitSize)
		}
	}
	// Zeros before a start code and at the end belong to no NAL unit.
	r.nal = bytes.TrimRight(r.nal, "\x00")
	if len(r.nal) == 0 {
		if r.ended {
			r.nal = nil
			return io.EOF
		}
		return bad(r.nalAt, "empty NAL unit")
	}
	if r.nal[0]&0x80 != 0 {
		return bad(r.nalAt, "NAL unit with the forbidden bit set")
	}
	return nil
}

// ReadUnit returns the next access unit, and io.EOF after the last.
func (r *Reader) ReadUnit() (Unit, error) {
	if r.nal == nil {
		return Unit{}, io.EOF
	}
	u := Unit{Offset: r.nalAt - 3}
	picture := false
	for {
		kind := r.nal[0] & 0x1f
		slice := kind >= NALSlice && kind <= NALKeySlice
		if picture && begins(r.nal, kind) {
			u.Size = int(r.nalAt - 3 - u.Offset)
			return u, nil
		}
		if len(u.Data)+len(r.nal) > MaxUnitSize {
			return Unit{}, bad(u.Offset, "an access unit has more than %d bytes", MaxUnitSize)
		}
		picture = picture || slice
		u.KeyFrame = u.KeyFrame || kind == NALKeySlice
		u.Data = append(u.Data, 0, 0, 0, 1)
		u.Data = append(u.Data, r.nal...)
		err := r.nextNAL()
		if errors.Is(err, io.EOF) {
			if !picture {
				return Unit{}, bad(u.Offset, "the file ends with an access unit that has no picture")
			}
			u.Size = int(r.offset - u.Offset)
			return u, nil
		}
		if err != nil {
			return Unit{}, err
		}
	}
}

// begins tells whether a NAL unit after a picture starts the next access unit
// (H.264 7.4.1.2.3). A slice does if its first macroblock is the first of a
// picture; streams with slices in arbitrary order are not supported.
func begins(nal []byte, kind byte) bool {
	switch {
	case kind >= NALSEI && kind <= NALDelimiter, kind >= nalPrefix && kind <= nalReservedHi:
		return true
	case kind == NALSlice || kind == NALSliceA || kind == NALKeySlice:
		// first_mb_in_slice is coded as a single one bit if it is zero.
		return len(nal) > 1 && nal[1]&0x80 != 0
	default:
		return false
	}
}

// Each calls f with every NAL unit of a byte stream, without start codes.
func Each(stream []byte, f func(nal []byte)) {
	for {
		at := bytes.Index(stream, []byte{0, 0, 1})
		if at < 0 {
			return
		}
		stream = stream[at+3:]
		end := bytes.Index(stream, []byte{0, 0, 1})
		if end < 0 {
			end = len(stream)
		}
		if nal := bytes.TrimRight(stream[:end], "\x00"); len(nal) > 0 {
			f(nal)
		}
		stream = stream[end:]
	}
}
