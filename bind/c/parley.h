/**
 * @file parley.h
 * The whole surface of the library: handles, options, callbacks and functions.
 */
/**
 * @mainpage
 *
 * parley.h: calls and chat of Parley from C, and from every language that can
 * call C. The smallest call:
 *
 * @code{.c}
 * parley_client_options options = {.size = sizeof options, .endpoint = "https://chat.example.com"};
 * parley_handle client, credential, agent, call;
 * parley_client_new(&options, NULL, &client);
 * parley_credential_new(token, NULL, &credential);
 * parley_agent_new(client, credential, NULL, NULL, &agent);
 * parley_call_start(agent, "8:acs:...", NULL, NULL, &call);
 * // ... parley_audio_write and parley_audio_read
 * parley_call_hang_up(call);
 * parley_client_shutdown(client);
 * parley_release(client);
 * parley_release(credential);
 * @endcode
 *
 * @section handles Handles
 * Objects are 64 bit numbers, never 0, and never used again: after
 * parley_release() a handle gives PARLEY_ERROR_CLOSED for ever. 0, a number that
 * was never given out and an object of another kind give
 * PARLEY_ERROR_INVALID_ARGUMENT. Releasing an object releases what was made
 * with it: a client's agents and chats, an agent's calls, a chat's threads.
 *
 * @section results Results
 * Functions return PARLEY_OK or more, or a negative PARLEY_ERROR.
 * parley_last_error() tells more of the last failure on the same thread. What is
 * written to a result pointer is 0 or NULL after a failure; such pointers must
 * not be NULL. Text is UTF-8 that ends with a zero byte; where NULL is allowed
 * it is the empty text. Text that is not UTF-8 gives PARLEY_ERROR_INVALID_ARGUMENT.
 * What a char ** got is freed with parley_free().
 *
 * @section structs Structs
 * Structs begin with their size, which the caller sets to sizeof; a program
 * that was compiled with an older header goes on to work. Fields that this
 * library does not know yet must be zero (else PARLEY_ERROR_UNSUPPORTED).
 * Structs are copied before the function returns. Those of arrays, which have no
 * size, never change.
 *
 * @section callbacks Callbacks
 * Callbacks may be NULL each. They are called on threads of the library, those
 * of one agent or one chat one at a time. What they get (text, data, structs)
 * is theirs until they return. A callback may call every function but the
 * shutdowns, parley_release() of its own object included. `released` is called
 * once, when the callbacks and their user_data are needed no more: after
 * parley_release(), after a call's last event, or at once when the function that
 * took them fails; if a callback is running then, after it has returned. It may
 * run inside the function that caused it. From then on user_data may be freed.
 * parley_release() itself waits for nobody. No exception may leave a callback, in
 * C++ neither.
 *
 * @section visitors Visitors
 * Visitors are called during the function that takes them, on its thread, once
 * for each entry; what they get is theirs until they return. They return 0 to go
 * on, anything else to stop.
 *
 * @section threads Threads
 * Every function may be called on every thread. Those that say "waits" wait for
 * the service, parley_client_options.time_limit at most.
 *
 * @section process Process
 * The library holds a Go runtime: it must not be used after fork() without
 * exec(), and cannot be unloaded.
 */
#ifndef PARLEY_H
#define PARLEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup base Handles, errors, versions */
/** @defgroup client Client and credential */
/** @defgroup phone Phones: background, memory, network, push */
/** @defgroup audio Microphone and loudspeaker */
/** @defgroup agent Agents and calls that ring */
/** @defgroup call Calls */
/** @defgroup media Video and data of calls */
/** @defgroup chat Chat */
/** @defgroup outbox Messages that wait */

/* ---- Results ---------------------------------------------------------- */

/** @addtogroup base
 * @{ */

/** An object, or 0 for none. */
typedef uint64_t parley_handle;

/** What functions return. Codes keep their meaning for ever. */
enum parley_results {
  PARLEY_OK = 0,                        /**< done */
  PARLEY_ERROR_UNKNOWN = -1,            /**< a failure without a code of its own */
  PARLEY_ERROR_INTERNAL = -2,           /**< a bug in the library, caught */
  PARLEY_ERROR_INVALID_ARGUMENT = -3,   /**< an argument that cannot be */
  PARLEY_ERROR_CLOSED = -4,             /**< the object was released or shut down */
  PARLEY_ERROR_TIMEOUT = -5,            /**< longer than time_limit */
  PARLEY_ERROR_CANCELED = -6,           /**< parley_canceler_cancel */
  PARLEY_ERROR_UNAUTHORIZED = -7,       /**< the token is refused, or there is none */
  PARLEY_ERROR_NETWORK = -8,            /**< the service was not reached */
  PARLEY_ERROR_UNSUPPORTED = -9,        /**< no common way with the other side, or a field of a newer header */
  PARLEY_ERROR_FORBIDDEN = -10,         /**< the service does not let this user */
  PARLEY_ERROR_NOT_FOUND = -11,         /**< the service does not have it */
  PARLEY_ERROR_TOO_LARGE = -12,         /**< a message over its limit */
  PARLEY_ERROR_TOO_MANY_REQUESTS = -13, /**< the service asks to slow down */
  PARLEY_ERROR_SERVICE = -14,           /**< any other refusal, see http_status */
  PARLEY_ERROR_STORAGE = -15,           /**< a file that cannot be read or written */
  PARLEY_ERROR_INVALID_STATE = -20,     /**< the state of the object does not allow it */
  PARLEY_ERROR_CALL_ENDED = -21,        /**< the call has ended */
  PARLEY_ERROR_CALL_FAILED = -22,       /**< see call_code and call_subcode */
  PARLEY_ERROR_TRACK_IN_USE = -23,      /**< a second video of one call */
  PARLEY_ERROR_NO_SUCH_TRACK = -24      /**< a video that the call does not send or receive */
};

