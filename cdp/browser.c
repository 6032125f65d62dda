/*
 * One Chromium: started or attached to, watched, stopped.
 *
 *   LAUNCHING -> (own, port) WAIT_PORT ----+
 *       |     -> (attach)    RESOLVING ----+-> HELLO -> FIRST_PAGE -> READY
 *       |     -> (own, pipe) --------------+     |          |          |
 *       +--------------- any of these -----------+----------+----------+-> LOST -> GONE
 *   any state but CLOSING -> CLOSING -> freed
 *
 * Happy path: take the profile -> spawn with its stderr on a pipe -> connect -> Browser.getVersion,
 * Target.setDiscoverTargets -> the first window's target shows up -> on_started. Stop: pending
 * calls E_CANCELED -> Browser.close -> it exits -> on_closed.
 *
 * Failure modes: everything that ends a browser (exit, end of the pipe, socket closed, start limit)
 * goes through browser_lose(): calls fail at once and the pages hear on_gone, then up to SETTLE_MS
 * are given to the exit status and the last of stderr to arrive, so that the message can say why;
 * then on_started(error) or on_gone, once, from a task: a timer alone could overtake the tasks of
 * the calls and the pages. A profile still held by the browser of a dead daemon is tried again
 * until the start limit (profile_lock.c has killed it). A browser that does not leave on
 * Browser.close gets SIGTERM after the grace, and SIGKILL goes to whatever is left of its group.
 */
#include "browser_priv.h"

#include "json.h"
#include "launch_priv.h"
#include "mem.h"
#include "stderr_priv.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_TIMEOUT_MS 30000
#define SETTLE_MS 300

#define ENDS (SM_BIT(BROWSER_LOST) | SM_BIT(BROWSER_CLOSING))
static const struct sm_state STATES[] = {
    [BROWSER_LAUNCHING] = {"launching", SM_BIT(BROWSER_WAIT_PORT) | SM_BIT(BROWSER_RESOLVING) |
                                            SM_BIT(BROWSER_HELLO) | ENDS},
    [BROWSER_WAIT_PORT] = {"wait_port", SM_BIT(BROWSER_HELLO) | ENDS},
    [BROWSER_RESOLVING] = {"resolving", SM_BIT(BROWSER_HELLO) | ENDS},
    [BROWSER_HELLO] = {"hello", SM_BIT(BROWSER_FIRST_PAGE) | SM_BIT(BROWSER_READY) | ENDS},
    [BROWSER_FIRST_PAGE] = {"first_page", SM_BIT(BROWSER_READY) | ENDS},
    [BROWSER_READY] = {"ready", ENDS},
    [BROWSER_LOST] = {"lost", SM_BIT(BROWSER_GONE) | SM_BIT(BROWSER_CLOSING)},
    [BROWSER_GONE] = {"gone", SM_BIT(BROWSER_CLOSING)},
    [BROWSER_CLOSING] = {"closing", 0},
};

static void on_timer(uv_timer_t *timer);

bool browser_in(const struct cdp_browser *b, enum browser_state s)
{
    return b->state.state == (unsigned)s;
}

bool browser_usable(const struct cdp_browser *b)
{
    return browser_in(b, BROWSER_READY);
}

void browser_arm(struct cdp_browser *b, uint64_t ms)
{
    uv_update_time(b->cdp->loop);
    uv_timer_start(&b->timer, on_timer, ms, 0);
}

/* ---- losing it --------------------------------------------------------------------------- */

static void describe_end(struct cdp_browser *b, struct err *e)
{
    char lines[160];
    if (b->spawn && b->exited && e->code != E_TIMEOUT) {
        if (b->exit_signal != 0) {
            err_set(e, E_CLOSED, "the browser was killed by signal %d", b->exit_signal);
        } else {
            err_set(e, E_CLOSED, "the browser exited with status %d", b->exit_status);
        }
    }
    const char *advice = stderr_advice(b->tail, b->tail_len);
    if (advice) {
        err_set(e, e->code, "%s", advice);
    } else if (!b->start_reported &&
               stderr_last_lines(b->tail, b->tail_len, lines, sizeof(lines))) {
        struct err copy = *e;
        err_set(e, copy.code, "%s; it said: %s", copy.msg, lines);
    }
}

/* The task of a lost browser. */
static void settled(void *arg)
{
    struct cdp_browser *b = arg;
    struct err e = b->why;

    sm_move(&b->state, BROWSER_GONE);
    uv_timer_stop(&b->timer);
    if (b->spawn) {
        spawn_kill(b->spawn, SIGKILL);
    }
    if (e.code == E_CLOSED || e.code == E_TIMEOUT) {
        describe_end(b, &e);
    }
    if (b->start_reported) {
        log_warn(&b->o.log, "browser.gone", "%s", e.msg);
        if (b->o.on_gone) {
            b->o.on_gone(b->o.arg, &e);
        }
        return;
    }
    b->start_reported = true;
    log_warn(&b->o.log, "browser.failed", "%s", e.msg);
    b->o.on_started(b->o.arg, &e);
}

