#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define WEBHOOK(r) (r)->param[PARAM_WEBHOOK]

void webhook_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc = bridge_webhook_list(api_bridge(r), TENANT(r), &r->who, &p, &body, &e);
    api_give(r, rc, body, &e);
}

void webhook_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_webhook_get(api_bridge(r), TENANT(r), WEBHOOK(r), &body, &e);
    api_give(r, rc, body, &e);
}

void webhook_put(struct api_request *r)
{
    bridge_webhook_put(api_bridge(r), TENANT(r), &r->who, WEBHOOK(r), r->json, api_done,
                       api_hold(r));
}

void webhook_delete(struct api_request *r)
{
    bridge_webhook_delete(api_bridge(r), TENANT(r), WEBHOOK(r), api_done, api_hold(r));
}

void webhook_test(struct api_request *r)
{
    bridge_webhook_test(api_bridge(r), TENANT(r), WEBHOOK(r), api_done, api_hold(r));
}

void webhook_deliveries(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc = bridge_delivery_list(api_bridge(r), TENANT(r), WEBHOOK(r), &r->who,
                                  api_text(r, "state"), &p, &body, &e);
    api_give(r, rc, body, &e);
}

void webhook_delivery(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_delivery_get(api_bridge(r), TENANT(r), WEBHOOK(r), &r->who,
                                 r->param[PARAM_DELIVERY], &body, &e);
    api_give(r, rc, body, &e);
}

void webhook_body_check(struct api_request *r)
{
    struct err e = {0};
    int rc = bridge_webhook_check(api_bridge(r), r->json, &e);
    api_give(r, rc, rc == 0 ? json_pack("{s:b}", "ok", 1) : NULL, &e);
}

void webhook_redrive(struct api_request *r)
{
    bridge_webhook_redrive(api_bridge(r), TENANT(r), WEBHOOK(r), r->json, api_done, api_hold(r));
}
