#include "metrics.h"

#include "mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t bounds[] = {1000, 2500000, 0};
static struct metric sent = {.name = "sent_total",
                             .help = "What \"went\" out\\in\nall.",
                             .labels = {"tenant", "code"},
                             .max_series = 3};
static struct metric commits = {.name = "commits_total", .help = "Commits."};
static struct metric wait = {.name = "wait_seconds",
                             .help = "Waits.",
                             .kind = METRIC_HISTOGRAM,
                             .labels = {"route"},
                             .bounds_us = bounds};
static struct metric disk = {.name = "disk_seconds",
                             .help = "Disk.",
                             .kind = METRIC_HISTOGRAM,
                             .bounds_us = bounds};

static char *text(void)
{
    struct buf b;
    size_t len;
    buf_init(&b, 1 << 20);
    metrics_write(&b);
    assert_int_equal(b.rc, 0);
    (void)buf_char(&b, '\0');
    char *s = buf_steal(&b, &len);
    assert_non_null(s);
    return s;
}

static void has(const char *what)
{
    char *s = text();
    if (strstr(s, what) == NULL) {
        fail_msg("%s is not in\n%s", what, s);
    }
    free(s);
}

static void has_not(const char *what)
{
    char *s = text();
    if (strstr(s, what) != NULL) {
        fail_msg("%s is in\n%s", what, s);
    }
    free(s);
}

static int begin(void **state)
{
    (void)state;
    metrics_register(&sent);
    metrics_register(&commits);
    metrics_register(&wait);
    metrics_register(&disk);
    metrics_register(&sent); /* again: harmless */
    return 0;
}

static int end(void **state)
{
    (void)state;
    metrics_reset();
    return 0;
}

static void test_counters(void **state)
{
    (void)state;
    metric_add(&commits, NULL, 2);
    metric_add(&sent, METRIC_VALUES("acme", ""), 1);
    metric_add(&sent, METRIC_VALUES("acme", ""), 4);
    metric_add(&sent, METRIC_VALUES("a\"b\\c\nd", "x"), 1);
    char *s = text();
    assert_string_equal(strstr(s, "# HELP commits_total"),
                        "# HELP commits_total Commits.\n# TYPE commits_total counter\n"
                        "commits_total 2\n"
                        "# HELP wait_seconds Waits.\n# TYPE wait_seconds histogram\n"
                        "# HELP disk_seconds Disk.\n# TYPE disk_seconds histogram\n"
                        "disk_seconds_bucket{le=\"0.001\"} 0\n"
                        "disk_seconds_bucket{le=\"2.5\"} 0\n"
                        "disk_seconds_bucket{le=\"+Inf\"} 0\n"
                        "disk_seconds_sum 0\ndisk_seconds_count 0\n");
    free(s);
    has("# HELP sent_total What \"went\" out\\\\in\\nall.\n# TYPE sent_total counter\n");
    has("sent_total{tenant=\"acme\",code=\"\"} 5\n");
    has("sent_total{tenant=\"a\\\"b\\\\c\\nd\",code=\"x\"} 1\n");
}

static void test_histogram(void **state)
{
    (void)state;
    metric_observe_us(&wait, METRIC_VALUES("/v1"), 1000); /* a bound is in its own bucket */
    metric_observe_us(&wait, METRIC_VALUES("/v1"), 1001);
    metric_observe_us(&wait, METRIC_VALUES("/v1"), 9000000);
    has("wait_seconds_bucket{route=\"/v1\",le=\"0.001\"} 1\n"
        "wait_seconds_bucket{route=\"/v1\",le=\"2.5\"} 2\n"
        "wait_seconds_bucket{route=\"/v1\",le=\"+Inf\"} 3\n"
        "wait_seconds_sum{route=\"/v1\"} 9.002001\n"
        "wait_seconds_count{route=\"/v1\"} 3\n");
}

static void test_most_series(void **state)
{
    (void)state;
    char name[8];
    for (int i = 0; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        metric_add(&sent, METRIC_VALUES(name, ""), 1);
    }
    metric_add(&sent, METRIC_VALUES("t1", ""), 1); /* one that is there still counts for itself */
    has("sent_total{tenant=\"t1\",code=\"\"} 2\n");
    has("sent_total{tenant=\"other\",code=\"other\"} 6\n");
    has_not("t3");
    metrics_forget(&(struct metric_match){"tenant", "t1"}, 1);
    metric_add(&sent, METRIC_VALUES("t8", ""), 1); /* there is room again */
    has("sent_total{tenant=\"t8\",code=\"\"} 1\n");
    has_not("t1");
}

static void test_forget_needs_all(void **state)
{
    (void)state;
    metric_add(&sent, METRIC_VALUES("acme", "main"), 1);
    metric_add(&sent, METRIC_VALUES("acme", "shop"), 1);
    metric_observe_us(&wait, METRIC_VALUES("acme"), 1);
    const struct metric_match which[] = {{"tenant", "acme"}, {"code", "main"}};
    metrics_forget(which, 2);
    has_not("code=\"main\"");
    has("code=\"shop\"");
    has("route=\"acme\"");
}

static void test_long_value_is_cut(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    metric_add(&sent, METRIC_VALUES(name, ""), 1);
    metric_add(&sent, METRIC_VALUES(name, ""), 1); /* finds the cut one */
    name[METRIC_VALUE_MAX] = '\0';
    char want[500];
    (void)snprintf(want, sizeof(want), "sent_total{tenant=\"%s\",code=\"\"} 2\n", name);
    has(want);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        mem_fail_after(n);
        metric_add(&sent, METRIC_VALUES("acme", ""), 1);
        mem_fail_after(-1);
    }
    has_not("acme");
    metric_add(&sent, METRIC_VALUES("acme", ""), 1);
    has("sent_total{tenant=\"acme\",code=\"\"} 1\n");
}

static void test_not_registered(void **state)
{
    (void)state;
    static struct metric stray = {.name = "stray_total", .help = "x", .labels = {"a"}};
    metric_add(&stray, METRIC_VALUES("b"), 1);
    has_not("stray");
}

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        metric_add(&commits, NULL, 1);
        metric_observe_us(&disk, NULL, 500);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, count, NULL), 0);
    (void)count(NULL);
    assert_int_equal(pthread_join(other, NULL), 0);
    has("commits_total 20000\n");
    has("disk_seconds_bucket{le=\"0.001\"} 20000\n");
    has("disk_seconds_sum 10\n");
}

static void test_samples(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    static const char *const labels[] = {"a", "b", NULL};
    metrics_head(&b, "age_seconds", "gauge", "Age.");
    metrics_sample(&b, "age_seconds", labels, METRIC_VALUES("1", "x\\y"), 0.25);
    metrics_sample(&b, "up", NULL, NULL, 17179869184.0);
    (void)buf_char(&b, '\0');
    assert_string_equal(b.data, "# HELP age_seconds Age.\n# TYPE age_seconds gauge\n"
                                "age_seconds{a=\"1\",b=\"x\\\\y\"} 0.25\nup 17179869184\n");
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counters, begin, end),
        cmocka_unit_test_setup_teardown(test_histogram, begin, end),
        cmocka_unit_test_setup_teardown(test_most_series, begin, end),
        cmocka_unit_test_setup_teardown(test_forget_needs_all, begin, end),
        cmocka_unit_test_setup_teardown(test_long_value_is_cut, begin, end),
        cmocka_unit_test_setup_teardown(test_out_of_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_not_registered, begin, end),
        cmocka_unit_test_setup_teardown(test_threads, begin, end),
        cmocka_unit_test_setup_teardown(test_samples, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
