/*
 * The store: one LMDB environment, full sync, one writer thread that commits in groups.
 *
 * Writes: fill an operation, give it an apply function and submit it. apply runs on the writer
 * thread inside the group's transaction and may use every verb below; done runs on the loop after
 * the commit is on disk. What apply touches must belong to its own operation (plus what is owned
 * by the writer thread). An apply that returns an error undoes all it wrote and harms no other
 * operation of the group: the group is rolled back and run again without it, so an apply must give
 * the same answer when it runs a second time. An operation that failed only because the disk or the
 * map is full gets E_FULL.
 *
 * Reads: store_read() gives a snapshot for the loop thread; it must be ended in the same loop turn.
 *
 * Values are bytes (JSON texts of the bridge's objects); the store keeps keys, order, indexes and
 * queues. Texts in struct store_value are borrowed until the transaction ends or writes.
 * Limits: tenant, session, webhook names 63 bytes; chat ids and message ids 128 bytes; idempotency
 * keys 255 bytes; a value 1 MiB. Past a limit: E_TOOLARGE.
 */
#ifndef STORE_H
#define STORE_H

#include "err.h"
#include "list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define STORE_SCHEMA 1
#define STORE_MAX_ID 128
#define STORE_MAX_VALUE (1u << 20)
#define STORE_MAX_PENDING 65536 /* operations waiting for the writer; past it done gets E_LIMIT */

#define STORE_KEY_LEN 32 /* bytes of a master key */

struct store;
struct store_txn;
struct store_op;

struct store_options {
    const char *dir;   /* absolute, made with mode 0700; E_FORBIDDEN when another user owns it */
    uint64_t map_size; /* bytes of address space; 0: 64 GiB (the file is sparse) */
    uv_loop_t *loop;
    const char *key_file;            /* absolute path of the master key, which must be there; NULL:
                                        <dir>/master.key, made when the store is new */
    const unsigned char *master_key; /* or the key itself (STORE_KEY_LEN bytes, borrowed) */
    const char *key_from;            /* what to call it in errors: "WABRIDGE_MASTER_KEY" */
    bool new_key; /* go on with another master.key than the one this store was made with; what that
                     one sealed stays unreadable. Otherwise E_AUTH when it is missing or another */
};

/* Gives an open store. E_EXISTS: another process has it open (own lock file, names its pid);
 * E_FORBIDDEN: not our directory; E_AUTH: see new_key; E_UNSUPPORTED: written by a newer version;
 * E_IO, E_FULL. The data file's descriptor is close-on-exec. Opens once per process only. */
int store_open(const struct store_options *o, struct store **out, struct err *e);
/* Waits for what was submitted to commit, then on_closed (once, from the loop) and frees. */
void store_close(struct store *s, void (*on_closed)(void *arg), void *arg);
/* False after a commit failed (disk full, I/O error) until one works again. e says why. */
bool store_writable(const struct store *s, struct err *e);

struct store_stats {
    uint64_t commits, ops, used_bytes, map_bytes;
    uint64_t last_commit_us; /* of the last group, begin to fsync'd */
    size_t pending;
};
void store_stats(const struct store *s, struct store_stats *out);

/* ---- operations (loop thread; apply on the writer thread) --------------------------------- */

typedef int (*store_apply_fn)(struct store_txn *t, struct store_op *op); /* 0 or E_*; op->err */
typedef void (*store_done_fn)(struct store_op *op, int rc);

struct store_op {
    struct list link; /* private */
    store_apply_fn apply;
    store_done_fn done;
    int rc;         /* private */
    struct err err; /* apply may explain a failure here */
    void *data;     /* the caller's */
};

/* Never fails at once; done fires exactly once, from the loop, in submission order. */
void store_submit(struct store *s, struct store_op *op, store_apply_fn apply, store_done_fn done);
/* fn(arg) runs on the writer thread whenever a transaction in which applies ran is rolled back, so
 * that caches filled from inside it can be dropped. One such hook. */
void store_on_rollback(struct store *s, void (*fn)(void *arg), void *arg);

/* A snapshot for the loop thread. One at a time: begin, read, end within one loop turn. */
int store_read(struct store *s, struct store_txn **out, struct err *e);
void store_read_end(struct store_txn *t);

struct store_value {
    const char *data;
    size_t len;
};

/* ---- records: documents under a path of names --------------------------------------------- */

