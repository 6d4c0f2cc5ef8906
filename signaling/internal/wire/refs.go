package wire

import "fmt"

// maxRefs is how many calls of a session have a number at a time. The 257th
// takes the number of the first.
const maxRefs = 256

// callIDSize is the size of the call ids that get numbers.
const callIDSize = 16

// Refs gives the calls of one direction of a session small numbers: the first
// message of a call carries its id, and so tells both ends the next number;
// later messages carry the number. Messages arrive once and in order, so the
// tables at both ends stay the same.
type Refs struct {
	ids [][callIDSize]byte
	// numbers is the inverse; only the sender has it.
	numbers map[[callIDSize]byte]uint32
	next    uint32
}

// define gives an id the next number.
func (r *Refs) define(id [callIDSize]byte) {
	if len(r.ids) < maxRefs {
		r.ids = append(r.ids, id)
	} else {
		delete(r.numbers, r.ids[r.next])
		r.ids[r.next] = id
	}
	if r.numbers == nil {
		r.numbers = make(map[[callIDSize]byte]uint32)
	}
	r.numbers[id] = r.next
	r.next = (r.next + 1) % maxRefs
}

// Encode returns the message as it goes over the wire. The table changes only
// when the caller then calls Sent.
func (r *Refs) Encode(m *Message) ([]byte, error) {
	wire := packMessage(m)
	if len(wire.GetCallId()) == callIDSize {
		if n, ok := r.numbers[[callIDSize]byte(wire.GetCallId())]; ok {
			wire.CallId, wire.CallRef = nil, n+1
		}
	}
	data, err := wire.Marshal()
	if err != nil {
		return nil, fmt.Errorf("signaling: encode message: %w", err)
	}
	return data, nil
}

// Sent notes that a message went out.
func (r *Refs) Sent(m *Message) {
	if len(m.GetCallId()) != callIDSize {
		return
	}
	id := [callIDSize]byte(m.GetCallId())
	if _, ok := r.numbers[id]; !ok {
		r.define(id)
	}
}

// Decode undoes Encode on a received message, in place.
func (r *Refs) Decode(m *Message) error {
	if n := m.GetCallRef(); n != 0 {
		if len(m.GetCallId()) != 0 || n > uint32(len(r.ids)) { //nolint:gosec // at most maxRefs
			return fmt.Errorf("%w: call reference %d", ErrMalformed, n)
		}
		id := r.ids[n-1]
		m.CallId, m.CallRef = id[:], 0
	} else if len(m.GetCallId()) == callIDSize {
		// A sender that does not use numbers repeats the id; that defines nothing anew.
		r.Sent(m)
	}
	return unpackMessage(m)
}
