/*
 * parley.h: calls and chat of Parley from C, and from every language that can
 * call C. The smallest call:
 *
 *     parley_client_options options = {.size = sizeof options, .endpoint = "https://chat.example.com"};
 *     parley_handle client, credential, agent, call;
 *     parley_client_new(&options, NULL, &client);
 *     parley_credential_new(token, NULL, &credential);
 *     parley_agent_new(client, credential, NULL, NULL, &agent);
 *     parley_call_start(agent, "8:acs:...", NULL, NULL, &call);
 *     ...                          parley_audio_write and parley_audio_read
 *     parley_call_hang_up(call);
 *     parley_client_shutdown(client);
 *     parley_release(client);
 *     parley_release(credential);
 *
 * HANDLES. Objects are 64 bit numbers, never 0, and never used again: after
 * parley_release a handle gives PARLEY_ERROR_CLOSED for ever. 0, a number that
 * was never given out and an object of another kind give
 * PARLEY_ERROR_INVALID_ARGUMENT. Releasing an object releases what was made
 * with it: a client's agents and chats, an agent's calls, a chat's threads.
 *
 * RESULTS. Functions return PARLEY_OK or more, or a negative PARLEY_ERROR.
 * parley_last_error tells more of the last failure on the same thread. What is
 * written to a result pointer is 0 or NULL after a failure; such pointers must
 * not be NULL. Text is UTF-8 that ends with a zero byte; where NULL is allowed
 * it is the empty text. Text that is not UTF-8 gives PARLEY_ERROR_INVALID_ARGUMENT.
 * What a char ** got is freed with parley_free.
 *
 * STRUCTS begin with their size, which the caller sets to sizeof; a program
 * that was compiled with an older header goes on to work. Fields that this
 * library does not know yet must be zero (else PARLEY_ERROR_UNSUPPORTED).
 * Structs are copied before the function returns.
 *
 * CALLBACKS may be NULL each. They are called on threads of the library, those
 * of one agent or one chat one at a time. What they get (text, data, structs)
 * is theirs until they return. A callback may call every function but the
 * shutdowns, parley_release of its own object included. `released` is called
 * once, when the callbacks and their user_data are needed no more: after
 * parley_release, after a call's last event, or at once when the function that
 * took them fails; if a callback is running then, after it has returned. It may
 * run inside the function that caused it. From then on user_data may be freed.
 * parley_release itself waits for nobody. No exception may leave a callback, in
 * C++ neither.
 *
 * THREADS. Every function may be called on every thread. Those that say
 * "waits" wait for the service, client option time_limit at most.
 *
 * PROCESS. The library holds a Go runtime: it must not be used after fork()
 * without exec(), and cannot be unloaded.
 */
#ifndef PARLEY_H
#define PARLEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An object; see HANDLES. */
typedef uint64_t parley_handle;

/* ---- Results ---------------------------------------------------------- */

/* Codes keep their meaning for ever. */
enum {
  PARLEY_OK = 0,
  PARLEY_ERROR_UNKNOWN = -1,           /* a failure without a code of its own */
  PARLEY_ERROR_INTERNAL = -2,          /* a bug in the library, caught */
  PARLEY_ERROR_INVALID_ARGUMENT = -3,  /* an argument that cannot be */
  PARLEY_ERROR_CLOSED = -4,            /* the object was released or shut down */
  PARLEY_ERROR_TIMEOUT = -5,           /* longer than time_limit */
  PARLEY_ERROR_CANCELED = -6,          /* parley_canceler_cancel */
  PARLEY_ERROR_UNAUTHORIZED = -7,      /* the token is refused, or there is none */
  PARLEY_ERROR_NETWORK = -8,           /* the service was not reached */
  PARLEY_ERROR_UNSUPPORTED = -9,       /* no common way with the other side, or a field of a newer header */
  PARLEY_ERROR_FORBIDDEN = -10,        /* the service does not let this user */
  PARLEY_ERROR_NOT_FOUND = -11,        /* the service does not have it */
  PARLEY_ERROR_TOO_LARGE = -12,        /* a message over its limit */
  PARLEY_ERROR_TOO_MANY_REQUESTS = -13,/* the service asks to slow down */
  PARLEY_ERROR_SERVICE = -14,          /* any other refusal, see http_status */
  PARLEY_ERROR_INVALID_STATE = -20,    /* the state of the object does not allow it */
  PARLEY_ERROR_CALL_ENDED = -21,       /* the call has ended */
  PARLEY_ERROR_CALL_FAILED = -22,      /* see call_code and call_subcode */
  PARLEY_ERROR_TRACK_IN_USE = -23,     /* a second video of one call */
  PARLEY_ERROR_NO_SUCH_TRACK = -24     /* a video that the call does not send */
};

