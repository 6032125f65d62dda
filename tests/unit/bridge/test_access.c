/* Scopes, roles, session patterns, and that no key gives more than it has: the pure parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access.h"
#include "event.h"
#include "json.h"

#include <string.h>

static json_t *parse(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

static void test_scopes(void **state)
{
    (void)state;
    assert_int_equal(bridge_scope_bits("messages:send"), BRIDGE_MESSAGES_SEND);
    assert_int_equal(bridge_scope_bits("*"), BRIDGE_ALL_SCOPES);
    assert_int_equal(bridge_scope_bits("messages"), 0);
    assert_int_equal(bridge_scope_bits(""), 0);
    assert_string_equal(bridge_scope_name(BRIDGE_KEYS_MANAGE), "keys:manage");
    assert_string_equal(bridge_scope_name(BRIDGE_NO_SCOPE), "");

    uint32_t bits = 0;
    struct err e;
    json_t *list = parse("[\"events:read\",\"messages:send\"]");
    assert_int_equal(scopes_parse(list, &bits, &e), 0);
    assert_int_equal(bits, BRIDGE_EVENTS_READ | BRIDGE_MESSAGES_SEND);
    json_t *back = scopes_json(bits);
    assert_int_equal(json_array_size(back), 2);
    uint32_t again = 0;
    assert_int_equal(scopes_parse(back, &again, &e), 0);
    assert_int_equal(again, bits);
    json_decref(back);
    json_decref(list);

    static const char *const bad[] = {"[]", "{}", "[\"x\"]", "[1]", "[\"*\",\"Messages:send\"]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        list = parse(bad[i]);
        assert_int_equal(scopes_parse(list, &bits, &e), E_INVALID);
        assert_memory_equal(e.field, "scopes", 6);
        json_decref(list);
    }
}

static void test_roles(void **state)
{
    (void)state;
    static const char *const rising[] = {"viewer", "operator", "admin"};
    for (size_t i = 0; i + 1 < 3; i++) {
        uint32_t less = bridge_role_bits(rising[i]);
        assert_int_equal(less & ~bridge_role_bits(rising[i + 1]), 0);
        assert_int_not_equal(less, bridge_role_bits(rising[i + 1]));
    }
    assert_int_equal(bridge_role_bits("agent") & ~bridge_role_bits("operator"), 0);
    assert_int_equal(bridge_role_bits("operator") & BRIDGE_KEYS_MANAGE, 0);
    assert_int_equal(bridge_role_bits("viewer") & BRIDGE_MESSAGES_SEND, 0);
    assert_int_equal(bridge_role_bits("root"), 0);
    assert_int_equal(bridge_role_bits(""), 0);
}

static void test_patterns(void **state)
{
    (void)state;
    char out[BRIDGE_PATTERNS_LEN];
    struct err e;
    json_t *list = parse("[\"sales-*\",\"main\"]");
    assert_int_equal(patterns_parse(list, out, &e), 0);
    assert_string_equal(out, "sales-* main");
    json_t *back = patterns_json(out);
    assert_true(json_equal(list, back));
    json_decref(back);
    json_decref(list);
    assert_true(patterns_match(out, "main"));
    assert_true(patterns_match(out, "sales-7"));
    assert_false(patterns_match(out, "sales"));
    assert_false(patterns_match(out, "main2"));
    assert_false(patterns_match(out, ""));
    assert_false(patterns_match("", "main"));

    static const char *const bad[] = {"[]",  "[\"\"]", "[\"a b\"]",      "[\"A\"]",
                                      "[7]", "\"*\"",  "[\"a\\u0000b\"]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        list = json_loads(bad[i], JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
        assert_int_equal(patterns_parse(list, out, &e), E_INVALID);
        json_decref(list);
    }
    list = json_array();
    for (int i = 0; i <= BRIDGE_MAX_PATTERNS; i++) {
        char longest[64];
        memset(longest, 'a', 63);
        longest[63] = '\0';
        assert_int_equal(patterns_parse(list, out, &e), i == 0 ? E_INVALID : 0);
        assert_int_equal(json_array_append_new(list, json_string(longest)), 0);
    }
    assert_int_equal(patterns_parse(list, out, &e), E_INVALID); /* one too many */
    json_decref(list);
}

