/*
 * Stopping a browser, whatever state it is in.
 *
 * Happy path: pending calls E_CANCELED, pages told -> Browser.close -> its exit -> the group is
 * empty -> connection, stderr and timer closed -> profile released -> on_closed.
 *
 * Failure modes: no exit within the grace is SIGTERM, then SIGKILL to the whole group
 * (spawn_close); a browser that is not connected gets SIGTERM at once. The last step is a task of
 * its own, so that every call that failed on the way has had its callback.
 */
#include "browser_priv.h"

#include "launch_priv.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define TERM_MS 1000 /* between SIGTERM and SIGKILL */
#define GROUP_CHECK_MS 5
#define GROUP_CHECKS 100

void browser_free(struct cdp_browser *b)
{
    free(b->executable);
    free(b->profile_dir);
    free(b->cache_dir);
    free(b->user);
    free(b->attach);
    launch_free_vector(b->extra_args);
    free(b);
}

/* The task of a closing browser: the end, once every part is closed. A task of its own, so that the
 * calls that failed on the way have had their callbacks. */
static void close_step(void *arg)
{
    struct cdp_browser *b = arg;
    if (b->closing_parts > 0) {
        return;
    }
    void (*on_closed)(void *) = b->on_closed;
    void *closed_arg = b->closed_arg;
    LIST_FOREACH(&b->pages, node, next)
    {
        page_detach_browser(page_of_link(node));
    }
    profile_release(&b->profile);
    b->cdp->objects--;
    browser_free(b);
    if (on_closed) {
        on_closed(closed_arg);
    }
}

static void part_closed(void *arg)
{
    struct cdp_browser *b = arg;
    b->closing_parts--;
    cdp_defer(b->cdp, &b->task);
}

static void on_handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

/* Everything of ours that is left. */
static void close_parts(struct cdp_browser *b)
{
    struct err e;
    err_set(&e, E_CANCELED, "the browser is being closed");
    b->closing_parts = 2;
    uv_close((uv_handle_t *)&b->timer, on_handle_closed);
    connection_close(&b->conn, &e, part_closed, b);
    if (b->stderr_open) {
        b->closing_parts++;
        uv_close((uv_handle_t *)&b->stderr_pipe, on_handle_closed);
    }
}

/* The leader is reaped and its group has had SIGKILL; its members need a moment to let go of the
 * profile. They are ours by now (cdp_create() makes us the reaper of orphans), so nothing depends
 * on an init that reaps: in a container that may be ourselves. */
static void wait_for_group(struct cdp_browser *b)
{
    siginfo_t info = {0};
    /* never a leader: should the number be in use again, its spawn wants to reap it */
    while (waitid(P_PGID, (id_t)b->group, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0 && info.si_pid != b->group) {
        waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
    if (b->group_checks++ < GROUP_CHECKS && (kill(-b->group, 0) == 0 || errno != ESRCH)) {
        browser_arm(b, GROUP_CHECK_MS);
        return;
    }
    close_parts(b);
}

static void on_spawn_closed(void *arg)
{
    struct cdp_browser *b = arg;
    b->spawn = NULL;
    wait_for_group(b);
}

/* Ends the process the hard way if it still lives, then the rest. Runs once. */
void browser_close_now(struct cdp_browser *b)
{
    if (b->group != 0) {
        return;
    }
    uv_timer_stop(&b->timer);
    if (!b->spawn) {
        b->group = -1;
        close_parts(b);
        return;
    }
    b->group = spawn_pid(b->spawn);
    spawn_close(b->spawn, on_spawn_closed, b);
}

/* The grace is over, or it is time to look at the group again. */
void browser_close_timer(struct cdp_browser *b)
{
    if (b->group > 0) {
        wait_for_group(b);
    } else if (b->grace_ms > 0 && b->spawn && !b->exited) {
        b->grace_ms = 0;
        log_debug(NULL, "browser.slow", "process %d does not leave: SIGTERM", cdp_browser_pid(b));
        spawn_kill(b->spawn, SIGTERM);
        browser_arm(b, TERM_MS);
    } else {
        browser_close_now(b);
    }
}

static void on_bye(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    (void)call; /* its exit is what we wait for */
    (void)e;
    (void)result;
    (void)len;
}

void cdp_browser_close(struct cdp_browser *b, uint64_t grace_ms, void (*on_closed)(void *arg),
                       void *arg)
{
    struct err e;
    if (!b) {
        return;
    }
    assert(!browser_in(b, BROWSER_CLOSING) && "a browser is closed once");
    bool talking = b->conn.transport != NULL;

    sm_move(&b->state, BROWSER_CLOSING);
    b->on_closed = on_closed;
    b->closed_arg = arg;
    b->grace_ms = grace_ms;
    discover_cancel(b->discover);
    b->discover = NULL;
    cdp_task_drop(&b->task);
    cdp_task_init(&b->task, close_step, b);
    err_set(&e, E_CANCELED, "the browser is being closed");
    LIST_FOREACH(&b->pages, node, next)
    {
        page_gone(page_of_link(node), &e);
    }
    route_cut(&b->route, &e);
    if (b->spawn && !b->exited && talking && grace_ms > 0) {
        b->bye_route = (struct route){.cdp = b->cdp, .conn = &b->conn};
        route_call(&b->bye_route, &b->bye, "Browser.close", NULL, 0, grace_ms, ROUTE_FORCE, on_bye);
        browser_arm(b, grace_ms);
    } else if (b->spawn && !b->exited && grace_ms > 0) {
        spawn_kill(b->spawn, SIGTERM);
        b->grace_ms = 0;
        browser_arm(b, grace_ms < TERM_MS ? grace_ms : TERM_MS);
    } else {
        b->grace_ms = 0;
        browser_arm(b, 0);
    }
}
