/* A wall clock that jumps: no delivery is given up for it, and none waits for it to come back. */
#include "relay_fixture.h"

#include "clock.h"

#define DAY_MS UINT64_C(86400000)

static struct answer refuse_twice(struct receiver *rx, const struct request *rq)
{
    (void)rx;
    return (struct answer){.status = strcmp(rq_text(rq), "one") == 0 && rq->attempt < 3 ? 503 : 200};
}

static unsigned attempts(struct fixture *fx)
{
    json_t *items = fx_deliveries(fx, "erp", "pending");
    unsigned n = (unsigned)json_int(json_array_get(items, json_array_size(items) - 1), "attempts", 0);
    json_decref(items);
    return n;
}

static void ahead_by_a_year_and_back(void **state)
{
    struct fixture *fx = *state;
    const uint64_t wall = clock_wall_ms(), mono = clock_mono_ms();
    fx->rx->answer = refuse_twice;
    clock_fake(wall, mono);
    (void)clock_sure_ms();
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "one", "two");
    WAIT(fx, attempts(fx) == 1); /* the clock stands: its next time does not come */

    clock_fake(wall + 365 * DAY_MS, mono);
    relay_wake(fx->b.relay);
    WAIT(fx, attempts(fx) == 2); /* far past its greatest age, by that clock: not given up */
    assert_int_equal(fx_counts(fx).dead_letters, 0);

    clock_fake(wall + 1000, mono + 1000); /* its next time is a year away */
    relay_wake(fx->b.relay);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(rx_saw(fx->rx, "one", 200), 1);
    assert_int_equal(rx_saw(fx->rx, "two", 200), 1);
    assert_int_equal(fx_counts(fx).dead_letters, 0);
    clock_fake(0, 0);
}

/* Put back by a day: what waits for its next try does not wait a day more. */
static void back_by_a_day(void **state)
{
    struct fixture *fx = *state;
    const uint64_t wall = clock_wall_ms(), mono = clock_mono_ms();
    fx->rx->answer = refuse_twice;
    clock_fake(wall, mono);
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "one");
    WAIT(fx, attempts(fx) == 1);
    clock_fake(wall - DAY_MS, mono);
    relay_wake(fx->b.relay);
    WAIT(fx, attempts(fx) == 2);
    clock_fake(wall - DAY_MS + 3600000, mono + 3600000);
    relay_wake(fx->b.relay);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(rx_saw(fx->rx, "one", 200), 1);
    clock_fake(0, 0);
}

/* It was put back while the daemon was down: known from the due time alone. */
static void back_between_two_runs(void **state)
{
    struct fixture *fx = *state;
    const uint64_t wall = clock_wall_ms(), mono = clock_mono_ms();
    fx->rx->answer = refuse_twice;
    clock_fake(wall, mono);
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "one");
    WAIT(fx, attempts(fx) == 1);
    fx_relay_close(fx, 1000);
    clock_fake(wall - DAY_MS, mono);
    fx_relay_open(fx);
    WAIT(fx, attempts(fx) == 2);
    clock_fake(0, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
    const struct CMUnitTest tests[] = {
        T(ahead_by_a_year_and_back),
        T(back_by_a_day),
        T(back_between_two_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
