package mobile_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/ivf"
	"github.com/parley-rtc/parley/media/samples"
)

// encoder plays MediaCodec: it sends the frames of the test picture again and
// again, at a key frame whenever it is asked for one.
type encoder struct {
	frames   []ivf.Frame
	restart  atomic.Bool
	sparing  atomic.Bool // key frames only when it is asked for them
	bitrate  atomic.Int32
	asked    atomic.Int32
	requests chan struct{}
}

func (e *encoder) OnKeyFrameRequested() {
	e.asked.Add(1)
	e.restart.Store(true)
	select {
	case e.requests <- struct{}{}:
	default:
	}
}

func (e *encoder) OnTargetBitrateChanged(bps int32) { e.bitrate.Store(bps) }

// run sends until stopped.
func (e *encoder) run(source *mobile.VideoSource, stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second / 30)
	defer ticker.Stop()
	next := 0
	for n := int64(0); ; n++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		next %= len(e.frames)
		if e.restart.Swap(false) {
			next = 0
		} else if e.sparing.Load() && e.frames[next].Data[0]&1 == 0 { // RFC 6386 9.1
			next++
		}
		source.SendFrame(e.frames[next].Data, n*33_333, next == 0)
		next++
	}
}

func newEncoder(t *testing.T) *encoder {
	t.Helper()
	reader, err := ivf.NewReader(bytes.NewReader(samples.Video()))
	if err != nil {
		t.Fatal(err)
	}
	e := &encoder{requests: make(chan struct{}, 1)}
	for {
		frame, err := reader.ReadFrame()
		if errors.Is(err, io.EOF) {
			return e
		}
		if err != nil {
			t.Fatal(err)
		}
		frame.Data = slices.Clone(frame.Data)
		e.frames = append(e.frames, frame)
	}
}

// TestVideo_Crosses: frames arrive as they were sent, a key frame first; video
// starts and stops in the middle of a call.
func TestVideo_Crosses(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	e := newEncoder(t)
	camera, err := alice.client.NewVideoSource(mobile.VideoCodecVP8, e)
	if err != nil {
		t.Fatal(err)
	}
	defer camera.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		e.run(camera, stop)
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	a, b := connect(alice, bob, &mobile.CallOptions{Video: bob.events})
	if err := a.StartVideo(camera); err != nil {
		t.Fatal(err)
	}
	bob.events.wait("participant video true")
	wantCode(t, "a second video", a.StartVideo(camera), mobile.ErrorCodeTrackInUse)
	for n := range 30 {
		select {
		case f := <-bob.events.frames:
			same := slices.ContainsFunc(e.frames, func(sent ivf.Frame) bool { return bytes.Equal(sent.Data, f.Data) })
			if !same || f.Codec != mobile.VideoCodecVP8 || f.Width == 0 || f.Height == 0 || n == 0 && !f.KeyFrame {
				t.Fatalf("frame %d is not one that was sent: %d bytes, %+v", n, len(f.Data), f.KeyFrame)
			}
		case <-time.After(limit):
			t.Fatal("no video")
		}
	}
	if e.bitrate.Load() == 0 || e.asked.Load() == 0 {
		t.Errorf("bitrate %d, asked for %d key frames", e.bitrate.Load(), e.asked.Load())
	}
	asksForKeyFrames(t, b, bob, e)
	wantCode(t, "a key frame of video that is not sent", a.RequestKeyFrame(), mobile.ErrorCodeNoSuchTrack)
	if err := a.StopVideo(camera); err != nil {
		t.Fatal(err)
	}
	bob.events.wait("participant video false")
	wantCode(t, "a key frame of video that was stopped", b.RequestKeyFrame(), mobile.ErrorCodeNoSuchTrack)
	wantCode(t, "stopped twice", a.StopVideo(camera), mobile.ErrorCodeNoSuchTrack)
	// With the call this time.
	if err := a.HangUp(); err != nil {
		t.Fatal(err)
	}
	alice.events.wait(state(mobile.CallStateDisconnected))
	bob.events.wait(state(mobile.CallStateDisconnected))
	wantCode(t, "a key frame after the end", b.RequestKeyFrame(), mobile.ErrorCodeCallEnded)
	for len(bob.events.frames) > 0 {
		<-bob.events.frames
	}
	call, err := alice.agent.StartCall(bob.id, &mobile.CallOptions{Camera: camera}, alice.events)
	if err != nil {
		t.Fatal(err)
	}
	incoming := <-bob.events.incoming
	if !incoming.HasVideo() {
		t.Error("video was not announced")
	}
	if _, err := incoming.Accept(&mobile.CallOptions{Video: bob.events}, bob.events); err != nil {
		t.Fatal(err)
	}
	if f := <-bob.events.frames; !f.KeyFrame {
		t.Error("the video does not begin with a key frame")
	}
	if err := call.HangUp(); err != nil {
		t.Fatal(err)
	}
}

// asksForKeyFrames: the encoder of the other side is asked when this side asks,
// and when its user comes back to the application.
func asksForKeyFrames(t *testing.T, call *mobile.Call, to *person, e *encoder) {
	t.Helper()
	for what, ask := range map[string]func(){
		"asked": func() {
			// As for every frame that a decoder cannot use.
			for range 100 {
				if err := call.RequestKeyFrame(); err != nil {
					t.Fatal(err)
				}
			}
		},
		"back in the foreground": to.client.EnterForeground,
	} {
		e.sparing.Store(true)
		for len(e.requests) > 0 {
			<-e.requests
		}
		for len(to.events.frames) > 0 {
			<-to.events.frames
		}
		ask()
		select {
		case <-e.requests:
		case <-time.After(limit):
			t.Fatalf("%s, but the encoder was not", what)
		}
		for timeout := time.After(limit); ; {
			var f *mobile.VideoFrame
			select {
			case f = <-to.events.frames:
			case <-timeout:
				t.Fatalf("%s: no key frame came", what)
			}
			if f.KeyFrame {
				break
			}
		}
	}
}

// TestVideo_BackPressure: what nobody takes is dropped, up to the next key
// frame, and the encoder is asked for one.
func TestVideo_BackPressure(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	client, err := mobile.NewClient(&mobile.ClientOptions{Endpoint: "https://localhost", MemoryLimit: -1, GCPercent: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	e := &encoder{}
	camera, err := client.NewVideoSource(mobile.VideoCodecH264, e)
	if err != nil {
		t.Fatal(err)
	}
	frame := []byte{0, 0, 0, 1, 0x65}
	send := func(want int32, key bool) {
		t.Helper()
		if got := camera.SendFrame(frame, 0, key); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	send(mobile.FrameDropped, false) // no key frame yet
	send(mobile.FrameSent, true)
	send(mobile.FrameSent, false)
	send(mobile.FrameSent, false)
	send(mobile.FrameDropped, false)
	send(mobile.FrameDropped, true)
	if e.asked.Load() != 1 {
		t.Errorf("asked %d times", e.asked.Load())
	}
	if got := camera.SendFrame(nil, 0, true); got != -mobile.ErrorCodeInvalidArgument {
		t.Errorf("nothing: %d", got)
	}
	camera.Close()
	camera.Close()
	send(-mobile.ErrorCodeClosed, true)
	_, err = client.NewVideoSource(99, nil)
	wantCode(t, "a codec that is none", err, mobile.ErrorCodeInvalidArgument)
}
