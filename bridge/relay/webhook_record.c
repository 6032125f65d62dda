#include "webhook.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_MAX 160

json_t *webhook_defaults(void)
{
    return json_pack("{s:[s], s:[s], s:b, s:{s:i, s:i, s:i}}", "events", "*", "sessions", "*",
                     "enabled", 1, "retry", "max_age_s", RETRY_MAX_AGE_S, "initial_delay_ms",
                     RETRY_INITIAL_DELAY_MS, "max_delay_ms", RETRY_MAX_DELAY_MS);
}

struct retry_policy webhook_retry(const json_t *record)
{
    const json_t *retry = json_obj(record, "retry");
    return (struct retry_policy){
        .max_age_ms = (uint64_t)json_int(retry, "max_age_s", RETRY_MAX_AGE_S) * 1000,
        .initial_delay_ms = (uint64_t)json_int(retry, "initial_delay_ms", RETRY_INITIAL_DELAY_MS),
        .max_delay_ms = (uint64_t)json_int(retry, "max_delay_ms", RETRY_MAX_DELAY_MS),
    };
}

/* ---- sealed parts ------------------------------------------------------------------------------
 */

static void place(char out[PLACE_MAX], const char *tenant, const char *webhook, const char *part)
{
    (void)snprintf(out, PLACE_MAX, "%.63s/webhook/%.63s%s", tenant, webhook, part);
}

int webhook_seal_secret(struct bridge *b, const char *tenant, const char *webhook,
                        const char *secret, char **sealed, struct err *e)
{
    char where[PLACE_MAX];
    place(where, tenant, webhook, "");
    return store_seal(b->store, where, secret, strlen(secret), sealed, e);
}

int webhook_secret(struct bridge *b, const char *tenant, const char *webhook, const json_t *record,
                   char **secret, size_t *len, struct err *e)
{
    char where[PLACE_MAX];
    char *raw = NULL;
    size_t n = 0;
    place(where, tenant, webhook, "");
    const char *sealed = json_str(record, "secret");
    if (sealed == NULL) {
        return err_set(e, E_INTERNAL, "the webhook has no secret");
    }
    int rc = store_unseal(b->store, where, sealed, &raw, &n, e);
    if (rc != 0) {
        return rc;
    }
    char *text = mem_strndup(raw, n);
    mem_wipe_free(raw, n);
    if (text == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    *secret = text;
    *len = n;
    return 0;
}

int webhook_seal_headers(struct bridge *b, const char *tenant, const char *webhook,
                         const json_t *headers, char **sealed, struct err *e)
{
    char where[PLACE_MAX];
    size_t len = 0;
    place(where, tenant, webhook, "/headers");
    char *text = json_text(headers, &len);
    if (text == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = store_seal(b->store, where, text, len, sealed, e);
    mem_wipe_free(text, len);
    return rc;
}

int webhook_headers(struct bridge *b, const char *tenant, const char *webhook, const json_t *record,
                    json_t **headers, struct err *e)
{
    char where[PLACE_MAX];
    char *text = NULL;
    size_t len = 0;
    const char *sealed = json_str(record, "headers");
    if (sealed == NULL) {
        *headers = json_object();
        return *headers != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    place(where, tenant, webhook, "/headers");
    int rc = store_unseal(b->store, where, sealed, &text, &len, e);
    if (rc != 0) {
        return rc;
    }
    *headers = json_parse(text, len, STORE_MAX_VALUE, e);
    mem_wipe_free(text, len);
    return *headers != NULL ? 0 : E_INTERNAL;
}

/* ---- health ------------------------------------------------------------------------------------
 */

json_t *webhook_health_json(const struct webhook_health *h)
{
    const char *reason = relay_reason_word(h->reason);
    return json_pack("{s:b, s:I, s:I, s:I, s:s, s:s*}", "paused", h->paused ? 1 : 0, "failures",
                     (json_int_t)h->failures, "probes", (json_int_t)h->probes, "success_ms",
                     (json_int_t)h->success_ms, "error", h->error, "reason", reason);
}

void webhook_health_read(const json_t *health, struct webhook_health *out)
{
    memset(out, 0, sizeof(*out));
    out->paused = json_flag(health, "paused", false);
    out->failures = (uint32_t)json_int(health, "failures", 0);
    out->probes = (uint32_t)json_int(health, "probes", 0);
    out->success_ms = (uint64_t)json_int(health, "success_ms", 0);
    (void)snprintf(out->error, sizeof(out->error), "%s", json_str_or(health, "error", ""));
    out->reason = relay_reason_parse(json_str(health, "reason"));
}

static json_t *health_object(const json_t *stored)
{
    struct webhook_health h;
    webhook_health_read(stored, &h);
    int64_t pace_us = json_int(stored, "pace_us", 0);
    json_t *o = json_object();
    if (o == NULL ||
        json_set_str(o, "state",
                     h.paused         ? "paused"
                     : h.failures > 0 ? "failing"
                                      : "ok") != 0 ||
        body_set(o, "consecutive_failures", json_integer((json_int_t)h.failures)) != 0 ||
        json_set_str(o, "last_error", h.error[0] != '\0' ? h.error : NULL) != 0 ||
        json_set_str(o, "last_reason", relay_reason_word(h.reason)) != 0 ||
        json_set_time(o, "last_success_at", h.success_ms) != 0 ||
        json_set_time(o, "next_probe_at",
                      h.paused ? (uint64_t)json_int(stored, "probe_ms", 0) : 0) != 0 ||
        body_set(o, "latency_ms", pace_us > 0 ? json_real((double)pace_us / 1000) : json_null()) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* ---- the object --------------------------------------------------------------------------------
 */

json_t *webhook_masked(const json_t *headers)
{
    json_t *out = json_object();
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)headers, name, v)
    {
        const char *value = webhook_header_secret(name) ? WEBHOOK_MASK : json_string_value(v);
        if (out == NULL || json_set_str(out, name, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *webhook_object(const char *webhook, const json_t *record, const json_t *headers,
                       const json_t *health)
{
    static const char *const copied[] = {"events", "sessions", "enabled", "retry", NULL};
    json_t *o = json_object();
    int rc = o == NULL ? E_NOMEM : json_set_str(o, "id", webhook);
    rc = rc != 0 ? rc : json_set_str(o, "url", json_str(record, "url"));
    for (size_t i = 0; copied[i] != NULL && rc == 0; i++) {
        rc = body_set(o, copied[i], json_deep_copy(json_object_get(record, copied[i])));
    }
    rc = rc != 0 ? rc : body_set(o, "headers", webhook_masked(headers));
    rc = rc != 0 ? rc
                 : body_set(o, "health",
                            health_object(health != NULL ? health : json_obj(record, "health")));
    rc = rc != 0 ? rc : json_set_time(o, "created_at", (uint64_t)json_int(record, "created_ms", 0));
    rc = rc != 0 ? rc : json_set_time(o, "updated_at", (uint64_t)json_int(record, "updated_ms", 0));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
