/*
 * The scheduler: which deliveries go out next.
 *
 * Happy path of a turn: one snapshot; the heads of lanes in order of due time -> those whose
 * endpoint may be used become jobs (job.c) -> the snapshot ends -> jobs start as connections allow
 * -> each outcome is written -> which makes the lane's next one due -> another turn. Between turns
 * one timer waits for the earliest due time.
 *
 * Bounds: a turn looks at VISIT_MAX heads; relay_take_limit() jobs are in hand, PER_HOST of one
 * host; events are read from the store only when their post starts.
 * Fairness: heads that cannot go now would stand before others in the due index. Those of a paused
 * or disabled endpoint are put off until it may be tried; those of an endpoint that has more due
 * than its connections take are put off, only when they are in the way, to when its pace will have
 * reached them (hold.c).
 * Failure modes: the store cannot be read: again in a second. The clock jumps: the timer never
 * waits more than a minute;
 * put_forward() sees to what would be due long after, and nothing expires by a clock that just jumped
 * (clock_sure_ms()).
 */
#include "relay_priv.h"

#include "attempts.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define VISIT_MAX 512
#define PER_HOST 64
#define MAX_SLEEP_MS 60000
#define DISABLED_MS 900000 /* heads of a disabled webhook are looked at this often */
#define HOLD_CAP_MS 60000
#define STEP_BACK_MS 60000
#define LATE_MAX 128 /* half of a batch of hold.c */
#define AGAIN_MS 1000 /* after the store failed */
#define PACE_US 10000 /* of an endpoint that no post tells of yet */

static void on_turn(uv_timer_t *timer);

/* ---- one turn ----------------------------------------------------------------------------------
 */

struct turn {
    struct relay *r;
    struct store_txn *t;
    uint64_t now;
    uint64_t next_due; /* of the first head that is not due; 0: none */
    unsigned visited, late;
    bool crowded;                /* stopped before the end of what is due */
    struct hold_batch *holds;    /* that must not be tried now */
    struct hold_batch *overflow; /* that only wait for connections */
};

/* The batch is made with the first head that needs it. */
static void hold(struct turn *s, struct hold_batch **batch, const struct store_delivery *d,
                 uint64_t until, bool expired)
{
    if (s->r->holding) {
        return; /* one batch at a time; this head is met again */
    }
    if (*batch == NULL) {
        *batch = hold_new(s->r);
    }
    if (*batch != NULL) {
        (void)hold_add(*batch, d, until, expired); /* a full one: met again as well */
    }
}

static bool expired(const struct endpoint *ep, const struct store_delivery *d)
{
    return !attempts_redriven(d->attempts) && clock_sure_ms() >= d->created_ms + ep->retry.max_age_ms;
}

/* When the endpoint, at its pace, will have come to one more head: behind those in hand and those
 * put off before. A little early, so that it is never idle. */
static uint64_t paced(struct turn *s, struct endpoint *ep)
{
    uint64_t pace = ep->pace_us > 0 ? ep->pace_us : PACE_US;
    uint64_t step = pace * 4 / 5 / s->r->b->cfg.relay.host_connections;
    uint64_t first = s->now * 1000 + PER_HOST * step;
    ep->hold_at_us = (ep->hold_at_us < first ? first : ep->hold_at_us) + step;
    uint64_t until = ep->hold_at_us / 1000;
    if (until > s->now + HOLD_CAP_MS) {
        until = s->now + HOLD_CAP_MS;
        ep->hold_at_us = until * 1000;
    }
    return until > s->now ? until : s->now + 1;
}

static unsigned ready_or_active(const struct relay_host *h)
{
    unsigned n = h->active;
    LIST_FOREACH(&h->ready, it, next)
    {
        n++;
    }
    return n;
}

/* 0 taken or skipped, E_NOMEM. */
static int consider(struct turn *s, struct endpoint *ep, const struct store_delivery *d)
{
    struct relay *r = s->r;
    if (!ep->enabled) {
        hold(s, &s->holds, d, s->now + DISABLED_MS, expired(ep, d));
        return 0;
    }
    if (ep->probe_at_ms > s->now + ep->retry.max_delay_ms) {
        ep->probe_at_ms = s->now; /* set before the clock was put back */
    }
    if (ep->health.paused && (ep->probing || s->now < ep->probe_at_ms)) {
        uint64_t until = ep->probing ? s->now + r->b->cfg.relay.timeout_ms + 1000 : ep->probe_at_ms;
        hold(s, &s->holds, d, until, expired(ep, d));
        return 0;
    }
    if (r->taken >= relay_take_limit(r) ||
        (ep->host != NULL && ready_or_active(ep->host) >= PER_HOST)) {
        hold(s, &s->overflow, d, paced(s, ep), false);
        return 0;
    }
    struct job *j = job_take(r, ep, d);
    if (j == NULL) {
        return E_NOMEM;
    }
    if (ep->health.paused) {
        ep->probing = true;
    }
    return 0;
}