/* What parley_last_error tells. */
typedef struct parley_error {
  uint32_t size;
  int32_t code;         /* a PARLEY_ERROR, PARLEY_OK before the first failure */
  int32_t call_code;    /* as in Azure Communication Services, with CALL_FAILED */
  int32_t call_subcode;
  int32_t http_status;  /* the service's answer; 0 when it was not asked */
  char service_code[64];/* the service's word, "Forbidden" for example; may be empty */
  char message[512];    /* a sentence for a developer */
} parley_error;

/* Why a call ended: 0/0 is the ordinary end. */
typedef struct parley_end_reason {
  uint32_t size;
  int32_t code;
  int32_t subcode;
  char message[256];
} parley_end_reason;

/* ---- Values ----------------------------------------------------------- */

/* Audio: mono, signed 16 bit in the byte order of the machine, samples a second. */
enum { PARLEY_AUDIO_SAMPLE_RATE = 48000 };

enum { PARLEY_LOG_DEBUG = -4, PARLEY_LOG_INFO = 0, PARLEY_LOG_WARN = 4, PARLEY_LOG_ERROR = 8 };

/* An agent's connection to the service; DISCONNECTED is final. */
enum { PARLEY_CONNECTION_CONNECTED = 1, PARLEY_CONNECTION_RECONNECTING = 2, PARLEY_CONNECTION_DISCONNECTED = 3 };

/* A call; DISCONNECTED is final. */
enum {
  PARLEY_CALL_NONE = 0, PARLEY_CALL_EARLY_MEDIA = 1, PARLEY_CALL_CONNECTING = 2, PARLEY_CALL_RINGING = 3,
  PARLEY_CALL_CONNECTED = 4, PARLEY_CALL_LOCAL_HOLD = 5, PARLEY_CALL_REMOTE_HOLD = 6, PARLEY_CALL_IN_LOBBY = 7,
  PARLEY_CALL_DISCONNECTING = 8, PARLEY_CALL_DISCONNECTED = 9
};
enum { PARLEY_CALL_OUTGOING = 1, PARLEY_CALL_INCOMING = 2 };
enum { PARLEY_MEDIA_CONNECTING = 1, PARLEY_MEDIA_CONNECTED = 2, PARLEY_MEDIA_RECONNECTING = 3 };

/* Another side of a call, and what changed about it. */
enum {
  PARLEY_PARTICIPANT_IDLE = 0, PARLEY_PARTICIPANT_CONNECTING = 1, PARLEY_PARTICIPANT_RINGING = 2,
  PARLEY_PARTICIPANT_EARLY_MEDIA = 3, PARLEY_PARTICIPANT_CONNECTED = 4, PARLEY_PARTICIPANT_HOLD = 5,
  PARLEY_PARTICIPANT_IN_LOBBY = 6, PARLEY_PARTICIPANT_DISCONNECTED = 7
};
enum {
  PARLEY_CHANGE_JOINED = 1, PARLEY_CHANGE_LEFT = 2, PARLEY_CHANGE_STATE = 3,
  PARLEY_CHANGE_MUTED = 4, PARLEY_CHANGE_SPEAKING = 5, PARLEY_CHANGE_VIDEO = 6
};

/* Encoded video: VP8 frames, H.264 access units in Annex B form, VP9 frames, AV1 temporal units. */
enum { PARLEY_VIDEO_VP8 = 1, PARLEY_VIDEO_H264 = 2, PARLEY_VIDEO_VP9 = 3, PARLEY_VIDEO_AV1 = 4 };

