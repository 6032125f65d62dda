/*
 * Deliveries and outbox against a plain array: random operations, some of them in a group that is
 * rolled back, comparisons of everything a caller can see, reopening in between.
 */
#include "fixture.h"

#define TENANTS 3
#define HOOKS 2
#define LANES 3
#define MAX_MODEL 4000

static const char *const tenant_name[TENANTS] = {"a", "a-b", "ab"};
static const char *const hook_name[HOOKS] = {"erp", "erp2"};

struct model_delivery {
    bool there;
    struct store_delivery d;
};
struct model_entry {
    bool there;
    const char *tenant, *session;
    uint64_t order, expires_ms;
    char id[32];
    char text[32];
};

struct model {
    uint64_t rnd, now;
    uint64_t seq[TENANTS];
    struct model_delivery dlv[MAX_MODEL];
    size_t dlv_n;
    struct model_entry box[MAX_MODEL];
    size_t box_n;
    struct fixture *fx;
};

/* What one operation does; applied to the store on the writer thread, then to the model. */
enum kind { K_ADD, K_UPDATE, K_ERASE, K_TRIM, K_BOX_ADD, K_BOX_PUT, K_BOX_DEL, K_COUNT };
struct action {
    enum kind kind;
    bool fail; /* after all was written */
    struct store_delivery d;
    size_t max, n;
    bool dead;
    uint64_t before;
    struct model_entry box;
    int rc;
    struct fx_op run;
};

static size_t pick(struct model *m, size_t n)
{
    return (size_t)(fx_random(&m->rnd) % n);
}

static int action_apply(struct store_txn *t, struct store_op *op)
{
    struct action *a = op->data;
    struct model_entry *b = &a->box;
    switch (a->kind) {
    case K_ADD:
        a->rc =
            store_delivery_add(t, a->d.tenant, a->d.webhook, a->d.seq, a->d.lane, a->d.created_ms);
        break;
    case K_UPDATE:
        a->rc = store_delivery_update(t, &a->d);
        break;
    case K_ERASE:
        a->rc = store_delivery_erase(t, a->d.tenant, a->d.webhook, a->max, &a->n);
        break;
    case K_TRIM:
        a->rc = store_delivery_trim(t, a->before, a->dead, a->max, &a->n);
        break;
    case K_BOX_ADD:
        a->rc = store_outbox_add(t, b->tenant, b->session, b->id, b->expires_ms, b->text,
                                 strlen(b->text), &b->order);
        break;
    case K_BOX_PUT:
        a->rc = store_outbox_put(t, b->tenant, b->session, b->order, b->id, b->expires_ms, b->text,
                                 strlen(b->text));
        break;
    case K_BOX_DEL:
        a->rc = store_outbox_del(t, b->tenant, b->session, b->order);
        break;
    default:
        a->rc = E_INTERNAL;
        break;
    }
    return a->fail ? E_CONFLICT : a->rc;
}

/* ---- the model's side ---------------------------------------------------------------------- */

static int by_seq(const struct model_delivery *a, const char *tenant, const char *hook)
{
    return a->there && strcmp(a->d.tenant, tenant) == 0 && strcmp(a->d.webhook, hook) == 0;
}

static struct model_delivery *model_find(struct model *m, const struct store_delivery *d)
{
    for (size_t i = 0; i < m->dlv_n; i++) {
        if (by_seq(&m->dlv[i], d->tenant, d->webhook) && m->dlv[i].d.seq == d->seq) {
            return &m->dlv[i];
        }
    }
    return NULL;
}

static bool model_is_head(struct model *m, const struct model_delivery *e)
{
    for (size_t i = 0; i < m->dlv_n; i++) {
        const struct model_delivery *o = &m->dlv[i];
        if (by_seq(o, e->d.tenant, e->d.webhook) && o->d.lane == e->d.lane &&
            o->d.state == STORE_PENDING && o->d.seq < e->d.seq) {
            return false;
        }
    }
    return e->there && e->d.state == STORE_PENDING;
}

