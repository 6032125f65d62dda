/*
 * One delivery in hand, from the scheduler's choice until its outcome is durable.
 *
 *   READY (waits for a connection) -> POSTING -> RECORDING (outcome at the store) -> gone
 *     |                                 |             |  ^
 *     +-> gone (dropped: still pending  |             v  | each second
 *         in the store)                 |          WAITING (the store could not write)
 *                                       +-> gone (cancelled at close: still pending)
 *
 * Failure modes: a crash between a 2xx and RECORDING's commit gives a second attempt with the same
 * event id; a store that cannot write keeps the outcome here and does not post again. An outcome of
 * a delivery that was erased or decided meanwhile changes nothing.
 */
#include "relay_priv.h"

#include "alert.h"
#include "attempts.h"
#include "buf.h"
#include "clock.h"
#include "crypto.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "meters.h"
#include "stats.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MAX 32 /* posts started in one turn */
#define RECORD_AGAIN_MS 1000

static void job_finish(struct job *j, const struct post_result *result);

/* ---- taking and letting go ---------------------------------------------------------------------
 */

unsigned relay_take_limit(const struct relay *r)
{
    return 4 * r->b->cfg.relay.total_connections;
}

struct job *job_take(struct relay *r, struct endpoint *ep, const struct store_delivery *d)
{
    struct job *j = mem_calloc(1, sizeof(*j));
    if (j == NULL) {
        return NULL;
    }
    j->r = r;
    j->ep = ep;
    j->d = *d;
    j->op.data = j;
    j->state = JOB_READY;
    list_init(&j->link);
    list_append(ep->host != NULL ? &ep->host->ready : &r->hostless, &j->link);
    list_append(&ep->jobs, &j->endpoint_link);
    ep->job_count++;
    r->taken++;
    return j;
}

bool job_of(const struct endpoint *ep, uint64_t seq)
{
    LIST_FOREACH(&ep->jobs, it, next)
    {
        if (LIST_ENTRY(it, struct job, endpoint_link)->d.seq == seq) {
            return true;
        }
    }
    return false;
}

static void job_free(struct job *j)
{
    if (j->state == JOB_READY || j->state == JOB_POSTING) {
        j->ep->probing = false; /* it may have been the probe */
    }
    list_remove(&j->link);
    list_remove(&j->endpoint_link);
    j->ep->job_count--;
    j->r->taken--;
    free(j);
}

void jobs_drop_ready(struct relay *r, struct endpoint *ep)
{
    (void)r;
    LIST_FOREACH(&ep->jobs, it, next)
    {
        struct job *j = LIST_ENTRY(it, struct job, endpoint_link);
        if (j->state == JOB_READY) {
            job_free(j);
        }
    }
}

/* ---- posting -----------------------------------------------------------------------------------
 */

static void give_back(struct job *j)
{
    j->post = NULL;
    j->r->posting--;
    host_done(j->host);
    j->host = NULL;
}

static void on_posted(void *arg, const struct post_result *result)
{
    struct job *j = arg;
    struct relay *r = j->r;
    meter_webhook(j->d.tenant, j->d.webhook, result->status, result->duration_us);
    give_back(j);
    job_finish(j, result);
    jobs_start(r);
}

/* The attempt could not even begin. */
static void fail_start(struct job *j, enum relay_reason reason, const char *why)
{
    struct post_result result = {.status = 0, .reason = reason};
    (void)snprintf(result.error, sizeof(result.error), "%.159s", why);
    job_finish(j, &result);
}

static void start(struct job *j, struct store_txn *t)
{
    struct relay *r = j->r;
    struct endpoint *ep = j->ep;
    struct store_value event;
    struct err e;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN];
    err_clear(&e);
    if (ep->broken[0] != '\0') {
        fail_start(j, RELAY_UNUSABLE, ep->broken);
        return;
    }
    int rc = store_event_get(t, j->d.tenant, j->d.seq, &event);
    rc = rc != 0 ? rc : event_head(event.data, event.len, id, type);
    if (rc == E_NOTFOUND || rc == E_PROTO) {
        j->d.state = STORE_DEAD; /* job_finish keeps it: there is nothing to send, ever */
        fail_start(j, RELAY_EVENT_GONE, "the event is gone");
        return;
    }
    if (rc != 0) {
        fail_start(j, RELAY_NOT_STARTED, "the event could not be read");
        return;
    }
    struct post_spec spec = endpoint_spec(r, ep);
    spec.event_id = id;
    spec.body = event.data;
    spec.len = event.len;
    spec.attempt = attempts_total(j->d.attempts) + 1;
    if (post_start(r->http, &spec, on_posted, j, &j->post, &e) != 0) {
        fail_start(j, RELAY_NOT_STARTED, e.msg);
        return;
    }
    j->state = JOB_POSTING;
    j->host = ep->host;
    j->host->active++;
    r->posting++;
}

