/*
 * The message object of the contract as it is stored, and the few moves it may make. Shared by
 * inbox and outbox. Pure but for message_save() and message_announce(), which run inside an apply.
 *
 * A stored message is the object of the contract, plus at its end at times a member "_" with what
 * only we need: {"order": its place in the outbox, "how": what else it was sent with, "reactions": {who: emoji}, "stub": true}. A stub
 * remembers what happened to a message that we never got; nobody outside sees it.
 */
#ifndef MESSAGE_OBJECT_H
#define MESSAGE_OBJECT_H

#include "buf.h"
#include "channel.h"
#include "core.h"

#include <jansson.h>

#define MESSAGE_TEXT_MAX 65536 /* characters */

enum message_status {
    MESSAGE_QUEUED,
    MESSAGE_SUBMITTED,
    MESSAGE_UNCONFIRMED,
    MESSAGE_SENT,
    MESSAGE_DELIVERED,
    MESSAGE_READ,
    MESSAGE_PLAYED,
    MESSAGE_FAILED,
    MESSAGE_STATUS_COUNT
};
const char *message_status_name(enum message_status s);
bool message_status_parse(const char *name, enum message_status *out);
/* Only forward; sent and what follows are never taken back, failed is final. */
bool message_status_may(enum message_status from, enum message_status to);
/* Nothing more is to be done for it by us: the far end has it, or it failed. */
bool message_status_done(enum message_status s);
/* -1, 1 … 4 as the far end counts; false for 0 (pending) and anything else. */
bool message_status_of_ack(int ack, enum message_status *out);

/* Whose a message is; a copy that an operation may take to the writer thread. */
struct message_owner {
    char tenant[64], session[64];
};
void message_owner_set(struct message_owner *o, const char *tenant, const char *session);

/* media of the contract. Texts NULL or "" and numbers 0 are null in the object. */
struct message_media {
    const char *state;  /* "pending" "ready" "failed" "expired" "skipped" (the rules or the quota say no) */
    const char *mimetype, *filename;
    const char *sha256; /* also the media_id: GET …/media/{sha256} */
    uint64_t size_bytes;
    unsigned width, height, duration_s;
    bool gif, view_once;
    const char *tenant; /* with sha256 and state ready: url is made from both; else null */
};

struct message_draft {
    const char *id, *session;
    enum chat_kind kind;
    struct channel_peer chat, from;
    bool out;
    const char *type, *text;
    size_t text_len;
    const char *status; /* NULL: incoming */
    uint64_t status_ms;
    const char *quoted; /* JSON object as text, or NULL */
    const char *content;          /* JSON object as text whose members join the message (location,
                                     contacts, poll, call, system, link, mentions, forwarded…), NULL or
                                     "" when none */
    const struct message_media *media; /* NULL: none */
    uint64_t time_ms, received_ms;
    bool backfill;
    const char *source;   /* NULL: incoming */
    const char *sent_by;  /* NULL: not said */
    const char *sent_by_name; /* what people call them; NULL: not said */
    const char *metadata; /* JSON object as text, or NULL */
};
int message_write_media(struct buf *b, const struct message_media *m);
/* Appends the object. 0, E_NOMEM, E_TOOLARGE. */
int message_write(struct buf *b, const struct message_draft *m);
/* {id,type,phone,lid,name,contact_id}; kind NULL: without type. Unknown texts (NULL or "") are null. */
int message_write_peer(struct buf *b, const struct channel_peer *p, const enum chat_kind *kind);

/* The message with that id in any chat; of several ours first: others choose their ids and may
 * choose one of ours. E_NOTFOUND. v and ref may be NULL. (message_find.c) */
int message_find(struct store_txn *t, const struct message_owner *o, const char *id,
                 struct store_value *v, struct store_message_ref *ref);
bool message_is_in(struct store_value v); /* somebody wrote it to us (message_find.c) */
/* The message with that id in that chat, or in another that may be the same person's: certain: only
 * when it surely is. E_NOTFOUND. */
int message_find_in(struct store_txn *t, const struct message_owner *o, const char *chat,
                    const char *id, bool certain, struct store_value *v,
                    struct store_message_ref *ref);

/* {id} and, when we have that message, its direction, type and the beginning of its text. */
int message_write_quoted(struct buf *b, struct store_txn *t, const struct message_owner *o,
                         const char *id);

/* Gives the stored object with its "_". NULL: no memory, or not ours. */
json_t *message_load(struct store_value v);
/* The same without "_"; NULL also for a stub. */
json_t *message_public(struct store_value v);
bool message_is_stub(const json_t *m);
/* A reaction, edit or revoke of ours on its way: has an id and statuses, but is no part of a chat's
 * history (never its last message, in lists only when they are asked for its type). */
bool message_is_operation(const json_t *m);
/* The member of "_", made when missing. Borrowed; NULL on exhaustion. */
json_t *message_private(json_t *m);
enum message_status message_status_of(const json_t *m); /* MESSAGE_STATUS_COUNT: incoming */
/* Sets status and appends to status_history. */
int message_set_status(json_t *m, enum message_status to, uint64_t at_ms);
int message_set_error(json_t *m, const char *code, const char *detail);
/* chat member from a peer; known texts are kept where the peer has none. */
int message_set_chat(json_t *m, const struct channel_peer *p, enum chat_kind kind);
int message_set_peer(json_t *m, const char *key, const struct channel_peer *p,
                     const enum chat_kind *kind);

/* Stores m under (chat, id); pub (may be NULL) gets the text without "_". */
int message_save(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                 const char *id, uint64_t time_ms, json_t *m, struct buf *pub);

/* ---- events of a message ------------------------------------------------------------------- */

int message_event(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const char *type, const char *lane, const char *data, size_t len);
/* more NULL: data is the message object itself. Else what happened to it: data is
 * {"message":<text>,…}, more being further members as text that starts with a comma. */
int message_announce(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                     const char *type, const char *lane, const char *text, size_t len,
                     const char *more);
/* What keeps events of a chat in order: its phone digits when known, else its id. */
const char *message_lane(const json_t *m);
const char *peer_lane(const struct channel_peer *chat);

/* ---- the row of a chat (chat.c) -------------------------------------------------------------- */

enum chat_turn {
    CHAT_TURN_NONE,
    CHAT_TURN_ASKS,   /* somebody wrote: from then on they wait, unless they do already */
    CHAT_TURN_ANSWERS /* the team wrote: how long they waited is counted (bridge/stats) */
};
struct chat_touch {
    enum chat_kind kind;
    struct channel_peer chat;
    const char *id, *type, *text;
    size_t text_len;
    bool out;
    uint64_t time_ms;
    int unread; /* +1: one more; -1: all read; 0: as it is */
    struct bridge *b; /* tells when this opens a closed conversation again; NULL: does not */
    enum chat_turn turn;
};
/* Makes or updates the row (people/chat_row.h). */
int chat_touch(struct store_txn *t, const struct message_owner *o, const struct chat_touch *c);
/* The last message of the row was changed: its text and type too. No row: nothing. */
int chat_retouch(struct store_txn *t, const struct message_owner *o, const char *chat,
                 const char *id, const char *type, const char *text);
/* Deletes the row of a chat that has no message any more. */
int chat_drop_if_empty(struct store_txn *t, const struct message_owner *o, const char *chat);

#endif
