package engine

import "context"

// Limits of data channels, those of ACS.
const (
	// MaxDataMessageSize is the most that one data message may hold, in bytes.
	MaxDataMessageSize = 32 * 1024
	// MinDataChannelID and MaxDataChannelID bound the ids of data channels.
	MinDataChannelID = 1
	MaxDataChannelID = 65535
)

// DataReliability tells how a data channel treats loss.
type DataReliability uint8

// The kinds of data channels.
const (
	// DataReliable delivers every message, in order.
	DataReliable DataReliability = iota
	// DataLossy delivers each message at most once, late ones never.
	DataLossy
)

// String returns "Reliable" or "Lossy".
func (r DataReliability) String() string {
	if r == DataLossy {
		return "Lossy"
	}
	return "Reliable"
}

// DataSenderOptions describes a sending data channel.
type DataSenderOptions struct {
	// ChannelID tells channels apart, 1 to 65535. Zero: the lowest one that this
	// side does not use.
	ChannelID int
	// Reliability says what happens to lost messages. Zero: DataReliable.
	Reliability DataReliability
	// Bitrate bounds what the channel sends, in bit/s. Zero: 500,000, the limit
	// of ACS.
	Bitrate int
}

// DataSender is a sending data channel of a call. It ends with the call.
type DataSender struct{}

// ChannelID returns the channel's id.
func (s *DataSender) ChannelID() int { return 0 }

// Reliability returns the channel's kind.
func (s *DataSender) Reliability() DataReliability { return DataReliable }

// Send sends one message. It copies data, waits while the channel's bitrate or
// the path's buffer is used up, and returns when the message is on its way. It
// returns ErrMessageTooLarge, ErrInvalidState while the call is not connected,
// ErrCallEnded, ErrClosed after Close, or the context's error.
func (s *DataSender) Send(ctx context.Context, data []byte) error { return errNotYet }

// Close closes the channel; its id may be used again. Idempotent.
func (s *DataSender) Close() error { return nil }