/** What parley_last_error tells. */
typedef struct parley_error {
  uint32_t size;         /**< sizeof the struct */
  int32_t code;          /**< one of parley_results, PARLEY_OK before the first failure */
  int32_t call_code;     /**< as in Azure Communication Services, with PARLEY_ERROR_CALL_FAILED */
  int32_t call_subcode;  /**< goes with call_code */
  int32_t http_status;   /**< the service's answer; 0 when it was not asked */
  char service_code[64]; /**< the service's word, "Forbidden" for example; may be empty */
  char message[512];     /**< a sentence for a developer */
} parley_error;

/** A name and a value of the application's own, or a raw id and a display name. */
typedef struct parley_pair {
  const char *name;  /**< not NULL, not twice */
  const char *value; /**< NULL is the empty text */
} parley_pair;

/** @} */

/** @addtogroup agent
 * @{ */

/** Why a call ended: 0/0 is the ordinary end. */
typedef struct parley_end_reason {
  uint32_t size;     /**< sizeof the struct */
  int32_t code;      /**< as in Azure Communication Services */
  int32_t subcode;   /**< goes with code */
  char message[256]; /**< a sentence for a developer */
} parley_end_reason;

/** @} */

/* ---- Values ----------------------------------------------------------- */

/** Audio: mono, signed 16 bit in the byte order of the machine.
 * @ingroup audio */
enum parley_audio_format {
  PARLEY_AUDIO_SAMPLE_RATE = 48000,     /**< samples a second */
  PARLEY_AUDIO_BYTES_PER_MILLISECOND = 96 /**< the size of a millisecond */
};

/** How much a line of the log matters.
 * @ingroup client */
enum parley_log_levels {
  PARLEY_LOG_DEBUG = -4, /**< detail */
  PARLEY_LOG_INFO = 0,   /**< what happens in ordinary use */
  PARLEY_LOG_WARN = 4,   /**< what may need a look */
  PARLEY_LOG_ERROR = 8   /**< a failure, also a panic that was caught */
};

/** An agent's connection to the service.
 * @ingroup agent */
enum parley_connection_states {
  PARLEY_CONNECTION_CONNECTED = 1,    /**< calls come and go */
  PARLEY_CONNECTION_RECONNECTING = 2, /**< it was lost and is being restored; calls go on */
  PARLEY_CONNECTION_DISCONNECTED = 3  /**< final */
};

/** @addtogroup call
 * @{ */

/** The states of a call. */
enum parley_call_states {
  PARLEY_CALL_NONE = 0,          /**< just made */
  PARLEY_CALL_EARLY_MEDIA = 1,   /**< plays an announcement before it is connected */
  PARLEY_CALL_CONNECTING = 2,    /**< placed or accepted, being set up */
  PARLEY_CALL_RINGING = 3,       /**< rings at the other side */
  PARLEY_CALL_CONNECTED = 4,     /**< has media */
  PARLEY_CALL_LOCAL_HOLD = 5,    /**< put on hold by this side, maybe by the other too */
  PARLEY_CALL_REMOTE_HOLD = 6,   /**< put on hold by the other side only */
  PARLEY_CALL_IN_LOBBY = 7,      /**< waits to be admitted */
  PARLEY_CALL_DISCONNECTING = 8, /**< being hung up */
  PARLEY_CALL_DISCONNECTED = 9   /**< final */
};

/** Who has begun a call. */
enum parley_call_directions {
  PARLEY_CALL_OUTGOING = 1, /**< placed here */
  PARLEY_CALL_INCOMING = 2  /**< rang here */
};

/** The states of a call's media path. */
enum parley_media_states {
  PARLEY_MEDIA_CONNECTING = 1,  /**< looks for a path */
  PARLEY_MEDIA_CONNECTED = 2,   /**< has one */
  PARLEY_MEDIA_RECONNECTING = 3 /**< lost it and looks for another */
};

/** The states of another side of a call. */
enum parley_participant_states {
  PARLEY_PARTICIPANT_IDLE = 0,        /**< not called yet */
  PARLEY_PARTICIPANT_CONNECTING = 1,  /**< being called */
  PARLEY_PARTICIPANT_RINGING = 2,     /**< being alerted */
  PARLEY_PARTICIPANT_EARLY_MEDIA = 3, /**< plays something before it takes the call */
  PARLEY_PARTICIPANT_CONNECTED = 4,   /**< in the call */
  PARLEY_PARTICIPANT_HOLD = 5,        /**< holds the call */
  PARLEY_PARTICIPANT_IN_LOBBY = 6,    /**< waits to be admitted */
  PARLEY_PARTICIPANT_DISCONNECTED = 7 /**< has left; final */
};

/** What changed about another side of a call. */
enum parley_participant_changes {
  PARLEY_CHANGE_JOINED = 1,   /**< it has come */
  PARLEY_CHANGE_LEFT = 2,     /**< it has gone */
  PARLEY_CHANGE_STATE = 3,    /**< it has another state */
  PARLEY_CHANGE_MUTED = 4,    /**< it has muted or unmuted itself */
  PARLEY_CHANGE_SPEAKING = 5, /**< it began or stopped to speak */
  PARLEY_CHANGE_VIDEO = 6     /**< it has started or stopped its video */
};

/** @} */

/** @addtogroup media
 * @{ */

/** The codecs of encoded video. */
enum parley_video_codecs {
  PARLEY_VIDEO_VP8 = 1,  /**< VP8 frames */
  PARLEY_VIDEO_H264 = 2, /**< access units in Annex B form, those of key frames with SPS and PPS */
  PARLEY_VIDEO_VP9 = 3,  /**< VP9 frames or superframes */
  PARLEY_VIDEO_AV1 = 4   /**< temporal units in low-overhead form */
};

/** What parley_video_source_send did. */
enum parley_frame_results {
  PARLEY_FRAME_DROPPED = 0, /**< earlier ones still wait, or a key frame has to come first */
  PARLEY_FRAME_SENT = 1     /**< it is on its way */
};

