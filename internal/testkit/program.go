package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// Program builds one of this module's programs, "cmd/parley", and returns its
// path. It is built as the test binary is, without the race detector. What was
// built last is kept between test runs, so that an unchanged program costs no
// second link.
func Program(t testing.TB, pkg string) string {
	t.Helper()
	path, err := buildProgram(pkg, t.TempDir())
	if err != nil {
		t.Fatalf("testkit: build %s: %v", pkg, err)
	}
	return path
}

func buildProgram(pkg, folder string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", explain(err))
	}
	root := strings.TrimSpace(string(out))
	if err := watchSources(root); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "parley-tests", strings.ReplaceAll(strings.Trim(root, "/\\"), string(filepath.Separator), "-"))
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return "", err
	}
	unlock, err := lockFile(filepath.Join(kept, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	built := filepath.Join(kept, filepath.Base(pkg))
	args := []string{"build", "-o", built}
	if tags := buildTags(); tags != "" {
		args = append(args, "-tags", tags)
	}
	cmd := exec.Command("go", append(args, "./"+pkg)...) //nolint:gosec // G204: our own packages
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	// A copy: the next build must not change a program that runs.
	data, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, filepath.Base(built))
	return path, os.WriteFile(path, data, 0o700) //nolint:gosec // G306: a program
}

// buildTags are those that this test binary was built with.
func buildTags() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			return s.Value
		}
	}
	return ""
}
