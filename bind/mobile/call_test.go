package mobile_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
)

// phone plays the audio threads of a device: it speaks a tone and measures what
// is heard, every 10 ms, until stopped.
type phone struct {
	audio *mobile.Audio
	stop  chan struct{}
	done  chan struct{}
	heard chan float64 // level of each block, dropped when nobody takes it
}

func pickUp(t *testing.T, audio *mobile.Audio, frequency float64) *phone {
	p := &phone{audio: audio, stop: make(chan struct{}), done: make(chan struct{}), heard: make(chan float64, 1)}
	go p.run(frequency)
	t.Cleanup(func() {
		close(p.stop)
		<-p.done
	})
	return p
}

func (p *phone) run(frequency float64) {
	defer close(p.done)
	block := make([]byte, 10*mobile.AudioBytesPerMillisecond)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		for i := 0; i < len(block); i += 2 {
			s := int16(8000 * math.Sin(2*math.Pi*frequency*float64(n)/float64(mobile.AudioSampleRate)))
			binary.LittleEndian.PutUint16(block[i:], uint16(s))
			n++
		}
		p.audio.WritePCM(block)
		p.audio.ReadPCM(block)
		var sum float64
		for _, s := range samplesOf(block) {
			sum += float64(s) * float64(s)
		}
		select {
		case p.heard <- math.Sqrt(sum / float64(len(block)/2)):
		default:
		}
	}
}

// hears waits until the level fits.
func (p *phone) hears(t *testing.T, what string, fits func(float64) bool) {
	t.Helper()
	timer := time.After(limit)
	for in := 0; in < 10; {
		select {
		case level := <-p.heard:
			if in++; !fits(level) {
				in = 0
			}
		case <-timer:
			t.Fatalf("%s is not heard", what)
		}
	}
}

func loud(level float64) bool { return level > 1000 }

func silent(level float64) bool { return level < 20 }

// TestCall_Everything goes through a call: ringing, voice, mute, hold, tones,
// data, statistics, interruption, hanging up.
func TestCall_Everything(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	options := &mobile.CallOptions{Data: bob.events, Stats: bob.events, StatsInterval: 1000}
	a, b := connect(alice, bob, options)
	if a.ID() != b.ID() || a.Direction() != mobile.CallDirectionOutgoing || b.Direction() != mobile.CallDirectionIncoming {
		t.Errorf("%s %d, %s %d", a.ID(), a.Direction(), b.ID(), b.Direction())
	}
	if alice.agent.Calls().Len() != 1 || alice.agent.Calls().At(0) != a || alice.agent.Calls().At(1) != nil {
		t.Error("the agent does not list its call")
	}
	if people := b.Participants(); people.Len() != 1 || people.At(0).Identifier() != alice.id || people.At(0).DisplayName() != "Alice" {
		t.Errorf("%d participants", people.Len())
	}
	bob.events.wait("incoming Alice")
	mouth, ear := pickUp(t, alice.client.Audio(), 440), pickUp(t, bob.client.Audio(), 700)
	ear.hears(t, "alice", loud)
	mouth.hears(t, "bob", loud)

	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("mute", a.Mute())
	bob.events.wait("participant muted true")
	alice.events.wait("muted true false")
	ear.hears(t, "silence", silent)
	do("unmute", a.Unmute())
	bob.events.wait("participant muted false")
	ear.hears(t, "alice again", loud)
	do("mute incoming", b.MuteIncoming())
	ear.hears(t, "silence of one's own", silent)
	if !b.IsIncomingMuted() || b.IsMuted() {
		t.Error("muted the other way")
	}
	do("unmute incoming", b.UnmuteIncoming())

	alice.client.Audio().BeginInterruption()
	mouth.hears(t, "silence while interrupted", silent)
	ear.hears(t, "silence of who is interrupted", silent)
	alice.client.Audio().EndInterruption()
	ear.hears(t, "alice after the interruption", loud)
	alice.client.Audio().RouteChanged()
	mouth.hears(t, "bob over another headset", loud)

	do("hold", b.Hold())
	alice.events.wait(state(mobile.CallStateRemoteHold))
	bob.events.wait(state(mobile.CallStateLocalHold))
	do("resume", b.Resume())
	alice.events.wait(state(mobile.CallStateConnected))

	do("tones", a.SendDTMF("1#"))
	bob.events.wait("tone 1")
	bob.events.wait("tone #")
	wantCode(t, "no tones", a.SendDTMF("x"), mobile.ErrorCodeInvalidArgument)

	sender, err := a.NewDataSender(7, false, 0)
	do("data channel", err)
	do("data", sender.Send([]byte("hello")))
	if m := <-bob.events.data; string(m.Data) != "hello" || m.ChannelID != 7 || m.Lossy || m.Sequence != 1 || m.Participant.Identifier() != alice.id {
		t.Errorf("data %+v", m)
	}
	wantCode(t, "too much data", sender.Send(make([]byte, mobile.MaxDataMessageSize+1)), mobile.ErrorCodeTooLarge)
	sender.Close()
	wantCode(t, "closed channel", sender.Send([]byte("x")), mobile.ErrorCodeClosed)
	bob.events.wait("stats true")

	do("hang up", a.HangUp())
	alice.events.wait(state(mobile.CallStateDisconnected))
	bob.events.wait(state(mobile.CallStateDisconnected))
	if r := b.EndReason(); r == nil || r.Code != 0 {
		t.Errorf("ended for %+v", r)
	}
	do("hang up again", a.HangUp())
	wantCode(t, "mute after the end", a.Mute(), mobile.ErrorCodeCallEnded)
	if alice.agent.Calls().Len() != 0 || bob.agent.IncomingCalls().Len() != 0 {
		t.Error("the calls are still listed")
	}
	do("shutdown", alice.client.Shutdown())
	do("shutdown", bob.client.Shutdown())
}

