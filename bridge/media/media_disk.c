/*
 * What touches the disk. A file is written under tmp/, synced, and only then renamed to its place,
 * whose folder is synced too: a crash leaves a whole file or a temporary one, which the next start
 * removes.
 */
#include "media_priv.h"

#include "clock.h"
#include "log.h"
#include "media_sniff.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP "tmp"
#define GONE ".gone-" /* a tenant's folder that is being erased */

static int failed(struct err *e, int sys, const char *what)
{
    if (sys == ENOSPC || sys == EDQUOT) {
        return err_word(e, E_FULL, "storage_full",
                        "the disk of the media folder is full; free space and try again");
    }
    return err_sys(e, E_IO, sys, "%s", what);
}

static int sync_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        int sys = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return failed(e, sys, "the media folder could not be synced");
    }
    (void)close(fd);
    return 0;
}

/* Makes <parent>/<name>; when it is new, the parent is synced. */
static int make_folder(const char *parent, const char *name, char **out, struct err *e)
{
    char *path = mem_printf("%s/%s", parent, name);
    if (path == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = 0;
    if (mkdir(path, 0700) == 0) {
        rc = sync_folder(parent, e);
    } else if (errno != EEXIST) {
        rc = failed(e, errno, "a folder for media could not be made");
    }
    if (rc != 0) {
        free(path);
        return rc;
    }
    *out = path;
    return 0;
}

int disk_open(const char *root, const char *tenant, char **path, int *fd, struct err *e)
{
    char *home = NULL, *tmp = NULL;
    char name[CRYPTO_ULID_LEN];
    int rc = make_folder(root, tenant, &home, e);
    rc = rc != 0 ? rc : make_folder(home, TMP, &tmp, e);
    free(home);
    if (rc != 0) {
        return rc;
    }
    crypto_ulid(clock_wall_ms(), name);
    *path = mem_printf("%s/%s", tmp, name);
    free(tmp);
    if (*path == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    *fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0) {
        rc = failed(e, errno, "a temporary file for media could not be made");
        free(*path);
        *path = NULL;
    }
    return rc;
}

int disk_write(int fd, const void *data, size_t len, struct err *e)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno != EINTR) {
            return failed(e, errno, "a file could not be written");
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static size_t read_at(void *arg, uint64_t off, void *out, size_t len)
{
    const int *fd = arg;
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(*fd, (char *)out + got, len - got, (off_t)(off + got));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    return got;
}

int disk_seal(int fd, const char *declared, struct media_info *info, struct err *e)
{
    struct stat st;
    struct sniffed s;
    if (fstat(fd, &st) != 0 || fsync(fd) != 0) {
        return failed(e, errno, "a file could not be synced");
    }
    info->size_bytes = (uint64_t)st.st_size;
    sniff_file(&(struct sniff_reader){.read = read_at, .arg = &fd, .size = info->size_bytes}, &s);
    sniff_settle(&s, declared, info->mimetype);
    info->width = s.width;
    info->height = s.height;
    info->duration_s = s.duration_s;
    return 0;
}

int disk_place(const char *root, const char *tenant, const char *path,
               const struct media_info *info, struct err *e)
{
    char *home = NULL, *folder = NULL, *place = NULL;
    char name[3] = {info->sha256[0], info->sha256[1], '\0'};
    struct stat st;
    int rc = make_folder(root, tenant, &home, e);
    rc = rc != 0 ? rc : make_folder(home, name, &folder, e);
    place = rc == 0 ? mem_printf("%s/%s", folder, info->sha256) : NULL;
    if (rc == 0 && place == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (rc == 0 && stat(place, &st) == 0 && (uint64_t)st.st_size == info->size_bytes) {
        (void)unlink(path); /* the same content is there */
    } else if (rc == 0 && rename(path, place) != 0) {
        rc = failed(e, errno, "a file could not be put into the media folder");
    }
    rc = rc != 0 ? rc : sync_folder(folder, e);
    free(home);
    free(folder);
    free(place);
    return rc;
}

int disk_remove(const char *root, const char *tenant, const char *sha256, struct err *e)
{
    char *path = mem_printf("%s/%s/%.2s/%s", root, tenant, sha256, sha256);
    if (path == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR
                 ? 0
                 : failed(e, errno, "a file could not be removed from the media folder");
    free(path);
    return rc;
}

/* ---- leftovers ---------------------------------------------------------------------------------
 */

/* What is in a folder goes, two levels deep and no deeper: that is all we ever make. */
static void empty(const char *path, unsigned depth)
{
    DIR *d = opendir(path);
    struct dirent *it = NULL;
    while (d != NULL && (it = readdir(d)) != NULL) {
        if (strcmp(it->d_name, ".") == 0 || strcmp(it->d_name, "..") == 0) {
            continue;
        }
        if (unlinkat(dirfd(d), it->d_name, 0) == 0 || depth == 0) {
            continue;
        }
        char *inner = mem_printf("%s/%s", path, it->d_name);
        if (inner != NULL) {
            empty(inner, depth - 1);
            (void)rmdir(inner);
        }
        free(inner);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
}

static void clean(const char *root, bool temporary)
{
    DIR *d = opendir(root);
    struct dirent *it = NULL;
    while (d != NULL && (it = readdir(d)) != NULL) {
        bool gone = strncmp(it->d_name, GONE, strlen(GONE)) == 0;
        if (!gone && (it->d_name[0] == '.' || !temporary)) {
            continue;
        }
        char *path = mem_printf(gone ? "%s/%s" : "%s/%s/" TMP, root, it->d_name);
        if (path == NULL) {
            break;
        }
        empty(path, gone ? 1 : 0);
        if (gone) {
            (void)rmdir(path);
        }
        free(path);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
}

void disk_clean(const char *root)
{
    clean(root, true);
}

void disk_empty_gone(const char *root)
{
    clean(root, false);
}

int disk_set_aside(const char *root, const char *tenant, char **gone, struct err *e)
{
    char ulid[CRYPTO_ULID_LEN];
    crypto_ulid(clock_wall_ms(), ulid);
    char *home = mem_printf("%s/%s", root, tenant);
    int rc = 0;
    *gone = mem_printf("%s/" GONE "%s", root, ulid);
    if (home == NULL || *gone == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    } else if (rename(home, *gone) != 0) {
        rc = errno == ENOENT ? E_NOTFOUND
                             : failed(e, errno, "the tenant's media could not be removed");
    }
    free(home);
    if (rc != 0) {
        free(*gone);
        *gone = NULL;
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

int disk_erase(const char *root, const char *tenant, struct err *e)
{
    char *gone = NULL;
    int rc = disk_set_aside(root, tenant, &gone, e);
    if (gone != NULL) {
        rc = sync_folder(root, e);
        empty(gone, 1);
        (void)rmdir(gone);
    }
    free(gone);
    return rc;
}

int disk_folders(const char *root, int (*fn)(void *arg, const char *name), void *arg)
{
    DIR *d = opendir(root);
    struct dirent *it = NULL;
    struct stat st;
    int rc = 0;
    while (rc == 0 && d != NULL && (it = readdir(d)) != NULL) {
        if (it->d_name[0] != '.' &&
            fstatat(dirfd(d), it->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
            rc = fn(arg, it->d_name);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return rc;
}

int disk_list(const char *root, const char *tenant, unsigned folder, uint64_t min_age_ms,
              int (*fn)(void *arg, const char *sha256), void *arg)
{
    char *path = mem_printf("%s/%s/%02x", root, tenant, folder);
    DIR *d = path != NULL ? opendir(path) : NULL;
    struct dirent *it = NULL;
    struct stat st;
    int rc = path != NULL ? 0 : E_NOMEM;
    uint64_t now = clock_wall_ms();
    while (rc == 0 && d != NULL && (it = readdir(d)) != NULL) {
        if (!media_id_valid(it->d_name) || fstatat(dirfd(d), it->d_name, &st, 0) != 0 ||
            (uint64_t)st.st_ctim.tv_sec * 1000 + min_age_ms > now) {
            continue;
        }
        rc = fn(arg, it->d_name);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    free(path);
    return rc;
}
