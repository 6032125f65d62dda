/*
 * Tokens of an identity provider (JSON Web Tokens) in the place of keys. Private to bridge/access.
 *
 * Three parts: jwk.c makes verification keys from a JWK set, token_check.c checks one token against
 * keys and rules, both pure; token_keys.c holds the keys and keeps them fresh, on the loop.
 */
#ifndef BRIDGE_ACCESS_TOKEN_H
#define BRIDGE_ACCESS_TOKEN_H

#include "bridge.h"
#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_MAX_TOKEN 8192        /* bytes */
#define TOKEN_MAX_JWKS (256u << 10) /* bytes of a set */
#define TOKEN_MAX_KEYS 32           /* of a set; more are ignored */
#define TOKEN_MIN_SECRET 32         /* bytes: as long as the hash (RFC 7518, 3.2) */
#define TOKEN_MAX_SECRET 1024

enum token_alg { /* bits */
                 TOKEN_HS256 = 1,
                 TOKEN_RS256 = 2,
                 TOKEN_ES256 = 4
};

/* ---- keys --------------------------------------------------------------------------------------
 */

struct token_key {
    char kid[128]; /* "": has none */
    enum token_alg alg;
    char *text; /* PEM of a public key, or a secret */
    size_t len;
};
struct token_keyset {
    struct token_key key[TOKEN_MAX_KEYS + 1]; /* and the secret */
    size_t n;
};
void token_keyset_finish(struct token_keyset *k); /* wipes */
/* One JWK: an RSA key of 2048 to 8192 bits or one on P-256, for signatures. E_UNSUPPORTED: nothing
 * that is of use here (a symmetric key, too: whoever can read the set could sign); E_INVALID. */
int jwk_read(const json_t *jwk, struct token_key *out, struct err *e);
/* The usable keys of a set. E_INVALID when it is none, or no key in it is of use. */
int jwks_read(const char *text, size_t len, struct token_keyset *out, struct err *e);

/* ---- one token ---------------------------------------------------------------------------------
 */

struct token_rules {
    unsigned algorithms; /* enum token_alg */
    const char *issuer, *audience;
    const char *tenant_claim, *role_claim, *sessions_claim;
    uint64_t leeway_ms;
};
/* "RS256 ES256", commas too. E_INVALID. */
int token_algorithms(const char *text, unsigned *out, struct err *e);
/* Three parts of base64url with dots between: could be a token. */
bool token_looks_like(const char *text);
/* Checks signature and claims and fills out; the tenant is not looked up. E_AUTH says what is wrong
 * with it; word "unknown_signing_key" when another key may help, "token_expired". E_FORBIDDEN when
 * it is good but gives no rights. */
int token_check(const char *token, const struct token_rules *rules, const struct token_keyset *keys,
                uint64_t now_ms, struct bridge_principal *out, struct err *e);

/* ---- the keys, kept fresh ----------------------------------------------------------------------
 */

struct tokens;
/* Gives NULL when no issuer is configured. Reads files, blocking: before the loop runs. */
int tokens_create(struct bridge *b, struct tokens **out, struct err *e);
void tokens_start(struct tokens *k); /* NULL accepted; fetches, watches */
/* E_AUTH; E_UNAVAILABLE "signing_keys_pending": they are being fetched, try again in a second. */
int tokens_authenticate(struct tokens *k, const char *token, struct bridge_principal *out,
                        struct err *e);
void tokens_close(struct tokens *k, void (*on_closed)(void *arg),
                  void *arg); /* k not NULL; frees */

#endif
