/*
 * Messages: the record lies at its place in the order (time, then ordinal) of its chat; two indexes
 * find it by id and by time over the whole session. A place is given once: replacing a message
 * keeps it.
 */
#include "message_priv.h"

#include <string.h>

void message_key(struct key *k, const char *tenant, const char *session, const char *chat,
                 uint64_t time_ms, uint64_t ordinal)
{
    key_session(k, tenant, session);
    key_text(k, chat, STORE_MAX_ID);
    key_u64(k, time_ms);
    key_u64(k, ordinal);
}

static void id_key(struct key *k, const char *tenant, const char *session, const char *id,
                   const char *chat)
{
    key_session(k, tenant, session);
    key_text(k, id, STORE_MAX_ID);
    if (chat != NULL) {
        key_text(k, chat, STORE_MAX_ID);
    }
}

static void time_key(struct key *k, const char *tenant, const char *session, uint64_t time_ms,
                     uint64_t ordinal)
{
    key_session(k, tenant, session);
    key_u64(k, time_ms);
    key_u64(k, ordinal);
}

static void set_ref(struct store_message_ref *ref, const char *chat, const char *id,
                    uint64_t time_ms, uint64_t ordinal)
{
    memcpy(ref->chat, chat, strlen(chat) + 1); /* both passed the limits of keys */
    memcpy(ref->id, id, strlen(id) + 1);
    ref->time_ms = time_ms;
    ref->ordinal = ordinal;
}

/* The place of (chat, id). 0, E_NOTFOUND. */
static int find_place(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id, uint64_t *time_ms, uint64_t *ordinal)
{
    struct key k;
    MDB_val v;
    struct key_reader r;
    id_key(&k, tenant, session, id, chat);
    int rc = txn_get(t, DB_MESSAGE_IDS, &k, &v);
    if (rc != 0) {
        return rc;
    }
    key_read(&r, v.mv_data, v.mv_size);
    *time_ms = key_read_u64(&r);
    *ordinal = key_read_u64(&r);
    return key_read_done(&r) ? 0 : txn_corrupt(t);
}

static int write_indexes(struct store_txn *t, const char *tenant, const char *session,
                         const struct store_message_ref *ref)
{
    struct key k;
    unsigned char place[16];
    be64_put(place, ref->time_ms);
    be64_put(place + 8, ref->ordinal);
    id_key(&k, tenant, session, ref->id, ref->chat);
    int rc = txn_put(t, DB_MESSAGE_IDS, &k, place, sizeof(place));
    if (rc == 0) {
        time_key(&k, tenant, session, ref->time_ms, ref->ordinal);
        rc = txn_put(t, DB_MESSAGE_TIMES, &k, ref->chat, strlen(ref->chat) + 1);
    }
    return rc;
}

static int write_record(struct store_txn *t, const char *tenant, const char *session,
                        const struct store_message_ref *ref, const void *data, size_t len)
{
    struct key k;
    message_key(&k, tenant, session, ref->chat, ref->time_ms, ref->ordinal);
    int rc = txn_put2(t, DB_MESSAGES, &k, ref->id, strlen(ref->id) + 1, data, len);
    return rc != 0 ? rc : dirty_add(t, tenant, session, ref->chat, ref->id);
}

int store_message_put(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id, uint64_t time_ms, const void *data,
                      size_t len, struct store_message_ref *ref)
{
    struct key k;
    struct store_message_ref at;
    uint64_t ordinal = 0;
    int rc = chat == NULL ? E_INVALID : txn_check_value(t, data, len);
    if (rc != 0) {
        return rc;
    }
    id_key(&k, tenant, session, id, chat); /* checks every name */
    if (k.rc != 0) {
        return k.rc;
    }
    rc = find_place(t, tenant, session, chat, id, &time_ms, &ordinal);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    bool known = rc == 0;
    set_ref(&at, chat, id, time_ms, known ? ordinal : ++t->s->seq);
    rc = write_record(t, tenant, session, &at, data, len);
    if (rc == 0 && !known) {
        rc = write_indexes(t, tenant, session, &at);
    }
    if (rc == 0 && ref != NULL) {
        *ref = at;
    }
    return rc;
}

int message_decode(struct store_txn *t, const MDB_val *v, const char **id, struct store_value *data)
{
    struct key_reader r;
    key_read(&r, v->mv_data, v->mv_size);
    *id = key_read_text(&r);
    if (r.bad || strlen(*id) > STORE_MAX_ID) {
        return txn_corrupt(t);
    }
    *data = (struct store_value){(const char *)r.p, (size_t)(r.end - r.p)};
    return 0;
}

int message_at(struct store_txn *t, const char *tenant, const char *session, const char *chat,
               uint64_t time_ms, uint64_t ordinal, struct store_message_ref *ref,
               struct store_value *data)
{
    struct key k;
    MDB_val v;
    const char *id;
    message_key(&k, tenant, session, chat, time_ms, ordinal);
    int rc = txn_get(t, DB_MESSAGES, &k, &v);
    if (rc == 0) {
        rc = message_decode(t, &v, &id, data);
    }
    if (rc == 0) {
        set_ref(ref, chat, id, time_ms, ordinal);
    }
    return rc;
}

