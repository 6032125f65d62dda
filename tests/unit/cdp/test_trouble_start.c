/* Browsers that do not start, whose profile is in use, or that are there already: every waiter hears
 * it once, and nothing is left behind. */

#include "trouble_fixture.h"

#include <sys/wait.h>

/* ---- it does not start --------------------------------------------------------------------- */

static void test_missing_executable(void **state)
{
    struct fx fx;
    struct err e;
    (void)state;
    fx_init(&fx, NULL);
    fx.o.executable = "/nonexistent/chromium";
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_NOTFOUND);
    assert_non_null(strstr(fx.start_err.msg, "/nonexistent/chromium"));
    assert_non_null(strstr(fx.start_err.msg, "install"));
    assert_int_equal(cdp_check(&fx.o, &e), E_NOTFOUND);
    assert_int_equal(cdp_browser_pid(fx.browser), 0);
    assert_int_equal(access(fx.profile, F_OK), -1); /* nothing was made for it */
    fx_close(&fx);
    assert_int_equal(fx.gone, 0);
}

static void test_root_with_sandbox(void **state)
{
    struct fx fx;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: needs root\n");
        skip();
    }
    fx_init(&fx, NULL);
    fx.o.sandbox = true;
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_FORBIDDEN);
    assert_non_null(strstr(fx.start_err.msg, "user"));
    fx_close(&fx);
}

static void test_died_at_start(void **state)
{
    struct fx fx;
    char path[96];
    const struct variant *v = *state;
    fx_init(&fx, v);
    write_script(&fx, path,
                 "#!/bin/sh\necho 'first words' >&2\necho 'flux capacitor missing' >&2\nexit 3\n");
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_CLOSED);
    assert_non_null(strstr(fx.start_err.msg, "status 3"));
    assert_non_null(strstr(fx.start_err.msg, "flux capacitor missing"));
    fx_close(&fx);
    assert_int_equal(fx.started, 1);
    assert_int_equal(fx.gone, 0);
}

static void test_says_no_sandbox(void **state)
{
    struct fx fx;
    char path[96];
    (void)state;
    fx_init(&fx, NULL);
    write_script(
        &fx, path,
        "#!/bin/sh\necho '[1:1:FATAL] No usable sandbox! Update your kernel' >&2\nkill -TRAP $$\n");
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_CLOSED);
    assert_non_null(strstr(fx.start_err.msg, "chromium-sandbox"));
    fx_close(&fx);
}

/* One that lives and never answers, with a child of its own. */
static void test_never_answers(void **state)
{
    struct fx fx;
    char path[96];
    fx_init(&fx, *state);
    write_script(&fx, path, "#!/bin/sh\nsleep 300 &\nsleep 300\n");
    fx.o.start_timeout_ms = 1000;
    struct err e;
    assert_int_equal(cdp_browser_start(fx.cdp, &fx.o, &fx.browser, &e), 0);
    while (cdp_browser_pid(fx.browser) == 0 && fx.started == 0) {
        uv_run(&fx.loop, UV_RUN_ONCE);
    }
    fx.pgid = cdp_browser_pid(fx.browser);
    fx_wait(&fx, &fx.started, 1);
    assert_int_equal(fx.start_err.code, E_TIMEOUT);
    fx_close(&fx); /* proves that the group is gone */
}

static void test_closed_while_starting(void **state)
{
    /* at once; after it was spawned; as soon as it runs for some turns */
    for (int turns = 0; turns < 60; turns += 12) {
        struct fx fx;
        struct err e;
        fx_init(&fx, *state);
        assert_int_equal(cdp_browser_start(fx.cdp, &fx.o, &fx.browser, &e), 0);
        for (int i = 0; i < turns && fx.started == 0; i++) {
            uv_run(&fx.loop, UV_RUN_ONCE);
        }
        int started = fx.started;
        fx.pgid = cdp_browser_pid(fx.browser);
        fx_close_browser(&fx);
        assert_int_equal(fx.started, started); /* nothing after close */
        assert_int_equal(fx.gone, 0);
        fx_close(&fx);
    }
}

/* ---- the profile --------------------------------------------------------------------------- */

static void test_second_start(void **state)
{
    struct fx fx, second;
    struct err e;
    fx_up(&fx, *state);
    memset(&second, 0, sizeof(second));
    second.o = fx.o;
    second.o.arg = &second;
    assert_int_equal(cdp_browser_start(fx.cdp, &second.o, &second.browser, &e), 0);
    fx_wait(&fx, &second.started, 1);
    assert_int_equal(second.start_err.code, E_EXISTS);
    char own[32];
    snprintf(own, sizeof(own), "process %d", (int)getpid());
    assert_non_null(strstr(second.start_err.msg, own));
    cdp_browser_close(second.browser, 1000, fx_set_flag, &second.browser_closed);
    fx_wait_flag(&fx, &second.browser_closed);

    /* the first one does not notice, and its lock still stands */
    struct answer a;
    fx_eval(&fx, &a, "1+2");
    assert_int_equal(a.code, 0);
    free(a.text);
    second.started = 0;
    second.browser_closed = false;
    assert_int_equal(cdp_browser_start(fx.cdp, &second.o, &second.browser, &e), 0);
    fx_wait(&fx, &second.started, 1);
    assert_int_equal(second.start_err.code, E_EXISTS);
    cdp_browser_close(second.browser, 0, fx_set_flag, &second.browser_closed);
    fx_wait_flag(&fx, &second.browser_closed);
    fx_close(&fx);
}