enum store_table {
    STORE_META,     /* name */
    STORE_TENANTS,  /* tenant */
    STORE_SESSIONS, /* tenant, session */
    STORE_WEBHOOKS, /* tenant, webhook */
    STORE_KEYS,     /* key id */
    STORE_CONTACTS, /* tenant, session, contact id */
    STORE_ALIASES,  /* tenant, session, jid -> contact id */
    STORE_GROUPS,   /* tenant, session, group id: what the far end told of it */
    STORE_NOTES,    /* tenant, session, chat, note id: internal notes of a conversation */
    STORE_SYNC,     /* tenant, session, chat: how far the chat is known to be complete */
    STORE_FETCHES,  /* tenant, session, chat, message id: a file still to be fetched */
    STORE_MEDIA,    /* tenant, sha256: a file in the media folder */
    STORE_CHECKS,   /* tenant, phone: is it on WhatsApp, as of when */
    STORE_AGENT_CHATS, /* tenant, session, chat: the conversation with the auto-reply agent */
    STORE_TERMS, /* tenant, session, term, contact id: by which words a contact is found */
    STORE_AGENTS, /* tenant, session, part: "settings" of the auto-reply agent, its "health" */
    STORE_AGENT_QUEUE, /* tenant, session, seq: a message for the agent, or its answer to send */
    STORE_ALERTS, /* tenant, session or -, webhook or -, kind: an alert that fires */
    STORE_GUARDS,   /* tenant, part: rules on "content", settings of "opt_out" */
    STORE_OPT_OUTS, /* tenant, jid: who does not want to be written to (or wants again), or under
                       which other jid that is kept */
    STORE_WINDOWS,  /* tenant, session, contact id: when they wrote last */
    STORE_USAGE, /* tenant, day or "quota", session or -, what: counts (bridge/usage/usage.h) */
    STORE_STATS, /* tenant, session or -, time: counts over time (bridge/stats/stats.h) */
    STORE_TABLE_COUNT
};
#define STORE_PATH_MAX 4
/* parts is a NULL-terminated list, as in STORE_PATH("acme", "main"). */
#define STORE_PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* 0 or E_NOTFOUND. */
int store_get(struct store_txn *t, enum store_table table, const char *const *path,
              struct store_value *out);
int store_put(struct store_txn *t, enum store_table table, const char *const *path,
              const void *data, size_t len);
int store_del(struct store_txn *t, enum store_table table,
              const char *const *path); /* E_NOTFOUND */
/* Of all visits (here and below): fn may write, but then its value is gone; a row written behind
 * the present one is visited too. */
/* Visits records whose path starts with prefix (STORE_PATH(NULL) is not valid; pass NULL for all)
 * in key order, after the record named `after` (its last path part; NULL: from the start). fn
 * returns 0 to go on, 1 to stop, E_* to stop with that error. */
typedef int (*store_visit_fn)(void *arg, const char *const *path, struct store_value v);
int store_scan(struct store_txn *t, enum store_table table, const char *const *prefix,
               const char *after, store_visit_fn fn, void *arg);
/* The same from the record `from` on (a path that begins with prefix and may be shorter than a whole
 * one; after: not that record itself), still within prefix. */
int store_scan_from(struct store_txn *t, enum store_table table, const char *const *prefix,
                    const char *const *from, bool after, store_visit_fn fn, void *arg);
/* Deletes everything of a session: chats, messages, contacts, outbox (keep_messages: all but
 * messages, chats and contacts); or of a whole tenant when session is NULL. Events and deliveries
 * of a session stay; those of a tenant go. */
int store_erase(struct store_txn *t, const char *tenant, const char *session, bool keep_messages);
/* The same for at most max rows, so that a big session does not hold the writer for seconds: call
 * it in operation after operation until n < max. The session's or tenant's own document stays with
 * both (the documents of a tenant's sessions and webhooks go); delete it in the last operation. */
int store_erase_some(struct store_txn *t, const char *tenant, const char *session,
                     bool keep_messages, size_t max, size_t *n);

/* ---- chats and messages ------------------------------------------------------------------- */

/* last_ms is the time of the last message; chats are listed by it, newest first. */
int store_chat_put(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                   uint64_t last_ms, const void *data, size_t len);
int store_chat_get(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                   struct store_value *out, uint64_t *last_ms);
int store_chat_del(struct store_txn *t, const char *tenant, const char *session, const char *chat);

