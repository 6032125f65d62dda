#include "alert_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPAN 1000 /* slots of 100 */

static void test_window(void **state)
{
    (void)state;
    struct window w = {0};
    assert_int_equal(window_sum(&w, 5000000, SPAN), 0);
    window_add(&w, 5000000, SPAN, 2);
    window_add(&w, 5000099, SPAN, 1);
    window_add(&w, 5000450, SPAN, 4);
    assert_int_equal(window_sum(&w, 5000900, SPAN), 7);
    assert_int_equal(window_sum(&w, 5001000, SPAN), 4); /* the first slot is over */
    assert_int_equal(window_sum(&w, 5001399, SPAN), 4);
    assert_int_equal(window_sum(&w, 5001400, SPAN), 0);
    window_add(&w, 5001400, SPAN, 1);
    assert_int_equal(window_sum(&w, 9000000, SPAN), 0); /* long after */
}

static void test_window_limits(void **state)
{
    (void)state;
    struct window w = {0};
    window_add(&w, 1, 0, UINT32_MAX); /* a span of nothing: slots of 1 ms */
    window_add(&w, 1, 0, 5);
    assert_int_equal(window_sum(&w, 1, 0), UINT32_MAX);
    assert_int_equal(window_sum(&w, 11, 0), 0);
}

static void test_fires_after_hold_and_ends_after_recovery(void **state)
{
    (void)state;
    struct alert_state s = {0};
    const struct alert_timing t = {.hold_ms = 60, .recover_ms = 120};
    assert_int_equal(alert_step(&s, &t, false, 1000), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, true, 1010), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, true, 1069), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, true, 1070), ALERT_FIRES);
    assert_true(s.firing);
    assert_int_equal(alert_step(&s, &t, true, 5000), ALERT_STAYS); /* once */
    assert_int_equal(alert_step(&s, &t, false, 5010), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, true, 5100), ALERT_STAYS); /* bad again: not over */
    assert_int_equal(alert_step(&s, &t, false, 5200), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, false, 5319), ALERT_STAYS);
    assert_int_equal(alert_step(&s, &t, false, 5320), ALERT_ENDS);
    assert_false(s.firing);
    assert_int_equal(alert_step(&s, &t, false, 9000), ALERT_STAYS);
}

static void test_short_trouble_is_no_alert(void **state)
{
    (void)state;
    struct alert_state s = {0};
    const struct alert_timing t = {.hold_ms = 60, .recover_ms = 0};
    for (uint64_t now = 0; now < 1000; now += 50) {
        assert_int_equal(alert_step(&s, &t, now % 100 == 0, now), ALERT_STAYS);
    }
}

static void test_without_hold(void **state)
{
    (void)state;
    struct alert_state s = {0};
    const struct alert_timing t = {0};
    assert_int_equal(alert_step(&s, &t, true, 7), ALERT_FIRES);
    assert_int_equal(alert_step(&s, &t, false, 7), ALERT_ENDS);
    assert_int_equal(alert_step(&s, &t, true, 7), ALERT_FIRES);
}

static void test_bad(void **state)
{
    (void)state;
    assert_false(alert_is_bad(49.9, 50, false, false));
    assert_true(alert_is_bad(50, 50, false, false));
    assert_true(alert_is_bad(46, 50, false, true)); /* not better enough to be over */
    assert_false(alert_is_bad(44.9, 50, false, true));
    assert_true(alert_is_bad(999, 1000, true, false));
    assert_false(alert_is_bad(1000, 1000, true, false));
    assert_true(alert_is_bad(1099, 1000, true, true));
    assert_false(alert_is_bad(1101, 1000, true, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_limits),
        cmocka_unit_test(test_fires_after_hold_and_ends_after_recovery),
        cmocka_unit_test(test_short_trouble_is_no_alert),
        cmocka_unit_test(test_without_hold),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
