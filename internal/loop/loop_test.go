package loop_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/loop"
	"github.com/parley-rtc/parley/internal/testkit"
)

func TestPost_RunsInOrderOneAtATime(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	defer l.Close()
	const n = 1000
	var got []int
	var inside atomic.Int32
	for i := range n {
		if !l.Post(func() {
			if inside.Add(1) != 1 {
				t.Error("two functions ran at once")
			}
			got = append(got, i)
			inside.Add(-1)
		}) {
			t.Fatal("Post on an open loop reported false")
		}
	}
	if err := l.Do(context.Background(), func() {}); err != nil {
		t.Fatal(err)
	}
	if len(got) != n {
		t.Fatalf("ran %d of %d", len(got), n)
	}
	for i, v := range got {
		if v != i {
			t.Fatalf("place %d has function %d", i, v)
		}
	}
}

func TestDo_WaitsForItsFunction(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	defer l.Close()
	ran := false
	if err := l.Do(context.Background(), func() { ran = true }); err != nil || !ran {
		t.Fatalf("err %v, ran %v", err, ran)
	}
}

func TestRun(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	ran := false
	if err := l.Run(func() { ran = true }); err != nil || !ran {
		t.Fatalf("err %v, ran %v", err, ran)
	}
	if err := l.Run(l.Stop); err != nil {
		t.Fatalf("the function that stopped the loop ran, but Run gave %v", err)
	}
	if err := l.Run(func() { t.Error("ran on a closed loop") }); !errors.Is(err, loop.ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestRun_DroppedByClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		release := make(chan struct{})
		l.Post(func() { <-release })
		result := make(chan error, 1)
		go func() { result <- l.Run(func() { t.Error("ran after Close") }) }()
		synctest.Wait()
		l.Stop()
		close(release)
		if err := <-result; !errors.Is(err, loop.ErrClosed) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestDo_PostFromTheLoopRunsAfterwards(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	defer l.Close()
	var order []string
	err := l.Do(context.Background(), func() {
		l.Post(func() { order = append(order, "posted") })
		order = append(order, "done")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Do(context.Background(), func() {}); err != nil {
		t.Fatal(err)
	}
	if len(order) != 2 || order[0] != "done" || order[1] != "posted" {
		t.Fatalf("order %v", order)
	}
}

func TestDo_CancelledBeforeItBegins_NeverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		release := make(chan struct{})
		l.Post(func() { <-release })
		want := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		ran := false
		result := make(chan error, 1)
		go func() { result <- l.Do(ctx, func() { ran = true }) }()
		synctest.Wait()
		cancel(want)
		if err := <-result; !errors.Is(err, want) {
			t.Fatalf("got %v", err)
		}
		close(release)
		if err := l.Do(context.Background(), func() {}); err != nil {
			t.Fatal(err)
		}
		if ran {
			t.Fatal("an abandoned function ran")
		}
	})
}

func TestDo_CancelledBeforeTheCall(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Do(ctx, func() { t.Error("ran") }); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestDo_CancelledWhileItRuns_WaitsForItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		ctx, cancel := context.WithCancel(context.Background())
		release := make(chan struct{})
		result := make(chan error, 1)
		go func() { result <- l.Do(ctx, func() { <-release }) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("Do returned %v while its function ran", err)
		default:
		}
		close(release)
		if err := <-result; err != nil {
			t.Fatalf("got %v for a function that ran to its end", err)
		}
	})
}

func TestClose(t *testing.T) {
	t.Run("drops what has not begun and refuses more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := loop.New()
			release := make(chan struct{})
			l.Post(func() { <-release })
			result := make(chan error, 1)
			go func() { result <- l.Do(context.Background(), func() { t.Error("ran after Close") }) }()
			synctest.Wait()
			closed := make(chan struct{})
			go func() { l.Close(); close(closed) }()
			synctest.Wait()
			select {
			case <-closed:
				t.Fatal("Close did not wait for the running function")
			default:
			}
			close(release)
			<-closed
			if err := <-result; !errors.Is(err, loop.ErrClosed) {
				t.Fatalf("Do gave %v", err)
			}
			if l.Post(func() {}) {
				t.Fatal("Post on a closed loop reported true")
			}
			if err := l.Do(context.Background(), func() {}); !errors.Is(err, loop.ErrClosed) {
				t.Fatalf("Do on a closed loop gave %v", err)
			}
			l.Close()
		})
	})
	t.Run("stop from the loop itself", func(t *testing.T) {
		testkit.CheckLeaks(t, time.Minute)
		l := loop.New()
		if err := l.Do(context.Background(), l.Stop); err != nil {
			t.Fatalf("the function that stopped the loop ran, but Do gave %v", err)
		}
		<-l.Done()
	})
}

func TestLoop_ManyGoroutines(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	l := loop.New()
	var ran atomic.Int64
	var accepted atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 200 {
				if (g+i)%3 == 0 {
					l.Post(func() {})
					continue
				}
				if l.Do(context.Background(), func() { ran.Add(1) }) == nil {
					accepted.Add(1)
				}
			}
		})
	}
	time.AfterFunc(time.Millisecond, l.Stop)
	wg.Wait()
	l.Close()
	if ran.Load() != accepted.Load() {
		t.Fatalf("%d functions ran, %d Do calls returned nil", ran.Load(), accepted.Load())
	}
}
