/*
 * Tokens: keys from a JWK set, and every way in which a token can be wrong. The tokens are signed
 * here, with OpenSSL, so that the signature of each is good unless the test says otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "json.h"
#include "token.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(1800000000000)
#define SECRET "0123456789abcdef0123456789abcdef"

static EVP_PKEY *rsa, *rsa_other, *ec;
static struct token_keyset keys; /* rsa as "r1", ec as "e1", SECRET */
static const struct token_rules rules = {.algorithms = TOKEN_HS256 | TOKEN_RS256 | TOKEN_ES256,
                                         .issuer = "https://idp.example",
                                         .audience = "wabridge",
                                         .tenant_claim = "tenant",
                                         .role_claim = "realm_access.roles",
                                         .sessions_claim = "sessions",
                                         .leeway_ms = 60000};

/* ---- signing -----------------------------------------------------------------------------------
 */

static char *base64url(const void *data, size_t len)
{
    char *out = malloc(CRYPTO_BASE64_LEN(len));
    crypto_base64(data, len, out);
    for (char *p = out; *p != '\0'; p++) {
        *p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    }
    out[strcspn(out, "=")] = '\0';
    return out;
}

static char *number(EVP_PKEY *key, const char *param)
{
    BIGNUM *n = NULL;
    uint8_t bytes[1024];
    assert_int_equal(EVP_PKEY_get_bn_param(key, param, &n), 1);
    int len = strcmp(param, "qx") == 0 || strcmp(param, "qy") == 0 ? BN_bn2binpad(n, bytes, 32)
                                                                   : BN_bn2bin(n, bytes);
    BN_free(n);
    return base64url(bytes, (size_t)len);
}

static json_t *jwk(EVP_PKEY *key, const char *kid)
{
    bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    char *a = number(key, is_rsa ? "n" : "qx");
    char *b = number(key, is_rsa ? "e" : "qy");
    json_t *o = is_rsa ? json_pack("{s:s,s:s,s:s,s:s}", "kty", "RSA", "kid", kid, "n", a, "e", b)
                       : json_pack("{s:s,s:s,s:s,s:s,s:s}", "kty", "EC", "crv", "P-256", "kid", kid,
                                   "x", a, "y", b);
    free(a);
    free(b);
    return o;
}

static size_t sign(EVP_PKEY *key, const char *text, uint8_t out[1024])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 1024;
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, out, &len, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_is_a(key, "EC")) { /* ASN.1 to r and s */
        const uint8_t *p = out;
        ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)len);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), out, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), out + 32, 32), 32);
        ECDSA_SIG_free(s);
        len = 64;
    }
    return len;
}

/* key NULL: an HMAC with secret (NULL: no signature at all). Gives. */
static char *token(const char *header, const char *claims, EVP_PKEY *key, const char *secret)
{
    uint8_t signature[1024];
    size_t len = 0;
    char *a = base64url(header, strlen(header));
    char *b = base64url(claims, strlen(claims));
    size_t size = strlen(a) + strlen(b) + 2048;
    char *out = malloc(size);
    snprintf(out, size, "%s.%s", a, b);
    if (key != NULL) {
        len = sign(key, out, signature);
    } else if (secret != NULL) {
        crypto_hmac_sha256(secret, strlen(secret), out, strlen(out), signature);
        len = 32;
    }
    char *c = base64url(signature, len);
    size_t used = strlen(out);
    snprintf(out + used, size - used, ".%s", c);
    free(a);
    free(b);
    free(c);
    return out;
}

#define CLAIMS(more)                                                                               \
    "{\"iss\":\"https://idp.example\",\"aud\":[\"x\",\"wabridge\"],\"sub\":\"u-1\","               \
    "\"exp\":1800000300,\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"agent\",\"other\"]"     \
    "}" more "}"
#define RS "{\"alg\":\"RS256\",\"kid\":\"r1\"}"
#define ES "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"JWT\"}"
#define HS "{\"alg\":\"HS256\"}"

static int check(char *text, struct bridge_principal *who, struct err *e) /* frees text */
{
    int rc = token_check(text, &rules, &keys, NOW, who, e);
    free(text);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    rsa_other = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    json_t *set = json_pack("{s:[o,o,{s:s,s:s}]}", "keys", jwk(rsa, "r1"), jwk(ec, "e1"), "kty",
                            "oct", "k", "c2VjcmV0");
    size_t len = 0;
    char *text = json_text(set, &len);
    struct err e;
    assert_int_equal(jwks_read(text, len, &keys, &e), 0);
    assert_int_equal(keys.n, 2);
    keys.key[keys.n++] =
        (struct token_key){.alg = TOKEN_HS256, .text = strdup(SECRET), .len = strlen(SECRET)};
    free(text);
    json_decref(set);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    token_keyset_finish(&keys);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa_other);
    EVP_PKEY_free(ec);
    return 0;
}

/* ---- good ones ---------------------------------------------------------------------------------
 */