/* What happened to a message or a thread. */
enum { PARLEY_CHAT_CREATED = 1, PARLEY_CHAT_UPDATED = 2, PARLEY_CHAT_DELETED = 3 };
/* A chat's connection: SYNCED has told everything so far, CLOSED is final. */
enum { PARLEY_CHAT_SYNCED = 1, PARLEY_CHAT_RECONNECTING = 2, PARLEY_CHAT_CLOSED = 3 };
enum {
  PARLEY_MESSAGE_OTHER = 0, PARLEY_MESSAGE_TEXT = 1, PARLEY_MESSAGE_HTML = 2, PARLEY_MESSAGE_TOPIC_UPDATED = 3,
  PARLEY_MESSAGE_PARTICIPANT_ADDED = 4, PARLEY_MESSAGE_PARTICIPANT_REMOVED = 5
};

/* A name and a value of the application's own. */
typedef struct parley_pair { const char *name; const char *value; } parley_pair;

/* ---- Options ---------------------------------------------------------- */

typedef struct parley_client_options {
  uint32_t size;
  int32_t allow_plain_http;      /* not 0: endpoint may be http://, for tests */
  const char *endpoint;          /* "https://host:port"; required */
  const char *root_certificates; /* authorities in PEM form; NULL: the system's */
  const char *user_agent;        /* NULL: "parley-mobile" */
  int32_t relay_only;            /* not 0: all media through the service's relay */
  int32_t audio_bitrate;         /* bit/s; 0: 40,000 */
  int32_t max_video_bitrate;     /* bit/s; 0: 2,500,000 */
  int32_t gc_percent;            /* of the process, as GOGC; 0: 50; negative: as it is */
  int64_t time_limit;            /* of waiting functions, ms; 0: 45,000 */
  int64_t memory_limit;          /* of the process, as GOMEMLIMIT, bytes; 0: 48 MiB; negative: as it is */
} parley_client_options;

typedef struct parley_agent_options {
  uint32_t size;
  int32_t share_address_early; /* not 0: callers see this device's addresses while it rings */
  const char *display_name;    /* shown to those called; NULL: none */
  const char *device_id;       /* keep it over restarts; NULL: a random one */
  parley_handle canceler;      /* cancels the sign-in; 0: none */
} parley_agent_options;

typedef struct parley_call_options {
  uint32_t size;
  int32_t muted;               /* not 0: starts muted */
  int32_t incoming_muted;      /* not 0: starts with the other side silent */
  int32_t no_audio;            /* not 0: not connected to parley_audio_write and _read */
  int32_t share_address_early; /* not 0: those called see the addresses while they ring */
  int32_t receive_video;       /* not 0: on_video_frame is wanted */
  int64_t stats_interval;      /* of on_stats, ms, 1,000 or more; 0: never */
  parley_handle camera;        /* a video source that is sent from the start; 0: none */
  parley_handle canceler;      /* abandons the call while the function waits; 0: none */
} parley_call_options;

typedef struct parley_chat_options {
  uint32_t size;
  int32_t reserved;         /* 0 */
  const char *display_name; /* goes with what the user sends; NULL: none */
  const char *device_id;    /* keep it over restarts; NULL: a random one */
  const char *position;     /* of parley_chat_position at an earlier run; NULL: from now on */
} parley_chat_options;

typedef struct parley_message_options {
  uint32_t size;
  int32_t html;                    /* not 0: content has marks of HTML */
  const char *sender_display_name; /* NULL: that of the chat */
  const char *client_id;           /* with the same one it is written once; NULL: a random one */
  const parley_pair *metadata;     /* metadata_count of them; NULL: none */
  size_t metadata_count;           /* 1,000 at most */
} parley_message_options;

/* ---- What callbacks and visitors get ---------------------------------- */

typedef struct parley_incoming {
  uint32_t size;
  int32_t has_video;
  const char *id; /* of the call, a UUID */
  const char *caller_id;
  const char *caller_display_name;
} parley_incoming;

typedef struct parley_participant {
  uint32_t size;
  int32_t state; /* a PARLEY_PARTICIPANT */
  int32_t muted;
  int32_t speaking;
  int32_t has_video;
  int32_t end_code; /* why it left */
  int32_t end_subcode;
  int32_t reserved;
  const char *id;
  const char *display_name;
} parley_participant;

typedef struct parley_video_frame {
  uint32_t size;
  int32_t codec;     /* a PARLEY_VIDEO */
  const uint8_t *data;
  size_t data_size;
  int64_t timestamp; /* microseconds from any zero point */
  int32_t key_frame;
  int32_t width;     /* pixels; 0: not known */
  int32_t height;
  int32_t reserved;
} parley_video_frame;