/** Limits of data channels. */
enum parley_data_limits {
  PARLEY_MAX_DATA_MESSAGE_SIZE = 32768, /**< bytes of one message */
  PARLEY_MAX_DATA_CHANNEL_ID = 65535    /**< the largest id; the smallest is 1 */
};

/** @} */

/** @addtogroup chat
 * @{ */

/** What happened to a message or a thread. */
enum parley_chat_changes {
  PARLEY_CHAT_CREATED = 1, /**< it is new */
  PARLEY_CHAT_UPDATED = 2, /**< it is another */
  PARLEY_CHAT_DELETED = 3  /**< it is gone */
};

/** A chat's connection. */
enum parley_chat_connections {
  PARLEY_CHAT_SYNCED = 1,       /**< everything so far was told */
  PARLEY_CHAT_RECONNECTING = 2, /**< it was lost and is being restored */
  PARLEY_CHAT_CLOSED = 3        /**< final */
};

/** The kinds of messages. */
enum parley_message_types {
  PARLEY_MESSAGE_OTHER = 0,              /**< of a kind that this version does not know */
  PARLEY_MESSAGE_TEXT = 1,               /**< plain text */
  PARLEY_MESSAGE_HTML = 2,               /**< text with marks of HTML */
  PARLEY_MESSAGE_TOPIC_UPDATED = 3,      /**< the thread's topic is another, content has it */
  PARLEY_MESSAGE_PARTICIPANT_ADDED = 4,  /**< participants have come */
  PARLEY_MESSAGE_PARTICIPANT_REMOVED = 5 /**< participants have gone */
};

/** @} */

/** @addtogroup phone
 * @{ */

/** What a push tells of. */
enum parley_push_kinds {
  PARLEY_PUSH_OTHER = 0, /**< of a kind that this version does not know */
  PARLEY_PUSH_CALL = 1,  /**< somebody calls: sign in, and wait with parley_agent_await_incoming */
  PARLEY_PUSH_CHAT = 2   /**< a message to fetch */
};

/** The platforms that wake phones. */
enum parley_push_platforms {
  PARLEY_PUSH_APNS = 1, /**< Apple's */
  PARLEY_PUSH_FCM = 2   /**< Google's */
};

/** @} */

/* ---- Options ---------------------------------------------------------- */

/** How a client is made.
 * @ingroup client */
typedef struct parley_client_options {
  uint32_t size;                 /**< sizeof the struct */
  int32_t allow_plain_http;      /**< not 0: endpoint may be http://, for tests */
  const char *endpoint;          /**< "https://host:port"; required */
  const char *root_certificates; /**< authorities in PEM form; NULL: the system's */
  const char *user_agent;        /**< NULL: "parley-mobile" */
  int32_t relay_only;            /**< not 0: all media through the service's relay */
  int32_t audio_bitrate;         /**< bit/s; 0: 40,000 */
  int32_t max_video_bitrate;     /**< bit/s; 0: 2,500,000 */
  int32_t gc_percent;            /**< of the process, as GOGC; 0: 50; negative: as it is */
  int64_t time_limit;            /**< of functions that wait, ms; 0: 45,000 */
  int64_t memory_limit;          /**< of the process, as GOMEMLIMIT, bytes; 0: 48 MiB; negative: as it is */
} parley_client_options;

/** How a user signs in.
 * @ingroup agent */
typedef struct parley_agent_options {
  uint32_t size;               /**< sizeof the struct */
  int32_t share_address_early; /**< not 0: callers see this device's addresses while it rings */
  const char *display_name;    /**< shown to those called; NULL: none */
  const char *device_id;       /**< keep it over restarts; NULL: a random one */
  parley_handle canceler;      /**< cancels the sign-in; 0: none */
} parley_agent_options;

/** How a call begins.
 * @ingroup call */
typedef struct parley_call_options {
  uint32_t size;               /**< sizeof the struct */
  int32_t muted;               /**< not 0: starts muted */
  int32_t incoming_muted;      /**< not 0: starts with the other side silent */
  int32_t no_audio;            /**< not 0: not connected to parley_audio_write and _read */
  int32_t share_address_early; /**< not 0: those called see the addresses while they ring */
  int32_t receive_video;       /**< not 0: on_video_frame is wanted */
  int64_t stats_interval;      /**< of on_stats, ms, 1,000 or more; 0: never */
  parley_handle camera;        /**< a video source that is sent from the start; 0: none */
  parley_handle canceler;      /**< abandons the call while the function waits; 0: none */
} parley_call_options;

/** @addtogroup chat
 * @{ */

/** How a chat is made. */
typedef struct parley_chat_options {
  uint32_t size;            /**< sizeof the struct */
  int32_t reserved;         /**< 0 */
  const char *display_name; /**< goes with what the user sends; NULL: none */
  const char *device_id;    /**< keep it over restarts; NULL: a random one */
  const char *position;     /**< of parley_chat_position at an earlier run; NULL: from now on */
} parley_chat_options;

/** What goes with a new thread. */
typedef struct parley_thread_options {
  uint32_t size;               /**< sizeof the struct */
  int32_t reserved;            /**< 0 */
  const parley_pair *metadata; /**< metadata_count of them; NULL: none */
  size_t metadata_count;       /**< 1,000 at most */
} parley_thread_options;

/** A file of a message. */
typedef struct parley_attachment {
  const char *id;   /**< what parley_thread_upload_image gave */
  const char *name; /**< its file name; NULL or empty: none */
  int32_t image;    /**< not 0: an image, which parley_thread_image fetches */
  int32_t reserved; /**< 0 */
} parley_attachment;

