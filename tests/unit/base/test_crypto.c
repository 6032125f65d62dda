#include "crypto.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    char hex[2 * 64 + 1];
    assert_true(len <= 64);
    crypto_hex(data, len, hex);
    assert_string_equal(hex, expected);
}

static void test_sha256(void **state)
{
    (void)state;
    uint8_t out[CRYPTO_SHA256_LEN];
    assert_int_equal(crypto_sha256("", 0, out), 0);
    assert_hex(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(crypto_sha256("abc", 3, out), 0); /* FIPS 180-4 */
    assert_hex(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_hmac(void **state)
{
    (void)state;
    uint8_t out[CRYPTO_SHA256_LEN]; /* RFC 4231, test cases 1, 2 and 6 */
    uint8_t key[131];
    memset(key, 0x0b, 20);
    assert_int_equal(crypto_hmac_sha256(key, 20, "Hi There", 8, out), 0);
    assert_hex(out, sizeof(out), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out), 0);
    assert_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    assert_int_equal(crypto_hmac_sha256(key, sizeof(key),
                                        "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                                        out),
                     0);
    assert_hex(out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_int_equal(crypto_hmac_sha256(NULL, 0, "", 0, out), 0);
    assert_hex(out, sizeof(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_equal_and_wipe(void **state)
{
    (void)state;
    assert_true(crypto_equal("abc", "abc", 3));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_false(crypto_equal("abc", "bbc", 3));
    assert_true(crypto_equal("abc", "abd", 2));
    assert_true(crypto_equal("a", "b", 0));
    char secret[] = "secret";
    crypto_wipe(secret, 6);
    assert_memory_equal(secret, "\0\0\0\0\0\0", 6);
    crypto_wipe(NULL, 0);
}

static void test_random(void **state)
{
    (void)state;
    uint8_t a[1000] = {0}, b[1000] = {0};
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    crypto_random(a, 0);
    size_t seen[256] = {0}, kinds = 0;
    for (size_t i = 0; i < sizeof(a); i++) {
        kinds += seen[a[i]]++ == 0;
    }
    assert_true(kinds > 200); /* 1000 draws leave out about 5 of 256 values */
}

/* Our nonces are random, so a published vector can only be opened: GCM specification, test case 14. */
static void test_open_known(void **state)
{
    (void)state;
    static const uint8_t key[CRYPTO_KEY_LEN] = {0}; /* zero nonce and block, no aad */
    static const uint8_t sealed[12 + 16 + 16] = {
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0xce, 0xa7, 0x40,
        0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1,
        0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
    uint8_t plain[16];
    memset(plain, 0xEE, sizeof(plain));
    assert_int_equal(crypto_open(key, sealed, sizeof(sealed), NULL, plain, NULL), 0);
    assert_hex(plain, sizeof(plain), "00000000000000000000000000000000");
}

static void test_seal(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_LEN], other[CRYPTO_KEY_LEN];
    crypto_random(key, sizeof(key));
    memcpy(other, key, sizeof(key));
    other[31] ^= 1;
    static const size_t lengths[] = {0, 1, 15, 16, 17, 1000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t len = lengths[i], sealed_len = len + CRYPTO_SEAL_OVERHEAD;
        uint8_t *plain = malloc(len + 1), *sealed = malloc(sealed_len), *again = malloc(sealed_len);
        uint8_t *out = malloc(len + 1);
        struct err e = {0};
        crypto_random(plain, len);
        assert_int_equal(crypto_seal(key, plain, len, "tenant/hook", sealed, &e), 0);
        assert_int_equal(crypto_seal(key, plain, len, "tenant/hook", again, &e), 0);
        assert_memory_not_equal(sealed, again, sealed_len); /* a nonce of its own */
        assert_int_equal(crypto_open(key, sealed, sealed_len, "tenant/hook", out, &e), 0);
        assert_memory_equal(out, plain, len);

        assert_int_equal(crypto_open(other, sealed, sealed_len, "tenant/hook", out, &e), E_AUTH);
        assert_int_equal(e.code, E_AUTH);
        assert_int_equal(crypto_open(key, sealed, sealed_len, "tenant/hool", out, NULL), E_AUTH);
        assert_int_equal(crypto_open(key, sealed, sealed_len, NULL, out, NULL), E_AUTH);
        for (size_t at = 0; at < sealed_len; at += at < 64 ? 1 : 37) {
            sealed[at] ^= 0x10;
            assert_int_equal(crypto_open(key, sealed, sealed_len, "tenant/hook", out, NULL), E_AUTH);
            for (size_t k = 0; k < len; k++) {
                assert_int_equal(out[k], 0); /* nothing unauthenticated is left behind */
            }
            sealed[at] ^= 0x10;
        }
        assert_int_equal(crypto_open(key, sealed, sealed_len - 1, "tenant/hook", out, NULL), E_AUTH);
        free(plain);
        free(sealed);
        free(again);
        free(out);
    }
    uint8_t shorter[CRYPTO_SEAL_OVERHEAD - 1] = {0}, none[1];
    assert_int_equal(crypto_open(key, shorter, sizeof(shorter), "", none, NULL), E_AUTH);
    assert_int_equal(crypto_open(key, shorter, 0, "", none, NULL), E_AUTH);
    assert_int_equal(crypto_seal(key, "", SIZE_MAX, "", none, NULL), E_TOOLARGE);
}

static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text;
    } cases[] = {
        {"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[CRYPTO_BASE64_LEN(6)];
        size_t len = strlen(cases[i].plain);
        assert_int_equal(crypto_base64(cases[i].plain, len, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        uint8_t plain[6];
        size_t got = 99;
        assert_int_equal(crypto_base64_decode(text, strlen(text), plain, &got), 0);
        assert_int_equal(got, len);
        assert_memory_equal(plain, cases[i].plain, len);
    }
    static const char *const bad[] = {
        "Z",     "Zg",    "Zg=",   "=",     "==",       "====",  "Z===",  "Zg==Zg==", "Zh==",
        "Zm9=",  "Zm8=Zm8=", "Zm 9v", "Zm9\n", "Zm9-",  "Zm9_",  "Z=9v",  "Zm9v====", "Zg=a",
        "\xff\xff\xff\xff", "Zm9v\n",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint8_t plain[16];
        size_t got = 99;
        if (crypto_base64_decode(bad[i], strlen(bad[i]), plain, &got) != E_INVALID) {
            fail_msg("accepted \"%s\"", bad[i]);
        }
        assert_int_equal(got, 0);
    }
    /* round trips into blocks of exactly the documented sizes */
    for (size_t len = 0; len < 300; len++) {
        uint8_t *in = malloc(len + 1);
        char *text = malloc(CRYPTO_BASE64_LEN(len));
        crypto_random(in, len);
        size_t n = crypto_base64(in, len, text);
        assert_int_equal(n, CRYPTO_BASE64_LEN(len) - 1);
        uint8_t *out = malloc(n / 4 * 3 + (n == 0));
        size_t got;
        assert_int_equal(crypto_base64_decode(text, n, out, &got), 0);
        assert_int_equal(got, len);
        assert_memory_equal(in, out, len);
        free(in);
        free(text);
        free(out);
    }
}

static void test_hex(void **state)
{
    (void)state;
    assert_hex((const uint8_t *)"\x00\x7f\x80\xff", 4, "007f80ff");
    assert_hex((const uint8_t *)"", 0, "");
}

/* The process keeps the last id, so the times of these tests only go up. */
static void test_ulid(void **state)
{
    (void)state;
    char last[CRYPTO_ULID_LEN], id[CRYPTO_ULID_LEN];
    crypto_ulid(1469918176385, last); /* the specification's example */
    assert_memory_equal(last, "01ARYZ6S41", 10);
    assert_int_equal(strlen(last), 26);
    assert_int_equal(strspn(last, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
    for (int i = 0; i < 10000; i++) { /* same ms, then the clock steps back, then on */
        crypto_ulid(i < 5000 ? 1469918176385 : i < 7000 ? 1469918176000 : 1469918176386, id);
        assert_true(strcmp(last, id) < 0);
        assert_memory_equal(id, i < 7000 ? "01ARYZ6S41" : "01ARYZ6S42", 10);
        memcpy(last, id, sizeof(last));
    }
    char next[CRYPTO_ULID_LEN];
    crypto_ulid(1469918177000, id);
    crypto_ulid(1469918177001, next);
    assert_string_not_equal(id + 10, next + 10);
}

#define PER_THREAD 2000
static char made[4][PER_THREAD][CRYPTO_ULID_LEN];

static void *make_ids(void *arg)
{
    char(*ids)[CRYPTO_ULID_LEN] = arg;
    for (int i = 0; i < PER_THREAD; i++) {
        crypto_ulid(1500000000000, ids[i]);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_ulid_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, made[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        for (int k = 1; k < PER_THREAD; k++) {
            assert_true(strcmp(made[i][k - 1], made[i][k]) < 0);
        }
    }
    char(*all)[CRYPTO_ULID_LEN] = made[0];
    qsort(all, sizeof(made) / CRYPTO_ULID_LEN, CRYPTO_ULID_LEN, compare);
    for (size_t i = 1; i < sizeof(made) / CRYPTO_ULID_LEN; i++) {
        assert_string_not_equal(made[(i - 1) / PER_THREAD][(i - 1) % PER_THREAD],
                                made[i / PER_THREAD][i % PER_THREAD]);
    }
}

/* The last possible ms: what comes after wraps in the 48 bits instead of writing outside them. */
static void test_ulid_end(void **state)
{
    (void)state;
    char id[CRYPTO_ULID_LEN];
    crypto_ulid((UINT64_C(1) << 48) - 1, id);
    assert_memory_equal(id, "7ZZZZZZZZZ", 10);
    crypto_ulid(UINT64_MAX, id);
    assert_memory_equal(id, "7ZZZZZZZZZ", 10);
}

static void test_digest_in_pieces(void **state)
{
    (void)state;
    uint8_t whole[CRYPTO_SHA256_LEN], pieces[CRYPTO_SHA256_LEN];
    assert_int_equal(crypto_sha256("piece by piece", 14, whole), 0);
    struct crypto_digest *d = crypto_digest_new();
    assert_non_null(d);
    assert_int_equal(crypto_digest_update(d, "piece ", 6), 0);
    assert_int_equal(crypto_digest_update(d, "", 0), 0);
    assert_int_equal(crypto_digest_update(d, "by piece", 8), 0);
    assert_int_equal(crypto_digest_end(d, pieces), 0);
    crypto_digest_free(d);
    crypto_digest_free(NULL);
    assert_memory_equal(whole, pieces, sizeof(whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_in_pieces),
        cmocka_unit_test(test_sha256),         cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_equal_and_wipe), cmocka_unit_test(test_random),
        cmocka_unit_test(test_open_known),     cmocka_unit_test(test_seal),
        cmocka_unit_test(test_base64),         cmocka_unit_test(test_hex),
        cmocka_unit_test(test_ulid),           cmocka_unit_test(test_ulid_threads),
        cmocka_unit_test(test_ulid_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
