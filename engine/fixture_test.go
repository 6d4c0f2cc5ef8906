package engine_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/signaling"
)

// patience is how long a test waits for something that must happen. It is no
// measure: it only ends a test that has failed.
const patience = time.Minute

// device is one signed-in endpoint of a test with everything that it was told.
type device struct {
	t      testing.TB
	name   string
	client *engine.Client
	agent  *engine.CallAgent
	log    *eventLog
	// resolve returns the raw id of a user by name.
	resolve func(name string) string
}

// eventLog collects events as text and wakes who waits for one.
type eventLog struct {
	mu       sync.Mutex
	lines    []string
	changed  chan struct{}
	incoming chan *engine.IncomingCall
}

func newEventLog() *eventLog {
	return &eventLog{changed: make(chan struct{}), incoming: make(chan *engine.IncomingCall, 64)}
}

func (l *eventLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *eventLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *eventLog) count(prefix string) int {
	n := 0
	for _, line := range l.all() {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// waitCount waits until n lines begin with prefix.
func (d *device) waitCount(prefix string, n int) {
	d.t.Helper()
	timeout := time.After(patience)
	for {
		d.log.mu.Lock()
		changed := d.log.changed
		d.log.mu.Unlock()
		if d.log.count(prefix) >= n {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			d.t.Fatalf("%s: no %d × %q among:\n\t%s", d.name, n, prefix, strings.Join(d.log.all(), "\n\t"))
		}
	}
}

func (d *device) wait(prefix string) {
	d.t.Helper()
	d.waitCount(prefix, 1)
}

// order waits until lines with these prefixes came in this order. Events reach
// handlers after the method that caused them has returned, so it must wait.
func (d *device) order(prefixes ...string) {
	d.t.Helper()
	timeout := time.After(patience)
	for {
		d.log.mu.Lock()
		changed := d.log.changed
		d.log.mu.Unlock()
		lines, at := d.log.all(), 0
		for _, line := range lines {
			if at < len(prefixes) && strings.HasPrefix(line, prefixes[at]) {
				at++
			}
		}
		if at == len(prefixes) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			d.t.Errorf("%s: %q missing in its place among:\n\t%s", d.name, prefixes[at], strings.Join(lines, "\n\t"))
			return
		}
	}
}

// ringing waits for the next incoming call.
func (d *device) ringing() *engine.IncomingCall {
	d.t.Helper()
	select {
	case i := <-d.log.incoming:
		return i
	case <-time.After(patience):
		d.t.Fatalf("%s: nothing rings; told:\n\t%s", d.name, strings.Join(d.log.all(), "\n\t"))
		return nil
	}
}

// setup says how to sign a device in.
type setup struct {
	options engine.Options
	agent   engine.CallAgentOptions
	cred    engine.TokenCredential
}

// signIn makes a client and signs a user in; the test's end closes it.
func signIn(t testing.TB, dialer signaling.Dialer, name string, change ...func(*setup)) *device {
	t.Helper()
	d := &device{t: t, name: name, log: newEventLog(), resolve: user}
	s := &setup{options: engine.Options{Dialer: dialer}, cred: engine.NewStaticTokenCredential(user(name))}
	s.agent.DisplayName = strings.ToUpper(name[:1]) + name[1:]
	s.agent.Events = d.agentEvents()
	for _, c := range change {
		c(s)
	}
	client, err := engine.New(&s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	agent, err := client.NewCallAgent(ctx, s.cred, &s.agent)
	if err != nil {
		t.Fatalf("%s: sign in: %v", name, err)
	}
	d.client, d.agent = client, agent
	return d
}

func (d *device) agentEvents() engine.CallAgentEvents {
	l := d.log
	return engine.CallAgentEvents{
		IncomingCall: func(e engine.IncomingCallReceived) {
			l.add("incoming %s", e.Call.Caller().RawID())
			l.incoming <- e.Call
		},
		IncomingCallEnded: func(e engine.IncomingCallEnded) {
			l.add("incoming ended %d/%d", e.Reason.Code, e.Reason.Subcode)
		},
		CallsUpdated: func(e engine.CallsUpdated) { l.add("calls +%d -%d", len(e.Added), len(e.Removed)) },
		ConnectionStateChanged: func(e engine.AgentConnectionStateChanged) {
			l.add("agent %v → %v", e.From, e.To)
			if e.Err != nil {
				l.add("agent error %v", e.Err)
			}
		},
	}
}

// events logs everything about a call; tag tells several calls apart.
func (d *device) events(tag string) engine.CallEvents {
	l := d.log
	return engine.CallEvents{
		StateChanged: func(e engine.CallStateChanged) {
			l.add("%sstate %v", tag, e.To)
			if e.To == engine.CallStateDisconnected {
				l.add("%sended %d/%d", tag, e.Reason.Code, e.Reason.Subcode)
			}
		},
		MediaStateChanged: func(e engine.CallMediaStateChanged) { l.add("%smedia %v", tag, e.State) },
		ParticipantsUpdated: func(e engine.ParticipantsUpdated) {
			l.add("%sparticipants +%d -%d", tag, len(e.Added), len(e.Removed))
		},
		ParticipantStateChanged: func(e engine.ParticipantStateChanged) { l.add("%sparticipant %v", tag, e.To) },
		ParticipantMutedChanged: func(e engine.ParticipantMutedChanged) { l.add("%sparticipant muted %v", tag, e.Muted) },
		ParticipantSpeakingChanged: func(e engine.ParticipantSpeakingChanged) {
			l.add("%sspeaking %v", tag, e.Speaking)
		},
		RemoteVideoChanged: func(e engine.RemoteVideoChanged) { l.add("%svideo %v", tag, e.Available) },
		MutedChanged:       func(e engine.CallMutedChanged) { l.add("%smuted %v %v", tag, e.Muted, e.IncomingMuted) },
		LocalTracksUpdated: func(e engine.LocalTracksUpdated) { l.add("%stracks +%d -%d", tag, len(e.Added), len(e.Removed)) },
		TrackEnded:         func(e engine.LocalTrackEnded) { l.add("%strack ended %v %v", tag, e.Track.Kind(), e.Err) },
		DTMFReceived:       func(e engine.DTMFReceived) { l.add("%stone %c", tag, e.Tone) },
		DataReceived: func(e engine.DataReceived) {
			l.add("%sdata %d %v #%d %d bytes", tag, e.ChannelID, e.Reliability, e.Sequence, len(e.Data))
		},
	}
}

// call places a call to another device's user and fails the test if it cannot.
func (d *device) call(to string, change ...func(*engine.StartCallOptions)) *engine.Call {
	d.t.Helper()
	o := &engine.StartCallOptions{CallOptions: engine.CallOptions{Events: d.events("")}}
	for _, c := range change {
		c(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := d.agent.StartCall(ctx, []engine.Identifier{engine.CommunicationUserIdentifier{ID: d.resolve(to)}}, o)
	if err != nil {
		d.t.Fatalf("%s: start call: %v", d.name, err)
	}
	return c
}

// accept takes a call and fails the test if it cannot.
func (d *device) accept(i *engine.IncomingCall, change ...func(*engine.AcceptCallOptions)) *engine.Call {
	d.t.Helper()
	o := &engine.AcceptCallOptions{CallOptions: engine.CallOptions{Events: d.events("")}}
	for _, c := range change {
		c(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := i.Accept(ctx, o)
	if err != nil {
		d.t.Fatalf("%s: accept: %v", d.name, err)
	}
	return c
}

// do runs a method of the API and fails the test if it fails.
func (d *device) do(what string, f func(context.Context) error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f(ctx); err != nil {
		d.t.Fatalf("%s: %s: %v", d.name, what, err)
	}
}

func (d *device) hangUp(c *engine.Call) {
	d.t.Helper()
	d.do("hang up", func(ctx context.Context) error { return c.HangUp(ctx, nil) })
}

// connect sets a call up between two devices and waits until both are connected.
func connect(caller, callee *device, start func(*engine.StartCallOptions), accept func(*engine.AcceptCallOptions)) (a, b *engine.Call) {
	caller.t.Helper()
	if start == nil {
		start = func(*engine.StartCallOptions) {}
	}
	if accept == nil {
		accept = func(*engine.AcceptCallOptions) {}
	}
	n, m := caller.log.count("state Connected"), callee.log.count("state Connected")
	a = caller.call(callee.name, start)
	b = callee.accept(callee.ringing(), accept)
	caller.waitCount("state Connected", n+1)
	callee.waitCount("state Connected", m+1)
	return a, b
}

// toneSource is a sine wave that never ends.
type toneSource struct {
	mu        sync.Mutex
	frequency float64
	phase     float64
	reads     int
}

func (s *toneSource) ReadAudio(frame []int16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for i := range frame {
		frame[i] = int16(8000 * math.Sin(s.phase))
		s.phase += 2 * math.Pi * s.frequency / 48000
	}
	return nil
}

// ear is a sink that hears how loud which tone is.
type ear struct {
	frequency float64

	mu      sync.Mutex
	frames  int
	heard   int // consecutive frames with the tone
	silent  int // consecutive frames of silence
	changed chan struct{}
}

func newEar(frequency float64) *ear { return &ear{frequency: frequency, changed: make(chan struct{})} }

func (e *ear) WriteAudio(frame []int16) error {
	tone, total := goertzel(frame, e.frequency)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames++
	if total > 500 && tone > total/2 {
		e.heard++
	} else {
		e.heard = 0
	}
	if total < 100 {
		e.silent++
	} else {
		e.silent = 0
	}
	close(e.changed)
	e.changed = make(chan struct{})
	return nil
}

// goertzel returns the amplitude of one frequency and of the whole frame.
func goertzel(frame []int16, frequency float64) (tone, total float64) {
	var s1, s2, energy float64
	k := 2 * math.Cos(2*math.Pi*frequency/48000)
	for _, v := range frame {
		x := float64(v)
		energy += x * x
		s1, s2 = x+k*s1-s2, s1
	}
	n := float64(len(frame))
	power := s1*s1 + s2*s2 - k*s1*s2
	return 2 * math.Sqrt(max(power, 0)) / n, math.Sqrt(2 * energy / n)
}

// until waits until the sink has what ok asks for.
func (e *ear) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		e.mu.Lock()
		changed, good := e.changed, ok()
		frames, heard, silent := e.frames, e.heard, e.silent
		e.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%s at %.0f Hz: %d frames, tone for %d, silence for %d", what, e.frequency, frames, heard, silent)
		}
	}
}

// hears waits for 100 ms of the tone in a row.
func (e *ear) hears(t testing.TB) {
	t.Helper()
	e.until(t, "no tone", func() bool { return e.heard >= 10 })
}

// hearsNothing waits for 200 ms of silence in a row.
func (e *ear) hearsNothing(t testing.TB) {
	t.Helper()
	e.until(t, "no silence", func() bool { return e.silent >= 20 })
}
