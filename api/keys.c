/* Keys of a tenant (/v1/tenants/{tenant}/keys) and of administrators (/v1/keys): the same handlers,
 * told apart by whether the path names a tenant. */
#include "api_priv.h"

#include <string.h>

void key_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_key_list(api_bridge(r), r->param[PARAM_TENANT], &body, &e);
    api_give(r, rc, body, &e);
}

/* Absent, or ["*"]. */
static bool is_everything(const json_t *v)
{
    if (v == NULL) {
        return true;
    }
    const char *only = json_array_size(v) == 1 ? json_string_value(json_array_get(v, 0)) : NULL;
    return only != NULL && strcmp(only, "*") == 0;
}

/* A key that is narrower than asked for is fine, one that is wider is not: refuse what is not
 * enforced. */
static int check(const json_t *body, struct err *e)
{
    const json_t *expires = json_object_get(body, "expires_at");
    if (!is_everything(json_object_get(body, "scopes"))) {
        return err_field(e, "unsupported_scope", "scopes", "only [\"*\"] is supported so far");
    }
    if (!is_everything(json_object_get(body, "sessions"))) {
        return err_field(e, "unsupported_scope", "sessions", "only [\"*\"] is supported so far");
    }
    if (expires != NULL && !json_is_null(expires)) {
        return err_field(e, "unsupported_scope", "expires_at", "keys do not expire so far");
    }
    return 0;
}

void key_create(struct api_request *r)
{
    struct err e = {0};
    if (check(r->json, &e) != 0) {
        api_fail(r, &e);
        return;
    }
    bridge_key_create(api_bridge(r), r->param[PARAM_TENANT], r->json, api_done, api_hold(r));
}

void key_delete(struct api_request *r)
{
    bridge_key_delete(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_KEY], api_done,
                      api_hold(r));
}
