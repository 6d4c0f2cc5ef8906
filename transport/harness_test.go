package transport_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

// The codecs that most tests use.
func audioCodecs() []packet.Codec {
	return []packet.Codec{
		{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "minptime=10;useinbandfec=1"},
		{Name: "G722", ClockRate: 8000, Channels: 1},
		{Name: "PCMU", ClockRate: 8000, Channels: 1},
		{Name: "PCMA", ClockRate: 8000, Channels: 1},
		{Name: "telephone-event", ClockRate: 48000, Channels: 1, Parameters: "0-15"},
		{Name: "telephone-event", ClockRate: 8000, Channels: 1, Parameters: "0-15"},
	}
}

func videoCodecs() []packet.Codec {
	return []packet.Codec{
		{Name: "VP8", ClockRate: 90000},
		{Name: "H264", ClockRate: 90000, Parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	}
}

// shared is one certificate for all tests: making keys is not what they test.
var shared = sync.OnceValues(transport.NewCertificate)

// end is one side of a test call.
type end struct {
	t *testing.T
	*transport.Session
	name string

	mu         sync.Mutex
	states     []transport.State
	up         int // how often it became connected
	candidates []string
	ended      bool
	packets    map[packet.Kind][]*packet.Packet
	keyFrames  int
	bitrates   []int
	reports    []packet.Report
	opened     map[transport.Reliability]int
	messages   map[transport.Reliability][][]byte
	changed    chan struct{}

	peer *end // where candidates go; nil holds them back
	held []transport.CandidateBatch
}

// newEnd makes a side. Handlers that options already has are called too.
func newEnd(t *testing.T, name string, options transport.Options) *end {
	t.Helper()
	e := &end{
		t: t, name: name, packets: map[packet.Kind][]*packet.Packet{}, changed: make(chan struct{}),
		opened: map[transport.Reliability]int{}, messages: map[transport.Reliability][][]byte{},
	}
	if options.AudioCodecs == nil {
		options.AudioCodecs = audioCodecs()
	}
	if options.Certificate == nil {
		c, err := shared()
		if err != nil {
			t.Fatal(err)
		}
		options.Certificate = c
	}
	also := options.Events
	options.Events = transport.Events{
		Candidates: func(b transport.CandidateBatch) {
			e.note(func() { e.candidates = append(e.candidates, b.Candidates...); e.ended = e.ended || b.End })
			e.pass(b)
			if also.Candidates != nil {
				also.Candidates(b)
			}
		},
		StateChanged: func(s transport.State) {
			e.note(func() {
				e.states = append(e.states, s)
				if s == transport.StateConnected {
					e.up++
				}
			})
			if also.StateChanged != nil {
				also.StateChanged(s)
			}
		},
		Packet: func(k packet.Kind, p *packet.Packet) {
			e.note(func() { e.packets[k] = append(e.packets[k], p) })
			if also.Packet != nil {
				also.Packet(k, p)
			}
		},
		KeyFrameRequest: func() {
			e.note(func() { e.keyFrames++ })
			if also.KeyFrameRequest != nil {
				also.KeyFrameRequest()
			}
		},
		TargetBitrate: func(bps int) {
			e.note(func() { e.bitrates = append(e.bitrates, bps) })
			if also.TargetBitrate != nil {
				also.TargetBitrate(bps)
			}
		},
		Report: func(r packet.Report) {
			e.note(func() { e.reports = append(e.reports, r) })
			if also.Report != nil {
				also.Report(r)
			}
		},
		DataOpen: func(r transport.Reliability) {
			e.note(func() { e.opened[r]++ })
			if also.DataOpen != nil {
				also.DataOpen(r)
			}
		},
		Data: func(r transport.Reliability, m []byte) {
			e.note(func() { e.messages[r] = append(e.messages[r], m) })
			if also.Data != nil {
				also.Data(r, m)
			}
		},
	}
	s, err := transport.New(&options)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	e.Session = s
	t.Cleanup(e.close)
	return e
}

func (e *end) close() {
	// In a bubble the clock stands still while a goroutine waits for a mutex, and
	// the stack below waits 200 ms with a mutex held when it closes data channels
	// that the other side closes at the same moment. The slowest word of a close
	// takes less than half a second.
	defer time.Sleep(2 * time.Second)
	if err := e.Close(); err != nil {
		e.t.Errorf("%s: close: %v", e.name, err)
	}
	<-e.Done()
}

func (e *end) note(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
	close(e.changed)
	e.changed = make(chan struct{})
}

// pass hands candidates to the other side, or keeps them until there is one.
func (e *end) pass(b transport.CandidateBatch) {
	e.mu.Lock()
	to := e.peer
	if to == nil {
		e.held = append(e.held, b)
	}
	e.mu.Unlock()
	if to != nil {
		if err := to.AddCandidates(b); err != nil && !errors.Is(err, transport.ErrClosed) {
			e.t.Errorf("%s: candidates of %s: %v", to.name, e.name, err)
		}
	}
}

func (e *end) joinTo(peer *end) {
	e.mu.Lock()
	e.peer = peer
	held := e.held
	e.held = nil
	e.mu.Unlock()
	for _, b := range held {
		e.pass(b)
	}
}

// until waits for a condition on what was noted.
func (e *end) until(what string, ok func() bool) {
	e.t.Helper()
	limit := time.After(60 * time.Second)
	for {
		e.mu.Lock()
		good, changed := ok(), e.changed
		e.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-limit:
			e.mu.Lock()
			defer e.mu.Unlock()
			e.t.Fatalf("%s: no %s; states %v, packets %d/%d, data %v", e.name, what, e.states,
				len(e.packets[packet.KindAudio]), len(e.packets[packet.KindVideo]), e.opened)
		}
	}
}

func (e *end) is(want transport.State) func() bool {
	return func() bool { return len(e.states) > 0 && e.states[len(e.states)-1] == want }
}

// negotiate exchanges descriptions; a offers.
func negotiate(t *testing.T, a, b *end) {
	t.Helper()
	ctx := context.Background()
	offer, err := a.Offer(ctx)
	if err != nil {
		t.Fatalf("offer: %v", err)
	}
	answer, err := b.Answer(ctx, offer)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	if err := a.SetAnswer(answer); err != nil {
		t.Fatalf("set answer: %v", err)
	}
}

// connect makes two sides and waits until both are connected; a offers.
func connect(t *testing.T, a, b transport.Options) (*end, *end) {
	t.Helper()
	x, y := newEnd(t, "a", a), newEnd(t, "b", b)
	x.joinTo(y)
	y.joinTo(x)
	negotiate(t, x, y)
	x.until("connection", x.is(transport.StateConnected))
	y.until("connection", y.is(transport.StateConnected))
	return x, y
}

// audio sends one packet of the preferred audio codec.
func (e *end) audio(sequence uint16) error {
	c, ok := e.Codec(packet.KindAudio)
	if !ok {
		e.t.Fatalf("%s: no audio codec", e.name)
	}
	return e.WritePacket(packet.KindAudio, &packet.Packet{
		PayloadType: c.PayloadType, SequenceNumber: sequence, Timestamp: uint32(sequence) * 960,
		Payload: []byte{byte(sequence), byte(sequence >> 8), 3, 4},
	})
}

func (e *end) count(k packet.Kind) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.packets[k])
}

func (e *end) ups() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.up
}
