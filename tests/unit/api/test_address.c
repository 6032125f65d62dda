#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

static void test_listen_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        bool loopback;
        int family;
    } good[] = {
        {"127.0.0.1:3000", "127.0.0.1", true, AF_INET},
        {"127.9.9.9:1", "127.9.9.9", true, AF_INET},
        {"localhost:0", "localhost", true, AF_INET},
        {"0.0.0.0:3000", "0.0.0.0", false, AF_INET},
        {"*:65535", "*", false, AF_INET},
        {"10.0.0.1:80", "10.0.0.1", false, AF_INET},
        {"[::1]:3000", "::1", true, AF_INET6},
        {"[::]:3000", "::", false, AF_INET6},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct listen_address a;
        struct err e = {0};
        print_message("%s\n", good[i].text);
        assert_int_equal(listen_parse(good[i].text, &a, &e), 0);
        assert_string_equal(a.host, good[i].host);
        assert_int_equal(a.loopback, good[i].loopback);
        assert_int_equal(a.addr.ss_family, good[i].family);
    }
    static const char *const bad[] = {
        "",
        "3000",
        ":3000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "[::1]",
        "[::1:3000",
        "::1:3000",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1: 80",
        "[]:3000",
        "[127.0.0.1]:3000",
        "example.com:80",
        "127.1:80",
        "127.0.0.1:000080",
        "[",
        "[:1",
        "1.2.3.4.5:80",
        "http://127.0.0.1:3000",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct listen_address a;
        struct err e = {0};
        print_message("%s\n", bad[i]);
        assert_int_equal(listen_parse(bad[i], &a, &e), E_INVALID);
        assert_non_null(strstr(e.msg, "127.0.0.1:3000")); /* says how to write it */
    }
}

static void test_host(void **state)
{
    (void)state;
    static const char *const ours[] = {"localhost",   "LocalHost:3000", "127.0.0.1",
                                       "127.0.0.1:1", "127.0.0.1:",     "[::1]",
                                       "[::1]:3000",  "127.0.0.2:80"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        print_message("%s\n", ours[i]);
        assert_true(host_is_ours(ours[i], "127.0.0.2"));
    }
    static const char *const others[] = {"",
                                         "evil.com",
                                         "evil.com:3000",
                                         "localhost.evil.com",
                                         "127.0.0.1.evil.com",
                                         "127.0.0.1:80:80",
                                         "127.0.0.1:x",
                                         "127.0.0.1:99999",
                                         "127.0.0.3",
                                         "::1",
                                         "[::1",
                                         "[::1]x",
                                         "[",
                                         "[]",
                                         "user@localhost",
                                         "localhost/"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        print_message("%s\n", others[i]);
        assert_false(host_is_ours(others[i], "127.0.0.2"));
    }
}

static void test_request_id(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'a', 65);
    longest[65] = '\0';
    assert_false(request_id_sane(longest));
    assert_true(request_id_sane(longest + 1));
    assert_true(request_id_sane("A-z.0_9"));
    assert_false(request_id_sane(""));
    assert_false(request_id_sane("a b"));
    assert_false(request_id_sane("a\nb"));
    assert_false(request_id_sane("a\"b"));
    assert_false(request_id_sane("\xc3\xa9"));
}

static void test_port_in_use(void **state)
{
    (void)state;
    struct listen_address a;
    struct err e = {0};
    int first = -1;
    int second = -1;
    assert_int_equal(listen_tcp("127.0.0.1:0", &a, &first, &e), 0);
    socklen_t len = sizeof(a.addr);
    assert_int_equal(getsockname(first, (struct sockaddr *)&a.addr, &len), 0);
    char text[32];
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u",
                   ntohs(((const struct sockaddr_in *)(const void *)&a.addr)->sin_port));
    assert_int_equal(listen_tcp(text, &a, &second, &e), E_EXISTS);
    assert_non_null(strstr(e.msg, text));
    assert_int_equal(listen_tcp("203.0.113.1:0", &a, &second, &e), E_INVALID); /* not ours */
    assert_int_equal(second, -1);
    (void)close(first);
}

static void test_socket(void **state)
{
    (void)state;
    char dir[] = "/tmp/wabridge-test-XXXXXX";
    char path[64];
    struct stat made;
    struct stat now;
    struct err e = {0};
    int fd = -1;
    int other = -1;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/api.sock", dir);

    assert_int_equal(listen_unix(path, &made, &fd, &e), 0);
    assert_int_equal(stat(path, &now), 0);
    assert_int_equal(now.st_mode & 0777, 0600);
    assert_int_equal(now.st_ino, made.st_ino);

    assert_int_equal(listen_unix(path, &made, &other, &e), E_EXISTS); /* somebody is there */
    assert_int_equal(stat(path, &now), 0);

    (void)close(fd); /* the file stays behind, as after a crash: replaced */
    assert_int_equal(listen_unix(path, &made, &fd, &e), 0);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(listen_unix(path, &made, &fd, &e), E_EXISTS); /* a file is never removed */
    assert_int_equal(stat(path, &now), 0);
    assert_int_equal(unlink(path), 0);

    char missing[80];
    (void)snprintf(missing, sizeof(missing), "%s/none/api.sock", dir);
    assert_int_equal(listen_unix(missing, &made, &fd, &e), E_INVALID);
    assert_non_null(strstr(e.msg, "directory"));
    char too_long[200];
    memset(too_long, 'a', sizeof(too_long));
    too_long[0] = '/';
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(listen_unix(too_long, &made, &fd, &e), E_INVALID);
    assert_non_null(strstr(e.msg, "107"));
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_parse), cmocka_unit_test(test_host),
        cmocka_unit_test(test_request_id),   cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
