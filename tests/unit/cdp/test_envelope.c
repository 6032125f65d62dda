/* The scanner of message envelopes: good ones, cut ones, hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "envelope_priv.h"
#include "err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On an exact heap copy, so that the sanitizer sees a byte too far. */
static int scan(const char *text, size_t len, struct envelope *env)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    int r = envelope_scan(copy, len, env);
    free(copy);
    return r;
}

static int scan_text(const char *text, struct envelope *env)
{
    return scan(text, strlen(text), env);
}

static void expect_span(const char *text, struct span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(text + s.off, expected, s.len);
}

static void test_answer(void **state)
{
    const char *t = "{\"id\":7,\"result\":{\"a\":[1,\"}\\\"]\",{}]},\"sessionId\":\"AB12\"}";
    struct envelope env;
    (void)state;
    assert_int_equal(scan_text(t, &env), 0);
    assert_true(env.has_id);
    assert_int_equal(env.id, 7);
    expect_span(t, env.result, "{\"a\":[1,\"}\\\"]\",{}]}");
    expect_span(t, env.session, "AB12");
    assert_int_equal(env.method.len, 0);
    assert_int_equal(env.params.len, 0);
    assert_int_equal(env.error.len, 0);
}

static void test_event(void **state)
{
    const char *t = " {\t\"method\" : \"Page.x\" ,\n \"params\" : { \"id\" : 3 } } \r\n";
    struct envelope env;
    (void)state;
    assert_int_equal(scan_text(t, &env), 0);
    assert_false(env.has_id); /* the one inside params is not ours */
    expect_span(t, env.method, "Page.x");
    expect_span(t, env.params, "{ \"id\" : 3 }");
    assert_int_equal(env.session.len, 0);
}

static void test_error(void **state)
{
    const char *t = "{\"error\":{\"code\":-32601,\"message\":\"'x' wasn't found\"},\"id\":0}";
    struct envelope env;
    (void)state;
    assert_int_equal(scan_text(t, &env), 0);
    assert_true(env.has_id);
    assert_int_equal(env.id, 0);
    expect_span(t, env.error, "{\"code\":-32601,\"message\":\"'x' wasn't found\"}");
    assert_int_equal(env.result.len, 0);
}

static void test_other_members(void **state)
{
    struct envelope env;
    (void)state;
    assert_int_equal(scan_text("{}", &env), 0);
    assert_false(env.has_id);
    assert_int_equal(scan_text("{\"x\":null,\"y\":-1.5e+3,\"z\":[true,false],\"id\":1}", &env), 0);
    assert_int_equal(env.id, 1);
    /* a key is compared as written: this one is another word */
    assert_int_equal(scan_text("{\"\\u0069d\":5}", &env), 0);
    assert_false(env.has_id);
    assert_int_equal(scan_text("{\"id\":999999999999999,\"result\":{}}", &env), 0);
    assert_true(env.id == UINT64_C(999999999999999));
}

static void test_backslashes(void **state)
{
    struct envelope env;
    const char *t = "{\"id\":1,\"result\":{\"v\":\"\\\\\\\\\"},\"sessionId\":\"S\"}";
    (void)state;
    assert_int_equal(scan_text(t, &env), 0);
    expect_span(t, env.result, "{\"v\":\"\\\\\\\\\"}");
    expect_span(t, env.session, "S");
    t = "{\"id\":1,\"result\":{\"v\":\"\\\\\\\"\"}}";
    assert_int_equal(scan_text(t, &env), 0);
    expect_span(t, env.result, "{\"v\":\"\\\\\\\"\"}");
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "[",
        "[]",
        "1",
        "null",
        "{",
        "}",
        "{\"",
        "{\"id\"",
        "{\"id\":",
        "{\"id\":1",
        "{\"id\":1,",
        "{\"id\":1,}",
        "{,}",
        "{\"id\" 1}",
        "{id:1}",
        "{\"id\":1}x",
        "{\"id\":1}{}",
        "{\"id\":-1}",
        "{\"id\":1.0}",
        "{\"id\":1e3}",
        "{\"id\":\"1\"}",
        "{\"id\":null}",
        "{\"id\":1234567890123456}",
        "{\"id\":1,\"id\":2}",
        "{\"id\":{}}",
        "{\"method\":1}",
        "{\"method\":{}}",
        "{\"method\":\"\"}",
        "{\"method\":\"a\\u0062\"}",
        "{\"method\":\"a\",\"method\":\"b\"}",
        "{\"sessionId\":[]}",
        "{\"sessionId\":\"\\\"\"}",
        "{\"result\":[]}",
        "{\"result\":\"{}\"}",
        "{\"result\":1}",
        "{\"result\":null}",
        "{\"params\":[]}",
        "{\"error\":\"x\"}",
        "{\"result\":{},\"result\":{}}",
        "{\"result\":{]}",
        "{\"result\":{[}]}",
        "{\"result\":{\"a\":\"}}",
        "{\"result\":{}]",
        "{\"x\":}",
        "{\"x\":,\"id\":1}",
        "{\"x\":\"\\\"}",
    };
    struct envelope env;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (scan_text(bad[i], &env) != E_PROTO) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_int_equal(scan("{\"id\":1}\0", 9, &env), E_PROTO); /* NUL behind it */
}

static void test_depth(void **state)
{
    struct envelope env;
    char text[2 * (ENVELOPE_MAX_DEPTH + 8) + 32];
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        /* result is one object around arrays, so DEPTH - 1 of them just fit */
        int arrays = ENVELOPE_MAX_DEPTH - 1 + extra;
        int at = snprintf(text, sizeof(text), "{\"result\":{\"a\":");
        memset(text + at, '[', (size_t)arrays);
        memset(text + at + arrays, ']', (size_t)arrays);
        strcpy(text + at + 2 * arrays, "}}");
        assert_int_equal(scan_text(text, &env), extra ? E_PROTO : 0);
    }
    char *bomb = malloc(1 << 20);
    assert_non_null(bomb);
    memset(bomb, '[', 1 << 20);
    memcpy(bomb, "{\"x\":", 5);
    assert_int_equal(scan(bomb, 1 << 20, &env), E_PROTO);
    free(bomb);
}

/* Every cut of a good message is refused, and its head never tells another id. */
static void test_cuts(void **state)
{
    const char *t = "{\"id\":4711,\"result\":{\"s\":\"a\\\\\\\"b\",\"n\":[1,2,{\"k\":null}]},"
                    "\"sessionId\":\"0F\"}";
    struct envelope env;
    (void)state;
    for (size_t len = 0; len < strlen(t); len++) {
        assert_int_equal(scan(t, len, &env), E_PROTO);
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, t, len);
        envelope_head(copy, len, &env);
        free(copy);
        assert_int_equal(env.has_id, len >= strlen("{\"id\":4711,"));
        if (env.has_id) {
            assert_int_equal(env.id, 4711);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),      cmocka_unit_test(test_event),
        cmocka_unit_test(test_error),       cmocka_unit_test(test_other_members),
        cmocka_unit_test(test_backslashes), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),       cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