/** What goes with a message. */
typedef struct parley_message_options {
  uint32_t size;                        /**< sizeof the struct */
  int32_t html;                         /**< not 0: content has marks of HTML */
  const char *sender_display_name;      /**< NULL: that of the chat */
  const char *client_id;                /**< with the same one it is written once; NULL: a random one */
  const parley_pair *metadata;          /**< metadata_count of them; NULL: none */
  size_t metadata_count;                /**< 1,000 at most */
  const parley_attachment *attachments; /**< attachment_count of them; NULL: none; an outbox takes none */
  size_t attachment_count;              /**< 1,000 at most */
} parley_message_options;

/** @} */

/** A phone, as it wants to be woken.
 * @ingroup phone */
typedef struct parley_push_device {
  uint32_t size;          /**< sizeof the struct */
  int32_t platform;       /**< one of parley_push_platforms */
  const char *id;         /**< the application's own, one for each installation; required */
  const char *token;      /**< the platform's, for notifications */
  const char *voip_token; /**< PushKit's, for calls; NULL: none */
  int32_t sandbox;        /**< not 0: the tokens are of APNs' development environment */
  int32_t reserved;       /**< 0 */
} parley_push_device;

/* ---- What callbacks and visitors get ---------------------------------- */

/** A call that rings.
 * @ingroup agent */
typedef struct parley_incoming {
  uint32_t size;                   /**< sizeof the struct */
  int32_t has_video;               /**< not 0: the caller starts with video */
  const char *id;                  /**< of the call, a UUID */
  const char *caller_id;           /**< the raw id of who calls */
  const char *caller_display_name; /**< the name that the caller gave; may be empty */
} parley_incoming;

/** Another side of a call.
 * @ingroup call */
typedef struct parley_participant {
  uint32_t size;            /**< sizeof the struct */
  int32_t state;            /**< one of parley_participant_states */
  int32_t muted;            /**< not 0: it has muted itself */
  int32_t speaking;         /**< not 0: its voice is heard now */
  int32_t has_video;        /**< not 0: it sends video now */
  int32_t end_code;         /**< why it left */
  int32_t end_subcode;      /**< goes with end_code */
  int32_t reserved;         /**< 0 */
  const char *id;           /**< its raw id */
  const char *display_name; /**< may be empty */
} parley_participant;

/** @addtogroup media
 * @{ */

/** An encoded picture that was received. */
typedef struct parley_video_frame {
  uint32_t size;       /**< sizeof the struct */
  int32_t codec;       /**< one of parley_video_codecs */
  const uint8_t *data; /**< the frame */
  size_t data_size;    /**< its bytes */
  int64_t timestamp;   /**< microseconds from any zero point */
  int32_t key_frame;   /**< not 0: decoding can start here */
  int32_t width;       /**< pixels; 0: not known */
  int32_t height;      /**< pixels; 0: not known */
  int32_t reserved;    /**< 0 */
} parley_video_frame;

/** A message of a data channel. */
typedef struct parley_data_message {
  uint32_t size;              /**< sizeof the struct */
  int32_t channel_id;         /**< the sender's channel */
  const char *participant_id; /**< the raw id of who sent it */
  const uint8_t *data;        /**< the message */
  size_t data_size;           /**< its bytes */
  int64_t sequence;           /**< counts the sender's messages on the channel from 1 */
  int32_t lossy;              /**< not 0: messages of the channel may be missing */
  int32_t reserved;           /**< 0 */
} parley_data_message;

/** @} */

/** @addtogroup chat
 * @{ */

/** A message. Times are ms since 1970, 0 for never. */
typedef struct parley_chat_message {
  uint32_t size;                        /**< sizeof the struct */
  int32_t type;                         /**< one of parley_message_types */
  const char *thread_id;                /**< the thread that it is in */
  const char *id;                       /**< unique in the thread */
  const char *version;                  /**< another one after every change */
  const char *sequence;                 /**< a number as text: the order in the thread */
  const char *content;                  /**< empty once it is deleted */
  const char *sender_id;                /**< the raw id of who wrote it; empty for changes of the thread */
  const char *sender_display_name;      /**< the name that came with it; may be empty */
  const char *client_id;                /**< in events: the one its sender gave */
  int64_t created_on;                   /**< when it was sent */
  int64_t edited_on;                    /**< when it was last changed */
  int64_t deleted_on;                   /**< when it was deleted */
  const parley_pair *metadata;          /**< the application's own */
  size_t metadata_count;                /**< how many there are */
  const parley_attachment *attachments; /**< its files */
  size_t attachment_count;              /**< how many there are */
  const parley_pair *participants;      /**< of PARTICIPANT_ADDED and _REMOVED: raw ids and display names */
  size_t participant_count;             /**< how many there are */
} parley_chat_message;

/** A thread. Times are ms since 1970, 0 for never. */
typedef struct parley_chat_thread_info {
  uint32_t size;                   /**< sizeof the struct */
  int32_t unread;                  /**< in states: how many messages */
  int32_t gone;                    /**< in states, not 0: the user is not in it any more */
  int32_t reserved;                /**< 0 */
  const char *id;                  /**< the service's */
  const char *topic;               /**< may be empty */
  const char *by;                  /**< the raw id of who made, changed or deleted it; may be empty */
  const char *last_read;           /**< in states: id of the last message read */
  int64_t created_on;              /**< in properties */
  int64_t last_message_on;         /**< in lists */
  const parley_pair *metadata;     /**< the application's own, in properties and events */
  size_t metadata_count;           /**< how many there are */
  const parley_pair *participants; /**< in events of a thread that was made: raw ids and display names of all members */
  size_t participant_count;        /**< how many there are */
} parley_chat_thread_info;

/** A member of a thread. */
typedef struct parley_chat_participant {
  uint32_t size;            /**< sizeof the struct */
  int32_t reserved;         /**< 0 */
  const char *thread_id;    /**< the thread */
  const char *id;           /**< the raw id */
  const char *display_name; /**< may be empty */
  int64_t share_history_on; /**< sees messages from then on, ms since 1970; 0: all */
  const char *by;           /**< in events: the raw id of who added or removed it; may be empty */
  const char *refused_code; /**< of parley_chat_create_thread: the service's word for why it could not be added */
  const char *refused;      /**< goes with refused_code: a sentence for a developer */
} parley_chat_participant;

