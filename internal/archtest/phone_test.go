package archtest_test

import (
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// bansTable is what a program that links the engine must not carry, on any
// platform. A phone pays for each of them in size, memory and start-up time.
var bansTable = []testkit.Ban{
	{Tree: testkit.Module + "/server", Reason: "the service never runs on a phone; it costs more memory than the engine"},
	{Tree: testkit.Module + "/rest", Reason: "rest stands above engine"},
	{Tree: testkit.Module + "/cmd", Reason: "programs are nobody's library"},
	{Tree: testkit.Module + "/internal/acswire", Reason: "the REST models belong to service and clients"},
	{Tree: testkit.Module + "/internal/testkit", Reason: "the test kit is for tests"},
	{Tree: testkit.Module + "/internal/netem", Reason: "the emulated network is for tests and benchmarks"},
	{Tree: "testing", Reason: "it registers flags in the app and keeps test code alive"},
	{Tree: "github.com/nats-io", Reason: "the bus of the service"},
	{Tree: "modernc.org", Reason: "the store of the service; its C translation is megabytes"},
	// Its driver interface comes with google/uuid and is a few empty types.
	{Tree: "database/sql", Reason: "the store of the service", Alone: true},
	{Tree: "github.com/pressly/goose", Reason: "migrations of the service's store"},
	{Tree: "github.com/jackc/pgx", Reason: "the store of the service"},
	{Tree: "github.com/prometheus", Reason: "metrics are the service's; it starts collectors in init"},
	{Tree: "github.com/go-chi/chi", Reason: "the REST router of the service"},
	{Tree: "github.com/golang-jwt/jwt", Reason: "only the service reads tokens"},
	{Tree: "github.com/emiago", Reason: "SIP is the service's"},
	{Tree: "github.com/spf13", Reason: "command lines are for cmd"},
	{Tree: "github.com/vbauerster/mpb", Reason: "progress bars are for cmd"},
	{Tree: "go.yaml.in/yaml", Reason: "configuration files are for cmd"},
	{Tree: "golang.org/x/crypto/acme", Reason: "certificates of the service"},
	{Tree: "go.opentelemetry.io", Reason: "traces are the service's"},
	{Tree: "net/http/pprof", Reason: "it registers handlers in init"},
	{Tree: "net/http/httptest", Reason: "test code"},
	{Tree: "expvar", Reason: "it registers handlers in init"},
	{Tree: "html/template", Reason: "it keeps every exported method alive: the linker cannot drop dead code"},
	{Tree: "text/template", Reason: "it keeps every exported method alive: the linker cannot drop dead code"},
	{Tree: "go/ast", Reason: "source code tools are for the build"},
	{Tree: "os/exec", Reason: "iOS apps may not start processes (App Store Review 2.5.2)"},
	{Tree: "os/user", Reason: "with cgo it looks into the user database, which phones do not have"},
	{Tree: "plugin", Reason: "loading code is not allowed on iOS"},
	{Tree: "log/syslog", Reason: "phones have no syslog for apps"},
}

func TestEngine_IOS_LinksNothingBanned(t *testing.T) {
	checkPhone(t, testkit.Target{GOOS: "ios", GOARCH: "arm64"})
}

func TestEngine_Android_LinksNothingBanned(t *testing.T) {
	checkPhone(t, testkit.Target{GOOS: "android", GOARCH: "arm64"})
}

func checkPhone(t *testing.T, target testkit.Target) {
	t.Helper()
	testkit.CheckBans(t, testkit.LoadDeps(t, target, "./engine"), testkit.Module+"/engine", bansTable)
}

// TestServer_LinksNoEngine keeps the service free of codecs and of the engine.
func TestServer_LinksNoEngine(t *testing.T) {
	testkit.CheckBans(t, testkit.LoadDeps(t, testkit.Target{}, "./server/..."), testkit.Module+"/server", []testkit.Ban{
		{Tree: testkit.Module + "/engine", Reason: "the service never imports the engine"},
		{Tree: testkit.Module + "/media", Reason: "media stays at the ends until the SFU needs it"},
		{Tree: testkit.Module + "/rest", Reason: "the service never imports its clients"},
		{Tree: testkit.Module + "/internal/testkit", Reason: "the test kit is for tests"},
		{Tree: "testing", Reason: "test code"},
	})
}

// TestBans_FindWhatIsThere makes sure that the check itself would notice.
func TestBans_FindWhatIsThere(t *testing.T) {
	d := testkit.LoadDeps(t, testkit.Target{}, "./engine")
	chain := d.Chain(testkit.Module+"/engine", "github.com/pion/webrtc/v4")
	if len(chain) < 3 || chain[1] != testkit.Module+"/transport" {
		t.Fatalf("the engine needs pion through transport, but the chain is %v", chain)
	}
	if d.Chain(testkit.Module+"/engine", "no/such/package") != nil {
		t.Fatal("a way to a package that is not there")
	}
}
