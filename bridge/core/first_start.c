/*
 * The very first start of a data directory: tenant `default` with session `main`, and the admin
 * key. Blocks: it runs before the loop does, and turns the loop only for its own operation.
 *
 * Happy path: no record "bridge" in STORE_META -> make a key -> write <data_dir>/admin.key (tmp,
 * fsync, rename) -> one transaction with everything -> the key is returned once.
 * A crash before the transaction leaves only the file, which the next first start replaces; a crash
 * after it leaves a file that works. When the record exists nothing is made again by itself: a lost
 * admin.key is replaced only when the operator asks for it (serve --new-admin-key).
 */
#include "core_priv.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEPPER_PLACE "bridge/key-pepper"
#define META_NAME "bridge"

/* ---- the file ----------------------------------------------------------------------------------
 */

static int write_all(int fd, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        done += (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int sys = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return sys;
}

static int write_key_file(const char *dir, const char *key, struct err *e)
{
    int rc = 0;
    int sys = 0;
    int fd = -1;
    char *path = mem_printf("%s/admin.key", dir);
    char *tmp = mem_printf("%s/.admin.key.tmp", dir);
    char *line = mem_printf("%s\n", key);
    if (path == NULL || tmp == NULL || line == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
        goto out;
    }
    if (unlink(tmp) != 0 && errno != ENOENT) { /* of an earlier crash */
        rc = err_sys(e, E_IO, errno, "cannot replace %s", tmp);
        goto out;
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = err_sys(e, E_IO, errno, "cannot write %s", tmp);
        goto out;
    }
    sys = write_all(fd, line, strlen(line));
    if (close(fd) != 0 && sys == 0) {
        sys = errno;
    }
    if (sys == 0 && rename(tmp, path) != 0) {
        sys = errno;
    }
    sys = sys != 0 ? sys : sync_dir(dir);
    if (sys != 0) {
        (void)unlink(tmp);
        rc = err_sys(e, sys == ENOSPC || sys == EDQUOT ? E_FULL : E_IO, sys, "cannot write %s",
                     path);
    }
out:
    mem_wipe_free(line, line != NULL ? strlen(line) : 0);
    free(tmp);
    free(path);
    return rc;
}

/* ---- the records -------------------------------------------------------------------------------
 */

struct first {
    struct store_op op;
    bool done;
    int rc;
    char key_id[KEY_ID_LEN + 1];
    json_t *meta, *key, *tenant, *session;
};

static int apply_first(struct store_txn *t, struct store_op *op)
{
    struct first *f = op->data;
    struct err *e = &op->err;
    int rc = record_put(t, STORE_KEYS, STORE_PATH(f->key_id), f->key, e);
    if (f->meta == NULL) { /* only a new key for an old store */
        return rc;
    }
    rc = rc != 0 ? rc : record_put(t, STORE_META, STORE_PATH(META_NAME), f->meta, e);
    rc = rc != 0 ? rc : record_put(t, STORE_TENANTS, STORE_PATH("default"), f->tenant, e);
    return rc != 0 ? rc
                   : record_put(t, STORE_SESSIONS, STORE_PATH("default", "main"), f->session, e);
}

static void on_first_done(struct store_op *op, int rc)
{
    struct first *f = op->data;
    f->done = true;
    f->rc = rc;
}

static int commit_first(struct bridge *b, struct first *f, struct err *e)
{
    f->op.data = f;
    store_submit(b->store, &f->op, apply_first, on_first_done);
    while (!f->done) {
        (void)uv_run(b->loop, UV_RUN_ONCE);
    }
    if (f->rc != 0) {
        err_copy(e, &f->op.err);
        return store_err(e, f->rc, "the first records could not be written");
    }
    return 0;
}

/* What the first start of a store leaves in it besides the key. */
static int fill_first(struct bridge *b, struct first *f, uint64_t now, struct err *e)
{
    char *sealed = NULL;
    crypto_random(b->core->pepper, sizeof(b->core->pepper));
    int rc =
        store_seal(b->store, PEPPER_PLACE, b->core->pepper, sizeof(b->core->pepper), &sealed, e);
    if (rc != 0) {
        return rc;
    }
    f->meta = json_pack("{s:s, s:I}", "key_pepper", sealed, "first_start_ms", (json_int_t)now);
    f->tenant = json_pack("{s:s, s:I}", "name", "default", "created_ms", (json_int_t)now);
    f->session = json_pack("{s:s, s:b, s:{}, s:I}", "channel", "web", "autostart", 1, "metadata",
                           "created_ms", (json_int_t)now);
    free(sealed);
    return f->meta != NULL && f->tenant != NULL && f->session != NULL
               ? 0
               : err_set(e, E_NOMEM, "out of memory");
}

/* An admin key: its file, then its record (and, at the first start, all the rest with it). */
static int make_key(struct bridge *b, bool first, char **new_key, struct err *e)
{
    struct first f = {.done = false};
    uint64_t now = clock_wall_ms();
    char text[KEY_TEXT_LEN + 1];
    key_make(text);
    (void)key_parse(text, f.key_id, NULL);
    char *copy = mem_strdup(text);
    int rc = first ? fill_first(b, &f, now, e) : 0;
    f.key = rc == 0 ? key_record(text, b->core->pepper, "admin", NULL, now) : NULL;
    if (rc == 0 && (f.key == NULL || copy == NULL)) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc : write_key_file(b->cfg.data_dir, text, e);
    rc = rc != 0 ? rc : commit_first(b, &f, e);
    if (rc == 0) {
        b->core->pepper_loaded = true;
        log_info(NULL, "key.created", "the admin key is in admin.key of the data directory");
        if (new_key != NULL) {
            *new_key = copy;
            copy = NULL;
        }
    }
    crypto_wipe(text, sizeof(text));
    mem_wipe_free(copy, copy != NULL ? strlen(copy) : 0);
    json_decref(f.meta);
    json_decref(f.key);
    json_decref(f.tenant);
    json_decref(f.session);
    return rc;
}

static int load_pepper(struct bridge *b, const json_t *meta, struct err *e)
{
    char *pepper = NULL;
    size_t len = 0;
    const char *sealed = json_str(meta, "key_pepper");
    if (sealed == NULL) {
        return err_set(e, E_INTERNAL, "the store does not hold what the keys are checked with");
    }
    int rc = store_unseal(b->store, PEPPER_PLACE, sealed, &pepper, &len, e);
    if (rc != 0) {
        return err_wrap(e, "cannot read what the keys are checked with");
    }
    if (len == sizeof(b->core->pepper)) {
        memcpy(b->core->pepper, pepper, len);
        b->core->pepper_loaded = true;
    } else {
        rc = err_set(e, E_INTERNAL, "what the keys are checked with is damaged");
    }
    mem_wipe_free(pepper, len);
    return rc;
}

int first_start(struct bridge *b, char **new_key, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    struct store_value v;
    json_t *meta = NULL;
    rc = store_get(t, STORE_META, STORE_PATH(META_NAME), &v);
    if (rc == 0) {
        meta = record_parse(v, e);
        rc = meta != NULL ? 0 : E_INTERNAL;
    }
    store_read_end(t);
    if (rc == E_NOTFOUND) {
        return make_key(b, true, new_key, e);
    }
    rc = rc != 0 ? store_err(e, rc, "the store could not be read") : load_pepper(b, meta, e);
    json_decref(meta);
    return rc == 0 && b->cfg.new_admin_key ? make_key(b, false, new_key, e) : rc;
}
