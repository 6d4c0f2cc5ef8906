package main

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/page"
)

func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v == math.Trunc(v) && math.Abs(v) < 1e7:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) < 1:
		return fmt.Sprintf("%.3f", v)
	case math.Abs(v) < 100:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// goals are the rows of the table of goals.
func (r *report) goals() (rows [][]string) {
	for _, result := range r.Results {
		for _, m := range result.Metrics {
			for _, g := range m.Goals {
				value, must, aim, reached := result.Judge(m, g)
				name := fmt.Sprintf("%s: %s, %v", result.Scenario, m.Name, g.Quantile)
				if g.Times != "" {
					other := result.Find(g.Times)
					if other != nil {
						name += fmt.Sprintf(" (%.2f × %s)", value/other.At(g.Quantile), g.Times)
					}
				}
				rows = append(rows, []string{
					name, figure(value) + " " + m.Unit, figure(must), figure(aim), reached.String(),
				})
			}
		}
	}
	return rows
}

func goalsHead() []string { return []string{"Goal", "Measured", "Must", "Aim", ""} }

func metricsHead() []string {
	return []string{"Metric", "n", "min", "median", "p90", "p95", "p99", "max", "unit"}
}

func metricsRows(result *figures.Result) (rows [][]string) {
	for _, m := range result.Metrics {
		rows = append(rows, []string{
			m.Name, fmt.Sprint(len(m.Values)), figure(m.At(0)), figure(m.At(figures.Median)), figure(m.At(0.9)),
			figure(m.At(figures.P95)), figure(m.At(figures.P99)), figure(m.At(figures.Most)), m.Unit,
		})
	}
	return rows
}

func ratiosHead() []string {
	return []string{"Beside other systems, medians", "this", "other", "this / other"}
}

// ratiosRows are the rows of the table of ratios; a system that did not run
// says so in its place.
func ratiosRows(result *figures.Result) (rows [][]string) {
	median := func(name string) string {
		if m := result.Find(name); m != nil && len(m.Values) > 0 {
			return figure(m.At(figures.Median)) + " " + m.Unit
		}
		return "–"
	}
	for _, one := range result.Ratios {
		value := one.Missing
		if value == "" {
			value = fmt.Sprintf("%.3g", one.Value)
		}
		rows = append(rows, []string{one.Name, median(one.Of), median(one.To), value})
	}
	return rows
}

// table renders everything for a terminal.
func (r *report) table() string {
	var b strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&b, "\n%s: %s\n", result.Scenario, result.Summary)
		columns(&b, metricsHead(), metricsRows(result))
		if rows := ratiosRows(result); len(rows) > 0 {
			b.WriteString("\n")
			columns(&b, ratiosHead(), rows)
		}
		for _, n := range result.Notes {
			fmt.Fprintf(&b, "  %s\n", n)
		}
	}
	if rows := r.goals(); len(rows) > 0 {
		b.WriteString("\nGoals (nothing passes or fails here)\n")
		columns(&b, goalsHead(), rows)
	}
	return b.String()
}

func columns(b *strings.Builder, head []string, rows [][]string) {
	wide := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			wide[i] = max(wide[i], len([]rune(cell)))
		}
	}
	for n, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			space := strings.Repeat(" ", wide[i]-len([]rune(cell)))
			switch i {
			case 0:
				b.WriteString("  " + cell + space)
			default:
				b.WriteString("  " + space + cell)
			}
		}
		b.WriteString("\n")
		if n == 0 {
			total := 2*len(wide) - 2
			for _, w := range wide {
				total += w
			}
			b.WriteString("  " + strings.Repeat("─", total) + "\n")
		}
	}
}

// page renders everything for a browser.
func (r *report) page() *page.Page {
	m := r.Machine
	p := &page.Page{
		Title: "Parley measured",
		Lead:  fmt.Sprintf("%s, %d cores, %s memory, %s, %s.", m.CPU, m.Cores, m.Memory, m.OS, m.Go),
		Foot:  "Distributions show every value. Baselines ran in the same program, alternating with what they stand beside. Nothing here passes or fails.",
	}
	if rows := r.goals(); len(rows) > 0 {
		p.Sections = append(p.Sections, page.Section{
			Title: "Goals", Text: "What was measured beside what must be reached and what is aimed for.",
			Blocks: []template.HTML{page.Table("", goalsHead(), rows)},
		})
	}
	for _, result := range r.Results {
		p.Sections = append(p.Sections, section(result))
	}
	rows := [][]string{
		{"command", r.Command}, {"began", r.Began}, {"version", r.Version}, {"commit", m.Commit}, {"audio codecs", m.Codecs},
	}
	for _, s := range r.Settings {
		rows = append(rows, []string{s.Name, s.Value})
	}
	for name, why := range r.Failed {
		rows = append(rows, []string{"could not be measured: " + name, why})
	}
	p.Sections = append(p.Sections, page.Section{
		Title: "Settings", Blocks: []template.HTML{page.Table("", []string{"Setting", "Value"}, rows)},
	})
	return p
}

