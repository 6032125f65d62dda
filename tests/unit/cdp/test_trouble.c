/* Browsers that die, crash or are stopped at a bad moment: every waiter hears it once, and nothing is
 * left behind. */

#include "trouble_fixture.h"

#include <poll.h>
#include <sys/wait.h>

/* ---- death --------------------------------------------------------------------------------- */

static void test_browser_killed(void **state)
{
    struct fx fx;
    struct answer a, b, c;
    fx_up(&fx, *state);
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    fx_call(&fx, &b, "Runtime.evaluate", ENDLESS, 0);
    memset(&c, 0, sizeof(c));
    c.call.data = &c;
    spin(&fx, 3);
    assert_int_equal(kill(fx.pgid, SIGKILL), 0);
    fx_wait(&fx, &fx.gone, 1);
    assert_int_equal(a.count, 1); /* before on_gone */
    assert_int_equal(b.count, 1);
    assert_int_equal(a.code, E_CLOSED);
    assert_int_equal(b.code, E_CLOSED);
    assert_int_equal(fx.page_gone_count, 1);
    assert_int_equal(fx.page_gone_err.code, E_CLOSED);
    assert_int_equal(fx.gone_err.code, E_CLOSED);
    assert_non_null(strstr(fx.gone_err.msg, "signal 9"));
    assert_int_equal(cdp_browser_pid(fx.browser), 0);

    /* later calls hear it too, from the loop */
    cdp_browser_call(fx.browser, &c.call, "Browser.getVersion", NULL, 0, 0, on_answer);
    assert_int_equal(c.count, 0);
    fx_wait(&fx, &c.count, 1);
    assert_int_equal(c.code, E_CLOSED);
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, E_CLOSED);

    fx_close_page(&fx);
    fx_close_browser(&fx);
    assert_int_equal(fx.gone, 1);
    assert_int_equal(fx.page_gone_count, 1);

    /* and the profile is free again */
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, 0);
    fx_close(&fx);
    assert_int_equal(fx.gone, 1);
}

/* A busy loop hears the exit and the end of stderr in one turn: on_gone comes last even so. */
static void test_death_heard_late(void **state)
{
    struct fx fx;
    struct answer a;
    siginfo_t info;
    fx_up(&fx, *state);
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    spin(&fx, 3);
    struct pollfd end = {.fd = -1};
    assert_int_equal(uv_fileno((uv_handle_t *)&fx.browser->stderr_pipe, &end.fd), 0);
    assert_int_equal(kill(-fx.pgid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)fx.pgid, &info, WEXITED | WNOWAIT), 0);
    do { /* of the last writer; words may still stand in it */
        assert_int_equal(poll(&end, 1, GUARD_MS), 1);
    } while (!(end.revents & POLLHUP));
    fx_wait(&fx, &fx.gone, 1);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.code, E_CLOSED);
    assert_int_equal(fx.page_gone_count, 1);
    assert_non_null(strstr(fx.gone_err.msg, "signal 9"));
    fx_close(&fx);
    assert_int_equal(fx.gone, 1);
}

/* kill -9 of the daemon: the browser must not live on. */
static void test_daemon_killed(void **state)
{
    struct fx fx;
    int report[2], pgid = 0;
    fx_init(&fx, *state);
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    pid_t daemon = fork();
    assert_true(daemon >= 0);
    if (daemon == 0) {
        struct fx other;
        fx_init(&other, *state);
        rmdir(other.dir); /* nobody would after the kill */
        other.o.profile_dir = fx.profile;
        fx_start(&other);
        (void)!write(report[1], &other.pgid, sizeof(other.pgid));
        for (;;) {
            pause();
        }
    }
    close(report[1]);
    assert_int_equal(read(report[0], &pgid, sizeof(pgid)), sizeof(pgid));
    close(report[0]);
    assert_true(pgid > 0 && kill(-pgid, 0) == 0);
    assert_int_equal(kill(daemon, SIGKILL), 0);
    assert_int_equal(waitpid(daemon, NULL, 0), daemon);
    /* We are the reaper of orphans (cdp_create): this returns when the last of them is dead. */
    while (waitpid(-pgid, NULL, 0) > 0) {
    }
    assert_int_equal(errno, ECHILD);
    assert_int_equal(fx_group_size(pgid), 0);

    /* its profile can be used at once */
    fx_start(&fx);
    if (fx.start_err.code != 0) {
        fail_msg("%s", fx.start_err.msg);
    }
    fx_close(&fx);
}

static void test_page_crash(void **state)
{
    struct fx fx;
    struct answer waiting, crash, a;
    fx_up(&fx, *state);
    fx_call(&fx, &waiting, "Runtime.evaluate", ENDLESS, 0);
    fx_call(&fx, &crash, "Page.navigate", "{\"url\":\"chrome://crash\"}", 0);
    fx_wait(&fx, &fx.page_gone_count, 1);
    assert_int_equal(waiting.count, 1);
    assert_int_equal(waiting.code, E_CLOSED);
    assert_int_equal(crash.count, 1);
    free(crash.text);
    assert_int_equal(fx.page_gone_err.code, E_CLOSED);
    fx_call(&fx, &a, "Runtime.evaluate", "{\"expression\":\"1\"}", 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, E_CLOSED); /* and does not hang, as Chromium would */

    /* the browser goes on */
    fx_close_page(&fx);
    assert_int_equal(fx.page_gone_count, 1);
    assert_int_equal(fx.gone, 0);
    fx_open(&fx);
    fx_eval(&fx, &a, "2+3");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.text, "\"value\":5"));
    free(a.text);
    fx_close(&fx);
}

