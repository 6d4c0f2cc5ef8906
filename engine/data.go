package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/transport"
)

// Limits of data channels, those of ACS.
const (
	// MaxDataMessageSize is the most that one data message may hold, in bytes.
	MaxDataMessageSize = 32 * 1024
	// MinDataChannelID and MaxDataChannelID bound the ids of data channels.
	MinDataChannelID = 1
	MaxDataChannelID = 65535
	// DefaultDataBitrate is what a data channel may send in bit/s.
	DefaultDataBitrate = 500_000
)

// DataReliability tells how a data channel treats loss.
type DataReliability uint8

// The kinds of data channels.
const (
	// DataReliable delivers every message, in order.
	DataReliable DataReliability = iota
	// DataLossy delivers each message at most once; lost ones stay lost.
	DataLossy
)

// String returns "Reliable" or "Lossy".
func (r DataReliability) String() string {
	switch r {
	case DataReliable:
		return "Reliable"
	case DataLossy:
		return "Lossy"
	default:
		return "Unknown"
	}
}

// DataSenderOptions describes a sending data channel.
type DataSenderOptions struct {
	// ChannelID tells channels apart, 1 to 65535. Zero: the lowest one that this
	// side does not use.
	ChannelID int
	// Reliability says what happens to lost messages. Zero: DataReliable.
	Reliability DataReliability
	// Bitrate bounds what the channel sends, in bit/s. Zero: DefaultDataBitrate.
	Bitrate int
}

const (
	// dataHeader is what each message carries before its bytes: channel id and
	// sequence number, both big endian.
	dataHeader = 2 + 4
	// dataRetry is how often a sender looks whether the path takes more.
	dataRetry = 5 * time.Millisecond
	// maxDataBacklog is how many bytes of received messages may wait for slow
	// handlers: at ACS's rate of sending more than two minutes.
	maxDataBacklog = 8 << 20
	// maxEarlyData is how many bytes are kept of what comes before the call is
	// connected here.
	maxEarlyData = 1 << 20
)

// dataCounters count the data messages of a call.
type dataCounters struct {
	messagesSent, bytesSent, messagesReceived, bytesReceived atomic.Uint64
}

// DataSender is a sending data channel of a call. It ends with the call. Its
// methods are safe for many goroutines; messages of one goroutine keep their order.
type DataSender struct {
	call        *Call
	channelID   int
	reliability DataReliability
	closed      chan struct{}
	once        sync.Once
	turn        chan struct{} // one Send at a time

	// What follows belongs to whoever has the turn.
	pace     pacer
	sequence uint32
}

// NewDataSender opens a sending data channel. It does not block. It returns
// ErrInvalidChannelID for an id out of range or in use, and ErrCallEnded.
func (c *Call) NewDataSender(options *DataSenderOptions) (*DataSender, error) {
	if options == nil {
		options = &DataSenderOptions{}
	}
	if options.ChannelID != 0 && (options.ChannelID < MinDataChannelID || options.ChannelID > MaxDataChannelID) {
		return nil, ErrInvalidChannelID
	}
	if options.Reliability > DataLossy || options.Bitrate < 0 {
		return nil, fmt.Errorf("%w: data channel", ErrInvalidOptions)
	}
	if c.over() {
		return nil, ErrCallEnded
	}
	bitrate := options.Bitrate
	if bitrate == 0 {
		bitrate = DefaultDataBitrate
	}
	s := &DataSender{
		call:        c,
		channelID:   options.ChannelID,
		reliability: options.Reliability,
		closed:      make(chan struct{}),
		turn:        make(chan struct{}, 1),
		pace:        pacer{rate: bitrate},
	}
	if err := c.channels.add(s); err != nil {
		return nil, err
	}
	return s, nil
}

// ChannelID returns the channel's id.
func (s *DataSender) ChannelID() int { return s.channelID }

// Reliability returns the channel's kind.
func (s *DataSender) Reliability() DataReliability { return s.reliability }

