package engine_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/testkit"
)

// lab is two devices with media over an emulated network; signaling goes past it.
type lab struct {
	network          *netem.Network
	aliceHost        *netem.Host
	path             *netem.Path
	alice, bob       *device
	a, b             *engine.Call
	aliceEar, bobEar *ear
}

func newLab(t *testing.T, link netem.Link, timeouts engine.Timeouts) *lab {
	t.Helper()
	s := newMiniService(t, callfsm.Timeouts{})
	n := netem.New(1)
	t.Cleanup(func() { _ = n.Close() })
	l := &lab{network: n, aliceEar: newEar(700), bobEar: newEar(440)}
	l.aliceHost = n.Host("alice", netip.MustParseAddr("198.51.100.1"))
	bobHost := n.Host("bob", netip.MustParseAddr("198.51.100.2"))
	l.path = n.Link(l.aliceHost, bobHost, link)
	on := func(h *netem.Host) func(*setup) {
		return func(o *setup) { o.options.Net, o.options.Timeouts = h, timeouts }
	}
	l.alice, l.bob = signIn(t, s.dialer(), "alice", on(l.aliceHost)), signIn(t, s.dialer(), "bob", on(bobHost))
	l.a, l.b = connect(l.alice, l.bob,
		func(o *engine.StartCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), l.aliceEar
		},
		func(o *engine.AcceptCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 700}), l.bobEar
		})
	l.aliceEar.hears(t)
	l.bobEar.hears(t)
	// The network must outlive the sessions, which say goodbye over it.
	t.Cleanup(func() {
		l.alice.do("shut down", l.alice.client.Shutdown)
		l.bob.do("shut down", l.bob.client.Shutdown)
	})
	return l
}

func TestCall_Loss20Percent_StaysConnected(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	l := newLab(t, netem.Link{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.2}, engine.Timeouts{})
	played := func() (frames int) {
		l.bobEar.mu.Lock()
		defer l.bobEar.mu.Unlock()
		return l.bobEar.frames
	}
	before := played()
	l.bobEar.until(t, "the playout stopped", func() bool { return l.bobEar.frames > before+300 })
	if l.a.State() != engine.CallStateConnected || l.b.State() != engine.CallStateConnected {
		t.Errorf("states %v and %v", l.a.State(), l.b.State())
	}
	in := l.b.Stats().InboundRTP
	if len(in) == 0 || in[0].PacketsLost == 0 {
		t.Errorf("no loss was counted: %+v", in)
	}
	l.bobEar.hears(t)
}

func TestCall_Outage_ComesBack(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	l := newLab(t, netem.Link{Delay: 10 * time.Millisecond}, engine.Timeouts{})
	l.path.SetDown(true)
	l.alice.wait("media Reconnecting")
	l.bob.wait("media Reconnecting")
	if l.a.State() != engine.CallStateConnected {
		t.Errorf("state %v during an outage", l.a.State())
	}
	l.path.SetDown(false)
	l.alice.waitCount("media Connected", 2)
	l.bob.waitCount("media Connected", 2)
	l.aliceEar.hears(t)
	l.bobEar.hears(t)
}

func TestCall_Outage_ForGood(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	l := newLab(t, netem.Link{Delay: 10 * time.Millisecond}, engine.Timeouts{Reconnect: 2 * time.Second})
	l.path.SetDown(true)
	l.alice.wait("ended 496/7")
	l.bob.wait("ended 496/7")
}

func TestCall_AddressChange_ComesBack(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	l := newLab(t, netem.Link{Delay: 10 * time.Millisecond}, engine.Timeouts{})
	l.aliceHost.SetAddrs(netip.MustParseAddr("203.0.113.7"))
	l.alice.agent.NetworkChanged()
	l.bob.wait("media Reconnecting")
	l.alice.waitCount("media Connected", 2)
	l.bob.waitCount("media Connected", 2)
	l.aliceEar.hears(t)
	l.bobEar.hears(t)
	if pair := l.b.Stats().CandidatePair; pair == nil || pair.Remote.Address != "203.0.113.7" {
		t.Errorf("the path is %+v", pair)
	}
}
