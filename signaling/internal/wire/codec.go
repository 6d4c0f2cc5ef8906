package wire

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/parley-rtc/parley/signaling/signalpb"
)

// compressedMark is the first byte of a compressed frame. As a protobuf tag it
// would be field 0 of an unknown wire type, so no plain frame starts with it.
const compressedMark = 0x07

// zstdMagic starts each zstd frame (RFC 8878 3.1.1); it is not sent.
const zstdMagic = 0xFD2FB528

// CompressFrom is the size from which compression is tried. Below it there is
// nothing to gain over the header of the compressed frame.
const CompressFrom = 32

// WindowSize is how far back compression looks within a frame.
const WindowSize = 64 << 10

// Codec turns frames into bytes and back. It may be used by many goroutines.
// A nil Codec works without compression.
type Codec struct {
	version uint32
	enc     *zstd.Encoder
	dec     *zstd.Decoder
	// repeated is what goes to many.
	repeated repeated
}

// NewCodec makes a codec that can compress with the given dictionary.
func NewCodec(version uint32, dictionary []byte, concurrency int) (*Codec, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderDict(dictionary),
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(concurrency),
		zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(WindowSize),
		zstd.WithSingleSegment(true),
		zstd.WithLowerEncoderMem(true),
	)
	if err != nil {
		return nil, fmt.Errorf("signaling: compression: %w", err)
	}
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderDicts(dictionary),
		zstd.WithDecoderConcurrency(concurrency),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxFrame),
		zstd.WithDecoderMaxWindow(MaxFrame),
	)
	if err != nil {
		return nil, fmt.Errorf("signaling: decompression: %w", err)
	}
	return &Codec{version: version, enc: enc, dec: dec, repeated: repeated{seed: maphash.MakeSeed()}}, nil
}

// Version is that of the dictionary.
func (c *Codec) Version() uint32 { return c.version }

// Frame is a frame to send whose messages are encoded already.
type Frame struct {
	// Head is everything but seq and messages.
	Head     *signalpb.Frame
	Seq      uint64
	Messages [][]byte
}

// Field numbers of signalpb.Frame that are written by hand.
const (
	frameSeqField      protowire.Number = 3
	frameMessagesField protowire.Number = 4
)

// Encode returns the frame as it goes over the wire, and its plain size.
func (c *Codec) Encode(f *Frame) (data []byte, plain int, err error) {
	data, err = f.Head.Marshal()
	if err != nil {
		return nil, 0, fmt.Errorf("signaling: encode frame: %w", err)
	}
	if len(f.Messages) > 0 {
		data = protowire.AppendTag(data, frameSeqField, protowire.VarintType)
		data = protowire.AppendVarint(data, f.Seq)
	}
	for _, m := range f.Messages {
		data = protowire.AppendTag(data, frameMessagesField, protowire.BytesType)
		data = protowire.AppendBytes(data, m)
	}
	plain = len(data)
	if plain > MaxFrame {
		return nil, 0, fmt.Errorf("signaling: frame of %d bytes: %w", plain, ErrTooLarge)
	}
	if c != nil && plain >= CompressFrom {
		if again := c.repeat(f, data); again != nil && len(again) < plain {
			return again, plain, nil
		}
		if small := c.compress(data); len(small) < plain {
			return small, plain, nil
		}
	}
	return data, plain, nil
}

func (c *Codec) compress(data []byte) []byte {
	out := c.enc.EncodeAll(data, make([]byte, 0, len(data)))
	// The mark takes the place of the last byte of the magic number.
	out = out[3:]
	out[0] = compressedMark
	return out
}

// Decode reads a frame and tells its plain size. A nil Codec takes
// no compressed frames.
func (c *Codec) Decode(data []byte) (f *signalpb.Frame, plain int, err error) {
	if len(data) > 0 && data[0] == compressedMark {
		if c == nil {
			return nil, 0, fmt.Errorf("%w: compressed frame without agreement", ErrMalformed)
		}
		if data, err = c.decompress(data); err != nil {
			return nil, 0, err
		}
	}
	if len(data) > MaxFrame {
		return nil, 0, fmt.Errorf("%w: frame of %d bytes", ErrMalformed, len(data))
	}
	f = &signalpb.Frame{}
	if err := f.Unmarshal(data); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return f, len(data), nil
}

func (c *Codec) decompress(data []byte) ([]byte, error) {
	whole := binary.LittleEndian.AppendUint32(make([]byte, 0, len(data)+3), zstdMagic)
	whole = append(whole, data[1:]...)
	// The decoder stops at MaxFrame (WithDecoderMaxMemory), whatever the
	// header promises.
	out, err := c.dec.DecodeAll(whole, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out, nil
}
