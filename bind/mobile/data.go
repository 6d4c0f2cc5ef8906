package mobile

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/engine"
)

// Limits of data channels.
const (
	// MaxDataMessageSize is the most that one data message may hold, in bytes.
	MaxDataMessageSize int32 = engine.MaxDataMessageSize
	// MaxDataChannelID is the largest id of a data channel; the smallest is 1.
	MaxDataChannelID int32 = engine.MaxDataChannelID
)

// CallDataListener takes what other sides of a call send beside their voice,
// on the thread of the agent's listener.
type CallDataListener interface {
	// OnDataReceived is called for each data message.
	OnDataReceived(call *Call, message *DataMessage)
	// OnToneReceived is called for each DTMF tone: one of 0–9, A–D, * and #.
	OnToneReceived(call *Call, participant *RemoteParticipant, tone string)
}

// DataMessage is a message that was received on a data channel.
type DataMessage struct {
	// Participant is who sent it.
	Participant *RemoteParticipant
	// ChannelID is the sender's channel, 1 to MaxDataChannelID.
	ChannelID int32
	// Lossy tells that messages of the channel may be missing.
	Lossy bool
	// Sequence counts the sender's messages on the channel from 1.
	Sequence int64
	// Data is the message.
	Data []byte
}

func (c *Call) dataReceived(e engine.DataReceived) {
	c.bind(e.Call)
	l, ok := c.data.get()
	if !ok {
		return
	}
	message := &DataMessage{
		Participant: c.people.get(e.Participant), ChannelID: int32(e.ChannelID), Lossy: e.Reliability == engine.DataLossy,
		Sequence: int64(e.Sequence), Data: e.Data,
	}
	c.agent.client.scope.call(func() { l.OnDataReceived(c, message) })
}

func (c *Call) toneReceived(e engine.DTMFReceived) {
	c.bind(e.Call)
	if l, ok := c.data.get(); ok {
		person := c.people.get(e.Participant)
		c.agent.client.scope.call(func() { l.OnToneReceived(c, person, string(e.Tone)) })
	}
}

// DataSender is a sending data channel of a call. It ends with the call. Its
// methods may be called from any thread.
type DataSender struct {
	call   *Call
	sender *engine.DataSender
}

// NewDataSender opens a sending data channel. channelID is 1 to
// MaxDataChannelID, or 0 for the lowest one that this side does not use; lossy
// delivers a message at most once instead of again and again; bitrate bounds
// what is sent, in bit/s, 0 for 500,000. An id that is in use gives
// ErrorCodeInvalidArgument.
func (c *Call) NewDataSender(channelID int32, lossy bool, bitrate int32) (sender *DataSender, err error) {
	defer guard(&err)
	if c.agent == nil {
		return nil, errClosed
	}
	if bitrate < 0 {
		return nil, fmt.Errorf("%w: bitrate %d", errArgument, bitrate)
	}
	options := &engine.DataSenderOptions{ChannelID: int(channelID), Bitrate: int(bitrate)}
	if lossy {
		options.Reliability = engine.DataLossy
	}
	made, err := c.engine().NewDataSender(options)
	if err != nil {
		return nil, err
	}
	return &DataSender{call: c, sender: made}, nil
}

// ChannelID returns the channel's id.
func (s *DataSender) ChannelID() int32 {
	defer quiet()
	return int32(s.sender.ChannelID())
}

// Send sends one message. It copies it, waits while the channel's bitrate or
// the path is used up, and returns when it is on its way. It gives
// ErrorCodeTooLarge, ErrorCodeInvalidState while the call is not connected,
// ErrorCodeCallEnded or ErrorCodeClosed.
func (s *DataSender) Send(data []byte) (err error) {
	defer guard(&err)
	if s.call == nil {
		return errClosed
	}
	return s.call.run(func(ctx context.Context, _ *engine.Call) error { return s.sender.Send(ctx, data) })
}

// Close closes the channel; its id may be used again.
func (s *DataSender) Close() {
	defer quiet()
	// It does not fail.
	_ = s.sender.Close()
}
