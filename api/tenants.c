#include "api_priv.h"

void tenant_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc = bridge_tenant_list(api_bridge(r), &p, &body, &e);
    api_give(r, rc, body, &e);
}

void tenant_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_tenant_get(api_bridge(r), r->param[PARAM_TENANT], &body, &e);
    api_give(r, rc, body, &e);
}

void tenant_put(struct api_request *r)
{
    bridge_tenant_put(api_bridge(r), r->param[PARAM_TENANT], r->json, api_done, api_hold(r));
}

void tenant_delete(struct api_request *r)
{
    bridge_tenant_delete(api_bridge(r), r->param[PARAM_TENANT], api_done, api_hold(r));
}