static void model_update(struct model *m, struct action *a)
{
    struct model_delivery *e = model_find(m, &a->d);
    assert_int_equal(a->rc, e == NULL ? E_NOTFOUND : 0);
    if (e != NULL) {
        uint64_t lane = e->d.lane, created = e->d.created_ms;
        e->d = a->d;
        e->d.lane = lane;
        e->d.created_ms = created;
        if (e->d.state == STORE_PENDING) {
            e->d.finished_ms = 0;
        }
    }
}

static struct model_delivery *model_get(struct model *m, const struct store_delivery *d)
{
    struct model_delivery *e = model_find(m, d);
    assert_non_null(e);
    return e;
}

/* How many of the finished could go, and whether this one may. */
static bool may_trim(const struct model_delivery *e, const struct action *a)
{
    return e->there && e->d.finished_ms < a->before &&
           (e->d.state == STORE_DELIVERED || (a->dead && e->d.state == STORE_DEAD));
}

/* The store chose which: those that it no longer has must be allowed to go, and be n. */
static void model_sweep(struct model *m, struct action *a, bool erase)
{
    size_t gone = 0, could = 0;
    struct store_txn *t = fx_read(m->fx);
    for (size_t i = 0; i < m->dlv_n; i++) {
        struct model_delivery *e = &m->dlv[i];
        struct store_delivery d;
        bool may = erase ? by_seq(e, a->d.tenant, a->d.webhook) : may_trim(e, a);
        could += may;
        if (e->there && store_delivery_get(t, e->d.tenant, e->d.webhook, e->d.seq, &d) != 0) {
            assert_true(may);
            e->there = false;
            gone++;
        }
    }
    store_read_end(t);
    assert_int_equal(gone, a->n);
    assert_int_equal(gone, could < a->max ? could : a->max);
}

static struct model_entry *box_find(struct model *m, const struct model_entry *w, bool by_id)
{
    for (size_t i = 0; i < m->box_n; i++) {
        struct model_entry *e = &m->box[i];
        if (e->there && strcmp(e->tenant, w->tenant) == 0 && strcmp(e->session, w->session) == 0 &&
            (by_id ? strcmp(e->id, w->id) == 0 : e->order == w->order)) {
            return e;
        }
    }
    return NULL;
}

static void model_box(struct model *m, struct action *a)
{
    struct model_entry *same = box_find(m, &a->box, false);
    struct model_entry *same_id = box_find(m, &a->box, true);
    if (a->kind == K_BOX_ADD) {
        assert_int_equal(a->rc, same_id != NULL ? E_EXISTS : 0);
        if (a->rc == 0) {
            assert_true(m->box_n == 0 || a->box.order > m->box[m->box_n - 1].order);
            assert_true(m->box_n < MAX_MODEL);
            m->box[m->box_n] = a->box;
            m->box[m->box_n++].there = true;
        }
        return;
    }
    if (same == NULL) {
        assert_int_equal(a->rc, E_NOTFOUND);
    } else if (a->kind == K_BOX_DEL) {
        assert_int_equal(a->rc, 0);
        same->there = false;
    } else if (same_id != NULL && same_id != same) {
        assert_int_equal(a->rc, E_EXISTS);
    } else {
        assert_int_equal(a->rc, 0);
        *same = a->box;
        same->there = true;
    }
}

/* ---- choosing ------------------------------------------------------------------------------ */

static void choose_delivery(struct model *m, struct action *a)
{
    if (m->dlv_n > 0 && pick(m, 20) != 0) {
        a->d = m->dlv[m->dlv_n - 1 - pick(m, m->dlv_n < 200 ? m->dlv_n : 200)].d;
    } else {
        snprintf(a->d.tenant, sizeof(a->d.tenant), "%s", tenant_name[pick(m, TENANTS)]);
        snprintf(a->d.webhook, sizeof(a->d.webhook), "%s", hook_name[pick(m, HOOKS)]);
        a->d.seq = 1 + pick(m, 100);
    }
}

