package jitter_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/jitter"
)

const ms = time.Millisecond

// check finds out whether an outcome keeps the rules that hold on every network.
func (o *outcome) check() error {
	s := o.stats
	in := s.DecodedSamples + s.ConcealedSamples + s.ComfortSamples + s.WaitSamples + s.InsertedSamplesForDeceleration
	out := s.TotalSamples + uint64(s.Pending) + s.RemovedSamplesForAcceleration
	if in != out {
		return fmt.Errorf("samples are not conserved: %d came in, %d went out", in, out)
	}
	for i := 1; i < len(o.voice.played); i++ {
		if o.voice.played[i] <= o.voice.played[i-1] {
			return fmt.Errorf("frame %d was played after %d", o.voice.played[i], o.voice.played[i-1])
		}
	}
	if s.SilentConcealedSamples > s.ConcealedSamples {
		return fmt.Errorf("more silent than concealed: %d of %d", s.SilentConcealedSamples, s.ConcealedSamples)
	}
	arrived := uint64(o.sent - o.lost)
	if got := uint64(len(o.voice.played)+o.voice.broken) + s.Late + s.Dropped + s.Duplicates + uint64(s.Buffered); got > arrived+1 {
		return fmt.Errorf("%d packets accounted for, %d arrived", got, arrived)
	}
	if s.Target > 500*ms {
		return fmt.Errorf("target %v over the bound", s.Target)
	}
	if s.Buffered > 512 || s.Pending > 48000/4 {
		return fmt.Errorf("%d packets and %d samples kept", s.Buffered, s.Pending)
	}
	return nil
}

func TestPlayer_CleanNetwork_NoUnderrunAtOneFrame(t *testing.T) {
	for _, frame := range []time.Duration{10 * ms, 20 * ms, 40 * ms, 60 * ms} {
		t.Run(frame.String(), func(t *testing.T) {
			testkit.Repeat(t, 4, 400, func(seed uint64) error {
				o := simulate(seed, network{seconds: 30, frame: frame, delay: constant(30 * ms)})
				if err := o.check(); err != nil {
					return err
				}
				s := o.stats
				if s.ConcealedSamples+s.InsertedSamplesForDeceleration+s.RemovedSamplesForAcceleration != 0 {
					return fmt.Errorf("touched a perfect stream: %+v", s)
				}
				if s.Target != 20*ms || s.Current > 23*ms {
					return fmt.Errorf("target %v, current %v", s.Target, s.Current)
				}
				return nil
			})
		})
	}
}

func TestPlayer_PullsAreLate_NoUnderrun(t *testing.T) {
	testkit.Repeat(t, 4, 400, func(seed uint64) error {
		o := simulate(seed, network{seconds: 30, delay: constant(30 * ms), jitterOfPull: func(r *rand.Rand) time.Duration {
			return min(8*ms, time.Duration(r.ExpFloat64()*2e6))
		}})
		if o.stats.ConcealedSamples != 0 {
			return fmt.Errorf("concealed %d", o.stats.ConcealedSamples)
		}
		return o.check()
	})
}

func TestPlayer_Jitter_DelayFollowsAndLittleIsConcealed(t *testing.T) {
	tests := []struct {
		sigma    time.Duration
		ordered  bool
		delay    time.Duration // most mean delay of a sample
		conceal  float64
		accepted time.Duration // most mean target
	}{
		{2 * ms, false, 30 * ms, 0, 30 * ms},
		{5 * ms, false, 40 * ms, 0.002, 50 * ms},
		{10 * ms, false, 60 * ms, 0.003, 80 * ms},
		{20 * ms, false, 90 * ms, 0.005, 140 * ms},
		{20 * ms, true, 90 * ms, 0.005, 130 * ms},
		{50 * ms, false, 180 * ms, 0.01, 310 * ms},
		{50 * ms, true, 160 * ms, 0.01, 240 * ms},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("sigma %v ordered %v", test.sigma, test.ordered), func(t *testing.T) {
			testkit.Repeat(t, 2, 100, func(seed uint64) error {
				o := simulate(seed, network{
					seconds: 40, warm: 10, ordered: test.ordered, delay: gaussian(4*test.sigma+20*ms, test.sigma),
				})
				if seed == 0 {
					t.Logf("target %v held %v concealed %.4f late %d", mean(o.targets), o.meanDelay(), o.concealed(), o.stats.Late)
				}
				if o.concealed() > test.conceal || o.meanDelay() > test.delay || mean(o.targets) > test.accepted {
					return fmt.Errorf("concealed %.4f, held %v, target %v", o.concealed(), o.meanDelay(), mean(o.targets))
				}
				return o.check()
			})
		})
	}
}