static int on_due(void *arg, const struct store_delivery *d)
{
    struct turn *s = arg;
    if (d->due_ms > s->now) {
        s->next_due = d->due_ms;
        return 1;
    }
    if (s->visited++ >= VISIT_MAX) {
        s->crowded = true;
        return 1;
    }
    struct endpoint *ep = endpoint_get(s->r, d->tenant, d->webhook);
    if (ep == NULL) {
        return E_NOMEM;
    }
    int rc = endpoint_load(s->r, ep, s->t);
    if (rc != 0) {
        return rc;
    }
    if (!ep->known) {
        erase_deliveries_of(s->r, ep);
        return 0;
    }
    return job_of(ep, d->seq) ? 0 : consider(s, ep, d);
}

/* ---- a clock that was put back ------------------------------------------------------------------
 */

static int on_late(void *arg, const struct store_delivery *d)
{
    struct turn *s = arg;
    if (s->late++ == LATE_MAX) {
        return 1;
    }
    s->r->late_to_ms = d->due_ms;
    hold(s, &s->holds, d, s->now, false);
    return 0;
}

/* Due times are wall times. Once the clock was put back (while we run, or before we started), those
 * of before would wait for it to come there again: they become due now, from the latest on, each of
 * them once. */
static int put_forward(struct turn *s)
{
    struct relay *r = s->r;
    if (s->now + STEP_BACK_MS < r->turned_ms) {
        log_warn(NULL, "relay.clock", "the wall clock was put back by %llu s",
                 (unsigned long long)((r->turned_ms - s->now) / 1000));
        r->late_from_ms = s->now;
        r->late_to_ms = UINT64_MAX;
    } else if (r->turned_ms == 0) {
        r->late_from_ms = s->now + WEBHOOK_MAX_DELAY_MS;
        r->late_to_ms = UINT64_MAX;
    }
    r->turned_ms = s->now;
    if (r->late_to_ms == 0 || r->holding) {
        return 0;
    }
    int rc = store_delivery_late(s->t, r->late_from_ms, r->late_to_ms, on_late, s);
    if (rc == 0 && s->late == 0) {
        r->late_to_ms = 0; /* none is left */
    }
    return rc < 0 ? rc : 0;
}

static void arm(struct relay *r, uint64_t delay_ms)
{
    (void)uv_timer_start(&r->timer, on_turn, delay_ms, 0);
}

static void turn(struct relay *r)
{
    struct turn s = {.r = r, .now = clock_wall_ms()};
    struct err e;
    err_clear(&e);
    if (store_read(r->b->store, &s.t, &e) != 0) {
        log_warn(NULL, "relay.store", "deliveries cannot be read: %s", e.msg);
        arm(r, AGAIN_MS);
        return;
    }
    int rc = put_forward(&s);
    rc = rc != 0 ? rc : store_delivery_due(s.t, UINT64_MAX, on_due, &s);
    store_read_end(s.t);
    if (!s.crowded) {
        free(s.overflow);
        s.overflow = NULL;
    }
    bool held = (s.holds != NULL || s.overflow != NULL);
    hold_submit(s.holds);
    if (r->holding) {
        free(s.overflow); /* one batch at a time; the rest is met again */
    } else {
        hold_submit(s.overflow);
    }
    jobs_start(r);
    if (rc < 0) {
        log_warn(NULL, "relay.store", "deliveries cannot be read (%s)", err_name(rc));
        arm(r, AGAIN_MS);
    } else if (!held && s.next_due != 0) {
        uint64_t now = clock_wall_ms();
        uint64_t wait = s.next_due > now ? s.next_due - now : 1;
        arm(r, wait < MAX_SLEEP_MS ? wait : MAX_SLEEP_MS);
    } /* else: the end of a hold or of a job wakes us, or event_committed() does */
}

static void on_turn(uv_timer_t *timer)
{
    struct relay *r = timer->data;
    if (r->closing) {
        jobs_cancel_posts(r); /* the grace is over */
        tests_cancel(r);
        relay_maybe_closed(r);
    } else if (r->started) {
        turn(r);
    }
}

void relay_wake(struct relay *r)
{
    if (r == NULL || !r->started || r->closing) {
        return;
    }
    /* 1 ms, not 0: a timer of 0 started by a timer runs in the same pass of the loop, for ever. */
    if (!uv_is_active((uv_handle_t *)&r->timer) || uv_timer_get_due_in(&r->timer) > 1) {
        arm(r, 1);
    }
}

void relay_wake_later(struct relay *r)
{
    if (r->started && !r->closing &&
        (!uv_is_active((uv_handle_t *)&r->timer) || uv_timer_get_due_in(&r->timer) > AGAIN_MS)) {
        arm(r, AGAIN_MS);
    }
}

