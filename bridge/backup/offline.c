/*
 * Archives from the command line.
 *
 * A restore is all or nothing: everything is unpacked and checked in a directory beside the one that
 * is meant, which takes its name only at the end. A crash leaves the old state, or the whole new one,
 * and at worst a directory named .restore-….
 */
#include "offline.h"

#include "archive.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "session_profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 4096
#define PHRASE_MAX 4096
#define DEPTH_MAX 64

/* ---- keys ------------------------------------------------------------------------------------- */

/* Up to max bytes; -1 with errno. */
static ssize_t read_small(const char *path, unsigned char *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, max) : -1;
    int sys = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = sys;
    return n;
}

char *offline_passphrase(const char *key_file, struct err *e)
{
    unsigned char text[PHRASE_MAX];
    ssize_t n = read_small(key_file, text, sizeof(text));
    if (n < 0) {
        err_sys(e, errno == ENOENT ? E_NOTFOUND : E_IO, errno, "cannot read the key file %s",
                key_file);
        return NULL;
    }
    size_t len = (size_t)n;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    char *phrase = NULL;
    if (len < 8 || len >= sizeof(text) - 2 || memchr(text, 0, len) != NULL) {
        err_set(e, E_INVALID, "the key file %s must hold a passphrase of 8 to %d characters",
                key_file, PHRASE_MAX - 2);
    } else if ((phrase = mem_strndup((const char *)text, len)) == NULL) {
        err_set(e, E_NOMEM, "out of memory");
    }
    crypto_wipe(text, sizeof(text));
    return phrase;
}

struct finding {
    const struct offline_key *key;
    char *phrase;
};

