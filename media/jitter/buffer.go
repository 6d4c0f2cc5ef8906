package jitter

import "time"

const (
	// ringSize is how many sequence numbers are held; the hard bound of the memory.
	ringSize = 512
	// maxStep is how far a sequence number may be from the newest one and still
	// belong to the same run.
	maxStep = 300
	// maxShift is how far a transit time may be from the baseline and still
	// belong to the same time line.
	maxShift = 2 * time.Second
	// A packet that does not fit the time line begins a new one when so many in
	// a row agree with each other.
	resyncPackets = 3
	// New streams are believed sooner: their packets cannot be strays of the old one.
	resyncStream = 2
)

// Options configures a Buffer. Nil means the zero value.
type Options struct {
	// MinDelay bounds the target delay below; zero means 20 ms.
	MinDelay time.Duration
	// MaxDelay bounds the target delay above; zero means 500 ms.
	MaxDelay time.Duration
	// MaxExcess is how far the delay may be over the target before packets are
	// thrown away to get it down at once; zero means 500 ms.
	MaxExcess time.Duration
	// PullInterval is how much is asked for at once; zero means 10 ms.
	PullInterval time.Duration
}

// slot is one packet in the ring.
type slot struct {
	packet  Packet
	seq     int64
	ticks   int64
	arrival time.Duration
	state   slotState
}

type slotState uint8

const (
	slotFree slotState = iota
	slotWaiting
	slotDone
)

// phase is where the playing stands.
type phase uint8

const (
	// phaseIdle: nothing was played yet.
	phaseIdle phase = iota
	// phasePlaying: the last frame was played or rebuilt.
	phasePlaying
	// phaseGap: the last audio was concealed.
	phaseGap
	// phasePause: the sender pauses.
	phasePause
)

// Buffer orders packets and decides what to play. See the package comment.
type Buffer struct {
	excess, interval time.Duration

	epoch  time.Time
	ring   [ringSize]slot
	delay  estimator
	stats  Stats
	rival  [resyncPackets]rival
	rivals int

	open       bool
	ssrc       uint32
	clockRate  uint32
	origin     int64 // ticks of the first packet of the time line
	newestSeq  int64
	newestTick int64
	frame      int64 // ticks of the last known frame length

	phase     phase
	nextSeq   int64
	nextTicks int64
	silence   bool // the last frame allows a pause
	jumped    bool // the next frame does not continue the last

	gapDelay  time.Duration // delay when the gap began
	gapPlayed time.Duration // concealed since then
	filtered  time.Duration // delay, smoothed
	overSince time.Duration // since when the delay is over the target
}

