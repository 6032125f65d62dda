#include "api_priv.h"

#include "crypto.h"

#include <string.h>
#include <strings.h>

/* Copies a key of sane length and characters; false when it is none. */
static bool take(const char *s, char out[API_MAX_KEY + 1])
{
    size_t len = 0;
    while (s[len] > 0x20 && s[len] < 0x7f) {
        len++;
    }
    if (len == 0 || len > API_MAX_KEY || s[len + strspn(s + len, " \t")] != '\0') {
        return false;
    }
    memcpy(out, s, len);
    out[len] = '\0';
    return true;
}

int auth_key(const struct api_headers *h, char *out, struct err *e)
{
    char bearer[API_MAX_KEY + 1] = "";
    out[0] = '\0';
    if (h->authorization != NULL) {
        const char *s = h->authorization;
        if (strncasecmp(s, "Bearer ", 7) != 0 || !take(s + 7 + strspn(s + 7, " "), bearer)) {
            return err_set(e, E_AUTH, "Authorization must be \"Bearer <key>\"");
        }
    }
    if (h->x_api_key != NULL && !take(h->x_api_key, out)) {
        return err_set(e, E_AUTH, "X-Api-Key is not a key");
    }
    int rc = 0;
    if (bearer[0] != '\0' && out[0] != '\0' && strcmp(bearer, out) != 0) {
        rc = err_word(e, E_INVALID, "malformed_request",
                      "Authorization and X-Api-Key carry different keys: send one of them");
    } else if (bearer[0] == '\0' && out[0] == '\0') {
        rc = err_set(e, E_AUTH, "a key is needed: send Authorization: Bearer <key>");
    } else if (out[0] == '\0') {
        memcpy(out, bearer, sizeof(bearer));
    }
    crypto_wipe(bearer, sizeof(bearer));
    return rc;
}

/* Its alphabet needs no escapes: what has some is none. */
const char *auth_ticket(const struct api_request *r, const char *query, size_t *len)
{
    static const char *const offers[] = {"application/json", "text/event-stream", NULL};
    if (r->route->auth != API_TICKET || r->h.authorization != NULL || r->h.x_api_key != NULL ||
        query == NULL || accept_pick(r->h.accept, offers) != 1) {
        return NULL;
    }
    for (const char *s = query; *s != '\0'; s += s[0] == '&') {
        size_t n = strcspn(s, "&");
        if (strncmp(s, "ticket=", 7) == 0) {
            *len = n - 7;
            return s + 7;
        }
        s += n;
    }
    return NULL;
}

/* What the path names is another tenant's, or outside of what the key sees: as if it were not. */
static int check_place(const struct api_request *r, struct err *e)
{
    const char *tenant = r->param[PARAM_TENANT];
    const char *session = r->param[PARAM_SESSION];
    if (tenant == NULL || r->who.tenant[0] == '\0' || strcmp(tenant, r->who.tenant) != 0) {
        return err_word(e, E_NOTFOUND, "unknown_tenant", "there is no such tenant");
    }
    if (session != NULL && !bridge_sees_session(&r->who, session)) {
        return err_word(e, E_NOTFOUND, "unknown_session", "there is no session %.63s", session);
    }
    const char *webhook = r->param[PARAM_WEBHOOK];
    return webhook != NULL ? bridge_webhook_seen(r->api->bridge, tenant, &r->who, webhook, e) : 0;
}

/* Who is limited to one chat gets at what is marked for that; whether it is of it, is looked at in
 * auth_check_place(). */
static int check_chat(const struct api_request *r, struct err *e)
{
    if (!bridge_of_one_chat(&r->who)) {
        return (r->route->flags & API_CHAT_ONLY) == 0
                   ? 0
                   : err_set(e, E_FORBIDDEN, "this needs the credential of a widget");
    }
    if ((r->route->flags & (API_CHAT | API_CHAT_ONLY)) == 0) {
        return err_set(e, E_FORBIDDEN, "the credential of a widget is for one chat only");
    }
    return 0;
}

int auth_check_place(const struct api_request *r, struct err *e)
{
    if (!bridge_of_one_chat(&r->who)) {
        return 0;
    }
    struct bridge *b = r->api->bridge;
    if (r->route->handle == message_edit || r->route->handle == message_revoke) {
        return bridge_one_chat_change(b, &r->who, r->param[PARAM_MESSAGE], e);
    }
    return bridge_one_chat_check(b, &r->who, r->param[PARAM_CHAT], r->param[PARAM_MESSAGE],
                                 r->param[PARAM_MEDIA], e);
}

int auth_check_body(struct api_request *r, struct err *e)
{
    return bridge_of_one_chat(&r->who) && r->route->handle == message_send
               ? bridge_one_chat_send(r->api->bridge, &r->who, r->json, e)
               : 0;
}

static int check_rights(const struct api_request *r, struct err *e)
{
    bool any = r->route->auth == API_ANY && !(r->who.meter && r->route->handle == sign_in_link);
    if (r->who.admin || any) {
        return check_chat(r, e);
    }
    if (r->who.meter) {
        return r->route->scope == BRIDGE_METRICS_READ
                   ? 0
                   : err_set(e, E_FORBIDDEN, "this key may read /metrics and /v1/alerts only");
    }
    if (r->route->auth == API_ADMIN || r->route->auth == API_LOCAL) {
        return err_set(e, E_FORBIDDEN, "this needs an admin key");
    }
    int rc = check_place(r, e);
    if (rc == 0 && (r->route->flags & API_WHOLE_TENANT) != 0 &&
        !bridge_sees_all_sessions(&r->who)) {
        rc = err_set(e, E_FORBIDDEN,
                     "this concerns the whole tenant; it needs a key that sees every session");
    }
    if (rc == 0 && !bridge_may(&r->who, r->route->scope)) {
        rc = err_set(e, E_FORBIDDEN, "this needs the scope %s, which this key does not have",
                     bridge_scope_name(r->route->scope));
    }
    return rc != 0 ? rc : check_chat(r, e);
}

int auth_check(struct api_request *r, struct err *e)
{
    if (r->route->auth == API_OPEN) {
        return 0;
    }
    /* who comes through a proxy on this host comes from anywhere */
    bool local = r->listener == &r->api->local ||
                 (r->listener->loopback && r->h.forwarded_for == NULL);
    if (r->route->auth == API_LOCAL && r->api->metrics_open && local) {
        return 0;
    }
    if (r->by_link) {
        return 0; /* its handler checks the signature */
    }
    if (r->ticket != NULL) {
        int rc = bridge_stream_ticket_use(r->api->bridge, r->param[PARAM_TENANT], r->ticket,
                                          r->ticket_len, &r->who, e);
        return rc != 0 ? rc : check_rights(r, e);
    }
    char key[API_MAX_KEY + 1];
    int rc = auth_key(&r->h, key, e);
    if (rc == 0) {
        rc = bridge_authenticate(r->api->bridge, key, &r->who, e);
    }
    crypto_wipe(key, sizeof(key));
    return rc != 0 ? rc : check_rights(r, e);
}
