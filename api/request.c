/*
 * One request, from its first byte to the last of its answer.
 *
 *   HEAD ──► BODY ──► WAITING ──► ANSWERED ──► SENT
 *     │        │         (a bridge call is    ▲
 *     └────────┴─────────  in flight) ────────┘   (refused: straight to ANSWERED)
 *
 * Happy path: MHD has the head (HEAD): guard and admit it; MHD gives the body piece by piece (BODY)
 * and then calls once more: parse, run the handler. It answers at once (ANSWERED) or starts a
 * bridge call; then the connection is suspended (WAITING) until the answer wakes it and MHD calls
 * again to fetch it (SENT).
 *
 * What can go wrong: the request is refused before its body is read: a small body is read to its
 * end and dropped, so that the connection can go on, else the answer goes out at once and the
 * connection closes. The body turns out too large in a chunked upload: MHD takes no answer in the
 * middle of a body, so the 413 is written past it and the connection closes. The client goes away
 * while suspended: noticed when the answer wakes it. The server stops first: see request_cut().
 */
#include "api_priv.h"

#include "clock.h"
#include "crypto.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sm_state states[] = {
    [REQUEST_HEAD] = {"head", SM_BIT(REQUEST_BODY) | SM_BIT(REQUEST_ANSWERED)},
    [REQUEST_BODY] = {"body",
                      SM_BIT(REQUEST_WAITING) | SM_BIT(REQUEST_ANSWERED) | SM_BIT(REQUEST_SENT)},
    [REQUEST_WAITING] = {"waiting", SM_BIT(REQUEST_ANSWERED)},
    [REQUEST_ANSWERED] = {"answered", SM_BIT(REQUEST_SENT)},
    [REQUEST_SENT] = {"sent", 0},
};

/* The query stays ours: MHD would make a record of its pool for each parameter, and a query with a
 * thousand of them empties the pool and leaves the connection stuck (seen with 0.9.75). uri is
 * MHD's own writable buffer, whose parameters it reads after this callback, up to a NUL. */
static void hide_query(const char *uri)
{
    char *mark = strchr((char *)(uintptr_t)uri, '?');
    if (mark != NULL && mark[1] != '\0') {
        mark[1] = '\0';
    }
}

void *request_on_target(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct api_listener *l = cls;
    size_t len = strnlen(uri, API_MAX_TARGET + 1);
    size_t kept = len > API_MAX_TARGET ? 0 : len;
    struct api_request *r = mem_calloc(1, sizeof(*r) + kept + 1);
    if (r == NULL) {
        return NULL; /* the next callback closes the connection */
    }
    memcpy(r->target, uri, kept);
    r->too_long = len > API_MAX_TARGET || strcspn(r->target, "?") > API_MAX_PATH;
    r->refs = 1;
    r->api = l->api;
    r->listener = l;
    r->conn = conn;
    r->started_ms = clock_mono_ms();
    r->started_us = uv_hrtime() / 1000;
    sm_init(&r->state, states, sizeof(states) / sizeof(states[0]), REQUEST_HEAD);
    buf_init(&r->body, API_MAX_BODY);
    list_init(&r->wait_link);
    list_append(&l->api->requests, &r->link);
    struct api_connection *c = connection_of(conn);
    if (c != NULL) {
        c->request = r;
    }
    hide_query(uri);
    return r;
}

void request_release(struct api_request *r)
{
    if (--r->refs > 0) {
        return;
    }
    if (r->response != NULL) {
        MHD_destroy_response(r->response);
    }
    if (r->audit.response != NULL) {
        MHD_destroy_response(r->audit.response);
    }
    json_decref(r->audit.detail);
    upload_free(r);
    buf_finish(&r->body);
    json_decref(r->json);
    json_decref(r->kept);
    free(r->segments);
    free(r);
}

static int fd_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

