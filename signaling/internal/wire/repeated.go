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
	repeatedSlots = 256
	repeatedSize  = 8 << 10
	// repeatedTogether is how many messages of a frame may be repeated ones: more
	// of them get smaller together.
	repeatedTogether = 4
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

// Share compresses a message that goes to many before the first of them gets it.
func (c *Codec) Share(message []byte) {
	if len(message) >= CompressFrom && len(message) <= repeatedSize {
		c.repeated.slot(message).Store(&repeatedMessage{message, c.field(message)})
	}
}

// repeat returns a frame of messages that were met before as zstd frames, one
// after the other (RFC 8878 3.1): the beginning as it is, and each message as it
// was compressed for somebody else. nil for any other.
func (c *Codec) repeat(f *Frame, data []byte) []byte {
	if len(f.Messages) == 0 || len(f.Messages) > repeatedTogether {
		return nil
	}
	begin, size := len(data), 0
	var small [repeatedTogether][]byte
	for i, m := range f.Messages {
		if small[i] = c.known(m); small[i] == nil {
			return nil
		}
		begin -= protowire.SizeTag(frameMessagesField) + protowire.SizeBytes(len(m))
		size += len(small[i])
	}
	if begin > maxShort {
		return nil
	}
	out := make([]byte, 0, begin+size+6)
	block := begin<<blockSizeShift | lastRawBlock
	out = append(out, compressedMark, singleSegment, byte(begin), byte(block), byte(block>>8), byte(block>>16))
	out = append(out, data[:begin]...)
	for _, one := range small {
		out = append(out, one...)
	}
	return out
}

// known returns a message in the form in which it is repeated; nil for one that
// is met for the first time or is not worth it.
func (c *Codec) known(message []byte) []byte {
	if len(message) < CompressFrom || len(message) > repeatedSize {
		return nil
	}
	slot := c.repeated.slot(message)
	known := slot.Load()
	if known == nil || !bytes.Equal(known.message, message) {
		slot.Store(&repeatedMessage{message: message})
		return nil
	}
	if known.small == nil {
		known = &repeatedMessage{message, c.field(message)}
		slot.Store(known)
	}
	return known.small
}

// field compresses a message as a field of a frame.
func (c *Codec) field(message []byte) []byte {
	plain := protowire.AppendTag(make([]byte, 0, len(message)+8), frameMessagesField, protowire.BytesType)
	return c.enc.EncodeAll(protowire.AppendBytes(plain, message), nil)
}

func (r *repeated) slot(message []byte) *atomic.Pointer[repeatedMessage] {
	return &r.slots[maphash.Bytes(r.seed, message)%repeatedSlots]
}
