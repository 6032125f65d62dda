/* Ranges, known ETags, Content-Disposition. */
#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        enum range_kind kind;
        uint64_t first, last;
    } cases[] = {
        {NULL, 10, RANGE_ALL, 0, 9},
        {"bytes=0-", 10, RANGE_PART, 0, 9},
        {"Bytes= 2-3 ", 10, RANGE_PART, 2, 3},
        {"bytes=9-100", 10, RANGE_PART, 9, 9},
        {"bytes=-3", 10, RANGE_PART, 7, 9},
        {"bytes=-30", 10, RANGE_PART, 0, 9},
        {"bytes=10-", 10, RANGE_NONE, 0, 0},
        {"bytes=-0", 10, RANGE_NONE, 0, 0},
        {"bytes=0-0", 0, RANGE_NONE, 0, 0},
        {"bytes=-1", 0, RANGE_NONE, 0, 0},
        {"bytes=3-2", 10, RANGE_ALL, 0, 9},
        {"bytes=0-1,3-4", 10, RANGE_ALL, 0, 9},
        {"bytes=", 10, RANGE_ALL, 0, 9},
        {"bytes=-", 10, RANGE_ALL, 0, 9},
        {"bytes=--1", 10, RANGE_ALL, 0, 9},
        {"bytes=0x1-2", 10, RANGE_ALL, 0, 9},
        {"bytes=99999999999999999999-", 10, RANGE_ALL, 0, 9},
        {"items=0-1", 10, RANGE_ALL, 0, 9},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t first = 99, last = 99;
        print_message("%s\n", cases[i].text != NULL ? cases[i].text : "-");
        assert_int_equal(range_parse(cases[i].text, cases[i].size, &first, &last), cases[i].kind);
        if (cases[i].kind != RANGE_NONE) {
            assert_int_equal(first, cases[i].first);
            assert_int_equal(last, cases[i].last);
        }
    }
}

static void test_etags(void **state)
{
    (void)state;
    static const char *const yes[] = {"\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\" ,\"c\"",
                                      "*"};
    static const char *const no[] = {"", "a", "\"ab\"", "\"b\"", "\"a\"x", "\"x,\"a"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(etag_listed(yes[i], "\"a\""));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(etag_listed(no[i], "\"a\""));
    }
    assert_false(etag_listed(NULL, "\"a\""));
}

static void test_disposition(void **state)
{
    (void)state;
    static const struct {
        bool attachment;
        const char *name, *header;
    } cases[] = {
        {false, "", "inline"},
        {true, NULL, "attachment"},
        {true, "a b.pdf", "attachment; filename=\"a b.pdf\""},
        {false, "\xC3\xA9.png", "inline; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png"},
        {false, "a\"b\\c%d", "inline; filename=\"a_b_c_d\"; filename*=UTF-8''a%22b%5Cc%25d"},
        {false, "a\r\nSet-Cookie: x",
         "inline; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b;
        buf_init(&b, 2048);
        disposition_write(&b, cases[i].attachment, cases[i].name);
        assert_string_equal(b.data, cases[i].header);
        buf_finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_etags),
        cmocka_unit_test(test_disposition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
