/*
 * From the store into an index.
 *
 * READY, happy path: some dirty rows and the messages that they name are copied from a snapshot ->
 * one transaction in the index, which also notes the last row -> the rows are cleared in the store.
 * A crash in between repeats a step: the messages are looked at as they are then.
 * A lost power may take the index's last transactions but not the store's: then the index knows of
 * fewer rows than were cleared, and is made anew.
 * Anew: the dirty rows are cleared (all messages will be looked at) -> an empty file -> all
 * messages, some in each step -> built. What changes meanwhile is dirty and follows.
 */
#include "search_priv.h"

#include "clock.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define CLEAR_STEP 2000

enum step_kind { STEP_OPEN, STEP_MAKE, STEP_APPLY, STEP_CLOSE, STEP_REMOVE };

struct step {
    struct work work; /* first */
    struct index *ix;
    enum step_kind kind;
    char *path;
    struct search_db *db;
    struct search_db_state state;
    uint64_t cleared; /* STEP_OPEN: by the store; STEP_MAKE */
    bool lost;
    struct search_doc docs[SEARCH_BATCH];
    size_t count;
    char *texts; /* of the docs */
    size_t used, size;
    uint64_t done;          /* dirty rows up to here are in docs; 0: a walk */
    bool last;              /* of the walk */
    struct store_walk walk; /* up to here, when it worked */
    int rc;
    struct err err;
};

struct clear {
    struct call call; /* first */
    struct index *ix;
    uint64_t seq;
    size_t n;
    uint64_t cleared;
};

static void step_free(struct step *st)
{
    free(st->texts);
    free(st->path);
    free(st);
}

/* ---- on the pool -------------------------------------------------------------------------------
 */

static void on_work(struct work *w)
{
    struct step *st = (struct step *)w;
    switch (st->kind) {
    case STEP_OPEN:
    case STEP_MAKE:
        search_db_close(st->db);
        st->db = NULL;
        st->rc = search_db_open(st->path, st->kind == STEP_MAKE, st->cleared, &st->db, &st->state,
                                &st->err);
        break;
    case STEP_APPLY:
        st->rc =
            search_db_apply(st->db, st->docs, st->count, st->done, st->last, &st->state, &st->err);
        break;
    case STEP_CLOSE:
    case STEP_REMOVE:
        search_db_close(st->db);
        st->db = NULL;
        if (st->kind == STEP_REMOVE) {
            search_db_remove(st->path);
        }
        break;
    }
}

/* ---- clearing dirty rows -----------------------------------------------------------------------
 */

static int apply_clear(struct store_txn *t, struct call *c, struct err *e)
{
    struct clear *k = (struct clear *)c;
    struct store_dirty_state state;
    int rc = store_dirty_clear(t, k->ix->tenant, k->seq, CLEAR_STEP, &k->n);
    if (rc == 0 && k->seq == UINT64_MAX) {
        rc = store_dirty_found(t, k->ix->tenant);
    }
    rc = rc != 0 ? rc : store_dirty_state(t, k->ix->tenant, &state);
    k->cleared = rc == 0 ? state.cleared : 0;
    return rc != 0 ? store_err(e, rc, "the search queue was not cleared") : 0;
}

static void finish_clear(struct call *c, int rc)
{
    struct clear *k = (struct clear *)c;
    struct index *ix = k->ix;
    if (rc != 0) {
        index_failed(ix, rc == E_PROTO ? E_IO : rc, c->op.err.msg);
    } else if (k->n == CLEAR_STEP && !ix->s->closing) {
        call_again(c);
        return;
    } else if (k->seq == UINT64_MAX) {
        ix->cleared = k->cleared;
        ix->state = INDEX_BUILDING;
        memset(&ix->walk, 0, sizeof(ix->walk));
        ix->rebuild = true; /* the file is still to be made */
    }
    search_next(ix->s);
}

static void release_clear(struct call *c)
{
    free(c);
}

/* seq UINT64_MAX: all, before everything is looked at. */
static bool clear_rows(struct index *ix, uint64_t seq)
{
    struct clear *k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        index_failed(ix, E_NOMEM, "out of memory");
        return false;
    }
    k->ix = ix;
    k->seq = seq;
    k->call.apply = apply_clear;
    k->call.finish = finish_clear;
    k->call.release = release_clear;
    ix->s->busy = true;
    call_submit(&k->call, ix->s->b, NULL, NULL);
    return true;
}

