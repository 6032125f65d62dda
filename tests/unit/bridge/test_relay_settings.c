/* The body of a webhook's PUT: what is taken, what is refused and which field it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json.h"
#include "webhook.h"

#include <string.h>

static int check(const char *text, json_t **changes, struct err *e)
{
    json_t *body = json_parse(text, strlen(text), 1 << 20, NULL);
    assert_non_null(body);
    err_clear(e);
    *changes = NULL;
    int rc = webhook_check(body, false, changes, e);
    json_decref(body);
    return rc;
}

static void taken(const char *text, const char *want)
{
    struct err e;
    json_t *changes = NULL;
    if (check(text, &changes, &e) != 0) {
        fail_msg("%s: %s", text, e.msg);
    }
    json_t *wanted = json_parse(want, strlen(want), 1 << 20, NULL);
    if (!json_equal(changes, wanted)) {
        fail_msg("%s became %s", text, json_dumps(changes, 0));
    }
    json_decref(wanted);
    json_decref(changes);
}

static void good_bodies(void **state)
{
    (void)state;
    taken("{}", "{}");
    taken("{\"url\":\"https://example.com/x\",\"enabled\":false}",
          "{\"url\":\"https://example.com/x\",\"enabled\":false}");
    taken(
        "{\"events\":[\"*\",\"message.*\",\"session.status\",\"*.status\"],\"sessions\":[\"m*\"]}",
        "{\"events\":[\"*\",\"message.*\",\"session.status\",\"*.status\"],\"sessions\":[\"m*\"]}");
    taken("{\"retry\":{\"initial_delay_ms\":100}}",
          "{\"retry\":{\"initial_delay_ms\":100,\"max_delay_ms\":900000,\"max_age_s\":86400}}");
    taken("{\"headers\":{\"X-Site\":\"hq\",\"Authorization\":\"Bearer x\"}}",
          "{\"headers\":{\"X-Site\":\"hq\",\"Authorization\":\"Bearer x\"}}");
    taken("{\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}",
          "{\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}");
}

static void bad_bodies_name_their_field(void **state)
{
    (void)state;
    static const struct {
        const char *body, *field;
    } table[] = {
        {"{\"surprise\":1}", "surprise"},
        {"{\"id\":\"x\"}", "id"},
        {"{\"url\":7}", "url"},
        {"{\"url\":null}", "url"},
        {"{\"url\":\"http://10.0.0.1/\"}", "url"},
        {"{\"events\":\"*\"}", "events"},
        {"{\"events\":[]}", "events"},
        {"{\"events\":[\"*\",\"nonsense\"]}", "events[1]"},
        {"{\"events\":[\"nonsense.x\"]}", "events[0]"},
        {"{\"events\":[\"message\"]}", "events[0]"},
        {"{\"events\":[\"message.\"]}", "events[0]"},
        {"{\"events\":[\"Message.*\"]}", "events[0]"},
        {"{\"events\":[7]}", "events[0]"},
        {"{\"sessions\":[\"a b\"]}", "sessions[0]"},
        {"{\"headers\":[]}", "headers"},
        {"{\"headers\":{\"x-a\":\"b\\r\\nc: d\"}}", "headers.x-a"},
        {"{\"headers\":{\"x-a\":7}}", "headers.x-a"},
        {"{\"headers\":{\"a b\":\"c\"}}", "headers.?"},
        {"{\"headers\":{\"\":\"c\"}}", "headers.?"},
        {"{\"headers\":{\"Content-Type\":\"c\"}}", "headers.Content-Type"},
        {"{\"headers\":{\"WebHook-Id\":\"c\"}}", "headers.WebHook-Id"},
        {"{\"headers\":{\"host\":\"c\"}}", "headers.host"},
        {"{\"headers\":{\"transfer-encoding\":\"c\"}}", "headers.transfer-encoding"},
        {"{\"headers\":{\"x-hub-signature-256\":\"c\"}}", "headers.x-hub-signature-256"},
        {"{\"secret\":\"short\"}", "secret"},
        {"{\"secret\":12}", "secret"},
        {"{\"enabled\":\"yes\"}", "enabled"},
        {"{\"retry\":5}", "retry"},
        {"{\"retry\":{\"max_age\":5}}", "retry.max_age"},
        {"{\"retry\":{\"max_age_s\":0}}", "retry.max_age_s"},
        {"{\"retry\":{\"max_age_s\":604801}}", "retry.max_age_s"},
        {"{\"retry\":{\"initial_delay_ms\":1}}", "retry.initial_delay_ms"},
        {"{\"retry\":{\"initial_delay_ms\":1.5}}", "retry.initial_delay_ms"},
        {"{\"retry\":{\"initial_delay_ms\":500,\"max_delay_ms\":400}}", "retry.max_delay_ms"},
        {"{\"retry\":{\"max_delay_ms\":3600001}}", "retry.max_delay_ms"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct err e;
        json_t *changes = NULL;
        if (check(table[i].body, &changes, &e) != E_INVALID) {
            fail_msg("passed: %s", table[i].body);
        }
        assert_string_equal(e.field, table[i].field);
        assert_null(changes);
    }
}

static void headers_twice_and_too_many(void **state)
{
    (void)state;
    struct err e;
    json_t *changes = NULL;
    assert_int_equal(check("{\"headers\":{\"x-a\":\"1\",\"X-A\":\"2\"}}", &changes, &e), E_INVALID);
    json_t *headers = json_object();
    for (int i = 0; i <= WEBHOOK_MAX_HEADERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "x-%d", i);
        json_object_set_new(headers, name, json_string("v"));
    }
    json_t *body = json_pack("{s:o}", "headers", headers);
    assert_int_equal(webhook_check(body, false, &changes, &e), E_INVALID);
    assert_string_equal(e.field, "headers");
    json_object_del(headers, "x-0");
    assert_int_equal(webhook_check(body, false, &changes, &e), 0);
    json_decref(changes);
    json_decref(body);
}

static void secrets_in_headers_are_seen(void **state)
{
    (void)state;
    static const char *const secret[] = {"Authorization",      "X-Api-Key", "x-api-key",
                                         "X-Auth-Token",       "Cookie",    "X-Secret",
                                         "Proxy-Authorization"};
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        assert_true(webhook_header_secret(secret[i]));
    }
    assert_false(webhook_header_secret("X-Site"));
    assert_false(webhook_header_secret("Accept"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bodies),
        cmocka_unit_test(bad_bodies_name_their_field),
        cmocka_unit_test(headers_twice_and_too_many),
        cmocka_unit_test(secrets_in_headers_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