static void test_patterns_within(void **state)
{
    (void)state;
    assert_true(patterns_within("sales-7", "sales-*"));
    assert_true(patterns_within("sales-7*", "main sales-*"));
    assert_true(patterns_within("*", "*"));
    assert_true(patterns_within("a*b", "a*"));
    assert_false(patterns_within("*", "sales-*"));
    assert_false(patterns_within("sales*", "sales-*"));
    assert_false(patterns_within("sales-7 main", "sales-*"));
    assert_false(patterns_within("a*", "a*b"));
}

static struct bridge_principal principal(uint32_t scopes, const char *sessions, uint64_t expires)
{
    struct bridge_principal p = {.scopes = scopes, .expires_ms = expires, .gives_until_ms = expires};
    strcpy(p.tenant, "acme");
    strcpy(p.key_id, "0123456789ab");
    strcpy(p.sessions, sessions);
    return p;
}

static int check(const char *record, const struct bridge_principal *who, struct err *e)
{
    struct rights r;
    json_t *o = parse(record);
    rights_of_record(o, &r);
    json_decref(o);
    return rights_check(&r, who, e);
}

static void test_rights(void **state)
{
    (void)state;
    struct err e;
    struct bridge_principal who =
        principal(BRIDGE_KEYS_MANAGE | BRIDGE_MESSAGES_READ, "sales-*", 5000);
    static const char fits[] = "{\"scopes\":[\"messages:read\"],\"sessions\":\"sales-1\","
                               "\"expires_ms\":5000}";
    assert_int_equal(check(fits, &who, &e), 0);
    static const struct {
        const char *record, *field;
    } wide[] = {
        {"{}", "scopes"},
        {"{\"role\":\"viewer\",\"sessions\":\"sales-1\",\"expires_ms\":1}", "scopes"},
        {"{\"scopes\":[\"messages:send\"],\"sessions\":\"sales-1\",\"expires_ms\":1}", "scopes"},
        {"{\"scopes\":[\"messages:read\"],\"expires_ms\":1}", "sessions"},
        {"{\"scopes\":[\"messages:read\"],\"sessions\":\"main\",\"expires_ms\":1}", "sessions"},
        {"{\"scopes\":[\"messages:read\"],\"sessions\":\"sales-1\"}", "expires_at"},
        {"{\"scopes\":[\"messages:read\"],\"sessions\":\"sales-1\",\"expires_ms\":5001}",
         "expires_at"},
    };
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        print_message("%s\n", wide[i].record);
        assert_int_equal(check(wide[i].record, &who, &e), E_FORBIDDEN);
        assert_string_equal(e.field, wide[i].field);
    }
    /* A token may give what outlives it. */
    who.gives_until_ms = 0;
    assert_int_equal(check("{\"scopes\":[\"messages:read\"],\"sessions\":\"sales-1\"}", &who, &e),
                     0);
    who.admin = true;
    assert_int_equal(check("{}", &who, &e), 0);
    assert_int_equal(check("{}", NULL, &e), 0);
    /* A record that makes no sense gives nothing. */
    struct rights r;
    json_t *odd = parse("{\"scopes\":[\"from:later\"],\"role\":null}");
    rights_of_record(odd, &r);
    assert_int_equal(r.scopes, 0);
    json_decref(odd);
    odd = parse("{\"role\":\"gone\"}");
    rights_of_record(odd, &r);
    assert_int_equal(r.scopes, 0);
    json_decref(odd);
}

static int body(const char *text, bool admin, json_t **changes, struct err *e)
{
    json_t *o = parse(text);
    int rc = key_body_check(o, admin, 1000, changes, e);
    json_decref(o);
    return rc;
}

