/*
 * The body of GET /metrics: what is counted (base/metrics.h), then gauges worked out now. A family
 * stands together, so the sessions are looked at once into a table that the families then read.
 * Reads are index look-ups in one snapshot: some microseconds for each session and webhook.
 */
#include "meters.h"

#include "alert.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "message_object.h"
#include "metrics.h"
#include "process_self.h"
#include "process_usage.h"
#include "relay.h"
#include "sessions.h"

#include <stdlib.h>
#include <string.h>

#define GAUGE(name, help) metrics_head(out, "wabridge_" name, "gauge", help)
#define OWNER_LABELS ((const char *const[]){"tenant", "session", NULL})
#define HOOK_LABELS ((const char *const[]){"tenant", "webhook", NULL})
#define TENANT_LABELS ((const char *const[]){"tenant", NULL})

struct row {
    struct session_vitals v;
    uint64_t waiting; /* in its outbox */
    double oldest_s;
    bool measured; /* the browser; the rest is of the last measurement */
    double memory, cpu_s, processes;
};

struct view {
    struct bridge *b;
    struct buf *out;
    struct store_txn *t;
    uint64_t now_ms; /* wall */
    struct row *rows;
    size_t count, left_out;
    unsigned by_status[SESSION_STATUS_COUNT];
    size_t shown; /* rows of the family being written */
};

static double seconds(uint64_t ms)
{
    return (double)ms / 1000;
}

/* ---- sessions ----------------------------------------------------------------------------------
 */

static int on_oldest(void *arg, uint64_t order, const char *message_id, uint64_t expires_ms,
                     struct store_value v)
{
    (void)order, (void)expires_ms, (void)v;
    memcpy(arg, message_id, strnlen(message_id, STORE_MAX_ID) + 1);
    return 1;
}

double meter_outbox_oldest_s(struct store_txn *t, const char *tenant, const char *session,
                             uint64_t now_ms)
{
    char id[STORE_MAX_ID + 1] = "";
    struct store_value v;
    struct store_message_ref ref;
    struct message_owner owner;
    message_owner_set(&owner, tenant, session);
    if (store_outbox_list(t, tenant, session, 0, on_oldest, id) != 0 || id[0] == '\0' ||
        message_find(t, &owner, id, &v, &ref) != 0) {
        return 0;
    }
    return now_ms > ref.time_ms ? seconds(now_ms - ref.time_ms) : 0;
}

static void on_session(void *arg, struct session *s)
{
    struct view *w = arg;
    struct session_vitals v;
    session_vitals(s, &v);
    w->by_status[v.status]++;
    if (w->count == METERS_ROWS) {
        w->left_out++;
        return;
    }
    struct row *r = &w->rows[w->count++];
    struct store_counts counts = {0};
    r->v = v;
    if (w->t != NULL && store_counts(w->t, v.tenant, v.session, &counts) == 0) {
        r->waiting = counts.outbox;
    }
    const struct process_usage *u = session_usage(s, NULL);
    if (u != NULL) {
        r->measured = true;
        r->memory = (double)u->memory_bytes;
        r->cpu_s = seconds(u->cpu_ms);
        r->processes = u->processes;
    }
    if (r->waiting > 0) {
        r->oldest_s = meter_outbox_oldest_s(w->t, v.tenant, v.session, w->now_ms);
    }
}

enum field {
    UP,
    WANTED,
    STATUS_AGE,
    ALIVE,
    ANSWER_AGE,
    BROWSER_AGE,
    MEMORY,
    CPU,
    PROCESSES,
    WAITING,
    OLDEST
};

static bool has(const struct row *r, enum field f)
{
    switch (f) {
    case ALIVE:
    case BROWSER_AGE:
        return r->v.browser;
    case ANSWER_AGE:
        return r->v.page_alive;
    case MEMORY:
    case CPU:
    case PROCESSES:
        return r->measured;
    default:
        return true;
    }
}

