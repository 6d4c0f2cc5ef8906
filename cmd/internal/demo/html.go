package demo

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/page"
	"github.com/parley-rtc/parley/engine"
)

// curves are what changed over time at both ends, caller first.
type curves struct {
	at        []float64 // seconds
	audio     [2][]float64
	video     [2][]float64
	buffer    [2][]float64
	target    [2][]float64
	concealed [2][]float64
}

func (d *demo) curves() curves {
	var c curves
	for i, e := range d.ends {
		for n := 1; n < len(e.samples); n++ {
			was, now := &e.samples[n-1], &e.samples[n]
			span := (now.at - was.at).Seconds()
			if span < sampleTime.Seconds()/2 {
				continue
			}
			if i == 0 {
				c.at = append(c.at, now.at.Seconds())
			}
			rate := func(kind engine.TrackKind) float64 {
				a, b := outbound(&now.stats, kind).BytesSent, outbound(&was.stats, kind).BytesSent
				return float64(a-min(a, b)) * 8 / 1000 / span
			}
			c.audio[i] = append(c.audio[i], rate(engine.TrackKindAudio))
			c.video[i] = append(c.video[i], rate(engine.TrackKindVideo))
			in, before := inbound(&now.stats, engine.TrackKindAudio), inbound(&was.stats, engine.TrackKindAudio)
			c.buffer[i] = append(c.buffer[i], milliseconds(in.CurrentDelay))
			c.target[i] = append(c.target[i], milliseconds(in.TargetDelay))
			made := in.ConcealedSamples - min(in.ConcealedSamples, before.ConcealedSamples)
			all := in.TotalSamplesReceived - min(in.TotalSamplesReceived, before.TotalSamplesReceived)
			c.concealed[i] = append(c.concealed[i], 100*float64(made)/math.Max(1, float64(all)))
		}
	}
	return c
}

