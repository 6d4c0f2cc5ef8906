package demo

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/internal/audiocheck"
)

// good is a report of a call in which all went well.
func good() *Report {
	one := func(from, to string) Direction {
		return Direction{
			From: from, To: to, AudioCodec: "opus", VideoCodec: "VP8", FirstAudioMS: 40, FirstVideoMS: 30,
			compare: audiocheck.Result{Envelope: 0.999, Waveform: 0.97},
			seen:    lab.Seen{Sent: 100, Arrived: 100},
			lags:    []audiocheck.Lag{{At: time.Second, Delay: 50 * time.Millisecond, Match: 1}},
			oneWay:  []time.Duration{time.Millisecond},
		}
	}
	return &Report{Directions: []Direction{one("caller", "callee"), one("callee", "caller")}}
}

func TestReport_VerdictNeedsEverything(t *testing.T) {
	cases := map[string]struct {
		change func(*Direction)
		ok     bool
	}{
		"all well":           {func(*Direction) {}, true},
		"just enough":        {func(d *Direction) { d.compare = audiocheck.Result{Envelope: 0.95, Waveform: 0.85} }, true},
		"other words":        {func(d *Direction) { d.compare.Envelope = 0.9499 }, false},
		"distorted":          {func(d *Direction) { d.compare.Waveform = 0.8499 }, false},
		"nothing compared":   {func(d *Direction) { d.compare = audiocheck.Result{} }, false},
		"a frame is missing": {func(d *Direction) { d.seen.Arrived = 99 }, false},
		"no frame at all":    {func(d *Direction) { d.seen = lab.Seen{} }, false},
	}
	for name, tc := range cases {
		for i := range 2 {
			t.Run(name, func(t *testing.T) {
				r := good()
				tc.change(&r.Directions[i])
				r.sum()
				r.check()
				if r.OK != tc.ok || len(r.Checks) != 6 {
					t.Errorf("ok %v with %+v", r.OK, r.Checks)
				}
			})
		}
	}
}

func TestReport_Sum(t *testing.T) {
	r := good()
	r.Directions[1].FirstAudioMS = 90
	r.Directions[0].FirstVideoMS = -1
	r.sum()
	if r.AcceptToFirstAudioMS != 90 || r.AcceptToFirstVideoMS != -1 || r.MouthToEarMS.P50 != 50 || r.NetworkOneWayMS.P99 != 1 {
		t.Errorf("%+v", r)
	}
	if got := quantiles99(nil); got != (Quantiles99{}) {
		t.Errorf("no values: %+v", got)
	}
}

func TestExcluded_CoversWhatWasUnderWay(t *testing.T) {
	origin := time.Now()
	d := &demo{
		origin: origin, hungUp: origin.Add(10 * time.Second),
		muted: audiocheck.Span{From: 3 * time.Second, To: 4 * time.Second},
		held:  audiocheck.Span{From: 6 * time.Second, To: 7 * time.Second},
	}
	in := func(spans []audiocheck.Span, at time.Duration) bool {
		for _, s := range spans {
			if s.From <= at && at < s.To {
				return true
			}
		}
		return false
	}
	for at, want := range map[time.Duration][2]bool{
		time.Second:             {false, false},
		2700 * time.Millisecond: {true, false},
		4300 * time.Millisecond: {true, false},
		6500 * time.Millisecond: {true, true},
		7300 * time.Millisecond: {true, true},
		8 * time.Second:         {false, false},
		9700 * time.Millisecond: {true, true},
	} {
		if got := [2]bool{in(d.excluded(caller), at), in(d.excluded(callee), at)}; got != want {
			t.Errorf("%v: %v, want %v", at, got, want)
		}
	}
}
