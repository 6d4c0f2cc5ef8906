package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/webhook"
)

// endpoint answers a validation as the test says.
func endpoint(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func TestSubscribe_EventGrid(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	reply := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			var events []struct {
				ID, Topic, EventType, EventTime, MetadataVersion, DataVersion string

				Data struct{ ValidationCode, ValidationURL string }
			}
			if err != nil || json.Unmarshal(text, &events) != nil || len(events) != 1 || events[0].EventType != "Microsoft.EventGrid.SubscriptionValidationEvent" ||
				events[0].Topic != "/subscriptions/1/x" || !strings.Contains(events[0].Data.ValidationURL, events[0].Data.ValidationCode) ||
				r.Header.Get("aeg-event-type") != "SubscriptionValidation" || r.Header.Get("aeg-subscription-name") != "HOOK" {
				t.Errorf("%v %s: %v", r.Header, text, err)
				return
			}
			w.WriteHeader(status)
			io.WriteString(w, strings.ReplaceAll(body, "CODE", events[0].Data.ValidationCode))
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  webhook.SubscriptionState
		err    error
	}{
		"Code":      {reply(http.StatusOK, `{"validationResponse":"CODE"}`), webhook.StateActive, nil},
		"OtherCode": {reply(http.StatusOK, `{"validationResponse":"xCODE"}`), "", webhook.ErrValidation},
		"CodeOn201": {reply(http.StatusCreated, `{"validationResponse":"CODE"}`), "", webhook.ErrValidation},
		"Silent":    {reply(http.StatusOK, ""), webhook.StateValidating, nil},
		"Accepted":  {reply(http.StatusAccepted, "<html>"), webhook.StateValidating, nil},
		"Refused":   {reply(http.StatusNotFound, ""), "", webhook.ErrValidation},
		"Redirect":  {http.RedirectHandler("/x", http.StatusTemporaryRedirect).ServeHTTP, "", webhook.ErrValidation},
		"Endless":   {reply(http.StatusOK, strings.Repeat(" ", 1<<20)+`{"validationResponse":"CODE"}`), webhook.StateValidating, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := b.Subscribe(t.Context(), webhook.Subscription{
				ResourceID: b.mine, Name: "hook", Source: "/subscriptions/1/x", Endpoint: endpoint(t, c.answer), Schema: webhook.SchemaEventGrid, Secret: []byte("x"),
			})
			if !errors.Is(err, c.err) || (err == nil && (n.State != c.state || n.Secret != nil)) {
				t.Errorf("%+v, %v", n, err)
			}
			left := 1
			if c.err != nil {
				left = 0
			}
			if list, err := b.Subscriptions(t.Context(), b.mine); err != nil || len(list) != left {
				t.Errorf("%+v, %v", list, err)
			}
			if err := b.EraseResource(t.Context(), b.mine); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSubscribe_CloudEvents(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	reply := func(status int, allowed ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodOptions || r.Header.Get("WebHook-Request-Origin") != "parley.example" || !strings.HasPrefix(r.Header.Get("WebHook-Request-Callback"), "https://parley.example/validate?id=") {
				t.Errorf("%s %v", r.Method, r.Header)
			}
			w.Header()["WebHook-Allowed-Origin"] = allowed
			w.WriteHeader(status)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  webhook.SubscriptionState
		err    error
	}{
		"Origin":      {reply(http.StatusOK, "Parley.example"), webhook.StateActive, nil},
		"Any":         {reply(http.StatusNoContent, "*"), webhook.StateActive, nil},
		"Several":     {reply(http.StatusOK, "a.example, parley.example"), webhook.StateActive, nil},
		"Other":       {reply(http.StatusOK, "else.example"), "", webhook.ErrValidation},
		"Longer":      {reply(http.StatusOK, "parley.example.evil.example"), "", webhook.ErrValidation},
		"NoAnswerYet": {reply(http.StatusOK), webhook.StateValidating, nil},
		"Refused":     {reply(http.StatusForbidden, "*"), "", webhook.ErrValidation},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := b.Subscribe(t.Context(), webhook.Subscription{ResourceID: b.mine, Name: "hook", Endpoint: endpoint(t, c.answer), Schema: webhook.SchemaCloudEvents})
			if !errors.Is(err, c.err) || (err == nil && n.State != c.state) {
				t.Errorf("%+v, %v", n, err)
			}
		})
	}
}

// TestSubscribe_Link: somebody visits the link in time; until then nothing is
// sent.
func TestSubscribe_Link(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	link := make(chan string, 1)
	var events atomic.Int32
	hook := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			link <- r.Header.Get("WebHook-Request-Callback")
			return
		}
		events.Add(1)
	})
	visit := func(change func(q url.Values)) int {
		u, err := url.Parse(<-link)
		if err != nil {
			t.Fatal(err)
		}
		link <- u.String()
		q := u.Query()
		if change != nil {
			change(q)
		}
		w := httptest.NewRecorder()
		b.ServeValidation(w, httptest.NewRequest(http.MethodGet, "/", nil), q.Get("id"), q.Get("code"))
		return w.Code
	}
	subscribe := func() {
		n, err := b.Subscribe(t.Context(), webhook.Subscription{ResourceID: b.mine, Name: "hook", Endpoint: hook, Schema: webhook.SchemaCloudEvents})
		if err != nil || n.State != webhook.StateValidating {
			t.Fatalf("%+v, %v", n, err)
		}
	}
	subscribe()
	b.publish(b.event(1))
	if n := b.count("1 = 1"); n != 0 {
		t.Error("an event waits for an endpoint that has not agreed")
	}
	for name, change := range map[string]func(q url.Values){
		"code":    func(q url.Values) { q.Set("code", "x") },
		"no code": func(q url.Values) { q.Del("code") },
		"id":      func(q url.Values) { q.Set("id", "x") },
	} {
		if code := visit(change); code != http.StatusNotFound {
			t.Errorf("%s: %d", name, code)
		}
	}
	if code := visit(nil); code != http.StatusOK {
		t.Error(code)
	}
	if code := visit(nil); code != http.StatusNotFound {
		t.Errorf("a second visit: %d", code)
	}
	b.publish(b.event(2))
	until(t, "the event", func() bool { return events.Load() == 1 })
	<-link
	subscribe()
	b.later(11 * time.Minute)
	if code := visit(nil); code != http.StatusNotFound {
		t.Errorf("too late: %d", code)
	}
	if list, err := b.Subscriptions(t.Context(), b.mine); err != nil || len(list) != 2 || list[0].State != webhook.StateActive {
		t.Errorf("the first one is there: %+v, %v", list, err)
	}
}

