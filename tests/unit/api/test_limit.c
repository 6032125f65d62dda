/* Buckets, route classes, failed logins and the client's address, with times given by hand. */
#include "limit.h"

#include "api_priv.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- buckets ----------------------------------------------------------------------------------- */

static void a_bucket_gives_its_burst_then_its_rate(void **state)
{
    (void)state;
    struct bucket b;
    bucket_fill(&b, 5, 1000);
    for (int i = 0; i < 5; i++) {
        assert_true(bucket_take(&b, 20, 5, 1000));
    }
    assert_false(bucket_take(&b, 20, 5, 1000));
    assert_int_equal(bucket_wait_ms(&b, 20), 3000); /* 20 a minute: one in 3 s */
    assert_false(bucket_take(&b, 20, 5, 3999));
    assert_int_equal(bucket_wait_ms(&b, 20), 1);
    assert_true(bucket_take(&b, 20, 5, 4000));
    assert_int_equal(bucket_left(&b), 0);
    assert_int_equal(bucket_full_ms(&b, 20, 5), 15000);
}

static void a_bucket_loses_nothing_by_rounding(void **state)
{
    (void)state;
    struct bucket b;
    unsigned taken = 0;
    bucket_fill(&b, 2, 1);
    for (uint64_t ms = 1; ms <= 600001; ms++) { /* ten minutes, asked each ms */
        taken += bucket_take(&b, 7, 2, ms);
    }
    assert_int_equal(taken, 72); /* the first two, and 7 a minute */
}

static void a_bucket_never_holds_more_than_its_burst(void **state)
{
    (void)state;
    struct bucket b;
    bucket_fill(&b, 3, 0);
    assert_true(bucket_take(&b, 1000000, 3, UINT64_MAX)); /* no overflow after ages */
    assert_int_equal(bucket_left(&b), 2);
    assert_true(bucket_take(&b, 60, 3, 5)); /* a clock that went back gives nothing */
    assert_int_equal(bucket_left(&b), 1);
    bucket_fill(&b, 100, 0);
    assert_true(bucket_take(&b, 60, 10, 0)); /* the limit was lowered */
    assert_int_equal(bucket_left(&b), 9);
}

/* ---- classes ----------------------------------------------------------------------------------- */

static enum api_class class_of(const char *method, const char *pattern)
{
    for (size_t i = 0; i < api_route_count; i++) {
        if (strcmp(api_routes[i].method, method) == 0 &&
            strcmp(api_routes[i].pattern, pattern) == 0) {
            return limit_class(&api_routes[i]);
        }
    }
    fail_msg("no route %s %s", method, pattern);
    return API_UNLIMITED;
}

#define SESSION "/v1/tenants/{tenant}/sessions/{session}"

static void routes_have_the_class_that_one_expects(void **state)
{
    (void)state;
    assert_int_equal(class_of("GET", "/health"), API_UNLIMITED);
    assert_int_equal(class_of("GET", "/v1/logs"), API_UNLIMITED);
    assert_int_equal(class_of("POST", SESSION "/start"), API_CLASS_CONNECT);
    assert_int_equal(class_of("POST", SESSION "/pairing-code"), API_CLASS_CONNECT);
    assert_int_equal(class_of("GET", SESSION "/qr"), API_CLASS_STATUS);
    assert_int_equal(class_of("GET", SESSION), API_CLASS_STATUS);
    assert_int_equal(class_of("GET", "/v1/tenants/{tenant}/sessions"), API_CLASS_STATUS);
    assert_int_equal(class_of("PUT", SESSION), API_CLASS_MANAGE);
    assert_int_equal(class_of("POST", SESSION "/messages"), API_CLASS_SEND);
    assert_int_equal(class_of("DELETE", SESSION "/messages/{message}"), API_CLASS_SEND);
    assert_int_equal(class_of("POST", SESSION "/chats/{chat}/read"), API_CLASS_SEND);
    assert_int_equal(class_of("GET", SESSION "/messages"), API_CLASS_MESSAGES);
    assert_int_equal(class_of("GET", SESSION "/chats/{chat}/messages"), API_CLASS_MESSAGES);
    assert_int_equal(class_of("GET", SESSION "/contacts"), API_CLASS_CONTACTS);
    assert_int_equal(class_of("POST", SESSION "/contacts/check"), API_CLASS_CONTACTS);
    assert_int_equal(class_of("GET", SESSION "/groups/{group}"), API_CLASS_CONTACTS);
    assert_int_equal(class_of("POST", "/v1/tenants/{tenant}/media"), API_CLASS_MEDIA);
    assert_int_equal(class_of("GET", "/v1/tenants/{tenant}/webhooks"), API_CLASS_WEBHOOKS);
    assert_int_equal(class_of("GET", "/v1/tenants/{tenant}/events"), API_CLASS_EVENTS);
    assert_int_equal(class_of("PUT", "/v1/tenants/{tenant}"), API_CLASS_MANAGE);
}

