/* An export of an audit log, checked line by line: what was changed, cut out or cut off shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_chain.h"

#include "crypto.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 5
static char lines[RECORDS][512];
static char hashes[RECORDS][CHAIN_HEX];

static void make_line(size_t i, const char *prev, const char *actor)
{
    char text[400];
    unsigned char hash[32];
    int n = snprintf(text, sizeof(text), "{\"seq\":%zu,\"prev\":\"%s\",\"actor\":\"%s\"}", i + 1,
                     prev, actor);
    assert_int_equal(crypto_sha256(text, (size_t)n, hash), 0);
    crypto_hex(hash, sizeof(hash), hashes[i]);
    text[n - 1] = '\0';
    snprintf(lines[i], sizeof(lines[i]), "%s,\"hash\":\"%s\"}", text, hashes[i]);
}

static int setup(void **state)
{
    (void)state;
    char zeros[CHAIN_HEX];
    memset(zeros, '0', sizeof(zeros) - 1);
    zeros[sizeof(zeros) - 1] = '\0';
    for (size_t i = 0; i < RECORDS; i++) {
        make_line(i, i == 0 ? zeros : hashes[i - 1], "key:1");
    }
    return 0;
}

static json_t *end(size_t i)
{
    return json_pack("{s:I,s:s}", "seq", (json_int_t)(i + 1), "hash", hashes[i]);
}

static int add(struct chain *c, size_t i, struct err *e)
{
    return chain_add(c, lines[i], strlen(lines[i]), e);
}

static void add_all(struct chain *c, size_t from, size_t to)
{
    struct err e = {0};
    for (size_t i = from; i < to; i++) {
        assert_int_equal(add(c, i, &e), 0);
    }
}

static void test_whole(void **state)
{
    (void)state;
    struct chain c = {.begun = false};
    struct err e = {0};
    json_t *head = end(RECORDS - 1);
    chain_anchor(&c, NULL);
    add_all(&c, 0, RECORDS);
    assert_int_equal(chain_end(&c, head, &e), 0);
    assert_int_equal(c.count, RECORDS);
    json_decref(head);
}

/* Trimmed: from the anchor on; without one from where it begins. */
static void test_part(void **state)
{
    (void)state;
    struct chain c = {.begun = false}, other = {.begun = false};
    struct err e = {0};
    json_t *anchor = end(1);
    chain_anchor(&c, anchor);
    assert_int_equal(add(&c, 3, &e), E_CONFLICT);
    assert_string_equal(e.msg, "record 3 is missing");
    add_all(&c, 2, RECORDS);
    add_all(&other, 3, RECORDS);
    json_decref(anchor);
}

static void test_changed(void **state)
{
    (void)state;
    struct chain c = {.begun = false};
    struct err e = {0};
    chain_anchor(&c, NULL);
    add_all(&c, 0, 2);
    *strstr(lines[2], "key:1") = 'K';
    assert_int_equal(add(&c, 2, &e), E_CONFLICT);
    assert_string_equal(e.msg, "record 3 was changed");
    make_line(2, hashes[1], "key:2"); /* with a hash that fits: then the next one does not */
    add_all(&c, 2, 3);
    assert_int_equal(add(&c, 3, &e), E_CONFLICT);
    assert_string_equal(e.msg, "record 4 does not follow the one before it");
}

static void test_missing(void **state)
{
    (void)state;
    struct chain c = {.begun = false};
    struct err e = {0};
    json_t *head = end(RECORDS - 1);
    chain_anchor(&c, NULL);
    assert_int_equal(add(&c, 1, &e), E_CONFLICT); /* the first */
    add_all(&c, 0, 2);
    assert_int_equal(add(&c, 3, &e), E_CONFLICT); /* in the middle */
    assert_string_equal(e.msg, "record 3 is missing");
    add_all(&c, 2, RECORDS - 1);
    assert_int_equal(chain_end(&c, head, &e), E_CONFLICT); /* the last */
    json_decref(head);
    head = json_pack("{s:i,s:s}", "seq", RECORDS - 1, "hash", hashes[0]);
    assert_int_equal(chain_end(&c, head, &e), E_CONFLICT); /* another one at the end */
    json_decref(head);
}

static void test_no_record(void **state)
{
    (void)state;
    struct chain c = {.begun = false};
    struct err e = {0};
    static const char *const bad[] = {"", "{}", "hello",
                                      ",\"hash\":\"0000000000000000000000000000000000000000000000"
                                      "000000000000000000\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(chain_add(&c, bad[i], strlen(bad[i]), &e), E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole, setup),
        cmocka_unit_test_setup(test_part, setup),
        cmocka_unit_test_setup(test_changed, setup),
        cmocka_unit_test_setup(test_missing, setup),
        cmocka_unit_test_setup(test_no_record, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
