/* See stats_report.h. Rows of hours and of 5 minutes are added alike: what is in one is in no other. */
#include "stats_report.h"

#include "clock.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define PAST "~" /* behind every name */
#define QUEUE_MAX 10000 /* rows of the agent's queue that are counted */

void stats_report_range(struct stats_report *r, enum bridge_stats_range range, uint64_t now_ms)
{
    static const struct {
        unsigned count, step_s;
    } of[] = {[BRIDGE_STATS_1H] = {12, 300},
              [BRIDGE_STATS_24H] = {96, 900},
              [BRIDGE_STATS_7D] = {168, 3600},
              [BRIDGE_STATS_30D] = {180, 14400},
              [BRIDGE_STATS_90D] = {90, 86400}};
    uint64_t now_s = now_ms / 1000;
    r->now_ms = now_ms;
    r->count = of[range].count;
    r->step_s = of[range].step_s;
    uint64_t span = (r->count - 1) * r->step_s, last = now_s - now_s % r->step_s;
    r->since_s = last > span ? last - span : 0;
}

/* ---- reading ------------------------------------------------------------------------------------- */

struct reading {
    struct stats_report *r;
    char session[64];
    bool found;
    int rc;
};

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct reading *g = arg;
    struct stats_report *r = g->r;
    struct stats_row row = {{0}};
    bool hour = false;
    uint64_t at_s = 0;
    if (++r->rows > STATS_MAX_ROWS) {
        return g->rc = E_LIMIT;
    }
    if (!stats_name_parse(path[2], &hour, &at_s) || at_s < r->since_s ||
        !stats_decode(v.data, v.len, &row)) {
        return 0;
    }
    uint64_t step = (at_s - r->since_s) / r->step_s;
    if (step < r->count) {
        stats_add(&r->steps[step], &row);
        stats_add(&r->total, &row);
    }
    return 0;
}

static int on_hour(void *arg, const char *const *path, struct store_value v)
{
    return path[2][0] != '1' ? 1 : on_row(arg, path, v);
}

static int read_session(struct reading *g, struct store_txn *t)
{
    char hour[STATS_NAME_LEN], fine[STATS_NAME_LEN];
    const char *tenant = g->r->tenant;
    stats_name(hour, true, g->r->since_s);
    stats_name(fine, false, g->r->since_s);
    int rc = store_scan_from(t, STORE_STATS, STORE_PATH(tenant, g->session),
                             STORE_PATH(tenant, g->session, hour), false, on_hour, g);
    return rc != 0 ? rc
                   : store_scan_from(t, STORE_STATS, STORE_PATH(tenant, g->session),
                                     STORE_PATH(tenant, g->session, fine), false, on_row, g);
}

static int on_first(void *arg, const char *const *path, struct store_value v)
{
    struct reading *g = arg;
    (void)v;
    (void)snprintf(g->session, sizeof(g->session), "%s", path[1]);
    g->found = true;
    return 1;
}

static bool sees(const struct stats_report *r, const char *session)
{
    if (strcmp(session, STATS_TENANT) == 0) {
        return r->all;
    }
    return r->session != NULL ? strcmp(session, r->session) == 0
                              : bridge_sees_session(r->who, session);
}

/* Session after session, each from the first row of the range on. */
static int read_rows(struct stats_report *r, struct store_txn *t)
{
    struct reading g = {.r = r};
    int rc = store_scan(t, STORE_STATS, STORE_PATH(r->tenant), NULL, on_first, &g);
    while (rc == 0 && g.found) {
        char session[64];
        memcpy(session, g.session, sizeof(session));
        rc = sees(r, session) ? read_session(&g, t) : 0;
        g.found = false;
        rc = rc != 0 ? rc
                     : store_scan_from(t, STORE_STATS, STORE_PATH(r->tenant),
                                       STORE_PATH(r->tenant, session, PAST), true, on_first, &g);
    }
    return rc;
}

struct queues {
    struct stats_report *r;
    struct store_txn *t;
};

static int on_session(void *arg, const char *const *path, struct store_value v)
{
    struct queues *q = arg;
    struct store_counts c;
    (void)v;
    if (!sees(q->r, path[1])) {
        return 0;
    }
    int rc = store_counts(q->t, path[0], path[1], &c);
    q->r->outbox += rc == 0 ? c.outbox : 0;
    return rc;
}

static int on_agent(void *arg, const char *const *path, struct store_value v)
{
    struct queues *q = arg;
    (void)v;
    q->r->agent += sees(q->r, path[1]);
    return q->r->agent == QUEUE_MAX;
}

int stats_report_read(struct stats_report *r, struct store_txn *t)
{
    struct queues q = {.r = r, .t = t};
    struct store_counts c;
    int rc = read_rows(r, t);
    rc = rc != 0 ? rc : store_counts(t, r->tenant, NULL, &c);
    if (rc != 0) {
        return rc;
    }
    r->deliveries = c.deliveries;
    r->dead_letters = c.dead_letters;
    if (r->all) {
        r->outbox = c.outbox;
    } else {
        rc = store_scan(t, STORE_SESSIONS, STORE_PATH(r->tenant), NULL, on_session, &q);
    }
    return rc != 0 ? rc
                   : store_scan(t, STORE_AGENT_QUEUE, STORE_PATH(r->tenant), NULL, on_agent, &q);
}

