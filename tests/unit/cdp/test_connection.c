/* The request layer over a pipe whose other end is the test: answers that are late, double, cut
 * into pieces, too large, wrong or hostile. */
#include "fixture.h"

#include "connection_priv.h"

struct peer {
    struct fx fx; /* loop and environment only */
    struct connection conn;
    struct route route;
    int rx, tx; /* the browser's ends: requests come from rx, answers go to tx */
    int events, lost;
    char session[64], method[64], params[256];
    struct err lost_err;
    bool conn_closed;
};

static void peer_on_event(void *arg, const char *session, const char *method, const char *params,
                          size_t len)
{
    struct peer *p = arg;
    p->events++;
    snprintf(p->session, sizeof(p->session), "%s", session);
    snprintf(p->method, sizeof(p->method), "%s", method);
    snprintf(p->params, sizeof(p->params), "%s", params);
    assert_int_equal(strlen(params), len);
}

static void peer_on_lost(void *arg, const struct err *e)
{
    struct peer *p = arg;
    p->lost++;
    p->lost_err = *e;
}

static void peer_up(struct peer *p)
{
    int in[2], out[2];
    struct err e;
    struct transport *t;
    struct connection_events ev = {.on_event = peer_on_event, .on_lost = peer_on_lost, .arg = p};
    memset(p, 0, sizeof(*p));
    fx_init(&p->fx, NULL);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    p->rx = out[0];
    p->tx = in[1];
    connection_init(&p->conn, p->fx.cdp, &ev);
    struct transport_events te = connection_events_for(&p->conn);
    assert_int_equal(transport_pipe_open(p->fx.cdp, in[0], out[1], &te, &t, &e), 0);
    connection_set_transport(&p->conn, t);
    p->route = (struct route){.cdp = p->fx.cdp, .conn = &p->conn};
}

static void peer_down(struct peer *p)
{
    struct err e;
    err_set(&e, E_CANCELED, "closing");
    connection_close(&p->conn, &e, fx_set_flag, &p->conn_closed);
    fx_wait_flag(&p->fx, &p->conn_closed);
    for (int i = 0; i < 3; i++) {
        uv_run(&p->fx.loop, UV_RUN_NOWAIT); /* the callbacks of calls that were cut */
    }
    if (p->rx >= 0) {
        close(p->rx);
    }
    if (p->tx >= 0) {
        close(p->tx);
    }
    fx_close(&p->fx);
}

static void call(struct peer *p, struct answer *a, const char *method, const char *params,
                 uint64_t timeout_ms)
{
    memset(a, 0, sizeof(*a));
    a->call.data = a;
    route_call(&p->route, &a->call, method, params, params ? strlen(params) : 0, timeout_ms, 0,
               on_answer);
}

/* The next request as the browser reads it. */
static void read_request(struct peer *p, char *out, size_t len)
{
    size_t at = 0;
    for (;;) {
        uv_run(&p->fx.loop, UV_RUN_NOWAIT);
        int flags = fcntl(p->rx, F_GETFL);
        assert_int_equal(fcntl(p->rx, F_SETFL, flags | O_NONBLOCK), 0);
        ssize_t n = read(p->rx, out + at, 1);
        if (n == 1) {
            if (out[at] == '\0') {
                return;
            }
            at++;
            assert_true(at < len);
        }
    }
}

static void say(struct peer *p, const char *text, size_t len)
{
    assert_int_equal(write(p->tx, text, len), len);
}

/* With its NUL. */
static void say_text(struct peer *p, const char *text)
{
    say(p, text, strlen(text) + 1);
}

static void test_request_text(void **state)
{
    struct peer p;
    struct answer a;
    char text[512];
    (void)state;
    peer_up(&p);
    call(&p, &a, "A.b", NULL, 0);
    read_request(&p, text, sizeof(text));
    assert_string_equal(text, "{\"id\":1,\"method\":\"A.b\",\"params\":{}}");
    p.route.session = "S1";
    struct answer b;
    call(&p, &b, "C.d", "{\"x\":[1]}", 0);
    read_request(&p, text, sizeof(text));
    assert_string_equal(
        text, "{\"id\":2,\"method\":\"C.d\",\"params\":{\"x\":[1]},\"sessionId\":\"S1\"}");
    /* answers in any order */
    say_text(&p, "{\"id\":2,\"result\":{\"n\":2}}");
    say_text(&p, "{\"id\":1,\"result\":{\"n\":1}}");
    fx_wait(&p.fx, &a.count, 1);
    fx_wait(&p.fx, &b.count, 1);
    assert_string_equal(a.text, "{\"n\":1}");
    assert_string_equal(b.text, "{\"n\":2}");
    free(a.text);
    free(b.text);
    peer_down(&p);
}

