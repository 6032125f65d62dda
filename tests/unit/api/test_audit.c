/* The audit hook: which calls leave a record, before their answer, and how many refusals do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_priv.h"
#include "crypto.h"
#include "fixture.h"

static struct house h;
static struct answer a;

static int setup(void **state)
{
    (void)state;
    return house_open(&h);
}

static int teardown(void **state)
{
    (void)state;
    house_leave(&h);
    house_join(&h);
    return h.loop_rc;
}

static json_t *audit(const char *path)
{
    ask(&h, "GET", path, h.auth, NULL, &a);
    assert_int_equal(a.status, 200);
    json_t *body = json_parse(a.body, a.len, sizeof(a.body), NULL);
    assert_non_null(body);
    return body;
}

static size_t count(const char *path)
{
    json_t *body = audit(path);
    size_t n = json_array_size(json_arr(body, "items"));
    json_decref(body);
    return n;
}

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        char word[AUDIT_WORD] = "", other[AUDIT_WORD];
        const char *w = audit_word(r, word);
        if (strcmp(r->method, "GET") == 0) {
            assert_true((w != NULL) == (strstr(r->pattern, "/screenshot") != NULL)); /* shows chats */
            continue;
        }
        print_message("%s %s: %s\n", r->method, r->pattern, w != NULL ? w : "-");
        if (w == NULL) {
            continue;
        }
        assert_true(strspn(w, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(w));
        assert_non_null(strchr(w, '.'));
        /* the same word only for the same thing by another method or above tenants */
        for (size_t k = 0; k < i; k++) {
            const char *o = audit_word(&api_routes[k], other);
            if (o != NULL && strcmp(o, w) == 0) {
                assert_true(strcmp(api_routes[k].pattern, r->pattern) == 0 ||
                            r->auth == API_ADMIN || api_routes[k].auth == API_ADMIN);
            }
        }
    }
}

static void test_known_words(void **state)
{
    (void)state;
    static const struct api_route routes[] = {
        {.method = "POST", .pattern = "/v1/tenants/{tenant}/sessions/{session}/start"},
        {.method = "PUT", .pattern = "/v1/tenants/{tenant}/webhooks/{webhook}"},
        {.method = "DELETE", .pattern = "/v1/keys/{key}"},
        {.method = "POST", .pattern = "/v1/tenants/{tenant}/media/{media}/link"},
        {.method = "PATCH", .pattern = "/v1/new/things"},
    };
    static const char *const words[] = {"session.start", "webhook.put", "key.delete", "media.link",
                                        "new.things.patch"};
    char word[AUDIT_WORD];
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_string_equal(audit_word(&routes[i], word), words[i]);
    }
}

static void test_record(void **state)
{
    (void)state;
    char headers[640];
    snprintf(headers, sizeof(headers), "%sX-Request-Id: my-request\r\n", h.auth);
    ask(&h, "POST", "/v1/tenants/default/keys", headers, "{\"name\":\"erp\"}", &a);
    assert_int_equal(a.status, 201);
    json_t *key = json_parse(a.body, a.len, sizeof(a.body), NULL);
    json_t *body = audit("/v1/tenants/default/audit?action=key.*");
    const json_t *r = json_array_get(json_arr(body, "items"), 0);
    assert_string_equal(json_str(r, "action"), "key.create");
    assert_string_equal(json_str(r, "address"), "127.0.0.1");
    assert_string_equal(json_str(r, "tenant"), "default");
    assert_string_equal(json_str(r, "target"), json_str(key, "id"));
    assert_string_equal(json_str(r, "request_id"), "my-request");
    assert_int_equal(json_int(r, "status", 0), 201);
    assert_null(json_str(r, "code"));
    assert_int_equal(strncmp(json_str(r, "actor"), "key:", 4), 0);
    assert_null(strstr(a.body, json_str(key, "key"))); /* the secret is nowhere */
    json_decref(body);
    json_decref(key);
}

