/*
 * Inside the store. Who owns what: the fields of struct store say on which thread they live; a
 * struct store_txn belongs to the thread of its transaction (one write transaction, the writer's;
 * one read transaction, the loop's).
 */
#ifndef STORE_PRIV_H
#define STORE_PRIV_H

#include "crypto.h"
#include "key_priv.h"
#include "store.h"

#include <lmdb.h>

/* id, name in the file. The first STORE_TABLE_COUNT are the tables of documents, in their order. */
#define DB_TABLE(X)                                                                                \
    X(DB_META, "meta")                                                                             \
    X(DB_TENANTS, "tenants")                                                                       \
    X(DB_SESSIONS, "sessions")                                                                     \
    X(DB_WEBHOOKS, "webhooks")                                                                     \
    X(DB_KEYS, "keys")                                                                             \
    X(DB_CONTACTS, "contacts")                                                                     \
    X(DB_ALIASES, "aliases")                                                                       \
    X(DB_GROUPS, "groups")                                                                         \
    X(DB_NOTES, "notes")                                                                           \
    X(DB_SYNC, "sync")                                                                             \
    X(DB_FETCHES, "fetches")                                                                       \
    X(DB_MEDIA, "media")                                                                           \
    X(DB_CHECKS, "checks")                                                                         \
    X(DB_AGENT_CHATS, "agent_chats")                                                               \
    X(DB_TERMS, "terms")                                                                           \
    X(DB_AGENTS, "agents")                                                                         \
    X(DB_AGENT_QUEUE, "agent_queue")                                                               \
    X(DB_ALERTS, "alerts")                                                                         \
    X(DB_GUARDS, "guards")                                                                         \
    X(DB_OPT_OUTS, "opt_outs")                                                                     \
    X(DB_WINDOWS, "windows")                                                                       \
    X(DB_USAGE, "usage")                                                                           \
    X(DB_STATS, "stats")                                                                           \
    X(DB_SYS, "sys")                     /* name -> number: schema, sequence, key check */         \
    X(DB_CHATS, "chats")                 /* t|s|chat -> last_ms, data */                           \
    X(DB_CHAT_RECENT, "chat_recent")     /* t|s|last_ms|chat */                                    \
    X(DB_MESSAGES, "messages")           /* t|s|chat|time|ordinal -> id, data */                   \
    X(DB_MESSAGE_IDS, "message_ids")     /* t|s|id|chat -> time, ordinal */                        \
    X(DB_MESSAGE_TIMES, "message_times") /* t|s|time|ordinal -> chat */                            \
    X(DB_DIRTY, "dirty")                 /* t|seq -> session, chat, id; t|0 -> state */            \
    X(DB_EVENTS, "events")               /* t|seq -> put_ms, data */                               \
    X(DB_DELIVERIES, "deliveries")       /* t|seq|webhook -> record */                             \
    X(DB_DELIVERY_STATES, "dlv_states")  /* t|webhook|state|seq */                                 \
    X(DB_DELIVERY_LANES, "dlv_lanes")    /* t|webhook|lane|seq: the pending ones */                \
    X(DB_DELIVERY_DUE, "dlv_due")        /* due_ms|t|webhook|lane|seq: the head of each lane */    \
    X(DB_DELIVERY_DONE, "dlv_done")      /* state|finished_ms|t|seq|webhook: the others */         \
    X(DB_OUTBOX, "outbox")               /* t|s|order -> expires_ms, id, data */                   \
    X(DB_OUTBOX_IDS, "outbox_ids")       /* t|s|id -> order */                                     \
    X(DB_COUNTS, "counts")               /* (nothing) or t or t|s -> tally */                      \
    X(DB_IDEM, "idem")                   /* t|key -> expires_ms, hash, answer */                   \
    X(DB_IDEM_EXPIRY, "idem_expiry")     /* expires_ms|t|key */                                    \
    X(DB_AUDIT, "audit")                 /* chain|seq -> ms, hash, text; chain|0 -> both ends */

enum db {
#define DB_ENUM(id, name) id,
    DB_TABLE(DB_ENUM)
#undef DB_ENUM
        DB_COUNT
};
_Static_assert((int)DB_SYS == (int)STORE_TABLE_COUNT, "tables of documents come first");

/* Operations of one commit, or this many bytes written, whichever comes first. Under load a group
 * of 4000 writes a third fewer pages an operation than one of 1000: neighbours share them. */
