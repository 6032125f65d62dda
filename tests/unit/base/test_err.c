#include "err.h"

#include "text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_set(void **state)
{
    (void)state;
    struct err e = {.code = 7, .sys = 3, .word = "old", .field = "old"};
    assert_int_equal(err_set(&e, E_TIMEOUT, "no answer in %d s", 5), E_TIMEOUT);
    assert_int_equal(e.code, E_TIMEOUT);
    assert_int_equal(e.sys, 0);
    assert_null(e.word);
    assert_string_equal(e.field, "");
    assert_string_equal(e.msg, "no answer in 5 s");
    assert_int_equal(err_set(NULL, E_NOMEM, "%s", "nobody listens"), E_NOMEM);
}

static void test_word(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_word(&e, E_STATE, "session_not_ready", "wait"), E_STATE);
    assert_string_equal(err_word_of(&e), "session_not_ready");
    err_set(&e, E_STATE, "wait");
    assert_string_equal(err_word_of(&e), "wrong_state");
    err_set(&e, -999, "what?");
    assert_string_equal(err_word_of(&e), "internal_error");
    err_clear(&e);
    assert_string_equal(err_word_of(&e), "ok");
    assert_string_equal(err_word_of(NULL), "ok");
}

static void test_field(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_field(&e, NULL, "to", "not a phone number: %s", "x"), E_INVALID);
    assert_string_equal(e.field, "to");
    assert_string_equal(e.msg, "not a phone number: x");
    assert_string_equal(err_word_of(&e), "invalid_request");
    /* a field out of the error itself, and one that is too long */
    assert_int_equal(err_field(&e, "bad_part", e.field, "again: %s", e.msg), E_INVALID);
    assert_string_equal(e.field, "to");
    assert_string_equal(e.msg, "again: not a phone number: x");
    assert_string_equal(err_word_of(&e), "bad_part");
    char name[100];
    memset(name, 'f', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    err_field(&e, NULL, name, "too long");
    assert_int_equal(strlen(e.field), sizeof(e.field) - 1);
    assert_int_equal(err_field(NULL, NULL, "to", "x"), E_INVALID);
}

static void test_sys(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_sys(&e, E_NOTFOUND, ENOENT, "cannot open %s", "/x"), E_NOTFOUND);
    assert_int_equal(e.sys, ENOENT);
    assert_string_equal(e.msg, "cannot open /x: No such file or directory");
    err_sys(&e, E_IO, 123456, "strange");
    assert_string_equal(e.msg, "strange: system error 123456");
    assert_int_equal(err_sys(NULL, E_IO, EIO, "x"), E_IO);
}

static void test_wrap(void **state)
{
    (void)state;
    struct err e;
    err_word(&e, E_FULL, "disk_full", "no space");
    e.sys = ENOSPC;
    assert_int_equal(err_wrap(&e, "tenant %s", "a"), E_FULL);
    assert_int_equal(err_wrap(&e, "commit"), E_FULL);
    assert_string_equal(e.msg, "commit: tenant a: no space");
    assert_string_equal(e.word, "disk_full");
    assert_int_equal(e.sys, ENOSPC);
    assert_int_equal(err_wrap(NULL, "x"), E_OK);
}

/* Whatever is cut is still UTF-8: the message ends in JSON. */
static void test_cut(void **state)
{
    (void)state;
    char text[600] = "";
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = 0; i < 100; i++) {
            memcpy(text + shift + 4 * i, "\xf0\x9f\x98\x80", 5);
        }
        struct err e;
        err_set(&e, E_INVALID, "%s", text);
        assert_true(strlen(e.msg) > sizeof(e.msg) - 5);
        assert_true(text_utf8_valid(e.msg, strlen(e.msg)));
        err_wrap(&e, "ab");
        assert_true(strlen(e.msg) > sizeof(e.msg) - 5);
        assert_true(text_utf8_valid(e.msg, strlen(e.msg)));
        err_wrap(&e, "%s", text);
        assert_true(text_utf8_valid(e.msg, strlen(e.msg)));
        err_field(&e, NULL, text, "x");
        assert_true(strlen(e.field) > sizeof(e.field) - 5);
        assert_true(text_utf8_valid(e.field, strlen(e.field)));
        err_sys(&e, E_IO, ENOENT, "%s", text);
        assert_true(text_utf8_valid(e.msg, strlen(e.msg)));
    }
}

static void test_copy(void **state)
{
    (void)state;
    struct err a, b;
    err_field(&a, "bad_part", "to", "no");
    err_copy(&b, &a);
    assert_int_equal(b.code, E_INVALID);
    assert_string_equal(b.word, "bad_part");
    assert_string_equal(b.field, "to");
    assert_string_equal(b.msg, "no");
    err_copy(&b, &b);
    assert_string_equal(b.msg, "no");
    err_copy(NULL, &a);
    err_copy(&b, NULL);
    assert_int_equal(b.code, 0);
    assert_string_equal(b.msg, "");
    err_clear(NULL);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(E_OK), "E_OK");
    assert_string_equal(err_name(E_TIMEOUT), "E_TIMEOUT");
    assert_string_equal(err_name(-999), "E_?");
    assert_string_equal(err_name(1), "E_?");
    /* each code has one name and one word, all different */
    const char *words[32];
    size_t n = 0;
    for (int code = -1; strcmp(err_name(code), "E_?") != 0; code--) {
        struct err e;
        err_set(&e, code, "x");
        words[n] = err_word_of(&e);
        for (size_t i = 0; i < n; i++) {
            assert_string_not_equal(words[i], words[n]);
        }
        n++;
    }
    assert_int_equal(n, -E_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),  cmocka_unit_test(test_word), cmocka_unit_test(test_field),
        cmocka_unit_test(test_sys),  cmocka_unit_test(test_wrap), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_copy), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
