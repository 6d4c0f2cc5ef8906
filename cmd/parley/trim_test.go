package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

// TestTrim_OnceAfterABusyTime: a collection is followed by one of its own, and
// then there is rest.
func TestTrim_OnceAfterABusyTime(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); trim(ctx, 10*time.Millisecond) }()
	runtime.GC()
	before := collections()
	for collections() == before {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	if collections() == 0 {
		t.Error("no collection is counted")
	}
}

// TestTrim_WithoutACollection: what came together without a collection is given
// back as well.
func TestTrim_WithoutACollection(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the runtime collects nothing
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	runtime.GC()
	go func() { defer close(done); trim(ctx, 10*time.Millisecond) }()
	for range 2 { // the one that belongs to the collection above, then that of the garbage
		before := collections()
		now := readHeap()
		garbage := make([]byte, 2*now.little())
		runtime.KeepAlive(garbage)
		for collections() == before {
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	<-done
}