struct store_message_ref {
    char chat[STORE_MAX_ID + 1];
    char id[STORE_MAX_ID + 1];
    uint64_t time_ms;
    uint64_t ordinal; /* breaks ties of time_ms: order of insertion, unique in the store */
};
/* Inserts or replaces by (tenant, session, chat, id). A replaced message keeps its place. ref may
 * be NULL. */
int store_message_put(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id, uint64_t time_ms, const void *data,
                      size_t len, struct store_message_ref *ref);
/* chat NULL: any chat (the first found). E_NOTFOUND. */
int store_message_get(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id, struct store_value *out,
                      struct store_message_ref *ref);
int store_message_del(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id);
/* Moves a message to another chat id (its number turned out to be that chat); it keeps its place in
 * time. E_NOTFOUND; E_EXISTS when that chat has the id already (nothing is changed then). */
int store_message_move(struct store_txn *t, const char *tenant, const char *session,
                       const char *from_chat, const char *to_chat, const char *id);

/* A page of a list. cursor: opaque text of an earlier page or "". fn as in store_scan; a row that
 * fn skipped (returns 0 without counting) is simply not kept by the caller. */
struct store_range {
    uint64_t since_ms, until_ms; /* inclusive, exclusive; until 0: no end */
    bool oldest_first;           /* default is newest first */
    const char *cursor;          /* NULL or "": from the start */
};
typedef int (*store_message_fn)(void *arg, const struct store_message_ref *ref,
                                struct store_value v);
/* Every message with that id: whoever writes chooses ids, so that several chats may have it. */
int store_message_each(struct store_txn *t, const char *tenant, const char *session, const char *id,
                       store_message_fn fn, void *arg);
/* chat NULL: all of the session, by time. E_INVALID for a cursor that is not ours. */
int store_message_list(struct store_txn *t, const char *tenant, const char *session,
                       const char *chat, const struct store_range *range, store_message_fn fn,
                       void *arg);
/* The cursor that continues after this row. */
#define STORE_CURSOR_LEN 64
void store_message_cursor(const struct store_message_ref *ref, char out[STORE_CURSOR_LEN]);
typedef int (*store_chat_fn)(void *arg, const char *chat, uint64_t last_ms, struct store_value v);
/* Newest first; after_ms/after_chat: continue after that row (0, NULL: from the start). */
int store_chat_list(struct store_txn *t, const char *tenant, const char *session, uint64_t after_ms,
                    const char *after_chat, store_chat_fn fn, void *arg);

/* Chats of several sessions (a NULL-terminated list of different names) as one list, newest first;
 * of the same time by chat, then session, both downwards. after NULL: from the start. fn must not
 * write. */
struct store_chat_place {
    uint64_t last_ms;
    const char *chat, *session;
};
typedef int (*store_chats_fn)(void *arg, const char *session, const char *chat, uint64_t last_ms,
                              struct store_value v);
int store_chat_merge(struct store_txn *t, const char *tenant, const char *const *sessions,
                     const struct store_chat_place *after, store_chats_fn fn, void *arg);

/* Every message of the tenant, chat by chat, from behind `at` on (zeroed: from the first), which
 * names the last one visited afterwards: a walk over all of a big store in bounded steps. */
struct store_walk {
    char session[64];
    struct store_message_ref ref;
};
typedef int (*store_walk_fn)(void *arg, const struct store_walk *at, struct store_value v);
int store_message_walk(struct store_txn *t, const char *tenant, struct store_walk *at,
                       store_walk_fn fn, void *arg);

/* ---- dirty: messages that the search index has yet to look at ------------------------------- */

/*
 * Every write, move and deletion of a message leaves a row in the same transaction; the index reads
 * them, looks at the messages as they are then, and clears the rows behind it. Past STORE_DIRTY_MAX
 * rows in the store none is added any more: the tenant's are then `lost`, and all has to be looked at.
 */
#define STORE_DIRTY_MAX 200000
struct store_dirty_state {
    bool lost;
    uint64_t cleared; /* the highest seq that was cleared */
};
int store_dirty_state(struct store_txn *t, const char *tenant, struct store_dirty_state *out);
typedef int (*store_dirty_fn)(void *arg, uint64_t seq, const char *session, const char *chat,
                              const char *id);
int store_dirty_list(struct store_txn *t, const char *tenant, uint64_t after, store_dirty_fn fn,
                     void *arg);
