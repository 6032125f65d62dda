/*
 * A copy of the whole store while it is in use, and snapshots for threads other than the loop: what
 * a backup is made of. LMDB's readers hinder no writer; while one is open the pages that it sees
 * are not used again, so the file may grow meanwhile.
 */
#include "store_priv.h"

#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int store_copy(struct store *s, int fd, struct err *e)
{
    int mdb = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
    if (mdb == 0) {
        return 0;
    }
    return err_set(e, mdb == EPIPE ? E_CLOSED : txn_rc(NULL, mdb), "cannot copy the store: %s",
                   mdb_strerror(mdb));
}

void store_vault_key(const struct store *s, uint8_t out[32])
{
    memcpy(out, s->key, sizeof(s->key));
}

int store_snapshot(struct store *s, struct store_txn **out, struct err *e)
{
    struct store_txn *t = mem_calloc(1, sizeof(*t));
    *out = NULL;
    if (t == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    t->s = s;
    int mdb = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->mdb);
    if (mdb != 0) {
        free(t);
        return err_set(e, txn_rc(NULL, mdb), "cannot read the store: %s", mdb_strerror(mdb));
    }
    *out = t;
    return 0;
}

void store_snapshot_end(struct store_txn *t)
{
    if (t == NULL) {
        return;
    }
    txn_release(t);
    mdb_txn_abort(t->mdb);
    free(t);
}