static void test_good(void **state)
{
    (void)state;
    struct bridge_principal who;
    struct err e = {0};
    assert_int_equal(check(token(RS, CLAIMS(",\"name\":\"Ana\""), rsa, NULL), &who, &e), 0);
    assert_false(who.admin);
    assert_string_equal(who.tenant, "acme");
    assert_string_equal(who.subject, "jwt:u-1");
    assert_string_equal(who.name, "Ana");
    assert_string_equal(who.key_id, "");
    assert_int_equal(who.scopes, bridge_role_bits("agent"));
    assert_string_equal(who.sessions, "*");
    assert_int_equal(who.expires_ms, UINT64_C(1800000300000) + 60000);
    assert_int_equal(check(token(ES, CLAIMS(",\"sessions\":\"a b-*\""), ec, NULL), &who, &e), 0);
    assert_string_equal(who.sessions, "a b-*");
    assert_int_equal(
        check(token(HS, CLAIMS(",\"sessions\":[\"a\"],\"nbf\":1800000030"), NULL, SECRET), &who,
              &e),
        0);
    assert_string_equal(who.sessions, "a");
    /* without a kid there is one key that fits */
    assert_int_equal(check(token("{\"alg\":\"ES256\"}", CLAIMS(""), ec, NULL), &who, &e), 0);
}

/* ---- bad ones ----------------------------------------------------------------------------------
 */

static void test_algorithms(void **state)
{
    (void)state;
    struct bridge_principal who;
    struct err e = {0};
    static const char *const nones[] = {
        "{\"alg\":\"none\"}",   "{\"alg\":\"None\"}",   "{}",
        "{\"alg\":\"\"}",       "{\"alg\":null}",       "{\"alg\":\"HS384\"}",
        "{\"alg\":\"RS256 \"}", "{\"alg\":[\"HS256\"]}"};
    for (size_t i = 0; i < sizeof(nones) / sizeof(nones[0]); i++) {
        print_message("%s\n", nones[i]);
        assert_int_equal(check(token(nones[i], CLAIMS(""), NULL, NULL), &who, &e), E_AUTH);
        assert_int_equal(check(token(nones[i], CLAIMS(""), NULL, SECRET), &who, &e), E_AUTH);
    }
    /* the classic: a public key as if it were the secret */
    for (size_t i = 0; i < 2; i++) {
        char header[160];
        snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}", keys.key[i].kid);
        assert_int_equal(check(token(header, CLAIMS(""), NULL, keys.key[i].text), &who, &e),
                         E_AUTH);
    }
    /* one algorithm's key under another's name */
    assert_int_equal(
        check(token("{\"alg\":\"RS256\",\"kid\":\"e1\"}", CLAIMS(""), ec, NULL), &who, &e), E_AUTH);
    assert_int_equal(
        check(token("{\"alg\":\"ES256\",\"kid\":\"r1\"}", CLAIMS(""), rsa, NULL), &who, &e),
        E_AUTH);
    assert_int_equal(
        check(token("{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}", CLAIMS(""), NULL, SECRET), &who,
              &e),
        E_AUTH);
    /* what is not configured is not accepted, good signature or not */
    struct token_rules only = rules;
    only.algorithms = TOKEN_ES256;
    char *good = token(RS, CLAIMS(""), rsa, NULL);
    assert_int_equal(token_check(good, &only, &keys, NOW, &who, &e), E_AUTH);
    free(good);
}