/** That somebody has read up to a message. */
typedef struct parley_read_receipt {
  uint32_t size;          /**< sizeof the struct */
  int32_t reserved;       /**< 0 */
  const char *thread_id;  /**< the thread */
  const char *sender_id;  /**< the raw id of who has read */
  const char *message_id; /**< the last message read */
  int64_t read_on;        /**< ms since 1970 */
} parley_read_receipt;

/** @} */

/** A message that waits, or waited, in an outbox.
 * @ingroup outbox */
typedef struct parley_outbox_message {
  uint32_t size;         /**< sizeof the struct */
  int32_t html;          /**< not 0: content has marks of HTML */
  const char *client_id; /**< names it in the outbox */
  const char *thread_id; /**< where it goes */
  const char *content;   /**< the text */
  int64_t added_on;      /**< ms since 1970 */
} parley_outbox_message;

/** What a push told. What is not known is empty. Anybody may have sent it: it is a
 * reason to look, no proof.
 * @ingroup phone */
typedef struct parley_push {
  uint32_t size;                   /**< sizeof the struct */
  int32_t kind;                    /**< one of parley_push_kinds */
  int32_t video;                   /**< of a call, not 0: it begins with video */
  int32_t reserved;                /**< 0 */
  const char *call_id;             /**< of a call: for parley_agent_await_incoming */
  const char *from_id;             /**< of a call: the raw id of who calls */
  const char *display_name;        /**< of a call: the name that goes with it */
  const char *thread_id;           /**< of a message: its thread */
  const char *message_id;          /**< of a message: its id */
  const char *sender_id;           /**< of a message: the raw id of who wrote it */
  const char *sender_display_name; /**< of a message: the name that goes with it */
  const char *text;                /**< of a message: its beginning, when the service sends it */
} parley_push;

/** Visits calls that ring. @ingroup agent */
typedef int32_t (*parley_incoming_visitor)(void *user_data, const parley_incoming *incoming);
/** Visits the other sides of a call. @ingroup call */
typedef int32_t (*parley_participant_visitor)(void *user_data, const parley_participant *participant);
/** Visits messages. @ingroup chat */
typedef int32_t (*parley_message_visitor)(void *user_data, const parley_chat_message *message);
/** Visits threads. @ingroup chat */
typedef int32_t (*parley_thread_visitor)(void *user_data, const parley_chat_thread_info *thread);
/** Visits members of a thread. @ingroup chat */
typedef int32_t (*parley_member_visitor)(void *user_data, const parley_chat_participant *member);
/** Visits read receipts. @ingroup chat */
typedef int32_t (*parley_receipt_visitor)(void *user_data, const parley_read_receipt *receipt);
/** Visits what waits in an outbox. @ingroup outbox */
typedef int32_t (*parley_outbox_visitor)(void *user_data, const parley_outbox_message *message);
/** Visits what a push told. @ingroup phone */
typedef int32_t (*parley_push_visitor)(void *user_data, const parley_push *push);

/* ---- Callbacks --------------------------------------------------------- */

/** Takes the log.
 * @ingroup client */
typedef struct parley_log_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** Any thread, several at once. Lines hold no tokens and nothing that was said or written. */
  void (*on_log)(void *user_data, int32_t level, const char *line);
} parley_log_callbacks;

/** Gets tokens.
 * @ingroup client */
typedef struct parley_credential_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** Writes a new token as text into token, which has room for capacity bytes
   * with the zero byte, and returns 0; or returns a negative number when there
   * is none. May take its time; not called twice at once. */
  int32_t (*refresh_token)(void *user_data, char *token, size_t capacity);
} parley_credential_callbacks;

/** Hears what happens to an agent.
 * @ingroup agent */
typedef struct parley_agent_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** Somebody calls. `incoming` is a handle, for parley_incoming_accept and
   * _reject, now or later, and is to be released. */
  void (*on_incoming_call)(void *user_data, parley_handle incoming, const parley_incoming *info);
  /** It rings no more and was not taken here: 487/10003 another device has it,
   * 487/0 the caller gave up, 487/10004 nobody answered. */
  void (*on_incoming_call_ended)(void *user_data, parley_handle incoming, const parley_end_reason *reason);
  /** One of parley_connection_states. error says why, or is NULL; UNAUTHORIZED asks for a new sign-in. */
  void (*on_connection_state_changed)(void *user_data, int32_t state, const parley_error *error);
} parley_agent_callbacks;

/** Hears what happens to a call.
 * @ingroup call */
typedef struct parley_call_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** One of parley_call_states. May come before parley_call_start or
   * parley_incoming_accept returns. The last event of a call is PARLEY_CALL_DISCONNECTED. */
  void (*on_state_changed)(void *user_data, parley_handle call, int32_t state);
  /** One of parley_media_states: the path was found, lost, found again. */
  void (*on_media_state_changed)(void *user_data, parley_handle call, int32_t state);
  /** Another side came, went or changed; change is one of parley_participant_changes. */
  void (*on_participant_changed)(void *user_data, parley_handle call, const parley_participant *participant, int32_t change);
  /** This side's outgoing or incoming audio was muted or unmuted. */
  void (*on_muted_changed)(void *user_data, parley_handle call, int32_t muted, int32_t incoming_muted);
  /** What parley_call_stats gives, every stats_interval. A slow one gets the newest. */
  void (*on_stats)(void *user_data, parley_handle call, const char *json);
  /** In decoding order, a key frame first, on a thread of its own. While it
   * blocks, frames that come too late are dropped and a key frame is asked for;
   * parley_call_request_key_frame asks for one when they cannot be decoded. */
  void (*on_video_frame)(void *user_data, parley_handle call, const parley_video_frame *frame);
  /** A data message came. */
  void (*on_data)(void *user_data, parley_handle call, const parley_data_message *message);
  /** A DTMF tone came: one of 0-9, A-D, * and #. */
  void (*on_tone)(void *user_data, parley_handle call, const char *participant_id, const char *tone);
} parley_call_callbacks;

