/*
 * A sign-in key acts for the key that it was made with: no longer than that one works, with the same
 * secret, and never further than it goes. So the record names its maker, and each use looks at it,
 * and at that one's own maker when it was a sign-in key too. What becomes of the maker (deleted,
 * rotated, given less) needs no second record to be changed with it.
 */
#include "access.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

#define MAX_MAKERS 8 /* one behind the other */

bool key_is_sign_in(const json_t *record)
{
    return strcmp(json_str_or(record, "kind", ""), "sign_in") == 0;
}

uint64_t key_sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t key_old_until(const json_t *record)
{
    int64_t at = json_int(record, "old_until_ms", 0);
    return at > 0 ? (uint64_t)at : 1;
}

bool key_same_proof(const char *proof, const json_t *record, const char *member)
{
    return proof[0] != '\0' &&
           strncmp(json_str_or(record, member, ""), proof, strlen(proof)) == 0;
}

static json_t *read_record(struct store_txn *t, const char *id)
{
    struct store_value v;
    return store_get(t, STORE_KEYS, STORE_PATH(id), &v) == 0 ? record_parse(v, NULL) : NULL;
}

/* May the maker still give what the made one has? */
static bool covers(const json_t *maker, const json_t *made)
{
    struct rights all, some;
    const char *tenant = json_str(maker, "tenant");
    rights_of_record(maker, &all);
    rights_of_record(made, &some);
    if (tenant == NULL) {
        return all.scopes == BRIDGE_ALL_SCOPES;
    }
    return key_owned(made, tenant) && (some.scopes & ~all.scopes) == 0 &&
           patterns_within(some.sessions, all.sessions);
}

static bool is_good(const json_t *maker, const json_t *made, uint64_t *until)
{
    struct rights r;
    const char *proof = json_str_or(made, "maker_proof", "");
    rights_of_record(maker, &r);
    *until = key_sooner(*until, r.expires_ms);
    if (!key_same_proof(proof, maker, "hash")) {
        *until = key_sooner(*until, key_old_until(maker));
        return key_same_proof(proof, maker, "old_hash") && covers(maker, made);
    }
    return covers(maker, made);
}

int makers_check(struct store_txn *t, const json_t *record, uint64_t *until)
{
    char first[MAKER_LEN];
    return makers_first(t, record, until, first);
}

int makers_first(struct store_txn *t, const json_t *record, uint64_t *until, char first[MAKER_LEN])
{
    json_t *made = json_incref((json_t *)(uintptr_t)record);
    int rc = 0;
    *until = 0;
    first[0] = '\0';
    for (unsigned i = 0; rc == 0; i++) {
        const char *id = json_str(made, "maker");
        if (id == NULL) { /* a key, or made with a token */
            if (key_is_sign_in(made)) {
                (void)snprintf(first, MAKER_LEN, "%s", json_str_or(made, "name", ""));
            }
            break;
        }
        (void)snprintf(first, MAKER_LEN, "%s", id);
        json_t *maker = i < MAX_MAKERS ? read_record(t, id) : NULL;
        rc = maker != NULL && is_good(maker, made, until) ? 0 : E_NOTFOUND;
        json_decref(made);
        made = maker;
    }
    json_decref(made);
    return rc;
}
