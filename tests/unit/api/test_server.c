/* The server as its clients see it: see fixture.h. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MESSAGES "/v1/tenants/default/sessions/main/messages"
#define EVENTS "/v1/tenants/default/events"
#define SEND "{\"to\":\"+55 11 98888-7777\",\"text\":\"hello\"}"
#define HOST "Host: localhost\r\n"

static struct house house;
static struct answer got; /* large: not on the stack */

static json_t *body_of(const struct answer *a)
{
    json_t *v = json_parse(a->body, a->len, sizeof(a->body), NULL);
    if (v == NULL) {
        print_message("no JSON: %s%s\n", a->head, a->body);
    }
    assert_non_null(v);
    return v;
}

static void expect_code(const struct answer *a, int status, const char *code)
{
    assert_int_equal(a->status, status);
    assert_non_null(strstr(a->head, "application/problem+json"));
    json_t *v = body_of(a);
    assert_string_equal(json_str_or(v, "code", ""), code);
    assert_int_equal(json_int(v, "status", 0), status);
    json_decref(v);
}

static void expect_well(void)
{
    ask(&house, "GET", "/health", "", NULL, &got);
    assert_int_equal(got.status, 200);
}

/* ---- framing and smuggling --------------------------------------------------------------------
 */

#define POST "POST " MESSAGES " HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define AFTER "GET /health HTTP/1.1\r\n" HOST "\r\n"
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

static size_t fill_in(const char *request, char *out, size_t size)
{
    size_t n = 0;
    while (*request != '\0' && n + sizeof(house.auth) < size) {
        if (strncmp(request, "{key}", 5) == 0) {
            n += (size_t)snprintf(out + n, size - n, "%s", house.auth);
            request += 5;
        } else {
            out[n++] = *request++;
        }
    }
    return n;
}

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

/* ---- floods, drips and broken-off requests
 * ------------------------------------------------------- */

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

/* ---- answers ------------------------------------------------------------------------------------
 */

