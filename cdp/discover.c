/*
 * Happy path: uv_getaddrinfo (a pool thread; the loop never waits for a name server) -> when the
 * URL has a path that is all; else connect -> GET /json/version -> read until the body is complete
 * -> the path of webSocketDebuggerUrl. Its host is ignored: the one we connected to is the right
 * one.
 *
 * Failure modes: unknown host, refused, closed early, no DevTools behind the port: one callback
 * with an error. The time limit is the caller's, who cancels; a resolver that hangs then keeps only
 * our small object, which frees itself.
 */
#include "discover_priv.h"

#include "json.h"
#include "mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSE_MAX (16u << 10)

struct discover {
    uv_loop_t *loop;
    struct ws_url url;
    void (*cb)(void *arg, const struct err *e, const struct discover_result *r); /* NULL: over */
    void *arg;
    struct discover_result result;
    uv_getaddrinfo_t resolve;
    bool resolving;
    uv_tcp_t tcp;
    bool tcp_open;
    uv_connect_t connect;
    uv_write_t write;
    char request[512];
    char response[RESPONSE_MAX + 1];
    size_t len;
};

/* ---- pure -------------------------------------------------------------------------------- */

int ws_url_parse(const char *url, struct ws_url *out, struct err *e)
{
    static const char scheme[] = "ws://";
    const char *p = url, *host_end, *rest;
    char *end;

    memset(out, 0, sizeof(*out));
    if (strncmp(p, scheme, sizeof(scheme) - 1) != 0) {
        goto bad;
    }
    p += sizeof(scheme) - 1;
    if (*p == '[') {
        host_end = strchr(++p, ']');
        rest = host_end ? host_end + 1 : NULL;
    } else {
        host_end = p + strcspn(p, ":/?#@");
        rest = host_end;
    }
    if (!host_end || host_end == p || (size_t)(host_end - p) >= sizeof(out->host) || *rest != ':' ||
        !isdigit((unsigned char)rest[1])) {
        goto bad;
    }
    memcpy(out->host, p, (size_t)(host_end - p));
    long port = strtol(rest + 1, &end, 10);
    if (port < 1 || port > 65535 || (*end != '\0' && *end != '/')) {
        goto bad;
    }
    out->port = (int)port;
    if (strlen(end) >= sizeof(out->path)) {
        goto bad;
    }
    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f) {
            goto bad; /* would go into a request line */
        }
    }
    if (strcmp(end, "/") != 0) {
        snprintf(out->path, sizeof(out->path), "%s", end);
    }
    return 0;
bad:
    return err_set(e, E_INVALID,
                   "attach must be ws://host:port or ws://host:port/devtools/browser/<id>, not %s",
                   url);
}

int discover_parse_response(const char *text, size_t len, char path[DISCOVER_PATH_MAX],
                            struct err *e)
{
    const char *body = memmem(text, len, "\r\n\r\n", 4);
    if (!body) {
        return err_set(e, E_STATE, "the response is not complete");
    }
    body += 4;
    if (len < 12 || strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200", 4) != 0) {
        return err_set(e, E_PROTO, "no DevTools there: the answer is not 200 OK");
    }
    struct err ignored;
    json_t *v = json_parse(body, len - (size_t)(body - text), RESPONSE_MAX, &ignored);
    if (!v) {
        return err_set(e, E_STATE, "the response is not complete");
    }
    struct ws_url url;
    const char *found = json_str(v, "webSocketDebuggerUrl");
    int r = found ? ws_url_parse(found, &url, NULL) : E_PROTO;
    json_decref(v);
    if (r != 0 || url.path[0] == '\0') {
        return err_set(e, E_PROTO, "no DevTools there: /json/version names no WebSocket");
    }
    memcpy(path, url.path, DISCOVER_PATH_MAX);
    return 0;
}

/* ---- steps ------------------------------------------------------------------------------- */

static void free_when_idle(struct discover *d)
{
    if (!d->resolving && !d->tcp_open) {
        free(d);
    }
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct discover *d = handle->data;
    d->tcp_open = false;
    free_when_idle(d);
}

static void end(struct discover *d, const struct err *e)
{
    void (*cb)(void *, const struct err *, const struct discover_result *) = d->cb;
    void *arg = d->arg;
    struct discover_result result = d->result;

    d->cb = NULL;
    if (d->tcp_open && !uv_is_closing((uv_handle_t *)&d->tcp)) {
        uv_close((uv_handle_t *)&d->tcp, on_tcp_closed);
    } else {
        free_when_idle(d);
    }
    if (cb) {
        cb(arg, e, e ? NULL : &result);
    }
}

