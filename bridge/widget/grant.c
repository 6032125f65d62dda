/* The text of a widget's credential: what it is for as JSON, in base64, and a MAC over that. */
#include "widget.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "waw_"
#define PREFIX_LEN 4
#define MAC_LEN (2 * CRYPTO_SHA256_LEN)
#define TEXT_MAX 4096

static const char purpose[] = "wabridge widget credential v1";

static int mac_of(const uint8_t pepper[CRYPTO_KEY_LEN], const char *text, size_t len,
                  char out[MAC_LEN + 1])
{
    uint8_t key[CRYPTO_SHA256_LEN], mac[CRYPTO_SHA256_LEN];
    int rc = crypto_hmac_sha256(pepper, CRYPTO_KEY_LEN, purpose, sizeof(purpose) - 1, key);
    rc = rc != 0 ? rc : crypto_hmac_sha256(key, sizeof(key), text, len, mac);
    crypto_wipe(key, sizeof(key));
    if (rc == 0) {
        crypto_hex(mac, sizeof(mac), out);
    }
    return rc;
}

json_t *grant_json(const struct grant *g)
{
    char proof[2 * sizeof(g->proof) + 1];
    crypto_hex(g->proof, sizeof(g->proof), proof);
    return json_pack("{s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "t", g->tenant, "b",
                     (json_int_t)g->tenant_born_ms, "s", g->session, "c", g->chat, "n", g->name,
                     "a", g->agent, "k", g->key_id, "j", g->subject, "p", proof, "f",
                     (json_int_t)g->scopes, "l", (json_int_t)g->ttl_s, "x",
                     (json_int_t)g->expires_ms);
}

char *grant_write(const uint8_t pepper[CRYPTO_KEY_LEN], const struct grant *g)
{
    char mac[MAC_LEN + 1];
    struct buf b;
    json_t *v = grant_json(g);
    size_t len = 0;
    char *plain = v != NULL ? json_text(v, &len) : NULL;
    char *coded = plain != NULL ? mem_malloc(CRYPTO_BASE64_LEN(len)) : NULL;
    buf_init(&b, TEXT_MAX);
    if (coded != NULL) {
        size_t n = crypto_base64(plain, len, coded);
        if (mac_of(pepper, coded, n, mac) == 0) {
            (void)buf_printf(&b, PREFIX "%s.%s", coded, mac);
        }
    }
    free(coded);
    free(plain);
    json_decref(v);
    char *out = b.len > 0 ? buf_steal(&b, NULL) : NULL;
    buf_finish(&b);
    return out;
}

bool grant_looks_like(const char *text)
{
    return strncmp(text, PREFIX, PREFIX_LEN) == 0;
}

static bool take(const json_t *v, const char *key, char *out, size_t size)
{
    const char *s = json_str(v, key);
    size_t len = s != NULL ? strlen(s) : size;
    if (len >= size) {
        return false;
    }
    memcpy(out, s, len + 1);
    return true;
}

static bool take_proof(const json_t *v, uint8_t *out, size_t size)
{
    const char *hex = json_str_or(v, "p", "");
    bool ok = strlen(hex) == 2 * size;
    for (size_t i = 0; ok && i < size; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return ok;
}

bool grant_from(const json_t *v, struct grant *out)
{
    int64_t scopes = json_int(v, "f", -1), expires = json_int(v, "x", -1);
    int64_t ttl = json_int(v, "l", -1), born = json_int(v, "b", -1);
    memset(out, 0, sizeof(*out));
    out->scopes = (uint32_t)scopes;
    out->ttl_s = (uint32_t)ttl;
    out->expires_ms = (uint64_t)expires;
    out->tenant_born_ms = (uint64_t)born;
    return born >= 0 && scopes >= 0 && scopes <= UINT32_MAX && expires > 0 && ttl >= 0 &&
           ttl <= WIDGET_MAX_TTL_S &&
           take(v, "t", out->tenant, sizeof(out->tenant)) &&
           take(v, "s", out->session, sizeof(out->session)) &&
           take(v, "c", out->chat, sizeof(out->chat)) && out->chat[0] != '\0' &&
           take(v, "n", out->name, sizeof(out->name)) &&
           take(v, "a", out->agent, sizeof(out->agent)) &&
           take(v, "k", out->key_id, sizeof(out->key_id)) &&
           take(v, "j", out->subject, sizeof(out->subject)) &&
           take_proof(v, out->proof, sizeof(out->proof));
}

int grant_read(const uint8_t pepper[CRYPTO_KEY_LEN], const char *text, uint64_t now_ms,
               struct grant *out, struct err *e)
{
    static const char unknown[] = "unknown widget credential";
    char mac[MAC_LEN + 1];
    uint8_t plain[TEXT_MAX];
    size_t len = 0;
    const char *coded = grant_looks_like(text) ? text + PREFIX_LEN : "";
    const char *dot = strchr(coded, '.');
    size_t coded_len = dot != NULL ? (size_t)(dot - coded) : 0;
    if (coded_len == 0 || coded_len > TEXT_MAX || strlen(dot + 1) != MAC_LEN ||
        mac_of(pepper, coded, coded_len, mac) != 0 || !crypto_equal(mac, dot + 1, MAC_LEN)) {
        return err_set(e, E_AUTH, unknown);
    }
    /* from here on it is what we wrote ourselves */
    json_t *v = crypto_base64_decode(coded, coded_len, plain, &len) == 0
                    ? json_loadb((const char *)plain, len, 0, NULL)
                    : NULL;
    bool whole = grant_from(v, out);
    json_decref(v);
    if (!whole) {
        return err_set(e, E_AUTH, unknown);
    }
    return out->expires_ms > now_ms
               ? 0
               : err_word(e, E_AUTH, "credential_expired",
                          "the time of this widget's credential is over: ask for a new ticket");
}
