/*
 * The report: rows of a tenant's days added up by day, session, country or channel. On libuv's pool,
 * from a snapshot of its own: the rows of a big tenant's month take longer than a turn of the loop
 * may.
 */
#include "usage.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "report_job.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)

struct report {
    char since[ZONE_DATE_LEN], until[ZONE_DATE_LEN]; /* both inclusive */
    enum bridge_usage_group by;
    const struct bridge_principal *who; /* NULL: all sessions */
    const json_t *tariff;
    json_t *groups; /* by name */
    json_t *total;
    unsigned rows;
    int rc;
};

static int bump(json_t *o, const char *key, json_int_t by)
{
    return json_object_set_new(o, key, json_integer(json_int(o, key, 0) + by)) == 0 ? 0 : E_NOMEM;
}

static int add_row(json_t *o, const json_t *row, bool out, int64_t cost)
{
    const char *type;
    json_t *n;
    json_t *types = json_obj(o, out ? "types_out" : "types_in");
    int rc = types != NULL ? 0 : body_set(o, out ? "types_out" : "types_in", types = json_object());
    rc = rc != 0 ? rc : bump(o, out ? "messages_out" : "messages_in", json_int(row, "messages", 0));
    rc = rc != 0 ? rc : bump(o, out ? "media_bytes_out" : "media_bytes_in", json_int(row, "bytes", 0));
    rc = rc != 0 ? rc : bump(o, "cost", cost);
    json_object_foreach(json_obj(row, "types"), type, n)
    {
        rc = rc != 0 ? rc : bump(types, type, json_integer_value(n));
    }
    return rc;
}

static json_t *group_of(struct report *r, const char *name)
{
    json_t *o = json_obj(r->groups, name);
    if (o == NULL) {
        o = json_object();
        if (body_set(r->groups, name, o) != 0) {
            return NULL;
        }
    }
    return o;
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct report *r = arg;
    char channel[16] = "", way[8] = "", code[16] = "";
    if (strcmp(path[1], r->until) > 0) {
        return 1; /* "quota" too */
    }
    if (++r->rows > USAGE_MAX_ROWS) {
        return r->rc = E_LIMIT;
    }
    if (!bridge_sees_session(r->who, path[2]) ||
        sscanf(path[3], "%15[^.].%7[^.].%15s", channel, way, code) != 3) {
        return 0;
    }
    const char *names[] = {[BRIDGE_USAGE_DAY] = path[1],
                           [BRIDGE_USAGE_SESSION] = path[2],
                           [BRIDGE_USAGE_COUNTRY] = code,
                           [BRIDGE_USAGE_CHANNEL] = channel};
    json_t *row = record_parse(v, NULL);
    json_t *group = row != NULL ? group_of(r, names[r->by]) : NULL;
    bool out = strcmp(way, "out") == 0;
    int64_t cost = out ? json_int(row, "messages", 0) * tariff_rate(r->tariff, channel, code) : 0;
    r->rc = group == NULL ? E_NOMEM : add_row(group, row, out, cost);
    r->rc = r->rc != 0 ? r->rc : add_row(r->total, row, out, cost);
    json_decref(row);
    return r->rc;
}

/* The sums as they are shown: the cost as text, or null without a tariff. */
static int finish(const struct report *r, json_t *o)
{
    static const char *const numbers[] = {"messages_out", "messages_in", "media_bytes_out",
                                          "media_bytes_in"};
    static const char *const objects[] = {"types_out", "types_in"};
    char cost[TARIFF_TEXT];
    int rc = 0;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        rc = rc != 0 ? rc : bump(o, numbers[i], 0);
    }
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        if (rc == 0 && json_obj(o, objects[i]) == NULL) {
            rc = body_set(o, objects[i], json_object());
        }
    }
    tariff_text(json_int(o, "cost", 0), cost);
    return rc != 0 ? rc : json_set_str(o, "cost", r->tariff != NULL ? cost : NULL);
}

static json_t *items_of(const struct report *r)
{
    static const char *const words[] = {[BRIDGE_USAGE_DAY] = "day",
                                        [BRIDGE_USAGE_SESSION] = "session",
                                        [BRIDGE_USAGE_COUNTRY] = "country",
                                        [BRIDGE_USAGE_CHANNEL] = "channel"};
    json_t *items = json_array(), *o;
    const char *name;
    int rc = items != NULL ? 0 : E_NOMEM;
    json_object_foreach(r->groups, name, o)
    {
        rc = rc != 0 ? rc : body_set(o, words[r->by], json_string(name));
        rc = rc != 0 ? rc : finish(r, o);
        rc = rc == 0 && json_array_append(items, o) != 0 ? E_NOMEM : rc;
    }
    if (rc != 0) {
        json_decref(items);
        return NULL;
    }
    return items;
}

