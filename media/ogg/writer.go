package ogg

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/parley-rtc/parley/media/opus"
)

// DefaultPreSkip is the delay of the encoder of libopus at 48 kHz, in samples.
const DefaultPreSkip = 312

// vendor is what the comment header names as the program.
const vendor = "parley"

// pageSamples is how much audio a page gathers at the most: 1 s (RFC 7845 6).
const pageSamples = opus.SampleRate

// WriterOptions set up a Writer.
type WriterOptions struct {
	// Header describes the stream. Channels zero means 1. PreSkip is taken as it
	// is: with the delay of the encoder (see DefaultPreSkip) players start at
	// the first sample that was encoded.
	Header Header
	// Serial tells streams of one file apart; any value will do.
	Serial uint32
}

// Writer writes packets as an Ogg/Opus file. It is not safe for use from
// several goroutines.
type Writer struct {
	out     io.Writer
	page    page
	pending int   // samples on the page
	granule int64 // samples so far
	err     error
}

// NewWriter writes the headers. Nil options mean the zero value with
// DefaultPreSkip.
func NewWriter(w io.Writer, options *WriterOptions) (*Writer, error) {
	o := WriterOptions{Header: Header{PreSkip: DefaultPreSkip}}
	if options != nil {
		o = *options
	}
	if o.Header.Channels == 0 {
		o.Header.Channels = 1
	}
	head, err := o.Header.marshal()
	if err != nil {
		return nil, err
	}
	tags := append([]byte("OpusTags"), binary.LittleEndian.AppendUint32(nil, uint32(len(vendor)))...)
	tags = append(tags, vendor...)
	tags = append(tags, 0, 0, 0, 0)

	wr := &Writer{out: w, page: page{serial: o.Serial}}
	for i, packet := range [][]byte{head, tags} {
		if i == 0 {
			wr.page.flags = flagFirst
		}
		wr.add(packet)
		if err := wr.flush(0); err != nil {
			return nil, err
		}
	}
	return wr, nil
}

// add puts a packet on the page.
func (w *Writer) add(packet []byte) {
	for n := len(packet); ; n -= 255 {
		w.page.lacing = append(w.page.lacing, byte(min(n, 255)))
		if n < 255 {
			break
		}
	}
	w.page.body = append(w.page.body, packet...)
}

// flush writes the page and begins the next.
func (w *Writer) flush(granule int64) error {
	w.page.granule = granule
	if _, err := w.out.Write(w.page.marshal()); err != nil {
		w.err = fmt.Errorf("ogg: write: %w", err)
		return w.err
	}
	w.page = page{serial: w.page.serial, sequence: w.page.sequence + 1}
	w.pending = 0
	return nil
}

// WritePacket appends an Opus packet. It fails with opus.ErrMalformed for what
// is none, with ErrClosed, or with the error of the file below.
func (w *Writer) WritePacket(packet []byte) error {
	if w.err != nil {
		return w.err
	}
	info, err := opus.Parse(packet)
	if err != nil {
		return fmt.Errorf("ogg: %w", err)
	}
	segments := len(packet)/255 + 1
	if segments > 255 {
		return fmt.Errorf("%w: packet of %d bytes", ErrFormat, len(packet))
	}
	// One page always waits, so that Close can mark the last.
	if w.pending > 0 && (len(w.page.lacing)+segments > 255 || w.pending+info.Samples() > pageSamples) {
		if err := w.flush(w.granule); err != nil {
			return err
		}
	}
	w.add(packet)
	w.pending += info.Samples()
	w.granule += int64(info.Samples())
	return nil
}

// Close writes the last page. cut is the number of samples at the end that are
// not to be played. It does not close what is below and may be called more
// than once.
func (w *Writer) Close(cut int) error {
	if w.err != nil {
		if w.page.flags&flagLast != 0 {
			return nil
		}
		return w.err
	}
	w.page.flags |= flagLast
	if err := w.flush(max(0, w.granule-int64(max(0, cut)))); err != nil {
		return err
	}
	w.err = ErrClosed
	w.page.flags = flagLast
	return nil
}