// fewest values that make a distribution.
const fewest = 3

func breakdown(result *figures.Result, b figures.Breakdown) template.HTML {
	var lanes []page.Lane
	var words []string
	for _, row := range b.Rows {
		lane := page.Lane{Name: row.Name}
		at := 0.0
		for i, name := range row.Metrics {
			m := result.Find(name)
			if m == nil || len(m.Values) == 0 {
				continue
			}
			v := m.At(figures.Median)
			lane.Segments = append(lane.Segments, page.Segment{From: at, To: at + v, Name: row.Names[i], Color: i + 1})
			words = append(words, fmt.Sprintf("%s, %s: %s %s", row.Name, row.Names[i], figure(v), b.Unit))
			at += v
		}
		lanes = append(lanes, lane)
	}
	return page.Timeline(b.Title, strings.Join(words, "; "), b.Unit, lanes)
}

// section shows one scenario: a distribution for each group of metrics, the
// curves, all figures.
func section(result *figures.Result) page.Section {
	s := page.Section{Title: result.Scenario, Text: result.Summary + "."}
	var groups []string
	members := map[string][]*figures.Metric{}
	for _, m := range result.Metrics {
		if len(m.Values) < fewest || m.Group == "" {
			continue
		}
		if members[m.Group] == nil {
			groups = append(groups, m.Group)
		}
		members[m.Group] = append(members[m.Group], m)
	}
	for _, g := range groups {
		s.Blocks = append(s.Blocks, distribution(result, g, members[g]))
	}
	for _, b := range result.Breakdowns {
		s.Blocks = append(s.Blocks, breakdown(result, b))
	}
	for _, c := range result.Curves {
		p := page.Plot{Title: c.Title, Description: c.YUnit + " over " + c.XUnit, XUnit: c.XUnit, YUnit: c.YUnit}
		for _, one := range c.Curves {
			p.Series = append(p.Series, page.Series{Name: one.Name, X: one.X, Y: one.Y})
		}
		s.Blocks = append(s.Blocks, p.Draw())
	}
	if rows := ratiosRows(result); len(rows) > 0 {
		s.Blocks = append(s.Blocks, page.Table("Ratios", ratiosHead(), rows))
	}
	s.Blocks = append(s.Blocks, page.Table("All figures", metricsHead(), metricsRows(result)))
	var rows [][]string
	for _, set := range result.Settings {
		rows = append(rows, []string{set.Name, set.Value})
	}
	if len(rows) > 0 {
		s.Blocks = append(s.Blocks, page.Table("Settings", []string{"Setting", "Value"}, rows))
	}
	for _, n := range result.Notes {
		s.Blocks = append(s.Blocks, template.HTML("<p>"+template.HTMLEscapeString(n)+"</p>")) //nolint:gosec // G203: escaped
	}
	return s
}

func distribution(result *figures.Result, group string, metrics []*figures.Metric) template.HTML {
	var sets []page.Distribution
	var limits []page.Mark
	var words []string
	for _, m := range metrics {
		name := m.Name
		if m.Baseline {
			name += " (baseline)"
		}
		sets = append(sets, page.Distribution{Name: name, Values: m.Values})
		words = append(words, fmt.Sprintf("%s: median %s, p99 %s %s", name, figure(m.At(figures.Median)), figure(m.At(figures.P99)), m.Unit))
		for _, g := range m.Goals {
			if _, must, _, reached := result.Judge(m, g); reached != figures.Unknown {
				limits = append(limits, page.Mark{X: must, Name: fmt.Sprintf("must, %v: %s", g.Quantile, figure(must))})
			}
		}
	}
	return page.CDF(group, "Share of values at or below each value. "+strings.Join(words, "; "), metrics[0].Unit, limits, sets...)
}
