/* Where lines go and what is remembered of each session. */
#include "clock.h"
#include "err.h"
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96], moved[96];

static int begin(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/wabridge-log-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    (void)snprintf(moved, sizeof(moved), "%s/log.1", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(moved);
    return rmdir(dir);
}

static char *content(const char *name)
{
    static char text[65536];
    FILE *f = fopen(name, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
    return text;
}

static void test_file_is_reopened(void **state)
{
    (void)state;
    struct err e;
    log_init(LOG_TEXT, LOG_INFO, -1);
    assert_int_equal(log_open(path, &e), 0);
    assert_int_equal(log_start(&e), 0);
    log_info(NULL, "one", "before");
    assert_int_equal(rename(path, moved), 0);
    log_info(NULL, "two", "still there");
    log_reopen();
    while (strstr(content(path), "log.reopened") == NULL) {
        usleep(1000); /* the thread opens it */
    }
    log_info(NULL, "three", "after");
    log_finish();
    assert_non_null(strstr(content(moved), "one: before"));
    assert_non_null(strstr(content(moved), "two: still there"));
    assert_null(strstr(content(moved), "three"));
    assert_non_null(strstr(content(path), "three: after"));
    assert_null(strstr(content(path), "two"));
}

static void test_file_that_cannot_be_opened(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(log_open("/nonexistent/log", &e), E_IO);
    assert_non_null(strstr(e.msg, "/nonexistent/log"));
}

/* Nobody reads the pipe: the caller goes on, and hears of the loss when somebody does. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct err e;
    int ends[2];
    enum { LINES = 4000 };
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    log_init(LOG_TEXT, LOG_INFO, ends[1]);
    assert_int_equal(log_start(&e), 0);
    char long_text[1000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    for (int i = 0; i < LINES; i++) { /* 4 MB: more than the queue and the pipe hold */
        log_info(NULL, "many", "%s", long_text);
    }
    FILE *f = fdopen(ends[0], "r");
    assert_non_null(f);
    static char line[8192];
    long got = 0, lost = -1;
    while (lost < 0 && fgets(line, sizeof(line), f) != NULL) {
        const char *at = strstr(line, "log.lost: ");
        if (at != NULL) {
            lost = strtol(at + 10, NULL, 10);
        } else {
            got += strstr(line, "many: ") != NULL;
        }
    }
    assert_true(lost > 0);
    assert_true(got + lost <= LINES);
    log_finish();
    (void)close(ends[1]);
    while (fgets(line, sizeof(line), f) != NULL) {
        got += strstr(line, "many: ") != NULL;
    }
    assert_int_equal(got + lost, LINES);
    (void)fclose(f);
}

struct seen {
    size_t count;
    uint64_t last;
    char text[5000];
};

static void on_line(void *arg, uint64_t id, const char *text, size_t len)
{
    struct seen *s = arg;
    s->count++;
    s->last = id;
    memcpy(s->text, text, len);
    s->text[len] = '\0';
}

static struct seen of(const char *session, uint64_t after, size_t max)
{
    struct seen s = {0};
    uint64_t next = log_recent_of("acme", session, after, max, on_line, &s);
    assert_true(s.count == 0 || next == s.last);
    return s;
}

static void to_nowhere(void)
{
    static int nowhere = -1;
    if (nowhere < 0) {
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    log_init(LOG_TEXT, LOG_INFO, nowhere);
}

static void test_ring_of_a_session(void **state)
{
    (void)state;
    to_nowhere();
    const struct log_ctx main = {.tenant = "acme", .session = "main"};
    const struct log_ctx shop = {.tenant = "acme", .session = "shop"};
    log_info(&main, "a", "first");
    log_info(&shop, "b", "other");
    log_info(NULL, "c", "of none");
    struct seen s = of("main", 0, 10);
    assert_int_equal(s.count, 1);
    assert_non_null(strstr(s.text, "a: first"));
    assert_int_equal(of("nobody", 0, 10).count, 0);
    for (int i = 0; i < 5000; i++) {
        log_info(&main, "many", "line %d %.*s", i, i % 700, "................................");
    }
    s = of("main", LOG_NEWEST, 1000000);
    assert_int_equal(s.last, 5001);
    assert_true(s.count > 100 && s.count < 1000);
    assert_non_null(strstr(s.text, "line 4999"));
    s = of("main", 0, 3); /* what is gone is left out */
    assert_int_equal(s.count, 3);
    assert_true(s.last > 4000);
    assert_int_equal(of("main", 5001, 10).count, 0);
    assert_int_equal(of("main", 5000, 10).count, 1);
    assert_int_equal(of("shop", 0, 10).count, 1);
    log_session_forget("acme", "shop");
    assert_int_equal(of("shop", 0, 10).count, 0);
}

static void test_too_many_sessions(void **state)
{
    (void)state;
    to_nowhere();
    char name[16];
    const struct log_ctx ctx = {.tenant = "acme", .session = name};
    for (int i = 0; i < LOG_SESSIONS + 10; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        log_info(&ctx, "one", "x");
    }
    assert_int_equal(of("s0", 0, 10).count, 0); /* silent for longest */
    assert_int_equal(of(name, 0, 10).count, 1);
    assert_int_equal(of("s20", 0, 10).count, 1);
}

static void test_level_of_a_session(void **state)
{
    (void)state;
    uint64_t left;
    to_nowhere();
    clock_fake(1, 1000);
    const struct log_ctx loud = {.tenant = "acme", .session = "loud"};
    const struct log_ctx quiet = {.tenant = "acme", .session = "quiet"};
    assert_true(log_session_level("acme", "loud", LOG_TRACE, 5000));
    assert_true(log_session_level("acme", "quiet", LOG_ERROR, 9000));
    log_trace(&loud, "a", "heard");
    log_warn(&quiet, "b", "not heard");
    log_debug(NULL, "c", "not heard");
    assert_int_equal(of("loud", 0, 10).count, 1);
    assert_int_equal(of("quiet", 0, 10).count, 0);
    assert_int_equal(log_session_level_get("acme", "loud", &left), LOG_TRACE);
    assert_int_equal(left, 5000);
    clock_fake(1, 6000); /* its time is over */
    log_trace(&loud, "a", "not heard");
    assert_int_equal(of("loud", 0, 10).count, 1);
    assert_int_equal(log_session_level_get("acme", "loud", &left), LOG_INFO);
    assert_int_equal(left, 0);
    assert_true(log_session_level("acme", "quiet", -1, 0));
    log_info(&quiet, "b", "heard");
    assert_int_equal(of("quiet", 0, 10).count, 1);
    clock_fake(0, 0);
}

static void test_too_many_levels(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < LOG_SESSION_LEVELS; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_true(log_session_level("acme", name, LOG_DEBUG, 60000));
    }
    assert_false(log_session_level("acme", "more", LOG_DEBUG, 60000));
    assert_true(log_session_level("acme", "s3", LOG_TRACE, 60000)); /* has one */
    assert_true(log_session_level("acme", "s3", -1, 0));
    assert_true(log_session_level("acme", "more", LOG_DEBUG, 60000));
    assert_false(log_session_level("acme", NULL, LOG_DEBUG, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_is_reopened, begin, end),
        cmocka_unit_test(test_file_that_cannot_be_opened),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_ring_of_a_session),
        cmocka_unit_test(test_too_many_sessions),
        cmocka_unit_test(test_level_of_a_session),
        cmocka_unit_test(test_too_many_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
