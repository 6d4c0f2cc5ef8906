package engine_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

// film opens the sample video.
func film(t testing.TB, options *media.VideoFileOptions) *media.VideoFile {
	t.Helper()
	f, err := media.NewVideoFile(samples.VideoName, samples.Video(), options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// eye is a sink that counts frames.
type eye struct {
	mu      sync.Mutex
	frames  []engine.EncodedFrame
	changed chan struct{}
}

func newEye() *eye { return &eye{changed: make(chan struct{})} }

func (e *eye) WriteVideo(f engine.EncodedFrame) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames = append(e.frames, f)
	close(e.changed)
	e.changed = make(chan struct{})
	return nil
}

func (e *eye) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.frames)
}

func (e *eye) frame(n int) engine.EncodedFrame {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frames[n]
}

// sees waits until n more frames have come.
func (e *eye) sees(t testing.TB, n int) {
	t.Helper()
	want := e.count() + n
	timeout := time.After(patience)
	for {
		e.mu.Lock()
		changed, have := e.changed, len(e.frames)
		e.mu.Unlock()
		if have >= want {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("saw %d of %d frames", have, want)
		}
	}
}

func TestCall_VideoFromTheStart(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	aliceEye, bobEye := newEye(), newEye()
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) {
			o.Video, o.VideoSink = engine.NewLocalVideoTrack(film(t, nil)), aliceEye
		},
		func(o *engine.AcceptCallOptions) {
			o.Video, o.VideoSink = engine.NewLocalVideoTrack(film(t, nil)), bobEye
		})
	aliceEye.sees(t, 10)
	bobEye.sees(t, 10)
	alice.wait("video true")
	bob.wait("video true")
	for name, e := range map[string]*eye{"alice": aliceEye, "bob": bobEye} {
		if first := e.frame(0); !first.KeyFrame || first.Codec != "VP8" || first.Width == 0 {
			t.Errorf("%s: the first frame is %+v", name, engine.EncodedFrame{Codec: first.Codec, KeyFrame: first.KeyFrame, Width: first.Width})
		}
	}
	if tracks := a.Participants()[0].VideoTracks(); len(tracks) != 1 || tracks[0].Participant() != a.Participants()[0] {
		t.Errorf("the caller has tracks %v", tracks)
	}
	bob.hangUp(b)
	alice.wait("ended 0/0")
}

func TestCall_StartAndStopVideo(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	bobEye := newEye()
	a, b := connect(alice, bob, nil, func(o *engine.AcceptCallOptions) { o.VideoSink = bobEye })
	track := engine.NewLocalVideoTrack(film(t, nil))
	alice.do("add video", func(ctx context.Context) error { return a.AddTrack(ctx, track) })
	bob.wait("video true")
	bobEye.sees(t, 5)
	if len(a.LocalTracks()) != 1 || a.LocalTracks()[0] != track {
		t.Errorf("local tracks %v", a.LocalTracks())
	}
	ctx := context.Background()
	if err := a.AddTrack(ctx, engine.NewLocalVideoTrack(film(t, nil))); !errors.Is(err, engine.ErrTrackInUse) {
		t.Errorf("a second video track: %v", err)
	}

	// Another camera in the middle of the call begins with a key frame.
	before := bobEye.count()
	track.SetSource(film(t, nil))
	bobEye.sees(t, 5)
	bobEye.mu.Lock()
	keys := 0
	for _, f := range bobEye.frames[before:] {
		if f.KeyFrame {
			keys++
		}
	}
	bobEye.mu.Unlock()
	if keys == 0 {
		t.Error("the new source did not begin with a key frame")
	}

	// Another window.
	newWindow := newEye()
	b.Participants()[0].VideoTracks()[0].SetSink(newWindow)
	newWindow.sees(t, 3)
	if !newWindow.frame(0).KeyFrame {
		t.Error("a new sink did not get a key frame first")
	}

	alice.do("remove video", func(ctx context.Context) error { return a.RemoveTrack(ctx, track) })
	bob.wait("video false")
	if len(a.LocalTracks()) != 0 || len(b.Participants()[0].VideoTracks()) != 0 {
		t.Error("video is still listed")
	}
	if err := a.RemoveTrack(ctx, track); !errors.Is(err, engine.ErrNoSuchTrack) {
		t.Errorf("removing twice: %v", err)
	}
	alice.do("add video again", func(ctx context.Context) error { return a.AddTrack(ctx, track) })
	newWindow.sees(t, 3)
	alice.hangUp(a)
	bob.wait("state Disconnected")
	alice.order("tracks +1 -0", "tracks +0 -1", "tracks +1 -0")
}

