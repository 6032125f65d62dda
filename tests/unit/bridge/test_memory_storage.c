/* Profiles on disk: measured, caches cleared, old ones thinned out, no link followed. */
#include "storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static const char *in(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void make(const char *name)
{
    assert_int_equal(mkdir(in(name), 0700), 0);
}

static void fill(const char *name, size_t len)
{
    FILE *f = fopen(in(name), "we");
    assert_non_null(f);
    for (size_t i = 0; i < len; i++) {
        assert_true(fputc('x', f) != EOF);
    }
    assert_int_equal(fclose(f), 0);
}

static bool there(const char *name)
{
    struct stat st;
    return lstat(in(name), &st) == 0;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/wabridge-storage-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command); /* NOLINT(cert-env33-c) */
}

static void profile(void)
{
    make("main");
    make("main/Default");
    make("main/Default/IndexedDB");
    fill("main/Default/IndexedDB/1", 40000);
    make("main/Default/Cache");
    fill("main/Default/Cache/data_1", 200000);
    make("main-2");
    fill("main-2/1", 50000);
}

static void test_nothing(void **state)
{
    (void)state;
    struct storage s;
    struct err e;
    assert_int_equal(storage_measure("/nonexistent", "main", &s, &e), 0);
    assert_int_equal(storage_measure(dir, "main", &s, &e), 0);
    assert_int_equal(s.profile_bytes + s.cache_bytes + s.quarantine_bytes, 0);
    assert_int_equal(storage_clear_caches(dir, "main", &e), 0);
    assert_int_equal(storage_prune(dir, "main", 0, 1, 1, &e), 0);
}

static void test_caches(void **state)
{
    (void)state;
    struct storage s;
    struct err e;
    profile();
    assert_int_equal(storage_measure(dir, "main", &s, &e), 0);
    assert_true(s.cache_bytes >= 200000 && s.cache_bytes < 240000);
    assert_true(s.profile_bytes >= 40000 && s.profile_bytes < 80000);
    assert_int_equal(storage_clear_caches(dir, "main", &e), 0);
    assert_false(there("main/Default/Cache"));
    assert_true(there("main/Default/IndexedDB/1"));
    assert_int_equal(storage_measure(dir, "main", &s, &e), 0);
    assert_int_equal(s.cache_bytes, 0);
}

/* The browser's user may put links into the profile; what they point to is none of ours. */
static void test_links(void **state)
{
    (void)state;
    struct storage s;
    struct err e;
    make("elsewhere");
    make("elsewhere/Cache");
    fill("elsewhere/Cache/precious", 100000);
    make("main");
    assert_int_equal(symlink("../elsewhere", in("main/Default")), 0);
    assert_int_equal(storage_measure(dir, "main", &s, &e), 0);
    assert_true(s.cache_bytes + s.profile_bytes < 50000);
    assert_int_equal(storage_clear_caches(dir, "main", &e), 0);
    assert_true(there("elsewhere/Cache/precious"));
}

static void test_prune(void **state)
{
    (void)state;
    struct storage s;
    struct err e;
    profile();
    make("main.quarantine-1000");
    fill("main.quarantine-1000/x", 10000);
    make("main.quarantine-2000");
    make("main.quarantine-3000");
    make("main-2.quarantine-1000");
    assert_int_equal(storage_measure(dir, "main", &s, &e), 0);
    assert_int_equal(s.quarantined, 3);
    assert_true(s.quarantine_bytes >= 10000);
    assert_int_equal(storage_prune(dir, "main", 2, 0, 5000, &e), 0); /* the newest two stay */
    assert_false(there("main.quarantine-1000"));
    assert_true(there("main.quarantine-2000"));
    assert_int_equal(storage_prune(dir, "main", 2, 2500, 5000, &e), 0); /* by age */
    assert_false(there("main.quarantine-2000"));
    assert_true(there("main.quarantine-3000"));
    assert_true(there("main-2.quarantine-1000"));
    assert_true(there("main/Default/IndexedDB/1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_prune, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
