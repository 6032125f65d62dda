/* The reading steps of a round of retention: records and their ages, and what must stay. */
#include "media_retain.h"

#include <stdio.h>
#include <string.h>

/* ---- ages --------------------------------------------------------------------------------------
 */

/* Grows with age; the highest bit and the four below it. */
static unsigned bucket_of(const struct retention *x, uint64_t used_ms)
{
    uint64_t age = x->now_ms > used_ms ? x->now_ms - used_ms : 0;
    unsigned high = 0;
    while (high < 47 && age >> (high + 1) != 0) {
        high++;
    }
    unsigned part = high >= 4 ? (unsigned)(age >> (high - 4)) & 15 : 0;
    return high * 16 + part;
}

static bool is_aged(const struct retention *x, uint64_t used_ms)
{
    uint64_t keep = x->m->b->cfg.media.keep_ms;
    return keep > 0 && x->now_ms > keep && used_ms < x->now_ms - keep;
}

bool retention_fresh(const struct retention *x, uint64_t used_ms)
{
    return used_ms + MEDIA_FRESH_MS > x->now_ms && !is_aged(x, used_ms);
}

/* ---- reading the records -----------------------------------------------------------------------
 */

static int on_tenant(void *arg, const char *const *path, struct store_value v)
{
    (void)v;
    struct retention *x = arg;
    (void)snprintf(x->tenant, sizeof(x->tenant), "%s", path[0]);
    return 1;
}

static int read_tenant(struct store_txn *t, struct retention *x)
{
    char after[64];
    memcpy(after, x->tenant, sizeof(after));
    x->tenant[0] = '\0';
    int rc = store_scan(t, STORE_TENANTS, NULL, after[0] != '\0' ? after : NULL, on_tenant, x);
    x->over = x->tenant[0] == '\0';
    x->ended_step = true;
    return rc < 0 ? rc : 0;
}

static int on_count(void *arg, const char *const *path, struct store_value v)
{
    struct retention *x = arg;
    struct media_record r;
    (void)snprintf(x->after, sizeof(x->after), "%s", path[1]);
    if (media_record_parse(path[1], v, &r) == 0) {
        x->total += x->phase == COUNT ? r.info.size_bytes : 0;
        bool stays = x->phase == RECOUNT && need_has(&x->need, path[1]);
        if (!stays && is_aged(x, r.used_ms)) {
            x->aged += r.info.size_bytes;
        } else if (!stays && !retention_fresh(x, r.used_ms)) {
            x->histogram[bucket_of(x, r.used_ms)] += r.info.size_bytes;
        }
    }
    return ++x->looked >= RETENTION_STEP ? 1 : 0;
}

static int on_select(void *arg, const char *const *path, struct store_value v)
{
    struct retention *x = arg;
    struct media_record r;
    (void)snprintf(x->after, sizeof(x->after), "%s", path[1]);
    if (media_record_parse(path[1], v, &r) == 0 && !need_has(&x->need, path[1]) &&
        !retention_fresh(x, r.used_ms)) {
        unsigned bucket = bucket_of(x, r.used_ms);
        bool much = x->excess > 0 && bucket >= x->cut_bucket && !is_aged(x, r.used_ms);
        if (much) {
            x->excess -= r.info.size_bytes < x->excess ? r.info.size_bytes : x->excess;
        }
        if (much || is_aged(x, r.used_ms)) {
            x->pick_bytes[x->picked] = r.info.size_bytes;
            memcpy(x->pick[x->picked++], r.info.sha256, sizeof(x->pick[0]));
        }
    }
    return ++x->looked >= RETENTION_STEP || x->picked == REMOVAL_MAX ? 1 : 0;
}

static int read_records(struct store_txn *t, struct retention *x)
{
    return store_scan(t, STORE_MEDIA, STORE_PATH(x->tenant), x->after[0] != '\0' ? x->after : NULL,
                      x->phase == SELECT ? on_select : on_count, x);
}

/* ---- what must stay ----------------------------------------------------------------------------
 */

struct gather {
    struct store_txn *t;
    struct retention *x;
};

static int on_queued(void *arg, uint64_t order, const char *message_id, uint64_t expires_ms,
                     struct store_value entry)
{
    (void)expires_ms;
    struct gather *g = arg;
    struct retention *x = g->x;
    struct store_value v;
    x->after_number = order;
    int rc = need_add_text(&x->need, entry.data, entry.len);
    if (rc == 0 && store_message_get(g->t, x->tenant, x->inner, NULL, message_id, &v, NULL) == 0) {
        rc = need_add_text(&x->need, v.data, v.len);
    }
    return rc != 0 ? rc : ++x->looked >= RETENTION_STEP ? 1 : 0;
}

static int on_delivery(void *arg, const struct store_delivery *d)
{
    struct gather *g = arg;
    struct retention *x = g->x;
    struct store_value v;
    x->after_number = d->seq;
    int rc = store_event_get(g->t, x->tenant, d->seq, &v) == 0
                 ? need_add_text(&x->need, v.data, v.len)
                 : 0;
    return rc != 0 ? rc : ++x->looked >= RETENTION_STEP ? 1 : 0;
}

static int on_inner(void *arg, const char *const *path, struct store_value v)
{
    (void)v;
    struct retention *x = arg;
    (void)snprintf(x->inner, sizeof(x->inner), "%s", path[1]);
    return 1;
}

/* The next session or webhook into inner; "" at the end. */
static int next_inner(struct store_txn *t, struct retention *x)
{
    x->inner[0] = '\0';
    x->after_number = 0;
    x->pass = 0;
    int rc = store_scan(t, x->phase == OUTBOX ? STORE_SESSIONS : STORE_WEBHOOKS,
                        STORE_PATH(x->tenant), x->after[0] != '\0' ? x->after : NULL, on_inner, x);
    (void)snprintf(x->after, sizeof(x->after), "%s", x->inner);
    return rc < 0 ? rc : 0;
}

static int read_gather(struct store_txn *t, struct retention *x)
{
    struct gather g = {.t = t, .x = x};
    if (x->inner[0] == '\0') {
        int rc = next_inner(t, x);
        x->ended_step = rc == 0 && x->inner[0] == '\0';
        x->looked = RETENTION_STEP; /* its rows in the next step */
        return rc;
    }
    int rc =
        x->phase == OUTBOX
            ? store_outbox_list(t, x->tenant, x->inner, x->after_number, on_queued, &g)
            : store_delivery_list(t, x->tenant, x->inner, x->pass == 1 ? STORE_DEAD : STORE_PENDING,
                                  x->after_number, on_delivery, &g);
    if (rc >= 0 && x->looked < RETENTION_STEP) { /* its end */
        if (x->phase == DELIVERIES && x->pass < 2) {
            x->pass++;
            x->after_number = 0;
        } else {
            x->inner[0] = '\0';
        }
        x->looked = RETENTION_STEP;
    }
    return rc < 0 ? rc : 0;
}

/* ---- a step ------------------------------------------------------------------------------------
 */

int retention_read(struct store_txn *t, struct retention *x)
{
    int rc = 0;
    if (x->phase == TENANT) {
        return read_tenant(t, x);
    }
    if (x->phase == OUTBOX || x->phase == DELIVERIES) {
        if (x->phase == OUTBOX && x->after[0] == '\0') {
            rc = store_event_last(t, x->tenant, &x->events_seen);
        }
        return rc != 0 ? rc : read_gather(t, x);
    }
    rc = read_records(t, x);
    x->ended_step = x->looked < RETENTION_STEP && x->picked < REMOVAL_MAX;
    return rc < 0 ? rc : 0;
}
