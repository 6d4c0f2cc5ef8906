/* Alice calls bob through a service, speaks, shows video, sends data and chat;
 * then what must not be done is done. test/bind runs this program and listens to
 * what bob heard; its README.md says what is in the environment. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parley.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int failures;

static int report(int ok, const char *name, const char *format, ...) {
  if (ok) {
    printf("ok %s\n", name);
  } else {
    va_list args;
    va_start(args, format);
    printf("FAIL %s: ", name);
    vprintf(format, args);
    parley_error error = {.size = sizeof error};
    parley_last_error(&error);
    printf(" (last error %d %d/%d: %s)\n", error.code, error.call_code, error.call_subcode, error.message);
    va_end(args);
    failures++;
  }
  fflush(stdout);
  return ok;
}

static const char *env(const char *name) {
  const char *value = getenv(name);
  if (value == NULL) {
    fprintf(stderr, "%s is not set\n", name);
    exit(2);
  }
  return value;
}

static char *file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    perror(path);
    exit(2);
  }
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *data = calloc(1, *size + 1);
  if (data == NULL || fread(data, 1, *size, f) != *size) exit(2);
  fclose(f);
  return data;
}

/* What one user knows. Guarded by lock. */
typedef struct side {
  const char *name;
  parley_handle client, credential, agent, chat, thread, call, incoming;
  parley_call_callbacks listens;
  int state, rings, ended, released, frames, key_first, same_frames, data_ok, typed;
  int messages;
  char message[128];
} side;

#define SET(expression)                                                        \
  do {                                                                         \
    pthread_mutex_lock(&lock);                                                 \
    expression;                                                                \
    pthread_cond_broadcast(&changed);                                          \
    pthread_mutex_unlock(&lock);                                               \
  } while (0)

static struct timespec in_seconds(int seconds) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += seconds;
  return t;
}

/* Waits until a condition holds, 30 s at most. */
#define WAIT(condition)                                                        \
  ({                                                                           \
    struct timespec limit = in_seconds(30);                                    \
    pthread_mutex_lock(&lock);                                                 \
    while (!(condition) && pthread_cond_timedwait(&changed, &lock, &limit) != ETIMEDOUT) {} \
    int holds = (condition);                                                   \
    pthread_mutex_unlock(&lock);                                               \
    holds;                                                                     \
  })

/* The frames of alice's camera. */
static char *frames[1000];
static size_t frame_sizes[1000];
static int frame_count;

static void load_video(const char *folder) {
  for (int n = 1; n < 1000; n++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%04d.vp8", folder, n);
    if (access(path, R_OK) != 0) break;
    frames[frame_count] = file(path, &frame_sizes[frame_count]);
    frame_count++;
  }
}

static void released(void *user) { SET(((side *)user)->released++); }

static void call_state(void *user, parley_handle call, int32_t state) {
  side *s = user;
  (void)call;
  SET({
    s->state = state;
    if (state == PARLEY_CALL_DISCONNECTED) s->ended++;
  });
}

static void video_frame(void *user, parley_handle call, const parley_video_frame *frame) {
  side *s = user;
  (void)call;
  int same = 0;
  for (int i = 0; i < frame_count && !same; i++)
    same = frame->data_size == frame_sizes[i] && memcmp(frame->data, frames[i], frame->data_size) == 0;
  SET({
    if (s->frames == 0) s->key_first = frame->key_frame;
    s->frames++;
    s->same_frames += same;
  });
}

static unsigned char message[700];

static void data_message(void *user, parley_handle call, const parley_data_message *m) {
  side *s = user;
  (void)call;
  int same = m->data_size == sizeof message && memcmp(m->data, message, sizeof message) == 0;
  SET(s->data_ok = same);
}

static void incoming_call(void *user, parley_handle incoming, const parley_incoming *info) {
  side *s = user;
  int right = strcmp(info->caller_id, env("PARLEY_ALICE_ID")) == 0;
  SET({
    s->incoming = incoming;
    s->rings += right;
  });
}

