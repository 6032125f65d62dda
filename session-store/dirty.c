/*
 * Dirty rows: which messages the search index has yet to look at, and the walk over all of them for
 * when it has to look at everything.
 *
 * A row's number is taken from the store's sequence, so that a tenant's rows stand in the order of
 * the writes. Number 0 is the tenant's state: cleared (8 bytes), lost (1 byte).
 */
#include "message_priv.h"

#include <string.h>

static void dirty_key(struct key *k, const char *tenant, uint64_t seq)
{
    key_tenant(k, tenant);
    key_u64(k, seq);
}

int store_dirty_state(struct store_txn *t, const char *tenant, struct store_dirty_state *out)
{
    struct key k;
    MDB_val v;
    memset(out, 0, sizeof(*out));
    dirty_key(&k, tenant, 0);
    int rc = txn_get(t, DB_DIRTY, &k, &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    if (v.mv_size != 9) {
        return txn_corrupt(t);
    }
    out->cleared = be64_get(v.mv_data);
    out->lost = ((const unsigned char *)v.mv_data)[8] != 0;
    return 0;
}

static int put_state(struct store_txn *t, const char *tenant, const struct store_dirty_state *s)
{
    struct key k;
    unsigned char b[9];
    dirty_key(&k, tenant, 0);
    be64_put(b, s->cleared);
    b[8] = s->lost;
    return txn_put(t, DB_DIRTY, &k, b, sizeof(b));
}

int dirty_add(struct store_txn *t, const char *tenant, const char *session, const char *chat,
              const char *id)
{
    struct key k;
    unsigned char value[2 * (STORE_MAX_ID + 1) + KEY_NAME_MAX + 1];
    const char *const parts[] = {session, chat, id};
    MDB_stat stat;
    size_t len = 0;
    if (mdb_stat(t->mdb, t->s->dbi[DB_DIRTY], &stat) == 0 && stat.ms_entries >= STORE_DIRTY_MAX) {
        struct store_dirty_state s;
        int rc = store_dirty_state(t, tenant, &s);
        if (rc != 0 || s.lost) {
            return rc;
        }
        s.lost = true;
        return put_state(t, tenant, &s);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = strlen(parts[i]) + 1; /* all passed the limits of keys */
        memcpy(value + len, parts[i], n);
        len += n;
    }
    dirty_key(&k, tenant, ++t->s->seq);
    return txn_put(t, DB_DIRTY, &k, value, len);
}

int store_dirty_list(struct store_txn *t, const char *tenant, uint64_t after, store_dirty_fn fn,
                     void *arg)
{
    struct key prefix, from;
    struct iter it;
    key_tenant(&prefix, tenant);
    dirty_key(&from, tenant, after);
    int rc = iter_open(&it, t, DB_DIRTY, &prefix, &from, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader k, v;
        key_read(&k, it.at.b + prefix.len, it.at.len - prefix.len);
        uint64_t seq = key_read_u64(&k);
        key_read(&v, it.v.mv_data, it.v.mv_size);
        const char *session = key_read_text(&v), *chat = key_read_text(&v);
        const char *id = key_read_text(&v);
        stop = key_read_done(&k) && key_read_done(&v) ? fn(arg, seq, session, chat, id)
                                                      : txn_corrupt(t);
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_dirty_clear(struct store_txn *t, const char *tenant, uint64_t seq, size_t max, size_t *n)
{
    struct key prefix, from;
    struct iter it;
    struct store_dirty_state s;
    *n = 0;
    if (!t->write) {
        return E_STATE;
    }
    int rc = store_dirty_state(t, tenant, &s);
    key_tenant(&prefix, tenant);
    dirty_key(&from, tenant, 0);
    rc = rc != 0 ? rc : iter_open(&it, t, DB_DIRTY, &prefix, &from, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && *n < max && (rc = iter_next(&it)) == 0) {
        struct key_reader k;
        struct key at;
        key_read(&k, it.at.b + prefix.len, it.at.len - prefix.len);
        uint64_t row = key_read_u64(&k);
        if (row > seq) {
            break;
        }
        dirty_key(&at, tenant, row);
        stop = txn_del(t, DB_DIRTY, &at);
        s.cleared = row > s.cleared ? row : s.cleared;
        ++*n;
    }
    iter_close(&it);
    rc = iter_result(rc, stop);
    return rc != 0 || *n == 0 ? rc : put_state(t, tenant, &s);
}

int store_dirty_found(struct store_txn *t, const char *tenant)
{
    struct store_dirty_state s;
    int rc = store_dirty_state(t, tenant, &s);
    if (rc != 0 || !s.lost) {
        return rc;
    }
    s.lost = false;
    return put_state(t, tenant, &s);
}

int erase_dirty(struct store_txn *t, const char *tenant, size_t *left)
{
    struct key prefix;
    key_tenant(&prefix, tenant);
    return txn_wipe(t, DB_DIRTY, &prefix, left);
}

/* ---- all messages ------------------------------------------------------------------------------
 */

static int visit(struct store_txn *t, struct iter *it, struct store_walk *at, store_walk_fn fn,
                 void *arg)
{
    struct key_reader r;
    struct store_value data;
    const char *id = "";
    key_read(&r, it->at.b, it->at.len);
    (void)key_read_text(&r);
    const char *session = key_read_text(&r), *chat = key_read_text(&r);
    uint64_t time_ms = key_read_u64(&r), ordinal = key_read_u64(&r);
    int rc = key_read_done(&r) ? message_decode(t, &it->v, &id, &data) : txn_corrupt(t);
    if (rc != 0) {
        return rc;
    }
    if (strlen(session) >= sizeof(at->session) || strlen(chat) > STORE_MAX_ID) {
        return txn_corrupt(t);
    }
    memcpy(at->session, session, strlen(session) + 1);
    memcpy(at->ref.chat, chat, strlen(chat) + 1);
    memcpy(at->ref.id, id, strlen(id) + 1);
    at->ref.time_ms = time_ms;
    at->ref.ordinal = ordinal;
    return fn(arg, at, data);
}

int store_message_walk(struct store_txn *t, const char *tenant, struct store_walk *at,
                       store_walk_fn fn, void *arg)
{
    struct key prefix, from;
    struct iter it;
    bool start = at->session[0] == '\0';
    key_tenant(&prefix, tenant);
    if (!start) {
        message_key(&from, tenant, at->session, at->ref.chat, at->ref.time_ms, at->ref.ordinal);
    }
    int rc = iter_open(&it, t, DB_MESSAGES, &prefix, start ? NULL : &from, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        stop = visit(t, &it, at, fn, arg);
    }
    iter_close(&it);
    return iter_result(rc, stop);
}
