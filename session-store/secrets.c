/*
 * What is sealed with the master key, and which key that is.
 *
 * The store keeps a check value and the id of its key, so that a lost or exchanged key is told at
 * start and not by the first webhook that cannot be signed. A sealed text names its key:
 * "v1:<id>:<base64 of nonce, text, tag>"; one without a name is of the time before and was sealed
 * with the key of then.
 *
 * Which key a start uses: the one it was given; else the file it was told; else <dir>/master.key,
 * which is made with a new store. A rotation that was cut off between its commit and its last rename
 * has left the new key in <file>.next: that one is taken, and put in its place, when it fits and
 * <file> does not.
 */
#include "store_priv.h"

#include "log.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "master.key"
#define VERSION "v1:"
#define HEAD_LEN (sizeof(VERSION) - 1 + STORE_KEY_ID) /* with the second colon */

/* ---- which key ------------------------------------------------------------------------------- */

static int key_check_value(const uint8_t key[CRYPTO_KEY_LEN], uint8_t out[CRYPTO_SHA256_LEN])
{
    static const char text[] = "wabridge master key check";
    return crypto_hmac_sha256(key, CRYPTO_KEY_LEN, text, sizeof(text) - 1, out);
}

void store_key_id(const unsigned char key[STORE_KEY_LEN], char out[STORE_KEY_ID])
{
    static const char text[] = "wabridge master key id";
    uint8_t mac[CRYPTO_SHA256_LEN] = {0};
    (void)crypto_hmac_sha256(key, STORE_KEY_LEN, text, sizeof(text) - 1, mac);
    crypto_hex(mac, (STORE_KEY_ID - 1) / 2, out);
}

int store_key_fits(struct store_txn *t, const unsigned char key[STORE_KEY_LEN], bool *fits)
{
    MDB_val v;
    uint8_t check[CRYPTO_SHA256_LEN];
    int rc = txn_sys_get(t, "key_check", &v);
    rc = rc != 0 ? rc : key_check_value(key, check);
    *fits = rc == 0 && v.mv_size == sizeof(check) && crypto_equal(v.mv_data, check, sizeof(check));
    return rc;
}

static int write_check(struct store_txn *t, const uint8_t key[CRYPTO_KEY_LEN])
{
    uint8_t check[CRYPTO_SHA256_LEN];
    char id[STORE_KEY_ID];
    store_key_id(key, id);
    int rc = key_check_value(key, check);
    rc = rc != 0 ? rc : txn_sys_put(t, "key_check", check, sizeof(check));
    return rc != 0 ? rc : txn_sys_put(t, "key_id", id, sizeof(id) - 1);
}

/* Puts the old key aside (old; NULL: that was done already), for backups made before need it. */
static int put_aside(int dir_fd, const char *name, const uint8_t *old)
{
    char id[STORE_KEY_ID];
    if (old == NULL) {
        return 0;
    }
    store_key_id(old, id);
    char *aside = mem_printf("%s.old-%s", name, id);
    int sys = aside == NULL                                ? ENOMEM
              : renameat(dir_fd, name, dir_fd, aside) != 0 ? errno
                                                           : 0;
    free(aside);
    return sys;
}

/* The rotation's last steps, which a crash kept from being done. Where the daemon may not write, the
 * key is used from where it is. */
static void finish_rotation(int dir_fd, const char *name, const char *next, const uint8_t *old)
{
    int sys = put_aside(dir_fd, name, old);
    if (sys == 0 && renameat(dir_fd, next, dir_fd, name) != 0) {
        sys = errno;
    }
    if (sys != 0) {
        log_warn(NULL, "store.key_beside",
                 "the master key is in %s, since a rotation was cut off: rename it to %s (%s)", next,
                 name, strerror(sys));
        return;
    }
    log_info(NULL, "store.key_rotated", "%s holds the new master key now: a rotation was cut off",
             name);
}

