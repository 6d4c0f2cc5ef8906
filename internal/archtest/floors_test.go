package archtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// floor is one row of the table of STYLE §1: a package with all below it, what
// of ours it may import, and what of others it may name directly. Names of ours
// are relative to the module.
type floor struct {
	tree   string
	ours   []string
	others []string
}

// pureCore is L0 without what stands apart below.
var pureCore = []string{
	"internal/ident", "internal/callfsm", "internal/packet", "internal/loop", "internal/dispatch",
	"internal/acswire", "internal/slogpion", "internal/readiness",
}

// floors lists the most particular row first: the first that fits a package counts.
var floors = []floor{
	{tree: "internal/ident"},
	{tree: "internal/packet"},
	{tree: "internal/loop"},
	{tree: "internal/dispatch"},
	{tree: "internal/readiness"},
	{tree: "internal/callfsm", ours: []string{"internal/ident", "internal/callfsm"}},
	{tree: "internal/acswire", ours: []string{"internal/ident", "internal/acswire"}},
	{tree: "internal/slogpion", others: []string{"github.com/pion/logging"}},
	{tree: "internal/netem", ours: []string{"internal/netem"}},
	{tree: "internal/audiocheck", ours: []string{"internal/audiocheck"}},
	{
		tree: "transport", ours: append([]string{"transport"}, pureCore...),
		others: []string{"github.com/pion", "golang.org/x/net", "golang.org/x/sys", "github.com/wlynxg/anet"},
	},
	{
		tree: "media", ours: append([]string{"media"}, pureCore...),
		others: []string{"github.com/pion/rtp", "github.com/pion/rtcp", "github.com/pion/opus", "github.com/gen2brain/malgo"},
	},
	{
		tree: "signaling", ours: append([]string{"signaling"}, pureCore...),
		others: []string{"github.com/coder/websocket", "google.golang.org/protobuf", "github.com/klauspost/compress"},
	},
	{tree: "engine", ours: append([]string{"engine", "transport", "media", "signaling"}, pureCore...)},
	{
		tree: "server/store", ours: append([]string{"server"}, pureCore...),
		others: []string{"modernc.org", "github.com/pressly/goose", "github.com/jackc/pgx"},
	},
	{tree: "server/bus", ours: append([]string{"server"}, pureCore...), others: []string{"github.com/nats-io"}},
	{tree: "server/turn", ours: append([]string{"server"}, pureCore...), others: []string{"github.com/pion"}},
	{tree: "server/trouter", ours: append([]string{"server"}, pureCore...), others: []string{"github.com/coder/websocket"}},
	{
		tree: "server/chat", ours: append([]string{"server"}, pureCore...),
		others: []string{"github.com/microcosm-cc/bluemonday", "golang.org/x/image"},
	},
	{tree: "server/limits", ours: append([]string{"server"}, pureCore...), others: []string{"go.yaml.in/yaml"}},
	{
		tree: "server/oidc", ours: append([]string{"server"}, pureCore...),
		others: []string{"github.com/coreos/go-oidc", "github.com/go-jose/go-jose", "github.com/golang-jwt/jwt", "golang.org/x/time"},
	},
	{
		tree: "server", ours: append([]string{"server", "transport", "signaling"}, pureCore...),
		others: []string{
			"github.com/go-chi/chi", "github.com/golang-jwt/jwt", "github.com/prometheus", "golang.org/x/sync",
			"golang.org/x/time", "golang.org/x/crypto", "google.golang.org/protobuf",
		},
	},
	{tree: "rest/core", ours: append([]string{"rest/core"}, pureCore...)},
	{tree: "rest/common", ours: append([]string{"rest/core", "rest/common"}, pureCore...)},
	{tree: "rest/identity", ours: append([]string{"rest/core", "rest/common", "rest/identity"}, pureCore...)},
	{
		tree: "rest/chat", ours: append([]string{"rest/core", "rest/common", "rest/chat", "signaling"}, pureCore...),
	},
	{tree: "rest/identity", ours: append([]string{"rest/core", "rest/common", "rest/identity"}, pureCore...)},
	{tree: "rest/sms", ours: append([]string{"rest/core", "rest/common", "rest/sms"}, pureCore...)},
	{tree: "rest/phonenumbers", ours: append([]string{"rest/core", "rest/common", "rest/phonenumbers"}, pureCore...)},
	{tree: "rest/resourcemanager", ours: append([]string{"rest/core", "rest/common", "rest/resourcemanager"}, pureCore...)},
	{
		tree: "test/sdk/runner", ours: []string{"rest", "server", "signaling", "internal"},
		others: []string{"github.com/golang-jwt/jwt"},
	},
	{
		tree: "cmd/bench", ours: []string{"cmd", "engine", "rest", "server", "transport", "media", "signaling", "internal"},
		// The SQLite of others is filled and read, and the rivals' programs are spoken to.
		others: []string{"github.com", "modernc.org/sqlite"},
	},
	// A phone's app has no service in it.
	{tree: "bind/mobile", ours: []string{"bind/mobile", "bind/internal/slack", "engine", "media", "rest/chat", "rest/common", "rest/core", "internal/loop", "internal/dispatch"}},
	{tree: "bind", ours: []string{"bind"}},
	{
		tree: "cmd", ours: []string{"cmd", "engine", "rest", "server", "transport", "media", "signaling", "internal"},
		others: []string{
			"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/vbauerster/mpb", "github.com/mattn",
			"go.yaml.in/yaml", "golang.org/x",
		},
	},
}