static void chat_message(void *user, const parley_chat_message *m, int32_t change) {
  side *s = user;
  if (change != PARLEY_CHAT_CREATED || m->type != PARLEY_MESSAGE_TEXT) return;
  SET({
    s->messages++;
    snprintf(s->message, sizeof s->message, "%s|%s", m->content, m->metadata_count == 1 ? m->metadata[0].value : "");
  });
}

static void chat_typing(void *user, const char *thread, const char *sender, const char *name) {
  side *s = user;
  (void)thread;
  (void)name;
  int right = strcmp(sender, env("PARLEY_BOB_ID")) == 0;
  SET(s->typed += right);
}

static int32_t refresh(void *user, char *token, size_t capacity) {
  snprintf(token, capacity, "%s", (const char *)user);
  return 0;
}

static int32_t refresh_nothing(void *user, char *token, size_t capacity) {
  (void)user;
  (void)token;
  (void)capacity;
  return -1;
}

static int sign_in(side *s, const char *name, const char *token, parley_client_options *options) {
  s->name = name;
  s->listens = (parley_call_callbacks){
      .size = sizeof s->listens, .user_data = s, .released = released, .on_state_changed = call_state,
      .on_video_frame = video_frame, .on_data = data_message};
  parley_credential_callbacks tokens = {.size = sizeof tokens, .user_data = (void *)token, .refresh_token = refresh};
  parley_agent_callbacks agent = {.size = sizeof agent, .user_data = s, .on_incoming_call = incoming_call};
  parley_agent_options named = {.size = sizeof named, .display_name = name};
  parley_chat_callbacks chat = {.size = sizeof chat, .user_data = s, .on_message = chat_message, .on_typing = chat_typing};
  return parley_client_new(options, NULL, &s->client) == 0 && parley_credential_new("", &tokens, &s->credential) == 0 &&
         parley_agent_new(s->client, s->credential, &named, &agent, &s->agent) == 0 &&
         parley_chat_new(s->client, s->credential, NULL, &chat, &s->chat) == 0 && parley_chat_start(s->chat) == 0 &&
         parley_chat_thread(s->chat, env("PARLEY_THREAD"), &s->thread) == 0;
}

/* One call from its start until both are connected. */
static int connect_call(side *alice, side *bob, const parley_call_options *theirs, const parley_call_options *his) {
  int rings = bob->rings;
  SET(alice->state = bob->state = 0);
  if (parley_call_start(alice->agent, env("PARLEY_BOB_ID"), theirs, &alice->listens, &alice->call) != 0) return 0;
  if (!WAIT(bob->rings > rings)) return 0;
  if (parley_incoming_accept(bob->incoming, his, &bob->listens, &bob->call) != 0) return 0;
  parley_release(bob->incoming);
  return WAIT(alice->state == PARLEY_CALL_CONNECTED && bob->state == PARLEY_CALL_CONNECTED);
}

static int end_call(side *alice, side *bob) {
  int ok = parley_call_hang_up(alice->call) == 0 &&
           WAIT(alice->state == PARLEY_CALL_DISCONNECTED && bob->state == PARLEY_CALL_DISCONNECTED);
  parley_end_reason reason = {.size = sizeof reason};
  ok = ok && parley_call_end_reason(bob->call, &reason) == 0 && reason.code == 0;
  return parley_release(alice->call) == 0 && parley_release(bob->call) == 0 && ok;
}

