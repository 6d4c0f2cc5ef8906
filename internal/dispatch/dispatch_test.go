package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/dispatch"
	"github.com/parley-rtc/parley/internal/testkit"
)

func drain(t *testing.T, d *dispatch.Dispatcher) {
	t.Helper()
	if err := d.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestPost_KeepsOrder(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	d := dispatch.New()
	var got []int
	for i := range 1000 {
		d.Post(func() { got = append(got, i) })
	}
	drain(t, d)
	if len(got) != 1000 {
		t.Fatalf("delivered %d", len(got))
	}
	for i, v := range got {
		if i != v {
			t.Fatalf("place %d has %d", i, v)
		}
	}
}

func TestPostLatest_CoalescesWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dispatch.New()
		release := make(chan struct{})
		var got []string
		d.Post(func() { <-release })
		synctest.Wait()
		d.PostLatest("a", func() { got = append(got, "a1") })
		d.Post(func() { got = append(got, "x") })
		d.PostLatest("b", func() { got = append(got, "b1") })
		d.PostLatest("a", func() { got = append(got, "a2") })
		d.PostLatest("a", func() { got = append(got, "a3") })
		close(release)
		synctest.Wait()
		d.PostLatest("a", func() { got = append(got, "a4") })
		drain(t, d)
		want := []string{"a3", "x", "b1", "a4"}
		if len(got) != len(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

func TestPost_NeverWaitsForASlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dispatch.New()
		release := make(chan struct{})
		d.Post(func() { <-release })
		for range 100_000 {
			if !d.Post(func() {}) {
				t.Fatal("refused")
			}
		}
		close(release)
		drain(t, d)
	})
}

func TestClose(t *testing.T) {
	t.Run("from a handler, at once, drops the rest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := dispatch.New()
			start := make(chan struct{})
			d.Post(func() {
				<-start
				d.Close()
				d.Close()
			})
			d.Post(func() { t.Error("delivered after Close") })
			close(start)
			<-d.Done()
			if d.Post(func() {}) || d.PostLatest(1, func() {}) {
				t.Fatal("a closed dispatcher took an event")
			}
		})
	})
	t.Run("does not wait for a handler", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := dispatch.New()
			release := make(chan struct{})
			d.Post(func() { <-release })
			synctest.Wait()
			d.Close()
			select {
			case <-d.Done():
				t.Fatal("done while a handler runs")
			default:
			}
			close(release)
			<-d.Done()
		})
	})
	t.Run("of an idle dispatcher", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		d := dispatch.New()
		d.Close()
		<-d.Done()
	})
}

func TestDrain_GivesUpWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dispatch.New()
		release := make(chan struct{})
		d.Post(func() { <-release })
		d.Post(func() { t.Error("delivered after the context ended") })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := d.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		close(release)
		<-d.Done()
	})
}

func TestDrain_EventsPostedByHandlersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dispatch.New()
		release := make(chan struct{})
		var taken bool
		d.Post(func() {
			<-release
			taken = d.Post(func() {})
		})
		time.AfterFunc(time.Second, func() { close(release) })
		drain(t, d)
		if taken {
			t.Fatal("a draining dispatcher took an event")
		}
	})
}

func TestDrain_FromAHandler_DoesNotWaitForItself(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	d := dispatch.New()
	var order []string
	start := make(chan struct{})
	d.Post(func() {
		<-start
		if !d.InHandler() {
			t.Error("a handler is not known as one")
		}
		if err := d.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		order = append(order, "first")
	})
	d.Post(func() { order = append(order, "second") })
	close(start)
	<-d.Done()
	if len(order) != 2 || order[0] != "first" || order[1] != "second" {
		t.Fatalf("order %v", order)
	}
	if d.InHandler() {
		t.Fatal("the test is no handler")
	}
}
