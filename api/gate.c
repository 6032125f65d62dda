/*
 * Who may come in, and what of it libmicrohttpd gets to see.
 *
 * Connections are accepted here, not in the library, which would stop accepting at its limit and
 * say nothing. Past the limits a connection gets a 503 and is closed; but first the one that has
 * said nothing for the longest makes room, so that a crowd of silent connections keeps nobody out.
 *
 * The library reads with recv(), which this program defines itself: outside of gate_run() it is
 * what it always was, inside every byte passes wire_feed() first. A request at fault never gets to
 * the library (whose own refusals are HTML, or no answer at all): it is answered from here, once
 * those before it on the connection are. Then the connection is read to its end for a moment, since
 * closing it with bytes unread would take the answer away from the client.
 */
#undef _FORTIFY_SOURCE /* its recv() is a wrapper of the one below */
#include "api_priv.h"

#include "clock.h"
#include "mem.h"
#include "peer.h"
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH 64            /* connections accepted before the loop gets to others */
#define FULL_LOG_MS 60000   /* between two lines about no room */
#define PEER_TIMEOUT_MS 60000u /* what we sent is not acknowledged for so long: the peer is gone */

static _Thread_local struct api_listener *running;

/* ---- answers past the library ------------------------------------------------------------------
 */

int gate_answer(int fd, const struct err *e, const char *path, const char *id)
{
    size_t len = 0;
    int status = problem_status(e);
    unsigned wait = problem_retry_after(e);
    char *text = problem_text(e, path, &len);
    struct buf all;
    buf_init(&all, 65536);
    (void)buf_printf(&all,
                     "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
                     "Content-Length: %zu\r\n",
                     status, problem_title(status), len);
    if (wait > 0) {
        (void)buf_printf(&all, "Retry-After: %u\r\n", wait);
    }
    if (id != NULL && id[0] != '\0') {
        (void)buf_printf(&all, "X-Request-Id: %s\r\n", id);
    }
    (void)buf_str(&all, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                        "Connection: close\r\n\r\n");
    if (text != NULL && buf_append(&all, text, len) == 0) {
        (void)!send(fd, all.data, all.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    buf_finish(&all);
    free(text);
    return status;
}

/* ---- accepting ---------------------------------------------------------------------------------
 */

static void address_key(const struct sockaddr_storage *from, uint8_t key[8])
{
    memset(key, 0, 8);
    if (from->ss_family == AF_INET) {
        memcpy(key, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        /* one that came over IPv4: that address, else the network that one customer has */
        memcpy(key, IN6_IS_ADDR_V4MAPPED(a) ? a->s6_addr + 12 : a->s6_addr,
               IN6_IS_ADDR_V4MAPPED(a) ? 4 : 8);
    }
}

static unsigned count_of(const struct api_listener *l, const uint8_t key[8])
{
    unsigned n = 0;
    LIST_FOREACH(&l->api->connections, it, next)
    {
        const struct api_connection *c = LIST_ENTRY(it, struct api_connection, link);
        n += c->listener == l && !c->ended && memcmp(c->address, key, 8) == 0;
    }
    return n;
}

static void let_go(struct api_connection *c)
{
    if (!c->ended) {
        c->ended = true;
        c->listener->count--;
    }
    client_end(c->conn);
}

/* The one without a request for the longest, when that is long enough. */
static bool make_room(struct api_listener *l)
{
    struct api_connection *oldest = NULL;
    LIST_FOREACH(&l->api->connections, it, next)
    {
        struct api_connection *c = LIST_ENTRY(it, struct api_connection, link);
        if (c->listener == l && !c->ended && c->request == NULL &&
            (oldest == NULL || c->since_ms < oldest->since_ms)) {
            oldest = c;
        }
    }
    if (oldest == NULL || clock_mono_ms() < oldest->since_ms + API_FIRST_CHANCE_MS) {
        return false;
    }
    let_go(oldest);
    return true;
}

/* Too many in all, or of this address? */
static int check_room(struct api_listener *l, const uint8_t key[8], struct err *e)
{
    if (l->max_per_address > 0 && count_of(l, key) >= l->max_per_address) {
        return err_word(e, E_UNAVAILABLE, "too_many_connections",
                        "your address has %u connections open, the most it can have: close some, "
                        "or keep one open for many requests",
                        l->max_per_address);
    }
    if (l->count >= l->max && !make_room(l)) {
        return err_word(e, E_UNAVAILABLE, "too_many_connections",
                        "%u connections are open, the most there can be: try again later", l->max);
    }
    return 0;
}

static void turn_away(struct api_listener *l, int fd, const struct err *e)
{
    uint64_t now = clock_mono_ms();
    if (l->full_log_ms == 0 || now >= l->full_log_ms + FULL_LOG_MS) {
        l->full_log_ms = now;
        log_warn(NULL, "api.full", "connections are turned away: %s", e->msg);
    }
    (void)gate_answer(fd, e, NULL, NULL);
    (void)shutdown(fd, SHUT_WR);
    char drop[4096]; /* what is unread when we close would take the answer away */
    (void)!recvfrom(fd, drop, sizeof(drop), MSG_DONTWAIT, NULL, NULL);
    (void)close(fd);
}

static void take(struct api_listener *l, int fd, const struct sockaddr_storage *from, socklen_t len)
{
    struct err e = {0};
    uint8_t key[8];
    address_key(from, key);
    if (check_room(l, key, &e) != 0) {
        turn_away(l, fd, &e);
        return;
    }
    peer_watch(fd, PEER_TIMEOUT_MS);
    unsigned most = l->max + BATCH; /* those that just ended go in the next turn */
    if (l->api->tls != NULL && l == &l->api->tcp &&
        tls_begin(l->api->tls, fd, most, &fd, &e) != 0) {
        log_debug(NULL, "api.connection", "%s", e.msg);
        (void)close(fd);
        return;
    }
    /* MHD closes fd when it cannot have it */
    if (MHD_add_connection(l->daemon, fd, (const struct sockaddr *)from, len) != MHD_YES) {
        log_debug(NULL, "api.connection", "the HTTP library takes no connection: %s",
                  strerror(errno));
    }
}

/* No descriptor left: the spare one lets us at least take the connection and close it, which else
 * would wake us for ever. */
static void shed(struct api_listener *l)
{
    struct api *a = l->api;
    (void)close(a->spare_fd);
    int fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct err e = {0};
        (void)err_word(&e, E_UNAVAILABLE, "too_many_connections",
                       "the daemon has no file descriptor left: raise LimitNOFILE");
        turn_away(l, fd, &e);
    }
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_accept(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    struct api_listener *l = p->data;
    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(l->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l, fd, &from, len);
        } else if (errno == EMFILE || errno == ENFILE) {
            shed(l);
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    api_wake(l->api);
}

/* Half of the descriptors at most: browsers, the store and outgoing requests need some too. each: what
 * one connection needs. */
static unsigned affordable(unsigned wanted, unsigned each)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 / each >= wanted) {
        return wanted;
    }
    unsigned most = (unsigned)(limit.rlim_cur / 2 / each);
    log_warn(NULL, "api.descriptors",
             "%llu open files are allowed: %u connections instead of %u; raise LimitNOFILE",
             (unsigned long long)limit.rlim_cur, most, wanted);
    return most;
}

int gate_open(struct api_listener *l, struct err *e)
{
    bool tls = l->api->tls != NULL && l == &l->api->tcp;
    l->max = affordable(l->max, tls ? 3 : 1); /* the client's, and a pair to the plain side */
    int rc = uv_poll_init(l->api->loop, &l->accepting, l->listen_fd);
    if (rc != 0) {
        return err_sys(e, E_IO, -rc, "cannot watch the HTTP listener");
    }
    l->accepting.data = l;
    (void)uv_poll_start(&l->accepting, UV_READABLE, on_accept);
    return 0;
}

void gate_close(struct api_listener *l)
{
    if (l->listen_fd >= 0) {
        if (l->accepting.data != NULL) {
            (void)uv_poll_stop(&l->accepting);
        }
        (void)close(l->listen_fd);
        l->listen_fd = -1;
    }
}

/* ---- connections the library has ---------------------------------------------------------------
 */

struct api_connection *connection_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static bool remember(struct api *a, struct api_connection *c)
{
    size_t need = (size_t)c->fd + 1;
    if (need > a->fds) {
        size_t fds = need * 2;
        struct api_connection **more = mem_realloc(a->by_fd, fds * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        memset(more + a->fds, 0, (fds - a->fds) * sizeof(*more));
        a->by_fd = more;
        a->fds = fds;
    }
    a->by_fd[c->fd] = c;
    return true;
}

void gate_connected(struct api_listener *l, struct MHD_Connection *conn, void **context)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct api_connection *c = mem_calloc(1, sizeof(*c));
    *context = NULL;
    if (c == NULL || fd == NULL) {
        free(c);
        client_end(conn); /* nothing is read past the wire */
        return;
    }
    c->listener = l;
    c->conn = conn;
    c->fd = fd->connect_fd;
    c->since_ms = clock_mono_ms();
    wire_init(&c->wire);
    if (!remember(l->api, c)) {
        free(c);
        client_end(conn);
        return;
    }
    if (from != NULL && from->client_addr != NULL) {
        struct sockaddr_storage address = {0};
        bool six = from->client_addr->sa_family == AF_INET6;
        if (six || from->client_addr->sa_family == AF_INET) {
            memcpy(&address, from->client_addr,
                   six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        }
        address_key(&address, c->address);
    }
    *context = c;
    l->count++;
    list_append(&l->api->connections, &c->link);
}

void gate_disconnected(struct api_connection *c)
{
    struct api *a = c->listener->api;
    a->by_fd[c->fd] = NULL;
    if (!c->ended) {
        c->listener->count--;
    }
    list_remove(&c->link);
    free(c);
}

/* ---- the wire ----------------------------------------------------------------------------------
 */

/* Answers the request at fault, unless something of an answer is out already. */
static void refuse(struct api_connection *c, const struct err *e)
{
    struct api_request *r = c->request;
    bool answered = r != NULL && (r->state.state == REQUEST_SENT || r->raw);
    if (!answered) {
        int status = gate_answer(c->fd, e, r != NULL ? r->path : NULL, r != NULL ? r->id : NULL);
        log_debug(NULL, "api.refused", "%d %s: %s", status, err_word_of(e), e->msg);
        if (r != NULL) {
            r->status = status;
        }
    }
    (void)shutdown(c->fd, SHUT_WR);
    c->refused_ms = clock_mono_ms();
}

static bool is_next(const struct api_connection *c)
{
    return c->done + 1 >= c->wire.begun;
}

void gate_next(struct api_connection *c)
{
    c->done++;
    c->request = NULL;
    c->since_ms = clock_mono_ms();
    c->window_ms = 0;
    if (c->wire.fault != WIRE_FINE && c->refused_ms == 0 && is_next(c)) {
        struct err e = {0};
        (void)wire_problem(&c->wire, &e);
        refuse(c, &e);
    }
}

/* What comes after a refusal is read and dropped, to a bound. n: of the first piece. */
static ssize_t drop(struct api_connection *c, void *data, size_t len, ssize_t n)
{
    while (n > 0) {
        c->dropped += (size_t)n;
        if (c->dropped > API_MAX_BODY) {
            return 0;
        }
        n = recvfrom(c->fd, data, len, MSG_DONTWAIT, NULL, NULL);
    }
    return n;
}

static ssize_t judge(struct api_connection *c, void *data, size_t len, ssize_t n)
{
    if (c->wire.fault != WIRE_FINE || c->refused_ms != 0) {
        return drop(c, data, len, n);
    }
    bool within = wire_in_head(&c->wire);
    uint32_t begun = c->wire.begun;
    size_t fine = wire_feed(&c->wire, data, (size_t)n);
    if (wire_in_head(&c->wire) && (!within || begun != c->wire.begun)) {
        c->head_ms = clock_mono_ms();
    }
    if (c->wire.fault == WIRE_FINE || fine > 0) {
        return (ssize_t)fine;
    }
    if (is_next(c)) {
        struct err e = {0};
        (void)wire_problem(&c->wire, &e);
        refuse(c, &e);
    }
    return drop(c, data, len, n);
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    ssize_t n = recvfrom(fd, data, len, flags, NULL, NULL);
    if (n <= 0 || running == NULL || (flags & MSG_PEEK) != 0) {
        return n;
    }
    const struct api *a = running->api;
    struct api_connection *c = fd >= 0 && (size_t)fd < a->fds ? a->by_fd[fd] : NULL;
    return c != NULL ? judge(c, data, len, n) : n;
}

void gate_run(struct api_listener *l)
{
    running = l;
    (void)MHD_run(l->daemon);
    running = NULL;
}

/* ---- time --------------------------------------------------------------------------------------
 */

/* A connection that is neither answered nor waits for us. */
static bool is_reading(const struct api_request *r)
{
    return r == NULL || r->raw || r->state.state <= REQUEST_BODY ||
           (r->state.state == REQUEST_ANSWERED && !r->suspended);
}

/* What it is late with, or NULL. */
static const char *lateness(const struct api_connection *c, uint64_t now)
{
    const struct api_request *r = c->request;
    if (wire_in_head(&c->wire) && is_next(c)) {
        return now >= c->head_ms + API_HEAD_TIMEOUT_MS ? "the head of the request" : NULL;
    }
    if (r == NULL) {
        return now >= c->since_ms + API_IDLE_TIMEOUT_S * 1000 ? "" : NULL;
    }
    uint64_t due = r->upload != NULL
                       ? API_UPLOAD_TIMEOUT_MS + upload_received(r) / API_SLOWEST_UPLOAD
                       : API_BODY_TIMEOUT_MS + r->body.len / API_SLOWEST_BODY;
    return now >= r->started_ms + due ? "the body of the request" : NULL;
}

/* Takes its answer too slowly? TCP only: who is on the Unix socket is the operator. */
static bool stalls(struct api_connection *c, uint64_t now)
{
    uint64_t taken;
    if ((c->window_ms != 0 && now < c->window_ms + API_ANSWER_WINDOW_MS) ||
        !peer_taken(c->fd, &taken)) {
        return false;
    }
    bool slow = c->window_ms != 0 && taken < c->acked + API_ANSWER_BYTES;
    c->window_ms = now;
    c->acked = taken;
    return slow;
}

static void sweep_one(struct api_connection *c, uint64_t now)
{
    struct api_request *r = c->request;
    if (c->refused_ms != 0) {
        if (now >= c->refused_ms + API_LINGER_MS) {
            let_go(c);
        }
    } else if (r != NULL && r->state.state == REQUEST_SENT && !r->raw) {
        if (!r->streaming && stalls(c, now)) {
            log_debug(NULL, "api.slow", "a client takes its answer too slowly");
            let_go(c);
        }
    } else if (is_reading(r) && !upload_sleeps(r)) {
        const char *what = lateness(c, now);
        if (what != NULL && what[0] != '\0') {
            struct err e = {0};
            (void)err_word(&e, E_TIMEOUT, "request_timeout", "%s came too slowly", what);
            refuse(c, &e);
        } else if (what != NULL || client_is_done(c->conn)) {
            let_go(c);
        }
    }
}

void gate_sweep(struct api *a, uint64_t now)
{
    if (a->tls != NULL) {
        tls_sweep(a->tls, now);
    }
    LIST_FOREACH(&a->connections, it, next)
    {
        sweep_one(LIST_ENTRY(it, struct api_connection, link), now);
    }
}
