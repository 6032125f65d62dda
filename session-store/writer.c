/*
 * The writer thread: the only one that writes.
 *
 * Happy path: it takes all that is queued (at most a group), runs every apply in one transaction,
 * commits, hands the operations to the loop; while it waits for the disk the next group gathers.
 *
 * When something fails, a group becomes several windows, each one transaction, in order:
 *  - an apply failed and wrote nothing: the window goes on without it;
 *  - an apply failed after writing: the window is rolled back and run again without it. After a few
 *    of those the window is cut behind the failing one, so that a group full of failures costs
 *    linear time;
 *  - the map or the disk is full: the window is cut before the operation that did not fit (or in
 *    halves when only the commit told), until one operation alone does not fit: E_FULL. After a few
 *    of these the rest of the group gets E_FULL untried;
 *  - anything else at begin or commit (I/O error): the whole window gets that error.
 * An answer that an apply gave counts only when its window is committed: what it saw inside a
 * transaction that came to nothing never was. So a window that fails takes all its operations.
 */
#include "store_priv.h"

#include "metrics.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/statvfs.h>

#define RERUNS_MAX 2 /* whole re-runs of a window before it is cut */
#define FULL_MAX 4   /* operations tried alone on a full disk, in one group */

static const uint64_t commit_bounds[] = {500,    1000,   2500,   5000,    10000,   25000,  50000,
                                         100000, 250000, 500000, 1000000, 5000000, 10000000, 0};
static struct metric commit_time = {
    .name = "wabridge_store_commit_duration_seconds",
    .help = "From the begin of a group of changes to its being on disk.",
    .kind = METRIC_HISTOGRAM,
    .bounds_us = commit_bounds,
};
static struct metric commit_failures = {
    .name = "wabridge_store_commit_failures_total",
    .help = "Groups of changes that did not get to disk.",
};

enum outcome { WINDOW_DONE, WINDOW_AGAIN, WINDOW_BROKEN };

struct window {
    size_t from, to; /* of s->group */
    size_t at;       /* AGAIN, BROKEN: the operation at fault; to: the commit */
    int mdb;         /* BROKEN: LMDB's number */
};

static void rollback(struct store *s, bool ran)
{
    txn_abort(&s->writer);
    if (ran) {
        uv_mutex_lock(&s->lock);
        void (*fn)(void *) = s->on_rollback;
        void *arg = s->on_rollback_arg;
        uv_mutex_unlock(&s->lock);
        if (fn != NULL) {
            fn(arg);
        }
    }
}

/* LMDB calls a write that the disk took only half of an I/O error; mostly the disk is full. */
static int name_error(struct store *s, int mdb)
{
    struct statvfs fs;
    if (mdb == EIO && fstatvfs(s->dir_fd, &fs) == 0 &&
        (uint64_t)fs.f_bavail * fs.f_frsize < 2 * STORE_GROUP_BYTES) {
        return ENOSPC;
    }
    return mdb;
}

/* Runs one window as one transaction. May end it early (bytes). */
static enum outcome run_window(struct store *s, struct window *w)
{
    struct store_txn *t = &s->writer;
    bool ran = false;
    uint64_t start = uv_hrtime();
    w->at = w->to;
    w->mdb = txn_begin_write(s);
    if (w->mdb != 0) {
        return WINDOW_BROKEN;
    }
    for (size_t i = w->from; i < w->to; i++) {
        struct store_op *op = s->group[i];
        if (s->skip[i]) {
            continue;
        }
        t->dirty = false;
        err_clear(&op->err);
        op->rc = op->apply(t, op);
        ran = true;
        if (t->broken != 0) {
            w->at = i;
            w->mdb = t->broken;
            rollback(s, ran);
            return WINDOW_BROKEN;
        }
        if (op->rc != 0 && t->dirty) {
            w->at = i;
            rollback(s, ran);
            return WINDOW_AGAIN;
        }
        if (t->bytes > STORE_GROUP_BYTES) {
            w->to = i + 1;
        }
    }
    w->at = w->to;
    bool changed = t->changed;
    w->mdb = txn_commit(t);
    if (w->mdb != 0) {
        w->mdb = name_error(s, w->mdb);
        rollback(s, ran);
        return WINDOW_BROKEN;
    }
    if (changed) {
        uv_mutex_lock(&s->lock);
        s->unwritable = false;
        s->stats.commits++;
        s->stats.last_commit_us = (uv_hrtime() - start) / 1000;
        metric_observe_us(&commit_time, NULL, s->stats.last_commit_us);
        uv_mutex_unlock(&s->lock);
    }
    return WINDOW_DONE;
}

