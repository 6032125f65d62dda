/* How a child ends, and that nothing of it stays. */
#include "spawn_fixture.h"

#include <string.h>

/* ---- the child's side ---- */

static void hold(void)
{
    for (;;) {
        pause();
    }
}

static int child_main(const char *mode)
{
    if (strcmp(mode, "hold") == 0) {
        hold();
    } else if (strcmp(mode, "exit") == 0) {
        return 7;
    }
    /* "orphan": a child of its own stays, "family": both stay */
    if (fork() == 0) {
        if (write(1, "x", 1) == 1) {
            hold();
        }
    }
    if (strcmp(mode, "family") == 0) {
        hold();
    }
    char c;
    return read(0, &c, 1) == 1 ? 0 : 1; /* until told to go */
}

/* ---- the parent's side ---- */

static void test_exit_status(void **state)
{
    (void)state;
    struct spawn_options o = {0};
    struct seen seen = {.close_in_exit = true};
    start(&o, "exit", &seen);
    finish(&seen);
    assert_int_equal(seen.status, 7);
    assert_int_equal(seen.signal, 0);
}

static void test_kill(void **state)
{
    (void)state;
    struct spawn_options o = {0};
    struct seen seen = {.close_in_exit = true};
    start(&o, "hold", &seen);
    spawn_kill(seen.s, SIGTERM);
    finish(&seen);
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.signal, SIGTERM);
}

/* The end is seen first and spawn_close() comes in a later turn; or nobody wants to be told. */
static void test_close_late(void **state)
{
    (void)state;
    struct spawn_options o = {0};
    struct seen seen = {0};
    start(&o, "exit", &seen);
    while (seen.exits == 0) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(seen.closes, 0);
    spawn_kill(seen.s, SIGKILL);
    spawn_close(seen.s, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.closes, 0);
}

static void start_family(const char *mode, struct seen *seen, int *in, int *out)
{
    int to[2], from[2];
    make_pipe(to);
    make_pipe(from);
    int fds[3] = {to[0], from[1], 2};
    struct spawn_options o = {.fds = fds, .fd_count = 3};
    start(&o, mode, seen);
    close(to[0]);
    close(from[1]);
    char c;
    assert_int_equal(read(from[0], &c, 1), 1); /* the grandchild is there */
    *in = to[1];
    *out = from[0];
}

static void test_close_ends_the_group(void **state)
{
    (void)state;
    struct seen seen = {0};
    int in, out;
    start_family("family", &seen, &in, &out);
    spawn_close(seen.s, on_closed, &seen);
    assert_int_equal(seen.closes, 0); /* never inside the call */
    char rest[8];
    read_all(out, rest, sizeof(rest));
    assert_string_equal(rest, "");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.signal, SIGKILL);
    assert_int_equal(seen.closes, 1);
    close(in);
}

/* The leader goes by itself: what it leaves behind is gone when on_exit has been called. */
static void test_orphans(void **state)
{
    (void)state;
    struct seen seen = {.close_in_exit = true};
    int in, out;
    start_family("orphan", &seen, &in, &out);
    assert_int_equal(write(in, "x", 1), 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.status, 0);
    char rest[8];
    read_all(out, rest, sizeof(rest));
    assert_string_equal(rest, "");
    close(in);
}

/* We are killed: the kernel ends the leader. In a process of its own, which is killed. */
static void dies_with_us(const char *user)
{
    int ends[2];
    make_pipe(ends);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uv_loop_t own;
        char file[] = "/bin/sleep", long_time[] = "600";
        char *argv[] = {file, long_time, NULL};
        int fds[2] = {-1, ends[1]};
        struct spawn_options o = {
            .file = file, .argv = argv, .user = user, .fds = fds, .fd_count = 2};
        struct spawn *s;
        if (uv_loop_init(&own) == 0 && spawn_start(&own, &o, &s, NULL) == 0 &&
            write(ends[1], "x", 1) == 1) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    close(ends[1]);
    char rest[8];
    read_all(ends[0], rest, sizeof(rest));
    assert_string_equal(rest, "x");
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void test_dies_with_us(void **state)
{
    (void)state;
    dies_with_us(NULL);
    if (geteuid() == 0) {
        dies_with_us("nobody"); /* a change of user clears the death signal: it must come after */
    }
}

/* Somebody else in the program waited for all children: told as status -1, and nothing hangs. */
static void test_reaped_elsewhere(void **state)
{
    (void)state;
    struct spawn_options o = {0};
    struct seen seen = {.close_in_exit = true};
    start(&o, "exit", &seen);
    assert_int_equal(waitpid(spawn_pid(seen.s), NULL, 0), spawn_pid(seen.s));
    finish(&seen);
    assert_int_equal(seen.status, -1);
    assert_int_equal(seen.signal, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return child_main(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_status),      cmocka_unit_test(test_kill),
        cmocka_unit_test(test_close_late),       cmocka_unit_test(test_close_ends_the_group),
        cmocka_unit_test(test_orphans),          cmocka_unit_test(test_dies_with_us),
        cmocka_unit_test(test_reaped_elsewhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
