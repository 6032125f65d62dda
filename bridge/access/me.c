/* Who a key or a token is, as GET /v1/me tells its bearer. */
#include "access.h"

#include "json.h"

#include <string.h>

const char *role_of_bits(uint32_t scopes)
{
    static const char *const roles[] = {"admin", "operator", "agent", "viewer"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (bridge_role_bits(roles[i]) == scopes) {
            return roles[i];
        }
    }
    return NULL;
}

static const char *kind_of(const struct bridge_principal *who, const json_t *record)
{
    return who->key_id[0] == '\0' ? "token" : json_str_or(record, "kind", "key");
}

json_t *me_object(const struct bridge_principal *who, const json_t *record)
{
    json_t *o = json_object();
    if (json_set_str(o, "kind", kind_of(who, record)) != 0 ||
        json_set_str(o, "id", who->key_id[0] != '\0' ? who->key_id : who->subject) != 0 ||
        json_set_str(o, "name", who->name) != 0 ||
        body_set(o, "admin", json_boolean(who->admin)) != 0 ||
        json_set_str(o, "tenant", who->tenant[0] != '\0' ? who->tenant : NULL) != 0 ||
        json_set_str(o, "role", record != NULL ? json_str(record, "role")
                                               : role_of_bits(who->scopes)) != 0 ||
        body_set(o, "scopes", scopes_json(who->scopes)) != 0 ||
        body_set(o, "sessions", patterns_json(who->sessions)) != 0 ||
        json_set_time(o, "expires_at", who->expires_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int bridge_me(struct bridge *b, const struct bridge_principal *who, json_t **out, struct err *e)
{
    json_t *record = NULL;
    struct err why;
    err_clear(&why);
    int rc = who->key_id[0] != '\0' ? key_find(b, who->key_id, &record, NULL, &why) : 0;
    *out = rc == 0 ? me_object(who, record) : NULL;
    if (rc == 0 && *out == NULL) {
        rc = err_set(&why, E_NOMEM, "out of memory");
    } else if (rc == E_NOTFOUND) { /* deleted since it was let in */
        err_clear(&why);
        rc = err_set(&why, E_AUTH, "unknown key");
    }
    json_decref(record);
    err_copy(e, &why);
    return rc;
}