/* From the host that waited longest; NULL when none may start one. */
static struct job *next_ready(struct relay *r)
{
    struct list *hostless = list_pop(&r->hostless);
    if (hostless != NULL) {
        return LIST_ENTRY(hostless, struct job, link);
    }
    LIST_FOREACH(&r->hosts, it, next)
    {
        struct relay_host *h = LIST_ENTRY(it, struct relay_host, link);
        if (h->active < r->b->cfg.relay.host_connections && !list_empty(&h->ready)) {
            list_remove(&h->link);
            list_append(&r->hosts, &h->link);
            return LIST_ENTRY(list_pop(&h->ready), struct job, link);
        }
    }
    return NULL;
}

void jobs_start(struct relay *r)
{
    struct store_txn *t = NULL;
    struct job *j = NULL;
    unsigned n = 0;
    if (r->closing) {
        return;
    }
    while (r->posting < r->b->cfg.relay.total_connections && n < START_MAX &&
           (j = next_ready(r)) != NULL) {
        if (t == NULL && store_read(r->b->store, &t, NULL) != 0) {
            job_free(j); /* still pending; the next turn finds it again */
            relay_wake_later(r);
            break;
        }
        start(j, t);
        n++;
    }
    if (t != NULL) {
        store_read_end(t);
    }
    if (n == START_MAX) {
        relay_wake(r);
    }
}

void jobs_cancel_posts(struct relay *r)
{
    for (size_t i = 0; i < ENDPOINT_BUCKETS; i++) {
        LIST_FOREACH(&r->endpoints[i], it, next)
        {
            struct endpoint *ep = LIST_ENTRY(it, struct endpoint, link);
            LIST_FOREACH(&ep->jobs, job, after)
            {
                struct job *j = LIST_ENTRY(job, struct job, endpoint_link);
                if (j->state == JOB_POSTING) {
                    post_cancel(j->post);
                    give_back(j);
                    job_free(j);
                } else if (j->state != JOB_RECORDING) {
                    job_free(j);
                }
            }
        }
    }
}

/* ---- the outcome -------------------------------------------------------------------------------
 */

static bool given_up(const struct job *j)
{
    const struct retry_policy *p = &j->ep->retry;
    if (attempts_redriven(j->d.attempts)) {
        return retry_span(p, attempts_run(j->d.attempts)) >= p->max_age_ms;
    }
    return clock_sure_ms() >= j->d.created_ms + p->max_age_ms;
}

static void decide(struct job *j, const struct post_result *result)
{
    struct store_delivery *d = &j->d;
    uint64_t now = clock_wall_ms();
    enum retry_verdict verdict = retry_verdict(result->status);
    bool gone = d->state == STORE_DEAD;
    if (!gone) {
        d->attempts = attempts_add(d->attempts);
        store_delivery_tried(
            d, &(struct store_try){.at_ms = now > result->duration_ms ? now - result->duration_ms : 0,
                                   .status = result->status,
                                   .took_ms = (uint32_t)result->duration_ms});
    }
    d->last_status = result->status;
    (void)snprintf(d->last_error, sizeof(d->last_error), "%s", result->error);
    d->last_reason = (uint8_t)result->reason;
    if (gone || verdict == RETRY_DEAD || (verdict == RETRY_AGAIN && given_up(j))) {
        d->state = STORE_DEAD;
        d->finished_ms = now;
        return;
    }
    if (verdict == RETRY_DELIVERED) {
        d->state = STORE_DELIVERED;
        d->finished_ms = now;
        return;
    }
    uint32_t random = 0;
    crypto_random(&random, sizeof(random));
    uint64_t delay = retry_delay(&j->ep->retry, attempts_run(d->attempts), random);
    if (result->has_retry_after && result->retry_after_ms > delay) {
        delay = result->retry_after_ms;
    }
    d->due_ms = now + delay;
    if (j->ep->health.paused && d->due_ms < j->ep->probe_at_ms) {
        d->due_ms = j->ep->probe_at_ms;
    }
}

/* What every alert says; gives. */
static json_t *alert_data(const struct job *j, struct store_txn *t, bool failing)
{
    struct alert_facts f = {
        .kind = ALERT_WEBHOOK_FAILING,
        .firing = failing,
        .since_ms = failing ? clock_wall_ms() : alert_stored_since(t, j->d.tenant, j->d.webhook),
        .value = j->health.failures,
        .threshold = (double)j->r->b->cfg.relay.pause_after_failures,
    };
    (void)snprintf(f.webhook, sizeof(f.webhook), "%s", j->d.webhook);
    (void)snprintf(f.detail, sizeof(f.detail), "%s",
                   failing ? j->health.error : "the endpoint answers again");
    return alert_object(&f);
}

