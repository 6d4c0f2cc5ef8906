package engine_test

import (
	"context"
	"io"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// handlersTable has every handler of the engine, by name, with a function that
// makes it call hit.
var handlersTable = map[string]func(a *engine.CallAgentEvents, c *engine.CallEvents, hit func()){
	"IncomingCall": func(a *engine.CallAgentEvents, _ *engine.CallEvents, hit func()) {
		inner := a.IncomingCall
		a.IncomingCall = func(e engine.IncomingCallReceived) { inner(e); hit() }
	},
	"IncomingCallEnded": func(a *engine.CallAgentEvents, _ *engine.CallEvents, hit func()) {
		a.IncomingCallEnded = func(engine.IncomingCallEnded) { hit() }
	},
	"CallsUpdated": func(a *engine.CallAgentEvents, _ *engine.CallEvents, hit func()) {
		a.CallsUpdated = func(engine.CallsUpdated) { hit() }
	},
	"ConnectionStateChanged": func(a *engine.CallAgentEvents, _ *engine.CallEvents, hit func()) {
		a.ConnectionStateChanged = func(engine.AgentConnectionStateChanged) { hit() }
	},
	"StateChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.StateChanged = func(e engine.CallStateChanged) {
			if e.To == engine.CallStateConnected {
				hit()
			}
		}
	},
	"StateChanged Disconnected": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.StateChanged = func(e engine.CallStateChanged) {
			if e.To == engine.CallStateDisconnected {
				hit()
			}
		}
	},
	"MediaStateChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.MediaStateChanged = func(engine.CallMediaStateChanged) { hit() }
	},
	"ParticipantsUpdated": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.ParticipantsUpdated = func(engine.ParticipantsUpdated) { hit() }
	},
	"ParticipantStateChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.ParticipantStateChanged = func(engine.ParticipantStateChanged) { hit() }
	},
	"ParticipantMutedChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.ParticipantMutedChanged = func(engine.ParticipantMutedChanged) { hit() }
	},
	"ParticipantSpeakingChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.ParticipantSpeakingChanged = func(engine.ParticipantSpeakingChanged) { hit() }
	},
	"RemoteVideoChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.RemoteVideoChanged = func(engine.RemoteVideoChanged) { hit() }
	},
	"MutedChanged": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.MutedChanged = func(engine.CallMutedChanged) { hit() }
	},
	"LocalTracksUpdated": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.LocalTracksUpdated = func(engine.LocalTracksUpdated) { hit() }
	},
	"TrackEnded": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.TrackEnded = func(engine.LocalTrackEnded) { hit() }
	},
	"DTMFReceived": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.DTMFReceived = func(engine.DTMFReceived) { hit() }
	},
	"DataReceived": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.DataReceived = func(engine.DataReceived) { hit() }
	},
	"Statistics": func(_ *engine.CallAgentEvents, c *engine.CallEvents, hit func()) {
		c.Statistics = func(engine.StatisticsReported) { hit() }
	},
}

// subject is the device whose handlers call back, with all that they can reach.
type subject struct {
	*device
	cut   *cutDialer
	video *engine.LocalVideoTrack
	bob   engine.Identifier

	mu       sync.Mutex
	call     *engine.Call
	incoming *engine.IncomingCall
	sender   *engine.DataSender
}

func (s *subject) reach() (*engine.Call, *engine.IncomingCall, *engine.DataSender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, i := s.call, s.incoming
	if calls := s.agent.Calls(); c == nil && len(calls) > 0 {
		c = calls[0]
	}
	if ringing := s.agent.IncomingCalls(); i == nil && len(ringing) > 0 {
		i = ringing[0]
	}
	return c, i, s.sender
}

