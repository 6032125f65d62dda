/* The library that runs in the pages: which one, and trying another. */
#include "api_priv.h"

void adapter_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_adapter_get(api_bridge(r), &body, &e);
    api_give(r, rc, body, &e);
}

static void act(struct api_request *r, enum bridge_adapter_action action)
{
    bridge_adapter_act(api_bridge(r), action, r->json, api_done, api_hold(r));
}

void adapter_test(struct api_request *r)
{
    act(r, BRIDGE_ADAPTER_TEST);
}

void adapter_use(struct api_request *r)
{
    act(r, BRIDGE_ADAPTER_USE);
}

void adapter_rollback(struct api_request *r)
{
    act(r, BRIDGE_ADAPTER_ROLLBACK);
}
