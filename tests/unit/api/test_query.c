#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct query_param params[] = {
    {.name = "limit", .kind = QUERY_UINT, .min = 1, .max = 500, .fallback = 50},
    {.name = "q", .kind = QUERY_TEXT},
    {.name = "since", .kind = QUERY_TIME},
    {.name = "state", .kind = QUERY_CHOICE, .choices = "pending|delivered|dead"},
    {.name = "some", .kind = QUERY_CHOICES, .choices = "sent|read|played"},
    {.name = "after", .kind = QUERY_TAIL},
    {.name = "big", .kind = QUERY_UINT, .max = UINT64_MAX},
    {.name = NULL},
};

static int parse(const char *raw, struct query *q, struct err *e)
{
    static char copy[4096];
    memset(e, 0, sizeof(*e));
    assert_true(strlen(raw) < sizeof(copy));
    memcpy(copy, raw, strlen(raw) + 1);
    return query_parse(copy, params, q, e);
}

static void test_good(void **state)
{
    (void)state;
    struct query q;
    struct err e;
    assert_int_equal(parse("limit=7&q=a+b%20c%C3%A9&state=dead&since=2026-01-31T08:00:00Z", &q, &e),
                     0);
    assert_int_equal(query_number(&q, params, "limit"), 7);
    assert_string_equal(query_text(&q, "q"), "a b c\xc3\xa9");
    assert_string_equal(query_text(&q, "state"), "dead");
    assert_int_equal(query_number(&q, params, "since"), 1769846400000ull);
    assert_null(query_text(&q, "after"));
    assert_int_equal(parse("some=read", &q, &e), 0);
    assert_int_equal(parse("some=read,sent,played", &q, &e), 0);
    assert_string_equal(query_text(&q, "some"), "read,sent,played");
    assert_int_equal(parse("", &q, &e), 0);
    assert_int_equal(query_number(&q, params, "limit"), 50);
    assert_int_equal(query_parse(NULL, params, &q, &e), 0);
    assert_int_equal(parse("&&limit=500&", &q, &e), 0);
    assert_int_equal(parse("q=", &q, &e), 0);
    assert_string_equal(query_text(&q, "q"), "");
    assert_int_equal(parse("after=-1", &q, &e), 0);
    assert_true(query_number(&q, params, "after") == UINT64_MAX);
    assert_int_equal(parse("big=18446744073709551615", &q, &e), 0);
    assert_true(query_number(&q, params, "big") == UINT64_MAX);
    assert_int_equal(parse("q=a%26b%3Dc", &q, &e), 0); /* escapes are undone after the split */
    assert_string_equal(query_text(&q, "q"), "a&b=c");
}

static void test_field_at_fault(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *field, *word;
    } cases[] = {
        {"x=1", "x", "unknown_parameter"},
        {"LIMIT=1", "LIMIT", "unknown_parameter"},
        {"=1", "", "unknown_parameter"},
        {"limit", "limit", "invalid_request"},
        {"limit=", "limit", "invalid_request"},
        {"limit=0", "limit", "invalid_request"},
        {"limit=501", "limit", "invalid_request"},
        {"limit=-1", "limit", "invalid_request"},
        {"limit=+1", "limit", "invalid_request"},
        {"limit=%201", "limit", "invalid_request"},
        {"limit=1e2", "limit", "invalid_request"},
        {"limit=0x10", "limit", "invalid_request"},
        {"limit=1&limit=1", "limit", "invalid_request"},
        {"big=18446744073709551616", "big", "invalid_request"},
        {"after=-2", "after", "invalid_request"},
        {"state=", "state", "invalid_request"},
        {"state=pend", "state", "invalid_request"},
        {"state=dead,pending", "state", "invalid_request"},
        {"some=", "some", "invalid_request"},
        {"some=,", "some", "invalid_request"},
        {"some=read,", "some", "invalid_request"},
        {"some=,read", "some", "invalid_request"},
        {"some=read,,sent", "some", "invalid_request"},
        {"some=read,rea", "some", "invalid_request"},
        {"some=read|sent", "some", "invalid_request"},
        {"state=pending|dead", "state", "invalid_request"},
        {"since=yesterday", "since", "invalid_request"},
        {"since=2026-13-01T00:00:00Z", "since", "invalid_request"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct query q;
        struct err e;
        print_message("%s\n", cases[i].raw);
        assert_int_equal(parse(cases[i].raw, &q, &e), E_INVALID);
        assert_string_equal(e.field, cases[i].field);
        assert_string_equal(err_word_of(&e), cases[i].word);
        assert_int_equal(problem_status(&e), 422);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const cases[] = {"q=%",   "q=%0",  "q=%zz", "q=%00",       "q=a%0Ab",
                                        "q=%ff", "q=%7F", "%00=1", "q=%ed%a0%80", "%q=1"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct query q;
        struct err e;
        print_message("%s\n", cases[i]);
        assert_int_equal(parse(cases[i], &q, &e), E_INVALID);
        assert_int_equal(problem_status(&e), 400);
    }
}

static void test_none_allowed(void **state)
{
    (void)state;
    struct query q;
    struct err e = {0};
    char raw[] = "limit=1";
    assert_int_equal(query_parse(raw, NULL, &q, &e), E_INVALID);
    assert_string_equal(err_word_of(&e), "unknown_parameter");
    char long_text[600] = "q=";
    memset(long_text + 2, 'a', sizeof(long_text) - 3);
    assert_int_equal(parse(long_text, &q, &e), E_INVALID);
    assert_string_equal(e.field, "q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_field_at_fault),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_none_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
