package figures_test

import (
	"math"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
)

func TestMetric_Quantiles(t *testing.T) {
	var r figures.Result
	m := r.Metric("m", "g", "ms")
	if !math.IsNaN(m.At(figures.Median)) || !math.IsNaN(m.Mean()) {
		t.Error("no values have no median")
	}
	for i := 100; i > 0; i-- {
		m.AddTime(time.Duration(i) * time.Millisecond)
	}
	for q, want := range map[figures.Quantile]float64{0: 1, figures.Median: 50, figures.P95: 95, figures.P99: 99, figures.Most: 100} {
		if got := m.At(q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if m.Mean() != 50.5 || r.Metric("m", "", "") != m || r.Find("m") != m || r.Find("n") != nil {
		t.Error("mean or lookup")
	}
}

func TestResult_Judge(t *testing.T) {
	var r figures.Result
	base := r.Metric("base", "g", "ms")
	base.Add(10)
	for value, want := range map[float64]figures.Reached{5: figures.Aim, 15: figures.Aim, 25: figures.Must, 31: figures.Missed} {
		m := &figures.Metric{Values: []float64{value}}
		absolute, _, _, reached := r.Judge(m, figures.Goal{Quantile: figures.Median, Must: 30, Aim: 15})
		if absolute != value || reached != want {
			t.Errorf("%v: %v", value, reached)
		}
		if _, _, _, reached := r.Judge(m, figures.Goal{Quantile: figures.Median, Must: 3, Aim: 1.5, Times: "base"}); reached != want {
			t.Errorf("%v times: %v", value, reached)
		}
	}
	for value, want := range map[float64]figures.Reached{5: figures.Missed, 7: figures.Must, 8: figures.Aim, 20: figures.Aim} {
		m := &figures.Metric{Values: []float64{value}}
		if _, _, _, reached := r.Judge(m, figures.Goal{Quantile: figures.Median, Must: 0.6, Aim: 0.8, Times: "base", AtLeast: true}); reached != want {
			t.Errorf("at least, %v: %v", value, reached)
		}
	}
	if _, _, _, reached := r.Judge(base, figures.Goal{Times: "none"}); reached != figures.Unknown {
		t.Error("goal without its other metric")
	}
	if _, _, _, reached := r.Judge(&figures.Metric{}, figures.Goal{}); reached != figures.Unknown {
		t.Error("goal without values")
	}
}

func TestResult_Compare(t *testing.T) {
	var r figures.Result
	r.Metric("this", "", "").Add(30)
	r.Metric("other", "", "").Add(20)
	r.Metric("nothing", "", "").Add(0)
	r.Metric("below", "", "").Add(-5)
	r.Metric("empty", "", "")
	r.Compare("both", "this", "other", "why")
	r.Compare("absent", "this", "absent", "why")
	r.Compare("empty", "this", "empty", "")
	r.Compare("by nothing", "this", "nothing", "")
	r.Compare("below", "this", "below", "")
	for i, want := range []struct {
		value   float64
		missing string
	}{{1.5, ""}, {0, "why"}, {0, "not measured"}, {0, "not measured"}, {0, "not measured"}} {
		if got := r.Ratios[i]; got.Value != want.value || got.Missing != want.missing {
			t.Errorf("%s: %+v", got.Name, got)
		}
	}
}
