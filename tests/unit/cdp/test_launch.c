/* Which browser, as whom, with which flags; what its stderr tells; addresses to attach to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discover_priv.h"
#include "launch_priv.h"
#include "stderr_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(char *const *v, const char *arg)
{
    for (size_t i = 0; v[i]; i++) {
        if (strcmp(v[i], arg) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_prefix(char *const *v, const char *prefix)
{
    for (size_t i = 0; v[i]; i++) {
        if (strncmp(v[i], prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

static void test_flags(void **state)
{
    static const char *const extra[] = {"--lang=de", NULL};
    struct cdp_browser_options o = {
        .profile_dir = "/p q", .cache_dir = "/c", .sandbox = true, .extra_args = extra};
    (void)state;

    char **v = launch_args(&o, "/x/chromium-headless-shell");
    assert_non_null(v);
    assert_string_equal(v[0], "/x/chromium-headless-shell");
    assert_true(has(v, "--user-data-dir=/p q"));
    assert_true(has(v, "--disk-cache-dir=/c"));
    assert_true(has(v, "--remote-debugging-pipe"));
    assert_false(has_prefix(v, "--remote-debugging-port"));
    assert_false(has(v, "--no-sandbox"));
    assert_false(has_prefix(v, "--headless"));
    assert_true(has(v, "--lang=de"));
    size_t n = 0;
    while (v[n]) {
        n++;
    }
    assert_string_equal(v[n - 1], "about:blank"); /* behind what the user added */
    launch_free_vector(v);

    o.sandbox = false;
    o.transport = CDP_WEBSOCKET;
    o.cache_dir = NULL;
    v = launch_args(&o, "/x/chromium");
    assert_non_null(v);
    assert_true(has(v, "--no-sandbox"));
    assert_true(has(v, "--headless=new"));
    assert_true(has(v, "--remote-debugging-port=0"));
    assert_true(has(v, "--remote-debugging-address=127.0.0.1"));
    assert_false(has(v, "--remote-debugging-pipe"));
    assert_false(has_prefix(v, "--disk-cache-dir"));
    assert_false(has_prefix(v, "--no-zygote"));
    assert_false(has_prefix(v, "--single-process"));
    assert_true(has_prefix(v, "--app=data:"));
    launch_free_vector(v);
}

static void test_env(void **state)
{
    (void)state;
    setenv("WABRIDGE_SECRET", "x", 1);
    char **v = launch_env("/home/x", "/tmp/y");
    assert_non_null(v);
    assert_true(has(v, "HOME=/home/x"));
    assert_true(has(v, "TMPDIR=/tmp/y"));
    assert_false(has_prefix(v, "WABRIDGE_SECRET"));
    launch_free_vector(v);
}

static void test_who(void **state)
{
    struct cdp_browser_options o = {.sandbox = true};
    struct launch_who who;
    struct err e;
    (void)state;
    assert_int_equal(launch_check_user(&o, 1000, &who, &e), 0);
    assert_true(who.uid == (uid_t)-1);
    assert_int_equal(launch_check_user(&o, 0, &who, &e), E_FORBIDDEN);
    o.sandbox = false;
    assert_int_equal(launch_check_user(&o, 0, &who, &e), 0);
    assert_true(who.uid == (uid_t)-1);

    o.sandbox = true;
    o.user = "root";
    assert_int_equal(launch_check_user(&o, 0, &who, &e), E_FORBIDDEN);
    assert_int_equal(launch_check_user(&o, 1000, &who, &e), E_FORBIDDEN);
    o.user = "nobody";
    assert_int_equal(launch_check_user(&o, 0, &who, &e), 0);
    assert_true(who.uid != 0 && who.uid != (uid_t)-1);
    assert_int_equal(launch_check_user(&o, who.uid, &who, &e), 0); /* that is us already */
    assert_true(who.uid == (uid_t)-1);
    o.user = "no such user here";
    assert_int_equal(launch_check_user(&o, 0, &who, &e), E_NOTFOUND);
    assert_non_null(strstr(e.msg, "no such user here"));
}

static void test_find(void **state)
{
    char path[4096], small[4];
    struct err e;
    (void)state;
    assert_int_equal(cdp_find_browser("/bin/sh", path, sizeof(path), &e), 0);
    assert_string_equal(path, "/bin/sh");
    assert_int_equal(cdp_find_browser("/bin/sh", small, sizeof(small), &e), E_INVALID);
    assert_int_equal(cdp_find_browser("sh", path, sizeof(path), &e), E_INVALID);
    assert_int_equal(cdp_find_browser("/etc/passwd", path, sizeof(path), &e), E_NOTFOUND);
    assert_int_equal(cdp_find_browser("/tmp", path, sizeof(path), &e), E_NOTFOUND);
    int r = cdp_find_browser(NULL, path, sizeof(path), &e);
    if (r == 0) {
        assert_int_equal(access(path, X_OK), 0);
        if (access("/usr/lib/chromium/chromium-headless-shell", X_OK) == 0) {
            assert_true(launch_is_shell(path));
        }
    } else {
        assert_int_equal(r, E_NOTFOUND);
        assert_non_null(strstr(e.msg, "install"));
    }
    assert_true(launch_is_shell("/a/chrome-headless-shell"));
    assert_true(launch_is_shell("headless_shell"));
    assert_false(launch_is_shell("/opt/headless-shell/chromium"));
}

