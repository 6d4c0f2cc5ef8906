package jitter_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/parley-rtc/parley/media/jitter"
)

// voice is a decoder whose payloads name the frame, so that tests can tell
// what was played. It speaks with a pitch of 125 Hz, and pauses between "words".
type voice struct {
	frame  int // samples a payload holds
	played []int
	fec    int
	broken int
}

var errGarbage = errors.New("voice: garbage")

func payloadOf(index int) []byte {
	return binary.BigEndian.AppendUint32([]byte("V"), uint32(index))
}

func (v *voice) Decode(payload []byte, pcm []int16) (int, error) {
	if len(payload) != 5 || payload[0] != 'V' {
		v.broken++
		return 0, errGarbage
	}
	index := int(binary.BigEndian.Uint32(payload[1:]))
	v.played = append(v.played, index)
	v.speak(index*v.frame, pcm[:v.frame])
	return v.frame, nil
}

func (v *voice) speak(from int, pcm []int16) {
	for i := range pcm {
		pcm[i] = voiceSample(from + i)
	}
}

// The voice repeats itself after one word of 0.6 s, which is 75 periods.
var word = func() (w [28800]int16) {
	for n := range w {
		t := float64(n) / 48000
		loud := 0.5 - 0.5*math.Cos(2*math.Pi*t/0.6)
		var s float64
		for h := 1.0; h <= 12; h++ {
			s += math.Sin(2*math.Pi*125*h*t+h*h) / h
		}
		w[n] = int16(4000 * loud * s)
	}
	return w
}()

func voiceSample(n int) int16 { return word[n%len(word)] }

func (v *voice) DecodeFEC(next []byte, pcm []int16) (int, error) {
	if len(next) != 5 || next[0] != 'V' {
		return 0, errGarbage
	}
	v.fec++
	v.speak((int(binary.BigEndian.Uint32(next[1:]))-1)*v.frame, pcm)
	return len(pcm), nil
}

func (v *voice) Conceal(pcm []int16) (int, error) {
	clear(pcm)
	return len(pcm), nil
}

// network is a path with a sender at its far end.
type network struct {
	seconds float64
	// delay is the time on the way of the i-th packet, sent at a time; lost if negative.
	delay func(rng *rand.Rand, i int, sent time.Duration) time.Duration
	// drift of the sender's clock in ppm: positive is fast.
	drift float64
	frame time.Duration
	// firstSequence and firstTimestamp are where the numbers start.
	firstSequence  uint16
	firstTimestamp uint32
	fec            bool
	ordered        bool
	// each looks at a packet before it is pushed; false drops it without a trace.
	each func(i int, p *jitter.Packet) bool
	// jitterOfPull is the lateness of the calls to Pull.
	jitterOfPull func(rng *rand.Rand) time.Duration
	options      jitter.Options
	// warm is how long to play before the figures of the outcome begin.
	warm float64
}

// outcome is what a simulation showed.
type outcome struct {
	stats    jitter.PlayerStats
	before   jitter.PlayerStats // at the end of the warm-up
	sent     int
	lost     int
	targets  []time.Duration
	currents []time.Duration
	worst    time.Duration
	pcm      []int16
	voice    *voice
}

type arrivalEvent struct {
	at     time.Duration
	packet jitter.Packet
}

func constant(d time.Duration) func(*rand.Rand, int, time.Duration) time.Duration {
	return func(*rand.Rand, int, time.Duration) time.Duration { return d }
}

func gaussian(mean, sigma time.Duration) func(*rand.Rand, int, time.Duration) time.Duration {
	return func(rng *rand.Rand, _ int, _ time.Duration) time.Duration {
		return max(0, mean+time.Duration(rng.NormFloat64()*float64(sigma)))
	}
}

func lossy(p float64, f func(*rand.Rand, int, time.Duration) time.Duration) func(*rand.Rand, int, time.Duration) time.Duration {
	return func(rng *rand.Rand, i int, sent time.Duration) time.Duration {
		d := f(rng, i, sent)
		if rng.Float64() < p {
			return -1
		}
		return d
	}
}

// arrivals lists the packets in the order in which they arrive.
func (n *network) arrivals(rng *rand.Rand, o *outcome) []arrivalEvent {
	ticks := int(n.frame * 48000 / time.Second)
	step := time.Duration(float64(n.frame) / (1 + n.drift/1e6))
	var events []arrivalEvent
	var last time.Duration
	for i := 0; ; i++ {
		sent := time.Duration(i) * step
		if sent.Seconds() > n.seconds {
			break
		}
		p := jitter.Packet{
			Sequence: n.firstSequence + uint16(i), Timestamp: n.firstTimestamp + uint32(i*ticks),
			Duration: uint32(ticks), Payload: payloadOf(i), FEC: n.fec,
		}
		if n.each != nil && !n.each(i, &p) {
			continue
		}
		o.sent++
		d := n.delay(rng, i, sent)
		if d < 0 {
			o.lost++
			continue
		}
		at := sent + d
		if n.ordered {
			at = max(at, last)
			last = at
		}
		events = append(events, arrivalEvent{at, p})
	}
	sort.SliceStable(events, func(a, b int) bool { return events[a].at < events[b].at })
	return events
}

// simulate plays what comes over a network.
func simulate(seed uint64, n network) outcome {
	rng := rand.New(rand.NewPCG(seed, 1))
	if n.frame == 0 {
		n.frame = 20 * time.Millisecond
	}
	o := outcome{voice: &voice{frame: int(n.frame * 48000 / time.Second)}}
	events := n.arrivals(rng, &o)
	player := jitter.NewPlayer(&jitter.PlayerOptions{
		Buffer: n.options, Decoder: func(uint8) jitter.Decoder { return o.voice },
	})
	epoch := time.Unix(1_700_000_000, 0)
	// Where the pulls lie between the packets must not matter.
	phase := time.Duration(rng.Int64N(int64(10 * time.Millisecond)))
	frame := make([]int16, 480)
	for due := phase; due.Seconds() < n.seconds; due += 10 * time.Millisecond {
		now := due
		if n.jitterOfPull != nil {
			now += n.jitterOfPull(rng)
		}
		for len(events) > 0 && events[0].at <= now {
			player.Push(events[0].packet, epoch.Add(events[0].at))
			events = events[1:]
		}
		player.Pull(epoch.Add(now), frame)
		o.pcm = append(o.pcm, frame...)
		s := player.Stats()
		if due.Seconds() < n.warm {
			o.before = s
			continue
		}
		o.targets = append(o.targets, s.Target)
		o.currents = append(o.currents, s.Current)
		o.worst = max(o.worst, s.Current)
	}
	o.stats = player.Stats()
	return o
}

func mean(list []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range list {
		sum += d
	}
	return sum / time.Duration(max(1, len(list)))
}

// concealed is the share of samples made up after the warm-up.
func (o *outcome) concealed() float64 {
	return float64(o.stats.ConcealedSamples-o.before.ConcealedSamples) /
		float64(o.stats.TotalSamples-o.before.TotalSamples)
}

// meanDelay is the time that a sample spent in the buffer after the warm-up.
func (o *outcome) meanDelay() time.Duration {
	n := o.stats.Emitted - o.before.Emitted
	return (o.stats.Delay - o.before.Delay) / time.Duration(max(1, n))
}
