/*
 * Erasing leaves nothing and nobody else's; and the check that the other tests lean on does find
 * each kind of damage.
 */
#include "fixture.h"

static int fill_one(struct store_txn *t, const char *tenant, const char *session)
{
    unsigned char hash[32] = {1};
    uint64_t seq, order;
    char id[32];
    int rc = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        rc |= store_message_put(t, tenant, session, i % 2 == 0 ? "x" : "y", id, 10, "t", 1, NULL);
        rc |= store_outbox_add(t, tenant, session, id, 9, "o", 1, &order);
    }
    rc |= store_chat_put(t, tenant, session, "x", 10, "c", 1);
    rc |= store_put(t, STORE_SESSIONS, STORE_PATH(tenant, session), "s", 1);
    rc |= store_put(t, STORE_CONTACTS, STORE_PATH(tenant, session, "c"), "c", 1);
    rc |= store_put(t, STORE_ALIASES, STORE_PATH(tenant, session, "l"), "c", 1);
    rc |= store_put(t, STORE_WEBHOOKS, STORE_PATH(tenant, "erp"), "w", 1);
    rc |= store_event_next(t, tenant, &seq);
    rc |= store_event_put(t, tenant, seq, "e", 1);
    rc |= store_delivery_add(t, tenant, "erp", seq, 1, 5);
    snprintf(id, sizeof(id), "k-%s", session);
    rc |= store_idem_put(t, tenant, id, hash, 5, "a", 1);
    return rc;
}

static int fill_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = fill_one(t, "a", "main") | fill_one(t, "a", "main2") | fill_one(t, "a-b", "main");
    struct store_delivery d = {
        .tenant = "a", .webhook = "erp", .seq = 1, .state = STORE_DEAD, .finished_ms = 7};
    return rc | store_delivery_update(t, &d);
}

static size_t rows_of(struct fixture *fx, enum db db, const char *tenant, const char *session)
{
    struct store_txn *t = fx_read(fx);
    struct key prefix;
    struct iter it;
    size_t n = 0;
    key_owner(&prefix, tenant, session);
    assert_int_equal(iter_open(&it, t, db, &prefix, NULL, 0), 0);
    while (iter_next(&it) == 0) {
        n++;
    }
    iter_close(&it);
    store_read_end(t);
    return n;
}

static const enum db by_session[] = {DB_CHATS,         DB_CHAT_RECENT, DB_MESSAGES, DB_MESSAGE_IDS,
                                     DB_MESSAGE_TIMES, DB_CONTACTS,    DB_ALIASES,  DB_OUTBOX,
                                     DB_OUTBOX_IDS,    DB_COUNTS};
static const enum db by_tenant[] = {DB_SESSIONS,        DB_WEBHOOKS,       DB_EVENTS, DB_DELIVERIES,
                                    DB_DELIVERY_STATES, DB_DELIVERY_LANES, DB_IDEM};

struct erase {
    const char *tenant, *session;
    bool keep;
    size_t max, n;
};

static int erase_apply(struct store_txn *t, struct store_op *op)
{
    struct erase *e = op->data;
    return e->max == 0 ? store_erase(t, e->tenant, e->session, e->keep)
                       : store_erase_some(t, e->tenant, e->session, e->keep, e->max, &e->n);
}

static void test_erase_session(void **state)
{
    struct fixture *fx = *state;
    struct erase erase = {.tenant = "a", .session = "main"};
    assert_int_equal(fx_run(fx, fill_apply, NULL), 0);
    fx_check(fx);
    assert_int_equal(fx_run(fx, erase_apply, &erase), 0);
    fx_check(fx);
    for (size_t i = 0; i < sizeof(by_session) / sizeof(by_session[0]); i++) {
        assert_int_equal(rows_of(fx, by_session[i], "a", "main"), 0);
        assert_true(rows_of(fx, by_session[i], "a", "main2") > 0);
        assert_true(rows_of(fx, by_session[i], "a-b", "main") > 0);
    }
    assert_int_equal(rows_of(fx, DB_SESSIONS, "a", "main"), 1); /* its document is the caller's */
    assert_int_equal(rows_of(fx, DB_EVENTS, "a", NULL), 2);
    assert_int_equal(rows_of(fx, DB_DELIVERIES, "a", NULL), 2);
}

static void test_erase_keeping(void **state)
{
    struct fixture *fx = *state;
    struct erase erase = {.tenant = "a", .session = "main", .keep = true};
    assert_int_equal(fx_run(fx, fill_apply, NULL), 0);
    assert_int_equal(fx_run(fx, erase_apply, &erase), 0);
    fx_check(fx);
    assert_int_equal(rows_of(fx, DB_OUTBOX, "a", "main"), 0);
    assert_int_equal(rows_of(fx, DB_MESSAGES, "a", "main"), 5);
    assert_int_equal(rows_of(fx, DB_CHATS, "a", "main"), 1);
    assert_int_equal(rows_of(fx, DB_CONTACTS, "a", "main"), 1);
}

