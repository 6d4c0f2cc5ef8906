package testkit

import "testing"

// PostgreSQL returns the URL of an empty PostgreSQL database of the test's own.
// The first call in a test binary starts a server, which ends with the binary.
// Without PostgreSQL on this machine the test is skipped, in CI it fails.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	Missing(t, "the PostgreSQL starter is not there yet")
	return ""
}
