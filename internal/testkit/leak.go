// Package testkit holds what tests of several packages share. Only tests
// import it.
package testkit

import (
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// CheckLeaks fails the test if goroutines that it started still run when it
// ends, and dumps all goroutines if the test has not ended after limit (then
// it aborts the test binary). Call it first in every test that starts
// goroutines. It must not be used in parallel tests.
func CheckLeaks(t testing.TB, limit time.Duration) {
	t.Helper()
	before := stacks()
	watchdog := time.AfterFunc(limit, func() {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		panic("testkit: " + t.Name() + " did not end within " + limit.String() + "\n" + string(buf))
	})
	t.Cleanup(func() {
		watchdog.Stop()
		if t.Failed() {
			return
		}
		var left []string
		// Goroutines that were told to end may need a moment to be gone, on a
		// machine with much else to do a long one.
		for wait := time.Millisecond; wait < 16*time.Second; wait *= 2 {
			if left = leaked(before); len(left) == 0 {
				return
			}
			runtime.Gosched()
			<-time.After(wait)
		}
		t.Errorf("%d goroutines leaked:\n%s", len(left), strings.Join(left, "\n\n"))
	})
}

// stacks returns the running goroutines by their header-less identity.
func stacks() map[string]bool {
	ids := map[string]bool{}
	for _, s := range dump() {
		ids[goroutineID(s)] = true
	}
	return ids
}

func leaked(before map[string]bool) []string {
	var left []string
	for _, s := range dump() {
		if before[goroutineID(s)] || harmless(s) {
			continue
		}
		left = append(left, s)
	}
	return left
}

func dump() []string {
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(b.String()), "\n\n")
}

func goroutineID(stack string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
	return id
}

// harmless reports goroutines that belong to the runtime, to the test runner
// or to the leak check itself.
func harmless(stack string) bool {
	for _, s := range []string{
		"testing.(*T).Run(", "testing.(*F).Fuzz", "testing.tRunner.func", "testing.runTests", "testing.(*M).",
		"runtime.goexit0", "signal.signal_recv", "os/signal.loop", "runtime/pprof.writeGoroutine",
		"runtime.ReadTrace", "internal/testkit.dump",
	} {
		if strings.Contains(stack, s) {
			return true
		}
	}
	return false
}