static void test_bodies(void **state)
{
    (void)state;
    struct err e;
    json_t *changes = NULL;
    assert_int_equal(body("{\"name\":\"erp\",\"role\":\"agent\",\"sessions\":[\"a\",\"b-*\"],"
                          "\"expires_at\":\"2030-01-01T00:00:00Z\"}",
                          false, &changes, &e),
                     0);
    assert_string_equal(json_str(changes, "role"), "agent");
    assert_string_equal(json_str(changes, "sessions"), "a b-*");
    json_t *record = parse("{\"scopes\":[\"*\"],\"hash\":\"x\"}");
    assert_int_equal(key_change_record(record, changes), 0);
    assert_null(json_object_get(record, "scopes"));
    assert_string_equal(json_str(record, "hash"), "x");
    json_decref(record);
    json_decref(changes);
    static const struct {
        const char *text, *field;
        bool admin;
    } bad[] = {
        {"{\"role\":\"boss\"}", "role", false},
        {"{\"role\":\"viewer\",\"scopes\":[\"*\"]}", "role", false},
        {"{\"role\":\"viewer\"}", "role", true},
        {"{\"scopes\":[\"messages:read\"]}", "scopes", true},
        {"{\"scopes\":[\"metrics:read\",\"messages:read\"]}", "scopes", true},
        {"{\"scopes\":[\"metrics:read\"]}", "scopes", false},
        {"{\"sessions\":[\"main\"]}", "sessions", true},
        {"{\"expires_at\":\"tomorrow\"}", "expires_at", false},
        {"{\"expires_at\":\"1970-01-01T00:00:01Z\"}", "expires_at", false},
        {"{\"expires_at\":12}", "expires_at", false},
        {"{\"name\":7}", "name", false},
        {"{\"tenant\":\"other\"}", "tenant", false},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        print_message("%s\n", bad[i].text);
        assert_int_equal(body(bad[i].text, bad[i].admin, &changes, &e), E_INVALID);
        assert_string_equal(e.field, bad[i].field);
    }
}

/* What the body does not say is the maker's own. */
static void test_inherited(void **state)
{
    (void)state;
    struct rights r;
    struct bridge_principal who = principal(BRIDGE_KEYS_MANAGE, "sales-*", 5000);
    json_t *record = json_object();
    assert_int_equal(key_body_inherit(record, &who), 0);
    rights_of_record(record, &r);
    assert_int_equal(r.scopes, BRIDGE_KEYS_MANAGE);
    assert_string_equal(r.sessions, "sales-*");
    assert_int_equal(r.expires_ms, 5000);
    assert_int_equal(rights_check(&r, &who, NULL), 0);
    json_decref(record);
}

static bool sees(const struct bridge_principal *who, const char *text)
{
    return bridge_sees_event(who, text, strlen(text));
}

static void test_events(void **state)
{
    (void)state;
    static const char main_event[] =
        "{\"id\":\"evt_1\",\"type\":\"x.y\",\"seq\":1,\"occurred_at\":\"t\",\"tenant\":\"acme\","
        "\"session\":\"main\",\"data\":{\"text\":\",\\\"session\\\":\\\"sales-1\\\"\"}}";
    static const char sales[] =
        "{\"id\":\"evt_1\",\"type\":\"x.y\",\"seq\":1,\"occurred_at\":\"t\",\"tenant\":\"acme\","
        "\"session\":\"sales-1\",\"data\":{}}";
    static const char none[] =
        "{\"id\":\"evt_1\",\"type\":\"x.y\",\"seq\":1,\"occurred_at\":\"t\",\"tenant\":\"acme\","
        "\"session\":null,\"data\":{\"session\":\"sales-1\"}}";
    struct bridge_principal who = principal(BRIDGE_ALL_SCOPES, "sales-*", 0);
    assert_true(sees(&who, sales));
    assert_false(sees(&who, main_event));
    assert_false(sees(&who, none));
    strcpy(who.sessions, "*");
    assert_true(sees(&who, main_event));
    assert_true(sees(&who, none));
    assert_true(sees(NULL, none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),    cmocka_unit_test(test_roles),
        cmocka_unit_test(test_patterns),  cmocka_unit_test(test_patterns_within),
        cmocka_unit_test(test_rights),    cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_inherited), cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