static json_t *body_of(struct bridge *b, struct store_txn *t, const char *tenant,
                       const json_t *record, const struct report *r, uint64_t now_ms)
{
    json_t *body = json_object();
    int rc = finish(r, r->total);
    rc = rc != 0 ? rc : json_set_str(body, "tenant", tenant);
    rc = rc != 0 ? rc : json_set_str(body, "time_zone", json_str_or(record, "time_zone", "UTC"));
    rc = rc != 0 ? rc : json_set_str(body, "since", r->since);
    rc = rc != 0 ? rc : json_set_str(body, "until", r->until);
    rc = rc != 0 ? rc : json_set_str(body, "currency", json_str(r->tariff, "currency"));
    rc = rc != 0 ? rc : body_set(body, "items", items_of(r));
    rc = rc != 0 ? rc : body_set(body, "total", json_incref(r->total));
    rc = rc != 0 ? rc : body_set(body, "quotas", quota_list(b, t, tenant, now_ms));
    if (rc != 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static int range_of(struct report *r, const struct zone *z, const struct bridge_usage_query *q,
                    uint64_t now_ms, struct err *e)
{
    uint64_t until = q->until_ms != 0 ? q->until_ms - 1 : now_ms;
    zone_date(z, until, r->until);
    if (q->since_ms != 0) {
        zone_date(z, q->since_ms, r->since);
    } else {
        zone_date(z, until, r->since);
        memcpy(r->since + 8, "01", 3); /* the month so far */
    }
    if (q->since_ms > until) {
        return err_field(e, NULL, "since", "since must be before until");
    }
    if (q->since_ms != 0 && until - q->since_ms > USAGE_MAX_DAYS * DAY_MS) {
        return err_field(e, "range_too_long", "since", "a report covers at most %d days",
                         USAGE_MAX_DAYS);
    }
    return 0;
}

static int read_rows(struct bridge *b, struct store_txn *t, const struct bridge_usage_query *q,
                     struct report *r, json_t **out, struct err *e)
{
    uint64_t now_ms = clock_wall_ms();
    int rc = tenant_check(t, q->tenant, e);
    json_t *record = rc == 0 ? usage_tenant(t, q->tenant) : NULL;
    r->tariff = json_obj(record, "tariff");
    rc = rc != 0 ? rc : range_of(r, usage_zone(record), q, now_ms, e);
    if (rc == 0) {
        (void)store_scan_from(t, STORE_USAGE, STORE_PATH(q->tenant),
                              STORE_PATH(q->tenant, r->since), false, on_row, r);
        rc = r->rc == E_LIMIT ? err_field(e, "range_too_long", "since",
                                          "the report would add up more than %d rows: ask for "
                                          "fewer days",
                                          USAGE_MAX_ROWS)
             : r->rc != 0     ? err_set(e, r->rc, "the counts could not be read")
                              : 0;
    }
    *out = rc == 0 ? body_of(b, t, q->tenant, record, r, now_ms) : NULL;
    json_decref(record);
    return rc == 0 && *out == NULL ? err_set(e, E_NOMEM, "out of memory") : rc;
}

/* ---- off the loop ------------------------------------------------------------------------------ */

struct usage_job {
    struct report_job job;       /* first */
    struct bridge_usage_query q; /* of what is below */
    char tenant[64];
    struct bridge_principal who;
};

static int read_all(struct report_job *job, struct store_txn *t, json_t **body, struct err *e)
{
    const struct usage_job *j = (const struct usage_job *)job;
    struct report r = {
        .by = j->q.by, .who = j->q.who, .groups = json_object(), .total = json_object()};
    int rc = r.groups != NULL && r.total != NULL ? read_rows(job->b, t, &j->q, &r, body, e)
                                                 : err_set(e, E_NOMEM, "out of memory");
    json_decref(r.groups);
    json_decref(r.total);
    return rc;
}

void bridge_usage(struct bridge *b, const struct bridge_usage_query *q, bridge_done_fn done,
                  void *arg)
{
    struct err e;
    struct usage_job *j = mem_calloc(1, sizeof(*j));
    if (j == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    memcpy(j->tenant, q->tenant, strnlen(q->tenant, sizeof(j->tenant) - 1));
    j->q = *q;
    j->q.tenant = j->tenant;
    if (q->who != NULL) {
        j->who = *q->who;
        j->q.who = &j->who;
    }
    report_job_start(&j->job, b, "the report", read_all, done, arg);
}