/* A tenant in small steps: the indexes agree after every one of them. */
static void test_erase_tenant(void **state)
{
    struct fixture *fx = *state;
    struct erase erase = {.tenant = "a", .max = 3};
    struct store_counts counts;
    unsigned steps = 0;
    assert_int_equal(fx_run(fx, fill_apply, NULL), 0);
    do {
        assert_int_equal(fx_run(fx, erase_apply, &erase), 0);
        fx_check(fx);
        steps++;
    } while (erase.n == erase.max);
    assert_true(steps > 5);
    for (size_t i = 0; i < sizeof(by_session) / sizeof(by_session[0]); i++) {
        assert_int_equal(rows_of(fx, by_session[i], "a", NULL), 0);
        assert_true(rows_of(fx, by_session[i], "a-b", "main") > 0);
    }
    for (size_t i = 0; i < sizeof(by_tenant) / sizeof(by_tenant[0]); i++) {
        assert_int_equal(rows_of(fx, by_tenant[i], "a", NULL), 0);
        assert_int_equal(rows_of(fx, by_tenant[i], "a-b", NULL), 1);
    }
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_counts(t, NULL, NULL, &counts), 0);
    store_read_end(t);
    assert_int_equal(counts.outbox, 5);
    assert_int_equal(counts.deliveries, 1);
    assert_int_equal(counts.dead_letters, 0);
}

/* ---- damage -------------------------------------------------------------------------------- */

static int delete_first(struct store_txn *t, struct store_op *op)
{
    struct key all, k;
    key_init(&all);
    int rc = txn_first(t, *(enum db *)op->data, &all, &k);
    return rc != 0 ? rc : txn_del(t, *(enum db *)op->data, &k);
}

static int add_row(struct store_txn *t, struct store_op *op)
{
    struct key all, k;
    MDB_val v;
    key_init(&all);
    int rc = txn_first(t, *(enum db *)op->data, &all, &k);
    if (rc == 0) {
        rc = txn_get(t, *(enum db *)op->data, &k, &v);
    }
    if (rc == 0) {
        if (k.len == 1) {
            key_tenant(&k, "nobody"); /* counts: the total's key is one byte */
        } else {
            k.b[k.len - 2] ^= 1;
        }
        rc = txn_put2(t, *(enum db *)op->data, &k, NULL, 0, v.mv_data, v.mv_size);
    }
    return rc;
}

static int wrong_count(struct store_txn *t, struct store_op *op)
{
    return tally_add(t, "a", "main", *(enum tally_field *)op->data, 1);
}

static int repair(struct store_txn *t, struct store_op *op)
{
    return store_repair(t, op->data);
}

/* Damages a fresh store and expects the check to say so, and the repair to mend it. */
static void expect_found(store_apply_fn damage, void *data, const char *what)
{
    struct fixture fx;
    struct err e = {0};
    fx_init(&fx, 16 << 20);
    fx_open(&fx);
    assert_int_equal(fx_run(&fx, fill_apply, NULL), 0);
    fx_check(&fx);
    assert_int_equal(fx_run(&fx, damage, data), 0);
    struct store_txn *t = fx_read(&fx);
    if (store_check(t, &e) != E_IO || e.code != E_IO || *e.msg == '\0') {
        fail_msg("%s was not found", what);
    }
    store_read_end(t);
    size_t lost = 0;
    uint64_t seq = 0;
    assert_int_equal(fx_run(&fx, repair, &lost), 0);
    assert_true(lost <= 1);
    t = fx_read(&fx);
    if (store_check(t, &e) != 0) {
        fail_msg("%s was not mended: %s", what, e.msg);
    }
    assert_int_equal(store_event_last(t, "a", &seq), 0);
    assert_int_equal(seq, 2);
    store_read_end(t);
    fx_finish(&fx);
}

static void test_check_finds(void **state)
{
    (void)state;
    static const char *const name[DB_COUNT] = {
#define DB_NAME(id, text) [id] = text,
        DB_TABLE(DB_NAME)
#undef DB_NAME
    };
    static const enum db damaged[] = {
        DB_CHATS,      DB_CHAT_RECENT,     DB_MESSAGES,       DB_MESSAGE_IDS,  DB_MESSAGE_TIMES,
        DB_DELIVERIES, DB_DELIVERY_STATES, DB_DELIVERY_LANES, DB_DELIVERY_DUE, DB_DELIVERY_DONE,
        DB_OUTBOX,     DB_OUTBOX_IDS,      DB_COUNTS,         DB_IDEM,         DB_IDEM_EXPIRY};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        enum db db = damaged[i];
        char what[64];
        snprintf(what, sizeof(what), "a row missing in %s", name[db]);
        expect_found(delete_first, &db, what);
        snprintf(what, sizeof(what), "a row too many in %s", name[db]);
        expect_found(add_row, &db, what);
    }
    for (enum tally_field f = TALLY_OUTBOX; f <= TALLY_DEAD; f++) {
        expect_found(wrong_count, &f, "a wrong count");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_erase_session, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_erase_keeping, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_erase_tenant, fx_setup, fx_teardown),
        cmocka_unit_test(test_check_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