// everything calls each public method. What they return does not matter here,
// only that they return.
func (s *subject) everything() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	c, i, sender := s.reach()
	a := s.agent
	_, _ = a.Calls(), a.IncomingCalls()
	_, _ = a.Identifier(), a.ConnectionState()
	a.NetworkChanged()
	if c != nil {
		_, _, _, _, _ = c.ID(), c.State(), c.Direction(), c.EndReason(), c.Done()
		_, _, _, _ = c.IsMuted(), c.IsIncomingMuted(), c.LocalTracks(), c.Stats()
		for _, p := range c.Participants() {
			_, _, _, _ = p.Identifier(), p.DisplayName(), p.State(), p.IsMuted()
			_, _ = p.IsSpeaking(), p.EndReason()
			for _, t := range p.VideoTracks() {
				t.SetSink(newEye())
				_, _ = t.Participant(), t.RequestKeyFrame()
			}
		}
		for _, f := range []func(context.Context) error{
			c.Hold, c.Resume, c.Mute, c.Unmute, c.MuteIncoming, c.UnmuteIncoming,
			func(ctx context.Context) error { return c.SendDTMF(ctx, "1") },
			func(ctx context.Context) error { return c.SetAudioSink(ctx, newEar(1)) },
			func(ctx context.Context) error { return c.AddTrack(ctx, s.video) },
			func(ctx context.Context) error { return c.RemoveTrack(ctx, s.video) },
		} {
			_ = f(ctx)
		}
		s.video.SetSource(film(s.t, nil))
		if d, err := c.NewDataSender(nil); err == nil {
			_ = d.Send(ctx, []byte("x"))
			_ = d.Close()
		}
	}
	if sender != nil {
		_ = sender.Send(ctx, []byte("x"))
	}
	if i != nil {
		_, _, _, _ = i.ID(), i.Caller(), i.CallerDisplayName(), i.HasVideo()
		if other, err := i.Accept(ctx, nil); err == nil {
			_ = other.HangUp(ctx, nil)
		}
		_ = i.Reject(ctx, nil)
	}
	if other, err := a.StartCall(ctx, []engine.Identifier{s.bob}, nil); err == nil {
		_ = other.HangUp(ctx, &engine.HangUpOptions{ForEveryone: true})
	}
	if c != nil {
		_ = c.HangUp(ctx, nil)
	}
	if other, err := s.client.NewCallAgent(ctx, engine.NewStaticTokenCredential(user("other")), nil); err == nil {
		_ = other.Shutdown(ctx)
		_ = other.Close()
	}
}

func TestReentrancy(t *testing.T) {
	bodies := map[string]func(*subject){
		"Close": func(s *subject) {
			_ = s.agent.Close()
			_ = s.client.Close()
			s.everything()
		},
		"Shutdown": func(s *subject) {
			_ = s.agent.Shutdown(context.Background())
			_ = s.client.Shutdown(context.Background())
			s.everything()
		},
		"everything": func(s *subject) {
			s.everything()
			_ = s.client.Close()
		},
	}
	for handler, install := range handlersTable {
		for name, body := range bodies {
			t.Run(handler+"/"+name, func(t *testing.T) { reenter(t, install, body) })
		}
	}
}

// reenter lets everything happen to a device, one of whose handlers runs body.
func reenter(t *testing.T, install func(*engine.CallAgentEvents, *engine.CallEvents, func()), body func(*subject)) {
	testkit.CheckLeaks(t, 2*time.Minute)
	service := newMiniService(t, callfsm.Timeouts{})
	s := &subject{
		cut:   &cutDialer{Dialer: service.dialer()},
		bob:   engine.CommunicationUserIdentifier{ID: user("bob")},
		video: engine.NewLocalVideoTrack(film(t, nil)),
	}
	done, ready := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hit := func() {
		once.Do(func() {
			<-ready
			body(s)
			close(done)
		})
	}
	events := engine.CallEvents{}
	s.device = signIn(t, nil, "alice", withDialer(s.cut), func(o *setup) { install(&o.agent.Events, &events, hit) })
	bob := signIn(t, service.dialer(), "bob")
	close(ready)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.everythingHappens(bob, events, done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("the handler did not run or did not return")
	}
	<-finished
	_ = s.client.Close()
	_ = bob.client.Close()
}

