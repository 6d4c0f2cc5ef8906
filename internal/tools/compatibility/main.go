// Command compatibility writes the generated parts of docs/compatibility.md:
// the versions of each area, and every operation in every version of the
// specifications with the SDKs that exercise it. With --check it only says
// whether they are current.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	document  = "docs/compatibility.md"
	exercised = "test/sdk/exercised.json"
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
	sdks, err := readExercised()
	if err != nil {
		return err
	}
	fresh := head + begin + "\n\n" + tables(sdks) + end + tail
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

func readExercised() ([]use, error) {
	data, err := os.ReadFile(exercised)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var file struct {
		Exercised []use `json:"exercised"`
	}
	return file.Exercised, json.Unmarshal(data, &file)
}

// language names the ecosystem of a package.
func (u *use) language() string {
	switch {
	case strings.HasPrefix(u.Package, "@azure/"):
		return "JavaScript"
	case strings.HasPrefix(u.Package, "com.azure:"):
		return "Java"
	case strings.HasPrefix(u.Package, "github.com/"):
		return "Go"
	default:
		return "Python"
	}
}

func tables(sdks []use) string {
	var b strings.Builder
	for _, a := range acswire.Areas() {
		fmt.Fprintf(&b, "### %s: versions\n\n| api-version | answered as | state | known from | sent by |\n| --- | --- | --- | --- | --- |\n", title(a))
		for _, v := range acswire.Versions(a) {
			as := "itself"
			if v.Contract != v.Version {
				as = v.Contract.String()
			}
			state := v.State.String()
			if !v.Sunset.IsZero() {
				state += ", ends " + v.Sunset.Format("2006-01-02")
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", v.Version, as, state, v.Source, senders(sdks, a, v.Version.String()))
		}
		fmt.Fprintf(&b, "\n### %s: operations\n\n", title(a))
		operations(&b, a, sdks)
	}
	return b.String()
}

func title(a acswire.Area) string {
	switch a {
	case acswire.AreaIdentity:
		return "Identity"
	case acswire.AreaResourceManager:
		return "Resource manager"
	case acswire.AreaNone:
	}
	return a.String()
}

// senders names the packages that send a version.
func senders(sdks []use, a acswire.Area, version string) string {
	var names []string
	for _, u := range sdks {
		name := "`" + u.Package + "` " + u.Version
		if u.Area == a.String() && u.APIVersion == version && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// operations writes a row for each operation, a column for each contract.
func operations(b *strings.Builder, a acswire.Area, sdks []use) {
	var contracts []acswire.ServedVersion
	for _, v := range acswire.Versions(a) {
		if v.Contract == v.Version {
			contracts = append(contracts, v)
		}
	}
	b.WriteString("| operation |")
	for _, c := range contracts {
		fmt.Fprintf(b, " %s |", c.Version)
	}
	b.WriteString(" exercised by | remarks |\n| --- |" + strings.Repeat(" --- |", len(contracts)+2) + "\n")
	for _, o := range acswire.Operations(a) {
		fmt.Fprintf(b, "| %s `%s` |", o.Method, o.Route)
		for _, c := range contracts {
			cell := ""
			if o.In(c) {
				cell = "served"
				if o.NotOffered {
					cell = "not offered"
				}
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		fmt.Fprintf(b, " %s | %s |\n", users(sdks, &o), o.Note)
	}
	b.WriteString("\n")
}

// users names the languages whose SDK exercises an operation, with the version.
func users(sdks []use, o *acswire.Operation) string {
	var names []string
	for _, u := range sdks {
		name := u.language() + " " + u.APIVersion
		if u.Area == o.Area.String() && u.Operation == o.ID && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
