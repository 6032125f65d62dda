#include "sm.h"

#include "log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STOPPED, RUNNING, FAILED, COUNT };

static const struct sm_state table[COUNT] = {
    [STOPPED] = {"stopped", SM_BIT(RUNNING)},
    [RUNNING] = {"running", SM_BIT(STOPPED) | SM_BIT(FAILED)},
    [FAILED] = {"failed", 0},
};

static void test_moves(void **state)
{
    (void)state;
    struct sm m;
    sm_init(&m, table, COUNT, STOPPED);
    assert_string_equal(sm_name(&m), "stopped");
    assert_true(sm_may(&m, RUNNING));
    assert_true(sm_may(&m, STOPPED));
    assert_false(sm_may(&m, FAILED));
    assert_false(sm_may(&m, COUNT));
    assert_false(sm_may(&m, 1000));
    sm_move(&m, RUNNING);
    sm_move(&m, RUNNING);
    assert_string_equal(sm_name(&m), "running");
    sm_move(&m, FAILED);
    assert_int_equal(m.state, FAILED);
    assert_false(sm_may(&m, STOPPED));
}

static void refused(unsigned from, unsigned to, const char *expected)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        log_init(LOG_TEXT, LOG_INFO, ends[1]);
        struct sm m;
        sm_init(&m, table, COUNT, from);
        sm_move(&m, to);
        _exit(0);
    }
    close(ends[1]);
    char said[512];
    ssize_t n = read(ends[0], said, sizeof(said) - 1);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_true(n > 0);
    said[n] = '\0';
    assert_non_null(strstr(said, expected));
}

/* A forbidden move stops the program and says which. */
static void test_forbidden(void **state)
{
    (void)state;
    refused(STOPPED, FAILED, "stopped -> failed");
    refused(FAILED, RUNNING, "failed -> running");
    refused(RUNNING, 31, "running -> a state out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_forbidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
