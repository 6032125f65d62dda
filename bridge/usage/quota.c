/*
 * Sends a day and a month, in the tenant's time zone. One row holds both counters and which day and
 * month they are of: it begins anew with the first send of a later day. A clock (or the end of summer
 * time) that goes back to an earlier day begins nothing anew, unless it goes back by days: then it was
 * wrong before, and nobody is to wait until that day has come.
 */
#include "usage.h"

#include "json.h"
#include "media.h"
#include "sessions.h"

#include <stdio.h>
#include <string.h>

#define UNLIMITED UINT64_MAX
#define WRONG_CLOCK_MS (2 * UINT64_C(86400000))

struct counters {
    char day[ZONE_DATE_LEN], month[ZONE_DATE_LEN];
    uint64_t sends_day, sends_month;
};

json_t *usage_tenant(struct store_txn *t, const char *tenant)
{
    struct store_value v;
    return store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) == 0 ? record_parse(v, NULL) : NULL;
}

const struct zone *usage_zone(const json_t *tenant_record)
{
    const struct zone *z = zone_get(json_str(tenant_record, "time_zone"));
    return z != NULL ? z : zone_get(NULL);
}

static uint64_t limit_of(const json_t *tenant_record, const char *name)
{
    int64_t n = json_int(json_obj(tenant_record, "limits"), name, -1);
    return n < 0 ? UNLIMITED : (uint64_t)n;
}

static uint64_t count_in(const json_t *o, const char *name)
{
    int64_t n = json_int(o, name, 0);
    return n > 0 ? (uint64_t)n : 0;
}

static int load(struct store_txn *t, const char *tenant, const struct zone *z, uint64_t now_ms,
                struct counters *c)
{
    struct store_value v;
    char day[ZONE_DATE_LEN], latest[ZONE_DATE_LEN];
    zone_date(z, now_ms, day);
    zone_date(z, now_ms + WRONG_CLOCK_MS, latest);
    memset(c, 0, sizeof(*c));
    int rc = store_get(t, STORE_USAGE, STORE_PATH(tenant, "quota", "-", "sends"), &v);
    json_t *o = rc == 0 ? record_parse(v, NULL) : NULL;
    const char *old_day = json_str_or(o, "day", ""), *old_month = json_str_or(o, "month", "");
    if (strcmp(old_day, day) >= 0 && strcmp(old_day, latest) <= 0) {
        (void)snprintf(c->day, sizeof(c->day), "%s", old_day);
        c->sends_day = count_in(o, "sends_day");
    } else {
        memcpy(c->day, day, sizeof(day));
    }
    day[7] = latest[7] = '\0'; /* 2026-11 */
    if (strcmp(old_month, day) >= 0 && strcmp(old_month, latest) <= 0) {
        (void)snprintf(c->month, sizeof(c->month), "%s", old_month);
        c->sends_month = count_in(o, "sends_month");
    } else {
        memcpy(c->month, day, sizeof(day));
    }
    json_decref(o);
    return rc == E_NOTFOUND ? 0 : rc;
}

static int exceeded(struct err *e, const char *tenant, uint64_t limit, const char *period,
                    uint64_t end_ms, uint64_t now_ms)
{
    uint64_t wait = end_ms > now_ms ? (end_ms - now_ms + 999) / 1000 : 1;
    int rc = err_word(e, E_LIMIT, "quota_exceeded",
                      "tenant %.63s has sent its %llu messages of this %s; the next one begins in "
                      "%llu s, or an administrator raises limits.sends_per_%s",
                      tenant, (unsigned long long)limit, period, (unsigned long long)wait, period);
    if (e != NULL) {
        e->retry_after_s = (unsigned)wait;
    }
    return rc;
}

static int check(const json_t *record, const char *tenant, const struct zone *z,
                 const struct counters *c, uint64_t now_ms, struct err *e)
{
    uint64_t day = limit_of(record, "sends_per_day"), month = limit_of(record, "sends_per_month");
    if (c->sends_month >= month) {
        return exceeded(e, tenant, month, "month", zone_month_end(z, now_ms), now_ms);
    }
    if (c->sends_day >= day) {
        return exceeded(e, tenant, day, "day", zone_day_end(z, now_ms), now_ms);
    }
    return 0;
}