// New makes a Buffer.
func New(options *Options) *Buffer {
	var o Options
	if options != nil {
		o = *options
	}
	o.MinDelay = orDefault(o.MinDelay, 20*time.Millisecond)
	o.MaxDelay = max(o.MinDelay, orDefault(o.MaxDelay, 500*time.Millisecond))
	o.MaxExcess = orDefault(o.MaxExcess, 500*time.Millisecond)
	o.PullInterval = orDefault(o.PullInterval, 10*time.Millisecond)
	b := &Buffer{excess: o.MaxExcess, interval: o.PullInterval}
	b.delay = newEstimator(o.MinDelay, o.MaxDelay, o.PullInterval)
	return b
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// since turns a time into one on the buffer's own scale.
func (b *Buffer) since(t time.Time) time.Duration {
	if b.epoch.IsZero() {
		b.epoch = t
	}
	return t.Sub(b.epoch)
}

// transit is the time from a packet's place on the sender's time line to an
// arrival. Only differences of it mean something.
func (b *Buffer) transit(ticks int64, at time.Duration) time.Duration {
	return at - ticksToDuration(ticks-b.origin, b.clockRate)
}

// delayOf is the delay a frame would have if its playing began at a time.
func (b *Buffer) delayOf(ticks int64, at time.Duration) time.Duration {
	return b.transit(ticks, at) - b.delay.base
}

func (b *Buffer) slotOf(seq int64) *slot { return &b.ring[seq&(ringSize-1)] }

func (b *Buffer) waiting(seq int64) *slot {
	if s := b.slotOf(seq); s.state == slotWaiting && s.seq == seq {
		return s
	}
	return nil
}

// Push takes a packet that arrived at a time. It never keeps more than a fixed
// number of packets.
func (b *Buffer) Push(p Packet, arrival time.Time) {
	if p.ClockRate == 0 {
		p.ClockRate = 48000
	}
	if !p.Redundant && !p.Empty {
		b.stats.Received++
	}
	at := b.since(arrival)
	if !b.open {
		b.begin(p)
	}
	if b.place(p, at) {
		b.stats.Dropped += uint64(b.rivals)
		b.rivals = 0
		return
	}
	if !p.Redundant {
		b.challenge(p, at)
	}
}

// begin starts a time line with a packet.
func (b *Buffer) begin(p Packet) {
	b.open = true
	b.ssrc, b.clockRate = p.SSRC, p.ClockRate
	// Room below, so that numbers stay positive when earlier packets follow.
	b.newestSeq = int64(p.Sequence) + 1<<16
	b.newestTick = int64(p.Timestamp) + 1<<32
	b.origin = b.newestTick
	b.nextSeq, b.nextTicks = b.newestSeq, b.newestTick
	b.frame = int64(p.ClockRate) / 50
	b.delay.restart()
}

// place puts a packet into the ring if it belongs to the time line.
func (b *Buffer) place(p Packet, at time.Duration) bool {
	if p.SSRC != b.ssrc || p.ClockRate != b.clockRate {
		return false
	}
	step := int64(int16(p.Sequence - uint16(b.newestSeq&0xffff)))
	ticks := b.newestTick + int64(int32(p.Timestamp-uint32(b.newestTick&0xffffffff)))
	if step > maxStep || step < -maxStep {
		return false
	}
	transit := b.transit(ticks, at)
	if off := transit - b.delay.base; b.delay.known && (off > maxShift || off < -maxShift) {
		return false
	}
	seq := b.newestSeq + step
	if p.Duration == 0 || int64(p.Duration) > int64(b.clockRate) {
		p.Duration = uint32(b.frame)
	}
	b.insert(slot{packet: p, seq: seq, ticks: ticks, arrival: at, state: slotWaiting})
	return true
}

// insert puts a packet of the time line in its place and learns from it.
func (b *Buffer) insert(n slot) {
	old := b.slotOf(n.seq)
	if old.seq == n.seq && old.state != slotFree {
		b.double(old, n)
		return
	}
	first := !n.packet.Empty
	if n.seq > b.newestSeq || b.newestSeq == n.seq {
		b.newestSeq = n.seq
		if first {
			b.newestTick = n.ticks
			b.frame = int64(n.packet.Duration)
		}
	}
	if first {
		b.learn(n)
	}
	if n.seq < b.nextSeq {
		if b.phase != phaseIdle || b.nextSeq-n.seq > maxStep {
			if first && !n.packet.Redundant {
				b.stats.Late++
			}
			return
		}
		b.nextSeq, b.nextTicks = n.seq, n.ticks
	}
	for n.seq-b.nextSeq >= ringSize {
		b.discardNext()
	}
	*b.slotOf(n.seq) = n
}

// double handles a second copy of a packet.
func (b *Buffer) double(old *slot, n slot) {
	switch {
	case n.packet.Redundant || n.packet.Empty:
	case old.packet.Redundant:
		// The original sounds better than the copy that saved the day.
		if old.state == slotWaiting {
			n.arrival = old.arrival
			*old = n
		}
		old.packet.Redundant = false
	default:
		b.stats.Duplicates++
	}
}

// learn feeds the delay estimation with the arrival of a packet.
func (b *Buffer) learn(n slot) {
	late := b.delay.follow(n.arrival, b.transit(n.ticks, n.arrival))
	b.delay.count(late)
	if n.packet.FEC && n.seq-1 >= b.nextSeq {
		if before := b.slotOf(n.seq - 1); before.seq != n.seq-1 || before.state == slotFree {
			b.delay.count(late + ticksToDuration(int64(n.packet.Duration), b.clockRate))
		}
	}
}

// discardNext throws the packet at the head away, if there is one.
func (b *Buffer) discardNext() {
	if s := b.waiting(b.nextSeq); s != nil {
		s.state = slotDone
		if !s.packet.Empty {
			b.stats.Dropped++
			b.nextTicks = s.ticks + int64(s.packet.Duration)
			b.jumped = true
		}
	}
	b.nextSeq++
}

// rival is a packet that does not fit the time line.
type rival struct {
	packet  Packet
	arrival time.Duration
}

// challenge keeps packets that do not fit until enough of them agree on another
// time line; then they begin it.
func (b *Buffer) challenge(p Packet, at time.Duration) {
	need := resyncPackets
	if p.SSRC != b.ssrc || p.ClockRate != b.clockRate {
		need = resyncStream
	}
	if b.rivals > 0 && !b.rival[b.rivals-1].continues(p, at) {
		b.stats.Dropped += uint64(b.rivals)
		b.rivals = 0
	}
	b.rival[b.rivals] = rival{p, at}
	b.rivals++
	if b.rivals < need {
		return
	}
	b.resync()
}

// continues tells whether a packet goes on where the rival is.
func (r *rival) continues(p Packet, at time.Duration) bool {
	step := p.Sequence - r.packet.Sequence
	if p.SSRC != r.packet.SSRC || p.ClockRate != r.packet.ClockRate || step == 0 || step > 16 {
		return false
	}
	ticks := int64(int32(p.Timestamp - r.packet.Timestamp))
	moved := ticksToDuration(ticks, p.ClockRate) - (at - r.arrival)
	return moved < maxShift && moved > -maxShift
}

// resync begins a new time line with the rivals.
func (b *Buffer) resync() {
	for i := range b.ring {
		if s := &b.ring[i]; s.state == slotWaiting && !s.packet.Empty {
			b.stats.Dropped++
		}
		b.ring[i] = slot{}
	}
	b.stats.Resyncs++
	list, n := b.rival, b.rivals
	b.rivals = 0
	b.begin(list[0].packet)
	if b.phase == phasePlaying || b.phase == phaseGap {
		// What is heard until the new stream is due is a gap.
		b.phase, b.gapDelay, b.gapPlayed = phaseGap, 0, longGap
	}
	b.jumped = true
	for _, r := range list[:n] {
		b.place(r.packet, r.arrival)
	}
}
