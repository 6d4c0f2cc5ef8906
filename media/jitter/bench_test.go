package jitter_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/jitter"
)

// BenchmarkPlayer measures one second of audio, decoding not included.
func BenchmarkPlayer(b *testing.B) {
	for name, n := range map[string]struct {
		jitter time.Duration
		loss   float64
	}{"clean": {}, "jitter20": {jitter: 20 * ms}, "jitter50loss10": {jitter: 50 * ms, loss: 0.1}} {
		b.Run(name, func(b *testing.B) {
			v := &voice{frame: 960}
			p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(uint8) jitter.Decoder { return v }})
			rng := rand.New(rand.NewPCG(1, 2))
			now := time.Unix(1, 0)
			frame := make([]int16, 480)
			var payloads [1500][]byte
			for i := range payloads {
				payloads[i] = payloadOf(i)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				for range 50 {
					if rng.Float64() >= n.loss {
						at := now.Add(time.Duration(max(0, rng.NormFloat64()+3) * float64(n.jitter)))
						p.Push(jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i * 960), Payload: payloads[i%1500]}, at)
					}
					i++
					p.Pull(now, frame)
					p.Pull(now.Add(10*ms), frame)
					now = now.Add(20 * ms)
				}
				v.played = v.played[:0]
			}
		})
	}
}
