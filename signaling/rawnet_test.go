package signaling_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling"
)

// rawNet is a network of byte streams with delay. Frames go over it as length
// and content, so a connection can be cut inside one.
type rawNet struct {
	mu     sync.Mutex
	random *rand.Rand
	serve  func(signaling.Conn) // nil while nobody listens
	conns  []*rawConn           // client ends
	wg     sync.WaitGroup
	// lossy decides, for each connection, about the faults it gets.
	faults func(r *rand.Rand) faults
}

// faults of one connection.
type faults struct {
	delay, jitter time.Duration
	// cut is after how many bytes a direction breaks, 0 for never.
	cutUp, cutDown int
	// silent breaks drop everything from there on, but tell nobody.
	silent bool
	// dial is how long connecting takes; refuse fails it.
	dial   time.Duration
	refuse bool
	// replay delivers all that the client had sent once more, on a connection
	// of its own, after this time; 0 for never.
	replay time.Duration
}

var errCut = errors.New("connection cut")

func (n *rawNet) draw() faults {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.faults == nil {
		return faults{delay: time.Millisecond}
	}
	return n.faults(n.random)
}

func (n *rawNet) Dial(ctx context.Context) (signaling.Conn, error) {
	f := n.draw()
	timer := time.NewTimer(f.dial)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	n.mu.Lock()
	serve := n.serve
	n.mu.Unlock()
	if serve == nil || f.refuse {
		return nil, errors.New("connection refused")
	}
	client, server := newRawPair(f)
	n.mu.Lock()
	n.conns = append(n.conns, client)
	n.mu.Unlock()
	n.start(serve, server)
	if f.replay > 0 {
		n.replay(client, f)
	}
	return client, nil
}

func (n *rawNet) start(serve func(signaling.Conn), c signaling.Conn) {
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		serve(c)
	}()
}

// replay sends a copy of what the client sent, later.
func (n *rawNet) replay(c *rawConn, f faults) {
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		timer := time.NewTimer(f.replay)
		defer timer.Stop()
		<-timer.C
		n.mu.Lock()
		serve := n.serve
		n.mu.Unlock()
		if serve == nil {
			return
		}
		copyEnd, server := newRawPair(faults{delay: f.delay})
		copyEnd.out.write(c.out.copied(), time.Now())
		n.start(serve, server)
		end := time.NewTimer(3 * time.Second)
		defer end.Stop()
		<-end.C
		copyEnd.Close(0, "")
	}()
}

// cutAll breaks all connections at once.
func (n *rawNet) cutAll() {
	n.mu.Lock()
	conns := n.conns
	n.conns = nil
	n.mu.Unlock()
	for _, c := range conns {
		c.in.breakNow()
		c.out.breakNow()
	}
}

func (n *rawNet) listen(serve func(signaling.Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serve = serve
}

// rawConn is one end of a byte stream.
type rawConn struct {
	in, out *rawPipe
	partial []byte
}

func newRawPair(f faults) (client, server *rawConn) {
	up, down := newRawPipe(f, f.cutUp), newRawPipe(f, f.cutDown)
	up.other, down.other = down, up
	return &rawConn{in: down, out: up}, &rawConn{in: up, out: down}
}

func (c *rawConn) Write(ctx context.Context, frame []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.out.write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...), time.Now())
}

func (c *rawConn) Read(ctx context.Context) ([]byte, error) {
	for {
		if len(c.partial) >= 4 {
			size := int(binary.BigEndian.Uint32(c.partial))
			if len(c.partial) >= 4+size {
				frame := c.partial[4 : 4+size : 4+size]
				c.partial = c.partial[4+size:]
				return frame, nil
			}
		}
		data, err := c.in.read(ctx)
		if err != nil {
			if len(c.partial) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		c.partial = append(c.partial, data...)
	}
}

func (c *rawConn) Close(int, string) error {
	c.out.end()
	c.in.stopReading()
	return nil
}

// rawPipe is one direction: what is written arrives after the delay, in order.
type rawPipe struct {
	faults faults
	other  *rawPipe

	mu      sync.Mutex
	queue   []rawChunk
	log     []byte
	written int
	cut     int
	broken  bool // both ends know
	silent  bool // nothing arrives any more, nobody knows
	ended   bool
	stopped bool
	changed chan struct{}
}

type rawChunk struct {
	data []byte
	at   time.Time
	end  bool
}

func newRawPipe(f faults, cut int) *rawPipe {
	return &rawPipe{faults: f, cut: cut, changed: make(chan struct{})}
}

func (p *rawPipe) announceLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *rawPipe) copied() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]byte(nil), p.log...)
}

func (p *rawPipe) write(data []byte, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.broken || p.ended:
		return errCut
	case p.silent:
		return nil
	}
	cut := p.cut > 0 && p.written+len(data) >= p.cut
	if cut {
		data = data[:p.cut-p.written]
	}
	p.written += len(data)
	p.log = append(p.log, data...)
	p.queue = append(p.queue, rawChunk{data: append([]byte(nil), data...), at: now.Add(p.faults.delay + p.faults.jitter)})
	p.announceLocked()
	if !cut {
		return nil
	}
	if p.faults.silent {
		p.silent = true
		return nil
	}
	p.queue = append(p.queue, rawChunk{end: true, at: now.Add(p.faults.delay + p.faults.jitter)})
	p.ended = true
	go p.other.breakNow()
	return errCut
}

// breakNow ends a direction: what is on its way is lost.
func (p *rawPipe) breakNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	p.queue = nil
	p.announceLocked()
}

// end is the writer's orderly end: what is on its way still arrives.
func (p *rawPipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.broken || p.silent {
		return
	}
	p.ended = true
	p.queue = append(p.queue, rawChunk{end: true, at: time.Now().Add(p.faults.delay + p.faults.jitter)})
	p.announceLocked()
}

func (p *rawPipe) stopReading() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.announceLocked()
}

func (p *rawPipe) read(ctx context.Context) ([]byte, error) {
	for {
		p.mu.Lock()
		changed := p.changed
		wait := time.Hour
		switch {
		case p.stopped:
			p.mu.Unlock()
			return nil, signaling.ErrConnClosed
		case p.broken:
			p.mu.Unlock()
			return nil, errCut
		case len(p.queue) > 0:
			first := p.queue[0]
			if wait = time.Until(first.at); wait <= 0 {
				if first.end {
					p.mu.Unlock()
					return nil, io.EOF
				}
				p.queue = p.queue[1:]
				p.mu.Unlock()
				return first.data, nil
			}
		}
		p.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		timer.Stop()
	}
}
