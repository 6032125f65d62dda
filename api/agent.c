#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]
#define CHAT(r) (r)->param[PARAM_CHAT]

void agent_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_agent_get(api_bridge(r), TENANT(r), SESSION(r), &body, &e);
    api_give(r, rc, body, &e);
}

void agent_put(struct api_request *r)
{
    bridge_agent_put(api_bridge(r), TENANT(r), SESSION(r), r->json, api_done, api_hold(r));
}

void agent_delete(struct api_request *r)
{
    bridge_agent_delete(api_bridge(r), TENANT(r), SESSION(r), api_done, api_hold(r));
}

void chat_agent_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_agent_chat_get(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), &body, &e);
    api_give(r, rc, body, &e);
}

void chat_agent_set(struct api_request *r)
{
    bridge_agent_chat_set(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), r->json, api_done,
                          api_hold(r));
}
