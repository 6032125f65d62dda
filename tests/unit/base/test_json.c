#include "json.h"

#include "buf.h"
#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX (1u << 20)

static json_t *parse(const char *text)
{
    /* exactly as long as the text: a reader that runs past it is caught by ASan */
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    json_t *v = json_parse(copy, len, MAX, NULL);
    free(copy);
    return v;
}

static void test_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* as json_text() writes it */
    } cases[] = {
        {"{}", "{}"},
        {"[]", "[]"},
        {" \t\r\n[ \t\r\n] \t\r\n", "[]"},
        {"[1,-1,0,-0,9223372036854775807,-9223372036854775808]",
         "[1,-1,0,0,9223372036854775807,-9223372036854775808]"},
        {"[1.5,-0.25,1e3,1E+3,1e-2,0.0]", "[1.5,-0.25,1000.0,1000.0,0.01,0.0]"},
        {"[true,false,null]", "[true,false,null]"},
        {"{\"a\":{\"b\":[{}]},\"c\":\"\"}", "{\"a\":{\"b\":[{}]},\"c\":\"\"}"},
        {"{\"\":1}", "{\"\":1}"},
        {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]"},
        {"[\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
         "[\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]"},
        {"[\"\\uD83D\\uDE00\\uffff\"]", "[\"\xf0\x9f\x98\x80\xef\xbf\xbf\"]"},
        {"[\"\xf0\x9f\x98\x80\x7f\"]", "[\"\xf0\x9f\x98\x80\x7f\"]"},
        {"{\"\\u0061\":1,\"b\\n\":\"c\\n\",\"d\":\"\\u0065\"}",
         "{\"a\":1,\"b\\n\":\"c\\n\",\"d\":\"e\"}"},
        /* lone surrogates, as Chromium writes them */
        {"[\"a\\ud83dz\"]", "[\"a\xef\xbf\xbdz\"]"},
        {"[\"\\ude00\"]", "[\"\xef\xbf\xbd\"]"},
        {"[\"\\ud83d\\ud83d\\ude00\"]", "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]"},
        {"[\"\\ud83d\\u0041\"]", "[\"\xef\xbf\xbd"
                                 "A\"]"},
        {"[\"\\ud83d\\n\"]", "[\"\xef\xbf\xbd\\n\"]"},
        {"[\"\\\\ud83d\"]", "[\"\\\\ud83d\"]"},
        {"{\"\\ud83d\":1}", "{\"\xef\xbf\xbd\":1}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v = parse(cases[i].in);
        if (v == NULL) {
            fail_msg("refused %s", cases[i].in);
        }
        char *text = json_text(v, NULL);
        assert_string_equal(text, cases[i].out);
        free(text);
        json_decref(v);
    }
}

/* Refused, whether somebody is to be told or not. */
static void refuse(const char *text, size_t len, struct err *e)
{
    char *copy = malloc(len + (len == 0));
    memcpy(copy, text, len);
    json_t *v = json_parse(copy, len, MAX, e);
    if (v != NULL) {
        fail_msg("accepted %s", text);
    }
    assert_int_equal(e->code, E_INVALID);
    assert_null(json_parse(copy, len, MAX, NULL));
    free(copy);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "  \n",
        "1",
        "\"a\"",
        "null",
        "\xef\xbb\xbf{}",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "[]]",
        "{} x",
        "{\"a\"}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "{\"a\":1,\n \"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\\ud800\":1,\"\\udfff\":2}",
        "[\"a]",
        "[\"a\\",
        "[\"a\\\"]",
        "[\"a\nb\"]",
        "[\"a\\\nb\"]",
        "[\"\x1f\"]",
        "[\"\\x41\"]",
        "[\"\\u12\"]",
        "[\"\\u12g4\"]",
        "[\"\\u\"]",
        "[\"\\ud83d\\u12\"]",
        "[\"\\u0000\"]",
        "{\"a\\u0000b\":1}",
        "[\"ab\xff\"]",
        "[\"\xed\xa0\xbd\"]",
        "[\"\xc0\x80\"]",
        "[\"\xe2\x82\"]",
        "{\"\xff\":1}",
        "[tru]",
        "[truex]",
        "[TRUE]",
        "[nan]",
        "[Infinity]",
        "[01]",
        "[-]",
        "[-01]",
        "[+1]",
        "[.5]",
        "[1.]",
        "[1.e5]",
        "[1e]",
        "[1e+]",
        "[0x10]",
        "[1e999]",
        "[-1e999]",
        "[9223372036854775808]",
        "[-9223372036854775809]",
        "[/* */1]",
        "['a']",
    };
    struct err e;
    for (size_t i = 0; i < COUNT(cases); i++) {
        refuse(cases[i], strlen(cases[i]), &e);
        if (strstr(e.msg, "at line ") == NULL) {
            fail_msg("%s: no position in \"%s\"", cases[i], e.msg);
        }
    }
    static const struct {
        const char *text;
        size_t len;
    } nuls[] = {{"[1\0]", 4}, {"[1]\0", 4}, {"[true\0]", 7}, {"[\"\0\"]", 5}, {"\0", 1}};
    for (size_t i = 0; i < COUNT(nuls); i++) {
        refuse(nuls[i].text, nuls[i].len, &e);
        assert_non_null(strstr(e.msg, "NUL byte at offset "));
    }
    assert_null(json_parse(NULL, 0, MAX, &e));
    assert_int_equal(e.code, E_INVALID);
}

