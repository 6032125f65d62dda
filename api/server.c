/*
 * libmicrohttpd on the loop: its epoll descriptor in one uv_poll, its next deadline in one
 * uv_timer, a uv_prepare that runs it once for all the answers of a loop turn. One daemon a
 * listener; its connections come from gate.c.
 *
 * Stop: no new connections; streams end and waits are cut short; what is left has the grace; then
 * (nothing suspended any more, which MHD insists on) the daemons stop, the handles close,
 * on_closed.
 */
#include "api_priv.h"

#include "clock.h"
#include "limit.h"
#include "mem.h"
#include "tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000
#define TURNS 8 /* of MHD in a row before the loop gets to others */
#define API_ENDING 256u /* connections that were let go and that MHD still has to notice */

static void stop(struct api *a);

/* ---- MHD and the loop ------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *t);

static void pump(struct api_listener *l)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    bool timed = false;
    for (int i = 0; i < TURNS; i++) {
        gate_run(l);
        timed = MHD_get_timeout(l->daemon, &wait) == MHD_YES;
        if (!timed || wait > 0) {
            break;
        }
    }
    if (timed) {
        (void)uv_timer_start(&l->timer, on_timer, wait, 0);
    } else {
        (void)uv_timer_stop(&l->timer);
    }
}

static void on_timer(uv_timer_t *t)
{
    pump(t->data);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    pump(p->data);
}

void api_wake(struct api *a)
{
    a->wake = true;
}

static void on_prepare(uv_prepare_t *p)
{
    struct api *a = p->data;
    if (a->wake) {
        a->wake = false;
        if (a->tcp.daemon != NULL) {
            pump(&a->tcp);
        }
        if (a->local.daemon != NULL) {
            pump(&a->local);
        }
    }
    if (a->closing && !a->stopping && list_empty(&a->requests)) {
        stop(a);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct api *a = t->data;
    sse_tick(a);
    archives_tick(a);
    audit_tick(a);
    gate_sweep(a, clock_mono_ms());
}

/* ---- MHD's callbacks that belong to no request ------------------------------------------------
 */

static void on_connection(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct api_listener *l = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        gate_connected(l, conn, context);
        return;
    }
    struct api_connection *c = *context;
    *context = NULL;
    if (c != NULL) {
        if (c->request != NULL) { /* MHD refused it by itself and told nobody */
            request_forget(c->request, MHD_REQUEST_TERMINATED_WITH_ERROR);
        }
        gate_disconnected(c);
    }
}

/* Paths stay as sent: path_split() and query_parse() undo the escapes, each part by itself. */
static size_t leave_escaped(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls;
    (void)conn;
    return strlen(s);
}

static void on_library_log(void *cls, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void on_library_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    if (log_get_level() > LOG_DEBUG) {
        return;
    }
    char line[256];
    if (vsnprintf(line, sizeof(line), fmt, ap) > 0) {
        line[strcspn(line, "\n")] = '\0';
        log_debug(NULL, "http.library", "%s", line);
    }
}

static void on_library_panic(void *cls, const char *file, unsigned line, const char *reason)
{
    (void)cls;
    log_error(NULL, "http.panic", "%s:%u: %s", file, line, reason != NULL ? reason : "");
    abort();
}

/* ---- start ------------------------------------------------------------------------------------
 */

/* Takes fd. MHD_OPTION_STRICT_FOR_CLIENT stays off: it checks for Host and blanks in the target
 * only, and answers those with a broken head or not at all; wire.c and guard.c refuse both with a
 * proper answer. */
static int listener_open(struct api_listener *l, int fd, struct err *e)
{
    l->listen_fd = fd;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET, 0,
        NULL, NULL, request_on_call, l, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, request_on_target, l, MHD_OPTION_NOTIFY_COMPLETED,
        request_on_completed, l, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
        l->max + API_ENDING, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_MAX_HEADER * 2, MHD_OPTION_END);
    if (l->daemon == NULL) {
        return err_set(e, E_IO, "the HTTP library does not start: too few file descriptors?");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return err_set(e, E_INTERNAL, "the HTTP library has no epoll descriptor");
    }
    l->epoll_fd = info->epoll_fd;
    return 0;
}

