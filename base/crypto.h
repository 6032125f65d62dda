/*
 * The few cryptographic pieces in use, all from OpenSSL's libcrypto, plus encodings and ids.
 * Thread: any.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_LEN 32
#define CRYPTO_KEY_LEN 32
/* AES-256-GCM: 12 bytes nonce before, 16 bytes tag after the ciphertext */
#define CRYPTO_SEAL_OVERHEAD 28

/* Fills with bytes of the system's CSPRNG; aborts when there is none. */
void crypto_random(void *out, size_t len);
int crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_LEN]);
/* SHA-256 piece by piece. One owner at a time. */
struct crypto_digest;
struct crypto_digest *crypto_digest_new(void); /* NULL: no memory */
int crypto_digest_update(struct crypto_digest *d, const void *data, size_t len);
int crypto_digest_end(struct crypto_digest *d, uint8_t out[CRYPTO_SHA256_LEN]);
void crypto_digest_free(struct crypto_digest *d); /* NULL accepted */
int crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                       uint8_t out[CRYPTO_SHA256_LEN]);
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
/* out holds len + CRYPTO_SEAL_OVERHEAD; aad binds the text to its place (e.g. "tenant/webhook"). */
int crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], const void *plain, size_t len, const char *aad,
                uint8_t *out, struct err *e);
/* out holds len - CRYPTO_SEAL_OVERHEAD. E_AUTH when the key, the aad or a byte is wrong. */
int crypto_open(const uint8_t key[CRYPTO_KEY_LEN], const void *sealed, size_t len, const char *aad,
                uint8_t *out, struct err *e);
void crypto_wipe(void *p, size_t len);

/* Standard alphabet with padding. out holds CRYPTO_BASE64_LEN(len). Returns the length. */
#define CRYPTO_BASE64_LEN(n) (((n) + 2) / 3 * 4 + 1)
size_t crypto_base64(const void *data, size_t len, char *out);
/* Strict decode; out holds len / 4 * 3. 0 or E_INVALID. */
int crypto_base64_decode(const char *s, size_t len, uint8_t *out, size_t *out_len);
void crypto_hex(const void *data, size_t len, char *out); /* lower case, 2 * len + NUL */

#define CRYPTO_ULID_LEN 27 /* 26 characters and NUL */
/* ULID (time-ordered, monotonic within one process): https://github.com/ulid/spec */
void crypto_ulid(uint64_t wall_ms, char out[CRYPTO_ULID_LEN]);

#endif
