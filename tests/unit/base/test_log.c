#include "log.h"

#include "clock.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int ends[2]; /* every line goes through this pipe */
static char line[8192];

static int open_pipe(void **state)
{
    (void)state;
    clock_fake(1795222923456, 1);
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int close_pipe(void **state)
{
    (void)state;
    clock_fake(0, 0);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* What was written by one log call; "" for nothing. */
static const char *logged(void)
{
    ssize_t n = read(ends[0], line, sizeof(line) - 1);
    line[n > 0 ? n : 0] = '\0';
    return line;
}

static void test_text(void **state)
{
    (void)state;
    log_init(LOG_TEXT, LOG_TRACE, ends[1]);
    struct log_ctx ctx = {.tenant = "acme", .session = "main", .request_id = "01ABC"};
    log_info(&ctx, "session.ready", "after %d ms", 12);
    assert_string_equal(
        logged(), "2026-11-21T01:02:03.456Z INFO  [acme/main] session.ready (01ABC): after 12 ms\n");
    log_error(NULL, "store.full", "%s", "no space");
    assert_string_equal(logged(), "2026-11-21T01:02:03.456Z ERROR store.full: no space\n");
    struct log_ctx tenant = {.tenant = "acme"}, session = {.session = "main"};
    log_warn(&tenant, "a", "b");
    assert_string_equal(logged(), "2026-11-21T01:02:03.456Z WARN  [acme] a: b\n");
    log_debug(&session, "a", "b");
    assert_string_equal(logged(), "2026-11-21T01:02:03.456Z DEBUG [-/main] a: b\n");
    log_trace(NULL, "a", "b");
    assert_string_equal(logged(), "2026-11-21T01:02:03.456Z TRACE a: b\n");
}

static void test_json(void **state)
{
    (void)state;
    log_init(LOG_JSON, LOG_INFO, ends[1]);
    struct log_ctx ctx = {.tenant = "acme", .session = "main", .request_id = "01ABC"};
    log_info(&ctx, "session.ready", "after %d \"ms\"\\", 12);
    assert_string_equal(logged(),
                        "{\"time\":\"2026-11-21T01:02:03.456Z\",\"level\":\"info\","
                        "\"event\":\"session.ready\",\"tenant\":\"acme\",\"session\":\"main\","
                        "\"request_id\":\"01ABC\",\"msg\":\"after 12 \\\"ms\\\"\\\\\"}\n");
    log_warn(NULL, "e", "%s", "");
    assert_string_equal(logged(), "{\"time\":\"2026-11-21T01:02:03.456Z\",\"level\":\"warn\","
                                  "\"event\":\"e\",\"msg\":\"\"}\n");
}

static void test_levels(void **state)
{
    (void)state;
    log_init(LOG_TEXT, LOG_WARN, ends[1]);
    log_info(NULL, "a", "hidden");
    assert_string_equal(logged(), "");
    log_warn(NULL, "a", "shown");
    assert_string_not_equal(logged(), "");
    log_set_level(LOG_DEBUG);
    assert_int_equal(log_get_level(), LOG_DEBUG);
    log_trace(NULL, "a", "hidden");
    assert_string_equal(logged(), "");
    log_debug(NULL, "a", "shown");
    assert_string_not_equal(logged(), "");
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(log_level_parse(names[i]), i);
    }
    static const char *const bad[] = {"", "INFO", "warning", "info ", "0"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(log_level_parse(bad[i]), -1);
    }
    assert_int_equal(log_level_parse(NULL), -1);
}

/* Nothing that comes from outside can begin a line, drive a terminal or break a reader. */
static void test_injection(void **state)
{
    (void)state;
    static const struct {
        const char *in, *text;
    } cases[] = {
        {"a\nb", "a\\nb"},
        {"a\r\tb", "a\\r\\tb"},
        {"\x1b[2J\x07\x7f", "\\u001b[2J\\u0007\\u007f"},
        {"\xc2\x9b" "31m", "\\u009b31m"},                       /* C1 CSI */
        {"\xe2\x80\xae" "gpj.exe", "\\u202egpj.exe"},           /* right-to-left override */
        {"\xe2\x80\xa8x\xe2\x80\xa9", "\\u2028x\\u2029"},       /* line separators */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},       /* isolates */
        {"\xff" "a\xc3", "\xef\xbf\xbd" "a\xef\xbf\xbd"},       /* not UTF-8 */
        {"\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"}, /* text stays */
    };
    char expected[256];
    for (size_t i = 0; i < COUNT(cases); i++) {
        log_init(LOG_TEXT, LOG_INFO, ends[1]);
        struct log_ctx ctx = {.tenant = cases[i].in, .session = cases[i].in};
        log_info(&ctx, "e", "%s", cases[i].in);
        snprintf(expected, sizeof(expected), "2026-11-21T01:02:03.456Z INFO  [%s/%s] e: %s\n",
                 cases[i].text, cases[i].text, cases[i].text);
        assert_string_equal(logged(), expected);

        log_init(LOG_JSON, LOG_INFO, ends[1]);
        ctx.request_id = cases[i].in;
        log_info(&ctx, cases[i].in, "%s", cases[i].in);
        size_t len = strlen(logged());
        assert_ptr_equal(strchr(line, '\n'), line + len - 1);
        json_t *v = json_parse(line, len, sizeof(line), NULL);
        assert_non_null(v);
        const char *msg = json_str(v, "msg");
        if (strchr(cases[i].in, '\xff') == NULL) {
            assert_string_equal(msg, cases[i].in);
            assert_string_equal(json_str(v, "tenant"), cases[i].in);
            assert_string_equal(json_str(v, "request_id"), cases[i].in);
            assert_string_equal(json_str(v, "event"), cases[i].in);
        } else {
            assert_string_equal(msg, cases[i].text);
        }
        json_decref(v);
    }
}