int store_message_get(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id, struct store_value *out,
                      struct store_message_ref *ref)
{
    struct key prefix, first;
    struct store_message_ref at;
    struct store_value data;
    struct key_reader r;
    uint64_t time_ms = 0, ordinal = 0;
    if (chat == NULL) {
        id_key(&prefix, tenant, session, id, NULL);
        int rc = txn_first(t, DB_MESSAGE_IDS, &prefix, &first);
        if (rc != 0) {
            return rc;
        }
        key_read(&r, first.b + prefix.len, first.len - prefix.len);
        chat = key_read_text(&r);
        if (!key_read_done(&r)) {
            return txn_corrupt(t);
        }
    }
    int rc = find_place(t, tenant, session, chat, id, &time_ms, &ordinal);
    if (rc == 0) {
        rc = message_at(t, tenant, session, chat, time_ms, ordinal, &at, &data);
        rc = rc == E_NOTFOUND ? txn_corrupt(t) : rc;
    }
    if (rc == 0 && out != NULL) {
        *out = data;
    }
    if (rc == 0 && ref != NULL) {
        *ref = at;
    }
    return rc;
}

int store_message_each(struct store_txn *t, const char *tenant, const char *session, const char *id,
                       store_message_fn fn, void *arg)
{
    struct key prefix;
    struct iter it;
    id_key(&prefix, tenant, session, id, NULL);
    int rc = iter_open(&it, t, DB_MESSAGE_IDS, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        struct store_message_ref ref;
        struct store_value data;
        struct key_reader r;
        key_read(&r, it.at.b + prefix.len, it.at.len - prefix.len);
        const char *chat = key_read_text(&r);
        stop = key_read_done(&r) ? store_message_get(t, tenant, session, chat, id, &data, &ref)
                                 : txn_corrupt(t);
        if (stop == 0) {
            stop = fn(arg, &ref, data);
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

static int delete_at(struct store_txn *t, const char *tenant, const char *session,
                     const struct store_message_ref *at)
{
    struct key k;
    message_key(&k, tenant, session, at->chat, at->time_ms, at->ordinal);
    int rc = txn_del(t, DB_MESSAGES, &k);
    if (rc == 0) {
        id_key(&k, tenant, session, at->id, at->chat);
        rc = txn_del(t, DB_MESSAGE_IDS, &k);
    }
    if (rc == 0) {
        time_key(&k, tenant, session, at->time_ms, at->ordinal);
        rc = txn_del(t, DB_MESSAGE_TIMES, &k);
    }
    return rc != 0 ? rc : dirty_add(t, tenant, session, at->chat, at->id);
}

int store_message_del(struct store_txn *t, const char *tenant, const char *session,
                      const char *chat, const char *id)
{
    struct store_message_ref at;
    if (!t->write) {
        return E_STATE;
    }
    if (chat == NULL) {
        return E_INVALID;
    }
    int rc = store_message_get(t, tenant, session, chat, id, NULL, &at);
    return rc != 0 ? rc : delete_at(t, tenant, session, &at);
}

int store_message_move(struct store_txn *t, const char *tenant, const char *session,
                       const char *from_chat, const char *to_chat, const char *id)
{
    struct store_message_ref from, to;
    struct store_value data = {NULL, 0};
    struct key k;
    if (!t->write) {
        return E_STATE;
    }
    if (from_chat == NULL || to_chat == NULL) {
        return E_INVALID;
    }
    int rc = store_message_get(t, tenant, session, from_chat, id, &data, &from);
    if (rc != 0 || strcmp(from_chat, to_chat) == 0) {
        return rc;
    }
    id_key(&k, tenant, session, id, to_chat);
    rc = txn_has(t, DB_MESSAGE_IDS, &k);
    if (rc != E_NOTFOUND) {
        return rc == 0 ? E_EXISTS : rc;
    }
    set_ref(&to, to_chat, id, from.time_ms, from.ordinal);
    rc = write_record(t, tenant, session, &to, data.data, data.len);
    if (rc == 0) {
        rc = delete_at(t, tenant, session, &from);
    }
    return rc != 0 ? rc : write_indexes(t, tenant, session, &to);
}

int erase_messages(struct store_txn *t, const char *tenant, const char *session, size_t *left)
{
    struct key prefix;
    struct iter it;
    key_owner(&prefix, tenant, session);
    int rc = iter_open(&it, t, DB_MESSAGES, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (*left > 0 && stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        struct store_message_ref at;
        struct store_value data;
        const char *id = "";
        key_read(&r, it.at.b, it.at.len);
        const char *of_tenant = key_read_text(&r);
        const char *of_session = key_read_text(&r);
        const char *chat = key_read_text(&r);
        uint64_t time_ms = key_read_u64(&r);
        uint64_t ordinal = key_read_u64(&r);
        stop = key_read_done(&r) ? message_decode(t, &it.v, &id, &data) : txn_corrupt(t);
        if (stop == 0) {
            set_ref(&at, chat, id, time_ms, ordinal);
            stop = delete_at(t, of_tenant, of_session, &at);
        }
        --*left;
    }
    iter_close(&it);
    return iter_result(rc, stop);
}
