package trouter_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-rtc/parley/server/trouter"
)

// brokenWriter is an answer that does not go through.
type brokenWriter struct{ *httptest.ResponseRecorder }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

// TestUnread: a client to which the answer of a poll did not get through misses
// what was in it: its connection ends, here and over another node. An answer
// without news may be lost.
func TestUnread(t *testing.T) {
	one := newWorld(t, trouter.Options{})
	for _, node := range []*world{one, one.another()} {
		address := at(node, one.begin("xhr-polling", "e"))
		poll := func(ctx context.Context) *http.Request {
			return httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		}
		node.get(address) // what is said first
		one.count(1)
		one.hub.tell(message(1))
		node.http.Config.Handler.ServeHTTP(brokenWriter{httptest.NewRecorder()}, poll(t.Context()))
		if got := node.get(address); got != "0::" && !said(got) {
			t.Errorf("%.80q", got)
		}
		node.get(address + "&disconnect=1")
		one.count(0)
	}
}

// said tells whether a connection begins anew.
func said(answer string) bool { return len(answer) > 0 && answer[0] != '3' && answer != "8::" }

// TestUnread_WithoutNews: an answer that told nothing may get lost.
func TestUnread_WithoutNews(t *testing.T) {
	one := newWorld(t, trouter.Options{PollTime: 1})
	for _, node := range []*world{one, one.another()} {
		address := at(node, one.begin("xhr-polling", "e"))
		for !said(node.get(address)) { // what is said first
		}
		node.http.Config.Handler.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
		one.hub.tell(message(1))
		for got := "8::"; got[0] != '3'; {
			if got = node.get(address); got == "0::" || said(got) {
				t.Fatalf("%.80q", got)
			}
		}
		node.get(address + "&disconnect=1")
		one.count(0)
	}
}

// TestUnread_Elsewhere: a poll whose client has gone away does not go on to wait
// at another node, and take what comes.
func TestUnread_Elsewhere(t *testing.T) {
	one := newWorld(t, trouter.Options{})
	two := one.another()
	taken := make(chan struct{}, 1)
	relays, err := one.bus.Subscribe("parley.trouter.node.>", func(_ string, data []byte) {
		var m struct{ K int }
		if err := json.Unmarshal(data, &m); err == nil && m.K == 3 {
			select {
			case taken <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer relays.Close()
	address := at(two, one.begin("xhr-polling", "e"))
	two.get(address) // what is said first
	<-taken
	one.count(1)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		two.http.Config.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil))
	}()
	<-taken
	leave()
	<-gone
	one.count(0)
}