static void test_odd_answers(void **state)
{
    struct peer p;
    struct answer a, b, c;
    (void)state;
    peer_up(&p);
    call(&p, &a, "A.a", NULL, 0);
    call(&p, &b, "A.b", NULL, 0);
    call(&p, &c, "A.c", NULL, 0);
    say(&p, "\0\0\0", 3); /* empty messages */
    say_text(&p, "complete nonsense");
    say_text(&p, "{\"id\":99,\"result\":{}}");    /* nobody's */
    say_text(&p, "{\"id\":\"1\",\"result\":{}}"); /* no id */
    say_text(&p, "{\"id\":1,\"result\":{\"unclosed\":[}}");
    say_text(&p, "{\"result\":{}}");
    say_text(&p, "{\"id\":1}");               /* neither result nor error */
    say_text(&p, "{\"id\":1,\"result\":{}}"); /* answered already */
    say_text(&p, "{\"id\":2,\"error\":{\"code\":-32000,\"message\":\"no\",\"data\":\"why\"}}");
    say_text(&p, "{\"id\":3,\"error\":{}}");
    fx_wait(&p.fx, &c.count, 1);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.code, E_PROTO);
    assert_int_equal(b.code, E_PROTO);
    assert_string_equal(b.msg, "no: why");
    assert_int_equal(c.code, E_PROTO);
    assert_true(strlen(c.msg) > 0);
    assert_int_equal(p.events, 0);
    assert_int_equal(p.lost, 0);
    peer_down(&p);
    assert_int_equal(a.count, 1);
}

static void test_events(void **state)
{
    struct peer p;
    char text[1024];
    (void)state;
    peer_up(&p);
    /* byte by byte, with a turn of the loop in between */
    const char *event = "{\"method\":\"X.y\",\"params\":{\"s\":\"\\ud83d\"},\"sessionId\":\"Q\"}";
    for (size_t i = 0; i <= strlen(event); i++) {
        assert_int_equal(p.events, 0);
        say(&p, event + i, 1);
        uv_run(&p.fx.loop, UV_RUN_NOWAIT);
    }
    fx_wait(&p.fx, &p.events, 1);
    assert_string_equal(p.session, "Q");
    assert_string_equal(p.method, "X.y");
    assert_string_equal(p.params, "{\"s\":\"\\ufffd\"}");
    /* three at once, the last without params */
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        at += (size_t)snprintf(
                  text + at, sizeof(text) - at,
                  i < 2 ? "{\"method\":\"M.%d\",\"params\":{}}" : "{\"method\":\"M.%d\"}", i) +
              1;
    }
    say(&p, text, at);
    fx_wait(&p.fx, &p.events, 4);
    assert_string_equal(p.method, "M.2");
    assert_string_equal(p.params, "{}");
    assert_string_equal(p.session, "");
    /* names longer than any real one are no reason to copy past our buffers */
    char *bomb = malloc(100000);
    assert_non_null(bomb);
    int n = snprintf(bomb, 100000, "{\"method\":\"");
    memset(bomb + n, 'm', 50000);
    strcpy(bomb + n + 50000, "\"}");
    say(&p, bomb, strlen(bomb) + 1);
    say_text(&p, "{\"method\":\"Last.one\"}");
    free(bomb);
    fx_wait(&p.fx, &p.events, 5);
    assert_string_equal(p.method, "Last.one");
    peer_down(&p);
}

/* Without a NUL for longer than a message may be: that call fails, the rest goes by, life goes on.
 */
