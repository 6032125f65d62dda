#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]

void sync_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_sync_get(api_bridge(r), TENANT(r), SESSION(r), &body, &e);
    api_give(r, rc, body, &e);
}

void sync_start(struct api_request *r)
{
    bridge_sync_start(api_bridge(r), TENANT(r), SESSION(r), api_done, api_hold(r));
}

void chat_history(struct api_request *r)
{
    bridge_chat_history(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_CHAT], r->json,
                        api_done, api_hold(r));
}
