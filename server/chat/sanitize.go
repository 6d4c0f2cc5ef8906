package chat

import (
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
func sanitize(html string) string { return policyTable().Sanitize(html) }
