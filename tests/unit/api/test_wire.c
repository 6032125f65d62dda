/* The framing of HTTP/1.1 as wire.c follows it: whole, byte by byte, and wrong in every way. */
#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *bytes;
    enum wire_fault fault;
    unsigned begun;
} cases[] = {
    {GET, WIRE_FINE, 1},
    {GET GET GET, WIRE_FINE, 3},
    {"\r\n" GET "\r\n\r\n" GET, WIRE_FINE, 2},
    {"GET / HTTP/1.0\r\n\r\n", WIRE_FINE, 1},
    {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" GET, WIRE_FINE, 2},
    {"POST / HTTP/1.1\r\ncontent-length:\t03 \r\n\r\na\nc" GET, WIRE_FINE, 2},
    {CHUNKED "3\r\nabc\r\n0\r\n\r\n" GET, WIRE_FINE, 2},
    {CHUNKED "A;x=\"y\"\r\n0123456789\r\n00\r\nTrailer: 1\r\nContent-Length: 9\r\n\r\n" GET,
     WIRE_FINE, 2},
    {"X / HTTP/1.1\r\ntransfer-encoding:  Chunked \r\n\r\n0\r\n\r\n" GET, WIRE_FINE, 2},
    /* the end is anybody's guess: the rest is not judged, and guard.c refuses the request */
    {"X / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\n\n\n", WIRE_FINE, 1},
    {"X / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n\n\n\n", WIRE_FINE, 1},
    {"X / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n\n\n\n", WIRE_FINE, 1},
    {"X / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked, chunked\r\n\r\n\n\n", WIRE_FINE, 1},
    {"X / HTTP/1.1\r\nContent-Length: 3a\r\n\r\n", WIRE_LENGTH, 1},
    {"X / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", WIRE_LENGTH, 1},
    {"X / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", WIRE_LENGTH, 1},
    {"X / HTTP/1.1\r\nContent-Length: 3 3\r\n\r\n", WIRE_LENGTH, 1},
    {"X / HTTP/1.1\r\nContent-Length: \r\n\r\n", WIRE_LENGTH, 1},
    {"X / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", WIRE_LENGTH_SIZE, 1},
    /* the request line */
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", WIRE_ENDING, 1},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", WIRE_ENDING, 1},
    {"GET  / HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET /  HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET\t/ HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET /\r\n", WIRE_LINE, 1},
    {"GET / \r\n", WIRE_LINE, 1},
    {" GET / HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET /\x01 HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET /\xc3\xa9 HTTP/1.1\r\n", WIRE_LINE, 1},
    {"G(T / HTTP/1.1\r\n", WIRE_LINE, 1},
    {"ABCDEFGHIJKLMNOP / HTTP/1.1\r\n", WIRE_LINE, 1},
    {"GET / http/1.1\r\n", WIRE_LINE, 1},
    {"GET / HTTP/1.2\r\n", WIRE_VERSION, 1},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", WIRE_VERSION, 1},
    {"GET / HTTP/1.10\r\n", WIRE_ENDING, 1},
    {"\n" GET, WIRE_LINE, 1},
    {"\r" GET, WIRE_ENDING, 0},
    /* headers */
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", WIRE_ENDING, 1},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", WIRE_ENDING, 1},
    {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", WIRE_ENDING, 1},
    {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", WIRE_FOLD, 1},
    {"GET / HTTP/1.1\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n", WIRE_FOLD, 1},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", WIRE_NAME, 1},
    {"GET / HTTP/1.1\r\n: a\r\n\r\n", WIRE_NAME, 1},
    {"GET / HTTP/1.1\r\nHost\r\n\r\n", WIRE_NAME, 1},
    {"GET / HTTP/1.1\r\nH\xc3\xb6st: a\r\n\r\n", WIRE_NAME, 1},
    {"GET / HTTP/1.1\r\nX: a\x0b"
     "b\r\n\r\n",
     WIRE_VALUE, 1},
    {"GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", WIRE_VALUE, 1},
    {GET "GET / HTTP/1.1\r\nHost: a\n\r\n", WIRE_ENDING, 2},
    /* chunks */
    {CHUNKED "\r\n", WIRE_CHUNK, 1},
    {CHUNKED "+3\r\nabc\r\n", WIRE_CHUNK, 1},
    {CHUNKED " 3\r\nabc\r\n", WIRE_CHUNK, 1},
    {CHUNKED "3 \r\nabc\r\n", WIRE_CHUNK, 1},
    {CHUNKED "0x3\r\nabc\r\n", WIRE_CHUNK, 1},
    {CHUNKED "3\nabc\r\n0\r\n\r\n", WIRE_CHUNK, 1},
    {CHUNKED "3;a\nabc\r\n0\r\n\r\n", WIRE_CHUNK, 1},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", WIRE_CHUNK, 1},
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", WIRE_CHUNK, 1},
    {CHUNKED "0\r\n\n", WIRE_ENDING, 1},
    {CHUNKED "00000000000000003\r\n", WIRE_CHUNK, 1},
    {CHUNKED "fffffffffffffff\r\n", WIRE_FINE, 1},
    {CHUNKED "ffffffffffffffff\r\n", WIRE_CHUNK_SIZE, 1},
};

static void feed(struct wire *w, const char *bytes, size_t len, size_t step)
{
    wire_init(w);
    for (size_t i = 0; i < len && w->fault == WIRE_FINE; i += step) {
        size_t n = len - i < step ? len - i : step;
        size_t fine = wire_feed(w, bytes + i, n);
        assert_true(w->fault == WIRE_FINE ? fine == n : fine <= n);
    }
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].bytes);
        for (size_t step = 1; step <= len; step++) {
            struct wire w;
            feed(&w, cases[i].bytes, len, step);
            if (w.fault != cases[i].fault || w.begun != cases[i].begun) {
                print_message("%s\n(%zu at a time)\n", cases[i].bytes, step);
            }
            assert_int_equal(w.fault, cases[i].fault);
            assert_int_equal(w.begun, cases[i].begun);
        }
    }
}