/* ---- after a step ------------------------------------------------------------------------------
 */

static void opened(struct index *ix, struct step *st)
{
    bool behind = st->state.done < st->cleared;
    if (!st->state.built || st->lost || behind) {
        index_failed(ix, E_PROTO,
                     !st->state.built ? "it was not finished"
                     : behind         ? "it lost what it had written"
                                      : "too much changed meanwhile");
        return;
    }
    ix->state = INDEX_READY;
    ix->dirty = true;
}

static void after_step(struct index *ix, struct step *st)
{
    ix->db = st->db;
    if (st->rc != 0) {
        index_failed(ix, st->rc, st->err.msg);
        return;
    }
    ix->db_state = st->state;
    switch (st->kind) {
    case STEP_OPEN:
        opened(ix, st);
        break;
    case STEP_MAKE:
        ix->rebuild = false;
        break;
    case STEP_APPLY:
        if (st->done == 0) {
            ix->walk = st->walk;
        }
        if (st->last) {
            ix->state = INDEX_READY;
            ix->dirty = true;
            log_info(&(struct log_ctx){.tenant = ix->tenant}, "search.built",
                     "%llu messages can be searched", (unsigned long long)st->state.count);
        }
        break;
    case STEP_CLOSE:
        ix->state = INDEX_CLOSED;
        break;
    case STEP_REMOVE:
        list_remove(&ix->link);
        free(ix);
        break;
    }
}

static void on_stepped(struct work *w, int rc)
{
    struct step *st = (struct step *)w;
    struct index *ix = st->ix;
    struct search *s = ix->s;
    if (rc != 0) {
        st->rc = rc; /* canceled: never happens, nobody cancels */
    }
    bool fed = st->kind == STEP_APPLY && st->rc == 0 && st->done != 0;
    uint64_t done = st->done;
    after_step(ix, st);
    step_free(st);
    if (!fed || s->closing || !clear_rows(ix, done)) {
        search_next(s);
    }
}

static struct step *make(struct index *ix, enum step_kind kind)
{
    struct step *st = mem_calloc(1, sizeof(*st));
    if (st == NULL) {
        index_failed(ix, E_NOMEM, "out of memory");
        return NULL;
    }
    st->ix = ix;
    st->kind = kind;
    st->db = ix->db;
    st->state = ix->db_state;
    st->path = index_path(ix);
    if (st->path == NULL) {
        step_free(st);
        index_failed(ix, E_NOMEM, "out of memory");
        return NULL;
    }
    return st;
}

static bool submit(struct step *st)
{
    struct index *ix = st->ix;
    int rc = work_submit(ix->s->b->loop, &st->work, on_work, on_stepped);
    if (rc != 0) {
        step_free(st);
        index_failed(ix, rc, "too much work is under way");
        return false;
    }
    ix->s->busy = true;
    return true;
}

/* ---- open, close -------------------------------------------------------------------------------
 */

static int dirty_state(struct index *ix, struct store_dirty_state *out, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(ix->s->b->store, &t, e);
    if (rc == 0) {
        rc = store_dirty_state(t, ix->tenant, out);
        store_read_end(t);
    }
    return rc;
}

bool feed_open(struct index *ix)
{
    struct store_dirty_state state;
    struct err e;
    err_clear(&e);
    if (ix->rebuild) {
        ix->state = INDEX_EMPTYING;
        return clear_rows(ix, UINT64_MAX);
    }
    int rc = dirty_state(ix, &state, &e);
    if (rc != 0) {
        index_failed(ix, E_IO, "the store cannot be read");
        return false;
    }
    struct step *st = make(ix, STEP_OPEN);
    if (st == NULL) {
        return false;
    }
    st->cleared = state.cleared;
    st->lost = state.lost;
    return submit(st);
}

bool feed_close(struct index *ix, bool remove)
{
    struct step *st = make(ix, remove ? STEP_REMOVE : STEP_CLOSE);
    return st != NULL && submit(st);
}

/* ---- batches -----------------------------------------------------------------------------------
 */

/* Offsets first: the memory may move while it grows. */
static const char *keep(struct step *st, const char *s, size_t len)
{
    if (st->used + len + 1 > st->size) {
        return NULL;
    }
    char *to = st->texts + st->used;
    memcpy(to, s, len);
    to[len] = '\0';
    st->used += len + 1;
    return to;
}

