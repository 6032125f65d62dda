/*
 * wabridge fsck: is everything in the data directory in order, and what to do when not. Without
 * --repair nothing is changed. What can be made anew from sound records is mended; what cannot (a
 * lost profile, a lost file) is said, with the way out.
 */
#include "offline.h"

#include "core_priv.h"
#include "json.h"
#include "media.h"
#include "mem.h"
#include "stats.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 4096
#define HASH_LEN 64

enum { FINE, MENDED, WRONG };

struct fsck {
    const struct offline_fsck *o;
    struct store *store;
    uv_loop_t loop;
    struct store_op op;
    size_t lost;
    int rc;
    json_t *bad_media; /* [[tenant, sha256]]: records to remove */
    json_t *bad_stats; /* [[tenant, session, time]]: counts to remove */
    size_t files, profiles, indexes;
};

static void note(struct fsck *f, int level, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void note(struct fsck *f, int level, const char *what, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    f->o->note(f->o->arg, level, what, text);
}

/* ---- the store -------------------------------------------------------------------------------- */

static int check_store(struct fsck *f, struct err *e)
{
    struct store_txn *t;
    int rc = store_read(f->store, &t, e);
    if (rc == 0) {
        rc = store_check(t, e);
        store_read_end(t);
    }
    return rc;
}

static int apply_repair(struct store_txn *t, struct store_op *op)
{
    struct fsck *f = op->data;
    return store_repair(t, &f->lost);
}

static int apply_media(struct store_txn *t, struct store_op *op)
{
    struct fsck *f = op->data;
    size_t i;
    json_t *row;
    int rc = 0;
    json_array_foreach(f->bad_media, i, row)
    {
        rc = store_del(t, STORE_MEDIA,
                       STORE_PATH(json_string_value(json_array_get(row, 0)),
                                  json_string_value(json_array_get(row, 1))));
        if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
        if ((rc = media_total_forget(t, json_string_value(json_array_get(row, 0)))) != 0) {
            return rc;
        }
    }
    return 0;
}

static int apply_stats(struct store_txn *t, struct store_op *op)
{
    struct fsck *f = op->data;
    size_t i;
    json_t *row;
    int rc = 0;
    json_array_foreach(f->bad_stats, i, row)
    {
        int gone = store_del(t, STORE_STATS,
                             STORE_PATH(json_string_value(json_array_get(row, 0)),
                                        json_string_value(json_array_get(row, 1)),
                                        json_string_value(json_array_get(row, 2))));
        rc = gone != 0 && gone != E_NOTFOUND ? gone : rc;
    }
    return rc;
}

static void on_done(struct store_op *op, int rc)
{
    struct fsck *f = op->data;
    f->rc = rc;
}

static int run_op(struct fsck *f, store_apply_fn apply)
{
    f->rc = 1;
    f->op.data = f;
    store_submit(f->store, &f->op, apply, on_done);
    while (f->rc == 1) {
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
    return f->rc;
}

static void look_at_store(struct fsck *f)
{
    struct err e;
    if (check_store(f, &e) == 0) {
        note(f, FINE, "store", "records, indexes and counts agree");
        return;
    }
    if (!f->o->repair) {
        note(f, WRONG, "store", "%s: run `wabridge fsck --repair`, which makes them anew", e.msg);
        return;
    }
    char before[sizeof(e.msg)];
    memcpy(before, e.msg, sizeof(before));
    int rc = run_op(f, apply_repair);
    if (rc == 0 && check_store(f, &e) == 0) {
        note(f, MENDED, "store", "%s: made anew; %zu records could not be read and were removed",
             before, f->lost);
    } else {
        note(f, WRONG, "store", "%s; it cannot be mended (%s): restore a backup", before,
             rc != 0 ? err_name(rc) : e.msg);
    }
}

/* ---- files of messages ------------------------------------------------------------------------ */

/* NULL when the file is what its record says, else what is wrong. */
static const char *look_at_file(const char *path, const char *sha256, int64_t size)
{
    uint8_t piece[65536], hash[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1] = "";
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return "is missing";
    }
    const char *wrong = fstat(fd, &st) != 0 || st.st_size != size ? "has another size" : NULL;
    struct crypto_digest *d = wrong == NULL ? crypto_digest_new() : NULL;
    ssize_t n = 0;
    while (d != NULL && (n = read(fd, piece, sizeof(piece))) > 0) {
        (void)crypto_digest_update(d, piece, (size_t)n);
    }
    close(fd);
    if (wrong == NULL && (d == NULL || n < 0 || crypto_digest_end(d, hash) != 0)) {
        wrong = "cannot be read";
    } else if (wrong == NULL) {
        crypto_hex(hash, sizeof(hash), hex);
        wrong = strcmp(hex, sha256) != 0 ? "has another content" : NULL;
    }
    crypto_digest_free(d);
    return wrong;
}

static int on_media(void *arg, const char *const *path, struct store_value v)
{
    struct fsck *f = arg;
    char file[PATH_LEN + 256];
    json_t *record = record_parse(v, NULL);
    (void)snprintf(file, sizeof(file), "%s/media/%s/%.2s/%s", f->o->data_dir, path[0], path[1],
                   path[1]);
    const char *wrong = record == NULL ? "has a record that cannot be read"
                                       : look_at_file(file, path[1], json_int(record, "size_bytes", -1));
    json_decref(record);
    f->files++;
    if (wrong == NULL) {
        return 0;
    }
    if (f->o->repair) {
        (void)unlink(file);
        (void)json_array_append_new(f->bad_media, json_pack("[s,s]", path[0], path[1]));
        note(f, MENDED, "media", "%s/%s %s: forgotten; the message shows it as expired and it can be "
                                 "fetched again (POST …/media/refetch)",
             path[0], path[1], wrong);
    } else {
        note(f, WRONG, "media", "%s/%s %s: --repair forgets it, so that it can be fetched again",
             path[0], path[1], wrong);
    }
    return 0;
}

/* ---- counts over time -------------------------------------------------------------------------- */

static int on_stats(void *arg, const char *const *path, struct store_value v)
{
    struct fsck *f = arg;
    struct stats_row row = {{0}};
    bool hour;
    uint64_t at_s;
    if (stats_name_parse(path[2], &hour, &at_s) && stats_decode(v.data, v.len, &row)) {
        return 0;
    }
    if (f->o->repair) {
        (void)json_array_append_new(f->bad_stats, json_pack("[s,s,s]", path[0], path[1], path[2]));
    }
    note(f, f->o->repair ? MENDED : WRONG, "stats", "%s/%s has counts that cannot be read (%s)%s",
         path[0], path[1], path[2], f->o->repair ? ": removed" : ": --repair removes them");
    return 0;
}

/* ---- profiles --------------------------------------------------------------------------------- */

static int on_session(void *arg, const char *const *path, struct store_value v)
{
    struct fsck *f = arg;
    char dir[PATH_LEN + 256];
    struct stat st;
    json_t *record = record_parse(v, NULL);
    if (record == NULL) {
        note(f, WRONG, "session", "%s/%s has a record that cannot be read: restore a backup, or "
                                  "delete the session", path[0], path[1]);
        return 0;
    }
    bool linked = json_obj(record, "account") != NULL && !json_flag(record, "exported", false);
    json_decref(record);
    f->profiles++;
    (void)snprintf(dir, sizeof(dir), "%s/profiles/%s/%s/Default/IndexedDB", f->o->data_dir, path[0],
                   path[1]);
    if (linked && (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))) {
        note(f, WRONG, "profile", "%s/%s is linked, but its profile is not there: restore a backup, "
                                  "or link it again", path[0], path[1]);
    }
    return 0;
}

