/*
 * The line between a linked account's far end and the rest of the bridge. Inbox and outbox know
 * this and no page; bridge/page implements it for WhatsApp Web. (A second kind of channel, e.g. the
 * Cloud API, will implement the same.) Private to bridge/.
 *
 * Thread: loop. A callback fires exactly once, from the loop, never inside the call; after
 * channel_close() pending ones get E_CANCELED. Texts in callbacks are borrowed.
 */
#ifndef BRIDGE_CHANNEL_H
#define BRIDGE_CHANNEL_H

#include "core.h"

struct channel;

/* A person, group or list as the far end knows it. Any text may be "". */
struct channel_peer {
    const char *id;    /* chat id or JID: "5511…@c.us", "1000…@lid", "…@g.us" */
    const char *phone; /* digits, when known */
    const char *lid;   /* "…@lid", when known */
    const char *name;  /* best display name known */
    const char *contact_id; /* the bridge's own id of the person; far ends leave it NULL */
};

/* The file of a message, as far as the far end tells before it is fetched. */
struct channel_media {
    bool present;
    const char *mimetype, *filename; /* "" when none; told, not trusted */
    const char *sha256;              /* lower-case hex of the plain file, "" when not told */
    uint64_t size_bytes;
    unsigned width, height; /* pixels; 0: not told */
    unsigned duration_s;
    bool view_once, gif;
};

struct channel_message {
    const char *id; /* last part of the message key */
    struct channel_peer chat;
    struct channel_peer from; /* author; in a user chat the other side, or us when from_me */
    bool from_me;
    const char *type; /* contract's words: text image video audio voice document sticker location
                         contacts poll call revoked system pending unknown. "pending" is a message
                         that could not be decrypted yet: the same id comes again, filled in */
    const char *text; /* text or caption, "" when none; valid UTF-8, bounded 65536 */
    const char *quoted_id; /* "" when no reply */
    const char *content;   /* JSON object as text, "" when none: the members that its type adds to
                              the message of the contract (docs/webhooks.md): location, contacts,
                              poll, call, system, link, mentions, forwarded; checked by the page's
                              reader, at most CHANNEL_CONTENT_MAX bytes */
    struct channel_media media;
    const char *reactions; /* JSON array as text of {by:{id,phone,lid,name},emoji,at_ms}: those on
                              it now; "" when not told (history tells, live messages do not) */
    const char *votes;     /* a poll's: JSON array as text of {by,options:[…],at_ms}; "" when not told */
    uint64_t edited_ms;    /* when it was last edited; 0: not */
    uint64_t revoked_ms;   /* type "revoked" only, when told */
    uint64_t time_ms;
    int ack; /* -1 failed, 0 pending, 1 server, 2 device, 3 read, 4 played */
};
#define CHANNEL_CONTENT_MAX 65536

enum channel_event_kind {
    CHANNEL_MESSAGE,  /* message; also again for one that was "pending", and filled in since */
    CHANNEL_ACK,      /* chat, message_id, ack, participant ("" in a user chat) */
    CHANNEL_EDIT,     /* chat, message_id, text, by, time_ms */
    CHANNEL_REVOKE,   /* chat, message_id, by, time_ms */
    CHANNEL_REACTION, /* chat, message_id, text = emoji ("" taken back), by, time_ms */
    CHANNEL_VOTE,     /* chat, message_id = the poll's, content {"options":[…]} = all that `by`
                         chooses now, by, time_ms */
    CHANNEL_CALL,     /* chat = the caller's (or group's), message_id = call id, by, time_ms,
                         content {"video":bool,"group":bool,"state":"ringing|missed|accepted|
                         rejected|ended"} */
    CHANNEL_GROUP,    /* chat = the group, by, time_ms, text = what: created subject description
                         picture add remove leave promote demote announce locked settings
                         invite, content {"participants":[peer…],"value":…}, a bool of
                         announce and locked */
    CHANNEL_CHAT,     /* chat; content: any of {"unread":n,"archived":b,"pinned":b,
                         "muted_until_ms":n,"name":…} as they are now at the far end */
    CHANNEL_CONTACT,  /* chat = the person as known now (a name or the other id was learnt);
                         content: {"blocked":bool} when that changed */
    CHANNEL_PRESENCE, /* chat, by, text: available unavailable typing recording paused */
};