static void every_route_that_needs_a_key_is_limited(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        bool free = r->auth == API_OPEN || (r->flags & API_QUIET) != 0;
        assert_int_equal(limit_class(r) == API_UNLIMITED, free);
    }
}

/* ---- failed logins ------------------------------------------------------------------------------ */

static struct in6_addr address(const char *text)
{
    struct in6_addr a;
    struct in_addr v4;
    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, text, &v4) == 1) {
        a.s6_addr[10] = a.s6_addr[11] = 0xff;
        memcpy(&a.s6_addr[12], &v4, 4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
    }
    return a;
}

static void failures_past_the_free_ones_double_the_wait(void **state)
{
    (void)state;
    struct logins *l = logins_create(3, 10000);
    const struct in6_addr a = address("192.0.2.1");
    static const uint64_t waits[] = {0, 0, 0, 1000, 2000, 4000, 8000, 10000, 10000};
    uint64_t now = 5000;
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        logins_failed(l, &a, now);
        assert_int_equal(logins_wait_ms(l, &a, now), waits[i]);
        now += waits[i];
        assert_int_equal(logins_wait_ms(l, &a, now), 0);
    }
    logins_free(l);
}

static void a_good_login_and_time_forgive(void **state)
{
    (void)state;
    struct logins *l = logins_create(3, 900000);
    const struct in6_addr a = address("192.0.2.1");
    for (int i = 0; i < 8; i++) {
        logins_failed(l, &a, 1000);
    }
    assert_int_equal(logins_wait_ms(l, &a, 1000), 16000); /* the 8th: 1 s doubled four times */
    logins_worked(l, &a, 20000);                          /* 4 stay */
    logins_failed(l, &a, 20000);                          /* 5 */
    assert_int_equal(logins_wait_ms(l, &a, 20000), 2000);
    uint64_t later = 20000 + 3 * (uint64_t)LOGIN_FORGET_MS; /* 5, 2, 1, 0 */
    logins_failed(l, &a, later);
    assert_int_equal(logins_wait_ms(l, &a, later), 0);
    logins_free(l);
}

static void others_are_not_blamed_but_for_the_same_ipv6_network(void **state)
{
    (void)state;
    struct logins *l = logins_create(0, 900000);
    const struct in6_addr v4 = address("192.0.2.1"), near4 = address("192.0.2.2");
    const struct in6_addr v6 = address("2001:db8:1:2::1"), near6 = address("2001:db8:1:2:9::7");
    const struct in6_addr far6 = address("2001:db8:1:3::1");
    logins_failed(l, &v4, 1000);
    logins_failed(l, &v6, 1000);
    assert_int_equal(logins_wait_ms(l, &v4, 1000), 1000);
    assert_int_equal(logins_wait_ms(l, &near4, 1000), 0);
    assert_int_equal(logins_wait_ms(l, &near6, 1000), 1000);
    assert_int_equal(logins_wait_ms(l, &far6, 1000), 0);
    assert_int_equal(logins_wait_ms(NULL, &v4, 1000), 0); /* not limited */
    logins_free(l);
}

