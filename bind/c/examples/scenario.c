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
  int messages, threads_made, members_came, members_went;
  char message[128], tones[16];
} side;

#define SET(expression)                                                        \
  do {                                                                         \
    pthread_mutex_lock(&lock);                                                 \
    expression;                                                                \
    pthread_cond_broadcast(&changed);                                          \
    pthread_mutex_unlock(&lock);                                               \
  } while (0)

static int slowness = 1; /* PARLEY_SLOW: how much slower the machine is, an emulator for example */

static struct timespec in_seconds(int seconds) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += seconds * slowness;
  return t;
}

/* Waits until a condition holds, 30 s at most on an ordinary machine. */
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

static void tone(void *user, parley_handle call, const char *participant, const char *which) {
  side *s = user;
  (void)call;
  (void)participant;
  SET(strncat(s->tones, which, sizeof s->tones - strlen(s->tones) - 1));
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

static void chat_thread(void *user, const parley_chat_thread_info *thread, int32_t change) {
  side *s = user;
  int both = thread->participant_count == 2 && thread->metadata_count == 1 && strcmp(thread->metadata[0].value, "hilltop") == 0;
  if (change == PARLEY_CHAT_CREATED) SET(s->threads_made += both);
}

static void chat_member(void *user, const parley_chat_participant *member, int32_t joined) {
  side *s = user;
  int right = strcmp(member->id, env("PARLEY_BOB_ID")) == 0 && strcmp(member->by, env("PARLEY_ALICE_ID")) == 0;
  SET(*(joined ? &s->members_came : &s->members_went) += right);
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
      .on_video_frame = video_frame, .on_data = data_message, .on_tone = tone};
  parley_credential_callbacks tokens = {.size = sizeof tokens, .user_data = (void *)token, .refresh_token = refresh};
  parley_agent_callbacks agent = {.size = sizeof agent, .user_data = s, .on_incoming_call = incoming_call};
  parley_agent_options named = {.size = sizeof named, .display_name = name};
  parley_chat_callbacks chat = {.size = sizeof chat, .user_data = s, .on_message = chat_message, .on_thread = chat_thread,
                                .on_member = chat_member, .on_typing = chat_typing};
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

/* Alice's camera: its next picture, from a key frame on when one is asked for. */
static int next_frame, key_frames_asked;

static void key_frame(void *user) {
  (void)user;
  SET({
    next_frame = 0;
    key_frames_asked++;
  });
}

static void film(parley_handle camera, int picture) {
  int frame = 0;
  if (camera == 0 || frame_count == 0) return;
  SET(frame = next_frame++ % frame_count);
  parley_video_source_send(camera, frames[frame], frame_sizes[frame], picture * 33333LL, frame == 0);
}

static int seen(side *s) {
  int n;
  SET(n = s->frames);
  return n;
}

/* The audio threads of both, by the clock; alice's camera beside them. It goes on
 * for a second after the last word, or until bob has seen her. */
static void play(side *alice, side *bob, parley_handle camera) {
  size_t size, heard = 0;
  char *speech = file(env("PARLEY_SPEECH"), &size);
  FILE *out = fopen(env("PARLEY_HEARD"), "wb");
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (int tick = 0; (size_t)tick * 960 < size + 96000 || (seen(bob) == 0 && tick < 3000 * slowness); tick++) {
    char pcm[960] = {0};
    if ((size_t)(tick + 1) * 960 <= size) memcpy(pcm, speech + (size_t)tick * 960, 960);
    if (parley_audio_write(alice->client, pcm, sizeof pcm) != 960) break;
    if (parley_audio_read(bob->client, pcm, sizeof pcm) != 960) break;
    heard += fwrite(pcm, 1, sizeof pcm, out);
    if (tick % 3 == 0) film(camera, tick / 3);
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

static int32_t count_participant(void *user, const parley_participant *participant) {
  *(int *)user += strcmp(participant->id, env("PARLEY_BOB_ID")) == 0 && participant->state == PARLEY_PARTICIPANT_CONNECTED;
  return 0;
}

/* What else can be done in a call. */
static void controls(side *alice, side *bob) {
  char *id = NULL, *his = NULL, *stats = NULL;
  int others = 0;
  int ok = parley_call_id(alice->call, &id) == 0 && parley_call_id(bob->call, &his) == 0 && strcmp(id, his) == 0 &&
           parley_call_direction(alice->call) == PARLEY_CALL_OUTGOING && parley_call_direction(bob->call) == PARLEY_CALL_INCOMING &&
           parley_call_participants(alice->call, count_participant, &others) == 0 && others == 1 &&
           parley_call_stats(alice->call, &stats) == 0 && stats[0] == '{';
  ok = report(ok, "what a call is", "%s and %s, %d others, %.20s", id, his, others, stats) && ok;
  parley_free(id);
  parley_free(his);
  parley_free(stats);
  ok = report(parley_call_mute(alice->call) == 0 && parley_call_is_muted(alice->call) == 1 && parley_call_unmute(alice->call) == 0 &&
                  parley_call_is_muted(alice->call) == 0 && parley_call_mute_incoming(bob->call) == 0 &&
                  parley_call_is_incoming_muted(bob->call) == 1 && parley_call_unmute_incoming(bob->call) == 0,
              "mute", "") && ok;
  /* On a machine with much to do a tone may be lost, like a word. */
  ok = report(parley_call_send_dtmf(alice->call, "7#7#7#") == 0 && WAIT(strchr(bob->tones, '7') != NULL && strchr(bob->tones, '#') != NULL) &&
                  strspn(bob->tones, "7#") == strlen(bob->tones) && parley_call_send_dtmf(alice->call, "x") == PARLEY_ERROR_INVALID_ARGUMENT,
              "tones", "%s", bob->tones) && ok;
  ok = report(parley_call_hold(alice->call) == 0 && WAIT(alice->state == PARLEY_CALL_LOCAL_HOLD && bob->state == PARLEY_CALL_REMOTE_HOLD) &&
                  parley_call_resume(alice->call) == 0 && WAIT(alice->state == PARLEY_CALL_CONNECTED && bob->state == PARLEY_CALL_CONNECTED),
              "hold", "%d, %d", alice->state, bob->state) && ok;
  report(ok, "controls", "see above");
}

static void first_call(side *alice, side *bob) {
  parley_handle camera = 0, sender = 0;
  parley_video_callbacks asked = {.size = sizeof asked, .on_key_frame_requested = key_frame};
  parley_video_source_new(alice->client, PARLEY_VIDEO_VP8, &asked, &camera);
  parley_call_options theirs = {.size = sizeof theirs, .camera = camera};
  parley_call_options his = {.size = sizeof his, .receive_video = 1};
  int connected = connect_call(alice, bob, &theirs, &his);
  if (!connected) report(0, "call", "not connected: %d, %d", alice->state, bob->state);
  play(alice, bob, camera);
  report(bob->frames > (slowness > 1 ? 0 : 30) && bob->key_first && bob->same_frames == bob->frames, "video", "%d frames, %d as sent, the first %s", bob->frames,
         bob->same_frames, bob->key_first ? "a key frame" : "no key frame");
  /* Bob's decoder was made anew: he does not wait for alice's next key frame. */
  int before;
  SET(before = key_frames_asked);
  int asked_for = parley_call_request_key_frame(bob->call), nothing = parley_call_request_key_frame(alice->call);
  report(asked_for == 0 && WAIT(key_frames_asked > before) && nothing == PARLEY_ERROR_NO_SUCH_TRACK, "a key frame", "%d, %d, asked %d times before and %d after",
         asked_for, nothing, before, key_frames_asked);
  for (size_t i = 0; i < sizeof message; i++) message[i] = (unsigned char)(i * 31 + 7);
  int ok = parley_data_sender_new(alice->call, 0, 0, 0, &sender) == 0 && parley_data_sender_send(sender, message, sizeof message) == 0;
  report(ok && WAIT(bob->data_ok), "data", "it did not come, or not as it was sent");
  if (connected) controls(alice, bob);
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

/* What visitors have found. */
typedef struct found {
  int entries, right;
  const char *want;
} found;

static int32_t find_topic(void *user, const parley_chat_thread_info *thread) {
  found *f = user;
  f->entries++;
  f->right += strcmp(thread->topic, "Walk") == 0 && (f->want == NULL || (thread->metadata_count == 1 && strcmp(thread->metadata[0].value, f->want) == 0));
  return 0;
}

static int32_t find_image(void *user, const parley_chat_message *m) {
  found *f = user;
  f->entries++;
  f->right += m->attachment_count == 1 && m->attachments[0].image && strcmp(m->attachments[0].id, f->want) == 0;
  return 0;
}

static int32_t find_member(void *user, const parley_chat_participant *member) {
  found *f = user;
  f->entries++;
  f->right += strcmp(member->id, f->want) == 0;
  return 0;
}

/* A picture of one pixel. */
static const unsigned char picture[] = {137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1,
                                        8, 6, 0, 0, 0, 31, 21, 196, 137, 0, 0, 0, 13, 73, 68, 65, 84, 120, 218, 99, 248, 207,
                                        192, 240, 31, 0, 5, 0, 1, 255, 86, 199, 47, 13, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130};

/* A thread is made, gets a picture and a member, and goes. */
static void threads(side *alice, side *bob) {
  parley_handle thread = 0;
  parley_pair members[] = {{env("PARLEY_BOB_ID"), "bob"}}, about = {"where", "hilltop"};
  parley_thread_options with = {.size = sizeof with, .metadata = &about, .metadata_count = 1};
  found f = {.want = "hilltop"};
  char *id = NULL, *image = NULL, *message = NULL;
  int ok = report(parley_chat_create_thread(alice->chat, "Walk", members, 1, &with, NULL, NULL, &thread) == 0 && parley_thread_id(thread, &id) == 0 &&
                      parley_thread_properties(thread, find_topic, &f) == 0 && f.right == 1 && WAIT(bob->threads_made == 1),
                  "a thread with metadata", "%d properties, %d right, told %d", f.entries, f.right, bob->threads_made);
  f = (found){0};
  ok &= report(parley_chat_thread_state(bob->chat, id, find_topic, &f) == 0 && f.right == 1 &&
                   parley_chat_thread_state(bob->chat, "19:none@thread.v2", find_topic, &f) == PARLEY_ERROR_NOT_FOUND,
               "the state of a thread", "%d right", f.right);
  ok &= report(parley_thread_upload_image(thread, picture, sizeof picture, "dot.png", &image) == 0, "an image", "");
  parley_attachment attachment = {.id = image, .name = "dot.png", .image = 1};
  parley_message_options options = {.size = sizeof options, .attachments = &attachment, .attachment_count = 1};
  f = (found){.want = image};
  void *got = NULL;
  size_t size = 0;
  ok &= report(parley_thread_send(thread, "look", &options, &message) == 0 && parley_thread_message(thread, message, find_image, &f) == 0 && f.right == 1 &&
                   parley_thread_image(thread, image, 0, &got, &size) == 0 && size == sizeof picture && memcmp(got, picture, size) == 0,
               "an attachment", "%d right, %zu bytes", f.right, size);
  parley_free(got);
  options.attachments = NULL;
  ok &= report(parley_thread_send(thread, "look", &options, &image) == PARLEY_ERROR_INVALID_ARGUMENT && image == NULL, "no attachments where some are said to be", "");
  f = (found){.want = env("PARLEY_BOB_ID")};
  ok &= report(parley_thread_remove_member(thread, env("PARLEY_BOB_ID")) == 0 && WAIT(alice->members_went == 1) &&
                   parley_thread_add_member(thread, env("PARLEY_BOB_ID"), "bob") == 0 && WAIT(alice->members_came == 1) &&
                   parley_thread_members(thread, find_member, &f) == 0 && f.entries == 2 && f.right == 1,
               "members", "%d went, %d came, %d listed", alice->members_went, alice->members_came, f.entries);
  ok &= report(parley_chat_delete_thread(alice->chat, id) == 0 && parley_thread_typing(thread) < 0 && parley_release(thread) == 0, "a thread that is gone", "");
  parley_free(id);
  parley_free((void *)attachment.id);
  parley_free(message);
  report(ok, "threads", "see above");
}

static int32_t push_of_call(void *user, const parley_push *push) {
  *(int *)user += push->kind == PARLEY_PUSH_CALL && push->video && strcmp(push->call_id, "c") == 0 && strcmp(push->from_id, "8:acs:a") == 0 &&
                  push->thread_id[0] == 0;
  return 0;
}

static int32_t incoming_from(void *user, const parley_incoming *incoming) {
  *(int *)user += strcmp(incoming->caller_id, env("PARLEY_ALICE_ID")) == 0 && strcmp(incoming->caller_display_name, "alice") == 0;
  return 0;
}

/* What phones need: they sleep, change networks, and are woken by pushes. */
static void phone(side *alice, side *bob) {
  int right = 0;
  int ok = report(parley_push_parse("{\"aps\":{},\"parley\":{\"type\":\"call\",\"callId\":\"c\",\"from\":\"8:acs:a\",\"video\":\"true\"}}", push_of_call, &right) == 0 &&
                      right == 1 && parley_push_parse("{", push_of_call, &right) == PARLEY_ERROR_INVALID_ARGUMENT &&
                      parley_push_parse(NULL, push_of_call, &right) == PARLEY_ERROR_INVALID_ARGUMENT && parley_push_parse("{}", NULL, NULL) == PARLEY_ERROR_INVALID_ARGUMENT,
                  "a push", "%d right", right);
  parley_push_device device = {.size = sizeof device, .platform = PARLEY_PUSH_FCM, .id = "phone", .token = "0123456789abcdef"};
  parley_push_device none = {.size = sizeof none, .id = "phone"};
  ok &= report(parley_push_register(bob->client, bob->credential, &device) == 0 && parley_push_unregister(bob->client, bob->credential, "phone") == 0 &&
                   parley_push_register(bob->client, bob->credential, &none) == PARLEY_ERROR_INVALID_ARGUMENT &&
                   parley_push_register(bob->client, bob->credential, NULL) == PARLEY_ERROR_INVALID_ARGUMENT &&
                   parley_push_register(bob->client, bob->client, &device) == PARLEY_ERROR_INVALID_ARGUMENT,
               "a phone to wake", "");
  ok &= report(parley_client_enter_background(bob->client) == 0 && parley_client_low_memory(bob->client) == 0 &&
                   parley_client_enter_foreground(bob->client) == 0 && parley_client_network_changed(bob->client) == 0 &&
                   parley_client_enter_background(0) == PARLEY_ERROR_INVALID_ARGUMENT,
               "background and foreground", "");
  char *id = NULL;
  parley_handle call = 0, incoming = 0, again = 0;
  int rings = bob->rings;
  right = 0;
  ok &= report(parley_call_start(alice->agent, env("PARLEY_BOB_ID"), NULL, NULL, &call) == 0 && parley_call_id(call, &id) == 0 &&
                   parley_agent_await_incoming(bob->agent, id, 30000, &incoming) == 0 && parley_incoming_info(incoming, incoming_from, &right) == 0 && right == 1 &&
                   WAIT(bob->rings > rings) && bob->incoming == incoming && parley_agent_await_incoming(bob->agent, id, 0, &again) == 0 && again == incoming,
               "woken by a call", "handles %llu, %llu, %llu", (unsigned long long)incoming, (unsigned long long)bob->incoming, (unsigned long long)again);
  ok &= report(parley_incoming_reject(incoming, 0) == 0 && parley_release(incoming) == 0 && parley_release(call) == 0 &&
                   parley_agent_await_incoming(bob->agent, id, 1, &incoming) == PARLEY_ERROR_TIMEOUT && incoming == 0 &&
                   parley_agent_await_incoming(bob->agent, NULL, 1, &incoming) == PARLEY_ERROR_INVALID_ARGUMENT,
               "a call that is over", "");
  parley_free(id);
  report(ok, "phone", "see above");
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
  printf("calls %d\n", done);
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
  if (getenv("PARLEY_SLOW") != NULL) {
    slowness = atoi(getenv("PARLEY_SLOW"));
    options.time_limit = 45000 * slowness;
    options.gc_percent = -1;
    options.memory_limit = -1;
  }
  load_video(env("PARLEY_VIDEO"));
  printf("parley %s\n", parley_version());
  report(parley_version()[0] != 0 && parley_error_text(PARLEY_ERROR_CLOSED)[0] != 0, "version", "");
  if (!report(sign_in(&alice, "alice", env("PARLEY_ALICE_TOKEN"), &options) && sign_in(&bob, "bob", env("PARLEY_BOB_TOKEN"), &options), "sign in", "")) return 1;
  first_call(&alice, &bob);
  chat(&alice, &bob);
  threads(&alice, &bob);
  phone(&alice, &bob);
  errors(&alice, &bob, &options);
  calls_in_a_row(&alice, &bob, atoi(env("PARLEY_CALLS")));
  closing(&alice, &bob);
  for (int i = 0; i < frame_count; i++) free(frames[i]);
  free(ca);
  return failures != 0;
}