bool client_is_done(struct MHD_Connection *conn)
{
    char next;
    ssize_t n = recv(fd_of(conn), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void client_end(struct MHD_Connection *conn)
{
    (void)shutdown(fd_of(conn), SHUT_RDWR);
}

static enum MHD_Result queue(struct api_request *r)
{
    struct MHD_Response *response = r->response;
    r->response = NULL;
    sm_move(&r->state, REQUEST_SENT);
    if (response == NULL) {
        return MHD_NO;
    }
    if (client_is_done(r->conn)) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result rc = MHD_queue_response(r->conn, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return rc;
}

static void name_request(struct api_request *r)
{
    if (r->h.request_id != NULL && request_id_sane(r->h.request_id)) {
        memcpy(r->id, r->h.request_id, strlen(r->h.request_id) + 1);
        return;
    }
    memcpy(r->id, "req_", 4);
    crypto_ulid(clock_wall_ms(), r->id + 4);
}

static enum MHD_Result on_head(struct api_request *r, const char *method, const char *version)
{
    (void)snprintf(r->method, sizeof(r->method), "%s", method);
    headers_read(r->conn, &r->h);
    name_request(r);
    struct err e = {0};
    int rc = request_guard(r, version, &e);
    if (rc == 0) {
        rc = request_admit(r, &e);
    }
    if (rc == 0 && r->state.state == REQUEST_HEAD && (r->route->flags & API_STREAM) != 0) {
        rc = upload_begin(r, &e);
    }
    bool body = request_has_body(&r->h);
    if (rc != 0) {
        size_t announced = r->h.content_length != NULL ? strlen(r->h.content_length) : 0;
        /* somebody who asks first, or has much to send, is told before he does */
        r->close = r->close || (body && (r->h.expect != NULL || announced > 5));
        api_fail(r, &e);
    }
    if (r->state.state == REQUEST_ANSWERED) {
        return r->close ? queue(r) : MHD_YES;
    }
    sm_move(&r->state, REQUEST_BODY);
    if (body && r->route->body != NULL && r->upload == NULL && r->h.content_length != NULL) {
        (void)buf_reserve(&r->body, (size_t)strtoul(r->h.content_length, NULL, 10));
    }
    return MHD_YES;
}

/* The answer in the middle of a body (413, 507), written past MHD, which then only drops what still
 * comes. */
static void answer_raw(struct api_request *r, const struct err *e)
{
    r->status = gate_answer(fd_of(r->conn), e, r->path, r->id);
    r->audit.code = err_word_of(e);
    r->raw = true;
    api_metrics_answered(r);
    r->discarded = 0;
    buf_finish(&r->body);
    sm_move(&r->state, REQUEST_SENT);
}

static enum MHD_Result on_data(struct api_request *r, const char *data, size_t *size)
{
    size_t n = *size;
    struct err e = {0};
    if (r->state.state == REQUEST_BODY && r->upload != NULL) {
        int rc = upload_data(r, data, size, &e);
        if (rc != 0 && e.code != 0) {
            answer_raw(r, &e);
        }
        return rc == 0 || e.code != 0 ? MHD_YES : MHD_NO;
    }
    *size = 0;
    if (r->state.state == REQUEST_BODY && r->route->body != NULL) {
        int rc = buf_append(&r->body, data, n);
        if (rc == E_TOOLARGE) {
            (void)err_set(&e, E_TOOLARGE, "the body has more than %u bytes", API_MAX_BODY);
            answer_raw(r, &e);
        }
        return rc == 0 || rc == E_TOOLARGE ? MHD_YES : MHD_NO;
    }
    r->discarded += n;
    size_t most = r->upload != NULL ? API_MAX_UPLOAD_DISCARD : r->raw ? API_MAX_BODY : API_MAX_DISCARD;
    return r->discarded <= most ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_complete(struct api_request *r)
{
    struct err e = {0};
    sm_move(&r->state, REQUEST_WAITING);
    if (request_parse(r, &e) != 0 || auth_check_body(r, &e) != 0) {
        api_fail(r, &e);
    } else {
        r->route->handle(r);
    }
    buf_finish(&r->body);
    if (r->state.state == REQUEST_ANSWERED) {
        return queue(r);
    }
    r->suspended = true;
    MHD_suspend_connection(r->conn);
    return MHD_YES;
}

enum MHD_Result request_on_call(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **context)
{
    (void)cls;
    (void)conn;
    (void)url;
    struct api_request *r = *context;
    if (r == NULL) {
        return MHD_NO;
    }
    if (r->state.state == REQUEST_HEAD) {
        return on_head(r, method, version);
    }
    if (*size > 0) {
        return on_data(r, data, size);
    }
    switch (r->state.state) {
    case REQUEST_BODY:
        return on_complete(r);
    case REQUEST_ANSWERED:
        return queue(r);
    default:
        return MHD_NO; /* the end of a body whose 413 went out already */
    }
}

static void log_request(const struct api_request *r, enum MHD_RequestTerminationCode why)
{
    bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0 ||
                 strcmp(r->method, "OPTIONS") == 0;
    enum log_level level = reads ? LOG_DEBUG : LOG_INFO;
    if (r->route != NULL && (r->route->flags & API_QUIET) != 0) {
        level = LOG_TRACE;
    }
    /* names of strangers are not for the log */
    bool known = r->route != NULL && r->status != 401 && r->status != 404;
    struct log_ctx ctx = {known ? r->param[PARAM_TENANT] : NULL,
                          known ? r->param[PARAM_SESSION] : NULL, r->id[0] != '\0' ? r->id : NULL};
    log_at(level, &ctx, "api.request", "%s %s %d %llu ms%s", r->method[0] != '\0' ? r->method : "-",
           r->route != NULL ? r->route->pattern : "-", r->status,
           (unsigned long long)(clock_mono_ms() - r->started_ms),
           why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : ", connection lost");
}

void request_forget(struct api_request *r, enum MHD_RequestTerminationCode why)
{
    struct api_connection *c = connection_of(r->conn);
    log_request(r, why);
    audit_ended(r);
    list_remove(&r->link);
    list_remove(&r->wait_link);
    if (r->upload != NULL) {
        r->conn = NULL; /* nothing to wake */
        upload_stop(r);
    }
    if (r->api->closing) {
        api_wake(r->api); /* perhaps that was the last one */
    }
    if (c != NULL && c->request == r) {
        gate_next(c);
    }
    r->conn = NULL;
    r->api = NULL;
    request_release(r);
}

void request_on_completed(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)conn;
    struct api_request *r = *context;
    *context = NULL;
    if (r != NULL) {
        request_forget(r, why);
    }
}

void request_cut(struct api_request *r)
{
    upload_stop(r);
    audit_let_go(r);
    if (api_unanswered(r)) {
        struct err e = {0};
        (void)err_word(&e, E_UNAVAILABLE, "shutting_down", "the daemon is stopping");
        r->close = true;
        api_fail(r, &e);
    }
}
