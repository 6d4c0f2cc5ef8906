package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
)

// arrives publishes until a message has come through: servers may not know yet
// of each other's subscriptions.
func arrives(t *testing.T, from *bus.Bus, subject string, got <-chan string) string {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); {
		if err := from.Publish(subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-got:
			return s
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal("nothing arrived")
	return ""
}

func TestCluster_NodesMeet_ServicesDoNot(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	cluster := testkit.NATSCluster(t, 2)
	a := openWith(t, bus.Options{URL: cluster.URLs[0], Prefix: "one"})
	b := openWith(t, bus.Options{URL: cluster.URLs[1], Prefix: "one"})
	other := openWith(t, bus.Options{URL: cluster.URLs[1], Prefix: "two"})
	got, wrong := make(chan string, 1000), make(chan string, 1000)
	if _, err := b.Subscribe("calls.*", func(subject string, _ []byte) { got <- subject }); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Subscribe("calls.*", func(subject string, _ []byte) { wrong <- subject }); err != nil {
		t.Fatal(err)
	}
	if s := arrives(t, a, "calls.x", got); s != "calls.x" {
		t.Errorf("arrived as %q", s)
	}
	if err := other.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 {
		t.Errorf("another service heard %q", <-wrong)
	}
}

func TestCluster_ServerDies_GoesOnAndTells(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	cluster := testkit.NATSCluster(t, 2)
	a := openWith(t, bus.Options{URL: cluster.URLs[1]})
	// The first of its list; it moves to the other one.
	b := openWith(t, bus.Options{URL: cluster.URLs[0] + "," + cluster.URLs[1]})
	got, lost := make(chan string, 1000), make(chan struct{}, 10)
	if _, err := b.Subscribe("x", func(subject string, _ []byte) { got <- subject }); err != nil {
		t.Fatal(err)
	}
	losses := b.Losses(func() { lost <- struct{}{} })
	arrives(t, a, "x", got)
	// Both, so that the order of the list does not matter; one comes back.
	cluster.Kill(t, 0)
	cluster.Kill(t, 1)
	cluster.Start(t, 1)
	select {
	case <-lost:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody said that messages may be lost")
	}
	arrives(t, a, "x", got)
	if err := losses.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Healthy(); err != nil {
		t.Error(err)
	}
}

func TestCluster_NobodyThere_FailsAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, options := range []bus.Options{
		{URL: "nats://127.0.0.1:1"}, {URL: "nats://127.0.0.1:1", Credentials: "/nowhere.creds"},
	} {
		if b, err := bus.Open(context.Background(), options); err == nil {
			t.Error("opened", b.Close())
		}
	}
}
