/*
 * One round: every rule for every session and webhook and for the node. An alert exists from the
 * first bad look until it is over and told. What is no more (a session was deleted) is dropped.
 */
#include "alert_priv.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "meters.h"
#include "relay.h"
#include "sessions.h"
#include "webhook.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct look {
    struct alerts *a;
    struct store_txn *t; /* NULL: the store cannot be read */
    uint64_t now_ms;     /* monotonic */
};

struct finding {
    enum alert_kind kind;
    const char *tenant, *session, *webhook; /* NULL: of none */
    double value, threshold;                /* threshold 0: the rule is off */
    bool low;                               /* below it is wrong */
    bool now;                               /* what is counted is a time or a window already */
};

static void decided(struct alert *x)
{
    struct alert_facts *f = &x->facts;
    struct log_ctx ctx = {.tenant = f->tenant[0] != '\0' ? f->tenant : NULL,
                          .session = f->session[0] != '\0' ? f->session : NULL};
    f->firing = x->state.firing;
    if (f->firing) {
        f->since_ms = clock_wall_ms();
    }
    x->tell = true;
    log_at(f->firing ? LOG_WARN : LOG_INFO, &ctx, f->firing ? "alert.firing" : "alert.resolved",
           "%s%s%s: %s", alert_name(f->kind), f->webhook[0] != '\0' ? " " : "", f->webhook,
           f->detail);
}

static const char *or_none(const char *s)
{
    return s != NULL ? s : "";
}