struct channel_event {
    enum channel_event_kind kind;
    struct channel_message message; /* CHANNEL_MESSAGE only */
    struct channel_peer chat;       /* the others */
    struct channel_peer by;
    const char *message_id;
    const char *text;
    const char *participant;
    const char *content; /* JSON object as text, "" when none */
    int ack;
    uint64_t time_ms;
    bool from_me; /* by us, on another device */
};

/* Number or chat id -> the chat as the far end keys it. exists false: not on WhatsApp. */
struct channel_resolved {
    bool exists;
    enum chat_kind kind;
    struct channel_peer chat;
};
typedef void (*channel_resolve_cb)(void *arg, const struct err *e,
                                   const struct channel_resolved *r);
void channel_resolve(struct channel *c, const char *address, channel_resolve_cb cb, void *arg);

/* Hands a message to the far end under a key of our choice; worked means "submitted": the ack
 * follows as an event. Never waits for the ack. A file is read from disk off the loop and goes over
 * in pieces; only then the message is made. Errors: E_STATE not ready, E_TIMEOUT (may or may not
 * have been taken: look it up), E_NOTFOUND "not_on_whatsapp", E_INVALID (the far end refuses it for
 * good; says why, with a word), E_CLOSED, E_PROTO, E_IO (the file could not be read). */
struct channel_file {
    const char *path;     /* NULL: no file; readable by us, not changed meanwhile */
    const char *mimetype; /* as sniffed by us */
    const char *filename; /* "" none */
    uint64_t size_bytes;
};
struct channel_outgoing {
    const char *chat_id;    /* as resolved; status@broadcast: a status post */
    const char *message_id; /* ours */
    const char *type;       /* text image video audio voice document sticker location contacts poll
                               forward */
    const char *text;       /* text or caption, "" when none */
    const char *content;    /* JSON object as text, "" when none: {"location":…}, {"contacts":[…]},
                               {"poll":…} as in the send body, {"forward":{"chat","message_id"}} */
    const char *quoted_id;  /* NULL: no reply */
    const char *const *mentions; /* JIDs, NULL-terminated, may be NULL; "all": everybody in the
                                    group */
    bool link_preview, view_once;
    struct channel_file file;
};
typedef void (*channel_done_cb)(void *arg, const struct err *e);
void channel_send(struct channel *c, const struct channel_outgoing *m, channel_done_cb cb,
                  void *arg);

/* Changes of a message that is there already; each may be repeated without harm. E_NOTFOUND
 * "unknown_message", E_INVALID "too_late" (the far end's time for it is over), else as above. */
struct channel_change {
    enum { CHANNEL_DO_EDIT, CHANNEL_DO_REVOKE, CHANNEL_DO_REACT } what;
    const char *chat_id, *message_id; /* of the message; reactions: also of one of theirs */
    const char *text;                 /* the new text, or the emoji ("" takes it back) */
};
void channel_change(struct channel *c, const struct channel_change *m, channel_done_cb cb,
                    void *arg);

/* Shows "typing", "recording" or "paused" in the chat; "subscribe" shows nothing: what they show comes
 * as CHANNEL_PRESENCE from then on. */
void channel_presence(struct channel *c, const char *chat_id, const char *state,
                      channel_done_cb cb, void *arg);
void channel_mark_read(struct channel *c, const char *chat_id, channel_done_cb cb, void *arg);

/* Does the far end know our message under this key? */
struct channel_found {
    bool found;
    int ack;
    uint64_t time_ms;
};
typedef void (*channel_found_cb)(void *arg, const struct err *e, const struct channel_found *f);
void channel_find_message(struct channel *c, const char *chat_id, const char *message_id,
                          channel_found_cb cb, void *arg);