typedef struct parley_data_message {
  uint32_t size;
  int32_t channel_id;
  const char *participant_id;
  const uint8_t *data;
  size_t data_size;
  int64_t sequence; /* counts the sender's messages on the channel from 1 */
  int32_t lossy;    /* messages of the channel may be missing */
  int32_t reserved;
} parley_data_message;

/* Times are ms since 1970, 0 for never. */
typedef struct parley_chat_message {
  uint32_t size;
  int32_t type;                    /* a PARLEY_MESSAGE */
  const char *thread_id;
  const char *id;
  const char *version;             /* another one after every change */
  const char *sequence;            /* a number as text: the order in the thread */
  const char *content;             /* empty once it is deleted */
  const char *sender_id;
  const char *sender_display_name;
  const char *client_id;           /* in events: the one its sender gave */
  int64_t created_on;
  int64_t edited_on;
  int64_t deleted_on;
  const parley_pair *metadata;
  size_t metadata_count;
} parley_chat_message;

typedef struct parley_chat_thread_info {
  uint32_t size;
  int32_t unread;           /* in states */
  int32_t gone;             /* in states: the user is not in it any more */
  int32_t reserved;
  const char *id;
  const char *topic;
  const char *by;           /* who made, changed or deleted it; may be empty */
  const char *last_read;    /* in states: id of the last message read */
  int64_t created_on;       /* in properties */
  int64_t last_message_on;  /* in lists */
  const parley_pair *metadata;
  size_t metadata_count;
} parley_chat_thread_info;

typedef struct parley_chat_participant {
  uint32_t size;
  int32_t reserved;
  const char *thread_id;
  const char *id;
  const char *display_name;
  int64_t share_history_on; /* sees messages from then on; 0: all */
} parley_chat_participant;

typedef struct parley_read_receipt {
  uint32_t size;
  int32_t reserved;
  const char *thread_id;
  const char *sender_id;
  const char *message_id;
  int64_t read_on;
} parley_read_receipt;

typedef struct parley_outbox_message {
  uint32_t size;
  int32_t html;
  const char *client_id;
  const char *thread_id;
  const char *content;
  int64_t added_on;
} parley_outbox_message;

/* Visitors are called during the function that takes them, on its thread, once
 * for each entry; they return 0 to go on, anything else to stop. */
typedef int32_t (*parley_participant_visitor)(void *user_data, const parley_participant *participant);
typedef int32_t (*parley_message_visitor)(void *user_data, const parley_chat_message *message);
typedef int32_t (*parley_thread_visitor)(void *user_data, const parley_chat_thread_info *thread);
typedef int32_t (*parley_member_visitor)(void *user_data, const parley_chat_participant *member);
typedef int32_t (*parley_receipt_visitor)(void *user_data, const parley_read_receipt *receipt);
typedef int32_t (*parley_outbox_visitor)(void *user_data, const parley_outbox_message *message);

/* ---- Callbacks --------------------------------------------------------- */

typedef struct parley_log_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* Any thread, several at once. Lines hold no tokens and nothing that was said or written. */
  void (*on_log)(void *user_data, int32_t level, const char *line);
} parley_log_callbacks;

typedef struct parley_credential_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* Writes a new token as text into token, which has room for capacity bytes
   * with the zero byte, and returns 0; or returns a negative number when there
   * is none. May take its time; not called twice at once. */
  int32_t (*refresh_token)(void *user_data, char *token, size_t capacity);
} parley_credential_callbacks;

typedef struct parley_agent_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* Somebody calls. `incoming` is a handle, for parley_incoming_accept and
   * _reject, now or later, and is to be released. */
  void (*on_incoming_call)(void *user_data, parley_handle incoming, const parley_incoming *info);
  /* It rings no more and was not taken here: 487/10003 another device has it,
   * 487/0 the caller gave up, 487/10004 nobody answered. */
  void (*on_incoming_call_ended)(void *user_data, parley_handle incoming, const parley_end_reason *reason);
  /* error says why, or is NULL; UNAUTHORIZED asks for a new sign-in. */
  void (*on_connection_state_changed)(void *user_data, int32_t state, const parley_error *error);
} parley_agent_callbacks;

