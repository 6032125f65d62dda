/*
 * What the files of the search share. Thread: loop, unless a comment says otherwise.
 *
 *   search.c        life, whose turn it is
 *   search_feed.c   from the store into an index, step by step
 *   search_api.c    searches
 *   search_index.c  the SQLite file (worker); search_text.c words (pure)
 *
 * An index:
 *                  +-- broken, behind, not built ---------+
 *                  |                                      v
 *   CLOSED -> opening -> READY <- (all looked at) <- BUILDING <- EMPTYING (dirty rows cleared)
 *     ^                    |
 *     +-- not used lately, or an error that may pass (later) --+
 *
 * One thing at a time is under way in the whole room (`busy`): a job on the pool, or the operation
 * at the store that goes with it. Searches go before the feeding.
 */
#ifndef BRIDGE_SEARCH_PRIV_H
#define BRIDGE_SEARCH_PRIV_H

#include "core_priv.h"
#include "search.h"
#include "search_index.h"
#include "search_text.h"
#include "work.h"

#define SEARCH_OPEN_MAX 8 /* files at once */
#define SEARCH_BATCH 250  /* messages in a step */
#define SEARCH_BATCH_BYTES (2u << 20)
#define SEARCH_FRESH_STEPS 4 /* that a search waits for, so that it finds what was just written */
#define SEARCH_QUEUE_MAX 64  /* searches that wait */
#define SEARCH_TIMEOUT_MS 2000

enum index_state { INDEX_CLOSED, INDEX_EMPTYING, INDEX_BUILDING, INDEX_READY };

struct index {
    struct list link; /* search.indexes, the one used longest ago first */
    struct search *s;
    char tenant[64];
    enum index_state state;
    bool dirty;           /* the store may have news */
    bool rebuild;         /* what is there is of no use */
    bool gone;            /* the tenant is: remove it */
    uint64_t retry_ms;    /* monotonic; not before, after an error */
    struct search_db *db; /* the worker's while busy */
    struct search_db_state db_state;
    struct store_walk walk; /* BUILDING: up to here */
    uint64_t cleared;       /* EMPTYING: dirty rows up to here are gone */
};

struct search_call; /* search_api.c */

struct search {
    struct bridge *b;
    char *dir;
    struct list indexes;
    struct list calls; /* searches that wait */
    unsigned call_count;
    uv_timer_t timer;
    bool started, closing, busy, handle_closed;
    unsigned turns; /* whose turn it is: see kind_of() */
    void (*on_closed)(void *arg);
    void *arg;
};

/* ---- search.c ---- */
/* Found or made; NULL: no memory. */
struct index *index_get(struct search *s, const char *tenant);
char *index_path(const struct index *ix); /* gives */
/* What was under way ended: on with the next. */
void search_next(struct search *s);
void search_soon(struct search *s, uint64_t delay_ms);
/* An error of the file or the store: anew, or later. */
void index_failed(struct index *ix, int rc, const char *why);
const char *index_state_name(const struct index *ix); /* "ready" "building" "failed" */

/* ---- search_feed.c: begin one step; false: there is nothing to be done (or not now). On true the
 * room is busy until search_next(). ---- */
bool feed_open(struct index *ix);
bool feed_step(struct index *ix);
bool feed_close(struct index *ix, bool remove);

/* ---- search_api.c ---- */
/* The index of the first waiting search, NULL: none waits. */
struct index *calls_wanted(struct search *s, unsigned *waited);
void calls_waited(struct search *s);
/* Begins the first waiting search; false: it was answered at once. */
bool calls_run(struct search *s);
void calls_cancel(struct search *s);

#endif
