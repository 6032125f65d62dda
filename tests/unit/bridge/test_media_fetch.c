/* Files from urls: a server of our own on the same loop, which behaves and misbehaves by path. */
#include "media_got.h"

/* ---- the server ---------------------------------------------------------------------------------
 */

static struct server {
    uv_tcp_t listener;
    int port;
    unsigned clients, requests;
} server;

struct client {
    uv_tcp_t tcp;
    uv_write_t write;
    char request[2048];
    size_t len;
    size_t left; /* pieces still to come */
    bool close;
};

static char piece[65536];

static void on_client_closed(uv_handle_t *h)
{
    server.clients--;
    free(h->data);
}

static void client_close(struct client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) {
        uv_close((uv_handle_t *)&c->tcp, on_client_closed);
    }
}

static void on_written(uv_write_t *w, int status)
{
    struct client *c = w->data;
    if (status != 0 || (c->left == 0 && c->close)) {
        client_close(c);
        return;
    }
    if (c->left > 0) {
        c->left--;
        uv_buf_t b = uv_buf_init(piece, sizeof(piece));
        assert_int_equal(uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written), 0);
    }
}

static void answer(struct client *c, const char *text, size_t pieces, bool close)
{
    c->left = pieces;
    c->close = close;
    c->write.data = c;
    (void)snprintf(c->request, sizeof(c->request), "%s", text);
    uv_buf_t b = uv_buf_init(c->request, (unsigned)strlen(c->request));
    assert_int_equal(uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written), 0);
}

#define PDF "%PDF-1.4 from a server"

static void serve(struct client *c)
{
    char path[256] = "", text[1024];
    int hop = 0;
    server.requests++;
    assert_int_equal(sscanf(c->request, "GET %255s", path), 1);
    if (strcmp(path, "/dir/a%20file.pdf?x=1") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\nContent-Length: 22\r\nContent-Type: image/png\r\n\r\n" PDF, 0,
               false);
    } else if (strcmp(path, "/until-closed") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\n\r\n" PDF, 0, true);
    } else if (sscanf(path, "/hop/%d", &hop) == 1) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove",
                       hop > 1 ? (snprintf(path, sizeof(path), "../hop/%d", hop - 1), path)
                               : "/until-closed");
        answer(c, text, 0, false);
    } else if (strcmp(path, "/to-file") == 0) {
        answer(c, "HTTP/1.1 301 M\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 0,
               false);
    } else if (strcmp(path, "/to-nowhere") == 0) {
        answer(c, "HTTP/1.1 302 M\r\nContent-Length: 0\r\n\r\n", 0, false);
    } else if (strcmp(path, "/404") == 0) {
        answer(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 0, false);
    } else if (strcmp(path, "/empty") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, false);
    } else if (strcmp(path, "/partial") == 0) {
        answer(c, "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\nnone", 0, false);
    } else if (strcmp(path, "/cut") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" PDF, 0, true);
    } else if (strcmp(path, "/huge") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", 0, false);
    } else if (strcmp(path, "/endless") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\n\r\n", SIZE_MAX, false);
    } else if (strcmp(path, "/stuck") == 0) {
        answer(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" PDF, 0, false);
    } else if (strcmp(path, "/big") == 0) {
        (void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       (size_t)200 * sizeof(piece));
        answer(c, text, 200, false);
    } /* else: no answer ever */
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    (void)size;
    struct client *c = h->data;
    *b = uv_buf_init(c->request + c->len, (unsigned)(sizeof(c->request) - 1 - c->len));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    (void)b;
    struct client *c = s->data;
    if (n < 0) {
        client_close(c);
        return;
    }
    c->len += (size_t)n;
    c->request[c->len] = '\0';
    if (strstr(c->request, "\r\n\r\n") != NULL) {
        c->len = 0;
        serve(c);
    }
}

static void on_client(uv_stream_t *listener, int status)
{
    assert_int_equal(status, 0);
    struct client *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->tcp.data = c;
    server.clients++;
    assert_int_equal(uv_tcp_init(listener->loop, &c->tcp), 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read), 0);
}

static int setup(void **state)
{
    assert_int_equal(box_setup(state), 0);
    struct box *x = *state;
    struct sockaddr_in a;
    int len = sizeof(a);
    memset(piece, 'p', sizeof(piece));
    x->b->cfg.relay.allow_private = true;
    assert_int_equal(uv_tcp_init(&x->loop, &server.listener), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &a), 0);
    assert_int_equal(uv_tcp_bind(&server.listener, (struct sockaddr *)&a, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server.listener, 16, on_client), 0);
    assert_int_equal(uv_tcp_getsockname(&server.listener, (struct sockaddr *)&a, &len), 0);
    server.port = ntohs(a.sin_port);
    return 0;
}

static int teardown(void **state)
{
    uv_close((uv_handle_t *)&server.listener, NULL);
    return box_teardown(state);
}

/* ---- the client's side --------------------------------------------------------------------------
 */

static void start(struct box *x, const char *host, const char *path, const char *type,
                  struct got *g)
{
    char url[300];
    (void)snprintf(url, sizeof(url), "http://%s:%d%s", host, server.port, path);
    media_get(x->b, "default", &(struct media_source){.url = url, .type = type}, on_got, g);
    assert_false(g->done);
}

