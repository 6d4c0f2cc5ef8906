package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

// TestDelivery_AfterADeath: what a process was at when it died is sent again by
// its next start at once, and by others when the lease has run out.
func TestDelivery_AfterADeath(t *testing.T) {
	for name, change := range map[string]func(o *webhook.Options){
		"Alone":    func(o *webhook.Options) { o.Alone = true },
		"SameNode": func(o *webhook.Options) { o.Node = "red" },
		"Others":   func(o *webhook.Options) { o.Now = func() time.Time { return time.Now().Add(2 * time.Minute) } },
	} {
		t.Run(name, func(t *testing.T) {
			testkit.CheckLeaks(t, 2*time.Minute)
			st := openStore(t)
			r := newReceiver(t, nil)
			first := newBed(t, st, nil)
			first.Close()
			if err := first.send(webhook.Callback{Event: first.event(1), Endpoint: r.URL}); err != nil {
				t.Fatal(err)
			}
			err := st.Write(t.Context(), func(tx *store.Tx) error { // as it dies in the middle
				_, err := tx.Exec("UPDATE webhook_deliveries SET attempts = 1, node = 'red', leased_until = $1", time.Now().Add(time.Minute).UnixMilli())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			other := newBed(t, st, func(o *webhook.Options) { o.Node = "blue" })
			if err := other.send(webhook.Callback{Event: other.event(2), Endpoint: r.URL}); err != nil {
				t.Fatal(err)
			}
			r.wait(1)
			until(t, "only the first one is left", func() bool { return other.count("1 = 1") == 1 })
			if other.count("attempts = 1") != 1 {
				t.Error("another node took it although the lease ran")
			}
			other.Close()
			second := newBed(t, st, change)
			r.wait(2)
			until(t, "nothing is left", func() bool { return second.count("1 = 1") == 0 })
		})
	}
}

// TestClose_InTheMiddle: what was under way is sent again by the next start.
func TestClose_InTheMiddle(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	st := openStore(t)
	began := make(chan struct{})
	var once sync.Once
	r := newReceiver(t, func(g got) int {
		first := false
		once.Do(func() { first = true })
		if first {
			close(began)
			<-g.Context().Done() // the service hangs up
		}
		return http.StatusOK
	})
	first := newBed(t, st, nil)
	if err := first.send(webhook.Callback{Event: first.event(1), Endpoint: r.URL}); err != nil {
		t.Fatal(err)
	}
	<-began
	first.Close()
	if n := first.count("leased_until = 0 AND state = 'waiting'"); n != 1 {
		t.Error("it is not given back")
	}
	second := newBed(t, st, nil)
	until(t, "nothing is left", func() bool { return second.count("1 = 1") == 0 })
}

// TestDelivery_Order: events of a queue arrive in order, those of others beside
// them.
func TestDelivery_Order(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	st := openStore(t)
	const queues, each = 5, 12
	var mu sync.Mutex
	order := map[string][]int{}
	r := newReceiver(t, func(g got) int {
		var e struct {
			Subject string
			Data    struct{ N int }
		}
		if err := json.Unmarshal(g.body, &e); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		order[e.Subject] = append(order[e.Subject], e.Data.N)
		return http.StatusOK
	})
	nodes := []*bed{newBed(t, st, nil), newBed(t, st, nil), newBed(t, st, nil)}
	b := nodes[0]
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	for n := range each {
		var events []webhook.Event
		for q := range queues {
			e := b.event(n)
			e.Subject, e.Queue = fmt.Sprint(q), fmt.Sprint(q)
			events = append(events, e)
		}
		b.publish(events...)
		for _, other := range nodes {
			other.Wake()
		}
	}
	until(t, "nothing is left", func() bool { return b.count("1 = 1") == 0 })
	mu.Lock()
	defer mu.Unlock()
	for q := range queues {
		if got := order[fmt.Sprint(q)]; len(got) != each || !slices.IsSorted(got) {
			t.Errorf("queue %d: %v", q, got)
		}
	}
}

// TestDelivery_SlowEndpoint: one that does not answer keeps nobody else's events
// from leaving.
func TestDelivery_SlowEndpoint(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	var here, most atomic.Int32
	slow := newReceiver(t, func(g got) int {
		n := here.Add(1)
		defer here.Add(-1)
		for {
			old := most.Load()
			if n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		<-g.Context().Done()
		return http.StatusOK
	})
	quick := newReceiver(t, nil)
	b := newBed(t, openStore(t), nil)
	for range 50 {
		if err := b.send(webhook.Callback{Event: b.event(1), Endpoint: slow.URL}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "it is full", func() bool { return here.Load() == 8 })
	for range 20 {
		if err := b.send(webhook.Callback{Event: b.event(2), Endpoint: quick.URL}); err != nil {
			t.Fatal(err)
		}
	}
	quick.wait(20)
	if n := most.Load(); n != 8 {
		t.Errorf("%d at a time", n)
	}
	b.Close()
}

// TestDelivery_ManyNodes: nodes that share a store send every event, and none
// twice as long as all live.
func TestDelivery_ManyNodes(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	st := openStore(t)
	counts := make([]atomic.Int32, 200)
	r := newReceiver(t, func(g got) int {
		var e struct{ Data struct{ N int } }
		if err := json.Unmarshal(g.body, &e); err != nil {
			t.Error(err)
		}
		// Every third is refused the first time.
		if n := counts[e.Data.N].Add(1); n == 1 && e.Data.N%3 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	nodes := []*bed{newBed(t, st, nil), newBed(t, st, nil), newBed(t, st, nil)}
	b := nodes[0]
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	for n := range counts {
		b.publish(b.event(n))
		nodes[n%3].Wake()
	}
	until(t, "the first attempts", func() bool { return b.count("attempts = 0 OR leased_until > 0") == 0 })
	for _, node := range nodes {
		node.later(15 * time.Second)
	}
	until(t, "nothing is left", func() bool { return b.count("1 = 1") == 0 })
	for n := range counts {
		want := int32(1)
		if n%3 == 0 {
			want = 2
		}
		if got := counts[n].Load(); got != want {
			t.Errorf("event %d came %d times", n, got)
		}
	}
}

func TestEraseResource(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	st := openStore(t)
	b, other := newBed(t, st, nil), newBed(t, st, nil)
	r := newReceiver(t, func(got) int { return http.StatusGone })
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	other.subscribe(webhook.Subscription{Endpoint: r.URL})
	b.publish(b.event(1))
	other.publish(other.event(2))
	until(t, "dead letters", func() bool { return b.count("state = 'dead'") == 2 })
	if err := b.EraseResource(t.Context(), b.mine); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		resource guid.GUID
		want     int
	}{{b.mine, 0}, {other.mine, 1}} {
		list, err := b.Subscriptions(t.Context(), c.resource)
		if err != nil || len(list) != c.want || b.count("resource_id = $1", c.resource.String()) != c.want {
			t.Errorf("%+v, %v", list, err)
		}
	}
}
