/* May another browser start: the arithmetic, and what the machine and its cgroups allow. */
#include "admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MIB(n) ((uint64_t)(n) << 20)

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

static void make(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/wabridge-memory-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command); /* NOLINT(cert-env33-c) */
}

static void test_check(void **state)
{
    (void)state;
    struct err e;
    struct admission a = {.available_bytes = MIB(1000), .reserve_bytes = MIB(256), .estimate_bytes = MIB(200)};
    assert_int_equal(admission_check(&a, &e), 0);
    a.unmeasured = 2; /* two that start: 600 + 256 */
    assert_int_equal(admission_check(&a, &e), 0);
    a.unmeasured = 3;
    assert_int_equal(admission_check(&a, &e), E_UNAVAILABLE);
    assert_string_equal(err_word_of(&e), "out_of_memory_budget");
    a.available_bytes = MIB(1056); /* to the byte */
    assert_int_equal(admission_check(&a, &e), 0);
    a.available_bytes--;
    assert_int_equal(admission_check(&a, &e), E_UNAVAILABLE);
    a.available_bytes = UINT64_MAX;
    assert_int_equal(admission_check(&a, &e), 0);
    a.max_browsers = a.running = 4;
    assert_int_equal(admission_check(&a, &e), E_UNAVAILABLE);
    a.running = 3;
    assert_int_equal(admission_check(&a, &e), 0);
}

static void test_estimate(void **state)
{
    (void)state;
    uint64_t sizes[] = {MIB(900), MIB(150), MIB(140)};
    assert_int_equal(admission_estimate(NULL, 0), ADMISSION_ESTIMATE);
    assert_int_equal(admission_estimate(sizes, 3), MIB(150));
    assert_int_equal(admission_estimate(sizes, 1), MIB(140));
}

static void test_available(void **state)
{
    (void)state;
    assert_true(admission_available(dir, dir) == UINT64_MAX);
    put("meminfo", "MemTotal:  9000 kB\nMemAvailable:    4096 kB\n");
    assert_int_equal(admission_available(dir, dir), MIB(4));
    make("self");
    make("system.slice");
    make("system.slice/wabridge.service");
    put("self/cgroup", "4:memory:/other\n0::/system.slice/wabridge.service\n");
    assert_int_equal(admission_available(dir, dir), MIB(4));
    put("system.slice/wabridge.service/memory.max", "max\n");
    put("system.slice/wabridge.service/memory.current", "5242880\n");
    assert_int_equal(admission_available(dir, dir), MIB(4));
    /* of 8 MiB 5 are taken, one of them by files that can go: 4; the slice above has 2 left */
    put("system.slice/wabridge.service/memory.max", "8388608\n");
    put("system.slice/wabridge.service/memory.stat", "anon 4\nactive_file 9\ninactive_file 1048576\n");
    assert_int_equal(admission_available(dir, dir), MIB(4));
    put("system.slice/memory.max", "6291456\n");
    put("system.slice/memory.current", "4194304\n");
    assert_int_equal(admission_available(dir, dir), MIB(2));
    put("system.slice/memory.current", "7340032\n");
    assert_int_equal(admission_available(dir, dir), 0);
}

static void test_this_machine(void **state)
{
    (void)state;
    assert_true(admission_available("/proc", "/sys/fs/cgroup") < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_estimate),
        cmocka_unit_test_setup_teardown(test_available, set_up, tear_down),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
