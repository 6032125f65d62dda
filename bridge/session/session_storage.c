/*
 * Profiles on disk. Measured on libuv's pool, one at a time, each every storage_ms, where profiles
 * that were set aside are also thinned out. Caches that have outgrown their bound are cleared when
 * a run has ended, before the next may begin: no browser holds them then.
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "mem.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_job {
    struct work work;
    struct session *s;
    char dir[4096], id[64];
    bool clear; /* the caches, before measuring */
    unsigned keep;
    uint64_t keep_ms, now_ms;
    struct storage found;
    struct err err;
};

static void run(struct work *w)
{
    struct store_job *j = LIST_ENTRY(w, struct store_job, work);
    int rc = j->clear ? storage_clear_caches(j->dir, j->id, &j->err) : 0;
    rc = rc != 0 ? rc : storage_prune(j->dir, j->id, j->keep, j->keep_ms, j->now_ms, &j->err);
    (void)(rc != 0 ? rc : storage_measure(j->dir, j->id, &j->found, &j->err));
}

static void on_done(struct work *w, int rc)
{
    struct store_job *j = LIST_ENTRY(w, struct store_job, work);
    struct session *s = j->s;
    if (rc == 0 && j->err.code == 0) {
        s->storage = j->found;
    } else if (j->err.code != 0) {
        log_warn(&s->log, "session.storage", "%s", j->err.msg);
    }
    s->stored_ms = clock_mono_ms();
    s->saves--;
    if (!j->clear) {
        s->all->storing = false;
    }
    if (j->clear) {
        log_info(&s->log, "session.storage", "the browser's caches were cleared; %llu MiB are left",
                 (unsigned long long)(s->storage.cache_bytes >> 20));
        s->tidying = false;
        session_end(s);
    } else {
        session_step_down(s);
    }
    free(j);
}

static bool submit(struct session *s, bool clear)
{
    const struct bridge_config *c = &s->b->cfg;
    struct store_job *j = mem_calloc(1, sizeof(*j));
    if (!j) {
        return false;
    }
    *j = (struct store_job){.s = s,
                            .clear = clear,
                            .keep = c->memory.quarantine_keep,
                            .keep_ms = c->memory.quarantine_keep_ms,
                            .now_ms = clock_wall_ms()};
    memcpy(j->id, s->id, sizeof(j->id));
    int n = snprintf(j->dir, sizeof(j->dir), "%s/profiles/%s", c->data_dir, s->tenant);
    if (n < 0 || (size_t)n >= sizeof(j->dir) || work_submit(s->b->loop, &j->work, run, on_done) != 0) {
        free(j);
        return false;
    }
    s->saves++; /* nothing is freed before the files are left alone */
    return true;
}

void sessions_store_next(struct sessions *all)
{
    uint64_t now = clock_mono_ms(), every = all->b->cfg.memory.storage_ms;
    if (all->storing || all->closing) {
        return;
    }
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if ((s->stored_ms == 0 || now - s->stored_ms >= every) && !s->deleting && !s->freeing) {
            all->storing = submit(s, false);
            return;
        }
    }
}

bool session_tidy(struct session *s)
{
    uint64_t max = s->b->cfg.memory.max_cache_bytes;
    return max > 0 && s->storage.cache_bytes > max && !s->freeing && !s->deleting && submit(s, true);
}

const struct storage *session_storage(const struct session *s)
{
    return s->stored_ms ? &s->storage : NULL;
}

json_t *session_storage_object(const struct session *s)
{
    if (!s->stored_ms) {
        return json_null();
    }
    return json_pack("{s:I,s:I,s:I,s:i}", "profile_bytes", (json_int_t)s->storage.profile_bytes,
                     "cache_bytes", (json_int_t)s->storage.cache_bytes, "quarantine_bytes",
                     (json_int_t)s->storage.quarantine_bytes, "quarantined",
                     (int)s->storage.quarantined);
}
