package webhook_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

const patience = time.Minute

func openStore(t *testing.T) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(t.Context(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// bed is a service with a clock that can be put ahead.
type bed struct {
	*webhook.Service
	t     *testing.T
	store *store.Store
	ahead atomic.Int64
	mine  guid.GUID
}

func (b *bed) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

// later moves the clock.
func (b *bed) later(d time.Duration) {
	b.ahead.Add(int64(d))
	b.Wake()
}

func newBed(t *testing.T, st *store.Store, change func(o *webhook.Options)) *bed {
	t.Helper()
	b := &bed{t: t, store: st, mine: guid.New()}
	o := webhook.Options{
		Store: st, Guard: guard(t, true), Origin: "parley.example", Now: b.now,
		ValidationURL: func(id, code string) string { return "https://parley.example/validate?id=" + id + "&code=" + code },
	}
	if change != nil {
		change(&o)
	}
	b.Service = webhook.Open(o)
	t.Cleanup(b.Close)
	return b
}

// event is a numbered event.
func (b *bed) event(n int) webhook.Event {
	return webhook.Event{
		ID: fmt.Sprint("event-", n), ResourceID: b.mine, Source: "/subscriptions/1/x", Subject: fmt.Sprint("/phonenumber/", n), Type: "Microsoft.Communication.SMSReceived",
		Time: time.Date(2026, 11, 21, 6, 32, 0, 0, time.UTC), Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

func (b *bed) publish(events ...webhook.Event) {
	b.t.Helper()
	err := b.store.Write(b.t.Context(), func(tx *store.Tx) error {
		for _, e := range events {
			if err := b.Publish(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Wake()
}

func (b *bed) send(c webhook.Callback) error {
	err := b.store.Write(b.t.Context(), func(tx *store.Tx) error { return b.Send(tx, c) })
	b.Wake()
	return err
}

// subscribe makes an active subscription.
func (b *bed) subscribe(n webhook.Subscription) webhook.Subscription {
	b.t.Helper()
	if n.ResourceID.IsZero() {
		n.ResourceID = b.mine
	}
	if n.Name == "" {
		n.Name = "hook"
	}
	if n.Schema == "" {
		n.Schema = webhook.SchemaCloudEvents
	}
	made, err := b.Subscribe(b.t.Context(), n)
	if err != nil || made.State != webhook.StateActive {
		b.t.Fatalf("%+v, %v", made, err)
	}
	return made
}

// count counts rows.
func (b *bed) count(where string, args ...any) (n int) {
	b.t.Helper()
	err := b.store.Read(b.t.Context(), func(q store.Querier) error {
		return q.QueryRow("SELECT COUNT(*) FROM webhook_deliveries WHERE "+where, args...).Scan(&n)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// until waits for something to become true.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// got is a request that a receiver got.
type got struct {
	*http.Request
	body []byte
}

// receiver is an endpoint.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu    sync.Mutex
	all   []got
	reply func(g got) int
}

// newReceiver starts an endpoint that agrees to everything and answers as reply
// says; nil is 200.
func newReceiver(t *testing.T, reply func(g got) int) *receiver {
	t.Helper()
	r := &receiver{t: t, reply: reply}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the service has gone
	}
	if req.Method == http.MethodOptions {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		return
	}
	if req.Header.Get("aeg-event-type") == "SubscriptionValidation" {
		var events []struct{ Data map[string]string }
		if err := json.Unmarshal(body, &events); err != nil || len(events) != 1 {
			r.t.Errorf("validation: %s", body)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"validationResponse": events[0].Data["validationCode"]})
		return
	}
	g := got{req, body}
	status := http.StatusOK
	if r.reply != nil {
		status = r.reply(g)
	}
	r.mu.Lock()
	r.all = append(r.all, g)
	r.mu.Unlock()
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *receiver) wait(n int) []got {
	r.t.Helper()
	until(r.t, fmt.Sprint(n, " requests"), func() bool { return r.count() >= n })
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.all...)
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

// signer makes tokens that are all different.
type signer struct{ n atomic.Int32 }

func (s *signer) SignEvent(_ context.Context, audience string, life time.Duration) (string, error) {
	return fmt.Sprint(audience, " ", life, " ", s.n.Add(1)), nil
}
