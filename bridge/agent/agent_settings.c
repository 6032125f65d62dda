#include "agent_settings.h"

#include "core_priv.h"
#include "http_rules.h"
#include "json.h"
#include "mem.h"
#include "webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_MAX 192
#define RETELL_URL "https://api.retellai.com"
#define OPENAI_URL "https://api.openai.com/v1"

/* ---- sealed parts ------------------------------------------------------------------------------
 */

static void place(char out[PLACE_MAX], const char *tenant, const char *session, const char *part)
{
    (void)snprintf(out, PLACE_MAX, "%.63s/agent/%.63s/%.32s", tenant, session, part);
}

int agent_seal(struct bridge *b, const char *tenant, const char *session, const char *part,
               const char *text, char **sealed, struct err *e)
{
    char where[PLACE_MAX];
    place(where, tenant, session, part);
    return store_seal(b->store, where, text, strlen(text), sealed, e);
}

int agent_unseal(struct bridge *b, const char *tenant, const char *session, const char *part,
                 const json_t *record, char **text, size_t *len, struct err *e)
{
    char where[PLACE_MAX];
    char *raw = NULL;
    size_t n = 0;
    const char *sealed = json_str(record, part);
    *text = NULL;
    *len = 0;
    if (sealed == NULL) {
        return 0;
    }
    place(where, tenant, session, part);
    int rc = store_unseal(b->store, where, sealed, &raw, &n, e);
    if (rc != 0) {
        return rc;
    }
    *text = mem_strndup(raw, n);
    *len = n;
    mem_wipe_free(raw, n);
    return *text != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

int agent_headers(struct bridge *b, const char *tenant, const char *session, const json_t *record,
                  json_t **headers, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    int rc = agent_unseal(b, tenant, session, "headers", record, &text, &len, e);
    if (rc != 0) {
        return rc;
    }
    *headers = text != NULL ? json_parse(text, len, STORE_MAX_VALUE, e) : json_object();
    mem_wipe_free(text, len);
    return *headers != NULL ? 0 : err_set(e, E_INTERNAL, "the agent's headers cannot be read");
}

/* ---- health ------------------------------------------------------------------------------------
 */

json_t *agent_health_json(const struct agent_health *h)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:s}", "failing", h->failing ? 1 : 0, "failures",
                     (json_int_t)h->failures, "success_ms", (json_int_t)h->success_ms, "alert_ms",
                     (json_int_t)h->alert_ms, "error", h->error);
}

void agent_health_read(const json_t *health, struct agent_health *out)
{
    memset(out, 0, sizeof(*out));
    out->failing = json_flag(health, "failing", false);
    out->failures = (uint32_t)json_int(health, "failures", 0);
    out->success_ms = (uint64_t)json_int(health, "success_ms", 0);
    out->alert_ms = (uint64_t)json_int(health, "alert_ms", 0);
    (void)snprintf(out->error, sizeof(out->error), "%s", json_str_or(health, "error", ""));
}

/* ---- the object --------------------------------------------------------------------------------
 */

