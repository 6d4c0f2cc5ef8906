package media_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

// numbered is a source of made-up VP8 frames that carry their number. It gives a
// key frame first, on request, and never otherwise.
type numbered struct {
	mu       sync.Mutex
	rng      *rand.Rand
	next     uint64
	wantKey  bool
	requests int
	began    time.Time
	bps      int
	interval time.Duration
	size     func(key bool) int
}

func newNumbered(seed uint64) *numbered {
	n := &numbered{rng: rand.New(rand.NewPCG(seed, 2)), wantKey: true, interval: 33 * time.Millisecond}
	n.size = func(key bool) int {
		if key {
			return 5000 + n.rng.IntN(20000)
		}
		return 50 + n.rng.IntN(4000)
	}
	return n
}

func (n *numbered) ReadVideo(ctx context.Context) (media.EncodedFrame, error) {
	select {
	case <-ctx.Done():
		return media.EncodedFrame{}, ctx.Err()
	case <-time.After(n.interval):
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.began.IsZero() {
		n.began = time.Now()
	}
	key := n.wantKey
	n.wantKey = false
	data := make([]byte, max(n.size(key), 20))
	copy(data, []byte{1, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0})
	if key {
		data[0] = 0
	}
	binary.BigEndian.PutUint64(data[10:], n.next)
	n.next++
	return media.EncodedFrame{Codec: "VP8", Data: data, KeyFrame: key, Timestamp: time.Since(n.began)}, nil
}

func (n *numbered) RequestKeyFrame() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wantKey = true
	n.requests++
}

func (n *numbered) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests
}

// number is that of a frame of a numbered source.
func number(f media.EncodedFrame) uint64 { return binary.BigEndian.Uint64(f.Data[10:]) }

func (n *numbered) SetTargetBitrate(bps int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bps = bps
}

func (n *numbered) Codec() string { return "VP8" }

// TestVideo_RandomNetwork_OnlyDecodableFramesComeOut runs the whole path over
// networks that lose, double, reorder and repair, and checks that each frame
// given out is a key frame or follows the frame given out before.
func TestVideo_RandomNetwork_OnlyDecodableFramesComeOut(t *testing.T) {
	testkit.CheckLeaks(t, time.Hour)
	testkit.Repeat(t, 100, 20000, func(seed uint64) error {
		var failure error
		synctest.Test(t, func(t *testing.T) { failure = randomNetwork(t, seed) })
		return failure
	})
}

func randomNetwork(t *testing.T, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 3))
	loss, double, repair := rng.Float64()*rng.Float64()*0.4, rng.Float64()*0.2, rng.Float64()
	jitter := 1 + rng.IntN(60)
	rtt := 1 + rng.IntN(300)
	var mu sync.Mutex
	source := newNumbered(seed)
	c := newPath(t, source, func(p *packet.Packet, pass func(*packet.Packet)) {
		mu.Lock()
		defer mu.Unlock()
		delay := time.Duration(rng.IntN(jitter)) * time.Millisecond
		if rng.Float64() < double {
			q := *p
			time.AfterFunc(delay+time.Duration(rng.IntN(100))*time.Millisecond, func() { pass(&q) })
		}
		if rng.Float64() < loss {
			if rng.Float64() > repair {
				return
			}
			delay += time.Duration(rtt) * time.Millisecond
		}
		time.AfterFunc(delay, func() { pass(p) })
	})
	c.receiver.SetRoundTripTime(time.Duration(rtt) * time.Millisecond)
	time.Sleep(8 * time.Second)
	// A clean end: the picture must come back.
	mu.Lock()
	loss = 0
	mu.Unlock()
	time.Sleep(3 * time.Second)
	c.close()
	time.Sleep(2 * time.Second)

	frames := c.sink.all()
	last := uint64(0)
	for i, f := range frames {
		number := number(f)
		if i == 0 && !f.KeyFrame {
			return fmt.Errorf("begins with frame %d, which is no key frame", number)
		}
		if i > 0 && number <= last {
			return fmt.Errorf("frame %d after frame %d", number, last)
		}
		if i > 0 && !f.KeyFrame && number != last+1 {
			return fmt.Errorf("frame %d after frame %d cannot be decoded", number, last)
		}
		last = number
	}
	if sent := c.sender.Stats().FramesSent; last+20 < sent {
		return fmt.Errorf("frame %d of %d was the last: the picture did not come back: %+v", last, sent, c.receiver.Stats())
	}
	for i := 1; i < len(c.asked()); i++ {
		if c.asked()[i].Sub(c.asked()[i-1]) < 300*time.Millisecond {
			return fmt.Errorf("two requests within 300 ms")
		}
	}
	return nil
}

// TestVideo_HostilePackets_NothingBreaks feeds what no sender would send.
func TestVideo_HostilePackets_NothingBreaks(t *testing.T) {
	testkit.CheckLeaks(t, time.Hour)
	testkit.Repeat(t, 200, 20000, func(seed uint64) error {
		var failure error
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 4))
			sink := &frameLog{}
			receiver, err := media.NewVideoReceiver(&media.VideoReceiverOptions{Codecs: videoCodecs, Sink: sink})
			if err != nil {
				t.Fatal(err)
			}
			sequence := uint16(rng.Uint32())
			for range 300 {
				switch rng.IntN(10) {
				case 0:
					sequence = uint16(rng.Uint32())
				case 1:
					sequence -= uint16(rng.IntN(10))
				default:
					sequence++
				}
				payload := make([]byte, rng.IntN(60))
				for i := range payload {
					payload[i] = byte(rng.Uint32())
				}
				if len(payload) > 0 && rng.IntN(2) == 0 {
					payload[0] = []byte{0x10, 0x90, 0x08, 0x67, 0x7c, 0x78, 0x80}[rng.IntN(7)]
				}
				receiver.Push(&packet.Packet{
					PayloadType: 95 + uint8(rng.IntN(6)), SequenceNumber: sequence, Timestamp: uint32(rng.IntN(5)) * 3000,
					SSRC: uint32(rng.IntN(20) / 19), Marker: rng.IntN(4) == 0, Payload: payload,
				})
				if rng.IntN(20) == 0 {
					time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
				}
				switch rng.IntN(100) {
				case 0:
					receiver.Reset()
				case 1:
					receiver.SetSink(nil)
				case 2:
					receiver.SetSink(sink)
				}
			}
			receiver.Push(nil)
			time.Sleep(time.Second)
			receiver.Close()
			<-receiver.Done()
			if s := receiver.Stats(); s.FramesDecoded != uint64(len(sink.all())) || s.FramesDecoded > s.FramesReceived {
				failure = fmt.Errorf("%+v", s)
			}
		})
		return failure
	})
}