static void test_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *in, *why;
    } cases[] = {
        {"[1", "near end of file"},
        {"[1 2]", "line 1, column 4: "},
        {"{} x", "line 1, column 4: end of file expected"},
        {"{\"a\":1,\n \"a\":2}", "line 2, column 4: duplicate object key"},
        {"[\"\xc3\xa9\", tru]", "line 1, column 9: "}, /* characters, not bytes */
    };
    struct err e;
    for (size_t i = 0; i < COUNT(cases); i++) {
        refuse(cases[i].in, strlen(cases[i].in), &e);
        if (strstr(e.msg, cases[i].why) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].in, e.msg, cases[i].why);
        }
    }
    refuse("{\"token\" \"secret\"}", 18, &e);
    assert_null(strstr(e.msg, "secret"));
}

static void test_limits(void **state)
{
    (void)state;
    struct err e;
    assert_null(json_parse("[1]", 3, 2, &e));
    assert_int_equal(e.code, E_TOOLARGE);
    json_t *v = json_parse("[1]", 3, 3, &e);
    assert_non_null(v);
    json_decref(v);

    char text[4 * JSON_MAX_DEPTH + 16];
    for (size_t depth = JSON_MAX_DEPTH - 1; depth <= JSON_MAX_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        v = json_parse(text, 2 * depth, MAX, &e);
        assert_true((v != NULL) == (depth <= JSON_MAX_DEPTH));
        json_decref(v);
    }
    assert_non_null(strstr(e.msg, "line 1, column 65: nested too deeply"));
    memset(text, '[', sizeof(text)); /* the first mistake counts */
    text[3] = '}';
    assert_null(json_parse(text, sizeof(text), MAX, &e));
    assert_non_null(strstr(e.msg, "line 1, column 4: "));
    /* brackets in strings and siblings do not nest */
    struct buf b;
    buf_init(&b, MAX);
    buf_str(&b, "[\"");
    for (int i = 0; i < 100; i++) {
        buf_str(&b, "[{");
    }
    buf_str(&b, "\"");
    for (int i = 0; i < 100; i++) {
        buf_str(&b, ",[{}]");
    }
    buf_str(&b, "]");
    v = json_parse(b.data, b.len, MAX, NULL);
    assert_int_equal(json_array_size(v), 101);
    json_decref(v);
    buf_reset(&b);

    buf_finish(&b);
}

