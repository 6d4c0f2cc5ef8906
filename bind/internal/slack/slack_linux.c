/* Threads inherit the slack of their timers from the thread that creates them
 * (prctl(2)), so it is set around the start of Go, which is a constructor
 * itself: it has no priority, and stands before those of this file. */
#include <sys/prctl.h>

enum { SLACK = 1000000 }; /* nanoseconds */

static int before;

__attribute__((constructor(101))) static void loosen(void) {
  before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  if (before > 0 && before < SLACK) prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0);
}

/* The thread that loads the library is none of ours. */
__attribute__((constructor)) static void restore(void) {
  if (before > 0 && before < SLACK) prctl(PR_SET_TIMERSLACK, before, 0, 0, 0);
}
