/* The writer: order, failures inside a group, limits, closing, a full map. */
#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>

#define NAME_LEN 32

struct step {
    struct store_op op;
    char name[NAME_LEN];
    int answer;   /* what apply returns in the end */
    bool write;   /* writes its document first */
    size_t size;  /* of the document; 0: 1 */
    unsigned ran; /* on the writer thread */
    bool done;
    int rc;
    unsigned order; /* of done */
};
static unsigned done_count;

static int step_apply(struct store_txn *t, struct store_op *op)
{
    struct step *step = LIST_ENTRY(op, struct step, op);
    static const char zeros[STORE_MAX_VALUE];
    step->ran++;
    if (step->write) {
        int rc = store_put(t, STORE_META, STORE_PATH(step->name), zeros,
                           step->size == 0 ? 1 : step->size);
        if (rc != 0) {
            return rc;
        }
    }
    return step->answer == 0 ? 0 : err_set(&op->err, step->answer, "asked to fail");
}

static void step_done(struct store_op *op, int rc)
{
    struct step *step = LIST_ENTRY(op, struct step, op);
    assert_false(step->done);
    step->done = true;
    step->rc = rc;
    step->order = done_count++;
}

static struct step *steps_new(size_t n)
{
    struct step *steps = calloc(n, sizeof(*steps));
    assert_non_null(steps);
    done_count = 0;
    for (size_t i = 0; i < n; i++) {
        snprintf(steps[i].name, NAME_LEN, "doc%06zu", i);
        steps[i].write = true;
    }
    return steps;
}

/* The writer is held by a first operation until all are queued, so that they form one group. */
struct gate {
    struct store_op op;
    uv_sem_t entered, open;
    bool done;
};

static int gate_apply(struct store_txn *t, struct store_op *op)
{
    (void)t;
    struct gate *gate = LIST_ENTRY(op, struct gate, op);
    uv_sem_post(&gate->entered);
    uv_sem_wait(&gate->open);
    return 0;
}

static void gate_done(struct store_op *op, int rc)
{
    assert_int_equal(rc, 0);
    LIST_ENTRY(op, struct gate, op)->done = true;
}

static void steps_submit(struct fixture *fx, struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        store_submit(fx->s, &steps[i].op, step_apply, step_done);
    }
}

static void steps_run(struct fixture *fx, struct step *steps, size_t n)
{
    struct gate gate = {.done = false};
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    assert_int_equal(uv_sem_init(&gate.entered, 0), 0);
    store_submit(fx->s, &gate.op, gate_apply, gate_done);
    uv_sem_wait(&gate.entered); /* alone in its group */
    steps_submit(fx, steps, n);
    uv_sem_post(&gate.open);
    while (!gate.done || !steps[n - 1].done) {
        uv_run(&fx->loop, UV_RUN_ONCE);
    }
    uv_sem_destroy(&gate.open);
    uv_sem_destroy(&gate.entered);
    for (size_t i = 0; i < n; i++) {
        assert_true(steps[i].done);
        assert_int_equal(steps[i].order, i);
    }
}

static bool stored(struct fixture *fx, const struct step *step)
{
    struct store_value v;
    struct store_txn *t = fx_read(fx);
    int rc = store_get(t, STORE_META, STORE_PATH(step->name), &v);
    store_read_end(t);
    assert_true(rc == 0 || rc == E_NOTFOUND);
    return rc == 0;
}

static void count_rollback(void *arg)
{
    ++*(unsigned *)arg;
}

static void test_order(void **state)
{
    struct fixture *fx = *state;
    struct store_stats before, after;
    size_t n = 3 * STORE_GROUP_MAX + 5;
    struct step *steps = steps_new(n);
    store_stats(fx->s, &before);
    steps_run(fx, steps, n);
    store_stats(fx->s, &after);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(steps[i].rc, 0);
        assert_int_equal(steps[i].ran, 1);
        assert_true(stored(fx, &steps[i]));
    }
    assert_int_equal(after.pending, 0);
    assert_int_equal(after.ops - before.ops, n + 1);
    assert_int_equal(after.commits - before.commits, 4); /* groups, not one commit each */
    assert_true(after.used_bytes > 0 && after.used_bytes < after.map_bytes);
    free(steps);
}

