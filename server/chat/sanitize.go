package chat

import (
	"html"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policy is made once: it is large, and safe for all goroutines when complete.
var policyTable = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(true)
	p.AllowAttrs("class").OnElements("span", "p", "div", "pre", "code") // mentions and code of the official composites
	p.AllowElements("msft-mention")
	p.AllowAttrs("id").OnElements("msft-mention")
	p.AllowAttrs("id", "itemscope").OnElements("img")
	return p
})

// sanitize takes out of HTML what could run or load something in a reader's
// browser.
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
