#include "audit_chain.h"

#include "crypto.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define TAIL_HEAD ",\"hash\":\""
#define TAIL_LEN (sizeof(TAIL_HEAD) - 1 + CHAIN_HEX - 1 + 2) /* and "} */

void chain_anchor(struct chain *c, const json_t *anchor)
{
    c->begun = true;
    c->seq = (uint64_t)json_int(anchor, "seq", 0);
    (void)snprintf(c->hash, sizeof(c->hash), "%s", json_str_or(anchor, "hash", ZEROS));
}

/* The record as it was hashed: the line without its hash. */
static int hash_of(const char *line, size_t len, char out[CHAIN_HEX], struct err *e)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    if (len <= TAIL_LEN || memcmp(line + len - TAIL_LEN, TAIL_HEAD, sizeof(TAIL_HEAD) - 1) != 0 ||
        memcmp(line + len - 2, "\"}", 2) != 0) {
        return err_set(e, E_INVALID, "not a record of an audit log");
    }
    size_t n = len - TAIL_LEN;
    char *text = mem_strndup(line, n + 1);
    if (text == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    text[n] = '}';
    int rc = crypto_sha256(text, n + 1, hash);
    free(text);
    crypto_hex(hash, sizeof(hash), out);
    return rc == 0 ? 0 : err_set(e, rc, "out of memory");
}

int chain_add(struct chain *c, const char *line, size_t len, struct err *e)
{
    char now[CHAIN_HEX];
    int rc = hash_of(line, len, now, e);
    if (rc != 0) {
        return rc;
    }
    json_t *o = json_parse(line, len, len, e);
    if (o == NULL) {
        return err_wrap(e, "not a record of an audit log");
    }
    uint64_t seq = (uint64_t)json_int(o, "seq", 0);
    const char *prev = json_str_or(o, "prev", "");
    if (!c->begun) {
        c->begun = true;
        c->seq = seq - 1;
        (void)snprintf(c->hash, sizeof(c->hash), "%s", seq == 1 ? ZEROS : prev);
    }
    if (strcmp(json_str_or(o, "hash", ""), now) != 0) {
        rc = err_set(e, E_CONFLICT, "record %llu was changed", (unsigned long long)seq);
    } else if (seq != c->seq + 1) {
        rc = err_set(e, E_CONFLICT, "record %llu is missing", (unsigned long long)c->seq + 1);
    } else if (strcmp(prev, c->hash) != 0) {
        rc = err_set(e, E_CONFLICT, "record %llu does not follow the one before it",
                     (unsigned long long)seq);
    }
    json_decref(o);
    if (rc == 0) {
        c->seq = seq;
        c->count++;
        memcpy(c->hash, now, sizeof(now));
    }
    return rc;
}

int chain_end(const struct chain *c, const json_t *head, struct err *e)
{
    uint64_t seq = (uint64_t)json_int(head, "seq", 0);
    bool same = strcmp(json_str_or(head, "hash", ZEROS), c->hash) == 0;
    if (seq > c->seq) {
        return err_set(e, E_CONFLICT, "record %llu is missing: the log ends with record %llu",
                       (unsigned long long)c->seq + 1, (unsigned long long)seq);
    }
    if (seq == c->seq && !same) {
        return err_set(e, E_CONFLICT, "the last record %llu is not the one that was written",
                       (unsigned long long)seq);
    }
    return 0;
}