/* ---- the body ------------------------------------------------------------------------------------ */

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* Three digits are more than a histogram knows. */
static json_t *quantile(const struct stats_row *row, enum stats_field histogram, double part)
{
    double v = stats_quantile(row, histogram, part);
    return v < 0 ? json_null() : json_real((double)(int64_t)(v * 10 + 0.5) / 10);
}

static json_t *rate(uint64_t part, uint64_t of)
{
    return of == 0 ? json_null() : json_real((double)(int64_t)((double)part / (double)of * 10000 + 0.5) / 10000);
}

static int put_counts(json_t *o, const struct stats_row *row)
{
    static const char *const names[] = {[STATS_RECEIVED] = "received",
                                        [STATS_SENT] = "sent",
                                        [STATS_DELIVERED] = "delivered",
                                        [STATS_READ] = "read",
                                        [STATS_FAILED] = "failed"};
    int rc = o != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        rc = rc != 0 ? rc : body_set(o, names[i], number(row->v[i]));
    }
    return rc;
}

static json_t *webhooks(const struct stats_row *row)
{
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : body_set(o, "delivered", number(row->v[STATS_HOOK_DELIVERED]));
    rc = rc != 0 ? rc : body_set(o, "failed", number(row->v[STATS_HOOK_FAILED]));
    rc = rc != 0 ? rc : body_set(o, "dead", number(row->v[STATS_HOOK_DEAD]));
    rc = rc != 0 ? rc : body_set(o, "latency_p50_ms", quantile(row, STATS_LATENCY, 0.5));
    rc = rc != 0 ? rc : body_set(o, "latency_p90_ms", quantile(row, STATS_LATENCY, 0.9));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *response(const struct stats_row *row)
{
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : body_set(o, "count", number(stats_total(row, STATS_RESPONSE)));
    rc = rc != 0 ? rc : body_set(o, "median_s", quantile(row, STATS_RESPONSE, 0.5));
    rc = rc != 0 ? rc : body_set(o, "p90_s", quantile(row, STATS_RESPONSE, 0.9));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *totals(const struct stats_report *r)
{
    const struct stats_row *row = &r->total;
    json_t *o = json_object();
    int rc = put_counts(o, row);
    rc = rc != 0 ? rc : body_set(o, "delivery_rate", rate(row->v[STATS_DELIVERED], row->v[STATS_SENT]));
    rc = rc != 0 ? rc : body_set(o, "read_rate", rate(row->v[STATS_READ], row->v[STATS_SENT]));
    rc = rc != 0 ? rc : body_set(o, "response", response(row));
    rc = rc != 0 ? rc : body_set(o, "webhooks", r->all ? webhooks(row) : json_null());
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *step(const struct stats_report *r, unsigned i)
{
    const struct stats_row *row = &r->steps[i];
    const uint64_t delivered = row->v[STATS_HOOK_DELIVERED], failed = row->v[STATS_HOOK_FAILED];
    json_t *o = json_object();
    int rc = put_counts(o, row);
    rc = rc != 0 ? rc : json_set_time(o, "at", (r->since_s + i * r->step_s) * 1000);
    rc = rc != 0 ? rc : body_set(o, "response_median_s", quantile(row, STATS_RESPONSE, 0.5));
    rc = rc != 0 ? rc : body_set(o, "webhook_delivered", r->all ? number(delivered) : json_null());
    rc = rc != 0 ? rc : body_set(o, "webhook_failed", r->all ? number(failed) : json_null());
    rc = rc != 0 ? rc : body_set(o, "webhook_latency_p50_ms", quantile(row, STATS_LATENCY, 0.5));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *series(const struct stats_report *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; list != NULL && i < r->count; i++) {
        json_t *o = step(r, i);
        if (o == NULL || json_array_append_new(list, o) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *queues(const struct stats_report *r)
{
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : body_set(o, "outbox", number(r->outbox));
    rc = rc != 0 ? rc : body_set(o, "deliveries", r->all ? number(r->deliveries) : json_null());
    rc = rc != 0 ? rc : body_set(o, "dead_letters", r->all ? number(r->dead_letters) : json_null());
    rc = rc != 0 ? rc : body_set(o, "agent", number(r->agent));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *sessions(const struct stats_report *r)
{
    uint64_t all = 0;
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        all += r->status[i];
        rc = rc != 0 ? rc : body_set(o, session_status_name((enum session_status)i), number(r->status[i]));
    }
    rc = rc != 0 ? rc : body_set(o, "total", number(all));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *stats_report_body(const struct stats_report *r)
{
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : json_set_time(o, "since", r->since_s * 1000);
    rc = rc != 0 ? rc : json_set_time(o, "until", r->now_ms);
    rc = rc != 0 ? rc : body_set(o, "step_s", number(r->step_s));
    rc = rc != 0 ? rc : body_set(o, "totals", totals(r));
    rc = rc != 0 ? rc : body_set(o, "series", series(r));
    rc = rc != 0 ? rc : body_set(o, "queues", queues(r));
    rc = rc != 0 ? rc : body_set(o, "sessions", sessions(r));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