/* The operations of a window go to the loop. */
static void hand_over(struct store *s, size_t from, size_t to)
{
    uv_mutex_lock(&s->lock);
    for (size_t i = from; i < to; i++) {
        s->stats.ops += s->group[i]->rc == 0;
        list_append(&s->finished, &s->group[i]->link);
    }
    uv_mutex_unlock(&s->lock);
    uv_async_send(&s->async);
}

static void explain(int rc, int mdb, struct err *e)
{
    if (mdb == MDB_MAP_FULL) {
        err_set(e, rc, "the store is full: remove old data, or restart with a bigger [store] map_gib");
    } else if (rc == E_FULL) {
        err_set(e, rc, "the disk is full: free space (%s)", mdb_strerror(mdb));
    } else if (mdb == MDB_PANIC) {
        err_word(e, rc, "storage_unavailable",
                 "the store stopped after a disk error: check the disk and restart");
    } else if (rc != E_IO) {
        err_set(e, rc, "the store cannot be written: %s", mdb_strerror(mdb));
    } else {
        err_word(e, rc, "storage_unavailable", "the store cannot be written: check the disk (%s)",
                 mdb_strerror(mdb));
    }
}

/* Every operation that the transaction took down with it gets its error. */
static void fail_window(struct store *s, size_t from, size_t to, int mdb)
{
    int rc = txn_rc(NULL, mdb);
    struct err why;
    explain(rc, mdb, &why);
    for (size_t i = from; i < to; i++) {
        struct store_op *op = s->group[i];
        if (op->apply == NULL) {
            continue; /* refused before it came here */
        }
        op->rc = rc;
        err_copy(&op->err, &why);
    }
    metric_add(&commit_failures, NULL, 1);
    uv_mutex_lock(&s->lock);
    s->unwritable = true;
    err_copy(&s->why, &why);
    uv_mutex_unlock(&s->lock);
    hand_over(s, from, to);
}

static void clear_skips(struct store *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        s->skip[i] = s->group[i]->apply == NULL; /* refused by store_submit() */
    }
}

static void run_group(struct store *s, size_t n)
{
    struct window w = {.from = 0, .to = n};
    unsigned reruns = 0, fulls = 0;
    clear_skips(s, 0, n);
    /* skip[] is the present window's; the operations behind it start afresh */
    while (w.from < n) {
        enum outcome outcome = run_window(s, &w);
        if (outcome == WINDOW_DONE) {
            hand_over(s, w.from, w.to);
        } else if (outcome == WINDOW_AGAIN) {
            s->skip[w.at] = true; /* keeps its rc */
            if (++reruns > RERUNS_MAX) {
                w.to = w.at + 1;
            }
            continue;
        } else if (txn_rc(NULL, w.mdb) == E_FULL && w.to - w.from > 1) {
            size_t cut = w.at;
            if (w.at == w.to) {
                cut = w.from + (w.to - w.from) / 2;
            } else if (w.at == w.from) {
                cut = w.from + 1;
            }
            clear_skips(s, w.from, w.to);
            w.to = cut;
            continue;
        } else {
            if (txn_rc(NULL, w.mdb) == E_FULL && ++fulls >= FULL_MAX) {
                w.to = n;
            }
            fail_window(s, w.from, w.to, w.mdb);
        }
        w.from = w.to;
        w.to = n;
        reruns = 0;
        clear_skips(s, w.from, n);
    }
}

static void writer_main(void *arg)
{
    struct store *s = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* signals are the loop's */
    for (;;) {
        size_t n = 0;
        uv_mutex_lock(&s->lock);
        while (list_empty(&s->queue) && !s->stop) {
            uv_cond_wait(&s->wake, &s->lock);
        }
        for (struct list *node; n < STORE_GROUP_MAX && (node = list_pop(&s->queue)) != NULL; n++) {
            s->group[n] = LIST_ENTRY(node, struct store_op, link);
        }
        uv_mutex_unlock(&s->lock);
        if (n == 0) {
            return; /* stopped and nothing left */
        }
        run_group(s, n);
    }
}