static void test_failure(void **state)
{
    (void)state;
    size_t before = count("/v1/tenants/default/audit?limit=500");
    ask(&h, "PUT", "/v1/tenants/default/webhooks/erp", h.auth, "{\"url\":\"ftp://x\"}", &a);
    assert_int_equal(a.status, 422);
    json_t *body = audit("/v1/tenants/default/audit?limit=500");
    const json_t *r = json_array_get(json_arr(body, "items"), 0);
    assert_int_equal(json_array_size(json_arr(body, "items")), before + 1);
    assert_string_equal(json_str(r, "action"), "webhook.put");
    assert_int_equal(json_int(r, "status", 0), 422);
    assert_non_null(json_str(r, "code"));
    json_decref(body);
}

static void test_socket(void **state)
{
    (void)state;
    char head[1024];
    int fd = house_dial_local(&h);
    assert_true(fd >= 0);
    int n = snprintf(head, sizeof(head),
                     "DELETE /v1/tenants/default/webhooks/none HTTP/1.1\r\nHost: localhost\r\n"
                     "%s\r\n",
                     h.auth);
    say(fd, head, (size_t)n);
    hear(fd, &a);
    (void)close(fd);
    assert_int_equal(a.status, 404);
    json_t *body = audit("/v1/tenants/default/audit?limit=1");
    const json_t *r = json_array_get(json_arr(body, "items"), 0);
    assert_string_equal(json_str(r, "address"), "socket");
    assert_string_equal(json_str(r, "action"), "webhook.delete");
    assert_string_equal(json_str(r, "target"), "none");
    json_decref(body);
}

static void test_reads_and_sends(void **state)
{
    (void)state;
    size_t before = count("/v1/tenants/default/audit?limit=500");
    ask(&h, "GET", "/v1/tenants/default/sessions", h.auth, NULL, &a);
    ask(&h, "POST", "/v1/tenants/default/sessions/main/messages", h.auth,
        "{\"to\":\"5511988887777\",\"text\":\"a secret thing\"}", &a);
    assert_int_equal(a.status, 202);
    assert_non_null(strstr(a.body, "\"sent_by\":\"key:")); /* the message says it itself */
    assert_int_equal(count("/v1/tenants/default/audit?limit=500"), before);
    ask(&h, "POST", "/v1/tenants/default/sessions/main/messages", h.auth, "{\"to\":\"x\"}", &a);
    assert_int_equal(a.status, 422);
    assert_int_equal(count("/v1/tenants/default/audit?limit=500"), before + 1);
}

static void test_above_tenants(void **state)
{
    (void)state;
    ask(&h, "PUT", "/v1/tenants/brief", h.auth, "{}", &a);
    assert_int_equal(a.status, 201);
    ask(&h, "PUT", "/v1/tenants/brief/sessions/one", h.auth, "{\"autostart\":false}", &a);
    assert_int_equal(a.status, 201);
    assert_int_equal(count("/v1/tenants/brief/audit"), 1);
    ask(&h, "DELETE", "/v1/tenants/brief", h.auth, NULL, &a);
    assert_int_equal(a.status, 204);
    json_t *body = audit("/v1/audit?action=tenant.*");
    const json_t *r = json_array_get(json_arr(body, "items"), 0);
    assert_string_equal(json_str(r, "action"), "tenant.delete");
    assert_string_equal(json_str(r, "tenant"), "brief");
    assert_int_equal(json_array_size(json_arr(body, "items")), 2);
    json_decref(body);
    ask(&h, "GET", "/v1/tenants/brief/audit", h.auth, NULL, &a);
    assert_int_equal(a.status, 404);
}

/* Records of refusals are written behind their answers: the admin's write comes after them. */
static void test_refused_logins(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * AUDIT_PER_ADDRESS; i++) {
        ask(&h, "GET", "/v1/tenants/default/sessions", "Authorization: Bearer wab_x\r\n", NULL, &a);
        assert_int_equal(a.status, 401);
    }
    ask(&h, "POST", "/v1/keys", h.auth, "{\"name\":\"after\"}", &a);
    assert_int_equal(a.status, 201);
    json_t *body = audit("/v1/audit?action=auth.failed&limit=500");
    size_t n = json_array_size(json_arr(body, "items"));
    const json_t *r = json_array_get(json_arr(body, "items"), 0);
    assert_in_range(n, AUDIT_PER_ADDRESS, 2 * AUDIT_PER_ADDRESS); /* a minute may end meanwhile */
    assert_string_equal(json_str(r, "actor"), "nobody");
    assert_int_equal(json_int(r, "status", 0), 401);
    assert_null(json_str(r, "tenant"));
    assert_string_equal(json_str(json_obj(r, "detail"), "on"),
                        "GET /v1/tenants/{tenant}/sessions");
    json_decref(body);
}

