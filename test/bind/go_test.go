//go:build bind

package bind_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGo runs the pattern of the others, without a border in between.
func TestGo(t *testing.T) {
	program := filepath.Join(t.TempDir(), "go")
	if out, err := exec.Command("go", "build", "-o", program, "./go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	newScenario(t, flatGo).run(nil, program)
}
