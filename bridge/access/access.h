/*
 * Who may do what: scopes, roles, session patterns, keys. Private to bridge/.
 * The pure parts may be called on any thread, the rest on the loop.
 */
#ifndef BRIDGE_ACCESS_H
#define BRIDGE_ACCESS_H

#include "core_priv.h"

/* What a key's record grants. */
struct rights {
    uint32_t scopes;
    char sessions[BRIDGE_PATTERNS_LEN];
    uint64_t expires_ms; /* 0: never */
};

/* ---- scopes.c, patterns.c (pure) ---------------------------------------------------------------
 */

json_t *scopes_json(uint32_t bits); /* gives ["*"] or the words; NULL: no memory */
/* A list of scope words. E_INVALID "unknown_scope" with the field. */
int scopes_parse(const json_t *list, uint32_t *bits, struct err *e);

/* A list of 1 to BRIDGE_MAX_PATTERNS patterns. E_INVALID with the field. */
int patterns_parse(const json_t *list, char out[BRIDGE_PATTERNS_LEN], struct err *e);
json_t *patterns_json(const char *patterns); /* gives */
bool patterns_match(const char *patterns, const char *session);
/* Whatever matches one of inner is matched by one of outer. */
bool patterns_within(const char *inner, const char *outer);

/* ---- rights.c (pure) ---------------------------------------------------------------------------
 */

/* Of a key's record; a record that cannot be read grants nothing. */
void rights_of_record(const json_t *record, struct rights *out);
/* May who give these? E_FORBIDDEN says what is too much. who NULL, or admin: yes. */
int rights_check(const struct rights *r, const struct bridge_principal *who, struct err *e);
/* The fields of a body that makes or changes a key, checked, as changes to its record: absent
 * members of the body are absent there, null removes. Gives. admin: an admin key, which has
 * all scopes or metrics:read alone, and no sessions of its own. */
int key_body_check(const json_t *body, bool admin, uint64_t now_ms, json_t **changes,
                   struct err *e);
/* Applies such changes. 0 or E_NOMEM. */
int key_change_record(json_t *record, const json_t *changes);
/* Those that the body does not name are the maker's own. */
int key_body_inherit(json_t *record, const struct bridge_principal *who);
/* {id,name,tenant,role,scopes,…} as the contract shows it. Gives. */
json_t *key_object(const char *id, const json_t *record, uint64_t now_ms);

/* ---- keys.c ------------------------------------------------------------------------------------
 */

/* The record of a key whose tenant is there. Gives. E_NOTFOUND. until (may be NULL): of a sign-in key,
 * the end of what it was made with; then it is E_NOTFOUND when that is no more. */
int key_find(struct bridge *b, const char *id, json_t **record, uint64_t *until, struct err *e);
/* Who comes with such a key; its secret (proof) is not told by the record. */
void key_principal(struct bridge_principal *out, const char *id, const json_t *record,
                   uint64_t until);
bool key_owned(const json_t *record, const char *tenant); /* NULL: an admin key */
/* The key that who came with, if it is there with the same secret, as it is now; its end is that of
 * the secret. E_AUTH. */
int key_again(struct bridge *b, const struct bridge_principal *who, struct bridge_principal *now,
              struct err *e);
/* The key was used: written at most once a minute, without waiting for it. */
void key_touch(struct bridge *b, const char *id, const json_t *record, uint64_t now_ms);

/* ---- maker.c -----------------------------------------------------------------------------------
 */

bool key_is_sign_in(const json_t *record);
/* The earlier of two ends, 0 being none. */
uint64_t key_sooner(uint64_t a, uint64_t b);
/* When the secret before the last rotation ends; never 0. */
uint64_t key_old_until(const json_t *record);
/* Does the hash in member ("hash", "old_hash") begin with these hex digits? */
bool key_same_proof(const char *proof, const json_t *record, const char *member);
/* Does everything that a sign-in key was made with still stand? until: the first end of it; 0: none.
 * E_NOTFOUND. Any other key: 0. Writer or loop. */
int makers_check(struct store_txn *t, const json_t *record, uint64_t *until);
/* The same, and who it all began with: a key by its id, a token by the name in its record. */
#define MAKER_LEN 128
int makers_first(struct store_txn *t, const json_t *record, uint64_t *until, char first[MAKER_LEN]);

/* ---- me.c -------------------------------------------------------------------------------------
 */

const char *role_of_bits(uint32_t scopes); /* the role that grants just these; NULL: none */
/* What GET /v1/me answers; record NULL: of a token. Gives, NULL: no memory. */
json_t *me_object(const struct bridge_principal *who, const json_t *record);

#endif
