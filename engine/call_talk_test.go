package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// talk is a call with a tone each way.
type talk struct {
	alice, bob         *device
	a, b               *engine.Call
	aliceEar, bobEar   *ear
	aliceVoice         *toneSource
	aliceTrack, bTrack *engine.LocalAudioTrack
}

func newTalk(t *testing.T) *talk {
	t.Helper()
	s := newMiniService(t, callfsm.Timeouts{})
	k := &talk{
		alice: signIn(t, s.dialer(), "alice"), bob: signIn(t, s.dialer(), "bob"),
		aliceEar: newEar(700), bobEar: newEar(440), aliceVoice: &toneSource{frequency: 440},
	}
	k.aliceTrack = engine.NewLocalAudioTrack(k.aliceVoice)
	k.bTrack = engine.NewLocalAudioTrack(&toneSource{frequency: 700})
	k.a, k.b = connect(k.alice, k.bob,
		func(o *engine.StartCallOptions) { o.Audio, o.AudioSink = k.aliceTrack, k.aliceEar },
		func(o *engine.AcceptCallOptions) { o.Audio, o.AudioSink = k.bTrack, k.bobEar })
	k.aliceEar.hears(t)
	k.bobEar.hears(t)
	return k
}

func TestCall_HoldAndResume(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	k := newTalk(t)
	k.alice.do("hold", k.a.Hold)
	k.alice.do("hold again", k.a.Hold)
	k.bob.wait("state RemoteHold")
	k.bob.wait("participant Hold")
	k.aliceEar.hearsNothing(t)
	k.bobEar.hearsNothing(t)
	if k.a.State() != engine.CallStateLocalHold {
		t.Errorf("state %v after Hold", k.a.State())
	}
	// Both sides' holds may overlap; each has to resume.
	k.bob.do("hold", k.b.Hold)
	k.alice.wait("participant Hold")
	k.alice.do("resume", k.a.Resume)
	k.alice.wait("state RemoteHold")
	k.bobEar.hearsNothing(t)
	k.bob.do("resume", k.b.Resume)
	k.alice.waitCount("state Connected", 2)
	k.bob.waitCount("state Connected", 2)
	k.aliceEar.hears(t)
	k.bobEar.hears(t)
	k.alice.do("resume without a hold", k.a.Resume)
	k.alice.hangUp(k.a)
}

func TestCall_MuteAndUnmute(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	k := newTalk(t)
	k.alice.do("mute", k.a.Mute)
	k.alice.do("mute again", k.a.Mute)
	k.bob.wait("participant muted true")
	k.bobEar.hearsNothing(t)
	if !k.a.IsMuted() || !k.b.Participants()[0].IsMuted() {
		t.Error("not shown as muted")
	}
	k.aliceEar.hears(t)
	k.alice.do("unmute", k.a.Unmute)
	k.bob.wait("participant muted false")
	k.bobEar.hears(t)
	if n := k.alice.log.count("muted"); n != 2 {
		t.Errorf("%d events for one mute and one unmute", n)
	}

	k.bob.do("mute incoming", k.b.MuteIncoming)
	k.bobEar.hearsNothing(t)
	k.aliceEar.hears(t)
	if !k.b.IsIncomingMuted() || k.alice.log.count("participant muted") != 0 {
		t.Error("muting what comes in is nobody else's affair")
	}
	k.bob.do("unmute incoming", k.b.UnmuteIncoming)
	k.bobEar.hears(t)
	k.alice.hangUp(k.a)
}

func TestCall_StartsMuted(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	ear := newEar(440)
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) {
			o.Muted, o.Audio = true, engine.NewLocalAudioTrack(&toneSource{frequency: 440})
		},
		func(o *engine.AcceptCallOptions) { o.AudioSink = ear })
	if !a.IsMuted() {
		t.Error("the caller is not muted")
	}
	ear.hearsNothing(t)
	bob.wait("participant muted true")
	if !b.Participants()[0].IsMuted() {
		t.Error("the callee does not know that the caller is muted")
	}
	alice.do("unmute", a.Unmute)
	ear.hears(t)
	alice.hangUp(a)
}

