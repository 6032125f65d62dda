/* Erasing a profile takes exactly that profile and follows no link. */
#include "session_profile.h"

#include <errno.h>
#include <fcntl.h>
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

static char dir[] = "/tmp/wabridge-test-XXXXXX";

static const char *at(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(at(name), 0700), 0);
}

static void make_file(const char *name)
{
    int fd = open(at(name), O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static bool there(const char *name)
{
    struct stat st;
    return lstat(at(name), &st) == 0;
}

static void takes_the_profile_and_what_was_set_aside(void **state)
{
    struct err e;
    (void)state;
    make_dir("main");
    make_dir("main/Default");
    make_file("main/Default/Cookies");
    make_dir("main.quarantine-17");
    make_file("main.quarantine-17/x");
    make_dir("main2");
    make_dir("outside");
    make_file("outside/keep");
    char target[512];
    (void)snprintf(target, sizeof(target), "%s", at("outside"));
    assert_int_equal(symlink(target, at("main/link")), 0);

    assert_int_equal(session_profile_remove(dir, "main", &e), 0);
    assert_false(there("main"));
    assert_false(there("main.quarantine-17"));
    assert_true(there("main2"));
    assert_true(there("outside/keep"));
    assert_int_equal(session_profile_remove(dir, "main2", &e), 0);
    assert_int_equal(session_profile_remove(dir, "outside", &e), 0);
}

static void nothing_there_is_fine(void **state)
{
    struct err e;
    (void)state;
    assert_int_equal(session_profile_remove(dir, "never", &e), 0);
    assert_int_equal(session_profile_remove("/nonexistent/profiles", "main", &e), 0);
}

static void a_directory_that_is_a_link_is_refused(void **state)
{
    struct err e;
    char link[512];
    (void)state;
    make_dir("real");
    make_dir("real/main");
    char target[512];
    (void)snprintf(target, sizeof(target), "%s", at("real"));
    (void)snprintf(link, sizeof(link), "%s", at("tenant"));
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(session_profile_remove(link, "main", &e), E_IO);
    assert_true(there("real/main"));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(session_profile_remove(dir, "real", &e), 0);
}

static int make_place(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int remove_place(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_profile_and_what_was_set_aside),
        cmocka_unit_test(nothing_there_is_fine),
        cmocka_unit_test(a_directory_that_is_a_link_is_refused),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
