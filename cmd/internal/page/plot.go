package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Series is one curve.
type Series struct {
	Name string
	X, Y []float64
	// Color is 1 to 6; zero takes the series' place in the plot.
	Color int
	// Steps draws a staircase.
	Steps bool
}

// Band shades a stretch of the x axis.
type Band struct {
	From, To float64
	Name     string
}

// Mark is a point on the x axis worth a name.
type Mark struct {
	X    float64
	Name string
}

// Plot is a set of curves over one pair of axes.
type Plot struct {
	// Title names it; Description says in words what it shows, for those who
	// do not see it.
	Title, Description string
	XUnit, YUnit       string
	Series             []Series
	Bands              []Band
	// Limits are lines across, each with a name: what must be reached.
	Limits []Mark
	// YMin and YMax hold the axis when they differ; else it fits the data from zero on.
	YMin, YMax float64
	// LogX makes the x axis logarithmic.
	LogX bool
	// Height is that of the drawing; zero is 240.
	Height int
	// Vertical draws the limits upright, at values of x.
	Vertical bool
	// Dots are points on the curves worth a look, by the series' place.
	Dots []Dot
}

// Dot is a point on a curve.
type Dot struct {
	Series int
	X, Y   float64
	Name   string
}

const (
	width        = 1000
	left, right  = 62, 16
	top, bottom  = 12, 40
	defaultTall  = 240
	mostPoints   = 1200
	colors       = 6
	wantedTicksX = 10
	wantedTicksY = 5
	headroom     = 0.08
)

// frame maps values to the drawing.
type frame struct {
	x0, x1, y0, y1 float64
	tall           float64
	logX           bool
}

func (f *frame) x(v float64) float64 {
	a, b := f.x0, f.x1
	if f.logX {
		v, a, b = math.Log10(math.Max(v, f.x0)), math.Log10(a), math.Log10(b)
	}
	return left + (v-a)/(b-a)*(width-left-right)
}

func (f *frame) y(v float64) float64 {
	v = math.Max(f.y0, math.Min(f.y1, v))
	return top + (f.y1-v)/(f.y1-f.y0)*(f.tall-top-bottom)
}

// Draw renders the plot.
func (p *Plot) Draw() template.HTML {
	f := p.frame()
	var b strings.Builder
	figure(&b, p.Title, p.Description, f.tall, p.legend())
	p.bands(&b, f)
	p.axes(&b, f)
	p.limits(&b, f)
	for i, s := range p.Series {
		fmt.Fprintf(&b, `<path class="curve %s" d="%s"><title>%s</title></path>`,
			p.class(i), path(s, f), html.EscapeString(s.Name))
	}
	for _, d := range p.Dots {
		fmt.Fprintf(&b, `<circle class="dot f%d" cx="%.1f" cy="%.1f" r="5"><title>%s</title></circle>`,
			p.color(d.Series), f.x(d.X), f.y(d.Y), html.EscapeString(d.Name))
	}
	b.WriteString("</svg></figure>")
	return template.HTML(b.String()) //nolint:gosec // G203: every text is escaped where it is written
}

// figure begins a figure with a name and a description for screen readers.
func figure(b *strings.Builder, title, description string, tall float64, legend string) {
	fmt.Fprintf(b, `<figure><figcaption>%s</figcaption>%s<svg role="img" viewBox="0 0 %d %g" aria-label="%s">`,
		html.EscapeString(title), legend, width, tall, html.EscapeString(title+". "+description))
	fmt.Fprintf(b, "<desc>%s</desc>", html.EscapeString(description))
}

func (p *Plot) color(i int) int {
	if c := p.Series[i].Color; c > 0 {
		return c
	}
	return i%colors + 1
}

// class gives a curve its color and its dashes, so that it can be told
// without colors.
func (p *Plot) class(i int) string {
	// The seventh curve has the first one's color, and not its dashes.
	return fmt.Sprintf("c%d d%d", p.color(i), (i+i/colors)%colors+1)
}

