//go:build bind

package bind_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// slackProgram tells the slack of its own timers before and after Go's start,
// and that of a thread of the library, in nanoseconds.
const slackProgram = `
#include <dlfcn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "parley.h"
static int theirs;
static int32_t refresh(void *user, char *token, size_t capacity) {
  (void)user, (void)token, (void)capacity;
  if (gettid() != getpid()) theirs = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  return -1;
}
#define FIND(name) __typeof__(&name) find_##name = (__typeof__(&name))dlsym(library, #name)
int main(int argc, char **argv) {
  int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) return 1;
  FIND(parley_client_new);
  FIND(parley_credential_new);
  FIND(parley_agent_new);
  parley_handle client, credential, agent;
  parley_client_options options = {.size = sizeof options, .endpoint = "https://127.0.0.1:1"};
  parley_credential_callbacks tokens = {.size = sizeof tokens, .refresh_token = refresh};
  if (find_parley_client_new(&options, NULL, &client) != 0 || find_parley_credential_new("", &tokens, &credential) != 0) return 2;
  find_parley_agent_new(client, credential, NULL, NULL, &agent);
  printf("%d %d %d\n", before, prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), theirs);
  return 0;
}
`

// TestTimerSlack: the library's threads let their timers be put off, and the
// thread that loads the library is left as it was.
func TestTimerSlack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux and Android have it")
	}
	library := libraryC(t, "shared")
	folder := t.TempDir()
	source, program := filepath.Join(folder, "slack.c"), filepath.Join(folder, "slack")
	if err := os.WriteFile(source, []byte(slackProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, exec.Command("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-I", filepath.Join(library, "include"), "-o", program, source, "-ldl"))
	said := execute(t, exec.Command(program, filepath.Join(library, "lib", "libparley.so")))
	var before, after, theirs int
	if _, err := fmt.Sscan(strings.TrimSpace(said), &before, &after, &theirs); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	if before <= 0 || after != before || theirs != 1_000_000 {
		t.Errorf("the slack was %d ns, is %d ns, and %d ns in the library", before, after, theirs)
	}
}