static void test_clean_failure(void **state)
{
    struct fixture *fx = *state;
    unsigned rollbacks = 0;
    struct step *steps = steps_new(10);
    store_on_rollback(fx->s, count_rollback, &rollbacks);
    steps[4].write = false;
    steps[4].answer = E_CONFLICT;
    steps_run(fx, steps, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(steps[i].rc, i == 4 ? E_CONFLICT : 0);
        assert_int_equal(stored(fx, &steps[i]), i != 4);
        assert_int_equal(steps[i].ran, 1);
    }
    assert_string_equal(steps[4].op.err.msg, "asked to fail");
    assert_int_equal(rollbacks, 0);
    free(steps);
}

static void test_dirty_failure(void **state)
{
    struct fixture *fx = *state;
    unsigned rollbacks = 0;
    struct step *steps = steps_new(10);
    store_on_rollback(fx->s, count_rollback, &rollbacks);
    steps[4].answer = E_CONFLICT;
    steps_run(fx, steps, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(steps[i].rc, i == 4 ? E_CONFLICT : 0);
        assert_int_equal(stored(fx, &steps[i]), i != 4);
    }
    assert_int_equal(steps[0].ran, 2);
    assert_int_equal(steps[4].ran, 1);
    assert_int_equal(steps[5].ran, 1);
    assert_string_equal(steps[4].op.err.msg, "asked to fail");
    assert_int_equal(rollbacks, 1);
    assert_true(store_writable(fx->s, NULL));
    free(steps);
}

/* Half of a full group fails after writing: still linear. */
static void test_many_dirty_failures(void **state)
{
    struct fixture *fx = *state;
    unsigned rollbacks = 0, ran = 0;
    size_t n = 1000;
    struct step *steps = steps_new(n);
    store_on_rollback(fx->s, count_rollback, &rollbacks);
    for (size_t i = 0; i < n; i += 2) {
        steps[i].answer = E_STATE;
    }
    steps_run(fx, steps, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(steps[i].rc, i % 2 == 0 ? E_STATE : 0);
        assert_int_equal(stored(fx, &steps[i]), i % 2 == 1);
        ran += steps[i].ran;
    }
    assert_int_equal(rollbacks, n / 2);
    assert_true(ran < 4 * n);
    free(steps);
}

static void test_pending_limit(void **state)
{
    struct fixture *fx = *state;
    size_t n = STORE_MAX_PENDING + 10;
    struct step *steps = steps_new(n);
    for (size_t i = 0; i < n; i++) {
        steps[i].write = i % 1000 == 0;
    }
    steps_run(fx, steps, n); /* the gate takes one place */
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(steps[i].rc, i < STORE_MAX_PENDING - 1 ? 0 : E_LIMIT);
        assert_int_equal(steps[i].ran, i < STORE_MAX_PENDING - 1 ? 1 : 0);
    }
    free(steps);
}

static struct fixture *chain_fx;
static struct step *chain_next;

static void chain_done(struct store_op *op, int rc)
{
    assert_int_equal(rc, 0);
    (void)op;
    store_submit(chain_fx->s, &chain_next->op, step_apply, step_done);
}

static void test_close_waits(void **state)
{
    struct fixture *fx = *state;
    size_t n = 3000;
    struct step *steps = steps_new(n + 2);
    steps_submit(fx, steps, n);
    chain_fx = fx;
    chain_next = &steps[n + 1];
    store_submit(fx->s, &steps[n].op, step_apply, chain_done);
    fx_close(fx); /* what was submitted is done when on_closed fires */
    for (size_t i = 0; i < n; i++) {
        assert_true(steps[i].done);
        assert_int_equal(steps[i].rc, 0);
    }
    assert_true(steps[n + 1].done); /* submitted while closing */
    assert_int_equal(steps[n + 1].rc, E_CLOSED);
    assert_int_equal(steps[n + 1].ran, 0);
    fx_open(fx);
    for (size_t i = 0; i <= n; i++) {
        assert_true(stored(fx, &steps[i]));
    }
    assert_false(stored(fx, &steps[n + 1]));
    free(steps);
}

/* ---- what a failed group must not leave behind --------------------------------------------- */

struct counted {
    int answer;
    uint64_t order, seq;
};

