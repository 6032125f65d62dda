#include "api_priv.h"

void health_get(struct api_request *r)
{
    json_t *body = NULL;
    bool healthy = false;
    struct err e = {0};
    if (bridge_health(api_bridge(r), &body, &healthy, &e) != 0) {
        api_fail(r, &e);
    } else {
        api_answer_json(r, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, body);
    }
}

void openapi_get(struct api_request *r)
{
    /* built once, but the connection may outlive the server object by a write */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->api->openapi_len, r->api->openapi, MHD_RESPMEM_MUST_COPY);
    api_answer_response(r, MHD_HTTP_OK, "application/json", response);
}