/* What may be handed on ends where the request at fault begins. */
static void test_cut(void **state)
{
    (void)state;
    static const char bytes[] = GET GET "GET / HTTP/1.1\r\nHost: a\n";
    struct wire w;
    wire_init(&w);
    assert_int_equal(wire_feed(&w, bytes, strlen(bytes)), 2 * strlen(GET));
    assert_int_equal(w.begun, 3);
    wire_init(&w);
    assert_int_equal(wire_feed(&w, bytes, strlen(bytes) - 1), strlen(bytes) - 1);
    assert_true(wire_in_head(&w));
    assert_int_equal(wire_feed(&w, "\n", 1), 0);
    struct err e = {0};
    assert_int_equal(wire_problem(&w, &e), E_INVALID);
    assert_int_equal(problem_status(&e), 400);
}

/* Any byte that may not stand where it does is a fault; NUL among them. */
static void test_nul(void **state)
{
    (void)state;
    static const char head[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t i = 0; i + 1 < sizeof(head); i++) {
        char bytes[sizeof(head)];
        memcpy(bytes, head, sizeof(head));
        bytes[i] = '\0';
        struct wire w;
        feed(&w, bytes, sizeof(head) - 1, sizeof(head));
        assert_int_not_equal(w.fault, WIRE_FINE);
    }
}

static enum wire_fault flood(const char *start, const char *unit, size_t times)
{
    struct wire w;
    wire_init(&w);
    (void)wire_feed(&w, start, strlen(start));
    for (size_t i = 0; i < times && w.fault == WIRE_FINE; i++) {
        (void)wire_feed(&w, unit, strlen(unit));
    }
    return w.fault;
}

static void test_limits(void **state)
{
    (void)state;
    static const char line[] = "GET / HTTP/1.1\r\n";
    assert_int_equal(flood(line, "X: a\r\n", 100), WIRE_FINE);
    assert_int_equal(flood(line, "X: a\r\n", 101), WIRE_MANY);
    assert_int_equal(flood("GET / HTTP/1.1\r\nCookie: a", "; b=c", 99), WIRE_FINE);
    assert_int_equal(flood("GET / HTTP/1.1\r\nCookie: a", ";", 100), WIRE_MANY);
    assert_int_equal(flood("GET / HTTP/1.1\r\nX: ", "aaaaaaaa", 4093), WIRE_FINE);
    assert_int_equal(flood("GET / HTTP/1.1\r\nX: ", "aaaaaaaa", 4094), WIRE_LARGE);
    assert_int_equal(flood("GET /", "aaaaaaaa", 1023), WIRE_FINE);
    assert_int_equal(flood("GET /", "aaaaaaaa", 1024), WIRE_LONG);
    assert_int_equal(flood(CHUNKED "1;", "a", 256), WIRE_FINE);
    assert_int_equal(flood(CHUNKED "1;", "a", 257), WIRE_CHUNK);
    assert_int_equal(flood(CHUNKED, "1\r\na\r\n", 100000), WIRE_FINE); /* no part of the head */
    assert_int_equal(flood(CHUNKED "0\r\n", "X: a\r\n", 100), WIRE_MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