/* ---- life --------------------------------------------------------------------------------------
 */

int relay_create(struct bridge *b, struct relay **out, struct err *e)
{
    struct relay *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    r->b = b;
    list_init(&r->hosts);
    list_init(&r->hostless);
    list_init(&r->unrecorded);
    list_init(&r->test_list);
    for (size_t i = 0; i < ENDPOINT_BUCKETS; i++) {
        list_init(&r->endpoints[i]);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(r);
        return err_set(e, E_INTERNAL, "libcurl does not start");
    }
    int rc = http_loop_create(b->loop, b->cfg.relay.host_connections,
                              b->cfg.relay.total_connections, &r->http, e);
    if (rc != 0) {
        curl_global_cleanup();
        free(r);
        return rc;
    }
    (void)uv_timer_init(b->loop, &r->timer);
    (void)uv_timer_init(b->loop, &r->record);
    r->timer.data = r;
    r->record.data = r;
    r->handles = 3; /* two timers and the http loop */
    *out = r;
    return 0;
}

void relay_start(struct relay *r)
{
    r->started = true;
    relay_wake(r);
}

static void on_part_closed(struct relay *r)
{
    if (--r->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = r->on_closed;
    void *arg = r->arg;
    endpoints_free(r);
    curl_global_cleanup();
    free(r);
    on_closed(arg);
}

static void on_timer_closed(uv_handle_t *h)
{
    on_part_closed(h->data);
}

static void on_http_closed(void *arg)
{
    on_part_closed(arg);
}

void relay_maybe_closed(struct relay *r)
{
    if (!r->closing || r->taken > 0 || r->tests > 0 || r->holding || r->http == NULL) {
        return;
    }
    http_loop_close(r->http, on_http_closed, r);
    r->http = NULL;
    (void)uv_timer_stop(&r->timer);
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
    uv_close((uv_handle_t *)&r->record, on_timer_closed);
}

void relay_close(struct relay *r, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg)
{
    r->closing = true;
    r->on_closed = on_closed;
    r->arg = arg;
    (void)uv_timer_stop(&r->record);
    on_record_timer(&r->record); /* once more, the last time */
    for (size_t i = 0; i < ENDPOINT_BUCKETS; i++) {
        LIST_FOREACH(&r->endpoints[i], it, next)
        {
            jobs_drop_ready(r, LIST_ENTRY(it, struct endpoint, link));
        }
    }
    arm(r, grace_ms);
    relay_maybe_closed(r);
}

/* ---- what others tell --------------------------------------------------------------------------
 */

void relay_forget_webhook(struct relay *r, const char *tenant, const char *webhook)
{
    struct endpoint *ep = r != NULL ? endpoint_find(r, tenant, webhook) : NULL;
    if (ep != NULL) {
        endpoint_forget(r, ep);
    }
    relay_wake(r);
}

/* Nothing of it is kept, its secret least of all; what is still posting keeps its own copies. */
static void drop(struct endpoint *ep)
{
    ep->gone = true;
    if (!ep->erasing) {
        endpoint_drop(ep); /* with jobs: the last of them does it */
    }
}

void relay_drop_webhook(struct relay *r, const char *tenant, const char *webhook)
{
    struct endpoint *ep = r != NULL ? endpoint_find(r, tenant, webhook) : NULL;
    if (ep != NULL) {
        endpoint_forget(r, ep);
        drop(ep);
    }
    relay_wake(r);
}

void relay_forget_tenant(struct relay *r, const char *tenant)
{
    for (size_t i = 0; r != NULL && i < ENDPOINT_BUCKETS; i++) {
        LIST_FOREACH(&r->endpoints[i], it, next)
        {
            struct endpoint *ep = LIST_ENTRY(it, struct endpoint, link);
            if (strcmp(ep->tenant, tenant) == 0) {
                endpoint_forget(r, ep);
                drop(ep);
            }
        }
    }
}

void relay_probe_now(struct relay *r, const char *tenant, const char *webhook)
{
    struct endpoint *ep = r != NULL ? endpoint_find(r, tenant, webhook) : NULL;
    if (ep != NULL) {
        ep->probe_at_ms = 0;
    }
    relay_wake(r);
}

json_t *relay_health(struct relay *r, const char *tenant, const char *webhook)
{
    struct endpoint *ep = r != NULL ? endpoint_find(r, tenant, webhook) : NULL;
    json_t *o = ep != NULL && ep->health_loaded ? webhook_health_json(&ep->health) : NULL;
    if (o != NULL && (body_set(o, "probe_ms", json_integer((json_int_t)ep->probe_at_ms)) != 0 ||
                      body_set(o, "pace_us", json_integer((json_int_t)ep->pace_us)) != 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}
