/*
 *   client ⇄ fd ⇄ SSL ⇄ up, down (16 KiB each) ⇄ inner ~ socket pair ~ plain ⇄ libmicrohttpd
 *
 * Neither side is read while the other cannot take what was read, so a slow reader holds 32 KiB and
 * what the kernel has. How long a silent connection may stay is decided behind: when the plain side
 * is closed, or the client's, what is on its way goes out and all of it ends. Behind, nobody sees how
 * fast the client takes that: so tls_sweep() ends the one that takes next to nothing, and when there
 * are too many, the oldest one whose plain side is gone makes room.
 */
#include "tls.h"

#include "list.h"
#include "log.h"
#include "mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 16384
#define LOOK_MS 60000
#define WINDOW_MS 60000    /* in each of these a client that is waited for must take */
#define WINDOW_BYTES 65536 /* so much */

struct tls {
    uv_loop_t *loop;
    char *cert, *key;
    SSL_CTX *context;
    uint64_t looked_ms;
    int64_t changed; /* of the files, when they were read */
    struct list connections;
    unsigned count; /* of connections */
};

struct way {
    unsigned char data[PIECE];
    size_t at, len; /* what is still to be handed on */
    bool ended;     /* nothing more will be read */
};

struct tls_connection {
    struct list link;
    struct tls *tls;
    SSL *ssl;
    int fd, inner;
    uv_poll_t outer_poll, inner_poll;
    unsigned handles;
    int ssl_wants; /* UV_READABLE, UV_WRITABLE: before SSL can go on */
    bool told;     /* the client's end was passed on */
    bool gone;     /* the plain side is closed: what it wrote goes out, no more will come */
    bool ending;
    uint64_t taken;        /* bytes that the client's socket took */
    uint64_t window_ms;    /* 0: the client is not waited for */
    uint64_t window_taken; /* what it had taken when the window began */
    struct way up, down;
};

/* ---- certificates -----------------------------------------------------------------------------
 */

static int tls_fail(struct err *e, const char *what, const char *file)
{
    unsigned long code = ERR_get_error();
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return err_set(e, E_INVALID, "%s %s: %s", what, file,
                   reason != NULL ? reason : "cannot be used");
}

static int readable(const char *what, const char *file, struct stat *st, struct err *e)
{
    if (stat(file, st) == 0 && access(file, R_OK) == 0) {
        return 0;
    }
    int sys = errno;
    return err_sys(e, sys == ENOENT ? E_NOTFOUND : E_FORBIDDEN, sys, "%s %s", what, file);
}

static int choose_http1(SSL *ssl, const unsigned char **out, unsigned char *len,
                        const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, len, ours, sizeof(ours), in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int64_t changed_of(const struct stat *cert, const struct stat *key)
{
    return (cert->st_mtim.tv_sec ^ (key->st_mtim.tv_sec << 20)) + cert->st_mtim.tv_nsec;
}

static int load(struct tls *t, SSL_CTX **out, struct err *e)
{
    struct stat cert, st;
    int rc = readable("[server] tls_cert", t->cert, &cert, e);
    rc = rc != 0 ? rc : readable("[server] tls_key", t->key, &st, e);
    if (rc != 0) {
        return rc;
    }
    if ((st.st_mode & (S_IRWXO)) != 0) {
        return err_set(e, E_FORBIDDEN, "[server] tls_key %s: every user can read it: chmod 600 it",
                       t->key);
    }
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_http1, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, ""); /* never asked for at the terminal */
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1) {
        rc = tls_fail(e, "[server] tls_cert", t->cert);
    } else if (SSL_CTX_use_PrivateKey_file(ctx, t->key, SSL_FILETYPE_PEM) != 1 ||
               SSL_CTX_check_private_key(ctx) != 1) {
        rc = tls_fail(e, "[server] tls_key", t->key);
    }
    if (rc != 0) {
        SSL_CTX_free(ctx);
        return rc;
    }
    t->changed = changed_of(&cert, &st);
    *out = ctx;
    return 0;
}

/* Certificates are renewed in place. */
static void look_for_new(struct tls *t)
{
    struct stat cert, key;
    struct err e;
    SSL_CTX *fresh;
    uint64_t now = uv_now(t->loop);
    if (now < t->looked_ms + LOOK_MS || stat(t->cert, &cert) != 0 || stat(t->key, &key) != 0) {
        return;
    }
    t->looked_ms = now;
    int64_t changed = changed_of(&cert, &key);
    if (changed == t->changed) {
        return;
    }
    t->changed = changed; /* told once, also when it cannot be used */
    if (load(t, &fresh, &e) != 0) {
        log_warn(NULL, "api.tls", "the old certificate stays: %s", e.msg);
        return;
    }
    SSL_CTX_free(t->context); /* connections hold theirs */
    t->context = fresh;
    log_info(NULL, "api.tls", "new certificate from %s", t->cert);
}

