/*
 * Taking files away. First the record goes, in an operation that decides once more, then the file.
 * While a removal has a content in hand nobody places the same content, and what is being placed
 * is not taken into a removal: so no record is ever without its file.
 */
#include "media_priv.h"

#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool removal_holds(const struct media *m, const char *tenant, const char *sha256)
{
    LIST_FOREACH(&m->removals, it, next)
    {
        const struct media_removal *r = LIST_ENTRY(it, struct media_removal, link);
        for (unsigned i = 0; strcmp(r->tenant, tenant) == 0 && i < r->count; i++) {
            if (strcmp(r->item[i].sha256, sha256) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool comes_in(const struct media *m, const char *tenant, const char *sha256)
{
    LIST_FOREACH(&m->files, it, next)
    {
        const struct media_file *f = LIST_ENTRY(it, struct media_file, link);
        if (f->sealed && !f->waits && strcmp(f->tenant, tenant) == 0 &&
            strcmp(f->info.sha256, sha256) == 0) {
            return true;
        }
    }
    return false;
}

struct media_removal *removal_new(struct media *m, const char *tenant)
{
    struct media_removal *r = mem_calloc(1, sizeof(*r));
    if (r != NULL) {
        r->m = m;
        (void)snprintf(r->tenant, sizeof(r->tenant), "%s", tenant);
        list_append(&m->removals, &r->link);
        media_enter(m);
    }
    return r;
}

bool removal_add(struct media_removal *r, const char *sha256)
{
    if (r->count >= REMOVAL_MAX || removal_holds(r->m, r->tenant, sha256) ||
        comes_in(r->m, r->tenant, sha256)) {
        return false;
    }
    (void)snprintf(r->item[r->count++].sha256, sizeof(r->item[0].sha256), "%s", sha256);
    return true;
}

static void finish(struct media_removal *r)
{
    struct media *m = r->m;
    list_remove(&r->link);
    if (r->done != NULL) {
        r->done(r, r->err.code != 0 ? &r->err : NULL);
    }
    free(r);
    media_file_wake(m);
    media_leave(m);
}

void removal_drop(struct media_removal *r)
{
    r->done = NULL;
    finish(r);
}

static void job_remove(struct work *w)
{
    struct media_removal *r = LIST_ENTRY(w, struct media_removal, work);
    struct err e;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->item[i].go && disk_remove(r->m->root, r->tenant, r->item[i].sha256, &e) != 0) {
            log_warn(&(struct log_ctx){.tenant = r->tenant}, "media.remove",
                     "%s; the next start removes it", e.msg);
        }
    }
}

static void on_removed(struct work *w, int rc)
{
    (void)rc;
    finish(LIST_ENTRY(w, struct media_removal, work));
}

static int forget_record(struct store_txn *t, const char *tenant, const char *sha256)
{
    struct media_record record;
    int rc = media_record_get(t, tenant, sha256, &record);
    if (rc == E_NOTFOUND) {
        return 0;
    }
    /* one that cannot be read counted nothing */
    rc = rc == 0 ? media_total_change(t, tenant, 0, record.info.size_bytes) : 0;
    return rc != 0 ? rc : store_del(t, STORE_MEDIA, STORE_PATH(tenant, sha256));
}

static int apply_removal(struct store_txn *t, struct store_op *op)
{
    struct media_removal *r = op->data;
    err_clear(&op->err);
    r->bytes = 0;
    for (unsigned i = 0; i < r->count; i++) {
        r->item[i].go = false;
    }
    int rc = r->decide(t, r, &op->err);
    for (unsigned i = 0; i < r->count && rc == 0; i++) {
        if (r->item[i].go) {
            rc = forget_record(t, r->tenant, r->item[i].sha256);
        }
    }
    return rc;
}

static void on_decided(struct store_op *op, int rc)
{
    struct media_removal *r = op->data;
    if (rc != 0) {
        err_copy(&r->err, &op->err);
        store_err(&r->err, rc, "the file was not removed");
        finish(r);
    } else if (work_submit(r->m->b->loop, &r->work, job_remove, on_removed) != 0) {
        finish(r); /* files without a record: the next start removes them */
    }
}

void removal_start(struct media_removal *r)
{
    r->op.data = r;
    store_submit(r->m->b->store, &r->op, apply_removal, on_decided);
}

/* Files without a record go, the others stay. */
static int decide_orphans(struct store_txn *t, struct media_removal *r, struct err *e)
{
    struct store_value v;
    (void)e;
    for (unsigned i = 0; i < r->count; i++) {
        int rc = store_get(t, STORE_MEDIA, STORE_PATH(r->tenant, r->item[i].sha256), &v);
        if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
        r->item[i].go = rc == E_NOTFOUND;
    }
    return 0;
}

struct media_removal *removal_orphans(struct media *m, const char *tenant)
{
    struct media_removal *r = removal_new(m, tenant);
    if (r != NULL) {
        r->decide = decide_orphans;
    }
    return r;
}

void removal_orphan(struct media *m, const char *tenant, const char *sha256)
{
    struct media_removal *r = removal_orphans(m, tenant);
    if (r != NULL && removal_add(r, sha256)) {
        removal_start(r);
    } else if (r != NULL) {
        removal_drop(r); /* another brings the same content, and sees to it */
    }
}
