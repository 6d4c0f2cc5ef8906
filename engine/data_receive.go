package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/parley-rtc/parley/transport"
)

// dataMessage is one received data message.
type dataMessage struct {
	reliability transport.Reliability
	channelID   int
	sequence    uint32
	data        []byte
}

// parseData reads a message as DataSender.Send makes it.
func parseData(r transport.Reliability, message []byte) (dataMessage, error) {
	if len(message) < dataHeader || len(message) > dataHeader+MaxDataMessageSize {
		return dataMessage{}, fmt.Errorf("%w: data message of %d bytes", errProtocol, len(message))
	}
	m := dataMessage{
		reliability: r,
		channelID:   int(binary.BigEndian.Uint16(message)),
		sequence:    binary.BigEndian.Uint32(message[2:]),
		data:        message[dataHeader:],
	}
	if m.channelID < MinDataChannelID || m.sequence == 0 {
		return dataMessage{}, fmt.Errorf("%w: data message of channel %d, sequence %d", errProtocol, m.channelID, m.sequence)
	}
	return m, nil
}

// earlyData keeps what comes before the call is connected here: the other side
// may be connected a little earlier.
type earlyData struct {
	messages []dataMessage
	bytes    int
}

// dataArrived takes a message from the transport's goroutine. What waits for
// the handlers is bounded: beyond it lossy messages are dropped, and a side that
// goes on to send reliable ones, which must not be dropped, ends the call.
func (c *Call) dataArrived(l *leg, r transport.Reliability, message []byte) {
	size := int64(len(message))
	if c.backlog.Add(size) > maxDataBacklog {
		if r == transport.Lossy {
			c.backlog.Add(-size)
			return
		}
		c.post(func() { c.mediaFailed(l, fmt.Errorf("%w: more data than the handlers take", errProtocol)) })
		return
	}
	c.post(func() { c.dataReceived(l, r, message) })
}

// dataReceived reads a message. A malformed one is dropped.
func (c *Call) dataReceived(l *leg, r transport.Reliability, message []byte) {
	m, err := parseData(r, message)
	if err != nil || c.legs[l.number] != l {
		c.backlog.Add(-int64(len(message)))
		if err != nil {
			c.logger.Debug("data message dropped", "error", err)
		}
		return
	}
	if c.machine.State().Established() && l.allowed {
		c.deliverData(m)
		return
	}
	if l.early.bytes+len(message) > maxEarlyData {
		c.backlog.Add(-int64(len(message)))
		return
	}
	l.early.messages = append(l.early.messages, m)
	l.early.bytes += len(message)
}

// flushData delivers what came before the call was connected.
func (c *Call) flushData() {
	for _, l := range c.legs {
		if !l.allowed {
			continue
		}
		early := l.early.messages
		l.early = earlyData{}
		for _, m := range early {
			c.deliverData(m)
		}
	}
}

func (c *Call) deliverData(m dataMessage) {
	size := int64(len(m.data) + dataHeader)
	c.data.messagesReceived.Add(1)
	c.data.bytesReceived.Add(uint64(len(m.data)))
	p := c.getView().participant
	h := c.options.Events.DataReceived
	if h == nil || p == nil {
		c.backlog.Add(-size)
		return
	}
	reliability := DataReliable
	if m.reliability == transport.Lossy {
		reliability = DataLossy
	}
	event := DataReceived{
		Call: c, Participant: p, ChannelID: m.channelID, Reliability: reliability, Sequence: m.sequence, Data: m.data,
	}
	c.agent.events.Post(func() {
		c.backlog.Add(-size)
		h(event)
	})
}
