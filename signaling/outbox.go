package signaling

import "fmt"

// outbox keeps the messages of one direction until the far end has applied
// them. The first message of a session has number 1.
type outbox struct {
	items [][]byte
	// first is the number of items[0], or of the next message when empty.
	first uint64
	bytes int
}

func newOutbox() outbox { return outbox{first: 1} }

// add takes an encoded message and returns its number.
func (o *outbox) add(message []byte) uint64 {
	o.items = append(o.items, message)
	o.bytes += len(message)
	return o.last()
}

// last is the number of the newest message, 0 when there was none.
func (o *outbox) last() uint64 { return o.first + uint64(len(o.items)) - 1 }

// ack drops the messages up to number n. A number that was never given out
// is an error and changes nothing.
func (o *outbox) ack(n uint64) error {
	if n > o.last() {
		return fmt.Errorf("%w: ack of %d, sent are %d", ErrMalformed, n, o.last())
	}
	for o.first <= n {
		o.bytes -= len(o.items[0])
		o.items[0] = nil // the array lives on behind the slice
		o.items = o.items[1:]
		o.first++
	}
	if len(o.items) == 0 {
		o.items = nil
	}
	return nil
}

// from returns the messages that start with number seq, as many as make up
// maxBytes, but at least one if there is one. seq must not be below first.
func (o *outbox) from(seq uint64, maxBytes int) [][]byte {
	if seq > o.last() {
		return nil
	}
	items := o.items[seq-o.first:]
	size := 0
	for i, m := range items {
		size += len(m)
		if i > 0 && size > maxBytes {
			return items[:i]
		}
	}
	return items
}

// inbox tells new messages of one direction from repeated ones.
type inbox struct {
	// received is the number of the last message that was taken in, applied
	// that of the last one whose handler has returned.
	received, applied uint64
}

// take notes n messages that start with number seq and returns how many of
// them are repetitions. A gap is an error and changes nothing.
func (i *inbox) take(seq uint64, n int) (repeated int, err error) {
	if seq == 0 || seq > i.received+1 {
		return 0, fmt.Errorf("%w: message %d after %d", ErrMalformed, seq, i.received)
	}
	if n < 0 || seq+uint64(n) < seq {
		return 0, fmt.Errorf("%w: message numbers overflow", ErrMalformed)
	}
	known := i.received + 1 - seq
	if known >= uint64(n) {
		return n, nil
	}
	i.received = seq + uint64(n) - 1
	return int(known), nil //nolint:gosec // below n
}
