package testkit

import (
	"os"
	"testing"
)

// Missing ends a test that cannot run on this machine: with the reason on a
// desk, as a failure in CI, where everything has to be there.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("cannot run here: %s", reason)
	}
	t.Skipf("cannot run here: %s", reason)
}
