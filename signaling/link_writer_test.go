package signaling_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/signaling"
)

// TestClient_HeartbeatShorterThanItsTimeout_StaysConnected: the next ping is
// due before the time that the answer to the last one might have taken.
func TestClient_HeartbeatShorterThanItsTimeout_StaysConnected(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(co *signaling.ClientOptions, ao *signaling.AcceptorOptions) {
			ao.Heartbeat = time.Second
			co.HeartbeatTimeout = 5 * time.Second
		})
		p.start()
		expect(t, &p.service, "opened")
		settle(time.Minute)
		expect(t, &p.service)
	})
}

// heldConn holds a write back while held, and takes it in the end although the
// connection is over by then. What is sent while it closes must not reach it.
type heldConn struct {
	signaling.Conn

	held    atomic.Bool
	waiting atomic.Bool
	release chan struct{}
	// closing is called when the connection is closed.
	closing func()
	closed  atomic.Bool
	late    atomic.Int32
}

func (c *heldConn) Write(ctx context.Context, message []byte) error {
	if c.closed.Load() {
		c.late.Add(1)
	}
	if c.held.Load() {
		c.waiting.Store(true)
		<-c.release
		return nil
	}
	return c.Conn.Write(ctx, message)
}

func (c *heldConn) Close(code int, reason string) error {
	if c.closed.CompareAndSwap(false, true) {
		c.closing()
	}
	return c.Conn.Close(code, reason)
}

// TestAcceptor_LinkEndsDuringWrite_WritesNoMore: a write that succeeds when the
// connection is over already is the last one, whatever is sent then.
func TestAcceptor_LinkEndsDuringWrite_WritesNoMore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		c := &heldConn{release: make(chan struct{})}
		c.closing = func() {
			_ = p.current().Send(text("2")) // a session that waits for its agent takes it
			time.Sleep(time.Millisecond)    // of the bubble: all others come to rest
		}
		first := true
		p.net.listen(func(conn signaling.Conn) {
			if first {
				first = false
				c.Conn, conn = conn, c
			}
			_ = p.acceptor.Serve(context.Background(), conn)
		})
		p.start()
		c.held.Store(true)
		send(t, p.current(), "1")
		synctest.Wait()
		if !c.waiting.Load() {
			t.Fatal("nothing was written")
		}
		p.net.cutAll()
		synctest.Wait() // the link waits for its writer
		close(c.release)
		settle(time.Minute)
		if n := c.late.Load(); n != 0 {
			t.Errorf("%d writes to a connection that is closed", n)
		}
		if got := p.agent.take(); count(got, "1") != 1 || count(got, "2") != 1 {
			t.Errorf("after the reconnect the agent has %q, want each message once", got)
		}
	})
}

func count(lines []string, line string) int {
	n := 0
	for _, l := range lines {
		if l == line {
			n++
		}
	}
	return n
}
