/* Links that work without a key for a while: an HMAC over tenant, file and end. */
#include "media_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char purpose[] = "wabridge media link v1";

int link_sign(const uint8_t pepper[CRYPTO_KEY_LEN], const char *tenant, const char *media_id,
              uint64_t expires, char out[LINK_SIGNATURE_LEN + 1])
{
    uint8_t key[CRYPTO_SHA256_LEN], mac[CRYPTO_SHA256_LEN];
    char text[256];
    int n =
        snprintf(text, sizeof(text), "%s\n%s\n%llu", tenant, media_id, (unsigned long long)expires);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        return E_INVALID;
    }
    int rc = crypto_hmac_sha256(pepper, CRYPTO_KEY_LEN, purpose, sizeof(purpose) - 1, key);
    rc = rc != 0 ? rc : crypto_hmac_sha256(key, sizeof(key), text, (size_t)n, mac);
    crypto_wipe(key, sizeof(key));
    if (rc == 0) {
        crypto_hex(mac, sizeof(mac), out);
    }
    return rc;
}

int link_check(const uint8_t pepper[CRYPTO_KEY_LEN], const char *tenant, const char *media_id,
               const char *expires, const char *signature, uint64_t now_ms, struct err *e)
{
    char want[LINK_SIGNATURE_LEN + 1];
    size_t digits = expires != NULL ? strspn(expires, "0123456789") : 0;
    bool sane = digits > 0 && digits <= 12 && expires[digits] == '\0' && signature != NULL &&
                strlen(signature) == LINK_SIGNATURE_LEN;
    uint64_t end = sane ? strtoull(expires, NULL, 10) : 0;
    if (!sane || link_sign(pepper, tenant, media_id, end, want) != 0 ||
        !crypto_equal(want, signature, LINK_SIGNATURE_LEN)) {
        return err_word(e, E_FORBIDDEN, "invalid_signature",
                        "this link was not made here, or was changed");
    }
    if (now_ms / 1000 >= end) {
        return err_word(e, E_FORBIDDEN, "link_expired",
                        "this link's time is over; ask for a new one");
    }
    return 0;
}
