//go:build bind

package bind_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// missingProgram is what build scripts of the bindings end with when something
// is not installed.
const missingProgram = 3

// TestObjectiveC runs the classes that gobind generates for Apple's platforms
// under GNUstep. They are transformed for it (bind/ios/objctest/gnustep.py): what
// is tested is the selectors, the conversions, the counting of references on the
// Go side and what Go does, not Apple's runtime.
func TestObjectiveC(t *testing.T) {
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "../../bind/ios/objctest/build", folder)
	out, err := build.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == missingProgram {
		testkit.Missing(t, string(out))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := newScenario(t, flatObjC)
	s.checks = append([]string{"hold", "outbox", "references", "threads", "nothing", "throws", "calls back", "freed", "voice unit"}, checks...)
	s.run(nil, filepath.Join(folder, "objctest"))
}
