package transport_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
)

// Random calls over random networks: whatever happens on the way, in the end
// media and messages flow in both directions, over a path without a relay once
// addresses are revealed and the direct link works.
func TestSoak_RandomCalls(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Hour)
	testkit.Repeat(t, 12, 20000, func(seed uint64) error {
		var failed error
		inSeededWorld(t, seed, netem.Link{}, func(t *testing.T, w *world) { failed = randomCall(t, w, seed) })
		return failed
	})
}

func randomCall(t *testing.T, w *world, seed uint64) error {
	dice := rand.New(rand.NewPCG(seed, 1))
	quality := netem.Link{
		Delay: time.Duration(dice.IntN(150)) * time.Millisecond, Jitter: time.Duration(dice.IntN(20)) * time.Millisecond,
		Loss: 0.15 * dice.Float64(), Reorder: 0.05 * dice.Float64(), Duplicate: 0.02 * dice.Float64(),
	}
	w.net.Link(w.alice, w.bob, quality)
	w.net.Link(w.alice, w.relay, quality)
	w.net.Link(w.bob, w.relay, quality)
	w.startRelay(t, nil)
	hidden := dice.IntN(2) == 0
	options := func(n transport.Net) transport.Options {
		o := transport.Options{Net: n, ICEServers: turnUDP(), HideAddresses: hidden, VideoCodecs: videoCodecs()}
		if dice.IntN(3) == 0 {
			o.ICEServers = turnServers("turn:203.0.113.1:3478?transport=tcp")
		}
		return o
	}
	a, b := newEnd(t, "a", options(w.alice)), newEnd(t, "b", options(w.bob))
	a.joinTo(b)
	b.joinTo(a)
	negotiate(t, a, b)
	if err := reachOrRestart(t, a, b, 20*time.Second, quality.Delay); err != nil {
		return fmt.Errorf("%w: hidden %v, %+v", err, hidden, quality)
	}
	a.RevealAddresses()
	b.RevealAddresses()
	for range dice.IntN(3) {
		switch dice.IntN(3) {
		case 0:
			w.direct.SetDown(true)
			time.Sleep(time.Duration(dice.IntN(20)) * time.Second)
			w.direct.SetDown(false)
		case 1:
			if err := again(t, a, b, quality.Delay); err != nil {
				return err
			}
		default:
			time.Sleep(time.Duration(dice.IntN(5000)) * time.Millisecond)
		}
	}
	if err := reachOrRestart(t, a, b, 60*time.Second, quality.Delay); err != nil {
		return fmt.Errorf("%w: after events, hidden %v, %+v", err, hidden, quality)
	}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		pa, pb := a.Stats().CandidatePair, b.Stats().CandidatePair
		if pa != nil && pb != nil && pa.Local.CandidateType != "relay" && pb.Local.CandidateType != "relay" {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("still on the relay: %+v and %+v", pa, pb)
		}
	}
}

// reachOrRestart restarts, as the engine does for a lost path, when a time was
// not enough: a relay that did not answer within its time is not asked again
// before a restart. About one call in a thousand needs it on these networks;
// where one packet in seven is lost each way, one that goes to a relay
// over TCP may need it again.
func reachOrRestart(t *testing.T, a, b *end, within, delay time.Duration) error {
	err := reach(a, b, within)
	for tries := 0; err != nil && tries < 3; tries++ {
		if err := again(t, a, b, delay); err != nil {
			return err
		}
		err = reach(a, b, 40*time.Second)
	}
	return err
}

// again restarts with signaling that takes a while.
func again(t *testing.T, a, b *end, delay time.Duration) error {
	offer, err := a.Restart(t.Context())
	if err != nil {
		return err
	}
	time.Sleep(delay)
	answer, err := b.Answer(t.Context(), offer)
	if err != nil {
		return err
	}
	time.Sleep(delay)
	return a.SetAnswer(answer)
}

// reach sends until something of everything arrived at both ends.
func reach(a, b *end, within time.Duration) error {
	audioA, audioB := a.count(packet.KindAudio), b.count(packet.KindAudio)
	messagesA, messagesB := a.got(), b.got()
	sent := [2]bool{}
	for limit := time.Now().Add(within); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		for i, e := range []*end{a, b} {
			if err := e.audio(uint16(time.Now().UnixMilli() / 20)); err != nil && !errors.Is(err, transport.ErrNotConnected) {
				return fmt.Errorf("%s: audio: %w", e.name, err)
			}
			if !sent[i] {
				sent[i] = e.SendData(transport.Reliable, []byte("soak")) == nil
			}
		}
		if a.count(packet.KindAudio) > audioA+5 && b.count(packet.KindAudio) > audioB+5 && a.got() > messagesA && b.got() > messagesB {
			return nil
		}
	}
	return fmt.Errorf("no media or data: audio %d and %d, messages %d and %d, states %v and %v",
		a.count(packet.KindAudio)-audioA, b.count(packet.KindAudio)-audioB, a.got()-messagesA, b.got()-messagesB, a.states, b.states)
}

// got counts reliable messages.
func (e *end) got() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.messages[transport.Reliable])
}
