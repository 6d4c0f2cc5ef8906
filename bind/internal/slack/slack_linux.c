/* Calls of pthread_create in the library come here (--wrap). Threads inherit the
 * slack of their timers from the thread that creates them (prctl(2)).
 *
 * In a library Go's first thread is created when it is loaded, and begins in a
 * function of its own; the first thing it does is to create the one that watches
 * (runtime.main in Go's proc.go). In a program, where Go's first thread is the
 * program's, the first two begin in the same function. */
#include <pthread.h>
#include <sys/prctl.h>

enum { SLACK = 5000000 }; /* nanoseconds */

typedef void *(*routine)(void *);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, routine begin, void *arg);

__attribute__((visibility("hidden"))) int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, routine begin, void *arg) {
  static routine first;
  static int created;
  int number = __atomic_add_fetch(&created, 1, __ATOMIC_SEQ_CST);
  if (number == 1) __atomic_store_n(&first, begin, __ATOMIC_SEQ_CST);
  int before = -1;
  if (number == 2 && begin != __atomic_load_n(&first, __ATOMIC_SEQ_CST)) {
    before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (before > 0 && before < SLACK) prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0);
  }
  int failed = __real_pthread_create(thread, attr, begin, arg);
  if (before > 0 && before < SLACK) prctl(PR_SET_TIMERSLACK, before, 0, 0, 0);
  return failed;
}