static void test_repair(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"[\"plain\"]", "[\"plain\"]"},
        {"\\ud83d", "\\ufffd"},
        {"\\uDE00", "\\ufffd"},
        {"\\ud83d\\ude00", "\\ud83d\\ude00"},
        {"\\uD83D\\uDE00", "\\uD83D\\uDE00"},
        {"\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00"},
        {"\\ud83d\\u0041", "\\ufffd\\u0041"},
        {"\\ude00\\ud83d", "\\ufffd\\ufffd"},
        {"\\\\ud83d", "\\\\ud83d"},
        {"\\\\\\ud83d", "\\\\\\ufffd"},
        {"\\ud83d\\\\ude00", "\\ufffd\\\\ude00"},
        {"\\ud83", "\\ud83"},
        {"\\ud83d\\ude0", "\\ufffd\\ude0"},
        {"\\ud83x\\ude00", "\\ud83x\\ufffd"},
        {"a\\n\\t\\ud800z", "a\\n\\t\\ufffdz"},
        {"\\", "\\"},
        {"abcdefgh\\", "abcdefgh\\"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].in);
        char *text = malloc(len + (len == 0));
        memcpy(text, cases[i].in, len);
        json_repair_surrogates(text, len);
        assert_memory_equal(text, cases[i].out, len);
        free(text);
    }
}

static void test_lookups(void **state)
{
    (void)state;
    json_t *v =
        parse("{\"s\":\"text\",\"i\":42,\"b\":true,\"f\":false,\"o\":{},\"a\":[],\"n\":null,"
              "\"r\":1.5}");
    assert_string_equal(json_str(v, "s"), "text");
    assert_string_equal(json_str_or(v, "s", "x"), "text");
    assert_int_equal(json_int(v, "i", 7), 42);
    assert_true(json_flag(v, "b", false));
    assert_false(json_flag(v, "f", true));
    assert_true(json_is_object(json_obj(v, "o")));
    assert_true(json_is_array(json_arr(v, "a")));
    static const char *const keys[] = {"s", "i", "b", "o", "a", "n", "r", "missing"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        const char *k = keys[i];
        assert_true((json_str(v, k) != NULL) == (*k == 's'));
        assert_string_equal(json_str_or(v, k, "fallback"), *k == 's' ? "text" : "fallback");
        assert_int_equal(json_int(v, k, 7), *k == 'i' ? 42 : 7);
        assert_true(json_flag(v, k, *k != 'b') == true);
        assert_true((json_obj(v, k) != NULL) == (*k == 'o'));
        assert_true((json_arr(v, k) != NULL) == (*k == 'a'));
    }
    const json_t *none[] = {NULL, json_arr(v, "a"), json_null()};
    for (size_t i = 0; i < COUNT(none); i++) {
        assert_null(json_str(none[i], "s"));
        assert_int_equal(json_int(none[i], "s", -1), -1);
        assert_true(json_flag(none[i], "s", true));
        assert_null(json_obj(none[i], "s"));
        assert_null(json_arr(none[i], "s"));
    }
    json_decref(v);
}

static void test_setters(void **state)
{
    (void)state;
    json_t *v = json_object();
    assert_int_equal(json_set_str(v, "a", "b"), 0);
    assert_int_equal(json_set_str(v, "n", NULL), 0);
    assert_int_equal(json_set_time(v, "t", 1795222923456), 0);
    assert_int_equal(json_set_time(v, "never", 0), 0);
    assert_int_equal(json_set_str(v, "bad", "\xff"), E_INVALID);
    assert_int_equal(json_set_str(NULL, "a", "b"), E_NOMEM);
    size_t len;
    char *text = json_text(v, &len);
    assert_string_equal(
        text, "{\"a\":\"b\",\"n\":null,\"t\":\"2026-11-21T01:02:03.456Z\",\"never\":null}");
    assert_int_equal(len, strlen(text));
    free(text);
    json_decref(v);
    text = json_text(json_true(), NULL);
    assert_string_equal(text, "true");
    free(text);
    assert_null(json_text(NULL, NULL));
}