/* The key of a file, or of the one a rotation left beside it. */
static int load_file(struct store *s, struct store_txn *t, int dir_fd, const char *name,
                     struct err *e)
{
    uint8_t key[CRYPTO_KEY_LEN];
    bool fits = false;
    int rc = key_file_load(dir_fd, name, s->key, e);
    if ((rc != 0 && rc != E_NOTFOUND) ||
        (rc == 0 && (store_key_fits(t, s->key, &fits) == E_NOTFOUND || fits))) {
        return rc;
    }
    char *next = mem_printf("%s.next", name);
    if (next == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    struct err why;
    if (key_file_load(dir_fd, next, key, &why) == 0 && store_key_fits(t, key, &fits) == 0 && fits) {
        finish_rotation(dir_fd, name, next, rc == 0 ? s->key : NULL);
        memcpy(s->key, key, sizeof(key));
        rc = 0;
        err_clear(e);
    }
    crypto_wipe(key, sizeof(key));
    free(next);
    return rc;
}

/* master.key was written with too wide a mode by hands, not by us. */
static int close_mode(struct store *s, struct err *e)
{
    struct stat st;
    if (fstatat(s->dir_fd, KEY_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
        return 0;
    }
    if (st.st_uid != geteuid()) {
        return err_set(e, E_FORBIDDEN, KEY_FILE " belongs to another user (uid %u)",
                       (unsigned)st.st_uid);
    }
    if ((st.st_mode & 077) == 0) {
        return 0;
    }
    log_warn(NULL, "store.key_mode", KEY_FILE " was open to other users (mode %03o), closed",
             (unsigned)(st.st_mode & 0777));
    return fchmodat(s->dir_fd, KEY_FILE, 0600, 0) == 0
               ? 0
               : err_sys(e, E_IO, errno, "cannot chmod " KEY_FILE);
}

static int own_file(struct store *s, struct store_txn *t, bool make, struct err *e)
{
    int rc = close_mode(s, e);
    rc = rc != 0 ? rc : load_file(s, t, s->dir_fd, KEY_FILE, e);
    if (rc == E_NOTFOUND && make) {
        return key_file_make(s->dir_fd, KEY_FILE, s->key, e);
    }
    if (rc == E_NOTFOUND) {
        return err_set(e, E_AUTH,
                       KEY_FILE " is missing, but this store has secrets sealed with it: put it "
                                "back from a backup, or name the file that it was moved to "
                                "([store] master_key_file)");
    }
    return rc == E_INVALID ? err_set(e, E_AUTH, KEY_FILE " is not a key of %d bytes: put it back "
                                                         "from a backup", CRYPTO_KEY_LEN)
                           : rc;
}

static int choose_key(struct store *s, struct store_txn *t, const struct store_options *o,
                      bool known, struct err *e)
{
    if ((o->master_key != NULL || o->key_file != NULL) &&
        faccessat(s->dir_fd, KEY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        log_warn(NULL, "store.key_left",
                 "the master key comes from elsewhere, but " KEY_FILE
                 " still lies beside the store: keep it with the backups and remove it here");
    }
    if (o->master_key != NULL) {
        memcpy(s->key, o->master_key, sizeof(s->key));
        return 0;
    }
    if (o->key_file == NULL) {
        return own_file(s, t, !known || o->new_key, e);
    }
    int rc = load_file(s, t, AT_FDCWD, o->key_file, e);
    if (rc == E_NOTFOUND) {
        rc = err_set(e, E_AUTH,
                     "there is no master key %s: make one with `wabridge master-key new`, or copy "
                     "the store's own there",
                     o->key_file);
    }
    return rc;
}

static int misfit(struct store *s, struct store_txn *t, const struct store_options *o,
                  struct err *e)
{
    MDB_val v;
    char of_store[STORE_KEY_ID] = "unknown";
    if (txn_sys_get(t, "key_id", &v) == 0 && v.mv_size == STORE_KEY_ID - 1) {
        memcpy(of_store, v.mv_data, v.mv_size);
        of_store[v.mv_size] = '\0';
    }
    return err_set(e, E_AUTH,
                   "the master key in %.80s (id %s) is not the key this store is sealed with (id "
                   "%s): give that one",
                   o->key_from != NULL ? o->key_from : o->key_file != NULL ? o->key_file : KEY_FILE,
                   s->key_id, of_store);
}

int secrets_open(struct store *s, struct store_txn *t, const struct store_options *o,
                 struct err *e)
{
    MDB_val v;
    bool fits = false;
    int known = txn_sys_get(t, "key_check", &v);
    if (known != 0 && known != E_NOTFOUND) {
        return err_set(e, known, "cannot read the store");
    }
    int rc = choose_key(s, t, o, known == 0, e);
    if (rc != 0) {
        return rc;
    }
    store_key_id(s->key, s->key_id);
    rc = known == 0 ? store_key_fits(t, s->key, &fits) : 0;
    if (rc != 0) {
        return err_set(e, E_INTERNAL, "the master key cannot be checked");
    }
    if (known == 0 && !fits && !o->new_key) {
        return misfit(s, t, o, e);
    }
    /* an older store does not know the id of its key yet */
    if (fits && txn_sys_get(t, "key_id", &v) == 0) {
        return 0;
    }
    rc = write_check(t, s->key);
    return rc == 0 ? 0 : err_set(e, rc, "cannot write the store");
}

/* ---- seal and unseal ------------------------------------------------------------------------- */

static int seal(const uint8_t key[CRYPTO_KEY_LEN], const char *id, const char *place,
                const void *secret, size_t len, char **out, struct err *e)
{
    *out = NULL;
    if (len > STORE_MAX_VALUE) {
        return err_set(e, E_TOOLARGE, "a secret of %zu bytes is too large", len);
    }
    size_t size = len + CRYPTO_SEAL_OVERHEAD;
    uint8_t *sealed = mem_calloc(1, size);
    char *text = mem_calloc(1, HEAD_LEN + CRYPTO_BASE64_LEN(size));
    int rc = sealed == NULL || text == NULL ? err_set(e, E_NOMEM, "out of memory")
                                            : crypto_seal(key, secret, len, place, sealed, e);
    if (rc == 0) {
        (void)snprintf(text, HEAD_LEN + 1, VERSION "%s:", id);
        crypto_base64(sealed, size, text + HEAD_LEN);
        *out = text;
        text = NULL;
    }
    free(sealed);
    free(text);
    return rc;
}

int store_seal(struct store *s, const char *place, const void *secret, size_t len, char **out,
               struct err *e)
{
    return seal(s->key, s->key_id, place, secret, len, out, e);
}

/* The key that a sealed text names, and where its base64 begins; NULL: not one of ours. */
static const uint8_t *key_of(const struct store *s, const char **sealed)
{
    if (strncmp(*sealed, VERSION, sizeof(VERSION) - 1) != 0) {
        return s->key; /* of the time before keys had names */
    }
    if (strlen(*sealed) < HEAD_LEN || (*sealed)[HEAD_LEN - 1] != ':') {
        return NULL;
    }
    const char *id = *sealed + sizeof(VERSION) - 1;
    *sealed += HEAD_LEN;
    if (strncmp(id, s->key_id, STORE_KEY_ID - 1) == 0) {
        return s->key;
    }
    return s->next_id[0] != '\0' && strncmp(id, s->next_id, STORE_KEY_ID - 1) == 0 ? s->next_key
                                                                                  : NULL;
}

int store_unseal(struct store *s, const char *place, const char *sealed, char **secret, size_t *len,
                 struct err *e)
{
    *secret = NULL;
    const uint8_t *key = key_of(s, &sealed);
    if (key == NULL) {
        return err_set(e, E_AUTH, "this secret was sealed with another master key: set it again");
    }
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
                       : crypto_open(key, bytes, size, place, (uint8_t *)plain, e);
    free(bytes);
    if (rc != 0) {
        mem_wipe_free(plain, plain_len);
        return rc;
    }
    *secret = plain;
    *len = plain_len;
    return 0;
}

/* ---- rotation -------------------------------------------------------------------------------- */

void store_rotate_begin(struct store *s, const unsigned char key[STORE_KEY_LEN])
{
    memcpy(s->next_key, key, sizeof(s->next_key));
    store_key_id(key, s->next_id);
}

int store_reseal(struct store_txn *t, const char *place, const char *sealed, char **out,
                 struct err *e)
{
    char *plain = NULL;
    size_t len = 0;
    int rc = store_unseal(t->s, place, sealed, &plain, &len, e);
    if (rc != 0) {
        return rc;
    }
    rc = seal(t->s->next_key, t->s->next_id, place, plain, len, out, e);
    mem_wipe_free(plain, len);
    return rc;
}

int store_rotate_commit(struct store_txn *t)
{
    return t->s->next_id[0] != '\0' ? write_check(t, t->s->next_key) : E_STATE;
}
