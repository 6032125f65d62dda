/* Keys: order, separation of names, limits, reading back. Pure. */
#include "fixture.h"

static int order(const struct key *a, const struct key *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->b, b->b, n);
    return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static void test_names_do_not_mix(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "a-b", "ab", "a0", "b", "a-", "a_b", "aa"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            struct key prefix, k;
            key_tenant(&prefix, names[i]);
            key_session(&k, names[j], "main");
            assert_int_equal(key_starts(k.b, k.len, &prefix), i == j);
            /* same order as the texts */
            key_tenant(&k, names[j]);
            int c = order(&prefix, &k), want = strcmp(names[i], names[j]);
            assert_int_equal((c > 0) - (c < 0), (want > 0) - (want < 0));
        }
    }
    /* where one name ends and the next begins is part of the key */
    struct key x, y;
    key_session(&x, "a", "bc");
    key_session(&y, "ab", "c");
    assert_false(key_equal(&x, &y));
}

static void test_numbers_in_order(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 255, 256, 65535, 1u << 31, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 1; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct key a, b;
        key_init(&a);
        key_u64(&a, numbers[i - 1]);
        key_init(&b);
        key_u64(&b, numbers[i]);
        assert_true(order(&a, &b) < 0);
        assert_int_equal(be64_get(b.b), numbers[i]);
    }
}

static void test_longest_keys_fit(void **state)
{
    (void)state;
    char name[KEY_NAME_MAX + 1], id[STORE_MAX_ID + 1], client[KEY_CLIENT_MAX + 1];
    struct key k;
    memset(name, 'n', KEY_NAME_MAX);
    memset(id, 'i', STORE_MAX_ID);
    memset(client, 'c', KEY_CLIENT_MAX);
    name[KEY_NAME_MAX] = id[STORE_MAX_ID] = client[KEY_CLIENT_MAX] = '\0';

    key_session(&k, name, name); /* message by id */
    key_text(&k, id, STORE_MAX_ID);
    key_text(&k, id, STORE_MAX_ID);
    assert_int_equal(k.rc, 0);
    assert_int_equal(k.len, 64 + 64 + 129 + 129);
    key_init(&k); /* idempotency by expiry */
    key_u64(&k, 1);
    key_text(&k, name, KEY_NAME_MAX);
    key_text(&k, client, KEY_CLIENT_MAX);
    assert_int_equal(k.rc, 0);
    key_session(&k, name, name); /* message */
    key_text(&k, id, STORE_MAX_ID);
    key_u64(&k, 1);
    key_u64(&k, 1);
    assert_int_equal(k.rc, 0);
}

static void test_bad_parts(void **state)
{
    (void)state;
    struct key k;
    char id[STORE_MAX_ID + 2];
    memset(id, 'i', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    key_tenant(&k, "");
    assert_int_equal(k.rc, E_INVALID);
    key_tenant(&k, NULL);
    key_text(&k, "fine", 10); /* sticks */
    assert_int_equal(k.rc, E_INVALID);
    key_init(&k);
    key_text(&k, id, STORE_MAX_ID);
    assert_int_equal(k.rc, E_TOOLARGE);
    key_init(&k);
    for (int i = 0; i < 4; i++) {
        key_text(&k, id, STORE_MAX_ID + 1);
    }
    assert_int_equal(k.rc, E_TOOLARGE);
    assert_true(k.len <= KEY_MAX);
}

static void test_successor(void **state)
{
    (void)state;
    struct key k, prefix;
    key_tenant(&k, "a");
    key_tenant(&prefix, "a");
    assert_true(key_successor(&k));
    assert_true(order(&prefix, &k) < 0);
    key_u64(&prefix, UINT64_MAX);
    assert_true(order(&prefix, &k) < 0);
    key_init(&k);
    assert_false(key_successor(&k));
    key_u64(&k, UINT64_MAX);
    assert_false(key_successor(&k));
    key_init(&k);
    key_u8(&k, 1);
    key_u8(&k, 0xff);
    assert_true(key_successor(&k));
    assert_int_equal(k.len, 1);
    assert_int_equal(k.b[0], 2);
}

static void test_reader(void **state)
{
    (void)state;
    struct key k;
    struct key_reader r;
    key_session(&k, "acme", "main");
    key_u8(&k, 7);
    key_u64(&k, 0x0102030405060708u);
    key_read(&r, k.b, k.len);
    assert_string_equal(key_read_text(&r), "acme");
    assert_string_equal(key_read_text(&r), "main");
    assert_int_equal(key_read_u8(&r), 7);
    assert_int_equal(key_read_u64(&r), 0x0102030405060708u);
    assert_true(key_read_done(&r));
    assert_int_equal(key_read_u8(&r), 0); /* past the end */
    assert_false(key_read_done(&r));
    /* every shorter key is refused */
    for (size_t len = 0; len < k.len; len++) {
        key_read(&r, k.b, len);
        key_read_text(&r);
        key_read_text(&r);
        key_read_u8(&r);
        key_read_u64(&r);
        assert_false(key_read_done(&r));
    }
}

static void test_delivery_record(void **state)
{
    (void)state;
    struct store_delivery d = {.lane = UINT64_MAX,
                               .state = STORE_DEAD,
                               .attempts = 12,
                               .created_ms = 1,
                               .due_ms = 2,
                               .finished_ms = 3,
                               .last_status = 503};
    struct store_delivery back = {.seq = 0};
    unsigned char b[DELIVERY_RECORD_MAX];
    memset(d.last_error, 'x', sizeof(d.last_error) - 1);
    size_t len = delivery_encode(&d, b);
    assert_int_equal(delivery_decode(b, len, &back), 0);
    assert_int_equal(back.lane, d.lane);
    assert_int_equal(back.state, d.state);
    assert_int_equal(back.attempts, d.attempts);
    assert_int_equal(back.created_ms, 1);
    assert_int_equal(back.due_ms, 2);
    assert_int_equal(back.finished_ms, 3);
    assert_int_equal(back.last_status, 503);
    assert_string_equal(back.last_error, d.last_error);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(delivery_decode(b, cut, &back), E_IO);
    }
    b[0] = 9; /* no such state */
    assert_int_equal(delivery_decode(b, len, &back), E_IO);
}