static void test_stderr(void **state)
{
    char tail[17], out[64];
    struct ws_url url;
    (void)state;
    size_t n = stderr_keep(tail, 16, 0, "0123456789", 10);
    assert_int_equal(n, 10);
    n = stderr_keep(tail, 16, n, "abcdefghij", 10);
    assert_int_equal(n, 16);
    assert_string_equal(tail, "456789abcdefghij");
    n = stderr_keep(tail, 16, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26);
    assert_string_equal(tail, "KLMNOPQRSTUVWXYZ");
    assert_int_equal(n, 16);

    const char *said = "one\n\nDevTools listening on ws://127.0.0.1:4711/devtools/browser/ab-c\n";
    assert_true(stderr_find_port(said, strlen(said), &url));
    assert_int_equal(url.port, 4711);
    assert_string_equal(url.path, "/devtools/browser/ab-c");
    assert_false(stderr_find_port(said, strlen(said) - 1, &url)); /* the line is not complete */
    assert_false(stderr_find_port("", 0, &url));

    assert_true(stderr_last_lines("a\tb\x1b[31mc\n\n", 11, out, sizeof(out)));
    assert_string_equal(out, "a b [31mc");
    assert_false(stderr_last_lines("\n \n", 3, out, sizeof(out)));
    assert_false(stderr_last_lines("", 0, out, sizeof(out)));
    assert_true(stderr_last_lines("first line\nsecond", 17, out, 12));
    assert_string_equal(out, "second"); /* whole lines when they fit */

    assert_null(stderr_advice("nothing", 7));
    assert_non_null(stderr_advice("xx No usable sandbox! yy", 24));
}

static void test_ws_url(void **state)
{
    struct ws_url u;
    struct err e;
    (void)state;
    assert_int_equal(ws_url_parse("ws://127.0.0.1:9222", &u, &e), 0);
    assert_string_equal(u.host, "127.0.0.1");
    assert_int_equal(u.port, 9222);
    assert_string_equal(u.path, "");
    assert_int_equal(ws_url_parse("ws://h:1/", &u, &e), 0);
    assert_string_equal(u.path, "");
    assert_int_equal(ws_url_parse("ws://[::1]:65535/devtools/browser/x", &u, &e), 0);
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.path, "/devtools/browser/x");
    static const char *const bad[] = {"",
                                      "http://h:1",
                                      "wss://h:1",
                                      "ws://",
                                      "ws://h",
                                      "ws://h:",
                                      "ws://h:0",
                                      "ws://h:65536",
                                      "ws://h:1x",
                                      "ws://h:-1",
                                      "ws://:1",
                                      "ws://h:1?x",
                                      "ws://u@h:1",
                                      "ws://[::1:1",
                                      "ws://[]:1",
                                      "ws://h:1/a b",
                                      "ws://h:1/a\r\nX: y",
                                      "ws://h:99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ws_url_parse(bad[i], &u, &e) != E_INVALID) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void test_version_response(void **state)
{
    static const char good[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\n \"Browser\": \"C/1\",\n"
        " \"webSocketDebuggerUrl\": \"ws://127.0.0.1:9222/devtools/browser/u-1\"\n}\n";
    char path[DISCOVER_PATH_MAX];
    struct err e;
    (void)state;
    assert_int_equal(discover_parse_response(good, sizeof(good) - 1, path, &e), 0);
    assert_string_equal(path, "/devtools/browser/u-1");
    for (size_t len = 0; len < sizeof(good) - 3; len++) {
        assert_int_equal(discover_parse_response(good, len, path, &e), E_STATE);
    }
    static const char *const bad[] = {
        "HTTP/1.1 404 Not Found\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}",
        "SSH-2.0-x\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n\r\n{\"webSocketDebuggerUrl\":\"http://h:1/x\"}",
        "HTTP/1.1 200 OK\r\n\r\n{\"webSocketDebuggerUrl\":\"ws://h:1\"}",
        "HTTP/1.1 200 OK\r\n\r\n{\"webSocketDebuggerUrl\":7}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(discover_parse_response(bad[i], strlen(bad[i]), path, &e), E_PROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_stderr),
        cmocka_unit_test(test_ws_url),
        cmocka_unit_test(test_version_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