/* Deletes rows up to seq, at most max; n: how many went. */
int store_dirty_clear(struct store_txn *t, const char *tenant, uint64_t seq, size_t max, size_t *n);
/* All will be looked at: nothing is lost any more. */
int store_dirty_found(struct store_txn *t, const char *tenant);

/* ---- event log ---------------------------------------------------------------------------- */

/* The next number of the tenant's log (write transactions only; the first is 1). The event must be
 * put in the same operation. */
int store_event_next(struct store_txn *t, const char *tenant, uint64_t *seq);
int store_event_put(struct store_txn *t, const char *tenant, uint64_t seq, const void *data,
                    size_t len);
int store_event_get(struct store_txn *t, const char *tenant, uint64_t seq, struct store_value *out);
/* Highest seq put; 0 when none. */
int store_event_last(struct store_txn *t, const char *tenant, uint64_t *seq);
typedef int (*store_event_fn)(void *arg, uint64_t seq, struct store_value v);
int store_event_list(struct store_txn *t, const char *tenant, uint64_t after, store_event_fn fn,
                     void *arg);
/* Newest first, below `before` (0: from the newest). */
int store_event_list_back(struct store_txn *t, const char *tenant, uint64_t before,
                          store_event_fn fn, void *arg);
/* Deletes at most max of the oldest events below `before_ms` (put time) that no pending or dead
 * delivery still needs. n: how many went. One call looks at about 4 * max + 4096 rows and the next
 * goes on behind them, so n < max does not mean that nothing is left. */
int store_event_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n);

/* ---- deliveries: FIFO lanes and a due-time index ------------------------------------------- */

/*
 * A delivery is one event for one webhook. Deliveries of one (tenant, webhook, lane) go out in the
 * order of seq: only the head of a lane is ever due. States: pending (in its lane), delivered,
 * dead. Records of the last two are kept for the lists until trimmed.
 */
enum store_delivery_state { STORE_PENDING, STORE_DELIVERED, STORE_DEAD };
#define STORE_TRIES 8 /* the last ones of a delivery are kept one by one */

struct store_delivery {
    char tenant[64], webhook[64];
    uint64_t seq;  /* the event; with tenant and webhook it names the delivery */
    uint64_t lane; /* hash of the chat, or 0 for events of no chat (one lane too) */
    enum store_delivery_state state;
    uint32_t attempts;
    uint64_t created_ms;
    uint64_t due_ms;      /* pending: when its next try may start */
    uint64_t finished_ms; /* delivered or dead: when */
    uint32_t last_status; /* HTTP status of the last try; 0: none */
    char last_error[160];
    uint8_t last_reason; /* its kind, a number of the caller's; 0: none, or an older program's row */
    unsigned try_count; /* of tries, the oldest first; 0 also where an older program wrote it */
    struct store_try {
        uint64_t at_ms; /* when it began */
        uint32_t status, took_ms;
    } tries[STORE_TRIES];
};
/* One more try; the oldest makes room. Pure. */
void store_delivery_tried(struct store_delivery *d, const struct store_try *now);

/* New pending delivery, due now (behind what waits in its lane). E_EXISTS. */
int store_delivery_add(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq,
                       uint64_t lane, uint64_t now_ms);
int store_delivery_get(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq,
                       struct store_delivery *out);
/* Writes attempts, due_ms, state, last_*; when the state leaves pending, the lane's next becomes
 * due (at its own due_ms); when it returns to pending (redrive) it is put back in its lane by seq.
 */
int store_delivery_update(struct store_txn *t, const struct store_delivery *d);
typedef int (*store_delivery_fn)(void *arg, const struct store_delivery *d);
/* Lane heads in order of due time up to now_ms; of every tenant. */
int store_delivery_due(struct store_txn *t, uint64_t now_ms, store_delivery_fn fn, void *arg);
/* Lane heads that are due after from_ms and not after to_ms, the latest first; of every tenant. */
int store_delivery_late(struct store_txn *t, uint64_t from_ms, uint64_t to_ms, store_delivery_fn fn,
                        void *arg);
/* Due time of the earliest lane head: E_NOTFOUND when nothing is pending. */
int store_delivery_next_due(struct store_txn *t, uint64_t *due_ms);
/* By seq, newest first, in one state; before_seq 0: from the newest. */
int store_delivery_list(struct store_txn *t, const char *tenant, const char *webhook,
                        enum store_delivery_state state, uint64_t before_seq, store_delivery_fn fn,
                        void *arg);