static void choose_box(struct model *m, struct action *a)
{
    if (a->kind != K_BOX_ADD && m->box_n > 0 && pick(m, 10) != 0) {
        a->box = m->box[m->box_n - 1 - pick(m, m->box_n < 60 ? m->box_n : 60)];
    } else {
        a->box.tenant = tenant_name[pick(m, TENANTS)];
        a->box.session = hook_name[pick(m, HOOKS)];
        a->box.order = pick(m, 50);
    }
    if (a->kind == K_BOX_ADD || *a->box.id == '\0' || pick(m, 3) == 0) {
        snprintf(a->box.id, sizeof(a->box.id), "3EB0%03zu", pick(m, 150));
    }
    a->box.expires_ms = m->now + pick(m, 1000);
    snprintf(a->box.text, sizeof(a->box.text), "text %zu", pick(m, 1000000));
}

static void choose(struct model *m, struct action *a)
{
    static const enum kind odds[] = {K_ADD,    K_ADD,  K_ADD,     K_ADD,     K_UPDATE,  K_UPDATE,
                                     K_UPDATE, K_ADD,  K_BOX_ADD, K_BOX_ADD, K_BOX_PUT, K_BOX_DEL,
                                     K_UPDATE, K_TRIM, K_BOX_ADD, K_BOX_DEL};
    memset(a, 0, sizeof(*a));
    a->kind = pick(m, 60) == 0 ? K_ERASE : odds[pick(m, sizeof(odds) / sizeof(odds[0]))];
    a->fail = pick(m, 12) == 0;
    a->max = 1 + pick(m, 12);
    a->dead = pick(m, 2) == 0;
    a->before = m->now - pick(m, 200);
    m->now += pick(m, 5);
    if (a->kind == K_ADD) {
        size_t tenant = pick(m, TENANTS);
        snprintf(a->d.tenant, sizeof(a->d.tenant), "%s", tenant_name[tenant]);
        snprintf(a->d.webhook, sizeof(a->d.webhook), "%s", hook_name[pick(m, HOOKS)]);
        /* now and then an old number: it goes in front of what waits */
        a->d.seq = pick(m, 10) == 0 ? 1 + pick(m, (size_t)m->seq[tenant] + 1) : ++m->seq[tenant];
        a->d.lane = pick(m, LANES) == 0 ? UINT64_MAX : pick(m, LANES);
        a->d.created_ms = a->d.due_ms = m->now;
    } else if (a->kind == K_UPDATE) {
        choose_delivery(m, a);
        a->d.state = (enum store_delivery_state)pick(m, 3);
        a->d.attempts++;
        a->d.due_ms = m->now + pick(m, 50);
        a->d.finished_ms = m->now;
        a->d.last_status = (uint32_t)pick(m, 600);
        snprintf(a->d.last_error, sizeof(a->d.last_error), "try %u failed", a->d.attempts);
    } else if (a->kind == K_ERASE) {
        choose_delivery(m, a);
    } else {
        choose_box(m, a);
    }
}

static void model_apply(struct model *m, struct action *a)
{
    switch (a->kind) {
    case K_ADD:
        assert_int_equal(a->rc, model_find(m, &a->d) != NULL ? E_EXISTS : 0);
        if (a->rc == 0) {
            assert_true(m->dlv_n < MAX_MODEL);
            m->dlv[m->dlv_n++] = (struct model_delivery){.there = true, .d = a->d};
        }
        break;
    case K_UPDATE:
        model_update(m, a);
        break;
    case K_ERASE:
    case K_TRIM:
        assert_int_equal(a->rc, 0);
        model_sweep(m, a, a->kind == K_ERASE);
        break;
    default:
        model_box(m, a);
        break;
    }
}

/* ---- comparing ----------------------------------------------------------------------------- */

struct seen {
    struct model *m;
    size_t n;
    uint64_t last;
    const char *tenant, *session, *hook;
    enum store_delivery_state state;
};

static int see_due(void *arg, const struct store_delivery *d)
{
    struct seen *seen = arg;
    struct model_delivery *e = model_get(seen->m, d);
    assert_true(model_is_head(seen->m, e));
    assert_true(d->due_ms >= seen->last && d->due_ms <= seen->m->now);
    seen->last = d->due_ms;
    seen->n++;
    return 0;
}