/* The audio threads of both, by the clock; alice's camera beside them. */
static void play(side *alice, side *bob, parley_handle camera) {
  size_t size, heard = 0;
  char *speech = file(env("PARLEY_SPEECH"), &size);
  FILE *out = fopen(env("PARLEY_HEARD"), "wb");
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (int tick = 0; (size_t)tick * 960 < size + 96000; tick++) {
    char pcm[960] = {0};
    if ((size_t)(tick + 1) * 960 <= size) memcpy(pcm, speech + (size_t)tick * 960, 960);
    if (parley_audio_write(alice->client, pcm, sizeof pcm) != 960) break;
    if (parley_audio_read(bob->client, pcm, sizeof pcm) != 960) break;
    heard += fwrite(pcm, 1, sizeof pcm, out);
    int frame = tick / 3;
    if (camera != 0 && tick % 3 == 0 && frame_count > 0)
      parley_video_source_send(camera, frames[frame % frame_count], frame_sizes[frame % frame_count], frame * 33333LL, frame % frame_count == 0);
    next.tv_nsec += 10000000;
    if (next.tv_nsec >= 1000000000) {
      next.tv_sec++;
      next.tv_nsec -= 1000000000;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  fclose(out);
  free(speech);
  report(heard >= size, "audio", "%zu bytes heard", heard);
}

static void first_call(side *alice, side *bob) {
  parley_handle camera = 0, sender = 0;
  parley_video_source_new(alice->client, PARLEY_VIDEO_VP8, NULL, &camera);
  parley_call_options theirs = {.size = sizeof theirs, .camera = camera};
  parley_call_options his = {.size = sizeof his, .receive_video = 1};
  int connected = connect_call(alice, bob, &theirs, &his);
  if (!connected) report(0, "call", "not connected: %d, %d", alice->state, bob->state);
  play(alice, bob, camera);
  report(bob->frames > 30 && bob->key_first && bob->same_frames == bob->frames, "video", "%d frames, %d as sent, the first %s", bob->frames,
         bob->same_frames, bob->key_first ? "a key frame" : "no key frame");
  for (size_t i = 0; i < sizeof message; i++) message[i] = (unsigned char)(i * 31 + 7);
  int ok = parley_data_sender_new(alice->call, 0, 0, 0, &sender) == 0 && parley_data_sender_send(sender, message, sizeof message) == 0;
  report(ok && WAIT(bob->data_ok), "data", "it did not come, or not as it was sent");
  int ended = end_call(alice, bob);
  if (connected) report(ended && WAIT(alice->released == 1 && bob->released == 1), "call", "%d, %d, released %d, %d", alice->state, bob->state, alice->released, bob->released);
  parley_release(camera);
}

static void chat(side *alice, side *bob) {
  char *id = NULL, *again = NULL;
  parley_pair pair = {"mood", "gut \xc3\xbc"};
  parley_message_options options = {.size = sizeof options, .client_id = "scenario-1", .metadata = &pair, .metadata_count = 1};
  int ok = parley_thread_send(alice->thread, "Gr\xc3\xbc\xc3\x9f dich", &options, &id) == 0 &&
           parley_thread_send(alice->thread, "Gr\xc3\xbc\xc3\x9f dich", &options, &again) == 1 && strcmp(id, again) == 0;
  report(ok && WAIT(bob->messages == 1) && strcmp(bob->message, "Gr\xc3\xbc\xc3\x9f dich|gut \xc3\xbc") == 0, "chat", "%d messages, %s", bob->messages, bob->message);
  parley_free(id);
  parley_free(again);
  ok = parley_thread_typing(bob->thread) == 0;
  report(ok && WAIT(alice->typed > 0), "typing", "%d", alice->typed);
}

/* Callbacks that release their own object, call back and are freed. */
static void closing_state(void *user, parley_handle call, int32_t state) {
  (void)state;
  (void)user;
  parley_call_state(call);
  parley_release(call);
}

static void free_and_tell(void *user) {
  side *s = *(side **)user;
  free(user);
  SET(s->released++);
}

static void *hammer(void *arg) {
  side *s = arg;
  char pcm[96] = {0}, *id = NULL;
  for (int i = 0; i < 20; i++) {
    parley_audio_read(s->client, pcm, sizeof pcm);
    parley_agent_connection_state(s->agent);
    if (parley_agent_id(s->agent, &id) != 0 || strcmp(id, env("PARLEY_ALICE_ID")) != 0) return s;
    parley_free(id);
    parley_handle canceler = 0;
    if (parley_canceler_new(&canceler) != 0 || parley_release(canceler) != 0 || parley_release(canceler) != PARLEY_ERROR_CLOSED) return s;
  }
  return NULL;
}

static void errors(side *alice, side *bob, parley_client_options *options) {
  parley_handle h = 42, credential = 0;
  parley_error error = {.size = sizeof error};
  int ok = report(parley_call_hang_up(0) == PARLEY_ERROR_INVALID_ARGUMENT && parley_call_hang_up(7) == PARLEY_ERROR_INVALID_ARGUMENT &&
                      parley_call_hang_up(alice->client) == PARLEY_ERROR_INVALID_ARGUMENT && parley_call_state(~0ull) == PARLEY_ERROR_INVALID_ARGUMENT,
                  "null handles", "%d", parley_call_hang_up(0));
  ok &= report(parley_call_start(alice->agent, "nobody", NULL, NULL, &h) == PARLEY_ERROR_INVALID_ARGUMENT && h == 0 &&
                   parley_last_error(&error) == 0 && error.code == PARLEY_ERROR_INVALID_ARGUMENT && error.message[0] != 0 &&
                   parley_call_start(alice->agent, NULL, NULL, NULL, &h) == PARLEY_ERROR_INVALID_ARGUMENT &&
                   parley_call_start(alice->agent, "\xff\xfe", NULL, NULL, &h) == PARLEY_ERROR_INVALID_ARGUMENT &&
                   parley_call_start(alice->agent, env("PARLEY_BOB_ID"), NULL, NULL, NULL) == PARLEY_ERROR_INVALID_ARGUMENT,
               "arguments", "handle %llu, code %d", (unsigned long long)h, error.code);
  struct { parley_client_options known; int64_t newer; } future = {.known = *options, .newer = 1};
  future.known.size = sizeof future;
  ok &= report(parley_client_new(NULL, NULL, &h) == PARLEY_ERROR_INVALID_ARGUMENT && parley_client_new(&(parley_client_options){0}, NULL, &h) == PARLEY_ERROR_INVALID_ARGUMENT &&
                   parley_client_new(&future.known, NULL, &h) == PARLEY_ERROR_UNSUPPORTED,
               "structs", "");
  future.newer = 0;
  ok &= report(parley_client_new(&future.known, NULL, &h) == 0 && parley_release(h) == 0, "a newer header", "");
  char pcm[3] = {0};
  ok &= report(parley_audio_write(alice->client, pcm, 3) == PARLEY_ERROR_INVALID_ARGUMENT && parley_audio_read(alice->client, NULL, 960) == PARLEY_ERROR_INVALID_ARGUMENT,
               "odd audio", "");
  parley_credential_callbacks tokens = {.size = sizeof tokens, .refresh_token = refresh_nothing};
  ok &= report(parley_credential_new("", &tokens, &credential) == 0 && parley_agent_new(alice->client, credential, NULL, NULL, &h) < 0 && h == 0,
               "no token", "");
  parley_release(credential);

  side **own = malloc(sizeof *own);
  *own = alice;
  parley_call_callbacks closing = {.size = sizeof closing, .user_data = own, .released = free_and_tell, .on_state_changed = closing_state};
  int rings = bob->rings, before = alice->released;
  ok &= report(parley_call_start(alice->agent, env("PARLEY_BOB_ID"), NULL, &closing, &h) == 0 && WAIT(alice->released == before + 1) && WAIT(bob->rings > rings) &&
                   parley_call_state(h) == PARLEY_ERROR_CLOSED && parley_incoming_reject(bob->incoming, 1) == 0 && parley_release(bob->incoming) == 0,
               "a callback that releases its call", "released %d", alice->released - before);

  int threads = getenv("PARLEY_THREADS") ? atoi(getenv("PARLEY_THREADS")) : 1000, bad = 0, n;
  pthread_t *all = calloc((size_t)threads, sizeof *all);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 << 10);
  for (n = 0; n < threads && pthread_create(&all[n], &small, hammer, alice) == 0; n++) {}
  for (int i = 0; i < n; i++) {
    void *wrong = NULL;
    pthread_join(all[i], &wrong);
    bad += wrong != NULL;
  }
  free(all);
  ok &= report(n == threads && bad == 0, "threads at once", "%d of %d threads, %d wrong", n, threads, bad);
  report(ok, "errors", "see above");
}

static int descriptors(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (d != NULL && readdir(d) != NULL) n++;
  if (d != NULL) closedir(d);
  return n;
}

static long status_line(const char *name) {
  char line[256];
  long value = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name) + 1);
  if (f != NULL) fclose(f);
  return value;
}

