/* Browsers that run as an unprivileged user, in their own sandbox. */

#include "trouble_fixture.h"

#include <pwd.h>

/* ---- as an unprivileged user, in the browser's own sandbox --------------------------------------
 */

/* Processes of the group under a seccomp filter and in a process namespace that is not ours: either
 * kind of the browser's sandbox (user namespaces, or its SUID helper) makes them one. */
static int count_sandboxed(int pgid)
{
    int n = 0;
    char own[64] = "";
    assert_true(readlink("/proc/self/ns/pid", own, sizeof(own) - 1) > 0);
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[300], text[4096], ns[64] = "";
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || getpgid((pid_t)pid) != pgid) {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
        if (readlink(path, ns, sizeof(ns) - 1) <= 0) {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%ld/status", pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
        if (fd >= 0) {
            close(fd);
        }
        text[got > 0 ? got : 0] = '\0';
        if (strstr(text, "\nSeccomp:\t2\n") && strcmp(ns, own) != 0) {
            n++;
        }
    }
    closedir(dir);
    return n;
}

static void test_as_nobody(void **state)
{
    struct fx fx;
    struct answer a;
    struct stat st;
    if (geteuid() != 0) {
        print_message("skipped: only root can run the browser as another user\n");
        skip();
    }
    const struct passwd *pw = getpwnam("nobody");
    assert_non_null(pw);
    fx_init(&fx, *state);
    fx.o.user = "nobody";
    fx.o.sandbox = true;
    fx_start(&fx);
    if (fx.start_err.code != 0) {
        fail_msg("%s", fx.start_err.msg);
    }
    fx_open(&fx);
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/%d", fx.pgid);
    assert_int_equal(stat(proc, &st), 0);
    assert_int_equal(st.st_uid, pw->pw_uid);
    assert_int_equal(stat(fx.profile, &st), 0);
    assert_int_equal(st.st_uid, pw->pw_uid);
    assert_int_equal(st.st_mode & 0777, 0700);

    fx_eval(&fx, &a, "1+1");
    assert_int_equal(a.code, 0);
    free(a.text);
    /* in its own sandbox: some process of the group has a system call filter and its own users */
    assert_true(count_sandboxed(fx.pgid) > 0);
    fx_close(&fx);
}

static void test_unreachable_profile(void **state)
{
    struct fx fx;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can run the browser as another user\n");
        skip();
    }
    fx_init(&fx, NULL);
    assert_int_equal(chmod(fx.dir, 0700), 0);
    fx.o.user = "nobody";
    fx.o.sandbox = true;
    fx_start(&fx);
    assert_int_equal(fx.start_err.code, E_FORBIDDEN);
    assert_non_null(strstr(fx.start_err.msg, fx.dir));
    fx_close(&fx);
}

int main(int argc, char **argv)
{
    trouble_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        ON(test_as_nobody, SHELL_PIPE),
        ON(test_as_nobody, CHROMIUM_PIPE),
        cmocka_unit_test(test_unreachable_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
