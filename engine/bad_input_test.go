package engine_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
	"github.com/parley-rtc/parley/transport"
)

// badDescriptions are offers and answers that are none.
var badDescriptions = map[string]string{
	"empty":     "",
	"text":      "this is no session description",
	"no media":  "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
	"half":      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n",
	"binary":    "\x00\x01\x02\u2603",
	"too large": strings.Repeat("a=x\r\n", 20_000),
}

// TestBadInput_Offer: a device that is called describes nonsense and accepts.
func TestBadInput_Offer(t *testing.T) {
	for name, sdp := range badDescriptions {
		t.Run(name, func(t *testing.T) {
			testkit.CheckLeaks(t, 2*time.Minute)
			s := newMiniService(t, callfsm.Timeouts{})
			alice, bob := signIn(t, s.dialer(), "alice"), newRogue(t, s.dialer(), user("bob"))
			a := alice.call("bob")
			id, incoming := bob.hearCall(callfsm.KindIncoming)
			bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
			bob.describe(id, incoming.Leg, signalpb.CallDescription_OFFER, 1, sdp)
			bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
			<-a.Done()
			if r := a.EndReason(); r.Code != 410 || r.Subcode != 3112 {
				t.Errorf("ended with %v", r)
			}
			stillWorks(t, s, alice)
		})
	}
}

// TestBadInput_Answer: a caller answers nonsense.
func TestBadInput_Answer(t *testing.T) {
	for name, sdp := range badDescriptions {
		t.Run(name, func(t *testing.T) {
			testkit.CheckLeaks(t, 2*time.Minute)
			s := newMiniService(t, callfsm.Timeouts{})
			alice, bob := newRogue(t, s.dialer(), user("alice")), signIn(t, s.dialer(), "bob")
			id := callfsm.NewCallID()
			alice.say(id, callfsm.Message{Kind: callfsm.KindStart, To: user("bob"), Media: callfsm.MediaAudio})
			bob.ringing()
			offer := alice.hear("an offer", func(m *signaling.Message) bool { return m.GetDescription() != nil }).GetDescription()
			alice.describe(id, callfsm.Leg(offer.GetLeg()), signalpb.CallDescription_ANSWER, offer.GetGeneration(), sdp)
			bob.wait("incoming ended 410/3112")
			stillWorks(t, s, bob)
		})
	}
}

// stillWorks makes sure that an agent is as good as new.
func stillWorks(t *testing.T, s *miniService, d *device) {
	t.Helper()
	carol := signIn(t, s.dialer(), "carol")
	c, _ := connect(d, carol, nil, nil)
	d.hangUp(c)
	if n := len(d.agent.Calls()) + len(d.agent.IncomingCalls()); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func TestBadInput_NoCommonCodec(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), newRogue(t, s.dialer(), user("bob"))
	a := alice.call("bob")
	id, incoming := bob.hearCall(callfsm.KindIncoming)
	bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
	bob.offer(id, incoming.Leg, []packet.Codec{{Name: "speex", PayloadType: 97, ClockRate: 16000, Channels: 1}})
	bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	<-a.Done()
	if r := a.EndReason(); r.Code != 410 || r.Subcode != 3101 {
		t.Errorf("ended with %v", r)
	}
	stillWorks(t, s, alice)
}

// TestBadInput_PeerNeverConnects: it accepts, and that was all.
func TestBadInput_PeerNeverConnects(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	short := func(s *setup) { s.options.Timeouts.Establishment = 300 * time.Millisecond }
	alice, bob := signIn(t, s.dialer(), "alice", short), newRogue(t, s.dialer(), user("bob"))
	a := alice.call("bob")
	id, incoming := bob.hearCall(callfsm.KindIncoming)
	bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
	bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	<-a.Done()
	if r := a.EndReason(); r.Code != 408 || r.Subcode != 10057 {
		t.Errorf("ended with %v", r)
	}
}

// rogueCall is a connected call between an engine and a rogue.
func rogueCall(t *testing.T, change func(*engine.StartCallOptions)) (*miniService, *device, *engine.Call, *rogue, *roguePath) {
	t.Helper()
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), newRogue(t, s.dialer(), user("bob"))
	a := alice.call("bob", change)
	id, incoming := bob.hearCall(callfsm.KindIncoming)
	bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
	path := bob.offer(id, incoming.Leg, media.AudioCodecs())
	bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	bob.answered(path)
	alice.wait("state Connected")
	return s, alice, a, bob, path
}

