/*
 * The room: made with the bridge, closed when no operation of it is under way.
 */
#include "media_priv.h"

#include "log.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct later {
    struct list link;
    media_got_cb cb;
    void *arg;
    bool failed, has_info;
    struct err err;
    struct media_info info;
};

void media_enter(struct media *m)
{
    m->open++;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct media *m = h->data;
    void (*on_closed)(void *) = m->on_closed;
    void *arg = m->closed_arg;
    free(m->root);
    free(m);
    on_closed(arg);
}

static void on_http_closed(void *arg)
{
    struct media *m = arg;
    uv_close((uv_handle_t *)&m->timer, on_timer_closed);
}

void media_leave(struct media *m)
{
    if (--m->open == 0 && m->closing) {
        http_loop_close(m->http, on_http_closed, m);
    }
}

static void on_later(uv_timer_t *timer)
{
    struct media *m = timer->data;
    struct list *node = NULL;
    media_enter(m);
    while ((node = list_pop(&m->later)) != NULL) {
        struct later *l = LIST_ENTRY(node, struct later, link);
        l->cb(l->arg, l->failed ? &l->err : NULL, l->has_info ? &l->info : NULL);
        free(l);
        media_leave(m);
    }
    media_leave(m);
}

void media_answer_later(struct media *m, media_got_cb cb, void *arg, const struct err *e,
                        const struct media_info *info)
{
    struct later *l = mem_calloc(1, sizeof(*l));
    if (l == NULL) {
        /* Without memory for a later turn: an answer inside the call is better than none. */
        struct err nomem;
        err_set(&nomem, E_NOMEM, "out of memory");
        cb(arg, &nomem, NULL);
        return;
    }
    l->cb = cb;
    l->arg = arg;
    l->failed = e != NULL;
    err_copy(&l->err, e);
    l->has_info = info != NULL;
    if (info != NULL) {
        l->info = *info;
    }
    media_enter(m);
    list_append(&m->later, &l->link);
    (void)uv_timer_start(&m->timer, on_later, 0, 0);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static int make_root(struct media *m, struct err *e)
{
    m->root = mem_printf("%s/media", m->b->cfg.data_dir);
    if (m->root == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (mkdir(m->root, 0700) != 0 && errno != EEXIST) {
        return err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno,
                       "the media folder %.150s could not be made", m->root);
    }
    disk_clean(m->root);
    return 0;
}

int media_create(struct bridge *b, struct media **out, struct err *e)
{
    struct media *m = mem_calloc(1, sizeof(*m));
    if (m == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    m->b = b;
    list_init(&m->later);
    list_init(&m->files);
    list_init(&m->fetches);
    list_init(&m->removals);
    int rc = make_root(m, e);
    rc = rc != 0 ? rc : http_loop_create(b->loop, 4, MEDIA_MAX_FETCHES, &m->http, e);
    if (rc != 0) {
        free(m->root);
        free(m);
        return rc;
    }
    (void)uv_timer_init(b->loop, &m->timer);
    m->timer.data = m;
    *out = m;
    return 0;
}

void media_close(struct media *m, void (*on_closed)(void *arg), void *arg)
{
    m->on_closed = on_closed;
    m->closed_arg = arg;
    media_enter(m);
    m->closing = true;
    retention_stop(m);
    fetch_cancel_all(m);
    media_leave(m);
}

/* ---- the files of a tenant that goes
 * -------------------------------------------------------------
 */

struct erasure {
    struct work work;
    struct media *m;
    char tenant[64];
    struct err err;
    void (*done)(void *arg);
    void *arg;
};

static void job_erase(struct work *w)
{
    struct erasure *x = LIST_ENTRY(w, struct erasure, work);
    (void)disk_erase(x->m->root, x->tenant, &x->err);
}

static void on_erased(struct work *w, int rc)
{
    (void)rc;
    struct erasure *x = LIST_ENTRY(w, struct erasure, work);
    struct media *m = x->m;
    if (x->err.code != 0) {
        log_warn(&(struct log_ctx){.tenant = x->tenant}, "media.erase",
                 "%s; the next start tries again", x->err.msg);
    }
    x->done(x->arg);
    free(x);
    media_leave(m);
}

void media_erase_tenant(struct bridge *b, const char *tenant, void (*done)(void *arg), void *arg)
{
    struct media *m = b->media;
    struct erasure *x = mem_calloc(1, sizeof(*x));
    if (x != NULL) {
        x->m = m;
        x->done = done;
        x->arg = arg;
        (void)snprintf(x->tenant, sizeof(x->tenant), "%s", tenant);
        media_enter(m);
        if (work_submit(b->loop, &x->work, job_erase, on_erased) == 0) {
            return;
        }
        media_leave(m);
    }
    free(x);
    log_warn(&(struct log_ctx){.tenant = tenant}, "media.erase",
             "the tenant's files could not be removed now: too much waits for the disk; the next "
             "start removes them");
    done(arg);
}
