/* What a child starts with, and what keeps it from starting. */
#include "spawn_fixture.h"

#include "mem.h"

#include <dirent.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* ---- the child's side ---- */

/* One line a fact, on descriptor 1. */
static int report(void)
{
    mode_t mask = umask(0);
    int death = 0;
    (void)prctl(PR_GET_PDEATHSIG, &death);
    char cwd[4096];
    printf("leader=%d umask=%03o death=%d cwd=%s\n", getpid() == getpgrp(), (unsigned)mask, death,
           getcwd(cwd, sizeof(cwd)));
    struct sigaction sa;
    sigset_t blocked;
    sigaction(SIGPIPE, NULL, &sa);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    printf("pipe=%s blocked=%d\n", sa.sa_handler == SIG_DFL ? "default" : "changed",
           sigismember(&blocked, SIGUSR1));
    printf("home=%s lang=%s path=%s other=%s\n", getenv("HOME"), getenv("LANG"), getenv("PATH"),
           getenv("SPAWN_TEST") != NULL ? getenv("SPAWN_TEST") : "-");
    bool open_fds[64] = {false};
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        int fd = (int)strtol(d->d_name, NULL, 10);
        if (d->d_name[0] != '.' && fd != dirfd(dir) && fd < 64) {
            open_fds[fd] = true;
        }
    }
    closedir(dir);
    printf("fds=");
    for (int i = 0; i < 64; i++) {
        if (open_fds[i]) {
            printf("%d ", i);
        }
    }
    struct stat null, in;
    printf("\nstdin=%s\n", stat("/dev/null", &null) == 0 && fstat(0, &in) == 0 &&
                                   in.st_rdev == null.st_rdev && S_ISCHR(in.st_mode)
                               ? "null"
                               : "other");
    return 0;
}

/* Writes its own number on each descriptor from 3 on. */
static int number(void)
{
    for (int fd = 3; fd < SPAWN_MAX_FDS; fd++) {
        char text[16];
        int n = snprintf(text, sizeof(text), "%d ", fd);
        if (write(fd, text, (size_t)n) < 0 && errno != EBADF) {
            return 1;
        }
    }
    return 0;
}

static int child_main(const char *mode)
{
    if (strcmp(mode, "report") == 0) {
        return report();
    }
    return strcmp(mode, "number") == 0 ? number() : 7;
}

/* ---- the parent's side ---- */

static void run_report(struct spawn_options *o, char *out, size_t size)
{
    int ends[2];
    make_pipe(ends);
    int fds[3] = {-1, ends[1], 2};
    o->fds = fds;
    o->fd_count = 3;
    struct seen seen = {0};
    start(o, "report", &seen);
    close(ends[1]);
    read_all(ends[0], out, size);
    finish(&seen);
}

static void test_surroundings(void **state)
{
    (void)state;
    /* all of this must not reach the child */
    setenv("SPAWN_TEST", "leaked", 1);
    umask(022);
    signal(SIGPIPE, SIG_IGN);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, NULL);
    int leak = dup(2), far = fcntl(2, F_DUPFD, 60);

    char out[8192];
    struct spawn_options o = {0};
    run_report(&o, out, sizeof(out));
    assert_string_equal(out, "leader=1 umask=077 death=9 cwd=/\n"
                             "pipe=default blocked=0\n"
                             "home=/ lang=C.UTF-8 path=/usr/local/bin:/usr/bin:/bin other=-\n"
                             "fds=0 1 2 \nstdin=null\n");
    struct spawn_options there = {.cwd = "/tmp"};
    run_report(&there, out, sizeof(out));
    assert_non_null(strstr(out, "cwd=/tmp\n"));
    assert_non_null(strstr(out, "home=/tmp "));
    there.home = "/usr";
    run_report(&there, out, sizeof(out));
    assert_non_null(strstr(out, "cwd=/tmp\n"));
    assert_non_null(strstr(out, "home=/usr "));
    char *env[] = {"SPAWN_TEST=given", "HOME=/h", "LANG=l", "PATH=p", NULL};
    struct spawn_options own = {.env = env};
    run_report(&own, out, sizeof(out));
    assert_non_null(strstr(out, "home=/h lang=l path=p other=given\n"));

    sigset_t now;
    sigprocmask(SIG_UNBLOCK, &some, &now);
    assert_int_equal(sigismember(&now, SIGUSR1), 1); /* ours is as it was */
    close(leak);
    close(far);
}

/* Descriptors that are each other's targets arrive crossed, as asked. */
static void test_crossed_fds(void **state)
{
    (void)state;
    int a[2], b[2];
    make_pipe(a);
    make_pipe(b);
    assert_true(a[1] < SPAWN_MAX_FDS && b[1] < SPAWN_MAX_FDS);
    int fds[SPAWN_MAX_FDS];
    for (int i = 0; i < SPAWN_MAX_FDS; i++) {
        fds[i] = -1;
    }
    fds[a[1]] = b[1];
    fds[b[1]] = a[1];
    fds[a[0]] = a[1]; /* one source twice, onto the number of another */
    struct spawn_options o = {.fds = fds, .fd_count = SPAWN_MAX_FDS};
    struct seen seen = {0};
    start(&o, "number", &seen);
    close(a[1]);
    close(b[1]);
    char got[64], expected[64];
    read_all(b[0], got, sizeof(got));
    snprintf(expected, sizeof(expected), "%d ", a[1]);
    assert_string_equal(got, expected);
    read_all(a[0], got, sizeof(got));
    snprintf(expected, sizeof(expected), "%d %d ", a[0], b[1]);
    assert_string_equal(got, expected);
    seen.close_in_exit = true;
    finish(&seen);
    assert_int_equal(seen.status, 0);
}

