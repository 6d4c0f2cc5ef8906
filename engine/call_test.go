package engine_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

func TestCall_AudioBothWays(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	aliceEar, bobEar := newEar(700), newEar(440)
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), aliceEar
		},
		func(o *engine.AcceptCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 700}), bobEar
		})
	if a.ID() != b.ID() {
		t.Errorf("the ends have different ids: %v and %v", a.ID(), b.ID())
	}
	aliceEar.hears(t)
	bobEar.hears(t)
	alice.hangUp(a)
	bob.wait("ended 0/0")
	<-a.Released()
	frames := aliceEar.frames
	<-b.Released()
	if aliceEar.frames != frames {
		t.Error("a sink was used after Released")
	}
	alice.order("calls +1 -0", "participants +1 -0", "state Connecting", "state Ringing", "state Connected",
		"state Disconnecting", "participants +0 -1", "state Disconnected", "ended 0/0", "calls +0 -1")
	bob.order("incoming "+user("alice"), "participants +1 -0", "state Connecting", "calls +1 -0", "state Connected",
		"participants +0 -1", "state Disconnected", "calls +0 -1")
}
