// Package figures holds what scenarios measure: sets of values with the goals
// they are held against. Nothing here is a test that passes or fails.
package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Quantile names the value that a goal speaks of.
type Quantile float64

// The quantiles in use.
const (
	Median Quantile = 0.5
	P95    Quantile = 0.95
	P99    Quantile = 0.99
	Most   Quantile = 1
)

// String returns "median", "p95" and so on.
func (q Quantile) String() string {
	switch q {
	case Median:
		return "median"
	case Most:
		return "max"
	case P95, P99:
		return fmt.Sprintf("p%g", float64(q)*100)
	default:
		return fmt.Sprintf("p%g", float64(q)*100)
	}
}

// Goal is what a metric is held against.
type Goal struct {
	// Quantile is the value that counts.
	Quantile Quantile `json:"quantile"`
	// Must and Aim are in the metric's unit.
	Must float64 `json:"must"`
	Aim  float64 `json:"aim"`
	// Times makes Must and Aim factors of the same quantile of another metric.
	Times string `json:"times,omitempty"`
	// AtLeast turns the goal around: more is better.
	AtLeast bool `json:"atLeast,omitempty"`
}

// Metric is one set of values.
type Metric struct {
	// Name is unique within a scenario.
	Name string `json:"name"`
	// Group names the plot that shows it together with others of the same unit.
	Group  string    `json:"group"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	Goals  []Goal    `json:"goals,omitempty"`
	// Baseline marks what another program did.
	Baseline bool `json:"baseline,omitempty"`
}

// Result is the outcome of one scenario.
type Result struct {
	Scenario string    `json:"scenario"`
	Summary  string    `json:"summary"`
	Settings []Setting `json:"settings"`
	Metrics  []*Metric `json:"metrics"`
	Curves   []Curves  `json:"curves,omitempty"`
	// Breakdowns take medians apart.
	Breakdowns []Breakdown `json:"breakdowns,omitempty"`
	Ratios     []Ratio     `json:"ratios,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Seconds    float64     `json:"seconds"`
}

// Setting is a named value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Curves are values over time or another axis.
type Curves struct {
	Title  string  `json:"title"`
	XUnit  string  `json:"xUnit"`
	YUnit  string  `json:"yUnit"`
	Curves []Curve `json:"curves"`
}

// Curve is one of them.
type Curve struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
}

// Breakdown shows what a median is made of: the medians of its parts, which
// are metrics, one after the other.
type Breakdown struct {
	Title string         `json:"title"`
	Unit  string         `json:"unit"`
	Rows  []BreakdownRow `json:"rows"`
}

// BreakdownRow is one of them; Metrics and Names are as long as each other.
type BreakdownRow struct {
	Name    string   `json:"name"`
	Metrics []string `json:"metrics"`
	Names   []string `json:"names"`
}

// Ratio sets the median of a metric beside that of another.
type Ratio struct {
	// Name says what is compared.
	Name string `json:"name"`
	// Of and To name the metrics.
	Of string `json:"of"`
	To string `json:"to"`
	// Value is the one divided by the other; 0 when one was not measured.
	Value float64 `json:"value,omitempty"`
	// Missing says why there is no value.
	Missing string `json:"missing,omitempty"`
}

// Compare adds a ratio; missing is the reason when the other was not measured.
func (r *Result) Compare(name, of, to, missing string) {
	ratio := Ratio{Name: name, Of: of, To: to, Missing: missing}
	if one, other := r.Find(of), r.Find(to); one != nil && other != nil {
		// Memory that went back meanwhile can make a figure negative; that is no ratio.
		if value := one.At(Median) / other.At(Median); value > 0 && !math.IsInf(value, 0) {
			ratio.Value, ratio.Missing = value, ""
		}
	}
	if ratio.Value == 0 && ratio.Missing == "" {
		ratio.Missing = "not measured"
	}
	r.Ratios = append(r.Ratios, ratio)
}

// Metric returns the metric of that name, made when it is not there.
func (r *Result) Metric(name, group, unit string, goals ...Goal) *Metric {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m
		}
	}
	m := &Metric{Name: name, Group: group, Unit: unit, Goals: goals}
	r.Metrics = append(r.Metrics, m)
	return m
}

// Find returns a metric by name.
func (r *Result) Find(name string) *Metric {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Set notes a setting.
func (r *Result) Set(name, format string, args ...any) {
	r.Settings = append(r.Settings, Setting{name, fmt.Sprintf(format, args...)})
}

// Note adds a remark, on one line.
func (r *Result) Note(format string, args ...any) {
	r.Notes = append(r.Notes, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

// Add appends a value.
func (m *Metric) Add(v float64) { m.Values = append(m.Values, v) }

// AddTime appends a duration in milliseconds.
func (m *Metric) AddTime(d time.Duration) { m.Add(float64(d) / float64(time.Millisecond)) }

// At returns a quantile; NaN without values. Small sets round up: the p99 of
// ten values is the greatest of them.
func (m *Metric) At(q Quantile) float64 {
	if len(m.Values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(m.Values)
	slices.Sort(sorted)
	return sorted[max(0, int(math.Ceil(float64(q)*float64(len(sorted))))-1)]
}

// Mean returns the mean; NaN without values.
func (m *Metric) Mean() float64 {
	sum := 0.0
	for _, v := range m.Values {
		sum += v
	}
	return sum / float64(len(m.Values))
}

// Reached says how a goal stands.
type Reached uint8

// How a goal stands.
const (
	Unknown Reached = iota
	Missed          // not even what must be reached
	Must
	Aim
)

// String returns it in a word.
func (r Reached) String() string {
	switch r {
	case Missed:
		return "not reached"
	case Must:
		return "reached"
	case Aim:
		return "aim reached"
	case Unknown:
		return "not measured"
	default:
		return "?"
	}
}

// Judge returns the value that a goal of a metric speaks of, what it is held
// against, and how it stands.
func (r *Result) Judge(m *Metric, g Goal) (value, must, aim float64, reached Reached) {
	value, must, aim = m.At(g.Quantile), g.Must, g.Aim
	if g.Times != "" {
		other := r.Find(g.Times)
		if other == nil {
			return value, math.NaN(), math.NaN(), Unknown
		}
		must, aim = must*other.At(g.Quantile), aim*other.At(g.Quantile)
	}
	switch {
	case math.IsNaN(value) || math.IsNaN(must):
		return value, must, aim, Unknown
	case g.AtLeast && value >= aim:
		return value, must, aim, Aim
	case g.AtLeast && value >= must:
		return value, must, aim, Must
	case g.AtLeast:
		return value, must, aim, Missed
	case value <= aim:
		return value, must, aim, Aim
	case value <= must:
		return value, must, aim, Must
	default:
		return value, must, aim, Missed
	}
}
