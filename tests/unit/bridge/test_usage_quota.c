/* Sends a day and a month, when the clock moves. */
#include "../store/fixture.h"

#include "usage.h"

#define NOVEMBER UINT64_C(1795305600000) /* 2026-11-22T00:00:00Z */
#define YEARS_LATER (NOVEMBER + UINT64_C(4) * 365 * 86400000)
#define HOUR UINT64_C(3600000)

static int put_tenant(struct store_txn *t, struct store_op *op)
{
    static const char text[] = "{\"limits\":{\"sends_per_day\":2,\"sends_per_month\":4}}";
    (void)op;
    return store_put(t, STORE_TENANTS, STORE_PATH("acme"), text, sizeof(text) - 1);
}

static int take(struct store_txn *t, struct store_op *op)
{
    return quota_take_send(t, "acme", *(const uint64_t *)op->data, false, &op->err);
}

static int send_at(struct fixture *fx, uint64_t now_ms)
{
    return fx_run(fx, take, &now_ms);
}

static void a_clock_that_was_years_ahead_locks_nobody_out(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, put_tenant, NULL), 0);
    assert_int_equal(send_at(fx, YEARS_LATER), 0);
    assert_int_equal(send_at(fx, YEARS_LATER), 0);
    assert_int_equal(send_at(fx, YEARS_LATER), E_LIMIT);
    assert_int_equal(send_at(fx, NOVEMBER), 0);
    assert_int_equal(send_at(fx, NOVEMBER), 0);
    assert_int_equal(send_at(fx, NOVEMBER), E_LIMIT);
}

static void a_clock_that_goes_back_a_little_gives_nothing_anew(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, put_tenant, NULL), 0);
    assert_int_equal(send_at(fx, NOVEMBER + HOUR), 0);
    assert_int_equal(send_at(fx, NOVEMBER - HOUR), 0);
    assert_int_equal(send_at(fx, NOVEMBER - HOUR), E_LIMIT);
    assert_int_equal(send_at(fx, NOVEMBER + HOUR), E_LIMIT);
    assert_int_equal(send_at(fx, NOVEMBER + 25 * HOUR), 0);
    assert_int_equal(send_at(fx, NOVEMBER + 25 * HOUR), 0);
    assert_int_equal(send_at(fx, NOVEMBER + 49 * HOUR), E_LIMIT); /* the month's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clock_that_was_years_ahead_locks_nobody_out, fx_setup,
                                        fx_teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_goes_back_a_little_gives_nothing_anew, fx_setup,
                                        fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