static int see_listed(void *arg, const struct store_delivery *d)
{
    struct seen *seen = arg;
    struct model_delivery *e = model_get(seen->m, d);
    assert_int_equal(d->state, seen->state);
    assert_true(seen->n == 0 || d->seq < seen->last);
    assert_int_equal(d->lane, e->d.lane);
    assert_int_equal(d->state, e->d.state);
    assert_int_equal(d->attempts, e->d.attempts);
    assert_int_equal(d->created_ms, e->d.created_ms);
    assert_int_equal(d->due_ms, e->d.due_ms);
    assert_int_equal(d->finished_ms, e->d.finished_ms);
    assert_int_equal(d->last_status, e->d.last_status);
    assert_string_equal(d->last_error, e->d.last_error);
    seen->last = d->seq;
    seen->n++;
    return 0;
}

static int see_box(void *arg, uint64_t order, const char *id, uint64_t expires_ms,
                   struct store_value v)
{
    struct seen *seen = arg;
    struct model_entry *e = box_find(
        seen->m,
        &(struct model_entry){.tenant = seen->tenant, .session = seen->session, .order = order},
        false);
    if (e == NULL) {
        fail_msg("entry %llu is not in the model", (unsigned long long)order);
        return E_INTERNAL;
    }
    assert_true(order > seen->last);
    assert_string_equal(id, e->id);
    assert_int_equal(expires_ms, e->expires_ms);
    assert_value(v, e->text);
    seen->last = order;
    seen->n++;
    return 0;
}

static void compare_due(struct model *m, struct store_txn *t)
{
    struct seen seen = {.m = m};
    size_t due = 0;
    uint64_t earliest = UINT64_MAX, next = 0;
    for (size_t i = 0; i < m->dlv_n; i++) {
        if (m->dlv[i].there && model_is_head(m, &m->dlv[i])) {
            due += m->dlv[i].d.due_ms <= m->now;
            earliest = m->dlv[i].d.due_ms < earliest ? m->dlv[i].d.due_ms : earliest;
        }
    }
    assert_int_equal(store_delivery_due(t, m->now, see_due, &seen), 0);
    assert_int_equal(seen.n, due);
    int rc = store_delivery_next_due(t, &next);
    assert_int_equal(rc, earliest == UINT64_MAX ? E_NOTFOUND : 0);
    assert_true(rc != 0 || next == earliest);
}

static void compare_lists(struct model *m, struct store_txn *t, size_t tenant, size_t hook,
                          size_t counts[3])
{
    for (unsigned state = STORE_PENDING; state <= STORE_DEAD; state++) {
        struct seen seen = {.m = m, .state = (enum store_delivery_state)state};
        size_t n = 0;
        for (size_t i = 0; i < m->dlv_n; i++) {
            n += by_seq(&m->dlv[i], tenant_name[tenant], hook_name[hook]) &&
                 m->dlv[i].d.state == state;
        }
        assert_int_equal(store_delivery_list(t, tenant_name[tenant], hook_name[hook], seen.state, 0,
                                             see_listed, &seen),
                         0);
        assert_int_equal(seen.n, n);
        counts[state] += n;
    }
}

static size_t compare_box(struct model *m, struct store_txn *t, size_t tenant, size_t session)
{
    struct store_counts counts;
    struct seen seen = {.m = m, .tenant = tenant_name[tenant], .session = hook_name[session]};
    size_t n = 0;
    for (size_t i = 0; i < m->box_n; i++) {
        n += m->box[i].there && strcmp(m->box[i].tenant, seen.tenant) == 0 &&
             strcmp(m->box[i].session, seen.session) == 0;
    }
    assert_int_equal(store_outbox_list(t, seen.tenant, seen.session, 0, see_box, &seen), 0);
    assert_int_equal(seen.n, n);
    assert_int_equal(store_counts(t, seen.tenant, seen.session, &counts), 0);
    assert_int_equal(counts.outbox, n);
    return n;
}