/* Any length: one line, at most 4 KiB, cut where it may be cut, and it says so. */
static void test_long(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\n", "\"", "\xf0\x9f\x98\x80", "\x01"};
    static char text[9001];
    for (size_t u = 0; u < COUNT(units); u++) {
        size_t step = strlen(units[u]);
        for (size_t len = 3800; len < 9000 - step; len += len < 4200 ? 1 : 611) {
            for (size_t i = 0; i < len; i += step) {
                memcpy(text + i, units[u], step + 1);
            }
            for (enum log_format f = LOG_TEXT; f <= LOG_JSON; f++) {
                log_init(f, LOG_INFO, ends[1]);
                struct log_ctx ctx = {.tenant = "acme"};
                log_info(&ctx, "e", "%s", text);
                size_t n = strlen(logged());
                assert_true(n <= 4096);
                assert_ptr_equal(strchr(line, '\n'), line + n - 1);
                assert_true(text_utf8_valid(line, n));
                bool marked = strstr(line, "\xe2\x80\xa6[cut]") != NULL;
                assert_true(marked || (len < 4096 && step != 5));
                assert_true(!marked || n > 3900);
                json_t *v = json_parse(line, n, sizeof(line), NULL);
                assert_true((v != NULL) == (f == LOG_JSON));
                assert_true(v == NULL || json_flag(v, "cut", false) == marked);
                json_decref(v);
            }
        }
    }
}

/* A long context field is cut by itself and leaves room for the message. */
static void test_long_field(void **state)
{
    (void)state;
    static char text[5001];
    memset(text, 'x', 5000);
    struct log_ctx ctx = {.tenant = text, .session = text, .request_id = text};
    log_init(LOG_JSON, LOG_INFO, ends[1]);
    log_info(&ctx, text, "%s", "still here");
    size_t len = strlen(logged());
    json_t *v = json_parse(line, len, sizeof(line), NULL);
    assert_string_equal(json_str(v, "msg"), "still here");
    const char *tenant = json_str(v, "tenant");
    assert_true(strlen(tenant) < 200 && strstr(tenant, "[cut]") != NULL);
    json_decref(v);
    log_init(LOG_TEXT, LOG_INFO, ends[1]);
    log_info(&ctx, text, "%s", "still here");
    assert_non_null(strstr(logged(), ": still here\n"));
}

static void test_colour(void **state)
{
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(side >= 0);
    static const struct {
        const char *no_color;
        enum log_format format;
        bool colour;
    } cases[] = {
        {NULL, LOG_TEXT, true}, {"", LOG_TEXT, true}, {"1", LOG_TEXT, false}, {NULL, LOG_JSON, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].no_color == NULL) {
            unsetenv("NO_COLOR");
        } else {
            setenv("NO_COLOR", cases[i].no_color, 1);
        }
        log_init(cases[i].format, LOG_INFO, side);
        log_error(NULL, "e", "text");
        ssize_t n = read(terminal, line, sizeof(line) - 1);
        assert_true(n > 0);
        line[n] = '\0';
        assert_true((strstr(line, "\x1b[31mERROR\x1b[0m") != NULL) == cases[i].colour);
        assert_true((strchr(line, '\x1b') != NULL) == cases[i].colour);
    }
    close(side);
    close(terminal);
}

