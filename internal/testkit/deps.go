package testkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Module is the path of this module.
const Module = "github.com/parley-rtc/parley"

// Target names what a program is built for.
type Target struct {
	GOOS, GOARCH string
	// CGO allows C code. Leave it out for platforms whose C compiler is not here.
	CGO bool
}

// Deps is what `go list -deps` says about packages: who imports whom.
type Deps struct {
	imports map[string][]string // package → its direct imports, standard library included
}

// LoadDeps lists the packages that match patterns, as "go list" takes them
// relative to the module's root, and all that they need, for target; the zero
// Target is this machine. Tests of the packages do not count. It runs the go
// command once.
func LoadDeps(t testing.TB, target Target, patterns ...string) *Deps {
	t.Helper()
	d, err := listDeps(target, patterns)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	return d
}

func listDeps(target Target, patterns []string) (*Deps, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", explain(err))
	}
	dir := strings.TrimSpace(string(root))
	if err := watchSources(dir); err != nil {
		return nil, err
	}
	args := append([]string{"list", "-deps", "-json=ImportPath,Imports,Error"}, patterns...)
	cmd := exec.Command("go", args...) //nolint:gosec // patterns come from tests
	cmd.Dir = dir
	cmd.Env = os.Environ()
	if target.GOOS != "" {
		cmd.Env = append(cmd.Env, "GOOS="+target.GOOS, "GOARCH="+target.GOARCH)
		if !target.CGO {
			cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
		}
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), explain(err))
	}
	return parseDeps(out)
}

// watchSources looks at every source file, so that the go command does not
// give an old result of this test for new files: it sees only what the test
// itself looked at, not what a command did that the test ran.
func watchSources(root string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") && entry.Name() != "go.mod":
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a file may go while others work
		return fmt.Errorf("look at the sources: %w", err)
	}
	return nil
}

func parseDeps(out []byte) (*Deps, error) {
	d := &Deps{imports: map[string][]string{}}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			ImportPath string
			Imports    []string
			Error      *struct{ Err string }
		}
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return d, nil
		case err != nil:
			return nil, fmt.Errorf("read the list of packages: %w", err)
		case p.Error != nil:
			return nil, fmt.Errorf("package %s: %s", p.ImportPath, p.Error.Err)
		}
		d.imports[p.ImportPath] = p.Imports
	}
}

// explain adds what the go command printed to its exit status.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}

// Packages returns all packages in the list, sorted.
func (d *Deps) Packages() []string {
	all := make([]string, 0, len(d.imports))
	for p := range d.imports {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Imports returns what a package imports directly.
func (d *Deps) Imports(pkg string) []string { return d.imports[pkg] }

// Chain returns a shortest way from a package to one that it needs, both
// included, or nil when it does not need it.
func (d *Deps) Chain(from, to string) []string {
	type step struct {
		pkg  string
		back *step
	}
	seen := map[string]bool{from: true}
	for queue := []*step{{pkg: from}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at.pkg == to {
			var chain []string
			for s := at; s != nil; s = s.back {
				chain = append(chain, s.pkg)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, next := range d.imports[at.pkg] {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, &step{pkg: next, back: at})
			}
		}
	}
	return nil
}

// In tells whether a package is tree itself or below it.
func In(pkg, tree string) bool {
	return pkg == tree || strings.HasPrefix(pkg, tree+"/")
}

// Ban is a package, with all below it, that must not be linked in, and why.
type Ban struct {
	Tree   string
	Reason string
	// Alone leaves the packages below Tree out of the ban.
	Alone bool
}

// CheckBans fails the test for each package that from needs and that is banned,
// and tells through which imports it comes.
func CheckBans(t testing.TB, d *Deps, from string, bans []Ban) {
	t.Helper()
	for _, pkg := range d.Packages() {
		for _, ban := range bans {
			if !In(pkg, ban.Tree) || ban.Alone && pkg != ban.Tree {
				continue
			}
			if chain := d.Chain(from, pkg); chain != nil {
				t.Errorf("%s must not need %s: %s\n\t%s", from, pkg, ban.Reason, strings.Join(chain, "\n\t→ "))
			}
		}
	}
}
