/* The whole bridge on a real store in a temporary directory, without a browser. */
#ifndef CORE_FIXTURE_H
#define CORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_priv.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEADLINE_MS 120000

struct fixture {
    char dir[64], path[96];
    uv_loop_t loop;
    uv_timer_t beat;
    struct store *store;
    struct bridge *b;
    char *key;
};

static void on_beat(uv_timer_t *t)
{
    (void)t; /* ends the loop's sleep: uv_run() also runs timers before it sleeps */
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
    struct store_options o = {.dir = fx->dir, .map_size = 256u << 20, .loop = &fx->loop};
    char executable[] = "/nowhere/browser";
    if (store_open(&o, &fx->store, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    bridge_config_defaults(&c);
    c.data_dir = fx->dir;
    c.page.wa_js = fx->path;
    c.browser.executable = executable;
    c.browser.args = (const char *const[]){"--one", "--two", NULL};
    if (bridge_create(&fx->loop, fx->store, NULL, &c, &fx->b, &fx->key, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    memset(executable, 0, sizeof(executable)); /* texts were copied */
}

static void close_bridge(struct fixture *fx)
{
    bool closed = false;
    bridge_close(fx->b, 1000, on_flag, &closed);
    assert_false(closed);
    WAIT(fx, closed);
    fx->b = NULL;
    closed = false;
    store_close(fx->store, on_flag, &closed);
    WAIT(fx, closed);
    mem_wipe_free(fx->key, fx->key != NULL ? strlen(fx->key) : 0);
    fx->key = NULL;
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof(*fx));
    log_init(LOG_TEXT, LOG_ERROR, 2);
    snprintf(fx->dir, sizeof(fx->dir), "/tmp/core-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    snprintf(fx->path, sizeof(fx->path), "%s/wa.js", fx->dir);
    FILE *f = fopen(fx->path, "w");
    fputs("// the page is not opened here\n", f);
    fclose(f);
    uv_loop_init(&fx->loop);
    uv_timer_init(&fx->loop, &fx->beat);
    open_bridge(fx);
    *state = fx;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    if (fx->b != NULL) {
        close_bridge(fx);
    }
    uv_close((uv_handle_t *)&fx->beat, NULL);
    uv_run(&fx->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    nftw(fx->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fx);
    return 0;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

struct answer {
    bool done, created;
    struct err err;
    json_t *body;
};
static void on_answer(void *arg, const struct bridge_reply *r)
{
    struct answer *a = arg;
    assert_false(a->done);
    a->done = true;
    a->created = r->created;
    err_copy(&a->err, r->err);
    a->body = json_incref(r->body);
}
/* The call is the last argument: it sees `a`. */
#define CALL(fx, a, call)                                                                          \
    do {                                                                                           \
        json_decref((a).body);                                                                     \
        memset(&(a), 0, sizeof(a));                                                                \
        call;                                                                                      \
        assert_false((a).done);                                                                    \
        WAIT(fx, (a).done);                                                                        \
    } while (0)

#endif
