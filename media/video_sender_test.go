package media_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

type sent struct {
	packet *packet.Packet
	at     time.Time
}

// startSender runs a sender into a list. The list may be read once the bubble sleeps.
func startSender(t *testing.T, options media.VideoSenderOptions) (*media.VideoSender, *[]sent) {
	t.Helper()
	var list []sent
	options.Send = func(p *packet.Packet) error {
		list = append(list, sent{p, time.Now()})
		return nil
	}
	if options.Codecs == nil {
		options.Codecs = videoCodecs
	}
	s, err := media.NewVideoSender(&options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		<-s.Done()
	})
	return s, &list
}

func TestVideoSender_BigFrame_IsPacedAndOthersAreNot(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		source := newNumbered(1)
		source.size = func(key bool) int {
			if key {
				return 60000
			}
			return 900
		}
		s, list := startSender(t, media.VideoSenderOptions{Source: source})
		s.SetTargetBitrate(1_000_000)
		time.Sleep(2 * time.Second)
		s.KeyFrameRequested()
		time.Sleep(200 * time.Millisecond)
		s.Close()
		<-s.Done()
		frames := map[uint32][]sent{}
		for _, p := range *list {
			frames[p.packet.Timestamp] = append(frames[p.packet.Timestamp], p)
		}
		big := 0
		for _, f := range frames {
			span := f[len(f)-1].at.Sub(f[0].at)
			switch {
			case len(f) == 1:
			case len(f) < 50 || span < 15*time.Millisecond || span > 33*time.Millisecond:
				t.Errorf("%d packets over %v", len(f), span)
			default:
				big++
			}
		}
		if big != 2 {
			t.Errorf("%d big frames", big)
		}
		if st := s.Stats(); st.HugeFramesSent != 1 || st.TargetBitrate != 1_000_000 {
			t.Errorf("%+v", st)
		}
		if source.bps != 1_000_000 {
			t.Errorf("the source was told %d", source.bps)
		}
	})
}

func TestVideoSender_ManyRequests_FewReachTheSource(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		source := newNumbered(1)
		s, _ := startSender(t, media.VideoSenderOptions{Source: source})
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			s.KeyFrameRequested()
		}
		if source.count() < 8 || source.count() > 12 {
			t.Errorf("%d requests in 3 s", source.count())
		}
		if s.Stats().PLICount != 300 {
			t.Errorf("%+v", s.Stats())
		}
		// One that comes too early is not forgotten.
		time.Sleep(time.Second)
		before := source.count()
		s.KeyFrameRequested()
		s.KeyFrameRequested()
		time.Sleep(time.Second)
		if source.count() != before+2 {
			t.Errorf("%d requests, want 2", source.count()-before)
		}
	})
}

// foreign is a source of a codec that nobody knows.
type foreign struct{ *numbered }

func (foreign) Codec() string { return "H265" }

func TestVideoSender_ForeignCodec_IsRefused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	send := func(*packet.Packet) error { return nil }
	_, err := media.NewVideoSender(&media.VideoSenderOptions{Codecs: videoCodecs, Send: send, Source: foreign{newNumbered(1)}})
	if !errors.Is(err, media.ErrCodecMismatch) {
		t.Errorf("%v", err)
	}
	_, err = media.NewVideoSender(&media.VideoSenderOptions{Codecs: videoCodecs[1:2], Send: send, Source: newNumbered(1)})
	if !errors.Is(err, media.ErrCodecMismatch) {
		t.Errorf("%v", err)
	}
	audio := []packet.Codec{{Name: "opus", PayloadType: 111}}
	if _, err = media.NewVideoSender(&media.VideoSenderOptions{Codecs: audio, Send: send}); !errors.Is(err, media.ErrUnknownCodec) {
		t.Errorf("%v", err)
	}
	if _, err = media.NewVideoReceiver(&media.VideoReceiverOptions{Codecs: audio}); !errors.Is(err, media.ErrUnknownCodec) {
		t.Errorf("%v", err)
	}
	if _, err = media.NewVideoSender(nil); err == nil {
		t.Error("nil options are taken")
	}
}

// changing changes its codec on the way.
type changing struct{ *numbered }

func (c changing) ReadVideo(ctx context.Context) (media.EncodedFrame, error) {
	f, err := c.numbered.ReadVideo(ctx)
	if f.Data != nil && f.Data[17] > 5 {
		f.Codec = "VP9"
	}
	return f, err
}

