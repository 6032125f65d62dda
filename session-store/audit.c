/*
 * The chains of the audit log. A row holds the record's time, the hash of its text and the text; the
 * hash of a row is the prev of the next one, and the state row (number 0) holds both ends, so that a
 * missing first or last row shows too. Appending reads and writes the state row and never a record.
 */
#include "store_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HASH_LEN CRYPTO_SHA256_LEN
#define ROW_HEAD (8 + HASH_LEN)
#define END_LEN (8 + 8 + HASH_LEN)
_Static_assert(sizeof(((struct store_audit_end *)0)->hash) == HASH_LEN, "a hash is a hash");

static void row_key(struct key *k, const char *chain, uint64_t seq)
{
    key_tenant(k, chain);
    key_u64(k, seq);
}

/* ---- the state row -------------------------------------------------------------------------- */

static void end_encode(const struct store_audit_end *end, unsigned char out[END_LEN])
{
    be64_put(out, end->seq);
    be64_put(out + 8, end->time_ms);
    memcpy(out + 16, end->hash, HASH_LEN);
}

static void end_decode(const unsigned char *in, struct store_audit_end *out)
{
    out->seq = be64_get(in);
    out->time_ms = be64_get(in + 8);
    memcpy(out->hash, in + 16, HASH_LEN);
}

