package transport_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

func lan() netem.Link { return netem.Link{Delay: 10 * time.Millisecond} }

func TestHidden_OnlyRelayCandidatesUntilRevealed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		began := time.Now()
		a, b := connect(t,
			transport.Options{Net: w.alice, ICEServers: turnUDP(), HideAddresses: true},
			transport.Options{Net: w.bob, ICEServers: turnUDP(), HideAddresses: true})
		t.Logf("connected over the relay after %v", time.Since(began))
		for _, e := range []*end{a, b} {
			pair := e.Stats().CandidatePair
			if pair == nil || pair.Local.CandidateType != "relay" || pair.Remote.CandidateType != "relay" {
				t.Errorf("%s: pair %+v", e.name, pair)
			}
			e.mu.Lock()
			for _, c := range e.candidates {
				if !strings.Contains(c, " typ relay raddr 0.0.0.0 rport 0") || strings.Contains(c, "10.0.") {
					t.Errorf("%s: leaked %q", e.name, c)
				}
			}
			if e.ended {
				t.Errorf("%s: end of candidates before they were revealed", e.name)
			}
			e.mu.Unlock()
		}
		if n := w.viaDirect.Load(); n != 0 {
			t.Errorf("%d packets went directly while addresses are hidden", n)
		}

		// Packets flow all the time while the path improves.
		sent := 0
		tick := func(n int) {
			for range n {
				if err := a.audio(uint16(sent)); err != nil {
					t.Fatal(err)
				}
				if err := b.audio(uint16(sent)); err != nil {
					t.Fatal(err)
				}
				sent++
				time.Sleep(20 * time.Millisecond)
			}
		}
		tick(50)
		revealed := time.Now()
		a.RevealAddresses()
		b.RevealAddresses()
		direct := func(e *end) bool {
			p := e.Stats().CandidatePair
			return p != nil && p.Local.CandidateType != "relay" && p.Remote.CandidateType != "relay"
		}
		for !direct(a) || !direct(b) {
			tick(1)
			if time.Since(revealed) > 10*time.Second {
				t.Fatalf("still on the relay: %+v %+v", a.Stats().CandidatePair, b.Stats().CandidatePair)
			}
		}
		t.Logf("direct after %v", time.Since(revealed))
		tick(100)
		time.Sleep(time.Second)
		for _, e := range []*end{a, b} {
			e.mu.Lock()
			got := e.packets[packet.KindAudio]
			if len(got) != sent {
				t.Errorf("%s: %d of %d packets arrived", e.name, len(got), sent)
			}
			for i, p := range got {
				// A packet on the shorter path overtakes at most what is under way.
				if i > 0 && p.Arrival.Sub(got[i-1].Arrival) > 45*time.Millisecond {
					t.Errorf("%s: a gap of %v at %d", e.name, p.Arrival.Sub(got[i-1].Arrival), i)
				}
			}
			e.mu.Unlock()
			if n := e.Stats().Transport.SelectedCandidatePairChanges; n < 2 {
				t.Errorf("%s: %d selections", e.name, n)
			}
		}
	})
}
