/* Out of memory in each allocation of what starts a browser: no vector that is half, no profile that
 * stays locked, and it works when there is memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdp.h"
#include "launch_priv.h"
#include "mem.h"
#include "profile_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_vectors(void **state)
{
    static const char *const extra[] = {"--lang=de", "--x", NULL};
    const struct cdp_browser_options o = {
        .profile_dir = "/p", .cache_dir = "/c", .extra_args = extra};
    (void)state;
    unsigned long refused = 1;
    for (long n = 0; refused > 0; n++) {
        mem_fail_after(n);
        char **v = n % 2 == 0 ? launch_args(&o, "/x/chromium") : launch_env("/h", "/t");
        refused = mem_refused();
        mem_fail_after(-1);
        assert_true((v == NULL) == (refused > 0));
        launch_free_vector(v);
        refused += (unsigned long)n % 2; /* the environment is the shorter one */
    }
}

/* base: short, or so long that the sockets of the browser need a place in /tmp. */
static void take_and_release(const char *below)
{
    char dir[32] = "/tmp/cdp-oom-XXXXXX", profile[256];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(profile, sizeof(profile), "%s/%s", dir, below);
    int rc = E_NOMEM;
    for (long n = 0; rc != 0; n++) {
        struct profile p;
        struct err e = {0};
        mem_fail_after(n);
        rc = profile_take(&p, profile, (uid_t)-1, (gid_t)-1, &e);
        unsigned long refused = mem_refused();
        mem_fail_after(-1);
        assert_true(rc == 0 || (rc == E_NOMEM && refused > 0));
        if (rc == 0) {
            profile_release(&p);
        } else {
            assert_int_equal(p.lock_fd, -1);
            assert_int_equal(p.dir_fd, -1);
            assert_null(p.tmp);
        }
    }
    assert_int_equal(profile_remove_tree(AT_FDCWD, dir), 0);
}

static void test_profile(void **state)
{
    (void)state;
    take_and_release("p");
    take_and_release("a-name-that-is-so-long-that-no-socket-fits-below-it-any-more/"
                     "and-another-one-that-is-quite-as-long-as-the-one-before-it");
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void test_environment(void **state)
{
    uv_loop_t loop;
    struct cdp *cdp = NULL;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (long n = 0; cdp == NULL; n++) {
        struct err e = {0};
        mem_fail_after(n);
        int rc = cdp_create(&loop, &cdp, &e);
        unsigned long refused = mem_refused();
        mem_fail_after(-1);
        assert_true(rc == 0 || (rc == E_NOMEM && refused > 0));
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    bool closed = false;
    cdp_close(cdp, on_closed, &closed);
    while (!closed) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
