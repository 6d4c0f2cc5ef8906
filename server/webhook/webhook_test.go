package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

func TestPublish_Schemas(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), func(o *webhook.Options) { o.Signer = &signer{} })
	secret := []byte("a secret of the receiver")
	for _, c := range []struct {
		schema      webhook.Schema
		contentType string
		array       bool
		source, typ string
	}{
		{webhook.SchemaEventGrid, "application/json; charset=utf-8", true, "topic", "eventType"},
		{webhook.SchemaCloudEvents, "application/cloudevents+json; charset=utf-8", false, "source", "type"},
		{webhook.SchemaCallback, "application/cloudevents-batch+json; charset=utf-8", true, "source", "type"},
	} {
		t.Run(string(c.schema), func(t *testing.T) {
			r := newReceiver(t, nil)
			if c.schema == webhook.SchemaCallback {
				if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: r.URL, Audience: "me"}); err != nil {
					t.Fatal(err)
				}
			} else {
				b.subscribe(webhook.Subscription{Endpoint: r.URL, Schema: c.schema, Audience: "me", Secret: secret})
				b.publish(b.event(1))
			}
			g := r.wait(1)[0]
			event := map[string]any{}
			body := g.body
			if c.array {
				var events []json.RawMessage
				if err := json.Unmarshal(body, &events); err != nil || len(events) != 1 {
					t.Fatalf("%s: %v", body, err)
				}
				body = events[0]
			}
			if err := json.Unmarshal(body, &event); err != nil {
				t.Fatal(err)
			}
			if event["id"] != "event-1" || event[c.source] != "/subscriptions/1/x" || event["subject"] != "/phonenumber/1" ||
				event[c.typ] != "Microsoft.Communication.SMSReceived" || event["data"].(map[string]any)["n"] != 1.0 {
				t.Errorf("%s", g.body)
			}
			if g.Method != http.MethodPost || g.Header.Get("Content-Type") != c.contentType || !strings.HasPrefix(g.Header.Get("Authorization"), "Bearer me 5m0s ") {
				t.Errorf("%s %v", g.Method, g.Header)
			}
			if c.schema == webhook.SchemaCallback {
				return
			}
			checkSignature(t, g, secret)
			if c.schema == webhook.SchemaEventGrid && (g.Header.Get("aeg-event-type") != "Notification" || g.Header.Get("aeg-delivery-count") != "0") {
				t.Errorf("%v", g.Header)
			}
		})
	}
	until(t, "nothing is left", func() bool { return b.count("1 = 1") == 0 })
	if s := b.Stats(); s.Delivered < 3 || s.Dead != 0 {
		t.Errorf("%+v", s)
	}
}

func checkSignature(t *testing.T, g got, secret []byte) {
	t.Helper()
	seconds, err := strconv.ParseInt(g.Header.Get(webhook.HeaderTimestamp), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("%v: %v", g.Header, err)
	}
	if want := webhook.Signature(secret, g.Header.Get(webhook.HeaderID), time.Unix(seconds, 0), g.body); g.Header.Get(webhook.HeaderSignature) != want {
		t.Errorf("%v, not %s", g.Header, want)
	}
}

// TestSignature has the form of Standard Webhooks; the vector was
// computed with Python's hmac.
func TestSignature(t *testing.T) {
	at := time.Unix(1700000000, 0)
	if got := webhook.Signature([]byte("key"), "event-1", at, []byte(`{"a":1}`)); got != "v1,PYk3S18G0P9Q8T31xasODLdzZqMeaMiyz41qFAGhNPI=" {
		t.Error(got)
	}
}