static void test_headers(void **state)
{
    (void)state;
    ask(&house, "GET", "/health", "X-Request-Id: my.Id-1\r\n", NULL, &got);
    assert_non_null(strstr(got.head, "X-Request-Id: my.Id-1\r\n"));
    assert_non_null(strstr(got.head, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(got.head, "Cache-Control: no-store\r\n"));
    assert_null(strcasestr(got.head, "Access-Control"));
    ask(&house, "GET", "/health", "X-Request-Id: no good\r\n", NULL, &got);
    assert_non_null(strstr(got.head, "X-Request-Id: req_"));
    ask(&house, "GET", "/v1/tenants", "", NULL, &got);
    expect_code(&got, 401, "unauthorized");
    assert_non_null(strstr(got.head, "WWW-Authenticate: Bearer"));
    ask(&house, "PATCH", "/v1/tenants/default", house.auth, NULL, &got);
    expect_code(&got, 405, "method_not_allowed");
    assert_non_null(strstr(got.head, "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
    ask(&house, "OPTIONS", "/v1/tenants/default", "", NULL, &got);
    assert_int_equal(got.status, 204);
    assert_non_null(strstr(got.head, "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
    ask(&house, "GET", "/v1/nothing", house.auth, NULL, &got);
    expect_code(&got, 404, "not_found");

    int fd = house_dial(&house); /* a head, its length, and no body */
    say(fd, "HEAD /health HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 61);
    assert_true(hear_until(fd, "\r\n\r\n", got.head, sizeof(got.head)) > 0);
    assert_int_equal(strncmp(got.head, "HTTP/1.1 200", 12), 0);
    assert_int_equal(hear_byte(fd), -1);
    (void)close(fd);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *code;
    } cases[] = {
        {"", 400, "malformed_json"},
        {"{", 400, "malformed_json"},
        {"{} x", 400, "malformed_json"},
        {"\"text\"", 400, "malformed_json"},
        {"{\"to\":\"\\u0000\"}", 400, "malformed_json"},
        {"{\"to\":\"\xff\"}", 400, "malformed_json"},
        {"{\"to\":1,\"to\":2}", 400, "malformed_json"},
        {"[]", 422, "invalid_request"},
        {"{\"to\":\"12\",\"text\":\"x\"}", 422, "invalid_phone"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].body);
        ask(&house, "POST", MESSAGES, house.auth, cases[i].body, &got);
        expect_code(&got, cases[i].status, cases[i].code);
    }
    char headers[1024];
    (void)snprintf(headers, sizeof(headers),
                   "%sContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", house.auth);
    ask(&house, "POST", MESSAGES, headers, NULL, &got);
    expect_code(&got, 415, "unsupported_media_type");
    ask(&house, "POST", MESSAGES "?wait=server&wait=server", house.auth, SEND, &got);
    expect_code(&got, 422, "invalid_request");
    ask(&house, "POST", MESSAGES "?api_key=x", house.auth, SEND, &got);
    expect_code(&got, 422, "unknown_parameter");
    ask(&house, "POST", MESSAGES "?require=ready", house.auth, SEND, &got);
    expect_code(&got, 409, "session_not_ready");
    ask(&house, "POST", "/v1/tenants/default/sessions/none/messages", house.auth, SEND, &got);
    expect_code(&got, 404, "unknown_session");
    ask(&house, "PUT", "/v1/tenants/default/sessions/No", house.auth, "{}", &got);
    expect_code(&got, 422, "invalid_name");
    (void)snprintf(headers, sizeof(headers), "%sAccept: video/mp4\r\n", house.auth);
    ask(&house, "GET", "/v1/tenants/default/sessions/main/qr", headers, NULL, &got);
    expect_code(&got, 406, "not_acceptable");
}

static void test_idempotency(void **state)
{
    (void)state;
    char headers[1024];
    (void)snprintf(headers, sizeof(headers), "%sIdempotency-Key: order-1\r\n", house.auth);
    ask(&house, "POST", MESSAGES, headers, SEND, &got);
    assert_int_equal(got.status, 202);
    assert_null(strstr(got.head, "Idempotency-Replayed"));
    json_t *first = body_of(&got);
    ask(&house, "POST", MESSAGES, headers, SEND, &got);
    assert_int_equal(got.status, 202);
    assert_non_null(strstr(got.head, "Idempotency-Replayed: true"));
    json_t *second = body_of(&got);
    assert_string_equal(json_str(first, "id"), json_str(second, "id"));
    ask(&house, "POST", MESSAGES, headers, "{\"to\":\"5511988887777\",\"text\":\"other\"}", &got);
    expect_code(&got, 409, "idempotency_conflict");
    (void)snprintf(headers, sizeof(headers), "%sIdempotency-Key: a b\r\n", house.auth);
    ask(&house, "POST", MESSAGES, headers, SEND, &got);
    expect_code(&got, 422, "invalid_request");

    char path[256];
    (void)snprintf(path, sizeof(path), MESSAGES "/%s", json_str(first, "id"));
    ask(&house, "GET", path, house.auth, NULL, &got);
    assert_int_equal(got.status, 200);
    json_decref(first);
    json_decref(second);
}

/* A tenant's key sees its own tenant and nothing else. */
static void test_tenants(void **state)
{
    (void)state;
    ask(&house, "PUT", "/v1/tenants/acme", house.auth, "{\"name\":\"Acme\"}", &got);
    assert_int_equal(got.status, 201);
    ask(&house, "PUT", "/v1/tenants/acme", house.auth, "{\"name\":\"Acme\"}", &got);
    assert_int_equal(got.status, 200);
    ask(&house, "POST", "/v1/tenants/acme/keys", house.auth, "{\"name\":\"a\",\"scopes\":[\"x\"]}",
        &got);
    expect_code(&got, 422, "unknown_scope");
    ask(&house, "POST", "/v1/tenants/acme/keys", house.auth, "{\"name\":\"a\"}", &got);
    assert_int_equal(got.status, 201);
    json_t *key = body_of(&got);
    char auth[512];
    (void)snprintf(auth, sizeof(auth), "X-Api-Key: %s\r\n", json_str_or(key, "key", "none"));
    ask(&house, "GET", "/v1/tenants/acme", auth, NULL, &got);
    assert_int_equal(got.status, 200);
    ask(&house, "GET", "/v1/tenants/acme/sessions", auth, NULL, &got);
    assert_int_equal(got.status, 200);
    static const char *const hidden[] = {"/v1/tenants/default", "/v1/tenants/none",
                                         "/v1/tenants/default/sessions/main", MESSAGES, EVENTS};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        print_message("%s\n", hidden[i]);
        ask(&house, "GET", hidden[i], auth, NULL, &got);
        expect_code(&got, 404, "unknown_tenant");
    }
    static const char *const admin_only[] = {"/v1/tenants", "/v1/keys", "/v1/logs"};
    for (size_t i = 0; i < sizeof(admin_only) / sizeof(admin_only[0]); i++) {
        ask(&house, "GET", admin_only[i], auth, NULL, &got);
        expect_code(&got, 403, "forbidden");
    }
    ask(&house, "PUT", "/v1/tenants/acme", auth, "{}", &got);
    expect_code(&got, 403, "forbidden");
    ask(&house, "DELETE", "/v1/tenants/default", auth, NULL, &got);
    expect_code(&got, 403, "forbidden");
    char path[128];
    (void)snprintf(path, sizeof(path), "/v1/tenants/acme/keys/%s", json_str_or(key, "id", ""));
    ask(&house, "DELETE", path, house.auth, NULL, &got);
    assert_int_equal(got.status, 204);
    ask(&house, "GET", "/v1/tenants/acme", auth, NULL, &got);
    expect_code(&got, 401, "unauthorized");
    json_decref(key);
}

/* Each operation of the served document is there, and asks for a key unless it says otherwise. */
static void test_document(void **state)
{
    (void)state;
    ask(&house, "GET", "/openapi.json", "", NULL, &got);
    assert_int_equal(got.status, 200);
    json_t *doc = body_of(&got);
    const char *pattern;
    json_t *path;
    size_t seen = 0;
    json_object_foreach(json_obj(doc, "paths"), pattern, path)
    {
        const char *method;
        json_t *op;
        json_object_foreach(path, method, op)
        {
            char upper[16] = "";
            char real[256] = "";
            size_t n = 0;
            for (size_t i = 0; method[i] != '\0' && i < 15; i++) {
                upper[i] = (char)(method[i] & ~0x20);
            }
            for (const char *s = pattern; *s != '\0' && n + 2 < sizeof(real); s++) {
                if (*s == '{') {
                    real[n++] = 'x';
                    s = strchr(s, '}');
                } else {
                    real[n++] = *s;
                }
            }
            print_message("%s %s\n", upper, real);
            ask(&house, upper, real, "", NULL, &got);
            bool open = json_array_size(json_arr(op, "security")) == 0;
            int without = json_obj(op, "requestBody") != NULL ? 400 : 200; /* a body that is needed */
            assert_int_equal(got.status, open ? without : 401);
            seen++;
        }
    }
    assert_true(seen > 30);
    json_decref(doc);
}

static void test_local_socket(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(house.socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = house_dial_local(&house);
    assert_true(fd >= 0);
    static const char request[] = "GET /health HTTP/1.1\r\nHost: anything\r\n\r\n";
    say(fd, request, strlen(request)); /* no check of Host: no browser gets here */
    hear(fd, &got);
    assert_int_equal(got.status, 200);
    (void)close(fd);
}

static void test_logs(void **state)
{
    (void)state;
    ask(&house, "GET", "/v1/logs?after=-1&limit=1", house.auth, NULL, &got);
    assert_int_equal(got.status, 200);
    json_t *v = body_of(&got);
    assert_int_equal(json_array_size(json_arr(v, "items")), 1);
    char path[128];
    (void)snprintf(path, sizeof(path), "/v1/logs?wait=20&after=%lld",
                   (long long)json_int(v, "next_after", 0));
    json_decref(v);
    char request[1024];
    int n =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "%s\r\n", path, house.auth);
    int fd = house_dial(&house);
    say(fd, request, (size_t)n);
    ask(&house, "GET", "/health?who=is-there", "X-Request-Id: seen-in-the-log\r\n", NULL, &got);
    hear(fd, &got); /* that line ends the wait */
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "seen-in-the-log"));
    assert_null(strstr(got.body, "is-there")); /* never the query */
    (void)close(fd);
}

/* ---- event streams
 * ------------------------------------------------------------------------------- */

static int stream_open(const char *query, const char *headers)
{
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "GET " EVENTS "%s HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n%s%s\r\n",
                     query, house.auth, headers);
    int fd = house_dial(&house);
    say(fd, request, (size_t)n);
    assert_true(hear_until(fd, "\r\n\r\n", got.head, sizeof(got.head)) > 0);
    assert_int_equal(strncmp(got.head, "HTTP/1.1 200", 12), 0);
    assert_non_null(strstr(got.head, "text/event-stream"));
    return fd;
}