static void test_quote(void **state)
{
    (void)state;
    char all[256];
    size_t n = 0;
    for (char c = 1; c < 127; c++) {
        all[n++] = c;
    }
    memcpy(all + n, "\x7f\xc3\xa9\xf0\x9f\x98\x80", 7);
    n += 7;
    struct buf b;
    buf_init(&b, MAX);
    buf_char(&b, '[');
    assert_int_equal(json_quote(&b, all, n), 0);
    buf_char(&b, ',');
    assert_int_equal(json_quote(&b, "", 0), 0);
    buf_char(&b, ']');
    json_t *v = json_parse(b.data, b.len, MAX, NULL);
    assert_non_null(v);
    assert_int_equal(json_string_length(json_array_get(v, 0)), n);
    assert_memory_equal(json_string_value(json_array_get(v, 0)), all, n);
    assert_string_equal(json_string_value(json_array_get(v, 1)), "");
    json_decref(v);
    buf_reset(&b);
    json_quote(&b, "a\"b\\c\n\x01", 7);
    assert_string_equal(b.data, "\"a\\\"b\\\\c\\n\\u0001\"");
    buf_finish(&b);
    buf_init(&b, 4);
    assert_int_equal(json_quote(&b, "abc", 3), E_TOOLARGE);
    buf_finish(&b);
}

static const char sample[] =
    "{\"id\":7,\"result\":{\"list\":[1,2.5,-3e2,true,false,null,\"a\\u00e9\\ud83d\"],"
    "\"\\u006bey\":\"text \\n\\t\\\"\",\"a\":{},\"b\":[],\"c\":\"\",\"d\":1,\"e\":2,\"f\":3}}";

/* Each allocation of a parse fails once: no leak (ASan), no half tree, E_NOMEM. The tokens are
 * short: jansson's lexer may crash when the buffer of a growing token cannot be had (see json.c).
 */
static void test_no_memory(void **state)
{
    (void)state;
    unsigned long refused = 1;
    long n = 0;
    for (; refused > 0; n++) {
        struct err e = {0};
        mem_fail_after(n);
        json_t *v = json_parse(sample, sizeof(sample) - 1, MAX, &e);
        refused = mem_refused();
        mem_fail_after(-1);
        assert_true((v == NULL) == (refused > 0));
        assert_int_equal(e.code, refused > 0 ? E_NOMEM : 0);
        json_decref(v);
    }
    assert_true(n > 30);

    json_t *v = parse(sample);
    refused = 1;
    for (n = 0; refused > 0; n++) {
        size_t len = 1;
        mem_fail_after(n);
        char *text = json_text(v, &len);
        refused = mem_refused();
        mem_fail_after(-1);
        assert_true((text == NULL) == (refused > 0));
        assert_true((len == 0) == (refused > 0));
        free(text);
    }
    assert_true(n > 1);
    for (n = 0; n < 1; n++) {
        mem_fail_after(n);
        assert_int_equal(json_set_str(v, "new", "value"), E_NOMEM);
        assert_int_equal(json_set_time(v, "new", 1), E_NOMEM);
        mem_fail_after(-1);
    }
    json_decref(v);
}

/* Random damage to the sample: refused with a position, or a tree that survives being written. */
static void test_damaged(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]\",:\\u0123dDeE+-. \n\x80\xc3\xa9\xf0tfn/";
    unsigned seed = 20261121;
    unsigned accepted = 0, refused = 0;
    for (int round = 0; round < 60000; round++) {
        char text[sizeof(sample) + 8];
        size_t len = sizeof(sample) - 1;
        memcpy(text, sample, len);
        for (unsigned damage = 0; damage <= (unsigned)round % 3; damage++) {
            seed = seed * 1103515245 + 12345;
            size_t at = (seed >> 8) % len;
            char c = bytes[(seed >> 20) % (sizeof(bytes) - 1)];
            if ((seed >> 28) % 3 == 0) {
                memmove(text + at, text + at + 1, --len - at);
            } else if ((seed >> 28) % 3 == 1 && len < sizeof(text)) {
                memmove(text + at + 1, text + at, len++ - at);
                text[at] = c;
            } else {
                text[at] = c;
            }
        }
        struct err e;
        json_t *v = json_parse(text, len, MAX, &e);
        if (v == NULL) {
            assert_int_equal(e.code, E_INVALID);
            assert_non_null(strstr(e.msg, "at line "));
            refused++;
            continue;
        }
        char *written = json_text(v, NULL);
        json_t *again = parse(written);
        if (!json_equal(v, again)) {
            fail_msg("%.*s became %s", (int)len, text, written);
        }
        free(written);
        json_decref(again);
        json_decref(v);
        accepted++;
    }
    assert_true(accepted > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),   cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_says_why),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_repair),    cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_setters),   cmocka_unit_test(test_quote),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
