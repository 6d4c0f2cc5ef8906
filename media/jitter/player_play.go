package jitter

import (
	"math"
	"time"

	"github.com/parley-rtc/parley/media/stretch"
)

// play decodes a frame, joins it to what was played before and stretches it.
func (p *Player) play(now time.Time, d Decision) {
	next := p.choose(d.Packet.PayloadType)
	fresh := next != p.decoder
	p.decoder = next
	n := p.decode(d)
	if n == 0 {
		p.concealed(samplesOf(d.Duration))
		return
	}
	p.stats.DecodedSamples += uint64(n)
	out := p.room(n)
	p.join(out, p.scratch[:n], fresh || d.Break)
	start := p.end
	p.end += n
	p.concealing, p.pausing = false, false
	if d.Packet.Silence {
		p.pauseLevel = rootMeanSquare(p.scratch[:n])
	}
	p.fit(now, d, start)
}

// decode decodes into scratch and returns the number of samples, 0 if that failed.
func (p *Player) decode(d Decision) int {
	if p.decoder == nil {
		p.stats.DecodeErrors++
		return 0
	}
	var n int
	var err error
	if d.Action == ActionFEC {
		want := min(maxFrame, samplesOf(d.Duration))
		n, err = p.decoder.DecodeFEC(d.Packet.Payload, p.scratch[:want])
	} else {
		n, err = p.decoder.Decode(d.Packet.Payload, p.scratch[:])
	}
	if err != nil || n < 0 || n > maxFrame {
		p.stats.DecodeErrors++
		return 0
	}
	if n == 0 && d.Action == ActionPlay {
		p.stats.DecodeErrors++
	}
	return n
}

// join appends new samples. At a seam the old sound goes on for a moment under
// the new one.
func (p *Player) join(out, fresh []int16, seam bool) {
	copy(out, fresh)
	n := min(joint, len(fresh))
	switch {
	case p.concealing && p.ours:
	case p.concealing && p.made >= fadeBegin, p.pausing, seam:
		p.recall()
	default:
		return
	}
	var old [joint]int16
	p.lost.Conceal(old[:n])
	p.stretch.CrossFade(out[:n], old[:n], fresh[:n])
}

// fit stretches what is pending when the buffer wishes it.
func (p *Player) fit(now time.Time, d Decision, start int) {
	switch d.Stretch {
	case StretchFaster:
		p.faster(now, d)
	case StretchSlower:
		n := p.stretch.Decelerate(p.pcm[:], start, p.end, threshold(d.Excess))
		p.end += n
		p.stats.InsertedSamplesForDeceleration += uint64(n)
		p.buffer.Stretched(time.Duration(n) * time.Second / sampleRate)
	}
}

// faster takes a period out of what is pending.
func (p *Player) faster(now time.Time, d Decision) {
	content := p.pcm[p.played:p.end]
	if len(content) < 2*stretch.MaxPeriod && d.Packet.Payload != nil {
		// Low voices need more to be seen; the next frame is there.
		if more, ok := p.buffer.continuing(now, p.pending()); ok {
			more.Stretch = 0
			p.play(now, more)
			content = p.pcm[p.played:p.end]
		}
	}
	n := p.stretch.Accelerate(content, int(d.Most*sampleRate/time.Second), threshold(d.Excess))
	p.end -= n
	p.stats.RemovedSamplesForAcceleration += uint64(n)
	p.buffer.Stretched(-time.Duration(n) * time.Second / sampleRate)
}

// threshold is how alike two pieces must be to be joined: the farther the delay
// is off, the less.
func threshold(excess time.Duration) float64 {
	t := 0.9 - 0.005*float64(excess/time.Millisecond)
	return max(-1, t)
}

// concealed appends n made-up samples.
func (p *Player) concealed(n int) {
	out := p.room(n)
	n = len(out)
	if !p.concealing {
		p.concealing, p.made, p.ours = true, 0, false
		p.stats.ConcealmentEvents++
	}
	if p.ours || !p.byDecoder(out) {
		if !p.ours {
			p.ours = true
			p.recall()
		}
		p.lost.Conceal(out)
	} else {
		p.fadeOut(out)
	}
	p.made += n
	p.end += n
	p.stats.ConcealedSamples += uint64(n)
	if rootMeanSquare(out) < math.Sqrt(silentPower) {
		p.stats.SilentConcealedSamples += uint64(n)
	}
}

// recall shows the concealment what was heard last.
func (p *Player) recall() {
	copy(p.past[:], p.pcm[p.end-history:p.end])
	p.lost.Good(p.past[:])
}

// byDecoder asks the decoder to make up samples.
func (p *Player) byDecoder(out []int16) bool {
	if p.decoder == nil {
		return false
	}
	n, err := p.decoder.Conceal(out)
	return err == nil && n == len(out)
}

// fadeOut takes the level of a long concealment down; decoders do it at
// different speeds, some never.
func (p *Player) fadeOut(out []int16) {
	if p.made+len(out) <= fadeBegin {
		return
	}
	for i, v := range out {
		at := p.made + i
		switch {
		case at >= fadeEnd:
			out[i] = 0
		case at > fadeBegin:
			out[i] = int16(int(v) * (fadeEnd - at) / (fadeEnd - fadeBegin))
		}
	}
}

// comfort appends n samples of the background during a pause.
func (p *Player) comfort(n int) {
	out := p.room(n)
	n = len(out)
	if !p.byDecoder(out) {
		p.noise.Next(out, p.pauseLevel)
	}
	if p.concealing || !p.pausing {
		p.concealing, p.pausing = false, true
	}
	p.end += n
	p.stats.ComfortSamples += uint64(n)
}

// wait appends n samples of silence.
func (p *Player) wait(n int) {
	out := p.room(n)
	clear(out)
	p.end += len(out)
	p.stats.WaitSamples += uint64(len(out))
}

func rootMeanSquare(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}
