/* The text of a key (pure). What keys open is in test_core_bridge.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_priv.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static void made_keys_have_the_form(void **state)
{
    (void)state;
    char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1];
    for (int i = 0; i < 200; i++) {
        key_make(a);
        key_make(b);
        assert_int_equal(strlen(a), 60);
        assert_int_equal(key_parse(a, id, NULL), 0);
        assert_memory_equal(a + 4, id, KEY_ID_LEN);
        assert_string_not_equal(a, b);
        assert_null(strpbrk(a, "+/="));
    }
}

static void what_is_no_key(void **state)
{
    (void)state;
    char good[KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1], bad[KEY_TEXT_LEN + 2];
    key_make(good);
    for (size_t i = 0; i <= KEY_TEXT_LEN; i++) {
        /* each place with a character that never belongs there; the last: one too many */
        memcpy(bad, good, sizeof(good));
        bad[KEY_TEXT_LEN + 1] = '\0';
        bad[i] = '!';
        struct err e;
        assert_int_equal(key_parse(bad, id, &e), E_AUTH);
        assert_null(strstr(e.msg, bad)); /* never echoed */
        memcpy(bad, good, sizeof(good));
        if (i < KEY_TEXT_LEN) {
            bad[i] = '\0'; /* too short */
            assert_int_equal(key_parse(bad, id, NULL), E_AUTH);
        }
    }
    assert_int_equal(key_parse(NULL, id, NULL), E_AUTH);
    memcpy(bad, good, sizeof(good));
    bad[4] = 'A'; /* the id is lower case */
    assert_int_equal(key_parse(bad, id, NULL), E_AUTH);
}

static void the_record_holds_no_secret(void **state)
{
    (void)state;
    char text[KEY_TEXT_LEN + 1];
    uint8_t pepper[CRYPTO_KEY_LEN] = {1}, other[CRYPTO_KEY_LEN] = {2};
    key_make(text);
    json_t *record = key_record(text, pepper, "erp", "acme", 1000);
    json_t *again = key_record(text, pepper, "erp", "acme", 1000);
    json_t *peppered = key_record(text, other, "erp", "acme", 1000);
    char *stored = json_text(record, NULL);
    assert_null(strstr(stored, text + 4 + KEY_ID_LEN + 1));
    assert_true(json_equal(record, again));
    assert_string_not_equal(json_str(record, "hash"), json_str(peppered, "hash"));
    free(stored);
    json_decref(record);
    json_decref(again);
    json_decref(peppered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_keys_have_the_form),
        cmocka_unit_test(what_is_no_key),
        cmocka_unit_test(the_record_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
