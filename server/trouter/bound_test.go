package trouter_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/trouter"
)

const user = "8:acs:r_u"

// hub is one user's connections.
type hub struct {
	mu    sync.Mutex
	sinks map[*chat.Sink]bool
}

func (h *hub) Join(_ context.Context, _ string, sink chat.Sink) (func(), error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sinks[&sink] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.sinks, &sink)
	}, nil
}

func (h *hub) tell(e *chat.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sink := range h.sinks {
		(*sink).Deliver(e)
	}
}

// miss says that events are lost.
func (h *hub) miss(thread string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sink := range h.sinks {
		(*sink).Missed(thread)
	}
}

type busOf struct{ *bus.Bus }

func (b busOf) Subscribe(subject string, handler func(string, []byte)) (trouter.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

type oneResource struct{ *resource.Resource }

func (o oneResource) ForRequest(*http.Request) *resource.Resource { return o.Resource }

type world struct {
	t       *testing.T
	hub     *hub
	service *trouter.Service
	options trouter.Options
	bus     *bus.Bus
	http    *httptest.Server
}

func newWorld(t *testing.T, options trouter.Options) *world {
	testkit.CheckLeaks(t, time.Minute)
	b, err := bus.Open(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, bus: b, hub: &hub{sinks: map[*chat.Sink]bool{}}}
	options.Hub, options.Bus, options.Secret = w.hub, busOf{b}, []byte("secret")
	options.Resources = oneResource{&resource.Resource{ID: guid.New()}}
	options.Authenticate = func(context.Context, string, *resource.Resource) (trouter.Principal, error) {
		return trouter.Principal{User: user, Scopes: []string{"chat"}, Expires: time.Now().Add(time.Hour)}, nil
	}
	options.Void = func(context.Context, string, time.Time) (bool, error) { return false, nil }
	w.options = options
	w.serve()
	return w
}

// another is a further node.
func (w *world) another() *world {
	other := *w
	other.serve()
	return &other
}

func (w *world) serve() {
	t := w.t
	var err error
	if w.service, err = trouter.Open(w.options); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	service := w.service
	service.Routes(func(w http.ResponseWriter, _ *http.Request, err *front.Error) { w.WriteHeader(err.Status) },
		func(method, pattern string, handler http.Handler) { mux.Handle(method+" "+pattern, handler) })
	door := httptest.NewServer(mux)
	w.http = door
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		door.Close()
	})
}

// begin allocates and returns the address of a connection.
func (w *world) begin(transport, endpoint string) string {
	w.t.Helper()
	response, err := http.Post(w.http.URL+"/v4/a?epid="+endpoint, "text/plain", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var place struct {
		ConnectParams struct{ Ticket string }
	}
	if err := json.NewDecoder(response.Body).Decode(&place); err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	query := "?ticket=" + place.ConnectParams.Ticket
	id, _, _ := strings.Cut(w.get(w.http.URL+"/socket.io/1/"+query), ":")
	return w.http.URL + "/socket.io/1/" + transport + "/" + id + query
}

func (w *world) get(address string) string {
	w.t.Helper()
	response, err := http.Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

func (w *world) dial(endpoint string) *websocket.Conn {
	w.t.Helper()
	ws, response, err := websocket.Dial(w.t.Context(), w.begin("websocket", endpoint), nil)
	if err != nil {
		w.t.Fatal(response, err)
	}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func (w *world) count(n int) {
	w.t.Helper()
	for w.service.Connections() != n {
		select {
		case <-w.t.Context().Done():
			w.t.Fatalf("%d connections, want %d", w.service.Connections(), n)
		case <-time.After(time.Millisecond):
		}
	}
}

func message(n int) *chat.Event {
	return &chat.Event{Kind: chat.EventMessageReceived, Thread: "19:x@thread.v2", Message: &chat.Message{
		ID: int64(n), Kind: chat.MessageText, Sender: user, Content: strings.Repeat("x", chat.MaxContent),
	}}
}

// TestClientThatNeverReads_IsCut: it costs no more than the bound, and does not
// hold up others.
func TestClientThatNeverReads_IsCut(t *testing.T) {
	w := newWorld(t, trouter.Options{MaxQueue: 256 << 10})
	w.dial("deaf")
	w.get(w.begin("xhr-polling", "deaf-too")) // it hears the first words, and polls no more
	w.count(2)
	for n := 0; w.service.Connections() > 0; n++ {
		w.hub.tell(message(n))
		if n%16 == 0 {
			time.Sleep(time.Millisecond) // the bound is on what waits, not on the rate
		}
		if n > 100_000 {
			t.Fatal("a client that never reads is still there")
		}
	}
}

// TestSilentClient_IsCut: one that is gone without a word is noticed.
func TestSilentClient_IsCut(t *testing.T) {
	w := newWorld(t, trouter.Options{Silence: 20 * time.Millisecond})
	w.dial("one")
	w.get(w.begin("xhr-polling", "two"))
	w.count(0)
}

// TestManyConnections_OldestEnds: a user who connects for ever holds a bounded
// number of connections.
func TestManyConnections_OldestEnds(t *testing.T) {
	w := newWorld(t, trouter.Options{MaxConnections: 3})
	var first *websocket.Conn
	for n := range 5 {
		if ws := w.dial(strconv.Itoa(n)); first == nil {
			first = ws
		}
	}
	for {
		_, data, err := first.Read(t.Context())
		if err != nil {
			t.Fatal("the oldest was not told")
		}
		if string(data) == "0::" {
			break
		}
	}
	w.count(3)
}

// TestPoll_WithoutNews: an idle poll is answered in time, and so is one whose
// client polls anew.
func TestPoll_WithoutNews(t *testing.T) {
	w := newWorld(t, trouter.Options{PollTime: 10 * time.Millisecond})
	address := w.begin("xhr-polling", "e")
	if first := w.get(address); !strings.Contains(first, "1::") || !strings.Contains(first, "trouter.connected") {
		t.Errorf("%q", first)
	}
	if idle := w.get(address); idle != "8::" {
		t.Errorf("%q", idle)
	}
	if left := w.get(address + "&disconnect=1"); left != "0::" {
		t.Errorf("%q", left)
	}
	w.count(0)
}
