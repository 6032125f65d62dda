#include "store_priv.h"

#include "mem.h"

#include <errno.h>
#include <string.h>

int txn_rc(struct store_txn *t, int mdb)
{
    int rc = E_IO;
    switch (mdb) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return E_NOTFOUND;
    case MDB_KEYEXIST:
        return E_EXISTS;
    case MDB_BAD_VALSIZE:
        return E_TOOLARGE;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        rc = E_FULL;
        break;
    case ENOMEM:
        rc = E_NOMEM;
        break;
    default:
        break;
    }
    if (t != NULL && t->broken == 0) {
        t->broken = mdb;
    }
    return rc;
}

int txn_corrupt(struct store_txn *t)
{
    return txn_rc(t, MDB_CORRUPTED);
}

/* ---- begin and end ------------------------------------------------------------------------ */

void txn_release(struct store_txn *t)
{
    for (size_t i = 0; i < DB_COUNT; i++) {
        if (t->slot[i].cur != NULL) {
            mdb_cursor_close(t->slot[i].cur);
            t->slot[i].cur = NULL;
        }
        t->slot[i].busy = false;
    }
}

int txn_begin_write(struct store *s)
{
    struct store_txn *t = &s->writer;
    t->s = s;
    t->write = true;
    t->dirty = t->changed = false;
    t->broken = 0;
    t->bytes = 0;
    t->mdb = NULL;
    s->seq = s->seq_committed;
    return mdb_txn_begin(s->env, NULL, 0, &t->mdb);
}

void txn_abort(struct store_txn *t)
{
    if (t->mdb != NULL) {
        txn_release(t);
        mdb_txn_abort(t->mdb);
        t->mdb = NULL;
    }
    tally_drop(t->s);
    t->s->seq = t->s->seq_committed;
}

int txn_commit(struct store_txn *t)
{
    struct store *s = t->s;
    int rc = tally_flush(t);
    if (rc == 0 && s->seq != s->seq_committed) {
        unsigned char b[8];
        be64_put(b, s->seq);
        rc = txn_sys_put(t, "sequence", b, sizeof(b));
    }
    if (rc != 0 || t->broken != 0) {
        txn_abort(t);
        return t->broken != 0 ? t->broken : EIO;
    }
    txn_release(t);
    rc = mdb_txn_commit(t->mdb); /* frees it even when it fails */
    t->mdb = NULL;
    if (rc != 0) {
        txn_abort(t);
        return rc;
    }
    tally_committed(s);
    s->seq_committed = s->seq;
    return 0;
}

int store_read(struct store *s, struct store_txn **out, struct err *e)
{
    struct store_txn *t = &s->reader;
    if (s->reading) {
        return err_set(e, E_STATE, "a snapshot of the store is already open");
    }
    t->s = s;
    int rc =
        t->mdb == NULL ? mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->mdb) : mdb_txn_renew(t->mdb);
    if (rc != 0) {
        return err_set(e, txn_rc(NULL, rc), "cannot read the store: %s", mdb_strerror(rc));
    }
    for (size_t i = 0; i < DB_COUNT; i++) {
        t->slot[i].stale = true;
    }
    t->broken = 0;
    s->reading = true;
    *out = t;
    return 0;
}

void store_read_end(struct store_txn *t)
{
    mdb_txn_reset(t->mdb);
    t->s->reading = false;
}

void txn_reader_free(struct store *s)
{
    if (s->reader.mdb != NULL) {
        txn_release(&s->reader);
        mdb_txn_abort(s->reader.mdb);
        s->reader.mdb = NULL;
    }
}

/* ---- verbs on keys ------------------------------------------------------------------------ */

static MDB_val key_val(const struct key *k)
{
    /* LMDB takes keys as void * but does not write to them */
    union {
        const void *in;
        void *out;
    } p = {.in = k->b};
    return (MDB_val){.mv_size = k->len, .mv_data = p.out};
}