static int check_send(struct store_txn *t, const char *tenant, uint64_t now_ms, struct counters *c,
                      struct err *e)
{
    json_t *record = usage_tenant(t, tenant);
    const struct zone *z = usage_zone(record);
    int rc = load(t, tenant, z, now_ms, c);
    rc = rc != 0 ? rc : check(record, tenant, z, c, now_ms, e);
    json_decref(record);
    return rc;
}

int quota_check_send(struct store_txn *t, const char *tenant, uint64_t now_ms, struct err *e)
{
    struct counters c;
    return check_send(t, tenant, now_ms, &c, e);
}

int quota_take_send(struct store_txn *t, const char *tenant, uint64_t now_ms, bool anyway,
                    struct err *e)
{
    struct counters c;
    char text[160];
    int rc = check_send(t, tenant, now_ms, &c, anyway ? NULL : e);
    if (rc == E_LIMIT && anyway) {
        rc = 0;
    }
    if (rc != 0) {
        return rc;
    }
    int n = snprintf(text, sizeof(text),
                     "{\"day\":\"%s\",\"sends_day\":%llu,\"month\":\"%s\",\"sends_month\":%llu}",
                     c.day, (unsigned long long)c.sends_day + 1, c.month,
                     (unsigned long long)c.sends_month + 1);
    return store_put(t, STORE_USAGE, STORE_PATH(tenant, "quota", "-", "sends"), text, (size_t)n);
}

int quota_check_session(struct bridge *b, const char *tenant, uint64_t count, struct err *e)
{
    uint64_t most = bridge_tenant_limit(b, tenant, "max_sessions", UNLIMITED);
    if (count < most) {
        return 0;
    }
    return err_word(e, E_LIMIT, "quota_exceeded",
                    "tenant %.63s may have %llu sessions: delete one, or an administrator raises "
                    "limits.max_sessions",
                    tenant, (unsigned long long)most);
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static int add(json_t *list, const char *name, uint64_t limit, uint64_t used, uint64_t resets_ms)
{
    json_t *o = json_object();
    int rc = body_set(o, "name", json_string(name));
    rc = rc != 0 ? rc
                 : body_set(o, "limit",
                            limit == UNLIMITED ? json_null() : json_integer((json_int_t)limit));
    rc = rc != 0 ? rc : body_set(o, "used", json_integer((json_int_t)used));
    rc = rc != 0 ? rc : json_set_time(o, "resets_at", resets_ms);
    if (rc != 0) {
        json_decref(o);
        return rc;
    }
    return json_array_append_new(list, o);
}

static int on_counted(void *arg, const char *const *path, struct store_value v)
{
    (void)path;
    (void)v;
    ++*(uint64_t *)arg;
    return 0;
}

json_t *quota_list(struct bridge *b, struct store_txn *t, const char *tenant, uint64_t now_ms)
{
    struct counters c;
    uint64_t sessions = 0, webhooks = 0, media_bytes = 0;
    json_t *record = usage_tenant(t, tenant), *list = json_array();
    const struct zone *z = usage_zone(record);
    uint64_t most_webhooks = limit_of(record, "max_webhooks");
    int rc = list != NULL ? load(t, tenant, z, now_ms, &c) : E_NOMEM;
    rc = rc != 0 ? rc
                 : store_scan(t, STORE_SESSIONS, STORE_PATH(tenant), NULL, on_counted, &sessions);
    rc = rc != 0 ? rc
                 : store_scan(t, STORE_WEBHOOKS, STORE_PATH(tenant), NULL, on_counted, &webhooks);
    rc = rc != 0 ? rc
                 : add(list, "sends_per_day", limit_of(record, "sends_per_day"), c.sends_day,
                       zone_day_end(z, now_ms));
    rc = rc != 0 ? rc
                 : add(list, "sends_per_month", limit_of(record, "sends_per_month"), c.sends_month,
                       zone_month_end(z, now_ms));
    rc = rc != 0 ? rc : add(list, "max_sessions", limit_of(record, "max_sessions"), sessions, 0);
    rc = rc != 0 ? rc
                 : add(list, "max_webhooks",
                       most_webhooks == UNLIMITED ? b->cfg.relay.max_webhooks : most_webhooks,
                       webhooks, 0);
    rc = rc != 0 ? rc : media_total(t, tenant, &media_bytes);
    rc = rc != 0 ? rc
                 : add(list, "max_media_bytes", limit_of(record, "max_media_bytes"), media_bytes, 0);
    json_decref(record);
    if (rc != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}