static void test_endless_message(void **state)
{
    enum { PIECE = 65536 };
    struct peer p;
    struct answer a, b;
    (void)state;
    peer_up(&p);
    call(&p, &a, "A.a", NULL, 60000);
    call(&p, &b, "A.b", NULL, 60000);
    assert_int_equal(fcntl(p.tx, F_SETFL, O_NONBLOCK), 0);
    char *piece = malloc(PIECE);
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    const char *head = "{\"id\":1,\"result\":{\"s\":\"";
    memcpy(piece, head, strlen(head));
    size_t sent = 0, total = CDP_MAX_FRAME + 20u * PIECE;
    while (sent < total) {
        size_t off = sent % PIECE;
        ssize_t n = write(p.tx, piece + off, PIECE - off);
        if (n > 0) {
            sent += (size_t)n;
            if (sent == PIECE) {
                memset(piece, 'x', PIECE);
            }
        }
        uv_run(&p.fx.loop, UV_RUN_NOWAIT);
    }
    fx_wait(&p.fx, &a.count, 1); /* before its end has come */
    assert_int_equal(a.code, E_TOOLARGE);
    assert_true(p.conn.transport->in.cap < 8u << 20); /* and what came was let go */
    assert_int_equal(fcntl(p.tx, F_SETFL, 0), 0);
    say(&p, "\"}}", 4);
    say_text(&p, "{\"id\":2,\"result\":{\"ok\":1}}");
    fx_wait(&p.fx, &b.count, 1);
    assert_string_equal(b.text, "{\"ok\":1}");
    assert_int_equal(a.count, 1);
    assert_int_equal(p.lost, 0);
    free(piece);
    free(b.text);
    peer_down(&p);
}

static void test_lost(void **state)
{
    struct peer p;
    struct answer a, b;
    (void)state;
    for (int end = 0; end < 2; end++) {
        peer_up(&p);
        call(&p, &a, "A.a", NULL, 0);
        /* the other side closes what we read from, or what we write to */
        if (end == 0) {
            say(&p, "{\"id\":1,\"res", 11); /* in the middle of a message */
            close(p.tx);
            p.tx = -1;
        } else {
            close(p.rx);
            p.rx = -1;
        }
        fx_wait(&p.fx, &p.lost, 1);
        fx_wait(&p.fx, &a.count, 1);
        assert_int_equal(a.code, E_CLOSED);
        assert_int_equal(p.lost_err.code, E_CLOSED);
        call(&p, &b, "A.b", NULL, 0);
        assert_int_equal(b.count, 0);
        fx_wait(&p.fx, &b.count, 1);
        assert_int_equal(b.code, E_CLOSED);
        peer_down(&p);
        assert_int_equal(p.lost, 1);
        assert_int_equal(a.count, 1);
    }
}

/* A browser that reads nothing: what waits is bounded, and what was not begun can be taken back. */
static void test_nobody_reads(void **state)
{
    static struct answer answers[16];
    struct peer p;
    size_t len = 30u << 20;
    int refused = 0;
    (void)state;
    peer_up(&p);
    char *params = malloc(len);
    assert_non_null(params);
    memset(params, ' ', len);
    params[0] = '{';
    params[len - 1] = '}';
    for (int i = 0; i < 16; i++) {
        memset(&answers[i], 0, sizeof(answers[i]));
        answers[i].call.data = &answers[i];
        route_call(&p.route, &answers[i].call, "A.a", params, len, 300, 0, on_answer);
    }
    free(params);
    assert_true(p.conn.transport->queued <= TRANSPORT_MAX_QUEUED);
    for (int i = 0; i < 16; i++) {
        fx_wait(&p.fx, &answers[i].count, 1);
        assert_true(answers[i].code == E_LIMIT || answers[i].code == E_TIMEOUT);
        refused += answers[i].code == E_LIMIT;
    }
    assert_true(refused > 0 && refused < 16);
    assert_true(p.conn.transport->queued <= len + 1024); /* only the one that was begun */
    peer_down(&p);
}

static void cancel_other(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct answer *other = call->data;
    (void)result;
    (void)len;
    assert_non_null(e);
    cdp_call_cancel(&other->call);
}

/* Two calls end in the same turn and the first callback cancels the second: still once each. */
static void test_cancel_inside(void **state)
{
    struct peer p;
    struct answer b;
    struct cdp_call a = {.data = &b};
    (void)state;
    peer_up(&p);
    route_call(&p.route, &a, "A.a", NULL, 0, 30, 0, cancel_other);
    call(&p, &b, "A.b", NULL, 30);
    b.call.deadline_ms = a.deadline_ms; /* also when the millisecond changed between the two */
    fx_wait(&p.fx, &b.count, 1);
    assert_int_equal(b.code, E_TIMEOUT);
    for (int i = 0; i < 5; i++) {
        uv_run(&p.fx.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(b.count, 1);
    assert_false(a.active);
    peer_down(&p);
}

int main(void)
{
    log_init(LOG_TEXT, LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_text),  cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_events),        cmocka_unit_test(test_endless_message),
        cmocka_unit_test(test_lost),          cmocka_unit_test(test_nobody_reads),
        cmocka_unit_test(test_cancel_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