// everythingHappens makes all events happen at the subject, until done. Nothing
// here may fail the test: the subject may be closed at any moment.
func (s *subject) everythingHappens(bob *device, events engine.CallEvents, done <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	alice := []engine.Identifier{s.agent.Identifier()}
	if c, err := bob.agent.StartCall(ctx, alice, nil); err == nil {
		select {
		case i := <-s.log.incoming:
			s.mu.Lock()
			s.incoming = i
			s.mu.Unlock()
		case <-ctx.Done():
		}
		_ = c.HangUp(ctx, nil)
	}
	microphone := engine.NewLocalAudioTrack(&briefSource{left: 10, err: io.EOF})
	go func() {
		select {
		case i := <-bob.log.incoming:
			b, err := i.Accept(ctx, &engine.AcceptCallOptions{CallOptions: engine.CallOptions{
				Audio: engine.NewLocalAudioTrack(&toneSource{frequency: 440}),
			}})
			if err == nil {
				bob.say(ctx, b)
			}
		case <-ctx.Done():
		}
	}()
	c, err := s.agent.StartCall(ctx, []engine.Identifier{s.bob}, &engine.StartCallOptions{CallOptions: engine.CallOptions{
		Events: events, Audio: microphone, AudioSink: newEar(440), StatsInterval: time.Second,
	}})
	if err != nil {
		return
	}
	s.mu.Lock()
	s.call = c
	s.sender, _ = c.NewDataSender(nil)
	s.mu.Unlock()
	for c.State() < engine.CallStateConnected && ctx.Err() == nil {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	_ = c.Mute(ctx)
	_ = c.Unmute(ctx)
	_ = c.AddTrack(ctx, s.video)
	s.cut.cut(false)
	select {
	case <-time.After(1500 * time.Millisecond): // the statistics come every second
	case <-ctx.Done():
	}
	_ = c.HangUp(ctx, nil)
	<-ctx.Done()
}

// say does all that the other side is told of.
func (d *device) say(ctx context.Context, c *engine.Call) {
	for c.State() < engine.CallStateConnected && ctx.Err() == nil {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	_ = c.Mute(ctx)
	_ = c.Unmute(ctx)
	_ = c.SendDTMF(ctx, "1")
	if sender, err := c.NewDataSender(nil); err == nil {
		_ = sender.Send(ctx, []byte("hello"))
	}
	_ = c.AddTrack(ctx, engine.NewLocalVideoTrack(film(d.t, nil)))
}

// TestReentrancy_CoversAllHandlers: a new event needs its row.
func TestReentrancy_CoversAllHandlers(t *testing.T) {
	for _, events := range []reflect.Type{reflect.TypeFor[engine.CallAgentEvents](), reflect.TypeFor[engine.CallEvents]()} {
		for field := range events.Fields() {
			if handlersTable[field.Name] == nil {
				t.Errorf("%s.%s is not tested", events.Name(), field.Name)
			}
		}
	}
}

// device of an app that calls back from where it should not wait: its own
// sources and sinks.
type meddlingSource struct {
	toneSource
	once sync.Once
	hit  func()
}

func (s *meddlingSource) ReadAudio(frame []int16) error {
	s.once.Do(s.hit)
	return s.toneSource.ReadAudio(frame)
}

type meddlingSink struct {
	once sync.Once
	hit  func()
}

func (s *meddlingSink) WriteAudio([]int16) error             { s.once.Do(s.hit); return nil }
func (s *meddlingSink) WriteVideo(engine.EncodedFrame) error { s.once.Do(s.hit); return nil }

func TestReentrancy_SourcesAndSinks(t *testing.T) {
	for name, body := range map[string]func(*subject){
		"Close":  func(s *subject) { _ = s.client.Close(); s.everything() },
		"HangUp": func(s *subject) { s.everything(); _ = s.call.HangUp(context.Background(), nil) },
		"Shutdown": func(s *subject) {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			// It waits for this very goroutine, and says so when ctx ends.
			_ = s.client.Shutdown(ctx)
			s.everything()
		},
	} {
		for _, where := range []string{"source", "audio sink", "video sink"} {
			t.Run(where+"/"+name, func(t *testing.T) { reenterMedia(t, where, body) })
		}
	}
}

func reenterMedia(t *testing.T, where string, body func(*subject)) {
	testkit.CheckLeaks(t, 2*time.Minute)
	service := newMiniService(t, callfsm.Timeouts{})
	s := &subject{
		device: signIn(t, service.dialer(), "alice"),
		bob:    engine.CommunicationUserIdentifier{ID: user("bob")},
		video:  engine.NewLocalVideoTrack(film(t, nil)),
	}
	bob := signIn(t, service.dialer(), "bob")
	connected, done := make(chan struct{}), make(chan struct{})
	hit := func() {
		<-connected
		body(s)
		close(done)
	}
	o := engine.CallOptions{Events: s.events("")}
	switch where {
	case "source":
		o.Audio = engine.NewLocalAudioTrack(&meddlingSource{hit: hit})
	case "audio sink":
		o.AudioSink = &meddlingSink{hit: hit}
	case "video sink":
		o.VideoSink = &meddlingSink{hit: hit}
	}
	s.call, _ = connect(s.device, bob, func(so *engine.StartCallOptions) { so.CallOptions = o },
		func(ao *engine.AcceptCallOptions) {
			ao.Audio, ao.Video = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), engine.NewLocalVideoTrack(film(t, nil))
		})
	close(connected)
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("the source or sink was not called or did not return")
	}
}