static struct got fetch(struct box *x, const char *host, const char *path, const char *type)
{
    struct got g = {0};
    start(x, host, path, type, &g);
    UNTIL(x, g.done);
    return g;
}

static bool nothing_half_kept(struct box *x)
{
    char tmp[160];
    UNTIL(x, x->b->media->open == 0);
    (void)snprintf(tmp, sizeof(tmp), "%s/media/default/tmp", x->dir);
    return rmdir(tmp) == 0 || access(tmp, F_OK) != 0; /* only an empty one goes */
}

static void test_fetches(void **state)
{
    struct box *x = *state;
    struct got g = fetch(x, "127.0.0.1", "/dir/a%20file.pdf?x=1", "document");
    assert_string_equal(word(&g), "");
    assert_string_equal(g.info.mimetype, "application/pdf"); /* not what the header claims */
    assert_string_equal(g.info.filename, "a file.pdf");
    assert_int_equal(g.info.size_bytes, strlen(PDF));
    struct got h = fetch(x, "localhost", "/until-closed", "document");
    assert_string_equal(word(&h), "");
    assert_string_equal(h.info.sha256, g.info.sha256);
    g = fetch(x, "127.0.0.1", "/big", "document");
    assert_string_equal(word(&g), "");
    assert_int_equal(g.info.size_bytes, 200 * sizeof(piece));
    g = fetch(x, "127.0.0.1", "/big", "image"); /* 12.5 MiB of text */
    assert_string_equal(word(&g), "unsupported_media");
    assert_true(nothing_half_kept(x));
}

static void test_redirects(void **state)
{
    struct box *x = *state;
    struct got g = fetch(x, "127.0.0.1", "/hop/3", "document");
    assert_string_equal(word(&g), "");
    static const char *const bad[] = {"/hop/4", "/to-nowhere"};
    for (size_t i = 0; i < 2; i++) {
        g = fetch(x, "127.0.0.1", bad[i], "document");
        assert_string_equal(word(&g), "media_fetch_failed");
    }
    g = fetch(x, "127.0.0.1", "/to-file", "document");
    assert_string_equal(word(&g), "invalid_url");
    assert_true(nothing_half_kept(x));
}

static void test_addresses(void **state)
{
    struct box *x = *state;
    x->b->cfg.relay.allow_private = false;
    unsigned before = server.requests;
    static const char *const hosts[] = {"127.0.0.1",          "localhost", "[::1]",
                                        "[::ffff:127.0.0.1]", "127.1",     "2130706433"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct got g = fetch(x, hosts[i], "/until-closed", "document");
        assert_string_equal(word(&g), "address_forbidden");
        assert_string_equal(g.err.field, "document.url");
    }
    assert_int_equal(server.requests, before);
    assert_true(nothing_half_kept(x));
}

static void test_trouble(void **state)
{
    struct box *x = *state;
    static const struct {
        const char *path, *word, *says;
    } cases[] = {
        {"/404", "media_fetch_failed", "HTTP 404"},
        {"/partial", "media_fetch_failed", "HTTP 206"},
        {"/empty", "empty_file", "empty"},
        {"/never", "media_fetch_failed", "within 300 ms"},
        {"/stuck", "media_fetch_failed", "within 300 ms"},
        {"/cut", "media_fetch_failed", ""},
        {"/huge", "media_too_large", "bytes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* only what never comes is not waited for */
        x->b->cfg.media.fetch_timeout_ms = strstr(cases[i].says, "300 ms") != NULL ? 300 : 60000;
        struct got g = fetch(x, "127.0.0.1", cases[i].path, "document");
        print_message("%s: %s\n", cases[i].path, g.err.msg);
        assert_string_equal(word(&g), cases[i].word);
        assert_non_null(strstr(g.err.msg, cases[i].says));
        assert_string_equal(g.err.field, "document.url");
    }
    x->b->cfg.media.fetch_timeout_ms = 60000;
    struct got g = fetch(x, "127.0.0.1", "/endless", "sticker");
    assert_string_equal(word(&g), "media_too_large");
    int port = server.port;
    server.port = 1;
    g = fetch(x, "127.0.0.1", "/", "document");
    server.port = port;
    assert_string_equal(word(&g), "media_fetch_failed");
    assert_true(nothing_half_kept(x));
}

static void test_many_and_close(void **state)
{
    struct box *x = *state;
    enum { N = 40 };
    static struct got g[N];
    memset(g, 0, sizeof(g));
    for (size_t i = 0; i < N; i++) { /* more than run at once */
        start(x, "127.0.0.1", "/until-closed", "document", &g[i]);
    }
    for (size_t i = 0; i < N; i++) {
        UNTIL(x, g[i].done);
        assert_string_equal(word(&g[i]), "");
    }
    memset(g, 0, sizeof(g));
    for (size_t i = 0; i < N; i++) {
        start(x, "127.0.0.1", i % 2 == 0 ? "/never" : "/endless", "document", &g[i]);
    }
    unsigned before = server.requests;
    UNTIL(x, server.requests > before);
    box_close(x);
    for (size_t i = 0; i < N; i++) {
        assert_true(g[i].done);
        assert_int_equal(g[i].err.code, E_CANCELED);
    }
    UNTIL(x, server.clients == 0);
    box_open(x);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_fetches), WITH_SERVER(test_redirects),      WITH_SERVER(test_addresses),
        WITH_SERVER(test_trouble), WITH_SERVER(test_many_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