#define STORE_GROUP_MAX 4000
#define STORE_GROUP_BYTES (8u << 20)
#define STORE_TURN_MAX 256 /* done callbacks in one turn of the loop */
#define STORE_TALLY_SLOTS 256

struct store_txn {
    struct store *s;
    MDB_txn *mdb; /* NULL: none open */
    bool write;
    bool dirty;   /* the present operation wrote something */
    bool changed; /* some operation did */
    int broken;   /* LMDB's number that made the transaction useless; 0: none */
    uint64_t gen; /* grows with every write: iterators seek again */
    size_t bytes; /* written so far */
    struct {
        MDB_cursor *cur;
        bool busy, stale; /* stale: of an earlier snapshot, renew before use */
    } slot[DB_COUNT];
};

/* Counts of one owner. events: the highest number given out in the tenant's log. */
enum tally_field { TALLY_OUTBOX, TALLY_DELIVERIES, TALLY_DEAD, TALLY_EVENTS, TALLY_FIELDS };
struct tally {
    uint64_t v[TALLY_FIELDS];
};
struct tally_slot {
    bool used, dirty;
    size_t len;
    unsigned char key[2 * (KEY_NAME_MAX + 1)];
    struct tally tally;
};

struct store {
    MDB_env *env; /* LMDB does its own locking */
    MDB_dbi dbi[DB_COUNT];
    uint8_t key[CRYPTO_KEY_LEN]; /* read-only after open */
    uint8_t next_key[CRYPTO_KEY_LEN]; /* read-only after store_rotate_begin() */
    char key_id[STORE_KEY_ID], next_id[STORE_KEY_ID]; /* next_id "": no rotation */
    int dir_fd, lock_fd;

    /* loop thread */
    uv_loop_t *loop;
    uv_async_t async;
    size_t pending;
    bool closing, closed;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct store_txn reader;
    bool reading;
    struct list done; /* finished, their callbacks still to be called */

    /* both, under lock */
    uv_mutex_t lock;
    uv_cond_t wake;
    struct list queue, finished;
    bool stop;
    bool unwritable;
    struct err why;
    struct store_stats stats;
    void (*on_rollback)(void *arg);
    void *on_rollback_arg;

    /* writer thread */
    uv_thread_t thread;
    struct store_txn writer;
    struct store_op *group[STORE_GROUP_MAX];
    bool skip[STORE_GROUP_MAX];
    struct tally_slot tally[STORE_TALLY_SLOTS];
    uint64_t seq, seq_committed; /* last ordinal or order given out */
    char *scratch;
    size_t scratch_cap;
    struct key trim_at; /* where the last trim of events stopped */
};

/* ---- txn.c ---- */
int txn_begin_write(struct store *s);
/* Writes counts and sequence and commits; an LMDB number. The transaction is over either way. */
int txn_commit(struct store_txn *t);
void txn_abort(struct store_txn *t);
void txn_reader_free(struct store *s);
void txn_release(struct store_txn *t); /* closes its cursors */
/* LMDB's number as E_*; remembers in t what makes a write transaction useless. t may be NULL. */
int txn_rc(struct store_txn *t, int mdb);
/* All below give k->rc when the key is not usable. */
int txn_get(struct store_txn *t, enum db db, const struct key *k, MDB_val *v);
int txn_has(struct store_txn *t, enum db db, const struct key *k); /* 0 or E_NOTFOUND */
/* data must not lie inside the map; txn_put2 copies first, so there it may. */
int txn_put(struct store_txn *t, enum db db, const struct key *k, const void *data, size_t len);
int txn_put2(struct store_txn *t, enum db db, const struct key *k, const void *head,
             size_t head_len, const void *data, size_t len);
/* E_EXISTS, with nothing written, when the key is there. */
int txn_add(struct store_txn *t, enum db db, const struct key *k, const void *data, size_t len);
int txn_add2(struct store_txn *t, enum db db, const struct key *k, const void *head,
             size_t head_len, const void *data, size_t len);
int txn_del(struct store_txn *t, enum db db, const struct key *k);
/* E_TOOLARGE, E_INVALID (NULL with a length), E_STATE (read transaction). */
int txn_check_value(const struct store_txn *t, const void *data, size_t len);
void txn_touch(struct store_txn *t);
int txn_sys_get(struct store_txn *t, const char *name, MDB_val *v);
int txn_sys_put(struct store_txn *t, const char *name, const void *data, size_t len);
/* A stored record that does not decode. */
int txn_corrupt(struct store_txn *t);

