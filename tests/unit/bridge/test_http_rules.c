/* A name that means another address from one moment to the next: what is checked is the address of
 * the connection itself, so there is nothing to change in between. */
#include "http_rules.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    int listener, stop[2];
    unsigned port;
    _Atomic int connections, requests;
    pthread_t thread;
} server;

static void serve(int fd)
{
    static const char answer[] = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                                 "Content-Length: 0\r\n\r\n";
    char request[4096];
    while (recv(fd, request, sizeof(request), 0) > 0) {
        server.requests++;
        if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) <= 0) {
            break;
        }
    }
    (void)close(fd);
}

static void *run(void *arg)
{
    (void)arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = server.listener, .events = POLLIN},
                              {.fd = server.stop[0], .events = POLLIN}};
        (void)poll(p, 2, -1);
        if (p[1].revents != 0) {
            return NULL;
        }
        int fd = accept(server.listener, NULL, NULL);
        server.connections++;
        serve(fd);
    }
}

static int start(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    server.connections = server.requests = 0;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.listener, (struct sockaddr *)&at, len) != 0 ||
        listen(server.listener, 8) != 0 || pipe(server.stop) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&at, &len) != 0) {
        return -1;
    }
    server.port = ntohs(at.sin_port);
    return pthread_create(&server.thread, NULL, run, NULL);
}

static int finish(void **state)
{
    (void)state;
    (void)close(server.stop[1]);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.stop[0]);
    (void)close(server.listener);
    return 0;
}

/* The resolver says `address` for receiver.example. */
static CURLcode ask(CURL *c, struct http_rules *r, const char *address)
{
    char url[128], entry[128];
    (void)snprintf(url, sizeof(url), "http://receiver.example:%u/hook", server.port);
    (void)snprintf(entry, sizeof(entry), "receiver.example:%u:%s", server.port, address);
    struct curl_slist *resolve = curl_slist_append(NULL, "-receiver.example:1");
    resolve = curl_slist_append(resolve, entry);
    r->forbidden = false;
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
    http_rules_apply(c, r, 20000, 20000);
    CURLcode rc = curl_easy_perform(c);
    curl_slist_free_all(resolve);
    return rc;
}

static void a_name_that_turns_private(void **state)
{
    (void)state;
    static const char *const inside[] = {"127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254",
                                         "[::ffff:127.0.0.1]", "[fd00::1]", "0.0.0.0",
                                         "10.0.0.1,127.0.0.1"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        CURL *c = curl_easy_init();
        struct http_rules r = {.allow_private = false};
        print_message("%s\n", inside[i]);
        assert_int_not_equal(ask(c, &r, inside[i]), CURLE_OK);
        assert_true(r.forbidden);
        curl_easy_cleanup(c);
    }
    assert_int_equal(server.connections, 0);
}

/* A connection that was opened when it was allowed is looked at again before it is used. */
static void a_connection_that_was_kept(void **state)
{
    (void)state;
    CURL *c = curl_easy_init();
    struct http_rules r = {.allow_private = true};
    assert_int_equal(ask(c, &r, "127.0.0.1"), CURLE_OK);
    assert_int_equal(server.requests, 1); /* and the redirect was not followed */
    r.allow_private = false;
    assert_int_equal(ask(c, &r, "127.0.0.1"), CURLE_ABORTED_BY_CALLBACK);
    assert_true(r.forbidden);
    r.allow_private = true;
    assert_int_equal(ask(c, &r, "127.0.0.1"), CURLE_OK);
    curl_easy_cleanup(c);
    assert_int_equal(server.requests, 2);
}

/* Neither the environment nor another scheme leads around the rules. */
static void ways_around(void **state)
{
    (void)state;
    char proxy[64];
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", server.port);
    (void)setenv("http_proxy", proxy, 1);
    (void)setenv("ALL_PROXY", proxy, 1);
    CURL *c = curl_easy_init();
    struct http_rules r = {.allow_private = false};
    assert_int_not_equal(ask(c, &r, "10.0.0.1"), CURLE_OK);
    static const char *const schemes[] = {"file:///etc/passwd", "gopher://127.0.0.1/",
                                          "ftp://127.0.0.1/", "dict://127.0.0.1/", "unix:///x"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        (void)curl_easy_setopt(c, CURLOPT_URL, schemes[i]);
        assert_int_equal(curl_easy_perform(c), CURLE_UNSUPPORTED_PROTOCOL);
    }
    curl_easy_cleanup(c);
    (void)unsetenv("http_proxy");
    (void)unsetenv("ALL_PROXY");
    assert_int_equal(server.connections, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_that_turns_private, start, finish),
        cmocka_unit_test_setup_teardown(a_connection_that_was_kept, start, finish),
        cmocka_unit_test_setup_teardown(ways_around, start, finish),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