// wrongCodec is a source of a codec that nobody has.
type wrongCodec struct{ engine.VideoSource }

func (wrongCodec) Codec() string { return "MJPEG" }

func TestCall_VideoOfUnknownCodec(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	bad := func() *engine.LocalVideoTrack { return engine.NewLocalVideoTrack(wrongCodec{film(t, nil)}) }
	a, _ := connect(alice, bob, func(o *engine.StartCallOptions) { o.Video = bad() }, nil)
	alice.wait("track ended video engine: unsupported")
	err := a.AddTrack(context.Background(), bad())
	if !errors.Is(err, engine.ErrTrackInUse) {
		t.Errorf("got %v", err)
	}
	alice.do("remove", func(ctx context.Context) error { return a.RemoveTrack(ctx, a.LocalTracks()[0]) })
	if err := a.AddTrack(context.Background(), bad()); !errors.Is(err, engine.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	alice.hangUp(a)
}

// briefSource ends after some frames.
type briefSource struct {
	mu   sync.Mutex
	left int
	err  error
}

func (s *briefSource) ReadAudio([]int16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left < 0 {
		return s.err
	}
	return nil
}

func TestCall_SourcesThatEnd(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	microphone := engine.NewLocalAudioTrack(&briefSource{left: 3, err: io.EOF})
	bobEar := newEar(440)
	a, _ := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Audio = microphone
		o.Video = engine.NewLocalVideoTrack(film(t, &media.VideoFileOptions{Once: true}))
	}, func(o *engine.AcceptCallOptions) { o.AudioSink = bobEar })
	alice.wait("track ended audio <nil>")
	microphone.SetSource(&briefSource{err: errors.New("unplugged")})
	alice.wait("track ended audio unplugged")
	microphone.SetSource(&toneSource{frequency: 440})
	bobEar.hears(t)
	alice.wait("track ended video <nil>")
	alice.hangUp(a)
}

// sparing is a source that gives a key frame first and when it is asked for one,
// and never otherwise.
type sparing struct {
	*media.VideoFile
	requests chan struct{}
	wanted   atomic.Bool
}

func newSparing(t testing.TB) *sparing {
	s := &sparing{VideoFile: film(t, nil), requests: make(chan struct{}, 1000)}
	s.wanted.Store(true)
	return s
}

func (s *sparing) RequestKeyFrame() {
	s.wanted.Store(true)
	s.VideoFile.RequestKeyFrame()
	s.requests <- struct{}{}
}

func (s *sparing) ReadVideo(ctx context.Context) (engine.EncodedFrame, error) {
	for {
		f, err := s.VideoFile.ReadVideo(ctx)
		if err != nil || !f.KeyFrame || s.wanted.Swap(false) {
			return f, err
		}
	}
}

// TestCall_KeyFrameRequested: the sender is asked, and a key frame comes; who
// asks for a stream or a call that is gone is told.
func TestCall_KeyFrameRequested(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	bobEye, camera := newEye(), newSparing(t)
	track := engine.NewLocalVideoTrack(camera)
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) { o.Video = track },
		func(o *engine.AcceptCallOptions) { o.VideoSink = bobEye })
	bob.wait("video true")
	bobEye.sees(t, 30)
	for len(camera.requests) > 0 {
		<-camera.requests
	}
	before := bobEye.count()
	remote := b.Participants()[0].VideoTracks()[0]
	for range 100 {
		if err := remote.RequestKeyFrame(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-camera.requests:
	case <-time.After(patience):
		t.Fatal("the sender was not asked")
	}
	for n := before; ; n++ {
		if bobEye.count() == n {
			bobEye.sees(t, 1)
		}
		if bobEye.frame(n).KeyFrame {
			break
		}
	}
	for _, in := range b.Stats().InboundRTP {
		if in.Kind == engine.TrackKindVideo && in.PLICount == 0 {
			t.Errorf("%+v", in)
		}
	}

	alice.do("remove video", func(ctx context.Context) error { return a.RemoveTrack(ctx, track) })
	bob.wait("video false")
	if err := remote.RequestKeyFrame(); !errors.Is(err, engine.ErrNoSuchTrack) {
		t.Errorf("of video that was stopped: %v", err)
	}
	alice.hangUp(a)
	bob.wait("state Disconnected")
	<-b.Done()
	if err := remote.RequestKeyFrame(); !errors.Is(err, engine.ErrCallEnded) {
		t.Errorf("of a call that has ended: %v", err)
	}
}
