package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/webhook"
)

// receiver agrees to get events, in the way that mode says, and keeps them.
type receiver struct {
	*httptest.Server
	silent  atomic.Bool // leaves the handshake to the link
	status  atomic.Int64
	links   chan string
	events  chan *http.Request
	content chan []byte
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{links: make(chan string, 8), events: make(chan *http.Request, 8), content: make(chan []byte, 8)}
	r.status.Store(http.StatusOK)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		if req.Header.Get("Aeg-Event-Type") != "SubscriptionValidation" {
			w.WriteHeader(int(r.status.Load()))
			r.events <- req
			r.content <- body
			return
		}
		var asked []struct {
			Data struct{ ValidationCode, ValidationURL string }
		}
		if err := json.Unmarshal(body, &asked); err != nil || len(asked) != 1 {
			t.Errorf("validation: %s", body)
			return
		}
		r.links <- asked[0].Data.ValidationURL
		if !r.silent.Load() {
			_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": asked[0].Data.ValidationCode})
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// operator sends requests of whoever runs the service.
type operator struct {
	t testing.TB
	c server.Connection
}

func (o operator) do(method, path string, query url.Values, body any, want int) []byte {
	o.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		o.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.c.HTTPEndpoint+path+"?"+query.Encode(), bytes.NewReader(data))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.c.ARMToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		o.t.Fatalf("%s %s?%s: %d, not %d: %s %v", method, path, query.Encode(), resp.StatusCode, want, answer, err)
	}
	return answer
}

func read[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

func TestWebhooks_SubscribeDeliverDieRedeliver(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r := operator{t, srv.Connection()}, newReceiver(t)
	secret := []byte("a secret of thirty-two characters")
	made := read[server.Webhook](t, o.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{
		Name: "crm", Endpoint: r.URL, Types: []string{"Parley.Test"}, Audience: "crm.example", Secret: secret,
	}, http.StatusCreated))
	if made.State != "active" || made.Schema != "EventGridSchema" {
		t.Errorf("%+v", made)
	}
	listed := o.do(http.MethodGet, server.WebhooksPath, url.Values{"resource": {"local"}}, nil, http.StatusOK)
	if list := read[server.Webhooks](t, listed); len(list.Webhooks) != 1 || bytes.Contains(listed, []byte("secret")) {
		t.Errorf("%s", listed)
	}
	publish := func() (*http.Request, []byte) {
		t.Helper()
		if err := server.PublishEvent(srv, webhook.Event{Type: "Parley.Test", Subject: "s", Data: json.RawMessage(`{"a":1}`)}); err != nil {
			t.Fatal(err)
		}
		return <-r.events, <-r.content
	}
	req, body := publish()
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if err := verifyWithJWKS(o.do(http.MethodGet, "/.well-known/jwks.json", nil, nil, http.StatusOK), token, "ES256"); err != nil {
		t.Error(err)
	}
	if _, err := server.Authenticate(srv, token); err == nil {
		t.Error("the token of an event is good as a user's")
	}
	seconds, err := strconv.ParseInt(req.Header.Get(webhook.HeaderTimestamp), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got := webhook.Signature(secret, req.Header.Get(webhook.HeaderID), time.Unix(seconds, 0), body); got != req.Header.Get(webhook.HeaderSignature) {
		t.Errorf("signature %q, not %q", req.Header.Get(webhook.HeaderSignature), got)
	}
	r.status.Store(http.StatusBadRequest)
	publish()
	var letters server.DeadLetters
	for len(letters.DeadLetters) == 0 && t.Context().Err() == nil { // written down after the answer
		letters = read[server.DeadLetters](t, o.do(http.MethodGet, server.DeadLettersPath, url.Values{"limit": {"1"}}, nil, http.StatusOK))
	}
	if d := letters.DeadLetters[0]; d.Attempts != 1 || d.Reason == "" || d.Endpoint != r.URL || !bytes.Contains(d.Event, []byte(`"a":1`)) {
		t.Errorf("%+v", d)
	}
	next := url.Values{"limit": {"1"}, "after": {letters.Next}}
	if more := read[server.DeadLetters](t, o.do(http.MethodGet, server.DeadLettersPath, next, nil, http.StatusOK)); len(more.DeadLetters) != 0 || more.Next != "" {
		t.Errorf("%+v", more)
	}
	r.status.Store(http.StatusNoContent)
	id := url.Values{"id": {letters.DeadLetters[0].ID}}
	o.do(http.MethodPost, server.DeadLettersPath, id, nil, http.StatusNoContent)
	<-r.events
	o.do(http.MethodPost, server.DeadLettersPath, id, nil, http.StatusNotFound)
	o.do(http.MethodDelete, server.WebhooksPath, url.Values{"name": {"crm"}}, nil, http.StatusNoContent)
	o.do(http.MethodDelete, server.WebhooksPath, url.Values{"name": {"crm"}}, nil, http.StatusNotFound)
}

func TestWebhooks_LinkOfTheValidation(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r := operator{t, srv.Connection()}, newReceiver(t)
	r.silent.Store(true)
	made := read[server.Webhook](t, o.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{Name: "crm", Endpoint: r.URL}, http.StatusCreated))
	if made.State != "validating" {
		t.Errorf("%+v", made)
	}
	link, err := url.Parse(<-r.links)
	if err != nil {
		t.Fatal(err)
	}
	o.do(http.MethodGet, link.Path, url.Values{"subscription": {link.Query().Get("subscription")}, "code": {"x"}}, nil, http.StatusNotFound)
	o.do(http.MethodGet, link.Path, link.Query(), nil, http.StatusOK)
	if list := read[server.Webhooks](t, o.do(http.MethodGet, server.WebhooksPath, nil, nil, http.StatusOK)); len(list.Webhooks) != 1 || list.Webhooks[0].State != "active" {
		t.Errorf("%+v", list)
	}
}

func TestWebhooks_Refused(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	// A service that others reach does not send into its own network.
	srv := start(t, server.Options{HTTPSAddr: "0.0.0.0:0", TURNAddr: "off"})
	o, r := operator{t, srv.Connection()}, newReceiver(t)
	secure := strings.Replace(r.URL, "http://", "https://", 1)
	for _, n := range []any{
		server.NewWebhook{Name: "crm", Endpoint: r.URL},
		server.NewWebhook{Name: "crm", Endpoint: secure},
		server.NewWebhook{Name: "crm", Endpoint: "https://localhost:1/"},
		server.NewWebhook{Name: "no name", Endpoint: "https://crm.example/"},
		server.NewWebhook{Name: "crm", Endpoint: "https://crm.example/", Schema: "x"},
		map[string]int{"name": 1},
		map[string]string{"unknown": ""},
		"x", nil,
	} {
		o.do(http.MethodPost, server.WebhooksPath, nil, n, http.StatusBadRequest)
	}
	o.do(http.MethodGet, server.WebhooksPath, url.Values{"resource": {"nobody"}}, nil, http.StatusNotFound)
	for _, limit := range []string{"0", "x", "1001"} {
		o.do(http.MethodGet, server.DeadLettersPath, url.Values{"limit": {limit}}, nil, http.StatusBadRequest)
	}
	o.do(http.MethodGet, server.DeadLettersPath, url.Values{"after": {"!"}}, nil, http.StatusBadRequest)
	o.c.ARMToken = "x"
	for _, path := range []string{server.WebhooksPath, server.DeadLettersPath} {
		o.do(http.MethodGet, path, nil, nil, http.StatusUnauthorized)
	}
}
