/* Groups: their list, their people, what admins may do. */
#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]
#define GROUP(r) (r)->param[PARAM_GROUP]

void group_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc =
        bridge_group_list(api_bridge(r), TENANT(r), SESSION(r), api_text(r, "q"), &p, &body, &e);
    api_give(r, rc, body, &e);
}

void group_get(struct api_request *r)
{
    bridge_group_get(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), api_done, api_hold(r));
}

void group_create(struct api_request *r)
{
    bridge_group_create(api_bridge(r), TENANT(r), SESSION(r), r->json, api_done, api_hold(r));
}

void group_patch(struct api_request *r)
{
    bridge_group_patch(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), r->json, api_done,
                       api_hold(r));
}

void group_people(struct api_request *r)
{
    bridge_group_people(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), r->json, api_done,
                        api_hold(r));
}

void group_invite(struct api_request *r)
{
    bridge_group_invite(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), false, api_done,
                        api_hold(r));
}

void group_invite_revoke(struct api_request *r)
{
    bridge_group_invite(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), true, api_done,
                        api_hold(r));
}

void group_leave(struct api_request *r)
{
    bridge_group_leave(api_bridge(r), TENANT(r), SESSION(r), GROUP(r), api_done, api_hold(r));
}
