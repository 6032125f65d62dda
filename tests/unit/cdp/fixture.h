/*
 * A loop, an environment and a browser for the tests that need a real Chromium. Everything waits
 * for an event; a guard timer ends a test that waits in vain. fx_close() proves that nothing is
 * left: handles, descriptors, processes of the group.
 */
#ifndef TEST_CDP_FIXTURE_H
#define TEST_CDP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHELL_PATH "/usr/lib/chromium/chromium-headless-shell"
#define CHROMIUM_PATH "/usr/lib/chromium/chromium"
#define GUARD_MS 300000
#define PATIENT_MS 240000 /* of a call that takes as long as the machine is slow */

struct variant {
    const char *executable;
    enum cdp_transport transport;
};

struct fx {
    uv_loop_t loop;
    uv_timer_t guard;
    bool guard_fired;
    struct cdp *cdp;
    int fds_before;
    char dir[64];
    char profile[96];

    struct cdp_browser *browser;
    struct cdp_browser_options o;
    int started, gone;
    struct err start_err, gone_err;
    int pgid;
    bool browser_closed;

    struct cdp_page *page;
    struct cdp_page_options po;
    int opened, page_gone_count;
    struct err open_err, page_gone_err;
    bool page_closed;
    char wanted[64]; /* method that on_event looks for */
    int wanted_count;
    char *event; /* params of the last wanted one */
    bool all_closed;
};

/* One call and what came of it. */
struct answer {
    struct cdp_call call;
    int count;
    int code;
    char msg[256];
    char *text; /* copy of the result */
    size_t len;
};

static inline int fx_count_fds(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Processes whose group is pgid, zombies too. */
static inline int fx_group_size(int pgid)
{
    int n = 0;
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[300], text[512];
        int group = 0;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        ssize_t got = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[got > 0 ? got : 0] = '\0';
        const char *paren = strrchr(text, ')');
        if (paren && sscanf(paren + 1, " %*c %*d %d", &group) == 1 && group == pgid) {
            print_message("left of the group: %.80s\n", text);
            n++;
        }
    }
    closedir(dir);
    return n;
}

static inline void fx_on_guard(uv_timer_t *timer)
{
    struct fx *fx = timer->data;
    fx->guard_fired = true;
}

