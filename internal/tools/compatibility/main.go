// Command compatibility writes the generated parts of docs/compatibility.md:
// the versions of each area, and every operation in every version of the
// specifications with the SDKs that exercise it. It reads what tests saw:
// server/testdata/answered.json, what the service answered to each operation of
// each version, and test/sdk/exercised.json, what each SDK called. With --check
// it only says whether the document is current.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

const (
	document  = "docs/compatibility.md"
	exercised = "test/sdk/exercised.json"
	answered  = "server/testdata/answered.json"
	begin     = "<!-- generated: make generate -->"
	end       = "<!-- end of what is generated -->"
)

func main() {
	check := flag.Bool("check", false, "say whether the document is current, change nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintf(os.Stderr, "compatibility: %v\n", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return errors.New(document + " has lost the marks around what is generated")
	}
	seen, err := readSeen()
	if err != nil {
		return err
	}
	text, err := seen.tables()
	if err != nil {
		return err
	}
	fresh := head + begin + "\n\n" + text + end + tail
	if check {
		if fresh != string(old) {
			return errors.New(document + " is not current: run make generate")
		}
		return nil
	}
	return os.WriteFile(document, []byte(fresh), 0o644) //nolint:gosec // G306: for everybody to read
}

// use is a line of exercised.json: a package that sent an operation.
type use struct {
	Package    string `json:"package"`
	Version    string `json:"version"`
	APIVersion string `json:"apiVersion"`
	Area       string `json:"area"`
	Operation  string `json:"operation"`
}

// seen is what tests saw.
type seen struct {
	uses []use
	// answers are statuses by area, operation and version.
	answers map[string]map[string]map[string]int
}

func readSeen() (*seen, error) {
	var file struct {
		Exercised []use `json:"exercised"`
	}
	s := &seen{}
	for path, into := range map[string]any{exercised: &file, answered: &s.answers} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, into); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	s.uses = file.Exercised
	return s, nil
}

// language names the ecosystem of a package, shortly.
func (u *use) language() string {
	switch {
	case strings.HasPrefix(u.Package, "@azure/"):
		return "JS"
	case strings.HasPrefix(u.Package, "com.azure:"):
		return "Java"
	case strings.HasPrefix(u.Package, "github.com/"):
		return "Go"
	default:
		return "Py"
	}
}
