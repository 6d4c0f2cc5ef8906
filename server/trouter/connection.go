package trouter

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/chat"
)

// Why a connection ends.
var (
	errClosing  = errors.New("trouter: the service is being stopped")
	errReplaced = errors.New("trouter: the client has connected again")
	errVoid     = errors.New("trouter: the token is void")
	errSlow     = errors.New("trouter: the client does not read")
	errLeft     = errors.New("trouter: the client left")
	errMissed   = errors.New("trouter: events are lost")
	errSilent   = errors.New("trouter: the client is silent")
)

// What the service says first, and last.
const (
	helloPacket      = "1::"
	readyPacket      = `5:::{"name":"trouter.connected","args":[{"ttl":"` + endpointLife + `","dur":"5"}]}`
	disconnectPacket = "0::"
	noopPacket       = "8::"
)

// connection is what both transports share: what waits for the client, and
// what the client says.
type connection struct {
	service *Service
	ticket  *ticket
	id      string
	polled  bool
	detach  func() // nil before the hub knows it
	expiry  *time.Timer
	// cut ends what is being written; only a WebSocket has it.
	cut func()

	// more is signaled when something was queued, done closed at the end.
	more chan struct{}
	done chan struct{}
	// told is signaled when a poll has heard of the end.
	told chan struct{}
	// polledNow is signaled by each poll.
	polledNow chan struct{}

	mu     sync.Mutex
	queue  []item
	size   int
	number int64         // of the last push
	held   chan struct{} // closed when a newer poll takes the place of the one that waits
	cause  error         // nil while it is open
}

// item is one packet that waits. That of an event is made when it is sent: all
// who wait for the event share it.
type item struct {
	text   string
	push   *push
	number int64
}

func (s *Service) newConnection(t *ticket, id string, polled bool) *connection {
	c := &connection{service: s, ticket: t, id: id, polled: polled, more: make(chan struct{}, 1), done: make(chan struct{}), told: make(chan struct{}, 1), polledNow: make(chan struct{}, 1)}
	c.say(helloPacket)
	c.say(readyPacket)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expiry = time.AfterFunc(t.Expires.Sub(s.options.Now()), func() { c.end(errVoid) })
	return c
}

// Deliver implements chat.Sink.
func (c *connection) Deliver(e *chat.Event) {
	if e.Kind == chat.EventHidden {
		return
	}
	p, err := c.service.pushes.of(e)
	if err != nil {
		c.service.options.Logger.Error("chat event not told", "error", err)
		return
	}
	if p != nil {
		c.enqueue(item{push: p})
	}
}

// Missed implements chat.Sink: a client that connects again reads anew what it
// shows.
func (c *connection) Missed(string) { c.end(errMissed) }

// itemSize is what an item takes beside its text.
const itemSize = 128

func (i *item) size() int {
	if i.push != nil {
		return itemSize + len(i.push.tail)
	}
	return itemSize + len(i.text)
}

// say queues a packet.
func (c *connection) say(text string) { c.enqueue(item{text: text}) }

func (c *connection) enqueue(i item) {
	c.mu.Lock()
	if c.cause != nil {
		c.mu.Unlock()
		return
	}
	if c.size += i.size(); c.size > c.service.options.MaxQueue {
		c.mu.Unlock()
		c.end(errSlow)
		return
	}
	if i.push != nil {
		c.number++
		i.number = c.number
	}
	c.queue = append(c.queue, i)
	c.mu.Unlock()
	c.wake()
}

func (c *connection) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// take returns what waits, up to about a number of bytes but at least one
// packet. When the connection is over that is the word of it and the cause.
func (c *connection) take(limit int) (packets []string, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		if errors.Is(c.cause, errLeft) {
			return nil, c.cause
		}
		return []string{disconnectPacket}, c.cause
	}
	n, size := 0, 0
	for n < len(c.queue) && (n == 0 || size+c.queue[n].size() <= limit) {
		i := &c.queue[n]
		size += i.size()
		text := i.text
		if i.push != nil {
			text = i.push.packet(i.number, c.ticket.ID, c.ticket.User)
		}
		packets = append(packets, text)
		n++
	}
	c.size -= size
	if n == len(c.queue) {
		c.queue = nil
	} else {
		c.queue = c.queue[n:]
		c.wake()
	}
	return packets, nil
}

// end ends the connection; the first cause is the one that counts.
func (c *connection) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause, c.queue = cause, nil
	c.expiry.Stop()
	close(c.done)
	if errors.Is(cause, errSlow) && c.cut != nil {
		c.cut()
	}
}

// left tells whether the client has ended the connection itself.
func (c *connection) left() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Is(c.cause, errLeft)
}

// handle answers what the client says.
func (c *connection) handle(p packet) {
	switch p.kind {
	case packetDisconnect:
		c.end(errLeft)
	case packetHeartbeat:
		c.say("2::")
	case packetEvent:
		if p.id == "" {
			return
		}
		answer := "6:::" + p.id
		if p.withData {
			answer += "+" + answerTo(p.data)
		}
		c.say(answer)
	case packetMessage, packetJSON:
		// The answer to a push. Whatever it says, there is nothing to do: an
		// application that does not listen to an event answers 404.
		if p.id != "" {
			c.say("6:::" + p.id)
		}
	case packetConnect, packetAck, packetError, packetNoop:
	}
}

// answerTo returns the data that acknowledges an event: a ping wants a pong.
func answerTo(data string) string {
	if strings.HasPrefix(data, `{"name":"ping"`) {
		return `["pong"]`
	}
	return "[]"
}
