/*
 * From nothing to a browser that answers: the profile, the process and its stderr, the connection,
 * the first two requests. States and failure modes stand in browser.c; whatever goes wrong here is
 * one browser_lose().
 */
#include "browser_priv.h"

#include "json.h"
#include "launch_priv.h"
#include "stderr_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PAGE_MS 3000 /* then pages are made by Target.createTarget */
#define ORPHAN_RETRY_MS 50

static uint64_t start_time_left(const struct cdp_browser *b)
{
    uint64_t now = uv_now(b->cdp->loop);
    return b->start_deadline > now ? b->start_deadline - now : 0;
}

/* ---- coming up --------------------------------------------------------------------------- */

static void on_discovering(struct cdp_call *call, const struct err *e, const char *result,
                           size_t len)
{
    struct cdp_browser *b = call->data;
    (void)result;
    (void)len;
    if (!browser_in(b, BROWSER_HELLO)) {
        return;
    }
    if (e) {
        browser_lose(b, e);
        return;
    }
    if (b->attach || b->saw_page) {
        browser_ready(b);
        return;
    }
    sm_move(&b->state, BROWSER_FIRST_PAGE);
    uint64_t left = start_time_left(b);
    browser_arm(b, left < FIRST_PAGE_MS ? left : FIRST_PAGE_MS);
}

static void on_version(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    static const char params[] = "{\"discover\":true}";
    struct cdp_browser *b = call->data;

    if (!browser_in(b, BROWSER_HELLO)) {
        return;
    }
    if (e) {
        browser_lose(b, e);
        return;
    }
    json_t *v = json_parse(result, len, 64u << 10, NULL);
    snprintf(b->version, sizeof(b->version), "%s", json_str_or(v, "product", ""));
    json_decref(v);
    route_call(&b->route, &b->step, "Target.setDiscoverTargets", params, sizeof(params) - 1,
               start_time_left(b) + 1, ROUTE_FORCE, on_discovering);
}

static void hello(struct cdp_browser *b, struct transport *t)
{
    sm_move(&b->state, BROWSER_HELLO);
    connection_set_transport(&b->conn, t);
    route_call(&b->route, &b->step, "Browser.getVersion", NULL, 0, start_time_left(b) + 1,
               ROUTE_FORCE, on_version);
}

static void connect_ws(struct cdp_browser *b, const char *address, int port, const char *path)
{
    struct transport_events ev = connection_events_for(&b->conn);
    struct transport *t;
    struct err e;
    if (transport_ws_open(b->cdp, address, port, path, &ev, &t, &e) != 0) {
        browser_lose(b, &e);
        return;
    }
    hello(b, t);
}

static void on_discovered(void *arg, const struct err *e, const struct discover_result *r)
{
    struct cdp_browser *b = arg;
    b->discover = NULL;
    if (e) {
        browser_lose(b, e);
        return;
    }
    connect_ws(b, r->address, r->port, r->path);
}

static void attach(struct cdp_browser *b)
{
    struct ws_url url;
    struct err e;
    if (ws_url_parse(b->attach, &url, &e) != 0 ||
        discover_start(b->cdp->loop, &url, on_discovered, b, &b->discover, &e) != 0) {
        browser_lose(b, &e);
        return;
    }
    sm_move(&b->state, BROWSER_RESOLVING);
    browser_arm(b, start_time_left(b));
}

/* ---- stderr ------------------------------------------------------------------------------ */

static void on_stderr_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct cdp_browser *b = handle->data;
    (void)suggested;
    *buf = uv_buf_init(b->chunk, sizeof(b->chunk));
}

static void on_stderr(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct cdp_browser *b = stream->data;
    struct ws_url url;

    if (n < 0) {
        uv_read_stop(stream);
        b->stderr_done = true;
        browser_said(b);
        return;
    }
    b->tail_len = stderr_keep(b->tail, BROWSER_TAIL, b->tail_len, buf->base, (size_t)n);
    if (browser_in(b, BROWSER_WAIT_PORT) && stderr_find_port(b->tail, b->tail_len, &url)) {
        connect_ws(b, "127.0.0.1", url.port, url.path);
    }
}

/* ---- launching --------------------------------------------------------------------------- */

struct pipes {
    int to_child[2], from_child[2], errors[2]; /* [0] reads, [1] writes */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void close_pipes(struct pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->to_child[i]);
        close_fd(&p->from_child[i]);
        close_fd(&p->errors[i]);
    }
}