/* What ends a call has goroutines of its own that go a little later: looks until
 * their number has not fallen for three seconds, a minute at most. */
static void settle(int64_t *heap, int32_t *goroutines, int32_t *handles) {
  int32_t least = INT32_MAX;
  for (int i = 0, quiet = 0; i < 600 && quiet < 30; i++, quiet++) {
    parley_usage(heap, goroutines, handles);
    if (*goroutines < least) {
      least = *goroutines;
      quiet = 0;
    }
    struct timespec tenth = {.tv_nsec = 100000000};
    nanosleep(&tenth, NULL);
  }
}

static void calls_in_a_row(side *alice, side *bob, int calls) {
  int64_t heap[2] = {0};
  int32_t goroutines[2] = {0}, handles[2] = {0};
  int fds[2] = {0}, done = 0;
  long threads[2] = {0}, memory[2] = {0};
  for (int i = 1; i <= calls; i++) {
    done += connect_call(alice, bob, NULL, NULL) && end_call(alice, bob);
    if (i == (calls + 9) / 10 || i == calls) {
      int at = i == calls;
      settle(&heap[at], &goroutines[at], &handles[at]);
      fds[at] = descriptors();
      threads[at] = status_line("Threads:");
      memory[at] = status_line("VmRSS:");
    }
  }
  report(done == calls, "calls in a row", "%d of %d", done, calls);
  printf("flat heap-kB %ld %ld\n", (long)(heap[0] / 1024), (long)(heap[1] / 1024));
  printf("flat goroutines %d %d\n", goroutines[0], goroutines[1]);
  printf("flat handles %d %d\n", handles[0], handles[1]);
  printf("flat fds %d %d\n", fds[0], fds[1]);
  printf("flat threads %ld %ld\n", threads[0], threads[1]);
  printf("flat rss-kB %ld %ld\n", memory[0], memory[1]);
}

