/*
 * Endpoints: webhooks as the relay uses them, kept from their first delivery on.
 *
 * Settings come from the store when they are first needed and again after each change (stale); the
 * object itself stays, because its jobs point to it. Health:
 *
 *   ok -> failing (1 failure) -> paused (pause_after_failures in a row) -> ok (a probe worked)
 *
 * Paused: one delivery at a time, not before probe_at_ms, with a delay that doubles.
 */
#include "relay_priv.h"

#include "clock.h"
#include "crypto.h"
#include "http_rules.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PROBE 4 /* the first probe waits as the retry after this many failures does */

static struct list *bucket_of(struct relay *r, const char *tenant, const char *webhook)
{
    return &r->endpoints[event_lane(tenant, webhook) % ENDPOINT_BUCKETS];
}

struct endpoint *endpoint_find(struct relay *r, const char *tenant, const char *webhook)
{
    LIST_FOREACH(bucket_of(r, tenant, webhook), it, next)
    {
        struct endpoint *ep = LIST_ENTRY(it, struct endpoint, link);
        if (strcmp(ep->webhook, webhook) == 0 && strcmp(ep->tenant, tenant) == 0) {
            return ep;
        }
    }
    return NULL;
}

struct endpoint *endpoint_get(struct relay *r, const char *tenant, const char *webhook)
{
    struct endpoint *ep = endpoint_find(r, tenant, webhook);
    if (ep != NULL) {
        return ep;
    }
    ep = mem_calloc(1, sizeof(*ep));
    if (ep == NULL) {
        return NULL;
    }
    (void)snprintf(ep->tenant, sizeof(ep->tenant), "%s", tenant);
    (void)snprintf(ep->webhook, sizeof(ep->webhook), "%s", webhook);
    ep->stale = true;
    list_init(&ep->jobs);
    list_append(bucket_of(r, tenant, webhook), &ep->link);
    return ep;
}

/* ---- hosts -------------------------------------------------------------------------------------
 */

static void host_leave(struct endpoint *ep)
{
    struct relay_host *h = ep->host;
    ep->host = NULL;
    if (h != NULL && --h->endpoints == 0 && h->active == 0) {
        list_remove(&h->link);
        free(h);
    }
}

void host_done(struct relay_host *h)
{
    if (--h->active == 0 && h->endpoints == 0) {
        list_remove(&h->link);
        free(h);
    }
}

static struct relay_host *host_join(struct relay *r, const char *origin)
{
    struct relay_host *h = NULL;
    LIST_FOREACH(&r->hosts, it, next)
    {
        struct relay_host *other = LIST_ENTRY(it, struct relay_host, link);
        if (strcmp(other->origin, origin) == 0) {
            h = other;
            break;
        }
    }
    if (h == NULL) {
        h = mem_calloc(1, sizeof(*h));
        if (h == NULL) {
            return NULL;
        }
        (void)snprintf(h->origin, sizeof(h->origin), "%s", origin);
        list_init(&h->ready);
        list_append(&r->hosts, &h->link);
    }
    h->endpoints++;
    return h;
}

/* ---- settings ----------------------------------------------------------------------------------
 */

static void settings_free(struct endpoint *ep)
{
    host_leave(ep);
    url_target_finish(&ep->target);
    mem_wipe_free(ep->secret, ep->secret_len);
    ep->secret = NULL;
    http_headers_free(ep->headers);
    ep->headers = NULL;
    ep->broken[0] = '\0';
}

static int set_headers(struct endpoint *ep, const json_t *headers)
{
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)headers, name, v)
    {
        const char *value = json_string_value(v);
        /* libcurl's way to send a header without a value is a semicolon */
        char *line = value != NULL && value[0] != '\0' ? mem_printf("%s: %s", name, value)
                                                       : mem_printf("%s;", name);
        struct curl_slist *list = line != NULL ? curl_slist_append(ep->headers, line) : NULL;
        free(line);
        if (list == NULL) {
            return E_NOMEM;
        }
        ep->headers = list;
    }
    return 0;
}

static int set_settings(struct relay *r, struct endpoint *ep, const json_t *record)
{
    struct err e;
    json_t *headers = NULL;
    err_clear(&e);
    ep->enabled = json_flag(record, "enabled", true);
    ep->retry = webhook_retry(record);
    if (!ep->health_loaded) {
        webhook_health_read(json_obj(record, "health"), &ep->health);
        ep->health_loaded = true;
    }
    int rc =
        webhook_secret(r->b, ep->tenant, ep->webhook, record, &ep->secret, &ep->secret_len, &e);
    rc = rc != 0 ? rc : webhook_headers(r->b, ep->tenant, ep->webhook, record, &headers, &e);
    rc = rc != 0
             ? rc
             : url_guard(json_str(record, "url"), r->b->cfg.relay.allow_private, &ep->target, &e);
    rc = rc != 0 ? rc : set_headers(ep, headers);
    json_decref(headers);
    if (rc == 0) {
        ep->host = host_join(r, ep->target.origin);
        rc = ep->host != NULL ? 0 : E_NOMEM;
    }
    if (rc != 0 && rc != E_NOMEM) {
        (void)snprintf(ep->broken, sizeof(ep->broken), "%.159s", e.msg);
        rc = 0;
    }
    return rc;
}