static void observe(struct look *l, const struct finding *o, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void observe(struct look *l, const struct finding *o, const char *fmt, ...)
{
    const struct bridge_config *cfg = &l->a->b->cfg;
    const char *tenant = or_none(o->tenant), *session = or_none(o->session);
    const char *webhook = or_none(o->webhook);
    struct alert *x = alert_find(l->a, o->kind, tenant, session, webhook);
    bool bad = o->threshold > 0 &&
               alert_is_bad(o->value, o->threshold, o->low, x != NULL && x->state.firing);
    if (x == NULL && (!bad || (x = alert_make(l->a, o->kind, tenant, session, webhook)) == NULL)) {
        return;
    }
    x->seen = true;
    x->facts.value = o->value;
    x->facts.threshold = o->threshold;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(x->facts.detail, sizeof(x->facts.detail), fmt, ap);
    va_end(ap);
    const struct alert_timing timing = {
        .hold_ms = o->now ? 0 : cfg->alerts.hold_ms,
        .recover_ms = o->kind == ALERT_WEBHOOK_FAILING ? 0 : cfg->alerts.recover_ms,
    };
    if (alert_step(&x->state, &timing, bad, l->now_ms) != ALERT_STAYS) {
        decided(x);
    }
}

/* ---- sessions ----------------------------------------------------------------------------------
 */

static void look_sends(struct look *l, const struct session_vitals *v, struct alert_counts *c)
{
    const struct bridge_config *cfg = &l->a->b->cfg;
    uint64_t failed = window_sum(&c->failed, l->now_ms, cfg->alerts.window_ms);
    uint64_t all = failed + window_sum(&c->sent, l->now_ms, cfg->alerts.window_ms);
    bool enough = failed >= cfg->alerts.send_failures;
    double percent = all > 0 && enough ? 100.0 * (double)failed / (double)all : 0;
    const struct finding o = {.kind = ALERT_SEND_FAILURES,
                              .tenant = v->tenant,
                              .session = v->session,
                              .value = percent,
                              .threshold = cfg->alerts.send_failures_percent,
                              .now = true};
    observe(l, &o, "%llu of %llu messages failed in the last %llu s", (unsigned long long)failed,
            (unsigned long long)all, (unsigned long long)(cfg->alerts.window_ms / 1000));
}

static void look_falls(struct look *l, const struct session_vitals *v, struct alert_counts *c)
{
    const struct bridge_config *cfg = &l->a->b->cfg;
    uint64_t falls = window_sum(&c->falls, l->now_ms, cfg->alerts.flap_window_ms);
    const struct finding o = {.kind = ALERT_SESSION_FLAPPING,
                              .tenant = v->tenant,
                              .session = v->session,
                              .value = (double)falls,
                              .threshold = cfg->alerts.flaps,
                              .now = true};
    observe(l, &o, "the session fell %llu times in the last %llu s; it is %s",
            (unsigned long long)falls, (unsigned long long)(cfg->alerts.flap_window_ms / 1000),
            session_status_name(v->status));
}

static void look_queue(struct look *l, const struct session_vitals *v)
{
    const struct bridge_config *cfg = &l->a->b->cfg;
    struct store_counts counts = {0};
    double age = 0;
    if (l->t == NULL || store_counts(l->t, v->tenant, v->session, &counts) != 0) {
        return;
    }
    if (counts.outbox > 0) {
        age = meter_outbox_oldest_s(l->t, v->tenant, v->session, clock_wall_ms());
    }
    const struct finding o = {.kind = ALERT_QUEUE_OLD,
                              .tenant = v->tenant,
                              .session = v->session,
                              .value = age,
                              .threshold = (double)cfg->alerts.queue_age_ms / 1000,
                              .now = true};
    observe(l, &o, "%llu messages wait, the first for %.0f s; the session is %s",
            (unsigned long long)counts.outbox, age, session_status_name(v->status));
}

static void on_session(void *arg, struct session *s)
{
    struct look *l = arg;
    struct session_vitals v;
    session_vitals(s, &v);
    look_sends(l, &v, session_counts(s));
    look_falls(l, &v, session_counts(s));
    look_queue(l, &v);
}

/* ---- webhooks ----------------------------------------------------------------------------------
 */

/* The relay tells of this one itself, in the transaction that pauses the endpoint. */
static bool on_endpoint(void *arg, const struct endpoint_vitals *v)
{
    struct look *l = arg;
    double most = (double)l->a->b->cfg.relay.pause_after_failures;
    const struct finding o = {.kind = ALERT_WEBHOOK_FAILING,
                              .tenant = v->tenant,
                              .webhook = v->webhook,
                              .value = v->paused ? v->failures : 0,
                              .threshold = most,
                              .now = true};
    observe(l, &o, "%u requests failed in a row: %.150s", v->failures,
            v->error[0] != '\0' ? v->error : "none since");
    return true;
}

/* One that the relay has not used since the start. */
static void look_unused(struct look *l, const struct alert_facts *f)
{
    struct store_value v;
    if (l->t == NULL || store_get(l->t, STORE_WEBHOOKS, STORE_PATH(f->tenant, f->webhook), &v) != 0) {
        return;
    }
    json_t *record = record_parse(v, NULL);
    struct webhook_health h;
    webhook_health_read(json_obj(record, "health"), &h);
    struct endpoint_vitals is = {f->tenant, f->webhook, h.error, h.paused, h.failures};
    (void)on_endpoint(l, &is);
    json_decref(record);
}

/* What is switched off waits because somebody wants it so. */
static bool switched_off(struct store_value v)
{
    json_t *record = record_parse(v, NULL);
    bool off = !json_flag(record, "enabled", true);
    json_decref(record);
    return off;
}

static int on_deliveries(void *arg, const char *const *path, struct store_value v)
{
    struct look *l = arg;
    struct store_delivery d;
    uint64_t now = clock_wall_ms();
    int rc = store_delivery_oldest(l->t, path[0], path[1], &d);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    bool waits = rc == 0 && now > d.created_ms && !switched_off(v);
    const struct finding o = {.kind = ALERT_QUEUE_OLD,
                              .tenant = path[0],
                              .webhook = path[1],
                              .value = waits ? (double)(now - d.created_ms) / 1000 : 0,
                              .threshold = (double)l->a->b->cfg.alerts.queue_age_ms / 1000,
                              .now = true};
    observe(l, &o, "the first delivery that waits does so for %.0f s", o.value);
    return 0;
}

/* ---- the node ----------------------------------------------------------------------------------
 */

static void look_node(struct look *l)
{
    const struct bridge_config *cfg = &l->a->b->cfg;
    const struct probe *p = &l->a->probe;
    struct err why = {0};
    bool writable = store_writable(l->a->b->store, &why);
    const struct finding store = {.kind = ALERT_STORE_FAILING,
                                  .value = writable ? 0 : 1,
                                  .threshold = 1,
                                  .now = true};
    observe(l, &store, "%.200s", writable ? "the store can be written" : why.msg);
    if (!p->known) {
        return;
    }
    const struct finding disk = {.kind = ALERT_DISK_LOW,
                                 .value = (double)p->disk_free / 1048576,
                                 .threshold = (double)cfg->alerts.disk_free_bytes / 1048576,
                                 .low = true};
    observe(l, &disk, "%.0f MiB are free on the disk of the data directory", disk.value);
    const struct finding memory = {.kind = ALERT_MEMORY_HIGH,
                                   .value = p->memory_percent,
                                   .threshold = cfg->alerts.memory_percent};
    observe(l, &memory, "%.0f %% of the memory is in use", memory.value);
}

/* ---- a round -----------------------------------------------------------------------------------
 */

/* Those that nobody looked at: unused webhooks, and what is no more. */
static void look_rest(struct look *l)
{
    LIST_FOREACH(&l->a->all, it, next)
    {
        struct alert *x = LIST_ENTRY(it, struct alert, link);
        bool node = x->facts.tenant[0] == '\0';
        if (!x->seen && x->facts.kind == ALERT_WEBHOOK_FAILING) {
            look_unused(l, &x->facts);
        }
        if (!x->seen && !node && l->t != NULL && !x->telling) {
            alert_tell(l->a, x, true);
        }
    }
}

static void settle(struct alerts *a)
{
    LIST_FOREACH(&a->all, it, next)
    {
        struct alert *x = LIST_ENTRY(it, struct alert, link);
        x->seen = false;
        if (x->tell && !x->telling) {
            alert_tell(a, x, false);
        } else if (!x->tell && !x->telling && !x->state.firing && !x->state.bad) {
            alert_drop(a, x);
        }
    }
}

void alerts_look(struct alerts *a)
{
    struct bridge *b = a->b;
    struct look l = {.a = a, .now_ms = clock_mono_ms()};
    if (store_read(b->store, &l.t, NULL) != 0) {
        l.t = NULL;
    }
    if (b->sessions != NULL) {
        session_each(b, NULL, on_session, &l);
    }
    if (b->relay != NULL) {
        relay_each_endpoint(b->relay, on_endpoint, &l);
    }
    if (l.t != NULL) {
        (void)store_scan(l.t, STORE_WEBHOOKS, NULL, NULL, on_deliveries, &l);
    }
    look_node(&l);
    look_rest(&l);
    if (l.t != NULL) {
        store_read_end(l.t);
    }
    settle(a);
    alerts_probe(a);
}
