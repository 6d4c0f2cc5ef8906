package jitter_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/jitter"
)

func TestPlayer_Duplicates_AreCountedAndPlayedOnce(t *testing.T) {
	v := &voice{frame: 960}
	p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
	now := time.Unix(1, 0)
	frame := make([]int16, 480)
	for i := range 500 {
		q := jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: payloadOf(i)}
		for range 3 {
			p.Push(q, now)
		}
		p.Pull(now, frame)
		p.Pull(now.Add(10*ms), frame)
		now = now.Add(20 * ms)
	}
	s := p.Stats()
	if s.Duplicates != 1000 || s.Late != 0 || s.ConcealedSamples != 0 || s.Received != 1500 {
		t.Errorf("%+v", s)
	}
}

func TestPlayer_NewSSRC_BeginsANewStreamWithoutAWord(t *testing.T) {
	o := simulate(1, network{seconds: 20, delay: gaussian(30*ms, ms), each: func(i int, p *jitter.Packet) bool {
		if i >= 500 {
			p.SSRC = 9
			p.Sequence += 31000
			p.Timestamp += 0x87654321
		}
		return true
	}})
	s := o.stats
	if s.Resyncs != 1 || s.Dropped > 3 || s.ConcealedSamples > 48*60 {
		t.Errorf("%+v", s)
	}
	if last := o.voice.played[len(o.voice.played)-1]; last < 990 {
		t.Errorf("last frame played is %d", last)
	}
}

func TestPlayer_StrayPacket_ChangesNothing(t *testing.T) {
	for name, stray := range map[string]func(*jitter.Packet){
		"other ssrc":      func(p *jitter.Packet) { p.SSRC = 99 },
		"other clock":     func(p *jitter.Packet) { p.ClockRate = 8000 },
		"far number":      func(p *jitter.Packet) { p.Sequence += 20000 },
		"far timestamp":   func(p *jitter.Packet) { p.Timestamp += 48000 * 600 },
		"early timestamp": func(p *jitter.Packet) { p.Timestamp -= 48000 * 600 },
	} {
		t.Run(name, func(t *testing.T) {
			o := simulate(1, network{seconds: 20, delay: constant(30 * ms), each: func(i int, p *jitter.Packet) bool {
				if i%100 == 50 {
					stray(p)
				}
				return true
			}})
			if o.stats.Resyncs != 0 || o.stats.Dropped != 10 {
				t.Errorf("%+v", o.stats)
			}
			// Each stray packet is missing from the stream.
			if want := uint64(10 * 960); o.stats.ConcealedSamples != want {
				t.Errorf("concealed %d, want %d", o.stats.ConcealedSamples, want)
			}
		})
	}
}

func TestPlayer_Jumps_AreSurvived(t *testing.T) {
	tests := map[string]func(p *jitter.Packet){
		"number ahead":            func(p *jitter.Packet) { p.Sequence += 10000 },
		"number back":             func(p *jitter.Packet) { p.Sequence -= 10000 },
		"number a little ahead":   func(p *jitter.Packet) { p.Sequence += 100 },
		"number a little back":    func(p *jitter.Packet) { p.Sequence -= 100 },
		"time ahead":              func(p *jitter.Packet) { p.Timestamp += 48000 * 3600 },
		"time back":               func(p *jitter.Packet) { p.Timestamp -= 48000 * 3600 },
		"time a little ahead":     func(p *jitter.Packet) { p.Timestamp += 48000 / 2 },
		"time a little back":      func(p *jitter.Packet) { p.Timestamp -= 48000 / 2 },
		"time one and a half":     func(p *jitter.Packet) { p.Timestamp += 48000 * 3 / 2 },
		"time one and a half not": func(p *jitter.Packet) { p.Timestamp -= 48000 * 3 / 2 },
		"half the circle":         func(p *jitter.Packet) { p.Timestamp += 1 << 31; p.Sequence += 1 << 15 },
		"clock rate":              func(p *jitter.Packet) { p.ClockRate = 8000; p.Timestamp /= 6; p.Duration /= 6 },
	}
	for name, jump := range tests {
		t.Run(name, func(t *testing.T) {
			o := simulate(1, network{seconds: 30, delay: constant(30 * ms), each: func(i int, p *jitter.Packet) bool {
				if i >= 500 {
					jump(p)
				}
				return true
			}})
			s := o.stats
			// Within a second all is as before.
			if c := float64(s.ConcealedSamples+s.ComfortSamples) / 48000; c > 2.2 {
				t.Errorf("%.2f s made up: %+v", c, s)
			}
			if s.Current > 60*ms || s.Target > 60*ms {
				t.Errorf("at the end current %v, target %v", s.Current, s.Target)
			}
			if last := o.voice.played[len(o.voice.played)-1]; last < 1490 {
				t.Errorf("last frame played is %d", last)
			}
			if s.Dropped+s.Late > 110 {
				t.Errorf("%d late, %d dropped", s.Late, s.Dropped)
			}
		})
	}
}

