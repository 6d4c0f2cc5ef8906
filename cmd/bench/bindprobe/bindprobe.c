/* The least program that holds an audio call over the C library: a client, an
 * agent, a chat that is connected and idle, and the audio thread of a phone.
 * bench runs two of them and looks at what they cost.
 *
 *   bindprobe ENDPOINT CA-FILE SPEECH [ID]
 *
 * SPEECH is raw audio, 48 kHz, mono, 16 bit; it is read block by block, so that
 * it counts as nobody's memory. ID is who is called; without one the first call
 * is taken. The first line of the standard input is the token; its end is the
 * order to hang up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "parley.h"

/* 10 ms, what a phone's audio thread gives and takes. */
enum { BLOCK = PARLEY_AUDIO_SAMPLE_RATE / 100 };

static atomic_int over;             /* the order to hang up */
static _Atomic parley_handle rings; /* the call that came */

static void fail(const char *what) {
  parley_error error = {.size = sizeof error};
  parley_last_error(&error);
  fprintf(stderr, "bindprobe: %s: %d %s\n", what, error.code, error.message);
  exit(1);
}

static void fail_system(const char *what) {
  fprintf(stderr, "bindprobe: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void incoming(void *user, parley_handle call, const parley_incoming *info) {
  (void)user;
  (void)info;
  rings = call;
}

static void *listen_for_end(void *unused) {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {}
  over = 1;
  return unused;
}

static char *certificates(const char *path) {
  static char text[1 << 16];
  int f = open(path, O_RDONLY);
  ssize_t size = f < 0 ? -1 : read(f, text, sizeof text - 1);
  if (size < 0) fail_system(path);
  close(f);
  return text;
}

/* Reads the token byte by byte: what follows is for listen_for_end. */
static const char *token(void) {
  static char text[1 << 14];
  for (size_t n = 0; n < sizeof text - 1; n++) {
    if (read(STDIN_FILENO, text + n, 1) != 1) fail_system("token");
    if (text[n] == '\n') {
      text[n] = 0;
      break;
    }
  }
  return text;
}

static void next_block(struct timespec *at) {
  at->tv_nsec += 10000000;
  if (at->tv_nsec >= 1000000000) {
    at->tv_nsec -= 1000000000;
    at->tv_sec++;
  }
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL) == EINTR) {}
}

static int is_loud(const int16_t *pcm) {
  for (int i = 0; i < BLOCK; i++)
    if (pcm[i] > 200 || pcm[i] < -200) return 1;
  return 0;
}

/* The audio thread: says the speech again and again, tells how much is heard. */
static void play(parley_handle client, const char *path) {
  int16_t pcm[BLOCK];
  struct stat info;
  int f = open(path, O_RDONLY);
  if (f < 0 || fstat(f, &info) != 0 || info.st_size < (off_t)sizeof pcm) fail_system(path);
  off_t blocks = info.st_size / (off_t)sizeof pcm;
  long loud = 0, played = 0;
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  while (!over) {
    if (pread(f, pcm, sizeof pcm, played % blocks * (off_t)sizeof pcm) != sizeof pcm) fail_system(path);
    if (parley_audio_write(client, pcm, sizeof pcm) != sizeof pcm) fail("write audio");
    if (parley_audio_read(client, pcm, sizeof pcm) != sizeof pcm) fail("read audio");
    if (is_loud(pcm) && loud++ == 0) {
      puts("in call");
      played = 0;
    }
    played++;
    next_block(&at);
  }
  close(f);
  printf("heard %ld %ld\n", loud, played);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fputs("bindprobe ENDPOINT CA-FILE SPEECH [ID]\n", stderr);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  parley_client_options options = {.size = sizeof options, .endpoint = argv[1], .root_certificates = certificates(argv[2])};
  parley_agent_callbacks agent_callbacks = {.size = sizeof agent_callbacks, .on_incoming_call = incoming};
  parley_handle client, credential, agent, chat, call;
  if (parley_client_new(&options, NULL, &client) != 0) fail("client");
  if (parley_credential_new(token(), NULL, &credential) != 0) fail("credential");
  if (parley_agent_new(client, credential, NULL, &agent_callbacks, &agent) != 0) fail("sign in");
  if (parley_chat_new(client, credential, NULL, NULL, &chat) != 0 || parley_chat_start(chat) != 0) fail("chat");
  puts("signed in");
  pthread_t listener;
  if (pthread_create(&listener, NULL, listen_for_end, NULL) != 0) fail_system("thread");
  if (argc > 4) {
    if (parley_call_start(agent, argv[4], NULL, NULL, &call) != 0) fail("call");
  } else {
    while (!rings && !over) usleep(1000);
    if (parley_incoming_accept(rings, NULL, NULL, &call) != 0) fail("accept");
    parley_release(rings);
  }
  play(client, argv[3]);
  int64_t heap = 0;
  int32_t goroutines = 0;
  if (parley_usage(&heap, &goroutines, NULL) != 0) fail("usage");
  printf("usage %lld %d\n", (long long)heap, (int)goroutines);
  if (parley_client_shutdown(client) != 0 || parley_release(client) != 0) fail("shut down");
  return 0;
}