static json_t *health_object(const struct agent_health *h)
{
    json_t *o = json_object();
    const char *state = h->failing || h->failures > 0 ? "failing" : "ok";
    if (json_set_str(o, "state", state) != 0 ||
        body_set(o, "consecutive_failures", json_integer((json_int_t)h->failures)) != 0 ||
        json_set_str(o, "last_error", h->error[0] != '\0' ? h->error : NULL) != 0 ||
        json_set_time(o, "last_success_at", h->success_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *agent_object(const json_t *record, const json_t *headers, const struct agent_health *h)
{
    static const char *const hidden[] = {"api_key",    "secret",     "headers",
                                         "created_ms", "updated_ms", NULL};
    static const char *const nullable[] = {"url",      "model",   "system_prompt",
                                           "agent_id", "apology", NULL};
    json_t *o = json_deep_copy(record);
    int rc = o != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; rc == 0 && hidden[i] != NULL; i++) {
        (void)json_object_del(o, hidden[i]);
    }
    for (size_t i = 0; rc == 0 && nullable[i] != NULL; i++) {
        if (json_object_get(o, nullable[i]) == NULL) {
            rc = body_set(o, nullable[i], json_null());
        }
    }
    rc = rc != 0 ? rc : body_set(o, "headers", webhook_masked(headers));
    rc = rc != 0 ? rc
                 : body_set(o, "api_key_set", json_boolean(json_str(record, "api_key") != NULL));
    rc = rc != 0 ? rc : body_set(o, "secret_set", json_boolean(json_str(record, "secret") != NULL));
    rc = rc != 0 ? rc : body_set(o, "health", health_object(h));
    rc = rc != 0 ? rc : json_set_time(o, "created_at", (uint64_t)json_int(record, "created_ms", 0));
    rc = rc != 0 ? rc : json_set_time(o, "updated_at", (uint64_t)json_int(record, "updated_ms", 0));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* ---- in use ------------------------------------------------------------------------------------
 */

static int add_header(struct agent_settings *s, const char *name, const char *value)
{
    /* libcurl wants "Name;" for an empty value. */
    char *line = value[0] != '\0' ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);
    struct curl_slist *list = line != NULL ? curl_slist_append(s->headers, line) : NULL;
    if (line != NULL) {
        mem_wipe_free(line, strlen(line));
    }
    if (list == NULL) {
        return E_NOMEM;
    }
    s->headers = list;
    return 0;
}

static int read_headers(struct bridge *b, const char *tenant, const char *session,
                        const json_t *record, struct agent_settings *s, struct err *e)
{
    json_t *headers = NULL;
    char *key = NULL;
    size_t len = 0;
    int rc = agent_headers(b, tenant, session, record, &headers, e);
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach(headers, name, v)
    {
        rc = rc != 0 ? rc : add_header(s, name, json_string_value(v));
    }
    json_decref(headers);
    rc = rc != 0 ? rc : agent_unseal(b, tenant, session, "api_key", record, &key, &len, e);
    if (rc == 0 && key != NULL) {
        char *value = mem_printf("Bearer %s", key);
        rc = value != NULL ? add_header(s, "Authorization", value) : E_NOMEM;
        mem_wipe_free(value, value != NULL ? strlen(value) : 0);
    }
    mem_wipe_free(key, len);
    return rc;
}

static int copy(char **to, const json_t *record, const char *name, const char *fallback)
{
    const char *s = json_str_or(record, name, fallback);
    *to = mem_strdup(s);
    return s == NULL || *to != NULL ? 0 : E_NOMEM;
}

int agent_settings_read(struct bridge *b, const char *tenant, const char *session,
                        const json_t *record, struct agent_settings *s, struct err *e)
{
    size_t len = 0;
    memset(s, 0, sizeof(*s));
    s->enabled = json_flag(record, "enabled", false);
    s->typing = json_flag(record, "typing", true);
    s->history_turns = (unsigned)json_int(record, "history_turns", 10);
    s->retries = (unsigned)json_int(record, "retries", 3);
    s->max_replies_per_hour = (unsigned)json_int(record, "max_replies_per_hour", 60);
    s->timeout_ms = (uint64_t)json_int(record, "timeout_ms", 30000);
    s->retry_delay_ms = (uint64_t)json_int(record, "retry_delay_ms", 1000);
    s->media_wait_ms = (uint64_t)json_int(record, "media_wait_ms", 10000);
    s->loop.replies = (unsigned)json_int(record, "loop_max_replies", 6);
    s->loop.window_ms = (uint64_t)json_int(record, "loop_window_s", 300) * 1000;
    s->keywords = json_incref(json_arr(record, "handover_keywords"));
    int rc = agent_kind_parse(json_str(record, "kind"), &s->kind)
                 ? 0
                 : err_set(e, E_INTERNAL, "the agent has no kind");
    const char *base = s->kind == AGENT_RETELL   ? RETELL_URL
                       : s->kind == AGENT_OPENAI ? OPENAI_URL
                                                 : NULL;
    rc = rc != 0 ? rc : copy(&s->url, record, "url", base);
    rc = rc != 0 ? rc : copy(&s->model, record, "model", NULL);
    rc = rc != 0 ? rc : copy(&s->system_prompt, record, "system_prompt", NULL);
    rc = rc != 0 ? rc : copy(&s->agent_id, record, "agent_id", NULL);
    rc = rc != 0 ? rc : copy(&s->apology, record, "apology", NULL);
    rc = rc != 0 ? rc : copy(&s->marker, record, "handover_marker", AGENT_MARKER);
    rc = rc != 0 ? rc : agent_unseal(b, tenant, session, "secret", record, &s->secret, &len, e);
    rc = rc != 0 ? rc : read_headers(b, tenant, session, record, s, e);
    if (rc == 0 && s->url == NULL) {
        rc = err_set(e, E_INTERNAL, "the agent has no url");
    }
    if (rc != 0) {
        agent_settings_finish(s);
        return rc == E_NOMEM ? err_set(e, rc, "out of memory") : rc;
    }
    return 0;
}

void agent_settings_finish(struct agent_settings *s)
{
    free(s->url);
    free(s->model);
    free(s->system_prompt);
    free(s->agent_id);
    free(s->apology);
    free(s->marker);
    http_headers_free(s->headers);
    if (s->secret != NULL) {
        mem_wipe_free(s->secret, strlen(s->secret));
    }
    json_decref(s->keywords);
    memset(s, 0, sizeof(*s));
}