// TestSubscribe_Replaced: one of the same name takes over what waits.
func TestSubscribe_Replaced(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	old := newReceiver(t, func(got) int { return http.StatusInternalServerError })
	b.subscribe(webhook.Subscription{Endpoint: old.URL, Secret: []byte("old")})
	b.publish(b.event(1))
	until(t, "an attempt", func() bool { return b.count("attempts = 1 AND leased_until = 0") == 1 })
	fresh := newReceiver(t, nil)
	n := b.subscribe(webhook.Subscription{Endpoint: fresh.URL, Schema: webhook.SchemaEventGrid, Secret: []byte("new")})
	if list, err := b.Subscriptions(t.Context(), b.mine); err != nil || len(list) != 1 || list[0].ID != n.ID {
		t.Errorf("%+v, %v", list, err)
	}
	g := fresh.wait(1)[0] // at once, not when the other one's turn would have come
	checkSignature(t, g, []byte("new"))
	if g.Header.Get("aeg-event-type") != "Notification" {
		t.Error(g.Header)
	}
	if err := b.Unsubscribe(t.Context(), b.mine, "hook"); err != nil {
		t.Error(err)
	}
	if err := b.Unsubscribe(t.Context(), b.mine, "hook"); !errors.Is(err, webhook.ErrNotFound) {
		t.Error(err)
	}
}

func TestSubscribe_Refused(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	good := webhook.Subscription{ResourceID: b.mine, Name: "hook", Endpoint: "http://localhost:1", Schema: webhook.SchemaCloudEvents}
	for name, c := range map[string]struct {
		change func(n *webhook.Subscription)
		err    error
	}{
		"NoName":   {func(n *webhook.Subscription) { n.Name = "" }, webhook.ErrSubscription},
		"Name":     {func(n *webhook.Subscription) { n.Name = "a b" }, webhook.ErrSubscription},
		"LongName": {func(n *webhook.Subscription) { n.Name = strings.Repeat("x", 65) }, webhook.ErrSubscription},
		"Schema":   {func(n *webhook.Subscription) { n.Schema = webhook.SchemaCallback }, webhook.ErrSubscription},
		"Secret":   {func(n *webhook.Subscription) { n.Secret = make([]byte, 2000) }, webhook.ErrSubscription},
		"Type":     {func(n *webhook.Subscription) { n.Types = []string{"\x00"} }, webhook.ErrSubscription},
		"Endpoint": {func(n *webhook.Subscription) { n.Endpoint = "ftp://x" }, webhook.ErrTarget},
		"Nobody":   {func(*webhook.Subscription) {}, webhook.ErrValidation},
	} {
		n := good
		c.change(&n)
		if _, err := b.Subscribe(t.Context(), n); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
