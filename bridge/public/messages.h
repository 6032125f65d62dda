/*
 * Sending, changing and reading messages.
 *
 * since_ms and until_ms are of the wall clock.
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_MESSAGES_H
#define BRIDGE_PUBLIC_MESSAGES_H

#include "public/who.h"

#include <stdint.h>

struct bridge_send {
    const char *tenant, *session;
    enum {
        BRIDGE_SEND_MESSAGE,
        BRIDGE_SEND_EDIT,  /* of message_id; body {text} */
        BRIDGE_SEND_REVOKE, /* of message_id, for everyone; no body */
        BRIDGE_SEND_RETRY   /* message_id, which failed, as a new message; no body. Repeated: the
                               same new one, replayed. E_CONFLICT "not_failed", "no_media" */
    } what;
    const char *message_id;
    const json_t *body;                /* the send body of the contract; borrowed during the call */
    const char *source;                /* "api" (NULL), "dashboard", … */
    const char *sent_by;               /* who asked for it, as in the audit log; NULL: not said */
    const char *sent_by_name;          /* what people call them; NULL: not said */
    const char *idempotency_key;       /* NULL: none; at most 255 bytes of printable ASCII */
    const unsigned char *request_hash; /* 32 bytes over method, path and body; with the key */
    bool require_ready;                /* E_CONFLICT "session_not_ready" instead of queueing */
};
/* Answers with the message object once it is durable in the outbox (and its file in the media
 * folder). E_INVALID "invalid_phone", "one_kind_only"…; E_CONFLICT "idempotency_conflict",
 * "too_late" (to edit or revoke); E_LIMIT "queue_full"; E_FULL; what media_get() says. */
void bridge_send(struct bridge *b, const struct bridge_send *s, bridge_done_fn done, void *arg);
/* Marks the chat read at the far end; shows {state:"typing"|"recording"|"paused"} in it, or asks to
 * hear what they show ("subscribe"). No body in the answer. chat: any form of address. E_CONFLICT
 * "session_not_ready"; E_NOTFOUND "unknown_chat". */
void bridge_chat_read(struct bridge *b, const char *tenant, const char *session, const char *chat,
                      bridge_done_fn done, void *arg);
void bridge_chat_presence(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, const json_t *body, bridge_done_fn done, void *arg);
enum bridge_ack { BRIDGE_ACK_SERVER, BRIDGE_ACK_DEVICE, BRIDGE_ACK_READ };
/* Answers with the message object when it has that ack or failed, or E_TIMEOUT with the body of
 * the message as it is then (err and body both set). timeout_ms at most 120000. */
void bridge_message_wait(struct bridge *b, const char *tenant, const char *session,
                         const char *message_id, enum bridge_ack ack, uint64_t timeout_ms,
                         bridge_done_fn done, void *arg);
int bridge_message_get(struct bridge *b, const char *tenant, const char *session,
                       const char *message_id, json_t **out, struct err *e);
/* Orders the file of a message (again): its media.state becomes "pending" and message.media follows
 * when the session could fetch it; a file that is here stays as it is. Answers with the message.
 * E_CONFLICT "no_media". */
void bridge_message_refetch(struct bridge *b, const char *tenant, const char *session,
                            const char *message_id, bridge_done_fn done, void *arg);
struct bridge_message_filter {
    const char *chat;      /* NULL: all; a chat id, or a phone number */
    const char *direction; /* NULL, "in", "out" */
    const char *type;      /* NULL: all */
    const char *q;         /* NULL, or a substring of the text, case-insensitive for ASCII */
    const char *status;    /* NULL: all; of ours: "queued", "failed", … or several with commas */
    const char *backfill;  /* NULL: all; "true", "false" */
    const char *around;    /* NULL, or a message: the page has it in its middle; without a cursor */
    uint64_t since_ms, until_ms;
};
/* Newest first. {items,next_cursor,previous_cursor}: the last, which goes on towards newer ones, is
 * null but for a page around a message and those that go on from it. E_NOTFOUND "unknown_message". */
int bridge_message_list(struct bridge *b, const char *tenant, const char *session,
                        const struct bridge_message_filter *f, const struct bridge_paging *p,
                        json_t **out, struct err *e);

#endif
