package media

import "time"

// tick does what time demands: give up lost packets, jump to a key frame. It
// reports whether a key frame is to be asked for now.
func (b *videoBuffer) tick(now time.Time) (request bool) {
	if !b.gapSince.IsZero() {
		age := now.Sub(b.gapSince)
		if age >= b.keyGrace() && b.jumpToKey(now) {
			age = 0
		}
		if age >= b.lossWait() && !b.gapSince.IsZero() {
			b.giveUp(now)
		}
	}
	return b.request(now)
}

// deadline is when tick wants to be called; false for not at all.
func (b *videoBuffer) deadline(now time.Time) (time.Time, bool) {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if !b.gapSince.IsZero() {
		if grace := b.gapSince.Add(b.keyGrace()); !b.waitKey && grace.After(now) {
			sooner(grace)
		}
		sooner(b.gapSince.Add(b.lossWait()))
	}
	if b.asked && b.wants(now) {
		sooner(b.lastRequest.Add(keyFrameInterval))
	}
	return at, !at.IsZero()
}

// demand is the application's wish for a key frame, though nothing is missing.
// Before a stream has begun, a key frame is its beginning anyway.
func (b *videoBuffer) demand(now time.Time) {
	if b.started {
		b.demanded = now
	}
}

// wants tells whether somebody may be asked for a key frame. A stream that went
// quiet is not asked, but the application's own wish may have been lost: it is
// repeated as long as if a packet had come with it.
func (b *videoBuffer) wants(now time.Time) bool {
	switch {
	case now.Sub(b.lastPush) < quietStream:
		return b.wantRequest || !b.demanded.IsZero()
	case b.demanded.IsZero():
		return false
	default:
		return now.Sub(b.demanded) < quietStream
	}
}

// request limits the rate at which key frames are asked for. While none has
// come the request is repeated.
func (b *videoBuffer) request(now time.Time) bool {
	if !b.wants(now) {
		return false
	}
	if b.asked && now.Sub(b.lastRequest) < keyFrameInterval {
		return false
	}
	b.lastRequest, b.asked = now, true
	b.counts.requests++
	return true
}

// jumpToKey goes on at a whole key frame behind the gap, if there is one: a new
// beginning now is better than the old pictures later.
func (b *videoBuffer) jumpToKey(now time.Time) bool {
	for seq := b.contig + 1; seq <= b.highest; seq++ {
		s := b.slots[seq]
		if s == nil || !s.head.start || !s.head.key {
			continue
		}
		end, whole := b.endOf(seq)
		if !whole {
			continue
		}
		if f, err := b.assemble(seq, end); err != nil || !f.picture.key {
			s.head.key = false // not to be looked at again
			continue
		}
		b.dropBelow(seq)
		b.next, b.contig, b.atStart, b.starting = seq, seq, true, false
		b.gapSince = time.Time{}
		b.advance(now)
		return true
	}
	return false
}

// endOf finds the end of the frame that begins at seq, if all of it is there.
func (b *videoBuffer) endOf(seq int64) (end int64, whole bool) {
	first := b.slots[seq]
	for i := seq; ; i++ {
		s := b.slots[i]
		switch {
		case s == nil:
			return 0, false
		case len(s.packet.Payload) == 0:
			continue
		case s.packet.Timestamp != first.packet.Timestamp:
			return i, true
		case s.packet.Marker:
			return i + 1, true
		}
	}
}

// giveUp drops the frames that the lost packets belong to and goes on at the
// next beginning of a frame. What follows cannot be decoded without a key frame.
func (b *videoBuffer) giveUp(now time.Time) {
	at := b.highest + 1
	known := false
	for seq := b.contig + 1; seq <= b.highest; seq++ {
		s := b.slots[seq]
		if s == nil {
			continue
		}
		previous := b.slots[seq-1]
		follows := previous != nil && len(previous.packet.Payload) > 0 &&
			(previous.packet.Marker || previous.packet.Timestamp != s.packet.Timestamp)
		if s.head.start || follows {
			at, known = seq, true
			break
		}
	}
	b.dropBelow(at)
	b.loseSync(at)
	b.atStart = known
	b.advance(now)
}