func (p *Plot) legend() string {
	if len(p.Series) < 2 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<ul class="legend">`)
	for i, s := range p.Series {
		fmt.Fprintf(&b, `<li><svg viewBox="0 0 28 10" aria-hidden="true"><path class="curve %s" d="M1 5H27"/></svg>%s</li>`,
			p.class(i), html.EscapeString(s.Name))
	}
	b.WriteString("</ul>")
	return b.String()
}

func (p *Plot) frame() *frame {
	f := &frame{x0: math.Inf(1), x1: math.Inf(-1), y0: 0, y1: 0, tall: float64(p.Height), logX: p.LogX}
	if f.tall == 0 {
		f.tall = defaultTall
	}
	for _, s := range p.Series {
		for i := range s.X {
			if math.IsNaN(s.Y[i]) {
				continue
			}
			f.x0, f.x1 = math.Min(f.x0, s.X[i]), math.Max(f.x1, s.X[i])
			f.y0, f.y1 = math.Min(f.y0, s.Y[i]), math.Max(f.y1, s.Y[i])
		}
	}
	for _, l := range p.Limits {
		if p.Vertical {
			f.x0, f.x1 = math.Min(f.x0, l.X), math.Max(f.x1, l.X*1.02)
		} else {
			f.y1 = math.Max(f.y1, l.X*1.05)
		}
	}
	f.y1 += headroom * (f.y1 - f.y0)
	if p.YMin != p.YMax {
		f.y0, f.y1 = p.YMin, p.YMax
	}
	if math.IsInf(f.x0, 0) || f.x0 == f.x1 {
		f.x0, f.x1 = math.Min(0, f.x0), 1
		if math.IsInf(f.x0, 0) {
			f.x0 = 0
		}
	}
	if f.logX && f.x0 <= 0 {
		f.x0 = f.x1 / 1000
	}
	if f.y0 == f.y1 {
		f.y1 = f.y0 + 1
	}
	return f
}

func (p *Plot) bands(b *strings.Builder, f *frame) {
	for _, band := range p.Bands {
		from, to := math.Max(band.From, f.x0), math.Min(band.To, f.x1)
		if from >= to {
			continue
		}
		fmt.Fprintf(b, `<rect class="band" x="%.1f" y="%d" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			f.x(from), top, f.x(to)-f.x(from), f.tall-top-bottom, html.EscapeString(band.Name))
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			(f.x(from)+f.x(to))/2, top+12, html.EscapeString(band.Name))
	}
}

func (p *Plot) axes(b *strings.Builder, f *frame) {
	floor := f.tall - bottom
	for _, v := range ticks(f.y0, f.y1, wantedTicksY) {
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, f.y(v), width-right, left-8, f.y(v)+4, number(v))
	}
	marks := ticks(f.x0, f.x1, wantedTicksX)
	if f.logX {
		marks = decades(f.x0, f.x1)
	}
	for _, v := range marks {
		fmt.Fprintf(b, `<path class="axis" d="M%.1f %.1fv5"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
			f.x(v), floor, f.x(v), floor+18, number(v))
	}
	fmt.Fprintf(b, `<path class="axis" d="M%d %.1fH%d"/>`, left, floor, width-right)
	fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`, width-right, f.tall-4, html.EscapeString(p.XUnit))
	fmt.Fprintf(b, `<text x="0" y="%.1f" transform="rotate(-90 12 %.1f)" dx="12" text-anchor="middle">%s</text>`,
		(top+floor)/2, (top+floor)/2, html.EscapeString(p.YUnit))
}

