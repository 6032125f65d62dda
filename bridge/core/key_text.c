/* The text of a key, wab_<id>_<secret>, and what is stored of it. */
#include "core_priv.h"

#include "json.h"

#include <string.h>

#define PREFIX "wab_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

void key_make(char out[KEY_TEXT_LEN + 1])
{
    uint8_t id[KEY_ID_LEN / 2];
    char id_text[KEY_ID_LEN + 1];
    crypto_random(id, sizeof(id));
    crypto_hex(id, sizeof(id), id_text);
    key_make_for(id_text, out);
}

void key_make_for(const char *id_text, char out[KEY_TEXT_LEN + 1])
{
    uint8_t secret[CRYPTO_KEY_LEN];
    char secret_text[CRYPTO_BASE64_LEN(CRYPTO_KEY_LEN)];
    crypto_random(secret, sizeof(secret));
    (void)crypto_base64(secret, sizeof(secret), secret_text);
    for (char *p = secret_text; *p != '\0'; p++) {
        *p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    }
    memcpy(out, PREFIX, PREFIX_LEN);
    memcpy(out + PREFIX_LEN, id_text, KEY_ID_LEN);
    out[PREFIX_LEN + KEY_ID_LEN] = '_';
    memcpy(out + PREFIX_LEN + KEY_ID_LEN + 1, secret_text, KEY_SECRET_LEN); /* without padding */
    out[KEY_TEXT_LEN] = '\0';
    crypto_wipe(secret, sizeof(secret));
    crypto_wipe(secret_text, sizeof(secret_text));
}

static bool all_of(const char *s, size_t len, const char *alphabet)
{
    return strspn(s, alphabet) >= len;
}

int key_parse(const char *text, char id[KEY_ID_LEN + 1], struct err *e)
{
    if (text == NULL || strlen(text) != KEY_TEXT_LEN || strncmp(text, PREFIX, PREFIX_LEN) != 0 ||
        !all_of(text + PREFIX_LEN, KEY_ID_LEN, "0123456789abcdef") ||
        text[PREFIX_LEN + KEY_ID_LEN] != '_' ||
        !all_of(text + PREFIX_LEN + KEY_ID_LEN + 1, KEY_SECRET_LEN,
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
        return err_set(e, E_AUTH, "this is not a key of ours: a key looks like wab_<id>_<secret>");
    }
    memcpy(id, text + PREFIX_LEN, KEY_ID_LEN);
    id[KEY_ID_LEN] = '\0';
    return 0;
}

int key_hash(const uint8_t pepper[CRYPTO_KEY_LEN], const char *secret,
             uint8_t out[CRYPTO_SHA256_LEN])
{
    /* 256 random bits need no slow hash; the pepper makes a copy of the store alone useless. */
    return crypto_hmac_sha256(pepper, CRYPTO_KEY_LEN, secret, strlen(secret), out);
}

json_t *key_record(const char *text, const uint8_t pepper[CRYPTO_KEY_LEN], const char *name,
                   const char *tenant, uint64_t now_ms)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    if (key_hash(pepper, text + PREFIX_LEN + KEY_ID_LEN + 1, hash) != 0) {
        return NULL;
    }
    crypto_hex(hash, sizeof(hash), hex);
    json_t *record = json_object();
    if (record == NULL || json_set_str(record, "name", name) != 0 ||
        json_set_str(record, "tenant", tenant) != 0 || json_set_str(record, "hash", hex) != 0 ||
        body_set(record, "created_ms", json_integer((json_int_t)now_ms)) != 0) {
        json_decref(record);
        return NULL;
    }
    return record;
}
