package jitter

import (
	"time"

	"github.com/parley-rtc/parley/media/conceal"
	"github.com/parley-rtc/parley/media/stretch"
)

const (
	sampleRate = 48000
	// maxFrame is the longest frame a payload may hold: 120 ms.
	maxFrame         = sampleRate / 1000 * 120
	maxFrameDuration = 120 * time.Millisecond
	// history is what is kept of the samples already played: what concealment looks at.
	history = sampleRate / 1000 * 50
	// ahead is how much is decoded before its time at most: the rest of a frame,
	// another one, and what stretching adds.
	ahead = 2*maxFrame + 2*stretch.MaxPeriod
	// plcUnit is the smallest piece that decoders conceal.
	plcUnit = 120
	// joint is the length of the cross-fade at seams: 5 ms.
	joint = 240

	// maxSteps bounds the decisions of one Pull against payloads that hold nothing.
	maxSteps = 64
	// Concealment by a decoder is faded out between these, in samples.
	fadeBegin = sampleRate / 1000 * 100
	fadeEnd   = sampleRate / 1000 * 200
	// silentPower is the mean square below which concealment counts as silent: -66 dBov.
	silentPower = 16 * 16
)

// Decoder is what a Player asks of a codec. All samples are 48 kHz mono.
type Decoder interface {
	// Decode decodes a payload into pcm and returns the number of samples.
	Decode(payload []byte, pcm []int16) (int, error)
	// DecodeFEC rebuilds the len(pcm) samples before the payload next; it
	// returns 0 if it cannot.
	DecodeFEC(next []byte, pcm []int16) (int, error)
	// Conceal makes up len(pcm) samples, a multiple of 2.5 ms. A decoder that
	// cannot returns 0; the Player does it then.
	Conceal(pcm []int16) (int, error)
}

// PlayerOptions configures a Player.
type PlayerOptions struct {
	// Buffer configures the Buffer inside.
	Buffer Options
	// Decoder returns the decoder of a payload type, nil if there is none. The
	// Player does not close it. Required.
	Decoder func(payloadType uint8) Decoder
}

// PlayerStats is a snapshot of a Player; sample counts are at 48 kHz and named
// as in webrtc-stats.
type PlayerStats struct {
	Stats
	// DecodeErrors counts payloads that could not be decoded.
	DecodeErrors uint64
	// TotalSamples counts samples that Pull gave.
	TotalSamples uint64
	// DecodedSamples counts samples out of payloads, redundancy included.
	DecodedSamples uint64
	// ConcealedSamples counts made-up samples, SilentConcealedSamples those of
	// them that are silent, ConcealmentEvents their runs.
	ConcealedSamples, SilentConcealedSamples, ConcealmentEvents uint64
	// ComfortSamples counts samples of pauses that the sender meant.
	ComfortSamples uint64
	// WaitSamples counts samples of silence before the first packet.
	WaitSamples uint64
	// InsertedSamplesForDeceleration and RemovedSamplesForAcceleration count stretching.
	InsertedSamplesForDeceleration, RemovedSamplesForAcceleration uint64
	// Pending is how many samples are decoded and not played yet.
	Pending int
}

// Player turns packets into an even stream of samples. See the package comment.
type Player struct {
	buffer  *Buffer
	choose  func(uint8) Decoder
	stretch *stretch.Stretcher
	lost    *conceal.Concealer
	noise   *stretch.Noise
	stats   PlayerStats

	// pcm[:played] is what was played, pcm[played:end] what is still to play.
	pcm         [history + ahead + 4*maxFrame]int16
	played, end int

	decoder Decoder
	scratch [maxFrame]int16
	past    [history]int16

	concealing bool
	made       int  // samples of this concealment so far
	ours       bool // made by lost, not by the decoder
	pausing    bool
	pauseLevel float64
}

// NewPlayer makes a Player.
func NewPlayer(options *PlayerOptions) *Player {
	p := &Player{
		buffer: New(&options.Buffer), choose: options.Decoder,
		stretch: stretch.NewStretcher(), lost: conceal.New(sampleRate), noise: stretch.NewNoise(),
	}
	p.played, p.end = history, history
	return p
}

// Push takes a packet that arrived at a time.
func (p *Player) Push(packet Packet, arrival time.Time) { p.buffer.Push(packet, arrival) }

// Pull fills frame, at most 120 ms, with the samples to be played from now on.
func (p *Player) Pull(now time.Time, frame []int16) {
	need := min(len(frame), maxFrame)
	p.compact()
	for steps := 0; p.end-p.played < need; steps++ {
		if steps >= maxSteps {
			p.concealed(plcUnit * 4)
			continue
		}
		p.step(now)
	}
	copy(frame, p.pcm[p.played:p.played+need])
	clear(frame[need:])
	p.played += need
	p.stats.TotalSamples += uint64(need)
}

// compact moves the content to the front when the room behind it gets short.
func (p *Player) compact() {
	if len(p.pcm)-p.end > ahead+2*maxFrame {
		return
	}
	from := p.played - history
	copy(p.pcm[:], p.pcm[from:p.end])
	p.end -= from
	p.played = history
}

// pending is the playing time of what is decoded.
func (p *Player) pending() time.Duration {
	return time.Duration(p.end-p.played) * time.Second / sampleRate
}

// step carries out one decision.
func (p *Player) step(now time.Time) {
	d := p.buffer.Pull(now, p.pending())
	switch d.Action {
	case ActionPlay, ActionFEC:
		p.play(now, d)
	case ActionConceal:
		p.concealed(samplesOf(d.Duration))
	case ActionComfort:
		p.comfort(samplesOf(d.Duration))
	case ActionWait:
		p.wait(samplesOf(d.Duration))
	}
}

// samplesOf rounds a duration to samples, up to what decoders can conceal.
func samplesOf(d time.Duration) int {
	n := int((d*sampleRate + time.Second - 1) / time.Second)
	n = (n + plcUnit - 1) / plcUnit * plcUnit
	return max(plcUnit, min(maxFrame, n))
}

// room returns where the next n samples go; there is always enough.
func (p *Player) room(n int) []int16 {
	if len(p.pcm)-p.end < n {
		// Only reached when a caller pulls more than it was made for.
		from := p.played - history
		copy(p.pcm[:], p.pcm[from:p.end])
		p.end -= from
		p.played = history
	}
	n = min(n, len(p.pcm)-p.end)
	return p.pcm[p.end : p.end+n]
}

// Stats returns a snapshot.
func (p *Player) Stats() PlayerStats {
	s := p.stats
	s.Stats = p.buffer.Stats()
	s.Pending = p.end - p.played
	return s
}