func TestPlayer_OtherUseOfNumbers_IsNotLoss(t *testing.T) {
	// A telephone event of ten packets stands in place of audio, twice.
	o := simulate(1, network{seconds: 10, delay: constant(30 * ms), each: func(i int, p *jitter.Packet) bool {
		if i%200 >= 100 && i%200 < 110 {
			p.Empty, p.Payload = true, nil
		}
		return true
	}})
	s := o.stats
	if s.Lost != 0 || s.ConcealedSamples != 0 || s.ComfortSamples < 2*8*960 {
		t.Errorf("%+v", s)
	}
}

func TestBuffer_RedundantCopy_FillsTheHole(t *testing.T) {
	v := &voice{frame: 960}
	p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
	now := time.Unix(1, 0)
	frame := make([]int16, 480)
	rng := rand.New(rand.NewPCG(1, 2))
	lost := 0
	for i := range 1500 {
		if rng.Float64() < 0.15 {
			lost++
		} else {
			// RFC 2198: each packet carries the frame before it once more.
			for k := 1; k >= 0; k-- {
				if i-k < 0 {
					continue
				}
				p.Push(jitter.Packet{
					Sequence: uint16(i - k), Timestamp: uint32((i - k) * 960), Payload: payloadOf(i - k), Redundant: k > 0,
				}, now)
			}
		}
		p.Pull(now, frame)
		p.Pull(now.Add(10*ms), frame)
		now = now.Add(20 * ms)
	}
	s := p.Stats()
	if s.Duplicates != 0 {
		t.Errorf("%d copies counted as duplicates", s.Duplicates)
	}
	ratio := float64(s.ConcealedSamples) / float64(s.TotalSamples)
	if ratio > 0.04 {
		t.Errorf("concealed %.3f of a loss of %.3f", ratio, float64(lost)/1500)
	}
}

func TestPlayer_TenTimesTheRate_IsBounded(t *testing.T) {
	for name, make := range map[string]func(i int) jitter.Packet{
		"time runs ten times": func(i int) jitter.Packet {
			return jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: payloadOf(i)}
		},
		"short frames": func(i int) jitter.Packet {
			return jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 96), Duration: 96, Payload: payloadOf(i)}
		},
		"same timestamp": func(i int) jitter.Packet {
			return jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i / 10 * 960), Payload: payloadOf(i)}
		},
		"random numbers": func(i int) jitter.Packet {
			rng := rand.New(rand.NewPCG(uint64(i), 5))
			return jitter.Packet{Sequence: uint16(rng.Uint32()), Timestamp: rng.Uint32(), SSRC: rng.Uint32N(3), Payload: payloadOf(i)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := &voice{frame: 960}
			p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
			now := time.Unix(1, 0)
			frame := []int16{479: 0}
			for i := range 6000 {
				p.Push(make(i), now)
				if i%5 == 4 {
					p.Pull(now, frame)
					now = now.Add(10 * ms)
				}
				if i%10 != 0 {
					continue
				}
				if s := p.Stats(); s.Buffered > 512 || s.Pending > 24000 || s.Target > 500*ms {
					t.Fatalf("%+v", s)
				}
			}
			s := p.Stats()
			if name == "time runs ten times" && (s.Dropped < 5000 || s.Current > 600*ms) {
				t.Errorf("%+v", s)
			}
			if s.TotalSamples != 1200*480 {
				t.Errorf("%d samples", s.TotalSamples)
			}
		})
	}
}

