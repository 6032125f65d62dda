/*
 * Walking rows. One cursor per table stays open as long as its transaction (the loop's are renewed
 * for each snapshot); a nested walk of the same table opens its own. The key of the present row is
 * copied, so that a caller may write between two steps: the walk then seeks behind that key again.
 */
#include "store_priv.h"

static int cursor_take(struct iter *it)
{
    struct store_txn *t = it->t;
    it->pooled = !t->slot[it->db].busy;
    if (!it->pooled || t->slot[it->db].cur == NULL) {
        int rc = mdb_cursor_open(t->mdb, t->s->dbi[it->db], &it->cur);
        if (rc == 0 && it->pooled) {
            t->slot[it->db].cur = it->cur;
        }
        if (rc != 0) {
            return rc;
        }
    } else {
        it->cur = t->slot[it->db].cur;
        if (!t->write && t->slot[it->db].stale) {
            int rc = mdb_cursor_renew(t->mdb, it->cur);
            if (rc != 0) {
                return rc;
            }
        }
    }
    if (it->pooled) {
        t->slot[it->db].busy = true;
        t->slot[it->db].stale = false;
    }
    return 0;
}

int iter_open(struct iter *it, struct store_txn *t, enum db db, const struct key *prefix,
              const struct key *from, unsigned flags)
{
    if (prefix->rc != 0 || (from != NULL && from->rc != 0)) {
        return prefix->rc != 0 ? prefix->rc : from->rc;
    }
    it->t = t;
    it->db = db;
    it->back = (flags & ITER_BACK) != 0;
    it->seek = true;
    it->exclusive = (flags & ITER_AFTER) != 0;
    it->edge = false;
    it->gen = t->gen;
    key_copy(&it->prefix, prefix->b, prefix->len);
    key_copy(&it->at, from != NULL ? from->b : prefix->b, from != NULL ? from->len : prefix->len);
    if (from == NULL && it->back) {
        it->edge = !key_successor(&it->at);
        it->exclusive = true;
    } else if (from == NULL) {
        it->edge = it->at.len == 0;
        it->exclusive = false;
    }
    return txn_rc(t, cursor_take(it));
}

void iter_close(struct iter *it)
{
    if (it->pooled) {
        it->t->slot[it->db].busy = false;
    } else {
        mdb_cursor_close(it->cur);
    }
}

void iter_jump(struct iter *it, const struct key *after)
{
    key_copy(&it->at, after->b, after->len);
    it->seek = true;
    it->exclusive = true;
    it->edge = false;
}

static int seek(struct iter *it, MDB_val *k)
{
    if (it->edge) {
        return mdb_cursor_get(it->cur, k, &it->v, it->back ? MDB_LAST : MDB_FIRST);
    }
    k->mv_data = it->at.b;
    k->mv_size = it->at.len;
    int rc = mdb_cursor_get(it->cur, k, &it->v, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND && it->back) {
        return mdb_cursor_get(it->cur, k, &it->v, MDB_LAST);
    }
    if (rc != 0) {
        return rc;
    }
    bool same = k->mv_size == it->at.len && key_starts(k->mv_data, k->mv_size, &it->at);
    if (same && !it->exclusive) {
        return 0;
    }
    if (it->back) {
        return mdb_cursor_get(it->cur, k, &it->v, MDB_PREV);
    }
    return same ? mdb_cursor_get(it->cur, k, &it->v, MDB_NEXT) : 0;
}

int iter_next(struct iter *it)
{
    MDB_val k = {0};
    int rc;
    if (!it->seek && it->gen != it->t->gen) {
        it->seek = it->exclusive = true;
    }
    if (it->seek) {
        rc = seek(it, &k);
    } else {
        rc = mdb_cursor_get(it->cur, &k, &it->v, it->back ? MDB_PREV : MDB_NEXT);
    }
    it->seek = it->edge = false;
    it->gen = it->t->gen;
    if (rc != 0) {
        return txn_rc(it->t, rc);
    }
    if (!key_starts(k.mv_data, k.mv_size, &it->prefix)) {
        return E_NOTFOUND;
    }
    key_copy(&it->at, k.mv_data, k.mv_size);
    return it->at.rc == 0 ? 0 : txn_corrupt(it->t);
}

int txn_first(struct store_txn *t, enum db db, const struct key *prefix, struct key *out)
{
    struct iter it;
    int rc = iter_open(&it, t, db, prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    rc = iter_next(&it);
    if (rc == 0) {
        key_copy(out, it.at.b, it.at.len);
    }
    iter_close(&it);
    return rc;
}

int txn_wipe(struct store_txn *t, enum db db, const struct key *prefix, size_t *left)
{
    struct iter it;
    if (!t->write) {
        return E_STATE;
    }
    int rc = iter_open(&it, t, db, prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    while (*left > 0 && (rc = iter_next(&it)) == 0) {
        txn_touch(t);
        t->bytes += it.at.len;
        rc = txn_rc(t, mdb_cursor_del(it.cur, 0));
        if (rc != 0) {
            break;
        }
        --*left;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}