int tls_create(uv_loop_t *loop, const char *cert, const char *key, struct tls **out, struct err *e)
{
    struct tls *t = mem_calloc(1, sizeof(*t));
    int rc = E_NOMEM;
    if (t != NULL) {
        t->loop = loop;
        list_init(&t->connections);
        t->cert = mem_strdup(cert);
        t->key = mem_strdup(key);
    }
    if (t == NULL || t->cert == NULL || t->key == NULL) {
        err_set(e, E_NOMEM, "out of memory");
    } else {
        rc = load(t, &t->context, e);
    }
    if (rc != 0) {
        tls_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

/* ---- a connection ------------------------------------------------------------------------------
 */

static void on_handle_closed(uv_handle_t *h)
{
    struct tls_connection *c = h->data;
    if (--c->handles > 0) {
        return;
    }
    SSL_free(c->ssl);
    (void)close(c->fd);
    (void)close(c->inner);
    free(c);
}

static void finish(struct tls_connection *c)
{
    if (c->ending) {
        return;
    }
    c->ending = true;
    c->tls->count--;
    list_remove(&c->link);
    uv_close((uv_handle_t *)&c->outer_poll, on_handle_closed);
    uv_close((uv_handle_t *)&c->inner_poll, on_handle_closed);
}

/* What SSL waits for, or its end. False: broken. */
static bool ssl_waits(struct tls_connection *c, int rc)
{
    switch (SSL_get_error(c->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        c->ssl_wants |= UV_READABLE;
        return true;
    case SSL_ERROR_WANT_WRITE:
        c->ssl_wants |= UV_WRITABLE;
        return true;
    case SSL_ERROR_ZERO_RETURN:
        c->up.ended = true;
        return true;
    default:
        break;
    }
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
        static const char answer[] =
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
            "Connection: close\r\n\r\n"
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
            "\"code\":\"tls_required\",\"detail\":\"this port speaks TLS: use https://\"}";
        char drop[4096]; /* what is unread when we close would take the answer away */
        (void)!send(c->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)shutdown(c->fd, SHUT_WR);
        (void)!recvfrom(c->fd, drop, sizeof(drop), MSG_DONTWAIT, NULL, NULL);
    }
    ERR_clear_error();
    return false;
}

/* Each step: 1 it moved something, 0 it cannot now, -1 all is over. */
static int read_client(struct tls_connection *c)
{
    if (c->up.len > 0 || c->up.ended) {
        return 0;
    }
    ERR_clear_error(); /* of others in this thread: SSL_get_error() would take it for ours */
    int n = SSL_read(c->ssl, c->up.data, PIECE);
    if (n <= 0) {
        return ssl_waits(c, n) ? 0 : -1;
    }
    c->up.at = 0;
    c->up.len = (size_t)n;
    return 1;
}

static int write_inner(struct tls_connection *c)
{
    if (c->up.len == 0) {
        if (c->up.ended && !c->told) {
            c->told = true;
            (void)shutdown(c->inner, SHUT_WR);
        }
        return 0;
    }
    ssize_t n = send(c->inner, c->up.data + c->up.at, c->up.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) { /* an answer may still be on its way */
        c->up.len = 0;
        c->up.ended = c->told = true;
        return 0;
    }
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    c->up.at += (size_t)n;
    c->up.len -= (size_t)n;
    return 1;
}

static int read_inner(struct tls_connection *c)
{
    if (c->down.len > 0 || c->down.ended) {
        return 0;
    }
    ssize_t n = recvfrom(c->inner, c->down.data, PIECE, MSG_DONTWAIT, NULL, NULL);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    c->down.at = 0;
    c->down.len = (size_t)n;
    c->down.ended = n == 0;
    return 1;
}

static int write_client(struct tls_connection *c)
{
    if (c->down.len == 0) {
        if (c->down.ended) {
            ERR_clear_error();
            (void)SSL_shutdown(c->ssl);
            ERR_clear_error();
            return -1;
        }
        return 0;
    }
    ERR_clear_error();
    int n = SSL_write(c->ssl, c->down.data + c->down.at, (int)c->down.len);
    if (n <= 0) {
        return ssl_waits(c, n) ? 0 : -1;
    }
    c->taken += (uint64_t)n;
    c->down.at += (size_t)n;
    c->down.len -= (size_t)n;
    return 1;
}

static void on_poll(uv_poll_t *p, int status, int events);

static void wait_again(struct tls_connection *c)
{
    int inner =
        (c->up.len > 0 ? UV_WRITABLE : 0) | (c->down.len == 0 && !c->down.ended ? UV_READABLE : 0);
    inner |= c->gone ? 0 : UV_DISCONNECT;
    if (c->ssl_wants != 0) {
        (void)uv_poll_start(&c->outer_poll, c->ssl_wants, on_poll);
    } else {
        (void)uv_poll_stop(&c->outer_poll);
    }
    if (inner != 0) {
        (void)uv_poll_start(&c->inner_poll, inner, on_poll);
    } else {
        (void)uv_poll_stop(&c->inner_poll);
    }
}

static void pump(struct tls_connection *c)
{
    int (*const steps[])(struct tls_connection *) = {read_client, write_inner, read_inner,
                                                     write_client};
    bool moved = true;
    for (int turn = 0; moved && turn < 8; turn++) { /* then others have their turn */
        moved = false;
        c->ssl_wants = 0;
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            int rc = steps[i](c);
            if (rc < 0) {
                finish(c);
                return;
            }
            moved |= rc > 0;
        }
    }
    if (moved) { /* SSL may have more in its own buffer than the descriptor shows */
        c->ssl_wants |= UV_WRITABLE;
    }
    wait_again(c);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct tls_connection *c = p->data;
    bool inner = p == &c->inner_poll;
    if (status < 0 && !inner) {
        finish(c);
    } else if (!c->ending) {
        c->gone |= inner && (status < 0 || (events & UV_DISCONNECT) != 0);
        pump(c);
    }
}

static int watch(struct tls *t, struct tls_connection *c, struct err *e)
{
    int rc = uv_poll_init(t->loop, &c->outer_poll, c->fd);
    c->outer_poll.data = c->inner_poll.data = c;
    if (rc != 0) {
        return err_sys(e, E_IO, -rc, "cannot watch a connection");
    }
    c->handles = 1;
    rc = uv_poll_init(t->loop, &c->inner_poll, c->inner);
    if (rc != 0) {
        return err_sys(e, E_IO, -rc, "cannot watch a connection");
    }
    c->handles = 2;
    return 0;
}

static bool make_room(struct tls *t)
{
    LIST_FOREACH(&t->connections, it, next)
    {
        struct tls_connection *c = LIST_ENTRY(it, struct tls_connection, link);
        if (c->gone) {
            finish(c);
            return true;
        }
    }
    return false;
}

/* Takes it too little of what waits for it? */
static bool stalls(struct tls_connection *c, uint64_t now)
{
    bool blocked = c->down.len > 0;
    if (blocked && c->window_ms != 0 && now < c->window_ms + WINDOW_MS) {
        return false;
    }
    bool slow = blocked && c->window_ms != 0 && c->taken < c->window_taken + WINDOW_BYTES;
    c->window_ms = blocked ? now : 0;
    c->window_taken = c->taken;
    return slow;
}

void tls_sweep(struct tls *t, uint64_t now)
{
    LIST_FOREACH(&t->connections, it, next)
    {
        struct tls_connection *c = LIST_ENTRY(it, struct tls_connection, link);
        if (stalls(c, now)) {
            log_debug(NULL, "api.slow", "a client takes its answer too slowly");
            finish(c);
        }
    }
}

int tls_begin(struct tls *t, int fd, unsigned max, int *plain, struct err *e)
{
    int pair[2];
    if (t->count >= max && !make_room(t)) {
        return err_word(e, E_UNAVAILABLE, "too_many_connections",
                        "%u TLS connections are open, the most there can be", max);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_sys(e, E_IO, errno, "cannot make a socket for a connection");
    }
    look_for_new(t);
    struct tls_connection *c = mem_calloc(1, sizeof(*c));
    SSL *ssl = c != NULL ? SSL_new(t->context) : NULL;
    int copy = ssl != NULL ? dup(fd) : -1; /* the caller's stays his when what follows fails */
    int rc = 0;
    if (copy < 0 || SSL_set_fd(ssl, copy) != 1) {
        rc = err_set(e, E_NOMEM, "out of memory or of file descriptors");
    } else {
        SSL_set_accept_state(ssl);
        c->tls = t;
        c->ssl = ssl;
        c->fd = copy;
        c->inner = pair[1];
        rc = watch(t, c, e);
    }
    if (rc != 0 && c != NULL && c->handles > 0) { /* frees what it has */
        c->ending = true;
        uv_close((uv_handle_t *)&c->outer_poll, on_handle_closed);
        (void)close(pair[0]);
        return rc;
    }
    if (rc != 0) {
        SSL_free(ssl);
        free(c);
        (void)close(pair[0]);
        (void)close(pair[1]);
        if (copy >= 0) {
            (void)close(copy);
        }
        return rc;
    }
    (void)close(fd);
    t->count++;
    list_append(&t->connections, &c->link);
    *plain = pair[0];
    pump(c);
    return 0;
}

void tls_free(struct tls *t)
{
    if (t == NULL) {
        return;
    }
    for (struct list *it; (it = list_pop(&t->connections)) != NULL;) {
        finish(LIST_ENTRY(it, struct tls_connection, link));
    }
    SSL_CTX_free(t->context);
    free(t->cert);
    free(t->key);
    free(t);
}
