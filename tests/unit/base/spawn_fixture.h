/*
 * Children in these tests are the test program itself, started with a mode as its first argument,
 * so that they can tell exactly what they inherited. A process's end is seen as end of file on a
 * pipe of which it held the only write end. alarm() bounds the whole.
 */
#ifndef TEST_SPAWN_FIXTURE_H
#define TEST_SPAWN_FIXTURE_H

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static uv_loop_t loop;
static char self[4096];

struct seen {
    struct spawn *s;
    int exits;
    int status;
    int signal;
    int closes;
    bool close_in_exit;
};

static void on_closed(void *arg)
{
    struct seen *seen = arg;
    seen->closes++;
    seen->s = NULL;
}

static void on_exit_cb(void *arg, int status, int signal)
{
    struct seen *seen = arg;
    assert_int_equal(seen->closes, 0);
    seen->exits++;
    seen->status = status;
    seen->signal = signal;
    assert_false(spawn_running(seen->s));
    spawn_kill(seen->s, SIGTERM); /* nothing is left; nobody else is hit */
    if (seen->close_in_exit) {
        spawn_close(seen->s, on_closed, seen);
    }
}

static int start_with(struct spawn_options *o, const char *mode, struct seen *seen, struct err *e)
{
    char copy[16];
    snprintf(copy, sizeof(copy), "%s", mode);
    char *argv[] = {self, copy, NULL};
    o->file = o->file != NULL ? o->file : self;
    o->argv = o->argv != NULL ? o->argv : argv;
    o->on_exit = on_exit_cb;
    o->arg = seen;
    int rc = spawn_start(&loop, o, &seen->s, e);
    o->argv = o->argv == argv ? NULL : o->argv;
    return rc;
}

static void start(struct spawn_options *o, const char *mode, struct seen *seen)
{
    struct err e = {0};
    int rc = start_with(o, mode, seen, &e);
    if (rc != 0) {
        fail_msg("spawn_start: %s", e.msg);
    }
    assert_true(spawn_running(seen->s));
    assert_true(spawn_pid(seen->s) > 1);
}

static void finish(struct seen *seen)
{
    if (seen->s != NULL && !seen->close_in_exit) {
        spawn_close(seen->s, on_closed, seen);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(seen->exits, 1);
    assert_int_equal(seen->closes, 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    assert_int_equal(errno, ECHILD);
}

static void make_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

/* Everything until end of file, which is the end of all writers. */
static void read_all(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, out + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    assert_int_equal(n, 0);
    out[len] = '\0';
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    alarm(300);
    return n > 0 ? uv_loop_init(&loop) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return uv_loop_close(&loop); /* fails when a handle was forgotten */
}

#endif