func (p *Plot) limits(b *strings.Builder, f *frame) {
	for _, l := range p.Limits {
		if p.Vertical {
			x := f.x(l.X)
			fmt.Fprintf(b, `<path class="mark c6 d5" d="M%.1f %dV%.1f"/><text x="%.1f" y="%d" text-anchor="end">%s</text>`,
				x, top, f.tall-bottom, x-5, top+10, html.EscapeString(l.Name))
		} else {
			y := f.y(l.X)
			fmt.Fprintf(b, `<path class="mark c6 d5" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
				left, y, width-right, width-right-4, y-5, html.EscapeString(l.Name))
		}
	}
}

// path draws a series, thinned out when it has more points than can be seen.
func path(s Series, f *frame) string {
	var b strings.Builder
	step := max(1, len(s.X)/mostPoints)
	pen := 'M'
	last := 0.0
	for i := 0; i < len(s.X); i += step {
		y := s.Y[i]
		for j := i; j < min(i+step, len(s.X)); j++ {
			y = math.Max(y, s.Y[j])
		}
		if math.IsNaN(y) {
			pen = 'M'
			continue
		}
		if s.Steps && pen == 'L' {
			fmt.Fprintf(&b, "L%.1f %.1f", f.x(s.X[i]), last)
		}
		last = f.y(y)
		fmt.Fprintf(&b, "%c%.1f %.1f", pen, f.x(s.X[i]), last)
		pen = 'L'
	}
	return b.String()
}

// ticks returns round values between two limits.
func ticks(from, to float64, wanted int) []float64 {
	raw := (to - from) / float64(wanted)
	if raw <= 0 || math.IsNaN(raw) || math.IsInf(raw, 0) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := power * 10
	for _, m := range []float64{1, 2, 5} {
		if raw <= power*m {
			step = power * m
			break
		}
	}
	var out []float64
	for v := math.Ceil(from/step) * step; v <= to+step/1e6; v += step {
		out = append(out, math.Round(v/step)*step)
	}
	return out
}

func decades(from, to float64) []float64 {
	var out []float64
	for power := math.Pow(10, math.Floor(math.Log10(from))); power <= to; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := power * m; v >= from && v <= to {
				out = append(out, v)
			}
		}
	}
	return out
}

func number(v float64) string {
	s := fmt.Sprintf("%.6g", v)
	if !strings.Contains(s, "e") {
		return s
	}
	return fmt.Sprintf("%.3g", v)
}

// Distribution is a named set of values.
type Distribution struct {
	Name   string
	Values []float64
	Color  int
}

// CDF draws the share of values at or below each value.
func CDF(title, description, unit string, limits []Mark, sets ...Distribution) template.HTML {
	p := Plot{
		Title: title, Description: description, XUnit: unit, YUnit: "share of values",
		YMin: 0, YMax: 1, Limits: limits, Vertical: true,
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, d := range sets {
		values := slices.Clone(d.Values)
		slices.Sort(values)
		s := Series{Name: fmt.Sprintf("%s (n=%d)", d.Name, len(values)), Color: d.Color, Steps: true}
		if n := len(values); n > 0 {
			s.X, s.Y = append(s.X, values[0]), append(s.Y, 0)
			p.Dots = append(p.Dots, Dot{
				Series: len(p.Series), X: values[(n-1)/2], Y: float64((n-1)/2+1) / float64(n),
				Name: fmt.Sprintf("%s: median %s %s", d.Name, number(values[(n-1)/2]), unit),
			})
		}
		for i, v := range values {
			s.X = append(s.X, v)
			s.Y = append(s.Y, float64(i+1)/float64(len(values)))
			least, most = math.Min(least, v), math.Max(most, v)
		}
		p.Series = append(p.Series, s)
	}
	// A long tail would press the rest against the axis.
	p.LogX = least > 0 && most/least > 30
	return p.Draw()
}

// Segment is a stretch of a lane with a name.
type Segment struct {
	From, To float64
	Name     string
	Color    int
}

// Lane is one row of a timeline.
type Lane struct {
	Name     string
	Segments []Segment
}

const (
	laneTall = 34
	laneGap  = 10
	laneName = 70
	letter   = 7.2 // width of one
)

// Timeline draws lanes of segments over a common axis, in seconds or another
// unit.
func Timeline(title, description, unit string, lanes []Lane) template.HTML {
	f := &frame{tall: float64(top + bottom + len(lanes)*(laneTall+laneGap))}
	names := float64(laneName)
	for _, l := range lanes {
		names = math.Max(names, letter*float64(len([]rune(l.Name))))
		for _, s := range l.Segments {
			f.x1 = math.Max(f.x1, s.To)
		}
	}
	if f.x1 == 0 {
		f.x1 = 1
	}
	at := func(v float64) float64 { return names + v/f.x1*(width-names-right) }
	var b strings.Builder
	figure(&b, title, description, f.tall, segmentLegend(lanes))
	for i, l := range lanes {
		lane(&b, l, float64(top+i*(laneTall+laneGap)), unit, at)
	}
	floor := f.tall - bottom
	for _, v := range ticks(0, f.x1, wantedTicksX) {
		fmt.Fprintf(&b, `<path class="axis" d="M%.1f %.1fv5"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
			at(v), floor, at(v), floor+18, number(v))
	}
	fmt.Fprintf(&b, `<path class="axis" d="M%.1f %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text></svg></figure>`,
		names, floor, width-right, width-right, f.tall-4, html.EscapeString(unit))
	return template.HTML(b.String()) //nolint:gosec // G203: every text is escaped where it is written
}

func lane(b *strings.Builder, l Lane, y float64, unit string, at func(float64) float64) {
	fmt.Fprintf(b, `<text class="name" x="0" y="%.1f">%s</text>`, y+laneTall/2+4, html.EscapeString(l.Name))
	for _, s := range l.Segments {
		w := at(s.To) - at(s.From)
		fmt.Fprintf(b, `<rect class="f%d" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="3"><title>%s: %s to %s %s</title></rect>`,
			s.Color, at(s.From), y, math.Max(1, w-1.5), laneTall, html.EscapeString(s.Name),
			number(math.Round(s.From*100)/100), number(math.Round(s.To*100)/100), html.EscapeString(unit))
		if w > letter*float64(len([]rune(s.Name)))+8 {
			fmt.Fprintf(b, `<text class="inside" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
				at(s.From)+w/2, y+laneTall/2+4, html.EscapeString(s.Name))
		}
	}
}

// segmentLegend names the colors: a narrow segment has no room for its name.
func segmentLegend(lanes []Lane) string {
	names := map[int][]string{}
	var order []int
	for _, l := range lanes {
		for _, s := range l.Segments {
			if names[s.Color] == nil {
				order = append(order, s.Color)
			}
			if !slices.Contains(names[s.Color], s.Name) {
				names[s.Color] = append(names[s.Color], s.Name)
			}
		}
	}
	var b strings.Builder
	b.WriteString(`<ul class="legend">`)
	for _, c := range order {
		fmt.Fprintf(&b, `<li><svg viewBox="0 0 28 10" aria-hidden="true"><rect class="f%d" width="26" height="10" rx="2"/></svg>%s</li>`,
			c, html.EscapeString(strings.Join(names[c], ", ")))
	}
	b.WriteString("</ul>")
	return b.String()
}
