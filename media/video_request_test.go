package media_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

func TestVideoReceiver_KeyFrameRequested_ComesAndFramesGoOn(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		source := newNumbered(1)
		c := newPath(t, source, nil)
		time.Sleep(time.Second)
		// As an application does that cannot decode what it gets: a request a frame.
		begin, before := len(c.sink.all()), source.count()
		for range 30 {
			frames := c.sink.all()
			if len(frames) > begin && frames[len(frames)-1].KeyFrame {
				break
			}
			c.receiver.RequestKeyFrame()
			time.Sleep(source.interval)
		}
		waited := len(c.sink.all()) - begin
		time.Sleep(2 * time.Second)
		c.close()
		if len(c.asked()) != 1 || source.count() != before+1 {
			t.Errorf("asked %d times, the source %d", len(c.asked()), source.count()-before)
		}
		// 25 ms there and a frame back.
		if waited > 4 {
			t.Errorf("the key frame is the %dth", waited)
		}
		for i, f := range c.sink.all() {
			if number(f) != uint64(i) {
				t.Fatalf("frame %d is number %d", i, number(f))
			}
		}
		if s := c.receiver.Stats(); s.KeyFramesDecoded != 2 || s.PLICount != 1 || s.FramesDropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// deafStream is a stream whose sender hears no request for a while.
type deafStream struct {
	*media.VideoReceiver
	sender *media.VideoSender
	sink   *frameLog
	mu     sync.Mutex
	deaf   bool
	asked  int
}

func newDeafStream(t *testing.T, source media.VideoSource) *deafStream {
	t.Helper()
	s := &deafStream{deaf: true, sink: &frameLog{}}
	var err error
	s.VideoReceiver, err = media.NewVideoReceiver(&media.VideoReceiverOptions{
		Codecs: videoCodecs, Sink: s.sink, RequestKeyFrame: s.heard,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.sender, err = media.NewVideoSender(&media.VideoSenderOptions{
		Codecs: videoCodecs, Source: source, Inactive: true,
		Send: func(p *packet.Packet) error { s.Push(p); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *deafStream) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if !s.deaf {
		s.sender.KeyFrameRequested()
	}
}

func (s *deafStream) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = false
}

// times is how often it was asked since it was asked for the last time.
func (s *deafStream) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked
	s.asked = 0
	return n
}

func (s *deafStream) end() {
	s.sender.Close()
	<-s.sender.Done()
	s.Close()
	<-s.Done()
}

func TestVideoReceiver_KeyFrameRequestLost_IsRepeatedUntilItComes(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		s := newDeafStream(t, newNumbered(1))
		s.sender.SetActive(true)
		time.Sleep(time.Second)
		s.RequestKeyFrame()
		time.Sleep(3 * time.Second)
		if n := s.times(); n != 10 && n != 11 {
			t.Errorf("asked %d times in 3 s", n)
		}
		s.listen()
		time.Sleep(time.Second)
		if n := s.times(); n != 1 {
			t.Errorf("asked %d times once it was heard", n)
		}
		s.end()
		if st := s.Stats(); st.KeyFramesDecoded != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// A screen on which nothing moves sends nothing, and yet can be asked.
func TestVideoReceiver_QuietStream_IsAskedForKeyFrame(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		s := newDeafStream(t, newNumbered(1))
		// There is nothing to ask before a stream has begun.
		s.RequestKeyFrame()
		s.sender.SetActive(true)
		time.Sleep(time.Second)
		s.sender.SetActive(false)
		time.Sleep(5 * time.Second)
		if n := s.times(); n != 0 {
			t.Errorf("asked %d times without need", n)
		}
		s.RequestKeyFrame()
		time.Sleep(10 * time.Second)
		if n := s.times(); n != 7 {
			t.Errorf("a stream that stays quiet was asked %d times, want 7: for 2 s", n)
		}
		s.SetSink(nil)
		s.RequestKeyFrame()
		time.Sleep(time.Second)
		if n := s.times(); n != 0 {
			t.Errorf("asked %d times while nobody looks", n)
		}
		s.end()
	})
}

func TestVideoReceiver_StoppedVideo_IsNotAskedForKeyFrame(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		s := newDeafStream(t, newNumbered(1))
		s.sender.SetActive(true)
		time.Sleep(time.Second)
		s.sender.SetActive(false)
		time.Sleep(time.Second)
		s.RequestKeyFrame()
		s.Reset()
		time.Sleep(10 * time.Second)
		if n := s.times(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		s.end()
		s.RequestKeyFrame() // does no harm
	})
}