static int counted_apply(struct store_txn *t, struct store_op *op)
{
    struct counted *c = op->data;
    char id[32];
    int rc = store_event_next(t, "acme", &c->seq);
    snprintf(id, sizeof(id), "id%d", (int)c->seq);
    rc |= store_event_put(t, "acme", c->seq, "e", 1);
    rc |= store_outbox_add(t, "acme", "main", id, 0, "x", 1, &c->order);
    if (rc != 0) {
        return E_INTERNAL;
    }
    return c->answer;
}

static void test_sequence_rolls_back(void **state)
{
    struct fixture *fx = *state;
    struct store_counts counts;
    struct counted good = {0}, bad = {.answer = E_CONFLICT}, next = {0};
    assert_int_equal(fx_run(fx, counted_apply, &good), 0);
    assert_int_equal(fx_run(fx, counted_apply, &bad), E_CONFLICT);
    assert_int_equal(fx_run(fx, counted_apply, &next), 0);
    assert_int_equal(good.seq, 1);
    assert_int_equal(next.seq, 2);
    assert_int_equal(next.order, good.order + 1);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_counts(t, "acme", "main", &counts), 0);
    store_read_end(t);
    assert_int_equal(counts.outbox, 2);
    fx_check(fx);
}

static int erase_docs(struct store_txn *t, struct store_op *op)
{
    struct step *steps = op->data;
    for (size_t i = 0; i < 40; i++) {
        int rc = store_del(t, STORE_META, STORE_PATH(steps[i].name));
        if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
    }
    return 0;
}

static void test_map_full(void **state)
{
    (void)state;
    struct fixture fx;
    struct err e = {0};
    size_t n = 200, kept = 0;
    unsigned rollbacks = 0;
    fx_init(&fx, 4 << 20);
    fx_open(&fx);
    store_on_rollback(fx.s, count_rollback, &rollbacks);
    struct step *steps = steps_new(n);
    for (size_t i = 0; i < n; i++) {
        steps[i].size = 64 * 1024; /* 12.5 MiB in all */
    }
    steps_run(&fx, steps, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(steps[i].rc == 0 || steps[i].rc == E_FULL);
        assert_int_equal(stored(&fx, &steps[i]), steps[i].rc == 0);
        kept += steps[i].rc == 0;
        assert_true(steps[i].rc == 0 || strstr(steps[i].op.err.msg, "full") != NULL);
    }
    assert_true(kept >= 40 && kept < 64);
    assert_true(rollbacks > 0);
    assert_false(store_writable(fx.s, &e));
    assert_int_equal(e.code, E_FULL);
    fx_check(&fx);

    /* a later submit tries again, and room made is room found */
    assert_int_equal(fx_run(&fx, erase_docs, steps), 0);
    assert_true(store_writable(fx.s, NULL));
    struct step *more = steps_new(5);
    steps_run(&fx, more + 1, 1); /* LMDB uses freed pages again from the second commit on */
    memset(&more[1].op, 0, sizeof(more[1].op));
    more[1].done = false;
    done_count = 0;
    more[0].size = more[4].size = 64 * 1024;
    steps_run(&fx, more, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(more[i].rc, 0);
    }
    free(more);

    /* a bigger map opens the same file */
    fx_close(&fx);
    fx.map_size = 64 << 20;
    fx_open(&fx);
    more = steps_new(n);
    for (size_t i = 0; i < n; i++) {
        more[i].size = 64 * 1024;
    }
    steps_run(&fx, more, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(more[i].rc, 0);
    }
    free(more);
    free(steps);
    fx_finish(&fx);
}

