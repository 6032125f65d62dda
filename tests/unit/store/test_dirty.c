/* Every change of a message leaves a row for the search index, in the same transaction. */
#include "fixture.h"

static char seen[512];

static int note_dirty(void *arg, uint64_t seq, const char *session, const char *chat,
                      const char *id)
{
    size_t used = strlen(seen);
    *(uint64_t *)arg = seq;
    (void)snprintf(seen + used, sizeof(seen) - used, "%s/%s/%s ", session, chat, id);
    return 0;
}

static uint64_t expect_rows(struct fixture *fx, const char *tenant, const char *want)
{
    uint64_t last = 0;
    struct store_txn *t = fx_read(fx);
    seen[0] = '\0';
    assert_int_equal(store_dirty_list(t, tenant, 0, note_dirty, &last), 0);
    store_read_end(t);
    assert_string_equal(seen, want);
    return last;
}

static struct store_dirty_state state_of(struct fixture *fx, const char *tenant)
{
    struct store_dirty_state s;
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_dirty_state(t, tenant, &s), 0);
    store_read_end(t);
    return s;
}

static int change_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    assert_int_equal(store_message_put(t, "a", "s", "c", "1", 10, "x", 1, NULL), 0);
    assert_int_equal(store_message_put(t, "a", "s", "c", "1", 10, "y", 1, NULL), 0);
    assert_int_equal(store_message_put(t, "b", "s", "c", "2", 10, "z", 1, NULL), 0);
    assert_int_equal(store_message_move(t, "a", "s", "c", "d", "1"), 0);
    return store_message_del(t, "a", "s", "d", "1");
}

static int failing_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    assert_int_equal(store_message_put(t, "a", "s", "c", "9", 10, "x", 1, NULL), 0);
    return E_CONFLICT;
}

struct clearing {
    uint64_t seq;
    size_t max, n;
};

static int clear_apply(struct store_txn *t, struct store_op *op)
{
    struct clearing *c = op->data;
    return store_dirty_clear(t, "a", c->seq, c->max, &c->n);
}

static int erase_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    assert_int_equal(store_erase(t, "b", "s", false), 0);
    return 0;
}

static int erase_tenant_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return store_erase(t, "b", NULL, false);
}

static void test_rows(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, change_apply, NULL), 0);
    uint64_t last = expect_rows(fx, "a", "s/c/1 s/c/1 s/d/1 s/c/1 s/d/1 ");
    (void)expect_rows(fx, "b", "s/c/2 ");
    assert_int_equal(fx_run(fx, failing_apply, NULL), E_CONFLICT);
    assert_int_equal(expect_rows(fx, "a", "s/c/1 s/c/1 s/d/1 s/c/1 s/d/1 "), last);
    fx_check(fx);

    struct clearing c = {.seq = last, .max = 2};
    assert_int_equal(fx_run(fx, clear_apply, &c), 0);
    assert_int_equal(c.n, 2);
    fx_reopen(fx);
    (void)expect_rows(fx, "a", "s/d/1 s/c/1 s/d/1 ");
    assert_true(state_of(fx, "a").cleared > 0 && state_of(fx, "a").cleared < last);
    c = (struct clearing){.seq = last - 1, .max = 100};
    assert_int_equal(fx_run(fx, clear_apply, &c), 0);
    assert_int_equal(c.n, 2);
    (void)expect_rows(fx, "a", "s/d/1 ");
    assert_false(state_of(fx, "a").lost);
    (void)expect_rows(fx, "b", "s/c/2 ");

    assert_int_equal(fx_run(fx, erase_apply, NULL), 0);
    (void)expect_rows(fx, "b", "s/c/2 s/c/2 ");
    fx_check(fx);
    assert_int_equal(fx_run(fx, erase_tenant_apply, NULL), 0);
    (void)expect_rows(fx, "b", "");
    fx_check(fx);
}

/* ---- more than there is room for ---------------------------------------------------------------
 */

static int many_apply(struct store_txn *t, struct store_op *op)
{
    uint64_t *n = op->data;
    for (int i = 0; i < 2500; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)(*n + (uint64_t)i));
        int rc = store_message_put(t, "a", "s", "c", id, 10, "x", 1, NULL);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int found_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return store_dirty_found(t, "a");
}

static void test_bound(void **state)
{
    struct fixture *fx = *state;
    for (uint64_t n = 0; n < STORE_DIRTY_MAX + 2500; n += 2500) {
        assert_int_equal(fx_run(fx, many_apply, &n), 0);
    }
    assert_true(state_of(fx, "a").lost);
    fx_check(fx);
    struct clearing c = {.seq = UINT64_MAX, .max = SIZE_MAX};
    assert_int_equal(fx_run(fx, clear_apply, &c), 0);
    assert_true(c.n <= STORE_DIRTY_MAX && c.n >= STORE_DIRTY_MAX - 1);
    assert_true(state_of(fx, "a").lost);
    assert_int_equal(fx_run(fx, found_apply, NULL), 0);
    assert_false(state_of(fx, "a").lost);
    (void)expect_rows(fx, "a", "");
    fx_check(fx);
}

/* ---- all messages ------------------------------------------------------------------------------
 */

static int three(void *arg, const struct store_walk *at, struct store_value v)
{
    size_t used = strlen(seen);
    (void)snprintf(seen + used, sizeof(seen) - used, "%s/%s/%s=%.*s ", at->session, at->ref.chat,
                   at->ref.id, (int)v.len, v.data);
    return --*(int *)arg == 0;
}

static int walked_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    for (int i = 0; i < 7; i++) {
        char session[2] = {(char)('s' + i % 2), '\0'}, id[2] = {(char)('0' + i), '\0'};
        int rc = store_message_put(t, "a", session, i < 4 ? "c" : "d", id, 10, id, 1, NULL);
        if (rc != 0) {
            return rc;
        }
    }
    return store_message_put(t, "ab", "s", "c", "x", 10, "x", 1, NULL);
}

static void test_walk(void **state)
{
    struct fixture *fx = *state;
    struct store_walk at = {.session = ""};
    assert_int_equal(fx_run(fx, walked_apply, NULL), 0);
    seen[0] = '\0';
    for (int i = 0; i < 4; i++) {
        int left = 3;
        struct store_txn *t = fx_read(fx);
        assert_int_equal(store_message_walk(t, "a", &at, three, &left), 0);
        store_read_end(t);
    }
    assert_string_equal(seen, "s/c/0=0 s/c/2=2 s/d/4=4 s/d/6=6 t/c/1=1 t/c/3=3 t/d/5=5 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_bound, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_walk, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