/* handed: a socket that listens already; 0: none. */
static int open_tcp(struct api *a, const char *text, int handed, struct err *e)
{
    struct listen_address addr;
    int fd = handed;
    int rc = handed > 0 ? listen_adopt(handed, &addr, e) : listen_tcp(text, &addr, &fd, e);
    if (rc != 0) {
        return rc;
    }
    socklen_t len = sizeof(addr.addr);
    (void)getsockname(fd, (struct sockaddr *)&addr.addr, &len);
    in_port_t port = addr.addr.ss_family == AF_INET6
                         ? ((const struct sockaddr_in6 *)(const void *)&addr.addr)->sin6_port
                         : ((const struct sockaddr_in *)(const void *)&addr.addr)->sin_port;
    a->tcp.port = ntohs(port);
    a->tcp.loopback = addr.loopback;
    if (addr.loopback) {
        a->tcp.max_per_address = 0;
    }
    memcpy(a->tcp.host, addr.host, sizeof(a->tcp.host));
    return listener_open(&a->tcp, fd, e);
}

static int open_local(struct api *a, const char *path, int handed, struct err *e)
{
    int fd = handed;
    if (handed > 0) { /* its file belongs to whoever made it */
        struct listen_address addr;
        int rc = listen_adopt(handed, &addr, e);
        return rc != 0 ? rc : listener_open(&a->local, fd, e);
    }
    int rc = listen_unix(path, &a->socket_made, &fd, e);
    if (rc != 0) {
        return rc;
    }
    a->socket_path = mem_strdup(path);
    if (a->socket_path == NULL) {
        (void)unlink(path);
        (void)close(fd);
        return err_set(e, E_NOMEM, "out of memory");
    }
    return listener_open(&a->local, fd, e);
}

static void remove_socket(struct api *a)
{
    struct stat now;
    if (a->socket_path != NULL && lstat(a->socket_path, &now) == 0 &&
        now.st_ino == a->socket_made.st_ino && now.st_dev == a->socket_made.st_dev) {
        (void)unlink(a->socket_path);
    }
    free(a->socket_path);
    a->socket_path = NULL;
}

static void api_free(struct api *a)
{
    tls_free(a->tls);
    if (a->spare_fd >= 0) {
        (void)close(a->spare_fd);
    }
    free(a->by_fd);
    path_router_free(a->router);
    limits_free(a->limits);
    free(a->openapi);
    free(a->public_url);
    free(a);
}

void api_handle_gone(struct api *a)
{
    assert(a->handles > 0);
    if (--a->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = a->on_closed;
    void *arg = a->closed_arg;
    api_free(a);
    if (on_closed != NULL) {
        on_closed(arg);
    }
}

static void on_handle_closed(uv_handle_t *h)
{
    api_handle_gone(h->data);
}

static void close_handle(struct api *a, uv_handle_t *h)
{
    h->data = a;
    uv_close(h, on_handle_closed);
}

/* Those that were begun. */
static void listener_detach(struct api_listener *l)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&l->poll, (uv_handle_t *)&l->timer,
                                    (uv_handle_t *)&l->accepting};
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        if (uv_handle_get_type(handles[i]) != UV_UNKNOWN_HANDLE) {
            close_handle(l->api, handles[i]);
        }
    }
}

static int listener_attach(struct api_listener *l, struct err *e)
{
    struct api *a = l->api;
    if (l->daemon == NULL) {
        return 0;
    }
    int rc = uv_poll_init(a->loop, &l->poll, l->epoll_fd);
    if (rc != 0) {
        return err_sys(e, E_IO, -rc, "cannot watch the HTTP listener");
    }
    a->handles++;
    l->poll.data = l;
    (void)uv_timer_init(a->loop, &l->timer);
    a->handles++;
    l->timer.data = l;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
    rc = gate_open(l, e);
    a->handles += rc == 0;
    return rc;
}

static void attach_timers(struct api *a)
{
    (void)uv_prepare_init(a->loop, &a->prepare);
    (void)uv_timer_init(a->loop, &a->tick);
    (void)uv_timer_init(a->loop, &a->grace);
    (void)uv_timer_init(a->loop, &a->log_timer);
    a->prepare.data = a->tick.data = a->grace.data = a->log_timer.data = a;
    a->handles += 4;
    (void)uv_prepare_start(&a->prepare, on_prepare);
    (void)uv_timer_start(&a->tick, on_tick, TICK_MS, TICK_MS);
}

