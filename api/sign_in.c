/* Who am I, tickets for event streams, links to sign in with, in and out. */
#include "api_priv.h"
#include "limit.h"

#include <stdio.h>
#include <string.h>

void me_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_me(api_bridge(r), &r->who, &body, &e);
    api_give(r, rc, body, &e);
}

void event_ticket(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_stream_ticket(api_bridge(r), r->param[PARAM_TENANT], &r->who, &body, &e);
    api_give(r, rc, body, &e);
}

/* ---- links -------------------------------------------------------------------------------------
 */

/* Where a browser finds the dashboard: "" when that cannot be known. */
static void dashboard_base(const struct api *a, char *out, size_t size)
{
    const char *host = a->tcp.host;
    out[0] = '\0';
    if (a->public_url != NULL) {
        size_t len = strlen(a->public_url);
        (void)snprintf(out, size, "%.*s", (int)(len - (a->public_url[len - 1] == '/')),
                       a->public_url);
    } else if (a->tcp.port != 0) {
        bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
                   strcmp(host, "*") == 0;
        bool v6 = !any && strchr(host, ':') != NULL;
        (void)snprintf(out, size, "http%s://%s%s%s:%u", a->tls != NULL ? "s" : "", v6 ? "[" : "",
                       any ? "localhost" : host, v6 ? "]" : "", a->tcp.port);
    }
}

/* The ticket stands behind a #: browsers send that to nobody. */
static int add_url(const struct api *a, json_t *body)
{
    char base[API_MAX_PUBLIC_URL + 128], url[sizeof(base) + 128];
    dashboard_base(a, base, sizeof(base));
    (void)snprintf(url, sizeof(url), "%s/#ticket=%s", base, json_str_or(body, "ticket", ""));
    return json_set_str(body, "url", base[0] != '\0' ? url : NULL);
}

void sign_in_link(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = 0;
    const char *tenant = json_str(r->json, "tenant");
    if (!r->api->dashboard) {
        rc = err_word(&e, E_FORBIDDEN, "dashboard_disabled",
                      "the dashboard is switched off: [dashboard] enabled");
    }
    rc = rc != 0 ? rc : bridge_sign_in_link(api_bridge(r), &r->who, r->json, &body, &e);
    if (rc == 0 && add_url(r->api, body) != 0) {
        json_decref(body);
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    if (rc == 0) {
        api_audit_tenant(r, tenant != NULL ? tenant : r->who.tenant);
    }
    api_give(r, rc, body, &e);
}

/* ---- in and out --------------------------------------------------------------------------------
 */

/* The record of it names the key that was made, in the log of its tenant. */
static void audit_me(struct api_request *r, const json_t *me)
{
    (void)snprintf(r->who.key_id, sizeof(r->who.key_id), "%s", json_str_or(me, "id", ""));
    api_audit_tenant(r, json_str_or(me, "tenant", ""));
    api_audit_target(r, json_str(me, "id"));
}

static void on_signed_in(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    if (api_unanswered(r)) {
        if (reply->err == NULL) {
            audit_me(r, json_obj(reply->body, "me"));
        }
        if (reply->err == NULL || reply->err->code == E_AUTH) {
            limits_secret_result(r, reply->err == NULL);
        }
    }
    api_done(arg, reply);
}

void sign_in(struct api_request *r)
{
    bridge_sign_in(api_bridge(r), r->json, on_signed_in, api_hold(r));
}

void me_delete(struct api_request *r)
{
    bridge_sign_out(api_bridge(r), &r->who, api_done, api_hold(r));
}
