#include "signature.h"

#include "crypto.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "whsec_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

void signature_secret_make(char out[SIGNATURE_SECRET_LEN])
{
    uint8_t key[32];
    crypto_random(key, sizeof(key));
    memcpy(out, PREFIX, PREFIX_LEN);
    (void)crypto_base64(key, sizeof(key), out + PREFIX_LEN);
    crypto_wipe(key, sizeof(key));
}

int signature_key(const char *secret, uint8_t key[SIGNATURE_KEY_MAX], size_t *len, struct err *e)
{
    uint8_t raw[SIGNATURE_SECRET_LEN];
    size_t text_len = secret != NULL ? strlen(secret) : 0;
    size_t n = 0;
    bool good = text_len > PREFIX_LEN && text_len < SIGNATURE_SECRET_LEN &&
                memcmp(secret, PREFIX, PREFIX_LEN) == 0 &&
                crypto_base64_decode(secret + PREFIX_LEN, text_len - PREFIX_LEN, raw, &n) == 0 &&
                n >= SIGNATURE_KEY_MIN && n <= SIGNATURE_KEY_MAX;
    if (good) {
        memcpy(key, raw, n);
        *len = n;
    }
    crypto_wipe(raw, sizeof(raw));
    return good ? 0
                : err_field(e, "invalid_secret", "secret",
                            "the secret must be whsec_ and the base64 of %d to %d bytes",
                            SIGNATURE_KEY_MIN, SIGNATURE_KEY_MAX);
}

int signature_sign(const char *secret, const char *signed_text, size_t len, size_t body_len,
                   char standard[SIGNATURE_STANDARD_LEN], char hub[SIGNATURE_HUB_LEN])
{
    uint8_t key[SIGNATURE_KEY_MAX];
    uint8_t mac[CRYPTO_SHA256_LEN];
    size_t key_len = 0;
    assert(body_len <= len);
    int rc = signature_key(secret, key, &key_len, NULL);
    if (rc != 0) {
        return rc;
    }
    rc = crypto_hmac_sha256(key, key_len, signed_text, len, mac);
    crypto_wipe(key, sizeof(key));
    if (rc != 0) {
        return rc;
    }
    memcpy(standard, "v1,", 3);
    (void)crypto_base64(mac, sizeof(mac), standard + 3);
    rc = crypto_hmac_sha256(secret, strlen(secret), signed_text + (len - body_len), body_len, mac);
    if (rc != 0) {
        return rc;
    }
    memcpy(hub, "sha256=", 7);
    crypto_hex(mac, sizeof(mac), hub + 7);
    return 0;
}