static int prepare_texts(struct api *a, struct err *e)
{
    a->router = path_router_create(api_routes, api_route_count);
    json_t *doc = openapi_document(api_routes, api_route_count);
    a->openapi = doc != NULL ? json_text(doc, &a->openapi_len) : NULL;
    json_decref(doc);
    return a->router != NULL && a->openapi != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

static void listener_stop(struct api_listener *l)
{
    if (l->daemon != NULL) {
        MHD_stop_daemon(l->daemon);
        l->daemon = NULL;
    }
}

int api_create(uv_loop_t *loop, struct bridge *b, const struct api_config *c, struct api **out,
               struct err *e)
{
    struct api *a = mem_calloc(1, sizeof(*a));
    if (a == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    a->loop = loop;
    a->bridge = b;
    a->metrics_open = c->metrics_open;
    a->dashboard = c->dashboard;
    api_metrics_register();
    a->tcp.api = a->local.api = a;
    a->tcp.listen_fd = a->local.listen_fd = -1;
    a->tcp.max = c->max_connections > 0 ? c->max_connections : API_MAX_CONNECTIONS;
    a->tcp.max_per_address = c->max_per_address > 0 ? c->max_per_address : API_MAX_PER_ADDRESS;
    a->local.max = API_MAX_LOCAL;
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    list_init(&a->requests);
    list_init(&a->connections);
    list_init(&a->streams);
    list_init(&a->archives);
    list_init(&a->log_waiters);
    MHD_set_panic_func(on_library_panic, NULL);
    int rc = prepare_texts(a, e);
    if (rc == 0 && c->public_url != NULL && (a->public_url = mem_strdup(c->public_url)) == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc : limits_create(c, &a->limits, e);
    if (rc == 0 && c->tls_cert != NULL) {
        rc = tls_create(loop, c->tls_cert, c->tls_key, &a->tls, e);
    }
    if (rc == 0 && (c->listen != NULL || c->listen_fd > 0)) {
        rc = open_tcp(a, c->listen, c->listen_fd, e);
    }
    if (rc == 0 && (c->socket != NULL || c->socket_fd > 0)) {
        rc = open_local(a, c->socket, c->socket_fd, e);
    }
    if (rc == 0) {
        rc = listener_attach(&a->tcp, e);
    }
    if (rc == 0) {
        rc = listener_attach(&a->local, e);
    }
    if (rc == 0) {
        attach_timers(a);
        *out = a;
        return 0;
    }
    bool attached = a->handles > 0;
    gate_close(&a->tcp);
    gate_close(&a->local);
    listener_detach(&a->tcp);
    listener_detach(&a->local);
    listener_stop(&a->tcp);
    listener_stop(&a->local);
    remove_socket(a);
    if (!attached) {
        api_free(a);
    }
    return rc;
}

unsigned api_port(const struct api *a)
{
    return a->tcp.port;
}

/* ---- stop -------------------------------------------------------------------------------------
 */

static void listener_close(struct api_listener *l)
{
    if (l->daemon != NULL) {
        listener_detach(l);
        listener_stop(l);
    }
}

/* Every request that sleeps is answered, so that nothing is suspended, then all of it ends. */
static void stop(struct api *a)
{
    a->stopping = true;
    LIST_FOREACH(&a->requests, it, next)
    {
        request_cut(LIST_ENTRY(it, struct api_request, link));
    }
    if (a->tcp.daemon != NULL) {
        gate_run(&a->tcp);
    }
    if (a->local.daemon != NULL) {
        gate_run(&a->local);
    }
    listener_close(&a->tcp);
    listener_close(&a->local);
    assert(list_empty(&a->requests) && list_empty(&a->streams));
    close_handle(a, (uv_handle_t *)&a->prepare);
    close_handle(a, (uv_handle_t *)&a->tick);
    close_handle(a, (uv_handle_t *)&a->grace);
    close_handle(a, (uv_handle_t *)&a->log_timer);
}

static void on_grace(uv_timer_t *t)
{
    struct api *a = t->data;
    if (!a->stopping) {
        log_warn(NULL, "api.forced", "requests are still open after the grace: ending them");
        stop(a);
    }
}

void api_close(struct api *a, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg)
{
    assert(!a->closing);
    a->closing = true;
    a->on_closed = on_closed;
    a->closed_arg = arg;
    gate_close(&a->tcp);
    gate_close(&a->local);
    remove_socket(a);
    sse_close(a);
    archives_close(a);
    LIST_FOREACH(&a->requests, it, next)
    {
        struct api_request *r = LIST_ENTRY(it, struct api_request, link);
        if (r->cut != NULL && api_unanswered(r)) {
            r->cut(r);
        }
    }
    (void)uv_timer_start(&a->grace, on_grace, grace_ms, 0);
    api_wake(a);
}
