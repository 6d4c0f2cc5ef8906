package jitter

import "time"

const (
	// A gap longer than this has faded: what follows starts anew, at the target.
	longGap = 120 * time.Millisecond

	// The delay may be so far under or over the target before audio is stretched.
	underTarget = 5 * time.Millisecond
	overTarget  = 15 * time.Millisecond
	// A smaller excess that stays is taken back too, when it can be done well.
	overPatience = 4 * time.Second
	overLasting  = 8 * time.Millisecond
)

// Pull decides what to play next. buffered is how much audio the caller has
// still to play before it.
func (b *Buffer) Pull(now time.Time, buffered time.Duration) Decision {
	at := b.since(now) + buffered
	b.delay.update(at)
	s := b.head()
	if s != nil {
		s = b.cut(s, at)
	}
	if b.phase == phasePlaying {
		if d, done := b.goOn(s, at); done {
			return d
		}
	}
	switch b.phase {
	case phaseIdle:
		if s != nil && b.due(s, at) {
			return b.play(s, at)
		}
		return Decision{Action: ActionWait, Duration: b.untilDue(s, at)}
	case phasePause:
		if s != nil && b.due(s, at) {
			b.jumped = true
			return b.play(s, at)
		}
		return Decision{Action: ActionComfort, Duration: b.untilDue(s, at)}
	case phasePlaying, phaseGap:
	}
	return b.bridge(s, at)
}

// head returns the next packet with audio, and passes by numbers that hold none.
func (b *Buffer) head() *slot {
	for seq := b.nextSeq; seq <= b.newestSeq; seq++ {
		s := b.waiting(seq)
		switch {
		case s == nil:
		case !s.packet.Empty:
			return s
		case seq == b.nextSeq:
			s.state = slotDone
			b.nextSeq++
			b.silence = true
		}
	}
	return nil
}

// after returns the next packet with audio behind s.
func (b *Buffer) after(s *slot) *slot {
	for seq := s.seq + 1; seq <= b.newestSeq; seq++ {
		if n := b.waiting(seq); n != nil && !n.packet.Empty {
			return n
		}
	}
	return nil
}

// cut throws packets at the head away while the delay is far over the target
// and there is enough behind them.
func (b *Buffer) cut(s *slot, at time.Duration) *slot {
	if b.delayOf(s.ticks, at) <= b.delay.target+b.excess {
		return s
	}
	for {
		n := b.after(s)
		if n == nil || b.delayOf(n.ticks, at) < b.delay.target {
			return s
		}
		for b.nextSeq < n.seq {
			b.discardNext()
		}
		b.nextTicks = n.ticks
		s = n
	}
}

// due tells whether a frame has waited for the target delay.
func (b *Buffer) due(s *slot, at time.Duration) bool {
	return b.delayOf(s.ticks, at) >= b.delay.target
}

// untilDue is how long to fill up before a frame is due, in one piece of at
// most the interval.
func (b *Buffer) untilDue(s *slot, at time.Duration) time.Duration {
	if s == nil {
		return b.interval
	}
	return min(b.interval, roundUp(b.delay.target-b.delayOf(s.ticks, at)))
}

// roundUp rounds to what decoders can conceal: 2.5 ms.
func roundUp(d time.Duration) time.Duration {
	const unit = 2500 * time.Microsecond
	return max(unit, (d+unit-1)/unit*unit)
}

// goOn plays the frame that follows the last one, or finds out why there is none.
func (b *Buffer) goOn(s *slot, at time.Duration) (Decision, bool) {
	switch {
	case s == nil && b.silence:
		b.phase = phasePause
	case s != nil && s.seq == b.nextSeq && s.ticks-b.nextTicks <= int64(s.packet.Duration)/2:
		return b.play(s, at), true
	case s != nil && s.seq == b.nextSeq:
		// No number is missing, but time is: the sender paused.
		b.phase = phasePause
	default:
		b.phase = phaseGap
		b.gapDelay, b.gapPlayed = b.delayOf(b.nextTicks, at), 0
	}
	return Decision{}, false
}

// bridge fills a gap, and ends it when a frame is there and due.
func (b *Buffer) bridge(s *slot, at time.Duration) Decision {
	if s == nil {
		return b.conceal(b.interval)
	}
	if b.gapPlayed >= longGap {
		if b.due(s, at) {
			b.jumped = true
			return b.play(s, at)
		}
		return b.conceal(b.untilDue(s, at))
	}
	hole := ticksToDuration(s.ticks-b.nextTicks, b.clockRate)
	frame := ticksToDuration(int64(s.packet.Duration), b.clockRate)
	if s.seq == b.nextSeq && hole <= frame/2 {
		// It comes late, but nothing after it was played.
		return b.play(s, at)
	}
	// Within the tolerated range the gap keeps its length; else it is used to
	// move the delay.
	want := b.gapDelay
	if want < b.delay.target-underTarget || want > b.delay.target+overTarget {
		want = b.delay.target
	}
	wait := want - (b.gapDelay + b.gapPlayed - hole)
	if s.packet.FEC && s.seq > b.nextSeq && hole >= frame/2 && (wait <= frame || hole <= frame*3/2) {
		return b.rebuild(s, at)
	}
	if wait <= b.interval/8 {
		b.jumped = b.jumped || hole-b.gapPlayed > b.interval
		return b.play(s, at)
	}
	return b.conceal(min(roundUp(wait), b.interval))
}

