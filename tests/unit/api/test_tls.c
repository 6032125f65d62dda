/* TLS for clients that do not take what they asked for, over a socket pair: see api/tls.h. */
#include "clock.h"
#include "tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE 60001

static char dir[] = "/tmp/wabridge-tls-XXXXXX";
static char cert[64], key[64];
static uv_loop_t loop;
static struct tls *server;
static unsigned most = 16; /* connections */
static SSL_CTX *client_context;

struct client {
    int fd;
    SSL *ssl;
    int plain; /* the server's */
};

/* ---- a certificate --------------------------------------------------------------------------- */

static void make_certificate(void)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_non_null(pkey);
    assert_non_null(x);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
    assert_int_equal(X509_set_pubkey(x, pkey), 1);
    X509_NAME *name = X509_get_subject_name(x);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"localhost", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
    FILE *f = fopen(cert, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, x), 1);
    assert_int_equal(fclose(f), 0);
    f = fopen(key, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(key, 0600), 0);
    X509_free(x);
    EVP_PKEY_free(pkey);
}

static int setup(void **state)
{
    struct err e = {0};
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    assert_non_null(mkdtemp(dir));
    (void)snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
    (void)snprintf(key, sizeof(key), "%s/key.pem", dir);
    make_certificate();
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(tls_create(&loop, cert, key, &server, &e), 0);
    client_context = SSL_CTX_new(TLS_client_method());
    return client_context != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tls_free(server);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    SSL_CTX_free(client_context);
    (void)unlink(cert);
    (void)unlink(key);
    return rmdir(dir);
}

/* ---- a client -------------------------------------------------------------------------------- */

static void turns(void)
{
    for (int i = 0; i < 50; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static int try_dial(struct client *c, struct err *e)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    int rc = tls_begin(server, pair[0], most, &c->plain, e);
    if (rc != 0) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return rc;
    }
    c->fd = pair[1];
    c->ssl = SSL_new(client_context);
    assert_non_null(c->ssl);
    assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
    return 0;
}

static void dial(struct client *c)
{
    struct err e = {0};
    assert_int_equal(try_dial(c, &e), 0);
    int rc = 0;
    for (int i = 0; i < 1000 && (rc = SSL_connect(c->ssl)) != 1; i++) {
        turns();
    }
    assert_int_equal(rc, 1);
}

static void hang_up(struct client *c)
{
    SSL_free(c->ssl);
    (void)close(c->fd);
    if (c->plain >= 0) {
        (void)close(c->plain);
    }
    turns();
}

/* Until nobody takes any more. */
static void fill(struct client *c)
{
    static const char much[65536];
    ssize_t n = 1;
    size_t all = 0;
    while (n > 0) {
        n = send(c->plain, much, sizeof(much), MSG_NOSIGNAL | MSG_DONTWAIT);
        all += n > 0 ? (size_t)n : 0;
        turns();
    }
    assert_true(all > sizeof(much));
}

/* Is the server's end of the wire closed? What was sent before is read away. */
static bool is_over(const struct client *c)
{
    char drop[65536];
    ssize_t n = 1;
    while (n > 0) {
        n = recv(c->fd, drop, sizeof(drop), MSG_DONTWAIT);
    }
    return n == 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* What another user of OpenSSL left in this thread's queue is no error of a connection. */
static void test_errors_of_others(void **state)
{
    (void)state;
    struct client c;
    char got[8];
    dial(&c);
    ERR_raise(ERR_LIB_RSA, ERR_R_INTERNAL_ERROR);
    assert_int_equal(SSL_write(c.ssl, "hello", 5), 5);
    ERR_raise(ERR_LIB_RSA, ERR_R_INTERNAL_ERROR);
    turns();
    assert_int_equal(recv(c.plain, got, sizeof(got), MSG_DONTWAIT), 5);
    ERR_raise(ERR_LIB_RSA, ERR_R_INTERNAL_ERROR);
    assert_int_equal(send(c.plain, "there", 5, 0), 5);
    turns();
    ERR_clear_error();
    assert_int_equal(SSL_read(c.ssl, got, sizeof(got)), 5);
    assert_memory_equal(got, "there", 5);
    hang_up(&c);
}

static void test_never_reads(void **state)
{
    (void)state;
    struct client c, well;
    uint64_t now = 1000;
    dial(&c);
    dial(&well);
    fill(&c);
    (void)close(c.plain); /* who is behind has given up: what was written is still to go out */
    c.plain = -1;
    turns();
    tls_sweep(server, now);
    tls_sweep(server, now + MINUTE / 2);
    tls_sweep(server, now + MINUTE);
    turns();
    assert_true(is_over(&c));
    assert_false(is_over(&well));
    hang_up(&c);
    hang_up(&well);
}

static void test_reads_slowly_but_enough(void **state)
{
    (void)state;
    struct client c;
    static char piece[16384];
    uint64_t now = 1000;
    dial(&c);
    fill(&c);
    tls_sweep(server, now);
    for (int minute = 1; minute < 4; minute++) {
        for (size_t all = 0; all < 262144;) {
            int n = SSL_read(c.ssl, piece, sizeof(piece));
            assert_true(n > 0);
            all += (size_t)n;
            turns();
        }
        fill(&c);
        tls_sweep(server, now + (uint64_t)minute * MINUTE);
        turns();
    }
    assert_int_equal(send(c.plain, "", 0, MSG_NOSIGNAL), 0);
    assert_true(SSL_read(c.ssl, piece, sizeof(piece)) > 0);
    hang_up(&c);
}

/* One that is only waited for makes room, one that is served does not. */
static void test_room(void **state)
{
    (void)state;
    struct client lingers, second, third;
    struct err e = {0};
    dial(&lingers);
    most = 1;
    assert_int_equal(try_dial(&second, &e), E_UNAVAILABLE);
    fill(&lingers);
    (void)close(lingers.plain);
    lingers.plain = -1;
    turns();
    dial(&second);
    turns();
    assert_true(is_over(&lingers));
    assert_int_equal(try_dial(&third, &e), E_UNAVAILABLE);
    most = 16;
    hang_up(&lingers);
    hang_up(&second);
}

/* The answer comes although the client had sent more than was read. */
static void test_answer_to_an_unread_request(void **state)
{
    (void)state;
    struct client c;
    char got[8];
    dial(&c);
    assert_int_equal(send(c.plain, "no", 2, 0), 2);
    assert_int_equal(SSL_write(c.ssl, "much", 4), 4);
    turns();
    (void)close(c.plain);
    c.plain = -1;
    assert_int_equal(SSL_write(c.ssl, "more", 4), 4);
    turns();
    assert_int_equal(SSL_read(c.ssl, got, sizeof(got)), 2);
    assert_memory_equal(got, "no", 2);
    hang_up(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_of_others),
        cmocka_unit_test(test_never_reads),
        cmocka_unit_test(test_reads_slowly_but_enough),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_answer_to_an_unread_request),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