// TestEnvelope_AsSpecified: the members of an event are those of the
// specification's examples.
func TestEnvelope_AsSpecified(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	shared := os.Getenv("PARLEY_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	examples := filepath.Join(shared, "specs", "eventgrid", "2018-01-01", "examples")
	if _, err := os.Stat(examples); err != nil {
		testkit.Missing(t, "the examples of Event Grid's events are not there (PARLEY_SHARED)")
	}
	b := newBed(t, openStore(t), nil)
	for schema, folder := range map[webhook.Schema]string{webhook.SchemaEventGrid: "event-grid-schema", webhook.SchemaCloudEvents: "cloud-events-schema"} {
		text, err := os.ReadFile(filepath.Join(examples, folder, "sms_received.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		r := newReceiver(t, nil)
		if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: r.URL, Schema: schema}); err != nil {
			t.Fatal(err)
		}
		body := strings.Trim(string(r.wait(1)[0].body), "[]")
		var have map[string]any
		if err := json.Unmarshal([]byte(body), &have); err != nil {
			t.Fatal(err)
		}
		if w, h := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)); !slices.Equal(w, h) {
			t.Errorf("%s: %v, not %v", schema, h, w)
		}
		at, ok := want["eventTime"].(string)
		if !ok {
			at = want["time"].(string)
		}
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			t.Error(err)
		}
	}
}

func TestPublish_Filters(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	r := newReceiver(t, nil)
	for name, n := range map[string]webhook.Subscription{
		"all": {}, "type": {Types: []string{"other", "microsoft.communication.smsreceived"}}, "subject": {SubjectBegins: "/PhoneNumber/", SubjectEnds: "7"},
		"othertype": {Types: []string{"Microsoft.Communication.IncomingCall"}}, "begins": {SubjectBegins: "phonenumber"}, "ends": {SubjectEnds: "8"},
	} {
		n.Name, n.Endpoint = name, r.URL+"/"+name
		b.subscribe(n)
	}
	other := newBed(t, b.store, nil)
	other.subscribe(webhook.Subscription{Name: "all", Endpoint: r.URL + "/foreign"})
	b.publish(b.event(7))
	var paths []string
	for _, g := range r.wait(3) {
		paths = append(paths, g.URL.Path)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"/all", "/subject", "/type"}) {
		t.Error(paths)
	}
	list, err := b.Subscriptions(t.Context(), b.mine)
	if err != nil || len(list) != 6 || list[0].Name != "all" || list[0].Secret != nil {
		t.Errorf("%+v, %v", list, err)
	}
	if n := b.count("1 = 1"); n > 0 { // those of the three may still be written down
		until(t, "nothing is left", func() bool { return b.count("1 = 1") == 0 })
	}
}

