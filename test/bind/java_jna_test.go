//go:build bind

package bind_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestJavaJNA runs the scenario from Java, over the C library with JNA.
func TestJavaJNA(t *testing.T) {
	need(t, "javac")
	need(t, "mvn")
	library := filepath.Join(libraryC(t, "shared"), "lib", "libparley.so.0")
	// Maven writes beside its pom.xml: that is a copy.
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(bindC, "examples", "java"))); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("mvn", "--batch-mode", "--no-transfer-progress", "--quiet", "compile", "dependency:copy-dependencies")
	build.Dir = folder
	execute(t, build)
	classes := filepath.Join(folder, "target", "classes") + string(os.PathListSeparator) + filepath.Join(folder, "target", "dependency", "*")
	newScenario(t, append(slices.Clone(flatC), "callbacks", "java-heap-kB")).run([]string{"PARLEY_LIBRARY=" + library}, "java", "-cp", classes, "Scenario")
}
