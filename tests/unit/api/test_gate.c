/* Clients that take their time, with the clock moved on: see fixture.h. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#define HOST "Host: localhost\r\n"
#define HEALTH "GET /health HTTP/1.1\r\n" HOST "\r\n"
#define MESSAGES "/v1/tenants/default/sessions/main/messages"
#define MINUTE 61000

static struct house house;
static struct answer got;

static void later(uint64_t ms)
{
    clock_fake(clock_wall_ms() + ms, clock_mono_ms() + ms);
}

static void expect_problem(int fd, int status, const char *code)
{
    hear(fd, &got);
    assert_int_equal(got.status, status);
    json_t *v = json_parse(got.body, got.len, sizeof(got.body), NULL);
    assert_non_null(v);
    assert_string_equal(json_str_or(v, "code", ""), code);
    json_decref(v);
    assert_true(hear_end(fd));
    (void)close(fd);
}

static void expect_well(void)
{
    ask(&house, "GET", "/health", "", NULL, &got);
    assert_int_equal(got.status, 200);
}

/* The server's end of our connection, which is a descriptor of this process; -1: there is none. */
static int server_end(int fd)
{
    struct sockaddr_in ours = {0};
    socklen_t len = sizeof(ours);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ours, &len), 0);
    for (int i = 0; i < 1024; i++) {
        struct sockaddr_in peer = {0};
        len = sizeof(peer);
        if (getpeername(i, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
            peer.sin_port == ours.sin_port && peer.sin_addr.s_addr == ours.sin_addr.s_addr) {
            return i;
        }
    }
    return -1;
}

/* Until the server has taken and looked at every byte that was said: only then the clock may move.
 * An answer on another connection does not tell, it may come first. */
static void expect_read(int fd)
{
    for (bool read = false; !read;) {
        int server = server_end(fd), under_way = 1, unread = 1;
        assert_int_equal(ioctl(fd, SIOCOUTQ, &under_way), 0);
        read = server >= 0 && under_way == 0 && ioctl(server, FIONREAD, &unread) == 0 && unread == 0;
        expect_well();
    }
}

static void test_slow_head(void **state)
{
    (void)state;
    static const char *const heads[] = {"G", "GET /health HT", "GET /health HTTP/1.1\r\n",
                                        "GET /health HTTP/1.1\r\nHost: local",
                                        HEALTH "GET /health HTTP/1.1\r\nX-"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        int fd = house_dial(&house);
        say(fd, heads[i], strlen(heads[i]));
        expect_read(fd);
        if (i == 4) {
            hear(fd, &got);
            assert_int_equal(got.status, 200);
        }
        later(21000);
        expect_problem(fd, 408, "request_timeout");
        clock_fake(0, 0);
    }
}

/* A body has half a minute, and what it brings gains it more. */
static void test_slow_body(void **state)
{
    (void)state;
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "POST " MESSAGES " HTTP/1.1\r\n" HOST "%sContent-Type: application/json\r\n"
                     "Content-Length: 100000\r\n\r\n{",
                     house.auth);
    int fd = house_dial(&house);
    say(fd, request, (size_t)n);
    expect_read(fd);
    later(31000);
    expect_problem(fd, 408, "request_timeout");
    clock_fake(0, 0);

    int slow = house_dial(&house), silent = house_dial(&house);
    char *much = calloc(1, 60000);
    assert_non_null(much);
    memset(much, ' ', 60000);
    say(slow, request, (size_t)n);
    say(slow, much, 60000);
    free(much);
    say(silent, request, (size_t)n);
    expect_read(slow);
    expect_read(silent);
    later(60000);
    expect_problem(silent, 408, "request_timeout"); /* both were looked at */
    static const char rest[] = "}";
    for (int i = 0; i < 39998; i++) {
        say(slow, " ", 1);
    }
    say(slow, rest, 1);
    hear(slow, &got);
    assert_int_equal(got.status, 422); /* read to its end */
    (void)close(slow);
    clock_fake(0, 0);
}

static void test_idle(void **state)
{
    (void)state;
    int silent = house_dial(&house), kept = house_dial(&house);
    say(kept, HEALTH, strlen(HEALTH));
    hear(kept, &got);
    assert_int_equal(got.status, 200);
    expect_well(); /* it is done with that request */
    later(MINUTE);
    assert_true(hear_end(silent)); /* nothing to say to whom said nothing */
    assert_true(hear_end(kept));
    (void)close(silent);
    (void)close(kept);
    clock_fake(0, 0);
    expect_well();
}

/* Who asks for much and takes nothing is let go; a stream, silent by nature, is not. */
static void test_slow_reader(void **state)
{
    (void)state;
    enum { TIMES = 500 };
    static const char request[] = "GET /openapi.json HTTP/1.1\r\n" HOST "\r\n";
    ask(&house, "GET", "/openapi.json", "", NULL, &got);
    size_t whole = TIMES * got.len;
    assert_true(whole > (16u << 20)); /* more than the kernel keeps for us */
    int reader = house_dial(&house);
    for (int i = 0; i < TIMES; i++) {
        say(reader, request, strlen(request));
    }
    char open[1024];
    int n = snprintf(open, sizeof(open),
                     "GET /v1/tenants/default/events HTTP/1.1\r\n" HOST
                     "Accept: text/event-stream\r\n%s\r\n",
                     house.auth);
    int stream = house_dial(&house);
    say(stream, open, (size_t)n);
    assert_true(hear_until(stream, "retry: ", got.body, sizeof(got.body)) > 0);
    /* each end of a silent connection: all were looked at; a slow server still writes at first */
    for (int i = 0; i < 3 || (server_end(reader) >= 0 && i < 100); i++) {
        int silent = house_dial(&house);
        expect_well();
        later(MINUTE);
        assert_true(hear_end(silent));
        (void)close(silent);
    }
    size_t heard = 0;
    for (ssize_t got_now = 1; got_now > 0;) {
        struct pollfd p = {.fd = reader, .events = POLLIN};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1); /* it ends, and does not just stop */
        got_now = recv(reader, got.body, sizeof(got.body), 0);
        heard += got_now > 0 ? (size_t)got_now : 0;
    }
    assert_true(heard < whole);
    (void)close(reader);
    assert_true(hear_until(stream, ": still here", got.body, sizeof(got.body)) > 0);
    (void)close(stream);
    clock_fake(0, 0);
    expect_well();
}

static void test_end(void **state)
{
    (void)state;
    house_leave(&house);
    house_join(&house);
    assert_int_equal(house.loop_rc, 0);
}

static int open_house(void **state)
{
    (void)state;
    return house_open(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head),   cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_idle),        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, open_house, NULL);
}