int store_audit_state(struct store_txn *t, const char *chain, struct store_audit_state *out)
{
    struct key k;
    MDB_val v;
    memset(out, 0, sizeof(*out));
    row_key(&k, chain, 0);
    int rc = txn_get(t, DB_AUDIT, &k, &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    if (v.mv_size != 2 * END_LEN) {
        return txn_corrupt(t);
    }
    end_decode(v.mv_data, &out->anchor);
    end_decode((const unsigned char *)v.mv_data + END_LEN, &out->head);
    return 0;
}

static int state_put(struct store_txn *t, const char *chain, const struct store_audit_state *s)
{
    struct key k;
    unsigned char b[2 * END_LEN];
    end_encode(&s->anchor, b);
    end_encode(&s->head, b + END_LEN);
    row_key(&k, chain, 0);
    return txn_put(t, DB_AUDIT, &k, b, sizeof(b));
}

/* ---- append --------------------------------------------------------------------------------- */

int store_audit_append(struct store_txn *t, const char *chain, uint64_t time_ms,
                       const char *members, size_t len)
{
    struct store_audit_state s;
    struct key k;
    char text[STORE_AUDIT_MAX];
    char prev[2 * HASH_LEN + 1];
    unsigned char head[ROW_HEAD];
    if (!t->write) {
        return E_STATE;
    }
    int rc = store_audit_state(t, chain, &s);
    if (rc != 0 || len < 3 || members[0] != '{') {
        return rc != 0 ? rc : E_INVALID;
    }
    crypto_hex(s.head.hash, HASH_LEN, prev);
    uint64_t seq = s.head.seq + 1;
    int n = snprintf(text, sizeof(text), "{\"seq\":%" PRIu64 ",\"prev\":\"%s\",%.*s", seq, prev,
                     (int)(len < sizeof(text) ? len - 1 : sizeof(text)), members + 1);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        return E_TOOLARGE;
    }
    s.head.seq = seq;
    s.head.time_ms = time_ms;
    rc = crypto_sha256(text, (size_t)n, s.head.hash);
    if (rc != 0) {
        return rc;
    }
    be64_put(head, time_ms);
    memcpy(head + 8, s.head.hash, HASH_LEN);
    row_key(&k, chain, seq);
    rc = txn_put2(t, DB_AUDIT, &k, head, sizeof(head), text, (size_t)n);
    return rc != 0 ? rc : state_put(t, chain, &s);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct row {
    uint64_t seq, time_ms;
    const unsigned char *hash;
    struct store_value text;
};

static int row_decode(struct iter *it, size_t prefix_len, struct row *out)
{
    if (it->at.len != prefix_len + 8 || it->v.mv_size < ROW_HEAD) {
        return txn_corrupt(it->t);
    }
    const unsigned char *p = it->v.mv_data;
    *out = (struct row){.seq = be64_get(it->at.b + prefix_len),
                        .time_ms = be64_get(p),
                        .hash = p + 8,
                        .text = {(const char *)p + ROW_HEAD, it->v.mv_size - ROW_HEAD}};
    return 0;
}

int store_audit_list(struct store_txn *t, const char *chain, uint64_t from, bool oldest_first,
                     store_audit_fn fn, void *arg)
{
    struct key prefix, at;
    struct iter it;
    struct row row = {0};
    int stop = 0;
    key_tenant(&prefix, chain);
    row_key(&at, chain, from == 0 && !oldest_first ? UINT64_MAX : from);
    int rc = iter_open(&it, t, DB_AUDIT, &prefix, &at,
                       (oldest_first ? 0u : (unsigned)ITER_BACK) | ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        if (it.at.len == prefix.len + 8 && be64_get(it.at.b + prefix.len) == 0) {
            continue; /* the state row is no record */
        }
        stop = row_decode(&it, prefix.len, &row);
        stop = stop != 0 ? stop : fn(arg, row.seq, row.time_ms, row.hash, row.text);
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

/* ---- every chain ---------------------------------------------------------------------------- */

/* Goes on to the chain behind `chain` ("" to begin). E_NOTFOUND at the end. */
static int next_chain(struct store_txn *t, char chain[KEY_NAME_MAX + 1])
{
    struct key all, from;
    struct iter it;
    key_init(&all);
    key_init(&from);
    if (chain[0] != '\0') {
        row_key(&from, chain, UINT64_MAX);
    }
    int rc = iter_open(&it, t, DB_AUDIT, &all, chain[0] != '\0' ? &from : NULL, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    rc = iter_next(&it);
    if (rc == 0) {
        struct key_reader r;
        key_read(&r, it.at.b, it.at.len);
        const char *name = key_read_text(&r);
        (void)key_read_u64(&r);
        rc = key_read_done(&r) && strlen(name) <= KEY_NAME_MAX ? 0 : txn_corrupt(t);
        if (rc == 0) {
            memcpy(chain, name, strlen(name) + 1);
        }
    }
    iter_close(&it);
    return rc;
}

/* ---- trim ----------------------------------------------------------------------------------- */

/* The oldest records of one chain. The head stays: the chain goes on from it. */
static int trim_chain(struct store_txn *t, const char *chain, uint64_t before_ms, size_t *left)
{
    struct store_audit_state s;
    struct key prefix, at;
    struct iter it;
    struct row row = {0};
    bool cut = false;
    int rc = store_audit_state(t, chain, &s);
    key_tenant(&prefix, chain);
    row_key(&at, chain, 0);
    rc = rc != 0 ? rc : iter_open(&it, t, DB_AUDIT, &prefix, &at, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    while (*left > 0 && (rc = iter_next(&it)) == 0 &&
           (rc = row_decode(&it, prefix.len, &row)) == 0) {
        if (row.time_ms >= before_ms || row.seq >= s.head.seq) {
            break;
        }
        s.anchor.seq = row.seq;
        memcpy(s.anchor.hash, row.hash, HASH_LEN);
        rc = txn_del(t, DB_AUDIT, &it.at);
        if (rc != 0) {
            break;
        }
        cut = true;
        --*left;
    }
    iter_close(&it);
    rc = rc == E_NOTFOUND ? 0 : rc;
    if (rc == 0 && cut) {
        s.anchor.time_ms = before_ms;
        rc = state_put(t, chain, &s);
    }
    return rc;
}

int store_audit_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n)
{
    char chain[KEY_NAME_MAX + 1] = "";
    size_t left = max;
    int rc = t->write ? 0 : E_STATE;
    *n = 0;
    while (rc == 0 && left > 0 && (rc = next_chain(t, chain)) == 0) {
        rc = trim_chain(t, chain, before_ms, &left);
    }
    *n = max - left;
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- check ---------------------------------------------------------------------------------- */

struct check {
    const char *chain;
    struct store_audit_end last; /* of the record before */
    struct err *e;
};

static int check_row(void *arg, uint64_t seq, uint64_t time_ms, const unsigned char hash[32],
                     struct store_value text)
{
    struct check *c = arg;
    char begin[128], prev[2 * HASH_LEN + 1];
    unsigned char now[HASH_LEN];
    crypto_hex(c->last.hash, HASH_LEN, prev);
    int n = snprintf(begin, sizeof(begin), "{\"seq\":%" PRIu64 ",\"prev\":\"%s\",", seq, prev);
    if (seq != c->last.seq + 1) {
        return err_set(c->e, E_IO, "audit log %s: record %" PRIu64 " is missing", c->chain,
                       c->last.seq + 1);
    }
    if (crypto_sha256(text.data, text.len, now) != 0) {
        return err_set(c->e, E_NOMEM, "out of memory");
    }
    if (memcmp(now, hash, HASH_LEN) != 0) {
        return err_set(c->e, E_IO, "audit log %s: record %" PRIu64 " was changed", c->chain, seq);
    }
    if (text.len < (size_t)n || memcmp(text.data, begin, (size_t)n) != 0) {
        return err_set(c->e, E_IO,
                       "audit log %s: record %" PRIu64 " does not follow the one before it",
                       c->chain, seq);
    }
    c->last.seq = seq;
    c->last.time_ms = time_ms;
    memcpy(c->last.hash, hash, HASH_LEN);
    return 0;
}

int store_audit_check(struct store_txn *t, const char *chain, struct err *e)
{
    struct store_audit_state s;
    struct check c = {.chain = chain, .e = e};
    int rc = store_audit_state(t, chain, &s);
    if (rc == 0) {
        c.last = s.anchor;
        rc = store_audit_list(t, chain, s.anchor.seq, true, check_row, &c);
    }
    if (rc == 0 &&
        (c.last.seq != s.head.seq || memcmp(c.last.hash, s.head.hash, HASH_LEN) != 0)) {
        rc = err_set(e, E_IO, "audit log %s: it ends with record %" PRIu64 ", not with %" PRIu64,
                     chain, c.last.seq, s.head.seq);
    }
    return rc;
}

int audit_check_all(struct store_txn *t, struct err *e)
{
    char chain[KEY_NAME_MAX + 1] = "";
    int rc;
    while ((rc = next_chain(t, chain)) == 0) {
        rc = store_audit_check(t, chain, e);
        if (rc != 0) {
            return rc;
        }
    }
    return rc == E_NOTFOUND ? 0 : rc;
}