static void scan(struct fsck *f, enum store_table table, store_visit_fn fn, const char *what)
{
    struct store_txn *t;
    struct err e;
    int rc = store_read(f->store, &t, &e);
    if (rc == 0) {
        rc = store_scan(t, table, NULL, NULL, fn, f);
        store_read_end(t);
    }
    if (rc != 0) {
        note(f, WRONG, what, "the records cannot be read (%s): restore a backup", err_name(rc));
    }
}

/* ---- the search index ------------------------------------------------------------------------- */

static int on_check_line(void *arg, int columns, char **values, char **names)
{
    bool *sound = arg;
    (void)names;
    *sound = columns == 1 && values[0] != NULL && strcmp(values[0], "ok") == 0;
    return *sound ? 0 : 1;
}

static void look_at_index(struct fsck *f, const char *path)
{
    sqlite3 *db = NULL;
    bool sound = false;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) ==
        SQLITE_OK) {
        (void)sqlite3_exec(db, "PRAGMA quick_check(1)", on_check_line, &sound, NULL);
    }
    (void)sqlite3_close(db);
    f->indexes++;
    if (sound) {
        return;
    }
    if (f->o->repair && unlink(path) == 0) {
        note(f, MENDED, "search", "%s was broken and is removed; it is made anew at the next start",
             path);
    } else {
        note(f, WRONG, "search", "%s is broken: --repair removes it, it makes itself anew", path);
    }
}