static void session_family(struct view *w, const char *name, const char *help, enum field f)
{
    metrics_head(w->out, name, f == CPU ? "counter" : "gauge", help);
    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];
        if (!has(r, f)) {
            continue;
        }
        const double values[] = {
            [UP] = r->v.status == SESSION_READY,
            [WANTED] = r->v.wanted,
            [STATUS_AGE] = seconds(r->v.status_age_ms),
            [ALIVE] = r->v.page_alive,
            [ANSWER_AGE] = seconds(r->v.answer_age_ms),
            [BROWSER_AGE] = seconds(r->v.browser_age_ms),
            [MEMORY] = r->memory,
            [CPU] = r->cpu_s,
            [PROCESSES] = r->processes,
            [WAITING] = (double)r->waiting,
            [OLDEST] = r->oldest_s,
        };
        metrics_sample(w->out, name, OWNER_LABELS, METRIC_VALUES(r->v.tenant, r->v.session),
                       values[f]);
    }
}

static void write_sessions(struct view *w)
{
    struct buf *out = w->out;
    GAUGE("sessions", "Sessions by status.");
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        metrics_sample(out, "wabridge_sessions", (const char *const[]){"status", NULL},
                       METRIC_VALUES(session_status_name((enum session_status)i)),
                       w->by_status[i]);
    }
    session_family(w, "wabridge_session_up", "1 while the session is ready.", UP);
    session_family(w, "wabridge_session_wanted", "1 while the session is meant to run.", WANTED);
    session_family(w, "wabridge_session_status_age_seconds", "Time in the present status.",
                   STATUS_AGE);
    session_family(w, "wabridge_session_page_alive",
                   "1 when the page answered the last probe; only while a browser runs.", ALIVE);
    session_family(w, "wabridge_session_page_answer_age_seconds",
                   "Time since the page last answered a probe.", ANSWER_AGE);
    session_family(w, "wabridge_session_browser_age_seconds", "Time since the browser started.",
                   BROWSER_AGE);
    session_family(w, "wabridge_session_memory_bytes",
                   "Memory of the browser (PSS) when last measured.", MEMORY);
    session_family(w, "wabridge_session_cpu_seconds_total",
                   "CPU time of the browser's living processes when last measured.", CPU);
    session_family(w, "wabridge_session_processes", "Processes of the browser.", PROCESSES);
    session_family(w, "wabridge_outbox_messages", "Messages that wait to be sent or acked.",
                   WAITING);
    session_family(w, "wabridge_outbox_oldest_seconds", "Age of the first message that waits.",
                   OLDEST);
}

/* ---- webhooks ----------------------------------------------------------------------------------
 */

static int on_tenant_queue(void *arg, const char *const *path, struct store_value v)
{
    struct view *w = arg;
    struct store_counts c;
    (void)v;
    if (w->shown++ < METERS_ROWS && store_counts(w->t, path[0], NULL, &c) == 0) {
        metrics_sample(w->out, "wabridge_webhook_queue_deliveries", TENANT_LABELS,
                       METRIC_VALUES(path[0]), (double)c.deliveries);
    }
    return 0;
}

static int on_webhook(void *arg, const char *const *path, struct store_value v)
{
    struct view *w = arg;
    struct store_delivery d;
    (void)v;
    if (w->shown++ >= METERS_ROWS) {
        return 0;
    }
    double age = 0;
    if (store_delivery_oldest(w->t, path[0], path[1], &d) == 0 && w->now_ms > d.created_ms) {
        age = seconds(w->now_ms - d.created_ms);
    }
    metrics_sample(w->out, "wabridge_webhook_queue_oldest_seconds", HOOK_LABELS,
                   METRIC_VALUES(path[0], path[1]), age);
    return 0;
}

static bool on_endpoint(void *arg, const struct endpoint_vitals *v)
{
    struct view *w = arg;
    metrics_sample(w->out, "wabridge_webhook_paused", HOOK_LABELS,
                   METRIC_VALUES(v->tenant, v->webhook), v->paused);
    return ++w->shown < METERS_ROWS;
}

static void scan(struct view *w, enum store_table table, store_visit_fn fn)
{
    w->shown = 0;
    if (w->t != NULL) {
        (void)store_scan(w->t, table, NULL, NULL, fn, w);
    }
    w->left_out += w->shown > METERS_ROWS ? w->shown - METERS_ROWS : 0;
}

static void write_webhooks(struct view *w)
{
    struct buf *out = w->out;
    GAUGE("webhook_queue_deliveries", "Deliveries that wait, by tenant.");
    scan(w, STORE_TENANTS, on_tenant_queue);
    GAUGE("webhook_queue_oldest_seconds", "Age of the oldest delivery that waits.");
    scan(w, STORE_WEBHOOKS, on_webhook);
    GAUGE("webhook_paused", "1 while the endpoint is paused after failures; once it was used.");
    w->shown = 0;
    if (w->b->relay != NULL) {
        relay_each_endpoint(w->b->relay, on_endpoint, w);
    }
}

