/*
 * The master key of a data directory and what is sealed with it. The key is made once: written to a
 * temporary name, synced, then linked to its own, so that no crash leaves half a key. The store
 * keeps a check value, so that a lost or exchanged key is told at start and not by the first
 * webhook that cannot be signed.
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

#define KEY_FILE "master.key"
#define KEY_FILE_NEW "master.key.new"

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
    return 0;
}

static int key_create(struct store *s, struct err *e)
{
    crypto_random(s->key, sizeof(s->key));
    (void)unlinkat(s->dir_fd, KEY_FILE_NEW, 0); /* of a start that died here; we hold the lock */
    int fd =
        openat(s->dir_fd, KEY_FILE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot create " KEY_FILE);
    }
    int sys = write_all(fd, s->key, sizeof(s->key));
    if (sys == 0 && fsync(fd) != 0) {
        sys = errno;
    }
    close(fd);
    if (sys == 0 && linkat(s->dir_fd, KEY_FILE_NEW, s->dir_fd, KEY_FILE, 0) != 0) {
        sys = errno;
    }
    (void)unlinkat(s->dir_fd, KEY_FILE_NEW, 0);
    if (sys == 0 && fsync(s->dir_fd) != 0) {
        sys = errno;
    }
    return sys == 0 ? 0 : err_sys(e, sys == ENOSPC ? E_FULL : E_IO, sys, "cannot write " KEY_FILE);
}

/* 0, E_NOTFOUND when there is none. */
static int key_load(struct store *s, struct err *e)
{
    struct stat st;
    int fd = openat(s->dir_fd, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? E_NOTFOUND : err_sys(e, E_IO, errno, "cannot read " KEY_FILE);
    }
    ssize_t n = read(fd, s->key, sizeof(s->key));
    int rc = 0;
    if (fstat(fd, &st) != 0 || n != (ssize_t)sizeof(s->key) || st.st_size != n) {
        rc = err_set(e, E_AUTH, KEY_FILE " is not a key of %zu bytes: put it back from a backup",
                     sizeof(s->key));
    } else if (st.st_uid != geteuid()) {
        rc = err_set(e, E_FORBIDDEN, KEY_FILE " belongs to another user (uid %u)",
                     (unsigned)st.st_uid);
    } else if ((st.st_mode & 077) != 0) {
        log_warn(NULL, "store.key_mode", KEY_FILE " was open to other users (mode %03o), closed",
                 (unsigned)(st.st_mode & 0777));
        rc = fchmod(fd, 0600) == 0 ? 0 : err_sys(e, E_IO, errno, "cannot chmod " KEY_FILE);
    }
    close(fd);
    return rc;
}

static int key_check_value(const struct store *s, uint8_t out[CRYPTO_SHA256_LEN])
{
    static const char text[] = "wabridge master key check";
    return crypto_hmac_sha256(s->key, sizeof(s->key), text, sizeof(text) - 1, out);
}

int secrets_open(struct store *s, struct store_txn *t, bool new_key, struct err *e)
{
    MDB_val v;
    uint8_t check[CRYPTO_SHA256_LEN];
    int known = txn_sys_get(t, "key_check", &v);
    if (known != 0 && known != E_NOTFOUND) {
        return err_set(e, known, "cannot read the store");
    }
    int rc = key_load(s, e);
    if (rc == E_NOTFOUND && known == 0 && !new_key) {
        return err_set(e, E_AUTH,
                       KEY_FILE " is missing, but this store has secrets sealed with it: put it "
                                "back from a backup, or ask for a new key and set them again");
    }
    if (rc == E_NOTFOUND) {
        rc = key_create(s, e);
    }
    if (rc == 0 && key_check_value(s, check) != 0) {
        rc = err_set(e, E_INTERNAL, "HMAC failed");
    }
    if (rc != 0) {
        return rc;
    }
    if (known == 0 && v.mv_size == sizeof(check) && crypto_equal(v.mv_data, check, sizeof(check))) {
        return 0;
    }
    if (known == 0 && !new_key) {
        return err_set(e, E_AUTH,
                       KEY_FILE " is not the key this store was made with: put it back from a "
                                "backup, or ask for a new key and set the secrets again");
    }
    rc = txn_sys_put(t, "key_check", check, sizeof(check));
    return rc == 0 ? 0 : err_set(e, rc, "cannot write the store");
}

int store_seal(struct store *s, const char *place, const void *secret, size_t len, char **out,
               struct err *e)
{
    *out = NULL;
    if (len > STORE_MAX_VALUE) {
        return err_set(e, E_TOOLARGE, "a secret of %zu bytes is too large", len);
    }
    size_t size = len + CRYPTO_SEAL_OVERHEAD;
    uint8_t *sealed = mem_calloc(1, size);
    char *text = mem_calloc(1, CRYPTO_BASE64_LEN(size));
    int rc = sealed == NULL || text == NULL ? err_set(e, E_NOMEM, "out of memory")
                                            : crypto_seal(s->key, secret, len, place, sealed, e);
    if (rc == 0) {
        crypto_base64(sealed, size, text);
        *out = text;
        text = NULL;
    }
    free(sealed);
    free(text);
    return rc;
}

int store_unseal(struct store *s, const char *place, const char *sealed, char **secret, size_t *len,
                 struct err *e)
{
    *secret = NULL;
    size_t text_len = strlen(sealed);
    size_t size = 0;
    uint8_t *bytes = mem_calloc(1, text_len / 4 * 3 + 1);
    if (bytes == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = crypto_base64_decode(sealed, text_len, bytes, &size);
    if (rc != 0 || size < CRYPTO_SEAL_OVERHEAD) {
        free(bytes);
        return err_set(e, E_AUTH, "not a sealed secret");
    }
    size_t plain_len = size - CRYPTO_SEAL_OVERHEAD;
    char *plain = mem_calloc(1, plain_len + 1); /* and a NUL */
    rc = plain == NULL ? err_set(e, E_NOMEM, "out of memory")
                       : crypto_open(s->key, bytes, size, place, (uint8_t *)plain, e);
    free(bytes);
    if (rc != 0) {
        mem_wipe_free(plain, plain_len);
        return rc;
    }
    *secret = plain;
    *len = plain_len;
    return 0;
}
