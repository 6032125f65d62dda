#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        bool valid;
    } cases[] = {
        {"", true},
        {"abc", true},
        {"\x7f", true},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"a\xc3\xa9z", true},
        {"1234567\xc3\xa9", true}, /* around the eight-byte steps */
        {"12345678\xc3\xa9", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false}, /* not the shortest form */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogates */
        {"\xed\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* > U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xfe", false},
        {"\xc2", false}, /* cut off */
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xc2z", false},
        {"\xe2\x82z", false},
        {"\xe2z\x82", false},
        {"\xf0\x9f\x98z", false},
        {"12345678\xc3", false},
        {"1234567\x80", false},
        {"12345678901234567890\xff", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (text_utf8_valid(cases[i].s, strlen(cases[i].s)) != cases[i].valid) {
            fail_msg("case %zu", i);
        }
    }
    assert_true(text_utf8_valid("a\0b", 3));
}

/* All sequences of up to four bytes of interest against a decoder written another way. */
static bool valid_by_value(const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = s[i] < 0x80 ? 1 : s[i] >> 5 == 6 ? 2 : s[i] >> 4 == 14 ? 3 : s[i] >> 3 == 30 ? 4 : 0;
        if (n == 0 || i + n > len) {
            return false;
        }
        uint32_t c = n == 1 ? s[i] : s[i] & (0x7Fu >> n);
        for (size_t k = 1; k < n; k++) {
            if (s[i + k] >> 6 != 2) {
                return false;
            }
            c = c << 6 | (s[i + k] & 63u);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
            return false;
        }
        i += n;
    }
    return true;
}

static void test_utf8_exhaustive(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                          0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                          0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    size_t n = COUNT(bytes), accepted = 0;
    for (size_t i = 0; i < n * n * n * n; i++) {
        const unsigned char s[4] = {bytes[i % n], bytes[i / n % n], bytes[i / n / n % n],
                                    bytes[i / n / n / n]};
        for (size_t len = 1; len <= 4; len++) {
            bool valid = text_utf8_valid((const char *)s, len);
            assert_true(valid == valid_by_value(s, len));
            accepted += valid;
        }
    }
    assert_true(accepted > 1000);
}

static void test_count_and_cut(void **state)
{
    (void)state;
    const char *s = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"; /* 1 + 2 + 3 + 4 bytes */
    assert_int_equal(text_utf8_count(s, 10), 4);
    assert_int_equal(text_utf8_count("", 0), 0);
    static const size_t cut[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < COUNT(cut); max++) {
        assert_int_equal(text_utf8_cut(s, 10, max), cut[max]);
    }
    /* no UTF-8: cut anywhere, but never far back */
    assert_int_equal(text_utf8_cut("\x80\x80\x80\x80\x80\x80\x80", 7, 6), 6);
    static const size_t next[] = {1, 2, 3, 4};
    for (size_t i = 0, at = 0; i < 4; at += next[i++]) {
        assert_int_equal(text_utf8_next(s + at, 10 - at), next[i]);
        assert_int_equal(text_utf8_next(s + at, next[i] - 1), 0);
    }
    assert_int_equal(text_utf8_next("\xff", 1), 0);
}

static void test_strip_controls(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a\tb\nc", "a\tb\nc"},
        {"a\r\nb", "a\nb"},
        {"\x01\x1b[31mred\x7f", "[31mred"},
        {"a\xc2\x85z\xc2\x9f", "az"},
        {"\xc2\xa0x", "\xc2\xa0x"}, /* U+00A0 is no control */
        {"\xc3\x85", "\xc3\x85"},
        {"\xe2\x80\xa6", "\xe2\x80\xa6"},
        {"\xc2", "\xc2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char s[32];
        size_t len = strlen(cases[i].in);
        memcpy(s, cases[i].in, len + 1);
        assert_int_equal(text_strip_controls(s, len), strlen(cases[i].out));
        assert_string_equal(s, cases[i].out);
    }
    char nul[] = "a\0b";
    assert_int_equal(text_strip_controls(nul, 3), 2);
    assert_string_equal(nul, "ab");
}

static void test_name(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "a-b_c", "9lives", "a-", "a_"};
    static const char *const bad[] = {"",    "-a",  "_a", "A",        "aB",  "a b",
                                      "a.b", "a/b", "\xc3\xa9", "a\n", "a%2e"};
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(text_is_name(good[i]));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(text_is_name(bad[i]));
    }
    assert_false(text_is_name(NULL));
    char s[65];
    memset(s, 'a', 64);
    s[63] = '\0';
    assert_true(text_is_name(s));
    s[63] = 'a';
    s[64] = '\0';
    assert_false(text_is_name(s));
}

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *s;
        bool match;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "", true},
        {"message.*", "message.received", true},
        {"message.*", "message.", true},
        {"message.*", "message", false},
        {"*.received", "message.received", true},
        {"*.received", "message.received.x", false},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "abc", true},
        {"a*b*c", "acb", false},
        {"*ab", "aab", true},
        {"*aab", "aaaab", true},
        {"a?c", "abc", false}, /* only '*' is special */
        {"[a]", "a", false},
        {"a*", "b", false},
        {"*a*", "bab", true},
        {"a", "ab", false},
        {"ab", "a", false},
        {"*", "*", true},
        {"\\*", "\\x", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (text_glob(cases[i].pattern, cases[i].s) != cases[i].match) {
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].s);
        }
    }
}

/* Many stars cost no more than pattern times text: a naive matcher would not come back. */
static void test_glob_cost(void **state)
{
    (void)state;
    char pattern[201], s[5001];
    for (size_t i = 0; i < 200; i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[199] = 'b';
    pattern[200] = '\0';
    memset(s, 'a', 5000);
    s[5000] = '\0';
    assert_false(text_glob(pattern, s));
    s[4999] = 'b';
    assert_true(text_glob(pattern, s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),      cmocka_unit_test(test_utf8_exhaustive),
        cmocka_unit_test(test_count_and_cut), cmocka_unit_test(test_strip_controls),
        cmocka_unit_test(test_name),      cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
