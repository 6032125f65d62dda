/* The body of a webhook's PUT: every rule names its field. Pure. */
#include "webhook.h"

#include "core_priv.h"
#include "json.h"
#include "signature.h"
#include "text.h"
#include "url_guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_PATTERN 64
#define MAX_HEADER_NAME 64
#define MAX_HEADER_VALUE 1024
#define MAX_AGE_S 604800
#define MIN_DELAY_MS 10

/* ---- events and sessions -----------------------------------------------------------------------
 */

static const char *const families[] = {"session", "message",  "chat",  "contact", "group",
                                       "call",    "campaign", "agent", "alert",   "webhook", NULL};

bool webhook_pattern_valid(const char *pattern)
{
    size_t len = strlen(pattern);
    if (len == 0 || len > MAX_PATTERN ||
        strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789_.*") != len) {
        return false;
    }
    if (pattern[0] == '.' || pattern[len - 1] == '.' || strstr(pattern, "..") != NULL) {
        return false;
    }
    size_t head = strcspn(pattern, ".");
    if (memchr(pattern, '*', head) != NULL) {
        return true;
    }
    for (size_t i = 0; families[i] != NULL; i++) {
        if (strlen(families[i]) == head && memcmp(families[i], pattern, head) == 0) {
            return pattern[head] == '.'; /* "message" alone matches nothing */
        }
    }
    return false;
}

static bool session_pattern_valid(const char *pattern)
{
    size_t len = strlen(pattern);
    return len > 0 && len <= 63 &&
           strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789_-*") == len;
}

static int take_patterns(json_t *changes, const json_t *body, const char *key, size_t max,
                         bool (*valid)(const char *), const char *what, struct err *e)
{
    const json_t *list = json_object_get(body, key);
    if (list == NULL) {
        return 0;
    }
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > max) {
        return err_field(e, NULL, key, "%s must be a list of 1 to %zu patterns", key, max);
    }
    for (size_t i = 0; i < n; i++) {
        const char *pattern = json_string_value(json_array_get(list, i));
        if (pattern == NULL || !valid(pattern)) {
            char field[32];
            (void)snprintf(field, sizeof(field), "%s[%zu]", key, i);
            return err_field(e, "invalid_pattern", field, "%s", what);
        }
    }
    return body_set(changes, key, json_deep_copy(list)) != 0 ? err_set(e, E_NOMEM, "out of memory")
                                                             : 0;
}

/* ---- headers -----------------------------------------------------------------------------------
 */

static bool is_token(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= MAX_HEADER_NAME &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                     "!#$%&'*+-.^_`|~") == len;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"content-type",
                                       "content-length",
                                       "user-agent",
                                       "host",
                                       "connection",
                                       "expect",
                                       "keep-alive",
                                       "accept-encoding",
                                       "te",
                                       "trailer",
                                       "upgrade",
                                       "transfer-encoding",
                                       "x-hub-signature-256",
                                       "proxy-connection",
                                       NULL};
    for (size_t i = 0; ours[i] != NULL; i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return strncasecmp(name, "webhook-", 8) == 0;
}

static int check_header(const json_t *headers, const char *name, const json_t *v, struct err *e)
{
    char field[48];
    (void)snprintf(field, sizeof(field), "headers.%.36s", is_token(name) ? name : "?");
    if (!is_token(name)) {
        return err_field(e, NULL, field, "a header's name is letters, digits and dashes");
    }
    if (is_ours(name)) {
        return err_field(e, NULL, field, "this header is set by the relay");
    }
    const char *value = json_string_value(v);
    size_t len = value != NULL ? strlen(value) : 0;
    if (value == NULL || len != json_string_length(v) || len > MAX_HEADER_VALUE) {
        return err_field(e, NULL, field, "a header's value is a text of at most %d characters",
                         MAX_HEADER_VALUE);
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c < ' ' || c >= 0x7F) {
            return err_field(e, NULL, field, "a header's value is printable ASCII in one line");
        }
    }
    const char *other = NULL;
    json_t *ignored = NULL;
    json_object_foreach((json_t *)(uintptr_t)headers, other, ignored)
    {
        if (strcmp(other, name) != 0 && strcasecmp(other, name) == 0) {
            return err_field(e, NULL, field, "this header is there twice");
        }
    }
    return 0;
}

int webhook_take_headers(json_t *changes, const json_t *body, struct err *e)
{
    json_t *headers = json_object_get(body, "headers");
    if (headers == NULL) {
        return 0;
    }
    if (!json_is_object(headers) || json_object_size(headers) > WEBHOOK_MAX_HEADERS) {
        return err_field(e, NULL, "headers", "headers must be an object of at most %d texts",
                         WEBHOOK_MAX_HEADERS);
    }
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach(headers, name, v)
    {
        int rc = check_header(headers, name, v, e);
        if (rc != 0) {
            return rc;
        }
    }
    return body_set(changes, "headers", json_deep_copy(headers)) != 0
               ? err_set(e, E_NOMEM, "out of memory")
               : 0;
}

