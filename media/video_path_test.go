package media_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

var videoCodecs = []packet.Codec{
	{Name: "VP8", PayloadType: 96, ClockRate: 90000},
	{Name: "H264", PayloadType: 97, ClockRate: 90000},
	{Name: "VP9", PayloadType: 98, ClockRate: 90000},
	{Name: "AV1", PayloadType: 99, ClockRate: 90000},
}

// frameLog is a sink that keeps what it gets.
type frameLog struct {
	mu     sync.Mutex
	frames []media.EncodedFrame
	times  []time.Time
	err    error
}

func (l *frameLog) WriteVideo(f media.EncodedFrame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = append(l.frames, f)
	l.times = append(l.times, time.Now())
	return l.err
}

func (l *frameLog) all() []media.EncodedFrame {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]media.EncodedFrame(nil), l.frames...)
}

func sampleVideo(t testing.TB, once bool) *media.VideoFile {
	t.Helper()
	file, err := media.NewVideoFile(samples.VideoName, samples.Video(), &media.VideoFileOptions{Once: once})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// allFrames reads a file to its end without waiting for its clock.
func allFrames(t testing.TB, name string, data []byte) []media.EncodedFrame {
	t.Helper()
	var frames []media.EncodedFrame
	run := func() {
		file, err := media.NewVideoFile(name, data, &media.VideoFileOptions{Once: true})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for {
			f, err := file.ReadVideo(context.Background())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			frames = append(frames, f)
		}
	}
	if tt, ok := t.(*testing.T); ok {
		synctest.Test(tt, func(*testing.T) { run() })
	} else {
		run()
	}
	return frames
}

// path is a sender and a receiver with something in between.
type path struct {
	sender   *media.VideoSender
	receiver *media.VideoReceiver
	sink     *frameLog
	mu       sync.Mutex
	requests []time.Time
}

// asked lists when key frames were asked for.
func (c *path) asked() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Time(nil), c.requests...)
}