func TestCall_ChangeMicrophoneAndSpeaker(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	k := newTalk(t)
	k.aliceTrack.SetSource(&toneSource{frequency: 1500})
	other := newEar(1500)
	k.bob.do("change speaker", func(ctx context.Context) error { return k.b.SetAudioSink(ctx, other) })
	other.hears(t)
	k.alice.do("remove microphone", func(ctx context.Context) error { return k.a.RemoveTrack(ctx, k.aliceTrack) })
	other.hearsNothing(t)
	ctx := context.Background()
	if err := k.a.RemoveTrack(ctx, k.aliceTrack); !errors.Is(err, engine.ErrNoSuchTrack) {
		t.Errorf("removing twice: %v", err)
	}
	k.alice.do("add microphone", func(ctx context.Context) error { return k.a.AddTrack(ctx, k.aliceTrack) })
	other.hears(t)
	if err := k.a.AddTrack(ctx, engine.NewLocalAudioTrack(nil)); !errors.Is(err, engine.ErrTrackInUse) {
		t.Errorf("a second microphone: %v", err)
	}
	if err := k.a.AddTrack(ctx, nil); !errors.Is(err, engine.ErrInvalidOptions) {
		t.Errorf("no track: %v", err)
	}
	k.alice.hangUp(k.a)
}

func TestCall_DTMF(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	k := newTalk(t)
	k.alice.do("send tones", func(ctx context.Context) error { return k.a.SendDTMF(ctx, "12a#") })
	k.bob.waitCount("tone", 4)
	k.bob.order("tone 1", "tone 2", "tone A", "tone #")
	for _, bad := range []string{"", "12x", "１", string(make([]byte, 65))} {
		if err := k.a.SendDTMF(context.Background(), bad); !errors.Is(err, engine.ErrInvalidTones) {
			t.Errorf("tones %q: %v", bad, err)
		}
	}
	// On hold there is no media; the tones go beside it.
	k.bob.do("hold", k.b.Hold)
	k.alice.wait("state RemoteHold")
	k.alice.do("send tones on hold", func(ctx context.Context) error { return k.a.SendDTMF(ctx, "9*") })
	k.bob.order("tone #")
	k.bob.waitCount("tone", 6)
	k.bob.order("tone 9", "tone *")
	k.alice.hangUp(k.a)
}

func TestCall_Speaking(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	k := newTalk(t)
	k.bob.wait("speaking true")
	if !k.b.Participants()[0].IsSpeaking() {
		t.Log("the voice stopped in the meantime")
	}
	k.alice.do("mute", k.a.Mute)
	k.bob.wait("speaking false")
	k.alice.hangUp(k.a)
}

func TestCall_Statistics(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	got := make(chan engine.CallStats, 16)
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) {
			o.Audio = engine.NewLocalAudioTrack(&toneSource{frequency: 440})
			o.StatsInterval = time.Second
			o.Events.Statistics = func(e engine.StatisticsReported) { got <- e.Stats }
		},
		func(o *engine.AcceptCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 700}), newEar(440)
		})
	var last engine.CallStats
	for range 2 {
		select {
		case last = <-got:
		case <-time.After(patience):
			t.Fatal("no statistics")
		}
	}
	if len(last.OutboundRTP) == 0 || len(last.InboundRTP) == 0 || last.CandidatePair == nil {
		t.Fatalf("statistics lack streams or the path: %+v", last)
	}
	out, in := last.OutboundRTP[0], last.InboundRTP[0]
	if out.Kind != engine.TrackKindAudio || out.PacketsSent == 0 || out.Codec == "" || !out.Active {
		t.Errorf("outbound: %+v", out)
	}
	if in.Kind != engine.TrackKindAudio || in.PacketsReceived == 0 || in.TotalSamplesReceived == 0 || in.Codec == "" {
		t.Errorf("inbound: %+v", in)
	}
	if last.AudioSource.AudioLevel == 0 || last.Transport.DTLSState == "" || last.Transport.BytesSent == 0 {
		t.Errorf("source %+v, transport %+v", last.AudioSource, last.Transport)
	}
	alice.hangUp(a)
	bob.wait("state Disconnected")
	if final := b.Stats(); len(final.InboundRTP) == 0 || final.InboundRTP[0].PacketsReceived == 0 {
		t.Errorf("the last statistics are gone: %+v", final)
	}
}