// looseTable is what no row covers, with the reason.
var looseTable = map[string]string{
	"internal/testkit":  "tests only: anything",
	"internal/contract": "tests only: anything",
	"internal/archtest": "tests only: anything",
	"internal/tools":    "programs that make generated files",
	"scripts":           "programs that build and check",
	"examples":          "programs of users",
	"test/conformance":  "tests only: anything",
	"test/dotnet":       "tests only: anything",
	"test/bind":         "tests only: anything",
}

func rowOf(pkg string) (floor, bool) {
	for _, f := range floors {
		if testkit.In(pkg, f.tree) {
			return f, true
		}
	}
	return floor{}, false
}

func anyTree(pkg string, trees []string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool { return testkit.In(pkg, tree) })
}

// TestFloors_ImportsGoDownOnly holds every package of the module against its row.
func TestFloors_ImportsGoDownOnly(t *testing.T) {
	d := testkit.LoadDeps(t, testkit.Target{}, "./...")
	checked := 0
	for _, path := range d.Packages() {
		pkg, ours := strings.CutPrefix(path, testkit.Module+"/")
		if !ours {
			continue
		}
		row, ok := rowOf(pkg)
		if !ok {
			if !slices.ContainsFunc(keys(looseTable), func(tree string) bool { return testkit.In(pkg, tree) }) {
				t.Errorf("%s stands on no floor: add it to the table", pkg)
			}
			continue
		}
		checked++
		checkRow(t, row, pkg, d.Imports(path))
	}
	if checked < 10 {
		t.Fatalf("only %d packages were checked", checked)
	}
}

func checkRow(t *testing.T, row floor, pkg string, imports []string) {
	t.Helper()
	for _, imported := range imports {
		of, ours := strings.CutPrefix(imported, testkit.Module+"/")
		switch {
		case ours:
			if !anyTree(of, row.ours) {
				t.Errorf("%s imports %s: its floor allows %v of ours", pkg, of, row.ours)
			}
		case !strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
			// The standard library.
		case !anyTree(imported, row.others):
			t.Errorf("%s names %s: its floor allows %v", pkg, imported, row.others)
		}
	}
}

// TestPureCore_KnowsNoNetwork bans, from the pure packages, what would let a
// clock-free, socket-free core reach the outside.
func TestPureCore_KnowsNoNetwork(t *testing.T) {
	core := []string{"internal/ident", "internal/callfsm", "internal/packet", "internal/loop", "internal/dispatch"}
	patterns := make([]string, len(core))
	for i, pkg := range core {
		patterns[i] = "./" + pkg
	}
	d := testkit.LoadDeps(t, testkit.Target{}, patterns...)
	for _, pkg := range core {
		path := testkit.Module + "/" + pkg
		testkit.CheckBans(t, d, path, []testkit.Ban{
			{Tree: "net", Reason: "the pure core has no socket"},
			{Tree: "log", Reason: "the pure core has no log"},
			{Tree: "database", Reason: "the pure core stores nothing"},
		})
		for _, imported := range d.Imports(path) {
			if strings.Contains(imported, ".") && !testkit.In(imported, testkit.Module) {
				t.Errorf("%s names %s: the pure core needs nobody", pkg, imported)
			}
		}
	}
}

func keys(m map[string]string) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	return all
}