/* What nobody has to have a key for is written down as seldom, whatever is wrong with it. */
static void test_open_routes(void **state)
{
    static const char *const at[][2] = {
        {"/v1/sign-in", "{\"ticket\":5}"}, {"/v1/widget/sign-in", "{\"a\":1}"},
        {"/v1/sign-in", "no json"}};
    (void)state;
    for (int i = 0; i < 9 * AUDIT_PER_ADDRESS; i++) {
        ask(&h, "POST", at[i % 3][0], "Content-Type: application/json\r\n", at[i % 3][1], &a);
        assert_in_range(a.status, 400, 499);
    }
    ask(&h, "POST", "/v1/keys", h.auth, "{\"name\":\"behind\"}", &a);
    assert_int_equal(a.status, 201);
    assert_in_range(count("/v1/audit?action=sign_in.*&limit=500") +
                        count("/v1/audit?action=widget.*&limit=500"),
                    0, 2 * AUDIT_PER_ADDRESS);
}

/* Lines that anybody can check: hash over the line without it, prev of the next one. */
static void test_lines(void **state)
{
    (void)state;
    char headers[640], prev[65] = "";
    snprintf(headers, sizeof(headers), "%sAccept: application/x-ndjson\r\n", h.auth);
    ask(&h, "GET", "/v1/tenants/default/audit?limit=500", headers, NULL, &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strcasestr(a.head, "Content-Type: application/x-ndjson"));
    size_t lines = 0;
    for (char *line = strtok(a.body, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        size_t tail = strlen(",\"hash\":\"\"}") + 64;
        size_t len = strlen(line);
        unsigned char hash[32];
        char hex[65], text[4096];
        assert_true(len > tail && len < sizeof(text));
        snprintf(text, sizeof(text), "%.*s}", (int)(len - tail), line);
        assert_int_equal(crypto_sha256(text, strlen(text), hash), 0);
        crypto_hex(hash, 32, hex);
        assert_int_equal(strncmp(line + len - 66, hex, 64), 0);
        if (lines > 0) {
            assert_int_equal(strncmp(strstr(line, "\"prev\":\"") + 8, prev, 64), 0);
        }
        memcpy(prev, hex, sizeof(prev));
    }
    assert_true(lines >= 3);
}

static void test_pages(void **state)
{
    (void)state;
    json_t *all = audit("/v1/tenants/default/audit?limit=500");
    size_t n = json_array_size(json_arr(all, "items")), seen = 0;
    assert_int_equal(json_int(json_obj(all, "head"), "seq", 0), n);
    assert_true(json_is_null(json_object_get(all, "anchor")));
    json_decref(all);
    char path[128] = "/v1/tenants/default/audit?limit=2";
    for (;;) {
        json_t *body = audit(path);
        const char *cursor = json_str(body, "next_cursor");
        const json_t *first = json_array_get(json_arr(body, "items"), 0);
        assert_int_equal(json_int(first, "seq", 0), n - seen);
        seen += json_array_size(json_arr(body, "items"));
        if (cursor != NULL) {
            snprintf(path, sizeof(path), "/v1/tenants/default/audit?limit=2&cursor=%s", cursor);
        }
        json_decref(body);
        if (cursor == NULL) {
            break;
        }
    }
    assert_int_equal(seen, n);
    ask(&h, "GET", "/v1/tenants/default/audit?cursor=abc", h.auth, NULL, &a);
    assert_int_equal(a.status, 422);
    assert_non_null(strstr(a.body, "\"invalid_cursor\""));
    assert_int_equal(count("/v1/tenants/default/audit?since=2100-01-01T00:00:00Z"), 0);
    assert_int_equal(count("/v1/tenants/default/audit?until=2020-01-01T00:00:00Z"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_known_words),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_socket),
        cmocka_unit_test(test_reads_and_sends),
        cmocka_unit_test(test_above_tenants),
        cmocka_unit_test(test_refused_logins),
        cmocka_unit_test(test_open_routes),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