static void test_target_closed(void **state)
{
    struct fx fx;
    struct answer waiting, closing;
    fx_up(&fx, *state);
    fx_call(&fx, &waiting, "Runtime.evaluate", ENDLESS, 0);
    fx_call(&fx, &closing, "Page.close", NULL, 0);
    fx_wait(&fx, &fx.page_gone_count, 1);
    assert_int_equal(waiting.count, 1);
    assert_int_equal(waiting.code, E_CLOSED);
    assert_int_equal(closing.count, 1);
    free(closing.text);
    assert_int_equal(fx.gone, 0);
    fx_close(&fx);
    assert_int_equal(fx.page_gone_count, 1);
}

/* ---- closing at a bad moment ----------------------------------------------------------------- */

static void test_close_with_calls_pending(void **state)
{
    struct fx fx;
    struct answer a, b;
    fx_up(&fx, *state);
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    memset(&b, 0, sizeof(b));
    b.call.data = &b;
    cdp_browser_call(fx.browser, &b.call, "Browser.getVersion", NULL, 0, 0, on_answer);
    /* the page is not closed before: it hears of it */
    fx_close_browser(&fx);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.code, E_CANCELED);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.code, E_CANCELED);
    assert_int_equal(fx.page_gone_count, 1);
    assert_int_equal(fx.gone, 0);
    /* the page outlives it and is inert */
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, E_CANCELED);
    fx_close(&fx);
    assert_int_equal(fx.page_gone_count, 1);
}

static void test_frozen_browser(void **state)
{
    struct fx fx;
    fx_up(&fx, *state);
    assert_int_equal(kill(-fx.pgid, SIGSTOP), 0); /* hears neither Browser.close nor SIGTERM */
    cdp_browser_close(fx.browser, 200, fx_set_flag, &fx.browser_closed);
    fx_wait_flag(&fx, &fx.browser_closed);
    assert_int_equal(fx_group_size(fx.pgid), 0);
    fx.browser = NULL;
    fx_close(&fx);
}

static void test_close_without_grace(void **state)
{
    struct fx fx;
    fx_up(&fx, *state);
    cdp_browser_close(fx.browser, 0, fx_set_flag, &fx.browser_closed);
    cdp_page_close(fx.page, fx_set_flag, &fx.page_closed);
    fx_wait_flag(&fx, &fx.browser_closed);
    assert_true(fx.page_closed);
    assert_int_equal(fx.page_gone_count, 0); /* closed by its owner before it could hear */
    assert_int_equal(fx_group_size(fx.pgid), 0);
    fx.browser = NULL;
    fx.page = NULL;
    fx_close(&fx);
}

static void close_all_inside(struct cdp_call *call, const struct err *e, const char *result,
                             size_t len)
{
    struct fx *fx = call->data;
    (void)result;
    (void)len;
    assert_null(e);
    fx->opened = 100;
    cdp_page_close(fx->page, fx_set_flag, &fx->page_closed);
    cdp_browser_close(fx->browser, 5000, fx_set_flag, &fx->browser_closed);
}

static void test_close_inside_callback(void **state)
{
    struct fx fx;
    struct cdp_call call = {.data = &fx};
    struct answer a;
    fx_up(&fx, *state);
    cdp_page_call(fx.page, &call, "Runtime.evaluate", "{\"expression\":\"1\"}", 18, 0,
                  close_all_inside);
    fx_call(&fx, &a, "Runtime.evaluate", ENDLESS, 0);
    fx_wait_flag(&fx, &fx.browser_closed);
    assert_int_equal(fx.opened, 100);
    assert_true(fx.page_closed);
    assert_int_equal(a.code, E_CANCELED);
    assert_int_equal(a.count, 1);
    fx.page = NULL;
    fx.browser = NULL;
    fx_close(&fx);
}

static void test_page_closed_while_opening(void **state)
{
    struct fx fx;
    struct err e;
    fx_up(&fx, *state);
    for (int turns = 0; turns < 10; turns++) {
        struct cdp_page *p = NULL;
        bool closed = false;
        int opened = fx.opened;
        assert_int_equal(cdp_page_open(fx.browser, &fx.po, &p, &e), 0);
        for (int i = 0; i < turns && fx.opened == opened; i++) {
            uv_run(&fx.loop, UV_RUN_ONCE);
        }
        opened = fx.opened;
        cdp_page_close(p, fx_set_flag, &closed);
        fx_wait_flag(&fx, &closed);
        assert_int_equal(fx.opened, opened); /* nothing after close */
    }
    fx_close(&fx);
}

int main(int argc, char **argv)
{
    trouble_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        ON_ALL(test_browser_killed),
        ON(test_death_heard_late, SHELL_PIPE),
        ON(test_death_heard_late, SHELL_WS),
        ON_ALL(test_daemon_killed),
        ON_ALL(test_page_crash),
        ON(test_target_closed, SHELL_PIPE),
        ON(test_target_closed, CHROMIUM_WS),
        ON_ALL(test_close_with_calls_pending),
        ON(test_frozen_browser, SHELL_PIPE),
        ON(test_frozen_browser, SHELL_WS),
        ON(test_close_without_grace, SHELL_PIPE),
        ON(test_close_inside_callback, SHELL_PIPE),
        ON(test_close_inside_callback, SHELL_WS),
        ON(test_page_closed_while_opening, SHELL_PIPE),
        ON(test_page_closed_while_opening, CHROMIUM_PIPE),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
