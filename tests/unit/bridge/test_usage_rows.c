/* Rows of counts in a real store. */
#include "store/fixture.h"

#include "json.h"
#include "usage.h"

#define TYPES 500
#define NOW UINT64_C(1790000000000) /* 2026-09-21 */

static int apply_types(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = 0;
    for (int i = 0; rc == 0 && i < TYPES; i++) {
        char type[24];
        snprintf(type, sizeof(type), "made_up_%d", i);
        const struct usage_item u = {
            .tenant = "acme", .session = "main", .phone = "5511900000001", .type = type};
        rc = usage_count(t, &u, NOW);
    }
    return rc;
}

/* Names of types come from a page: they may not make a row grow until nothing can be counted. */
static void made_up_types_fill_no_row(void **state)
{
    struct fixture *fx = *state;
    struct store_value v;
    assert_int_equal(fx_run(fx, apply_types, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(
        store_get(t, STORE_USAGE, STORE_PATH("acme", "2026-09-21", "main", "web.in.55"), &v), 0);
    json_t *row = record_parse(v, NULL);
    store_read_end(t);
    const json_t *types = json_obj(row, "types");
    assert_int_equal(json_int(row, "messages", 0), TYPES);
    assert_true(json_object_size(types) < 50);
    assert_int_equal(json_int(types, "made_up_0", 0), 1);
    assert_int_equal(json_int(types, "other", 0), TYPES - (int)json_object_size(types) + 1);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_up_types_fill_no_row, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