// TestCall_BesideChat: a phone has one name for its calls and its chat; neither
// signs the other out, and a call rings at the one for calls only, so that its
// answer counts.
func TestCall_BesideChat(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	var err error
	if bob.agent, err = bob.client.NewCallAgent(bob.cred, &mobile.CallAgentOptions{DeviceID: "phone"}, bob.events); err != nil {
		t.Fatal(err)
	}
	chat, err := bob.client.NewChatClient(bob.cred, &mobile.ChatOptions{DeviceID: "phone"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	call, err := alice.agent.StartCall(bob.id, nil, alice.events)
	if err != nil {
		t.Fatal(err)
	}
	if err := (<-bob.events.incoming).Reject(true); err != nil {
		t.Fatal(err)
	}
	alice.events.wait(state(mobile.CallStateDisconnected))
	if r := call.EndReason(); r.Code != 486 {
		t.Errorf("ended for %+v", r)
	}
	if chat.Close(); bob.agent.ConnectionState() != mobile.ConnectionStateConnected {
		t.Errorf("the agent's connection is %d", bob.agent.ConnectionState())
	}
}

// TestCall_Rejected: the caller learns why.
func TestCall_Rejected(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	alice.signIn("Alice")
	bob.signIn("Bob")
	call, err := alice.agent.StartCall(bob.id, nil, alice.events)
	if err != nil {
		t.Fatal(err)
	}
	incoming := <-bob.events.incoming
	if incoming.ID() != call.ID() || incoming.CallerID() != alice.id || incoming.HasVideo() || bob.agent.IncomingCalls().At(0) != incoming {
		t.Error("it is another call that rings")
	}
	if err := incoming.Reject(true); err != nil {
		t.Fatal(err)
	}
	alice.events.wait(state(mobile.CallStateDisconnected))
	if r := call.EndReason(); r.Code != 486 {
		t.Errorf("ended for %+v", r)
	}
	_, err = incoming.Accept(nil, nil)
	if code := mobile.ErrorCode(err); code != mobile.ErrorCodeInvalidState && code != mobile.ErrorCodeCallFailed && code != mobile.ErrorCodeCallEnded {
		t.Errorf("accepted after all: %v", err)
	}
	_, err = alice.agent.StartCall("nonsense", nil, nil)
	wantCode(t, "nobody", err, mobile.ErrorCodeInvalidArgument)
	last := "0"
	if strings.HasSuffix(bob.id, last) {
		last = "1"
	}
	nobody, err := alice.agent.StartCall(bob.id[:len(bob.id)-1]+last, nil, alice.events)
	if err == nil {
		alice.events.wait(state(mobile.CallStateDisconnected))
		if nobody.EndReason().Code == 0 {
			t.Error("somebody who is not there ended the call in the ordinary way")
		}
	} else {
		wantCode(t, "somebody who is not there", err, mobile.ErrorCodeCallFailed)
	}
}
