//go:build bind

package bind_test

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestOpusStatic builds libopus for this machine and for arm64 from its release
// source, and runs the tests of the codec with it.
func TestOpusStatic(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "../../scripts/opus-check").CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// TestVoice_OfBuildsForPhones calls with the two ways that a build for phones
// carries the voice: libopus inside of it, and G.722 when it was told to do without.
func TestVoice_OfBuildsForPhones(t *testing.T) {
	for name, tag := range map[string]string{"Opus inside": "opusstatic", "without Opus": "nolibopus"} {
		t.Run(name, func(t *testing.T) {
			if tag == "opusstatic" {
				out, err := exec.CommandContext(t.Context(), "../../scripts/opus-static", runtime.GOOS+"-"+runtime.GOARCH).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			program := filepath.Join(t.TempDir(), "program")
			out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", tag, "-o", program, "./go").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			newScenario(t, flatGo).run([]string{"PARLEY_CALLS=10"}, program)
		})
	}
}
