package signaling

import (
	"errors"
	"fmt"
	"sync"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

// errOfACall refuses a message whose form depends on the session.
var errOfACall = errors.New("signaling: a message of a call cannot be encoded for many")

// Encoded is a message that is encoded once and sent to many sessions. The zero
// value is not useful; it comes from Encode, and does not change. It may be used
// from any goroutine.
type Encoded struct {
	data   []byte
	shared sync.Once // over the codecs
}

// Encode encodes a message, which must be none of a call (CallID and CallRef are
// not set). Errors: ErrTooLarge, and that it cannot be encoded.
func Encode(m *Message) (*Encoded, error) {
	if len(m.GetCallId()) > 0 || m.GetCallRef() != 0 {
		return nil, errOfACall
	}
	data, err := new(wire.Refs).Encode(m)
	if err != nil {
		return nil, fmt.Errorf("signaling: encode: %w", err)
	}
	if len(data) > MaxMessage {
		return nil, ErrTooLarge
	}
	return &Encoded{data: data}, nil
}

// SendEncoded is Send for a message that goes to many: it is encoded, and
// compressed, once for all sessions of the acceptor. Errors: ErrClosed, and
// ErrQueueFull, with which the session ends.
func (s *Session) SendEncoded(e *Encoded) error {
	e.shared.Do(func() {
		for _, c := range s.acceptor.codecs {
			c.Share(e.data)
		}
	})
	return s.sent(s.stream.sendEncoded(e.data))
}
