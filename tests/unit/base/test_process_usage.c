/* Reading /proc: texts, trees and groups in a directory that looks like it, and a real child. */
#include "process_usage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static void put(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void process(int pid, const char *name, int parent, int group, int pss_kib)
{
    char path[256], text[512];
    (void)snprintf(path, sizeof(path), "%s/%d", dir, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%d/stat", pid);
    (void)snprintf(text, sizeof(text),
                   "%d (%s) S %d %d %d 0 -1 4194560 1 2 3 4 100 50 7 8 20 0 3 0 %d 999 10 1844\n", pid,
                   name, parent, group, group, 1000 + pid);
    put(path, text);
    if (pss_kib >= 0) {
        (void)snprintf(path, sizeof(path), "%d/smaps_rollup", pid);
        (void)snprintf(text, sizeof(text), "1000-2000 ---p [rollup]\nRss: %d kB\nPss:    %d kB\nPss_Anon: 1 kB\n",
                       2 * pss_kib, pss_kib);
        put(path, text);
    }
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/wabridge-proc-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command); /* NOLINT(cert-env33-c) */
}

static void test_stat(void **state)
{
    (void)state;
    struct process_stat s;
    assert_true(process_stat_parse("7 (a) b (c) S 1 5 5 0 -1 64 0 0 0 0 12 30 0 0 20 0 9 0 77 4096 25 0", &s));
    assert_int_equal(s.pid, 7);
    assert_int_equal(s.parent, 1);
    assert_int_equal(s.group, 5);
    assert_int_equal(s.cpu_ticks, 42);
    assert_int_equal(s.threads, 9);
    assert_int_equal(s.start_ticks, 77);
    assert_int_equal(s.rss_pages, 25);
    static const char *const bad[] = {"", "7", "x (a) S 1", "7 (a)", "7 (a) ", "7 (a) S 1 2 3", "7 (a) S 1 2 x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(process_stat_parse(bad[i], &s));
    }
}

static void test_field(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    static const char text[] = "MemFree:  1 kB\nMemAvailable:   12345 kB\nPss_Anon: 3 kB\nPss: none\n";
    assert_true(process_field_parse(text, "MemAvailable", &bytes));
    assert_int_equal(bytes, 12345 * 1024);
    assert_true(process_field_parse(text, "Pss_Anon", &bytes));
    assert_false(process_field_parse(text, "Pss", &bytes));
    assert_false(process_field_parse(text, "Swap", &bytes));
    assert_false(process_field_parse("", "Pss", &bytes));
}

/* 100 and its child and grandchild, an orphan of its group, and one that belongs to nobody. */
static void test_tree(void **state)
{
    (void)state;
    put("stat", "cpu 1 2 3\nbtime 1000\n");
    process(100, "chrome", 1, 100, 1000);
    process(101, "zygote) S 1 1", 100, 100, 500);
    process(102, "renderer", 101, 102, 250);
    process(103, "orphan", 1, 100, 50);
    process(104, "stranger", 1, 104, 9000);
    process(200, "other", 1, 200, -1);
    struct process_usage u[] = {{.leader = 100}, {.leader = 200}, {.leader = 300}};
    struct err e;
    assert_int_equal(process_usage_read(dir, u, 3, &e), 0);
    assert_int_equal(u[0].processes, 4);
    assert_int_equal(u[0].threads, 12);
    assert_int_equal(u[0].memory_bytes, 1800 * 1024);
    assert_true(u[0].exact);
    uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);
    assert_int_equal(u[0].cpu_ms, 4 * (150 * 1000 / tick));
    assert_int_equal(u[0].started_ms, 1000000 + 1100 * 1000 / tick);
    /* no smaps_rollup to read: the resident pages */
    assert_int_equal(u[1].processes, 1);
    assert_false(u[1].exact);
    assert_int_equal(u[1].memory_bytes, 10 * (uint64_t)sysconf(_SC_PAGESIZE));
    assert_int_equal(u[2].processes, 0);
    assert_int_equal(u[2].memory_bytes, 0);
}

static void test_refused(void **state)
{
    (void)state;
    struct err e;
    struct process_usage u = {.leader = 1};
    assert_int_equal(process_usage_read("/nonexistent", &u, 1, &e), E_IO);
    assert_int_equal(process_usage_read(dir, &u, PROCESS_USAGE_MAX + 1, &e), E_LIMIT);
}

static void on_done(struct process_usage_job *job, int rc)
{
    *(int *)job->arg = rc;
}

static void test_real_child(void **state)
{
    (void)state;
    uv_loop_t loop;
    int rc = 1;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    assert_true(pid > 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    struct process_usage u = {.leader = pid};
    struct process_usage_job job = {.items = &u, .count = 1, .done = on_done, .arg = &rc};
    assert_int_equal(process_usage_submit(&loop, &job), 0);
    assert_int_equal(rc, 1); /* never inside the call */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(rc, 0);
    assert_int_equal(u.processes, 1);
    assert_int_equal(u.threads, 1);
    assert_true(u.memory_bytes > 0);
    assert_true(u.started_ms > 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_field),
        cmocka_unit_test_setup_teardown(test_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test(test_real_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