func TestVideoSender_SourceEnds_AppIsTold(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for name, test := range map[string]struct {
		source func(t *testing.T) media.VideoSource
		want   error
	}{
		"end of file":   {func(t *testing.T) media.VideoSource { return sampleVideo(t, true) }, io.EOF},
		"codec changes": {func(*testing.T) media.VideoSource { return changing{newNumbered(1)} }, media.ErrCodecMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := test.source(t)
				var ended atomic.Int32
				s, _ := startSender(t, media.VideoSenderOptions{Source: source, Ended: func(from media.VideoSource, err error) {
					ended.Add(1)
					if from != source || !errors.Is(err, test.want) {
						t.Errorf("%v", err)
					}
				}})
				time.Sleep(10 * time.Second)
				if n := ended.Load(); n != 1 {
					t.Errorf("told %d times", n)
				}
				// Another source goes on.
				before := s.Stats().FramesSent
				if err := s.SetSource(newNumbered(2)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if s.Stats().FramesSent < before+20 {
					t.Errorf("%+v", s.Stats())
				}
			})
		})
	}
}

func TestVideoSender_CloseFromSend_Ends(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		var s *media.VideoSender
		ready := make(chan struct{})
		s, err := media.NewVideoSender(&media.VideoSenderOptions{
			Codecs: videoCodecs, Source: newNumbered(1),
			Send: func(*packet.Packet) error {
				<-ready
				s.Close()
				s.Close()
				s.SetActive(false)
				s.KeyFrameRequested()
				s.SetTargetBitrate(5)
				_ = s.Stats()
				return errors.New("no network")
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		close(ready)
		<-s.Done()
		if s.Stats().SendErrors != 1 {
			t.Errorf("%+v", s.Stats())
		}
	})
}

// closing closes its receiver from the sink.
type closing struct{ receiver *media.VideoReceiver }

func (c *closing) WriteVideo(media.EncodedFrame) error {
	c.receiver.Close()
	c.receiver.SetSink(nil)
	c.receiver.Reset()
	_ = c.receiver.Stats()
	return errors.New("enough")
}

func TestVideoReceiver_CloseFromSink_Ends(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		sink := &closing{}
		receiver, err := media.NewVideoReceiver(&media.VideoReceiverOptions{Codecs: videoCodecs})
		if err != nil {
			t.Fatal(err)
		}
		sink.receiver = receiver
		receiver.SetSink(sink)
		s, _ := startSender(t, media.VideoSenderOptions{Inactive: true})
		_ = s
		source := newNumbered(1)
		sender, err := media.NewVideoSender(&media.VideoSenderOptions{
			Codecs: videoCodecs, Source: source, Send: func(p *packet.Packet) error { receiver.Push(p); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		<-receiver.Done()
		sender.Close()
		<-sender.Done()
		if st := receiver.Stats(); st.SinkErrors != 1 || st.FramesDecoded != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestVideoReceiver_SinkChanged_BeginsWithKeyFrame(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		c := newPath(t, newNumbered(1), nil)
		time.Sleep(time.Second)
		c.receiver.SetSink(nil)
		time.Sleep(time.Second)
		asked := len(c.asked())
		second := &frameLog{}
		c.receiver.SetSink(second)
		time.Sleep(time.Second)
		c.close()
		frames := second.all()
		if len(frames) < 20 || !frames[0].KeyFrame {
			t.Fatalf("%d frames", len(frames))
		}
		if asked != 0 || len(c.asked()) != 1 {
			t.Errorf("asked %d times without a sink, %d times in all", asked, len(c.asked()))
		}
		if s := c.receiver.Stats(); s.FramesDropped < 25 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVideoReceiver_AnotherStream_GoesOn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := newPath(t, newNumbered(1), func(p *packet.Packet, pass func(*packet.Packet)) {
			q := *p
			if time.Since(began) > time.Second {
				// As if the far end had started anew.
				q.SSRC, q.SequenceNumber, q.Timestamp = 7, p.SequenceNumber+30000, p.Timestamp-1<<31
			}
			pass(&q)
		})
		time.Sleep(3 * time.Second)
		c.close()
		frames := c.sink.all()
		for i := 1; i < len(frames); i++ {
			if step := frames[i].Timestamp - frames[i-1].Timestamp; step <= 0 || step > time.Second {
				t.Errorf("time steps by %v", step)
			}
		}
		if s := c.receiver.Stats(); len(frames) < 75 || s.KeyFramesDecoded != 2 || s.PLICount != 1 {
			t.Errorf("%d frames: %+v", len(frames), s)
		}
	})
}
