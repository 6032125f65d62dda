/*
 * The room: which index is worked on next.
 *
 * A turn (search_next) begins at most one thing: a waiting search, if its index is open and fresh
 * enough; else a step of an index that has something to do. When that ends the next turn follows by
 * way of a timer, so that the loop has its other work between two steps.
 */
#include "search_priv.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MS 10000
#define COALESCE_MS 5 /* several commits make one step */

static void on_timer(uv_timer_t *t);

char *index_path(const struct index *ix)
{
    return mem_printf("%s/%s.db", ix->s->dir, ix->tenant);
}

const char *index_state_name(const struct index *ix)
{
    return ix->state == INDEX_READY ? "ready" : ix->retry_ms != 0 ? "failed" : "building";
}

struct index *index_get(struct search *s, const char *tenant)
{
    LIST_FOREACH(&s->indexes, it, next)
    {
        struct index *ix = LIST_ENTRY(it, struct index, link);
        if (strcmp(ix->tenant, tenant) == 0) {
            return ix;
        }
    }
    struct index *ix = mem_calloc(1, sizeof(*ix));
    if (ix != NULL) {
        ix->s = s;
        ix->dirty = true;
        (void)snprintf(ix->tenant, sizeof(ix->tenant), "%s", tenant);
        list_append(&s->indexes, &ix->link);
    }
    return ix;
}

void index_failed(struct index *ix, int rc, const char *why)
{
    const struct log_ctx ctx = {.tenant = ix->tenant};
    if (rc == E_PROTO) {
        log_info(&ctx, "search.rebuild", "the index is made anew: %s", why);
        ix->rebuild = true;
        ix->state = INDEX_CLOSED;
    } else {
        log_warn(&ctx, "search.failed", "%s; again in %d s", why, RETRY_MS / 1000);
        ix->retry_ms = clock_mono_ms() + RETRY_MS;
    }
}

/* ---- whose turn --------------------------------------------------------------------------------
 */

void search_soon(struct search *s, uint64_t delay_ms)
{
    if (s->started && !s->closing && !s->busy &&
        (!uv_is_active((uv_handle_t *)&s->timer) || uv_timer_get_due_in(&s->timer) > delay_ms)) {
        (void)uv_timer_start(&s->timer, on_timer, delay_ms, 0);
    }
}

static bool may_work(const struct index *ix, uint64_t now)
{
    return ix->retry_ms == 0 || ix->retry_ms <= now;
}

/* Kinds of work, each preferred in turn, so that none waits for ever behind another: what is open
 * follows the store, what is being made goes on, the rest is opened. One index at a time is made
 * unless somebody searches: a half-made one that had to be closed would begin again. */
enum work_kind { WORK_FOLLOW, WORK_BUILD, WORK_OPEN, WORK_KINDS, WORK_NONE = WORK_KINDS };

static enum work_kind kind_of(const struct index *ix, bool building)
{
    if (ix->gone || (ix->state == INDEX_READY && ix->dirty)) {
        return WORK_FOLLOW;
    }
    if (ix->state == INDEX_EMPTYING || ix->state == INDEX_BUILDING) {
        return WORK_BUILD;
    }
    if (ix->state == INDEX_READY || (ix->rebuild && building)) {
        return WORK_NONE;
    }
    return ix->dirty || ix->rebuild ? WORK_OPEN : WORK_NONE;
}

static bool being_made(const struct index *ix)
{
    return ix->state == INDEX_EMPTYING || ix->state == INDEX_BUILDING;
}

