/* The token bucket of a session, on a clock of our own. */
#include "pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIDDLE (UINT32_MAX / 2) /* dice that cost one interval, give or take a microsecond */

static void no_rate_is_no_pacing(void **state)
{
    (void)state;
    struct pacing p;
    pacing_init(&p, 0, 0, 30);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(pacing_wait(&p, 5), 0);
        pacing_take(&p, 5, UINT32_MAX);
    }
}

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct pacing p;
    uint64_t now = 1000000;
    pacing_init(&p, 20, 5, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pacing_wait(&p, now), 0);
        pacing_take(&p, now, MIDDLE);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pacing_wait(&p, now), 3000);
        assert_int_equal(pacing_wait(&p, now + 2999), 1);
        now += 3000;
        assert_int_equal(pacing_wait(&p, now), 0);
        pacing_take(&p, now, MIDDLE);
    }
}

static void rest_fills_the_bucket_but_no_further(void **state)
{
    (void)state;
    struct pacing p;
    uint64_t now = 1000000;
    pacing_init(&p, 20, 3, 0);
    for (int i = 0; i < 3; i++) {
        pacing_take(&p, now, MIDDLE);
    }
    assert_int_equal(pacing_wait(&p, now), 3000);
    now += 3600000;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pacing_wait(&p, now), 0);
        pacing_take(&p, now, MIDDLE);
    }
    assert_int_equal(pacing_wait(&p, now), 3000);
}

static void jitter_stays_within_its_share(void **state)
{
    (void)state;
    static const struct {
        uint32_t dice;
        uint64_t wait_ms;
    } rows[] = {{0, 2100}, {UINT32_MAX, 3900}};
    for (unsigned i = 0; i < 2; i++) {
        struct pacing p;
        pacing_init(&p, 20, 1, 30);
        pacing_take(&p, 1000, rows[i].dice);
        assert_int_equal(pacing_wait(&p, 1000), rows[i].wait_ms);
    }
    /* On average the rate is what was asked for. */
    struct pacing p;
    uint64_t now = 0;
    uint32_t dice = 0;
    pacing_init(&p, 60, 1, 50);
    for (int i = 0; i < 1000; i++) {
        now += pacing_wait(&p, now);
        pacing_take(&p, now, dice);
        dice += 0x9E3779B9u; /* evenly spread over all values */
    }
    assert_in_range(now, 990000, 1010000);
}

static void a_burst_of_none_is_one(void **state)
{
    (void)state;
    struct pacing p;
    pacing_init(&p, 60, 0, 0);
    assert_int_equal(pacing_wait(&p, 10), 0);
    pacing_take(&p, 10, 0);
    assert_int_equal(pacing_wait(&p, 10), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rate_is_no_pacing),
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(rest_fills_the_bucket_but_no_further),
        cmocka_unit_test(jitter_stays_within_its_share),
        cmocka_unit_test(a_burst_of_none_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
