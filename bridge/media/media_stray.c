/*
 * Folders of tenants that are no more: the disk refused when the tenant was deleted, or a crash
 * fell in between.
 *
 * Once after each start: job: the names of folders -> operations: a folder whose tenant has no
 * record is moved out of the way, in the writer, so that no tenant of that name is made meanwhile
 * -> job: what was moved is emptied. Failure modes: the store or the disk refuses: the next start.
 */
#include "media_priv.h"

#include "log.h"
#include "mem.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 64 /* folders an operation looks at */

struct strays {
    struct work work;
    struct store_op op;
    struct media *m;
    char (*name)[64];
    size_t count, room, at;
    void (*done)(void *arg);
    void *arg;
};

static void finish(struct strays *s)
{
    struct media *m = s->m;
    s->done(s->arg);
    free(s->name);
    free(s);
    media_leave(m);
}

static int on_folder(void *arg, const char *name)
{
    struct strays *s = arg;
    if (!text_is_name(name)) {
        return 0; /* none of ours */
    }
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 64 : s->room * 2;
        char(*more)[64] = mem_realloc(s->name, room * sizeof(*more));
        if (more == NULL) {
            return E_NOMEM;
        }
        s->name = more;
        s->room = room;
    }
    (void)snprintf(s->name[s->count++], sizeof(s->name[0]), "%s", name);
    return 0;
}

static void job_list(struct work *w)
{
    struct strays *s = LIST_ENTRY(w, struct strays, work);
    (void)disk_folders(s->m->root, on_folder, s);
}

static void job_empty(struct work *w)
{
    disk_empty_gone(LIST_ENTRY(w, struct strays, work)->m->root);
}

static void on_emptied(struct work *w, int rc)
{
    (void)rc;
    finish(LIST_ENTRY(w, struct strays, work));
}

static int apply_look(struct store_txn *t, struct store_op *op)
{
    struct strays *s = op->data;
    struct store_value v;
    struct err e;
    err_clear(&op->err);
    for (size_t i = s->at; i < s->count && i < s->at + STEP; i++) {
        int rc = store_get(t, STORE_TENANTS, STORE_PATH(s->name[i]), &v);
        if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
        char *gone = NULL;
        if (rc == E_NOTFOUND && disk_set_aside(s->m->root, s->name[i], &gone, &e) != 0) {
            log_warn(&(struct log_ctx){.tenant = s->name[i]}, "media.stray",
                     "%s; the next start tries again", e.msg);
        } else if (gone != NULL) {
            log_info(&(struct log_ctx){.tenant = s->name[i]}, "media.stray",
                     "files of a tenant that is no more are removed");
        }
        free(gone);
    }
    return 0;
}

static void look(struct strays *s);

static void on_looked(struct store_op *op, int rc)
{
    struct strays *s = op->data;
    if (rc != 0) {
        log_warn(NULL, "media.stray",
                 "folders of deleted tenants were not looked for to the end: %s", err_name(rc));
        s->at = s->count;
    } else {
        s->at += STEP;
    }
    look(s);
}

static void look(struct strays *s)
{
    if (s->at < s->count && !s->m->closing) {
        store_submit(s->m->b->store, &s->op, apply_look, on_looked);
    } else if (work_submit(s->m->b->loop, &s->work, job_empty, on_emptied) != 0) {
        finish(s); /* much waits for the disk: the next start */
    }
}

static void on_listed(struct work *w, int rc)
{
    (void)rc;
    look(LIST_ENTRY(w, struct strays, work));
}

bool strays_remove(struct media *m, void (*done)(void *arg), void *arg)
{
    struct strays *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return false;
    }
    s->m = m;
    s->done = done;
    s->arg = arg;
    s->op.data = s;
    if (work_submit(m->b->loop, &s->work, job_list, on_listed) != 0) {
        free(s);
        return false;
    }
    media_enter(m);
    return true;
}
