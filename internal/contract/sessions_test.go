package contract_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
)

// session is a recorded session of the real service.
type session struct {
	Steps []struct {
		Method, Path string
		Query        map[string]any
		Status       int
		ResponseBody json.RawMessage `json:"response_body"`
	}
}

// unlikeSpecification says where the real service was recorded to differ from
// its specification: docs/compatibility.md tells of them.
func unlikeSpecification() map[string]string {
	return map[string]string{
		"remove-participants-2024-03-07.json ChatThread_RemoveChatParticipant 403":                         "the capital form of errors",
		"custom-id-token-then-get-user-2025-03-02-preview.json .identity.customId, .identity.lastTokenIss": "ids of the caller's own, specified nowhere",
	}
}

func expected(file string, err error) bool {
	for known := range unlikeSpecification() {
		name, part, _ := strings.Cut(known, " ")
		if name == file && strings.Contains(err.Error(), part) {
			return true
		}
	}
	return false
}

// TestSessions holds the answers of the real service against its own
// specifications: where they differ, the recordings win.
func TestSessions(t *testing.T) {
	root := specifications(t)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(root), "conformance", "recordings", "*", "*.json"))
	if err != nil || len(files) == 0 {
		testkit.Missing(t, "no recorded sessions at PARLEY_SHARED")
	}
	all := everything(t, root)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s session
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, step := range s.Steps {
			path, query, _ := strings.Cut(step.Path, "?")
			version, _ := step.Query["api-version"].(string)
			if values, err := url.ParseQuery(query); version == "" && err == nil {
				version = values.Get("api-version")
			}
			c, route := owner(all, step.Method, path, version)
			if c == nil {
				t.Logf("%s: no specification has %s %s at %s", filepath.Base(file), step.Method, path, version)
				continue
			}
			body := step.ResponseBody
			if string(body) == "null" {
				body = nil
			}
			if err := c.Check(step.Method, route, step.Status, body); err != nil && !expected(filepath.Base(file), err) {
				t.Errorf("%s: %s/%s asked for %s: %v", filepath.Base(file), c.Area, c.Version, version, err)
			}
		}
	}
}

func everything(t *testing.T, root string) map[string][]*contract.Contract {
	t.Helper()
	all := map[string][]*contract.Contract{}
	for _, area := range areas() {
		versions, err := contract.Versions(root, area)
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range versions {
			c, err := contract.Load(root, area, version)
			if err != nil {
				t.Fatal(err)
			}
			all[area] = append(all[area], c)
		}
	}
	return all
}

// owner returns the contract that answers a path: that of the version, or the
// nearest before it, or else the first.
func owner(all map[string][]*contract.Contract, method, path, version string) (best *contract.Contract, route string) {
	wanted, err := acswire.ParseVersion(version)
	if err != nil {
		return nil, ""
	}
	for area, list := range all {
		asked := wanted
		for _, a := range acswire.Areas() {
			if served, err := acswire.ResolveVersion(a, wanted); err == nil && a.String() == area {
				asked = served.Contract
			}
		}
		for _, c := range list {
			has, err := acswire.ParseVersion(c.Version)
			r := c.Route(method, path)
			if err != nil || r == "" || best != nil && has.Compare(asked) > 0 {
				continue
			}
			best, route = c, r
		}
	}
	return best, route
}