/* ---- catching up (bridge/sync) ---------------------------------------------------------------- */

/* The chats as the far end has them, most recent first, at most `limit` (1..500) a call; cursor as
 * below. Reads memory only: cheap for thousands of chats. rev is a fingerprint of how its newest
 * messages look now (acks of ours, edits, revokes, reactions, votes; at most 64, none more than
 * 60 h older than the last): of two of them the shorter must begin the longer, else something
 * changed. It covers what is in the page's memory, right after loading no more than the last
 * message; deep_since_ms not 0: for the 200 most recent chats, as far as active since then, also
 * what is on the page's disk (a few ms each). */
struct channel_digest {
    struct channel_peer chat;
    enum chat_kind kind;
    const char *last_id; /* of its last message that we would be told of, "" when none */
    uint64_t last_ms;
    unsigned unread;
    bool archived, pinned;
    uint64_t muted_until_ms;
    const char *rev;
};
#define CHANNEL_REV_MAX 128
typedef void (*channel_digests_cb)(void *arg, const struct err *e,
                                   const struct channel_digest *chats, size_t count,
                                   const char *next_cursor);
void channel_digests(struct channel *c, unsigned limit, uint64_t deep_since_ms, const char *cursor,
                     channel_digests_cb cb, void *arg);

/* Messages of one chat, oldest first, ours too with their acks, as they are now (edited, revoked,
 * reactions); at most `limit` (1..500) a call. E_NOTFOUND: the far end has no such chat.
 *   before_id NULL: those with time_ms >= since_ms, with `recent` also those that the chat's rev
 *     covers. cursor NULL: from the start; next "" at the end, else the cursor of the next page,
 *     and a page may be asked for again. E_STATE "cursor_lost": start over.
 *   before_id: those right before that message (where the far end does not know it: before
 *     before_ms), "": the newest; since_ms still bounds them. next "" when there are no more, else
 *     ask for those before the first that came. With `remote` the phone is asked for what the page
 *     does not hold itself (history on demand; slow). */
struct channel_history_of {
    const char *chat_id;
    uint64_t since_ms;
    bool recent;
    const char *before_id;
    uint64_t before_ms;
    unsigned limit;
    bool remote;
    const char *cursor;
};
typedef void (*channel_history_cb)(void *arg, const struct err *e,
                                   const struct channel_message *messages, size_t count,
                                   const char *next_cursor);
void channel_history(struct channel *c, const struct channel_history_of *h, channel_history_cb cb,
                     void *arg);

/* ---- files of messages -------------------------------------------------------------------------- */

/* Fetches the file of a message, piece by piece, into the open descriptor fd (from its offset 0; it
 * stays the caller's and must stay open until the callback). Reading, decoding and writing happen in
 * pieces of at most 512 KiB, off the loop. max_bytes: past it E_TOOLARGE. E_NOTFOUND
 * "media_expired": the far end has it no more; E_NOTFOUND "unknown_message". */
struct channel_fetched {
    uint64_t size_bytes;
    char sha256[65];  /* of what was written, lower-case hex */
    const char *mimetype; /* as the far end tells */
};
typedef void (*channel_fetched_cb)(void *arg, const struct err *e, const struct channel_fetched *f);
void channel_fetch_media(struct channel *c, const char *chat_id, const char *message_id, int fd,
                         uint64_t max_bytes, channel_fetched_cb cb, void *arg);

/* ---- people, chats and groups ------------------------------------------------------------------- */

/* One operation with plain JSON both ways, for what needs no typed form here: the far end's answer
 * is bounded (2 MiB) and read field by field by the caller. ops and their shapes: channel_ops.h.
 * args: taken; NULL for none. value is borrowed. */
typedef void (*channel_value_cb)(void *arg, const struct err *e, const json_t *value);
void channel_ask(struct channel *c, const char *op, json_t *args, uint64_t timeout_ms,
                 channel_value_cb cb, void *arg);

#endif
