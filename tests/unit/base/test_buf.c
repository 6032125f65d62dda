#include "buf.h"

#include "err.h"
#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_append(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_null(b.data);
    assert_int_equal(buf_str(&b, ""), 0);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_append(&b, "ab\0c", 4), 0);
    assert_int_equal(buf_char(&b, 'd'), 0);
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "ab\0cd", 6);
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_finish(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 1000);
    struct buf zero = {0};
    buf_finish(&zero);
}

/* Past the maximum it stays failed, with what went in before. */
static void test_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    assert_int_equal(buf_str(&b, "abc"), 0);
    assert_int_equal(buf_str(&b, "def"), E_TOOLARGE);
    assert_true(b.failed);
    assert_int_equal(buf_str(&b, ""), E_TOOLARGE);
    assert_int_equal(buf_printf(&b, "%d", 1), E_TOOLARGE);
    assert_int_equal(buf_reserve(&b, 0), E_TOOLARGE);
    assert_int_equal(b.len, 3);
    assert_string_equal(b.data, "abc");
    size_t len = 9;
    assert_null(buf_steal(&b, &len));
    assert_int_equal(len, 0);

    /* exactly full is not too much */
    assert_int_equal(buf_str(&b, "abcde"), 0);
    assert_int_equal(buf_printf(&b, "%s", ""), 0);
    assert_int_equal(buf_char(&b, 'f'), E_TOOLARGE);
    buf_reset(&b);
    assert_int_equal(buf_printf(&b, "%s", "12345"), 0);
    assert_string_equal(b.data, "12345");
    buf_reset(&b);
    assert_int_equal(buf_printf(&b, "%s", "123456"), E_TOOLARGE);
    assert_string_equal(b.data, "");
    buf_finish(&b);

    /* sizes near the top of size_t do not wrap */
    buf_init(&b, SIZE_MAX);
    assert_int_equal(buf_str(&b, "abc"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), E_TOOLARGE);
    buf_reset(&b);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), E_TOOLARGE);
    buf_finish(&b);
}

/* A buffer whose first allocation has room: the text is formatted there, but must respect max. */
static void test_printf_within_capacity(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 200);
    assert_int_equal(buf_str(&b, "x"), 0);
    size_t cap = b.cap;
    assert_int_equal(buf_printf(&b, "%s-%d", "abc", 42), 0);
    assert_int_equal(b.cap, cap);
    assert_string_equal(b.data, "xabc-42");
    assert_int_equal(buf_printf(&b, "%0150d", 7), 0);
    assert_int_equal(b.len, 157);
    assert_int_equal(strlen(b.data), 157);
    assert_int_equal(buf_printf(&b, "%0150d", 7), E_TOOLARGE);
    assert_int_equal(strlen(b.data), 157);
    buf_finish(&b);
}

static void test_reserve_consume_steal(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_consume(&b, 0);
    assert_int_equal(buf_reserve(&b, 10), 0);
    memcpy(b.data, "0123456789", 11);
    b.len += 10;
    buf_consume(&b, 3);
    assert_string_equal(b.data, "3456789");
    buf_consume(&b, 7);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    assert_null(buf_steal(&b, NULL));
    buf_str(&b, "mine");
    size_t len;
    char *mine = buf_steal(&b, &len);
    assert_string_equal(mine, "mine");
    assert_int_equal(len, 4);
    assert_null(b.data);
    free(mine);
    assert_int_equal(buf_str(&b, "again"), 0);
    buf_finish(&b);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(buf_str(&b, "kept"), 0);
    mem_fail_after(0);
    assert_int_equal(buf_printf(&b, "%0500d", 1), E_NOMEM);
    assert_int_equal(mem_refused(), 1);
    mem_fail_after(-1);
    assert_string_equal(b.data, "kept");
    assert_int_equal(buf_char(&b, 'x'), E_NOMEM);
    buf_reset(&b);
    assert_int_equal(buf_char(&b, 'x'), 0);
    buf_finish(&b);
}

/* Random appends and cuts against a plain array. */
static void test_model(void **state)
{
    (void)state;
    static char model[4096];
    size_t len = 0;
    struct buf b;
    buf_init(&b, sizeof(model));
    unsigned seed = 20261121;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        size_t n = seed >> 16 & 255;
        if ((seed >> 24 & 3) != 0) {
            char piece[256];
            memset(piece, 'a' + (int)(n % 26), n);
            int rc = buf_append(&b, piece, n);
            if (len + n > sizeof(model)) {
                assert_int_equal(rc, E_TOOLARGE);
                buf_reset(&b);
                len = 0;
                continue;
            }
            assert_int_equal(rc, 0);
            memcpy(model + len, piece, n);
            len += n;
        } else {
            n = n < len ? n : len;
            buf_consume(&b, n);
            memmove(model, model + n, len - n);
            len -= n;
        }
        assert_int_equal(b.len, len);
        if (b.data != NULL) {
            assert_int_equal(b.data[len], '\0');
            assert_memory_equal(b.data, model, len);
        }
    }
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_printf_within_capacity),
        cmocka_unit_test(test_reserve_consume_steal),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
