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
	"slices"
	"strings"
	"sync"
	"testing"
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
		need(t, program)
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

// The main classes of bind/android/jvmtest.
const (
	javaScenario   = "io.github.parleyrtc.jvmtest.Scenario"
	kotlinScenario = "io.github.parleyrtc.jvmtest.KotlinScenarioKt"
)

// badInput are checks of both: nothing where something is wanted and what was
// closed, a thousand threads, callbacks that do everything, callbacks that are
// freed while they run.
var badInput = []string{"nothing", "threads", "callbacks", "freed"}

// TestJVM is the scenario in Java, over the classes that gobind makes.
func TestJVM(t *testing.T) {
	j := newJVM(t)
	s := newScenario(t, flatJava)
	s.checks = append(slices.Clone(checks), badInput...)
	s.checks = append(s.checks, "throwing")
	s.run(nil, "java", j.args(javaScenario)...)
}

// TestKotlin is the scenario in Kotlin, over the layer for Android.
func TestKotlin(t *testing.T) {
	j := newJVM(t)
	s := newScenario(t, flatJava)
	s.checks = append(slices.Clone(checks), badInput...)
	s.checks = append(s.checks, "throwing", "java")
	s.run(nil, "java", j.args(kotlinScenario)...)
}

// knownWarning is what gobind's code leaves undone in every callback: the layer
// lets no exception out of them that there would be to check for.
const knownWarning = "JNI call made without checking exceptions when required to from"

// TestKotlin_CheckJNI lets the Java machine check every call of its native
// interface. An error in what is passed ends the program.
func TestKotlin_CheckJNI(t *testing.T) { checkJNI(t, kotlinScenario) }

// TestJVM_CheckJNI does it without the layer, which lets no exception pass.
func TestJVM_CheckJNI(t *testing.T) { checkJNI(t, javaScenario) }

func checkJNI(t *testing.T, class string) {
	j := newJVM(t)
	s := newScenario(t, flatJava)
	s.checks = append(slices.Clone(checks), badInput...)
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	cmd := s.command(ctx, []string{"PARLEY_CALLS=2", "PARLEY_CHECK_JNI=1"}, "java", j.args(class, "-Xcheck:jni", "-XX:+DisplayVMOutputToStderr")...)
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

// TestKotlin_Shrunk is the scenario as R8 leaves an application that has the
// AAR's rules and no others: what Go looks up by name is there, and all else has
// another name.
func TestKotlin_Shrunk(t *testing.T) {
	j := newJVM(t)
	out := t.TempDir()
	if said, err := script(t, "jvmtest/shrink", j.folder, out); err != nil {
		t.Fatalf("shrink: %v\n%s", err, said)
	}
	names, err := os.ReadFile(filepath.Join(out, "names.txt"))
	if err != nil || bytes.Contains(names, []byte("parleyrtc.CallAgent -> io.github.")) || !bytes.Contains(names, []byte("parleyrtc.CallAgent -> ")) {
		t.Errorf("R8 has left the layer its names: %v", err)
	}
	s := newScenario(t, flatJava)
	s.checks = append(slices.Clone(checks), "threads", "throwing", "java")
	s.run([]string{"PARLEY_CALLS=2", "PARLEY_SHRUNK=1"}, "java", "-Xmx256m", "-Djava.library.path="+filepath.Join(j.folder, "lib"),
		"-cp", filepath.Join(out, "shrunk.jar"), kotlinScenario)
}

// script runs a script of bind/android and returns what it says.
func script(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), filepath.Join(root, "bind", "android", name), args...).CombinedOutput()
}

// TestAndroidSample compiles the sample application against the classes of
// Android 14, with stubs of Firebase. It runs on Android 8.
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
	kotlin, java := readmePrograms(t, out)
	sources = append(sources, kotlin)
	classpath := strings.Join([]string{filepath.Join(j.folder, "kotlin"), filepath.Join(j.folder, "classes"), out}, ":")
	kotlinJars := filepath.Join(j.jars, "kotlin-stdlib-2.2.20.jar") + ":" + filepath.Join(j.jars, "kotlinx-coroutines-core-jvm-1.10.2.jar")
	if err := carryOut(exec.CommandContext(t.Context(), "javac", "-cp", classpath+":"+kotlinJars, "-d", out, java)); err != nil {
		t.Error(err)
	}
	if said, err := script(t, "kotlinc", append([]string{"-cp", classpath, "-d", out}, sources...)...); err != nil {
		t.Fatalf("kotlinc: %v\n%s", err, said)
	}
	if said, err := script(t, "levels/check", "26", "sample.txt", filepath.Join(out, "io")); err != nil {
		t.Errorf("levels: %v\n%s", err, said)
	}
}