/* The index to be worked on; *next_ms: when there will be one, 0: nobody knows. */
static struct index *choose(struct search *s, uint64_t now, uint64_t *next_ms)
{
    struct index *of[WORK_KINDS] = {NULL};
    bool building = false;
    *next_ms = 0;
    LIST_FOREACH(&s->indexes, it, next)
    {
        building = building || being_made(LIST_ENTRY(it, struct index, link));
    }
    LIST_FOREACH(&s->indexes, it, next)
    {
        struct index *ix = LIST_ENTRY(it, struct index, link);
        enum work_kind kind = kind_of(ix, building);
        if (kind != WORK_NONE && !may_work(ix, now)) {
            *next_ms = *next_ms == 0 || ix->retry_ms < *next_ms ? ix->retry_ms : *next_ms;
        } else if (kind != WORK_NONE && of[kind] == NULL) {
            of[kind] = ix;
        }
    }
    s->turns++;
    for (unsigned i = 0; i < WORK_KINDS; i++) {
        struct index *ix = of[(s->turns + i) % WORK_KINDS];
        if (ix != NULL) {
            return ix;
        }
    }
    return NULL;
}

/* Too many files are open: the one that was used longest ago is closed. */
static bool close_one(struct search *s, const struct index *but)
{
    unsigned open = 0;
    struct index *oldest = NULL;
    LIST_FOREACH(&s->indexes, it, next)
    {
        struct index *ix = LIST_ENTRY(it, struct index, link);
        if (ix->db != NULL) {
            open++;
            oldest = oldest == NULL && ix != but && !being_made(ix) ? ix : oldest;
        }
    }
    return open >= SEARCH_OPEN_MAX && oldest != NULL && feed_close(oldest, false);
}

/* One step of that index. */
static bool work_on(struct index *ix)
{
    struct search *s = ix->s;
    list_remove(&ix->link); /* now it is the one used last */
    list_append(&s->indexes, &ix->link);
    ix->retry_ms = 0;
    if (ix->state == INDEX_CLOSED && tenant_exists(s->b, ix->tenant, NULL) == E_NOTFOUND) {
        ix->gone = true;
    }
    if (ix->gone) {
        return feed_close(ix, true);
    }
    if (ix->db == NULL && close_one(s, ix)) {
        return true;
    }
    return ix->state == INDEX_CLOSED ? feed_open(ix) : feed_step(ix);
}

/* The first waiting search, or what it waits for. */
static bool serve_calls(struct search *s, uint64_t now)
{
    unsigned waited = 0;
    struct index *ix = NULL;
    while ((ix = calls_wanted(s, &waited)) != NULL) {
        bool fresh = ix->state != INDEX_CLOSED &&
                     (!ix->dirty || waited >= SEARCH_FRESH_STEPS || ix->state != INDEX_READY);
        if (!fresh && may_work(ix, now)) {
            calls_waited(s);
            if (work_on(ix)) {
                return true;
            }
        }
        if (calls_run(s)) {
            return true;
        }
    }
    return false;
}

static void on_timer(uv_timer_t *timer)
{
    struct search *s = timer->data;
    uint64_t now = clock_mono_ms(), next_ms = 0;
    struct index *ix = NULL;
    if (s->busy || s->closing || serve_calls(s, now)) {
        return;
    }
    while ((ix = choose(s, now, &next_ms)) != NULL) {
        if (work_on(ix)) {
            return;
        }
    }
    if (next_ms != 0) {
        search_soon(s, next_ms - now);
    }
}

static void maybe_closed(struct search *s);

void search_next(struct search *s)
{
    s->busy = false;
    if (s->closing) {
        maybe_closed(s);
    } else {
        search_soon(s, 0);
    }
}

void search_wake(struct search *s, const char *tenant)
{
    if (s == NULL || s->closing) {
        return;
    }
    struct index *ix = index_get(s, tenant);
    if (ix != NULL) {
        ix->dirty = true;
        search_soon(s, COALESCE_MS);
    }
}

void search_forget_tenant(struct search *s, const char *tenant)
{
    struct index *ix = s != NULL && !s->closing ? index_get(s, tenant) : NULL;
    if (ix != NULL) {
        ix->gone = true;
        search_soon(s, 0);
    }
}

/* ---- life --------------------------------------------------------------------------------------
 */

