/* What an answer means and when the next try is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attempts.h"
#include "retry.h"

static const struct retry_policy standard = {
    .max_age_ms = 86400000, .initial_delay_ms = 1000, .max_delay_ms = 900000};

static void delays_double_up_to_the_cap(void **state)
{
    (void)state;
    static const uint64_t nominal[] = {1000,  2000,   4000,   8000,   16000,  32000,
                                       64000, 128000, 256000, 512000, 900000, 900000};
    for (uint32_t i = 0; i < sizeof(nominal) / sizeof(nominal[0]); i++) {
        uint64_t least = UINT64_MAX, most = 0;
        for (uint32_t random = 0; random < 1000000; random += 997) {
            uint64_t d = retry_delay(&standard, i + 1, random);
            least = d < least ? d : least;
            most = d > most ? d : most;
        }
        assert_true(least >= nominal[i] * 9 / 10);
        assert_true(most <= nominal[i] * 11 / 10 && most <= standard.max_delay_ms);
        assert_true(least < most); /* there is jitter */
    }
    assert_true(retry_delay(&standard, UINT32_MAX, UINT32_MAX) <= standard.max_delay_ms);
    struct retry_policy tiny = {.max_age_ms = 1000, .initial_delay_ms = 1, .max_delay_ms = 1};
    assert_int_equal(retry_delay(&tiny, 1, 12345), 1);
}

static void spans_add_up(void **state)
{
    (void)state;
    assert_int_equal(retry_span(&standard, 0), 0);
    assert_int_equal(retry_span(&standard, 1), 0);
    assert_int_equal(retry_span(&standard, 2), 1000);
    assert_int_equal(retry_span(&standard, 4), 7000);
    assert_int_equal(retry_span(&standard, 11), 1023000);
    assert_int_equal(retry_span(&standard, 12), 1923000);
    assert_true(retry_span(&standard, UINT32_MAX) > standard.max_age_ms);
}

static void verdicts(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum retry_verdict verdict;
    } table[] = {
        {0, RETRY_AGAIN},       {200, RETRY_DELIVERED}, {201, RETRY_DELIVERED},
        {204, RETRY_DELIVERED}, {299, RETRY_DELIVERED}, {300, RETRY_DEAD},
        {301, RETRY_DEAD},      {307, RETRY_DEAD},      {400, RETRY_DEAD},
        {401, RETRY_DEAD},      {404, RETRY_DEAD},      {408, RETRY_AGAIN},
        {409, RETRY_DEAD},      {410, RETRY_DEAD},      {425, RETRY_AGAIN},
        {429, RETRY_AGAIN},     {500, RETRY_AGAIN},     {502, RETRY_AGAIN},
        {503, RETRY_AGAIN},     {599, RETRY_AGAIN},     {600, RETRY_DEAD},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(retry_verdict(table[i].status), table[i].verdict);
    }
}

#define NOW UINT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool good;
        uint64_t delay_ms;
    } table[] = {
        {"0", true, 0},
        {"120", true, 120000},
        {"99999999999999999999999999", true, RETRY_AFTER_CAP_MS},
        {"Sun, 06 Nov 1994 08:50:37 GMT", true, 60000},
        {"Sunday, 06-Nov-94 08:49:47 GMT", true, 10000},
        {"Sun Nov  6 08:49:38 1994", true, 1000},
        {"Sun, 06 Nov 1994 08:00:00 GMT", true, 0}, /* in the past */
        {"Sun, 06 Nov 2094 08:00:00 GMT", true, RETRY_AFTER_CAP_MS},
        {"", false, 0},
        {"-1", false, 0},
        {"1.5", false, 0},
        {"soon", false, 0},
        {"10 seconds", false, 0},
        {"Sun, 06 Nov 1994 08:50:37 CET", false, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t delay = 0;
        assert_int_equal(retry_after_parse(table[i].value, NOW, &delay), table[i].good);
        assert_int_equal(delay, table[i].delay_ms);
    }
}

static void attempts_remember_a_redrive(void **state)
{
    (void)state;
    uint32_t a = 0;
    for (int i = 0; i < 7; i++) {
        a = attempts_add(a);
    }
    assert_int_equal(attempts_total(a), 7);
    assert_int_equal(attempts_run(a), 7);
    assert_false(attempts_redriven(a));
    a = attempts_redrive(a);
    assert_true(attempts_redriven(a));
    assert_int_equal(attempts_total(a), 7);
    assert_int_equal(attempts_run(a), 0);
    a = attempts_add(attempts_add(a));
    assert_int_equal(attempts_total(a), 9);
    assert_int_equal(attempts_run(a), 2);
    for (int i = 0; i < 70000; i++) {
        a = attempts_add(a);
    }
    assert_int_equal(attempts_total(a), 0xFFFF);
    assert_true(attempts_redriven(attempts_redrive(0)));
    assert_int_equal(attempts_run(attempts_redrive(0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_cap),
        cmocka_unit_test(spans_add_up),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(attempts_remember_a_redrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
