/*
 * The environment: one libwebsockets context as a guest on the daemon's loop, and a queue of tasks
 * for the next turn.
 *
 * Happy path of the end: cdp_close() -> (task) lws_context_destroy() starts to close lws's own uv
 * handles -> some turns later, when libuv has run their close callbacks, lws_context_destroy() a
 * second time frees the context -> our idle handle is closed -> on_closed, free.
 * The first destroy never runs inside an lws callback, because tasks never do.
 *
 * Failure modes: without its libuv plugin (a separate package) lws gives no context at all: we say
 * which package. A hard limit of few descriptors: refused at start, because Chromium dies of it
 * much later and without a word.
 */
#include "cdp_priv.h"

#include "mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FD_LIMIT_NEEDED 1024
/* lws closes its event pipe, timer and idle handles in the first turn; one more for handles that
 * are closed by those callbacks, and one to spare. */
#define LWS_CLOSE_TURNS 3

static const struct lws_protocols PROTOCOLS[] = {
    {.name = CDP_PROTOCOL_PIPE, .callback = transport_pipe_lws},
    /* rx_buffer_size alone bounds a client's receive callbacks */
    {.name = CDP_PROTOCOL_WS, .callback = transport_ws_lws, .rx_buffer_size = 64u << 10},
    {.name = NULL},
};

/* ---- tasks ------------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *idle)
{
    struct cdp *cdp = idle->data;
    struct list due;
    struct list *node;

    /* What these tasks defer is for the turn after this one. */
    list_init(&due);
    while ((node = list_pop(&cdp->tasks))) {
        list_append(&due, node);
    }
    while ((node = list_pop(&due))) {
        struct cdp_task *t = LIST_ENTRY(node, struct cdp_task, link);
        t->fn(t->arg);
    }
    if (list_empty(&cdp->tasks) && !uv_is_closing((uv_handle_t *)idle)) {
        uv_idle_stop(idle);
    }
}

void cdp_task_init(struct cdp_task *t, void (*fn)(void *arg), void *arg)
{
    list_init(&t->link);
    t->fn = fn;
    t->arg = arg;
}

void cdp_defer(struct cdp *cdp, struct cdp_task *t)
{
    if (!list_empty(&t->link)) {
        return;
    }
    list_append(&cdp->tasks, &t->link);
    uv_idle_start(&cdp->idle, on_idle);
}

void cdp_task_drop(struct cdp_task *t)
{
    list_remove(&t->link);
}

/* ---- ends of calls ----------------------------------------------------------------------- */

static void finish_calls(void *arg)
{
    struct cdp *cdp = arg;
    struct list due;
    struct list *node;

    list_init(&due);
    while ((node = list_pop(&cdp->finished))) {
        list_append(&due, node);
    }
    while ((node = list_pop(&due))) {
        struct cdp_call *call = LIST_ENTRY(node, struct cdp_call, link);
        struct err e = call->err;
        call->active = false;
        call->cb(call, &e, NULL, 0); /* may free or reuse the call */
    }
}

void cdp_call_finish(struct cdp *cdp, struct cdp_call *call, const struct err *e)
{
    list_remove(&call->link);
    call->owner = NULL;
    err_copy(&call->err, e);
    list_append(&cdp->finished, &call->link);
    cdp_defer(cdp, &cdp->finish);
}

/* ---- create and close -------------------------------------------------------------------- */

static void on_lws_log(int level, const char *line)
{
    size_t len = strlen(line);
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    int shown = len > 512 ? 512 : (int)len;
    if (level & LLL_ERR) {
        log_warn(NULL, "lws", "%.*s", shown, line);
    } else {
        log_debug(NULL, "lws", "%.*s", shown, line);
    }
}

static int raise_fd_limit(struct err *e)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_sys(e, E_IO, errno, "cannot read the limit of open files");
    }
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < FD_LIMIT_NEEDED) {
        return err_set(e, E_LIMIT,
                       "only %llu files may be open (hard limit); Chromium needs %d: raise "
                       "LimitNOFILE of the service or `ulimit -Hn`",
                       (unsigned long long)limit.rlim_max, FD_LIMIT_NEEDED);
    }
    if (limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return err_sys(e, E_LIMIT, errno, "cannot raise the limit of open files");
        }
    }
    return 0;
}

int cdp_create(uv_loop_t *loop, struct cdp **out, struct err *e)
{
    *out = NULL;
    int r = raise_fd_limit(e);
    if (r != 0) {
        return r;
    }
    struct cdp *cdp = mem_calloc(1, sizeof(*cdp));
    if (!cdp) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    cdp->loop = loop;
    /* What a killed browser leaves becomes our child, and browser.c reaps it. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    list_init(&cdp->tasks);
    list_init(&cdp->finished);
    cdp_task_init(&cdp->finish, finish_calls, cdp);

    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    void *loops[] = {loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .gid = -1,
        .uid = -1,
        .protocols = PROTOCOLS,
        .vhost_name = "cdp",
    };
    cdp->lws = lws_create_context(&info);
    if (!cdp->lws) {
        free(cdp);
        return err_set(e, E_UNAVAILABLE,
                       "libwebsockets does not start on libuv: install the package "
                       "libwebsockets-evlib-uv");
    }
    cdp->vhost = lws_create_vhost(cdp->lws, &info);
    if (!cdp->vhost) {
        lws_context_destroy(cdp->lws);
        free(cdp);
        return err_set(e, E_UNAVAILABLE, "libwebsockets gives no virtual host");
    }
    uv_idle_init(loop, &cdp->idle);
    cdp->idle.data = cdp;
    *out = cdp;
    return 0;
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct cdp *cdp = handle->data;
    void (*on_closed)(void *) = cdp->on_closed;
    void *arg = cdp->closed_arg;
    free(cdp);
    if (on_closed) {
        on_closed(arg);
    }
}

static void close_step(void *arg)
{
    struct cdp *cdp = arg;
    if (cdp->close_turns == LWS_CLOSE_TURNS) {
        lws_context_destroy(cdp->lws);
    }
    if (cdp->close_turns-- > 0) {
        cdp_defer(cdp, &cdp->closing);
        return;
    }
    lws_context_destroy(cdp->lws);
    cdp->lws = NULL;
    uv_close((uv_handle_t *)&cdp->idle, on_idle_closed);
}

void cdp_close(struct cdp *cdp, void (*on_closed)(void *arg), void *arg)
{
    if (!cdp) {
        return;
    }
    assert(cdp->objects == 0 && "close browsers and pages before the environment");
    cdp->on_closed = on_closed;
    cdp->closed_arg = arg;
    cdp->close_turns = LWS_CLOSE_TURNS;
    cdp_task_init(&cdp->closing, close_step, cdp);
    cdp_defer(cdp, &cdp->closing);
}