static void compare(struct model *m)
{
    struct store_txn *t = fx_read(m->fx);
    struct store_counts counts, total = {0};
    struct err e = {0};
    compare_due(m, t);
    for (size_t i = 0; i < TENANTS; i++) {
        size_t states[3] = {0}, box = 0;
        for (size_t j = 0; j < HOOKS; j++) {
            compare_lists(m, t, i, j, states);
            box += compare_box(m, t, i, j);
        }
        assert_int_equal(store_counts(t, tenant_name[i], NULL, &counts), 0);
        assert_int_equal(counts.outbox, box);
        assert_int_equal(counts.deliveries, states[STORE_PENDING]);
        assert_int_equal(counts.dead_letters, states[STORE_DEAD]);
        total.outbox += box;
        total.deliveries += states[STORE_PENDING];
        total.dead_letters += states[STORE_DEAD];
    }
    assert_int_equal(store_counts(t, NULL, NULL, &counts), 0);
    assert_int_equal(counts.outbox, total.outbox);
    assert_int_equal(counts.deliveries, total.deliveries);
    assert_int_equal(counts.dead_letters, total.dead_letters);
    if (store_check(t, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    store_read_end(t);
}

/* A few operations at once, so that they share transactions and rollbacks. */
static void run_some(struct model *m)
{
    struct action group[8];
    size_t n = 0, max = 1 + pick(m, 8);
    do {
        struct action *a = &group[n++];
        choose(m, a);
        a->run.op.data = a;
        store_submit(m->fx->s, &a->run.op, action_apply, fx_on_done);
        /* what these two leave is looked up in the store: nothing may come behind them */
    } while (n < max && group[n - 1].kind != K_ERASE && group[n - 1].kind != K_TRIM);
    while (!group[n - 1].run.done) {
        uv_run(&m->fx->loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < n; i++) {
        struct action *a = &group[i];
        assert_true(a->run.done);
        assert_int_equal(a->run.rc, a->fail ? E_CONFLICT : a->rc);
        if (!a->fail) {
            model_apply(m, a);
        }
    }
}

static void run_model(struct fixture *fx, uint64_t seed, size_t steps)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->rnd = seed;
    m->now = 1000000;
    m->fx = fx;
    for (size_t i = 0; i < steps; i++) {
        run_some(m);
        if (i % 10 == 0) {
            compare(m);
        }
        if (i % 100 == 99) {
            fx_reopen(fx);
            compare(m);
        }
    }
    compare(m);
    free(m);
}

static void test_model(void **state)
{
    const char *seed = getenv("STORE_TEST_SEED");
    print_message("seed %s\n", seed == NULL ? "1" : seed);
    run_model(*state, seed == NULL ? 1 : strtoull(seed, NULL, 10), 900);
}

static void test_model_again(void **state)
{
    run_model(*state, 77, 500);
}

/* ---- the story in words -------------------------------------------------------------------- */

static int add_three(struct store_txn *t, struct store_op *op)
{
    (void)op;
    for (uint64_t seq = 1; seq <= 3; seq++) {
        int rc = store_delivery_add(t, "acme", "erp", seq, 7, 100 + seq);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int update(struct store_txn *t, struct store_op *op)
{
    return store_delivery_update(t, op->data);
}

static int keep_first(void *arg, const struct store_delivery *d)
{
    *(struct store_delivery *)arg = *d;
    return 1;
}

static struct store_delivery head(struct fixture *fx, uint64_t now)
{
    struct store_delivery d = {.seq = 0};
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_delivery_due(t, now, keep_first, &d), 0);
    store_read_end(t);
    return d;
}

static void test_lane(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, add_three, NULL), 0);
    struct store_delivery d = head(fx, 1000);
    assert_int_equal(d.seq, 1);
    d.due_ms = 5000; /* a failed try: nothing of this lane may overtake */
    d.attempts = 1;
    assert_int_equal(fx_run(fx, update, &d), 0);
    assert_int_equal(head(fx, 4999).seq, 0);
    assert_int_equal(head(fx, 5000).seq, 1);
    d.state = STORE_DEAD;
    d.finished_ms = 5001;
    assert_int_equal(fx_run(fx, update, &d), 0);
    assert_int_equal(head(fx, 102).seq, 2); /* at its own due time */
    d.state = STORE_PENDING;                /* redrive: in front again */
    d.due_ms = 6000;
    assert_int_equal(fx_run(fx, update, &d), 0);
    assert_int_equal(head(fx, 5999).seq, 0);
    assert_int_equal(head(fx, 6000).seq, 1);
    fx_check(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lane, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_model, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_model_again, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
