package main

import (
	"context"
	"runtime"
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
