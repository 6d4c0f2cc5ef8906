//go:build bind

package bind_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/media"
)

// slowly is the environment of a machine that is so many times slower: less of
// everything, and patience.
func slowly(t *testing.T, s *scenario, times int) []string {
	t.Helper()
	var said bytes.Buffer
	path := filepath.Join(t.TempDir(), "word.pcm")
	if err := errors.Join(binary.Write(&said, binary.LittleEndian, s.speech[:media.AudioSampleRate]), os.WriteFile(path, said.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.slow = true
	return []string{"PARLEY_SPEECH=" + path, "PARLEY_CALLS=0", "PARLEY_THREADS=20", "PARLEY_SLOW=" + strconv.Itoa(times)}
}

// TestCArm64 runs the scenario, a shorter one, with the library for linux/arm64
// that is delivered, under an emulator.
func TestCArm64(t *testing.T) {
	need(t, "aarch64-linux-gnu-gcc")
	need(t, "qemu-aarch64")
	library := filepath.Join(libraryC(t, "linux-arm64"), "linux-arm64")
	program := compileC(t, "aarch64-linux-gnu-gcc", scenarioC, library, false)
	s := newScenarioC(t)
	const system = "/usr/aarch64-linux-gnu"
	s.perform(slowly(t, s, 10), "qemu-aarch64", "-L", system, "-E", "LD_LIBRARY_PATH="+filepath.Join(library, "lib"), program)
}

// underValgrind is the environment of a program under valgrind: Go's collector,
// and its preemption by signals, stay out of the way.
func underValgrind() []string { return []string{"GOGC=off", "GODEBUG=asyncpreemptoff=1"} }

// TestCValgrind runs the scenario, a shorter one, under valgrind, once with each
// of two tools: no memory is read or written that must not be, nothing depends on
// what was never written, and what was given out was freed. memcheck could not do
// the last: it needs a library that tells it what Go's memory is, and then does
// not find its way through all of that.
func TestCValgrind(t *testing.T) {
	need(t, "valgrind")
	t.Run("memcheck", memcheck)
	t.Run("dhat", dhat)
}

func memcheck(t *testing.T) {
	suppressions, err := filepath.Abs(filepath.Join("testdata", "valgrind.supp"))
	if err != nil {
		t.Fatal(err)
	}
	options := []string{"--leak-check=no", "--error-exitcode=99", "--num-callers=30", "--fair-sched=yes", "--suppressions=" + suppressions}
	library := libraryC(t, "valgrind")
	program := compileC(t, "gcc", filepath.Join("testdata", "misuse.c"), library, true)
	for how, finding := range map[string]string{
		"nothing": "ERROR SUMMARY: 0 errors",
		// The program reads behind a text of the library.
		"overread": "Invalid read",
		// The library, in Go, reads behind a struct of the program whose size is wrong.
		"size": "Invalid read",
		// The library, in Go, decides by a size that the program never wrote.
		"undefined": "uninitialised",
	} {
		cmd := exec.Command("valgrind", slices.Concat(options, []string{program, how})...)
		cmd.Env = append(os.Environ(), underValgrind()...)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), finding) || (err == nil) != (how == "nothing") {
			t.Errorf("%q: %q was not found, %v:\n%s", how, finding, err, out)
		}
	}
	s := newScenarioC(t)
	s.perform(append(underValgrind(), slowly(t, s, 10)...), "valgrind", slices.Concat(options, []string{compileC(t, "gcc", scenarioC, library, true)})...)
}

func dhat(t *testing.T) {
	report := filepath.Join(t.TempDir(), "dhat.json")
	options := []string{"--tool=dhat", "--num-callers=12", "--fair-sched=yes", "--dhat-out-file=" + report}
	library := libraryC(t, "static")
	program := compileC(t, "gcc", filepath.Join("testdata", "misuse.c"), library, true)
	for how, want := range map[string]int{
		"nothing": 0,
		// A text of the library is not freed.
		"leak": 1,
	} {
		cmd := exec.Command("valgrind", slices.Concat(options, []string{program, how})...)
		cmd.Env = append(os.Environ(), underValgrind()...)
		execute(t, cmd)
		if lost := lost(t, report); len(lost) != want {
			t.Errorf("%q: %d were not freed, not %d: %s", how, len(lost), want, strings.Join(lost, "\n"))
		}
	}
	s := newScenarioC(t)
	s.perform(append(underValgrind(), slowly(t, s, 10)...), "valgrind", slices.Concat(options, []string{compileC(t, "gcc", scenarioC, library, true)})...)
	for _, stack := range lost(t, report) {
		t.Errorf("not freed: %s", stack)
	}
}

// lost tells from DHAT's report what a program had not freed at its end.
func lost(t *testing.T, report string) []string {
	t.Helper()
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var dhat struct {
		Points []struct {
			Bytes  int   `json:"tb"`
			AtEnd  int   `json:"eb"`
			Frames []int `json:"fs"`
		} `json:"pps"`
		Frames []string `json:"ftbl"`
	}
	if err := json.Unmarshal(data, &dhat); err != nil {
		t.Fatal(err)
	}
	given := 0
	var lost []string
	for _, p := range dhat.Points {
		given += p.Bytes
		var stack strings.Builder
		for _, f := range p.Frames {
			stack.WriteString("\n  " + dhat.Frames[f])
		}
		// What the system's own library keeps to its end: room of threads, which in
		// Go live on, and of the program's standard output.
		own := strings.Contains(stack.String(), "_dl_allocate_tls") || strings.Contains(stack.String(), "_IO_file_doallocate")
		if p.AtEnd > 0 && !own {
			lost = append(lost, strconv.Itoa(p.AtEnd)+" bytes"+stack.String())
		}
	}
	if given == 0 {
		t.Fatal("DHAT's report has nothing that was given out")
	}
	return lost
}
