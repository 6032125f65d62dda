/* Keys of a tenant (/v1/tenants/{tenant}/keys) and of administrators (/v1/keys): the same handlers,
 * told apart by whether the path names a tenant. */
#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define KEY(r) (r)->param[PARAM_KEY]

void key_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_key_list(api_bridge(r), TENANT(r), &r->who, &body, &e);
    api_give(r, rc, body, &e);
}

void key_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_key_get(api_bridge(r), TENANT(r), &r->who, KEY(r), &body, &e);
    api_give(r, rc, body, &e);
}

void key_create(struct api_request *r)
{
    bridge_key_create(api_bridge(r), TENANT(r), &r->who, r->json, api_done, api_hold(r));
}

void key_patch(struct api_request *r)
{
    bridge_key_patch(api_bridge(r), TENANT(r), &r->who, KEY(r), r->json, api_done, api_hold(r));
}

void key_rotate(struct api_request *r)
{
    bridge_key_rotate(api_bridge(r), TENANT(r), &r->who, KEY(r), r->json, api_done, api_hold(r));
}

void key_delete(struct api_request *r)
{
    bridge_key_delete(api_bridge(r), TENANT(r), &r->who, KEY(r), api_done, api_hold(r));
}
