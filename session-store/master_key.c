/*
 * Files that hold a master key. One is made under a temporary name, synced, then linked to its own,
 * so that no crash leaves half a key. Blocking: at start and in offline commands only.
 */
#include "store_priv.h"

#include "log.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 128 /* bytes of a file with base64 in it */

static int write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int failed(struct err *e, int sys, const char *what, const char *name)
{
    int code = sys == ENOSPC || sys == EDQUOT ? E_FULL
               : sys == EEXIST                ? E_EXISTS
               : sys == ENOENT                ? E_NOTFOUND
               : sys == EACCES || sys == EPERM ? E_FORBIDDEN
                                               : E_IO;
    return err_sys(e, code, sys, "cannot %s the master key %s", what, name);
}

/* The directory that holds the name, so that it can be synced. */
static int sync_dir_of(int dir_fd, const char *name)
{
    const char *slash = strrchr(name, '/');
    if (slash == NULL && dir_fd != AT_FDCWD) {
        return fsync(dir_fd) == 0 ? 0 : errno;
    }
    char *dir = slash == NULL ? mem_strdup(".")
                              : mem_strndup(name, slash == name ? 1 : (size_t)(slash - name));
    int fd = dir != NULL ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int sys = dir == NULL ? ENOMEM : fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    free(dir);
    return sys;
}

int key_file_make(int dir_fd, const char *name, uint8_t key[CRYPTO_KEY_LEN], struct err *e)
{
    char *tmp = mem_printf("%s.new", name);
    if (tmp == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    crypto_random(key, CRYPTO_KEY_LEN);
    (void)unlinkat(dir_fd, tmp, 0); /* of a start that died here */
    int fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int sys = fd < 0 ? errno : write_all(fd, key, CRYPTO_KEY_LEN);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (sys == 0 && linkat(dir_fd, tmp, dir_fd, name, 0) != 0) {
        sys = errno;
    }
    if (fd >= 0) {
        (void)unlinkat(dir_fd, tmp, 0);
    }
    sys = sys != 0 ? sys : sync_dir_of(dir_fd, name);
    free(tmp);
    return sys == 0 ? 0 : failed(e, sys, "write", name);
}

/* 32 bytes as they are, or their base64 and white space behind it. */
static int parse(const uint8_t *p, size_t len, uint8_t key[CRYPTO_KEY_LEN])
{
    uint8_t bytes[TEXT_MAX];
    size_t size = 0;
    if (len == CRYPTO_KEY_LEN) {
        memcpy(key, p, len);
        return 0;
    }
    while (len > 0 && strchr(" \t\r\n", p[len - 1]) != NULL && p[len - 1] != '\0') {
        len--;
    }
    int rc = crypto_base64_decode((const char *)p, len, bytes, &size);
    if (rc == 0 && size == CRYPTO_KEY_LEN) {
        memcpy(key, bytes, size);
    }
    crypto_wipe(bytes, sizeof(bytes));
    return rc == 0 && size == CRYPTO_KEY_LEN ? 0 : E_INVALID;
}

int key_file_load(int dir_fd, const char *name, uint8_t key[CRYPTO_KEY_LEN], struct err *e)
{
    struct stat st;
    uint8_t text[TEXT_MAX];
    /* in our own directory a link is somebody's trick; elsewhere it is how secrets are mounted */
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | (dir_fd == AT_FDCWD ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        return failed(e, errno, "read", name);
    }
    ssize_t n = read(fd, text, sizeof(text));
    int rc = 0;
    if (n < 0 || fstat(fd, &st) != 0) {
        rc = failed(e, errno, "read", name);
    } else if (st.st_size != n || parse(text, (size_t)n, key) != 0) {
        rc = err_set(e, E_INVALID,
                     "%s is not a master key (%d bytes, or their base64): put it back from a backup",
                     name, CRYPTO_KEY_LEN);
    } else if ((st.st_mode & 007) != 0) {
        rc = err_set(e, E_FORBIDDEN,
                     "the master key %s is open to every user (mode %03o): chmod 600 it", name,
                     (unsigned)(st.st_mode & 0777));
    }
    crypto_wipe(text, sizeof(text));
    (void)close(fd);
    return rc;
}

int store_key_file_read(const char *path, unsigned char key[STORE_KEY_LEN], struct err *e)
{
    return key_file_load(AT_FDCWD, path, key, e);
}

int store_key_file_create(const char *path, unsigned char key[STORE_KEY_LEN], struct err *e)
{
    return key_file_make(AT_FDCWD, path, key, e);
}

int store_key_file_replace(const char *path, const char *old_id, struct err *e)
{
    char *next = mem_printf("%s.next", path);
    char *old = mem_printf("%s.old-%s", path, old_id);
    int sys = next == NULL || old == NULL ? ENOMEM : 0;
    if (sys == 0 && rename(path, old) != 0 && errno != ENOENT) {
        sys = errno;
    }
    if (sys == 0 && rename(next, path) != 0) {
        sys = errno;
    }
    sys = sys != 0 ? sys : sync_dir_of(AT_FDCWD, path);
    free(next);
    free(old);
    return sys == 0 ? 0 : failed(e, sys, "replace", path);
}