/* ---- loop side ----------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *h)
{
    struct store *s = h->data;
    void (*on_closed)(void *) = s->on_closed;
    void *arg = s->on_closed_arg;
    uv_cond_destroy(&s->wake);
    uv_mutex_destroy(&s->lock);
    env_free(s);
    if (on_closed != NULL) {
        on_closed(arg);
    }
}

static void finish_close(struct store *s)
{
    s->closed = true;
    uv_mutex_lock(&s->lock);
    s->stop = true;
    uv_cond_signal(&s->wake);
    uv_mutex_unlock(&s->lock);
    uv_thread_join(&s->thread);
    uv_close((uv_handle_t *)&s->async, on_handle_closed);
}

static void on_async(uv_async_t *h)
{
    struct store *s = h->data;
    struct list *node;
    uv_mutex_lock(&s->lock);
    while ((node = list_pop(&s->finished)) != NULL) {
        list_append(&s->done, node);
    }
    uv_mutex_unlock(&s->lock);
    /* a big group must not keep the loop from everybody else */
    for (size_t n = 0; n < STORE_TURN_MAX && (node = list_pop(&s->done)) != NULL; n++) {
        struct store_op *op = LIST_ENTRY(node, struct store_op, link);
        s->pending--;
        op->done(op, op->rc);
    }
    if (!list_empty(&s->done)) {
        uv_async_send(&s->async);
    }
    if (s->closing && !s->closed && s->pending == 0) {
        finish_close(s);
    }
}

void store_submit(struct store *s, struct store_op *op, store_apply_fn apply, store_done_fn done)
{
    assert(!s->closed);
    op->apply = apply;
    op->done = done;
    op->rc = 0;
    err_clear(&op->err);
    if (s->closing) {
        op->rc = err_set(&op->err, E_CLOSED, "the store is closing");
    } else if (s->pending >= STORE_MAX_PENDING) {
        op->rc = err_set(&op->err, E_LIMIT, "too many operations wait for the disk");
    }
    if (op->rc != 0) {
        op->apply = NULL; /* passes through the writer, to keep the order */
    }
    s->pending++;
    uv_mutex_lock(&s->lock);
    bool idle = list_empty(&s->queue);
    list_append(&s->queue, &op->link);
    if (idle) {
        uv_cond_signal(&s->wake);
    }
    uv_mutex_unlock(&s->lock);
}

void store_on_rollback(struct store *s, void (*fn)(void *arg), void *arg)
{
    uv_mutex_lock(&s->lock);
    s->on_rollback = fn;
    s->on_rollback_arg = arg;
    uv_mutex_unlock(&s->lock);
}

void store_close(struct store *s, void (*on_closed)(void *arg), void *arg)
{
    assert(!s->closing && !s->reading);
    s->closing = true;
    s->on_closed = on_closed;
    s->on_closed_arg = arg;
    uv_async_send(&s->async);
}

int writer_start(struct store *s, struct err *e)
{
    if (uv_mutex_init(&s->lock) != 0) {
        return err_set(e, E_NOMEM, "cannot make a lock");
    }
    if (uv_cond_init(&s->wake) != 0) {
        uv_mutex_destroy(&s->lock);
        return err_set(e, E_NOMEM, "cannot make a condition");
    }
    metrics_register(&commit_time);
    metrics_register(&commit_failures);
    /* the handle last: once it is in the loop only a turn of the loop can close it */
    int rc = uv_thread_create(&s->thread, writer_main, s);
    if (rc == 0) {
        rc = uv_async_init(s->loop, &s->async, on_async);
        if (rc == 0) {
            s->async.data = s;
            return 0;
        }
        uv_mutex_lock(&s->lock);
        s->stop = true;
        uv_cond_signal(&s->wake);
        uv_mutex_unlock(&s->lock);
        uv_thread_join(&s->thread);
    }
    uv_cond_destroy(&s->wake);
    uv_mutex_destroy(&s->lock);
    return err_set(e, E_NOMEM, "cannot start the writer: %s", uv_strerror(rc));
}
