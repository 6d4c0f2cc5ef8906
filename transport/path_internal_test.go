package transport

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// keeperStep is one check that arrives, or the passing of time.
type keeperStep struct {
	wait time.Duration
	// pair names the pair that the check arrives on.
	pair string
	// answered is set when a check of ours on it was answered just now.
	answered string
	// take and ask are what the keeper must say.
	take, ask bool
}

// keeperWorld has some pairs by name: d1 and d2 direct, h with one relay, r1 and
// r2 over two relays.
type keeperWorld struct {
	k     *pathKeeper
	pairs map[string]*ice.CandidatePair
}

func newKeeperWorld(ours, controlling bool) *keeperWorld {
	w := &keeperWorld{k: newPathKeeper(time.Second, func() {}), pairs: map[string]*ice.CandidatePair{}}
	w.k.start(ours, controlling)
	for _, name := range []string{"d1", "d2", "h", "r1", "r2"} {
		w.pairs[name] = &ice.CandidatePair{}
	}
	return w
}

func (w *keeperWorld) step(s keeperStep) (take, ask bool) {
	time.Sleep(s.wait)
	if s.answered != "" {
		w.pairs[s.answered].UpdateRoundTripTime(50 * time.Millisecond)
	}
	if s.pair == "" {
		return false, false
	}
	rank := map[byte]int{'d': 2, 'h': 1, 'r': 0}[s.pair[0]]
	w.pairs[s.pair].UpdateRequestReceived()
	return w.k.decide(pathKey{local: s.pair}, rank, w.pairs[s.pair], time.Now())
}

func TestPathKeeper(t *testing.T) {
	for _, c := range []struct {
		name              string
		ours, controlling bool
		steps             []keeperStep
		want              string
	}{
		{
			name: "OtherPeer_NeverDecides", ours: false, controlling: true,
			steps: []keeperStep{{answered: "d1"}, {pair: "d1"}, {wait: time.Minute, pair: "d1"}},
		},
		{
			name: "FirstThatWorks", ours: true, controlling: true,
			steps: []keeperStep{
				{pair: "d1", ask: true},
				{answered: "r1"},
				{pair: "r1", take: true, ask: true},
			},
			want: "r1",
		},
		{
			name: "UnansweredIsNotTaken", ours: true, controlling: false,
			steps: []keeperStep{{pair: "d1"}, {pair: "d1"}, {pair: "r1"}},
		},
		{
			name: "AsksThreeTimesAtMost", ours: true, controlling: true,
			steps: []keeperStep{{pair: "d1", ask: true}, {pair: "d1", ask: true}, {pair: "d1", ask: true}, {pair: "d1"}, {pair: "d1"}},
		},
		{
			name: "Improves", ours: true, controlling: true,
			steps: []keeperStep{
				{answered: "r1"},
				{pair: "r1", take: true, ask: true},
				{answered: "h"},
				{pair: "h", take: true, ask: true},
				{answered: "d1"},
				{pair: "d1", take: true, ask: true},
				{answered: "d2"},
				{pair: "d2"}, // as good, not better
				{answered: "h"},
				{pair: "h"}, // worse
			},
			want: "d1",
		},
		{
			name: "SilentPathIsLeft", ours: true, controlling: false,
			steps: []keeperStep{
				{answered: "d1"},
				{pair: "d1", take: true, ask: true},
				{answered: "r1"},
				{pair: "r1"},
				{wait: 2 * time.Second, pair: "r1"},
				{wait: time.Second, pair: "r1", take: true, ask: true},
				// It is not returned to at once, though better by its kind.
				{wait: time.Second, answered: "d1"},
				{pair: "d1"},
				{wait: firstPenalty, answered: "d1"},
				{pair: "d1", take: true, ask: true},
			},
			want: "d1",
		},
		{
			name: "AnsweredPathStays", ours: true, controlling: false,
			steps: []keeperStep{
				{answered: "d1"},
				{pair: "d1", take: true, ask: true},
				{answered: "r1"},
				{wait: 2 * time.Second, answered: "d1"},
				{wait: 2 * time.Second, answered: "d1"},
				{pair: "r1"},
			},
			want: "d1",
		},
		{
			name: "ControllingWantsAFreshAnswer", ours: true, controlling: true,
			steps: []keeperStep{
				{answered: "d1"},
				{answered: "r1"},
				{pair: "r1", take: true, ask: true},
				{wait: time.Second, answered: "r1"},
				{wait: time.Second, answered: "r1"},
				{wait: time.Second, answered: "r1"},
				{pair: "d1"}, // three seconds ago
				{answered: "d1"},
				{pair: "d1", take: true, ask: true},
			},
			want: "d1",
		},
		{
			name: "ControlledTakesWhatArrives", ours: true, controlling: false,
			steps: []keeperStep{
				{answered: "d1"},
				{answered: "r1"},
				{pair: "r1", take: true, ask: true},
				{wait: time.Minute, answered: "r1"},
				{pair: "d1", take: true, ask: true},
			},
			want: "d1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newKeeperWorld(c.ours, c.controlling)
				for i, s := range c.steps {
					if take, ask := w.step(s); take != s.take || ask != s.ask {
						t.Errorf("step %d, %+v: take %v, ask %v", i, s, take, ask)
					}
				}
				got := ""
				if w.k.current != nil {
					got = w.k.current.key.local
				}
				if got != c.want {
					t.Errorf("on %q, want %q", got, c.want)
				}
			})
		})
	}
}

// Each time a path goes silent it is kept away from for twice as long.
func TestPathKeeper_PenaltiesGrow(t *testing.T) {
	k := newPathKeeper(time.Second, func() {})
	now := time.Unix(0, 0)
	key := pathKey{local: "d1"}
	var got []time.Duration
	for range 6 {
		k.punish(key, now)
		got = append(got, k.penalties[key].until.Sub(now))
	}
	want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 2 * time.Minute, 2 * time.Minute}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("penalties %v, want %v", got, want)
		}
	}
	k.reset()
	if len(k.penalties) != 0 || k.chosen() {
		t.Error("a restart keeps penalties")
	}
}

// The pair that the stack below takes by itself, after a nomination.
func TestPathKeeper_Selected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeeperWorld(true, false)
		w.k.onSelected(nil)
		w.k.onSelected(&webrtc.ICECandidatePair{})
		if w.k.chosen() || w.k.roundTrip() != 0 {
			t.Error("nothing was taken")
		}
		pair := &webrtc.ICECandidatePair{
			Local:  &webrtc.ICECandidate{Address: "10.0.0.1", Port: 1, Typ: webrtc.ICECandidateTypeHost},
			Remote: &webrtc.ICECandidate{Address: "10.0.0.2", Port: 2, Typ: webrtc.ICECandidateTypeRelay},
		}
		w.k.onSelected(pair)
		w.k.onSelected(pair)
		if w.k.selections() != 1 || w.k.current.rank != 1 || w.k.roundTrip() != 0 {
			t.Errorf("%+v", w.k.current)
		}
		// A check arrives on it: now its round trip time is known.
		p := &ice.CandidatePair{}
		p.UpdateRoundTripTime(70 * time.Millisecond)
		if take, _ := w.k.decide(pathKey{"10.0.0.1", "10.0.0.2", 1, 2}, 1, p, time.Now()); take {
			t.Error("taken twice")
		}
		if got := w.k.roundTrip().Round(time.Millisecond); got != 70*time.Millisecond {
			t.Errorf("round trip %v", got)
		}
		if directness(false, false) <= directness(true, false) || directness(false, true) <= directness(true, true) {
			t.Error("relays rank too high")
		}
	})
}
