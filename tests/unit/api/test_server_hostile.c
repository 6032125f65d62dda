/* Clients that lie about their requests, flood, drip or break off: the server refuses them and is well. */

#include "server_fixture.h"

/* ---- framing and smuggling ---- */

static const struct {
    const char *name;
    const char *request; /* {key}: the Authorization line */
    int status;
    bool closed; /* and nothing behind it is answered */
} hostile[] = {
    {"length and coding",
     POST "{key}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" AFTER, 400, true},
    {"coding and length",
     POST "{key}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" AFTER, 400, true},
    {"two lengths", POST "{key}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" AFTER, 400, true},
    {"the same length twice", POST "{key}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" AFTER,
     400, true},
    {"coding gzip", POST "{key}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" AFTER, 400, true},
    {"coding identity", POST "{key}Transfer-Encoding: identity\r\n\r\n{}" AFTER, 400, true},
    {"two codings",
     POST "{key}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" AFTER,
     400, true},
    {"negative length", POST "{key}Content-Length: -1\r\n\r\n", 400, true},
    {"length with a sign", POST "{key}Content-Length: +2\r\n\r\n{}", 400, true},
    {"length with letters", POST "{key}Content-Length: 2x\r\n\r\n{}", 400, true},
    {"hexadecimal length", POST "{key}Content-Length: 0x2\r\n\r\n{}", 400, true},
    {"length too large", POST "{key}Content-Length: 1048577\r\n\r\n", 413, true},
    {"length past 64 bits", POST "{key}Content-Length: 99999999999999999999999\r\n\r\n", 413, true},
    {"blank before a colon", POST "{key}Content-Length : 2\r\n\r\n{}" AFTER, 400, true},
    {"coding, blank before its colon",
     POST "{key}Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" AFTER, 400, true},
    {"no colon", "GET /health HTTP/1.1\r\n" HOST "foo\r\n\r\n", 400, true},
    {"folded first header", "GET /health HTTP/1.1\r\n X: 1\r\n" HOST "\r\n", 400, true},
    {"control character", "GET /health HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n" AFTER, 400, true},
    {"bare CR", "GET /health HTTP/1.1\r\n" HOST "X: a\rTransfer-Encoding: chunked\r\n\r\n" AFTER,
     400, true},
    {"no host", "GET /health HTTP/1.1\r\n\r\n" AFTER, 400, true},
    {"two hosts", "GET /health HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n" AFTER, 400, true},
    {"rebound host", "GET /health HTTP/1.1\r\nHost: evil.example:3000\r\n\r\n", 421, false},
    {"two keys", "GET /v1/tenants HTTP/1.1\r\n" HOST "{key}{key}\r\n" AFTER, 400, true},
    {"two different keys", "GET /v1/tenants HTTP/1.1\r\n" HOST "{key}X-Api-Key: wab_0_0\r\n\r\n",
     400, false},
    {"version 1.2", "GET /health HTTP/1.2\r\n" HOST "\r\n", 505, true},
    {"version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
    {"blank in the target", "GET /hea lth HTTP/1.1\r\n" HOST "\r\n" AFTER, 400, true},
    {"target of a proxy", "GET http://localhost/health HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"NUL in the path", "GET /v1/tenants/a%00b HTTP/1.1\r\n" HOST "{key}\r\n", 400, false},
    {"bad escape", "GET /v1/tenants/a%zz HTTP/1.1\r\n" HOST "{key}\r\n", 400, false},
    {"no UTF-8 in the path", "GET /v1/tenants/%ff HTTP/1.1\r\n" HOST "{key}\r\n", 400, false},
    {"bad chunk size", POST "{key}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400,
     true},
    {"negative chunk", POST "{key}Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n", 400,
     true},
    {"chunk too short", POST "{key}Transfer-Encoding: chunked\r\n\r\n2\r\n{}x0\r\n\r\n", 400, true},
    {"chunk of 2^64", POST "{key}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}", 413,
     true},
    {"chunked", POST "{key}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nX: 1\r\n\r\n", 422,
     false},
    {"body of a refused request", POST "Content-Length: 2\r\n\r\n{}", 401, false},
    {"body of a GET", "GET /health HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 200, false},
    {"who asks first is told", POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", 401, true},
    {"unknown method", "BREW /health HTTP/1.1\r\n" HOST "\r\n", 405, false},
    {"a bare LF", "GET /health HTTP/1.1\r\n" HOST "X: a\n\r\n" AFTER, 400, true},
    {"a folded header", "GET /health HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" AFTER, 400, true},
    {"a chunk line with a bare LF",
     POST "{key}Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" AFTER, 400, true},
    {"coding in HTTP/1.0",
     "POST " MESSAGES " HTTP/1.0\r\n{key}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" AFTER, 400,
     true},
    {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 400, true},
};

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        char request[4096];
        size_t n = fill_in(hostile[i].request, request, sizeof(request));
        print_message("%s\n", hostile[i].name);
        int fd = house_dial(&house);
        assert_true(fd >= 0);
        say(fd, request, n);
        hear(fd, &got);
        assert_int_equal(got.status, hostile[i].status);
        if (got.status >= 400) { /* never a page of the library's own */
            assert_non_null(strstr(got.head, "application/problem+json"));
            json_decref(body_of(&got));
        }
        if (hostile[i].closed) {
            assert_true(hear_end(fd));
        } else {
            say(fd, AFTER, strlen(AFTER)); /* the next request begins where it should */
            hear(fd, &got);
            assert_int_equal(got.status, 200);
        }
        (void)close(fd);
    }
    expect_well();
}

/* What follows a refused request is never answered: only one head comes back. */
static void test_nothing_behind(void **state)
{
    (void)state;
    char request[4096];
    size_t n = fill_in(hostile[0].request, request, sizeof(request));
    int fd = house_dial(&house);
    say(fd, request, n);
    hear(fd, &got);
    expect_code(&got, 400, "malformed_request");
    assert_int_equal(hear_byte(fd), -1);
    (void)close(fd);
}

/* ---- floods, drips and broken-off requests ---- */

static void flood(const char *before, const char *unit, size_t times, const char *after, int status)
{
    int fd = house_dial(&house);
    say(fd, before, strlen(before));
    for (size_t i = 0; i < times; i++) {
        say(fd, unit, strlen(unit));
    }
    say(fd, after, strlen(after));
    hear(fd, &got);
    assert_int_equal(got.status, status);
    (void)close(fd);
}

static void test_floods(void **state)
{
    (void)state;
    flood("GET /health HTTP/1.1\r\n" HOST, "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
          700, "\r\n", 431);
    flood("GET /health HTTP/1.1\r\n" HOST "X: ", "aaaaaaaaaaaaaaaa", 10000, "\r\n\r\n", 431);
    flood("GET /", "aaaaaaaaaaaaaaaa", 200, " HTTP/1.1\r\n" HOST "\r\n", 414);
    flood("GET /health?", "a&", 2000, " HTTP/1.1\r\n" HOST "\r\n", 422);
    flood("GET /health?a=", "aaaaaaaa", 1200, " HTTP/1.1\r\n" HOST "\r\n", 414);
    expect_well();
}

static void test_body_too_large(void **state)
{
    (void)state;
    static char chunk[65536 + 16];
    char head[1024];
    size_t n = fill_in(POST "{key}Transfer-Encoding: chunked\r\n\r\n", head, sizeof(head));
    int len = snprintf(chunk, sizeof(chunk), "10000\r\n");
    memset(chunk + len, ' ', 65536);
    memcpy(chunk + len + 65536, "\r\n", 2);
    int fd = house_dial(&house);
    say(fd, head, n);
    for (int i = 0; i < 17; i++) {
        say(fd, chunk, (size_t)len + 65536 + 2);
    }
    hear(fd, &got); /* before the body ends: it never does */
    expect_code(&got, 413, "payload_too_large");
    assert_non_null(strstr(got.head, "Connection: close"));
    (void)shutdown(fd, SHUT_WR);
    assert_true(hear_end(fd));
    (void)close(fd);
    expect_well();
}

static void test_body_in_pieces(void **state)
{
    (void)state;
    char request[2048];
    size_t n = fill_in(POST "{key}Content-Length: 47\r\n\r\n", request, sizeof(request));
    int fd = house_dial(&house);
    for (size_t i = 0; i < n; i++) {
        say(fd, request + i, 1);
    }
    static const char body[] = "{\"to\":\"5511988887777\",\"text\":\"one byte a time\"} ";
    assert_int_equal(strlen(body), 48);
    for (size_t i = 0; i < 47; i++) {
        say(fd, body + i, 1);
    }
    hear(fd, &got);
    assert_int_equal(got.status, 202);
    (void)close(fd);
}

static void test_broken_off(void **state)
{
    (void)state;
    static const char *const parts[] = {"",
                                        "GET",
                                        "GET /health HTTP/1.1\r\n",
                                        "GET /health HTTP/1.1\r\nHo",
                                        POST "{key}Content-Length: 40\r\n\r\n{\"to\"",
                                        POST "{key}Transfer-Encoding: chunked\r\n\r\n5\r\n{"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char request[2048];
        size_t n = fill_in(parts[i], request, sizeof(request));
        int fd = house_dial(&house);
        say(fd, request, n);
        (void)shutdown(fd, SHUT_WR);
        assert_true(hear_end(fd)); /* the server lets go as soon as it knows */
        (void)close(fd);
    }
    expect_well();
}

/* The client has said all it will say and listens: it gets its answer and then the end. */
static void test_half_closed(void **state)
{
    (void)state;
    int fd = house_dial(&house);
    say(fd, AFTER, strlen(AFTER));
    (void)shutdown(fd, SHUT_WR);
    hear(fd, &got);
    assert_int_equal(got.status, 200);
    assert_true(hear_end(fd));
    (void)close(fd);
}

static void test_pipeline(void **state)
{
    (void)state;
    char head[1024];
    char request[2048];
    size_t n = fill_in("POST " MESSAGES "?wait=server&timeout_s=1 HTTP/1.1\r\n" HOST "{key}", head,
                       sizeof(head));
    head[n] = '\0';
    int len = snprintf(request, sizeof(request),
                       "%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s%s%s",
                       head, strlen(SEND), SEND, AFTER, AFTER);
    int fd = house_dial(&house);
    say(fd, request, (size_t)len);
    hear(fd, &got); /* nobody is linked: no ack in a second */
    assert_int_equal(got.status, 202);
    assert_non_null(strstr(got.body, "\"queued\""));
    hear(fd, &got);
    assert_int_equal(got.status, 200);
    hear(fd, &got);
    assert_int_equal(got.status, 200);
    (void)close(fd);

    fd = house_dial(&house); /* and one who does not wait for the answer */
    say(fd, request, (size_t)len);
    (void)close(fd);
    expect_well();
}

/* Time is moved on two minutes: who has not said his request by then is let go. */
static void test_drip(void **state)
{
    (void)state;
    int head = house_dial(&house);
    int body = house_dial(&house);
    char request[1024];
    size_t n = fill_in(POST "{key}Content-Length: 40\r\n\r\n{", request, sizeof(request));
    say(head, "GET /health HTTP/1.1\r\nX: ", 25);
    say(body, request, n);
    expect_well();
    clock_fake(clock_wall_ms(), clock_mono_ms() + 300000);
    assert_true(hear_end(head));
    assert_true(hear_end(body));
    clock_fake(0, 0);
    (void)close(head);
    (void)close(body);
    expect_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_nothing_behind),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_body_too_large),
        cmocka_unit_test(test_body_in_pieces),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_drip),
    };
    return cmocka_run_group_tests(tests, open_house, shut_house);
}
