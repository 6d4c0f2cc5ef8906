package transport

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// dataChannel is one of the two channels that both ends open by agreement, so
// that no message is needed to open them.
type dataChannel struct {
	channel *webrtc.DataChannel
	open    atomic.Bool
}

func (s *Session) openData() error {
	yes, no, none := true, false, uint16(0)
	for _, r := range []Reliability{Reliable, Lossy} {
		id := uint16(r)
		init := &webrtc.DataChannelInit{Negotiated: &yes, ID: &id}
		if r == Lossy {
			init.Ordered, init.MaxRetransmits = &no, &none
		}
		channel, err := s.pc.CreateDataChannel(r.String(), init)
		if err != nil {
			return fmt.Errorf("transport: data channel: %w", err)
		}
		d := &dataChannel{channel: channel}
		s.data[r] = d
		channel.OnOpen(func() {
			d.open.Store(true)
			s.order.post(func() {
				if s.events.DataOpen != nil {
					s.events.DataOpen(r)
				}
			})
		})
		channel.OnMessage(func(m webrtc.DataChannelMessage) { s.receiveData(r, m.Data) })
		channel.OnClose(func() { d.open.Store(false) })
	}
	return nil
}

func (s *Session) receiveData(r Reliability, message []byte) {
	if s.ctx.Err() != nil {
		return
	}
	if len(message) > MaxMessageSize {
		s.log.Info("message dropped", slog.Int("bytes", len(message)), slog.Int("limit", MaxMessageSize))
		return
	}
	if s.events.Data != nil {
		s.events.Data(r, message)
	}
}

// SendData queues a message. It does not block: ErrNotConnected before the
// DataOpen event, ErrTooLarge, ErrBufferFull. The bytes are not kept.
func (s *Session) SendData(r Reliability, message []byte) error {
	if r > Lossy {
		return fmt.Errorf("%w: reliability %d", ErrNotNegotiated, r)
	}
	d := s.data[r]
	switch {
	case s.ctx.Err() != nil:
		return ErrClosed
	case len(message) > MaxMessageSize:
		return fmt.Errorf("%w: message of %d bytes", ErrTooLarge, len(message))
	case !d.open.Load():
		return ErrNotConnected
	case s.BufferedAmount(r)+len(message) > MaxBufferedAmount:
		return ErrBufferFull
	}
	if err := d.channel.Send(message); err != nil {
		if s.ctx.Err() != nil {
			return ErrClosed
		}
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return nil
}

// BufferedAmount returns how many bytes of SendData are not yet sent.
func (s *Session) BufferedAmount(r Reliability) int {
	if r > Lossy {
		return 0
	}
	return int(min(s.data[r].channel.BufferedAmount(), 1<<30)) //nolint:gosec // bounded
}
