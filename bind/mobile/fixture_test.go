package mobile_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
)

// parley is the program that the tests start as their service.
var parley string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "parley-bind")
		if err == nil {
			defer os.RemoveAll(folder)
			parley, err = testkit.BuildParley(folder)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// limit is for what does not come at all.
const limit = time.Minute

// person is a user with a client of its own.
type person struct {
	t      *testing.T
	id     string
	cred   *mobile.Credential
	client *mobile.Client
	agent  *mobile.CallAgent
	events *events
}

// events are the listeners of a test: all they hear, as texts.
type events struct {
	t        *testing.T
	mu       sync.Mutex
	heard    []string
	changed  chan struct{}
	incoming chan *mobile.IncomingCall
	data     chan *mobile.DataMessage
	frames   chan *mobile.VideoFrame
	messages chan *mobile.ChatMessageEvent
	on       func(event string) // called with each event, on the library's thread
}

func newEvents(t *testing.T) *events {
	return &events{
		t: t, changed: make(chan struct{}, 1), incoming: make(chan *mobile.IncomingCall, 16), data: make(chan *mobile.DataMessage, 16),
		frames: make(chan *mobile.VideoFrame, 256), messages: make(chan *mobile.ChatMessageEvent, 16),
	}
}

func (e *events) add(format string, args ...any) {
	event := fmt.Sprintf(format, args...)
	e.mu.Lock()
	e.heard = append(e.heard, event)
	on := e.on
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default:
	}
	if on != nil {
		on(event)
	}
}

// wait waits for an event that has not been waited for, and takes it.
func (e *events) wait(event string) {
	e.t.Helper()
	timer := time.After(limit)
	for {
		e.mu.Lock()
		for i, heard := range e.heard {
			if heard == event {
				e.heard = append(e.heard[:i:i], e.heard[i+1:]...)
				e.mu.Unlock()
				return
			}
		}
		heard := fmt.Sprint(e.heard)
		e.mu.Unlock()
		select {
		case <-e.changed:
		case <-timer:
			e.t.Fatalf("no %q, only %s", event, heard)
		}
	}
}

func (e *events) OnIncomingCall(call *mobile.IncomingCall) {
	e.add("incoming %s", call.CallerDisplayName())
	e.incoming <- call
}

func (e *events) OnIncomingCallEnded(_ *mobile.IncomingCall, reason *mobile.EndReason) {
	e.add("incoming ended %d/%d", reason.Code, reason.Subcode)
}

func (e *events) OnConnectionStateChanged(state int32, failure *mobile.Failure) {
	if failure != nil {
		e.add("connection %d for %d", state, failure.Code)
		return
	}
	e.add("connection %d", state)
}

func (e *events) OnCallStateChanged(_ *mobile.Call, state int32) { e.add("state %d", state) }

func (e *events) OnMediaStateChanged(_ *mobile.Call, state int32) { e.add("media %d", state) }

func (e *events) OnParticipantChanged(_ *mobile.Call, p *mobile.RemoteParticipant, change int32) {
	switch change {
	case mobile.ParticipantChangeMuted:
		e.add("participant muted %v", p.IsMuted())
	case mobile.ParticipantChangeVideo:
		e.add("participant video %v", p.HasVideo())
	case mobile.ParticipantChangeSpeaking:
	default:
		e.add("participant change %d", change)
	}
}

func (e *events) OnMutedChanged(_ *mobile.Call, muted, incoming bool) {
	e.add("muted %v %v", muted, incoming)
}

func (e *events) OnDataReceived(_ *mobile.Call, m *mobile.DataMessage) { e.data <- m }

func (e *events) OnToneReceived(_ *mobile.Call, _ *mobile.RemoteParticipant, tone string) {
	e.add("tone %s", tone)
}

func (e *events) OnCallStats(_ *mobile.Call, stats string) { e.add("stats %v", stats != "") }

func (e *events) OnVideoFrame(_ *mobile.Call, frame *mobile.VideoFrame) {
	select {
	case e.frames <- frame:
	default:
	}
}

func (e *events) OnMessage(m *mobile.ChatMessageEvent, change int32) {
	e.add("message %d %s", change, m.Message.Content)
	e.messages <- m
}

func (e *events) OnThread(thread *mobile.ChatThreadEvent, change int32) {
	e.add("thread %d %s", change, thread.Topic)
}

func (e *events) OnParticipants(p *mobile.ChatParticipantsEvent, joined bool) {
	e.add("participants %d %v", p.Participants().Len(), joined)
}

func (e *events) OnTyping(typing *mobile.ChatTypingEvent) {
	e.add("typing %s", typing.SenderDisplayName)
}

func (e *events) OnReadReceipt(_ string, receipt *mobile.ChatReadReceipt) {
	e.add("read %s", receipt.MessageID)
}

// authority returns that of the service.
func authority(t *testing.T, s *testkit.Service) string {
	t.Helper()
	data, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// newPerson makes a user with a client.
func newPerson(t *testing.T, s *testkit.Service) *person {
	t.Helper()
	id, token := s.NewUser(t)
	return clientOf(t, s, id, token)
}

func clientOf(t *testing.T, s *testkit.Service, id, token string) *person {
	t.Helper()
	p := &person{t: t, id: id, events: newEvents(t)}
	var err error
	if p.cred, err = mobile.NewCredential(token); err != nil {
		t.Fatal(err)
	}
	p.client, err = mobile.NewClient(&mobile.ClientOptions{
		Endpoint: s.Endpoint, RootCertificates: authority(t, s), MemoryLimit: -1, GCPercent: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.client.Close)
	return p
}

// signIn makes the agent.
func (p *person) signIn(name string) {
	p.t.Helper()
	var err error
	if p.agent, err = p.client.NewCallAgent(p.cred, &mobile.CallAgentOptions{DisplayName: name}, p.events); err != nil {
		p.t.Fatal(err)
	}
	if p.agent.Identifier() != p.id {
		p.t.Fatalf("signed in as %s, not %s", p.agent.Identifier(), p.id)
	}
}

// connect lets a call b and b accept.
func connect(a, b *person, options *mobile.CallOptions) (atA, atB *mobile.Call) {
	a.t.Helper()
	var err error
	if atA, err = a.agent.StartCall(b.id, options, a.events); err != nil {
		a.t.Fatal(err)
	}
	select {
	case incoming := <-b.events.incoming:
		if atB, err = incoming.Accept(options, b.events); err != nil {
			a.t.Fatal(err)
		}
	case <-time.After(limit):
		a.t.Fatal("it does not ring")
	}
	a.events.wait(state(mobile.CallStateConnected))
	b.events.wait(state(mobile.CallStateConnected))
	return atA, atB
}

func state(s int32) string { return fmt.Sprintf("state %d", s) }

// code fails unless err has the code.
func wantCode(t *testing.T, what string, err error, code int32) {
	t.Helper()
	if mobile.ErrorCode(err) != code {
		t.Errorf("%s: %v, want code %d", what, err, code)
	}
}

// tempFile names a file that is not there yet.
func tempFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(t.TempDir(), name)
}

// samplesOf reads PCM as it crosses the border.
func samplesOf(pcm []byte) []int16 {
	samples := make([]int16, len(pcm)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(pcm[2*i:]))
	}
	return samples
}