typedef struct parley_call_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* May come before parley_call_start or parley_incoming_accept returns. The
   * last event of a call is PARLEY_CALL_DISCONNECTED. */
  void (*on_state_changed)(void *user_data, parley_handle call, int32_t state);
  void (*on_media_state_changed)(void *user_data, parley_handle call, int32_t state);
  void (*on_participant_changed)(void *user_data, parley_handle call, const parley_participant *participant, int32_t change);
  void (*on_muted_changed)(void *user_data, parley_handle call, int32_t muted, int32_t incoming_muted);
  void (*on_stats)(void *user_data, parley_handle call, const char *json);
  /* In decoding order, a key frame first, on a thread of its own. While it
   * blocks, frames that come too late are dropped and a key frame is asked for. */
  void (*on_video_frame)(void *user_data, parley_handle call, const parley_video_frame *frame);
  void (*on_data)(void *user_data, parley_handle call, const parley_data_message *message);
  void (*on_tone)(void *user_data, parley_handle call, const char *participant_id, const char *tone);
} parley_call_callbacks;

typedef struct parley_video_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* Both must not block. */
  void (*on_key_frame_requested)(void *user_data);
  void (*on_target_bitrate_changed)(void *user_data, int32_t bits_per_second);
} parley_video_callbacks;

typedef struct parley_chat_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  /* The user's own messages included; change is a PARLEY_CHAT_CREATED, _UPDATED, _DELETED. */
  void (*on_message)(void *user_data, const parley_chat_message *message, int32_t change);
  void (*on_thread)(void *user_data, const parley_chat_thread_info *thread, int32_t change);
  /* One call for each who came (joined is not 0) or went. */
  void (*on_member)(void *user_data, const parley_chat_participant *member, int32_t joined);
  void (*on_typing)(void *user_data, const char *thread_id, const char *sender_id, const char *sender_display_name);
  void (*on_read_receipt)(void *user_data, const parley_read_receipt *receipt);
  /* Another number of messages is unread, or the user came into a thread or left it. */
  void (*on_thread_state)(void *user_data, const parley_chat_thread_info *thread);
  void (*on_connection_changed)(void *user_data, int32_t state, const parley_error *error);
} parley_chat_callbacks;

typedef struct parley_outbox_callbacks {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
  void (*on_sent)(void *user_data, const parley_outbox_message *message, const char *message_id);
  /* The service will never take it; it is in the outbox no more. */
  void (*on_send_failed)(void *user_data, const parley_outbox_message *message, const parley_error *error);
} parley_outbox_callbacks;

/* ---- Functions ---------------------------------------------------------- */

#ifndef PARLEY_NO_PROTOTYPES

/* The version of the library, a text that stays. */
const char *parley_version(void);
/* A sentence for a code, a text that stays. */
const char *parley_error_text(int32_t code);
/* Tells the last failure on this thread. error->size must be set. */
int32_t parley_last_error(parley_error *error);
/* Frees what a char ** or void ** got. NULL does nothing. */
void parley_free(void *memory);
/* Closes an object and what was made with it, at once; a call that is released
 * goes on without callbacks unless its agent is released. Waits for nobody.
 * Released again it gives PARLEY_ERROR_CLOSED and does nothing. */
int32_t parley_release(parley_handle object);
/* What the library holds now: bytes of the heap after a collection of garbage,
 * goroutines, handles. For tests; it takes milliseconds. Pointers may be NULL. */
int32_t parley_usage(int64_t *heap, int32_t *goroutines, int32_t *handles);

/* Cancels functions that it was given to, and those that it will be given to. */
int32_t parley_canceler_new(parley_handle *canceler);
int32_t parley_canceler_cancel(parley_handle canceler);

/* A user's token, or what gets one; callbacks may be NULL, then token is the
 * only one. For several agents and chats of one user. */
int32_t parley_credential_new(const char *token, const parley_credential_callbacks *callbacks, parley_handle *credential);

/* The library for one service. Opens no connection. log may be NULL. */
int32_t parley_client_new(const parley_client_options *options, const parley_log_callbacks *log, parley_handle *client);
/* Hangs up, signs out, tells what is left to tell, closes. Waits; not for callbacks. */
int32_t parley_client_shutdown(parley_handle client);
/* The machine has another network: reconnects at once. */
int32_t parley_client_network_changed(parley_handle client);

/* The microphone: takes `size` bytes (even) of audio, never waits, allocates
 * nothing. Returns how many it took, which is all. Without a call they are dropped. */