// TestBadInput_Packets: ten times the agreed rate, noise instead of payloads.
func TestBadInput_Packets(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	ear, eye := newEar(440), newEye()
	_, alice, a, _, path := rogueCall(t, func(o *engine.StartCallOptions) { o.AudioSink, o.VideoSink = ear, eye })
	random := rand.NewChaCha8([32]byte{1})
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	for _, kind := range []packet.Kind{packet.KindAudio, packet.KindVideo} {
		for _, codec := range path.Codecs(kind) {
			for i := range 500 {
				// As fast as it goes: a second's worth of ten times the rate at once.
				err := path.WritePacket(kind, &packet.Packet{
					PayloadType: codec.PayloadType, Marker: i%7 == 0,
					SequenceNumber: uint16(i * i), Timestamp: uint32(i) * 960, Payload: noise(1 + i%1000),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	frames := func() int {
		ear.mu.Lock()
		defer ear.mu.Unlock()
		return ear.frames
	}
	before := frames()
	ear.until(t, "the playout stopped", func() bool { return ear.frames > before+50 })
	if a.State() != engine.CallStateConnected {
		t.Errorf("the call is %v", a.State())
	}
	stats := a.Stats()
	if len(stats.InboundRTP) == 0 || stats.InboundRTP[0].PacketsReceived == 0 {
		t.Errorf("no packet was counted: %+v", stats.InboundRTP)
	}
	alice.hangUp(a)
}

// TestBadInput_Data: malformed messages are dropped, a flood ends the call.
func TestBadInput_Data(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	release := make(chan struct{})
	got := make(chan engine.DataReceived, 1024)
	s, alice, a, _, path := rogueCall(t, func(o *engine.StartCallOptions) {
		o.Events.DataReceived = func(e engine.DataReceived) {
			got <- e
			<-release
		}
	})
	send := func(r transport.Reliability, m []byte) {
		t.Helper()
		for {
			err := path.SendData(r, m)
			if err == nil {
				return
			}
			select {
			case <-a.Done():
				return
			case <-time.After(5 * time.Millisecond): // not open yet, or its buffer is full
			}
		}
	}
	for _, m := range [][]byte{nil, {1}, {0, 1, 0, 0, 0}, {0, 0, 0, 0, 0, 1, 'x'}, {0, 1, 0, 0, 0, 0, 'x'}} {
		send(transport.Reliable, m)
	}
	send(transport.Reliable, []byte{0, 7, 0, 0, 0, 1, 'o', 'k'})
	if e := <-got; e.ChannelID != 7 || string(e.Data) != "ok" {
		t.Errorf("got channel %d: %q", e.ChannelID, e.Data)
	}
	flood := make([]byte, 32<<10)
	flood[1], flood[5] = 7, 1
	for i := 0; i < 600 && a.State() == engine.CallStateConnected; i++ {
		send(transport.Lossy, flood)
	}
	if a.State() != engine.CallStateConnected {
		t.Error("lossy messages that wait for a slow handler are dropped, not fatal")
	}
	for i := 0; i < 600 && a.State() == engine.CallStateConnected; i++ {
		send(transport.Reliable, flood)
	}
	<-a.Done()
	if r := a.EndReason(); r.Code != 410 || r.Subcode != 3112 {
		t.Errorf("ended with %v", r)
	}
	close(release)
	stillWorks(t, s, alice)
}

// TestBadInput_Messages: call messages of all kinds at the wrong time, with
// wrong legs, states and ids, candidates that are none. The call goes on.
func TestBadInput_Messages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s, alice, a, _, _ := rogueCall(t, func(*engine.StartCallOptions) {})
	id := a.ID()
	s.mu.Lock()
	session := s.devices[user("alice")+"/"+deviceIn(s, user("alice"))]
	s.mu.Unlock()
	inject := func(m *signaling.Message) {
		t.Helper()
		if err := session.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for kind := callfsm.MessageKind(0); kind < 64; kind++ {
		switch kind { // these would rightly change the call
		case callfsm.KindEnded, callfsm.KindHold, callfsm.KindReconciled:
			continue
		}
		for _, leg := range []callfsm.Leg{0, 1, 2, 5, callfsm.AllLegs} {
			inject(signaling.EncodeCall(id, callfsm.Message{
				Kind: kind, Leg: leg, State: 200, Media: 0xff, Request: 99, Tones: "x☎", Reason: callfsm.EndReason{Code: -5},
			}))
		}
	}
	inject(signaling.EncodeCall(callfsm.NewCallID(), callfsm.Message{Kind: callfsm.KindHold}))
	inject(&signaling.Message{CallId: []byte{1, 2, 3}, Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{Kind: 14}}})
	inject(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{Kind: 70_000, Media: 70_000}}})
	inject(&signaling.Message{CallId: id[:]})
	inject(&signaling.Message{})
	inject(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{}})
	inject(&signaling.Message{CallId: id[:3], Body: &signalpb.Message_Candidates{}})
	for _, kind := range []signalpb.CallDescription_Kind{0, 1, 2, 99} {
		for _, generation := range []uint32{0, 1, 2, 1 << 31} {
			for _, leg := range []uint32{0, 2, 9} {
				inject(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{
					Leg: leg, Kind: kind, Generation: generation, Sdp: "nonsense",
				}}})
			}
		}
	}
	for i := range 300 {
		inject(&signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{Candidates: &signalpb.CallCandidates{
			Leg: 1, Generation: uint32(i % 3), End: i%5 == 0,
			Candidates: []string{"", "candidate:", strings.Repeat("x", 1000), "candidate:1 1 udp 1 203.0.113.9 9 typ host"},
		}}})
	}
	// The last message proves that all before it were applied.
	inject(signaling.EncodeCall(id, callfsm.Message{Kind: callfsm.KindHold}))
	alice.wait("state RemoteHold")
	alice.do("hang up", func(ctx context.Context) error { return a.HangUp(ctx, nil) })
	stillWorks(t, s, alice)
}

// deviceIn returns the one device of a user. The service is locked.
func deviceIn(s *miniService, userID string) string {
	for d := range s.devices {
		if u, device, _ := strings.Cut(d, "/"); u == userID {
			return device
		}
	}
	return ""
}

// TestBadInput_RingFlood: one agent rings for so many calls and no more.
func TestBadInput_RingFlood(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := newRogue(t, s.dialer(), user("alice")), signIn(t, s.dialer(), "bob")
	for range 40 {
		alice.say(callfsm.NewCallID(), callfsm.Message{Kind: callfsm.KindStart, To: user("bob"), Media: callfsm.MediaAudio})
	}
	for range 40 - 16 {
		if _, m := alice.hearCall(callfsm.KindEnded); m.Reason.Code != 486 {
			t.Errorf("ended with %v", m.Reason)
		}
	}
	if n := len(bob.agent.IncomingCalls()); n != 16 {
		t.Errorf("%d calls ring", n)
	}
}
