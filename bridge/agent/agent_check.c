/* The body of an agent's PUT: every rule names its field. Pure. */
#include "agent_settings.h"

#include "core_priv.h"
#include "json.h"
#include "text.h"
#include "url_guard.h"
#include "webhook.h"

#include <stdio.h>
#include <string.h>

#define KEYWORDS_MAX 20
#define KEYWORD_MAX 100

static const struct {
    const char *name;
    int64_t min, max, fallback;
} numbers[] = {
    {"history_turns", 0, 50, 10},
    {"timeout_ms", 100, 120000, 30000},
    {"retries", 0, 10, 3},
    {"retry_delay_ms", 10, 60000, 1000},
    {"max_replies_per_hour", 1, 1000, 60},
    {"max_age_s", 1, 86400, 300},
    {"pause_on_human_ms", 0, 604800000, 0},
    {"loop_max_replies", 0, AGENT_LOOP_KEEP, 6},
    {"media_wait_ms", 0, 60000, 10000},
    {"loop_window_s", 1, 3600, 300},
};
static const struct {
    const char *name;
    bool fallback;
} flags[] = {
    {"enabled", true},           {"typing", true},
    {"reply_to_groups", false},  {"reply_to_status", false},
    {"reply_to_backlog", false},
};
static const struct {
    const char *name;
    size_t max;
    bool null; /* may be taken away with null */
} texts[] = {
    {"model", 200, true},    {"system_prompt", 32768, true},  {"agent_id", 200, true},
    {"apology", 4096, true}, {"handover_marker", 100, false}, {"api_key", 1024, true},
};

static int no_memory(struct err *e)
{
    return err_set(e, E_NOMEM, "out of memory");
}

static int take_numbers(json_t *out, const json_t *body, struct err *e)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const json_t *v = json_object_get(body, numbers[i].name);
        json_int_t n = json_integer_value(v);
        if (v == NULL) {
            continue;
        }
        if (!json_is_integer(v) || n < numbers[i].min || n > numbers[i].max) {
            return err_field(e, NULL, numbers[i].name, "%s must be %lld to %lld", numbers[i].name,
                             (long long)numbers[i].min, (long long)numbers[i].max);
        }
        if (body_set(out, numbers[i].name, json_integer(n)) != 0) {
            return no_memory(e);
        }
    }
    return 0;
}

static int take_flags(json_t *out, const json_t *body, struct err *e)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const json_t *v = json_object_get(body, flags[i].name);
        if (v != NULL && !json_is_boolean(v)) {
            return err_field(e, NULL, flags[i].name, "%s must be true or false", flags[i].name);
        }
        if (v != NULL && body_set(out, flags[i].name, json_boolean(json_is_true(v))) != 0) {
            return no_memory(e);
        }
    }
    return 0;
}

static int take_texts(json_t *out, const json_t *body, struct err *e)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *name = texts[i].name;
        const json_t *v = json_object_get(body, name);
        const char *s = json_string_value(v);
        if (v == NULL) {
            continue;
        }
        if (json_is_null(v) && texts[i].null) {
            if (body_set(out, name, json_null()) != 0) {
                return no_memory(e);
            }
            continue;
        }
        if (s == NULL || strlen(s) != json_string_length(v) || s[0] == '\0' ||
            strlen(s) > texts[i].max) {
            return err_field(e, NULL, name, "%s must be a text of 1 to %zu bytes%s", name,
                             texts[i].max, texts[i].null ? ", or null" : "");
        }
        if (json_set_str(out, name, s) != 0) {
            return no_memory(e);
        }
    }
    return 0;
}

/* It becomes a header. */
static int check_key(const json_t *out, struct err *e)
{
    const char *key = json_str_or(out, "api_key", "");
    for (const char *s = key; *s != '\0'; s++) {
        if (*s <= ' ' || *s >= 0x7F) {
            return err_field(e, NULL, "api_key", "api_key is printable ASCII without spaces");
        }
    }
    return 0;
}

static int take_secret(json_t *out, const json_t *body, struct err *e)
{
    const json_t *v = json_object_get(body, "secret");
    uint8_t key[SIGNATURE_KEY_MAX];
    size_t len = 0;
    if (v == NULL || json_is_null(v)) {
        return v == NULL || body_set(out, "secret", json_null()) == 0 ? 0 : no_memory(e);
    }
    const char *secret = json_string_value(v);
    int rc = signature_key(secret != NULL && strlen(secret) == json_string_length(v) ? secret : "",
                           key, &len, e);
    crypto_wipe(key, sizeof(key));
    return rc != 0 ? rc : json_set_str(out, "secret", secret) != 0 ? no_memory(e) : 0;
}

static int take_kind(json_t *out, const json_t *body, struct err *e)
{
    const json_t *v = json_object_get(body, "kind");
    enum agent_kind kind;
    if (v == NULL) {
        return 0;
    }
    if (!agent_kind_parse(json_string_value(v), &kind)) {
        return err_field(e, NULL, "kind", "kind must be http, retell or openai");
    }
    return json_set_str(out, "kind", agent_kind_name(kind)) == 0 ? 0 : no_memory(e);
}

