/*
 * Out of memory in each allocation of what the store does on the caller's thread and on its writer:
 * the answer is E_NOMEM, nothing is half done, and it works again when there is memory.
 */
#include "fixture.h"

static int put_all(struct store_txn *t, struct store_op *op)
{
    uint64_t order, seq;
    const char *id = op->data;
    int rc = store_put(t, STORE_SESSIONS, STORE_PATH("a", "main"), "s", 1);
    rc = rc != 0 ? rc : store_chat_put(t, "a", "main", "x", 10, "c", 1);
    rc = rc != 0 ? rc : store_message_put(t, "a", "main", "x", id, 10, "t", 1, NULL);
    rc = rc != 0 ? rc : store_outbox_add(t, "a", "main", id, 9, "o", 1, &order);
    rc = rc != 0 ? rc : store_event_next(t, "a", &seq);
    rc = rc != 0 ? rc : store_event_put(t, "a", seq, "e", 1);
    return rc != 0 ? rc : store_delivery_add(t, "a", "erp", seq, 1, 5);
}

static void test_open(void **state)
{
    (void)state;
    unsigned long refused;
    long n = 0;
    do {
        struct fixture fx;
        struct err e = {0};
        fx_init(&fx, 16 << 20);
        mem_fail_after(n++);
        int rc = fx_try_open(&fx, false, &e);
        refused = mem_refused();
        mem_fail_after(-1);
        if (rc != 0) {
            assert_true(refused > 0);
            assert_int_equal(rc, E_NOMEM);
            assert_int_equal(fx_try_open(&fx, false, &e), 0); /* what is there is not in its way */
        }
        fx_finish(&fx);
    } while (refused > 0);
}

static void test_secrets(void **state)
{
    struct fixture *fx = *state;
    unsigned long refused;
    long n = 0;
    do {
        char *sealed = NULL, *plain = NULL;
        size_t len = 0;
        struct err e = {0};
        mem_fail_after(n++);
        int rc = store_seal(fx->s, "a/b", "secret", 6, &sealed, &e);
        rc = rc != 0 ? rc : store_unseal(fx->s, "a/b", sealed, &plain, &len, &e);
        refused = mem_refused();
        mem_fail_after(-1);
        assert_int_equal(rc, refused > 0 ? E_NOMEM : 0);
        if (plain != NULL) {
            mem_wipe_free(plain, len);
        }
        free(sealed);
    } while (refused > 0);
}

static void test_snapshot(void **state)
{
    struct fixture *fx = *state;
    struct store_txn *t = NULL;
    struct err e = {0};
    mem_fail_after(0);
    assert_int_equal(store_snapshot(fx->s, &t, &e), E_NOMEM);
    mem_fail_after(-1);
    assert_null(t);
    assert_int_equal(store_snapshot(fx->s, &t, &e), 0);
    store_snapshot_end(t);
}

/* Operations run on the writer: each one is whole or not at all. */
static void test_operations(void **state)
{
    struct fixture *fx = *state;
    struct store_counts counts;
    unsigned long refused;
    uint64_t done = 0;
    long n = 0;
    do {
        char id[32];
        snprintf(id, sizeof(id), "m%ld", n);
        mem_fail_after(n++);
        int rc = fx_run(fx, put_all, id);
        refused = mem_refused();
        mem_fail_after(-1);
        assert_true(rc == 0 || (rc == E_NOMEM && refused > 0));
        done += rc == 0;
        struct store_txn *t = fx_read(fx);
        assert_int_equal(store_counts(t, "a", "main", &counts), 0);
        store_read_end(t);
        assert_int_equal(counts.outbox, done);
        fx_check(fx);
    } while (refused > 0);
    assert_true(done > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test_setup_teardown(test_secrets, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_snapshot, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_operations, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
