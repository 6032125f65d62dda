/* Calling codes and tariffs. */
#include "usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_longest_calling_code_counts(void **state)
{
    (void)state;
    static const struct {
        const char *number, *code;
    } rows[] = {{"5511900000001", "55"}, {"12425550100", "1242"}, {"12125550100", "1"},
                {"491701234567", "49"},  {"3584012345", "358"},   {"77011234567", "77"},
                {"79161234567", "7"},    {"2348012345678", "234"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(country_code_of(rows[i].number), rows[i].code);
    }
    assert_null(country_code_of("0049"));
    assert_null(country_code_of(""));
    assert_null(country_code_of(NULL));
    assert_true(country_code_known("55"));
    assert_false(country_code_known("5511"));
    assert_false(country_code_known(""));
}

static void amounts_are_exact(void **state)
{
    (void)state;
    int64_t micro;
    char text[TARIFF_TEXT];
    static const struct {
        const char *in;
        int64_t micro;
        const char *out;
    } rows[] = {{"0.05", 50000, "0.05"},         {"0", 0, "0.00"},
                {"12", 12000000, "12.00"},       {"0.000001", 1, "0.000001"},
                {"999999.999999", INT64_C(999999999999), "999999.999999"},
                {"1.5", 1500000, "1.50"},        {"0.123", 123000, "0.123"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(tariff_amount(rows[i].in, &micro), 0);
        assert_true(micro == rows[i].micro);
        tariff_text(micro, text);
        assert_string_equal(text, rows[i].out);
    }
    static const char *const bad[] = {"", ".5", "1.", "-1", "1e3", "0.0000001", "1000000", "1,5",
                                      " 1", "1.5 "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tariff_amount(bad[i], &micro), E_INVALID);
    }
}

static void rates_go_from_the_special_to_the_general(void **state)
{
    (void)state;
    struct err e;
    json_t *t = json_loads("{\"currency\":\"EUR\",\"default\":\"0.10\","
                           "\"prefixes\":{\"55\":\"0.03\",\"1\":\"0.02\",\"1242\":\"0.20\"},"
                           "\"channels\":{\"web\":{\"prefixes\":{\"49\":\"0.01\"}}}}",
                           0, NULL);
    assert_int_equal(tariff_check(t, &e), 0);
    assert_int_equal(tariff_rate(t, "web", "55"), 30000);
    assert_int_equal(tariff_rate(t, "web", "49"), 10000);
    assert_int_equal(tariff_rate(t, "other", "49"), 100000);
    assert_int_equal(tariff_rate(t, "web", "1242"), 200000);
    assert_int_equal(tariff_rate(t, "web", "1246"), 20000);
    assert_int_equal(tariff_rate(t, "web", "group"), 100000);
    assert_int_equal(tariff_rate(NULL, "web", "55"), 0);
    json_decref(t);
}

static void bad_tariffs_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"currency\":\"euro\"}",
        "{\"currency\":\"EUR\",\"default\":0.1}",
        "{\"currency\":\"EUR\",\"default\":\"x\"}",
        "{\"currency\":\"EUR\",\"prefixes\":{\"5511\":\"1\"}}",
        "{\"currency\":\"EUR\",\"prefixes\":[]}",
        "{\"currency\":\"EUR\",\"channels\":{\"web\":1}}",
        "{\"currency\":\"EUR\",\"channels\":{\"web\":{\"x\":\"1\"}}}",
        "{\"currency\":\"EUR\",\"more\":1}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e;
        json_t *t = json_loads(bad[i], 0, NULL);
        assert_non_null(t);
        assert_int_equal(tariff_check(t, &e), E_INVALID);
        json_decref(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_calling_code_counts),
        cmocka_unit_test(amounts_are_exact),
        cmocka_unit_test(rates_go_from_the_special_to_the_general),
        cmocka_unit_test(bad_tariffs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
