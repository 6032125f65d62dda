#include "clock.h"

#include "err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void test_format(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1709164800000, "2024-02-29T00:00:00.000Z"},
        {1795222923456, "2026-11-21T01:02:03.456Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[CLOCK_RFC3339_LEN];
        clock_rfc3339(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-21T01:02:03.456Z", 1795222923456},
        {"2026-11-21t01:02:03.456z", 1795222923456},
        {"2026-11-21T01:02:03.4Z", 1795222923400},
        {"2026-11-21T01:02:03.4569999999999999999999Z", 1795222923456},
        {"2026-11-20T22:02:03.456-03:00", 1795222923456},
        {"2026-11-21T06:47:03.456+05:45", 1795222923456},
        {"2026-11-21T01:02:03.456-00:00", 1795222923456},
        {"1970-01-01T00:30:00+00:30", 0},
        {"1969-12-31T23:30:00-00:30", 0},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2017-01-01T05:29:60+05:30", 1483228800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 1;
        assert_int_equal(clock_parse_rfc3339(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "", "now", "2026", "2026-11-21", "2026-11-21T01:02Z", "2026-11-21T01:02:03",
        "2026-11-21 01:02:03Z", "2026-11-21T01:02:03.Z", "2026-11-21T01:02:03,5Z",
        "2026-11-21T01:02:03+0100", "2026-11-21T01:02:03+1:00", "2026-11-21T01:02:03+24:00",
        "2026-11-21T01:02:03+01:60", "2026-11-21T01:02:03ZZ", "2026-11-21T01:02:03Z ",
        " 2026-11-21T01:02:03Z", "2026-00-21T01:02:03Z", "2026-13-21T01:02:03Z",
        "2026-11-00T01:02:03Z", "2026-11-31T01:02:03Z", "2026-02-29T01:02:03Z",
        "2100-02-29T01:02:03Z", "2026-11-21T24:00:00Z", "2026-11-21T01:60:00Z",
        "2026-11-21T01:02:61Z", "2026-11-21T01:02:60Z", "2026-1-21T01:02:03Z",
        "02026-11-21T01:02:03Z", "+026-11-21T01:02:03Z", "2026-11-21T01:02:-3Z",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z",
        "2026-11-21T01:02:03*00:00",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 42;
        if (clock_parse_rfc3339(cases[i], &ms) != E_INVALID) {
            fail_msg("accepted \"%s\"", cases[i]);
        }
        assert_int_equal(ms, 42);
    }
    uint64_t ms;
    assert_int_equal(clock_parse_rfc3339(NULL, &ms), E_INVALID);
}

/* Every day of 400 years and more, against the C library and back. */
static void test_calendar(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 160000; day++) {
        uint64_t ms = day * 86400000 + 45296789; /* 12:34:56.789 */
        char ours[CLOCK_RFC3339_LEN];
        clock_rfc3339(ms, ours);
        time_t t = (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&t, &tm);
        char theirs[64];
        strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.789Z", &tm);
        assert_string_equal(ours, theirs);
        uint64_t back;
        assert_int_equal(clock_parse_rfc3339(ours, &back), 0);
        assert_int_equal(back, ms);
    }
}

static void test_fake(void **state)
{
    (void)state;
    clock_fake(1000, 2000);
    assert_int_equal(clock_wall_ms(), 1000);
    assert_int_equal(clock_mono_ms(), 2000);
    clock_fake(0, 0);
    uint64_t before = (uint64_t)time(NULL) * 1000;
    uint64_t now = clock_wall_ms();
    assert_true(now >= before && now < before + 60000);
    uint64_t mono = clock_mono_ms();
    assert_true(clock_mono_ms() >= mono && mono != 2000);
}

#define T0 UINT64_C(1795222923456)
#define DAY UINT64_C(86400000)

static void sure_at(uint64_t wall_ms, uint64_t mono_ms, uint64_t expected)
{
    clock_fake(wall_ms, mono_ms);
    assert_int_equal(clock_sure_ms(), expected);
}

/* Ahead is believed after an hour, back at once; a minute is no step. */
static void test_sure(void **state)
{
    (void)state;
    sure_at(T0, 1000, T0);
    sure_at(T0 + 5000, 6000, T0 + 5000);
    sure_at(T0 + 60000, 7000, T0 + 60000);           /* drawn in */
    sure_at(T0 + 365 * DAY, 8000, T0 + 61000);       /* ahead by a year */
    sure_at(T0 + 365 * DAY, 68000, T0 + 121000);     /* goes on as before */
    sure_at(T0 + 130000, 69000, T0 + 130000);        /* put right */
    sure_at(T0 + 365 * DAY, 70000, T0 + 131000);     /* again: the hour is a new one */
    uint64_t hour = CLOCK_SURE_HOLD_MS;
    sure_at(T0 + 365 * DAY, 69999 + hour, T0 + 130999 + hour);
    sure_at(T0 + 365 * DAY, 70000 + hour, T0 + 365 * DAY);
    sure_at(T0 + 364 * DAY, 70001 + hour, T0 + 364 * DAY); /* back by a day */
    sure_at(T0 + 364 * DAY + 5, 70006 + hour, T0 + 364 * DAY + 5);
    clock_fake(0, 0);
    uint64_t wall = clock_wall_ms();
    assert_true(clock_sure_ms() >= wall); /* nothing of the other clock is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),   cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_fake),     cmocka_unit_test(test_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