static void the_table_is_bounded_and_keeps_who_is_busy(void **state)
{
    (void)state;
    struct logins *l = logins_create(0, 900000);
    const struct in6_addr busy = address("198.51.100.9");
    for (uint32_t i = 0; i < 20 * SEAT_COUNT; i++) {
        struct in6_addr a = address("10.0.0.0");
        uint32_t n = htonl(0x0a000000u + i);
        memcpy(&a.s6_addr[12], &n, 4);
        logins_failed(l, &busy, 1000 + i);
        logins_failed(l, &a, 1000 + i);
    }
    assert_int_equal(logins_wait_ms(l, &busy, 1000 + 20 * SEAT_COUNT - 1), 900000);
    logins_free(l);
}

/* ---- the client's address ------------------------------------------------------------------------ */

static void check_client(const char *trusted, const char *peer, const char *forwarded,
                         const char *expected)
{
    struct proxies p;
    struct err e;
    struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_addr = address(peer)};
    struct in6_addr out;
    const struct in6_addr wanted = address(expected);
    assert_int_equal(proxies_parse(trusted, &p, &e), 0);
    assert_true(client_address(&p, (struct sockaddr *)&s, forwarded, &out));
    if (memcmp(&out, &wanted, sizeof(out)) != 0) {
        fail_msg("%s through %s is not %s", forwarded != NULL ? forwarded : "-", peer, expected);
    }
}

static void forwarded_for_is_believed_of_trusted_proxies_only(void **state)
{
    (void)state;
    check_client("", "127.0.0.1", "203.0.113.7", "127.0.0.1");
    check_client("127.0.0.1", "127.0.0.1", NULL, "127.0.0.1");
    check_client("127.0.0.1", "127.0.0.1", "203.0.113.7", "203.0.113.7");
    check_client("127.0.0.1", "127.0.0.2", "203.0.113.7", "127.0.0.2");
    /* what the client itself wrote stands to the left */
    check_client("127.0.0.1", "127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7");
    check_client("127.0.0.1, 10.0.0.0/8", "127.0.0.1", "198.51.100.1, 203.0.113.7 , 10.1.2.3",
                 "203.0.113.7");
    check_client("10.0.0.0/8", "10.9.9.9", "10.1.1.1, 10.2.2.2", "10.1.1.1");
    check_client("127.0.0.1", "127.0.0.1", "unknown", "127.0.0.1");
    check_client("127.0.0.1", "127.0.0.1", "203.0.113.7, ", "127.0.0.1");
    check_client("::1", "::1", "[2001:db8::5]:443", "2001:db8::5");
    check_client("::1", "::1", "2001:db8::5", "2001:db8::5");
    check_client("fd00::/8", "fd12::1", "203.0.113.7:5555", "203.0.113.7");
}

static void a_unix_socket_has_no_address(void **state)
{
    (void)state;
    struct proxies p = {0};
    struct in6_addr out;
    struct sockaddr_un s = {.sun_family = AF_UNIX};
    assert_false(client_address(&p, (struct sockaddr *)&s, "203.0.113.7", &out));
    assert_false(client_address(&p, NULL, NULL, &out));
}

static void bad_networks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "::1/129", "nonsense", "10.0.0.0/",
                                      "10.0.0.0/-1", "1.2.3", "10.0.0.0/8x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct proxies p;
        struct err e;
        assert_int_equal(proxies_parse(bad[i], &p, &e), E_INVALID);
        assert_non_null(strstr(e.msg, "trusted_proxies"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_then_its_rate),
        cmocka_unit_test(a_bucket_loses_nothing_by_rounding),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
        cmocka_unit_test(routes_have_the_class_that_one_expects),
        cmocka_unit_test(every_route_that_needs_a_key_is_limited),
        cmocka_unit_test(failures_past_the_free_ones_double_the_wait),
        cmocka_unit_test(a_good_login_and_time_forgive),
        cmocka_unit_test(others_are_not_blamed_but_for_the_same_ipv6_network),
        cmocka_unit_test(the_table_is_bounded_and_keeps_who_is_busy),
        cmocka_unit_test(forwarded_for_is_believed_of_trusted_proxies_only),
        cmocka_unit_test(a_unix_socket_has_no_address),
        cmocka_unit_test(bad_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
