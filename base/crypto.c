#include "crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NONCE_LEN 12
#define TAG_LEN 16

void crypto_random(void *out, size_t len)
{
    uint8_t *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno != EINTR) {
            abort(); /* going on with guessable keys and tokens would be worse */
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

int crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_LEN])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : E_NOMEM;
}

struct crypto_digest *crypto_digest_new(void)
{
    EVP_MD_CTX *d = EVP_MD_CTX_new();
    if (d != NULL && EVP_DigestInit_ex(d, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(d);
        d = NULL;
    }
    return (struct crypto_digest *)d;
}

int crypto_digest_update(struct crypto_digest *d, const void *data, size_t len)
{
    return EVP_DigestUpdate((EVP_MD_CTX *)d, data, len) == 1 ? 0 : E_NOMEM;
}

int crypto_digest_end(struct crypto_digest *d, uint8_t out[CRYPTO_SHA256_LEN])
{
    return EVP_DigestFinal_ex((EVP_MD_CTX *)d, out, NULL) == 1 ? 0 : E_NOMEM;
}

void crypto_digest_free(struct crypto_digest *d)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

int crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                       uint8_t out[CRYPTO_SHA256_LEN])
{
    if (key_len > INT_MAX) {
        return E_TOOLARGE;
    }
    /* OpenSSL takes a NULL key to mean "the key of the call before". */
    const void *k = key_len > 0 ? key : "";
    unsigned char *mac = HMAC(EVP_sha256(), k, (int)key_len, data, len, out, NULL);
    return mac != NULL ? 0 : E_NOMEM;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *p, size_t len)
{
    if (len > 0) {
        OPENSSL_cleanse(p, len);
    }
}

static int check_len(size_t len, size_t aad_len, struct err *e)
{
    if (len > INT_MAX - CRYPTO_SEAL_OVERHEAD || aad_len > INT_MAX) {
        return err_set(e, E_TOOLARGE, "too much to encrypt at once");
    }
    return 0;
}

int crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], const void *plain, size_t len, const char *aad,
                uint8_t *out, struct err *e)
{
    aad = aad != NULL ? aad : "";
    size_t aad_len = strlen(aad);
    int rc = check_len(len, aad_len, e);
    if (rc != 0) {
        return rc;
    }
    /* A random 96-bit nonce is safe for 2^32 texts under one key (NIST SP 800-38D, 8.3). */
    crypto_random(out, NONCE_LEN);
    uint8_t *text = out + NONCE_LEN;
    int n = 0;
    EVP_CIPHER_CTX *cx = EVP_CIPHER_CTX_new();
    if (cx == NULL || EVP_EncryptInit_ex(cx, EVP_aes_256_gcm(), NULL, key, out) != 1 ||
        EVP_EncryptUpdate(cx, NULL, &n, (const uint8_t *)aad, (int)aad_len) != 1 ||
        (len > 0 && EVP_EncryptUpdate(cx, text, &n, plain, (int)len) != 1) ||
        EVP_EncryptFinal_ex(cx, text + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + len) != 1) {
        rc = err_set(e, E_NOMEM, "cannot encrypt");
    }
    EVP_CIPHER_CTX_free(cx); /* wipes the key schedule */
    return rc;
}

int crypto_open(const uint8_t key[CRYPTO_KEY_LEN], const void *sealed, size_t len, const char *aad,
                uint8_t *out, struct err *e)
{
    if (len < CRYPTO_SEAL_OVERHEAD) {
        return err_set(e, E_AUTH, "sealed text is cut off");
    }
    aad = aad != NULL ? aad : "";
    size_t aad_len = strlen(aad);
    size_t text_len = len - CRYPTO_SEAL_OVERHEAD;
    int rc = check_len(text_len, aad_len, e);
    if (rc != 0) {
        return rc;
    }
    const uint8_t *nonce = sealed;
    const uint8_t *text = nonce + NONCE_LEN;
    uint8_t tag[TAG_LEN]; /* the control call wants it writable */
    memcpy(tag, text + text_len, TAG_LEN);
    uint8_t nothing[TAG_LEN];
    int n = 0;
    EVP_CIPHER_CTX *cx = EVP_CIPHER_CTX_new();
    if (cx == NULL || EVP_DecryptInit_ex(cx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1 ||
        EVP_DecryptUpdate(cx, NULL, &n, (const uint8_t *)aad, (int)aad_len) != 1 ||
        (text_len > 0 && EVP_DecryptUpdate(cx, out, &n, text, (int)text_len) != 1)) {
        rc = err_set(e, E_NOMEM, "cannot decrypt");
    } else if (EVP_DecryptFinal_ex(cx, nothing, &n) != 1) {
        rc = err_set(e, E_AUTH, "the key does not fit, or the sealed text was changed");
    }
    if (rc != 0) {
        crypto_wipe(out, text_len); /* nobody shall use what was not authenticated */
    }
    EVP_CIPHER_CTX_free(cx);
    return rc;
}

/* ULID: 48 bits of ms and 80 random bits. Within one ms (or when the wall clock steps back) the
 * random part counts up from the last id, so that ids of one process only ever grow. */
static struct {
    pthread_mutex_t lock;
    uint64_t ms;
    uint8_t tail[10];
    bool begun;
} ulid = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Adds one; false when the tail was all ones. */
static bool count_up(uint8_t tail[10])
{
    for (int i = 9; i >= 0; i--) {
        if (++tail[i] != 0) {
            return true;
        }
    }
    return false;
}

void crypto_ulid(uint64_t wall_ms, char out[CRYPTO_ULID_LEN])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford base32 */
    const uint64_t ms_mask = (UINT64_C(1) << 48) - 1;
    uint8_t id[16];

    pthread_mutex_lock(&ulid.lock);
    wall_ms &= ms_mask;
    if (!ulid.begun || wall_ms > ulid.ms) {
        ulid.begun = true;
        ulid.ms = wall_ms;
        crypto_random(ulid.tail, sizeof(ulid.tail));
    } else if (!count_up(ulid.tail)) {
        ulid.ms = (ulid.ms + 1) & ms_mask;
        crypto_random(ulid.tail, sizeof(ulid.tail));
    }
    for (unsigned i = 0; i < 6; i++) {
        id[i] = (uint8_t)(ulid.ms >> (40 - 8 * i));
    }
    memcpy(id + 6, ulid.tail, sizeof(ulid.tail));
    pthread_mutex_unlock(&ulid.lock);

    /* 130 bits for 128: two zero bits lead. */
    for (int i = 0; i < 26; i++) {
        unsigned value = 0;
        for (int bit = 5 * i - 2; bit < 5 * i + 3; bit++) {
            value = value << 1 | (bit < 0 ? 0 : (unsigned)id[bit / 8] >> (7 - bit % 8) & 1u);
        }
        out[i] = alphabet[value];
    }
    out[26] = '\0';
}