/* Blocks: start-up only. Files of tenants that are no more go. */
static void sweep(struct search *s, struct store_txn *t)
{
    DIR *dir = opendir(s->dir);
    struct dirent *d = NULL;
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        char tenant[64];
        struct store_value v;
        size_t len = strlen(d->d_name);
        if (len < 4 || len > 66 || strcmp(d->d_name + len - 3, ".db") != 0) {
            continue;
        }
        (void)snprintf(tenant, sizeof(tenant), "%.*s", (int)(len - 3), d->d_name);
        if (text_is_name(tenant) && store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) != 0) {
            char *path = mem_printf("%s/%s", s->dir, d->d_name);
            if (path != NULL) {
                search_db_remove(path);
            }
            free(path);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

int search_create(struct bridge *b, struct search **out, struct err *e)
{
    struct store_txn *t = NULL;
    struct search *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    s->b = b;
    list_init(&s->indexes);
    list_init(&s->calls);
    s->dir = mem_printf("%s/search", b->cfg.data_dir);
    int rc = s->dir != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    if (rc == 0 && mkdir(s->dir, 0700) != 0 && errno != EEXIST) {
        rc = err_sys(e, E_IO, errno, "cannot make %s", s->dir);
    }
    rc = rc != 0 ? rc : store_read(b->store, &t, e);
    if (rc != 0) {
        free(s->dir);
        free(s);
        return rc;
    }
    sweep(s, t);
    store_read_end(t);
    (void)uv_timer_init(b->loop, &s->timer);
    s->timer.data = s;
    *out = s;
    return 0;
}

static int on_dirty(void *arg, uint64_t seq, const char *session, const char *chat, const char *id)
{
    (void)seq;
    (void)session;
    (void)chat;
    (void)id;
    *(bool *)arg = true;
    return 1;
}

struct starting {
    struct search *s;
    struct store_txn *t;
};

/* Those with something to do; the others are opened when they are needed. */
static int on_tenant(void *arg, const char *const *path, struct store_value v)
{
    struct starting *st = arg;
    struct store_dirty_state state;
    bool dirty = false;
    (void)v;
    int rc = store_dirty_state(st->t, path[0], &state);
    rc = rc != 0 ? rc : store_dirty_list(st->t, path[0], 0, on_dirty, &dirty);
    char *file = mem_printf("%s/%s.db", st->s->dir, path[0]);
    bool there = file != NULL && access(file, F_OK) == 0;
    free(file);
    if (rc == 0 && (dirty || state.lost || !there) && index_get(st->s, path[0]) == NULL) {
        rc = E_NOMEM;
    }
    return rc;
}

void search_start(struct search *s)
{
    struct starting st = {.s = s};
    s->started = true;
    int rc = store_read(s->b->store, &st.t, NULL);
    if (rc == 0) {
        rc = store_scan(st.t, STORE_TENANTS, NULL, NULL, on_tenant, &st);
        store_read_end(st.t);
    }
    if (rc != 0) {
        log_warn(NULL, "search.start",
                 "the tenants could not be read (%s): their indexes follow "
                 "with their next message",
                 err_name(rc));
    }
    search_soon(s, 0);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct search *s = h->data;
    void (*on_closed)(void *) = s->on_closed;
    void *arg = s->arg;
    struct list *it = NULL;
    while ((it = list_pop(&s->indexes)) != NULL) {
        free(LIST_ENTRY(it, struct index, link));
    }
    free(s->dir);
    free(s);
    on_closed(arg);
}

/* Files are closed one after the other, on the pool: that may write. */
static void maybe_closed(struct search *s)
{
    if (s->busy || s->handle_closed) {
        return;
    }
    LIST_FOREACH(&s->indexes, it, next)
    {
        struct index *ix = LIST_ENTRY(it, struct index, link);
        if (ix->db != NULL && feed_close(ix, false)) {
            return;
        }
    }
    s->handle_closed = true;
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}

void search_close(struct search *s, void (*on_closed)(void *arg), void *arg)
{
    s->closing = true;
    s->on_closed = on_closed;
    s->arg = arg;
    (void)uv_timer_stop(&s->timer);
    calls_cancel(s);
    maybe_closed(s);
}
