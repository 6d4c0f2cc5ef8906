//go:build bind

package bind_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

// slackProgram tells the slack of its own timers before a library is there, then
// that of each thread, in nanoseconds; 0 is one that it may not know.
const slackProgram = `
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include "parley.h"
#define FIND(name) __typeof__(&name) find_##name = (__typeof__(&name))dlsym(library, #name)
int main(int argc, char **argv) {
  printf("%d\n", (int)prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) return 1;
  FIND(parley_client_new);
  parley_handle client;
  parley_client_options options = {.size = sizeof options, .endpoint = "https://127.0.0.1:1"};
  if (find_parley_client_new(&options, NULL, &client) != 0) return 2;
  DIR *threads = opendir("/proc/self/task");
  for (struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
    char path[300];
    int slack = 0;
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%s/timerslack_ns", entry->d_name);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%d", &slack) != 1) slack = 0;
    if (f != NULL) fclose(f);
    printf("%d\n", slack);
  }
  return 0;
}
`

// TestTimerSlack: one thread of the library, which watches over the others, lets
// its timers be put off; all others are as they were, those of the program too.
func TestTimerSlack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux and Android have it")
	}
	need(t, "gcc")
	library := libraryC(t, "shared")
	folder := t.TempDir()
	source, program := filepath.Join(folder, "slack.c"), filepath.Join(folder, "slack")
	if err := os.WriteFile(source, []byte(slackProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, exec.Command("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-I", filepath.Join(library, "include"), "-o", program, source, "-ldl"))
	said := strings.Fields(execute(t, exec.Command(program, filepath.Join(library, "lib", "libparley.so"))))
	if len(said) < 1+3 {
		t.Fatalf("%v: too few threads", said)
	}
	if slices.Contains(said, "0") {
		testkit.Missing(t, "the system does not tell about other threads: it needs CAP_SYS_NICE")
	}
	before, loose := said[0], 0
	for _, slack := range said[1:] {
		switch slack {
		case before:
		case "5000000":
			loose++
		default:
			t.Errorf("a thread has a slack of %s ns", slack)
		}
	}
	if loose != 1 {
		t.Errorf("%d threads let their timers be put off: %v", loose, said)
	}
}
