/*
 * What a key's record grants, what a body asks for, and whether its maker may give that.
 *
 * In a record: scopes (words) or role, sessions (patterns as one text), expires_ms; each may be
 * absent: all scopes, all sessions, no end.
 */
#include "access.h"

#include "clock.h"
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 100 /* characters */

void rights_of_record(const json_t *record, struct rights *out)
{
    memset(out, 0, sizeof(*out));
    const char *role = json_str(record, "role");
    const json_t *scopes = json_object_get(record, "scopes");
    if (role != NULL) {
        out->scopes = bridge_role_bits(role);
    } else if (scopes == NULL) {
        out->scopes = BRIDGE_ALL_SCOPES;
    } else if (scopes_parse(scopes, &out->scopes, NULL) != 0) {
        out->scopes = 0;
    }
    (void)snprintf(out->sessions, sizeof(out->sessions), "%s",
                   json_str_or(record, "sessions", "*"));
    int64_t expires = json_int(record, "expires_ms", 0);
    out->expires_ms = expires > 0 ? (uint64_t)expires : 0;
}

static int too_much(struct err *e, const char *field, const char *what)
{
    int rc = err_word(e, E_FORBIDDEN, "forbidden",
                      "a key cannot give what it does not have itself: %s", what);
    if (e != NULL) {
        (void)snprintf(e->field, sizeof(e->field), "%s", field);
    }
    return rc;
}

int rights_check(const struct rights *r, const struct bridge_principal *who, struct err *e)
{
    if (who == NULL || who->admin) {
        return 0;
    }
    if ((r->scopes & ~who->scopes) != 0) {
        return too_much(e, "scopes", "one of these scopes");
    }
    if (!patterns_within(r->sessions, who->sessions)) {
        return too_much(e, "sessions", "sessions outside its own patterns");
    }
    if (who->gives_until_ms != 0 &&
        (r->expires_ms == 0 || r->expires_ms > who->gives_until_ms)) {
        return too_much(e, "expires_at", "it expires before");
    }
    return 0;
}

/* ---- a body ------------------------------------------------------------------------------------
 */

static int take_name(json_t *changes, const json_t *v, struct err *e)
{
    const char *name = json_string_value(v);
    if (v == NULL) {
        return 0;
    }
    if (name == NULL || text_utf8_count(name, strlen(name)) > MAX_NAME) {
        return err_field(e, NULL, "name", "name must be a text of at most %d characters", MAX_NAME);
    }
    return json_set_str(changes, "name", name);
}

static int take_scopes(json_t *changes, const json_t *role, const json_t *list, bool admin,
                       struct err *e)
{
    uint32_t bits = 0;
    if (role != NULL && !json_is_null(role)) {
        const char *name = json_string_value(role);
        if (list != NULL) {
            return err_field(e, NULL, "role", "give role or scopes, not both");
        }
        if (admin || name == NULL || bridge_role_bits(name) == 0) {
            return err_field(e, "unknown_role", "role",
                             admin ? "an admin key has no role: it may do everything"
                                   : "role must be admin, operator, agent or viewer");
        }
        int rc = json_set_str(changes, "role", name);
        return rc != 0 ? rc : json_set_str(changes, "scopes", NULL);
    }
    if (list == NULL) {
        return 0;
    }
    int rc = scopes_parse(list, &bits, e);
    if (rc == 0 && admin && bits != BRIDGE_ALL_SCOPES && bits != BRIDGE_METRICS_READ) {
        rc = err_field(e, "unsupported_scope", "scopes",
                       "an admin key may do everything, or metrics:read alone; a key of a tenant "
                       "can have other scopes");
    }
    if (rc == 0 && !admin && bits != BRIDGE_ALL_SCOPES && (bits & BRIDGE_METRICS_READ) != 0) {
        rc = err_field(e, "unsupported_scope", "scopes",
                       "metrics:read shows every tenant's numbers: it is for keys of POST /v1/keys");
    }
    rc = rc != 0 ? rc : body_set(changes, "scopes", scopes_json(bits));
    return rc != 0 ? rc : json_set_str(changes, "role", NULL);
}

static int take_sessions(json_t *changes, const json_t *list, bool admin, struct err *e)
{
    char patterns[BRIDGE_PATTERNS_LEN];
    if (list == NULL) {
        return 0;
    }
    int rc = patterns_parse(list, patterns, e);
    if (rc == 0 && admin && strcmp(patterns, "*") != 0) {
        rc = err_field(e, "unsupported_scope", "sessions",
                       "an admin key sees every session; a key of a tenant can have patterns");
    }
    return rc != 0 ? rc : json_set_str(changes, "sessions", patterns);
}