// newPath connects a source to a log. through gets every packet and passes on what
// it likes; it is called from the sender's goroutine.
func newPath(t *testing.T, source media.VideoSource, through func(p *packet.Packet, pass func(*packet.Packet))) *path {
	t.Helper()
	c := &path{sink: &frameLog{}}
	var err error
	c.receiver, err = media.NewVideoReceiver(&media.VideoReceiverOptions{
		Codecs: videoCodecs, Sink: c.sink,
		RequestKeyFrame: func() {
			c.mu.Lock()
			c.requests = append(c.requests, time.Now())
			c.mu.Unlock()
			go func() {
				time.Sleep(25 * time.Millisecond)
				c.sender.KeyFrameRequested()
			}()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.sender, err = media.NewVideoSender(&media.VideoSenderOptions{
		Codecs: videoCodecs, Source: source, Inactive: true, // until c.sender is set
		Send: func(p *packet.Packet) error {
			if through == nil {
				c.receiver.Push(p)
				return nil
			}
			through(p, c.receiver.Push)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.sender.SetActive(true)
	return c
}

func (c *path) close() {
	c.sender.Close()
	<-c.sender.Done()
	c.receiver.Close()
	<-c.receiver.Done()
}

func TestVideo_CleanPath_EveryFrameArrivesUnchanged(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	want := allFrames(t, samples.VideoName, samples.Video())
	synctest.Test(t, func(t *testing.T) {
		c := newPath(t, sampleVideo(t, true), nil)
		time.Sleep(7 * time.Second)
		c.close()
		got := c.sink.all()
		if len(got) != len(want) {
			t.Fatalf("%d frames arrived, want %d", len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i].Data, want[i].Data) || got[i].KeyFrame != want[i].KeyFrame {
				t.Fatalf("frame %d differs", i)
			}
			if d := got[i].Timestamp - want[i].Timestamp; d.Abs() > time.Millisecond {
				t.Fatalf("frame %d: time %v, want %v", i, got[i].Timestamp, want[i].Timestamp)
			}
			if got[i].Width != 320 || got[i].Height != 240 || got[i].Codec != "VP8" {
				t.Fatalf("frame %d: %+v", i, got[i])
			}
		}
		s := c.receiver.Stats()
		if s.FramesDecoded != uint64(len(want)) || s.KeyFramesDecoded != 3 || s.FreezeCount != 0 || s.PLICount != 0 ||
			s.FramesDropped != 0 || s.FramesReceived != s.FramesDecoded || s.PacketsDiscarded != 0 {
			t.Errorf("receiver: %+v", s)
		}
		out := c.sender.Stats()
		if out.FramesSent != uint64(len(want)) || out.KeyFramesSent != 3 || out.PacketsSent != s.PacketsReceived ||
			out.BytesSent != s.BytesReceived || out.FrameWidth != 320 || out.SendErrors != 0 || out.Codec != "VP8" {
			t.Errorf("sender: %+v", out)
		}
	})
}

func TestVideo_LostPacketRepairedAfter80ms_NothingIsMissing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := newPath(t, sampleVideo(t, true), func(p *packet.Packet, pass func(*packet.Packet)) {
			if n++; n%17 == 0 {
				time.AfterFunc(80*time.Millisecond, func() { pass(p) })
				return
			}
			pass(p)
		})
		time.Sleep(7 * time.Second)
		c.close()
		s := c.receiver.Stats()
		if s.FramesDecoded != 150 || s.FramesDropped != 0 || s.PLICount != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideo_ReorderedAndDoubledPackets_NothingIsMissing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := newPath(t, sampleVideo(t, true), func(p *packet.Packet, pass func(*packet.Packet)) {
			n++
			delay := time.Duration(n*7919%23) * time.Millisecond
			time.AfterFunc(delay, func() { pass(p) })
			if n%5 == 0 {
				q := *p
				time.AfterFunc(delay+3*time.Millisecond, func() { pass(&q) })
			}
		})
		time.Sleep(7 * time.Second)
		c.close()
		s := c.receiver.Stats()
		if s.FramesDecoded != 150 || s.FramesDropped != 0 || s.PLICount != 0 || s.PacketsDiscarded == 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideo_LostForGood_KeyFrameIsAskedForAndThePictureComesBack(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var lostAt time.Time
		c := newPath(t, sampleVideo(t, false), func(p *packet.Packet, pass func(*packet.Packet)) {
			if n++; n == 25 {
				lostAt = time.Now()
				return
			}
			pass(p)
		})
		time.Sleep(5 * time.Second)
		c.close()
		s := c.receiver.Stats()
		if s.PLICount != 1 || len(c.asked()) != 1 {
			t.Fatalf("%d requests: %+v", len(c.asked()), s)
		}
		if wait := c.asked()[0].Sub(lostAt); wait < 150*time.Millisecond || wait > 500*time.Millisecond {
			t.Errorf("asked %v after the loss", wait)
		}
		if s.FreezeCount != 1 || s.TotalFreezesDuration < 200*time.Millisecond || s.TotalFreezesDuration > time.Second {
			t.Errorf("freezes: %d of %v", s.FreezeCount, s.TotalFreezesDuration)
		}
		// After the gap comes a key frame, and nothing is missing after that.
		frames, after := c.sink.all(), false
		for i := 1; i < len(frames); i++ {
			if gap := frames[i].Timestamp - frames[i-1].Timestamp; gap > 100*time.Millisecond {
				if after || !frames[i].KeyFrame {
					t.Errorf("frame %d after a gap of %v: key frame %v", i, gap, frames[i].KeyFrame)
				}
				after = true
			}
		}
		if !after {
			t.Error("no gap")
		}
		if s.FramesReceived-s.FramesDecoded > s.FramesDropped {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideo_NothingButLoss_RequestsAreLimited(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		c := newPath(t, sampleVideo(t, false), func(p *packet.Packet, pass func(*packet.Packet)) {
			// Every key frame loses its first packet.
			if len(p.Payload) > 4 && p.Payload[0]&0x10 != 0 && p.Payload[4]&1 == 0 {
				return
			}
			pass(p)
		})
		time.Sleep(4 * time.Second)
		c.close()
		if len(c.sink.all()) != 0 {
			t.Error("frames without a key frame")
		}
		if n := len(c.asked()); n < 5 || n > 14 {
			t.Errorf("%d requests in 4 s", n)
		}
		for i := 1; i < len(c.asked()); i++ {
			if d := c.asked()[i].Sub(c.asked()[i-1]); d < 300*time.Millisecond {
				t.Errorf("requests %v apart", d)
			}
		}
	})
}

func TestVideo_KeyFrameBehindTheGap_IsJumpedTo(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		n, key := 0, 0
		c := newPath(t, sampleVideo(t, true), func(p *packet.Packet, pass func(*packet.Packet)) {
			if len(p.Payload) > 4 && p.Payload[0]&0x10 != 0 {
				n++
				if p.Payload[4]&1 == 0 {
					key = n
				}
			}
			if n == 50 && key != 50 { // the last frame before the second key frame
				return
			}
			pass(p)
		})
		time.Sleep(7 * time.Second)
		c.close()
		s := c.receiver.Stats()
		if s.PLICount != 0 || s.FramesDecoded != 149 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideo_Outage_IsFreezeOrPause(t *testing.T) {
	for _, test := range []struct {
		outage          time.Duration
		freezes, pauses uint64
	}{{2 * time.Second, 1, 0}, {8 * time.Second, 0, 1}} {
		t.Run(test.outage.String(), func(t *testing.T) {
			testkit.CheckLeaks(t, time.Minute)
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				c := newPath(t, sampleVideo(t, false), func(p *packet.Packet, pass func(*packet.Packet)) {
					if d := time.Since(began); d > 3*time.Second && d < 3*time.Second+test.outage {
						return
					}
					pass(p)
				})
				time.Sleep(15 * time.Second)
				s := c.receiver.Stats()
				c.close()
				if s.FreezeCount != test.freezes || s.PauseCount != test.pauses {
					t.Errorf("%+v", s)
				}
				if s.FramesPerSecond < 24 || s.FramesPerSecond > 26 {
					t.Errorf("%v frames a second", s.FramesPerSecond)
				}
			})
		})
	}
}

func TestVideo_StoppedAndStarted_BeginsWithKeyFrameAndCountsNoFreeze(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		c := newPath(t, sampleVideo(t, false), nil)
		time.Sleep(1500 * time.Millisecond)
		c.sender.SetActive(false)
		time.Sleep(20 * time.Millisecond)
		before := len(c.sink.all())
		c.receiver.Reset()
		time.Sleep(3 * time.Second)
		if n := len(c.sink.all()); n != before {
			t.Errorf("%d frames while stopped", n-before)
		}
		c.sender.SetActive(true)
		time.Sleep(2 * time.Second)
		c.close()
		frames := c.sink.all()
		if len(frames) <= before || !frames[before].KeyFrame {
			t.Fatal("no key frame after the pause")
		}
		if gap := frames[before].Timestamp - frames[before-1].Timestamp; gap < 2900*time.Millisecond || gap > 3200*time.Millisecond {
			t.Errorf("time went on by %v over a pause of 3 s", gap)
		}
		if s := c.receiver.Stats(); s.FreezeCount != 0 || s.PauseCount != 0 || s.FramesDropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideo_SourceChanged_SequenceAndTimeGoOn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		var seen []*packet.Packet
		c := newPath(t, sampleVideo(t, false), func(p *packet.Packet, pass func(*packet.Packet)) {
			seen = append(seen, p)
			pass(p)
		})
		time.Sleep(1333 * time.Millisecond)
		other := sampleVideo(t, false)
		if err := c.sender.SetSource(other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := c.sender.SetSource(nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.close()
		for i := 1; i < len(seen); i++ {
			if seen[i].SequenceNumber != seen[i-1].SequenceNumber+1 {
				t.Fatal("sequence numbers jump")
			}
			if step := int32(seen[i].Timestamp - seen[i-1].Timestamp); step < 0 || step > 90000/10 {
				t.Fatalf("timestamp steps by %d", step)
			}
		}
		if s := c.receiver.Stats(); s.FramesDropped != 0 || s.KeyFramesDecoded != 2 {
			t.Errorf("%+v", s)
		}
		if err := c.sender.SetSource(other); !errors.Is(err, media.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