static int find_secret(void *arg, enum vault_kind kind, struct vault_secret *out, struct err *e)
{
    struct finding *f = arg;
    const struct offline_key *key = f->key;
    char path[PATH_LEN];
    out->kind = kind;
    if (kind == VAULT_PASSPHRASE) {
        if (key->key_file == NULL) {
            return err_word(e, E_AUTH, "wrong_key",
                            "the backup has a passphrase: give the file that holds it with "
                            "--key-file");
        }
        f->phrase = offline_passphrase(key->key_file, e);
        out->phrase = f->phrase;
        out->phrase_len = f->phrase != NULL ? strlen(f->phrase) : 0;
        return f->phrase != NULL ? 0 : e->code;
    }
    if (key->key_file == NULL && key->master_key != NULL) {
        memcpy(out->key, key->master_key, CRYPTO_KEY_LEN);
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/store/master.key", key->data_dir);
    const char *file = key->key_file != NULL          ? key->key_file
                       : key->master_key_file != NULL ? key->master_key_file
                                                      : path;
    unsigned char bytes[CRYPTO_KEY_LEN + 1];
    ssize_t n = read_small(file, bytes, sizeof(bytes));
    if (n != CRYPTO_KEY_LEN) {
        return err_word(e, E_AUTH, "wrong_key",
                        "the backup is sealed with a master key, and %s %s: give the master.key of "
                        "the store that it was made of with --key-file",
                        file, n < 0 ? "cannot be read" : "is none (32 bytes)");
    }
    memcpy(out->key, bytes, CRYPTO_KEY_LEN);
    crypto_wipe(bytes, sizeof(bytes));
    return 0;
}

static int open_archive(struct archive_reader *r, const char *file, const struct offline_key *key,
                        const char *kind, struct err *e)
{
    struct finding f = {.key = key};
    int rc = archive_open(r, file, &(struct archive_key){find_secret, &f}, kind, e);
    if (f.phrase != NULL) {
        mem_wipe_free(f.phrase, strlen(f.phrase));
    }
    return rc;
}

static int give_manifest(struct archive_reader *r, json_t **out, struct err *e)
{
    *out = json_incref(r->manifest);
    return json_object_set_new(r->manifest, "files",
                               json_integer((json_int_t)pack_files(r->pack))) == 0
               ? 0
               : err_set(e, E_NOMEM, "out of memory");
}

int offline_verify(const char *file, const struct offline_key *key, json_t **manifest,
                   struct err *e)
{
    struct archive_reader r;
    *manifest = NULL;
    int rc = open_archive(&r, file, key, NULL, e);
    rc = rc != 0 ? rc : archive_verify(&r, e);
    rc = rc != 0 ? rc : give_manifest(&r, manifest, e);
    archive_close(&r);
    return rc;
}

/* ---- directories ------------------------------------------------------------------------------ */

/* Gives every file below dir to the owner; follows no link. 0 or errno. */
static int give_to(int dir, uid_t uid, gid_t gid, int depth)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    int sys = d == NULL || depth == 0 ? EIO : 0;
    for (struct dirent *it; sys == 0 && (it = readdir(d)) != NULL;) {
        if (strcmp(it->d_name, "..") == 0) {
            continue;
        }
        if (fchownat(dir, it->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
            sys = errno;
        } else if (it->d_type == DT_DIR && strcmp(it->d_name, ".") != 0) {
            int below = openat(dir, it->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            sys = below < 0 ? errno : give_to(below, uid, gid, depth - 1);
            if (below >= 0) {
                close(below);
            }
        }
    }
    if (d != NULL) {
        closedir(d);
    } else if (fd >= 0) {
        close(fd);
    }
    return sys;
}

static int give_tree(const char *dir, uid_t uid, gid_t gid, struct err *e)
{
    if (geteuid() != 0 || uid == geteuid()) {
        return 0;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int sys = fd < 0 ? errno : give_to(fd, uid, gid, DEPTH_MAX);
    if (fd >= 0) {
        close(fd);
    }
    return sys == 0 ? 0 : err_sys(e, E_IO, sys, "cannot give %s to user %u", dir, (unsigned)uid);
}

static bool is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    bool empty = true;
    for (struct dirent *it; d != NULL && empty && (it = readdir(d)) != NULL;) {
        empty = strcmp(it->d_name, ".") == 0 || strcmp(it->d_name, "..") == 0;
    }
    if (d != NULL) {
        closedir(d);
    }
    return empty;
}

static int check_daemon(const char *data_dir, struct err *e)
{
    char path[PATH_LEN + 64];
    (void)snprintf(path, sizeof(path), "%s/store/wabridge.lock", data_dir);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) {
        close(fd);
    }
    return held ? err_word(e, E_CONFLICT, "daemon_running",
                           "a daemon runs on %s: stop it first", data_dir)
                : 0;
}

/* The parent directory's name is synced too, so that the new name survives a power cut. */
static int sync_parent(const char *path, struct err *e)
{
    char parent[PATH_LEN + 128];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) != 0 ? err_sys(e, E_IO, errno, "cannot sync %s", parent) : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static void remove_tree(const char *path)
{
    char parent[PATH_LEN + 128];
    struct err ignored;
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    *slash = '\0';
    (void)session_profile_remove(parent, slash + 1, &ignored);
}

/* ---- restore ---------------------------------------------------------------------------------- */

static int put_in_place(const char *work, const char *dir, bool there, bool full, char **kept,
                        struct err *e)
{
    char aside[PATH_LEN + 64];
    (void)snprintf(aside, sizeof(aside), "%s.before-restore-%llu", dir,
                   (unsigned long long)clock_wall_ms());
    if (full && rename(dir, aside) != 0) {
        return err_sys(e, E_IO, errno, "cannot set %s aside", dir);
    }
    if (there && !full && rmdir(dir) != 0) {
        return err_sys(e, E_IO, errno, "cannot replace %s", dir);
    }
    if (rename(work, dir) != 0) {
        int sys = errno;
        if (full) {
            (void)rename(aside, dir);
        }
        return err_sys(e, E_IO, sys, "cannot put the restored directory to %s", dir);
    }
    *kept = full ? mem_strdup(aside) : NULL;
    return sync_parent(dir, e);
}

static int unpack_beside(const char *file, const struct offline_key *key, const char *work,
                         json_t **manifest, struct err *e)
{
    static const char *const allowed[] = {"store/master.key", "store/data.mdb", "admin.key",
                                          "wa-js.js",         "profiles/",      "media/",
                                          NULL};
    struct archive_reader r;
    int rc = open_archive(&r, file, key, "backup", e);
    if (rc == 0 && mkdir(work, 0700) != 0) {
        rc = err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot make %s", work);
    }
    rc = rc != 0 ? rc : archive_unpack(&r, work, allowed, e);
    rc = rc != 0 ? rc : give_manifest(&r, manifest, e);
    archive_close(&r);
    return rc;
}

int offline_restore(const char *file, const struct offline_key *key, const char *data_dir,
                    bool force, json_t **manifest, char **kept, struct err *e)
{
    char dir[PATH_LEN], work[PATH_LEN + 64];
    struct stat st;
    *manifest = NULL;
    *kept = NULL;
    size_t len = strlen(data_dir);
    while (len > 1 && data_dir[len - 1] == '/') {
        len--;
    }
    if (data_dir[0] != '/' || len < 2 || len > PATH_LEN - 256) {
        return err_set(e, E_INVALID, "the data directory must be an absolute path: %s", data_dir);
    }
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)len, data_dir);
    (void)snprintf(work, sizeof(work), "%s.restore-%llu", dir,
                   (unsigned long long)clock_wall_ms());
    bool there = stat(dir, &st) == 0;
    bool full = there && !is_empty(dir);
    if (full && !force) {
        return err_set(e, E_EXISTS,
                       "%s has something in it: choose another --data-dir, or --force to set what "
                       "is there aside",
                       dir);
    }
    int rc = check_daemon(dir, e);
    rc = rc != 0 ? rc : unpack_beside(file, key, work, manifest, e);
    if (rc == 0 && there) {
        rc = give_tree(work, st.st_uid, st.st_gid, e);
    }
    rc = rc != 0 ? rc : put_in_place(work, dir, there, full, kept, e);
    if (rc != 0) {
        remove_tree(work);
        json_decref(*manifest);
        *manifest = NULL;
    }
    return rc;
}