static int take_expiry(json_t *changes, const json_t *v, uint64_t now_ms, struct err *e)
{
    uint64_t at = 0;
    if (v == NULL) {
        return 0;
    }
    if (json_is_null(v)) {
        return body_set(changes, "expires_ms", json_null());
    }
    const char *text = json_string_value(v);
    if (text == NULL || clock_parse_rfc3339(text, &at) != 0) {
        return err_field(e, NULL, "expires_at",
                         "expires_at must be a time such as 2027-01-31T00:00:00Z, or null");
    }
    if (at <= now_ms || at > INT64_MAX) {
        return err_field(e, NULL, "expires_at", "expires_at must be in the future");
    }
    return body_set(changes, "expires_ms", json_integer((json_int_t)at));
}

int key_body_check(const json_t *body, bool admin, uint64_t now_ms, json_t **changes, struct err *e)
{
    static const char *const fields[] = {"name", "role", "scopes", "sessions", "expires_at", NULL};
    struct err why;
    err_clear(&why);
    int rc = body_check(body, fields, &why);
    json_t *out = rc == 0 ? json_object() : NULL;
    rc = rc == 0 && out == NULL ? E_NOMEM : rc;
    rc = rc != 0 ? rc : take_name(out, json_object_get(body, "name"), &why);
    rc = rc != 0 ? rc
                 : take_scopes(out, json_object_get(body, "role"), json_object_get(body, "scopes"),
                               admin, &why);
    rc = rc != 0 ? rc : take_sessions(out, json_object_get(body, "sessions"), admin, &why);
    rc = rc != 0 ? rc : take_expiry(out, json_object_get(body, "expires_at"), now_ms, &why);
    if (rc != 0) {
        json_decref(out);
        if (why.code == 0) {
            rc = err_set(&why, E_NOMEM, "out of memory");
        }
        err_copy(e, &why);
        return rc;
    }
    *changes = out;
    return 0;
}

int key_change_record(json_t *record, const json_t *changes)
{
    const char *key = NULL;
    json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)changes, key, v)
    {
        if (json_is_null(v)) {
            (void)json_object_del(record, key);
        } else if (json_object_set(record, key, v) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

int key_body_inherit(json_t *record, const struct bridge_principal *who)
{
    int rc = 0;
    if (who == NULL || who->admin) {
        return 0;
    }
    if (json_object_get(record, "scopes") == NULL && json_object_get(record, "role") == NULL) {
        rc = body_set(record, "scopes", scopes_json(who->scopes));
    }
    if (rc == 0 && json_object_get(record, "sessions") == NULL) {
        rc = json_set_str(record, "sessions", who->sessions);
    }
    if (rc == 0 && json_object_get(record, "expires_ms") == NULL &&
        who->gives_until_ms != 0) {
        rc = body_set(record, "expires_ms", json_integer((json_int_t)who->gives_until_ms));
    }
    return rc;
}

/* ---- an object ---------------------------------------------------------------------------------
 */

static int set_time(json_t *o, const char *key, const json_t *record, const char *member)
{
    int64_t at = json_int(record, member, 0);
    return json_set_time(o, key, at > 0 ? (uint64_t)at : 0);
}

json_t *key_object(const char *id, const json_t *record, uint64_t now_ms)
{
    struct rights r;
    rights_of_record(record, &r);
    int64_t old_until = json_int(record, "old_until_ms", 0);
    bool overlaps = old_until > 0 && (uint64_t)old_until > now_ms;
    json_t *o = json_object();
    if (o == NULL || json_set_str(o, "id", id) != 0 ||
        json_set_str(o, "kind", key_is_sign_in(record) ? "sign_in" : "key") != 0 ||
        json_set_str(o, "name", json_str_or(record, "name", "")) != 0 ||
        json_set_str(o, "tenant", json_str(record, "tenant")) != 0 ||
        json_set_str(o, "role", json_str(record, "role")) != 0 ||
        body_set(o, "scopes", scopes_json(r.scopes)) != 0 ||
        body_set(o, "sessions", patterns_json(r.sessions)) != 0 ||
        set_time(o, "expires_at", record, "expires_ms") != 0 ||
        set_time(o, "last_used_at", record, "last_used_ms") != 0 ||
        set_time(o, "rotated_at", record, "rotated_ms") != 0 ||
        json_set_time(o, "old_secret_until", overlaps ? (uint64_t)old_until : 0) != 0 ||
        set_time(o, "created_at", record, "created_ms") != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