/* The seq of the next event on the stream. */
static unsigned long long stream_next(int fd)
{
    assert_true(hear_until(fd, "id: ", got.body, sizeof(got.body)) > 0);
    assert_true(hear_until(fd, "\n", got.body, sizeof(got.body)) > 0);
    unsigned long long seq = strtoull(got.body, NULL, 10);
    assert_true(hear_until(fd, "data: ", got.body, sizeof(got.body)) > 0);
    size_t n = hear_until(fd, "\n\n", got.body, sizeof(got.body));
    assert_true(n > 2);
    json_t *event = json_parse(got.body, n - 2, sizeof(got.body), NULL);
    assert_non_null(event);
    assert_int_equal(json_int(event, "seq", 0), seq);
    json_decref(event);
    return seq;
}

static void send_messages(int count)
{
    for (int i = 0; i < count; i++) {
        ask(&house, "POST", MESSAGES, house.auth, SEND, &got);
        assert_int_equal(got.status, 202);
    }
}

static void test_stream(void **state)
{
    (void)state;
    send_messages(3);
    int fd = stream_open("?after=0", "");
    unsigned long long first = stream_next(fd);
    unsigned long long second = stream_next(fd);
    unsigned long long third = stream_next(fd);
    assert_true(first > 0 && second == first + 1 && third == second + 1);

    char id[64];
    (void)snprintf(id, sizeof(id), "Last-Event-ID: %llu\r\n", first);
    int again = stream_open("?after=999999999", id); /* the header wins */
    assert_int_equal(stream_next(again), second);
    assert_int_equal(stream_next(again), third);
    (void)close(again);

    int live = stream_open("", ""); /* from now on */
    ask(&house, "GET", EVENTS "?limit=500", house.auth, NULL, &got);
    json_t *list = body_of(&got);
    unsigned long long last = (unsigned long long)json_int(list, "next_after", 0);
    assert_true(last >= third);
    assert_true(json_is_null(json_object_get(list, "next_cursor")));
    json_decref(list);
    send_messages(1);
    assert_int_equal(stream_next(live), last); /* hello: where it begins */
    assert_int_equal(stream_next(live), last + 1);
    (void)close(live);
    (void)close(fd);

    ask(&house, "GET", EVENTS "?limit=2", house.auth, NULL, &got);
    list = body_of(&got);
    assert_int_equal(json_array_size(json_arr(list, "items")), 2);
    char path[128];
    (void)snprintf(path, sizeof(path), EVENTS "?limit=1&cursor=%s", json_str(list, "next_cursor"));
    json_decref(list);
    ask(&house, "GET", path, house.auth, NULL, &got);
    list = body_of(&got);
    assert_int_equal(json_int(json_array_get(json_arr(list, "items"), 0), "seq", 0), third);
    json_decref(list);
}

