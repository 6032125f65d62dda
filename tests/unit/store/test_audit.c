/* The audit chains: order, ends, trimming, and that every kind of tampering shows. */
#include "fixture.h"

#define RECORD "{\"actor\":\"key:1\"}"

struct append {
    const char *chain;
    uint64_t time_ms;
    const char *members;
};

static int apply_append(struct store_txn *t, struct store_op *op)
{
    const struct append *a = op->data;
    return store_audit_append(t, a->chain, a->time_ms, a->members, strlen(a->members));
}

static void append(struct fixture *fx, const char *chain, uint64_t time_ms)
{
    struct append a = {chain, time_ms, RECORD};
    assert_int_equal(fx_run(fx, apply_append, &a), 0);
}

struct seen {
    uint64_t seq[16];
    size_t count, max;
    char last[STORE_AUDIT_MAX];
};

static int on_record(void *arg, uint64_t seq, uint64_t time_ms, const unsigned char hash[32],
                     struct store_value text)
{
    struct seen *s = arg;
    unsigned char now[32];
    (void)time_ms;
    assert_int_equal(crypto_sha256(text.data, text.len, now), 0);
    assert_memory_equal(now, hash, 32);
    s->seq[s->count++] = seq;
    snprintf(s->last, sizeof(s->last), "%.*s", (int)text.len, text.data);
    return s->count == s->max ? 1 : 0;
}

static void list(struct fixture *fx, const char *chain, uint64_t from, bool oldest, struct seen *s)
{
    struct store_txn *t = fx_read(fx);
    s->count = 0;
    assert_int_equal(store_audit_list(t, chain, from, oldest, on_record, s), 0);
    store_read_end(t);
}

static int check(struct fixture *fx, const char *chain, struct err *e)
{
    struct store_txn *t = fx_read(fx);
    err_clear(e);
    int rc = store_audit_check(t, chain, e);
    struct err whole = {0};
    assert_int_equal(store_check(t, &whole), rc); /* fsck sees it too */
    store_read_end(t);
    return rc;
}

static struct store_audit_state state_of(struct fixture *fx, const char *chain)
{
    struct store_audit_state s;
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_audit_state(t, chain, &s), 0);
    store_read_end(t);
    return s;
}

static void test_order(void **state)
{
    struct fixture *fx = *state;
    struct seen s = {.max = 16};
    struct err e = {0};
    assert_int_equal(state_of(fx, "acme").head.seq, 0);
    for (uint64_t i = 1; i <= 5; i++) {
        append(fx, "acme", 1000 * i);
        append(fx, STORE_AUDIT_ADMIN, 1000 * i);
    }
    append(fx, "acme-2", 1000);
    list(fx, "acme", 0, true, &s);
    assert_int_equal(s.count, 5);
    assert_int_equal(s.seq[0], 1);
    assert_int_equal(s.seq[4], 5);
    list(fx, "acme", 0, false, &s);
    assert_int_equal(s.seq[0], 5);
    assert_int_equal(s.seq[4], 1);
    assert_non_null(strstr(s.last, "{\"seq\":1,\"prev\":\"0000000000000000000000000000000000000000"
                                   "000000000000000000000000\",\"actor\":\"key:1\"}"));
    s.max = 2;
    list(fx, "acme", 4, false, &s);
    assert_int_equal(s.seq[0], 3);
    assert_int_equal(s.seq[1], 2);
    list(fx, "acme", 4, true, &s);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.seq[0], 5);
    fx_reopen(fx);
    append(fx, "acme", 6000);
    assert_int_equal(state_of(fx, "acme").head.seq, 6);
    assert_int_equal(check(fx, "acme", &e), 0);
    assert_int_equal(check(fx, STORE_AUDIT_ADMIN, &e), 0);
    assert_int_equal(check(fx, "nobody", &e), 0);
}

static void test_bounds(void **state)
{
    struct fixture *fx = *state;
    char big[STORE_AUDIT_MAX + 100];
    struct append a = {"acme", 1, big};
    memset(big, 'x', sizeof(big));
    big[0] = '{';
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(fx_run(fx, apply_append, &a), E_TOOLARGE);
    a.members = "[]";
    assert_int_equal(fx_run(fx, apply_append, &a), E_INVALID);
    a = (struct append){"", 1, RECORD};
    assert_int_equal(fx_run(fx, apply_append, &a), E_INVALID);
    assert_int_equal(state_of(fx, "acme").head.seq, 0);
}

struct trim {
    uint64_t before_ms;
    size_t max, n;
};