static int open_pipes(struct pipes *p, bool debugging, struct err *e)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(p->errors, O_CLOEXEC) == 0 &&
        (!debugging ||
         (pipe2(p->to_child, O_CLOEXEC) == 0 && pipe2(p->from_child, O_CLOEXEC) == 0))) {
        return 0;
    }
    int sys = errno;
    close_pipes(p);
    return err_sys(e, E_IO, sys, "cannot make a pipe for the browser");
}

static int spawn_browser(struct cdp_browser *b, const char *executable,
                         const struct launch_who *who, const struct pipes *pipes, struct err *e)
{
    struct cdp_browser_options o = b->o;
    o.profile_dir = b->profile_dir;
    o.cache_dir = b->cache_dir;
    o.extra_args = (const char *const *)(void *)b->extra_args;
    char **argv = launch_args(&o, executable);
    char **env = launch_env(b->profile_dir, b->profile.tmp);
    int fds[5] = {-1, -1, pipes->errors[1], pipes->to_child[0], pipes->from_child[1]};
    struct spawn_options so = {
        .file = executable,
        .argv = argv,
        .env = env,
        .cwd = b->profile_dir,
        .user = who->uid != (uid_t)-1 ? b->user : NULL,
        .fds = fds,
        .fd_count = o.transport == CDP_PIPE ? 5 : 3,
        .on_exit = browser_on_exit,
        .arg = b,
    };
    int r = argv && env ? spawn_start(b->cdp->loop, &so, &b->spawn, e)
                        : err_set(e, E_NOMEM, "out of memory");
    launch_free_vector(argv);
    launch_free_vector(env);
    return r;
}

/* The ends that are ours after the child has its own. */
static int keep_pipes(struct cdp_browser *b, struct pipes *pipes, struct transport **t,
                      struct err *e)
{
    close_fd(&pipes->to_child[0]);
    close_fd(&pipes->from_child[1]);
    close_fd(&pipes->errors[1]);
    uv_pipe_init(b->cdp->loop, &b->stderr_pipe, 0);
    b->stderr_pipe.data = b;
    b->stderr_open = true;
    int r = uv_pipe_open(&b->stderr_pipe, pipes->errors[0]);
    if (r < 0) {
        return err_set(e, E_IO, "cannot read the browser's stderr: %s", uv_strerror(r));
    }
    pipes->errors[0] = -1;
    uv_read_start((uv_stream_t *)&b->stderr_pipe, on_stderr_alloc, on_stderr);
    *t = NULL;
    if (b->o.transport != CDP_PIPE) {
        return 0;
    }
    struct transport_events ev = connection_events_for(&b->conn);
    int rx = pipes->from_child[0], tx = pipes->to_child[1];
    pipes->from_child[0] = pipes->to_child[1] = -1;
    return transport_pipe_open(b->cdp, rx, tx, &ev, t, e);
}

static int launch(struct cdp_browser *b, struct err *e)
{
    char executable[4096];
    struct launch_who who;
    struct pipes pipes;
    struct transport *t = NULL;
    struct cdp_browser_options o = b->o;
    o.user = b->user;

    int r = cdp_find_browser(b->executable, executable, sizeof(executable), e);
    if (r == 0) {
        r = launch_check_user(&o, geteuid(), &who, e);
    }
    if (r == 0) {
        r = profile_take(&b->profile, b->profile_dir, who.uid, who.gid, e);
    }
    if (r == 0 && b->cache_dir) {
        r = profile_make_dir(&b->profile, b->cache_dir, e);
    }
    if (r == 0) {
        r = open_pipes(&pipes, b->o.transport == CDP_PIPE, e);
    }
    if (r != 0) {
        return r;
    }
    r = spawn_browser(b, executable, &who, &pipes, e);
    if (r == 0) {
        profile_note_browser(&b->profile, spawn_pid(b->spawn));
        r = keep_pipes(b, &pipes, &t, e);
    }
    close_pipes(&pipes);
    if (r != 0) {
        return r;
    }
    log_debug(&b->o.log, "browser.launched", "%s, process %d", executable, spawn_pid(b->spawn));
    browser_arm(b, start_time_left(b));
    if (t) {
        hello(b, t);
    } else {
        sm_move(&b->state, BROWSER_WAIT_PORT);
    }
    return 0;
}

void browser_try_launch(struct cdp_browser *b)
{
    struct err e;
    if (b->attach) {
        attach(b);
        return;
    }
    int r = launch(b, &e);
    if (r == E_EXISTS && b->profile.orphan > 0 && start_time_left(b) > ORPHAN_RETRY_MS) {
        browser_arm(b, ORPHAN_RETRY_MS);
        return;
    }
    if (r != 0) {
        browser_lose(b, &e);
    }
}
