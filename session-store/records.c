/* Documents under a path of names. */
#include "store_priv.h"

static const struct {
    size_t parts;
    size_t max[STORE_PATH_MAX];
} table_of[STORE_TABLE_COUNT] = {
    [STORE_META] = {1, {STORE_MAX_ID}},
    [STORE_TENANTS] = {1, {KEY_NAME_MAX}},
    [STORE_SESSIONS] = {2, {KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_WEBHOOKS] = {2, {KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_KEYS] = {1, {STORE_MAX_ID}},
    [STORE_CONTACTS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_ALIASES] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_GROUPS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_NOTES] = {4, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID, STORE_MAX_ID}},
    [STORE_SYNC] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_FETCHES] = {4, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID, STORE_MAX_ID}},
    [STORE_MEDIA] = {2, {KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_CHECKS] = {2, {KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_AGENT_CHATS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_TERMS] = {4, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID, STORE_MAX_ID}},
    [STORE_AGENTS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_AGENT_QUEUE] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_ALERTS] = {4, {KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_GUARDS] = {2, {KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_OPT_OUTS] = {2, {KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_WINDOWS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, STORE_MAX_ID}},
    [STORE_USAGE] = {4, {KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX}},
    [STORE_STATS] = {3, {KEY_NAME_MAX, KEY_NAME_MAX, KEY_NAME_MAX}},
};

/* Appends the names of a path; gives how many there were. */
static size_t path_key(struct key *k, enum store_table table, const char *const *path)
{
    size_t n = 0;
    key_init(k);
    if ((unsigned)table >= STORE_TABLE_COUNT) {
        k->rc = E_INVALID;
        return 0;
    }
    for (; path != NULL && path[n] != NULL; n++) {
        if (n == table_of[table].parts) {
            k->rc = E_INVALID;
            return n;
        }
        key_text(k, path[n], table_of[table].max[n]);
    }
    return n;
}

static void full_key(struct key *k, enum store_table table, const char *const *path)
{
    size_t n = path_key(k, table, path);
    if (k->rc == 0 && n != table_of[table].parts) {
        k->rc = E_INVALID;
    }
}

int store_get(struct store_txn *t, enum store_table table, const char *const *path,
              struct store_value *out)
{
    struct key k;
    MDB_val v;
    full_key(&k, table, path);
    int rc = txn_get(t, (enum db)table, &k, &v);
    if (rc == 0) {
        *out = (struct store_value){v.mv_data, v.mv_size};
    }
    return rc;
}

int store_put(struct store_txn *t, enum store_table table, const char *const *path,
              const void *data, size_t len)
{
    struct key k;
    full_key(&k, table, path);
    int rc = txn_check_value(t, data, len);
    return rc != 0 ? rc : txn_put2(t, (enum db)table, &k, NULL, 0, data, len);
}

int store_del(struct store_txn *t, enum store_table table, const char *const *path)
{
    struct key k;
    full_key(&k, table, path);
    return txn_del(t, (enum db)table, &k);
}

static int visit_row(struct iter *it, size_t parts, store_visit_fn fn, void *arg)
{
    const char *path[STORE_PATH_MAX + 1] = {NULL};
    struct key_reader r;
    key_read(&r, it->at.b, it->at.len);
    for (size_t i = 0; i < parts; i++) {
        path[i] = key_read_text(&r);
    }
    if (!key_read_done(&r)) {
        return txn_corrupt(it->t);
    }
    return fn(arg, path, (struct store_value){it->v.mv_data, it->v.mv_size});
}

static int scan(struct store_txn *t, enum store_table table, const struct key *prefix,
                const struct key *from, unsigned flags, store_visit_fn fn, void *arg)
{
    struct iter it;
    int rc = iter_open(&it, t, (enum db)table, prefix, from, flags);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        stop = visit_row(&it, table_of[table].parts, fn, arg);
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_scan(struct store_txn *t, enum store_table table, const char *const *prefix,
               const char *after, store_visit_fn fn, void *arg)
{
    struct key from_prefix, from;
    size_t n = path_key(&from_prefix, table, prefix);
    if (from_prefix.rc != 0) {
        return from_prefix.rc;
    }
    key_copy(&from, from_prefix.b, from_prefix.len);
    if (after != NULL && *after != '\0') {
        if (n + 1 != table_of[table].parts) {
            return E_INVALID;
        }
        key_text(&from, after, table_of[table].max[n]);
    }
    bool start = from.len == from_prefix.len;
    return scan(t, table, &from_prefix, start ? NULL : &from, ITER_AFTER, fn, arg);
}

int store_scan_from(struct store_txn *t, enum store_table table, const char *const *prefix,
                    const char *const *from, bool after, store_visit_fn fn, void *arg)
{
    struct key within, start;
    (void)path_key(&within, table, prefix);
    (void)path_key(&start, table, from);
    if (within.rc != 0 || start.rc != 0) {
        return within.rc != 0 ? within.rc : start.rc;
    }
    if (!key_starts(start.b, start.len, &within)) {
        return E_INVALID;
    }
    return scan(t, table, &within, &start, after ? ITER_AFTER : 0, fn, arg);
}