func (b *Buffer) conceal(d time.Duration) Decision {
	b.gapPlayed += d
	return Decision{Action: ActionConceal, Duration: d}
}

// rebuild plays the frame before s out of s.
func (b *Buffer) rebuild(s *slot, at time.Duration) Decision {
	b.stats.FEC++
	b.stats.Lost += uint64(s.seq - b.nextSeq)
	d := Decision{
		Action: ActionFEC, Packet: s.packet, Break: b.jumped,
		Duration: ticksToDuration(int64(s.packet.Duration), b.clockRate),
	}
	b.emit(s, at, s.ticks-int64(s.packet.Duration), d.Duration)
	b.wish(&d, s, at)
	b.phase, b.jumped = phasePlaying, false
	b.nextSeq, b.nextTicks = s.seq, s.ticks
	return d
}

// play takes a frame out.
func (b *Buffer) play(s *slot, at time.Duration) Decision {
	if b.phase != phaseIdle && s.seq > b.nextSeq {
		b.stats.Lost += uint64(s.seq - b.nextSeq)
	}
	d := Decision{
		Action: ActionPlay, Packet: s.packet, Break: b.jumped,
		Duration: ticksToDuration(int64(s.packet.Duration), b.clockRate),
	}
	b.emit(s, at, s.ticks, d.Duration)
	b.phase, b.jumped, b.silence = phasePlaying, false, s.packet.Silence
	b.nextSeq, b.nextTicks = s.seq+1, s.ticks+int64(s.packet.Duration)
	b.wish(&d, s, at)
	s.state = slotDone
	s.packet.Payload = nil
	return d
}

// continuing takes the next frame out before its time, if it is there and
// continues the last one.
func (b *Buffer) continuing(now time.Time, buffered time.Duration) (Decision, bool) {
	s := b.waiting(b.nextSeq)
	if s == nil || s.packet.Empty || b.phase != phasePlaying || s.ticks != b.nextTicks {
		return Decision{}, false
	}
	return b.play(s, b.since(now)+buffered), true
}

// emit accounts for a frame that leaves, and follows the delay.
func (b *Buffer) emit(s *slot, at time.Duration, ticks int64, length time.Duration) {
	samples := int64(length) * 48000 / int64(time.Second)
	b.stats.Emitted += uint64(max(0, samples))
	b.stats.Delay += max(0, at-s.arrival) * time.Duration(samples)
	b.stats.TargetTotal += b.delay.target * time.Duration(samples)
	delay := b.delayOf(ticks, at)
	if b.phase == phasePlaying && !b.jumped {
		b.filtered += (delay - b.filtered) / 4
		return
	}
	b.filtered = delay
}

// wish tells which way the length of s should change.
func (b *Buffer) wish(d *Decision, s *slot, at time.Duration) {
	off := b.filtered - b.delay.target
	if off < overLasting {
		b.overSince = at
	}
	switch {
	case off < -underTarget:
		d.Stretch, d.Excess, d.Most = StretchSlower, -off, maxFrameDuration
	case off > overTarget || at-b.overSince > overPatience:
		if b.after(s) == nil && s.packet.Duration < b.clockRate/25 {
			// Nothing is there that could come earlier.
			return
		}
		d.Stretch, d.Excess, d.Most = StretchFaster, off, off+underTarget
	}
}

// Stretched tells that the audio was made longer, or shorter when d is
// negative, on a wish of Pull.
func (b *Buffer) Stretched(d time.Duration) { b.filtered += d }

// Stats returns a snapshot.
func (b *Buffer) Stats() Stats {
	s := b.stats
	s.Target, s.Current = b.delay.target, b.filtered
	for seq := b.nextSeq; b.open && seq <= b.newestSeq; seq++ {
		if b.waiting(seq) != nil {
			s.Buffered++
		}
	}
	return s
}

// Reset forgets all packets, but not the counts and not what was learned of
// the network's jitter.
func (b *Buffer) Reset() {
	clear(b.ring[:])
	b.open, b.rivals, b.phase, b.jumped, b.silence = false, 0, phaseIdle, false, false
}
