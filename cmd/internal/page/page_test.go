package page_test

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/cmd/internal/page"
)

func sample() *page.Page {
	plot := page.Plot{
		Title: `Rate <b>&`, Description: "bit rate over time", XUnit: "s", YUnit: "kbit/s",
		Series: []page.Series{
			{Name: "one", X: []float64{0, 1, 2, 3}, Y: []float64{1, math.NaN(), 3, 2}},
			{Name: "two", X: []float64{0, 3}, Y: []float64{2, 2}},
		},
		Bands:  []page.Band{{From: 1, To: 2, Name: "hold"}},
		Limits: []page.Mark{{X: 2.5, Name: "must"}},
	}
	return &page.Page{
		Title: "Report", Lead: "A <script>", Verdict: "same", Good: true,
		Tiles: []page.Tile{{Name: "ring", Value: "3 ms"}},
		Sections: []page.Section{{Title: "All", Blocks: []template.HTML{
			plot.Draw(),
			page.CDF("delays", "spread", "ms", []page.Mark{{X: 90, Name: "must"}},
				page.Distribution{Name: "a", Values: []float64{3, 1, 500}}, page.Distribution{Name: "empty"}),
			page.Timeline("states", "who when", "seconds", []page.Lane{{Name: "caller", Segments: []page.Segment{{0, 2, "Connected", 1}}}}),
			page.Table("figures", []string{"name", "value"}, [][]string{{"a<b", "1"}}),
			(&page.Plot{Title: "nothing"}).Draw(),
		}}},
	}
}

func TestPage_IsWellFormedAndSelfContained(t *testing.T) {
	var b strings.Builder
	if err := sample().Write(&b); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, bad := range []string{"<script", "http://", "https://", "src=", "@import", "NaN", "Inf", "<b>"} {
		if strings.Contains(out, bad) {
			t.Errorf("page holds %q", bad)
		}
	}
	for _, want := range []string{"prefers-color-scheme", `role="img"`, "aria-label", "a&lt;b", "stroke-dasharray"} {
		if !strings.Contains(out, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for rest := out; ; {
		_, after, found := strings.Cut(rest, "<figure>")
		if !found {
			break
		}
		figure, tail, _ := strings.Cut(after, "</figure>")
		wellFormed(t, "<figure>"+figure+"</figure>")
		rest = tail
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}
