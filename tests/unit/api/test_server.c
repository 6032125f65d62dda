/* The server as its clients see it: see fixture.h. */

#include "server_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_idempotency),
        cmocka_unit_test(test_tenants),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_local_socket),
        cmocka_unit_test(test_logs),
    };
    return cmocka_run_group_tests(tests, open_house, shut_house);
}