static int take_url(json_t *out, const json_t *body, bool allow_private, struct err *e)
{
    const json_t *v = json_object_get(body, "url");
    struct url_target target = {0};
    if (v == NULL || json_is_null(v)) {
        return v == NULL || body_set(out, "url", json_null()) == 0 ? 0 : no_memory(e);
    }
    const char *url = json_string_value(v);
    int rc = url_guard(url != NULL && strlen(url) == json_string_length(v) ? url : "",
                       allow_private, &target, e);
    url_target_finish(&target);
    return rc != 0 ? rc : json_set_str(out, "url", url) != 0 ? no_memory(e) : 0;
}

static int take_keywords(json_t *out, const json_t *body, struct err *e)
{
    const json_t *list = json_object_get(body, "handover_keywords");
    size_t n = json_array_size(list);
    if (list == NULL) {
        return 0;
    }
    if (!json_is_array(list) || n > KEYWORDS_MAX) {
        return err_field(e, NULL, "handover_keywords",
                         "handover_keywords must be a list of at most %d texts", KEYWORDS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const char *s = json_string_value(v);
        if (s == NULL || s[0] == '\0' || strlen(s) != json_string_length(v) ||
            strlen(s) > KEYWORD_MAX) {
            char field[48];
            (void)snprintf(field, sizeof(field), "handover_keywords[%zu]", i);
            return err_field(e, NULL, field, "a keyword is a text of 1 to %d bytes", KEYWORD_MAX);
        }
    }
    return body_set(out, "handover_keywords", json_deep_copy(list)) == 0 ? 0 : no_memory(e);
}

int agent_check(const json_t *body, bool allow_private, json_t **changes, struct err *e)
{
    static const char *const fields[] = {"enabled",
                                         "kind",
                                         "url",
                                         "headers",
                                         "secret",
                                         "api_key",
                                         "model",
                                         "system_prompt",
                                         "agent_id",
                                         "history_turns",
                                         "timeout_ms",
                                         "retries",
                                         "retry_delay_ms",
                                         "typing",
                                         "apology",
                                         "reply_to_groups",
                                         "reply_to_status",
                                         "reply_to_backlog",
                                         "max_age_s",
                                         "max_replies_per_hour",
                                         "handover_keywords",
                                         "handover_marker",
                                         "pause_on_human_ms",
                                         "loop_max_replies",
                                         "loop_window_s",
                                         "media_wait_ms",
                                         NULL};
    int rc = body_check(body, fields, e);
    json_t *out = rc == 0 ? json_object() : NULL;
    if (rc == 0 && out == NULL) {
        rc = no_memory(e);
    }
    rc = rc != 0 ? rc : take_kind(out, body, e);
    rc = rc != 0 ? rc : take_url(out, body, allow_private, e);
    rc = rc != 0 ? rc : take_flags(out, body, e);
    rc = rc != 0 ? rc : take_numbers(out, body, e);
    rc = rc != 0 ? rc : take_texts(out, body, e);
    rc = rc != 0 ? rc : check_key(out, e);
    rc = rc != 0 ? rc : take_secret(out, body, e);
    rc = rc != 0 ? rc : webhook_take_headers(out, body, e);
    rc = rc != 0 ? rc : take_keywords(out, body, e);
    if (rc != 0) {
        json_decref(out);
        return rc;
    }
    *changes = out;
    return 0;
}

static int required(const json_t *record, const char *field, const char *why, struct err *e)
{
    return json_str(record, field) != NULL ? 0 : err_field(e, "required", field, "%s", why);
}

int agent_check_whole(const json_t *record, struct err *e)
{
    enum agent_kind kind;
    int rc = required(record, "kind", "an agent needs a kind: http, retell or openai", e);
    if (rc != 0 || !agent_kind_parse(json_str(record, "kind"), &kind)) {
        return rc;
    }
    switch (kind) {
    case AGENT_RETELL:
        rc = required(record, "agent_id", "a retell agent needs its agent_id", e);
        return rc != 0 ? rc : required(record, "api_key", "a retell agent needs an api_key", e);
    case AGENT_OPENAI:
        return required(record, "model", "an openai agent needs a model", e);
    case AGENT_HTTP:
        break;
    }
    return required(record, "url", "an http agent needs a url", e);
}

json_t *agent_defaults(void)
{
    json_t *o = json_object();
    int rc = o != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        rc = body_set(o, flags[i].name, json_boolean(flags[i].fallback));
    }
    for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        rc = body_set(o, numbers[i].name, json_integer(numbers[i].fallback));
    }
    rc = rc != 0 ? rc : body_set(o, "handover_keywords", json_array());
    rc = rc != 0 ? rc : json_set_str(o, "handover_marker", AGENT_MARKER);
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