static void end_uv(struct discover *d, const char *what, int status)
{
    struct err e;
    err_set(&e, E_CLOSED,
            "cannot %s %s port %d: %s; is a browser with --remote-debugging-port there?", what,
            d->url.host, d->url.port, uv_strerror(status));
    end(d, &e);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct discover *d = handle->data;
    (void)suggested;
    buf->base = d->response + d->len;
    buf->len = RESPONSE_MAX - d->len;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct discover *d = stream->data;
    struct err e;
    (void)buf;
    if (!d->cb) {
        return;
    }
    if (n > 0) {
        d->len += (size_t)n;
    }
    int r = discover_parse_response(d->response, d->len, d->result.path, &e);
    if (r == 0) {
        end(d, NULL);
    } else if (r != E_STATE) {
        end(d, &e);
    } else if (n < 0) {
        end_uv(d, "read /json/version from", n == UV_EOF ? UV_ECONNRESET : (int)n);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct discover *d = req->data;
    if (status < 0 && d->cb) {
        end_uv(d, "ask", status);
    }
}

static void on_connected(uv_connect_t *req, int status)
{
    struct discover *d = req->data;
    if (!d->cb) {
        return;
    }
    if (status < 0) {
        end_uv(d, "connect to", status);
        return;
    }
    bool v6 = strchr(d->result.address, ':') != NULL;
    int len = snprintf(d->request, sizeof(d->request),
                       "GET /json/version HTTP/1.1\r\nHost: %s%s%s:%d\r\nConnection: close\r\n\r\n",
                       v6 ? "[" : "", d->result.address, v6 ? "]" : "", d->url.port);
    uv_buf_t out = uv_buf_init(d->request, (unsigned)len);
    d->write.data = d;
    int r = uv_write(&d->write, (uv_stream_t *)&d->tcp, &out, 1, on_written);
    if (r == 0) {
        r = uv_read_start((uv_stream_t *)&d->tcp, on_alloc, on_read);
    }
    if (r < 0) {
        end_uv(d, "ask", r);
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct discover *d = req->data;
    d->resolving = false;
    if (!d->cb) {
        uv_freeaddrinfo(list);
        free_when_idle(d);
        return;
    }
    if (status < 0 || !list) {
        uv_freeaddrinfo(list);
        end_uv(d, "resolve", status < 0 ? status : UV_EAI_NODATA);
        return;
    }
    /* Chromium listens on 127.0.0.1 alone, and "localhost" may give ::1 first. */
    const struct addrinfo *pick = list;
    while (pick && pick->ai_family != AF_INET) {
        pick = pick->ai_next;
    }
    if (!pick) {
        pick = list;
    }
    int r = pick->ai_family == AF_INET6
                ? uv_ip6_name((const struct sockaddr_in6 *)(const void *)pick->ai_addr,
                              d->result.address, sizeof(d->result.address))
                : uv_ip4_name((const struct sockaddr_in *)(const void *)pick->ai_addr,
                              d->result.address, sizeof(d->result.address));
    d->result.port = d->url.port;
    if (r == 0 && d->url.path[0] != '\0') {
        memcpy(d->result.path, d->url.path, sizeof(d->result.path));
        uv_freeaddrinfo(list);
        end(d, NULL);
        return;
    }
    if (r == 0) {
        r = uv_tcp_init(d->loop, &d->tcp);
    }
    if (r == 0) {
        d->tcp_open = true;
        d->tcp.data = d;
        d->connect.data = d;
        r = uv_tcp_connect(&d->connect, &d->tcp, pick->ai_addr, on_connected);
    }
    uv_freeaddrinfo(list);
    if (r < 0) {
        end_uv(d, "connect to", r);
    }
}

int discover_start(uv_loop_t *loop, const struct ws_url *url,
                   void (*cb)(void *arg, const struct err *e, const struct discover_result *r),
                   void *arg, struct discover **out, struct err *e)
{
    *out = NULL;
    struct discover *d = mem_calloc(1, sizeof(*d));
    if (!d) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    d->loop = loop;
    d->url = *url;
    d->cb = cb;
    d->arg = arg;
    d->resolve.data = d;
    char port[16];
    snprintf(port, sizeof(port), "%d", url->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    int r = uv_getaddrinfo(loop, &d->resolve, on_resolved, url->host, port, &hints);
    if (r < 0) {
        free(d);
        return err_set(e, E_IO, "cannot resolve %s: %s", url->host, uv_strerror(r));
    }
    d->resolving = true;
    *out = d;
    return 0;
}

void discover_cancel(struct discover *d)
{
    if (!d || !d->cb) {
        return;
    }
    d->cb = NULL;
    if (d->resolving) {
        uv_cancel((uv_req_t *)&d->resolve); /* its callback comes either way */
    } else if (d->tcp_open && !uv_is_closing((uv_handle_t *)&d->tcp)) {
        uv_close((uv_handle_t *)&d->tcp, on_tcp_closed);
    }
}