func TestPlayer_JitterEnds_TargetComesDown(t *testing.T) {
	o := simulate(1, network{seconds: 60, delay: func(rng *rand.Rand, _ int, sent time.Duration) time.Duration {
		if sent < 20*time.Second {
			return 100*ms + time.Duration(rng.Int64N(int64(80*ms)))
		}
		return 100 * ms
	}})
	at := func(second int) time.Duration { return o.targets[second*100] }
	t.Logf("target at 19 s %v, 25 s %v, 35 s %v, 55 s %v", at(19), at(25), at(35), at(55))
	if at(19) < 75*ms || at(19) > 110*ms {
		t.Errorf("target %v under jitter of 80 ms", at(19))
	}
	if at(55) != 20*ms || o.currents[5500] > 36*ms {
		t.Errorf("target %v, current %v long after the jitter", at(55), o.currents[5500])
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

func TestPlayer_ClockDrift_DelayStaysBounded(t *testing.T) {
	for _, test := range []struct{ ppm, seconds float64 }{{200, 240}, {-200, 240}, {1000, 60}} {
		t.Run(fmt.Sprint(test.ppm), func(t *testing.T) {
			o := simulate(1, network{seconds: test.seconds, drift: test.ppm, delay: gaussian(30*ms, ms)})
			if err := o.check(); err != nil {
				t.Error(err)
			}
			if o.stats.ConcealedSamples != 0 || o.worst > 50*ms {
				t.Errorf("concealed %d, worst delay %v", o.stats.ConcealedSamples, o.worst)
			}
			// What the sender's clock makes too much or too little is stretched away,
			// but for what the delay may still take up.
			want := test.seconds * 48000 * test.ppm / 1e6
			got := float64(o.stats.RemovedSamplesForAcceleration) - float64(o.stats.InsertedSamplesForDeceleration)
			if diff := got - want; diff > 1500 || diff < -1500 {
				t.Errorf("stretched by %.0f samples, the clocks differ by %.0f", got, want)
			}
		})
	}
}

func TestPlayer_NumbersWrap_NothingIsHeard(t *testing.T) {
	n := network{seconds: 30, delay: gaussian(40*ms, 3*ms)}
	plain := simulate(7, n)
	n.firstSequence, n.firstTimestamp = 65500, 0xffffff00-48000*10
	wrapped := simulate(7, n)
	if len(plain.pcm) != len(wrapped.pcm) {
		t.Fatal("lengths differ")
	}
	for i := range plain.pcm {
		if plain.pcm[i] != wrapped.pcm[i] {
			t.Fatalf("sample %d differs", i)
		}
	}
	if wrapped.stats.Resyncs != 0 {
		t.Errorf("%d resyncs", wrapped.stats.Resyncs)
	}
}

func TestPlayer_Loss_ConcealedNearLossRatio(t *testing.T) {
	for _, loss := range []float64{0.01, 0.05, 0.1, 0.2, 0.4} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			o := simulate(2, network{seconds: 60, delay: lossy(loss, gaussian(30*ms, ms))})
			real := float64(o.lost) / float64(o.sent)
			if c := o.concealed(); c > real*1.08+0.001 || c < real*0.85 {
				t.Errorf("concealed %.4f, lost %.4f", c, real)
			}
			if err := o.check(); err != nil {
				t.Error(err)
			}
			o = simulate(2, network{seconds: 60, fec: true, delay: lossy(loss, gaussian(30*ms, ms))})
			t.Logf("lost %.4f, concealed with redundancy %.4f at target %v", real, o.concealed(), mean(o.targets))
			// Only where the next packet is lost too is there nothing to rebuild from.
			if c, left := o.concealed(), real*real; loss >= 0.02 && c > left*1.4+0.004 {
				t.Errorf("concealed %.4f with redundancy, want about %.4f", c, left)
			}
			if err := o.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPlayer_BurstLoss_ConcealedNearLossRatio(t *testing.T) {
	bad := false
	o := simulate(3, network{seconds: 120, delay: func(rng *rand.Rand, _ int, _ time.Duration) time.Duration {
		// Gilbert–Elliott: 5 % of the time bad, for 6 packets in the mean.
		if bad {
			bad = rng.Float64() > 1.0/6
		} else {
			bad = rng.Float64() < 0.05/6/0.95
		}
		if bad {
			return -1
		}
		return 30 * ms
	}})
	real := float64(o.lost) / float64(o.sent)
	if c := o.concealed(); c > real*1.25 || c < real*0.8 {
		t.Errorf("concealed %.4f, lost %.4f", c, real)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
	if len(o.currents) == 0 || o.worst > 120*ms {
		t.Errorf("worst delay %v", o.worst)
	}
}

func TestPlayer_Reordering_IsPutRight(t *testing.T) {
	o := simulate(4, network{seconds: 60, warm: 10, delay: func(rng *rand.Rand, _ int, _ time.Duration) time.Duration {
		if rng.Float64() < 0.1 {
			return 75 * ms // two packets overtake it
		}
		return 30 * ms
	}})
	if o.concealed() > 0.001 {
		t.Errorf("concealed %.4f, late %d, target %v", o.concealed(), o.stats.Late, mean(o.targets))
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

func TestPlayer_RareSpikes_DoNotRaiseTheDelayForGood(t *testing.T) {
	o := simulate(5, network{seconds: 120, warm: 5, delay: standstill(10*time.Second, 150*ms)})
	if mean(o.targets) > 70*ms {
		t.Errorf("mean target %v", mean(o.targets))
	}
	// What is concealed is the standstill less the delay that was there; none of the speech is lost.
	if o.stats.Late+o.stats.Dropped+o.stats.Lost != 0 {
		t.Errorf("speech was thrown away: %+v", o.stats)
	}
	if o.concealed() > 0.016 {
		t.Errorf("concealed %.4f", o.concealed())
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

// standstill is a path that stands still once in a period and then gives all
// at once what was held up.
func standstill(period, length time.Duration) func(*rand.Rand, int, time.Duration) time.Duration {
	return func(_ *rand.Rand, _ int, sent time.Duration) time.Duration {
		if at := sent % period; at > time.Second && at < time.Second+length {
			return 30*ms + time.Second + length - at
		}
		return 30 * ms
	}
}

func TestPlayer_LongStandstill_DelayDoesNotStay(t *testing.T) {
	o := simulate(6, network{seconds: 60, delay: standstill(30*time.Second, 1500*ms)})
	if o.stats.Current > 60*ms {
		t.Errorf("delay %v long after", o.stats.Current)
	}
	if o.stats.Dropped == 0 {
		t.Error("nothing was dropped to get the delay down")
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

func TestPlayer_RouteChange_IsFollowed(t *testing.T) {
	for _, test := range []struct{ before, later time.Duration }{{30 * ms, 130 * ms}, {130 * ms, 30 * ms}, {30 * ms, 400 * ms}} {
		t.Run(fmt.Sprintf("%v to %v", test.before, test.later), func(t *testing.T) {
			o := simulate(1, network{seconds: 60, delay: func(_ *rand.Rand, _ int, sent time.Duration) time.Duration {
				if sent > 20*time.Second {
					return test.later
				}
				return test.before
			}})
			rise := max(0, test.later-test.before)
			if most := float64(rise)/float64(60*time.Second)*1.3 + 0.0001; o.concealed() > most {
				t.Errorf("concealed %.4f, most %.4f", o.concealed(), most)
			}
			if o.stats.Current > 40*ms || o.stats.Target > 30*ms {
				t.Errorf("at the end target %v, current %v", o.stats.Target, o.stats.Current)
			}
			if err := o.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPlayer_Outage_ConcealsThenGoesOn(t *testing.T) {
	o := simulate(1, network{seconds: 30, delay: func(_ *rand.Rand, _ int, sent time.Duration) time.Duration {
		if sent > 10*time.Second && sent < 13*time.Second {
			return -1
		}
		return 30 * ms
	}})
	s := o.stats
	if want := uint64(3 * 48000); s.ConcealedSamples < want*95/100 || s.ConcealedSamples > want*103/100 {
		t.Errorf("concealed %d, out for %d", s.ConcealedSamples, want)
	}
	if s.SilentConcealedSamples < s.ConcealedSamples*8/10 {
		t.Errorf("only %d of %d concealed samples are silent", s.SilentConcealedSamples, s.ConcealedSamples)
	}
	if s.ConcealmentEvents != 1 || s.Current > 25*ms {
		t.Errorf("%d events, delay %v after it", s.ConcealmentEvents, s.Current)
	}
}

func TestPlayer_SenderPauses_IsComfortNotConcealment(t *testing.T) {
	// Speech for a second, then three frames of silence, then one every 400 ms.
	o := simulate(1, network{seconds: 30, delay: gaussian(30*ms, ms), each: pausing()})
	s := o.stats
	if s.ConcealedSamples != 0 || s.Lost != 0 {
		t.Errorf("concealed %d, lost %d", s.ConcealedSamples, s.Lost)
	}
	if share := float64(s.ComfortSamples) / float64(s.TotalSamples); share < 0.4 || share > 0.5 {
		t.Errorf("comfort share %.3f", share)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

// pausing makes a sender pause every other second.
func pausing() func(int, *jitter.Packet) bool {
	next := uint16(0)
	return func(i int, p *jitter.Packet) bool {
		if at := i % 100; at >= 50 {
			p.Silence = true
			if at >= 53 && (at-53)%20 != 19 {
				return false
			}
		}
		p.Sequence = next
		next++
		return true
	}
}

func TestPlayer_PauseWithoutNotice_IsNotLoss(t *testing.T) {
	// The timestamp runs on, no number is missing, nothing announced it.
	next := uint16(0)
	o := simulate(1, network{seconds: 20, delay: constant(30 * ms), each: func(i int, p *jitter.Packet) bool {
		if i%100 >= 50 {
			return false
		}
		p.Sequence = next
		next++
		return true
	}})
	if o.stats.Lost != 0 || o.stats.Late != 0 || o.stats.Current > 25*ms {
		t.Errorf("%+v", o.stats)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
}

func TestPlayer_ShortDisturbance_DelayIsTakenBack(t *testing.T) {
	// Packets are late for a second; the target rises, the audio is slowed down.
	// Nothing later is far enough off to force it back, but it may not stay.
	o := simulate(1, network{seconds: 40, delay: func(rng *rand.Rand, _ int, sent time.Duration) time.Duration {
		if sent > 10*time.Second && sent < 11*time.Second {
			return 30*ms + time.Duration(rng.Int64N(int64(20*ms)))
		}
		return 30 * ms
	}})
	if o.currents[1200] < 28*ms || o.currents[1200] > 35*ms {
		t.Errorf("delay %v soon after", o.currents[1200])
	}
	if o.stats.Current > 27*ms || o.stats.ConcealedSamples > 960 {
		t.Errorf("delay %v long after, concealed %d", o.stats.Current, o.stats.ConcealedSamples)
	}
}

func TestPlayer_RandomNetworks_RulesHold(t *testing.T) {
	testkit.Repeat(t, 25, 20000, func(seed uint64) error {
		rng := rand.New(rand.NewPCG(seed, 77))
		sigma := time.Duration(rng.Int64N(int64(80 * ms)))
		loss, double := rng.Float64()*rng.Float64()*0.6, rng.Float64()*0.1
		frames := []time.Duration{10 * ms, 20 * ms, 20 * ms, 40 * ms, 60 * ms}
		n := network{
			seconds: 20, drift: rng.NormFloat64() * 200, frame: frames[rng.IntN(len(frames))],
			firstSequence: uint16(rng.Uint32()), firstTimestamp: rng.Uint32(),
			fec: rng.IntN(2) == 0, ordered: rng.IntN(2) == 0,
			delay: lossy(loss, gaussian(time.Duration(rng.Int64N(int64(300*ms))), sigma)),
		}
		if rng.IntN(3) == 0 {
			n.delay = lossy(loss, standstill(time.Duration(2+rng.IntN(8))*time.Second, time.Duration(rng.Int64N(int64(time.Second)))))
		}
		if rng.IntN(2) == 0 {
			n.jitterOfPull = func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(15 * ms))) }
		}
		pause, stray := pausing(), rng.Float64()*0.02
		pauses, jumpAt, jump := rng.IntN(3) == 0, rng.IntN(1000), rng.Uint32()
		n.each = func(i int, p *jitter.Packet) bool {
			if pauses && !pause(i, p) {
				return false
			}
			if i > jumpAt && jump%3 == 0 {
				p.Timestamp += jump
				p.SSRC = jump % 2
			}
			switch {
			case i > 20 && rng.Float64() < stray:
				p.Timestamp += rng.Uint32()
			case i > 20 && rng.Float64() < stray:
				p.Sequence += uint16(5000 + rng.IntN(50000)) // far off: near ones would only be misplaced
			case rng.Float64() < double:
				p.Redundant = true
			case i > 20 && rng.Float64() < stray:
				p.Payload = []byte{1}
			}
			return true
		}
		o := simulate(seed, n)
		return o.check()
	})
}