func TestPublish_Refused(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	for name, change := range map[string]func(e *webhook.Event){
		"NoType":    func(e *webhook.Event) { e.Type = "" },
		"NotJSON":   func(e *webhook.Event) { e.Data = json.RawMessage("{") },
		"NotUTF8":   func(e *webhook.Event) { e.Data = json.RawMessage("\"\xff\"") },
		"Huge":      func(e *webhook.Event) { e.Data = json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`) },
		"HeaderEnd": func(e *webhook.Event) { e.ID = "a\r\nb: c" },
		"Zero":      func(e *webhook.Event) { e.Subject = "\x00" },
	} {
		e := b.event(1)
		change(&e)
		if err := b.store.Write(t.Context(), func(tx *store.Tx) error { return b.Publish(tx, e) }); !errors.Is(err, webhook.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: "ftp://x"}); !errors.Is(err, webhook.ErrTarget) {
		t.Error(err)
	}
	if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: "http://localhost", Schema: "x"}); !errors.Is(err, webhook.ErrEvent) {
		t.Error(err)
	}
}

// TestDelivery_TriedAgain: with waits that grow, until the endpoint takes it.
func TestDelivery_TriedAgain(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	sign := &signer{}
	b := newBed(t, openStore(t), func(o *webhook.Options) { o.Signer = sign })
	var n atomic.Int32
	r := newReceiver(t, func(got) int {
		return []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusNotFound, http.StatusCreated}[min(n.Add(1)-1, 3)]
	})
	b.subscribe(webhook.Subscription{Endpoint: r.URL, Audience: "me"})
	b.publish(b.event(1))
	for i, wait := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute} {
		r.wait(i + 1)
		until(t, "the outcome is written down", func() bool { return b.count("state = 'waiting' AND attempts = $1 AND leased_until = 0", i+1) == 1 })
		early := b.now().Add(wait - time.Second).UnixMilli()
		late := b.now().Add(wait + wait/5).UnixMilli()
		if b.count("next_at > $1 AND next_at < $2", early, late) != 1 {
			t.Errorf("the wait after attempt %d is not %v", i+1, wait)
		}
		b.later(wait + wait/5)
	}
	all := r.wait(4)
	until(t, "nothing is left", func() bool { return b.count("1 = 1") == 0 })
	tokens := map[string]bool{}
	for i, g := range all {
		if g.URL.Path != "/" || g.Header.Get("aeg-delivery-count") != strconv.Itoa(i) {
			t.Errorf("%s %v", g.URL, g.Header)
		}
		tokens[g.Header.Get("Authorization")] = true
	}
	if len(tokens) != 4 {
		t.Error("a token came twice")
	}
}

func TestDelivery_RetryAfter(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	header := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", <-header)
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	for text, want := range map[string]time.Duration{
		"100": 100 * time.Second, "1": 10 * time.Second, "soon": 10 * time.Second, "-5": 10 * time.Second, "99999999": 12 * time.Hour,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): time.Hour, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 10 * time.Second,
	} {
		header <- text
		if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: server.URL}); err != nil {
			t.Fatal(err)
		}
		until(t, text, func() bool { return b.count("attempts = 1 AND leased_until = 0") == 1 })
		early, late := b.now().Add(want-3*time.Second).UnixMilli(), b.now().Add(want+2*time.Second).UnixMilli()
		if b.count("next_at >= $1 AND next_at <= $2", early, late) != 1 {
			t.Errorf("%q is not %v", text, want)
		}
		if err := b.EraseResource(t.Context(), b.mine); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeadLetters: what is refused, or past its life, is kept, listed and sent
// again when somebody says so.
func TestDeadLetters(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	var mended atomic.Bool
	r := newReceiver(t, func(g got) int {
		switch {
		case mended.Load():
			return http.StatusNoContent
		case strings.Contains(string(g.body), "event-9"):
			return http.StatusInternalServerError
		}
		return http.StatusGone
	})
	n := b.subscribe(webhook.Subscription{Endpoint: r.URL})
	for i := range 3 {
		b.publish(b.event(i))
		until(t, "a dead letter", func() bool { return b.count("state = 'dead'") == i+1 })
		b.later(time.Second)
	}
	if err := b.send(webhook.Callback{Event: b.event(9), Endpoint: r.URL, Life: time.Minute}); err != nil {
		t.Fatal(err)
	}
	until(t, "an attempt", func() bool { return b.count("attempts = 1 AND state = 'waiting' AND leased_until = 0") == 1 })
	b.later(15 * time.Second)
	until(t, "no more attempts than its life allows", func() bool {
		return b.count("state = 'dead'") == 4 || b.count("attempts = 2 AND leased_until = 0") == 1
	})
	b.later(40 * time.Second)
	until(t, "four dead letters", func() bool { return b.count("state = 'dead'") == 4 })

	var list []webhook.DeadLetter
	for after := (webhook.Cursor{}); ; {
		page, err := b.DeadLetters(t.Context(), b.mine, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		list = append(list, page...)
		after = page[len(page)-1].Cursor()
	}
	if len(list) != 4 {
		t.Fatalf("%+v", list)
	}
	for i, d := range list[:3] {
		if d.Event.ID != fmt.Sprint("event-", i) || d.Reason != "answered 410" || d.Subscription != n.ID || d.Endpoint != r.URL || d.Attempts != 1 || d.Event.ResourceID != b.mine {
			t.Errorf("%+v", d)
		}
	}
	if d := list[3]; d.Event.ID != "event-9" || d.Subscription != "" || d.Reason != "answered 500" || d.Attempts < 2 {
		t.Errorf("%+v", d)
	}
	other := newBed(t, b.store, nil)
	if page, err := other.DeadLetters(t.Context(), other.mine, webhook.Cursor{}, 10); err != nil || len(page) != 0 {
		t.Errorf("another resource's: %+v, %v", page, err)
	}
	mended.Store(true)
	for _, err := range []error{other.Redeliver(t.Context(), other.mine, list[0].ID), other.Discard(t.Context(), other.mine, list[0].ID), b.Redeliver(t.Context(), b.mine, "x")} {
		if !errors.Is(err, webhook.ErrNotFound) {
			t.Error(err)
		}
	}
	for _, err := range []error{
		b.Redeliver(t.Context(), b.mine, list[0].ID), b.Redeliver(t.Context(), b.mine, list[3].ID), b.Discard(t.Context(), b.mine, list[1].ID),
		b.Unsubscribe(t.Context(), b.mine, "hook"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	until(t, "one dead letter is left", func() bool { return b.count("1 = 1") == 1 })
	if err := b.Redeliver(t.Context(), b.mine, list[2].ID); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("its subscription is gone: %v", err)
	}
}

// TestDelivery_Expires: what is too old is buried and later forgotten without an
// attempt.
func TestDelivery_Expires(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	b := newBed(t, openStore(t), nil)
	r := newReceiver(t, func(got) int { return http.StatusBadGateway })
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	b.publish(b.event(1))
	for i := 0; b.count("state = 'dead'") == 0; i++ {
		if i > 100 {
			t.Fatal("it is tried for ever")
		}
		until(t, "an outcome", func() bool {
			return b.count("leased_until = 0 AND (next_at > $1 OR state = 'dead')", b.now().UnixMilli()) == 1
		})
		b.later(30 * time.Minute)
	}
	if n := r.count(); n < 8 || n > 15 {
		t.Errorf("%d attempts in a day", n)
	}
}

// TestDelivery_NotPublic: a name that leads to this machine is not called.
func TestDelivery_NotPublic(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newReceiver(t, nil)
	r.Close()
	r.Server = httptest.NewTLSServer(r)
	defer r.Close()
	port := r.URL[strings.LastIndexByte(r.URL, ':'):]
	st := openStore(t)
	b := newBed(t, st, func(o *webhook.Options) { o.Guard, o.RootCAs = guard(t, false), r.roots() })
	n := webhook.Subscription{ResourceID: b.mine, Name: "hook", Endpoint: "https://localhost" + port, Schema: webhook.SchemaEventGrid}
	if _, err := b.Subscribe(t.Context(), n); !errors.Is(err, webhook.ErrTarget) {
		t.Error(err)
	}
	if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: n.Endpoint}); err != nil {
		t.Fatal(err)
	}
	until(t, "a dead letter", func() bool { return b.count("state = 'dead' AND reason = 'its address is not public'") == 1 })
	if r.count() != 0 {
		t.Error("it was called")
	}
	if list, err := b.Subscriptions(t.Context(), b.mine); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	allowed := newBed(t, st, func(o *webhook.Options) { o.Guard, o.RootCAs = guard(t, false, "example.com"), r.roots() })
	if err := allowed.send(webhook.Callback{Event: b.event(2), Endpoint: "https://127.0.0.1" + port}); !errors.Is(err, webhook.ErrTarget) {
		t.Error(err)
	}
	allowed.Close()
	allowed = newBed(t, st, func(o *webhook.Options) { o.Guard, o.RootCAs = guard(t, false, "127.0.0.0/8"), r.roots() })
	b.Close()
	if err := allowed.send(webhook.Callback{Event: b.event(3), Endpoint: "https://127.0.0.1" + port}); err != nil {
		t.Error(err)
	}
	r.wait(1)
}
