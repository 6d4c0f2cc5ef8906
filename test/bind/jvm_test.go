//go:build bind

package bind_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// root is the top of the module.
const root = "../.."

// jvm is the library for Android as it was built for the Java machine of this
// computer.
type jvm struct {
	folder string
	jars   string
}

var buildJVM = sync.OnceValues(func() (jvm, error) {
	jars, err := filepath.Abs(filepath.Join(root, "out", "jars"))
	if err != nil {
		return jvm{}, err
	}
	folder, err := filepath.Abs(filepath.Join(root, "out", "_jvm"))
	if err != nil {
		return jvm{}, err
	}
	j := jvm{folder: folder, jars: jars}
	for _, step := range []*exec.Cmd{
		exec.Command(filepath.Join(root, "bind", "android", "jars")),
		exec.Command(filepath.Join(root, "bind", "android", "jvmtest", "build"), folder),
	} {
		if err := carryOut(step); err != nil {
			return jvm{}, err
		}
	}
	return j, nil
})

func carryOut(step *exec.Cmd) error {
	if out, err := step.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(step.Path), err, out)
	}
	return nil
}

// newJVM builds the library, once for all tests.
func newJVM(t *testing.T) jvm {
	t.Helper()
	for _, program := range []string{"java", "javac", "mvn", "gcc"} {
		if _, err := exec.LookPath(program); err != nil {
			testkit.Missing(t, program+" is not installed: scripts/setup bind")
		}
	}
	j, err := buildJVM()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// args are the arguments of java for a main class.
func (j jvm) args(class string, options ...string) []string {
	classpath := []string{filepath.Join(j.folder, "classes"), filepath.Join(j.folder, "kotlin")}
	for _, jar := range []string{"kotlin-stdlib-2.2.20.jar", "kotlinx-coroutines-core-jvm-1.10.2.jar"} {
		classpath = append(classpath, filepath.Join(j.jars, jar))
	}
	return append(options, "-Xmx256m", "-Djava.library.path="+filepath.Join(j.folder, "lib"),
		"-cp", strings.Join(classpath, string(os.PathListSeparator)), class)
}

// TestJVM is the scenario in Java, over the classes that gobind makes.
func TestJVM(t *testing.T) {
	j := newJVM(t)
	newScenario(t).run(nil, "java", j.args("io.github.parleyrtc.jvmtest.Scenario")...)
}

// TestKotlin is the scenario in Kotlin, over the layer for Android.
func TestKotlin(t *testing.T) {
	j := newJVM(t)
	newScenario(t).run(nil, "java", j.args("io.github.parleyrtc.jvmtest.KotlinScenarioKt")...)
}

// knownWarning is what gobind's code leaves undone in every callback: the layer
// lets no exception out of them that there would be to check for.
const knownWarning = "JNI call made without checking exceptions when required to from"

// TestKotlin_CheckJNI lets the Java machine check every call of its native
// interface. An error in what is passed ends the program.
func TestKotlin_CheckJNI(t *testing.T) {
	j := newJVM(t)
	s := newScenario(t)
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	cmd := s.command(ctx, []string{"PARLEY_CALLS=2"}, "java",
		j.args("io.github.parleyrtc.jvmtest.KotlinScenarioKt", "-Xcheck:jni", "-XX:+DisplayVMOutputToStderr")...)
	var machine bytes.Buffer
	cmd.Stderr = &machine
	said, err := cmd.Output()
	t.Logf("%s", said)
	if err != nil {
		t.Errorf("%v\n%s", err, machine.Bytes()[max(0, machine.Len()-4000):])
	}
	kinds := regexp.MustCompile(`(?:WARNING|FATAL ERROR) in native method: ?[^\n]*`).FindAllString(machine.String(), -1)
	known := 0
	for _, kind := range kinds {
		if strings.Contains(kind, knownWarning) {
			known++
		} else {
			t.Errorf("the Java machine says: %s", kind)
		}
	}
	// Without any the check was off.
	if t.Logf("%d times: %s", known, knownWarning); known == 0 {
		t.Error("the Java machine has not checked")
	}
	s.judge(said)
}

// script runs a script of bind/android and returns what it says.
func script(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), filepath.Join(root, "bind", "android", name), args...).CombinedOutput()
}