static int write_alert(struct job *j, struct store_txn *t, struct err *e)
{
    struct bridge *b = j->r->b;
    struct store_value v;
    int rc = store_get(t, STORE_WEBHOOKS, STORE_PATH(j->d.tenant, j->d.webhook), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    json_t *record = record_parse(v, e);
    json_t *data = NULL;
    char *text = NULL;
    size_t len = 0;
    if (record == NULL) {
        return E_INTERNAL;
    }
    rc = body_set(record, "health", webhook_health_json(&j->health));
    rc = rc != 0 ? rc
                 : record_put(t, STORE_WEBHOOKS, STORE_PATH(j->d.tenant, j->d.webhook), record, e);
    bool failing = j->alert == ALERT_FAILING;
    if (rc == 0) {
        data = alert_data(j, t, failing);
        rc = data == NULL ? E_NOMEM
                          : json_set_str(data, "last_error", failing ? j->health.error : NULL);
        rc = rc != 0 ? rc
                     : json_set_str(data, "last_reason",
                                    failing ? relay_reason_word(j->health.reason) : NULL);
        rc = rc != 0 ? rc
                     : body_set(data, "consecutive_failures",
                                json_integer((json_int_t)j->health.failures));
        text = rc == 0 ? json_text(data, &len) : NULL;
        rc = rc == 0 && text == NULL ? E_NOMEM : rc;
    }
    if (rc == 0) {
        struct event_draft draft = {
            .tenant = j->d.tenant,
            .type = failing ? "alert.webhook_failing" : "alert.webhook_recovered",
            .data = text,
            .data_len = len,
        };
        rc = event_append(b, t, &draft, NULL, e);
    }
    free(text);
    json_decref(data);
    json_decref(record);
    return rc;
}

static int apply_record(struct store_txn *t, struct store_op *op)
{
    struct job *j = op->data;
    struct store_delivery now;
    int rc = store_delivery_get(t, j->d.tenant, j->d.webhook, j->d.seq, &now);
    if (rc == E_NOTFOUND || (rc == 0 && now.state != STORE_PENDING)) {
        return 0;
    }
    rc = rc != 0 ? rc : store_delivery_update(t, &j->d);
    rc = rc != 0 ? rc : stats_count_delivery(t, j->d.tenant, j->d.state, j->failed, j->answered_us);
    rc = rc != 0 || j->alert == ALERT_NONE ? rc : write_alert(j, t, &op->err);
    return rc == 0 ? 0 : store_err(&op->err, rc, "the outcome of a delivery was not written");
}

static void on_recorded(struct store_op *op, int rc)
{
    struct job *j = op->data;
    struct relay *r = j->r;
    if (rc != 0 && !r->closing) {
        log_warn(&(struct log_ctx){.tenant = j->d.tenant}, "relay.record_failed", "%s",
                 op->err.msg);
        j->state = JOB_WAITING;
        list_append(&r->unrecorded, &j->link);
        if (!uv_is_active((uv_handle_t *)&r->record)) {
            (void)uv_timer_start(&r->record, on_record_timer, RECORD_AGAIN_MS, 0);
        }
        return;
    }
    if (rc == 0 && j->alert != ALERT_NONE) {
        event_committed(r->b, j->d.tenant);
        alerts_wake(r->b->alerts);
        if (j->alert == ALERT_RECOVERED && !r->closing) {
            release_deliveries(r->b, j->d.tenant, j->d.webhook);
        }
    }
    struct endpoint *ep = j->ep;
    job_free(j);
    if (ep->gone && !ep->erasing) {
        endpoint_drop(ep);
    }
    relay_wake(r);
    relay_maybe_closed(r);
}

static void record(struct job *j)
{
    store_submit(j->r->b->store, &j->op, apply_record, on_recorded);
}

void on_record_timer(uv_timer_t *timer)
{
    struct relay *r = timer->data;
    struct list *it = NULL;
    while ((it = list_pop(&r->unrecorded)) != NULL) {
        struct job *j = LIST_ENTRY(it, struct job, link);
        j->state = JOB_RECORDING;
        record(j);
    }
}

static void job_finish(struct job *j, const struct post_result *result)
{
    j->state = JOB_RECORDING; /* first: what follows may let READY ones go */
    /* An event that is gone says nothing about the endpoint. */
    j->alert = j->d.state == STORE_DEAD ? ALERT_NONE : endpoint_outcome(j->r, j->ep, result);
    j->health = j->ep->health;
    j->failed = j->d.state != STORE_DEAD && retry_verdict(result->status) != RETRY_DELIVERED;
    j->answered_us = result->status != 0 ? result->duration_us : 0;
    decide(j, result);
    if (j->d.state == STORE_DEAD) {
        meter_dead_letter(j->d.tenant, j->d.webhook);
        log_info(&(struct log_ctx){.tenant = j->d.tenant}, "webhook.dead_letter",
                 "webhook %s, event %llu after %u attempts: %s", j->d.webhook,
                 (unsigned long long)j->d.seq, (unsigned)attempts_total(j->d.attempts),
                 j->d.last_error);
    }
    record(j);
}
