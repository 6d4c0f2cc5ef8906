package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/transport"
)

// relayOf signs a user in beside a rogue to learn the relay of the service.
func relayOf(t *testing.T, s *realService, token string) []transport.ICEServer {
	t.Helper()
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: s.srv.Dialer(), Token: func(context.Context) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	welcome, err := client.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var servers []transport.ICEServer
	for _, r := range welcome.Relay.GetServers() {
		servers = append(servers, transport.ICEServer{URLs: r.GetUrls(), Username: r.GetUsername(), Credential: r.GetCredential()})
	}
	return servers
}

// TestPrivacy_BeforeAccept: a device that is called, and that connects its media
// as soon as it rings, sees neither an address of the caller nor a packet.
func TestPrivacy_BeforeAccept(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	alice := s.signIn("alice")
	_, token := s.token("bob")
	relay := relayOf(t, s, token)
	bob := newRogue(t, s.srv.Dialer(), token)
	var packets atomic.Int64
	bob.change = func(o *transport.Options) {
		o.ICEServers, o.IncludeLoopback = relay, true
		o.Events.Packet = func(packet.Kind, *packet.Packet) { packets.Add(1) }
	}
	a := alice.call("bob", func(o *engine.StartCallOptions) {
		o.Audio = engine.NewLocalAudioTrack(&toneSource{frequency: 440})
		o.Video = engine.NewLocalVideoTrack(film(t, nil))
	})
	id, incoming := bob.hearCall(callfsm.KindIncoming)
	bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
	path := bob.offer(id, incoming.Leg, media.AudioCodecs())
	bob.answered(path)
	before := bob.candidates
	if len(before) == 0 {
		t.Error("the path stands without a candidate")
	}
	for _, c := range before {
		if !strings.Contains(c, " typ relay") || strings.Contains(c, "raddr") && !strings.Contains(c, "raddr 0.0.0.0") {
			t.Errorf("shown while it rings: %s", c)
		}
	}
	if pair := path.Stats().CandidatePair; pair == nil || pair.Remote.CandidateType != "relay" {
		t.Errorf("connected over %+v", pair)
	}
	// Long enough for many packets, were there any.
	select {
	case <-time.After(300 * time.Millisecond):
	case <-a.Done():
		t.Fatal("the call ended")
	}
	if n := packets.Load(); n != 0 {
		t.Errorf("%d packets before the accept", n)
	}
	bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	alice.wait("state Connected")
	bob.hear("a host candidate", func(m *signaling.Message) bool {
		return strings.Contains(strings.Join(m.GetCandidates().GetCandidates(), "\n"), " typ host")
	})
	for deadline := time.Now().Add(patience); packets.Load() == 0 && time.Now().Before(deadline); {
		<-time.After(10 * time.Millisecond)
	}
	if packets.Load() == 0 {
		t.Error("no packet after the accept")
	}
	alice.hangUp(a)
}

// TestPrivacy_ShareAddressEarly: who opts in shows addresses at once, and two
// that do are connected directly before the accept.
func TestPrivacy_ShareAddressEarly(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	var hosts atomic.Int64
	s.meddle = func(_ string, m *signaling.Message) []*signaling.Message {
		if strings.Contains(strings.Join(m.GetCandidates().GetCandidates(), "\n"), " typ host") {
			hosts.Add(1)
		}
		return []*signaling.Message{m}
	}
	alice := signIn(t, s.dialer(), "alice")
	bob := signIn(t, s.dialer(), "bob", func(o *setup) { o.agent.ShareAddressEarly = true })
	a := alice.call("bob", func(o *engine.StartCallOptions) { o.ShareAddressEarly = true })
	i := bob.ringing()
	for deadline := time.Now().Add(patience); hosts.Load() < 2 && time.Now().Before(deadline); {
		<-time.After(5 * time.Millisecond)
	}
	if hosts.Load() < 2 {
		t.Error("no addresses were shown while it rings")
	}
	bob.accept(i)
	alice.wait("state Connected")
	// However early the path was found, both are told of it.
	alice.wait("media Connected")
	bob.wait("media Connected")
	alice.hangUp(a)
}

// TestPrivacy_RelayOnly: addresses are never shown.
func TestPrivacy_RelayOnly(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	hidden := func(o *setup) { o.options.RelayOnly = true }
	alice, bob := s.signIn("alice", hidden), s.signIn("bob")
	ear := newEar(440)
	a, b := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Audio = engine.NewLocalAudioTrack(&toneSource{frequency: 440})
	}, func(o *engine.AcceptCallOptions) { o.AudioSink = ear })
	ear.hears(t)
	if pair := b.Stats().CandidatePair; pair == nil || pair.Remote.CandidateType != "relay" {
		t.Errorf("the path is %+v", pair)
	}
	alice.hangUp(a)
}
