/* What GET /v1/logs reads: base/log keeps its last lines. */
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    size_t count;
    uint64_t first, last;
    char text[8192]; /* the last one */
};

static void on_line(void *arg, uint64_t id, const char *line, size_t len)
{
    struct seen *s = arg;
    assert_true(s->count == 0 || id == s->last + 1);
    s->first = s->count == 0 ? id : s->first;
    s->last = id;
    s->count++;
    assert_true(len < sizeof(s->text));
    memcpy(s->text, line, len);
    s->text[len] = '\0';
}

static struct seen recent(uint64_t after, size_t max, uint64_t *next)
{
    struct seen s = {0};
    *next = log_recent(after, max, on_line, &s);
    return s;
}

static void test_recent(void **state)
{
    (void)state;
    uint64_t next;
    struct seen s = recent(0, 10, &next);
    assert_int_equal(s.count, 0);
    assert_int_equal(next, 0);
    log_info(NULL, "one", "first %s", "line\nwith a break");
    log_debug(NULL, "none", "below the level");
    log_warn(NULL, "two", "second");
    s = recent(0, 10, &next);
    assert_int_equal(s.count, 2);
    assert_int_equal(next, 2);
    assert_non_null(strstr(s.text, "two: second"));
    assert_null(strchr(s.text, '\n'));
    s = recent(0, 1, &next);
    assert_int_equal(next, 1);
    assert_non_null(strstr(s.text, "first line\\nwith a break"));
    s = recent(2, 10, &next);
    assert_int_equal(s.count, 0);
    assert_int_equal(next, 2);
    s = recent(99999, 10, &next); /* an id from before a restart: all there is */
    assert_int_equal(s.count, 2);
}

static void test_ring(void **state)
{
    (void)state;
    uint64_t next;
    for (int i = 0; i < 2 * LOG_RECENT_LINES; i++) {
        log_info(NULL, "many", "line %d", i);
    }
    struct seen s = recent(0, SIZE_MAX, &next);
    assert_int_equal(s.count, LOG_RECENT_LINES);
    assert_int_equal(s.last, 2 + 2 * LOG_RECENT_LINES);
    assert_int_equal(next, s.last);
    assert_non_null(strstr(s.text, "line 1999"));
    s = recent(LOG_NEWEST, 3, &next);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.first, 2 * LOG_RECENT_LINES);
    s = recent(5, 2, &next); /* long gone: goes on at the oldest there is */
    assert_int_equal(s.first, 3 + LOG_RECENT_LINES);
    assert_int_equal(next, s.last);
}

static void test_long_lines(void **state)
{
    (void)state;
    char text[6000];
    uint64_t next;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info(NULL, "long", "%s", text);
    struct seen s = recent(LOG_NEWEST, 1, &next);
    assert_true(strlen(s.text) > 4000);
    log_info(NULL, "short", "y");
    s = recent(LOG_NEWEST, 1, &next);
    assert_non_null(strstr(s.text, "short: y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recent),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_long_lines),
    };
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL) {
        return 1;
    }
    log_init(LOG_TEXT, LOG_INFO, fileno(nowhere));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)fclose(nowhere);
    return failed;
}
