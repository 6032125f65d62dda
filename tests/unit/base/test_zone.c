/* Days and months in time zones, with the zone files of the system. */
#include "clock.h"
#include "zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t at(const char *rfc3339)
{
    uint64_t ms = 0;
    assert_int_equal(clock_parse_rfc3339(rfc3339, &ms), 0);
    return ms;
}

static void check_day(const char *zone, const char *when, const char *date, const char *end)
{
    char text[ZONE_DATE_LEN], shown[CLOCK_RFC3339_LEN];
    const struct zone *z = zone_get(zone);
    assert_non_null(z);
    zone_date(z, at(when), text);
    assert_string_equal(text, date);
    clock_rfc3339(zone_day_end(z, at(when)), shown);
    assert_string_equal(shown, end);
}

static void days_are_local(void **state)
{
    (void)state;
    check_day("UTC", "2026-11-21T23:59:59Z", "2026-11-21", "2026-11-22T00:00:00.000Z");
    check_day(NULL, "2024-02-28T12:00:00Z", "2024-02-28", "2024-02-29T00:00:00.000Z");
    check_day("America/Sao_Paulo", "2026-11-21T02:59:59Z", "2026-11-20",
              "2026-11-21T03:00:00.000Z");
    check_day("America/Sao_Paulo", "2026-11-21T03:00:00Z", "2026-11-21",
              "2026-11-22T03:00:00.000Z");
    check_day("Asia/Kathmandu", "2026-11-21T18:15:00Z", "2026-11-22", "2026-11-22T18:15:00.000Z");
}

static void summer_time_makes_days_of_23_and_25_hours(void **state)
{
    (void)state;
    check_day("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29", "2026-03-29T22:00:00.000Z");
    check_day("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25", "2026-10-25T23:00:00.000Z");
    /* midnight itself was skipped: that day began at 1:00 */
    check_day("America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-03",
              "2018-11-04T03:00:00.000Z");
    /* behind the last transition of the file the rule of its footer counts */
    check_day("Europe/Berlin", "2060-07-01T21:59:59Z", "2060-07-01", "2060-07-01T22:00:00.000Z");
    check_day("Europe/Berlin", "2060-12-31T23:00:00Z", "2061-01-01", "2061-01-01T23:00:00.000Z");
    check_day("Europe/Berlin", "2060-03-28T00:30:00Z", "2060-03-28", "2060-03-28T22:00:00.000Z");
    /* south of the equator summer goes over the new year */
    check_day("Australia/Sydney", "2060-01-15T12:59:59Z", "2060-01-15",
              "2060-01-15T13:00:00.000Z");
    check_day("Australia/Sydney", "2060-07-15T13:59:59Z", "2060-07-15",
              "2060-07-15T14:00:00.000Z");
}

static void check_span(const char *when, int from_h, int to_h, const char *end)
{
    char shown[CLOCK_RFC3339_LEN] = "";
    uint64_t ms = zone_span_end(zone_get("Europe/Berlin"), at(when), from_h * 3600, to_h * 3600);
    if (ms != 0) {
        clock_rfc3339(ms, shown);
    }
    print_message("%s %d-%d\n", when, from_h, to_h);
    assert_string_equal(shown, end);
}

static void parts_of_a_day_are_local(void **state)
{
    (void)state;
    check_span("2026-11-21T20:59:59Z", 22, 7, "");
    check_span("2026-11-21T21:00:00Z", 22, 7, "2026-11-22T06:00:00.000Z");
    check_span("2026-11-22T05:59:59Z", 22, 7, "2026-11-22T06:00:00.000Z");
    check_span("2026-11-22T06:00:00Z", 22, 7, "");
    check_span("2026-11-22T11:30:00Z", 12, 14, "2026-11-22T13:00:00.000Z");
    check_span("2026-11-22T13:00:00Z", 12, 14, "");
    check_span("2026-11-22T22:59:59Z", 12, 0, "2026-11-22T23:00:00.000Z");
    /* the clock is put back, and forward, while it lasts */
    check_span("2026-10-24T21:00:00Z", 22, 7, "2026-10-25T06:00:00.000Z");
    check_span("2026-03-28T22:00:00Z", 22, 7, "2026-03-29T05:00:00.000Z");
    /* its end is an hour that is not there */
    check_span("2026-03-29T00:59:59Z", 0, 2, "2026-03-29T01:00:00.000Z");
}

static void months_end_where_the_next_begins(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *when, *end;
    } rows[] = {
        {"UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00.000Z"},
        {"UTC", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00.000Z"},
        {"America/Sao_Paulo", "2026-12-01T02:59:59Z", "2026-12-01T03:00:00.000Z"},
        {"Europe/Berlin", "2026-03-01T12:00:00Z", "2026-03-31T22:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char shown[CLOCK_RFC3339_LEN];
        clock_rfc3339(zone_month_end(zone_get(rows[i].zone), at(rows[i].when)), shown);
        assert_string_equal(shown, rows[i].end);
    }
}

static void names_that_are_none_give_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "Mars/Olympus",      "../../etc/passwd", "/etc/passwd",
                                      "zone.tab", "America", "America/Sao Paulo"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(zone_get(bad[i]));
    }
    assert_ptr_equal(zone_get("Europe/Berlin"), zone_get("Europe/Berlin"));
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    unsigned char data[8192];
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(f);
    size_t len = fread(data, 1, sizeof(data), f);
    (void)fclose(f);
    struct zone *whole = zone_parse(data, len);
    assert_non_null(whole);
    zone_free(whole);
    for (size_t i = 0; i < len; i++) { /* no byte behind the end is read */
        zone_free(zone_parse(data, i));
    }
    assert_null(zone_parse(data, 100));
    for (size_t i = 0; i < 2 * 44; i++) {
        unsigned char was = data[i];
        data[i] = 0xff;
        zone_free(zone_parse(data, len));
        data[i] = was;
    }
    assert_null(zone_parse((const unsigned char *)"TZif", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_local),
        cmocka_unit_test(summer_time_makes_days_of_23_and_25_hours),
        cmocka_unit_test(parts_of_a_day_are_local),
        cmocka_unit_test(months_end_where_the_next_begins),
        cmocka_unit_test(names_that_are_none_give_none),
        cmocka_unit_test(broken_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