/* ---- the store and the process -----------------------------------------------------------------
 */

static void one(struct buf *out, const char *name, const char *type, const char *help, double v)
{
    metrics_head(out, name, type, help);
    metrics_sample(out, name, NULL, NULL, v);
}

static void write_store(struct view *w)
{
    struct buf *out = w->out;
    struct store_stats s;
    struct store_counts c = {0};
    store_stats(w->b->store, &s);
    one(out, "wabridge_store_used_bytes", "gauge", "Pages of the store that are or were in use.",
        (double)s.used_bytes);
    one(out, "wabridge_store_map_bytes", "gauge", "The most that the store may grow to.",
        (double)s.map_bytes);
    one(out, "wabridge_store_pending_operations", "gauge", "Changes that wait for the disk.",
        (double)s.pending);
    one(out, "wabridge_store_operations_total", "counter", "Changes that are on disk.",
        (double)s.ops);
    one(out, "wabridge_store_writable", "gauge", "0 after a commit failed, until one works again.",
        store_writable(w->b->store, NULL));
    if (w->t != NULL && store_counts(w->t, NULL, NULL, &c) == 0) {
        one(out, "wabridge_dead_letters", "gauge", "Deliveries that were given up and are kept.",
            (double)c.dead_letters);
    }
}

static void write_process(struct view *w)
{
    struct buf *out = w->out;
    struct process_self p;
    process_self_read(&p);
    metrics_head(out, "wabridge_build_info", "gauge", "The version that runs.");
    metrics_sample(out, "wabridge_build_info", (const char *const[]){"version", NULL},
                   METRIC_VALUES(WABRIDGE_VERSION), 1);
    one(out, "wabridge_uptime_seconds", "gauge", "Since the daemon started.",
        seconds(clock_mono_ms() - w->b->started_ms));
    one(out, "process_resident_memory_bytes", "gauge", "Of the daemon, without its browsers.",
        (double)p.rss_bytes);
    one(out, "process_cpu_seconds_total", "counter", "Of the daemon, without its browsers.",
        p.cpu_s);
    one(out, "process_open_fds", "gauge", "Open file descriptors.", (double)p.fds);
    one(out, "process_max_fds", "gauge", "The most that may be open.", (double)p.max_fds);
    one(out, "process_threads", "gauge", "Threads of the daemon.", (double)p.threads);
    one(out, "wabridge_loop_lag_worst_seconds", "gauge",
        "The worst lag of the loop since this was last asked for.",
        (double)meter_lag_worst_us(w->b) / 1e6);
}

static void write_alerts(struct view *w)
{
    struct buf *out = w->out;
    unsigned firing[ALERT_KINDS];
    alerts_count(w->b->alerts, firing);
    GAUGE("alerts", "Alerts that fire, by kind.");
    for (int k = 0; k < ALERT_KINDS; k++) {
        metrics_sample(out, "wabridge_alerts", (const char *const[]){"alert", NULL},
                       METRIC_VALUES(alert_name((enum alert_kind)k)), firing[k]);
    }
}

int bridge_metrics(struct bridge *b, struct buf *out, struct err *e)
{
    struct view w = {.b = b, .out = out, .now_ms = clock_wall_ms()};
    w.rows = mem_calloc(METERS_ROWS, sizeof(*w.rows));
    if (w.rows == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (store_read(b->store, &w.t, NULL) != 0) {
        w.t = NULL; /* a store in trouble must not hide the rest */
    }
    if (b->sessions != NULL) {
        session_each(b, NULL, on_session, &w);
    }
    write_process(&w);
    write_alerts(&w);
    write_sessions(&w);
    write_webhooks(&w);
    meter_backlogs(w.t, out);
    write_store(&w);
    one(out, "wabridge_metrics_left_out", "gauge",
        "Sessions, tenants and webhooks past the most that are shown one by one.",
        (double)w.left_out);
    metrics_write(out);
    if (w.t != NULL) {
        store_read_end(w.t);
    }
    free(w.rows);
    return out->rc == 0 ? 0 : err_set(e, out->rc, "the metrics are too long for one answer");
}
