/* Guards on content: a tenant's rules, and its opt-out list. */
#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define PHONE(r) (r)->param[PARAM_PHONE]

void guards_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_guards_get(api_bridge(r), TENANT(r), &body, &e);
    api_give(r, rc, body, &e);
}

void guards_put(struct api_request *r)
{
    bridge_guards_put(api_bridge(r), TENANT(r), r->json, api_done, api_hold(r));
}

void guards_try(struct api_request *r)
{
    bridge_guards_try(api_bridge(r), TENANT(r), r->json, api_done, api_hold(r));
}

void opt_out_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc = bridge_opt_out_list(api_bridge(r), TENANT(r), &p, &body, &e);
    api_give(r, rc, body, &e);
}

void opt_out_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_opt_out_get(api_bridge(r), TENANT(r), PHONE(r), &body, &e);
    api_give(r, rc, body, &e);
}

void opt_out_put(struct api_request *r)
{
    bridge_opt_out_put(api_bridge(r), TENANT(r), PHONE(r), r->json, api_done, api_hold(r));
}

void opt_out_delete(struct api_request *r)
{
    bridge_opt_out_delete(api_bridge(r), TENANT(r), PHONE(r), api_done, api_hold(r));
}

void opt_out_import(struct api_request *r)
{
    bridge_opt_out_import(api_bridge(r), TENANT(r), r->json, api_done, api_hold(r));
}