func (r *Report) page() *page.Page {
	p := &page.Page{
		Title: "A call between two Parley engines", Good: r.OK, Verdict: "What was said is what was heard",
		Lead: fmt.Sprintf("%.0f seconds of speech and video both ways, %s and %s, path: %s.",
			r.Seconds, orNone(r.AudioCodec), orNone(r.VideoCodec), orNone(r.Path)),
		Foot: fmt.Sprintf("parley %s, call placed at %s. Times count from the placing of the call. "+
			"Mouth to ear: from the moment a sample was spoken (a 20 ms frame can be read only when it is complete) "+
			"to the moment it was written to the sink, found by aligning what was said with what was heard in windows of 400 ms.",
			r.Version, r.Began),
	}
	if !r.OK {
		p.Verdict = "What was heard is not what was said"
	}
	p.Tiles = []page.Tile{
		{Name: "Ringing after", Value: ms(r.RingMS)},
		{Name: "Accept → first audio", Value: ms(r.AcceptToFirstAudioMS), Note: "the slower side"},
		{Name: "Accept → first video", Value: ms(r.AcceptToFirstVideoMS), Note: "the slower side"},
		{Name: "Mouth to ear", Value: ms(r.MouthToEarMS.P50), Note: "95 % within " + ms(r.MouthToEarMS.P95)},
		{Name: "Network, one way", Value: ms(r.NetworkOneWayMS.P50), Note: "99 % within " + ms(r.NetworkOneWayMS.P99)},
		{Name: "Concealed audio", Value: fmt.Sprintf("%.2f %%", 100*r.ConcealedRatio)},
	}
	p.Sections = []page.Section{
		{Title: "States", Text: "What each side's app was told.", Blocks: []template.HTML{r.timeline()}},
		{
			Title: "Said and heard", Blocks: []template.HTML{r.levels(0), r.levels(1), r.checks()},
			Text: "Level of what was read from the source and of what was written to the other side's sink, on one clock: the distance between the curves is the delay.",
		},
		{Title: "Bit rate", Blocks: []template.HTML{r.rates()}},
		{
			Title: "Jitter buffer and concealment", Blocks: r.buffers(),
			Text: "How long audio waits for late packets, and how much had to be made up because a packet was missing.",
		},
		{Title: "Delay", Blocks: []template.HTML{r.delays(), r.network()}},
		{Title: "Figures", Blocks: []template.HTML{r.figures()}},
	}
	return p
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func ms(v float64) string {
	switch {
	case v < 0:
		return "never"
	case v < 1:
		return fmt.Sprintf("%.2f ms", v)
	case v < 10:
		return fmt.Sprintf("%.1f ms", v)
	default:
		return fmt.Sprintf("%.0f ms", v)
	}
}

// colorOf keeps the colors of the states apart.
func colorOf(state string) int {
	switch state {
	case engine.CallStateConnected.String():
		return 3
	case engine.CallStateRinging.String():
		return 2
	case engine.CallStateLocalHold.String(), engine.CallStateRemoteHold.String():
		return 4
	case engine.CallStateConnecting.String():
		return 5
	default:
		return 6
	}
}

func (r *Report) timeline() template.HTML {
	var lanes []page.Lane
	var words []string
	for _, name := range []string{lab.Caller, lab.Callee} {
		states := r.States[name]
		lane := page.Lane{Name: name}
		for i, s := range states {
			until := s.AtMS + 150
			if i+1 < len(states) {
				until = states[i+1].AtMS
			}
			lane.Segments = append(lane.Segments, page.Segment{
				From: s.AtMS / 1000, To: until / 1000, Name: s.State, Color: colorOf(s.State),
			})
			words = append(words, fmt.Sprintf("%s %s at %.2f s", name, s.State, s.AtMS/1000))
		}
		lanes = append(lanes, lane)
	}
	lanes = append(lanes, page.Lane{Name: "caller's mute", Segments: []page.Segment{
		{From: r.MutedMS.From / 1000, To: r.MutedMS.To / 1000, Name: "muted", Color: 1},
	}})
	return page.Timeline("States of both sides", strings.Join(words, ", "), "seconds", lanes)
}

// bands shade mute and hold.
func (r *Report) bands(muted bool) []page.Band {
	out := []page.Band{{From: r.HeldMS.From / 1000, To: r.HeldMS.To / 1000, Name: "hold"}}
	if muted {
		out = append(out, page.Band{From: r.MutedMS.From / 1000, To: r.MutedMS.To / 1000, Name: "muted"})
	}
	return out
}

func (r *Report) levels(i int) template.HTML {
	d := &r.Directions[i]
	series := func(name string, levels []float64) page.Series {
		s := page.Series{Name: name}
		for i, l := range levels {
			s.X = append(s.X, float64(i)*levelStep.Seconds())
			s.Y = append(s.Y, math.Max(l, -70))
		}
		return s
	}
	p := page.Plot{
		Title: d.From + " speaks, " + d.To + " hears",
		Description: fmt.Sprintf("Level over time. The energy envelopes correlate by %.3f, the waveforms in the loudest second by %.3f.",
			d.EnvelopeCorrelation, d.WaveformCorrelation),
		XUnit: "seconds", YUnit: "dBov", YMin: -70, YMax: 0, Height: 210,
		Series: []page.Series{series("said by the "+d.From, d.said), series("heard by the "+d.To, d.heard)},
		Bands:  r.bands(i == caller),
	}
	return p.Draw()
}

func (r *Report) checks() template.HTML {
	var rows [][]string
	for _, c := range r.Checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		rows = append(rows, []string{c.Name, c.Value, c.Wanted, mark})
	}
	return page.Table("What the verdict stands on", []string{"Check", "Measured", "Wanted", ""}, rows)
}

func (r *Report) rates() template.HTML {
	c := &r.curves
	p := page.Plot{
		Title: "Payload sent", Description: "Bit rate of audio and video of both sides in steps of 0.2 seconds.",
		XUnit: "seconds", YUnit: "kbit/s", Bands: r.bands(true),
		Series: []page.Series{
			{Name: "caller, audio", X: c.at, Y: c.audio[caller]},
			{Name: "callee, audio", X: c.at, Y: c.audio[callee]},
			{Name: "caller, video", X: c.at, Y: c.video[caller]},
			{Name: "callee, video", X: c.at, Y: c.video[callee]},
		},
	}
	return p.Draw()
}

func (r *Report) buffers() []template.HTML {
	c := &r.curves
	buffer := page.Plot{
		Title: "Jitter buffer", Description: "Delay of the jitter buffer and what it aims for, at both sides.",
		XUnit: "seconds", YUnit: "ms", Bands: r.bands(true),
		Series: []page.Series{
			{Name: "at the caller", X: c.at, Y: c.buffer[caller]},
			{Name: "at the callee", X: c.at, Y: c.buffer[callee]},
			{Name: "target at the caller", X: c.at, Y: c.target[caller]},
			{Name: "target at the callee", X: c.at, Y: c.target[callee]},
		},
	}
	concealed := page.Plot{
		Title: "Concealed audio", Description: "Share of samples that were made up, in steps of 0.2 seconds, at both sides.",
		XUnit: "seconds", YUnit: "%", Bands: r.bands(true), Height: 170,
		Series: []page.Series{
			{Name: "at the caller", X: c.at, Y: c.concealed[caller], Steps: true},
			{Name: "at the callee", X: c.at, Y: c.concealed[callee], Steps: true},
		},
	}
	most := 5.0
	for _, s := range concealed.Series {
		for _, v := range s.Y {
			most = math.Max(most, v)
		}
	}
	concealed.YMax = most
	return []template.HTML{buffer.Draw(), concealed.Draw()}
}