int txn_get(struct store_txn *t, enum db db, const struct key *k, MDB_val *v)
{
    if (k->rc != 0) {
        return k->rc;
    }
    MDB_val key = key_val(k);
    return txn_rc(t, mdb_get(t->mdb, t->s->dbi[db], &key, v));
}

int txn_has(struct store_txn *t, enum db db, const struct key *k)
{
    MDB_val v;
    return txn_get(t, db, k, &v);
}

void txn_touch(struct store_txn *t)
{
    t->dirty = t->changed = true;
    t->gen++;
}

int txn_check_value(const struct store_txn *t, const void *data, size_t len)
{
    if (!t->write) {
        return E_STATE;
    }
    if (len > STORE_MAX_VALUE) {
        return E_TOOLARGE;
    }
    return data == NULL && len > 0 ? E_INVALID : 0;
}

static int put(struct store_txn *t, enum db db, const struct key *k, const void *data, size_t len,
               unsigned flags)
{
    if (!t->write) {
        return E_STATE;
    }
    if (k->rc != 0) {
        return k->rc;
    }
    union {
        const void *in;
        void *out;
    } p = {.in = len == 0 ? "" : data};
    MDB_val key = key_val(k);
    MDB_val v = {.mv_size = len, .mv_data = p.out};
    int rc = mdb_put(t->mdb, t->s->dbi[db], &key, &v, flags);
    if (rc != MDB_KEYEXIST) {
        txn_touch(t);
        t->bytes += k->len + len;
    }
    return txn_rc(t, rc);
}

/* Head and data one behind the other in the writer's own memory: data may be a value read earlier,
 * lying in a page that the put is about to change. */
static int join(struct store *s, const void *head, size_t head_len, const void *data, size_t len)
{
    size_t size = head_len + len;
    if (size > s->scratch_cap) {
        char *p = mem_realloc(s->scratch, size + 4096);
        if (p == NULL) {
            return E_NOMEM;
        }
        s->scratch = p;
        s->scratch_cap = size + 4096;
    }
    if (head_len > 0) {
        memcpy(s->scratch, head, head_len);
    }
    if (len > 0) {
        memcpy(s->scratch + head_len, data, len);
    }
    return 0;
}

int txn_put(struct store_txn *t, enum db db, const struct key *k, const void *data, size_t len)
{
    return put(t, db, k, data, len, 0);
}

int txn_add(struct store_txn *t, enum db db, const struct key *k, const void *data, size_t len)
{
    return put(t, db, k, data, len, MDB_NOOVERWRITE);
}

int txn_put2(struct store_txn *t, enum db db, const struct key *k, const void *head,
             size_t head_len, const void *data, size_t len)
{
    int rc = t->write ? join(t->s, head, head_len, data, len) : E_STATE;
    return rc != 0 ? rc : put(t, db, k, t->s->scratch, head_len + len, 0);
}

int txn_add2(struct store_txn *t, enum db db, const struct key *k, const void *head,
             size_t head_len, const void *data, size_t len)
{
    int rc = t->write ? join(t->s, head, head_len, data, len) : E_STATE;
    return rc != 0 ? rc : put(t, db, k, t->s->scratch, head_len + len, MDB_NOOVERWRITE);
}

int txn_del(struct store_txn *t, enum db db, const struct key *k)
{
    if (!t->write) {
        return E_STATE;
    }
    if (k->rc != 0) {
        return k->rc;
    }
    MDB_val key = key_val(k);
    int rc = mdb_del(t->mdb, t->s->dbi[db], &key, NULL);
    if (rc != MDB_NOTFOUND) {
        txn_touch(t);
        t->bytes += k->len;
    }
    return txn_rc(t, rc);
}

int txn_sys_get(struct store_txn *t, const char *name, MDB_val *v)
{
    struct key k;
    key_tenant(&k, name);
    return txn_get(t, DB_SYS, &k, v);
}

int txn_sys_put(struct store_txn *t, const char *name, const void *data, size_t len)
{
    struct key k;
    key_tenant(&k, name);
    return txn_put(t, DB_SYS, &k, data, len);
}