func TestPlayer_Garbage_IsConcealedAndCounted(t *testing.T) {
	o := simulate(1, network{seconds: 30, delay: constant(30 * ms), each: func(i int, p *jitter.Packet) bool {
		if i%10 == 3 {
			p.Payload = []byte{0xff, 1, 2}
		}
		return true
	}})
	s := o.stats
	if s.DecodeErrors == 0 || s.DecodeErrors != uint64(o.voice.broken) {
		t.Errorf("%d errors, %d broken", s.DecodeErrors, o.voice.broken)
	}
	if s.ConcealedSamples != s.DecodeErrors*960 || s.ConcealmentEvents != s.DecodeErrors {
		t.Errorf("%+v", s)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

// odd is a decoder that gives what no decoder should.
type odd struct{ n int }

func (d *odd) Decode(_ []byte, pcm []int16) (int, error) {
	d.n++
	switch d.n % 5 {
	case 0:
		return 0, nil
	case 1:
		return -7, nil
	case 2:
		return len(pcm) + 1, nil
	case 3:
		return 1, nil
	default:
		return len(pcm), nil
	}
}
func (d *odd) DecodeFEC(_ []byte, pcm []int16) (int, error) { return len(pcm) * 2, nil }
func (d *odd) Conceal(pcm []int16) (int, error)             { return len(pcm) / 2, nil }

func TestPlayer_OddDecoder_DoesNoHarm(t *testing.T) {
	for name, d := range map[string]jitter.Decoder{"odd": &odd{}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return d }})
			now := time.Unix(1, 0)
			frame := make([]int16, 480)
			for i := range 2000 {
				if i%7 != 0 {
					p.Push(jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: []byte{1}, FEC: true}, now)
				}
				p.Pull(now, frame)
				p.Pull(now.Add(10*ms), frame)
				now = now.Add(20 * ms)
			}
			if s := p.Stats(); s.TotalSamples != 4000*480 || s.Pending > 24000 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestPlayer_FramesOfAnyLength_AreFilled(t *testing.T) {
	v := &voice{frame: 960}
	p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
	now := time.Unix(1, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	var played int
	for i := 0; i < 2000; {
		n := []int{0, 1, 37, 480, 441, 960, 2880, 5760, 6000}[rng.IntN(9)]
		for ; i*960 <= played+n+960; i++ {
			p.Push(jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: payloadOf(i)}, now.Add(time.Duration(i)*20*ms))
		}
		p.Pull(now.Add(time.Duration(played)*time.Second/48000), make([]int16, n))
		played += n
	}
	s := p.Stats()
	if in, out := s.DecodedSamples+s.ConcealedSamples+s.ComfortSamples+s.WaitSamples+s.InsertedSamplesForDeceleration,
		s.TotalSamples+uint64(s.Pending)+s.RemovedSamplesForAcceleration; in != out {
		t.Errorf("%d in, %d out", in, out)
	}
}

func TestBuffer_Reset_KeepsWhatIsKnownOfTheNetwork(t *testing.T) {
	b := jitter.New(nil)
	now := time.Unix(1, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		b.Push(jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960)}, now.Add(time.Duration(i)*20*ms+time.Duration(rng.Int64N(int64(60*ms)))))
		b.Pull(now.Add(time.Duration(i)*20*ms), 0)
	}
	before := b.Stats()
	b.Reset()
	if s := b.Stats(); s.Buffered != 0 || s.Target != before.Target || s.Target < 50*ms || s.Received != 300 {
		t.Errorf("%+v", s)
	}
	if d := b.Pull(now.Add(7*time.Second), 0); d.Action != jitter.ActionWait {
		t.Errorf("action %v", d.Action)
	}
}

func TestPlayer_PullAndPush_DoNotAllocate(t *testing.T) {
	for name, n := range map[string]func(i int) bool{
		"clean": func(int) bool { return true },
		"lossy": func(i int) bool { return i%7 != 0 },
	} {
		t.Run(name, func(t *testing.T) {
			v := &voice{frame: 960, played: make([]int, 0, 100000)}
			p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
			now := time.Unix(1, 0)
			frame := make([]int16, 480)
			payloads := make([][]byte, 20000)
			for i := range payloads {
				payloads[i] = payloadOf(i)
			}
			i := 0
			step := func() {
				if n(i) {
					late := time.Duration(i*7919%23) * ms
					p.Push(jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: payloads[i], FEC: i%2 == 0}, now.Add(late))
				}
				p.Pull(now, frame)
				p.Pull(now.Add(10*ms), frame)
				now = now.Add(20 * ms)
				i++
			}
			for range 200 {
				step()
			}
			if a := testing.AllocsPerRun(1500, step); a != 0 {
				t.Errorf("%v allocations a packet", a)
			}
		})
	}
}

func TestAction_String(t *testing.T) {
	for a, want := range map[jitter.Action]string{
		jitter.ActionWait: "wait", jitter.ActionPlay: "play", jitter.ActionFEC: "fec",
		jitter.ActionConceal: "conceal", jitter.ActionComfort: "comfort", 99: "unknown",
	} {
		if got := fmt.Sprint(a); got != want {
			t.Errorf("%d is %q", a, got)
		}
	}
}