/** Steers the encoder of a video source. Both must not block.
 * @ingroup media */
typedef struct parley_video_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** A key frame is wanted soon. */
  void (*on_key_frame_requested)(void *user_data);
  /** What the network carries now. */
  void (*on_target_bitrate_changed)(void *user_data, int32_t bits_per_second);
} parley_video_callbacks;

/** Hears what happens in a user's threads.
 * @ingroup chat */
typedef struct parley_chat_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** The user's own messages included; change is one of parley_chat_changes. */
  void (*on_message)(void *user_data, const parley_chat_message *message, int32_t change);
  /** A thread was made, changed or deleted; change is one of parley_chat_changes. */
  void (*on_thread)(void *user_data, const parley_chat_thread_info *thread, int32_t change);
  /** One call for each who came (joined is not 0) or went. */
  void (*on_member)(void *user_data, const parley_chat_participant *member, int32_t joined);
  /** Somebody writes. */
  void (*on_typing)(void *user_data, const char *thread_id, const char *sender_id, const char *sender_display_name);
  /** Somebody has read. */
  void (*on_read_receipt)(void *user_data, const parley_read_receipt *receipt);
  /** Another number of messages is unread, or the user came into a thread or left it. */
  void (*on_thread_state)(void *user_data, const parley_chat_thread_info *thread);
  /** One of parley_chat_connections. error says why, or is NULL. */
  void (*on_connection_changed)(void *user_data, int32_t state, const parley_error *error);
} parley_chat_callbacks;

/** Hears what became of messages.
 * @ingroup outbox */
typedef struct parley_outbox_callbacks {
  uint32_t size;                     /**< sizeof the struct */
  int32_t reserved;                  /**< 0 */
  void *user_data;                   /**< given to each of them */
  void (*released)(void *user_data); /**< they are needed no more */
  /** It was sent; message_id is the service's. */
  void (*on_sent)(void *user_data, const parley_outbox_message *message, const char *message_id);
  /** The service will never take it; it is in the outbox no more. */
  void (*on_send_failed)(void *user_data, const parley_outbox_message *message, const parley_error *error);
} parley_outbox_callbacks;

/* ---- Functions ---------------------------------------------------------- */

#ifndef PARLEY_NO_PROTOTYPES

/** @addtogroup base
 * @{ */

/** The version of the library, a text that stays. */
const char *parley_version(void);
/** A sentence for a code, a text that stays. */
const char *parley_error_text(int32_t code);
/** Tells the last failure on this thread. error->size must be set. */
int32_t parley_last_error(parley_error *error);
/** Frees what a char ** or void ** got. NULL does nothing. */
void parley_free(void *memory);
/** Closes an object and what was made with it, at once; a call that is released
 * goes on without callbacks unless its agent is released. Waits for nobody.
 * Released again it gives PARLEY_ERROR_CLOSED and does nothing. */
int32_t parley_release(parley_handle object);
/** What the library holds now: bytes of the heap after a collection of garbage,
 * goroutines, handles. For tests; it takes milliseconds. Pointers may be NULL. */
int32_t parley_usage(int64_t *heap, int32_t *goroutines, int32_t *handles);
/** Makes what cancels functions, by the options that it is given in. */
int32_t parley_canceler_new(parley_handle *canceler);
/** Cancels the functions that it was given to, and those that it will be given to. */
int32_t parley_canceler_cancel(parley_handle canceler);

/** @} */

/** @addtogroup client
 * @{ */

/** A user's token, or what gets one; callbacks may be NULL, then token is the
 * only one. For several agents and chats of one user. */
int32_t parley_credential_new(const char *token, const parley_credential_callbacks *callbacks, parley_handle *credential);
/** The library for one service. Opens no connection. log may be NULL. */
int32_t parley_client_new(const parley_client_options *options, const parley_log_callbacks *log, parley_handle *client);
/** Hangs up, signs out, tells what is left to tell, closes. Waits; not for callbacks. */
int32_t parley_client_shutdown(parley_handle client);

/** @} */

/** @addtogroup phone
 * @{ */

/** The machine has another network, or one again: agents, calls and chats reconnect
 * at once instead of noticing by silence, and outboxes try again. */
int32_t parley_client_network_changed(parley_handle client);
/** The user does not see the application any more: memory that is not needed is
 * given back. Calls and connections go on as long as the system lets them. */
int32_t parley_client_enter_background(parley_handle client);
/** Undoes it. A system may have taken the sockets of an application that slept:
 * agents without a call and chats reconnect at once, and outboxes try again. It
 * may have taken the decoder too: calls ask for a key frame of the other side's
 * video. */
int32_t parley_client_enter_foreground(parley_handle client);
/** The system runs out of memory: what is not needed is given back at once. It
 * takes some milliseconds. */
int32_t parley_client_low_memory(parley_handle client);
/** Reads a push as JSON: the payload of PushKit or of a notification of APNs, or
 * the data of a message of FCM. Visits once; what is none of the service's gives
 * PARLEY_ERROR_INVALID_ARGUMENT. */
int32_t parley_push_parse(const char *payload, parley_push_visitor visit, void *user_data);
/** Tells the service how to wake this phone for the credential's user: after each
 * sign-in, and whenever the platform gives another token. Waits. */
int32_t parley_push_register(parley_handle client, parley_handle credential, const parley_push_device *device);
/** The service forgets a phone, by the id it was registered with: when the user
 * signs out. Waits. */
int32_t parley_push_unregister(parley_handle client, parley_handle credential, const char *id);

/** @} */