static void test_many_streams(void **state)
{
    (void)state;
    static int fd[API_MAX_STREAMS];
    char headers[1024];
    int opened = 0; /* some may not: streams of earlier tests end within a second */
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        char request[1024];
        int n = snprintf(request, sizeof(request),
                         "GET " EVENTS " HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n%s\r\n",
                         house.auth);
        fd[i] = house_dial(&house);
        assert_true(fd[i] >= 0);
        say(fd[i], request, (size_t)n);
        assert_true(hear_until(fd[i], "\r\n\r\n", got.head, sizeof(got.head)) > 0);
        opened += strncmp(got.head, "HTTP/1.1 200", 12) == 0;
    }
    assert_true(opened > API_MAX_STREAMS / 2);
    (void)snprintf(headers, sizeof(headers), "%sAccept: text/event-stream\r\n", house.auth);
    ask(&house, "GET", EVENTS, headers, NULL, &got);
    expect_code(&got, 429, "too_many_streams");
    assert_non_null(strstr(got.head, "Retry-After: "));
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        (void)shutdown(fd[i], SHUT_WR);
    }
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        assert_true(hear_end(fd[i])); /* nobody reads it: its place is free again */
        (void)close(fd[i]);
    }
    (void)close(stream_open("", ""));
    expect_well();
}

/* ---- the end
 * --------------------------------------------------------------------------------------- */

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

/* A stream ends, a wait gets what is known, a slow reader holds up nobody. */
static void test_close(void **state)
{
    (void)state;
    char request[2048];
    char head[1024];
    int stream = stream_open("", "");
    int silent = house_dial(&house);
    int waiting = house_dial(&house);
    size_t n = fill_in("POST " MESSAGES "?wait=read&timeout_s=60 HTTP/1.1\r\n" HOST "{key}", head,
                       sizeof(head));
    head[n] = '\0';
    int len = snprintf(request, sizeof(request),
                       "%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", head,
                       strlen(SEND), SEND);
    say(waiting, request, (size_t)len);
    (void)stream_next(stream); /* its event: the message is durable and the wait has begun */
    expect_well();
    house_leave(&house);
    hear(waiting, &got);
    assert_int_equal(got.status, 202);
    assert_non_null(strstr(got.body, "\"queued\""));
    assert_true(hear_end(waiting));
    assert_true(hear_end(stream));
    assert_true(hear_end(silent));
    house_join(&house);
    assert_int_equal(house.loop_rc, 0);
    assert_int_equal(house_dial(&house), -1);
    (void)close(stream);
    (void)close(silent);
    (void)close(waiting);
}

static int open_house(void **state)
{
    (void)state;
    return house_open(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_hostile),        cmocka_unit_test(test_nothing_behind),
        cmocka_unit_test(test_floods),         cmocka_unit_test(test_body_too_large),
        cmocka_unit_test(test_body_in_pieces), cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_half_closed),    cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_idempotency),    cmocka_unit_test(test_tenants),
        cmocka_unit_test(test_document),       cmocka_unit_test(test_local_socket),
        cmocka_unit_test(test_logs),           cmocka_unit_test(test_stream),
        cmocka_unit_test(test_many_streams),   cmocka_unit_test(test_drip),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, open_house, NULL);
}
