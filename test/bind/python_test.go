//go:build bind

package bind_test

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestPython runs the scenario from Python, over the C library with ctypes.
func TestPython(t *testing.T) {
	need(t, "python3")
	library := filepath.Join(libraryC(t, "shared"), "lib", "libparley.so.0")
	s := newScenario(t, append(slices.Clone(flatC), "callbacks"))
	s.checks = append(slices.Clone(checks), "phone")
	s.run([]string{"PARLEY_LIBRARY=" + library}, "python3", filepath.Join(bindC, "examples", "parley.py"))
}
