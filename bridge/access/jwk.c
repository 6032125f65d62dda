/*
 * Public keys as identity providers publish them (RFC 7517), made into what libjwt takes: PEM.
 */
#include "token.h"

#include "crypto.h"
#include "json.h"
#include "mem.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NUMBER 1024 /* bytes: 8192 bits */
#define EC_BYTES 32     /* of a coordinate on P-256 */

void token_keyset_finish(struct token_keyset *k)
{
    for (size_t i = 0; i < k->n; i++) {
        mem_wipe_free(k->key[i].text, k->key[i].len);
    }
    memset(k, 0, sizeof(*k));
}

/* A member in base64url without padding. out holds MAX_NUMBER. */
static int take_bytes(const json_t *jwk, const char *member, uint8_t *out, size_t *len,
                      struct err *e)
{
    char text[MAX_NUMBER / 3 * 4 + 8];
    const char *s = json_str_or(jwk, member, "");
    size_t n = strlen(s);
    if (n == 0 || n + 4 > sizeof(text) || n > MAX_NUMBER / 3 * 4) {
        return err_set(e, E_INVALID, "%s of a key is missing or too long", member);
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)(s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i]);
    }
    while (n % 4 != 0) {
        text[n++] = '=';
    }
    if (strpbrk(s, "+/=") != NULL || crypto_base64_decode(text, n, out, len) != 0) {
        return err_set(e, E_INVALID, "%s of a key is not base64url", member);
    }
    return 0;
}

static int write_pem(EVP_PKEY *pkey, struct token_key *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    int rc = E_NOMEM;
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        out->text = len > 0 ? mem_strndup(data, (size_t)len) : NULL;
        out->len = out->text != NULL ? (size_t)len : 0;
        rc = out->text != NULL ? 0 : E_NOMEM;
    }
    BIO_free(bio);
    return rc;
}

/* bld becomes a public key of that type, which OpenSSL checks, and its PEM. */
static int build(const char *type, OSSL_PARAM_BLD *bld, struct token_key *out, struct err *e)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *check = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    int rc = params != NULL && ctx != NULL ? 0 : E_NOMEM;
    if (rc == 0 && (EVP_PKEY_fromdata_init(ctx) != 1 ||
                    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)) {
        rc = E_INVALID;
    }
    check = rc == 0 ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
    if (rc == 0 && (check == NULL || EVP_PKEY_public_check(check) != 1)) {
        rc = E_INVALID;
    }
    if (rc == 0 && out->alg == TOKEN_RS256 && EVP_PKEY_get_bits(pkey) < 2048) {
        rc = E_INVALID;
    }
    rc = rc != 0 ? rc : write_pem(pkey, out);
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    OSSL_PARAM_free(params);
    return rc == 0 ? 0 : err_set(e, rc, "the numbers of a key make no %s key", type);
}

static int read_rsa(const json_t *jwk, struct token_key *out, struct err *e)
{
    uint8_t n[MAX_NUMBER], x[MAX_NUMBER];
    size_t n_len = 0, x_len = 0;
    out->alg = TOKEN_RS256;
    int rc = take_bytes(jwk, "n", n, &n_len, e);
    rc = rc != 0 ? rc : take_bytes(jwk, "e", x, &x_len, e);
    if (rc != 0) {
        return rc;
    }
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *bn = BN_bin2bn(n, (int)n_len, NULL);
    BIGNUM *be = BN_bin2bn(x, (int)x_len, NULL);
    rc = bld != NULL && bn != NULL && be != NULL &&
                 OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
                 OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1
             ? build("RSA", bld, out, e)
             : err_set(e, E_NOMEM, "out of memory");
    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    BN_free(be);
    return rc;
}

static int read_ec(const json_t *jwk, struct token_key *out, struct err *e)
{
    uint8_t x[MAX_NUMBER], y[MAX_NUMBER], point[1 + 2 * EC_BYTES];
    size_t x_len = 0, y_len = 0;
    out->alg = TOKEN_ES256;
    if (strcmp(json_str_or(jwk, "crv", ""), "P-256") != 0) {
        return err_set(e, E_UNSUPPORTED, "only the curve P-256 is in use");
    }
    int rc = take_bytes(jwk, "x", x, &x_len, e);
    rc = rc != 0 ? rc : take_bytes(jwk, "y", y, &y_len, e);
    if (rc != 0 || x_len != EC_BYTES || y_len != EC_BYTES) {
        return rc != 0 ? rc : err_set(e, E_INVALID, "a coordinate on P-256 has 32 bytes");
    }
    point[0] = 4; /* not compressed */
    memcpy(point + 1, x, EC_BYTES);
    memcpy(point + 1 + EC_BYTES, y, EC_BYTES);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    rc = bld != NULL &&
                 OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                                 0) == 1 &&
                 OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                  sizeof(point)) == 1
             ? build("EC", bld, out, e)
             : err_set(e, E_NOMEM, "out of memory");
    OSSL_PARAM_BLD_free(bld);
    return rc;
}

int jwk_read(const json_t *jwk, struct token_key *out, struct err *e)
{
    const char *kid = json_str_or(jwk, "kid", "");
    const char *kty = json_str_or(jwk, "kty", "");
    const char *alg = json_str_or(jwk, "alg", "");
    memset(out, 0, sizeof(*out));
    bool rsa = strcmp(kty, "RSA") == 0;
    bool ec = strcmp(kty, "EC") == 0;
    const char *own = rsa ? "RS256" : "ES256";
    if (!(rsa || ec) || strcmp(json_str_or(jwk, "use", "sig"), "sig") != 0 ||
        (alg[0] != '\0' && strcmp(alg, own) != 0) || strlen(kid) >= sizeof(out->kid)) {
        return err_set(e, E_UNSUPPORTED, "not a key for RS256 or ES256 signatures");
    }
    (void)snprintf(out->kid, sizeof(out->kid), "%s", kid);
    return rsa ? read_rsa(jwk, out, e) : read_ec(jwk, out, e);
}

int jwks_read(const char *text, size_t len, struct token_keyset *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    json_t *set = json_parse(text, len, TOKEN_MAX_JWKS, e);
    if (set == NULL) {
        return e != NULL && e->code != 0 ? e->code : E_INVALID;
    }
    const json_t *list = json_arr(set, "keys");
    struct err why;
    err_clear(&why);
    for (size_t i = 0; i < json_array_size(list) && out->n < TOKEN_MAX_KEYS; i++) {
        struct token_key key;
        struct err one;
        if (jwk_read(json_array_get(list, i), &key, &one) == 0) {
            out->key[out->n++] = key;
        } else {
            err_copy(&why, &one);
        }
    }
    json_decref(set);
    if (out->n > 0) {
        return 0;
    }
    return err_set(e, E_INVALID, "no key of the set is of use%s%s", why.code != 0 ? ": " : "",
                   why.code != 0 ? why.msg : "; is it {\"keys\":[…]}?");
}
