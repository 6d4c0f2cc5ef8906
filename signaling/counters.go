package signaling

import (
	"sync/atomic"
	"time"
)

// counters are what Stats shows.
type counters struct {
	framesSent, framesReceived         atomic.Uint64
	bytesSent, bytesReceived           atomic.Uint64
	plainBytesSent, plainBytesReceived atomic.Uint64
	messagesSent, messagesReceived     atomic.Uint64
	connections, resumes               atomic.Uint64
	roundTrip                          atomic.Int64
}

func (c *counters) snapshot() Stats {
	return Stats{
		FramesSent: c.framesSent.Load(), FramesReceived: c.framesReceived.Load(),
		BytesSent: c.bytesSent.Load(), BytesReceived: c.bytesReceived.Load(),
		PlainBytesSent: c.plainBytesSent.Load(), PlainBytesReceived: c.plainBytesReceived.Load(),
		MessagesSent: c.messagesSent.Load(), MessagesReceived: c.messagesReceived.Load(),
		Connections: c.connections.Load(), Resumes: c.resumes.Load(),
		RoundTripTime: time.Duration(c.roundTrip.Load()),
	}
}

func (c *counters) sent(wire, plain int) {
	c.framesSent.Add(1)
	c.bytesSent.Add(uint64(wire))       //nolint:gosec // sizes are not negative
	c.plainBytesSent.Add(uint64(plain)) //nolint:gosec // sizes are not negative
}

func (c *counters) received(wire, plain int) {
	c.framesReceived.Add(1)
	c.bytesReceived.Add(uint64(wire))       //nolint:gosec // sizes are not negative
	c.plainBytesReceived.Add(uint64(plain)) //nolint:gosec // sizes are not negative
}