static void test_signatures(void **state)
{
    (void)state;
    struct bridge_principal who;
    struct err e = {0};
    assert_int_equal(check(token(RS, CLAIMS(""), rsa_other, NULL), &who, &e), E_AUTH);
    assert_int_equal(
        check(token(HS, CLAIMS(""), NULL, "another secret of thirty-two byte"), &who, &e), E_AUTH);
    assert_int_equal(check(token(RS, CLAIMS(""), NULL, NULL), &who, &e), E_AUTH);
    assert_int_equal(
        check(token("{\"alg\":\"RS256\",\"kid\":\"r2\"}", CLAIMS(""), rsa_other, NULL), &who, &e),
        E_AUTH);
    assert_string_equal(err_word_of(&e), "unknown_signing_key");
    /* any byte of what was signed */
    char *good = token(ES, CLAIMS(""), ec, NULL);
    for (size_t i = 0; i + 1 < strlen(good); i += 7) { /* the last one has spare bits */
        char kept = good[i];
        if (kept == '.') {
            continue;
        }
        good[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(token_check(good, &rules, &keys, NOW, &who, &e), E_AUTH);
        good[i] = kept;
    }
    assert_int_equal(token_check(good, &rules, &keys, NOW, &who, &e), 0);
    free(good);
}

static void test_claims(void **state)
{
    (void)state;
    struct bridge_principal who;
    struct err e = {0};
    static const struct {
        const char *claims;
        int code;
    } cases[] = {
        {"[]", E_AUTH},
        {"{}", E_AUTH},
        {"{\"iss\":\"https://evil.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"exp\":1800000300,"
         "\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"other\",\"sub\":\"u\",\"exp\":1800000300,"
         "\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {"{\"iss\":\"https://idp.example\",\"sub\":\"u\",\"exp\":1800000300,\"tenant\":\"acme\","
         "\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"tenant\":\"acme\","
         "\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"exp\":1799999940,"
         "\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"exp\":1800000300,"
         "\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_AUTH},
        {CLAIMS(",\"nbf\":1800000061"), E_AUTH},
        {CLAIMS(",\"nbf\":\"soon\""), E_AUTH},
        {CLAIMS(",\"exp\":1900000000"), E_AUTH}, /* twice: which one counts? */
        {CLAIMS(",\"sessions\":[\"A B\"]"), E_FORBIDDEN},
        {CLAIMS(",\"sessions\":7"), E_FORBIDDEN},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"exp\":1800000300,"
         "\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_FORBIDDEN},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"exp\":1800000300,"
         "\"tenant\":\"../x\",\"realm_access\":{\"roles\":[\"agent\"]}}",
         E_FORBIDDEN},
        {"{\"iss\":\"https://idp.example\",\"aud\":\"wabridge\",\"sub\":\"u\",\"exp\":1800000300,"
         "\"tenant\":\"acme\",\"realm_access\":{\"roles\":[\"boss\"]}}",
         E_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].claims);
        assert_int_equal(check(token(HS, cases[i].claims, NULL, SECRET), &who, &e), cases[i].code);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    struct bridge_principal who;
    struct err e = {0};
    static const char *const texts[] = {"",
                                        ".",
                                        "..",
                                        "...",
                                        "a.b",
                                        "a.b.c",
                                        "a.b.c.d",
                                        "!.b.c",
                                        "e30.e30.",
                                        "wab_0123456789ab_x",
                                        "e30=.e30.e30"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        print_message("%s\n", texts[i]);
        assert_int_equal(token_check(texts[i], &rules, &keys, NOW, &who, &e), E_AUTH);
    }
    char *huge = malloc(TOKEN_MAX_TOKEN + 100);
    memset(huge, 'a', TOKEN_MAX_TOKEN + 99);
    huge[TOKEN_MAX_TOKEN + 99] = '\0';
    huge[10] = huge[20] = '.';
    assert_int_equal(check(huge, &who, &e), E_AUTH);
    unsigned algorithms = 0;
    assert_int_equal(token_algorithms("RS256,ES256", &algorithms, &e), 0);
    assert_int_equal(algorithms, TOKEN_RS256 | TOKEN_ES256);
    assert_int_equal(token_algorithms("none", &algorithms, &e), E_INVALID);
    assert_int_equal(token_algorithms("", &algorithms, &e), E_INVALID);
}

/* ---- JWK ---------------------------------------------------------------------------------------
 */

static void test_jwk(void **state)
{
    (void)state;
    struct token_key key;
    struct err e;
    json_t *o = jwk(rsa, "r1");
    assert_int_equal(jwk_read(o, &key, &e), 0);
    BIO *bio = BIO_new_mem_buf(key.text, (int)key.len);
    EVP_PKEY *back = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    assert_int_equal(EVP_PKEY_eq(back, rsa), 1);
    EVP_PKEY_free(back);
    BIO_free(bio);
    free(key.text);
    static const char *const members[][2] = {{"use", "enc"}, {"alg", "RS512"}, {"kty", "oct"}};
    for (size_t i = 0; i < 3; i++) {
        json_t *bad = json_deep_copy(o);
        json_object_set_new(bad, members[i][0], json_string(members[i][1]));
        assert_int_equal(jwk_read(bad, &key, &e), E_UNSUPPORTED);
        json_decref(bad);
    }
    json_object_set_new(o, "n", json_string("AQAB")); /* far too short */
    assert_int_equal(jwk_read(o, &key, &e), E_INVALID);
    json_object_set_new(o, "n", json_string("a+b/"));
    assert_int_equal(jwk_read(o, &key, &e), E_INVALID);
    json_decref(o);
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    o = jwk(weak, "w");
    assert_int_equal(jwk_read(o, &key, &e), E_INVALID);
    json_decref(o);
    EVP_PKEY_free(weak);
    o = jwk(ec, "e1"); /* a point that is not on the curve */
    json_object_set(o, "x", json_object_get(o, "y"));
    assert_int_equal(jwk_read(o, &key, &e), E_INVALID);
    json_object_set_new(o, "crv", json_string("P-384"));
    assert_int_equal(jwk_read(o, &key, &e), E_UNSUPPORTED);
    json_decref(o);
    struct token_keyset set;
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"keys\":[]}",
                                      "{\"keys\":[{}]}",
                                      "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_not_equal(jwks_read(bad[i], strlen(bad[i]), &set, &e), 0);
        assert_int_equal(set.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_signatures), cmocka_unit_test(test_claims),
        cmocka_unit_test(test_shapes),     cmocka_unit_test(test_jwk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
