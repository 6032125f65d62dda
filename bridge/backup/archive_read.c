/*
 * Reading an archive. Nothing of it is believed: names are checked (no "..", no absolute path), a
 * file is made new below a directory that was just made (so there is no link to follow), and its
 * bytes are only those that the vault has authenticated. It cannot grow while it is unpacked: its
 * content is not compressed.
 */
#include "archive.h"

#include "json.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX 65536

static int read_manifest(struct archive_reader *r, const char *kind, struct err *e)
{
    char name[PACK_NAME_MAX + 1];
    char *text = mem_malloc(MANIFEST_MAX);
    size_t len = 0, got = 1;
    int rc = text == NULL ? err_set(e, E_NOMEM, "out of memory") : pack_next(r->pack, name, e);
    if (rc == 0 && strcmp(name, "manifest.json") != 0) {
        rc = err_word(e, E_PROTO, "damaged_backup", "the backup has no manifest");
    }
    while (rc == 0 && got > 0 && len < MANIFEST_MAX) {
        rc = pack_read(r->pack, text + len, MANIFEST_MAX - len, &got, e);
        len += got;
    }
    if (rc == 0) {
        r->manifest = json_parse(text, len, MANIFEST_MAX, e);
        rc = r->manifest == NULL ? E_PROTO : 0;
    }
    free(text);
    if (rc == 0 && json_int(r->manifest, "format", 0) != PACK_FORMAT) {
        rc = err_set(e, E_UNSUPPORTED, "the backup was written by another version (%s) in a form "
                                       "that this one does not know",
                     json_str_or(r->manifest, "version", "?"));
    }
    const char *is = json_str_or(r->manifest, "kind", "");
    if (rc == 0 && kind != NULL && strcmp(kind, is) != 0) {
        rc = err_set(e, E_INVALID, strcmp(is, "session") == 0
                                       ? "this file holds one session: use import-session"
                                       : "this file holds a whole backup: use restore");
    }
    return rc;
}

int archive_open(struct archive_reader *r, const char *file, const struct archive_key *key,
                 const char *kind, struct err *e)
{
    enum vault_kind wants;
    struct vault_secret secret = {0};
    memset(r, 0, sizeof(*r));
    r->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        return err_sys(e, errno == ENOENT ? E_NOTFOUND : E_IO, errno, "cannot open %s", file);
    }
    int rc = vault_open(r->fd, &wants, &r->vault, e);
    rc = rc != 0 ? rc : key->find(key->arg, wants, &secret, e);
    rc = rc != 0 ? rc : vault_unlock(r->vault, &secret, e);
    crypto_wipe(secret.key, sizeof(secret.key));
    rc = rc != 0 ? rc : pack_open(r->vault, &r->pack, e);
    return rc != 0 ? rc : read_manifest(r, kind, e);
}

void archive_close(struct archive_reader *r)
{
    pack_reader_free(r->pack);
    vault_reader_free(r->vault);
    json_decref(r->manifest);
    if (r->fd >= 0) {
        close(r->fd);
    }
    memset(r, 0, sizeof(*r));
    r->fd = -1;
}

int archive_verify(struct archive_reader *r, struct err *e)
{
    char name[PACK_NAME_MAX + 1];
    int rc;
    do {
        rc = pack_next(r->pack, name, e);
    } while (rc == 0 && name[0] != '\0');
    return rc;
}

/* ---- unpacking -------------------------------------------------------------------------------- */

static int failed(struct err *e, int sys, const char *what, const char *path)
{
    bool full = sys == ENOSPC || sys == EDQUOT;
    return err_sys(e, full ? E_FULL : E_IO, sys, "cannot %s %s", what, path);
}

/* Each directory above the file. */
static int make_parents(char *path, size_t base, struct err *e)
{
    int rc = 0;
    for (char *slash = strchr(path + base + 1, '/'); rc == 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            rc = failed(e, errno, "make", path);
        }
        *slash = '/';
    }
    return rc;
}

static int write_file(struct archive_reader *r, const char *path, char *piece, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(e, errno, "make", path);
    }
    size_t got = 1;
    int rc = 0;
    while (rc == 0 && got > 0) {
        rc = pack_read(r->pack, piece, PACK_PIECE, &got, e);
        for (size_t at = 0; rc == 0 && at < got;) {
            ssize_t n = write(fd, piece + at, got - at);
            if (n < 0 && errno != EINTR) {
                rc = failed(e, errno, "write", path);
            }
            at += n > 0 ? (size_t)n : 0;
        }
    }
    if (rc == 0 && fsync(fd) != 0) {
        rc = failed(e, errno, "sync", path);
    }
    if (close(fd) != 0 && rc == 0) {
        rc = failed(e, errno, "close", path);
    }
    return rc;
}

static bool is_allowed(const char *name, const char *const *allowed)
{
    for (size_t i = 0; allowed[i] != NULL; i++) {
        size_t len = strlen(allowed[i]);
        bool folder = len > 0 && allowed[i][len - 1] == '/';
        if (folder ? strncmp(name, allowed[i], len) == 0 : strcmp(name, allowed[i]) == 0) {
            return true;
        }
    }
    return false;
}

int archive_unpack(struct archive_reader *r, const char *dir, const char *const *allowed,
                   struct err *e)
{
    char name[PACK_NAME_MAX + 1];
    char *piece = mem_malloc(PACK_PIECE);
    int rc = piece == NULL ? err_set(e, E_NOMEM, "out of memory") : 0;
    while (rc == 0 && (rc = pack_next(r->pack, name, e)) == 0 && name[0] != '\0') {
        if (!is_allowed(name, allowed)) {
            rc = err_word(e, E_PROTO, "damaged_backup", "the backup names a file that has no place: "
                                                        "%.100s",
                          name);
            break;
        }
        char *path = mem_printf("%s/%s", dir, name);
        rc = path == NULL ? err_set(e, E_NOMEM, "out of memory")
                          : make_parents(path, strlen(dir), e);
        rc = rc != 0 ? rc : write_file(r, path, piece, e);
        free(path);
    }
    free(piece);
    return rc;
}
