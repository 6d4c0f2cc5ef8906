package testkit

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

const soakSeconds = "PARLEY_SOAK_SECONDS"

// Soak tells whether the full counts are wanted (PARLEY_SOAK=1) and until when
// this test may go on (PARLEY_SOAK_SECONDS from now; an hour when unset).
func Soak() (deadline time.Time, on bool) {
	limit, on := soakLimit()
	if !on {
		return time.Time{}, false
	}
	return time.Now().Add(limit), true
}

// soakLimit is how long this test may go on in a soak run.
func soakLimit() (limit time.Duration, on bool) {
	if os.Getenv("PARLEY_SOAK") == "" {
		return 0, false
	}
	limit = time.Hour
	if s, err := strconv.Atoi(os.Getenv(soakSeconds)); err == nil && s > 0 {
		limit = time.Duration(s) * time.Second
	}
	return limit, true
}

// shareSoak leaves this test one of so many parts of the time of a soak run.
func shareSoak(t *testing.T, parts int) {
	t.Helper()
	if limit, on := soakLimit(); on {
		t.Setenv(soakSeconds, strconv.Itoa(max(1, int(limit/time.Second)/parts)))
	}
}

// Repeat runs f for seeds 0, 1, 2, … and stops at the first failure: quick
// times in an ordinary run, up to soak times in a soak run or as many as fit
// the time given to it. It prints the count it ran.
func Repeat(t *testing.T, quick, soak int, f func(seed uint64) error) {
	t.Helper()
	deadline, on := Soak()
	want := quick
	if on {
		want = soak
	}
	ran := 0
	defer func() {
		fmt.Fprintf(os.Stdout, "soak: %s ran %d of %d\n", t.Name(), ran, want)
	}()
	for ; ran < want; ran++ {
		if on && time.Now().After(deadline) {
			return
		}
		if err := f(uint64(ran)); err != nil { //nolint:gosec // ran is never negative
			t.Fatalf("seed %d: %v", ran, err)
		}
	}
}