/* The disk refuses at commit, not the map: the file may not grow past a limit of the process. */
static void test_disk_full(void **state)
{
    struct fixture *fx = *state;
    struct rlimit old, small;
    struct err e = {0};
    size_t n = 100, kept = 0;
    struct step *first = steps_new(1);
    steps_run(fx, first, 1);
    assert_int_equal(first->rc, 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1 << 20;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct step *steps = steps_new(n);
    for (size_t i = 0; i < n; i++) {
        snprintf(steps[i].name, NAME_LEN, "more%zu", i);
        steps[i].size = 64 * 1024;
    }
    steps_run(fx, steps, n);
    bool writable = store_writable(fx->s, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(writable);
    assert_true(e.code == E_FULL || e.code == E_IO); /* E_IO: a write cut in half */
    for (size_t i = 0; i < n; i++) {
        assert_true(steps[i].rc == 0 || steps[i].rc == E_FULL || steps[i].rc == E_IO);
        assert_int_equal(stored(fx, &steps[i]), steps[i].rc == 0);
        kept += steps[i].rc == 0;
    }
    assert_true(kept < 16);
    assert_true(stored(fx, first));
    fx_check(fx);
    /* the same operations again, now that there is room */
    for (size_t i = 0; i < n; i++) {
        memset(&steps[i].op, 0, sizeof(steps[i].op));
        steps[i].done = false;
    }
    done_count = 0;
    steps_run(fx, steps, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(steps[i].rc, 0);
        assert_true(stored(fx, &steps[i]));
    }
    assert_true(store_writable(fx->s, NULL));
    free(steps);
    free(first);
}

/* One operation too big for what is left does not take its neighbours with it. */
static void test_one_too_big(void **state)
{
    (void)state;
    struct fixture fx;
    fx_init(&fx, 4 << 20);
    fx_open(&fx);
    struct step *fill = steps_new(50);
    for (size_t i = 0; i < 50; i++) {
        fill[i].size = 64 * 1024;
    }
    steps_run(&fx, fill, 50);
    struct step *steps = steps_new(20);
    for (size_t i = 0; i < 20; i++) {
        snprintf(steps[i].name, NAME_LEN, "next%zu", i);
    }
    steps[7].size = STORE_MAX_VALUE;
    steps[8].write = false; /* answers from what it sees; must see only what is kept */
    steps[8].answer = E_EXISTS;
    steps_run(&fx, steps, 20);
    for (size_t i = 0; i < 20; i++) {
        int want = i == 7 ? E_FULL : i == 8 ? E_EXISTS : 0;
        assert_int_equal(steps[i].rc, want);
        assert_int_equal(stored(&fx, &steps[i]), want == 0);
    }
    assert_true(store_writable(fx.s, NULL)); /* the last commit worked */
    fx_check(&fx);
    free(steps);
    free(fill);
    fx_finish(&fx);
}

/* An apply that hides the store's error cannot pass a broken transaction off as good. */
static int hide_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    static const char zeros[STORE_MAX_VALUE];
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "big%d", i);
        (void)store_put(t, STORE_META, STORE_PATH(name), zeros, sizeof(zeros));
    }
    return 0;
}

static void test_hidden_error(void **state)
{
    (void)state;
    struct fixture fx;
    fx_init(&fx, 4 << 20);
    fx_open(&fx);
    assert_int_equal(fx_run(&fx, hide_apply, NULL), E_FULL);
    struct store_value v;
    struct store_txn *t = fx_read(&fx);
    assert_int_equal(store_get(t, STORE_META, STORE_PATH("big0"), &v), E_NOTFOUND);
    store_read_end(t);
    fx_finish(&fx);
}

static void test_reads(void **state)
{
    struct fixture *fx = *state;
    struct store_txn *t = fx_read(fx), *second = NULL;
    struct err e = {0};
    assert_int_equal(store_read(fx->s, &second, &e), E_STATE);
    /* a snapshot cannot be written through */
    uint64_t seq;
    size_t n;
    assert_int_equal(store_put(t, STORE_META, STORE_PATH("a"), "x", 1), E_STATE);
    assert_int_equal(store_del(t, STORE_META, STORE_PATH("a")), E_STATE);
    assert_int_equal(store_event_next(t, "acme", &seq), E_STATE);
    assert_int_equal(store_outbox_add(t, "a", "b", "c", 0, "x", 1, &seq), E_STATE);
    assert_int_equal(store_delivery_add(t, "a", "b", 1, 0, 0), E_STATE);
    assert_int_equal(store_erase(t, "a", NULL, false), E_STATE);
    assert_int_equal(store_event_trim(t, UINT64_MAX, 1, &n), E_STATE);
    assert_int_equal(store_idem_trim(t, UINT64_MAX, 1, &n), E_STATE);
    assert_int_equal(store_delivery_trim(t, UINT64_MAX, true, 1, &n), E_STATE);
    store_read_end(t);
    t = fx_read(fx);
    store_read_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_clean_failure, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_dirty_failure, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_many_dirty_failures, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_sequence_rolls_back, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_pending_limit, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_close_waits, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_reads, fx_setup, fx_teardown),
        cmocka_unit_test(test_map_full),
        cmocka_unit_test_setup_teardown(test_disk_full, fx_setup, fx_teardown),
        cmocka_unit_test(test_one_too_big),
        cmocka_unit_test(test_hidden_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
