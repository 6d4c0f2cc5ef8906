package ogg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-rtc/parley/media/opus"
)

// maxPacket bounds a packet that goes over several pages.
const maxPacket = 1 << 20

// Reader reads the packets of the first Opus stream of a file. Other streams
// beside it are skipped; a stream chained after it is not read. It is not safe
// for use from several goroutines.
type Reader struct {
	in     *bufio.Reader
	offset int64
	header Header

	serial   uint32
	sequence uint32 // of the next page
	current  page
	segment  int    // next lacing value of current
	at       int    // next byte of the body of current
	partial  []byte // of a packet that goes on
	started  bool
	last     bool
	queue    [][]byte // packets of the first audio page, read to find where time begins
	start    int64
}

// NewReader reads the headers. It fails with an error that wraps ErrFormat, or
// with that of r.
func NewReader(r io.Reader) (*Reader, error) {
	o := &Reader{in: bufio.NewReaderSize(r, 1<<16)}
	if err := o.findStream(); err != nil {
		return nil, err
	}
	tags, err := o.packet()
	if err != nil {
		return nil, headerError(err, o.offset)
	}
	if !bytes.HasPrefix(tags, []byte("OpusTags")) {
		return nil, bad(o.current.offset, "the second packet is not OpusTags")
	}
	if err := o.findStart(); err != nil {
		return nil, err
	}
	return o, nil
}

func headerError(err error, at int64) error {
	if errors.Is(err, io.EOF) {
		return bad(at, "the file ends within the headers")
	}
	return err
}

// findStream reads the pages that begin streams, which come first, and stays
// with the first one of Opus.
func (r *Reader) findStream() error {
	for {
		p, next, err := readPage(r.in, r.offset)
		if err != nil {
			return headerError(err, r.offset)
		}
		r.offset = next
		if p.flags&flagFirst == 0 {
			return bad(p.offset, "no Opus stream begins in this file")
		}
		if !bytes.HasPrefix(p.body, []byte("OpusHead")) {
			continue
		}
		if r.header, err = parseHeader(p.offset, p.body); err != nil {
			return err
		}
		r.serial, r.sequence = p.serial, p.sequence+1
		return nil
	}
}

// findStart reads the first audio page: its position tells at which sample
// time begins (RFC 7845 4.3).
func (r *Reader) findStart() error {
	first, err := r.packet()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	p := r.current
	r.queue = append(r.queue, first)
	for r.endsHere() {
		b, err := r.packet()
		if err != nil {
			return err
		}
		r.queue = append(r.queue, b)
	}
	if p.granule == noGranule {
		return nil
	}
	samples := int64(0)
	for _, b := range r.queue {
		info, err := opus.Parse(b)
		if err != nil {
			return bad(p.offset, "%v", err)
		}
		samples += int64(info.Samples())
	}
	// A single page may end early; then time begins at zero.
	r.start = max(0, p.granule-samples)
	return nil
}

// endsHere tells whether another packet ends on the current page.
func (r *Reader) endsHere() bool {
	for _, l := range r.current.lacing[r.segment:] {
		if l < 255 {
			return true
		}
	}
	return false
}

// Header returns the stream's identification header.
func (r *Reader) Header() Header { return r.header }

// ReadPacket returns the next Opus packet, and io.EOF after the last. The
// packet belongs to the caller.
func (r *Reader) ReadPacket() ([]byte, error) {
	if len(r.queue) > 0 {
		b := r.queue[0]
		r.queue = r.queue[1:]
		return b, nil
	}
	return r.packet()
}

// Start is the position of the first sample; 0 but for recordings cut out of a
// longer stream. Position subtracts it.
func (r *Reader) Start() int64 { return r.start }

// packet joins the segments of the next packet.
func (r *Reader) packet() ([]byte, error) {
	for {
		for r.segment < len(r.current.lacing) {
			l := int(r.current.lacing[r.segment])
			r.partial = append(r.partial, r.current.body[r.at:r.at+l]...)
			r.segment++
			r.at += l
			r.started = l == 255
			if len(r.partial) > maxPacket {
				return nil, bad(r.current.offset, "a packet has more than %d bytes", maxPacket)
			}
			if l < 255 {
				b := r.partial
				r.partial = nil
				return b, nil
			}
		}
		if err := r.nextPage(); err != nil {
			return nil, err
		}
	}
}

func (r *Reader) nextPage() error {
	if r.last {
		if r.started {
			return bad(r.offset, "the stream ends within a packet")
		}
		return io.EOF
	}
	for {
		p, next, err := readPage(r.in, r.offset)
		if errors.Is(err, io.EOF) && r.started {
			return bad(r.offset, "the file ends within a packet")
		}
		if err != nil {
			return err
		}
		r.offset = next
		if p.serial != r.serial {
			continue
		}
		switch {
		case p.flags&flagFirst != 0:
			return bad(p.offset, "the stream begins a second time")
		case p.sequence != r.sequence:
			return bad(p.offset, "page %d follows page %d", p.sequence, int64(r.sequence)-1)
		case r.started != (p.flags&flagContinued != 0):
			return bad(p.offset, "a packet continues on a page that does not continue one, or the reverse")
		}
		r.sequence++
		r.last = p.flags&flagLast != 0
		r.current, r.segment, r.at = p, 0, 0
		return nil
	}
}

// Length finds the number of samples at 48 kHz that the stream of r plays, by
// its last page: pre-skip and the cut at the end are taken into account. The
// position of file is changed. It returns -1 if the file does not tell.
func (r *Reader) Length(file io.ReadSeeker) (int64, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, readError(err)
	}
	// The last page of the stream usually is the last of the file.
	for back := int64(2 * maxPageSize); ; back *= 8 {
		from := max(0, size-back)
		if _, err := file.Seek(from, io.SeekStart); err != nil {
			return 0, readError(err)
		}
		tail, err := io.ReadAll(io.LimitReader(file, min(size, back)))
		if err != nil {
			return 0, readError(err)
		}
		if granule := r.lastGranule(tail); granule != noGranule {
			return max(0, granule-r.start-int64(r.header.PreSkip)), nil
		}
		if from == 0 || back > 1<<26 {
			return -1, nil
		}
	}
}

func (r *Reader) lastGranule(tail []byte) int64 {
	for end := len(tail); ; {
		at := bytes.LastIndex(tail[:end], []byte("OggS"))
		if at < 0 {
			return noGranule
		}
		p, _, err := readPage(bytes.NewReader(tail[at:]), 0)
		if err == nil && p.serial == r.serial && p.granule != noGranule {
			return p.granule
		}
		end = at
	}
}

// Duration turns samples at 48 kHz into time.
func Duration(samples int64) time.Duration {
	return time.Duration(float64(samples) / opus.SampleRate * float64(time.Second))
}

func readError(err error) error { return fmt.Errorf("ogg: find the end: %w", err) }
