#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const qr[] = {"image/png", "image/svg+xml", "text/plain", "application/json",
                                 NULL};
static const char *const events[] = {"application/json", "text/event-stream", NULL};

static void test_accept(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int qr, events;
    } cases[] = {
        {NULL, 0, 0},
        {"", 0, 0},
        {"  ", 0, 0},
        {"*/*", 0, 0},
        {"image/*", 0, -1},
        {"image/svg+xml", 1, -1},
        {"IMAGE/SVG+XML", 1, -1},
        {"text/plain", 2, -1},
        {"text/*", 2, 1},
        {"text/event-stream", -1, 1},
        {"text/html, application/json;q=0.9, */*;q=0.1", 3, 0},
        {"application/json;q=0.5, image/png;q=0.6", 0, 0},
        {"application/json;q=0.6,image/png;q=0.5", 3, 0},
        {"image/png;q=0, */*", 1, 0}, /* the exact range says no, the wide one does not undo it */
        {"*/*;q=0", -1, -1},
        {"application/json;q=0", -1, -1},
        {"application/json;q=0.001", 3, 0},
        {"application/json; charset=utf-8; q=0.3, text/plain;q=0.2", 3, 0},
        {"application/jsonx", -1, -1},
        {"application", -1, -1},
        {",,,;;;q=1,application/json", 3, 0},
        {"video/mp4", -1, -1},
        {";", -1, -1},
        {"*/*;q=abc", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("Accept: %s\n", cases[i].header != NULL ? cases[i].header : "(none)");
        assert_int_equal(accept_pick(cases[i].header, qr), cases[i].qr);
        assert_int_equal(accept_pick(cases[i].header, events), cases[i].events);
    }
}

static void test_json_type(void **state)
{
    (void)state;
    assert_true(media_is_json("application/json"));
    assert_true(media_is_json("Application/JSON; charset=UTF-8"));
    assert_true(media_is_json("application/json;charset=\"utf-8\""));
    assert_true(media_is_json("application/cloudevents+json"));
    assert_true(media_is_json(" application/json ; x=y"));
    assert_false(media_is_json("application/json; charset=latin1"));
    assert_false(media_is_json("application/jsonp"));
    assert_false(media_is_json("text/plain"));
    assert_false(media_is_json("text/x+json"));
    assert_false(media_is_json("application/x-www-form-urlencoded"));
    assert_false(media_is_json("application/+json"));
    assert_false(media_is_json(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_json_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