bool webhook_header_secret(const char *name)
{
    static const char *const hints[] = {"auth",  "token",  "key",       "secret",
                                        "passw", "cookie", "signature", NULL};
    for (size_t i = 0; hints[i] != NULL; i++) {
        if (strcasestr(name, hints[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

static int take_number(json_t *out, const json_t *retry, const char *key, int64_t min, int64_t max,
                       int64_t fallback, struct err *e)
{
    const json_t *v = json_object_get(retry, key);
    int64_t n = v != NULL ? json_integer_value(v) : fallback;
    if ((v != NULL && !json_is_integer(v)) || n < min || n > max) {
        char field[48];
        (void)snprintf(field, sizeof(field), "retry.%s", key);
        return err_field(e, NULL, field, "%s must be %lld to %lld", key, (long long)min,
                         (long long)max);
    }
    return body_set(out, key, json_integer(n)) != 0 ? err_set(e, E_NOMEM, "out of memory") : 0;
}

static int take_retry(json_t *changes, const json_t *body, struct err *e)
{
    static const char *const fields[] = {"max_age_s", "initial_delay_ms", "max_delay_ms", NULL};
    const json_t *retry = json_object_get(body, "retry");
    if (retry == NULL) {
        return 0;
    }
    if (!json_is_object(retry)) {
        return err_field(e, NULL, "retry", "retry must be an object");
    }
    if (body_check(retry, fields, e) != 0) {
        char name[48];
        (void)snprintf(name, sizeof(name), "retry.%.40s", e != NULL ? e->field : "");
        return err_field(e, "unknown_field", name, "no such field: %s", name);
    }
    json_t *out = json_object();
    int rc = out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : take_number(out, retry, "max_age_s", 1, MAX_AGE_S, RETRY_MAX_AGE_S, e);
    rc = rc != 0 ? rc
                 : take_number(out, retry, "initial_delay_ms", MIN_DELAY_MS, WEBHOOK_MAX_DELAY_MS,
                               RETRY_INITIAL_DELAY_MS, e);
    rc = rc != 0 ? rc
                 : take_number(out, retry, "max_delay_ms", json_int(out, "initial_delay_ms", 0),
                               WEBHOOK_MAX_DELAY_MS, RETRY_MAX_DELAY_MS, e);
    if (rc != 0 || json_object_set(changes, "retry", out) != 0) {
        rc = rc != 0 ? rc : err_set(e, E_NOMEM, "out of memory");
    }
    json_decref(out);
    return rc;
}

static int take_url(json_t *changes, const json_t *body, bool allow_private, struct err *e)
{
    const json_t *v = json_object_get(body, "url");
    if (v == NULL) {
        return 0;
    }
    struct url_target target = {0};
    const char *url = json_string_value(v);
    int rc = url_guard(url != NULL && strlen(url) == json_string_length(v) ? url : "",
                       allow_private, &target, e);
    url_target_finish(&target);
    return rc != 0 ? rc : json_set_str(changes, "url", url) != 0 ? E_NOMEM : 0;
}

static int take_secret(json_t *changes, const json_t *body, struct err *e)
{
    const json_t *v = json_object_get(body, "secret");
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    uint8_t key[SIGNATURE_KEY_MAX];
    size_t len = 0;
    const char *secret = json_string_value(v);
    int rc = signature_key(secret != NULL && strlen(secret) == json_string_length(v) ? secret : "",
                           key, &len, e);
    crypto_wipe(key, sizeof(key));
    return rc != 0 ? rc : json_set_str(changes, "secret", secret) != 0 ? E_NOMEM : 0;
}

static int take_enabled(json_t *changes, const json_t *body, struct err *e)
{
    const json_t *v = json_object_get(body, "enabled");
    if (v == NULL) {
        return 0;
    }
    if (!json_is_boolean(v)) {
        return err_field(e, NULL, "enabled", "enabled must be true or false");
    }
    return body_set(changes, "enabled", json_boolean(json_is_true(v)));
}

int webhook_check(const json_t *body, bool allow_private, json_t **changes, struct err *e)
{
    static const char *const fields[] = {"url",    "events",  "sessions", "headers",
                                         "secret", "enabled", "retry",    NULL};
    int rc = body_check(body, fields, e);
    json_t *out = rc == 0 ? json_object() : NULL;
    if (rc == 0 && out == NULL) {
        rc = E_NOMEM;
    }
    rc = rc != 0 ? rc : take_url(out, body, allow_private, e);
    rc = rc != 0 ? rc
                 : take_patterns(out, body, "events", WEBHOOK_MAX_EVENTS, webhook_pattern_valid,
                                 "a pattern is *, a family such as message.* (session, message, "
                                 "chat, contact, group, call, campaign, agent, alert, webhook) or one "
                                 "type such as message.received",
                                 e);
    rc = rc != 0 ? rc
                 : take_patterns(out, body, "sessions", WEBHOOK_MAX_SESSIONS, session_pattern_valid,
                                 "a session's name, or a part of it with *", e);
    rc = rc != 0 ? rc : webhook_take_headers(out, body, e);
    rc = rc != 0 ? rc : take_secret(out, body, e);
    rc = rc != 0 ? rc : take_enabled(out, body, e);
    rc = rc != 0 ? rc : take_retry(out, body, e);
    if (rc != 0) {
        json_decref(out);
        return rc == E_NOMEM ? err_set(e, rc, "out of memory") : rc;
    }
    *changes = out;
    return 0;
}
