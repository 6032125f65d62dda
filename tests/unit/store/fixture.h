/* A real store on a temporary directory, and one operation at a time. */
#ifndef STORE_TEST_FIXTURE_H
#define STORE_TEST_FIXTURE_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "store_priv.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    uint64_t map_size;
    uv_loop_t loop;
    struct store *s;
};

static inline int fx_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline int fx_try_open(struct fixture *fx, bool new_key, struct err *e)
{
    struct store_options o = {
        .dir = fx->dir, .map_size = fx->map_size, .loop = &fx->loop, .new_key = new_key};
    return store_open(&o, &fx->s, e);
}

static inline void fx_open(struct fixture *fx)
{
    struct err e = {0};
    if (fx_try_open(fx, false, &e) != 0) {
        fail_msg("store_open: %s", e.msg);
    }
}

static inline void fx_on_closed(void *arg)
{
    *(bool *)arg = true;
}

static inline void fx_close(struct fixture *fx)
{
    bool closed = false;
    store_close(fx->s, fx_on_closed, &closed);
    assert_false(closed);
    while (!closed) {
        uv_run(&fx->loop, UV_RUN_ONCE);
    }
    fx->s = NULL;
}

static inline void fx_reopen(struct fixture *fx)
{
    fx_close(fx);
    fx_open(fx);
}

static inline void fx_init(struct fixture *fx, uint64_t map_size)
{
    const char *tmp = getenv("TMPDIR");
    memset(fx, 0, sizeof(*fx));
    snprintf(fx->dir, sizeof(fx->dir), "%.40s/store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(fx->dir));
    fx->map_size = map_size;
    assert_int_equal(uv_loop_init(&fx->loop), 0);
}

static inline void fx_finish(struct fixture *fx)
{
    if (fx->s != NULL) {
        fx_close(fx);
    }
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    nftw(fx->dir, fx_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int fx_setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof(*fx));
    fx_init(fx, 0);
    fx_open(fx);
    *state = fx;
    return 0;
}

static inline int fx_teardown(void **state)
{
    fx_finish(*state);
    free(*state);
    return 0;
}

/* One operation, waited for. */
struct fx_op {
    struct store_op op;
    bool done;
    int rc;
};

static inline void fx_on_done(struct store_op *op, int rc)
{
    struct fx_op *w = LIST_ENTRY(op, struct fx_op, op);
    w->done = true;
    w->rc = rc;
}

static inline int fx_run(struct fixture *fx, store_apply_fn apply, void *data)
{
    struct fx_op w = {.op = {.data = data}};
    store_submit(fx->s, &w.op, apply, fx_on_done);
    assert_false(w.done);
    while (!w.done) {
        uv_run(&fx->loop, UV_RUN_ONCE);
    }
    return w.rc;
}

static inline struct store_txn *fx_read(struct fixture *fx)
{
    struct store_txn *t = NULL;
    struct err e = {0};
    if (store_read(fx->s, &t, &e) != 0) {
        fail_msg("store_read: %s", e.msg);
    }
    return t;
}

static inline void fx_check(struct fixture *fx)
{
    struct err e = {0};
    struct store_txn *t = fx_read(fx);
    if (store_check(t, &e) != 0) {
        fail_msg("store_check: %s", e.msg);
    }
    store_read_end(t);
}

static inline void assert_value(struct store_value v, const char *text)
{
    assert_int_equal(v.len, strlen(text));
    assert_memory_equal(v.data, text, v.len);
}

/* splitmix64: the same run for the same seed, printed when a test fails */
static inline uint64_t fx_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
