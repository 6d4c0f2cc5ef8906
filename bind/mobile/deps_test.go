package mobile_test

import (
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// TestDeps: an application on a phone carries no service.
func TestDeps(t *testing.T) {
	const self = "github.com/parley-rtc/parley/bind/mobile"
	bans := []testkit.Ban{
		{Tree: "github.com/parley-rtc/parley/server", Reason: "a phone runs no service"},
		{Tree: "github.com/parley-rtc/parley/rest/identity", Reason: "it holds keys and is for back ends"},
		{Tree: "github.com/parley-rtc/parley/rest/resourcemanager", Reason: "it holds keys and is for back ends"},
		{Tree: "github.com/prometheus", Reason: "no metrics library below the service"},
		{Tree: "modernc.org", Reason: "a database of four megabytes"},
		{Tree: "github.com/nats-io", Reason: "the service's bus"},
		{Tree: "expvar", Reason: "it opens handlers in the application's process"},
		{Tree: "net/http/pprof", Reason: "it opens handlers in the application's process"},
		{Tree: "google.golang.org/protobuf/reflect", Reason: "1.3 megabytes that no message needs (docs/decisions/0006)"},
		{Tree: "testing", Reason: "only tests test"},
	}
	for _, target := range []testkit.Target{{GOOS: "linux", GOARCH: "amd64"}, {GOOS: "ios", GOARCH: "arm64"}, {GOOS: "android", GOARCH: "arm64"}} {
		testkit.CheckBans(t, testkit.LoadDeps(t, target, self), self, bans)
	}
}
