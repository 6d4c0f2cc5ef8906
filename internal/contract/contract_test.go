package contract_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
)

// specifications returns their folder; without it the test is not run, which in
// CI counts as failed.
func specifications(t testing.TB) string {
	t.Helper()
	root := testkit.Specifications()
	if root == "" {
		testkit.Missing(t, "no specifications at PARLEY_SHARED")
	}
	return root
}

// areas are those of the product, e-mail and messages left out.
func areas() []string {
	return []string{
		"administration", "callautomation", "callingserver", "chat", "identity", "networktraversal", "phonenumbers",
		"resourcemanager", "rooms", "siprouting", "sms",
	}
}

// TestLoad_Examples reads every specification and holds its own examples
// against it: what they get wrong is known by name.
func TestLoad_Examples(t *testing.T) {
	root := specifications(t)
	for _, area := range areas() {
		versions, err := contract.Versions(root, area)
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range versions {
			t.Run(area+"/"+version, func(t *testing.T) {
				c, err := contract.Load(root, area, version)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Operations()) == 0 {
					t.Error("no operations")
				}
				checkExamples(t, c, filepath.Join(root, area, version))
			})
		}
	}
}

// example is one of a specification's own.
type example struct {
	Responses map[string]struct {
		Body json.RawMessage `json:"body"`
	} `json:"responses"`
}

// wrongExamples are examples that do not match the specification they belong
// to: docs/compatibility.md tells of them.
var wrongExamples = map[string]string{
	"resourcemanager/2023-06-01-preview getSuppressionLists.json 200":       "nextLink is null, and not nullable",
	"chat/2020-09-21-preview2 Conversations_ListChatReadReceipts.json 200":  "nextLink is null, and not nullable",
	"chat/2020-09-21-preview2 ThreadMembers_ListChatThreadMembers.json 200": "nextLink is null, and not nullable",
}

func checkExamples(t *testing.T, c *contract.Contract, folder string) {
	t.Helper()
	for _, e := range c.Examples() {
		data, err := os.ReadFile(filepath.Join(folder, e.File))
		if errors.Is(err, fs.ErrNotExist) {
			continue // specifications that were put together from a client have none
		}
		if err != nil {
			t.Error(err)
			continue
		}
		var ex example
		if err := json.Unmarshal(data, &ex); err != nil {
			t.Errorf("%s: %v", e.File, err)
			continue
		}
		for status, response := range ex.Responses {
			code, err := strconv.Atoi(status)
			if err != nil {
				code = 400 // "default"
			}
			err = c.Check(e.Method, e.Route, code, response.Body)
			key := c.Area + "/" + c.Version + " " + filepath.Base(e.File) + " " + status
			if _, known := wrongExamples[key]; (err != nil) != known {
				t.Errorf("%q: %v", key, err)
			}
		}
	}
}
