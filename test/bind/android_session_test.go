//go:build bind

package bind_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAndroidSession runs the part of the sample that signs in, takes calls and
// keeps what is a user's, against a service. What it needs of Android is stood in
// for by classes of a few lines, in bind/android/jvmtest/sample.
func TestAndroidSession(t *testing.T) {
	j := newJVM(t)
	layer := strings.Join([]string{
		filepath.Join(j.folder, "kotlin"), filepath.Join(j.folder, "classes"),
		filepath.Join(j.jars, "kotlin-stdlib-2.2.20.jar"), filepath.Join(j.jars, "kotlinx-coroutines-core-jvm-1.10.2.jar"),
	}, ":")
	stand := filepath.Join(root, "bind", "android", "jvmtest", "sample")
	sources := strings.Fields(execute(t, exec.CommandContext(t.Context(), "find", filepath.Join(stand, "java"), "-name", "*.java")))
	inPlace, program := t.TempDir(), t.TempDir()
	if err := carryOut(exec.CommandContext(t.Context(), "javac", append([]string{"-cp", layer, "-d", inPlace}, sources...)...)); err != nil {
		t.Fatal(err)
	}
	if said, err := script(t, "kotlinc", "-cp", layer, "-d", program,
		filepath.Join(root, "bind/android/sample/src/main/kotlin/io/github/parleyrtc/sample/Session.kt"),
		filepath.Join(stand, "kotlin", "SessionScenario.kt")); err != nil {
		t.Fatalf("kotlinc: %v\n%s", err, said)
	}
	s := newScenario(t, nil)
	s.checks = []string{"called at once", "signed out by the service", "another user"}
	s.perform([]string{"PARLEY_CALLS=0"}, "java", "-Xmx256m", "-Djava.library.path="+filepath.Join(j.folder, "lib"),
		"-cp", inPlace+":"+program+":"+layer, "io.github.parleyrtc.sample.SessionScenarioKt")
}
