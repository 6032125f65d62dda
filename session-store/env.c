/*
 * Opening, closing and looking at the store.
 *
 * store_close: closing is set; the loop goes on handing out what the writer finishes; when nothing
 * is pending the writer (idle then) is joined, the async handle closed, and only in that handle's
 * callback everything is freed and on_closed called.
 */
#include "store_priv.h"

#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MAP ((uint64_t)64 << 30)
#define MAX_TABLES 64 /* room for tables that a newer version added */

static int env_error(int mdb, struct err *e, const char *dir)
{
    int code = txn_rc(NULL, mdb);
    if (mdb == EACCES || mdb == EPERM) {
        code = E_FORBIDDEN;
    } else if (mdb == MDB_VERSION_MISMATCH) {
        code = E_UNSUPPORTED;
    }
    bool damaged = mdb == MDB_INVALID || mdb == MDB_CORRUPTED || mdb == MDB_PAGE_NOTFOUND;
    return err_set(e, code, "cannot open the store in %s: %s%s", dir, mdb_strerror(mdb),
                   damaged ? "; its data.mdb is damaged: restore a backup (`wabridge restore`)" : "");
}

/* Pages that the file says it has and has not would end the program with SIGBUS when they are read. */
static int check_length(struct store *s, const char *dir, struct err *e)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;
    int fd;
    int rc = mdb_env_info(s->env, &info);
    rc = rc != 0 ? rc : mdb_env_stat(s->env, &stat);
    rc = rc != 0 ? rc : mdb_env_get_fd(s->env, &fd);
    if (rc == 0 && fstat(fd, &st) != 0) {
        rc = errno;
    }
    if (rc != 0) {
        return env_error(rc, e, dir);
    }
    uint64_t needed = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    if ((uint64_t)st.st_size < needed) {
        return err_set(e, E_IO,
                       "%s/data.mdb is cut off (%llu of %llu bytes): restore a backup (`wabridge "
                       "restore`)",
                       dir, (unsigned long long)st.st_size, (unsigned long long)needed);
    }
    return 0;
}

static int env_open(struct store *s, const struct store_options *o, struct err *e)
{
    int fd;
    uint64_t size = o->map_size == 0 ? DEFAULT_MAP : o->map_size;
    int rc = mdb_env_create(&s->env);
    if (rc == 0) {
        rc = mdb_env_set_mapsize(s->env, (size_t)size);
    }
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(s->env, MAX_TABLES);
    }
    if (rc == 0) {
        rc = mdb_env_open(s->env, o->dir, MDB_NOTLS, 0600);
    }
    if (rc == 0) {
        rc = mdb_env_get_fd(s->env, &fd);
    }
    /* LMDB 0.9 opens the data file without it, and every browser would inherit the messages */
    if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        rc = errno;
    }
    if (rc == 0) {
        rc = mdb_reader_check(s->env, NULL);
    }
    return rc == 0 ? check_length(s, o->dir, e) : env_error(rc, e, o->dir);
}

void env_free(struct store *s)
{
    if (s->env != NULL) {
        txn_reader_free(s);
        mdb_env_close(s->env);
    }
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
    }
    if (s->dir_fd >= 0) {
        close(s->dir_fd);
    }
    free(s->scratch);
    mem_wipe_free(s, sizeof(*s));
}

int store_open(const struct store_options *o, struct store **out, struct err *e)
{
    *out = NULL;
    struct store *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    s->dir_fd = s->lock_fd = -1;
    s->loop = o->loop;
    list_init(&s->queue);
    list_init(&s->finished);
    list_init(&s->done);
    key_init(&s->trim_at);
    int rc = lock_take(s, o->dir, e);
    if (rc == 0) {
        rc = env_open(s, o, e);
    }
    if (rc == 0) {
        rc = schema_open(s, o, e);
    }
    if (rc == 0 && fsync(s->dir_fd) != 0) {
        rc = err_sys(e, E_IO, errno, "cannot sync %s", o->dir);
    }
    if (rc == 0) {
        rc = writer_start(s, e);
    }
    if (rc != 0) {
        env_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

bool store_writable(const struct store *s, struct err *e)
{
    /* the lock is no part of what a caller sees as the store's value */
    union {
        const struct store *in;
        struct store *out;
    } p = {.in = s};
    uv_mutex_lock(&p.out->lock);
    bool ok = !s->unwritable;
    if (!ok && e != NULL) {
        err_copy(e, &s->why);
    }
    uv_mutex_unlock(&p.out->lock);
    return ok;
}

void store_stats(const struct store *s, struct store_stats *out)
{
    union {
        const struct store *in;
        struct store *out;
    } p = {.in = s};
    MDB_envinfo info;
    MDB_stat stat;
    uv_mutex_lock(&p.out->lock);
    *out = s->stats;
    uv_mutex_unlock(&p.out->lock);
    out->pending = s->pending;
    if (mdb_env_info(s->env, &info) == 0 && mdb_env_stat(s->env, &stat) == 0) {
        out->map_bytes = info.me_mapsize;
        out->used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    }
}