/* Runs the loop until *count reaches n. */
static inline void fx_wait(struct fx *fx, const int *count, int n)
{
    fx->guard_fired = false;
    uv_timer_start(&fx->guard, fx_on_guard, GUARD_MS, 0);
    while (*count < n && !fx->guard_fired) {
        uv_run(&fx->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&fx->guard);
    if (fx->guard_fired) {
        fail_msg("waited %d ms in vain", GUARD_MS);
    }
}

static inline void fx_wait_flag(struct fx *fx, const bool *flag)
{
    fx->guard_fired = false;
    uv_timer_start(&fx->guard, fx_on_guard, GUARD_MS, 0);
    while (!*flag && !fx->guard_fired) {
        uv_run(&fx->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&fx->guard);
    if (fx->guard_fired) {
        fail_msg("waited %d ms in vain", GUARD_MS);
    }
}

static inline void fx_on_started(void *arg, const struct err *e)
{
    struct fx *fx = arg;
    fx->started++;
    err_copy(&fx->start_err, e);
}

static inline void fx_on_gone(void *arg, const struct err *e)
{
    struct fx *fx = arg;
    fx->gone++;
    err_copy(&fx->gone_err, e);
}

static inline void fx_on_opened(void *arg, const struct err *e)
{
    struct fx *fx = arg;
    fx->opened++;
    err_copy(&fx->open_err, e);
}

static inline void fx_on_page_gone(void *arg, const struct err *e)
{
    struct fx *fx = arg;
    fx->page_gone_count++;
    err_copy(&fx->page_gone_err, e);
}

static inline void fx_on_event(void *arg, const char *method, const char *params, size_t len)
{
    struct fx *fx = arg;
    assert_int_equal(strlen(params), len);
    if (strcmp(method, fx->wanted) == 0) {
        free(fx->event);
        fx->event = strdup(params);
        fx->wanted_count++;
    }
}

static inline void fx_set_flag(void *arg)
{
    bool *flag = arg;
    assert_false(*flag);
    *flag = true;
}

static inline void fx_remove_dir(const char *dir)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static inline void fx_init(struct fx *fx, const struct variant *v)
{
    struct err e;
    memset(fx, 0, sizeof(*fx));
    /* libuv keeps two descriptors for signals from its first loop on */
    assert_int_equal(uv_loop_init(&fx->loop), 0);
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    strcpy(fx->dir, "/tmp/cdp-test-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    assert_int_equal(chmod(fx->dir, 0711), 0); /* another user may run the browser */
    snprintf(fx->profile, sizeof(fx->profile), "%s/profile", fx->dir);
    fx->fds_before = fx_count_fds();
    assert_int_equal(uv_loop_init(&fx->loop), 0);
    uv_timer_init(&fx->loop, &fx->guard);
    fx->guard.data = fx;
    int r = cdp_create(&fx->loop, &fx->cdp, &e);
    if (r != 0) {
        fail_msg("cdp_create: %s", e.msg);
    }
    fx->o = (struct cdp_browser_options){
        .executable = v ? v->executable : SHELL_PATH,
        .profile_dir = fx->profile,
        .transport = v ? v->transport : CDP_PIPE,
        .start_timeout_ms = PATIENT_MS,
        .on_started = fx_on_started,
        .on_gone = fx_on_gone,
        .arg = fx,
    };
    fx->po = (struct cdp_page_options){
        .on_opened = fx_on_opened, .on_event = fx_on_event, .on_gone = fx_on_page_gone, .arg = fx};
}

static inline void fx_start(struct fx *fx)
{
    struct err e;
    int before = fx->started;
    assert_int_equal(cdp_browser_start(fx->cdp, &fx->o, &fx->browser, &e), 0);
    assert_int_equal(fx->started, before); /* never inside the call */
    fx_wait(fx, &fx->started, before + 1);
    if (fx->start_err.code == 0) {
        fx->pgid = cdp_browser_pid(fx->browser);
    }
}

static inline void fx_open(struct fx *fx)
{
    struct err e;
    int before = fx->opened;
    assert_int_equal(cdp_page_open(fx->browser, &fx->po, &fx->page, &e), 0);
    assert_int_equal(fx->opened, before);
    fx_wait(fx, &fx->opened, before + 1);
    if (fx->open_err.code != 0) {
        fail_msg("page: %s", fx->open_err.msg);
    }
}

/* A browser with one page. */
static inline void fx_up(struct fx *fx, const struct variant *v)
{
    fx_init(fx, v);
    fx_start(fx);
    if (fx->start_err.code != 0) {
        fail_msg("start: %s", fx->start_err.msg);
    }
    fx_open(fx);
}

static inline void fx_close_page(struct fx *fx)
{
    fx->page_closed = false;
    cdp_page_close(fx->page, fx_set_flag, &fx->page_closed);
    assert_false(fx->page_closed);
    fx_wait_flag(fx, &fx->page_closed);
    fx->page = NULL;
}

static inline void fx_close_browser(struct fx *fx)
{
    fx->browser_closed = false;
    cdp_browser_close(fx->browser, 5000, fx_set_flag, &fx->browser_closed);
    assert_false(fx->browser_closed);
    fx_wait_flag(fx, &fx->browser_closed);
    fx->browser = NULL;
    if (fx->pgid > 0) {
        assert_int_equal(fx_group_size(fx->pgid), 0);
    }
}

static inline void fx_close(struct fx *fx)
{
    if (fx->page) {
        fx_close_page(fx);
    }
    if (fx->browser) {
        fx_close_browser(fx);
    }
    cdp_close(fx->cdp, fx_set_flag, &fx->all_closed);
    assert_false(fx->all_closed);
    fx_wait_flag(fx, &fx->all_closed);
    uv_close((uv_handle_t *)&fx->guard, NULL);
    uv_run(&fx->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    assert_int_equal(fx_count_fds(), fx->fds_before);
    free(fx->event);
    fx_remove_dir(fx->dir);
}

static inline void on_answer(struct cdp_call *call, const struct err *e, const char *result,
                             size_t len)
{
    struct answer *a = call->data;
    a->count++;
    assert_false(call->active);
    a->code = e ? e->code : 0;
    snprintf(a->msg, sizeof(a->msg), "%s", e ? e->msg : "");
    free(a->text);
    a->text = NULL;
    a->len = len;
    if (!e) {
        assert_int_equal(result[len], '\0');
        a->text = malloc(len + 1);
        assert_non_null(a->text);
        memcpy(a->text, result, len + 1);
    } else {
        assert_null(result);
    }
}

static inline void fx_call(struct fx *fx, struct answer *a, const char *method, const char *params,
                           uint64_t timeout_ms)
{
    memset(a, 0, sizeof(*a));
    a->call.data = a;
    cdp_page_call(fx->page, &a->call, method, params, params ? strlen(params) : 0, timeout_ms,
                  on_answer);
    assert_true(a->call.active);
    assert_int_equal(a->count, 0);
}

/* Evaluates and waits; the result in a->text, freed by the caller. expression is plain ASCII
 * without quotes or backslashes of JSON's. */
static inline void fx_eval(struct fx *fx, struct answer *a, const char *expression)
{
    char params[2048];
    snprintf(params, sizeof(params), "{\"expression\":\"%s\",\"returnByValue\":true}", expression);
    fx_call(fx, a, "Runtime.evaluate", params, PATIENT_MS);
    fx_wait(fx, &a->count, 1);
}

#endif