/* Nothing more to wait for: the process is reaped and its last words are read. */
static bool all_said(const struct cdp_browser *b)
{
    return !b->spawn || (b->exited && b->stderr_done);
}

void browser_lose(struct cdp_browser *b, const struct err *e)
{
    if (browser_in(b, BROWSER_LOST) || browser_in(b, BROWSER_GONE) ||
        browser_in(b, BROWSER_CLOSING)) {
        return;
    }
    sm_move(&b->state, BROWSER_LOST);
    b->why = *e;
    discover_cancel(b->discover);
    b->discover = NULL;
    route_cut(&b->route, e);
    LIST_FOREACH(&b->pages, node, next)
    {
        page_gone(page_of_link(node), e);
    }
    if (e->code == E_TIMEOUT && b->spawn) {
        spawn_kill(b->spawn, SIGKILL);
    }
    cdp_task_drop(&b->task);
    cdp_task_init(&b->task, settled, b);
    browser_arm(b, SETTLE_MS);
    browser_said(b);
}

void browser_said(struct cdp_browser *b)
{
    if (browser_in(b, BROWSER_LOST) && all_said(b)) {
        cdp_defer(b->cdp, &b->task); /* behind the ends of the calls and the pages' on_gone */
    }
}

static void on_connection_lost(void *arg, const struct err *e)
{
    browser_lose(arg, e);
}

void browser_on_exit(void *arg, int status, int signal)
{
    struct cdp_browser *b = arg;
    struct err e;

    b->exited = true;
    b->exit_status = status;
    b->exit_signal = signal;
    if (browser_in(b, BROWSER_CLOSING)) {
        browser_close_now(b);
        return;
    }
    err_set(&e, E_CLOSED, "the browser exited");
    browser_lose(b, &e);
    browser_said(b);
}

/* ---- ready ------------------------------------------------------------------------------- */

void browser_ready(struct cdp_browser *b)
{
    sm_move(&b->state, BROWSER_READY);
    uv_timer_stop(&b->timer);
    b->start_reported = true;
    log_info(&b->o.log, "browser.ready", "%s, process %d, %s", b->version, cdp_browser_pid(b),
             b->attach                    ? "attached"
             : b->o.transport == CDP_PIPE ? "pipe"
                                          : "websocket");
    b->o.on_started(b->o.arg, NULL);
}

static void on_timer(uv_timer_t *timer)
{
    struct cdp_browser *b = timer->data;
    struct err e;

    switch ((enum browser_state)b->state.state) {
    case BROWSER_LAUNCHING:
        browser_try_launch(b);
        return;
    case BROWSER_FIRST_PAGE:
        browser_ready(b);
        return;
    case BROWSER_WAIT_PORT:
    case BROWSER_RESOLVING:
    case BROWSER_HELLO:
        err_set(&e, E_TIMEOUT, "the browser did not come up in time");
        browser_lose(b, &e);
        return;
    case BROWSER_LOST:
        cdp_defer(b->cdp, &b->task);
        return;
    case BROWSER_CLOSING:
        browser_close_timer(b);
        return;
    case BROWSER_READY:
    case BROWSER_GONE:
        return;
    }
}

/* ---- events of the browser's own session --------------------------------------------------- */

static struct cdp_page *find_page(struct cdp_browser *b, const char *id,
                                  bool (*has)(const struct cdp_page *, const char *))
{
    LIST_FOREACH(&b->pages, node, next)
    {
        struct cdp_page *p = page_of_link(node);
        if (has(p, id)) {
            return p;
        }
    }
    return NULL;
}

static void on_target_event(struct cdp_browser *b, const char *method, const char *params,
                            size_t len)
{
    struct cdp_page *p = NULL;
    struct err e;
    json_t *v = json_parse(params, len, 1u << 20, NULL);

    if (strcmp(method, "Target.targetCreated") == 0) {
        if (strcmp(json_str_or(json_obj(v, "targetInfo"), "type", ""), "page") == 0) {
            b->saw_page = true;
        }
    } else if (strcmp(method, "Target.targetCrashed") == 0) {
        p = find_page(b, json_str_or(v, "targetId", ""), page_has_target);
        err_set(&e, E_CLOSED, "the page crashed (%s)", json_str_or(v, "status", "?"));
    } else if (strcmp(method, "Target.targetDestroyed") == 0) {
        p = find_page(b, json_str_or(v, "targetId", ""), page_has_target);
        err_set(&e, E_CLOSED, "the page was closed");
    } else {
        p = find_page(b, json_str_or(v, "sessionId", ""), page_has_session);
        err_set(&e, E_CLOSED, "the page was taken away");
    }
    json_decref(v);
    if (p) {
        page_gone(p, &e);
    }
    if (b->saw_page && browser_in(b, BROWSER_FIRST_PAGE)) {
        browser_ready(b);
    }
}