/** @addtogroup audio
 * @{ */

/** The microphone: takes `size` bytes (even) of audio, never waits, allocates
 * nothing. Returns how many it took, which is all. Without a call they are dropped. */
int32_t parley_audio_write(parley_handle client, const void *pcm, size_t size);
/** The loudspeaker: fills `size` bytes (even) with what is to be played now,
 * silence where there is nothing; never waits, allocates nothing. Returns how many. */
int32_t parley_audio_read(parley_handle client, void *pcm, size_t size);
/** Something else has the microphone and the loudspeaker (not 0), or not any more:
 * meanwhile silence is sent and read. Calls go on; to tell the others, hold them. */
int32_t parley_audio_interrupt(parley_handle client, int32_t interrupted);
/** Drops audio that waits: the device is another one, a headset for example. */
int32_t parley_audio_flush(parley_handle client);

/** @} */

/** @addtogroup agent
 * @{ */

/** Signs a user in, for calls. options and callbacks may be NULL. Waits. */
int32_t parley_agent_new(parley_handle client, parley_handle credential, const parley_agent_options *options, const parley_agent_callbacks *callbacks, parley_handle *agent);
/** The raw id of who is signed in. */
int32_t parley_agent_id(parley_handle agent, char **id);
/** One of parley_connection_states. */
int32_t parley_agent_connection_state(parley_handle agent);
/** Waits until the call that a push has told of rings here, so many milliseconds,
 * time_limit at most, and gives its handle, which is the one that
 * on_incoming_call got and is to be released once. PARLEY_ERROR_TIMEOUT: the
 * caller has hung up. An agent without a call reconnects when it is not there at
 * once: a system may have taken the sockets of a program that slept. */
int32_t parley_agent_await_incoming(parley_handle agent, const char *call_id, int64_t milliseconds, parley_handle *incoming);
/** Hangs up, signs out, tells what is left to tell. Waits; not for callbacks. */
int32_t parley_agent_shutdown(parley_handle agent);
/** Visits once: who calls. */
int32_t parley_incoming_info(parley_handle incoming, parley_incoming_visitor visit, void *user_data);
/** Takes a call, when no other device was faster (CALL_FAILED 487/10003). options
 * and callbacks may be NULL. Waits. */
int32_t parley_incoming_accept(parley_handle incoming, const parley_call_options *options, const parley_call_callbacks *callbacks, parley_handle *call);
/** Refuses a call; busy tells 486 instead of 603. Waits. */
int32_t parley_incoming_reject(parley_handle incoming, int32_t busy);

/** @} */

/** @addtogroup call
 * @{ */

/** Calls a user, "8:acs:...", and returns when the service has taken the call;
 * options and callbacks may be NULL. Waits. */
int32_t parley_call_start(parley_handle agent, const char *target, const parley_call_options *options, const parley_call_callbacks *callbacks, parley_handle *call);
/** The call's id, a UUID, the same at all ends. */
int32_t parley_call_id(parley_handle call, char **id);
/** One of parley_call_directions. */
int32_t parley_call_direction(parley_handle call);
/** One of parley_call_states. */
int32_t parley_call_state(parley_handle call);
/** Why it ended; INVALID_STATE while it has not. reason->size must be set. */
int32_t parley_call_end_reason(parley_handle call, parley_end_reason *reason);
/** Ends the call. Waits. */
int32_t parley_call_hang_up(parley_handle call);
/** Puts it on hold: nothing is sent or heard. Waits. */
int32_t parley_call_hold(parley_handle call);
/** Takes it off hold; another active call is put on hold. Waits. */
int32_t parley_call_resume(parley_handle call);
/** Sends silence. Waits. */
int32_t parley_call_mute(parley_handle call);
/** Sends what the microphone captures. Waits. */
int32_t parley_call_unmute(parley_handle call);
/** Plays nothing of the other side. Waits. */
int32_t parley_call_mute_incoming(parley_handle call);
/** Plays the other side. Waits. */
int32_t parley_call_unmute_incoming(parley_handle call);
/** 1 while outgoing audio is muted, else 0. */
int32_t parley_call_is_muted(parley_handle call);
/** 1 while incoming audio is muted, else 0. */
int32_t parley_call_is_incoming_muted(parley_handle call);
/** Plays tones to the other side: each of 0-9, A-D, * and #, at most 64. Waits
 * until they are queued. */
int32_t parley_call_send_dtmf(parley_handle call, const char *tones);
/** Statistics as JSON with the names of webrtc-stats; after the end the last ones. */
int32_t parley_call_stats(parley_handle call, char **json);
/** Visits the other sides. */
int32_t parley_call_participants(parley_handle call, parley_participant_visitor visit, void *user_data);

/** @} */

/** @addtogroup media
 * @{ */

/** Sends a video source. Waits until the other side has agreed. */
int32_t parley_call_start_video(parley_handle call, parley_handle source);
/** Sends it no more. Waits. */
int32_t parley_call_stop_video(parley_handle call, parley_handle source);
/** Asks the other side for a key frame of its video now, for a program whose
 * decoder was made anew or has met an error: an encoder may give none for many
 * seconds. Never waits, and may be called in on_video_frame for every frame that
 * cannot be decoded: until a key frame comes, frames go on and the request is
 * repeated every 300 ms. What the network has lost is asked for without it.
 * PARLEY_ERROR_NO_SUCH_TRACK while the other side sends no video,
 * PARLEY_ERROR_CALL_ENDED after the call. */
int32_t parley_call_request_key_frame(parley_handle call);
/** Video that the application encodes, of one of parley_video_codecs; callbacks
 * may be NULL. */
int32_t parley_video_source_new(parley_handle client, int32_t codec, const parley_video_callbacks *callbacks, parley_handle *source);
/** Gives one encoded frame, in order; timestamp in microseconds. Copies, never
 * waits. Returns one of parley_frame_results. */
