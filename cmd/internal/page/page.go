// Package page makes reports: one self-contained HTML page with tables and SVG
// plots, light and dark, readable without colors and by screen readers.
package page

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"
)

// Page is a report.
type Page struct {
	// Title and Lead stand on top.
	Title, Lead string
	// Verdict is a short result shown as a badge; Good colors it.
	Verdict string
	Good    bool
	// Tiles are the figures that matter most.
	Tiles []Tile
	// Sections follow in order.
	Sections []Section
	// Foot is small print.
	Foot string
}

// Tile is one figure with its name.
type Tile struct{ Name, Value, Note string }

// Section is a part of the page.
type Section struct {
	Title, Text string
	Blocks      []template.HTML
}

// Write renders the page.
func (p *Page) Write(w io.Writer) error {
	if err := pageTemplate().Execute(w, p); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

func pageTemplate() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"css": func() template.CSS { return template.CSS(style) }, //nolint:gosec // G203: a constant
	}).Parse(layout))
}

// Table renders a table; columns from the second on are figures.
func Table(caption string, head []string, rows [][]string) template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="scroll"><table>`)
	if caption != "" {
		fmt.Fprintf(&b, "<caption>%s</caption>", html.EscapeString(caption))
	}
	b.WriteString("<thead><tr>")
	for _, h := range head {
		fmt.Fprintf(&b, `<th scope="col">%s</th>`, html.EscapeString(h))
	}
	b.WriteString("</tr></thead><tbody>")
	for _, row := range rows {
		b.WriteString("<tr>")
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(&b, `<th scope="row">%s</th>`, html.EscapeString(cell))
			} else {
				fmt.Fprintf(&b, "<td>%s</td>", html.EscapeString(cell))
			}
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table></div>")
	return template.HTML(b.String()) //nolint:gosec // G203: every cell is escaped above
}

const layout = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>{{css}}</style>
</head>
<body>
<main>
<header>
<h1>{{.Title}}</h1>
{{if .Verdict}}<p class="verdict {{if .Good}}good{{else}}bad{{end}}">{{if .Good}}✓{{else}}✗{{end}} {{.Verdict}}</p>{{end}}
{{if .Lead}}<p class="lead">{{.Lead}}</p>{{end}}
</header>
{{if .Tiles}}<dl class="tiles">{{range .Tiles}}<div><dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{if .Note}}<dd class="note">{{.Note}}</dd>{{end}}</div>{{end}}</dl>{{end}}
{{range .Sections}}<section>
<h2>{{.Title}}</h2>
{{if .Text}}<p>{{.Text}}</p>{{end}}
{{range .Blocks}}{{.}}
{{end}}</section>
{{end}}{{if .Foot}}<footer><p>{{.Foot}}</p></footer>{{end}}
</main>
</body>
</html>
`

const style = `
:root{--ink:#16191d;--soft:#565d66;--line:#d9dde2;--grid:#e8ebee;--paper:#f6f7f9;--card:#fff;
--good:#0a7a45;--bad:#b3261e;--s1:#1f6fd0;--s2:#d35a12;--s3:#0d8a68;--s4:#8a4fc4;--s5:#b8860b;--s6:#5a6570;--shade:#16191d14}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a2a9b2;--line:#3a4048;--grid:#2a2f36;--paper:#121417;--card:#1a1d21;
--good:#4cc38a;--bad:#ff8a80;--s1:#6aa9ff;--s2:#ff9a5c;--s3:#45c7a0;--s4:#c39bf0;--s5:#e3b341;--s6:#9aa4af;--shade:#ffffff14}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 20px 48px}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 8px}
h2{font-size:1.15rem;margin:0 0 4px}
p{margin:0 0 12px;max-width:75ch}
.lead,section>p,.note,caption,footer{color:var(--soft)}
.verdict{display:inline-block;font-weight:600;padding:3px 12px;border-radius:999px;border:1.5px solid}
.verdict.good{color:var(--good)}.verdict.bad{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
.tiles>div,section{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tiles>div{padding:12px 14px}
dt{color:var(--soft);font-size:.82rem}
dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
dd.note{font-size:.8rem;font-weight:400}
section{padding:18px 20px;margin:16px 0}
figure{margin:12px 0 0}
figcaption{font-weight:600;font-size:.92rem}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:4px 0 2px;padding:0;font-size:.84rem;color:var(--soft)}
.legend svg{width:28px;height:10px;margin-right:6px;vertical-align:middle}
figure>svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--soft);font-size:12px;font-family:inherit;font-variant-numeric:tabular-nums}
svg .axis{stroke:var(--line);stroke-width:1}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
svg .mark{stroke-width:2}
svg .dot{stroke:var(--card);stroke-width:2}
svg .band{fill:var(--shade)}
svg text.inside{fill:#fff;font-weight:600}
@media (prefers-color-scheme:dark){svg text.inside{fill:#111}}
svg text.name{fill:var(--ink)}
.c1{stroke:var(--s1)}.c2{stroke:var(--s2)}.c3{stroke:var(--s3)}.c4{stroke:var(--s4)}.c5{stroke:var(--s5)}.c6{stroke:var(--s6)}
.f1{fill:var(--s1)}.f2{fill:var(--s2)}.f3{fill:var(--s3)}.f4{fill:var(--s4)}.f5{fill:var(--s5)}.f6{fill:var(--s6)}
.d2{stroke-dasharray:7 4}.d3{stroke-dasharray:2 4}.d4{stroke-dasharray:10 3 2 3}.d5{stroke-dasharray:4 3}.d6{stroke-dasharray:1 3}
.scroll{overflow-x:auto;margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:4px}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
th{font-weight:600}tbody th{font-weight:400;white-space:normal;min-width:16ch}
thead th{color:var(--soft);font-weight:600}
details{margin-top:8px;font-size:.86rem;color:var(--soft)}
summary{cursor:pointer}
footer{font-size:.82rem;margin-top:24px}
@media print{body{background:#fff}section,.tiles>div{break-inside:avoid}}
`
