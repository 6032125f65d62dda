/* People: search, detail, picture, number check, block. */
#include "api_priv.h"

#include <stdlib.h>
#include <string.h>

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]
#define CONTACT(r) (r)->param[PARAM_CONTACT]

void contact_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc =
        bridge_contact_list(api_bridge(r), TENANT(r), SESSION(r), api_text(r, "q"), &p, &body, &e);
    api_give(r, rc, body, &e);
}

void contact_get(struct api_request *r)
{
    bridge_contact_get(api_bridge(r), TENANT(r), SESSION(r), CONTACT(r), api_done, api_hold(r));
}

static void on_picture(void *arg, const struct bridge_picture *p, const struct err *e)
{
    struct api_request *r = arg;
    if (e != NULL) {
        api_fail(r, e);
    } else {
        char *copied = malloc(p->len > 0 ? p->len : 1);
        if (copied != NULL) {
            memcpy(copied, p->data, p->len);
        }
        api_answer_data(r, MHD_HTTP_OK, p->mimetype, copied, p->len);
    }
    request_release(r);
}

void contact_picture(struct api_request *r)
{
    bridge_picture_get(api_bridge(r), TENANT(r), SESSION(r), CONTACT(r), on_picture, api_hold(r));
}

void group_picture(struct api_request *r)
{
    bridge_picture_get(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_GROUP], on_picture,
                       api_hold(r));
}

void contact_check(struct api_request *r)
{
    bridge_contact_check(api_bridge(r), TENANT(r), SESSION(r), r->json, api_done, api_hold(r));
}

void contact_block(struct api_request *r)
{
    bridge_contact_block(api_bridge(r), TENANT(r), SESSION(r), CONTACT(r), true, api_done,
                         api_hold(r));
}

void contact_unblock(struct api_request *r)
{
    bridge_contact_block(api_bridge(r), TENANT(r), SESSION(r), CONTACT(r), false, api_done,
                         api_hold(r));
}
