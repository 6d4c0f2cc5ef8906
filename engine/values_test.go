package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

// TestNames: apps and logs show these; all differ, and none is lost.
func TestNames(t *testing.T) {
	families := map[string][]fmt.Stringer{}
	for s := engine.CallStateNone; s <= engine.CallStateDisconnected; s++ {
		families["call state"] = append(families["call state"], s)
	}
	for s := engine.ParticipantStateIdle; s <= engine.ParticipantStateDisconnected; s++ {
		families["participant state"] = append(families["participant state"], s)
	}
	for s := engine.ConnectionStateConnected; s <= engine.ConnectionStateDisconnected; s++ {
		families["connection state"] = append(families["connection state"], s)
	}
	for s := engine.MediaStateConnecting; s <= engine.MediaStateReconnecting; s++ {
		families["media state"] = append(families["media state"], s)
	}
	families["direction"] = []fmt.Stringer{engine.CallDirectionOutgoing, engine.CallDirectionIncoming}
	families["reliability"] = []fmt.Stringer{engine.DataReliable, engine.DataLossy}
	families["track kind"] = []fmt.Stringer{engine.TrackKindAudio, engine.TrackKindVideo}
	for family, values := range families {
		seen := map[string]bool{}
		for _, v := range values {
			if name := v.String(); name == "" || strings.EqualFold(name, "unknown") || seen[name] {
				t.Errorf("%s %#v is called %q", family, v, name)
			} else {
				seen[name] = true
			}
		}
	}
	for _, v := range []fmt.Stringer{
		engine.CallState(99), engine.ParticipantState(99), engine.ConnectionState(99), engine.MediaState(99),
		engine.CallDirection(99), engine.DataReliability(99), engine.TrackKind(99),
	} {
		if !strings.EqualFold(v.String(), "unknown") {
			t.Errorf("%#v is called %q", v, v)
		}
	}
}

func TestCallStats_JSON(t *testing.T) {
	stats := engine.CallStats{
		InboundRTP:  []engine.InboundRTPStats{{Kind: engine.TrackKindVideo, FramesDecoded: 3}},
		OutboundRTP: []engine.OutboundRTPStats{{Kind: engine.TrackKindAudio, PacketsSent: 7}},
	}
	text, err := json.Marshal(stats)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"inbound-rtp"`, `"kind":"video"`, `"framesDecoded":3`, `"packetsSent":7`, `"jitterBufferDelay"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	var again engine.CallStats
	if err := json.Unmarshal(text, &again); err != nil || again.InboundRTP[0].Kind != engine.TrackKindVideo {
		t.Errorf("read back: %v, %+v", err, again)
	}
	if json.Unmarshal([]byte(`{"inbound-rtp":[{"kind":"smell"}]}`), &again) == nil {
		t.Error("a kind that is none was taken")
	}
}

func TestCallError(t *testing.T) {
	err := fmt.Errorf("start: %w", &engine.CallError{Code: 480, Subcode: 10037, Message: "nobody there"})
	var callError *engine.CallError
	if !errors.As(err, &callError) || !strings.Contains(err.Error(), "480/10037 nobody there") {
		t.Errorf("got %v", err)
	}
}

// encodedSource gives a tone that it has encoded already.
type encodedSource struct {
	toneSource
	codec   string
	mu      sync.Mutex
	encoder media.AudioEncoder
	frames  int
}

func (s *encodedSource) EncodedCodec() string { return s.codec }

func (s *encodedSource) ReadEncodedAudio() (media.EncodedAudio, error) {
	frame := make([]int16, media.AudioFrameSamples)
	if err := s.ReadAudio(frame); err != nil {
		return media.EncodedAudio{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := s.encoder.Encode(frame)
	s.frames++
	return media.EncodedAudio{Codec: s.codec, Data: data, Duration: media.AudioFrameDuration}, err
}

// TestCall_EncodedAudio: a source that has its audio encoded is passed on as it
// is, also through the track.
func TestCall_EncodedAudio(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	codec := media.AudioCodecs()[0]
	encoder, err := media.NewAudioEncoder(codec, nil)
	if err != nil {
		t.Fatal(err)
	}
	source := &encodedSource{toneSource: toneSource{frequency: 440}, codec: codec.Name, encoder: encoder}
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	ear := newEar(440)
	a, _ := connect(alice, bob, func(o *engine.StartCallOptions) { o.Audio = engine.NewLocalAudioTrack(source) },
		func(o *engine.AcceptCallOptions) { o.AudioSink = ear })
	ear.hears(t)
	source.mu.Lock()
	frames := source.frames
	source.mu.Unlock()
	if frames == 0 {
		t.Error("the source was asked for samples instead of frames")
	}
	alice.hangUp(a)
}

// TestData_BeforeConnected: what the other side sends as soon as it is connected
// is not lost when this side is connected a little later.
func TestData_BeforeConnected(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), newRogue(t, s.dialer(), user("bob"))
	alice.call("bob")
	id, incoming := bob.hearCall(callfsm.KindIncoming)
	bob.say(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: incoming.Leg})
	path := bob.offer(id, incoming.Leg, media.AudioCodecs())
	bob.say(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	bob.answered(path)
	for deadline := time.Now().Add(patience); path.SendData(0, []byte{0, 9, 0, 0, 0, 1, 'x'}) != nil && time.Now().Before(deadline); {
		<-time.After(time.Millisecond)
	}
	alice.wait("data 9 Reliable #1 1 bytes")
}