// readmePrograms lays out the two programs that bind/android/README.md begins
// with, in a frame that has what they name.
func readmePrograms(t *testing.T, folder string) (kotlin, java string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "bind", "android", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	program := func(file, language, before, after string) string {
		_, rest, _ := strings.Cut(string(readme), "```"+language+"\n")
		code, _, found := strings.Cut(rest, "\n```")
		if !found {
			t.Fatalf("README.md has no program in %s", language)
		}
		path := filepath.Join(folder, file)
		if err := os.WriteFile(path, []byte(before+code+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kotlin = program("Readme.kt", "kotlin", `import io.github.parleyrtc.*
import io.github.parleyrtc.android.AudioDevice

suspend fun readme(context: android.content.Context, token: String, ring: (IncomingCall) -> Unit) {
`, "\n}\n")
	java = program("Readme.java", "java", `import io.github.parleyrtc.*;

abstract class Readme {
    interface BackEnd { String token() throws java.io.IOException; }
    abstract void show(String text);
    void program(Parley parley, BackEnd backEnd) throws Exception {
`, "\n    }\n}\n")
	return kotlin, java
}

// TestAndroidLevels: the library runs on Android 5, although it is compiled
// against Android 14.
func TestAndroidLevels(t *testing.T) {
	j := newJVM(t)
	classes := []string{filepath.Join(j.folder, "classes"), filepath.Join(j.folder, "kotlin")}
	if said, err := script(t, "levels/check", append([]string{"21", "library.txt"}, classes...)...); err != nil {
		t.Errorf("levels: %v\n%s", err, said)
	}
	// Without the layer nothing asks.
	if said, err := script(t, "levels/check", "21", "library.txt", classes[0]); err == nil || !strings.Contains(string(said), "not used any more: android.media.AudioFocusRequest") {
		t.Errorf("levels does not look: %v\n%s", err, said)
	}
}

// TestAndroidReference makes the pages of the Kotlin layer, for which all that is
// public must have a comment.
func TestAndroidReference(t *testing.T) {
	newJVM(t)
	need(t, "javadoc")
	out := t.TempDir()
	if said, err := script(t, "reference", out); err != nil {
		t.Fatalf("reference: %v\n%s", err, said)
	}
	for page, says := range map[string]string{
		"index.html": "io.github.parleyrtc",
		"parley-android/io.github.parleyrtc/-call/hang-up.html": "Leaves the call",
		"generated/io/github/parleyrtc/mobile/Call.html":        "hangUp",
	} {
		if text, err := os.ReadFile(filepath.Join(out, page)); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v", page, says, err)
		}
	}
	bare := filepath.Join(t.TempDir(), "Bare.kt")
	if err := os.WriteFile(bare, []byte("package bare\n\npublic class Bare\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := script(t, "dokka/pages", t.TempDir(), filepath.Dir(bare)); err == nil || !strings.Contains(string(said), "Undocumented: bare/Bare") {
		t.Errorf("a class without a comment: %v\n%s", err, said)
	}
}

// TestAAR puts the archive together with a library of this computer in the
// place of the phone's, and breaks what the check has to see.
func TestAAR(t *testing.T) {
	j := newJVM(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the stand-in is a library for amd64")
	}
	need(t, "python3")
	library, err := os.ReadFile(filepath.Join(j.folder, "lib", "libgojni.so"))
	if err != nil {
		t.Fatal(err)
	}
	licenses := licensesOf(t, filepath.Join(j.folder, "lib", "libgojni.so"))
	for name, c := range map[string]struct {
		abi     string
		library []byte
		classes []string
		without string // the license that is left out
		says    string
	}{
		"whole":                {abi: "x86_64", library: library, classes: []string{"classes", "kotlin"}},
		"without the layer":    {abi: "x86_64", library: library, classes: []string{"classes"}, says: "Parley.class is missing"},
		"another processor":    {abi: "arm64-v8a", library: library, classes: []string{"classes", "kotlin"}, says: "of another processor"},
		"pages of 4 KB":        {abi: "x86_64", library: smallPages(t, library), classes: []string{"classes", "kotlin"}, says: "aligned to 4096"},
		"no library of gobind": {abi: "x86_64", library: bytes.ReplaceAll(library, []byte("Java_go_Seq_init"), []byte("Java_no_Seq_init")), classes: []string{"classes", "kotlin"}, says: "no Java_go_Seq_init"},
		"a license less":       {abi: "x86_64", library: library, classes: []string{"classes", "kotlin"}, without: "github.com/pion/webrtc/", says: "nothing of github.com/pion/webrtc/"},
		"nothing of libopus":   {abi: "x86_64", library: append(bytes.Clone(library), "opusstatic"...), classes: []string{"classes", "kotlin"}, says: "nothing of libopus"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			jni := filepath.Join(folder, "jni", c.abi)
			if err := errors.Join(os.MkdirAll(jni, 0o700), os.WriteFile(filepath.Join(jni, "libgojni.so"), c.library, 0o600)); err != nil {
				t.Fatal(err)
			}
			aar := filepath.Join(folder, "parley.aar")
			others := filepath.Join(folder, "licenses.txt")
			if err := os.WriteFile(others, bytes.ReplaceAll(licenses, []byte("\n"+c.without), []byte("\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{aar, filepath.Dir(jni), others}
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

// licensesOf tells those of what is linked into a library, as a release has them.
func licensesOf(t *testing.T, library string) []byte {
	t.Helper()
	tool, copied := filepath.Join(t.TempDir(), "release"), filepath.Join(t.TempDir(), "library")
	data, err := os.ReadFile(library)
	if err := errors.Join(err, os.WriteFile(copied, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"go", "-C", "../../internal/tools/release", "build", "-o", tool, "."}, {tool, "contents", copied}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if data, err = os.ReadFile(copied + ".licenses.txt"); err != nil {
		t.Fatal(err)
	}
	return data
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
