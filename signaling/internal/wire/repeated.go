package wire

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// repeatedSlots is how many messages are remembered, repeatedSize how long
	// they may be.
	repeatedSlots = 64
	repeatedSize  = 8 << 10
	// Parts of a zstd frame (RFC 8878 3.1.1.1 and 3.1.1.2): a descriptor with
	// only the flag of a single segment, the header of a last raw block.
	singleSegment  = 1 << 5
	lastRawBlock   = 1
	blockSizeShift = 3
	// maxShort is the longest content whose size takes one byte.
	maxShort = 255
)

// repeated remembers what was compressed lately. A message for hundreds of
// receivers travels in frames that differ in a few bytes before it: from the
// second time on only these are written anew.
type repeated struct {
	seed  maphash.Seed
	slots [repeatedSlots]atomic.Pointer[repeatedMessage]
}

// repeatedMessage never changes.
type repeatedMessage struct {
	message []byte
	// small is the message as a field of a frame, a zstd frame of its own; nil
	// when it was met once.
	small []byte
}

// repeat returns a frame of one message that was met before as two zstd frames,
// one after the other (RFC 8878 3.1): the beginning as it is, and the message as
// it was compressed for somebody else. nil for any other.
func (c *Codec) repeat(f *Frame, data []byte) []byte {
	if len(f.Messages) != 1 || len(f.Messages[0]) > repeatedSize {
		return nil
	}
	m := f.Messages[0]
	begin := len(data) - sizeOfField(m)
	if begin > maxShort || len(m) < CompressFrom {
		return nil
	}
	slot := &c.repeated.slots[maphash.Bytes(c.repeated.seed, m)%repeatedSlots]
	known := slot.Load()
	if known == nil || !bytes.Equal(known.message, m) {
		slot.Store(&repeatedMessage{message: m})
		return nil
	}
	if known.small == nil {
		known = &repeatedMessage{m, c.enc.EncodeAll(data[begin:], nil)}
		slot.Store(known)
	}
	out := make([]byte, 0, begin+len(known.small)+6)
	block := begin<<blockSizeShift | lastRawBlock
	out = append(out, compressedMark, singleSegment, byte(begin), byte(block), byte(block>>8), byte(block>>16))
	out = append(out, data[:begin]...)
	return append(out, known.small...)
}

// sizeOfField is how long a message is as the last field of a frame.
func sizeOfField(m []byte) int {
	return protowire.SizeTag(frameMessagesField) + protowire.SizeBytes(len(m))
}
