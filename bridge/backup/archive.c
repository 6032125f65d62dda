/* What goes into a backup and in which order: see archive.h. */
#include "archive.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "profile_files.h"
#include "rows.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 4096

/* ---- the store, through a pipe ---------------------------------------------------------------- */

struct copying {
    struct store *store;
    int fd, rc;
    struct err err;
};

static void *copy_store(void *arg)
{
    struct copying *c = arg;
    c->rc = store_copy(c->store, c->fd, &c->err);
    close(c->fd);
    return NULL;
}

/* LMDB writes to a descriptor and blocks: a thread for it, a pipe to us. */
static int pack_store(struct pack_writer *p, struct store *store, struct err *e)
{
    int ends[2];
    pthread_t thread;
    struct copying c = {.store = store};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_sys(e, E_IO, errno, "cannot make a pipe for the backup");
    }
    c.fd = ends[1];
    int sys = pthread_create(&thread, NULL, copy_store, &c);
    if (sys != 0) {
        close(ends[0]);
        close(ends[1]);
        return err_sys(e, E_LIMIT, sys, "cannot start a thread for the backup");
    }
    int rc = pack_fd(p, "store/data.mdb", ends[0], UINT64_MAX, e);
    close(ends[0]);
    pthread_join(thread, NULL);
    if (rc == 0 && c.rc != 0) {
        err_copy(e, &c.err);
        rc = c.rc;
    }
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------ */

static int pack_path(struct pack_writer *p, const char *path, const char *name, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        /* gone since it was listed, or never there */
        return errno == ENOENT ? 0 : err_sys(e, E_IO, errno, "cannot open %s", path);
    }
    int rc = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        rc = err_set(e, E_IO, "%s is no regular file", path);
    }
    rc = rc != 0 ? rc : pack_fd(p, name, fd, (uint64_t)st.st_size, e);
    close(fd);
    return rc;
}

typedef int (*entry_fn)(struct pack_writer *p, const char *path, const char *name, struct err *e);

/* fn for each entry of dir/ whose name passes; a directory that is not there has none. */
static int each_entry(struct pack_writer *p, const char *dir, const char *as,
                      bool (*passes)(const char *name), entry_fn fn, struct err *e)
{
    DIR *d = opendir(dir);
    if (d == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : err_sys(e, E_IO, errno, "cannot read %s", dir);
    }
    int rc = 0;
    for (struct dirent *it; rc == 0 && (it = readdir(d)) != NULL;) {
        if (!passes(it->d_name)) {
            continue;
        }
        char *path = mem_printf("%s/%s", dir, it->d_name);
        char *name = mem_printf("%s/%s", as, it->d_name);
        rc = path == NULL || name == NULL ? err_set(e, E_NOMEM, "out of memory")
                                          : fn(p, path, name, e);
        free(path);
        free(name);
    }
    closedir(d);
    return rc;
}

static bool is_hash(const char *name)
{
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool is_hash_start(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

static int media_of_start(struct pack_writer *p, const char *path, const char *name, struct err *e)
{
    return each_entry(p, path, name, is_hash, pack_path, e);
}

static int media_of_tenant(struct pack_writer *p, const char *path, const char *name,
                           struct err *e)
{
    return each_entry(p, path, name, is_hash_start, media_of_start, e);
}

static int profile_of(struct pack_writer *p, const char *path, const char *name, struct err *e)
{
    return profile_pack(p, path, name, e);
}

static int profiles_of_tenant(struct pack_writer *p, const char *path, const char *name,
                              struct err *e)
{
    /* what was set aside has a dot in its name */
    return each_entry(p, path, name, text_is_name, profile_of, e);
}

static int pack_manifest(struct pack_writer *p, const struct archive_order *o, struct err *e)
{
    json_t *m = json_pack("{s:i,s:s,s:s,s:b}", "format", PACK_FORMAT, "kind",
                          o->session != NULL ? "session" : "backup", "version", WABRIDGE_VERSION,
                          "media", (int)o->media);
    int rc = json_set_time(m, "created_at", clock_wall_ms());
    if (o->session != NULL) {
        rc = rc != 0 ? rc : json_set_str(m, "tenant", o->tenant);
        rc = rc != 0 ? rc : json_set_str(m, "session", o->session);
    }
    size_t len = 0;
    char *text = rc == 0 ? json_text(m, &len) : NULL;
    json_decref(m);
    rc = text == NULL ? err_set(e, E_NOMEM, "out of memory")
                      : pack_text(p, "manifest.json", text, len, e);
    free(text);
    return rc;
}

static int pack_everything(struct pack_writer *p, const struct archive_order *o, struct err *e)
{
    static const char *const single[] = {"store/master.key", "admin.key", "wa-js.js"};
    char path[PATH_LEN];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(single) / sizeof(single[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", o->data_dir, single[i]);
        rc = pack_path(p, path, single[i], e);
    }
    rc = rc != 0 ? rc : pack_store(p, o->store, e);
    (void)snprintf(path, sizeof(path), "%s/profiles", o->data_dir);
    rc = rc != 0 ? rc : each_entry(p, path, "profiles", text_is_name, profiles_of_tenant, e);
    (void)snprintf(path, sizeof(path), "%s/media", o->data_dir);
    return rc != 0    ? rc
           : o->media ? each_entry(p, path, "media", text_is_name, media_of_tenant, e)
                      : 0;
}

/* ---- one session ------------------------------------------------------------------------------ */

struct session_pack {
    struct pack_writer *p;
    const struct archive_order *o;
    struct err *e;
};

static int on_media(void *arg, const char *sha256)
{
    const struct session_pack *x = arg;
    char path[PATH_LEN], name[80];
    (void)snprintf(path, sizeof(path), "%s/media/%s/%.2s/%s", x->o->data_dir, x->o->tenant, sha256,
                   sha256);
    (void)snprintf(name, sizeof(name), "media/%s", sha256);
    return pack_path(x->p, path, name, x->e);
}

static int pack_session(struct pack_writer *p, const struct archive_order *o, struct err *e)
{
    char path[PATH_LEN];
    struct session_pack x = {.p = p, .o = o, .e = e};
    int rc = rows_pack(p, o->store, o->tenant, o->session, o->media ? on_media : NULL, &x, e);
    (void)snprintf(path, sizeof(path), "%s/profiles/%s/%s", o->data_dir, o->tenant, o->session);
    return rc != 0 ? rc : profile_pack(p, path, "profile", e);
}

int archive_write(const struct archive_order *o, struct err *e)
{
    struct vault_writer *vault = NULL;
    struct pack_writer *p = NULL;
    err_clear(e);
    if (strlen(o->data_dir) > PATH_LEN - 512) {
        return err_set(e, E_INVALID, "the data directory's path is too long");
    }
    int rc = vault_create(o->fd, &o->secret, &vault, e);
    rc = rc != 0 ? rc : pack_create(vault, &p, e);
    rc = rc != 0 ? rc : pack_manifest(p, o, e);
    if (rc == 0) {
        rc = o->session != NULL ? pack_session(p, o, e) : pack_everything(p, o, e);
    }
    rc = rc != 0 ? rc : pack_end(p, e);
    pack_writer_free(p);
    vault_writer_free(vault);
    return rc;
}