static void on_event(void *arg, const char *session, const char *method, const char *params,
                     size_t len)
{
    static const char *const own[] = {"Target.targetCrashed", "Target.targetDestroyed",
                                      "Target.detachedFromTarget"};
    struct cdp_browser *b = arg;

    if (session[0] != '\0') {
        struct cdp_page *p = find_page(b, session, page_has_session);
        if (p) {
            page_on_event(p, method, params, len);
        }
        return;
    }
    /* the rest would be parsed for nothing: titles and addresses of every target */
    bool wanted = !b->saw_page && strcmp(method, "Target.targetCreated") == 0;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        wanted = wanted || strcmp(method, own[i]) == 0;
    }
    if (wanted) {
        on_target_event(b, method, params, len);
    }
}

/* ---- create ------------------------------------------------------------------------------ */

static int copy_text(char **out, const char *text)
{
    *out = mem_strdup(text);
    return text && !*out ? E_NOMEM : 0;
}

static int copy_args(char ***out, const char *const *args)
{
    size_t n = 0;
    *out = NULL;
    while (args && args[n]) {
        n++;
    }
    char **v = mem_calloc(n + 1, sizeof(*v));
    if (!v) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        v[i] = mem_strdup(args[i]);
        if (!v[i]) {
            launch_free_vector(v);
            return E_NOMEM;
        }
    }
    *out = v;
    return 0;
}

static int copy_options(struct cdp_browser *b, const struct cdp_browser_options *o)
{
    b->o = *o;
    b->o.executable = b->o.profile_dir = b->o.cache_dir = b->o.user = b->o.attach = NULL;
    b->o.extra_args = NULL;
    if (copy_text(&b->executable, o->executable) != 0 ||
        copy_text(&b->profile_dir, o->profile_dir) != 0 ||
        copy_text(&b->cache_dir, o->cache_dir) != 0 || copy_text(&b->user, o->user) != 0 ||
        copy_text(&b->attach, o->attach) != 0) {
        return E_NOMEM;
    }
    return copy_args(&b->extra_args, o->extra_args);
}

static void first_step(void *arg)
{
    struct cdp_browser *b = arg;
    if (browser_in(b, BROWSER_LAUNCHING)) {
        browser_try_launch(b);
    }
}

int cdp_browser_start(struct cdp *cdp, const struct cdp_browser_options *o,
                      struct cdp_browser **out, struct err *e)
{
    *out = NULL;
    if (!o->on_started) {
        return err_set(e, E_INVALID, "on_started is missing");
    }
    if (!o->attach && (!o->profile_dir || o->profile_dir[0] != '/')) {
        return err_set(e, E_INVALID, "the profile directory must be an absolute path");
    }
    struct ws_url url;
    if (o->attach && ws_url_parse(o->attach, &url, e) != 0) {
        return E_INVALID;
    }
    struct cdp_browser *b = mem_calloc(1, sizeof(*b));
    if (!b || copy_options(b, o) != 0) {
        if (b) {
            browser_free(b);
        }
        return err_set(e, E_NOMEM, "out of memory");
    }
    b->cdp = cdp;
    sm_init(&b->state, STATES, sizeof(STATES) / sizeof(STATES[0]), BROWSER_LAUNCHING);
    list_init(&b->pages);
    b->profile.dir_fd = b->profile.lock_fd = -1;
    struct connection_events ev = {.on_event = on_event, .on_lost = on_connection_lost, .arg = b};
    connection_init(&b->conn, cdp, &ev);
    b->route = (struct route){.cdp = cdp, .conn = &b->conn};
    b->step.data = b->bye.data = b;
    uv_timer_init(cdp->loop, &b->timer);
    b->timer.data = b;
    b->start_deadline =
        uv_now(cdp->loop) + (o->start_timeout_ms > 0 ? o->start_timeout_ms : START_TIMEOUT_MS);
    cdp_task_init(&b->task, first_step, b);
    cdp_defer(cdp, &b->task);
    cdp->objects++;
    *out = b;
    return 0;
}

int cdp_browser_pid(const struct cdp_browser *b)
{
    return b->spawn && !b->exited ? spawn_pid(b->spawn) : 0;
}

const char *cdp_browser_version(const struct cdp_browser *b)
{
    return b->version;
}

void cdp_browser_call(struct cdp_browser *b, struct cdp_call *call, const char *method,
                      const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb)
{
    route_call(&b->route, call, method, params, params_len, timeout_ms, 0, cb);
}