int32_t parley_audio_write(parley_handle client, const void *pcm, size_t size);
/* The loudspeaker: fills `size` bytes (even) with what is to be played now,
 * silence where there is nothing; never waits, allocates nothing. Returns how many. */
int32_t parley_audio_read(parley_handle client, void *pcm, size_t size);
/* Something else has the microphone and the loudspeaker (not 0), or not any more. */
int32_t parley_audio_interrupt(parley_handle client, int32_t interrupted);
/* Drops audio that waits: the device is another one. */
int32_t parley_audio_flush(parley_handle client);

/* Signs a user in, for calls. options and callbacks may be NULL. Waits. */
int32_t parley_agent_new(parley_handle client, parley_handle credential, const parley_agent_options *options, const parley_agent_callbacks *callbacks, parley_handle *agent);
/* The raw id of who is signed in. */
int32_t parley_agent_id(parley_handle agent, char **id);
/* A PARLEY_CONNECTION. */
int32_t parley_agent_connection_state(parley_handle agent);
/* Hangs up, signs out, tells what is left to tell. Waits; not for callbacks. */
int32_t parley_agent_shutdown(parley_handle agent);

/* Calls a user, "8:acs:...", and returns when the service has taken the call;
 * options and callbacks may be NULL. Waits. */
int32_t parley_call_start(parley_handle agent, const char *target, const parley_call_options *options, const parley_call_callbacks *callbacks, parley_handle *call);
/* Takes a call, when no other device was faster (CALL_FAILED 487/10003). Waits. */
int32_t parley_incoming_accept(parley_handle incoming, const parley_call_options *options, const parley_call_callbacks *callbacks, parley_handle *call);
/* Refuses a call; busy tells 486 instead of 603. Waits. */
int32_t parley_incoming_reject(parley_handle incoming, int32_t busy);

/* The call's id, a UUID, the same at all ends. */
int32_t parley_call_id(parley_handle call, char **id);
/* PARLEY_CALL_OUTGOING or _INCOMING. */
int32_t parley_call_direction(parley_handle call);
/* A PARLEY_CALL state. */
int32_t parley_call_state(parley_handle call);
/* Why it ended; INVALID_STATE while it has not. reason->size must be set. */
int32_t parley_call_end_reason(parley_handle call, parley_end_reason *reason);
/* These wait for the service or the other side. */
int32_t parley_call_hang_up(parley_handle call);
int32_t parley_call_hold(parley_handle call);
int32_t parley_call_resume(parley_handle call);
int32_t parley_call_mute(parley_handle call);
int32_t parley_call_unmute(parley_handle call);
int32_t parley_call_mute_incoming(parley_handle call);
int32_t parley_call_unmute_incoming(parley_handle call);
/* 1 or 0. */
int32_t parley_call_is_muted(parley_handle call);
int32_t parley_call_is_incoming_muted(parley_handle call);
/* Each of 0-9, A-D, * and #, at most 64. */
int32_t parley_call_send_dtmf(parley_handle call, const char *tones);
/* Statistics as JSON with the names of webrtc-stats. */
int32_t parley_call_stats(parley_handle call, char **json);
/* Visits the other sides. */
int32_t parley_call_participants(parley_handle call, parley_participant_visitor visit, void *user_data);
/* Sends a video source, or no more. Wait. */
int32_t parley_call_start_video(parley_handle call, parley_handle source);
int32_t parley_call_stop_video(parley_handle call, parley_handle source);

/* Video that the application encodes, of one PARLEY_VIDEO codec. */
int32_t parley_video_source_new(parley_handle client, int32_t codec, const parley_video_callbacks *callbacks, parley_handle *source);
/* Gives one encoded frame, in order; timestamp in microseconds. Copies, never
 * waits. 1: sent; 0: dropped, because earlier ones wait or a key frame has to come. */
int32_t parley_video_source_send(parley_handle source, const void *frame, size_t size, int64_t timestamp, int32_t key_frame);

/* A data channel: channel_id 1 to 65534 or 0 for the lowest free one; lossy:
 * a message at most once; bitrate in bit/s, 0 for 500,000. */
