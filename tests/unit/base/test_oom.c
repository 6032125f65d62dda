/* Out of memory where base reads files and starts its log: said in words, and gone with its cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A zone that could not be read for want of memory is not taken for one that does not exist. */
static void test_zone(void **state)
{
    (void)state;
    const struct zone *z = NULL;
    for (long n = 0; z == NULL; n++) {
        mem_fail_after(n);
        z = zone_get("America/Sao_Paulo");
        unsigned long refused = mem_refused();
        mem_fail_after(-1);
        assert_true(z != NULL || refused > 0);
    }
    assert_int_equal(zone_offset(z, 1795222923), -3 * 3600);
}

static void test_log(void **state)
{
    (void)state;
    char path[] = "/tmp/log-oom-XXXXXX";
    int fd = mkstemp(path);
    struct err e = {0};
    assert_true(fd >= 0);
    mem_fail_after(0);
    assert_int_equal(log_open(path, &e), E_NOMEM);
    mem_fail_after(-1);
    assert_int_equal(log_open(path, &e), 0);
    mem_fail_after(0);
    assert_int_equal(log_start(&e), E_NOMEM);
    log_warn(NULL, "test.line", "written %s", "without a thread");
    mem_fail_after(-1);
    assert_int_equal(log_start(&e), 0);
    mem_fail_after(0);
    log_warn(NULL, "test.line", "written %s", "by the thread");
    mem_fail_after(-1);
    log_finish();
    char text[1024] = "";
    ssize_t len = read(fd, text, sizeof(text) - 1);
    assert_true(len > 0);
    assert_non_null(strstr(text, "written without a thread"));
    assert_non_null(strstr(text, "written by the thread"));
    close(fd);
    unlink(path);
    metrics_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zone), cmocka_unit_test(test_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
