package wire

import (
	"fmt"
	"slices"
)

// Outbox keeps the messages of one direction until the far end has applied
// them. The first message of a session has number 1.
type Outbox struct {
	items [][]byte
	// first is the number of items[0], or of the next message when empty.
	first uint64
	size  int
}

// NewOutbox returns an empty outbox.
func NewOutbox() Outbox { return Outbox{first: 1} }

// Add takes an encoded message and returns its number.
func (o *Outbox) Add(message []byte) uint64 {
	o.items = append(o.items, message)
	o.size += len(message)
	return o.Last()
}

// Last is the number of the newest message, 0 when there was none.
func (o *Outbox) Last() uint64 { return o.first + uint64(len(o.items)) - 1 }

// First is the number of the oldest message, or of the next when empty.
func (o *Outbox) First() uint64 { return o.first }

// Len counts the messages.
func (o *Outbox) Len() int { return len(o.items) }

// Size is how many bytes the messages take.
func (o *Outbox) Size() int { return o.size }

// Ack drops the messages up to number n. A number that was never given out
// is an error and changes nothing.
func (o *Outbox) Ack(n uint64) error {
	if n > o.Last() {
		return fmt.Errorf("%w: ack of %d, sent are %d", ErrMalformed, n, o.Last())
	}
	for o.first <= n {
		o.size -= len(o.items[0])
		o.items[0] = nil // the array lives on behind the slice
		o.items = o.items[1:]
		o.first++
	}
	if len(o.items) == 0 {
		o.items = nil
	}
	return nil
}

// From returns the messages that start with number seq, as many as make up
// maxBytes, but at least one if there is one. seq must not be below first. The
// result is the caller's: an Ack may drop the messages while they are written.
func (o *Outbox) From(seq uint64, maxBytes int) [][]byte {
	if seq > o.Last() {
		return nil
	}
	items := o.items[seq-o.first:]
	size := 0
	for i, m := range items {
		size += len(m)
		if i > 0 && size > maxBytes {
			return slices.Clone(items[:i])
		}
	}
	return slices.Clone(items)
}

// Inbox tells new messages of one direction from repeated ones.
type Inbox struct {
	// Received is the number of the last message that was taken in, Applied
	// that of the last one whose handler has returned.
	Received, Applied uint64
}

// Take notes n messages that start with number seq and returns how many of
// them are repetitions. A gap is an error and changes nothing.
func (i *Inbox) Take(seq uint64, n int) (repeated int, err error) {
	if seq == 0 || seq > i.Received+1 {
		return 0, fmt.Errorf("%w: message %d after %d", ErrMalformed, seq, i.Received)
	}
	if n < 0 || seq+uint64(n) < seq {
		return 0, fmt.Errorf("%w: message numbers overflow", ErrMalformed)
	}
	known := i.Received + 1 - seq
	if known >= uint64(n) {
		return n, nil
	}
	i.Received = seq + uint64(n) - 1
	return int(known), nil //nolint:gosec // below n
}
