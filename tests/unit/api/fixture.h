/*
 * A real server on a real bridge and a real store in a temporary directory, its loop on a thread of
 * its own; the test speaks to it through sockets. No browser: bridge_start() is not called, so the
 * sessions stay where they are and messages wait in the outbox.
 */
#ifndef TEST_API_FIXTURE_H
#define TEST_API_FIXTURE_H

#include "api.h"
#include "bridge.h"
#include "cdp.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "store.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GRACE_MS 5000
#define PATIENCE_MS 120000 /* longest wait for anything; past it the test fails */

struct house {
    char dir[64];
    char socket[96];
    char auth[512]; /* header line with the admin key */
    unsigned port;
    uv_loop_t loop;
    struct store *store;
    struct cdp *cdp;
    struct bridge *bridge;
    struct api *api;
    uv_async_t leave, errand;
    void (*errand_fn)(struct house *h); /* to be run on the loop: house_do() */
    pthread_t thread;
    int loop_rc; /* of uv_loop_close(): 0 when nothing was left open */
};

static void on_store_closed(void *arg)
{
    struct house *h = arg;
    uv_close((uv_handle_t *)&h->leave, NULL);
    uv_close((uv_handle_t *)&h->errand, NULL);
}

static void on_cdp_closed(void *arg)
{
    struct house *h = arg;
    store_close(h->store, on_store_closed, h);
}

static void on_bridge_closed(void *arg)
{
    struct house *h = arg;
    cdp_close(h->cdp, on_cdp_closed, h);
}

static void on_api_closed(void *arg)
{
    struct house *h = arg;
    bridge_close(h->bridge, GRACE_MS, on_bridge_closed, h);
}

static void on_leave(uv_async_t *a)
{
    struct house *h = a->data;
    api_close(h->api, GRACE_MS, on_api_closed, h);
}

static void on_errand(uv_async_t *a)
{
    struct house *h = a->data;
    h->errand_fn(h);
}

/* fn runs on the loop, soon; it says itself when it is done. */
static inline void house_do(struct house *h, void (*fn)(struct house *h))
{
    h->errand_fn = fn;
    (void)uv_async_send(&h->errand);
}

static void *run_loop(void *arg)
{
    struct house *h = arg;
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    return NULL;
}

static int house_fail(const char *what, const struct err *e)
{
    (void)fprintf(stderr, "%s: %s\n", what, e->msg);
    return -1;
}

static int house_open(struct house *h)
{
    struct err e = {0};
    char store_dir[96];
    char *key = NULL;
    memset(h, 0, sizeof(*h));
    (void)snprintf(h->dir, sizeof(h->dir), "/tmp/wabridge-test-XXXXXX");
    if (mkdtemp(h->dir) == NULL || uv_loop_init(&h->loop) != 0) {
        return -1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    log_init(LOG_TEXT, LOG_DEBUG, open("/dev/null", O_WRONLY | O_CLOEXEC));
    (void)snprintf(store_dir, sizeof(store_dir), "%s/store", h->dir);
    (void)snprintf(h->socket, sizeof(h->socket), "%s/api.sock", h->dir);
    struct store_options so = {.dir = store_dir, .map_size = 1ull << 30, .loop = &h->loop};
    struct bridge_config config;
    struct api_config ac = {.listen = "127.0.0.1:0", .socket = h->socket, .dashboard = true};
    bridge_config_defaults(&config);
    config.data_dir = h->dir;
    char library[96]; /* read at the start, used by browsers only */
    (void)snprintf(library, sizeof(library), "%s/wa.js", h->dir);
    FILE *f = fopen(library, "w");
    if (f == NULL || fputs("0;\n", f) < 0 || fclose(f) != 0) {
        return -1;
    }
    config.page.wa_js = library;
    if (store_open(&so, &h->store, &e) != 0) {
        return house_fail("store", &e);
    }
    if (cdp_create(&h->loop, &h->cdp, &e) != 0) {
        return house_fail("cdp", &e);
    }
    if (bridge_create(&h->loop, h->store, h->cdp, &config, &h->bridge, &key, &e) != 0) {
        return house_fail("bridge", &e);
    }
    if (api_create(&h->loop, h->bridge, &ac, &h->api, &e) != 0) {
        return house_fail("api", &e);
    }
    (void)snprintf(h->auth, sizeof(h->auth), "Authorization: Bearer %s\r\n", key);
    free(key);
    h->port = api_port(h->api);
    h->leave.data = h;
    h->errand.data = h;
    if (uv_async_init(&h->loop, &h->leave, on_leave) != 0 ||
        uv_async_init(&h->loop, &h->errand, on_errand) != 0) {
        return -1;
    }
    return pthread_create(&h->thread, NULL, run_loop, h);
}

/* Asks for the stop; house_join() waits for it. */
static void house_leave(struct house *h)
{
    (void)uv_async_send(&h->leave);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

static void house_join(struct house *h)
{
    (void)pthread_join(h->thread, NULL);
    h->loop_rc = uv_loop_close(&h->loop);
    (void)nftw(h->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the client ------------------------------------------------------------------------------ */

struct answer {
    int status; /* 0: the connection ended without one */
    char head[8192];
    char body[1 << 20];
    size_t len;
};

static int house_dial(const struct house *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)h->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static inline int house_dial_local(const struct house *h)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", h->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* A server that refuses closes while we still write: not an error of the test. */
static void say(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

/* One more byte; -1 when the connection ended, -2 when nothing came for too long. */
static int hear_byte(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    unsigned char c;
    if (poll(&p, 1, PATIENCE_MS) != 1) {
        return -2;
    }
    return recv(fd, &c, 1, 0) == 1 ? c : -1;
}

/* Everything up to the end of a head, NUL-terminated; the number of bytes, 0 at the end. */
static size_t hear_until(int fd, const char *end, char *out, size_t size)
{
    size_t n = 0;
    size_t end_len = strlen(end);
    while (n + 1 < size) {
        int c = hear_byte(fd);
        if (c < 0) {
            out[n] = '\0';
            return 0;
        }
        out[n++] = (char)c;
        if (n >= end_len && memcmp(out + n - end_len, end, end_len) == 0) {
            break;
        }
    }
    out[n] = '\0';
    return n;
}

static void hear(int fd, struct answer *a)
{
    memset(a, 0, sizeof(*a));
    if (hear_until(fd, "\r\n\r\n", a->head, sizeof(a->head)) == 0) {
        return;
    }
    a->status = (int)strtol(a->head + 9, NULL, 10);
    const char *length = strcasestr(a->head, "\r\nContent-Length: ");
    size_t wanted = length != NULL ? strtoul(length + 18, NULL, 10) : 0;
    while (a->len < wanted && a->len + 1 < sizeof(a->body)) {
        int c = hear_byte(fd);
        if (c < 0) {
            return;
        }
        a->body[a->len++] = (char)c;
    }
}

/* Reads to the end: true when the server closed, false when it keeps silent but open. */
static inline bool hear_end(int fd)
{
    int c;
    do {
        c = hear_byte(fd);
    } while (c >= 0);
    return c == -1;
}

/* One request on a connection of its own. path_and_query; headers end with \r\n; body may be NULL.
 */
static inline void ask(const struct house *h, const char *method, const char *path, const char *headers,
                const char *body, struct answer *a)
{
    char head[4096];
    int fd = house_dial(h);
    int n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path,
                     headers);
    if (body != NULL) {
        n += snprintf(head + n, sizeof(head) - (size_t)n,
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    }
    n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n%s", body != NULL ? body : "");
    say(fd, head, (size_t)n);
    hear(fd, a);
    (void)close(fd);
}

#endif
