/*
 * The tables of the file and its version. All in one transaction at open, before the writer thread
 * runs: either the file is ours in the version we know, or nothing was changed.
 */
#include "store_priv.h"

#include <string.h>

static const char *const db_name[DB_COUNT] = {
#define DB_NAME(id, name) [id] = name,
    DB_TABLE(DB_NAME)
#undef DB_NAME
};

/* migrations[n] turns version n + 1 into n + 2. They see all tables; nothing else runs. */
typedef int (*migration_fn)(struct store_txn *t);
#define MIGRATIONS (STORE_SCHEMA - 1)
static const migration_fn migrations[MIGRATIONS + 1] = {NULL};

static int fail(struct store_txn *t, int rc, struct err *e, const char *what)
{
    return err_set(e, rc, "%s: %s", what, t->broken != 0 ? mdb_strerror(t->broken) : "bad value");
}

/* 0 in *version: a new file. */
static int read_version(struct store_txn *t, uint32_t *version, struct err *e)
{
    MDB_val v = {0};
    struct key_reader r;
    int mdb = mdb_dbi_open(t->mdb, db_name[DB_SYS], 0, &t->s->dbi[DB_SYS]);
    *version = 0;
    if (mdb == MDB_NOTFOUND) {
        return 0;
    }
    int rc = mdb == 0 ? txn_sys_get(t, "schema", &v) : txn_rc(t, mdb);
    if (rc != 0) {
        return fail(t, rc == E_NOTFOUND ? E_IO : rc, e, "no schema version in the store");
    }
    key_read(&r, v.mv_data, v.mv_size);
    *version = key_read_u32(&r);
    return key_read_done(&r) && *version > 0 ? 0 : fail(t, E_IO, e, "bad schema version");
}

static int open_tables(struct store_txn *t, struct err *e)
{
    for (size_t i = 0; i < DB_COUNT; i++) {
        int mdb = mdb_dbi_open(t->mdb, db_name[i], MDB_CREATE, &t->s->dbi[i]);
        if (mdb != 0) {
            return fail(t, txn_rc(t, mdb), e, "cannot open the tables of the store");
        }
    }
    return 0;
}

static int migrate(struct store_txn *t, uint32_t version, struct err *e)
{
    unsigned char b[4];
    if (version == STORE_SCHEMA) {
        return 0;
    }
    for (uint32_t v = version; v > 0 && v < STORE_SCHEMA; v++) {
        int rc = migrations[v - 1](t);
        if (rc != 0) {
            return fail(t, rc, e, "cannot bring the store to this version");
        }
    }
    be32_put(b, STORE_SCHEMA);
    int rc = txn_sys_put(t, "schema", b, sizeof(b));
    return rc == 0 ? 0 : fail(t, rc, e, "cannot write the store");
}

static int open_in(struct store_txn *t, const struct store_options *o, struct err *e)
{
    uint32_t version = 0;
    MDB_val v;
    int rc = read_version(t, &version, e);
    if (rc == 0 && version > STORE_SCHEMA) {
        rc = err_set(e, E_UNSUPPORTED,
                     "this store was written by a newer wabridge (schema %u, this one knows %d): "
                     "run that version, or restore a backup made before the upgrade",
                     (unsigned)version, STORE_SCHEMA);
    }
    if (rc == 0) {
        rc = open_tables(t, e);
    }
    if (rc == 0) {
        rc = migrate(t, version, e);
    }
    if (rc == 0) {
        rc = secrets_open(t->s, t, o, e);
    }
    if (rc == 0 && txn_sys_get(t, "sequence", &v) == 0) {
        if (v.mv_size != 8) {
            return fail(t, E_IO, e, "bad sequence number");
        }
        t->s->seq = t->s->seq_committed = be64_get(v.mv_data);
    }
    return rc;
}

int schema_open(struct store *s, const struct store_options *o, struct err *e)
{
    int mdb = txn_begin_write(s);
    if (mdb != 0) {
        return err_set(e, txn_rc(NULL, mdb), "cannot open the store: %s", mdb_strerror(mdb));
    }
    int rc = open_in(&s->writer, o, e);
    if (rc != 0) {
        txn_abort(&s->writer);
        return rc;
    }
    mdb = txn_commit(&s->writer);
    return mdb == 0
               ? 0
               : err_set(e, txn_rc(NULL, mdb), "cannot write the store: %s", mdb_strerror(mdb));
}