/* Rows whose key starts with prefix. Writing while iterating is allowed: it seeks again. */
enum { ITER_BACK = 1, ITER_AFTER = 2 /* not the row named `from` itself */ };
struct iter {
    struct store_txn *t;
    MDB_cursor *cur;
    enum db db;
    bool back, pooled;
    bool seek, exclusive, edge; /* what the next step does: seek at `at`, or at the very end */
    uint64_t gen;
    struct key prefix;
    struct key at; /* key of the present row */
    MDB_val v;     /* its value; until something is written */
};
/* from NULL: the first row (the last with ITER_BACK). After an error nothing is to be closed. */
int iter_open(struct iter *it, struct store_txn *t, enum db db, const struct key *prefix,
              const struct key *from, unsigned flags);
int iter_next(struct iter *it);                           /* 0, E_NOTFOUND at the end, E_IO */
void iter_jump(struct iter *it, const struct key *after); /* goes on behind that key */
void iter_close(struct iter *it);
/* What a visiting function returns: rc ended the walk, stop is the visitor's last answer. */
static inline int iter_result(int rc, int stop)
{
    if (stop != 0) {
        return stop == 1 ? 0 : stop;
    }
    return rc == E_NOTFOUND ? 0 : rc;
}
/* First key with that prefix into out. 0 or E_NOTFOUND. */
int txn_first(struct store_txn *t, enum db db, const struct key *prefix, struct key *out);
/* Deletes rows with that prefix while *left > 0; plain tables without an index. */
int txn_wipe(struct store_txn *t, enum db db, const struct key *prefix, size_t *left);

/* ---- counts.c (writer thread, but for the reads) ---- */
int tally_get(struct store_txn *t, const char *tenant, const char *session, struct tally *out);
/* Adds to the total, the tenant and (when not NULL) the session. */
int tally_add(struct store_txn *t, const char *tenant, const char *session, enum tally_field f,
              int delta);
int tally_set_events(struct store_txn *t, const char *tenant, uint64_t seq);
int tally_flush(struct store_txn *t);
void tally_committed(struct store *s);
void tally_drop(struct store *s);
void tally_decode(const MDB_val *v, struct tally *out);

/* ---- records' insides, pure ---- */
#define DELIVERY_RECORD_MAX 384
size_t delivery_encode(const struct store_delivery *d, unsigned char out[DELIVERY_RECORD_MAX]);
/* Fills all but the names and seq. E_IO when it is no record of ours. */
int delivery_decode(const void *data, size_t len, struct store_delivery *out);
/* 0 or E_INVALID. */
int cursor_parse(const char *text, uint64_t *time_ms, uint64_t *ordinal);

/* ---- the rest ---- */
/* dirty.c: the message was written or deleted. */
int dirty_add(struct store_txn *t, const char *tenant, const char *session, const char *chat,
              const char *id);
int erase_dirty(struct store_txn *t, const char *tenant, size_t *left);
int erase_messages(struct store_txn *t, const char *tenant, const char *session, size_t *left);
int erase_chats(struct store_txn *t, const char *tenant, const char *session, size_t *left);
int erase_outbox(struct store_txn *t, const char *tenant, const char *session, size_t *left);
int erase_idem(struct store_txn *t, const char *tenant, size_t *left);
int erase_deliveries(struct store_txn *t, const char *tenant, const char *webhook, size_t *left);
int erase_events(struct store_txn *t, const char *tenant, size_t *left);
int audit_check_all(struct store_txn *t, struct err *e); /* every chain */
/* True when a pending or dead delivery refers to the event. */
int delivery_needs_event(struct store_txn *t, const char *tenant, uint64_t seq, bool *needed);

int lock_take(struct store *s, const char *dir, struct err *e);
/* master_key.c: the file <dir>/master.key and the like. dir_fd AT_FDCWD and an absolute name: any
 * file. */
int key_file_load(int dir_fd, const char *name, uint8_t key[CRYPTO_KEY_LEN], struct err *e);
int key_file_make(int dir_fd, const char *name, uint8_t key[CRYPTO_KEY_LEN], struct err *e);
int secrets_open(struct store *s, struct store_txn *t, const struct store_options *o,
                 struct err *e);
int schema_open(struct store *s, const struct store_options *o, struct err *e);

int writer_start(struct store *s, struct err *e);
void env_free(struct store *s); /* what store_open() made, in any state */

#endif
