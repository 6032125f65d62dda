/* Where a webhook may go: addresses, then URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "url_guard.h"

#include <string.h>
#include <sys/un.h>

struct address {
    const char *text;
    bool allowed;
};

static const struct address addresses[] = {
    /* first and last of each range, and their neighbours */
    {"0.0.0.0", false},
    {"0.255.255.255", false},
    {"1.0.0.0", true},
    {"1.1.1.1", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"126.255.255.255", true},
    {"127.0.0.0", false},
    {"127.0.0.1", false},
    {"127.255.255.255", false},
    {"128.0.0.0", true},
    {"169.253.255.255", true},
    {"169.254.0.0", false},
    {"169.254.169.254", false},
    {"169.254.255.255", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"191.255.255.255", true},
    {"192.0.0.0", false},
    {"192.0.0.255", false},
    {"192.0.1.0", true},
    {"192.0.2.1", false},
    {"192.0.3.0", true},
    {"192.88.98.255", true},
    {"192.88.99.1", false},
    {"192.88.100.0", true},
    {"192.167.255.255", true},
    {"192.168.0.0", false},
    {"192.168.255.255", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.99.255", true},
    {"198.51.100.0", false},
    {"198.51.101.0", true},
    {"203.0.112.255", true},
    {"203.0.113.9", false},
    {"203.0.114.0", true},
    {"223.255.255.255", true},
    {"224.0.0.0", false},
    {"239.255.255.255", false},
    {"240.0.0.0", false},
    {"255.255.255.255", false},
    /* IPv6 */
    {"::", false},
    {"::1", false},
    {"::7f00:1", false},
    {"::ffff:127.0.0.1", false},
    {"::ffff:8.8.8.8", false},
    {"64:ff9b::7f00:1", false},
    {"64:ff9b::808:808", false},
    {"64:ff9b:1::1", false},
    {"100::1", false},
    {"1fff:ffff::1", false},
    {"2000::1", true},
    {"2001::1", false},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
    {"2001:10::1", false},
    {"2001:1ff:ffff::1", false},
    {"2001:200::1", true},
    {"2001:4860:4860::8888", true},
    {"2001:db7:ffff::1", true},
    {"2001:db8::1", false},
    {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:db9::1", true},
    {"2002:7f00:1::1", false},
    {"2003::1", true},
    {"2606:4700::1", true},
    {"3ffe::1", true},
    {"3fff::1", false},
    {"3fff:fff::1", false},
    {"3fff:1000::1", true},
    {"4000::1", false},
    {"5f00::1", false},
    {"fc00::1", false},
    {"fd12:3456::1", false},
    {"fe80::1", false},
    {"fe80::1%eth0", false},
    {"fec0::1", false},
    {"ff02::1", false},
};

static void addresses_by_the_registry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (address_text_allowed(addresses[i].text, false) != addresses[i].allowed) {
            fail_msg("%s", addresses[i].text);
        }
        assert_true(address_text_allowed(addresses[i].text, true));
    }
}

static void what_is_no_address_is_not_allowed(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "localhost",
                                       "1.2.3",
                                       "1.2.3.4.5",
                                       ":::",
                                       "%",
                                       "11111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_false(address_text_allowed(none[i], true));
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    assert_false(address_allowed((const struct sockaddr *)(const void *)&un, true));
}

static void urls_that_pass(void **state)
{
    (void)state;
    static const struct {
        const char *url, *origin;
    } good[] = {
        {"https://example.com", "example.com:443"},
        {"http://example.com/", "example.com:80"},
        {"HTTPS://Example.COM:8443/a?b=c#d", "example.com:8443"},
        {"https://my_host.example.com./x", "my_host.example.com.:443"},
        {"https://xn--bcher-kva.example/", "xn--bcher-kva.example:443"},
        {"http://8.8.8.8/", "8.8.8.8:80"},
        {"http://0x08.0x08.0x08.0x08/", "8.8.8.8:80"},
        {"https://[2606:4700::1111]:65535/", "[2606:4700::1111]:65535"},
        {"http://localhost:8080/", "localhost:8080"}, /* what a name means is checked later */
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct url_target t;
        struct err e;
        err_clear(&e);
        if (url_guard(good[i].url, false, &t, &e) != 0) {
            fail_msg("%s: %s", good[i].url, e.msg);
        }
        assert_string_equal(t.origin, good[i].origin);
        assert_non_null(t.url);
        url_target_finish(&t);
    }
}

static void refused(const char *url, const char *word)
{
    struct url_target t;
    struct err e;
    err_clear(&e);
    if (url_guard(url, false, &t, &e) != E_INVALID) {
        fail_msg("passed: %s", url);
    }
    assert_string_equal(e.field, "url");
    assert_string_equal(e.word, word);
    assert_null(t.url);
}

static void urls_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http:/example.com/",
        "http:///example.com/",
        "http://",
        "https://:443/",
        "http://user@example.com/",
        "http://user:pw@example.com/",
        "http://example.com\\@evil.example/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://exam ple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com/\n",
        "http://ex\xc3\xa4mple.com/",
        "http://.../",
        "http://a..b/",
        "http://.example.com/",
        "http://1.2.3.4.5/",
        "http://127.0.0.1./",
        "http://example.0x7f/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://[1.2.3.4]/",
        "http://exa%6dple.com:80\x7f/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refused(bad[i], "invalid_url");
    }
    char longest[URL_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "https://example.com/", 20);
    longest[URL_MAX + 1] = '\0';
    refused(longest, "invalid_url");
    longest[URL_MAX] = '\0';
    struct url_target t;
    assert_int_equal(url_guard(longest, false, &t, NULL), 0);
    url_target_finish(&t);
    assert_int_equal(url_guard(NULL, false, &t, NULL), E_INVALID);
}

static void addresses_in_urls(void **state)
{
    (void)state;
    static const char *const forbidden[] = {
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0/",
        "http://10.0.0.1:80/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/",
    };
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        refused(forbidden[i], "address_forbidden");
        struct url_target t;
        assert_int_equal(url_guard(forbidden[i], true, &t, NULL), 0);
        url_target_finish(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_by_the_registry),
        cmocka_unit_test(what_is_no_address_is_not_allowed),
        cmocka_unit_test(urls_that_pass),
        cmocka_unit_test(urls_that_are_none),
        cmocka_unit_test(addresses_in_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