static void look_at_indexes(struct fsck *f)
{
    char dir[PATH_LEN + 256], path[PATH_LEN + 600];
    (void)snprintf(dir, sizeof(dir), "%s/search", f->o->data_dir);
    DIR *d = opendir(dir);
    for (struct dirent *it; d != NULL && (it = readdir(d)) != NULL;) {
        size_t len = strlen(it->d_name);
        if (len > 3 && strcmp(it->d_name + len - 3, ".db") == 0) {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, it->d_name);
            look_at_index(f, path);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void on_closed(void *arg)
{
    (void)arg;
}

static void look(struct fsck *f)
{
    look_at_store(f);
    scan(f, STORE_MEDIA, on_media, "media");
    if (json_array_size(f->bad_media) > 0 && run_op(f, apply_media) != 0) {
        note(f, WRONG, "media", "the records of missing files could not be removed");
    }
    scan(f, STORE_STATS, on_stats, "stats");
    if (json_array_size(f->bad_stats) > 0 && run_op(f, apply_stats) != 0) {
        note(f, WRONG, "stats", "the counts that cannot be read could not be removed");
    }
    scan(f, STORE_SESSIONS, on_session, "session");
    look_at_indexes(f);
    note(f, FINE, "looked at", "%zu files of messages, %zu sessions, %zu search indexes", f->files,
         f->profiles, f->indexes);
}

int offline_fsck(const struct offline_fsck *o, struct err *e)
{
    char dir[PATH_LEN];
    struct stat st;
    struct fsck f = {.o = o};
    (void)snprintf(dir, sizeof(dir), "%s/store/data.mdb", o->data_dir);
    if (strlen(o->data_dir) > PATH_LEN - 256 || stat(dir, &st) != 0) {
        return err_set(e, E_NOTFOUND, "there is no store in %.200s", o->data_dir);
    }
    (void)snprintf(dir, sizeof(dir), "%s/store", o->data_dir);
    if (uv_loop_init(&f.loop) != 0) {
        return err_set(e, E_LIMIT, "the system gives no event loop");
    }
    f.bad_media = json_array();
    f.bad_stats = json_array();
    struct store_options so = {.dir = dir,
                               .map_size = o->map_size,
                               .loop = &f.loop,
                               .key_file = o->key.master_key_file,
                               .master_key = o->key.master_key,
                               .key_from = o->key_from};
    int rc = f.bad_media == NULL || f.bad_stats == NULL ? err_set(e, E_NOMEM, "out of memory")
                                 : store_open(&so, &f.store, e);
    if (rc == 0) {
        look(&f);
        store_close(f.store, on_closed, NULL);
    }
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&f.loop);
    json_decref(f.bad_media);
    json_decref(f.bad_stats);
    return rc;
}
