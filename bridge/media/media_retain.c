/*
 * What is old or too much goes.
 *
 * A round takes one tenant after the other; of each it reads the records (COUNT) and is done with
 * it when nothing is older than keep_days and all of it is within max_total_bytes. Else it gathers
 * what must stay: files that messages in the outbox mention (OUTBOX) and those that events with a
 * pending or dead delivery mention (DELIVERIES); counts again without those; and removes (SELECT),
 * the longest unused first as far as a histogram of ages tells (a sixteenth of the age precise).
 * In the first round what deleted tenants left goes before that, and each tenant's folders are
 * looked through for files without a record, left by a crash (ORPHANS).
 *
 * Each step is one bounded read on the loop and then lets others have their turn; only removals go
 * to the writer. What came into use after the gathering is seen by the removal itself: it looks at
 * the record's last use and at the events written since, in the transaction that deletes the
 * record.
 */
#include "media_retain.h"

#include "clock.h"
#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEW_EVENTS 10000 /* since the gathering; more: not this time */
#define PERIOD_MS 3600000
#define ORPHAN_AGE_MS 3600000

static void step(struct retention *x);

/* ---- removing ----------------------------------------------------------------------------------
 */

struct recent {
    struct need *need;
    unsigned looked;
};

static int on_new_event(void *arg, uint64_t seq, struct store_value v)
{
    (void)seq;
    struct recent *n = arg;
    int rc = need_add_text(n->need, v.data, v.len);
    return rc != 0 ? rc : ++n->looked >= NEW_EVENTS ? 1 : 0;
}

static int decide(struct store_txn *t, struct media_removal *r, struct err *e)
{
    (void)e;
    struct retention *x = r->data;
    struct recent n = {.need = &x->need};
    struct media_record record;
    int rc = store_event_list(t, x->tenant, x->events_seen, on_new_event, &n);
    if (rc < 0 || n.looked >= NEW_EVENTS) {
        return rc < 0 ? rc : 0; /* too much going on: nothing goes this time */
    }
    for (unsigned i = 0; i < r->count; i++) {
        rc = media_record_get(t, x->tenant, r->item[i].sha256, &record);
        if (rc == 0 && !need_has(&x->need, r->item[i].sha256) && record.used_ms < x->now_ms &&
            !retention_fresh(x, record.used_ms)) {
            r->item[i].go = true;
            r->bytes += record.info.size_bytes;
        } else if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
    }
    return 0;
}

static void on_removed(struct media_removal *r, const struct err *e)
{
    struct retention *x = r->data;
    if (e != NULL) {
        log_warn(&(struct log_ctx){.tenant = x->tenant}, "media.retention", "%s", e->msg);
        x->over = true;
    } else {
        x->freed += r->bytes;
    }
    step(x);
}

static bool remove_picked(struct retention *x)
{
    struct media_removal *r = x->picked > 0 ? removal_new(x->m, x->tenant) : NULL;
    if (r == NULL) {
        return false;
    }
    r->decide = decide;
    r->done = on_removed;
    r->data = x;
    for (unsigned i = 0; i < x->picked; i++) {
        (void)removal_add(r, x->pick[i]);
    }
    x->picked = 0;
    removal_start(r);
    return true;
}

/* ---- files without a record --------------------------------------------------------------------
 */

static int on_found(void *arg, const char *sha256)
{
    struct retention *x = arg;
    if (x->found_count == x->found_room) {
        size_t room = x->found_room == 0 ? 64 : x->found_room * 2;
        char(*more)[MEDIA_ID_LEN + 1] = mem_realloc(x->found, room * sizeof(*more));
        if (more == NULL) {
            return E_NOMEM;
        }
        x->found = more;
        x->found_room = room;
    }
    memcpy(x->found[x->found_count++], sha256, MEDIA_ID_LEN + 1);
    return 0;
}

static void job_list(struct work *w)
{
    struct retention *x = LIST_ENTRY(w, struct retention, work);
    (void)disk_list(x->m->root, x->tenant, x->folder, ORPHAN_AGE_MS, on_found, x);
}

static void on_swept(struct media_removal *r, const struct err *e)
{
    struct retention *x = r->data;
    for (unsigned i = 0; e == NULL && i < r->count; i++) {
        if (r->item[i].go) {
            log_info(&(struct log_ctx){.tenant = x->tenant}, "media.orphan",
                     "a file that nothing speaks of was removed: %s", r->item[i].sha256);
        }
    }
    step(x);
}

static bool sweep_found(struct retention *x)
{
    struct media_removal *r =
        x->found_at < x->found_count ? removal_orphans(x->m, x->tenant) : NULL;
    if (r == NULL) {
        return false;
    }
    r->done = on_swept;
    r->data = x;
    while (x->found_at < x->found_count && r->count < REMOVAL_MAX) {
        (void)removal_add(r, x->found[x->found_at++]);
    }
    removal_start(r);
    return true;
}

static void on_listed(struct work *w, int rc)
{
    (void)rc;
    struct retention *x = LIST_ENTRY(w, struct retention, work);
    x->folder++;
    step(x);
}

static bool list_folder(struct retention *x)
{
    x->found_count = x->found_at = 0;
    return x->folder < 256 && work_submit(x->m->b->loop, &x->work, job_list, on_listed) == 0;
}