static void test_stale_singleton(void **state)
{
    struct fx fx;
    char path[160], target[300], host[200];
    fx_init(&fx, *state);
    assert_int_equal(mkdir(fx.profile, 0700), 0);
    snprintf(path, sizeof(path), "%s/SingletonLock", fx.profile);

    /* of another host: Chromium by itself would refuse it for ever */
    assert_int_equal(symlink("some-other-host-4242", path), 0);
    fx_start(&fx);
    if (fx.start_err.code != 0) {
        fail_msg("%s", fx.start_err.msg);
    }
    fx_close_browser(&fx);

    /* of this host, of a process that lives but is no browser on this profile: us */
    unlink(path);
    assert_int_equal(gethostname(host, sizeof(host)), 0);
    snprintf(target, sizeof(target), "%s-%d", host, (int)getpid());
    assert_int_equal(symlink(target, path), 0);
    fx_start(&fx);
    if (fx.start_err.code != 0) {
        fail_msg("%s", fx.start_err.msg);
    }
    fx_close(&fx);
}

/* Somebody opened the profile by hand: a live browser keeps it. */
static void test_live_singleton(void **state)
{
    struct fx fx;
    char path[160], option[160], target[64], link[64];
    (void)state;
    fx_init(&fx, NULL);
    assert_int_equal(mkdir(fx.profile, 0700), 0);
    snprintf(option, sizeof(option), "--user-data-dir=%s", fx.profile);
    int hold[2];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* anything whose command line says so and that stays */
        dup2(hold[0], 0);
        execl("/bin/sh", "chromium", "-c", "read x", option, (char *)NULL);
        _exit(127);
    }
    char cmdline[64], seen[512] = "";
    snprintf(cmdline, sizeof(cmdline), "/proc/%d/cmdline", (int)pid);
    while (!memmem(seen, sizeof(seen), option, strlen(option))) { /* until it has executed */
        int fd = open(cmdline, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        (void)!read(fd, seen, sizeof(seen));
        close(fd);
    }
    snprintf(path, sizeof(path), "%s/SingletonLock", fx.profile);
    snprintf(target, sizeof(target), "anyhost-%d", (int)pid);
    assert_int_equal(symlink(target, path), 0);
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_EXISTS);
    assert_true(readlink(path, link, sizeof(link)) > 0); /* its lock was not touched */
    fx_close_browser(&fx);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(hold[0]);
    close(hold[1]);
    fx_start(&fx); /* and now it is stale */
    assert_int_equal(fx.start_err.code, 0);
    fx_close(&fx);
}

/* A path so long that Chromium's own socket would not fit below it. */
static void test_long_profile(void **state)
{
    struct fx fx;
    char longer[300];
    fx_init(&fx, *state);
    snprintf(longer, sizeof(longer), "%s/%0120d/profile", fx.dir, 0);
    fx.o.profile_dir = longer;
    fx_start(&fx);
    if (fx.start_err.code != 0) {
        fail_msg("%s", fx.start_err.msg);
    }
    fx_open(&fx);
    fx_close(&fx);
}

static void test_kept_after_restart(void **state)
{
    struct fx fx;
    struct answer a;
    char tmp[160];
    fx_up(&fx, *state);
    snprintf(tmp, sizeof(tmp), "%s/wabridge-tmp", fx.profile);
    assert_int_equal(access(tmp, F_OK), 0);
    fx_close_page(&fx);
    fx_close_browser(&fx);
    assert_int_equal(access(tmp, F_OK), -1); /* the browser's temporary files went with it */

    fx_start(&fx);
    assert_int_equal(fx.start_err.code, 0);
    fx_open(&fx);
    fx_eval(&fx, &a, "1");
    assert_int_equal(a.code, 0);
    free(a.text);
    fx_close(&fx);
}

/* LMDB opens its data file without O_CLOEXEC; the browser must not have such a descriptor. */
static void test_inherits_nothing(void **state)
{
    struct fx fx;
    char secret[128], path[300], target[300];
    int seen = 0;
    fx_init(&fx, *state);
    snprintf(secret, sizeof(secret), "%s/secret", fx.dir);
    int fd = open(secret, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, 0);
    snprintf(path, sizeof(path), "/proc/%d/fd", fx.pgid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            assert_string_not_equal(target, secret);
            seen++;
        }
    }
    closedir(dir);
    assert_true(seen > 3); /* we did look at its descriptors */
    close(fd);
    fx_close(&fx);
}