static int apply_trim(struct store_txn *t, struct store_op *op)
{
    struct trim *x = op->data;
    return store_audit_trim(t, x->before_ms, x->max, &x->n);
}

static void test_trim(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    struct seen s = {.max = 16};
    for (uint64_t i = 1; i <= 6; i++) {
        append(fx, "acme", 1000 * i);
        append(fx, "beta", 1000 * i);
    }
    struct trim x = {.before_ms = 4000, .max = 4};
    assert_int_equal(fx_run(fx, apply_trim, &x), 0);
    assert_int_equal(x.n, 4);
    assert_int_equal(fx_run(fx, apply_trim, &x), 0);
    assert_int_equal(x.n, 2);
    list(fx, "acme", 0, true, &s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.seq[0], 4);
    assert_int_equal(state_of(fx, "beta").anchor.seq, 3);
    assert_int_equal(check(fx, "acme", &e), 0); /* verifiable from its anchor on */
    assert_int_equal(check(fx, "beta", &e), 0);
    x = (struct trim){.before_ms = UINT64_MAX, .max = 100};
    assert_int_equal(fx_run(fx, apply_trim, &x), 0);
    assert_int_equal(x.n, 4); /* the heads stay */
    append(fx, "acme", 7000);
    assert_int_equal(state_of(fx, "acme").head.seq, 7);
    assert_int_equal(check(fx, "acme", &e), 0);
}

/* ---- tampering: rows changed behind the store's back ------------------------------------------ */

enum harm { HARM_TEXT, HARM_TEXT_AND_HASH, HARM_REMOVE, HARM_REMOVE_HEAD, HARM_REMOVE_FIRST };

static int apply_harm(struct store_txn *t, struct store_op *op)
{
    enum harm harm = *(const enum harm *)op->data;
    uint64_t seq = harm == HARM_REMOVE_HEAD ? 5 : harm == HARM_REMOVE_FIRST ? 1 : 3;
    struct key k;
    MDB_val v;
    key_tenant(&k, "acme");
    key_u64(&k, seq);
    assert_int_equal(txn_get(t, DB_AUDIT, &k, &v), 0);
    if (harm >= HARM_REMOVE) {
        return txn_del(t, DB_AUDIT, &k);
    }
    unsigned char row[STORE_AUDIT_MAX];
    memcpy(row, v.mv_data, v.mv_size);
    row[v.mv_size - 3]++; /* key:1 -> key:2 */
    if (harm == HARM_TEXT_AND_HASH) {
        assert_int_equal(crypto_sha256(row + 40, v.mv_size - 40, row + 8), 0);
    }
    return txn_put(t, DB_AUDIT, &k, row, v.mv_size);
}

static void harmed(void **state, enum harm harm, const char *says)
{
    struct fixture *fx = *state;
    struct err e = {0};
    for (uint64_t i = 1; i <= 5; i++) {
        append(fx, "acme", 1000 * i);
    }
    assert_int_equal(check(fx, "acme", &e), 0);
    assert_int_equal(fx_run(fx, apply_harm, &harm), 0);
    assert_int_equal(check(fx, "acme", &e), E_IO);
    assert_non_null(strstr(e.msg, says));
}

static void test_changed(void **state)
{
    harmed(state, HARM_TEXT, "record 3 was changed");
}

static void test_changed_with_hash(void **state)
{
    harmed(state, HARM_TEXT_AND_HASH, "record 4 does not follow");
}

static void test_removed(void **state)
{
    harmed(state, HARM_REMOVE, "record 3 is missing");
}

static void test_removed_head(void **state)
{
    harmed(state, HARM_REMOVE_HEAD, "it ends with record 4, not with 5");
}

static void test_removed_first(void **state)
{
    harmed(state, HARM_REMOVE_FIRST, "record 1 is missing");
}

static int apply_erase(struct store_txn *t, struct store_op *op)
{
    return store_erase(t, op->data, NULL, false);
}

static void test_erased(void **state)
{
    struct fixture *fx = *state;
    append(fx, "acme", 1);
    append(fx, "beta", 1);
    char name[] = "acme";
    assert_int_equal(fx_run(fx, apply_erase, name), 0);
    assert_int_equal(state_of(fx, "acme").head.seq, 0);
    assert_int_equal(state_of(fx, "beta").head.seq, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),        TEST(test_bounds),       TEST(test_trim),
        TEST(test_changed),      TEST(test_changed_with_hash),
        TEST(test_removed),      TEST(test_removed_head), TEST(test_removed_first),
        TEST(test_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