/* ---- one session ------------------------------------------------------------------------------ */

void offline_forget(const char *data_dir, const char *folder)
{
    char path[PATH_LEN];
    if (folder[0] != '\0' &&
        snprintf(path, sizeof(path), "%s/import/%s", data_dir, folder) < (int)sizeof(path)) {
        remove_tree(path);
    }
}

int offline_unpack_session(const char *file, const struct offline_key *key, const char *data_dir,
                           char folder[OFFLINE_FOLDER_LEN], json_t **manifest, struct err *e)
{
    static const char *const allowed[] = {"rows", "profile/", "media/", NULL};
    char path[PATH_LEN];
    struct archive_reader r;
    struct stat st;
    *manifest = NULL;
    folder[0] = '\0';
    if (strlen(data_dir) > PATH_LEN - 256 || stat(data_dir, &st) != 0) {
        return err_set(e, E_INVALID, "there is no data directory %.200s", data_dir);
    }
    int rc = open_archive(&r, file, key, "session", e);
    (void)snprintf(path, sizeof(path), "%s/import", data_dir);
    if (rc == 0 && mkdir(path, 0700) != 0 && errno != EEXIST) {
        rc = err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot make %s", path);
    }
    if (rc == 0) {
        crypto_ulid(clock_wall_ms(), folder);
        (void)snprintf(path, sizeof(path), "%s/import/%s", data_dir, folder);
        rc = mkdir(path, 0700) == 0
                 ? 0
                 : err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot make %s", path);
    }
    rc = rc != 0 ? rc : archive_unpack(&r, path, allowed, e);
    (void)snprintf(path, sizeof(path), "%s/import", data_dir);
    rc = rc != 0 ? rc : give_tree(path, st.st_uid, st.st_gid, e);
    rc = rc != 0 ? rc : give_manifest(&r, manifest, e);
    archive_close(&r);
    if (rc != 0) {
        offline_forget(data_dir, folder);
    }
    return rc;
}

/* ---- a backup without a daemon ---------------------------------------------------------------- */

static void on_store_closed(void *arg)
{
    (void)arg;
}

int offline_backup(const struct offline_backup *o, struct err *e)
{
    char dir[PATH_LEN];
    uv_loop_t loop;
    struct archive_order order = {.data_dir = o->data_dir, .media = o->media, .fd = o->fd};
    struct stat st;
    (void)snprintf(dir, sizeof(dir), "%s/store/data.mdb", o->data_dir);
    if (strlen(o->data_dir) > PATH_LEN - 256 || stat(dir, &st) != 0) {
        return err_set(e, E_NOTFOUND, "there is no store in %.200s", o->data_dir);
    }
    (void)snprintf(dir, sizeof(dir), "%s/store", o->data_dir);
    if (uv_loop_init(&loop) != 0) {
        return err_set(e, E_LIMIT, "the system gives no event loop");
    }
    struct store_options so = {.dir = dir,
                               .map_size = o->map_size,
                               .loop = &loop,
                               .key_file = o->key.master_key_file,
                               .master_key = o->key.master_key,
                               .key_from = o->key_from};
    int rc = store_open(&so, &order.store, e);
    if (rc == 0) {
        if (o->passphrase != NULL) {
            order.secret = (struct vault_secret){.kind = VAULT_PASSPHRASE,
                                                 .phrase = o->passphrase,
                                                 .phrase_len = strlen(o->passphrase)};
        } else {
            order.secret.kind = VAULT_KEY;
            store_vault_key(order.store, order.secret.key);
        }
        rc = archive_write(&order, e);
        crypto_wipe(order.secret.key, sizeof(order.secret.key));
        store_close(order.store, on_store_closed, NULL);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return rc;
}
