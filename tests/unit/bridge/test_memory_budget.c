/* Too much memory: what is done, in which order, and that it never loops. Times are given. */
#include "budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOLD 60000
static const struct budget_limits limits = {.soft_bytes = 600, .hard_bytes = 900, .hold_ms = HOLD};

static enum budget_help give(struct budget *b, unsigned n, uint64_t bytes, bool idle, uint64_t now)
{
    enum budget_help last = BUDGET_NONE;
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(last, BUDGET_NONE); /* only the last one may be answered */
        last = budget_sample(b, &limits, bytes, idle, now);
    }
    return last;
}

static void test_below(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_int_equal(give(&b, 100, 600, true, 0), BUDGET_NONE);
    /* a peak is no state */
    assert_int_equal(give(&b, BUDGET_SAMPLES - 1, 5000, true, 0), BUDGET_NONE);
    assert_int_equal(give(&b, 1, 600, true, 0), BUDGET_NONE);
    assert_int_equal(give(&b, BUDGET_SAMPLES - 1, 5000, true, 0), BUDGET_NONE);
}

static void test_soft(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_int_equal(give(&b, BUDGET_SAMPLES, 700, true, 0), BUDGET_COLLECT);
    /* the page is busy: it waits for its moment, however long */
    assert_int_equal(give(&b, 10, 700, false, 0), BUDGET_NONE);
    assert_int_equal(give(&b, 1, 700, true, 0), BUDGET_RELOAD);
    assert_int_equal(b.collections, 1);
    assert_int_equal(b.reloads, 1);
    assert_int_equal(b.restarts, 0);
}

static void test_collecting_helped(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_int_equal(give(&b, BUDGET_SAMPLES, 700, true, 0), BUDGET_COLLECT);
    assert_int_equal(give(&b, 20, 500, true, 0), BUDGET_NONE);
    assert_int_equal(b.reloads, 0);
}

static void test_hard(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_int_equal(give(&b, BUDGET_SAMPLES - 1, 1000, true, 0), BUDGET_NONE);
    assert_int_equal(give(&b, 1, 1000, true, 0), BUDGET_RESTART);
    assert_int_equal(b.restarts, 1);
}

static void test_hard_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct budget b = {0};
    assert_int_equal(give(&b, BUDGET_SAMPLES, 1000, false, 0), BUDGET_COLLECT); /* soft as well */
    assert_int_equal(give(&b, BUDGET_SAMPLES, 1000, false, 0), BUDGET_RESTART);
}

/* A need larger than the limit: how many restarts in a day of measurements each 15 s? */
static void test_hold(void **state)
{
    (void)state;
    struct budget b = {0};
    uint64_t last = 0, gap = 0;
    for (uint64_t now = 1; now < 86400000; now += 15000) {
        if (budget_sample(&b, &limits, 1000, true, now) == BUDGET_RESTART) {
            if (last != 0) {
                assert_true(now - last >= HOLD);
                assert_true(now - last + 15000 >= gap); /* never more often */
                gap = now - last;
            }
            last = now;
        }
    }
    assert_int_equal(gap / HOLD, 32);
    assert_true(b.restarts < 86400000 / HOLD / 16);
    /* a hold below the limit forgives */
    assert_int_equal(budget_sample(&b, &limits, 100, true, last + 33 * HOLD), BUDGET_NONE);
    assert_int_equal(b.strikes, 0);
    assert_int_equal(give(&b, BUDGET_SAMPLES, 1000, true, last + 34 * HOLD), BUDGET_RESTART);
}

static void test_off(void **state)
{
    (void)state;
    static const struct budget_limits none = {.hold_ms = HOLD};
    struct budget b = {0};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(budget_sample(&b, &none, UINT64_MAX, true, 0), BUDGET_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below),      cmocka_unit_test(test_soft),
        cmocka_unit_test(test_collecting_helped), cmocka_unit_test(test_hard),
        cmocka_unit_test(test_hard_does_not_wait_for_ever), cmocka_unit_test(test_hold),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
