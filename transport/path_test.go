package transport_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// The direct path dies: both ends fall back to the relay without a restart, and
// return when it works again.
func TestPath_DirectDies_RelayTakesOver(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		a, b := connect(t, transport.Options{Net: w.alice, ICEServers: turnUDP()}, transport.Options{Net: w.bob, ICEServers: turnUDP()})
		kinds := func(e *end) string {
			p := e.Stats().CandidatePair
			if p == nil {
				return "none"
			}
			return p.Local.CandidateType + "/" + p.Remote.CandidateType
		}
		isDirect := func(e *end) bool { return !contains(kinds(e), "relay") }
		waitUntil(t, 5*time.Second, func() bool { return isDirect(a) && isDirect(b) })
		time.Sleep(3 * time.Second)
		w.direct.SetDown(true)
		began := time.Now()
		waitUntil(t, 10*time.Second, func() bool { return !isDirect(a) && !isDirect(b) })
		t.Logf("on the relay after %v: %s %s", time.Since(began), kinds(a), kinds(b))
		for _, e := range []*end{a, b} {
			e.mu.Lock()
			for _, s := range e.states {
				if s == transport.StateLost || s == transport.StateFailed {
					t.Errorf("%s: %v", e.name, e.states)
				}
			}
			e.mu.Unlock()
		}
		exchangeMedia(t, a, b, 5)
		w.direct.SetDown(false)
		began = time.Now()
		waitUntil(t, time.Minute, func() bool { return isDirect(a) && isDirect(b) })
		t.Logf("direct again after %v", time.Since(began))
		exchangeMedia(t, a, b, 5)
	})
}

// waitUntil looks every ten milliseconds of the test's clock.
func waitUntil(t *testing.T, limit time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v", limit)
		}
	}
}

// Delay that jitters must not make the ends wander between paths of one kind.
func TestPath_Jitter_StaysWhereItIs(t *testing.T) {
	inWorld(t, netem.Link{Delay: 30 * time.Millisecond, Jitter: 30 * time.Millisecond}, func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		time.Sleep(time.Minute)
		for _, e := range []*end{a, b} {
			if n := e.Stats().Transport.SelectedCandidatePairChanges; n > 2 {
				t.Errorf("%s: %d selections", e.name, n)
			}
		}
	})
}

func TestRestart(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		a, b := connect(t, transport.Options{Net: w.alice, ICEServers: turnUDP()}, transport.Options{Net: w.bob, ICEServers: turnUDP()})
		exchangeMedia(t, a, b, 5)
		if _, err := b.Restart(t.Context()); err == nil {
			t.Error("the answering side restarted")
		}
		for round := range 3 {
			upA, upB := a.ups(), b.ups()
			offer, err := a.Restart(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if offer.Generation != uint32(round+2) || offer.Kind != transport.KindOffer {
				t.Errorf("offer %v of generation %d", offer.Kind, offer.Generation)
			}
			answer, err := b.Answer(t.Context(), offer)
			if err != nil {
				t.Fatal(err)
			}
			// The one before, late: nothing happens.
			if err := a.SetAnswer(transport.Description{Kind: transport.KindAnswer, Generation: uint32(round + 1), SDP: "late"}); err != nil {
				t.Errorf("late answer: %v", err)
			}
			if err := a.AddCandidates(transport.CandidateBatch{Generation: uint32(round + 1), Candidates: []string{"late"}}); err != nil {
				t.Errorf("late candidates: %v", err)
			}
			if err := a.SetAnswer(answer); err != nil {
				t.Fatal(err)
			}
			a.until("connection", func() bool { return a.up > upA })
			b.until("connection", func() bool { return b.up > upB })
			exchangeMedia(t, a, b, 5)
		}
	})
}

// A phone leaves Wi-Fi: its address changes, nothing gets through, a restart
// brings the call back with the same keys and streams.
func TestRestart_AddressChanged(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs()}, transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		exchangeMedia(t, a, b, 5)
		w.alice.SetAddrs(netip.MustParseAddr("10.9.9.9"))
		a.until("loss", a.is(transport.StateLost))
		restart(t, a, b)
		exchangeMedia(t, a, b, 5)
		if p := b.Stats().CandidatePair; p == nil || p.Remote.Address != "10.9.9.9" {
			t.Errorf("pair %+v", p)
		}
		// And the other end, which does not offer.
		w.bob.SetAddrs(netip.MustParseAddr("10.8.8.8"))
		b.until("loss", b.is(transport.StateLost))
		restart(t, a, b)
		exchangeMedia(t, a, b, 5)
		a.mu.Lock()
		defer a.mu.Unlock()
		ssrc := a.packets[packet.KindAudio][0].SSRC
		for _, p := range a.packets[packet.KindAudio] {
			if p.SSRC != ssrc {
				t.Errorf("source %d, before %d", p.SSRC, ssrc)
			}
		}
	})
}

// restart finds a new path and waits for it; a offers.
func restart(t *testing.T, a, b *end) {
	t.Helper()
	began := time.Now()
	upA, upB := a.ups(), b.ups()
	offer, err := a.Restart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	a.until("connection", func() bool { return a.up > upA })
	b.until("connection", func() bool { return b.up > upB })
	t.Logf("restarted in %v", time.Since(began))
}

func TestRestart_AfterFailure(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		timers := transport.Timers{Disconnected: 2 * time.Second, Failed: 4 * time.Second}
		a, b := connect(t, transport.Options{Net: w.alice, Timers: timers}, transport.Options{Net: w.bob, Timers: timers})
		w.direct.SetDown(true)
		a.until("failure", a.is(transport.StateFailed))
		b.until("failure", b.is(transport.StateFailed))
		w.direct.SetDown(false)
		restart(t, a, b)
		exchangeMedia(t, a, b, 5)
	})
}
