/* The chat widget in other people's pages: its settings, tickets, sign-in (docs/widget.md). */
#include "api_priv.h"

#include "limit.h"

#include <string.h>

#define TENANT(r) (r)->param[PARAM_TENANT]

void widget_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_widget_get(api_bridge(r), TENANT(r), &body, &e);
    api_give(r, rc, body, &e);
}

void widget_put(struct api_request *r)
{
    bridge_widget_put(api_bridge(r), TENANT(r), r->json, api_done, api_hold(r));
}

/* Whose chat it opens, for whom. */
static void note(struct api_request *r, const char *name)
{
    const char *value = json_str(r->json, name);
    if (value != NULL && strlen(value) <= 128) {
        api_audit_detail(r, name, json_string(value));
    }
}

void widget_ticket(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_widget_ticket(api_bridge(r), TENANT(r), &r->who, r->json, &body, &e);
    if (rc == 0) {
        note(r, "session");
        note(r, "to");
        note(r, "agent");
    }
    api_give(r, rc, body, &e);
}

/* Once it is known who came, the record of this call names him, and his tenant. */
void widget_sign_in(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_principal who;
    memset(&who, 0, sizeof(who));
    int rc = bridge_widget_sign_in(api_bridge(r), r->json, &who, &body, &e);
    if (rc == 0 || strcmp(err_word_of(&e), "unknown_ticket") == 0) {
        limits_secret_result(r, rc == 0);
    }
    if (rc == 0) {
        r->who = who;
        api_audit_detail(r, "session", json_string(who.sessions));
        api_audit_target(r, who.chat[0]);
    }
    api_give(r, rc, body, &e);
}

void widget_chat(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_widget_chat(api_bridge(r), &r->who, &body, &e);
    api_give(r, rc, body, &e);
}
