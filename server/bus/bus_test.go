package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
)

// each runs a test on both forms of the bus.
func each(t *testing.T, f func(t *testing.T, options bus.Options)) {
	t.Run("embedded", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		f(t, bus.Options{})
	})
	t.Run("cluster", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		f(t, bus.Options{URL: testkit.NATSCluster(t, 2).URL, Prefix: "test"})
	})
}

func open(t testing.TB) *bus.Bus {
	t.Helper()
	return openWith(t, bus.Options{})
}

func openWith(t testing.TB, options bus.Options) *bus.Bus {
	t.Helper()
	b, err := bus.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestPublish_ArrivesInOrder(t *testing.T) {
	each(t, func(t *testing.T, options bus.Options) {
		b := openWith(t, options)
		const n = 10000
		got := make(chan string, n)
		sub, err := b.Subscribe("calls.node.*", func(subject string, data []byte) { got <- subject + " " + string(data) })
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Healthy(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := b.Publish("calls.node.a", fmt.Appendf(nil, "%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			if m := <-got; m != fmt.Sprintf("calls.node.a %d", i) {
				t.Fatalf("message %d is %q", i, m)
			}
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		if err := b.Publish("calls.node.a", []byte("late")); err != nil {
			t.Fatal(err)
		}
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 0 {
			t.Errorf("a closed subscription received %q", <-got)
		}
		if err := sub.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
}

func TestOpen_TwoServers_DoNotMeet(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a, b := open(t), open(t)
	got := make(chan struct{}, 1)
	if _, err := b.Subscribe("x", func(string, []byte) { got <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	if err := a.Publish("x", nil); err != nil {
		t.Fatal(err)
	}
	for _, bus := range []*bus.Bus{a, b} {
		if err := bus.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 0 {
		t.Error("two services in one process share a bus")
	}
}

func TestClose_EndsEverything(t *testing.T) {
	each(t, func(t *testing.T, options bus.Options) {
		b := openWith(t, options)
		if _, err := b.Subscribe("x", func(string, []byte) {}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Publish("x", nil); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("publish: %v", err)
		}
		if _, err := b.Subscribe("x", nil); err == nil {
			t.Error("subscribed")
		}
		if err := b.Healthy(); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("healthy: %v", err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		bus, err := bus.Open(context.Background(), bus.Options{})
		if err != nil {
			b.Fatal(err)
		}
		bus.Close()
	}
}

func BenchmarkPublish(b *testing.B) {
	bus := open(b)
	got := make(chan struct{})
	if _, err := bus.Subscribe("x", func(string, []byte) { got <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 500)
	for b.Loop() {
		if err := bus.Publish("x", data); err != nil {
			b.Fatal(err)
		}
		<-got
	}
}
