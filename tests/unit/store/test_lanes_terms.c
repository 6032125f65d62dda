/* Two lanes that become one keep their order; ranges of records; words whose contact is gone. */
#include "fixture.h"

#define FROM 11u
#define TO 22u

static int put_event(struct store_txn *t, uint64_t lane)
{
    uint64_t seq;
    int rc = store_event_next(t, "acme", &seq);
    rc = rc != 0 ? rc : store_event_put(t, "acme", seq, "{}", 2);
    rc = rc != 0 ? rc : store_delivery_add(t, "acme", "erp", seq, lane, 1000);
    return rc != 0 ? rc : store_delivery_add(t, "acme", "crm", seq, lane, 1000);
}

static int two_lanes(struct store_txn *t, struct store_op *op)
{
    static const uint64_t lanes[] = {FROM, TO, FROM, TO, FROM};
    (void)op;
    int rc = store_put(t, STORE_WEBHOOKS, STORE_PATH("acme", "erp"), "{}", 2);
    rc = rc != 0 ? rc : store_put(t, STORE_WEBHOOKS, STORE_PATH("acme", "crm"), "{}", 2);
    for (size_t i = 0; rc == 0 && i < sizeof(lanes) / sizeof(lanes[0]); i++) {
        rc = put_event(t, lanes[i]);
    }
    return rc;
}

struct moved {
    size_t max, n;
};

static int move(struct store_txn *t, struct store_op *op)
{
    struct moved *m = op->data;
    return store_lane_move(t, "acme", FROM, TO, m->max, &m->n);
}

struct heads {
    size_t n;
    struct store_delivery d[8];
};

static int on_due(void *arg, const struct store_delivery *d)
{
    struct heads *h = arg;
    assert_true(h->n < 8);
    h->d[h->n++] = *d;
    return 0;
}

static int finish(struct store_txn *t, struct store_op *op)
{
    return store_delivery_update(t, op->data);
}

static void test_lanes_become_one(void **state)
{
    struct fixture *fx = *state;
    struct moved m = {.max = 4};
    assert_int_equal(fx_run(fx, two_lanes, NULL), 0);
    fx_check(fx);
    assert_int_equal(fx_run(fx, move, &m), 0);
    assert_int_equal(m.n, 4); /* in steps */
    fx_check(fx);
    m.max = 100;
    assert_int_equal(fx_run(fx, move, &m), 0);
    assert_int_equal(m.n, 2);
    fx_check(fx);
    for (uint64_t seq = 1; seq <= 5; seq++) { /* one at a time, in the order of the log */
        struct heads h = {.n = 0};
        struct store_txn *t = fx_read(fx);
        assert_int_equal(store_delivery_due(t, 2000, on_due, &h), 0);
        store_read_end(t);
        assert_int_equal(h.n, 2);
        for (size_t i = 0; i < h.n; i++) {
            assert_int_equal(h.d[i].seq, seq);
            assert_int_equal(h.d[i].lane, TO);
            h.d[i].state = STORE_DELIVERED;
            h.d[i].finished_ms = 2000;
            assert_int_equal(fx_run(fx, finish, &h.d[i]), 0);
        }
    }
    fx_check(fx);
}

/* The latest first, within both ends. */
static void test_late(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        uint64_t from, to;
        size_t n;
    } cases[] = {{0, UINT64_MAX, 4}, {999, 1000, 4},           {0, 999, 0},
                 {1000, 2000, 0},    {UINT64_MAX, UINT64_MAX, 0}};
    assert_int_equal(fx_run(fx, two_lanes, NULL), 0);
    struct store_txn *t = fx_read(fx);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct heads h = {.n = 0};
        assert_int_equal(store_delivery_late(t, cases[i].from, cases[i].to, on_due, &h), 0);
        assert_int_equal(h.n, cases[i].n);
    }
    store_read_end(t);
}

/* ---- ranges ------------------------------------------------------------------------------------
 */

static int put_terms(struct store_txn *t, struct store_op *op)
{
    static const char *const rows[][2] = {
        {"wana", "c1"}, {"wana", "c2"}, {"wanabel", "c3"}, {"wbob", "c4"}, {"nana", "c1"}};
    (void)op;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
        rc = store_put(t, STORE_TERMS, STORE_PATH("acme", "main", rows[i][0], rows[i][1]), "", 0);
        rc = rc != 0
                 ? rc
                 : store_put(t, STORE_CONTACTS, STORE_PATH("acme", "main", rows[i][1]), "{}", 2);
    }
    rc = rc != 0 ? rc : store_put(t, STORE_TERMS, STORE_PATH("acme", "other", "wana", "x1"), "", 0);
    return rc != 0 ? rc : store_put(t, STORE_CONTACTS, STORE_PATH("acme", "other", "x1"), "{}", 2);
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    char *all = arg;
    assert_int_equal(v.len, 0);
    strcat(strcat(strcat(all, path[2]), path[3]), " ");
    return 0;
}

static void test_ranges(void **state)
{
    struct fixture *fx = *state;
    char all[256] = "";
    assert_int_equal(fx_run(fx, put_terms, NULL), 0);
    fx_check(fx);
    struct store_txn *t = fx_read(fx);
    const char *const within[] = {"acme", "main", NULL};
    assert_int_equal(store_scan_from(t, STORE_TERMS, within, STORE_PATH("acme", "main", "wana"),
                                     false, on_row, all),
                     0);
    assert_string_equal(all, "wanac1 wanac2 wanabelc3 wbobc4 ");
    all[0] = '\0';
    assert_int_equal(store_scan_from(t, STORE_TERMS, within,
                                     STORE_PATH("acme", "main", "wana", "c2"), true, on_row, all),
                     0);
    assert_string_equal(all, "wanabelc3 wbobc4 ");
    assert_int_equal(store_scan_from(t, STORE_TERMS, within, STORE_PATH("acme", "other", "w"),
                                     false, on_row, all),
                     E_INVALID);
    store_read_end(t);
}

static int drop_contact(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return store_del(t, STORE_CONTACTS, STORE_PATH("acme", "main", "c4"));
}

static void test_a_word_without_its_contact_is_found(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    assert_int_equal(fx_run(fx, put_terms, NULL), 0);
    assert_int_equal(fx_run(fx, drop_contact, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_check(t, &e), E_IO);
    assert_non_null(strstr(e.msg, "a term names a contact"));
    store_read_end(t);
}

static int erase(struct store_txn *t, struct store_op *op)
{
    size_t *n = op->data;
    return store_erase_some(t, "acme", "main", false, 3, n);
}

static void test_erased_in_steps_that_agree(void **state)
{
    struct fixture *fx = *state;
    size_t n = 3;
    assert_int_equal(fx_run(fx, put_terms, NULL), 0);
    while (n == 3) {
        assert_int_equal(fx_run(fx, erase, &n), 0);
        fx_check(fx);
    }
    struct store_txn *t = fx_read(fx);
    char all[256] = "";
    assert_int_equal(store_scan(t, STORE_TERMS, STORE_PATH("acme", "main"), NULL, on_row, all), 0);
    assert_string_equal(all, "");
    store_read_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lanes_become_one, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_late, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_ranges, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_a_word_without_its_contact_is_found, fx_setup,
                                        fx_teardown),
        cmocka_unit_test_setup_teardown(test_erased_in_steps_that_agree, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
