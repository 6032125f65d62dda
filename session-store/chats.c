/* Chats, and the index by the time of their last message. */
#include "store_priv.h"

static void chat_key(struct key *k, const char *tenant, const char *session, const char *chat)
{
    key_session(k, tenant, session);
    key_text(k, chat, STORE_MAX_ID);
}

static void recent_key(struct key *k, const char *tenant, const char *session, uint64_t last_ms,
                       const char *chat)
{
    key_session(k, tenant, session);
    key_u64(k, last_ms);
    key_text(k, chat, STORE_MAX_ID);
}

int store_chat_get(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                   struct store_value *out, uint64_t *last_ms)
{
    struct key k;
    MDB_val v;
    chat_key(&k, tenant, session, chat);
    int rc = txn_get(t, DB_CHATS, &k, &v);
    if (rc != 0) {
        return rc;
    }
    if (v.mv_size < 8) {
        return txn_corrupt(t);
    }
    if (last_ms != NULL) {
        *last_ms = be64_get(v.mv_data);
    }
    if (out != NULL) {
        *out = (struct store_value){(const char *)v.mv_data + 8, v.mv_size - 8};
    }
    return 0;
}

int store_chat_put(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                   uint64_t last_ms, const void *data, size_t len)
{
    struct key k, recent;
    uint64_t old_ms = 0;
    unsigned char head[8];
    int rc = txn_check_value(t, data, len);
    if (rc != 0) {
        return rc;
    }
    rc = store_chat_get(t, tenant, session, chat, NULL, &old_ms);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    chat_key(&k, tenant, session, chat);
    be64_put(head, last_ms);
    bool known = rc == 0;
    /* data may be the old value itself: it is copied out before anything else is written */
    rc = txn_put2(t, DB_CHATS, &k, head, sizeof(head), data, len);
    if (rc == 0 && known && old_ms != last_ms) {
        recent_key(&recent, tenant, session, old_ms, chat);
        rc = txn_del(t, DB_CHAT_RECENT, &recent);
    }
    if (rc == 0 && (!known || old_ms != last_ms)) {
        recent_key(&recent, tenant, session, last_ms, chat);
        rc = txn_put(t, DB_CHAT_RECENT, &recent, NULL, 0);
    }
    return rc;
}

int store_chat_del(struct store_txn *t, const char *tenant, const char *session, const char *chat)
{
    struct key k;
    uint64_t last_ms = 0;
    if (!t->write) {
        return E_STATE;
    }
    int rc = store_chat_get(t, tenant, session, chat, NULL, &last_ms);
    if (rc != 0) {
        return rc;
    }
    recent_key(&k, tenant, session, last_ms, chat);
    rc = txn_del(t, DB_CHAT_RECENT, &k);
    if (rc == 0) {
        chat_key(&k, tenant, session, chat);
        rc = txn_del(t, DB_CHATS, &k);
    }
    return rc;
}

int store_chat_list(struct store_txn *t, const char *tenant, const char *session, uint64_t after_ms,
                    const char *after_chat, store_chat_fn fn, void *arg)
{
    struct key prefix, from;
    struct iter it;
    bool whole = after_chat == NULL || *after_chat == '\0';
    key_session(&prefix, tenant, session);
    if (!whole) {
        recent_key(&from, tenant, session, after_ms, after_chat);
    }
    int rc =
        iter_open(&it, t, DB_CHAT_RECENT, &prefix, whole ? NULL : &from, ITER_BACK | ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        struct store_value v;
        key_read(&r, it.at.b + prefix.len, it.at.len - prefix.len);
        uint64_t last_ms = key_read_u64(&r);
        const char *chat = key_read_text(&r);
        stop =
            key_read_done(&r) ? store_chat_get(t, tenant, session, chat, &v, NULL) : txn_corrupt(t);
        if (stop == 0) {
            stop = fn(arg, chat, last_ms, v);
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int erase_chats(struct store_txn *t, const char *tenant, const char *session, size_t *left)
{
    struct key prefix;
    struct iter it;
    key_owner(&prefix, tenant, session);
    int rc = iter_open(&it, t, DB_CHATS, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (*left > 0 && stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        key_read(&r, it.at.b, it.at.len);
        const char *of_tenant = key_read_text(&r);
        const char *of_session = key_read_text(&r);
        const char *chat = key_read_text(&r);
        stop = r.bad ? txn_corrupt(t) : store_chat_del(t, of_tenant, of_session, chat);
        --*left;
    }
    iter_close(&it);
    return iter_result(rc, stop);
}
