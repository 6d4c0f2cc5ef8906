package testkit_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// Both databases together take no more than the time that a soak run has.
func TestEachDatabase_SharesTheTimeOfASoakRun(t *testing.T) {
	t.Setenv("PARLEY_SOAK", "1")
	t.Setenv("PARLEY_SOAK_SECONDS", "100")
	sum := 0
	testkit.EachDatabase(t, func(t *testing.T, _ string) {
		seconds, err := strconv.Atoi(os.Getenv("PARLEY_SOAK_SECONDS"))
		if err != nil || seconds < 1 {
			t.Fatalf("%d seconds, %v", seconds, err)
		}
		sum += seconds
	})
	if sum != 100 {
		t.Errorf("%d seconds in all, want 100", sum)
	}
}
