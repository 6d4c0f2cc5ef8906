package chat

import (
	"html"
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policyTable is made once: it is large, and safe for all goroutines when
// complete. It is not bluemonday's policy for what users write: that one lets
// pictures come from anywhere, and nothing can be taken back from a policy.
var policyTable = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowStandardAttributes()
	p.AllowStandardURLs()
	p.RequireNoFollowOnLinks(true)
	p.AllowElements(
		"article", "aside", "details", "div", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "hr", "p", "pre", "section", "summary",
		"abbr", "acronym", "b", "br", "cite", "code", "dfn", "em", "i", "mark", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong",
		"sub", "sup", "tt", "u", "var", "wbr",
	)
	p.AllowLists()
	p.AllowTables()
	p.AllowAttrs("open").Matching(regexp.MustCompile("^(|open)$")).OnElements("details")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("cite").OnElements("blockquote", "q", "del", "ins")
	p.AllowAttrs("datetime").Matching(bluemonday.ISO8601).OnElements("time", "del", "ins")
	p.AllowAttrs("dir").Matching(bluemonday.Direction).OnElements("bdi", "bdo")
	// A picture is one of the thread: the id says which, and readers fetch it with
	// their token. A src would tell another host who reads.
	p.AllowAttrs("id", "itemscope").OnElements("img")
	p.AllowAttrs("align").Matching(bluemonday.ImageAlign).OnElements("img")
	p.AllowAttrs("alt").Matching(bluemonday.Paragraph).OnElements("img")
	p.AllowAttrs("height", "width").Matching(bluemonday.NumberOrPercent).OnElements("img")
	// Mentions and code of the official composites.
	p.AllowAttrs("class").OnElements("span", "p", "div", "pre", "code")
	p.AllowElements("msft-mention")
	p.AllowAttrs("id").OnElements("msft-mention")
	return p
})

// sanitize takes out of HTML what could run or load something in a reader's
// browser; links stay.
func sanitize(markup string) string { return policyTable().Sanitize(markup) }

// strictTable takes out all markup.
var strictTable = sync.OnceValue(bluemonday.StrictPolicy)

// Text returns what a message says without its markup.
func (m *Message) Text() string {
	if m.Kind != MessageHTML {
		return m.Content
	}
	return html.UnescapeString(strictTable().Sanitize(m.Content))
}
