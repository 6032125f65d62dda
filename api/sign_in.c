/* Who am I, and tickets for event streams. */
#include "api_priv.h"

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
