/* What is to be sent: a queue per session in order of acceptance, and where each message is. */
#include "store_priv.h"

#include <string.h>

#define HEAD_MAX (8 + STORE_MAX_ID + 1)

static void entry_key(struct key *k, const char *tenant, const char *session, uint64_t order)
{
    key_session(k, tenant, session);
    key_u64(k, order);
}

static void id_key(struct key *k, const char *tenant, const char *session, const char *id)
{
    key_session(k, tenant, session);
    key_text(k, id, STORE_MAX_ID);
}

static int write_entry(struct store_txn *t, const struct key *k, const char *id,
                       uint64_t expires_ms, const void *data, size_t len)
{
    unsigned char head[HEAD_MAX];
    size_t id_size = strnlen(id, STORE_MAX_ID) + 1;
    be64_put(head, expires_ms);
    memcpy(head + 8, id, id_size);
    return txn_put2(t, DB_OUTBOX, k, head, 8 + id_size, data, len);
}

int store_outbox_add(struct store_txn *t, const char *tenant, const char *session,
                     const char *message_id, uint64_t expires_ms, const void *data, size_t len,
                     uint64_t *order)
{
    struct key k, by_id;
    unsigned char b[8];
    int rc = txn_check_value(t, data, len);
    if (rc != 0) {
        return rc;
    }
    id_key(&by_id, tenant, session, message_id);
    uint64_t next = t->s->seq + 1;
    be64_put(b, next);
    rc = txn_add(t, DB_OUTBOX_IDS, &by_id, b, sizeof(b));
    if (rc == 0) {
        t->s->seq = next;
        entry_key(&k, tenant, session, next);
        rc = write_entry(t, &k, message_id, expires_ms, data, len);
    }
    if (rc == 0) {
        rc = tally_add(t, tenant, session, TALLY_OUTBOX, 1);
    }
    if (rc == 0 && order != NULL) {
        *order = next;
    }
    return rc;
}

/* The id stored in an entry; it lies in v. */
static int entry_id(struct store_txn *t, const MDB_val *v, uint64_t *expires_ms, const char **id,
                    struct store_value *data)
{
    struct key_reader r;
    key_read(&r, v->mv_data, v->mv_size);
    *expires_ms = key_read_u64(&r);
    *id = key_read_text(&r);
    *data = (struct store_value){(const char *)r.p, (size_t)(r.end - r.p)};
    return r.bad ? txn_corrupt(t) : 0;
}

/* Copies the id of an entry out, ready for its index key. */
static int entry_id_key(struct store_txn *t, const struct key *k, const char *tenant,
                        const char *session, struct key *by_id)
{
    MDB_val v;
    const char *id;
    uint64_t expires_ms;
    struct store_value data;
    int rc = txn_get(t, DB_OUTBOX, k, &v);
    if (rc == 0) {
        rc = entry_id(t, &v, &expires_ms, &id, &data);
    }
    if (rc == 0) {
        id_key(by_id, tenant, session, id);
        rc = by_id->rc;
    }
    return rc;
}

int store_outbox_put(struct store_txn *t, const char *tenant, const char *session, uint64_t order,
                     const char *message_id, uint64_t expires_ms, const void *data, size_t len)
{
    struct key k, old_id, new_id;
    unsigned char b[8];
    int rc = txn_check_value(t, data, len);
    if (rc != 0) {
        return rc;
    }
    entry_key(&k, tenant, session, order);
    id_key(&new_id, tenant, session, message_id);
    rc = new_id.rc != 0 ? new_id.rc : entry_id_key(t, &k, tenant, session, &old_id);
    if (rc != 0) {
        return rc;
    }
    if (!key_equal(&old_id, &new_id)) {
        rc = txn_has(t, DB_OUTBOX_IDS, &new_id);
        if (rc != E_NOTFOUND) {
            return rc == 0 ? E_EXISTS : rc;
        }
        be64_put(b, order);
        rc = txn_del(t, DB_OUTBOX_IDS, &old_id);
        if (rc == 0) {
            rc = txn_put(t, DB_OUTBOX_IDS, &new_id, b, sizeof(b));
        }
    }
    return rc != 0 ? rc : write_entry(t, &k, message_id, expires_ms, data, len);
}

int store_outbox_del(struct store_txn *t, const char *tenant, const char *session, uint64_t order)
{
    struct key k, by_id;
    if (!t->write) {
        return E_STATE;
    }
    entry_key(&k, tenant, session, order);
    int rc = entry_id_key(t, &k, tenant, session, &by_id);
    if (rc == 0) {
        rc = txn_del(t, DB_OUTBOX_IDS, &by_id);
    }
    if (rc == 0) {
        rc = txn_del(t, DB_OUTBOX, &k);
    }
    return rc != 0 ? rc : tally_add(t, tenant, session, TALLY_OUTBOX, -1);
}

int store_outbox_list(struct store_txn *t, const char *tenant, const char *session,
                      uint64_t after_order, store_outbox_fn fn, void *arg)
{
    struct key prefix, from;
    struct iter it;
    key_session(&prefix, tenant, session);
    entry_key(&from, tenant, session, after_order);
    int rc = iter_open(&it, t, DB_OUTBOX, &prefix, &from, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        uint64_t expires_ms = 0;
        const char *id = "";
        struct store_value data;
        stop = it.at.len == prefix.len + 8 ? entry_id(t, &it.v, &expires_ms, &id, &data)
                                           : txn_corrupt(t);
        if (stop == 0) {
            stop = fn(arg, be64_get(it.at.b + prefix.len), id, expires_ms, data);
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int erase_outbox(struct store_txn *t, const char *tenant, const char *session, size_t *left)
{
    struct key prefix;
    struct iter it;
    key_owner(&prefix, tenant, session);
    int rc = iter_open(&it, t, DB_OUTBOX, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    while (*left > 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        key_read(&r, it.at.b, it.at.len);
        const char *of_tenant = key_read_text(&r);
        const char *of_session = key_read_text(&r);
        uint64_t order = key_read_u64(&r);
        rc = r.bad ? txn_corrupt(t) : store_outbox_del(t, of_tenant, of_session, order);
        if (rc != 0) {
            break;
        }
        --*left;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}