/* How many are in that state; counted to max. */
int store_delivery_count(struct store_txn *t, const char *tenant, const char *webhook,
                         enum store_delivery_state state, unsigned max, unsigned *n);
/* The pending one with the lowest seq. E_NOTFOUND: none is pending. */
int store_delivery_oldest(struct store_txn *t, const char *tenant, const char *webhook,
                          struct store_delivery *out);
/* What waits in lane `from`, for any webhook of the tenant, waits in lane `to` from now on, in the
 * order of seq among what is there. At most max rows; n: how many were moved. */
int store_lane_move(struct store_txn *t, const char *tenant, uint64_t from, uint64_t to, size_t max,
                    size_t *n);
/* A webhook was removed: all its deliveries go. At most max per call; n says how many went. */
int store_delivery_erase(struct store_txn *t, const char *tenant, const char *webhook, size_t max,
                         size_t *n);
/* Deletes at most max delivered (and dead, when dead is true) records finished before before_ms. */
int store_delivery_trim(struct store_txn *t, uint64_t before_ms, bool dead, size_t max, size_t *n);

/* ---- outbox: what is to be sent, in order of acceptance, a queue per session ---------------- */

/* order is unique and grows (with gaps); a message is in the outbox at most once (E_EXISTS). put
 * replaces the entry at order, E_NOTFOUND when it is gone; message_id may change. */
int store_outbox_add(struct store_txn *t, const char *tenant, const char *session,
                     const char *message_id, uint64_t expires_ms, const void *data, size_t len,
                     uint64_t *order);
int store_outbox_put(struct store_txn *t, const char *tenant, const char *session, uint64_t order,
                     const char *message_id, uint64_t expires_ms, const void *data, size_t len);
int store_outbox_del(struct store_txn *t, const char *tenant, const char *session, uint64_t order);
typedef int (*store_outbox_fn)(void *arg, uint64_t order, const char *message_id,
                               uint64_t expires_ms, struct store_value v);
int store_outbox_list(struct store_txn *t, const char *tenant, const char *session,
                      uint64_t after_order, store_outbox_fn fn, void *arg);

/* ---- counts (kept in the write transactions; O(1) to read) --------------------------------- */

struct store_counts {
    uint64_t outbox, deliveries, dead_letters; /* deliveries: pending ones */
};
/* tenant NULL: all. session NULL: the tenant's. Deliveries are counted per tenant (session is
 * ignored for them). */
int store_counts(struct store_txn *t, const char *tenant, const char *session,
                 struct store_counts *out);

/* ---- idempotency --------------------------------------------------------------------------- */

/* hash: 32 bytes over the request. put fails with E_EXISTS when the key is there; it is there until
 * a trim takes it away, expired or not. */
int store_idem_get(struct store_txn *t, const char *tenant, const char *key, unsigned char hash[32],
                   struct store_value *answer);
int store_idem_put(struct store_txn *t, const char *tenant, const char *key,
                   const unsigned char hash[32], uint64_t expires_ms, const void *answer,
                   size_t len);
int store_idem_trim(struct store_txn *t, uint64_t now_ms, size_t max, size_t *n);

/* ---- secrets: sealed with the master key --------------------------------------------------- */

/* AES-256-GCM under the master key (struct store_options). place binds the secret to where it
 * belongs, e.g. "acme/webhook/erp". Gives "v1:<id of the key>:<base64>" (free()). Thread: any. What
 * is sealed in a new place must be added to bridge/core/rekey.c, or a rotation refuses to run. */
int store_seal(struct store *s, const char *place, const void *secret, size_t len, char **out,
               struct err *e);
/* Gives the secret (mem_wipe_free()). E_AUTH when it was sealed elsewhere or with another key. */
int store_unseal(struct store *s, const char *place, const char *sealed, char **secret, size_t *len,
                 struct err *e);

/* ---- another master key (docs/security.md) -------------------------------------------------- */

/*
 * A rotation, while nobody else uses the store: store_rotate_begin(); one operation that replaces
 * every sealed text by what store_reseal() makes of it and ends with store_rotate_commit(); when
 * that operation is done the store is under the new key, and when it failed nothing has changed.
 * Both keys open what they sealed until the store is closed.
 */
void store_rotate_begin(struct store *s, const unsigned char key[STORE_KEY_LEN]);
/* Writer thread. Gives (free()). */
int store_reseal(struct store_txn *t, const char *place, const char *sealed, char **out,
                 struct err *e);
