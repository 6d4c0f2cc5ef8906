package push_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/push"
)

type presenceBus struct{ *bus.Bus }

func (b presenceBus) Subscribe(subject string, handler func(string, []byte)) (push.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// TestPresence_Nodes: a user who is connected to another node is there.
func TestPresence_Nodes(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	b, err := bus.Open(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	open := func(node string, users ...string) *push.Presence {
		p, err := push.OpenPresence(presenceBus{b}, node, func(asked []string) (found []string) {
			for _, u := range asked {
				if slices.Contains(users, u) {
					found = append(found, u, u)
				}
			}
			return found
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return p
	}
	first := open(guid.New().String(), "alice")
	open(guid.New().String(), "bob")
	open(guid.New().String(), "bob", "carol")
	alone := open("", "alice")
	// Nobody can be told by what is no question.
	for _, data := range []string{"", "{", `{"id":"x","node":"*","users":["bob"]}`, `{"id":"x","node":">","users":["bob"]}`} {
		if err := b.Publish("parley.present.ask", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := first.Present(t.Context(), []string{"alice", "bob", "carol"}); len(got) != 3 {
		t.Errorf("%v", got)
	}
	if got := first.Present(t.Context(), []string{"carol", "dave"}); len(got) != 1 || !got["carol"] {
		t.Errorf("%v", got)
	}
	if got := alone.Present(t.Context(), []string{"alice", "bob"}); len(got) != 1 || !got["alice"] {
		t.Errorf("%v", got)
	}
}
