/*
 * Trims what is old, in bounded steps: delivered and dead deliveries, events, idempotency keys,
 * audit records.
 *
 * A timer starts a round each minute; a round is one operation after another, each deleting at most
 * STEP rows of each kind, until none had a full step. A failed step ends the round: the next minute
 * tries again. A wall clock that jumped ahead is not believed at once (clock_sure_ms()).
 */
#include "core_priv.h"

#include "clock.h"
#include "log.h"
#include "media.h"
#include "mem.h"
#include "stats.h"
#include "usage.h"

#include <stdlib.h>

#define PERIOD_MS 60000
#define FIRST_MS 5000
#define STEP 500

struct housekeeping {
    struct call call; /* first */
    bool more;
    struct stats_trim stats, stats_next;
};

static uint64_t before(uint64_t now, uint64_t keep)
{
    return now > keep ? now - keep : 0;
}

static int apply_trim(struct store_txn *t, struct call *c, struct err *e)
{
    (void)e;
    struct housekeeping *h = (struct housekeeping *)c;
    const struct bridge_config *cfg = &c->b->cfg;
    uint64_t now = clock_sure_ms(); /* a clock that jumps a year ahead must not empty the store */
    size_t delivered = 0, dead = 0, events = 0, idem = 0;
    int rc =
        store_delivery_trim(t, before(now, cfg->relay.keep_delivered_ms), false, STEP, &delivered);
    rc = rc != 0 ? rc
                 : store_delivery_trim(t, before(now, cfg->relay.keep_dead_ms), true, STEP, &dead);
    rc = rc != 0 ? rc : store_event_trim(t, before(now, cfg->relay.keep_events_ms), STEP, &events);
    rc = rc != 0 ? rc : store_idem_trim(t, now, STEP, &idem);
    size_t audit = 0;
    if (rc == 0 && cfg->audit.keep_ms > 0) {
        rc = store_audit_trim(t, before(now, cfg->audit.keep_ms), STEP, &audit);
    }
    size_t usage = 0;
    rc = rc != 0 ? rc : usage_trim(t, before(now, cfg->usage.keep_ms), STEP, &usage);
    bool stats = false;
    struct stats_trim at = h->stats; /* an apply may run twice */
    rc = rc != 0 ? rc : stats_trim(t, now, &at, &stats);
    h->stats_next = at;
    h->more = usage >= STEP || stats ||
        delivered >= STEP || dead >= STEP || events >= STEP || idem >= STEP || audit >= STEP;
    return rc;
}

static void finish_trim(struct call *c, int rc)
{
    struct housekeeping *h = (struct housekeeping *)c;
    if (rc != 0) {
        log_warn(NULL, "housekeeping.failed", "old rows were not trimmed: %s", c->op.err.msg);
    } else if (h->more && !c->b->closing) {
        h->stats = h->stats_next;
        call_again(c);
    }
}

static void release_trim(struct call *c)
{
    c->b->core->housekeeping = NULL;
    free(c);
}

void housekeeping_run(struct bridge *b)
{
    if (b->core->housekeeping != NULL) {
        return; /* a long round */
    }
    struct housekeeping *h = mem_calloc(1, sizeof(*h));
    if (h == NULL) {
        return;
    }
    b->core->housekeeping = h;
    h->call.apply = apply_trim;
    h->call.finish = finish_trim;
    h->call.release = release_trim;
    call_submit(&h->call, b, NULL, NULL);
}

static void on_timer(uv_timer_t *timer)
{
    struct bridge *b = timer->data;
    housekeeping_run(b);
    media_housekeeping(b->media);
}

void housekeeping_start(struct bridge *b)
{
    (void)uv_timer_start(&b->core->housekeeping_timer, on_timer, FIRST_MS, PERIOD_MS);
}
