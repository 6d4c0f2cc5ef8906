//go:build bind

package bind_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// libraryC builds the C library into a folder with scripts/bind-c, as `make
// bind-c` does.
func libraryC(t *testing.T, variant string) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	execute(t, exec.Command(filepath.Join(root, "scripts", "bind-c"), variant, folder))
	return folder
}

// delivered is the library for this machine as it is delivered, libopus inside.
func delivered(t *testing.T) string {
	t.Helper()
	slice := "linux-" + runtime.GOARCH
	return filepath.Join(libraryC(t, slice), slice)
}

// execute runs a command that must succeed.
func execute(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// need is a program that a test cannot do without.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		testkit.Missing(t, fmt.Sprintf("%v; scripts/setup bind installs it", err))
	}
}

const bindC = "../../bind/c"

// scenarioC is the program that all of these tests run.
var scenarioC = filepath.Join(bindC, "examples", "scenario.c")

// compileC builds a program against the library with what pkg-config says.
func compileC(t *testing.T, compiler, source, library string, static bool, flags ...string) string {
	t.Helper()
	need(t, compiler)
	need(t, "pkg-config")
	options := []string{"--cflags", "--libs"}
	if static {
		options = append(options, "--static")
	}
	query := exec.Command("pkg-config", append(options, "parley")...)
	query.Env = append(os.Environ(), "PKG_CONFIG_PATH="+filepath.Join(library, "lib", "pkgconfig"))
	program := filepath.Join(t.TempDir(), "program")
	args := append([]string{"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o", program, source}, flags...)
	args = append(args, strings.Fields(execute(t, query))...)
	execute(t, exec.Command(compiler, append(args, "-lpthread")...))
	return program
}

// newScenarioC is a scenario of the program in C, which does more than the others.
func newScenarioC(t *testing.T) *scenario {
	t.Helper()
	s := newScenario(t, append(slices.Clone(flatC), "rss-kB"), "--fcm", testkit.PushAccount(t))
	s.checks = append(slices.Clone(checks), "controls", "threads", "phone")
	return s
}

// TestC runs the scenario against the shared library that is delivered.
func TestC(t *testing.T) {
	library := delivered(t)
	program := compileC(t, "gcc", scenarioC, library, false)
	newScenarioC(t).run([]string{"LD_LIBRARY_PATH=" + filepath.Join(library, "lib")}, program)
}

// TestCSanitized runs it against the static library, both with AddressSanitizer.
func TestCSanitized(t *testing.T) {
	library := libraryC(t, "asan")
	program := compileC(t, "gcc", scenarioC, library, true, "-fsanitize=address")
	s := newScenarioC(t)
	// Calls cost more here, and so do threads.
	s.run([]string{"PARLEY_CALLS=20", "PARLEY_THREADS=200", "ASAN_OPTIONS=detect_leaks=1:halt_on_error=1"}, program)
}

// declaredC lists the functions of the header.
func declaredC(t *testing.T) []string {
	t.Helper()
	header, err := os.ReadFile(filepath.Join(bindC, "parley.h"))
	if err != nil {
		t.Fatal(err)
	}
	declarations := string(header)
	declarations = declarations[strings.Index(declarations, "#ifndef PARLEY_NO_PROTOTYPES"):]
	var declared []string
	for _, m := range regexp.MustCompile(`(?m)^[a-z].*?\b(parley_[a-z_]+)\(`).FindAllStringSubmatch(declarations, -1) {
		declared = append(declared, m[1])
	}
	if len(declared) < 50 {
		t.Fatalf("%d functions found in the header", len(declared))
	}
	return declared
}

// TestCSymbols holds what the library exports against what the header declares.
func TestCSymbols(t *testing.T) {
	need(t, "nm")
	declared := declaredC(t)
	library := filepath.Join(delivered(t), "lib", "libparley.so.0")
	var exported []string
	for line := range strings.Lines(execute(t, exec.Command("nm", "-D", "--defined-only", library))) {
		fields := strings.Fields(line)
		// The name of the version itself is an absolute symbol.
		if name := fields[2]; fields[1] != "A" {
			name, version, _ := strings.Cut(name, "@@")
			if version != "PARLEY_0" {
				t.Errorf("%s has the version %q", name, version)
			}
			exported = append(exported, name)
		}
	}
	slices.Sort(declared)
	slices.Sort(exported)
	if !slices.Equal(declared, exported) {
		t.Errorf("declared: %v\nexported: %v", declared, exported)
	}
	dynamic := execute(t, exec.Command("readelf", "-d", "-lW", library))
	if !strings.Contains(dynamic, "[libparley.so.0]") {
		t.Errorf("the soname is another one on %s:\n%s", runtime.GOARCH, dynamic)
	}
	for line := range strings.Lines(dynamic) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "LOAD" && f[len(f)-1] != "0x4000" {
			t.Errorf("not for pages of 16 KB: %s", line)
		}
	}
}

// TestCWindows builds the library for Windows, holds what it exports against what
// the header declares, and links a program to it.
func TestCWindows(t *testing.T) {
	const compiler = "x86_64-w64-mingw32-gcc"
	need(t, compiler)
	folder := filepath.Join(libraryC(t, "windows-amd64"), "windows-amd64")
	library := filepath.Join(folder, "parley.dll")
	tables := execute(t, exec.Command("x86_64-w64-mingw32-objdump", "-p", library))
	_, names, _ := strings.Cut(tables, "[Ordinal/Name Pointer] Table")
	var exported []string
	for _, m := range regexp.MustCompile(`(?m)^\s+\[ *\d+\].*\b(parley_[a-z_]+)$`).FindAllStringSubmatch(names, -1) {
		exported = append(exported, m[1])
	}
	declared := declaredC(t)
	slices.Sort(declared)
	slices.Sort(exported)
	if !slices.Equal(declared, exported) {
		t.Errorf("declared: %v\nexported: %v", declared, exported)
	}
	source := filepath.Join(t.TempDir(), "program.c")
	text := "#include <parley.h>\nint main(void) { return parley_version()[0] == 0 || parley_error_text(0)[0] == 0; }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, exec.Command(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", folder, "-o", filepath.Join(t.TempDir(), "program.exe"), source, library))
}

// TestCReference makes the pages of the header, which fails for what is not
// documented.
func TestCReference(t *testing.T) {
	need(t, "doxygen")
	make := filepath.Join(bindC, "reference")
	folder := t.TempDir()
	execute(t, exec.Command(make, folder))
	var pages strings.Builder
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".html") {
			var page []byte
			page, err = os.ReadFile(path)
			pages.Write(page)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range declaredC(t) {
		if !strings.Contains(pages.String(), ">"+name+"</a>") {
			t.Errorf("%s is on no page", name)
		}
	}
	poor := filepath.Join(t.TempDir(), "poor.h")
	if err := os.WriteFile(poor, []byte("/** @file */\n/** Documented. */\nint good(void);\nint poor(void);\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(make, t.TempDir(), poor).CombinedOutput(); err == nil || !strings.Contains(string(out), "poor(void)") {
		t.Errorf("a function without a comment is nothing to complain about: %v\n%s", err, out)
	}
}