/* The kind of failure is kept with tries and without; a record of before there was one has none. */
static void test_delivery_reason(void **state)
{
    (void)state;
    struct store_delivery d = {.lane = 1, .state = STORE_DEAD, .last_reason = 10}, back;
    unsigned char b[DELIVERY_RECORD_MAX];
    memset(d.last_error, 'x', sizeof(d.last_error) - 1);
    for (unsigned tries = 0; tries <= STORE_TRIES; tries++) {
        size_t len = delivery_encode(&d, b);
        assert_true(len <= sizeof(b));
        memset(&back, 0xff, sizeof(back));
        assert_int_equal(delivery_decode(b, len, &back), 0);
        assert_int_equal(back.try_count, tries);
        assert_int_equal(back.last_reason, 10);
        assert_int_equal(delivery_decode(b, len - 1, &back), tries > 0 ? 0 : E_IO);
        assert_int_equal(back.last_reason, 0);
        b[len] = 1; /* more than a record holds */
        assert_int_equal(delivery_decode(b, len + 1, &back), E_IO);
        store_delivery_tried(&d, &(struct store_try){.at_ms = 1, .status = 500});
    }
}

/* The last tries are kept; a record of before there were any is whole without them. */
static void test_delivery_tries(void **state)
{
    (void)state;
    struct store_delivery d = {.lane = 1, .state = STORE_PENDING}, back;
    unsigned char b[DELIVERY_RECORD_MAX];
    size_t bare = delivery_encode(&d, b);
    assert_int_equal(delivery_decode(b, bare, &back), 0);
    assert_int_equal(back.try_count, 0);
    memset(d.last_error, 'x', sizeof(d.last_error) - 1);
    bare = delivery_encode(&d, b);
    for (unsigned i = 1; i <= STORE_TRIES + 3; i++) {
        store_delivery_tried(&d, &(struct store_try){.at_ms = i, .status = 500 + i, .took_ms = i});
    }
    size_t len = delivery_encode(&d, b);
    assert_true(len <= sizeof(b));
    assert_int_equal(delivery_decode(b, len, &back), 0);
    assert_int_equal(back.try_count, STORE_TRIES);
    assert_int_equal(back.tries[0].at_ms, 4);
    assert_int_equal(back.tries[STORE_TRIES - 1].status, 500 + STORE_TRIES + 3);
    assert_int_equal(back.last_reason, 0);
    for (size_t cut = bare + 1; cut < len; cut++) {
        assert_int_equal(delivery_decode(b, cut, &back), E_IO);
    }
    b[bare] = STORE_TRIES + 1; /* more than there can be */
    assert_int_equal(delivery_decode(b, len, &back), E_IO);
}

static void test_cursor(void **state)
{
    (void)state;
    struct store_message_ref ref = {.time_ms = 1700000000123, .ordinal = UINT64_MAX};
    char text[STORE_CURSOR_LEN];
    uint64_t time_ms = 0, ordinal = 0;
    store_message_cursor(&ref, text);
    assert_int_equal(cursor_parse(text, &time_ms, &ordinal), 0);
    assert_int_equal(time_ms, ref.time_ms);
    assert_int_equal(ordinal, ref.ordinal);
    static const char *const bad[] = {"m1",
                                      "x",
                                      "m10000018bcfe5687bfffffffffffffff",
                                      "m20000018bcfe5687bffffffffffffffff",
                                      "m10000018bcfe5687bfffffffffffffff ",
                                      "m10000018BCFE5687BFFFFFFFFFFFFFFFF",
                                      "m10000018bcfe5687bffffffffffffffff0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cursor_parse(bad[i], &time_ms, &ordinal), E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_do_not_mix), cmocka_unit_test(test_numbers_in_order),
        cmocka_unit_test(test_longest_keys_fit), cmocka_unit_test(test_bad_parts),
        cmocka_unit_test(test_successor),        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_delivery_record), cmocka_unit_test(test_delivery_reason),
        cmocka_unit_test(test_delivery_tries),  cmocka_unit_test(test_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
