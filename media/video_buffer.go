package media

import (
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

const (
	// bufferPackets bounds what waits for a lost packet, and so also a frame.
	bufferPackets = 2048
	// keyFrameInterval is the least time between two requests for a key frame.
	keyFrameInterval = 300 * time.Millisecond
	// quietStream is how long after the last packet nothing is asked for any more.
	quietStream = 2 * time.Second
	// startPackets and startWait bound the wait for what may come before the
	// first packet that arrives.
	startPackets = 64
	startWait    = 60 * time.Millisecond

	defaultVideoRTT = 100 * time.Millisecond
)

// slot is a packet in the buffer.
type slot struct {
	packet *packet.Packet
	codec  string
	head   head
	at     time.Time // of arrival
}

// assembled is a frame that left the buffer.
type assembled struct {
	codec     string
	data      []byte
	timestamp uint32
	layers    layers
	picture   picture
	packets   int
	first     time.Time // arrival of the first and of the last packet
	last      time.Time
}

// videoBuffer puts packets in order, waits for lost ones and makes frames. It
// is pure: time is given, effects are returned. Sequence numbers inside are
// extended to 64 bits.
type videoBuffer struct {
	slots   map[int64]*slot
	started bool
	ssrc    uint32
	highest int64
	next    int64 // first packet of the next frame
	contig  int64 // first packet after next that is missing
	atStart bool  // a frame is known to begin at next
	// starting tells that the stream's first packet was no beginning of a frame
	// and that what may come before it is waited for.
	starting bool

	gapSince time.Time // since when contig is missed; zero without a gap
	waitKey  bool
	codec    string // of the last frame given out
	rtt      time.Duration

	lastPush    time.Time
	lastRequest time.Time
	asked       bool // lastRequest is set
	wantRequest bool
	// demanded is when the application asked for a key frame; zero once one came.
	demanded time.Time

	frames []assembled // to give out
	counts bufferCounts
}

type bufferCounts struct {
	discarded uint64 // packets
	received  uint64 // complete frames
	dropped   uint64 // frames
	requests  uint64
}

func newVideoBuffer() *videoBuffer {
	return &videoBuffer{slots: make(map[int64]*slot), waitKey: true, rtt: defaultVideoRTT}
}

// lossWait is how long a lost packet is waited for: time for two repairs.
func (b *videoBuffer) lossWait() time.Duration {
	if b.starting {
		return startWait
	}
	return min(max(100*time.Millisecond+b.rtt*5/2, 150*time.Millisecond), time.Second)
}

// keyGrace is how long it is waited for when a whole key frame stands behind
// the gap already: time for one repair. While a key frame is needed anyway the
// old frames are of no use.
func (b *videoBuffer) keyGrace() time.Duration {
	if b.waitKey {
		return 0
	}
	return min(max(b.rtt+20*time.Millisecond, 30*time.Millisecond), 200*time.Millisecond)
}

// push takes a packet.
func (b *videoBuffer) push(now time.Time, p *packet.Packet, codec string) {
	b.lastPush = now
	if b.started && p.SSRC != b.ssrc {
		b.restart()
	}
	if !b.started {
		b.start(p, codec)
	}
	seq := b.highest + int64(int16(p.SequenceNumber-uint16(b.highest)))
	if seq < b.next || b.slots[seq] != nil {
		b.counts.discarded++
		return
	}
	if seq-b.next >= bufferPackets {
		// So much is missing that nothing of what waits can be of use.
		b.dropBelow(b.highest + 1)
		b.loseSync(seq)
	}
	at := now
	if !p.Arrival.IsZero() && p.Arrival.Before(now) {
		at = p.Arrival
	}
	b.slots[seq] = &slot{packet: p, codec: codec, head: payloadHead(codec, p.Payload), at: at}
	b.highest = max(b.highest, seq)
	b.advance(now)
}

// start takes the first packet's numbers.
func (b *videoBuffer) start(p *packet.Packet, codec string) {
	b.started, b.ssrc = true, p.SSRC
	// Far from zero, so that packets from before the first one fit.
	b.highest = 1<<20 + int64(p.SequenceNumber)
	b.next, b.atStart, b.starting = b.highest, false, false
	if !payloadHead(codec, p.Payload).start {
		b.next, b.starting = b.highest-startPackets, true
	}
	b.contig = b.next
}

// restart forgets a stream; another one begins.
func (b *videoBuffer) restart() {
	b.dropBelow(b.highest + 1)
	b.started, b.waitKey, b.atStart = false, true, false
	b.gapSince, b.demanded = time.Time{}, time.Time{}
}

// loseSync goes on at a packet from which only a key frame can help.
func (b *videoBuffer) loseSync(seq int64) {
	b.next, b.contig, b.atStart = seq, seq, false
	b.gapSince = time.Time{}
	b.starting, b.waitKey, b.wantRequest = false, true, true
}

// advance takes whole frames out, as far as nothing is missing.
func (b *videoBuffer) advance(now time.Time) {
	before := b.contig
	for s := b.slots[b.contig]; s != nil; s = b.slots[b.contig] {
		if len(s.packet.Payload) == 0 {
			// Padding: it only fills the numbers.
			b.skipPadding()
			continue
		}
		if first := b.slots[b.next]; b.contig > b.next && first.packet.Timestamp != s.packet.Timestamp {
			// The frame before had no marker.
			b.give(b.contig)
		}
		b.contig++
		if s.packet.Marker {
			b.give(b.contig)
		}
	}
	switch {
	case b.contig > b.highest:
		b.gapSince = time.Time{}
	case b.gapSince.IsZero() || b.contig != before:
		b.gapSince = b.missedSince(now)
	}
}

// missedSince is when the first packet behind the gap came.
func (b *videoBuffer) missedSince(now time.Time) time.Time {
	for seq := b.contig + 1; seq <= b.highest; seq++ {
		if s := b.slots[seq]; s != nil && s.at.Before(now) {
			return s.at
		} else if s != nil {
			return now
		}
	}
	return now
}

func (b *videoBuffer) skipPadding() {
	if b.contig == b.next {
		delete(b.slots, b.next)
		b.next++
	}
	b.contig++
}

// give hands out the frame from next to before end, if it can be decoded.
func (b *videoBuffer) give(end int64) {
	begin, known := b.next, b.atStart
	first := b.slots[begin]
	b.next, b.atStart = end, true
	defer b.forget(begin, end)
	if !known && !first.head.start {
		// The end of a frame whose beginning was never seen.
		b.counts.dropped++
		b.wantRequest = b.wantRequest || b.waitKey
		return
	}
	frame, err := b.assemble(begin, end)
	if err != nil {
		b.counts.dropped++
		b.waitKey, b.wantRequest = true, true
		return
	}
	b.counts.received++
	if frame.codec != b.codec && b.codec != "" {
		b.waitKey = true
	}
	if b.waitKey && !frame.picture.key {
		b.counts.dropped++
		b.wantRequest = true
		return
	}
	b.waitKey, b.wantRequest, b.codec = false, false, frame.codec
	if frame.picture.key {
		b.demanded = time.Time{}
	}
	b.frames = append(b.frames, frame)
}

func (b *videoBuffer) assemble(begin, end int64) (assembled, error) {
	first := b.slots[begin]
	f := assembled{codec: first.codec, timestamp: first.packet.Timestamp, first: first.at, last: first.at}
	payloads := make([][]byte, 0, end-begin)
	for seq := begin; seq < end; seq++ {
		s := b.slots[seq]
		if len(s.packet.Payload) == 0 {
			continue
		}
		payloads = append(payloads, s.packet.Payload)
		if s.at.Before(f.first) {
			f.first = s.at
		}
		if s.at.After(f.last) {
			f.last = s.at
		}
	}
	var err error
	f.packets = len(payloads)
	f.data, f.layers, err = depacketize(f.codec, payloads)
	if err != nil {
		return assembled{}, err
	}
	f.picture = inspect(f.codec, f.data)
	return f, nil
}

func (b *videoBuffer) forget(begin, end int64) {
	for seq := begin; seq < end; seq++ {
		delete(b.slots, seq)
	}
}

// dropBelow forgets what comes before seq and counts its frames.
func (b *videoBuffer) dropBelow(seq int64) {
	var last uint32
	counted := false
	for i := b.next; i < seq; i++ {
		s := b.slots[i]
		if s == nil {
			continue
		}
		if len(s.packet.Payload) > 0 && (!counted || s.packet.Timestamp != last) {
			b.counts.dropped++
			last, counted = s.packet.Timestamp, true
		}
		delete(b.slots, i)
	}
}