/* ---- what deleted tenants left -------------------------------------------------------------------
 */

static void on_strays_gone(void *arg)
{
    step(arg);
}

/* ---- one step after the other ------------------------------------------------------------------
 */

static void enter(struct retention *x, enum phase p)
{
    x->phase = p;
    x->after[0] = x->inner[0] = '\0';
    x->after_number = 0;
    if (p == COUNT) {
        x->total = x->freed = 0;
        need_finish(&x->need);
    }
    if (p == COUNT || p == RECOUNT) {
        x->aged = 0;
        memset(x->histogram, 0, sizeof(x->histogram));
    }
}

static bool too_much(const struct retention *x)
{
    uint64_t max = x->m->b->cfg.media.max_total_bytes;
    return max > 0 && x->total - x->aged > max;
}

/* From the oldest ages down, as much as is too much. */
static void choose_cut(struct retention *x)
{
    uint64_t sum = 0;
    x->excess = too_much(x) ? x->total - x->aged - x->m->b->cfg.media.max_total_bytes : 0;
    x->cut_bucket = RETENTION_BUCKETS;
    while (x->excess > sum && x->cut_bucket > 0) {
        sum += x->histogram[--x->cut_bucket];
    }
}

static void after_phase(struct retention *x)
{
    switch (x->phase) {
    case TENANT:
        enter(x, COUNT);
        break;
    case COUNT:
        x->folder = 0;
        x->found_count = x->found_at = 0;
        enter(x, x->aged > 0 || too_much(x) ? OUTBOX : ORPHANS);
        break;
    case OUTBOX:
        enter(x, DELIVERIES);
        break;
    case DELIVERIES:
        enter(x, RECOUNT);
        break;
    case RECOUNT:
        choose_cut(x);
        enter(x, SELECT);
        break;
    case SELECT:
        if (x->freed > 0) {
            log_info(&(struct log_ctx){.tenant = x->tenant}, "media.retention",
                     "%llu bytes of files that were old or too much were removed",
                     (unsigned long long)x->freed);
        }
        enter(x, ORPHANS);
        break;
    case ORPHANS:
        enter(x, TENANT);
        break;
    }
}

static void job_nothing(struct work *w)
{
    (void)w;
}

/* The next turn of the loop. */
static void on_turn(struct work *w, int canceled)
{
    (void)canceled;
    struct retention *x = LIST_ENTRY(w, struct retention, work);
    struct store_txn *t = NULL;
    struct err e;
    err_clear(&e);
    x->looked = x->picked = 0;
    x->ended_step = false;
    int rc = store_read(x->m->b->store, &t, &e);
    if (rc == 0) {
        rc = retention_read(t, x);
        store_read_end(t);
    }
    if (rc != 0) {
        log_warn(NULL, "media.retention", "old files were not looked for to the end: %s",
                 e.code != 0 ? e.msg : err_name(rc));
        x->over = true;
    }
    if (x->ended_step && !x->over && x->phase != SELECT) {
        x->ended_step = false;
        after_phase(x);
    } else if (!x->over && x->phase == SELECT && remove_picked(x)) {
        return; /* on_removed() goes on */
    }
    step(x);
}

static void finish(struct retention *x)
{
    struct media *m = x->m;
    m->retention = NULL;
    m->retained_ms = clock_mono_ms();
    m->stored_bytes = 0;
    need_finish(&x->need);
    free(x->found);
    if (x->done != NULL) {
        x->done(x->arg);
    }
    free(x);
    media_leave(m);
}

static void step(struct retention *x)
{
    if (x->phase == SELECT && x->ended_step && !x->over) {
        x->ended_step = false;
        after_phase(x);
    }
    while (x->phase == ORPHANS && !x->over && !x->stopping) {
        if (!x->orphans) {
            after_phase(x);
        } else if (sweep_found(x) || list_folder(x)) {
            return;
        } else {
            after_phase(x);
        }
    }
    if (x->over || x->stopping) {
        finish(x);
        return;
    }
    if (work_submit(x->m->b->loop, &x->work, job_nothing, on_turn) != 0) {
        finish(x); /* much waits for the disk: the next minute */
    }
}

void retention_start(struct media *m, void (*done)(void *arg), void *arg)
{
    struct retention *x = m->retention == NULL ? mem_calloc(1, sizeof(*x)) : NULL;
    if (x == NULL) {
        return; /* a long round, or no memory: the next minute */
    }
    x->m = m;
    x->phase = TENANT;
    x->now_ms = clock_sure_ms();
    x->orphans = m->retained_ms == 0;
    x->done = done;
    x->arg = arg;
    m->retention = x;
    media_enter(m);
    if (!x->orphans || !strays_remove(m, on_strays_gone, x)) {
        step(x);
    }
}

void retention_stop(struct media *m)
{
    if (m->retention != NULL) {
        m->retention->stopping = true;
    }
}

void media_housekeeping(struct media *m)
{
    uint64_t much = m->b->cfg.media.max_total_bytes / 16;
    if (m->retained_ms == 0 || clock_mono_ms() - m->retained_ms >= PERIOD_MS ||
        (much > 0 && m->stored_bytes > much)) {
        retention_start(m, NULL, NULL);
    }
}
