/* Which pages may show the widget: origins, as a Content-Security-Policy names them. */
#include "widget.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

static int bad(struct err *e, const char *why)
{
    return err_set(e, E_INVALID, "%s", why);
}

/* Labels of letters, digits and hyphens with dots between. */
static bool is_host(const char *s, size_t len)
{
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool inner = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c == '.' || c == '-') {
            if (label == 0 || (c == '.' && s[i - 1] == '-')) {
                return false;
            }
        } else if (!inner) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0 && s[len - 1] != '-';
}

static bool is_loopback(const char *host, size_t len)
{
    return (len == 9 && memcmp(host, "localhost", 9) == 0) ||
           (len > 10 && memcmp(host + len - 10, ".localhost", 10) == 0) ||
           (len == 9 && memcmp(host, "127.0.0.1", 9) == 0);
}

static bool is_port(const char *s)
{
    size_t n = strspn(s, "0123456789");
    unsigned port = 0;
    for (size_t i = 0; i < n && n <= 5; i++) {
        port = port * 10 + (unsigned)(s[i] - '0');
    }
    return s[n] == '\0' && n >= 1 && n <= 5 && s[0] != '0' && port <= 65535;
}

static void lower(const char *text, char out[WIDGET_ORIGIN_LEN])
{
    size_t i = 0;
    for (; text[i] != '\0'; i++) {
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
    out[i] = '\0';
}

int origin_parse(const char *text, char out[WIDGET_ORIGIN_LEN], struct err *e)
{
    if (strlen(text) >= WIDGET_ORIGIN_LEN) {
        return bad(e, "an origin has at most 127 characters");
    }
    lower(text, out);
    bool tls = strncmp(out, "https://", 8) == 0;
    if (!tls && strncmp(out, "http://", 7) != 0) {
        return bad(e, "an origin is scheme, host and port only, such as https://erp.example.com");
    }
    char *host = out + (tls ? 8 : 7);
    size_t len = strcspn(host, ":/?#");
    bool wild = strncmp(host, "*.", 2) == 0;
    const char *name = wild ? host + 2 : host;
    size_t name_len = len - (size_t)(name - host);
    if (host[len] == '/' && host[len + 1] == '\0') {
        host[len] = '\0'; /* as it is often copied */
    }
    if (!is_host(name, name_len) || (host[len] != '\0' && host[len] != ':') ||
        (host[len] == ':' && !is_port(host + len + 1))) {
        return bad(e, "an origin is scheme, host and port only, such as https://erp.example.com");
    }
    if (wild && memchr(name, '.', name_len) == NULL) {
        return bad(e, "after *. an origin needs a name with a dot, such as https://*.example.com");
    }
    if (!tls && (wild || !is_loopback(host, len))) {
        return bad(e, "an origin must begin with https:// (http:// only for localhost)");
    }
    if (strcmp(host + len, tls ? ":443" : ":80") == 0) {
        host[len] = '\0';
    }
    return 0;
}

static bool has(const json_t *list, const char *origin)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), origin) == 0) {
            return true;
        }
    }
    return false;
}

static int take_origins(const json_t *given, json_t *list, struct err *e)
{
    char origin[WIDGET_ORIGIN_LEN], field[32];
    struct err why;
    if (!json_is_array(given) || json_array_size(given) > WIDGET_MAX_ORIGINS) {
        return err_field(e, NULL, "origins", "origins is a list of at most %d origins",
                         WIDGET_MAX_ORIGINS);
    }
    for (size_t i = 0; i < json_array_size(given); i++) {
        const char *text = json_string_value(json_array_get(given, i));
        err_clear(&why);
        if (origin_parse(text != NULL ? text : "", origin, &why) != 0) {
            (void)snprintf(field, sizeof(field), "origins[%zu]", i);
            return err_field(e, "invalid_origin", field, "%s", why.msg);
        }
        if (!has(list, origin) && json_array_append_new(list, json_string(origin)) != 0) {
            return err_set(e, E_NOMEM, "out of memory");
        }
    }
    return 0;
}

int widget_settings_check(const json_t *body, json_t **out, struct err *e)
{
    static const char *const fields[] = {"origins", NULL};
    const json_t *given = json_object_get(body, "origins");
    json_t *list = json_array();
    json_t *settings = json_pack("{s:o}", "origins", list); /* takes list, also when it fails */
    int rc = body_check(body, fields, e);
    if (rc == 0 && settings == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (rc == 0 && given == NULL) {
        rc = err_field(e, NULL, "origins", "origins is missing; [] shows the widget nowhere");
    }
    rc = rc != 0 ? rc : take_origins(given, list, e);
    if (rc != 0) {
        json_decref(settings);
        return rc;
    }
    *out = settings;
    return 0;
}

int tenant_take_widget(json_t *changes, const json_t *body, struct err *e)
{
    const json_t *given = json_object_get(body, "widget");
    json_t *settings = NULL;
    if (given == NULL) {
        return 0;
    }
    if (json_is_null(given)) {
        settings = json_pack("{s:[]}", "origins");
    } else if (widget_settings_check(given, &settings, e) != 0) {
        return e->code;
    }
    return body_set(changes, "widget", settings) != 0 ? err_set(e, E_NOMEM, "out of memory") : 0;
}

json_t *widget_settings_object(const json_t *tenant_record)
{
    json_t *stored = json_obj(tenant_record, "widget");
    return stored != NULL ? json_deep_copy(stored) : json_pack("{s:[]}", "origins");
}