/* ---- another's browser ------------------------------------------------------------------------
 */

static void test_attach(void **state)
{
    struct fx fx;
    struct answer a, b;
    const struct variant *v = *state;
    fx_up(&fx, v);

    /* The port of a browser that we started over WebSocket, from the file Chromium leaves. */
    char path[160], text[128] = "", url[64];
    snprintf(path, sizeof(path), "%s/DevToolsActivePort", fx.profile);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    int port = atoi(text);
    char *browser_path = strchr(text, '\n') + 1;
    browser_path[strcspn(browser_path, "\n")] = '\0';

    for (int with_path = 0; with_path < 2; with_path++) {
        struct fx guest;
        struct err e;
        memset(&guest, 0, sizeof(guest));
        snprintf(url, sizeof(url), "ws://localhost:%d", port);
        char full[256];
        snprintf(full, sizeof(full), "%s%s", url, with_path ? browser_path : "");
        guest.o = fx.o;
        guest.o.attach = full;
        guest.o.arg = &guest;
        guest.po = fx.po;
        guest.po.arg = &guest;
        assert_int_equal(cdp_browser_start(fx.cdp, &guest.o, &guest.browser, &e), 0);
        fx_wait(&fx, &guest.started, 1);
        if (guest.start_err.code != 0) {
            fail_msg("attach to %s: %s", full, guest.start_err.msg);
        }
        assert_int_equal(cdp_browser_pid(guest.browser), 0);
        assert_string_equal(cdp_browser_version(guest.browser), cdp_browser_version(fx.browser));
        assert_int_equal(cdp_page_open(guest.browser, &guest.po, &guest.page, &e), 0);
        fx_wait(&fx, &guest.opened, 1);
        assert_int_equal(guest.open_err.code, 0);
        fx_call(&guest, &a, "Runtime.evaluate", "{\"expression\":\"3*4\"}", 0);
        fx_wait(&fx, &a.count, 1);
        assert_int_equal(a.code, 0);
        assert_non_null(strstr(a.text, "\"value\":12"));
        free(a.text);
        /* only disconnected: its page hears it, the browser goes on */
        cdp_browser_close(guest.browser, 1000, fx_set_flag, &guest.browser_closed);
        fx_wait_flag(&fx, &guest.browser_closed);
        assert_int_equal(guest.page_gone_count, 1);
        cdp_page_close(guest.page, fx_set_flag, &guest.page_closed);
        fx_wait_flag(&fx, &guest.page_closed);
        assert_int_equal(fx.gone, 0);
    }
    memset(&b, 0, sizeof(b));
    b.call.data = &b;
    cdp_browser_call(fx.browser, &b.call, "Browser.getVersion", NULL, 0, 0, on_answer);
    fx_wait(&fx, &b.count, 1);
    assert_int_equal(b.code, 0);
    free(b.text);
    fx_close(&fx);
}

static void test_attach_to_nobody(void **state)
{
    static const char *const urls[] = {"ws://127.0.0.1:1", "ws://127.0.0.1:1/devtools/browser/x",
                                       "ws://does-not-exist.invalid:9222"};
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct fx fx;
        fx_init(&fx, NULL);
        fx.o.attach = urls[i];
        fx_start(&fx);
        assert_int_equal(fx.start_err.code, E_CLOSED);
        fx_close(&fx);
    }
    struct fx fx;
    struct err e;
    fx_init(&fx, NULL);
    fx.o.attach = "http://127.0.0.1:9222";
    assert_int_equal(cdp_browser_start(fx.cdp, &fx.o, &fx.browser, &e), E_INVALID);
    assert_null(fx.browser);
    fx_close(&fx);
}

int main(int argc, char **argv)
{
    trouble_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_executable),
        cmocka_unit_test(test_root_with_sandbox),
        ON(test_died_at_start, SHELL_PIPE),
        ON(test_died_at_start, SHELL_WS),
        cmocka_unit_test(test_says_no_sandbox),
        ON(test_never_answers, SHELL_PIPE),
        ON(test_never_answers, SHELL_WS),
        ON(test_closed_while_starting, SHELL_PIPE),
        ON(test_closed_while_starting, SHELL_WS),
        ON(test_second_start, SHELL_PIPE),
        ON(test_second_start, CHROMIUM_PIPE),
        ON(test_stale_singleton, SHELL_PIPE),
        ON(test_stale_singleton, CHROMIUM_PIPE),
        cmocka_unit_test(test_live_singleton),
        ON(test_long_profile, SHELL_PIPE),
        ON(test_long_profile, CHROMIUM_PIPE),
        ON(test_kept_after_restart, SHELL_PIPE),
        ON(test_kept_after_restart, CHROMIUM_PIPE),
        ON(test_inherits_nothing, SHELL_PIPE),
        ON(test_inherits_nothing, SHELL_WS),
        ON(test_attach, SHELL_WS),
        ON(test_attach, CHROMIUM_WS),
        cmocka_unit_test(test_attach_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
