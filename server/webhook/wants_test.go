package webhook_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

// TestWants: what a subscription wants is known at once where it was made, and
// soon on the other nodes; so is that it does not want it any more.
func TestWants(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	st := openStore(t)
	first, second := newBed(t, st, nil), newBed(t, st, nil)
	second.mine = first.mine
	nothing := func() bool { return !second.Wants(first.mine, "parley.two") }
	until(t, "the other node knows that nobody wants anything", nothing)
	r := newReceiver(t, nil)
	first.subscribe(webhook.Subscription{Endpoint: r.URL, Types: []string{"Parley.One", "Parley.Two"}})
	for _, c := range []struct {
		types []string
		want  bool
	}{{[]string{"parley.two"}, true}, {[]string{"x", "PARLEY.ONE"}, true}, {[]string{"x"}, false}, {nil, false}} {
		if got := first.Wants(first.mine, c.types...); got != c.want {
			t.Errorf("%v: %v", c.types, got)
		}
	}
	if first.Wants(guid.New(), "parley.two") {
		t.Error("another resource's events are wanted")
	}
	until(t, "the other node knows it", func() bool { return !nothing() })
	first.subscribe(webhook.Subscription{Name: "all", Endpoint: r.URL})
	if !first.Wants(first.mine, "x") {
		t.Error("one that wants everything does not want this")
	}
	for _, name := range []string{"all", "hook"} {
		if err := first.Unsubscribe(t.Context(), first.mine, name); err != nil {
			t.Fatal(err)
		}
	}
	if first.Wants(first.mine, "parley.two") {
		t.Error("what nobody wants any more is wanted")
	}
	until(t, "the other node knows that, too", nothing)
}

// TestPublishAll_Position: events with positions come in the order of those,
// whatever the order in which they were published.
func TestPublishAll_Position(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	b := newBed(t, openStore(t), nil)
	r := newReceiver(t, nil)
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	var events []webhook.Event
	for _, n := range []int{3, 1, 2} {
		e := b.event(n)
		e.Queue, e.Position = "thread", int64(n)
		events = append(events, e)
	}
	other := b.event(9)
	other.ResourceID = guid.New() // PublishAll says whose they are
	err := b.store.Write(t.Context(), func(tx *store.Tx) error { return b.PublishAll(tx, b.mine, append(events, other)) })
	if err != nil {
		t.Fatal(err)
	}
	b.Wake()
	order := ""
	for _, g := range r.wait(4) {
		var e struct{ Data struct{ N json.Number } }
		if err := json.Unmarshal(g.body, &e); err != nil {
			t.Fatal(err)
		}
		if e.Data.N != "9" {
			order += e.Data.N.String()
		}
	}
	if order != "123" {
		t.Errorf("they came as %s", order)
	}
}

// TestForget: what was erased is told to nobody any more.
func TestForget(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	b := newBed(t, openStore(t), nil)
	r := newReceiver(t, func(got) int { return http.StatusBadRequest })
	b.subscribe(webhook.Subscription{Endpoint: r.URL})
	b.publish(b.event(1), b.event(2))
	until(t, "both are dead letters", func() bool { return b.count("state = 'dead'") == 2 })
	if err := b.Forget(t.Context(), guid.New(), "phonenumber"); err != nil {
		t.Fatal(err)
	}
	if err := b.Forget(t.Context(), b.mine, "/phonenumber/1", `"n":1`); err != nil {
		t.Fatal(err)
	}
	letters, err := b.DeadLetters(t.Context(), b.mine, webhook.Cursor{}, 10)
	if err != nil || len(letters) != 1 || !strings.HasSuffix(letters[0].Event.Subject, "/2") {
		t.Errorf("%+v, %v", letters, err)
	}
}