// Send sends one message. It copies data, waits while the channel's bitrate or
// the path's buffer is used up, and returns when the message is on its way. It
// returns ErrMessageTooLarge, ErrInvalidState while the call is not connected,
// ErrCallEnded, ErrClosed after Close, or the context's error.
func (s *DataSender) Send(ctx context.Context, data []byte) error {
	if len(data) > MaxDataMessageSize {
		return ErrMessageTooLarge
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("engine: data message: %w", context.Cause(ctx))
	}
	if err := s.wait(ctx, 0); err != nil {
		return err
	}
	switch s.call.State() {
	case CallStateConnected, CallStateLocalHold, CallStateRemoteHold:
	case CallStateDisconnecting, CallStateDisconnected:
		return ErrCallEnded
	case CallStateNone, CallStateEarlyMedia, CallStateConnecting, CallStateRinging, CallStateInLobby:
		return ErrInvalidState
	}
	message := make([]byte, dataHeader, dataHeader+len(data))
	binary.BigEndian.PutUint16(message, uint16(s.channelID)) //nolint:gosec // 1 to 65535, see NewDataSender
	binary.BigEndian.PutUint32(message[2:], s.sequence+1)
	message = append(message, data...)
	if err := s.wait(ctx, s.pace.delay(time.Now(), len(message))); err != nil {
		return err
	}
	if err := s.transmit(ctx, message); err != nil {
		return err
	}
	s.sequence++
	s.call.data.messagesSent.Add(1)
	s.call.data.bytesSent.Add(uint64(len(data)))
	return nil
}

// transmit gives the message to the transport, when that takes it.
func (s *DataSender) transmit(ctx context.Context, message []byte) error {
	reliability := transport.Reliable
	if s.reliability == DataLossy {
		reliability = transport.Lossy
	}
	for {
		m := s.call.media.Load()
		if m == nil {
			return ErrInvalidState
		}
		err := m.leg.session.SendData(reliability, message)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, transport.ErrBufferFull), errors.Is(err, transport.ErrNotConnected):
		case errors.Is(err, transport.ErrTooLarge):
			return ErrMessageTooLarge
		case errors.Is(err, transport.ErrClosed):
			return ErrCallEnded
		default:
			return fmt.Errorf("engine: data message: %w", err)
		}
		if err := s.wait(ctx, dataRetry); err != nil {
			return err
		}
	}
}

// wait waits for a while, unless the channel, the call or the context ends.
func (s *DataSender) wait(ctx context.Context, d time.Duration) error {
	var passed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	} else {
		now := make(chan time.Time)
		close(now)
		passed = now
	}
	select {
	case <-s.closed:
		return ErrClosed
	case <-s.call.done:
		return ErrCallEnded
	case <-ctx.Done():
		return fmt.Errorf("engine: data message: %w", context.Cause(ctx))
	default:
	}
	select {
	case <-passed:
		return nil
	case <-s.closed:
		return ErrClosed
	case <-s.call.done:
		return ErrCallEnded
	case <-ctx.Done():
		return fmt.Errorf("engine: data message: %w", context.Cause(ctx))
	}
}

// Close closes the channel; its id may be used again. It is idempotent.
func (s *DataSender) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.call.channels.remove(s)
	})
	return nil
}

// dataChannels are the open sending channels of a call by id.
type dataChannels struct {
	mu   sync.Mutex
	byID map[int]*DataSender
}

// add registers s, choosing an id if it has none.
func (d *dataChannels) add(s *DataSender) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil {
		d.byID = map[int]*DataSender{}
	}
	if s.channelID == 0 {
		for s.channelID = MinDataChannelID; d.byID[s.channelID] != nil; s.channelID++ {
			if s.channelID == MaxDataChannelID {
				return ErrInvalidChannelID
			}
		}
	}
	if d.byID[s.channelID] != nil {
		return fmt.Errorf("%w: in use", ErrInvalidChannelID)
	}
	d.byID[s.channelID] = s
	return nil
}

func (d *dataChannels) remove(s *DataSender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID[s.channelID] == s {
		delete(d.byID, s.channelID)
	}
}

// pacer spreads messages so that their average stays below a bitrate. What was
// not used for a second may be sent in one go.
type pacer struct {
	rate int       // bit/s
	free time.Time // when all that was sent is paid for
}

// delay returns how long a message of that size has to wait, and counts it.
func (p *pacer) delay(now time.Time, size int) time.Duration {
	const burst = time.Second
	if earliest := now.Add(-burst); p.free.Before(earliest) {
		p.free = earliest
	}
	p.free = p.free.Add(time.Duration(size) * 8 * time.Second / time.Duration(p.rate))
	return max(0, p.free.Sub(now))
}