static void closing(side *alice, side *bob) {
  parley_handle call = 0;
  parley_call_start(alice->agent, env("PARLEY_BOB_ID"), NULL, NULL, &call);
  int ok = parley_client_shutdown(bob->client) == 0 && parley_client_shutdown(alice->client) == 0 &&
           parley_call_start(alice->agent, env("PARLEY_BOB_ID"), NULL, NULL, &call) == PARLEY_ERROR_CLOSED &&
           parley_chat_start(alice->chat) == PARLEY_ERROR_CLOSED;
  ok = ok && parley_release(alice->client) == 0 && parley_release(alice->client) == PARLEY_ERROR_CLOSED &&
       parley_agent_connection_state(alice->agent) == PARLEY_ERROR_CLOSED && parley_thread_typing(alice->thread) == PARLEY_ERROR_CLOSED &&
       parley_audio_write(alice->client, "", 0) == PARLEY_ERROR_CLOSED;
  ok = ok && parley_release(bob->client) == 0 && parley_release(alice->credential) == 0 && parley_release(bob->credential) == 0;
  int32_t handles = -1;
  ok = ok && parley_usage(NULL, NULL, &handles) == 0 && handles == 0;
  report(ok, "close", "%d handles left", handles);
}

int main(void) {
  static side alice, bob;
  size_t size;
  char *ca = file(env("PARLEY_CA"), &size);
  parley_client_options options = {.size = sizeof options, .endpoint = env("PARLEY_ENDPOINT"), .root_certificates = ca};
  load_video(env("PARLEY_VIDEO"));
  printf("parley %s\n", parley_version());
  report(parley_version()[0] != 0 && parley_error_text(PARLEY_ERROR_CLOSED)[0] != 0, "version", "");
  if (!report(sign_in(&alice, "alice", env("PARLEY_ALICE_TOKEN"), &options) && sign_in(&bob, "bob", env("PARLEY_BOB_TOKEN"), &options), "sign in", "")) return 1;
  first_call(&alice, &bob);
  chat(&alice, &bob);
  errors(&alice, &bob, &options);
  calls_in_a_row(&alice, &bob, atoi(env("PARLEY_CALLS")));
  closing(&alice, &bob);
  for (int i = 0; i < frame_count; i++) free(frames[i]);
  free(ca);
  return failures != 0;
}