/* Logging to a full or closed pipe returns, and errno is the caller's. */
static void test_no_reader(void **state)
{
    (void)state;
    log_init(LOG_TEXT, LOG_INFO, ends[1]);
    static char text[4001];
    memset(text, 'x', 4000);
    errno = ENOENT;
    for (int i = 0; i < 100; i++) { /* a pipe holds 64 KiB */
        log_info(NULL, "e", "%s", text);
    }
    assert_int_equal(errno, ENOENT);
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    log_info(NULL, "e", "x");
    assert_int_equal(errno, ENOENT);
    close(ends[1]);
    log_info(NULL, "e", "x");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static void test_phone(void **state)
{
    (void)state;
#define DOTS "\xe2\x80\xa6"
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"5511988887777@c.us", "5511" DOTS "7777@c.us"},
        {"55119888877@c.us", "551" DOTS "877@c.us"},
        {"+14155550123", "+14" DOTS "0123"},
        {"123456", DOTS "6"},
        {"12345", DOTS},
        {"1@c.us", DOTS "@c.us"},
        {"120363041234567890@g.us", "1203" DOTS "7890@g.us"},
        {"5511988887777-1600000000@g.us", "5511" DOTS "0000@g.us"},
        {"status@broadcast", "status@broadcast"},
        {"true_5511988887777@c.us_3EB0A1", "true" DOTS "7777@c.us" DOTS},
        {"false_120363041234567890@g.us_3EB0_5511988887777@c.us", "fals" DOTS "7890@g.us" DOTS},
        {"12345678901234@averyveryverylongdomain.example", "1234" DOTS "1234@averyveryverylo" DOTS},
        {"", ""},
        {"@", "@"},
        {"1\n2\x1b[31m45678@c.us", "1?2?" DOTS "5678@c.us"},
        {"\xc3\xa9\xc3\xa9\xc3\xa9" "12345678@c.us", "????" DOTS "5678@c.us"},
        {"no digits but a very very long name in here", "no d" DOTS "here"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(log_phone(cases[i].in).s, cases[i].out);
    }
    assert_string_equal(log_phone(NULL).s, "-");
    /* never more than eight of its digits, and never so many that fewer than five are missing */
    char number[40] = "";
    for (size_t n = 1; n < 30; n++) {
        memset(number, '7', n);
        struct log_short s = log_phone(number);
        size_t shown = 0;
        for (const char *p = s.s; *p != '\0'; p++) {
            shown += *p == '7';
        }
        assert_true(shown <= 8 && (shown == 0 || shown + 5 <= n));
    }
}

struct lines {
    size_t count;
    uint64_t first, last;
    char text[8192]; /* of the last one */
};

static void on_line(void *arg, uint64_t id, const char *text, size_t len)
{
    struct lines *l = arg;
    assert_true(l->count == 0 || id == l->last + 1);
    assert_true(len < sizeof(l->text));
    l->first = l->count++ == 0 ? id : l->first;
    l->last = id;
    memcpy(l->text, text, len);
    l->text[len] = '\0';
}

static void test_recent(void **state)
{
    (void)state;
    log_init(LOG_TEXT, LOG_INFO, ends[1]);
    struct lines l = {0};
    uint64_t before = log_recent(LOG_NEWEST, 0, on_line, &l);
    assert_int_equal(l.count, 0);
    for (int i = 0; i < 3; i++) {
        log_info(NULL, "e", "line %d", i);
        logged();
    }
    log_debug(NULL, "e", "%s", "below the level");
    assert_int_equal(log_recent(before, 10, on_line, &l), before + 3);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.text, "2026-11-21T01:02:03.456Z INFO  e: line 2");
    memset(&l, 0, sizeof(l));
    assert_int_equal(log_recent(before, 2, on_line, &l), before + 2); /* the oldest first */
    assert_string_equal(l.text, "2026-11-21T01:02:03.456Z INFO  e: line 1");
    memset(&l, 0, sizeof(l));
    assert_int_equal(log_recent(LOG_NEWEST, 1, on_line, &l), before + 3);
    assert_int_equal(l.count, 1);
    memset(&l, 0, sizeof(l));
    assert_int_equal(log_recent(before + 3, 10, on_line, &l), before + 3);
    assert_int_equal(l.count, 0);

    for (int i = 0; i <= LOG_RECENT_LINES; i++) { /* the ring goes round */
        log_info(NULL, "e", "again %d", i);
        logged();
    }
    uint64_t newest = before + 3 + LOG_RECENT_LINES + 1;
    assert_int_equal(log_recent(before, SIZE_MAX, on_line, &l), newest);
    assert_int_equal(l.count, LOG_RECENT_LINES);
    assert_int_equal(l.first, newest - LOG_RECENT_LINES + 1);
    assert_string_equal(l.text, "2026-11-21T01:02:03.456Z INFO  e: again 1000");
    memset(&l, 0, sizeof(l));
    log_recent(newest + 5, SIZE_MAX, on_line, &l); /* an id from before a restart */
    assert_int_equal(l.count, LOG_RECENT_LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_levels),    cmocka_unit_test(test_injection),
        cmocka_unit_test(test_long),      cmocka_unit_test(test_long_field),
        cmocka_unit_test(test_colour),    cmocka_unit_test(test_no_reader),
        cmocka_unit_test(test_phone),     cmocka_unit_test(test_recent),
    };
    return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