static void test_failures(void **state)
{
    (void)state;
    char plain[] = "/tmp/wabridge-spawn-XXXXXX";
    int fd = mkstemp(plain);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "no program", 10), 10);
    close(fd);
    chmod(plain, 0644);
    int bad_fd[] = {-1, 999};
    int many[SPAWN_MAX_FDS + 1] = {0};
    char *empty[] = {NULL};
    struct {
        struct spawn_options o;
        int code;
        const char *says;
    } cases[] = {
        {{.file = "/nowhere/program"}, E_NOTFOUND, "cannot start /nowhere/program"},
        {{.file = "/dev/null/program"}, E_NOTFOUND, "cannot start"},
        {{.file = plain}, E_FORBIDDEN, "cannot start"},
        {{.file = "/tmp"}, E_FORBIDDEN, "cannot start"},
        {{.file = "program"}, E_INVALID, "absolute"},
        {{.file = ""}, E_INVALID, "absolute"},
        {{.argv = empty}, E_INVALID, "argv"},
        {{.cwd = "/nowhere"}, E_IO, "cannot enter the directory /nowhere"},
        {{.cwd = plain}, E_IO, "cannot enter the directory"},
        {{.fds = bad_fd, .fd_count = 2}, E_IO, "Bad file descriptor"},
        {{.fds = many, .fd_count = SPAWN_MAX_FDS + 1}, E_INVALID, "descriptors"},
        {{.fd_count = -1}, E_INVALID, "descriptors"},
        {{.user = "no-such-user-here"}, E_INVALID, "no such user: \"no-such-user-here\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen seen = {0};
        struct err e = {0};
        assert_int_equal(start_with(&cases[i].o, "exit", &seen, &e), cases[i].code);
        assert_int_equal(e.code, cases[i].code);
        if (strstr(e.msg, cases[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].says);
        }
        assert_null(seen.s);
        assert_int_equal(start_with(&cases[i].o, "exit", &seen, NULL), cases[i].code);
    }
    chmod(plain, 0755); /* executable, but in no format */
    struct seen seen = {0};
    struct spawn_options o = {.file = plain};
    assert_int_equal(start_with(&o, "exit", &seen, NULL), E_IO);
    unlink(plain);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    assert_int_equal(errno, ECHILD);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* no handle */
}

static void test_no_memory(void **state)
{
    (void)state;
    struct spawn_options o = {0};
    unsigned long refused = 1;
    for (long n = 0; refused > 0; n++) {
        struct seen seen = {.close_in_exit = true};
        mem_fail_after(n);
        int rc = start_with(&o, "exit", &seen, NULL);
        refused = mem_refused();
        mem_fail_after(-1);
        assert_int_equal(rc, refused > 0 ? E_NOMEM : 0);
        if (rc == 0) {
            finish(&seen);
            assert_true(n >= 2);
        }
    }
    struct spawn_options as = {.user = "root"};
    struct seen seen = {0};
    mem_fail_after(2);
    int rc = start_with(&as, "exit", &seen, NULL);
    mem_fail_after(-1);
    assert_int_equal(rc, E_NOMEM);
}

static void test_user(void **state)
{
    (void)state;
    struct seen seen = {.close_in_exit = true};
    if (geteuid() != 0) {
        struct spawn_options o = {.user = "nobody"};
        assert_int_equal(start_with(&o, "exit", &seen, NULL), E_FORBIDDEN);
        return;
    }
    gid_t extra = 4321, before[64];
    int count = getgroups(64, before);
    assert_int_equal(setgroups(1, &extra), 0); /* must not reach the child */
    int ends[2];
    make_pipe(ends);
    int fds[3] = {-1, ends[1], -1};
    char sh[] = "/bin/sh", c[] = "-c", script[] = "id -u; id -g; id -G; cd /root || echo no";
    char *argv[] = {sh, c, script, NULL};
    struct spawn_options o = {
        .file = sh, .argv = argv, .user = "nobody", .fds = fds, .fd_count = 3};
    start(&o, "", &seen);
    close(ends[1]);
    char out[256];
    read_all(ends[0], out, sizeof(out));
    assert_string_equal(out, "65534\n65534\n65534\nno\n");
    assert_int_equal(setgroups(count > 0 ? (size_t)count : 0, before), 0);
    finish(&seen);
    struct spawn_options closed = {.file = sh, .argv = argv, .user = "nobody", .cwd = "/root"};
    struct stat st;
    if (stat("/root", &st) == 0 && (st.st_mode & 07) == 0) {
        assert_int_equal(start_with(&closed, "", &seen, NULL), E_FORBIDDEN);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return child_main(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surroundings), cmocka_unit_test(test_crossed_fds),
        cmocka_unit_test(test_failures),     cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_user),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