int32_t parley_data_sender_new(parley_handle call, int32_t channel_id, int32_t lossy, int32_t bitrate, parley_handle *sender);
int32_t parley_data_sender_channel(parley_handle sender);
/* Sends one message. Waits while the bitrate is used up. */
int32_t parley_data_sender_send(parley_handle sender, const void *data, size_t size);

/* A user's chat. Opens no connection. options and callbacks may be NULL. */
int32_t parley_chat_new(parley_handle client, parley_handle credential, const parley_chat_options *options, const parley_chat_callbacks *callbacks, parley_handle *chat);
/* Connects; from then on what happens is told. Waits. */
int32_t parley_chat_start(parley_handle chat);
/* Waits until what is being sent was answered, then closes. Not for callbacks. */
int32_t parley_chat_shutdown(parley_handle chat);
/* Up to where events were told, to keep for parley_chat_options. */
int32_t parley_chat_position(parley_handle chat, char **position);
/* Makes a thread with the user and `count` (1,000 at most) members, name the raw
 * id and value the display name or NULL; visit, which may be NULL, gets those who
 * could not be added. Waits. */
int32_t parley_chat_create_thread(parley_handle chat, const char *topic, const parley_pair *members, size_t count, parley_member_visitor visit, void *user_data, parley_handle *thread);
/* A thread by its id. Asks nobody. */
int32_t parley_chat_thread(parley_handle chat, const char *id, parley_handle *thread);
int32_t parley_chat_delete_thread(parley_handle chat, const char *id);
/* Visits the user's threads. Waits, page by page. */
int32_t parley_chat_threads(parley_handle chat, parley_thread_visitor visit, void *user_data);
/* Visits where the threads stand, as far as it was told. */
int32_t parley_chat_thread_states(parley_handle chat, parley_thread_visitor visit, void *user_data);

int32_t parley_thread_id(parley_handle thread, char **id);
/* The rest of a thread's functions wait. Visits once. */
int32_t parley_thread_properties(parley_handle thread, parley_thread_visitor visit, void *user_data);
int32_t parley_thread_set_topic(parley_handle thread, const char *topic);
/* Writes a message and returns when it is durable; once the chat has started it
 * is written once however often the connection is lost. Returns 1 when client_id
 * was there already. options may be NULL. */
int32_t parley_thread_send(parley_handle thread, const char *content, const parley_message_options *options, char **message_id);
int32_t parley_thread_edit(parley_handle thread, const char *message_id, const char *content);
int32_t parley_thread_delete(parley_handle thread, const char *message_id);
/* Visits one message. */
int32_t parley_thread_message(parley_handle thread, const char *message_id, parley_message_visitor visit, void *user_data);
/* Visits the messages, the newest first, page by page. */
int32_t parley_thread_messages(parley_handle thread, parley_message_visitor visit, void *user_data);
int32_t parley_thread_add_member(parley_handle thread, const char *id, const char *display_name);
/* The user's own id leaves the thread. */
int32_t parley_thread_remove_member(parley_handle thread, const char *id);
int32_t parley_thread_members(parley_handle thread, parley_member_visitor visit, void *user_data);
/* Counts for some seconds; repeat it at most every eight. */
int32_t parley_thread_typing(parley_handle thread);
int32_t parley_thread_read(parley_handle thread, const char *message_id);
int32_t parley_thread_receipts(parley_handle thread, parley_receipt_visitor visit, void *user_data);
/* Stores an image, fetches one (preview: a small one). *image is freed with parley_free. */
int32_t parley_thread_upload_image(parley_handle thread, const void *image, size_t size, const char *name, char **image_id);
int32_t parley_thread_image(parley_handle thread, const char *image_id, int32_t preview, void **image, size_t *size);

/* Messages that wait in the file path until they are sent. */
int32_t parley_outbox_open(parley_handle chat, const char *path, const parley_outbox_callbacks *callbacks, parley_handle *outbox);
/* Durable when it returns. options may be NULL. */
int32_t parley_outbox_add(parley_handle outbox, const char *thread_id, const char *content, const parley_message_options *options, char **client_id);
int32_t parley_outbox_remove(parley_handle outbox, const char *client_id);
int32_t parley_outbox_waiting(parley_handle outbox, parley_outbox_visitor visit, void *user_data);
int32_t parley_outbox_retry(parley_handle outbox);

#endif /* PARLEY_NO_PROTOTYPES */

#ifdef __cplusplus
}
#endif

#endif /* PARLEY_H */