static bool room_for(struct step *st, size_t len)
{
    return st->count < SEARCH_BATCH && (st->count == 0 || st->used + len + 512 <= st->size);
}

/* v NULL: it is gone. False: the batch is full. */
static bool add_doc(struct step *st, const char *session, const struct store_message_ref *ref,
                    const struct store_value *v)
{
    size_t len = v != NULL ? v->len : 0;
    if (!room_for(st, len)) {
        return false;
    }
    struct search_doc *d = &st->docs[st->count];
    d->session = keep(st, session, strlen(session));
    d->chat = keep(st, ref->chat, strlen(ref->chat));
    d->id = keep(st, ref->id, strlen(ref->id));
    d->time_ms = ref->time_ms;
    d->ordinal = ref->ordinal;
    d->data = v != NULL ? keep(st, v->data, v->len) : NULL;
    d->len = len;
    st->count++;
    return true;
}

struct gather {
    struct step *st;
    struct store_txn *t;
    const char *tenant;
    bool full;
    struct store_walk last;
    int rc;
};

static int on_dirty(void *arg, uint64_t seq, const char *session, const char *chat, const char *id)
{
    struct gather *g = arg;
    struct store_value v;
    struct store_message_ref ref = {.time_ms = 0};
    g->rc = store_message_get(g->t, g->tenant, session, chat, id, &v, &ref);
    bool there = g->rc == 0;
    if (g->rc != 0 && g->rc != E_NOTFOUND) {
        return g->rc;
    }
    g->rc = 0;
    if (!there) {
        memcpy(ref.chat, chat, strlen(chat) + 1);
        memcpy(ref.id, id, strlen(id) + 1);
    }
    if (!add_doc(g->st, session, &ref, there ? &v : NULL)) {
        g->full = true;
        return 1;
    }
    g->st->done = seq;
    return 0;
}

static int on_walked(void *arg, const struct store_walk *at, struct store_value v)
{
    struct gather *g = arg;
    if (!add_doc(g->st, at->session, &at->ref, &v)) {
        g->full = true;
        return 1;
    }
    g->last = *at;
    return 0;
}

/* Fills the step from a snapshot. */
static int gather(struct index *ix, struct step *st, bool *lost)
{
    struct store_dirty_state state;
    struct gather g = {.st = st, .tenant = ix->tenant, .last = ix->walk};
    int rc = store_read(ix->s->b->store, &g.t, NULL);
    if (rc != 0) {
        return rc;
    }
    rc = store_dirty_state(g.t, ix->tenant, &state);
    *lost = rc == 0 && state.lost;
    if (rc == 0 && ix->state == INDEX_READY) {
        rc = store_dirty_list(g.t, ix->tenant, 0, on_dirty, &g);
    } else if (rc == 0) {
        struct store_walk at = ix->walk;
        rc = store_message_walk(g.t, ix->tenant, &at, on_walked, &g);
        st->last = !g.full;
        st->walk = g.last;
    }
    store_read_end(g.t);
    return rc;
}

static bool feed_make(struct index *ix)
{
    struct step *st = make(ix, STEP_MAKE);
    if (st == NULL) {
        return false;
    }
    st->cleared = ix->cleared;
    return submit(st);
}

bool feed_step(struct index *ix)
{
    bool lost = false;
    if (ix->state == INDEX_EMPTYING) { /* its clearing failed */
        return clear_rows(ix, UINT64_MAX);
    }
    if (ix->state == INDEX_BUILDING && ix->rebuild) {
        return feed_make(ix);
    }
    struct step *st = make(ix, STEP_APPLY);
    if (st == NULL) {
        return false;
    }
    st->size = SEARCH_BATCH_BYTES;
    st->texts = mem_malloc(st->size);
    int rc = st->texts != NULL ? gather(ix, st, &lost) : E_NOMEM;
    if (rc == 0 && (st->count > 0 || st->last) && !(lost && ix->state == INDEX_READY)) {
        return submit(st);
    }
    step_free(st);
    if (rc != 0) {
        index_failed(ix, rc == E_PROTO ? E_IO : rc, "the store cannot be read");
    } else if (lost) {
        index_failed(ix, E_PROTO, "too much changed meanwhile");
        return feed_open(ix);
    } else {
        ix->dirty = false;
    }
    return false;
}
