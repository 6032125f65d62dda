/* Machines that answer each other, told from people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_loop.h"

#include <string.h>

static const struct agent_loop_rules rules = {.replies = 6, .window_ms = 300000};

/* n exchanges, each gap_ms after the reply, a second apart; every text another. */
static size_t talk(struct agent_exchange *x, size_t n, int64_t gap_ms)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (struct agent_exchange){
            .at_ms = 1000000 + i * 1000, .gap_ms = gap_ms, .in = 100 + i, .out = 200 + i};
    }
    return n;
}

static void test_fast(void **state)
{
    (void)state;
    struct agent_exchange x[AGENT_LOOP_KEEP] = {0};
    assert_null(agent_loop_check(x, 0, &rules));
    assert_null(agent_loop_check(x, talk(x, 5, 500), &rules));
    assert_string_equal(agent_loop_check(x, talk(x, 6, 500), &rules), "fast");
    assert_null(agent_loop_check(x, talk(x, 16, AGENT_LOOP_PAUSE_MS + 1), &rules));
    assert_null(agent_loop_check(x, talk(x, 16, -1), &rules)); /* no reply of ours went before */

    size_t n = talk(x, 8, 500);
    x[4].gap_ms = 8000; /* one who reads */
    assert_null(agent_loop_check(x, n, &rules));
    n = talk(x, 8, 500);
    x[2].at_ms = 0; /* long ago */
    x[1].at_ms = 0;
    x[0].at_ms = 0;
    assert_null(agent_loop_check(x, n, &rules));
    const struct agent_loop_rules off = {.replies = 0, .window_ms = 300000};
    assert_null(agent_loop_check(x, talk(x, 16, 500), &off));
}

static void test_identical(void **state)
{
    (void)state;
    struct agent_exchange x[AGENT_LOOP_KEEP] = {0};
    size_t n = talk(x, 5, 10000);
    for (size_t i = 2; i < n; i++) {
        x[i].in = 7;
        x[i].out = 8;
    }
    assert_string_equal(agent_loop_check(x, n, &rules), "identical");
    x[3].out = 9; /* the agent says something else each time: two more are allowed */
    assert_null(agent_loop_check(x, n, &rules));
    x[0].in = x[1].in = 7;
    assert_string_equal(agent_loop_check(x, n, &rules), "identical");
    x[4].gap_ms = 3600000; /* the same question an hour later */
    assert_null(agent_loop_check(x, n, &rules));
}

static void test_hash(void **state)
{
    (void)state;
    assert_true(agent_loop_hash("Hello  there") == agent_loop_hash("hello there\n"));
    assert_true(agent_loop_hash("hello") != agent_loop_hash("hullo"));
}

static void test_kept(void **state)
{
    (void)state;
    struct agent_exchange x[AGENT_LOOP_KEEP + 3], back[AGENT_LOOP_KEEP];
    size_t n = talk(x, AGENT_LOOP_KEEP + 3, -1);
    x[n - 1].in = UINT64_MAX;
    json_t *list = agent_loop_write(x, n);
    assert_int_equal(agent_loop_read(list, back), AGENT_LOOP_KEEP);
    assert_memory_equal(back, x + 3, sizeof(back));
    json_decref(list);
    assert_int_equal(agent_loop_read(NULL, back), 0);
}

static void test_greeting(void **state)
{
    (void)state;
    assert_true(agent_loop_greeting(80, 900, -1));
    assert_true(agent_loop_greeting(80, 900, 3600000));
    assert_false(agent_loop_greeting(80, 900, 20000)); /* they were talking */
    assert_false(agent_loop_greeting(5, 900, -1));     /* typed by a person */
    assert_false(agent_loop_greeting(80, 9000, -1));
    assert_false(agent_loop_greeting(80, -1, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast), cmocka_unit_test(test_identical), cmocka_unit_test(test_hash),
        cmocka_unit_test(test_kept), cmocka_unit_test(test_greeting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
