#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STATUS_OF(name, value, word) {name, #name},
static const struct {
    int code;
    const char *name;
} codes[] = {ERR_TABLE(STATUS_OF)};

static int status_of(int code, const char *word)
{
    struct err e = {.code = code, .word = word};
    return problem_status(&e);
}

static void test_codes(void **state)
{
    (void)state;
    static const struct {
        int code, status;
    } wanted[] = {
        {E_INVALID, 422},  {E_NOTFOUND, 404},    {E_CONFLICT, 409},  {E_STATE, 409},
        {E_EXISTS, 409},   {E_AUTH, 401},        {E_FORBIDDEN, 403}, {E_TOOLARGE, 413},
        {E_LIMIT, 429},    {E_TIMEOUT, 504},     {E_FULL, 507},      {E_UNAVAILABLE, 503},
        {E_CANCELED, 503}, {E_UNSUPPORTED, 501},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        int status = 500; /* every other code */
        for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
            status = wanted[k].code == codes[i].code ? wanted[k].status : status;
        }
        print_message("%s\n", codes[i].name);
        assert_int_equal(status_of(codes[i].code, NULL), status);
        assert_string_not_equal(problem_title(status), "Error");
    }
    assert_int_equal(status_of(-9999, NULL), 500);
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(status_of(E_TIMEOUT, "qr_not_ready"), 409);
    assert_int_equal(status_of(E_IO, "storage_unavailable"), 503);
    assert_int_equal(status_of(E_LIMIT, "queue_full"), 429);
    assert_int_equal(status_of(E_INVALID, "malformed_json"), 400);
    assert_int_equal(status_of(E_INVALID, "malformed_request"), 400);
    assert_int_equal(status_of(E_FORBIDDEN, "host_not_allowed"), 421);
    assert_int_equal(status_of(E_INVALID, "invalid_phone"), 422);
    assert_int_equal(status_of(E_CONFLICT, "session_not_ready"), 409);
    struct err e = {.code = E_LIMIT, .word = "queue_full"};
    assert_true(problem_retry_after(&e) > 0);
    e = (struct err){.code = E_TIMEOUT, .word = "qr_not_ready"};
    assert_true(problem_retry_after(&e) > 0);
    e = (struct err){.code = E_NOTFOUND};
    assert_int_equal(problem_retry_after(&e), 0);
}

static void test_object(void **state)
{
    (void)state;
    struct err e = {0};
    (void)err_field(&e, "invalid_phone", "to", "\"%s\" is no phone number", "x\ty");
    size_t len = 0;
    char *text = problem_text(&e, "/v1/tenants/default", &len);
    assert_non_null(text);
    json_t *v = json_parse(text, len, 4096, NULL);
    assert_non_null(v);
    assert_string_equal(json_str(v, "type"), "about:blank");
    assert_int_equal(json_int(v, "status", 0), 422);
    assert_string_equal(json_str(v, "code"), "invalid_phone");
    assert_string_equal(json_str(v, "detail"), "\"x\ty\" is no phone number");
    assert_string_equal(json_str(v, "instance"), "/v1/tenants/default");
    const json_t *first = json_array_get(json_arr(v, "errors"), 0);
    assert_string_equal(json_str(first, "field"), "to");
    assert_string_equal(json_str(first, "detail"), json_str(v, "detail"));
    json_decref(v);
    free(text);

    (void)err_set(&e, E_NOTFOUND, "nothing");
    text = problem_text(&e, NULL, &len);
    v = json_parse(text, len, 4096, NULL);
    assert_null(json_object_get(v, "errors"));
    assert_null(json_object_get(v, "instance"));
    json_decref(v);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
