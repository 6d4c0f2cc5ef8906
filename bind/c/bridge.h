/* What the Go half needs of C: the types of parley.h, names for what cgo cannot
 * say (const), and a function for each callback, since Go calls no pointers. */
#ifndef PARLEY_BRIDGE_H
#define PARLEY_BRIDGE_H

#ifndef PARLEY_H
#define PARLEY_NO_PROTOTYPES
#endif
#include <stdlib.h>
#include <string.h>
#include "parley.h"

typedef const char *in_text;
typedef const void *in_data;
typedef const parley_pair *in_pairs;
typedef const parley_client_options *in_client_options;
typedef const parley_agent_options *in_agent_options;
typedef const parley_call_options *in_call_options;
typedef const parley_chat_options *in_chat_options;
typedef const parley_thread_options *in_thread_options;
typedef const parley_message_options *in_message_options;
typedef const parley_attachment *in_attachments;
typedef const parley_push_device *in_push_device;
typedef const parley_log_callbacks *in_log_callbacks;
typedef const parley_credential_callbacks *in_credential_callbacks;
typedef const parley_agent_callbacks *in_agent_callbacks;
typedef const parley_call_callbacks *in_call_callbacks;
typedef const parley_video_callbacks *in_video_callbacks;
typedef const parley_chat_callbacks *in_chat_callbacks;
typedef const parley_outbox_callbacks *in_outbox_callbacks;

/* The last error of the calling thread. */
parley_error *bridge_last_error(void);
const char *bridge_version(void);
const char *bridge_error_text(int32_t code);

/* How all structs of callbacks begin. */
typedef struct bridge_head {
  uint32_t size;
  int32_t reserved;
  void *user_data;
  void (*released)(void *user_data);
} bridge_head;

#define BRIDGE(name, kind, member, params, args)                               \
  static inline void bridge_##name params {                                    \
    const parley_##kind##_callbacks *c = callbacks;                            \
    if (c->member) c->member args;                                             \
  }

static inline void bridge_released(void *callbacks) {
  bridge_head *head = callbacks;
  if (head->released) head->released(head->user_data);
}

BRIDGE(log, log, on_log, (void *callbacks, int32_t level, const char *line), (c->user_data, level, line))

static inline int32_t bridge_refresh(void *callbacks, char *token, size_t capacity) {
  parley_credential_callbacks *c = callbacks;
  return c->refresh_token ? c->refresh_token(c->user_data, token, capacity) : PARLEY_ERROR_UNAUTHORIZED;
}

static inline int bridge_takes_incoming(void *callbacks) { return ((parley_agent_callbacks *)callbacks)->on_incoming_call != NULL; }
BRIDGE(incoming, agent, on_incoming_call, (void *callbacks, parley_handle incoming, const parley_incoming *info), (c->user_data, incoming, info))
BRIDGE(incoming_ended, agent, on_incoming_call_ended, (void *callbacks, parley_handle incoming, const parley_end_reason *reason), (c->user_data, incoming, reason))
BRIDGE(agent_state, agent, on_connection_state_changed, (void *callbacks, int32_t state, const parley_error *error), (c->user_data, state, error))

BRIDGE(call_state, call, on_state_changed, (void *callbacks, parley_handle call, int32_t state), (c->user_data, call, state))
BRIDGE(call_media, call, on_media_state_changed, (void *callbacks, parley_handle call, int32_t state), (c->user_data, call, state))
BRIDGE(call_participant, call, on_participant_changed, (void *callbacks, parley_handle call, const parley_participant *participant, int32_t change), (c->user_data, call, participant, change))
BRIDGE(call_muted, call, on_muted_changed, (void *callbacks, parley_handle call, int32_t muted, int32_t incoming_muted), (c->user_data, call, muted, incoming_muted))
BRIDGE(call_stats, call, on_stats, (void *callbacks, parley_handle call, const char *json), (c->user_data, call, json))
BRIDGE(call_frame, call, on_video_frame, (void *callbacks, parley_handle call, const parley_video_frame *frame), (c->user_data, call, frame))
BRIDGE(call_data, call, on_data, (void *callbacks, parley_handle call, const parley_data_message *message), (c->user_data, call, message))
BRIDGE(call_tone, call, on_tone, (void *callbacks, parley_handle call, const char *participant_id, const char *tone), (c->user_data, call, participant_id, tone))

BRIDGE(video_key, video, on_key_frame_requested, (void *callbacks), (c->user_data))
BRIDGE(video_bitrate, video, on_target_bitrate_changed, (void *callbacks, int32_t bps), (c->user_data, bps))

BRIDGE(chat_message, chat, on_message, (void *callbacks, const parley_chat_message *message, int32_t change), (c->user_data, message, change))
BRIDGE(chat_thread, chat, on_thread, (void *callbacks, const parley_chat_thread_info *thread, int32_t change), (c->user_data, thread, change))
BRIDGE(chat_member, chat, on_member, (void *callbacks, const parley_chat_participant *member, int32_t joined), (c->user_data, member, joined))
BRIDGE(chat_typing, chat, on_typing, (void *callbacks, const char *thread, const char *sender, const char *name), (c->user_data, thread, sender, name))
BRIDGE(chat_receipt, chat, on_read_receipt, (void *callbacks, const parley_read_receipt *receipt), (c->user_data, receipt))
BRIDGE(chat_state, chat, on_thread_state, (void *callbacks, const parley_chat_thread_info *thread), (c->user_data, thread))
BRIDGE(chat_connection, chat, on_connection_changed, (void *callbacks, int32_t state, const parley_error *error), (c->user_data, state, error))

BRIDGE(outbox_sent, outbox, on_sent, (void *callbacks, const parley_outbox_message *message, const char *id), (c->user_data, message, id))
BRIDGE(outbox_failed, outbox, on_send_failed, (void *callbacks, const parley_outbox_message *message, const parley_error *error), (c->user_data, message, error))

#define VISIT(name, visitor, kind)                                             \
  static inline int32_t bridge_visit_##name(visitor visit, void *user_data, const kind *entry) { return visit(user_data, entry); }
VISIT(incoming, parley_incoming_visitor, parley_incoming)
VISIT(participant, parley_participant_visitor, parley_participant)
VISIT(message, parley_message_visitor, parley_chat_message)
VISIT(thread, parley_thread_visitor, parley_chat_thread_info)
VISIT(member, parley_member_visitor, parley_chat_participant)
VISIT(receipt, parley_receipt_visitor, parley_read_receipt)
VISIT(outbox, parley_outbox_visitor, parley_outbox_message)
VISIT(push, parley_push_visitor, parley_push)

#endif
