package jitter_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/media/jitter"
)

// operations turns bytes into calls. Each operation is one byte of kind and
// three of arguments.
func operations(t *testing.T, data []byte) {
	v := &voice{frame: 960}
	p := jitter.NewPlayer(&jitter.PlayerOptions{Decoder: func(payloadType uint8) jitter.Decoder {
		if payloadType == 13 {
			return nil
		}
		return v
	}})
	now := time.Unix(1000, 0)
	q := jitter.Packet{Sequence: 100, Timestamp: 5000}
	index, pulled := 0, uint64(0)
	var frame [6000]int16
	for ; len(data) >= 4; data = data[4:] {
		kind, a, b, c := data[0], int(data[1]), int(data[2]), int(data[3])
		switch kind % 8 {
		case 0, 1: // the next packet, with some loss and lateness
			q.Sequence += uint16(1 + a%4)
			q.Timestamp += uint32((1 + a%4) * 960)
			index++
			n := q
			n.Payload, n.FEC, n.Silence = payloadOf(index), b&1 != 0, b&2 != 0
			n.Empty, n.Redundant = b&4 != 0, b&8 != 0
			p.Push(n, now.Add(time.Duration(int8(c))*time.Millisecond))
		case 2: // any packet around the present one
			n := q
			n.Sequence += uint16(int8(a))
			n.Timestamp += uint32(int(int8(a)) * 960)
			index++
			n.Payload = payloadOf(index)
			p.Push(n, now)
		case 3: // another time line
			q.Sequence += uint16(a << 8)
			q.Timestamp += uint32(b<<24 | c<<16)
		case 4:
			q.SSRC, q.PayloadType = uint32(a%3), uint8(b%20)
			q.ClockRate = []uint32{0, 8000, 48000, 1, 90000, 0xffffffff}[c%6]
		case 5:
			q.Duration = uint32(a<<24 | b<<8 | c)
		case 6:
			now = now.Add(time.Duration(int16(a<<8|b)) * time.Millisecond)
		case 7:
			n := 480
			if c&1 != 0 {
				n = a<<4 + b
			}
			p.Pull(now, frame[:n])
			pulled += uint64(min(n, 5760))
			now = now.Add(10 * time.Millisecond)
		}
	}
	s := p.Stats()
	if s.TotalSamples != pulled {
		t.Fatalf("%d samples, %d were pulled", s.TotalSamples, pulled)
	}
	in := s.DecodedSamples + s.ConcealedSamples + s.ComfortSamples + s.WaitSamples + s.InsertedSamplesForDeceleration
	if out := s.TotalSamples + uint64(s.Pending) + s.RemovedSamplesForAcceleration; in != out {
		t.Fatalf("%d samples in, %d out", in, out)
	}
	if s.Buffered > 512 || s.Pending > 30000 || s.Target > 500*time.Millisecond || s.Target < 20*time.Millisecond {
		t.Fatalf("%+v", s)
	}
}

func FuzzPlayer(f *testing.F) {
	f.Add([]byte{})
	var call []byte
	for i := range 60 {
		call = append(call, 0, 0, byte(i%3), byte(i*37%40), 7, 0, 0, 0, 7, 0, 0, 0)
	}
	f.Add(call)
	f.Fuzz(operations)
}