// TestAndroidSample compiles the sample application against the classes of
// Android, with stubs of Firebase.
func TestAndroidSample(t *testing.T) {
	j := newJVM(t)
	out := t.TempDir()
	stubs := filepath.Join(root, "bind", "android", "stubs", "com", "google", "firebase", "messaging")
	android, err := filepath.Glob(filepath.Join(j.jars, "android-all-*.jar"))
	if err != nil || len(android) != 1 {
		t.Fatalf("the classes of Android: %v %v", android, err)
	}
	if err := carryOut(exec.CommandContext(t.Context(), "javac", "-nowarn", "-cp", android[0], "-d", out,
		filepath.Join(stubs, "FirebaseMessagingService.java"), filepath.Join(stubs, "RemoteMessage.java"))); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob(filepath.Join(root, "bind/android/sample/src/main/kotlin/io/github/parleyrtc/sample/*.kt"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("the sample's sources: %v %v", sources, err)
	}
	classpath := strings.Join([]string{filepath.Join(j.folder, "kotlin"), filepath.Join(j.folder, "classes"), out}, ":")
	if said, err := script(t, "kotlinc", append([]string{"-cp", classpath, "-d", out}, sources...)...); err != nil {
		t.Errorf("kotlinc: %v\n%s", err, said)
	}
}

// TestAAR puts the archive together with a library of this computer in the
// place of the phone's, and breaks what the check has to see.
func TestAAR(t *testing.T) {
	j := newJVM(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the stand-in is a library for amd64")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		testkit.Missing(t, "python3 is not installed")
	}
	library, err := os.ReadFile(filepath.Join(j.folder, "lib", "libgojni.so"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		abi     string
		library []byte
		classes []string
		says    string
	}{
		"whole":                {abi: "x86_64", library: library, classes: []string{"classes", "kotlin"}},
		"without the layer":    {abi: "x86_64", library: library, classes: []string{"classes"}, says: "Parley.class is missing"},
		"another processor":    {abi: "arm64-v8a", library: library, classes: []string{"classes", "kotlin"}, says: "of another processor"},
		"pages of 4 KB":        {abi: "x86_64", library: smallPages(t, library), classes: []string{"classes", "kotlin"}, says: "aligned to 4096"},
		"no library of gobind": {abi: "x86_64", library: bytes.ReplaceAll(library, []byte("Java_go_Seq_init"), []byte("Java_no_Seq_init")), classes: []string{"classes", "kotlin"}, says: "no Java_go_Seq_init"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			jni := filepath.Join(folder, "jni", c.abi)
			if err := errors.Join(os.MkdirAll(jni, 0o700), os.WriteFile(filepath.Join(jni, "libgojni.so"), c.library, 0o600)); err != nil {
				t.Fatal(err)
			}
			aar := filepath.Join(folder, "parley.aar")
			args := []string{aar, filepath.Dir(jni)}
			for _, classes := range c.classes {
				args = append(args, filepath.Join(j.folder, classes))
			}
			if said, err := script(t, "aar", args...); err != nil {
				t.Fatalf("aar: %v\n%s", err, said)
			}
			said, err := script(t, "aar-check", aar, c.abi)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(string(said), c.says)) {
				t.Errorf("aar-check: %v\n%s", err, said)
			}
		})
	}
}

// smallPages returns the library with its segments aligned to 4 KB.
func smallPages(t *testing.T, library []byte) []byte {
	t.Helper()
	changed := bytes.Clone(library)
	table := binary.LittleEndian.Uint64(changed[32:])
	size, count := binary.LittleEndian.Uint16(changed[54:]), binary.LittleEndian.Uint16(changed[56:])
	for i := range uint64(count) {
		segment := changed[table+i*uint64(size):]
		if binary.LittleEndian.Uint32(segment) == 1 {
			binary.LittleEndian.PutUint64(segment[48:], 4096)
		}
	}
	return changed
}