int32_t parley_video_source_send(parley_handle source, const void *frame, size_t size, int64_t timestamp, int32_t key_frame);
/** A data channel: channel_id 1 to PARLEY_MAX_DATA_CHANNEL_ID or 0 for the lowest
 * free one; lossy: a message at most once; bitrate in bit/s, 0 for 500,000. */
int32_t parley_data_sender_new(parley_handle call, int32_t channel_id, int32_t lossy, int32_t bitrate, parley_handle *sender);
/** The channel's id. */
int32_t parley_data_sender_channel(parley_handle sender);
/** Sends one message. Waits while the bitrate is used up. */
int32_t parley_data_sender_send(parley_handle sender, const void *data, size_t size);

/** @} */

/** @addtogroup chat
 * @{ */

/** A user's chat. Opens no connection. options and callbacks may be NULL. */
int32_t parley_chat_new(parley_handle client, parley_handle credential, const parley_chat_options *options, const parley_chat_callbacks *callbacks, parley_handle *chat);
/** Connects; from then on what happens is told. Waits. */
int32_t parley_chat_start(parley_handle chat);
/** Waits until what is being sent was answered, then closes. Not for callbacks. */
int32_t parley_chat_shutdown(parley_handle chat);
/** Up to where events were told, to keep for parley_chat_options. */
int32_t parley_chat_position(parley_handle chat, char **position);
/** Makes a thread with the user and `count` (1,000 at most) members, name the raw
 * id and value the display name or NULL. options may be NULL; visit, which may be
 * NULL, gets those who could not be added. Waits. */
int32_t parley_chat_create_thread(parley_handle chat, const char *topic, const parley_pair *members, size_t count, const parley_thread_options *options, parley_member_visitor visit, void *user_data, parley_handle *thread);
/** A thread by its id. Asks nobody. */
int32_t parley_chat_thread(parley_handle chat, const char *id, parley_handle *thread);
/** Deletes a thread for all its members. Waits. */
int32_t parley_chat_delete_thread(parley_handle chat, const char *id);
/** Visits the user's threads. Waits, page by page. */
int32_t parley_chat_threads(parley_handle chat, parley_thread_visitor visit, void *user_data);
/** Visits once: where a thread stands, as far as it was told. NOT_FOUND when
 * nothing was told of it. */
int32_t parley_chat_thread_state(parley_handle chat, const char *id, parley_thread_visitor visit, void *user_data);
/** Visits where the threads stand, as far as it was told. */
int32_t parley_chat_thread_states(parley_handle chat, parley_thread_visitor visit, void *user_data);

/** The thread's id. The rest of a thread's functions wait. */
int32_t parley_thread_id(parley_handle thread, char **id);
/** Visits once: topic, maker and metadata. */
int32_t parley_thread_properties(parley_handle thread, parley_thread_visitor visit, void *user_data);
/** Gives it another topic. */
int32_t parley_thread_set_topic(parley_handle thread, const char *topic);
/** Writes a message and returns when it is durable; once the chat has started it
 * is written once however often the connection is lost. Returns 1 when client_id
 * was there already. options may be NULL. */
int32_t parley_thread_send(parley_handle thread, const char *content, const parley_message_options *options, char **message_id);
/** Gives a message of the user's another content. */
int32_t parley_thread_edit(parley_handle thread, const char *message_id, const char *content);
/** Deletes a message of the user's. */
int32_t parley_thread_delete(parley_handle thread, const char *message_id);
/** Visits one message. */
int32_t parley_thread_message(parley_handle thread, const char *message_id, parley_message_visitor visit, void *user_data);
/** Visits the messages, the newest first, page by page. */
int32_t parley_thread_messages(parley_handle thread, parley_message_visitor visit, void *user_data);
/** Adds a member; display_name may be NULL. */
int32_t parley_thread_add_member(parley_handle thread, const char *id, const char *display_name);
/** Removes a member. The user's own id leaves the thread. */
int32_t parley_thread_remove_member(parley_handle thread, const char *id);
/** Visits the members, page by page. */
int32_t parley_thread_members(parley_handle thread, parley_member_visitor visit, void *user_data);
/** The user writes. Counts for some seconds; repeat it at most every eight. */
int32_t parley_thread_typing(parley_handle thread);
/** The user has read up to a message. */
int32_t parley_thread_read(parley_handle thread, const char *message_id);
/** Visits who has read up to where, page by page. */
int32_t parley_thread_receipts(parley_handle thread, parley_receipt_visitor visit, void *user_data);
/** Stores an image, for parley_message_options.attachments. name, its file name,
 * may be NULL. */
int32_t parley_thread_upload_image(parley_handle thread, const void *image, size_t size, const char *name, char **image_id);
/** Fetches an image (preview, not 0: a small one). *image is freed with parley_free. */
int32_t parley_thread_image(parley_handle thread, const char *image_id, int32_t preview, void **image, size_t *size);

/** @} */

/** @addtogroup outbox
 * @{ */

/** Messages that wait in the file path until they are sent. Only one outbox may use
 * a file. callbacks may be NULL. */
int32_t parley_outbox_open(parley_handle chat, const char *path, const parley_outbox_callbacks *callbacks, parley_handle *outbox);
/** Adds a message; durable when it returns. options may be NULL. */
int32_t parley_outbox_add(parley_handle outbox, const char *thread_id, const char *content, const parley_message_options *options, char **client_id);
/** Gives a message up. It may be on its way. */
int32_t parley_outbox_remove(parley_handle outbox, const char *client_id);
/** Visits what was not sent yet, that of a thread in order. */
int32_t parley_outbox_waiting(parley_handle outbox, parley_outbox_visitor visit, void *user_data);
/** Tries again at once what waits after a failure. */
int32_t parley_outbox_retry(parley_handle outbox);

/** @} */

#endif /* PARLEY_NO_PROTOTYPES */

#ifdef __cplusplus
}
#endif

#endif /* PARLEY_H */