int endpoint_load(struct relay *r, struct endpoint *ep, struct store_txn *t)
{
    if (!ep->stale) {
        return 0;
    }
    struct store_value v;
    int rc = store_get(t, STORE_WEBHOOKS, STORE_PATH(ep->tenant, ep->webhook), &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    settings_free(ep);
    ep->known = rc == 0;
    if (ep->known) {
        json_t *record = record_parse(v, NULL);
        rc = record != NULL ? set_settings(r, ep, record) : E_INTERNAL;
        json_decref(record);
        if (rc != 0) {
            settings_free(ep);
            return rc;
        }
    }
    ep->stale = ep->gone = false;
    return 0;
}

void endpoint_forget(struct relay *r, struct endpoint *ep)
{
    ep->stale = true;
    /* What a person has just set gets a new chance; jobs under way keep what they were given. */
    memset(&ep->health, 0, sizeof(ep->health));
    ep->health_loaded = false;
    ep->probing = false;
    ep->probe_at_ms = 0;
    ep->hold_at_us = 0;
    jobs_drop_ready(r, ep);
}

void endpoint_drop(struct endpoint *ep)
{
    if (ep->job_count == 0) {
        settings_free(ep);
        list_remove(&ep->link);
        free(ep);
    }
}

void endpoints_free(struct relay *r)
{
    for (size_t i = 0; i < ENDPOINT_BUCKETS; i++) {
        LIST_FOREACH(&r->endpoints[i], it, next)
        {
            endpoint_drop(LIST_ENTRY(it, struct endpoint, link)); /* no job is left */
        }
    }
}

struct post_spec endpoint_spec(struct relay *r, struct endpoint *ep)
{
    return (struct post_spec){
        .target = &ep->target,
        .secret = ep->secret,
        .headers = ep->headers,
        .timeout_ms = r->b->cfg.relay.timeout_ms,
        .allow_private = r->b->cfg.relay.allow_private,
    };
}

void relay_each_endpoint(const struct relay *r,
                         bool (*fn)(void *arg, const struct endpoint_vitals *v), void *arg)
{
    for (size_t i = 0; i < ENDPOINT_BUCKETS; i++) {
        LIST_FOREACH(&r->endpoints[i], it, next)
        {
            const struct endpoint *ep = LIST_ENTRY(it, struct endpoint, link);
            struct endpoint_vitals v = {ep->tenant, ep->webhook, ep->health.error,
                                        ep->health.paused, ep->health.failures};
            if (ep->known && !ep->gone && !fn(arg, &v)) {
                return;
            }
        }
    }
}

/* ---- health ------------------------------------------------------------------------------------
 */

static enum job_alert failed(struct relay *r, struct endpoint *ep, const struct post_result *result)
{
    struct webhook_health *h = &ep->health;
    struct log_ctx ctx = {.tenant = ep->tenant};
    uint32_t random = 0;
    crypto_random(&random, sizeof(random));
    h->failures += h->failures < UINT32_MAX;
    (void)snprintf(h->error, sizeof(h->error), "%s", result->error);
    h->reason = result->reason;
    if (!h->paused && h->failures < r->b->cfg.relay.pause_after_failures) {
        return ALERT_NONE;
    }
    enum job_alert alert = h->paused ? ALERT_NONE : ALERT_FAILING;
    if (alert == ALERT_FAILING) {
        h->paused = true;
        h->probes = 0;
        log_warn(&ctx, "webhook.paused",
                 "webhook %s failed %u times in a row (%s): paused, probed "
                 "from time to time",
                 ep->webhook, (unsigned)h->failures, h->error);
        jobs_drop_ready(r, ep);
    } else {
        h->probes += h->probes < 1000;
    }
    ep->probing = false;
    ep->probe_at_ms = clock_wall_ms() + retry_delay(&ep->retry, FIRST_PROBE + h->probes, random);
    return alert;
}

enum job_alert endpoint_outcome(struct relay *r, struct endpoint *ep,
                                const struct post_result *result)
{
    struct webhook_health *h = &ep->health;
    uint64_t us = result->duration_us > 0 ? result->duration_us : 1;
    ep->pace_us = ep->pace_us == 0 ? us : (ep->pace_us * 7 + us) / 8;
    if (retry_verdict(result->status) != RETRY_DELIVERED) {
        return failed(r, ep, result);
    }
    bool was_paused = h->paused;
    memset(h, 0, sizeof(*h));
    h->success_ms = clock_wall_ms();
    ep->probing = false;
    if (!was_paused) {
        return ALERT_NONE;
    }
    log_info(&(struct log_ctx){.tenant = ep->tenant}, "webhook.recovered",
             "webhook %s answers again", ep->webhook);
    return ALERT_RECOVERED;
}
