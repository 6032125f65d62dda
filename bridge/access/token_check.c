/*
 * One token: bounded, taken apart, its signature checked by libjwt with a key that fits its
 * algorithm, then its claims.
 *
 * Which algorithm is used is never the token's choice alone: it must be one of the configured ones,
 * and a key is made for exactly one of them, so a public key is never a secret of HS256, and `none`
 * has no key at all.
 */
#include "token.h"

#include "access.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum token_alg alg;
    jwt_alg_t theirs;
} algorithms[] = {
    {"HS256", TOKEN_HS256, JWT_ALG_HS256},
    {"RS256", TOKEN_RS256, JWT_ALG_RS256},
    {"ES256", TOKEN_ES256, JWT_ALG_ES256},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static size_t algorithm(const char *name, size_t len)
{
    size_t i = 0;
    while (i < ALGORITHMS &&
           (strlen(algorithms[i].name) != len || memcmp(algorithms[i].name, name, len) != 0)) {
        i++;
    }
    return i;
}

int token_algorithms(const char *text, unsigned *out, struct err *e)
{
    *out = 0;
    for (const char *s = text + strspn(text, " ,"); *s != '\0'; s += strspn(s, " ,")) {
        size_t len = strcspn(s, " ,");
        size_t i = algorithm(s, len);
        if (i == ALGORITHMS) {
            return err_set(e, E_INVALID, "%.20s is none of HS256, RS256, ES256", s);
        }
        *out |= (unsigned)algorithms[i].alg;
        s += len;
    }
    return *out != 0 ? 0 : err_set(e, E_INVALID, "one of HS256, RS256, ES256 is needed");
}

/* ---- its parts ---------------------------------------------------------------------------------
 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool token_looks_like(const char *text)
{
    for (int part = 0; part < 3; part++) {
        size_t len = strspn(text, alphabet);
        if ((len == 0 && part < 2) || text[len] != (part < 2 ? '.' : '\0')) {
            return false;
        }
        text += len + (part < 2);
    }
    return true;
}

/* A part as JSON object. Gives. */
static json_t *part_json(const char *part, size_t len)
{
    json_t *v = NULL;
    size_t out_len = 0;
    char *text = mem_calloc(1, len + 4); /* and its padding */
    uint8_t *out = text != NULL ? mem_calloc(1, len + 4) : NULL;
    if (out != NULL) {
        size_t n = len;
        for (size_t i = 0; i < n; i++) {
            text[i] = (char)(part[i] == '-' ? '+' : part[i] == '_' ? '/' : part[i]);
        }
        while (n % 4 != 0) {
            text[n++] = '=';
        }
        if (crypto_base64_decode(text, n, out, &out_len) == 0) {
            v = json_parse((const char *)out, out_len, TOKEN_MAX_TOKEN, NULL);
        }
    }
    free(out);
    free(text);
    if (!json_is_object(v)) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

/* ---- the signature -----------------------------------------------------------------------------
 */

static int no_key(struct err *e)
{
    return err_word(e, E_AUTH, "unknown_signing_key",
                    "the token is signed with a key that is not known here");
}

static int pick_key(const json_t *header, size_t alg, const struct token_keyset *keys,
                    const struct token_key **out, struct err *e)
{
    const json_t *v = json_object_get(header, "kid");
    const char *kid = json_string_value(v);
    size_t fits = 0;
    for (size_t i = 0; i < keys->n; i++) {
        const struct token_key *k = &keys->key[i];
        /* the secret has no name: a token may say what it likes */
        bool named = kid != NULL && algorithms[alg].alg != TOKEN_HS256;
        if (k->alg == algorithms[alg].alg && (!named || strcmp(k->kid, kid) == 0)) {
            *out = k;
            fits++;
        }
    }
    if (v != NULL && kid == NULL) {
        return err_set(e, E_AUTH, "the token's kid is no text");
    }
    if (fits > 1) {
        return err_set(e, E_AUTH, "the token does not say which of the keys it was signed with");
    }
    return fits == 1 ? 0 : no_key(e);
}

static int check_signature(const char *token, const json_t *header, const struct token_rules *rules,
                           const struct token_keyset *keys, struct err *e)
{
    const struct token_key *key = NULL;
    const char *name = json_str_or(header, "alg", "");
    size_t alg = algorithm(name, strlen(name));
    if (alg == ALGORITHMS || (rules->algorithms & (unsigned)algorithms[alg].alg) == 0) {
        return err_set(e, E_AUTH, "the token's algorithm is not one that is accepted here");
    }
    if (json_object_get(header, "crit") != NULL) {
        return err_set(e, E_AUTH, "the token asks for extensions that are not known here");
    }
    int rc = pick_key(header, alg, keys, &key, e);
    if (rc != 0) {
        return rc;
    }
    jwt_t *jwt = NULL;
    rc = jwt_decode(&jwt, token, (const unsigned char *)key->text, (int)key->len);
    bool good = rc == 0 && jwt != NULL && jwt_get_alg(jwt) == algorithms[alg].theirs;
    if (jwt != NULL) {
        jwt_free(jwt);
    }
    return good ? 0 : err_set(e, E_AUTH, "the token's signature is wrong");
}

/* ---- the claims --------------------------------------------------------------------------------
 */

/* By its name, else by a path with dots: realm_access.roles. */
static const json_t *claim(const json_t *claims, const char *name)
{
    const json_t *v = json_object_get(claims, name);
    char part[64];
    for (const char *s = name; v == NULL && *s != '\0';) {
        size_t len = strcspn(s, ".");
        if (len >= sizeof(part)) {
            return NULL;
        }
        memcpy(part, s, len);
        part[len] = '\0';
        claims = json_object_get(claims, part);
        if (claims == NULL || s[len] == '\0') {
            return claims;
        }
        s += len + 1;
    }
    return v;
}

static bool lists(const json_t *v, const char *wanted)
{
    if (json_is_string(v)) {
        return strcmp(json_string_value(v), wanted) == 0;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *one = json_string_value(json_array_get(v, i));
        if (one != NULL && strcmp(one, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* Seconds since 1970, whole or not, as ms. */
static bool take_time(const json_t *v, uint64_t *out)
{
    double s = json_number_value(v);
    if (!json_is_number(v) || !(s >= 0) || s > 1e12) {
        return false;
    }
    *out = (uint64_t)(s * 1000);
    return true;
}

static int check_times(const json_t *claims, const struct token_rules *rules, uint64_t now_ms,
                       uint64_t *expires_ms, struct err *e)
{
    uint64_t from = 0, until = 0;
    const json_t *nbf = json_object_get(claims, "nbf");
    if (!take_time(json_object_get(claims, "exp"), &until)) {
        return err_set(e, E_AUTH, "the token has no end (exp)");
    }
    if (until + rules->leeway_ms <= now_ms) {
        return err_word(e, E_AUTH, "token_expired", "the token's time is over");
    }
    if (nbf != NULL && (!take_time(nbf, &from) || from > now_ms + rules->leeway_ms)) {
        return err_set(e, E_AUTH, "the token's time has not come (nbf)");
    }
    *expires_ms = until + rules->leeway_ms;
    return 0;
}

static int check_origin(const json_t *claims, const struct token_rules *rules, struct err *e)
{
    if (strcmp(json_str_or(claims, "iss", ""), rules->issuer) != 0) {
        return err_set(e, E_AUTH, "the token is of another issuer");
    }
    if (!lists(json_object_get(claims, "aud"), rules->audience)) {
        return err_set(e, E_AUTH, "the token is for another audience");
    }
    return 0;
}

/* All roles that are known here together. */
static uint32_t take_roles(const json_t *v)
{
    const char *one = json_string_value(v);
    uint32_t bits = one != NULL ? bridge_role_bits(one) : 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        one = json_string_value(json_array_get(v, i));
        bits |= one != NULL ? bridge_role_bits(one) : 0;
    }
    return bits;
}

/* A list, or a text with spaces; without the claim every session. */
static int take_sessions(const json_t *v, char out[BRIDGE_PATTERNS_LEN], struct err *e)
{
    if (v == NULL) {
        (void)snprintf(out, BRIDGE_PATTERNS_LEN, "*");
        return 0;
    }
    json_t *list = NULL;
    if (json_is_string(v)) {
        list = patterns_json(json_string_value(v));
        v = list;
    }
    int rc = patterns_parse(v, out, NULL);
    json_decref(list);
    return rc == 0 ? 0
                   : err_set(e, E_FORBIDDEN, "the token's session patterns cannot be understood");
}

static void take_names(const json_t *claims, struct bridge_principal *out)
{
    const char *sub = json_str_or(claims, "sub", "");
    const char *name = json_str(claims, "name");
    name = name != NULL ? name : json_str_or(claims, "preferred_username", "");
    (void)snprintf(out->subject, sizeof(out->subject), "jwt:%.*s",
                   (int)text_utf8_cut(sub, strlen(sub), sizeof(out->subject) - 5), sub);
    for (char *p = out->subject; *p != '\0'; p++) {
        *p = (char)(*p > ' ' && *p != 0x7F ? *p : '_'); /* it goes into logs */
    }
    memcpy(out->name, name, text_utf8_cut(name, strlen(name), sizeof(out->name) - 1));
    (void)text_strip_controls(out->name, strlen(out->name));
}

static int take_rights(const json_t *claims, const struct token_rules *rules,
                       struct bridge_principal *out, struct err *e)
{
    const json_t *tenant = claim(claims, rules->tenant_claim);
    const char *name = json_string_value(tenant);
    if (name == NULL || strlen(name) != json_string_length(tenant) || !text_is_name(name)) {
        return err_set(e, E_FORBIDDEN, "the token names no tenant (claim %.60s)",
                       rules->tenant_claim);
    }
    (void)snprintf(out->tenant, sizeof(out->tenant), "%s", name);
    out->scopes = take_roles(claim(claims, rules->role_claim));
    if (out->scopes == 0) {
        return err_set(e, E_FORBIDDEN,
                       "the token gives no role (claim %.60s): admin, operator, agent or viewer",
                       rules->role_claim);
    }
    return take_sessions(claim(claims, rules->sessions_claim), out->sessions, e);
}

int token_check(const char *token, const struct token_rules *rules, const struct token_keyset *keys,
                uint64_t now_ms, struct bridge_principal *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    if (strlen(token) > TOKEN_MAX_TOKEN || !token_looks_like(token)) {
        return err_set(e, E_AUTH, "this is neither a key of ours nor a token");
    }
    size_t head = strcspn(token, ".");
    const char *payload = token + head + 1;
    json_t *header = part_json(token, head);
    json_t *claims = part_json(payload, strcspn(payload, "."));
    int rc = header != NULL && claims != NULL ? 0 : err_set(e, E_AUTH, "the token is malformed");
    rc = rc != 0 ? rc : check_signature(token, header, rules, keys, e);
    rc = rc != 0 ? rc : check_origin(claims, rules, e);
    rc = rc != 0 ? rc : check_times(claims, rules, now_ms, &out->expires_ms, e);
    if (rc == 0 && json_str_or(claims, "sub", "")[0] == '\0') {
        rc = err_set(e, E_AUTH, "the token names nobody (sub)");
    }
    if (rc == 0) {
        take_names(claims, out);
        rc = take_rights(claims, rules, out, e);
    }
    json_decref(header);
    json_decref(claims);
    return rc;
}
