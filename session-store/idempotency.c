/* Answers already given, by the client's key. A key is there until a trim takes it away. */
#include "store_priv.h"

#include <string.h>

#define HASH_LEN 32
#define HEAD_LEN (8 + HASH_LEN)

static void idem_key(struct key *k, const char *tenant, const char *name)
{
    key_tenant(k, tenant);
    key_text(k, name, KEY_CLIENT_MAX);
}

static void expiry_key(struct key *k, uint64_t expires_ms, const char *tenant, const char *name)
{
    key_init(k);
    key_u64(k, expires_ms);
    key_text(k, tenant, KEY_NAME_MAX);
    key_text(k, name, KEY_CLIENT_MAX);
}

int store_idem_get(struct store_txn *t, const char *tenant, const char *key, unsigned char hash[32],
                   struct store_value *answer)
{
    struct key k;
    MDB_val v;
    idem_key(&k, tenant, key);
    int rc = txn_get(t, DB_IDEM, &k, &v);
    if (rc != 0) {
        return rc;
    }
    if (v.mv_size < HEAD_LEN) {
        return txn_corrupt(t);
    }
    const char *p = v.mv_data;
    memcpy(hash, p + 8, HASH_LEN);
    *answer = (struct store_value){p + HEAD_LEN, v.mv_size - HEAD_LEN};
    return 0;
}

int store_idem_put(struct store_txn *t, const char *tenant, const char *key,
                   const unsigned char hash[32], uint64_t expires_ms, const void *answer,
                   size_t len)
{
    struct key k, expiry;
    unsigned char head[HEAD_LEN];
    int rc = txn_check_value(t, answer, len);
    if (rc != 0) {
        return rc;
    }
    idem_key(&k, tenant, key);
    be64_put(head, expires_ms);
    memcpy(head + 8, hash, HASH_LEN);
    rc = txn_add2(t, DB_IDEM, &k, head, sizeof(head), answer, len);
    if (rc == 0) {
        expiry_key(&expiry, expires_ms, tenant, key);
        rc = txn_put(t, DB_IDEM_EXPIRY, &expiry, NULL, 0);
    }
    return rc;
}

int store_idem_trim(struct store_txn *t, uint64_t now_ms, size_t max, size_t *n)
{
    struct key all, k;
    struct iter it;
    *n = 0;
    key_init(&all);
    int rc = t->write ? iter_open(&it, t, DB_IDEM_EXPIRY, &all, NULL, 0) : E_STATE;
    if (rc != 0) {
        return rc;
    }
    while (*n < max && (rc = iter_next(&it)) == 0) {
        if (it.at.len < 8) {
            rc = txn_corrupt(t);
            break;
        }
        if (be64_get(it.at.b) > now_ms) {
            break;
        }
        key_copy(&k, it.at.b + 8, it.at.len - 8);
        rc = txn_del(t, DB_IDEM_EXPIRY, &it.at);
        if (rc == 0) {
            rc = txn_del(t, DB_IDEM, &k);
        }
        if (rc != 0) {
            rc = rc == E_NOTFOUND ? txn_corrupt(t) : rc;
            break;
        }
        ++*n;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}

int erase_idem(struct store_txn *t, const char *tenant, size_t *left)
{
    struct key prefix, expiry;
    struct iter it;
    key_tenant(&prefix, tenant);
    int rc = iter_open(&it, t, DB_IDEM, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (*left > 0 && stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        key_read(&r, it.at.b, it.at.len);
        const char *of_tenant = key_read_text(&r);
        const char *name = key_read_text(&r);
        if (!key_read_done(&r) || it.v.mv_size < HEAD_LEN) {
            stop = txn_corrupt(t);
            break;
        }
        expiry_key(&expiry, be64_get(it.v.mv_data), of_tenant, name);
        stop = txn_del(t, DB_IDEM_EXPIRY, &expiry);
        if (stop == 0) {
            stop = txn_del(t, DB_IDEM, &it.at);
        }
        --*left;
    }
    iter_close(&it);
    return iter_result(rc, stop);
}