int store_rotate_commit(struct store_txn *t);
#define STORE_KEY_ID 9 /* 8 hex digits and NUL */
void store_key_id(const unsigned char key[STORE_KEY_LEN], char out[STORE_KEY_ID]);

/*
 * The key's file: 32 bytes, or their base64. A rotation writes <path>.next before the commit and
 * calls store_key_file_replace() behind it; store_open() takes <path>.next for <path> when that is
 * the one that fits, so a crash between any two steps leaves a store that opens.
 */
/* E_NOTFOUND; E_FORBIDDEN: open to everybody; E_INVALID: no key. */
int store_key_file_read(const char *path, unsigned char key[STORE_KEY_LEN], struct err *e);
/* A new random one, mode 0600, durable. E_EXISTS. */
int store_key_file_create(const char *path, unsigned char key[STORE_KEY_LEN], struct err *e);
/* <path>.next becomes <path>; the old one stays as <path>.old-<id>. */
int store_key_file_replace(const char *path, const char *old_id, struct err *e);
/* Is it the key that this store's secrets are sealed with? */
int store_key_fits(struct store_txn *t, const unsigned char key[STORE_KEY_LEN], bool *fits);

/* ---- audit: hash chains --------------------------------------------------------------------- */

/*
 * A chain of records for each tenant, and one for acts above them (STORE_AUDIT_ADMIN). A record is
 * a JSON text that begins {"seq":N,"prev":"<hex>" where prev is the SHA-256 of the text of record
 * N - 1 (64 zeros for the first); so a record that was changed, removed or put in shows. The state
 * row of the chain keeps its two ends: the anchor, the last record that was trimmed away (seq 0:
 * none), and the head, the newest.
 */
#define STORE_AUDIT_ADMIN "*"
#define STORE_AUDIT_MAX 4096 /* bytes of a record; past it E_TOOLARGE */
struct store_audit_end {
    uint64_t seq;     /* 0: there is none */
    uint64_t time_ms; /* of the record; of the anchor: what was older went */
    unsigned char hash[32];
};
struct store_audit_state {
    struct store_audit_end anchor, head;
};
/* All zero for a chain without records. */
int store_audit_state(struct store_txn *t, const char *chain, struct store_audit_state *out);
/* members: a JSON object text of at least one member, without seq and prev, which are put first. */
int store_audit_append(struct store_txn *t, const char *chain, uint64_t time_ms,
                       const char *members, size_t len);
typedef int (*store_audit_fn)(void *arg, uint64_t seq, uint64_t time_ms,
                              const unsigned char hash[32], struct store_value text);
/* Newest first below `from` (0: from the head), or oldest first above it. */
int store_audit_list(struct store_txn *t, const char *chain, uint64_t from, bool oldest_first,
                     store_audit_fn fn, void *arg);
/* Deletes at most max of the oldest records before before_ms, of all chains, but never a head. n:
 * how many went; n < max: nothing is left to do. */
int store_audit_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n);
/* Reads the whole chain. 0, or E_IO with the first record at fault in e. */
int store_audit_check(struct store_txn *t, const char *chain, struct err *e);
/* ---- copies (copy.c) ----------------------------------------------------------------------- */

/* Writes all of the store, compacted and of one moment, to fd as the bytes of a data.mdb, while the
 * daemon goes on. Blocks for as long as that takes. Thread: any but the loop's. E_CLOSED: nobody
 * reads fd any more; E_IO, E_NOMEM. */
int store_copy(struct store *s, int fd, struct err *e);
/* The master key, for what is sealed outside of the store (backups); wipe it after use. */
void store_vault_key(const struct store *s, uint8_t out[32]);
/* A snapshot for a thread of its own, as long as it likes; every read verb works on it. */
int store_snapshot(struct store *s, struct store_txn **out, struct err *e);
void store_snapshot_end(struct store_txn *t); /* NULL accepted */

/* ---- check --------------------------------------------------------------------------------- */

/* Reads the whole store and compares every index and count with the records. 0, or E_IO with the
 * first disagreement in e. Takes seconds on a big store: for tests and offline checks. */
int store_check(struct store_txn *t, struct err *e);
/* Makes every index and count anew from the records; lost: records that could not be decoded, which
 * are removed. In an operation of its own, of a store that nobody else uses. */
int store_repair(struct store_txn *t, size_t *lost);

#endif
