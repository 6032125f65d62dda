/* The ways to answer a request: each builds an MHD response and, when the request was put to
 * sleep, wakes it. The first answer counts, later ones are dropped. */
#include "api_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool api_unanswered(const struct api_request *r)
{
    return r->conn != NULL && r->state.state == REQUEST_WAITING && !audit_holding(r);
}

struct bridge *api_bridge(struct api_request *r)
{
    return r->api->bridge;
}

struct api_request *api_hold(struct api_request *r)
{
    r->refs++;
    return r;
}

static bool may_answer(const struct api_request *r)
{
    return r->conn != NULL && r->state.state < REQUEST_ANSWERED && !audit_holding(r);
}

/* draft-ietf-httpapi-ratelimit-headers: t is when the bucket is full again. */
static void add_rate(const struct api_request *r, struct MHD_Response *response)
{
    char text[96];
    const char *name = api_class_name(r->rate.cls);
    if (r->rate.quota == 0) {
        return;
    }
    (void)snprintf(text, sizeof(text), "\"%s\";q=%llu;w=60", name,
                   (unsigned long long)r->rate.quota);
    MHD_add_response_header(response, "RateLimit-Policy", text);
    (void)snprintf(text, sizeof(text), "\"%s\";r=%llu;t=%u", name,
                   (unsigned long long)r->rate.left, r->rate.reset_s);
    MHD_add_response_header(response, "RateLimit", text);
}

void api_answer_response(struct api_request *r, int status, const char *type,
                         struct MHD_Response *response)
{
    if (!may_answer(r)) {
        if (response != NULL) {
            MHD_destroy_response(response);
        }
        return;
    }
    if (response != NULL && !r->audit.done) { /* else it was held and has them */
        if (type != NULL) {
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        }
        if (r->route == NULL || (r->route->flags & API_NAMELESS) == 0) {
            MHD_add_response_header(response, "X-Request-Id", r->id);
        }
        if (MHD_get_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL) == NULL) {
            MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        }
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        if (r->close) {
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
        }
        if (r->replayed) {
            MHD_add_response_header(response, "Idempotency-Replayed", "true");
        }
        add_rate(r, response);
        if (r->allow != NULL) {
            MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
        }
        if (audit_holds(r, status, response)) {
            return;
        }
    }
    r->response = response; /* NULL: no memory; the connection is closed instead */
    r->status = status;
    sm_move(&r->state, REQUEST_ANSWERED);
    api_metrics_answered(r);
    if (r->suspended) {
        r->suspended = false;
        MHD_resume_connection(r->conn);
        api_wake(r->api);
    }
}

static void answer_buffer(struct api_request *r, int status, const char *type, char *data,
                          size_t len, enum MHD_ResponseMemoryMode mode)
{
    if (!may_answer(r)) {
        if (mode == MHD_RESPMEM_MUST_FREE) {
            free(data);
        }
        return;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(len, data, mode);
    if (response == NULL && mode == MHD_RESPMEM_MUST_FREE) {
        free(data);
    }
    api_answer_response(r, status, type, response);
}

/* Takes data. False: it stays as it is and the caller's; it is short or long, or there is no memory. */
static bool answer_packed(struct api_request *r, int status, const char *type, char *data,
                          size_t len)
{
    size_t packed_len = 0;
    if (len < PACK_LEAST || !pack_wanted(r)) {
        return false;
    }
    char *packed = pack_gzip(data, len, &packed_len);
    struct MHD_Response *response =
        packed != NULL
            ? MHD_create_response_from_buffer(packed_len, packed, MHD_RESPMEM_MUST_FREE)
            : NULL;
    if (response == NULL) {
        free(packed);
        return false;
    }
    free(data);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    api_answer_response(r, status, type, response);
    return true;
}

void api_answer_data(struct api_request *r, int status, const char *type, char *data, size_t len)
{
    if (data == NULL) {
        api_answer_response(r, status, type, NULL);
        return;
    }
    if (r->route != NULL && (r->route->flags & API_PACKED) != 0 && may_answer(r) &&
        answer_packed(r, status, type, data, len)) {
        return;
    }
    answer_buffer(r, status, type, data, len, MHD_RESPMEM_MUST_FREE);
}

void api_answer_static(struct api_request *r, int status, const char *type, const char *data,
                       size_t len)
{
    answer_buffer(r, status, type, (char *)(uintptr_t)data, len, MHD_RESPMEM_PERSISTENT);
}

void api_answer_empty(struct api_request *r, int status)
{
    api_answer_static(r, status, NULL, "", 0);
}

void api_answer_json(struct api_request *r, int status, json_t *body)
{
    size_t len = 0;
    char *text = json_text(body, &len);
    json_decref(body);
    api_answer_data(r, status, "application/json", text, len);
}

void api_fail(struct api_request *r, const struct err *e)
{
    if (!may_answer(r)) {
        return;
    }
    int status = problem_status(e);
    r->audit.code = err_word_of(e);
    if (status >= 500 && status != 503 && status != 501) {
        struct log_ctx ctx = {r->param[PARAM_TENANT], r->param[PARAM_SESSION], r->id};
        log_error(&ctx, "api.failed", "%s: %s", err_name(e->code), e->msg);
    }
    size_t len = 0;
    char *text = problem_text(e, r->path, &len);
    struct MHD_Response *response =
        text != NULL ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL) {
        free(text);
    } else if (status == MHD_HTTP_UNAUTHORIZED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Bearer realm=\"wabridge\"");
    }
    unsigned after = problem_retry_after(e);
    if (response != NULL && after > 0) {
        char seconds[12];
        (void)snprintf(seconds, sizeof(seconds), "%u", after);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    api_answer_response(r, status, "application/problem+json", response);
}

void api_give(struct api_request *r, int rc, json_t *body, const struct err *e)
{
    if (rc != 0) {
        api_fail(r, e);
    } else {
        api_answer_json(r, r->route->status, body);
    }
}

void api_answer_reply(struct api_request *r, const struct bridge_reply *reply, int status)
{
    if (!api_unanswered(r)) {
        return;
    }
    if (reply->err != NULL) {
        api_fail(r, reply->err);
        return;
    }
    r->replayed = reply->replayed;
    api_audit_target(r, json_str(reply->body, "id"));
    if (reply->body == NULL) {
        api_answer_empty(r, MHD_HTTP_NO_CONTENT);
        return;
    }
    size_t len = 0;
    char *text = json_text(reply->body, &len);
    api_answer_data(r, status, "application/json", text, len);
}

void api_done(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    int status = r->route->status;
    if (reply->created && status == MHD_HTTP_OK) {
        status = MHD_HTTP_CREATED;
    }
    api_answer_reply(r, reply, status);
    request_release(r);
}

uint64_t api_number(const struct api_request *r, const char *name)
{
    return query_number(&r->query, r->route->query, name);
}

const char *api_text(const struct api_request *r, const char *name)
{
    return query_text(&r->query, name);
}

struct bridge_paging api_paging(const struct api_request *r)
{
    const char *cursor = api_text(r, "cursor");
    return (struct bridge_paging){.limit = (unsigned)api_number(r, "limit"),
                                  .cursor = cursor != NULL ? cursor : ""};
}
