/* Alerts on a real store and bridge, with the time handed in; nothing else of the bridge runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alert_priv.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 120000
#define WALL UINT64_C(1795222923456)
#define MAP (4u << 20)
#define BLOCK (200u << 10)

struct fixture {
    char dir[64], script[96];
    uv_loop_t loop;
    uv_timer_t beat;
    struct store *store;
    struct bridge *b;
};

static void on_beat(uv_timer_t *t)
{
    (void)t; /* ends the loop's sleep */
}
#define WAIT(fx, what)                                                                             \
    do {                                                                                           \
        uint64_t end_ = uv_hrtime() / 1000000 + DEADLINE_MS;                                       \
        uv_timer_start(&(fx)->beat, on_beat, 20, 20);                                              \
        while (!(what)) {                                                                          \
            if (uv_hrtime() / 1000000 > end_) {                                                    \
                fail_msg("never: %s (line %d)", #what, __LINE__);                                  \
            }                                                                                      \
            uv_run(&(fx)->loop, UV_RUN_ONCE);                                                      \
        }                                                                                          \
        uv_timer_stop(&(fx)->beat);                                                                \
    } while (0)

static void on_flag(void *arg)
{
    *(bool *)arg = true;
}

static void open_bridge(struct fixture *fx)
{
    struct err e;
    struct bridge_config c;
    char *key = NULL;
    struct store_options o = {.dir = fx->dir, .map_size = MAP, .loop = &fx->loop};
    bridge_config_defaults(&c);
    c.data_dir = fx->dir;
    c.page.wa_js = fx->script;
    c.alerts.hold_ms = 60000;
    c.alerts.recover_ms = 120000;
    c.alerts.disk_free_bytes = UINT64_MAX / 2; /* no disk has that */
    c.alerts.memory_percent = 0;
    if (store_open(&o, &fx->store, &e) != 0 ||
        bridge_create(&fx->loop, fx->store, NULL, &c, &fx->b, &key, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    mem_wipe_free(key, key != NULL ? strlen(key) : 0);
    alerts_probe(fx->b->alerts);
    WAIT(fx, fx->b->alerts->probe.known);
}

static void close_bridge(struct fixture *fx)
{
    bool closed = false;
    bridge_close(fx->b, 1000, on_flag, &closed);
    WAIT(fx, closed);
    closed = false;
    store_close(fx->store, on_flag, &closed);
    WAIT(fx, closed);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof(*fx));
    log_init(LOG_TEXT, LOG_ERROR, 2);
    (void)snprintf(fx->dir, sizeof(fx->dir), "/tmp/alert-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    (void)snprintf(fx->script, sizeof(fx->script), "%s/wa.js", fx->dir);
    FILE *f = fopen(fx->script, "w");
    assert_non_null(f);
    fputs("// the page is not opened here\n", f);
    (void)fclose(f);
    uv_loop_init(&fx->loop);
    uv_timer_init(&fx->loop, &fx->beat);
    clock_fake(WALL, 1000);
    open_bridge(fx);
    *state = fx;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    close_bridge(fx);
    clock_fake(0, 0);
    uv_close((uv_handle_t *)&fx->beat, NULL);
    uv_run(&fx->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    nftw(fx->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fx);
    return 0;
}

/* ---- what is seen ------------------------------------------------------------------------------
 */

static bool told_all(struct fixture *fx)
{
    LIST_FOREACH(&fx->b->alerts->all, it, next)
    {
        if (LIST_ENTRY(it, struct alert, link)->telling) {
            return false;
        }
    }
    return !fx->b->alerts->probing;
}

/* A round at that time, until what it had to say was tried. */
static void look(struct fixture *fx, uint64_t mono_ms)
{
    clock_fake(WALL + mono_ms, mono_ms);
    alerts_look(fx->b->alerts);
    WAIT(fx, told_all(fx));
}

static bool fires(struct fixture *fx, enum alert_kind kind)
{
    unsigned n[ALERT_KINDS];
    alerts_count(fx->b->alerts, n);
    return n[kind] > 0;
}

struct log {
    const char *type;
    unsigned firing, resolved;
    char last[16];
};

static int on_event(void *arg, uint64_t seq, const char *type, const char *text, size_t len)
{
    struct log *l = arg;
    (void)seq;
    if (strcmp(type, l->type) == 0) {
        json_t *event = json_loadb(text, len, 0, NULL);
        const char *state = json_str_or(json_obj(event, "data"), "state", "");
        (void)snprintf(l->last, sizeof(l->last), "%s", state);
        l->firing += strcmp(state, "firing") == 0;
        l->resolved += strcmp(state, "resolved") == 0;
        json_decref(event);
    }
    return 0;
}

static struct log events(struct fixture *fx, const char *type)
{
    struct log l = {.type = type};
    assert_int_equal(bridge_events(fx->b, "default", 0, 500, on_event, &l, NULL), 0);
    return l;
}

/* ---- tests -------------------------------------------------------------------------------------
 */

static void test_hold_and_recovery(void **state)
{
    struct fixture *fx = *state;
    look(fx, 2000);
    look(fx, 61999);
    assert_false(fires(fx, ALERT_DISK_LOW));
    look(fx, 62000);
    assert_true(fires(fx, ALERT_DISK_LOW));
    look(fx, 70000);
    assert_int_equal(events(fx, "alert.disk_low").firing, 1);
    fx->b->cfg.alerts.disk_free_bytes = 1;
    look(fx, 80000);
    look(fx, 199999);
    assert_true(fires(fx, ALERT_DISK_LOW));
    look(fx, 200000);
    assert_false(fires(fx, ALERT_DISK_LOW));
    look(fx, 200001);
    struct log l = events(fx, "alert.disk_low");
    assert_int_equal(l.firing, 1);
    assert_int_equal(l.resolved, 1);
    assert_true(list_empty(&fx->b->alerts->all)); /* nothing is left of it */
}

static void test_restart(void **state)
{
    struct fixture *fx = *state;
    json_t *before = NULL, *now = NULL;
    look(fx, 2000);
    look(fx, 62000);
    assert_int_equal(bridge_alert_list(fx->b, NULL, &before, NULL), 0);
    assert_int_equal(json_array_size(json_arr(before, "items")), 1);
    close_bridge(fx);
    clock_fake(WALL + 90000, 5); /* another monotonic clock */
    open_bridge(fx);
    assert_int_equal(bridge_alert_list(fx->b, NULL, &now, NULL), 0);
    assert_true(json_equal(before, now));
    look(fx, 100);
    look(fx, 70000);
    assert_true(fires(fx, ALERT_DISK_LOW));
    assert_int_equal(events(fx, "alert.disk_low").firing, 1);
    json_decref(before);
    json_decref(now);
}

static void test_off(void **state)
{
    struct fixture *fx = *state;
    fx->b->cfg.alerts.disk_free_bytes = 0;
    look(fx, 2000);
    look(fx, 900000);
    assert_false(fires(fx, ALERT_DISK_LOW));
    fx->b->cfg.alerts.memory_percent = 1; /* something is always in use */
    look(fx, 900001);
    look(fx, 960001);
    assert_true(fires(fx, ALERT_MEMORY_HIGH));
}

struct fill {
    struct store_op op;
    unsigned n;
    bool remove, done;
    int rc;
};

static int apply_fill(struct store_txn *t, struct store_op *op)
{
    static char block[BLOCK];
    struct fill *f = op->data;
    char name[16];
    (void)snprintf(name, sizeof(name), "fill%u", f->n);
    return f->remove ? store_del(t, STORE_META, STORE_PATH(name))
                     : store_put(t, STORE_META, STORE_PATH(name), block, sizeof(block));
}

static void on_filled(struct store_op *op, int rc)
{
    struct fill *f = op->data;
    f->rc = rc;
    f->done = true;
}

static int fill(struct fixture *fx, unsigned n, bool remove)
{
    struct fill f = {.n = n, .remove = remove};
    f.op.data = &f;
    store_submit(fx->store, &f.op, apply_fill, on_filled);
    WAIT(fx, f.done);
    return f.rc;
}

static void test_store_that_is_full(void **state)
{
    struct fixture *fx = *state;
    unsigned n = 0;
    fx->b->cfg.alerts.disk_free_bytes = 0;
    look(fx, 2000);
    assert_false(fires(fx, ALERT_STORE_FAILING));
    while (fill(fx, n, false) == 0) {
        n++;
    }
    assert_false(store_writable(fx->store, NULL));
    look(fx, 3000);
    assert_true(fires(fx, ALERT_STORE_FAILING)); /* at once */
    while (n > 0) {
        assert_int_equal(fill(fx, --n, true), 0);
    }
    look(fx, 4000);
    look(fx, 124000);
    assert_false(fires(fx, ALERT_STORE_FAILING));
    look(fx, 124001);
    struct log l = events(fx, "alert.store_failing");
    assert_true(l.firing <= 1);
    assert_int_equal(l.resolved, 1);
    assert_string_equal(l.last, "resolved");
}

/* What could not be told while the store was full is told later, as it is then. */
static void test_told_late(void **state)
{
    struct fixture *fx = *state;
    unsigned n = 0;
    while (fill(fx, n, false) == 0) {
        n++;
    }
    struct alert *x = alert_make(fx->b->alerts, ALERT_DISK_LOW, "", "", "");
    assert_non_null(x);
    x->facts.firing = x->state.firing = x->state.bad = x->tell = true;
    (void)snprintf(x->facts.detail, sizeof(x->facts.detail), "%s", "by hand");
    look(fx, 2000);
    while (n > 0) {
        assert_int_equal(fill(fx, --n, true), 0);
    }
    look(fx, 3000);
    assert_false(x->tell);
    assert_int_equal(events(fx, "alert.disk_low").firing, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hold_and_recovery, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_that_is_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_told_late, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
