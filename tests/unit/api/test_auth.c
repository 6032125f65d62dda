#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_key(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *x_api_key, *key;
        int status;
    } cases[] = {
        {"Bearer wab_1_a", NULL, "wab_1_a", 0},
        {"bearer  wab_1_a ", NULL, "wab_1_a", 0},
        {NULL, "wab_1_a", "wab_1_a", 0},
        {"Bearer wab_1_a", "wab_1_a", "wab_1_a", 0},
        {"Bearer wab_1_a", "wab_1_b", NULL, 400},
        {NULL, NULL, NULL, 401},
        {NULL, "", NULL, 401},
        {"", NULL, NULL, 401},
        {"Bearer", NULL, NULL, 401},
        {"Bearer ", NULL, NULL, 401},
        {"Bearer a b", NULL, NULL, 401},
        {"Basic d2FiOng=", NULL, NULL, 401},
        {"Basic d2FiOng=", "wab_1_a", NULL, 401},
        {"Bearerwab_1_a", NULL, NULL, 401},
        {NULL, "a,b c", NULL, 401},
        {NULL, "caf\xc3\xa9", NULL, 401},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct api_headers h = {.authorization = cases[i].authorization,
                                .x_api_key = cases[i].x_api_key};
        char key[API_MAX_KEY + 1];
        struct err e = {0};
        print_message("%s | %s\n", h.authorization != NULL ? h.authorization : "-",
                      h.x_api_key != NULL ? h.x_api_key : "-");
        int rc = auth_key(&h, key, &e);
        if (cases[i].key != NULL) {
            assert_int_equal(rc, 0);
            assert_string_equal(key, cases[i].key);
        } else {
            assert_int_not_equal(rc, 0);
            assert_int_equal(problem_status(&e), cases[i].status);
        }
    }
}

static void test_length(void **state)
{
    (void)state;
    char longest[API_MAX_KEY + 2];
    char key[API_MAX_KEY + 1];
    struct err e = {0};
    memset(longest, 'k', sizeof(longest));
    longest[API_MAX_KEY + 1] = '\0';
    struct api_headers h = {.x_api_key = longest};
    assert_int_equal(auth_key(&h, key, &e), E_AUTH);
    h.x_api_key = longest + 1;
    assert_int_equal(auth_key(&h, key, &e), 0);
    assert_string_equal(key, longest + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
