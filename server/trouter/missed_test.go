package trouter_test

import (
	"testing"

	"github.com/parley-rtc/parley/server/trouter"
)

// TestMissed_ConnectsAgain: a client for which something is lost is told to
// connect again, whoever found that out.
func TestMissed_ConnectsAgain(t *testing.T) {
	w := newWorld(t, trouter.Options{})
	for _, miss := range []func(){w.service.Missed, func() { w.hub.miss("19:x@thread.v2") }} {
		polls := w.begin("xhr-polling", "p")
		w.get(polls) // what is said first
		w.count(1)
		miss()
		if got := w.get(polls); got != "0::" {
			t.Errorf("heard %q, want the end", got)
		}
		w.count(0)
	}
}