func (r *Report) delays() template.HTML {
	p := page.Plot{
		Title: "Mouth to ear", Description: fmt.Sprintf("Delay of each window of speech; half of them within %s, 95 %% within %s.",
			ms(r.MouthToEarMS.P50), ms(r.MouthToEarMS.P95)),
		XUnit: "seconds", YUnit: "ms", Bands: r.bands(true),
	}
	for i := range r.Directions {
		d := &r.Directions[i]
		s := page.Series{Name: d.From + " to " + d.To}
		for n, l := range d.lags {
			if n > 0 && l.At-d.lags[n-1].At > time.Second {
				s.X, s.Y = append(s.X, l.At.Seconds()), append(s.Y, math.NaN())
			}
			s.X, s.Y = append(s.X, l.At.Seconds()), append(s.Y, milliseconds(l.Delay))
		}
		p.Series = append(p.Series, s)
	}
	return p.Draw()
}

func (r *Report) network() template.HTML {
	var sets []page.Distribution
	for i := range r.Directions {
		d := &r.Directions[i]
		set := page.Distribution{Name: d.From + " to " + d.To}
		for _, v := range d.oneWay {
			set.Values = append(set.Values, milliseconds(v))
		}
		sets = append(sets, set)
	}
	return page.CDF("Network, one way per packet",
		"Share of media packets that took at most that long from the sending socket to the receiving one.", "ms", nil, sets...)
}

func (r *Report) figures() template.HTML {
	head := []string{"", r.Directions[caller].From + " → " + r.Directions[caller].To, r.Directions[callee].From + " → " + r.Directions[callee].To}
	return page.Table("", head, r.rows())
}

// rows are the figures of both directions, for the page and for the terminal.
func (r *Report) rows() [][]string {
	row := func(name string, value func(*Direction) string) []string {
		return []string{name, value(&r.Directions[caller]), value(&r.Directions[callee])}
	}
	return [][]string{
		row("audio codec", func(d *Direction) string { return orNone(d.AudioCodec) }),
		row("audio bit rate", func(d *Direction) string { return fmt.Sprintf("%.1f kbit/s", d.AudioKbps) }),
		row("accept → first audio", func(d *Direction) string { return ms(d.FirstAudioMS) }),
		row("mouth to ear p50 / p95", func(d *Direction) string { return ms(d.MouthToEarMS.P50) + " / " + ms(d.MouthToEarMS.P95) }),
		row("network one way p50 / p99", func(d *Direction) string {
			return ms(d.NetworkOneWayMS.P50) + " / " + ms(d.NetworkOneWayMS.P99)
		}),
		row("jitter buffer, mean", func(d *Direction) string { return ms(d.JitterBufferMS) }),
		row("concealed audio", func(d *Direction) string { return fmt.Sprintf("%.3f %%", 100*d.ConcealedRatio) }),
		row("envelope correlation", func(d *Direction) string { return fmt.Sprintf("%.4f", d.EnvelopeCorrelation) }),
		row("waveform correlation", func(d *Direction) string { return fmt.Sprintf("%.4f", d.WaveformCorrelation) }),
		row("video codec", func(d *Direction) string { return orNone(d.VideoCodec) }),
		row("video bit rate", func(d *Direction) string { return fmt.Sprintf("%.1f kbit/s", d.VideoKbps) }),
		row("accept → first video", func(d *Direction) string { return ms(d.FirstVideoMS) }),
		row("video frames arrived / sent", func(d *Direction) string {
			return fmt.Sprintf("%d / %d", d.VideoFramesArrived, d.VideoFramesSent)
		}),
		row("video freezes", func(d *Direction) string { return fmt.Sprint(d.VideoFreezes) }),
		row("packets lost", func(d *Direction) string { return fmt.Sprint(d.PacketsLost) }),
	}
}

// Table renders the outcome for a terminal.
func (r *Report) Table() string {
	rows := append([][]string{{"", r.Directions[caller].From + " → " + r.Directions[caller].To, r.Directions[callee].From + " → " + r.Directions[callee].To}}, r.rows()...)
	var wide [3]int
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			space := strings.Repeat(" ", wide[i]-len([]rune(cell)))
			if i == 0 {
				b.WriteString("  " + cell + space)
			} else {
				b.WriteString("   " + space + cell)
			}
		}
		b.WriteString("\n")
		if n == 0 {
			b.WriteString("  " + strings.Repeat("─", wide[0]+wide[1]+wide[2]+6) + "\n")
		}
	}
	return b.String()
}
